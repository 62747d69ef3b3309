// The page: ops, morph, typing wins, events, times, drafts; in a real browser
// under the real CSP. Every test ends by asking for errors and CSP reports.

import assert from "node:assert/strict";
import { b, test } from "./browser.mjs";

const bind = (id, more = "") => `id="${id}" data-e="AAAA" ${more}`;
const push = (...ops) => b.serve([2, ops]);
const html = (id) => b.eval(`document.getElementById("${id}").innerHTML`);
const $ = (id) => `document.getElementById("${id}")`;
const value = (id) => b.eval(`${$(id)}.value`);
const type = async (id, text) => {
  await b.eval(`${$(id)}.focus(), ${$(id)}.setSelectionRange(99, 99)`);
  await b.keys(text);
};

test("each op does what section 7 says", async () => {
  await b.page(`<ul id="u"><li id="l">1</li></ul><input id="i" value="v"><p id="p" hidden>x</p>`);
  await push([1, "u", "<li>0</li>"], [2, "u", "<li>3</li>"], [3, "l", "<li>b</li>"], [4, "l", "<li>a</li><li>c</li>"]);
  assert.equal(await b.eval(`${$("u")}.innerText.replace(/\\s+/g, "")`), "0b1ac3");
  await push([5, "l", `<li id="l" class="new">R</li>`], [8, "i", "w"], [11, "p"], [8, "p", "<b>"], [9, "p", "lang", "uk"], [10, "p", "k", true], [13, "i"], [16, "Title"]);
  assert.deepEqual(await b.eval(`[${$("l")}.className, ${$("i")}.value, ${$("p")}.outerHTML, document.activeElement.id, document.title]`), ["new", "w", `<p id="p" lang="uk" class="k">&lt;b&gt;</p>`, "i", "Title"]);
  await push([12, "p"], [9, "p", "lang", null], [10, "p", "k", false], [7, "u"], [7, "i"], [6, "l"]);
  assert.deepEqual(await b.eval(`[${$("p")}.hidden, ${$("p")}.lang, ${$("p")}.className, ${$("u")}.innerHTML, ${$("i")}.value]`), [true, "", "", "", ""]);
  await push([2, "u", `<li id="1"></li><li id="2"></li><li id="3"></li><li id="4"></li>`], [17, "2", true], [17, "2", false], [99, "2"]);
  assert.equal(await b.eval(`[...${$("u")}.children].map((li) => li.id).join()`), "2,4");
  await push([6, "u"], [0, "", `<p id="p">all</p>`], [2, "", "<i>end</i>"]);
  assert.equal(await html("n2o-page"), `<p id="p">all</p><i>end</i>`);
});

test("set reaches selects, radio groups, boxes, buttons", async () => {
  await b.page(`<select id="s"><option value="1">a<option value="2">b</select><select id="m" multiple><option>x<option>y<option>z</select>
    <div id="g"><input type="radio" name="g" value="1" checked><input type="radio" name="g" value="2"></div><input type="checkbox" id="c"><button id="b">x</button>`);
  await push([8, "s", "2"], [8, "m", ["x", "z"]], [8, "g", "2"], [8, "c", true], [8, "b", "y"]);
  assert.deepEqual(await b.eval(`[s.value, [...m.selectedOptions].map((o) => o.value).join(), document.querySelector("#g :checked").value, c.checked, ${$("b")}.textContent]`), ["2", "x,z", "2", true, "y"]);
});

test("hostile and unknown ids, ops and attributes are harmless", async () => {
  await b.page(`<img name="cookie" id="cookie" alt=""><form name="body" id="body"></form><p id="__proto__">x</p><p id="constructor">x</p>`);
  for (const id of ["__proto__", "constructor", "cookie", "body", "toString", "nobody", "", "a b", '"', "\\"])
    await push([0, id, `<p id="${id}">y</p>`], [6, "gone"], [8, id, "z"], [9, id, "1bad", "x"], [10, id, "a b", true], [9, id, "onclick", "alert(1)"], [99, id], [13, id], [3, id, "<b></b>"]);
  await b.page(`<p id="p">x</p>`);
  await push([99, "p"], [0, "p", ""], [0, "nobody", "<p>"], [8, "p", "alive"]);
  assert.equal(await html("p"), "alive");
});

test("a form whose inputs are called like its properties", async () => {
  const form = (v, more = "") => `<form id="f" class="${v}">${["attributes", "childNodes", "id", "name", "title", "children", "action"].map((id) => `<input id="${id}" value="1">`).join("")}${more}</form>`;
  await b.page(form("a"));
  await b.eval(`document.querySelector("#title").value = "typed", document.querySelector("#title").kept = 1`);
  await push([0, "f", form("b", "<p>more</p>")]);
  assert.deepEqual(await b.eval(`[document.forms[0].className, document.querySelector("#title").value, document.querySelector("#title").kept, document.querySelectorAll("input").length, document.querySelectorAll("p").length]`), ["b", "typed", 1, 7, 1]);
});

test("redirect only to http and https", async () => {
  await b.page("");
  await push([14, "javascript:window.hacked=1"], [14, "data:text/html,x"], [14, "http://["], [14, " \tjavascript:window.hacked=1"], [14, "blob:http://x/y"], [14, "about:blank"]);
  await b.eval("new Promise((done) => setTimeout(done, 100))");
  assert.deepEqual(await b.eval("[window.hacked ?? 0, location.pathname]"), [0, "/"]);
  await b.page("there", { path: "/there" });
  await b.page("here", { path: "/" });
  await b.loading(() => push([14, "/there"]));
  assert.equal(await b.eval("location.pathname"), "/there");
});

test("markup from the server runs nothing", async () => {
  await b.page(`<p id="p"></p>`);
  await push([2, "p", "<script>window.hacked = 1</scr" + "ipt>"], [0, "p", `<p id="p"><script>window.hacked = 1</scr` + `ipt></p>`]);
  assert.equal(await b.eval("window.hacked ?? 0"), 0);
});

test("morph keeps nodes, focus, caret and does not touch what is equal", async () => {
  await b.page(`<div id="d"><p id="p">one</p><input id="i" value="hello"><b>x</b></div>`);
  await b.eval(`${$("i")}.focus(), ${$("i")}.setSelectionRange(2, 4), window.nodes = [...${$("d")}.children], window.seen = [], new MutationObserver((list) => seen.push(...list)).observe(${$("d")}, { subtree: true, childList: true, attributes: true, characterData: true })`);
  await push([0, "d", `<div id="d"><p id="p">two</p><input id="i" value="hello"><b>x</b></div>`]);
  assert.deepEqual(await b.eval(`[nodes.every((n, i) => n == ${$("d")}.children[i]), seen.length, seen[0].type, document.activeElement.id, ${$("i")}.selectionStart, ${$("i")}.selectionEnd]`), [true, 1, "characterData", "i", 2, 4]);
  await push([0, "d", `<div id="d"><p id="p">two</p><input id="i" value="hello!"><b>x</b></div>`]);
  assert.deepEqual(await b.eval(`[${$("i")}.value, ${$("i")}.selectionStart, ${$("i")}.selectionEnd]`), ["hello!", 2, 4]);
});

test("keyed lists: moved, removed and inserted without remaking the rest", async () => {
  const ul = (...ids) => `<ul id="u">${ids.map((id) => `<li id="${id}"><input id="i${id}"></li>`).join("\n")}</ul>`;
  await b.page(ul("a", "b", "c", "d", "e"));
  await b.eval(`for (const el of document.querySelectorAll("li")) el.mine = el.id`);
  await type("ic", "typed");
  for (const ids of ["bcde", "ebxcd", "cb", "qcr", "dcb", "c", "zyc"]) {
    await push([0, "u", ul(...ids)]);
    assert.deepEqual(await b.eval(`[[...${$("u")}.children].map((el) => el.id).join(""), document.activeElement.id, ${$("ic")}.value, ${$("c")}.mine]`), [ids, "ic", "typed", "c"]);
  }
  // Two with one id: both are shown, nothing is lost.
  await push([0, "u", `<ul id="u"><li id="z">1</li><li id="z">2</li></ul>`], [0, "u", `<ul id="u"><li id="z">3</li><li id="z">4</li></ul>`]);
  assert.equal(await b.eval(`${$("u")}.textContent`), "34");
});

test("wrappers without an id: rows follow the input inside them", async () => {
  const row = (id, error = "") => `<div>${error}<input id="${id}"></div>`;
  await b.page(`<section id="s">${row("a")}${row("b")}</section>`);
  await type("b", "typed");
  await push([0, "s", `<section id="s">${row("b")}</section>`]);
  assert.deepEqual(await b.eval(`[document.activeElement.id, ${$("b")}.value]`), ["b", "typed"]);
  await push([0, "s", `<section id="s">${row("b", `<em id="err">no</em>`)}</section>`]);
  assert.deepEqual(await b.eval(`[document.activeElement.id, ${$("b")}.value, ${$("err")}.textContent]`), ["b", "typed", "no"]);
  // What was typed in one input must not turn up in another.
  await push([0, "s", `<section id="s">${row("new")}</section>`]);
  assert.equal(await value("new"), "");
});

test("svg and table rows", async () => {
  await b.page(`<svg id="s"><g id="g"><circle id="c" r="1"/></g></svg><table><tbody id="t"><tr id="r"><td>1</td></tr></tbody></table>`);
  await push([0, "c", `<circle id="c" r="2"/>`], [2, "g", `<rect id="k" width="1"/>`], [0, "g", `<g id="g"><circle id="c" r="3"/><rect id="k" width="1"/><path id="p" d="M0 0"/></g>`]);
  const svg = `["c", "k", "p"].map((id) => document.getElementById(id).namespaceURI.slice(-3))`;
  assert.deepEqual(await b.eval(`${svg}.concat(${$("c")}.r.baseVal.value)`), ["svg", "svg", "svg", 3]);
  await push([0, "s", `<svg id="s" viewBox="0 0 1 1"><g id="g"><circle id="c" r="4"/><rect id="k" width="1"/><path id="p" d="M0 0"/></g></svg>`]);
  assert.deepEqual(await b.eval(`${svg}.concat(${$("c")}.r.baseVal.value, ${$("s")}.viewBox.baseVal.width)`), ["svg", "svg", "svg", 4, 1]);
  await push([0, "r", `<tr id="r"><td>2</td></tr>`], [4, "r", `<tr id="q"><td>3</td></tr>`], [2, "t", "<tr><td>4</td></tr>"]);
  assert.equal(await b.eval(`${$("t")}.rows.length + ${$("t")}.textContent`), "3234");
});

test("details stay as the user left them", async () => {
  const d = (x) => `<div id="d"><details id="o"><summary>s</summary>${x}</details></div>`;
  await b.page(d(1));
  await b.eval(`${$("o")}.open = true`);
  await push([0, "d", d(2)]);
  assert.deepEqual(await b.eval(`[${$("o")}.open, ${$("o")}.textContent]`), [true, "s2"]);
});

test("typing wins: in answers by the mark, in pushes by the last answer", async () => {
  await b.page(`<input id="i" value="a"><textarea id="t">a</textarea><button ${bind("go", `data-r data-s="i"`)}>go</button>`);
  await type("i", "1");
  await push([8, "i", "server"], [0, "i", `<input id="i" value="server">`]);
  assert.equal(await value("i"), "a1");
  await b.eval(`${$("go")}.click()`);
  await type("t", "2");
  await b.serve([1, 1, [[8, "i", "S"], [8, "t", "S"], [7, "t"]]]);
  assert.deepEqual([await value("i"), await value("t")], ["S", "a2"]);
  await b.eval(`${$("go")}.click()`);
  await b.serve([1, 2, [[0, "t", `<textarea id="t">new</textarea>`]]]);
  assert.equal(await value("t"), "new");
  // Answered: a push may fill it, too. An equal default leaves what is there.
  await type("i", "x");
  await b.eval(`${$("go")}.click()`);
  await b.serve([1, 3, []]);
  await push([0, "i", `<input id="i" value="S" class="k">`]);
  assert.deepEqual([await value("i"), await b.eval("i.className")], ["Sx", "k"]);
  await push([0, "i", `<input id="i" value="T">`]);
  assert.equal(await value("i"), "T");
  // Set is what the server gave: going back to the old value is a change.
  await push([8, "i", "U"], [0, "i", `<input id="i" value="T">`]);
  assert.equal(await value("i"), "T");
});

test("typing wins for checkboxes and selects", async () => {
  const page = (c, s, extra = "") => `<div id="d"><input type="checkbox" id="c"${c}><select id="s">${extra}${["x", "y", "z"].map((v) => `<option value="${v}"${v == s ? " selected" : ""}>${v}</option>`).join("")}</select></div>`;
  await b.page(page("", "x") + `<button ${bind("go")}>go</button>`);
  await b.eval(`${$("c")}.click(), ${$("s")}.focus()`);
  await b.keys("y");
  assert.deepEqual(await b.eval(`[c.checked, s.value]`), [true, "y"]);
  await push([0, "d", page("", "z", `<option value="w">w</option>`)], [8, "c", false], [8, "s", "x"]);
  assert.deepEqual(await b.eval(`[c.checked, s.value, s.length]`), [true, "y", 4]);
  await b.eval(`${$("go")}.click()`);
  await b.serve([1, 1, [[0, "d", page(" checked", "z")]]]);
  assert.deepEqual(await b.eval(`[c.checked, s.value]`), [true, "z"]);
  await push([0, "d", page("", "x")]);
  assert.deepEqual(await b.eval(`[c.checked, s.value]`), [false, "x"]);
});

test("events: types, links, forms, bubbling, radios of a group", async () => {
  await b.page(`<a href="/away" ${bind("a")}><i id="in">x</i></a><form ${bind("f", `data-s="q"`)}><input id="q" value="1"><button id="sub">s</button></form>
    <input ${bind("ch", `data-s="ch"`)}><input type="checkbox" ${bind("cb", `data-s="cb"`)}><select ${bind("se", `data-s="se"`)}><option>1<option>2</select><div ${bind("cl", `data-on="change"`)}><input id="inner"></div>`);
  await b.eval(`${$("in")}.click(), sub.click(), cb.click(), se.focus()`);
  await b.keys("2");
  await type("ch", "t\t");
  await type("inner", "t\t");
  assert.deepEqual((await b.sent()).map(([, , id, , v]) => [id, ...(v ?? [])]), [["a"], ["f", "1"], ["cb", true], ["se", "2"], ["ch", "t"], ["cl"]]);
  assert.equal(await b.eval("location.pathname"), "/");
});

test("busy: a second press waits for the answer, unless data-r; a change is never lost", async () => {
  await b.page(`<button ${bind("g")}>g</button><button ${bind("r", "data-r")}>r</button><select ${bind("s", `data-s="s"`)}><option>1<option>2<option>3</select>`);
  const ids = async () => (await b.sent()).map((f) => f[2]).join("");
  await b.eval("g.click(), g.click(), r.click(), r.click()");
  assert.equal(await ids(), "grr");
  assert.equal(await b.eval(`${$("g")}.getAttribute("aria-busy")`), "true");
  await b.eval(`for (const v of "23") s.value = v, s.dispatchEvent(new Event("change", { bubbles: true }))`);
  assert.equal(await ids(), "grrss");
  // Made anew by a push it is still busy, and free after its answer.
  await push([5, "g", `<button ${bind("g")}>g</button>`]);
  await b.eval("g.click()");
  assert.deepEqual([await ids(), await b.eval(`${$("g")}.getAttribute("aria-busy")`)], ["grrss", "true"]);
  await b.serve([1, 1, []]);
  assert.equal(await b.eval(`${$("g")}.hasAttribute("aria-busy")`), false);
  await b.eval("g.click()");
  assert.equal(await ids(), "grrssg");
});

test("questions come first, and nothing is checked here: the server says all that is wrong at once", async () => {
  await b.page(`<input id="i" required><button ${bind("q", `data-c="Sure?"`)}>q</button><button ${bind("v", `data-s="i"`)}>v</button>`);
  await b.eval("window.accept = false, q.click()");
  assert.deepEqual([await b.eval("dialogs"), await b.sent()], [["Sure?"], []]);
  await b.eval("window.accept = true");
  await b.eval("q.click()");
  assert.equal((await b.sent()).length, 1);
  await b.eval("v.click()");
  assert.deepEqual((await b.sent()).slice(1).map((f) => f[4]), [[""]]);
});

test("Enter presses the first button that reads the input", async () => {
  await b.page(`<input id="i"><input ${bind("own")}><button id="no" data-s="ii">n</button><button ${bind("go", `data-s="x i"`)}>go</button>`);
  await type("i", "hi\n");
  assert.deepEqual((await b.sent()).map((f) => [f[2], f[4]]), [["go", [null, "hi"]]]);
  await type("own", "a\n");
  assert.deepEqual((await b.sent()).map((f) => f[2]), ["go", "own"]);
});

test("input events wait for a pause, and go before anything else", async () => {
  await b.page(`<input ${bind("i", `data-on="input" data-s="i"`)}><button ${bind("go")}>go</button>`);
  await type("i", "abc");
  assert.deepEqual(await b.sent(), []);
  await b.eval("tick(250)");
  assert.deepEqual((await b.sent()).map((f) => f[4]), [["abc"]]);
  await b.keys("d");
  await b.eval("go.click()");
  assert.deepEqual((await b.sent()).map((f) => f[2]), ["i", "i", "go"]);
  await b.keys("e\t");
  assert.deepEqual((await b.sent()).map((f) => f[2]), ["i", "i", "go", "i"]);
  assert.equal(await b.eval("tick(250)"), 0);
});

test("data-end sticks to the end, and only when it was there", async () => {
  const lines = (from, n) => Array.from({ length: n }, (_, i) => `<p>${from + i}</p>`).join("");
  await b.page(`<div id="log" data-end>${lines(0, 50)}</div>`);
  await b.eval(`log.style.cssText = "height: 100px; overflow: auto"`);
  await push([2, "log", lines(50, 1)]);
  await push([2, "log", lines(51, 5)]);
  const end = `Math.abs(log.scrollHeight - log.scrollTop - log.clientHeight) < 2`;
  assert.equal(await b.eval(`log.scrollTop > 0`), false, "it was scrolled to the top by the style, not at its end");
  await b.eval("log.scrollTop = log.scrollHeight");
  await push([2, "log", lines(60, 5)]);
  assert.equal(await b.eval(end), true);
  await b.eval("log.scrollTop = 200");
  await push([2, "log", lines(70, 5)]);
  assert.equal(await b.eval("log.scrollTop"), 200);
  for (const top of [0, 200]) {
    await b.eval(`log.scrollTop = ${top}, window.shown = log.children[7], window.was = shown.getBoundingClientRect().top`);
    await push([1, "log", lines(-9, 9)]);
    await b.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
    assert.equal(await b.eval("Math.abs(shown.getBoundingClientRect().top - was) < 2"), true, `${top}`);
  }
});

test("times in the page's language, though the browser speaks others", async () => {
  await b.page(`<time id="a" datetime="2026-03-05T10:00:00Z">x</time>`, { lang: "uk" });
  assert.match(await b.eval(`${$("a")}.textContent`), /^5 \u0431\u0435\u0440\.? 2026.*12:00$/);
});

test("times in the reader's zone and language", async () => {
  const t = `<time id="a" datetime="2026-03-05T10:00:00Z">x</time><time id="b" datetime="2026-03-06T10:00:00Z">x</time><time id="c" datetime="soon">x</time>`;
  await b.page(`<div id="d">${t}</div>`);
  const shown = await b.eval(`[a, b, c].map((el) => document.getElementById(el.id).textContent)`.replace("[a, b, c]", "[...document.querySelectorAll('time')]"));
  assert.match(shown[0], /5 Mar 2026.*12:00/);
  assert.equal(shown[1], "12:00");
  assert.equal(shown[2], "x");
  assert.match(await b.eval(`${$("a")}.title`), /05.03.2026, 12:00:00/);
  await b.eval(`window.seen = 0, new MutationObserver((list) => (window.seen += list.length)).observe(document.getElementById("n2o-page"), { subtree: true, childList: true, attributes: true, characterData: true })`);
  await push([0, "d", `<div id="d">${t}</div>`]);
  assert.equal(await b.eval("seen"), 0);
  await push([2, "d", `<time id="n" datetime="2026-03-05T10:00:00Z">x</time>`]);
  assert.match(await b.eval(`${$("n")}.textContent`), /12:00/);
});

test("today is the reader's, at every hour and over the change to summer time", async () => {
  const cases = [
    // Now, the time shown, and what stands there.
    ["2026-03-06T21:59:00Z", "2026-03-06T10:00:00Z", "12:00"],
    ["2026-03-06T22:00:00Z", "2026-03-06T10:00:00Z", "6 Mar 2026, 12:00"],
    ["2026-03-06T22:00:00Z", "2026-03-06T22:00:00Z", "00:00"],
    ["2026-12-31T21:59:59Z", "2026-12-31T21:58:00Z", "23:58"],
    ["2026-12-31T22:00:00Z", "2026-12-31T21:58:00Z", "31 Dec 2026, 23:58"],
    // The hour from 3 to 4 is left out on 29 March, and comes twice on 25 October.
    ["2026-03-29T01:30:00Z", "2026-03-29T00:59:00Z", "02:59"],
    ["2026-03-29T01:30:00Z", "2026-03-29T01:00:00Z", "04:00"],
    ["2026-10-25T01:30:00Z", "2026-10-25T00:30:00Z", "03:30"],
    ["2026-10-25T01:30:00Z", "2026-10-25T01:30:00Z", "03:30"],
  ];
  await b.page(`<p id="p"></p>`);
  for (const [now, at, expected] of cases) {
    await b.eval(`window.now = Date.parse("${now}")`);
    await push([7, "p"], [2, "p", `<time datetime="${at}">x</time>`]);
    assert.equal(await b.eval(`${$("p")}.textContent`), expected, `${at} at ${now}`);
  }
});

test("drafts: what was typed survives a reload, once, where nothing has changed", async () => {
  const form = (v) => `<input id="i" value="${v}"><textarea id="t">q</textarea><input id="p" type="password"><input id="c" type="checkbox"><select id="s"><option>1<option>2</select><input id="same" value="s"><textarea id="log" data-end rows="2" readonly>${"x\n".repeat(99)}</textarea>${"<p>x</p>".repeat(99)}`;
  await b.page(form("a"), { path: "/d?x=1" });
  await type("i", "1");
  await type("t", "2");
  await type("p", "3");
  await b.eval("c.click(), s.focus()");
  await b.keys("2");
  assert.equal(await b.eval("log.scrollTop > 500 || [log.scrollTop, log.scrollHeight, log.clientHeight].join()"), true);
  await b.eval("scrollTo(0, 300), (log.scrollTop = 40)");
  await b.loading(() => b.reload());
  // The tab goes on with the page that was left: it is shown first, and cannot be used before.
  assert.match(await b.eval("socks.at(-1).url"), /t=TOKEN&n=0&a=0&c=\d+&r=1$/);
  assert.equal(await b.eval(`${$("n2o-page")}.inert`), true);
  await b.serve([4, 0, 0], [2, [[0, "", form("a")]]]);
  assert.equal(await b.eval(`${$("n2o-page")}.inert`), false);
  const values = "[i.value, t.value, p.value, c.checked, s.value, scrollY, log.scrollTop]";
  assert.deepEqual(await b.eval(values), ["a1", "q2", "", true, "2", 300, 40]);
  // Restored values count as typed.
  await b.serve([2, [[8, "i", "z"]]]);
  assert.equal(await value("i"), "a1");
  // The server gives another default now: its value wins.
  await b.page(form("b"), { path: "/d?x=1" });
  assert.equal(await value("i"), "b");
  assert.equal(await value("t"), "q2");
  assert.equal(await b.eval("scrollY"), 300);
  // Another query is another page.
  await b.page(form("b"), { path: "/d?x=2" });
  assert.equal(await value("t"), "q");
});

test("no draft after an answer has sent the user on", async () => {
  const form = `<input id="i"><button ${bind("go", `data-s="i"`)}>go</button>`;
  await b.page("next", { path: "/next" });
  await b.page(form, { path: "/form" });
  await type("i", "typed");
  await b.eval("go.click()");
  await b.loading(() => b.serve([1, 1, [[14, "/next"]]]));
  await b.page(form, { path: "/form" });
  assert.equal(await value("i"), "");
});

test("no globals", async () => {
  await b.page("");
  // Drivers leave some of their own.
  const names = async () => (await b.eval("Object.getOwnPropertyNames(window)")).filter((name) => !/^(cdc_|ret_)/.test(name));
  const with_client = await names();
  b.pages.set("/none", "<!doctype html><title>t</title><script src='/inject.js'></script>");
  await b.go("/none");
  const without = new Set(await names());
  assert.deepEqual(with_client.filter((name) => !without.has(name)), []);
});
