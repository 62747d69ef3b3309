// The browser client of N2O for Rust: shows what the server says and reports
// what the user does, by PROTOCOL.md. It evaluates nothing it receives, holds
// no application state and leaves no global behind. It is not a template
// engine, not a router and no place for an application's own scripts.
//
// Its size is a promise (build.mjs): one mechanism often serves several needs,
// and the comments say which. What not every page needs is in modules beside
// it, loaded before the first frame that needs it is looked at: morph.js for
// updates, input.js for inputs, time.js for instants. It speaks n2o.json.1,
// because a browser has JSON and a CBOR codec is 660 of 5,840 bytes.

const doc = document;
const all = (selector) => [...doc.querySelectorAll(selector)];
const byId = (id) => doc.getElementById(id);
const attr = (el, name) => el.getAttribute?.(name);

const [root] = all("html");
const [meta] = all("meta[name=n2o]");
const note = byId("n2o-note");
const page = byId("n2o-page");

// A document that was made after an event, for a form that the browser sent itself, says what it contains.
const seen = (name) => +meta?.dataset[name] || 0;
let counted = seen("n"); // the counter of section 5
let answered = seen("a"); // the last event whose answer has arrived
let next = answered + 1; // the number of the next event
let sent = 0; // how many events of the queue this connection has taken
let queue = []; // events from answered + 1 to next - 1: [id, frame, inputs, values]
const later = []; // presses of what waits for its answer, each with what stood there then: [id, , inputs, values]

// ---- what the user is told ----

let alerted = "";
let failed; // set when that is an error, which the next success takes away
let late; // true when the page has been off for more than a second
let lateTimer;

const tell = () => {
  note.textContent = alerted || (late && note.dataset[queue[0] ? "wait" : "off"]) || "";
  note.className = alerted && "alert";
};

const say = (text) => tell((alerted = text));

// ---- modules: each puts what it can do into `it` ----

const it = { all, byId, attr, say, later, next: () => next };
const modules = [
  [/<time/, () => import("./time.js")],
  [/<(input|select|textarea)|data-end/, () => import("./input.js")],
  // An update among the ops: in the text of JSON, no string holds this.
  [/\[0,"/, () => import("./morph.js")],
];

// Loads what a document or a frame needs.
const load = (text) =>
  Promise.all(
    modules.map(async (known) => known[1] && known[0].test(text) && (await known[1]()).default(it, (known[1] = 0))),
  );

// ---- ops of section 7 ----

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
  if (it.time) tree.querySelectorAll("time").forEach(it.time);
  return tree;
};

let leaving; // the path to which an answer sent the user: what was typed is done with

const run = ([op, id, x, y], seq) => {
  const el = id ? byId(id) : page;
  if (op == 14) {
    const url = new URL(id, location);
    if (/^https?:/.test(url)) {
      location.href = url;
      leaving = seq && url.pathname;
    }
  } else if (op == 15) {
    alerted = id;
    failed = 0;
  } else if (op == 16) doc.title = id;
  else if (!op) {
    if (id) it.morph(el, parse(x, el.parentNode).firstChild);
    else it.children(el, parse(x, el));
  } else if (op < 6) {
    const below = el.scrollHeight - el.scrollTop;
    el[["prepend", "append", "before", "after", "replaceWith"][op - 1]](
      ...parse(x, op < 3 ? el : el.parentNode).childNodes,
    );
    // What the reader sees stays in its place.
    if (op == 1) el.scrollTop = el.scrollHeight - below;
  } else if (op == 6) el.remove();
  else if (op < 9) it.set?.(el, x ?? "", op > 7) || el.replaceChildren(x ?? "");
  else if (op == 9) y == null ? el.removeAttribute(x) : el.setAttribute(x, y);
  else if (op == 10) el.classList.toggle(x, y);
  else if (op < 13) el.hidden = op > 11;
  else if (op == 13) el.focus();
  else if (op == 17) (x ? el.previousSibling : el.nextSibling).remove();
};

const apply = (ops, seq) => {
  it.limit = seq || answered;
  const end = it.begin?.();
  const { activeElement: focus } = doc;
  const { selectionStart: from, selectionEnd: to } = focus;
  for (const op of ops)
    // An op that does not fit the document has no effect and stops no other.
    try {
      run(op, seq);
    } catch {}
  end?.(leaving, !seq);
  // Where the browser has no moveBefore, or the element was replaced, the focus goes back to it.
  if (doc.activeElement == doc.body) {
    const el = focus.isConnected ? focus : byId(focus.id);
    el?.focus({ preventScroll: true });
    if (to) el?.setSelectionRange?.(from, to);
  }
};

// ---- the socket ----

const nobody = { close() {} };
let socket = nobody;
let work; // frames are looked at one after the other, when what they need is loaded
let live; // true from WELCOME to the loss
let done; // true when no connection is wanted any more
let delay = 500;
let timer; // with a socket: it is silent; without: try again

// A tab that comes back to a page goes on with it; true until it is shown.
let resumed = history.state?.n2o;
let token = resumed || meta?.content;
let taken = resumed; // true when the page is not to be taken back from another connection

// Answers what a key had; storage may be forbidden.
const store = (key, value = "") => {
  try {
    const had = sessionStorage[key];
    sessionStorage[key] = value;
    return had;
  } catch {}
};

const remember = (it) => history.replaceState({ ...history.state, n2o: (token = it) }, "");

const drop = () => {
  timer = clearTimeout(timer);
  socket.onclose = socket.onmessage = null;
  socket.close();
  socket = nobody;
  live = 0;
  root.dataset.n2o = "off";
  // A short loss is nobody's business.
  lateTimer ||= setTimeout(() => tell((late = 1)), 1000);
};

// Fetches the page again, 5 seconds after it was fetched at the earliest; not
// while the browser is on its way elsewhere, which would call it back.
const reload = () => {
  // What was sent and not answered is lost as well.
  drop((sent = 0), (done = 1));
  setTimeout(() => leaving || location.reload(), 5000 - performance.now());
  remember("");
};

// The page is shown; what was typed is put back where nothing has changed.
const shown = () => {
  resumed = page.inert = false;
  it.restore?.();
  it.begins?.();
};

// A page that was left is there when it is shown.
const ready = () => {
  if (!resumed) root.dataset.n2o = "on";
};

const lost = ({ code }) => {
  drop();
  // The page is taken back once; a document that came back to it leaves it to the other.
  if (code == 4409 && !taken) taken = code = 1;
  if (code > 4399) {
    if (!resumed) return it.touched?.()[0] ? it.ask(reload, (done = 1)) : reload();
    // What the tab has left is gone: this is the page now.
    if (queue[0]) alerted = failed = note.dataset.lost;
    queue = [];
    counted = seen("n");
    answered = seen("a");
    next = answered + 1;
    remember(meta.content);
    shown();
    code = 0;
  }
  // Codes that say that something was too much get at least 5 seconds.
  timer = setTimeout(connect, Math.random() * delay + (code > 1006 && 5000));
  delay = delay > 5000 ? 10000 : delay * 2;
};

const expect = (ms) => {
  clearTimeout(timer);
  timer = setTimeout(lost, ms, 0);
};

const ping = (ms = 10000) => live && expect(ms, socket.send(JSON.stringify([0, counted])));

// The time numbers the attempts, over all documents of the page: an older one must not take it from a newer.
const connect = () => {
  const own = (socket = new WebSocket(
    `/ws?t=${token}&n=${counted}&a=${answered}&c=${(performance.timeOrigin + performance.now()).toFixed()}` +
      (resumed ? "&r=1" : ""),
    "n2o.json.1",
  ));
  own.onclose = lost;
  own.onmessage = ({ data }) => {
    timer = clearTimeout(timer);
    return (work = work
      .then(() => own == socket && load(data))
      .then(() => own == socket && receive(JSON.parse(data)))
      // A server that speaks otherwise belongs to another page.
      .catch(reload));
  };
  expect(10000);
};

const beat = () => timer || ping();

const wake = () => (live ? beat() : done || connect(drop()));

const receive = ([kind, a, b, c]) => {
  if (kind == 4) {
    // The page has gone on without this document.
    if (resumed) {
      for (; answered < b; answered++) queue.shift();
      next = b + queue.length + 1;
    }
    // Events this document never sent: it is an old copy from a cache.
    if (b >= next) throw 0;
    counted = a;
    sent = b - answered;
    delay = 500;
    live = 1;
    ready();
    clearTimeout(lateTimer);
    lateTimer = late = 0;
    // The page has lost what it has answered: the server was killed before that was saved.
    if (c) it.keep?.();
  } else if (kind) counted++;
  let id;
  it.carried = [];
  if (kind % 2) {
    answered = a;
    sent--;
    it.carried = queue.shift();
    [id] = it.carried;
    byId(id)?.removeAttribute("aria-busy");
  }
  if (kind == 1) {
    if (failed) alerted = "";
    apply(b, a);
  }
  if (kind == 2) {
    apply(a);
    if (resumed) ready(shown());
  }
  // Of an element that is gone nobody expects more, and something has been said about it.
  if (kind == 3 && (byId(id) || !alerted)) alerted = failed = c;
  // Its turn has come; after a failure the user decides.
  for (let i = 0; i < later.length; i++)
    if (later[i][0] == id) {
      const [[, , inputs, values]] = later.splice(i--, 1);
      if (kind == 1) {
        if (byId(id)) send(byId(id), inputs, values);
        break;
      }
    }
  pump();
};

// Sends what may be sent, and shows what waits.
const pump = () => {
  while (live && sent < queue.length && sent < 16) {
    socket.send(queue[sent++][1]);
    // A silent network is noticed 10 seconds after a click; a handler may take longer.
    timer ||= setTimeout(ping, 3000, 7000);
  }
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

// Kept as it is sent: section 8 wants the same bytes again.
const send = (el, inputs, values) => {
  const id = attr(el, "id");
  queue.push([id, JSON.stringify([1, next++, id, el.dataset.e, values]), inputs, values]);
  pump();
};

const fire = (el, pressed) => {
  const id = attr(el, "id");
  const { s: sources, c: question, r: repeat } = el.dataset;
  const inputs = sources ? sources.split(" ").map(byId) : [];
  // What the browser cannot read would be sent as nothing.
  if (it.stop?.(inputs)) return;
  const values = inputs.map(
    (el) =>
      el &&
      (el.type == "checkbox"
        ? el.checked
        : el.type == "select-multiple"
          ? [...el.selectedOptions].map((option) => option.value)
          : (el.value ?? el.querySelector(":checked")?.value ?? null)),
  );
  // Only presses are guarded. A value that changed again must not get lost.
  const busy = pressed && repeat == null && [...queue, ...later].findLast((event) => event[0] == id);
  if (busy && JSON.stringify(busy[3] || []) == JSON.stringify(values)) return;
  if (question && !confirm(question)) return;
  if (busy) later.push([id, 0, inputs, values]);
  else send(el, inputs, values);
};

const onEvent = (e) => {
  const { target, type } = e;
  if (target == note) say("");
  if (type != "input") flush();
  let el = target;
  while (
    (el = el.closest?.("[data-e]")) &&
    type !=
      (el.dataset.on ||
        { INPUT: "change", SELECT: "change", TEXTAREA: "change", FORM: "submit" }[el.nodeName] ||
        "click")
  )
    el = el.parentNode;
  // A link that is to open elsewhere does.
  if (!el || (el.href && (e.ctrlKey || e.metaKey || e.shiftKey))) return;
  if (el.href || /submit/.test(type + el.type)) e.preventDefault();
  if (type == "input") {
    if (waiting != el) flush();
    clearTimeout(waitTimer);
    waiting = el;
    waitTimer = setTimeout(flush, 250);
  } else fire(el, type != "change");
};

// ---- start; window is listened to, as no element can clobber it ----

const handlers = {
  click: onEvent,
  change: onEvent,
  input: onEvent,
  submit: onEvent,
  online: wake,
  // A part of the page is another entry of the history, of the same page.
  hashchange: () => remember(token),
  visibilitychange: wake,
  keydown: ({ key }) => key == "Escape" && say(""),
  pagehide: () => {
    flush();
    drop();
    it.save?.(leaving, (leaving = 0));
    // What waits for its turn goes with the rest.
    for (const [id, , inputs, values] of later.splice(0)) if (byId(id)) send(byId(id), inputs, values);
    // Sent again by the document that goes on with the page; another one says that what was not sent is lost.
    if (queue[0]) store("n2o" + token, JSON.stringify([answered, (it.safe?.(queue) || queue).map((event) => event.slice(0, 2))]));
    if (queue[sent]) store("n2o-", note.dataset.lost);
  },
  // From the back/forward cache the document comes with all it held, but for the socket.
  pageshow: ({ persisted }) => persisted && wake(),
};

if (meta) {
  for (const type in handlers) addEventListener(type, handlers[type]);
  // Nothing could be done with them before.
  for (const el of all("[data-w]")) el.disabled = el.removeAttribute("data-w");
  alerted = failed = store("n2o-") || "";
  if (resumed) {
    page.inert = true;
    [answered, queue] = JSON.parse(store("n2o" + token) || "[0,[]]");
    if (queue[0]) alerted = failed = "";
  }
  remember(token);
  setInterval(beat, 25000);
  work = load(root.innerHTML).then(() => resumed || it.restore?.(), reload);
  connect(drop());
}
