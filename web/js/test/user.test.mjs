// What belongs to the user: texts that are typed while answers are on their
// way, compositions, dialogs, sizes, focus and selection; each of them also
// where answers are late and elements change their places.

import assert from "node:assert/strict";
import { b, test } from "./browser.mjs";

const bind = (id, more = "") => `id="${id}" data-e="AAAA" ${more}`;
const push = (...ops) => b.serve([2, ops]);
const $ = (id) => `document.getElementById("${id}")`;
const value = (id) => b.eval(`${$(id)}.value`);
const focused = () => b.eval("document.activeElement.id");
const type = async (id, text) => {
  await b.eval(`${$(id)}.focus(), ${$(id)}.setSelectionRange(99, 99)`);
  await b.keys(text);
};
const values = async () => (await b.sent()).map((frame) => frame[4]);

test("an answer takes away what was sent, and a second submit waits its turn", async () => {
  for (const clear of [[7, "m"], [8, "m", ""], [0, "m", `<input id="m" value="">`]]) {
    await b.page(`<form ${bind("f", `data-s="m"`)}><input id="m"></form><p id="p"></p>`);
    await type("m", "hello\nhow are you?\n");
    assert.deepEqual(await values(), [["hello"]]);
    await b.eval(`${$("m")}.setSelectionRange(8, 8)`);
    // What a morph compares with has to have changed.
    await push([9, "m", "value", "x"]);
    await b.serve([1, 1, [clear]]);
    assert.deepEqual(await values(), [["hello"], ["how are you?"]]);
    assert.deepEqual([await value("m"), await b.eval(`${$("m")}.selectionStart`)], ["how are you?", 3]);
    await b.keys("!");
    await push([9, "m", "value", "x"]);
    await b.serve([1, 2, [clear]]);
    assert.equal((await values()).length, 2);
  }
});

test("a second press without anything new is none, and one after an error is not made by itself", async () => {
  await b.page(`<form ${bind("f", `data-s="m"`)}><input id="m"></form>`);
  await type("m", "hello\n\n");
  await b.serve([1, 1, [[7, "m"]]]);
  assert.deepEqual(await values(), [["hello"]]);
  await b.keys("again\nand more\n");
  await b.serve([3, 2, 1, "failed"]);
  assert.deepEqual([(await values()).length, await value("m")], [2, "againand more"]);
});

test("each Enter sends what stood there then, however late the answers are", async () => {
  for (const clear of [[7, "m"], [8, "m", ""], [0, "m", `<input id="m" value="">`]]) {
    await b.page(`<form ${bind("f", `data-s="m"`)}><input id="m"></form>`);
    await type("m", "one\ntwo\nthree\n\nfour\nunfinished");
    const all = ["one", "two", "three", "four"];
    for (let seq = 1; seq < 5; seq++) {
      assert.deepEqual((await values()).flat(), all.slice(0, seq));
      await push([9, "m", "value", "x"]);
      await b.serve([1, seq, [clear]]);
    }
    assert.deepEqual([(await values()).flat(), await value("m")], [all, "unfinished"]);
  }
  // Values are compared one by one, not as a text of all.
  await b.page(`<form ${bind("f", `data-s="to m"`)}><input id="to" value="a,b"><input id="m"><button>s</button></form>`);
  await type("to", "\n");
  await b.eval(`${$("to")}.value = "a", ${$("m")}.value = "b,"`);
  await type("m", "\n");
  await b.serve([1, 1, []]);
  assert.deepEqual(await values(), [["a,b", ""], ["a", "b,"]]);
  // Two inputs, of which one is cleared and one is not.
  await b.page(`<form ${bind("f", `data-s="to m"`)}><input id="to" value="ann"><input id="m"><button>s</button></form>`);
  await type("m", "one\n");
  await type("to", "a\n");
  await type("m", "two");
  await b.serve([1, 1, [[7, "m"]]]);
  assert.deepEqual([await values(), await value("m")], [[["ann", "one"], ["anna", ""]], "two"]);
});

test("what was pressed meanwhile is not sent after a failure, nor by another element", async () => {
  await b.page(`<form ${bind("f", `data-s="m"`)}><input id="m"></form><form ${bind("g", `data-s="n"`)}><input id="n"></form>`);
  await type("m", "one\ntwo\nthree\n");
  await type("n", "x\ny\n");
  await b.serve([3, 1, 1, "failed"]);
  await b.serve([1, 2, [[7, "n"]]]);
  assert.deepEqual([(await values()).flat(), await value("m")], [["one", "x", "y"], "onetwothree"]);
});

test("what was typed too late for an answer that takes its input away is told", async () => {
  const note = () => b.eval(`${$("n2o-note")}.textContent`);
  for (const gone of [[6, "f"], [0, "d", `<div id="d"><p id="p">saved</p></div>`]]) {
    await b.page(`<div id="d"><form ${bind("f", `data-s="m k"`)}><input id="m"><input id="k" type="password"><button>s</button></form></div>`);
    await type("m", "saved\n");
    await type("k", "secret");
    await type("m", " and more");
    await b.serve([1, 1, [gone]]);
    assert.equal(await note(), "LATE saved and more");
  }
  // What becomes of the events of what is gone takes the word away no more.
  await b.serve([3, 2, 2, "cannot be done here"]);
  assert.equal(await note(), "LATE saved and more");
  // What the event has carried is no loss, nor what stays where it is.
  for (const op of [[6, "f"], [9, "m", "class", "x"]]) {
    await b.page(`<form ${bind("f", `data-s="m"`)}><input id="m"></form>`);
    await type("m", op[0] == 6 ? "saved\n" : "saved\n and more");
    await b.serve([1, 1, [op]]);
    assert.equal(await note(), "");
  }
});

test("a push takes away nothing that is being typed", async () => {
  await b.page(`<form ${bind("f", `data-s="m"`)}><input id="m"></form>`);
  await type("m", "hello\n");
  await b.serve([1, 1, []]);
  await b.keys(" you");
  await push([7, "m"]);
  assert.equal(await value("m"), "hello you");
});

test("a text that was changed before its end is left alone", async () => {
  await b.page(`<form ${bind("f", `data-s="m"`)}><input id="m"></form>`);
  await type("m", "hello\n");
  await b.eval(`${$("m")}.setSelectionRange(0, 0)`);
  await b.keys("oh ");
  await b.serve([1, 1, [[7, "m"]]]);
  assert.equal(await value("m"), "oh hello");
});

test("an open modal dialog stays alive, and so do open details", async () => {
  const page = (n) => `<dialog id="d"><input id="i" value="${n}"><button ${bind("b")}>b</button></dialog><details id="o"><summary>s</summary>${n}</details>`;
  await b.page(`<div id="x">${page(1)}</div>`);
  await b.eval(`${$("d")}.showModal(), (${$("o")}.open = true), ${$("i")}.focus()`);
  await push([0, "x", `<div id="x">${page(2)}</div>`], [0, "", `<div id="x" class="c">${page(3)}</div>`]);
  assert.deepEqual(await b.eval(`[${$("d")}.open, ${$("d")}.matches(":modal"), ${$("o")}.open, ${$("i")}.value]`), [true, true, true, "3"]);
  await b.keys("4\t \n");
  assert.deepEqual([await value("i"), (await b.sent()).length > 0], ["34", true]);
  // Closed by the user it stays closed.
  await b.eval(`${$("d")}.close()`);
  await push([0, "x", `<div id="x">${page(5)}</div>`]);
  assert.equal(await b.eval(`${$("d")}.open`), false);
});

test("a dragged size and an element of the application's own are left alone", async () => {
  const page = (n, own = "") => `<div id="x"><textarea id="t" class="c${n}"></textarea><div id="own" data-own class="c${n}">${own}</div></div>`;
  await b.page(page(1));
  await b.eval(`(${$("t")}.style.height = "123px"), ${$("own")}.append("chart"), ${$("own")}.classList.add("mine")`);
  await push([0, "x", page(2, "<p>server</p>")]);
  assert.deepEqual(
    await b.eval(`[${$("t")}.style.height, ${$("t")}.className, ${$("own")}.textContent, ${$("own")}.className]`),
    ["123px", "c2", "chart", "c1 mine"],
  );
});

test("nothing is set while a word is being composed", async () => {
  await b.page(`<input ${bind("i", `data-on="input" data-s="i"`)} value=""><p id="p"></p>`);
  await b.eval(`${$("i")}.focus()`);
  const compose = (text) =>
    b.eval(`(${$("i")}.value = "${text}"), ${$("i")}.dispatchEvent(new InputEvent("input", { bubbles: true, isComposing: true, data: "${text}" })), tick(250)`);
  await b.eval(`${$("i")}.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }))`);
  await compose("A");
  await compose("AB");
  // The answer to the first is late, and the second changes what was typed.
  await b.serve([1, 1, [[8, "i", "A"]]]);
  assert.equal(await value("i"), "AB");
  await b.serve([1, 2, [[8, "i", "ab"], [0, "i", `<input ${bind("i", `data-on="input" data-s="i"`)} value="ab">`]]]);
  assert.equal(await value("i"), "AB");
  await compose("ABC");
  await b.eval(`${$("i")}.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true }))`);
  await b.serve([1, 3, [[8, "i", "ABC"]]]);
  assert.deepEqual([await value("i"), await values()], ["ABC", [["A"], ["AB"], ["ABC"]]]);
});

test("a real composition in Chromium", async (engine) => {
  if (engine !== "chromium") return;
  await b.page(`<input ${bind("i", `data-on="input" data-s="i"`)} value="">`);
  await b.eval(`${$("i")}.focus()`);
  for (const [n, text] of ["A", "AB", "ABC"].entries()) {
    await b.driver.devtools("Input.imeSetComposition", { text, selectionStart: text.length, selectionEnd: text.length });
    await b.eval("tick(250)");
    await b.serve([1, n + 1, [[8, "i", text]]]);
  }
  await b.driver.devtools("Input.insertText", { text: "ABC" });
  assert.equal(await value("i"), "ABC");
});

test("what the browser cannot read is neither sent nor wiped, and its user is told", async () => {
  const page = (v) => `<label for="n">Price</label><input type="number" id="n" value="${v}"><input ${bind("o", `data-s="n o"`)}><button ${bind("go", `data-s="n o"`)}>go</button>`;
  await b.page(`<div id="x">${page(1)}</div>`);
  // Each browser has its own idea of what is no number.
  const bad = `Object.defineProperty(${$("n")}, "validity", { configurable: true, value: { badInput: true, valid: false } })`;
  await b.eval(`${$("n")}.select()`);
  await b.keys("-");
  if (!(await b.eval(`${$("n")}.validity.badInput`))) await b.eval(`void ${bad}`);
  await type("o", "x\t");
  await b.eval(`${$("go")}.click()`);
  assert.deepEqual(await b.sent(), []);
  assert.match(await b.eval(`${$("n2o-note")}.textContent`), /^Price: BAD$/);
  await push([8, "n", "5"], [0, "x", `<div id="x">${page(7)}</div>`], [7, "n"]);
  assert.equal(await b.eval(`${$("n")}.validity.badInput && ${$("n")}.defaultValue`), "1");
  // Corrected, it is sent as any other.
  await b.eval(`delete ${$("n")}.validity, ${$("n")}.focus(), ${$("n")}.select()`);
  await b.keys("25\t");
  await b.eval(`${$("go")}.click()`);
  assert.deepEqual((await values()).at(-1), ["25", "x"]);
});

test("half of a date", async () => {
  await b.page(`<input type="date" id="d" value="2026-03-06"><button ${bind("go", `data-s="d"`)}>go</button>`);
  await b.eval(`${$("d")}.focus()`);
  await b.keys("\ue003");
  if (!(await b.eval(`${$("d")}.validity.badInput`))) await b.keys("\ue017");
  if (!(await b.eval(`${$("d")}.validity.badInput`))) return; // an engine whose dates are plain texts
  await b.eval(`${$("go")}.click()`);
  await push([8, "d", "2027-01-01"]);
  assert.deepEqual([await b.sent(), await b.eval(`${$("d")}.validity.badInput`)], [[], true]);
});

test("focus, selection and keys survive every order of a list", async () => {
  const ul = (ids) => `<ul id="u">${[...ids].map((id) => `<li id="${id}"><input id="i${id}" value="value"></li>`).join("")}</ul>`;
  await b.page(ul("abcd"));
  await b.eval(`${$("ic")}.focus(), ${$("ic")}.setSelectionRange(1, 3)`);
  for (const ids of ["cabd", "abdc", "dcba", "c", "xcy", "cyx"]) {
    await push([0, "u", ul(ids)]);
    assert.deepEqual([await focused(), await b.eval(`[${$("ic")}.selectionStart, ${$("ic")}.selectionEnd]`)], ["ic", [1, 3]], ids);
  }
  await b.keys("X");
  assert.equal(await value("ic"), "vXue");
});

test("replacing the focused element keeps the focus, and taking it away does not move it", async () => {
  await b.page(`<input id="i" value="abc"><input id="j">`);
  await b.eval(`${$("i")}.focus(), ${$("i")}.setSelectionRange(1, 2)`);
  await push([5, "i", `<input id="i" value="abc" class="new">`]);
  assert.deepEqual([await focused(), await b.eval(`[${$("i")}.selectionStart, ${$("i")}.selectionEnd]`)], ["i", [1, 2]]);
  // Asked to go elsewhere it goes there.
  await push([5, "i", `<input id="i" value="abc">`], [13, "j"]);
  assert.equal(await focused(), "j");
  await push([6, "j"]);
  assert.equal(await focused(), "");
});

test("a default rewritten under a selected, untouched input keeps the selection", async () => {
  await b.page(`<div id="x"><input id="i" value="2026-11"></div>`);
  await b.eval(`${$("i")}.focus(), ${$("i")}.select()`);
  for (const ops of [[[8, "i", "2026-12"]], [[0, "x", `<div id="x"><input id="i" value="2027-01"></div>`]]]) {
    await push(...ops);
    assert.deepEqual(await b.eval(`[${$("i")}.selectionStart, ${$("i")}.selectionEnd]`), [0, 7]);
  }
  await b.keys("x");
  assert.equal(await value("i"), "x");
});

test("a bound link opens a tab when it is asked to", async () => {
  await b.page(`<a href="/nowhere" ${bind("a")}>a</a>`);
  await b.eval(`window.prevented = [], addEventListener("click", (e) => (window.prevented.push(e.defaultPrevented), e.preventDefault()))`);
  for (const key of ["ctrlKey", "metaKey", "shiftKey", "altKey"])
    await b.eval(`void ${$("a")}.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, ${key}: true }))`);
  assert.deepEqual([(await b.sent()).length, await b.eval("window.prevented")], [1, [false, false, false, true]]);
});

test("controls wait for the script", async () => {
  await b.page(`<button ${bind("a", "disabled data-w")}>a</button><button ${bind("n", "disabled")}>n</button>`);
  assert.deepEqual(await b.eval(`[${$("a")}.disabled, ${$("a")}.dataset.w ?? 0, ${$("n")}.disabled]`), [false, 0, true]);
});
