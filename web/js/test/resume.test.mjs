// A page that a tab comes back to is the page that was left: what was typed,
// what was not sent, what cannot be sent any more; and whose it is.

import assert from "node:assert/strict";
import { b, test } from "./browser.mjs";

const bind = (id, more = "") => `id="${id}" data-e="AAAA" ${more}`;
const $ = (id) => `document.getElementById("${id}")`;
const note = () => b.eval(`${$("n2o-note")}.textContent`);
const url = () => b.eval("socks.at(-1).url");
const form = `<input id="i"><button ${bind("go", `data-r data-s="i"`)}>go</button>`;
const type = async (id, text) => {
  await b.eval(`${$(id)}.focus()`);
  await b.keys(text);
};

test("what was not sent is sent by the document that goes on with the page", async () => {
  await b.page(form);
  await type("i", "a");
  for (const _ of "123") await b.eval("go.click()");
  await b.serve([1, 1, []]);
  const before = await b.eval("socks.at(-1).sent");
  await b.loading(() => b.reload());
  assert.match(await url(), /&n=0&a=1&c=\d+&r=1$/);
  // The server has done the second meanwhile.
  await b.serve([4, 0, 2]);
  assert.deepEqual(await b.eval("socks.at(-1).sent"), before.slice(2, 3));
  await b.serve([2, [[0, "", form]]], [1, 3, []]);
  await b.eval("go.click()");
  assert.equal((await b.sent()).at(-1)[1], 4);
});

test("a press that waits for its turn goes with the others", async () => {
  const plain = `<input id="i"><button ${bind("say", `data-s="i"`)}>say</button>`;
  await b.page(plain);
  await type("i", "a");
  await b.eval("say.click()");
  await type("i", "b");
  await b.eval("say.click()");
  assert.equal((await b.sent()).length, 1);
  await b.loading(() => b.reload());
  await b.serve([4, 0, 0]);
  assert.deepEqual((await b.sent()).map((frame) => frame[4]), [["a"], ["ab"]]);
  assert.equal(await note(), "");
});

test("another document says what was not sent, and nothing of what was", async () => {
  for (const [cut, told] of [[false, ""], [true, "LOST"]]) {
    await b.page(form);
    if (cut) await b.lose(1006);
    await b.eval("go.click()");
    // As a browser that has shown an error in between, which has forgotten the entry of its history.
    await b.eval("history.replaceState(null, '')");
    await b.loading(() => b.reload());
    await b.serve([4, 0, 0]);
    assert.deepEqual([await note(), await b.sent()], [told, []]);
  }
});

test("a press that waits since before a reload is not made twice", async () => {
  const plain = `<button ${bind("once")}>once</button>`;
  await b.page(plain);
  await b.eval("once.click()");
  await b.loading(() => b.reload());
  await b.serve([4, 0, 0], [2, [[0, "", plain]]]);
  await b.eval("once.click(), once.click()");
  await b.serve([1, 1, []]);
  assert.deepEqual((await b.sent()).map((frame) => frame[1]), [1]);
});

test("no password is kept, neither as a draft nor in an event", async () => {
  const login = `<input id="p" type="password"><button ${bind("first")}>f</button><button ${bind("go", `data-r data-s="p"`)}>go</button>`;
  await b.page(login);
  await type("p", "secret");
  await b.eval("first.click(), go.click(), sessionStorage.clear()");
  await b.loading(() => b.reload());
  await b.serve([4, 0, 0]);
  assert.deepEqual((await b.sent()).map((frame) => frame[2]), ["first"]);
  await b.eval(`dispatchEvent(new PageTransitionEvent("pagehide"))`);
  assert.doesNotMatch(await b.eval("JSON.stringify(sessionStorage)"), /secret/);
});

test("a part of the page is the same page", async () => {
  await b.page(`<a id="a" href="#end">end</a><p id="end"></p>`);
  await b.eval("a.click()");
  await b.until("location.hash && history.state");
  await b.loading(() => b.reload());
  assert.match(await url(), /&r=1$/);
});

test("a page that is gone is replaced by a new one, and lost clicks are told", async () => {
  for (const [clicks, code] of [["", 4404], ["1", 4401], ["", 4409]]) {
    await b.page(form);
    await b.eval("sessionStorage.clear()");
    for (const _ of clicks) await b.eval("go.click()");
    await type("i", "typed");
    await b.loading(() => b.reload());
    assert.match(await url(), /r=1$/);
    await b.lose(code);
    assert.equal(await b.eval("tick(0, 500)"), 1);
    assert.match(await url(), /t=TOKEN&n=0&a=0&c=\d+$/);
    await b.serve([4, 0, 0]);
    assert.deepEqual([await note(), await b.eval(`${$("n2o-page")}.inert`), await b.eval("i.value")], [clicks && "LOST", false, "typed"]);
    await b.eval("go.click()");
    assert.deepEqual((await b.sent()).map((frame) => frame[1]), [1]);
  }
});

test("a page that is shown again begins where it did at first", async () => {
  const form = `<input id="i" autofocus><input id="j">`;
  await b.page(form);
  assert.equal(await b.eval("document.activeElement.id"), "i");
  await b.loading(() => b.reload());
  assert.equal(await b.eval("document.activeElement.id"), "");
  await b.serve([4, 0, 0], [2, [[0, "", form]]]);
  await b.until("document.activeElement.id == 'i'");
});

test("a page that is fetched anew tells what could not be sent", async () => {
  await b.page(form);
  await b.lose();
  await b.eval("go.click(), tick(0, 500)");
  await b.lose(4404);
  await b.loading(() => b.eval("void tick(3000, 5000)"));
  assert.doesNotMatch(await url(), /r=1/);
  await b.serve([4, 0, 0]);
  assert.equal(await note(), "LOST");
  await b.eval("go.click()");
  await b.serve([1, 1, []]);
  assert.equal(await note(), "");
});

test("back leads to the page that was left", async () => {
  await b.page(form, { path: "/left", meta: `data-u="ann"` });
  await type("i", "typed");
  await b.page("next", { path: "/next" });
  await b.loading(() => b.back());
  if (await b.eval("socks.length == 1")) {
    assert.match(await url(), /&r=1$/);
    await b.serve([4, 0, 0], [2, [[0, "", form]]]);
  } else await b.serve([4, 0, 0]); // from the back/forward cache
  assert.equal(await b.eval("i.value"), "typed");
});

test("what a browser forgets of a page in its cache is put back", async () => {
  await b.page(form);
  await type("i", "typed");
  await b.eval("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))");
  await b.eval(`i.value = ""`);
  await b.eval("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
  assert.equal(await b.eval("i.value"), "typed");
});

test("one user's draft is never shown to the next", async () => {
  const as = (user) => b.page(form, { path: "/shared", meta: `data-u="${user}"` });
  await as("ann");
  await type("i", "secret");
  await as("bob");
  assert.equal(await b.eval("i.value"), "");
  await as("ann");
  assert.equal(await b.eval("i.value"), "", "it is gone for good");
  await type("i", "mine");
  await as("ann");
  assert.equal(await b.eval("i.value"), "mine");
});

test("who may no longer see a form keeps its text, and is told", async () => {
  // By a role that was taken away, or another one that the user has in another tab: the session is a new one then.
  for (const code of [4403, 4401]) {
    await b.page(form);
    await type("i", "long text");
    b.status = 403;
    await b.lose(code);
    await b.until(`${$("n2o-note")}.textContent == "DENIED"`);
    b.status = undefined;
    assert.deepEqual([await b.eval("i.value"), await b.eval("tick(3000, 5000)")], ["long text", 0]);
    await b.eval("dispatchEvent(new Event('online'))");
    assert.equal(await b.eval("socks.length"), 1);
  }
  // Also what the server knows already, and has lost with the session.
  await b.page(`<div ${bind("d", `data-on="change" data-s="i"`)}><input id="i"></div><input id="other">`, { path: "/known", meta: `data-u="ann"` });
  await type("i", "long text\t");
  await b.serve([1, 1, [[0, "i", `<input id="i" value="long text">`]]]);
  b.status = 403;
  await b.lose(4401);
  await b.until(`${$("n2o-note")}.textContent == "DENIED"`);
  b.status = undefined;
  assert.equal(await b.eval("i.value"), "long text");
  // Somebody else is there by now, or nobody is: what is on the screen stays, and is told for as long as it does.
  for (const [was, now] of [["ann", "bob"], ["ann", ""], ["", "bob"]]) {
    const as = (user) => user && `data-u="${user}"`;
    const path = `/of-${was}-then-${now}`;
    await b.page(form, { path, meta: as(was) });
    await type("i", "long text");
    b.serves(form, { path, meta: as(now) });
    await b.lose(4401);
    await b.until(`${$("n2o-note")}.textContent == "DENIED"`);
    await b.eval(`tick(1000), ${$("n2o-note")}.click()`);
    assert.deepEqual([await b.eval("i.value"), await b.eval(`${$("n2o-note")}.textContent`)], ["long text", "DENIED"]);
    await b.keys("\n");
    assert.equal(await b.eval(`${$("n2o-note")}.textContent`), "DENIED", "and nothing is promised");
  }
  // Who may see it gets it anew, and the text with it.
  await b.page(form, { path: "/may" });
  await type("i", "long text");
  await b.lose(4401);
  await b.until("timers.some((t) => t.on && t.once && t.ms > 3000 && t.ms <= 5000)");
  await b.loading(() => b.eval("void tick(3000, 5000)"));
  assert.equal(await b.eval("i.value"), "long text");
});

test("what the server has answered and lost stays, and is told again", async () => {
  const fields = (a, c, k) => `<div ${bind("d", `data-on="change" data-s="a c k"`)}><input id="a" value="${a}"><input id="c" value="${c}"><input type="checkbox" id="k"${k ? " checked" : ""}></div><input id="m" value="">`;
  await b.page(fields("old", "old", false));
  await b.eval("a.focus(), a.setSelectionRange(0, 0)");
  await b.keys("1\t");
  await b.eval(`k.click(), ${$("m")}.focus()`);
  await b.keys("half");
  const all = (await b.sent()).map((frame) => frame[4]);
  assert.deepEqual(all, [["1old", "old", false], ["1old", "old", true]]);
  await b.serve([1, 1, []], [1, 2, [[0, "d", fields("1old", "old", true).split("<input id=\"m\"")[0]]]]);
  const shown = () => b.eval(`[a.value, c.value, k.checked, ${$("m")}.value]`);
  for (const lost of [false, true]) {
    await b.lose();
    await b.eval("tick(0, 500)");
    await b.serve([4, 0, 2, ...(lost ? [1] : [])], [2, [[0, "", lost ? fields("old", "new", false) : fields("1old", "old", true)]]]);
    assert.deepEqual(await shown(), ["1old", lost ? "new" : "old", true, "half"]);
    assert.deepEqual((await b.sent()).map(([, seq, id, , values]) => [seq, id, values]), lost ? [[3, "d", ["1old", "new", true]]] : []);
  }
  await b.serve([1, 3, [[0, "", fields("1old", "new", true)]]]);
  assert.deepEqual(await shown(), ["1old", "new", true, "half"]);
});

test("what was typed too late for an answer that leads elsewhere is told there, but to nobody else", async () => {
  for (const [to, said] of [["/next", "LATE saved and more"], ["/n2o/session?t=1", "LOST"]]) {
    b.serves("next", { path: to });
    await b.page(form, { path: "/form" });
    await type("i", "saved");
    await b.eval("go.click()");
    await type("i", " and more");
    await b.loading(() => b.serve([1, 1, [[14, to]]]));
    await b.serve([4, 0, 0]);
    assert.equal(await note(), said);
  }
});

test("a script that does not come is asked for again", async () => {
  await b.page("<p id='p'></p>");
  // An update needs a module; until it has come nothing that follows is done.
  b.held = [];
  await b.eval(`void (socks.at(-1).serve('[2,[[0,"p","<p id=p>x</p>"]]]'), socks.at(-1).serve('[2,[[8,"p","y"]]]'))`);
  while (!b.held.length) await b.eval("1");
  assert.equal(await b.eval(`${$("p")}.textContent`), "");
  for (const go of b.held) go();
  b.held = undefined;
  await b.until(`${$("p")}.textContent == "y"`);
});
