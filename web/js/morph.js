// Makes live nodes equal to parsed ones and keeps what is alive in them: focus,
// caret, typing, scroll. A module of the client for pages that are updated.

export default (it) => {
  const { attr } = it;
  // A form shows its inputs as its own properties: one with the id "attributes"
  // hides form.attributes. The prototype does not lie.
  const list = (el, name) => [...Reflect.get(Element.prototype, name, el)];

  it.morph = (a, b) => {
    if (a.nodeName != b.nodeName) return a.replaceWith(b);
    // The user's and the application's own: whether details and dialogs are open, and what is marked.
    if (/^D(ETAILS|IALOG)/.test(a.nodeName)) b.open = a.open;
    if (a.isEqualNode(b) || attr(a, "data-own") != null) return;
    if (a.nodeType > 1) return (a.data = b.data);
    // Before the attributes, which change what no one has touched.
    it.adopt?.(a, b);
    for (const { name, value } of list(b, "attributes")) if (attr(a, name) != value) a.setAttribute(name, value);
    for (const { name } of list(a, "attributes"))
      // The server sends no styles: one is a size that the user has dragged.
      if (attr(b, name) == null && name != "style") a.removeAttribute(name);
    it.children(a, b);
  };

  // Who is who: first by the id, the first id inside, or the value (options);
  // then the next of a kind, when neither has an id of its own, as what was typed
  // in one input must not turn up in another. NaN is never found.
  const keys = [
    (node) => attr(node, "id") || node.querySelector?.("[id]")?.id || attr(node, "value") || NaN,
    (node) => (attr(node, "id") ? NaN : node.nodeName),
  ];

  it.children = (a, b) => {
    const old = list(a, "childNodes");
    const pairs = list(b, "childNodes").map((node) => [node]);
    for (const key of keys) {
      // In their order: each is found once.
      const known = new Map();
      old.forEach((node, i) => {
        const name = key(node);
        if (!known.has(name)) known.set(name, []);
        if (name === name) known.get(name).push(i);
      });
      for (const pair of pairs)
        if (!pair[1]) {
          const i = known.get(key(pair[0]))?.shift();
          pair[1] = old[i];
          // Holes: neither found nor visited below.
          delete old[i];
        }
    }
    old.map((node) => node.remove());
    let [place] = list(a, "childNodes");
    for (const [node, match] of pairs) {
      // moveBefore keeps focus and scroll, where the browser has it; but keys get lost in Firefox even so. What
      // has the focus stays where it is, and the others move around it.
      if (match && (match == place || match.contains(document.activeElement))) place = match.nextSibling;
      else a[match && a.moveBefore ? "moveBefore" : "insertBefore"](match || node, place);
      if (match) it.morph(match, node);
    }
  };
};
