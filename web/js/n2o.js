// The browser client of N2O for Rust: shows what the server says and reports
// what the user does, by PROTOCOL.md. It evaluates nothing it receives, holds
// no application state and leaves no global behind. It is not a template
// engine, not a router and no place for an application's own scripts.
//
// Its size is a promise (build.mjs): one mechanism often serves several needs,
// and the comments say which. It speaks n2o.json.1, because a browser has JSON
// and a CBOR codec is 660 of 5,840 bytes.

const doc = document;
const all = (selector) => [...doc.querySelectorAll(selector)];
const byId = (id) => doc.getElementById(id);
const attr = (el, name) => el.getAttribute?.(name);
// A form shows its inputs as its own properties: one with the id "attributes"
// hides form.attributes. The prototype does not lie.
const list = (el, name) => [...Reflect.get(Element.prototype, name, el)];

const [root] = all("html");
const [meta] = all("meta[name=n2o]");
const note = byId("n2o-note");

let counted = 0; // the counter of section 5
let answered = 0; // the last event whose answer has arrived
let next = 1; // the number of the next event
let sent = 0; // how many events of the queue this connection has taken
const queue = []; // events from answered + 1 to next - 1: [id, frame]

// ---- what the user is told ----

let alerted = "";
let late; // true when the page has been off for more than a second
let lateTimer;

const tell = () => {
  note.textContent = alerted || (late && note.dataset[queue[0] ? "wait" : "off"]) || "";
  note.className = alerted && "alert";
};

const say = (text) => tell((alerted = text));

// ---- inputs ----

const marks = new WeakMap(); // input -> the number its next event will have
let limit; // an input with a greater mark is being typed in: hands off

// What an input holds; with "default" before it, what the server gave it.
const kind = (el) => (el.nodeName == "OPTION" ? "Selected" : /check|radio/.test(el.type) ? "Checked" : "Value");
const given = (el) => el["default" + kind(el)];
const held = (el) => el[kind(el).toLowerCase()];

// What holds the value: options of a select, radio buttons of a group, or the input.
const cells = (el) => {
  const parts = [...(el.options || el.querySelectorAll("[type=radio]"))];
  return parts[0] ? parts : [el];
};

const hold = (el, value) => {
  const caret = el.selectionStart;
  el[kind(el).toLowerCase()] = value;
  // A new value moves the caret to the end, which is right for one that has not been moved yet: who comes
  // back to a draft goes on where it ends. Numbers and dates have no caret.
  if (caret) el.setSelectionRange(caret, caret);
};

const free = (el) => !(marks.get(el) > limit);

// ---- morph: make live nodes equal to parsed ones, keeping what is alive ----

const localise = (el) => {
  const when = new Date(el.dateTime);
  if (!+when) return;
  el.textContent = when.toLocaleString([], {
    timeStyle: "short",
    dateStyle: when.toDateString() == new Date().toDateString() ? undefined : "medium",
  });
  el.title = when.toLocaleString();
};

const rules = { createHTML: (text) => text };
const policy = self.trustedTypes?.createPolicy("n2o", rules) || rules;
const template = doc.createElement("template");

// A parent of the parsed nodes for a place in `parent`: a template takes table
// rows and runs no scripts, but what belongs in an <svg> must be parsed in one.
const parse = (text, parent) => {
  const svg = "ownerSVGElement" in parent;
  template.innerHTML = policy.createHTML(svg ? `<svg>${text}</svg>` : text);
  const tree = svg ? template.content.firstChild : template.content;
  // Before any comparison, so that an unchanged time is equal.
  tree.querySelectorAll("time").forEach(localise);
  return tree;
};

const morph = (a, b) => {
  if (a.nodeName != b.nodeName) return a.replaceWith(b);
  // Whether <details> are open is the user's choice.
  if (a.nodeName == "DETAILS") b.open = a.open;
  if (a.isEqualNode(b)) return;
  if (a.nodeType > 1) return (a.data = b.data);
  // Before the attributes, which change what no one has touched. A value that
  // must not change yet keeps its default too, so that a later update sees it.
  if (given(a) != given(b)) free(a) ? hold(a, given(b)) : (b["default" + kind(b)] = given(a));
  for (const { name, value } of list(b, "attributes")) if (attr(a, name) != value) a.setAttribute(name, value);
  for (const { name } of list(a, "attributes")) if (attr(b, name) == null) a.removeAttribute(name);
  morphChildren(a, b);
};

// Who is who: first by the id, the first id inside, or the value (options);
// then the next of a kind, when neither has an id of its own, as what was typed
// in one input must not turn up in another. NaN is never found.
const keys = [
  (node) => attr(node, "id") || node.querySelector?.("[id]")?.id || attr(node, "value") || NaN,
  (node) => (attr(node, "id") ? NaN : node.nodeName),
];

const morphChildren = (a, b) => {
  const old = list(a, "childNodes");
  const pairs = list(b, "childNodes").map((node) => [node]);
  for (const key of keys) {
    const known = old.map(key);
    for (const pair of pairs)
      if (!pair[1]) {
        const i = known.indexOf(key(pair[0]));
        pair[1] = old[i];
        // Holes: neither found nor visited below.
        delete old[i];
        delete known[i];
      }
  }
  old.map((node) => node.remove());
  let [place] = list(a, "childNodes");
  for (const [node, match] of pairs) {
    // moveBefore keeps focus and scroll, where the browser has it.
    if (match && match == place) place = place.nextSibling;
    else a[match && a.moveBefore ? "moveBefore" : "insertBefore"](match || node, place);
    if (match) morph(match, node);
  }
};

// ---- ops of section 7 ----

let leaving; // true when an answer sent the user on: what was typed is done with

const run = ([op, id, x, y], seq) => {
  const el = byId(id || "n2o-page");
  if (op == 14) {
    const url = new URL(id, location);
    if (/^https?:/.test(url)) {
      location.href = url;
      leaving = seq;
    }
  } else if (op == 15) alerted = id;
  else if (op == 16) doc.title = id;
  else if (!op) {
    if (id) morph(el, parse(x, el.parentNode).firstChild);
    else morphChildren(el, parse(x, el));
  } else if (op < 6) {
    const below = el.scrollHeight - el.scrollTop;
    el[["prepend", "append", "before", "after", "replaceWith"][op - 1]](
      ...parse(x, op < 3 ? el : el.parentNode).childNodes,
    );
    // What the reader sees stays in its place.
    if (op == 1) el.scrollTop = el.scrollHeight - below;
  } else if (op == 6) el.remove();
  else if (op < 9) {
    x ??= "";
    const list = cells(el);
    if (given(el) != null || (op > 7 && list[0] != el))
      // The value becomes what the server gave, so that a later update compares well.
      list.every(free) &&
        list.map((cell) => {
          const value = cell == el ? x : [].concat(x).includes(cell.value);
          cell["default" + kind(cell)] = value;
          hold(cell, value);
        });
    else el.replaceChildren(x);
  } else if (op == 9) y == null ? el.removeAttribute(x) : el.setAttribute(x, y);
  else if (op == 10) el.classList.toggle(x, y);
  else if (op < 13) el.hidden = op > 11;
  else if (op == 13) el.focus();
  else if (op == 17) (x ? el.previousSibling : el.nextSibling).remove();
};

// Those that should stay at their end but have been scrolled away from it.
const away = () => all("[data-end]").filter((el) => el.scrollHeight - el.scrollTop - el.clientHeight > 8);

const apply = (ops, seq) => {
  const stay = away();
  limit = seq || answered;
  for (const op of ops)
    // An op that does not fit the document has no effect and stops no other.
    try {
      run(op, seq);
    } catch {}
  for (const el of all("[data-end]")) if (!stay.includes(el)) el.scrollTop = el.scrollHeight;
};

// ---- the socket ----

let socket = { close() {} };
let live; // true from WELCOME to the loss
let done; // true when no connection is wanted any more
let delay = 500;
let timer; // with a socket: it is dead; without: try again

const drop = () => {
  clearTimeout(timer);
  socket.onclose = socket.onmessage = null;
  socket.close();
  live = 0;
  root.dataset.n2o = "off";
  // A short loss is nobody's business.
  lateTimer ||= setTimeout(() => tell((late = 1)), 1000);
};

// Fetches the page again, 5 seconds after it was fetched at the earliest; not
// while the browser is on its way elsewhere, which would call it back.
const reload = () => {
  drop((done = 1));
  setTimeout(() => leaving || location.reload(), 5000 - performance.now());
};

const lost = ({ code }) => {
  drop();
  if (code == 4409) done = 1;
  else if (code > 4399) reload();
  else {
    // Codes that say that something was too much get at least 5 seconds.
    timer = setTimeout(connect, Math.random() * delay + (code > 1006 && 5000));
    delay = delay > 5000 ? 10000 : delay * 2;
  }
};

const expect = () => {
  clearTimeout(timer);
  timer = setTimeout(lost, 10000, 0);
};

const ping = () => live && expect(socket.send(JSON.stringify([0, counted])));

const connect = () => {
  socket = new WebSocket(`/ws?t=${meta.content}&n=${counted}&a=${answered}`, "n2o.json.1");
  socket.onclose = lost;
  socket.onmessage = ({ data }) => {
    clearTimeout(timer);
    try {
      receive(JSON.parse(data));
    } catch {
      // A server that speaks otherwise belongs to another page.
      reload();
    }
  };
  expect();
};

const wake = () => (live ? ping() : done || connect(drop()));

const receive = ([kind, a, b, c]) => {
  if (kind == 4) {
    // Events this document never sent: it is an old copy from a cache.
    if (b >= next) throw 0;
    counted = a;
    sent = b - answered;
    delay = 500;
    live = 1;
    root.dataset.n2o = "on";
    clearTimeout(lateTimer);
    lateTimer = late = 0;
  } else if (kind) counted++;
  if (kind % 2) {
    answered = a;
    sent--;
    byId(queue.shift()[0])?.removeAttribute("aria-busy");
  }
  if (kind == 1) apply(b, a);
  if (kind == 2) apply(a);
  if (kind == 3) alerted = c;
  pump();
};

// Sends what may be sent, and shows what waits.
const pump = () => {
  while (live && sent < queue.length && sent < 16) socket.send(queue[sent++][1]);
  for (const [id] of queue) byId(id)?.setAttribute("aria-busy", true);
  tell();
};

// ---- events ----

let waiting; // the element whose `input` event waits for a pause in typing
let waitTimer;

const flush = () => {
  const el = waiting;
  clearTimeout(waitTimer);
  waiting = 0;
  if (el) fire(el);
};

const fire = (el, pressed) => {
  const id = attr(el, "id");
  const { e: seal, s: sources, c: question, r: again } = el.dataset;
  const inputs = sources ? sources.split(" ").map(byId) : [];
  // Only presses are guarded and checked. A value that changed again must not
  // get lost, and a complaint would take the focus from who is typing.
  if (
    pressed &&
    ((again == null && queue.some((event) => event[0] == id)) ||
      inputs.some((input) => input?.reportValidity?.() === false))
  )
    return;
  if (question && !confirm(question)) return;
  const values = inputs.map(
    (el) =>
      el &&
      (el.type == "checkbox"
        ? el.checked
        : el.type == "select-multiple"
          ? [...el.selectedOptions].map((option) => option.value)
          : (el.value ?? el.querySelector(":checked")?.value ?? null)),
  );
  // Kept as it was sent: section 8 wants the same bytes again.
  queue.push([id, JSON.stringify([1, next++, id, seal, values])]);
  pump();
};

const onEvent = (e) => {
  const { target, type } = e;
  if (target == note) say("");
  if (type == "input") for (const cell of [target, ...cells(target)]) marks.set(cell, next);
  else flush();
  let el = target;
  while (
    (el = el.closest?.("[data-e]")) &&
    type !=
      (el.dataset.on ||
        { INPUT: "change", SELECT: "change", TEXTAREA: "change", FORM: "submit" }[el.nodeName] ||
        "click")
  )
    el = el.parentNode;
  if (!el) return;
  if (el.href || /submit/.test(type + el.type)) e.preventDefault();
  if (type == "input") {
    if (waiting != el) flush();
    clearTimeout(waitTimer);
    waiting = el;
    waitTimer = setTimeout(flush, 250);
  } else fire(el, type != "change");
};

// ---- drafts: what was typed survives a reload ----

const draftKey = "n2o" + location.pathname + location.search;

const restoreDraft = () => {
  const [inputs, places, y] = JSON.parse(sessionStorage[draftKey] || "[[],[]]");
  sessionStorage[draftKey] = "";
  for (const [id, was, is] of inputs) {
    const el = byId(id);
    if (el && was == cells(el).map(given))
      cells(el).map((cell, i) => {
        hold(cell, is[i]);
        marks.set(cell, next).set(el, next);
      });
  }
  for (const [id, top] of places) byId(id)?.scrollTo(0, top);
  if (y) scrollTo(0, y);
};

// ---- start; window is listened to, as no element can clobber it ----

const handlers = {
  click: onEvent,
  change: onEvent,
  input: onEvent,
  submit: onEvent,
  online: wake,
  visibilitychange: wake,
  keydown: ({ target, key, isComposing }) => {
    if (key == "Escape") say("");
    // Enter without a form presses the first button that reads the input.
    if (key == "Enter" && !isComposing && target.nodeName == "INPUT" && !target.form && !target.dataset.e)
      all(`button[data-s~="${CSS.escape(target.id)}"]`)[0]?.click();
  },
  pagehide: () => {
    flush();
    drop();
    sessionStorage[draftKey] = JSON.stringify([
      all("[id]")
        .filter((el) => !leaving && marks.has(el) && !/pass|file/.test(el.type))
        .map((el) => [el.id, "" + cells(el).map(given), cells(el).map(held)])
        .filter(([, was, is]) => was != is),
      away().map((el) => [el.id, el.scrollTop]),
      scrollY,
    ]);
  },
  // From the back/forward cache the document comes with all it held.
  pageshow: ({ persisted }) => persisted && wake(),
};

all("time").forEach(localise);
if (meta) {
  for (const type in handlers) addEventListener(type, handlers[type]);
  for (const el of all("[data-end]")) el.scrollTop = el.scrollHeight;
  restoreDraft();
  setInterval(ping, 25000);
  connect(drop());
}
