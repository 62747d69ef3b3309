// What inputs need: what the user types wins over what the server says, drafts
// survive a reload, Enter works outside of forms, what is being composed or
// cannot be read is left alone. A module of the client for pages that have
// inputs, or scroll positions to keep.

export default (it) => {
  const { all, byId, say, next } = it;
  const { u: user = "" } = document.querySelector("meta[name=n2o]").dataset;
  const draft = "n2o" + location.pathname + location.search;

  // ---- values ----

  const marks = (it.marks = new WeakMap()); // input -> the number its next event will have

  // What an input holds; with "default" before it, what the server gave it.
  const kind = (el) => (el.nodeName == "OPTION" ? "Selected" : /check|radio/.test(el.type) ? "Checked" : "Value");
  const given = (el) => el["default" + kind(el)];
  const held = (el) => el[kind(el).toLowerCase()];

  // What holds the value: options of a select, radio buttons of a group, or the input.
  const cells = (el) => {
    const parts = [...(el.options || el.querySelectorAll("[type=radio]"))];
    return parts[0] ? parts : [el];
  };
  const differs = (el) => {
    const was = cells(el).map(given);
    // A choice that was given none holds its first.
    if (el.type == "select-one" && !was.includes(true)) was[0] = true;
    return "" + was != "" + cells(el).map(held);
  };

  const first = new WeakMap(); // input -> what it was given when the user first came to it
  const mark = (el) => {
    first.has(el) || first.set(el, "" + cells(el).map(given));
    for (const cell of [el, ...cells(el)]) marks.set(cell, next());
  };

  const hold = (el, value, cut = 0) => {
    const { selectionStart: from, selectionEnd: to } = el;
    el[kind(el).toLowerCase()] = value;
    // Numbers and dates have no caret. One that has not been moved yet goes to the end: who comes back to a draft
    // goes on where it ends.
    if (to) el.setSelectionRange(Math.max(from - cut, 0), Math.max(to - cut, 0));
  };

  // A word that is being put together by an input method is broken by whatever is set meanwhile, and what the
  // browser cannot read yet is gone when anything is.
  let composing;
  const bad = (el) => el?.validity?.badInput;
  const hands = (el) => el == composing || bad(el);

  // Gives an input what the server has for it, unless the user is at it.
  const put = (el, value) => {
    const of = ([, , inputs, values]) => values?.[inputs.indexOf(el)];
    const was = of(it.carried);
    const now = held(el);
    // An answer takes away what its event has carried and leaves what was typed behind it.
    const cut = !value && was && now != was && now.startsWith?.(was) ? was.length : 0;
    if (hands(el) || (marks.get(el) > it.limit && !cut)) return false;
    // The value becomes what the server gave, so that a later update compares well. An input that nobody has
    // touched takes it from there: its selection is kept over both.
    const { selectionStart: from, selectionEnd: to } = el;
    el["default" + kind(el)] = value;
    if (to) el.setSelectionRange(from, to);
    hold(el, cut ? now.slice(cut) : value, cut);
    // So does what was pressed meanwhile.
    if (cut) for (const press of it.later) if (of(press)?.startsWith(was)) press[3][press[2].indexOf(el)] = of(press).slice(cut);
    return true;
  };

  // For morph: a value that must not change yet keeps its default too, so that a later update sees it.
  it.adopt = (a, b) => {
    if (given(a) != given(b) && !put(a, given(b))) b["default" + kind(b)] = given(a);
  };

  // For `set` and `clear`; false when the element has no value.
  it.set = (el, value, sets) => {
    const list = cells(el);
    if (given(el) == null && !(sets && list[0] != el)) return false;
    for (const cell of list) put(cell, cell == el ? value : [].concat(value).includes(cell.value));
    return true;
  };

  // True when one of the inputs cannot be read; the user is told what is wrong with it.
  it.stop = (inputs) => {
    const wrong = inputs.find(bad);
    if (wrong) {
      const [label] = wrong.labels || [];
      say([label?.textContent, byId("n2o-note").dataset.bad].filter(Boolean).join(": "));
    }
    return wrong;
  };

  // ---- what the user does ----

  addEventListener("input", ({ target }) => mark(target));
  addEventListener("compositionstart", ({ target }) => (composing = target));
  addEventListener("compositionend", () => (composing = 0));
  // Enter without a form presses the first button that reads the input.
  addEventListener("keydown", ({ target, key, isComposing }) => {
    if (key == "Enter" && !isComposing && target.nodeName == "INPUT" && !target.form && !target.dataset.e)
      all(`button[data-s~="${CSS.escape(target.id)}"]`)[0]?.click();
  });
  // What was typed before this was loaded. In a page that the tab comes back to nobody could: the browser has put back
  // what it remembers, also what was saved or given up since.
  const { inert } = byId("n2o-page");
  for (const el of all("input,select,textarea"))
    if (differs(el)) inert ? cells(el).forEach((cell) => hold(cell, given(cell))) : mark(el);
  // From the back/forward cache the document comes with all it held, but for what WebKit takes from it afterwards.
  addEventListener("pageshow", ({ persisted }) => persisted && setTimeout(it.restore));

  // ---- scroll positions ----

  // Those that should stay at their end but have been scrolled away from it.
  const away = () => all("[data-end]").filter((el) => el.scrollHeight - el.scrollTop - el.clientHeight > 8);
  const end = (stay = []) => {
    for (const el of all("[data-end]")) if (!stay.includes(el)) el.scrollTop = el.scrollHeight;
  };
  end();

  // Before ops; what it answers is called behind them.
  let again; // what a page that was taken back has to be told again
  it.begin = () => {
    const stay = away();
    // What was typed too late for the event that is answered goes with its inputs, but not without a word.
    const typed = it.typed().filter((el) => marks.get(el) > it.limit && el.defaultValue != null && !/pass|file|check|radio/.test(el.type));
    return (leaving, pushed) => {
      end(stay);
      if (again && pushed) {
        const around = new Set(again.map((el) => el.closest("[data-on=change]") || el));
        again = 0;
        for (const el of around) el.dispatchEvent(new Event("change", { bubbles: true }));
      }
      const lost = typed.filter((el) => !el.isConnected && byId(el.id)?.value != el.value).map((el) => el.value);
      const { late, lost: some } = byId("n2o-note").dataset;
      const words = (texts) => texts[0] && `${late} ${texts.join(", ")}`;
      if (lost[0]) say(words(lost));
      // The next page says it, but not to another user.
      const told = leaving && words(typed.map((el) => el.value));
      if (told) sessionStorage["n2o-"] = /^.n2o.session/.test(leaving) ? some : told;
    };
  };

  // ---- drafts ----

  // Inputs that hold what the user has put into them, whether the server knows it or not.
  it.touched = () =>
    all("[id]").filter((el) => marks.has(el) && first.get(el) != "" + cells(el).map(held) && !/pass|file/.test(el.type));

  // The page is older than what is shown here: that stays, and the page is told again.
  it.keep = () => (again = it.touched()).map(mark);

  // Inputs that hold something else than the server knows.
  it.typed = () => all("[id]").filter((el) => marks.has(el) && (bad(el) || differs(el)));

  it.save = (leaving) => {
    const typed = leaving ? [] : it.typed().filter((el) => !/pass|file/.test(el.type));
    // What was typed is done with, also where the document comes back as it was.
    if (leaving)
      for (const el of it.typed()) {
        for (const cell of cells(el)) hold(cell, given(cell));
        marks.delete(el);
      }
    try {
      sessionStorage[draft] = JSON.stringify([
        user, // what one has typed is not shown to the next
        typed.map((el) => [el.id, "" + cells(el).map(given), cells(el).map(held)]),
        away().map((el) => [el.id, el.scrollTop]),
        scrollY,
      ]);
    } catch {}
  };

  // The events that may be kept in the session storage: those before the first that has carried a password.
  it.safe = (queue) => {
    const at = queue.findIndex(([, , inputs]) => inputs?.some((el) => el?.type == "password"));
    return at < 0 ? queue : queue.slice(0, at);
  };

  // What was typed stays in sight when the page may not be seen any more: a notice in its place would take it away.
  it.ask = (reload) =>
    fetch(location)
      .then((answer) => Promise.all([answer, answer.text()]))
      .then(([{ ok, status, redirected }, text]) => {
        // Too much at the moment, or not there yet.
        if (status > 428) throw 0;
        const [meta] = (ok && !redirected && text.match(/name="n2o"[^>]*/)) || [];
        if (meta && (meta.match(/data-u="(.*?)"/)?.[1] || "") == user) return reload();
        // For another, who is to see nothing of it, or for nobody.
        const { dataset } = byId("n2o-note");
        say((dataset.off = dataset.wait = dataset.denied));
      })
      .catch(() => setTimeout(it.ask, 5000, reload));

  // Puts back what was typed where nothing has changed.
  it.restore = () => {
    let found;
    try {
      found = JSON.parse(sessionStorage[draft] || 0);
      sessionStorage[draft] = "";
    } catch {}
    if (!found || found[0] != user) return;
    const [, inputs, places, y] = found;
    for (const [id, was, is] of inputs) {
      const el = byId(id);
      // What is there by now is newer.
      if (!el || was != cells(el).map(given) || differs(el)) continue;
      cells(el).forEach((cell, i) => hold(cell, is[i]));
      mark(el);
    }
    for (const [id, top] of places) byId(id)?.scrollTo(0, top);
    if (y) scrollTo(0, y);
  };

  // Nothing in a page that waits to be shown can have the focus: what it begins with gets it then.
  // The browser looks for that itself before it first draws, and is not to find that it was forestalled.
  it.begins = () =>
    requestAnimationFrame(() => document.activeElement == document.body && all("[autofocus]")[0]?.focus());
};
