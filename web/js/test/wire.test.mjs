// The wire: values, queue, resend, reconnect, heartbeat, close codes; and the
// scripts' CBOR codec against the golden bytes of RFC 8949, appendix A.

import assert from "node:assert/strict";
import { b, test } from "./browser.mjs";
import { decodeCbor, encodeCbor } from "./client.mjs";

const SEAL = "-_8A"; // fb ff 00
const button = (id, more = "") => `<button id="${id}" data-e="${SEAL}" ${more}>${id}</button>`;
const click = (id) => b.eval(`document.getElementById(${JSON.stringify(id)}).click()`);
const noteText = () => b.eval("document.getElementById('n2o-note').textContent");
const state = () => b.eval("document.documentElement.dataset.n2o");

test("values of every kind of source, by section 6", async () => {
  await b.page(`<input id="t"><input id="c" type="checkbox" checked><input id="d" type="checkbox">
    <select id="m" multiple><option selected>a<option>b<option selected>c</select>
    <select id="s"><option>x<option selected>y</select>
    <div id="g"><input type="radio" name="r" value="1"><input type="radio" name="r" value="2" checked></div>
    <div id="e"><input type="radio" name="q" value="1"></div><textarea id="a">
line</textarea>${button("go", 'data-s="t c d m s g e a gone"')}`);
  await b.eval(`document.getElementById("t").value = '"\\u6c34\\\\'`);
  await click("go");
  assert.deepEqual(await b.eval("socks.at(-1).sent"), [
    String.raw`[1,1,"go","-_8A",["\"` + "\u6c34" + String.raw`\\",true,false,["a","c"],"y","2",null,"line",null]]`,
  ]);
});

test("what the server sends is decoded", async () => {
  await b.page(`<p id="p" hidden>x</p><input id="c" type="checkbox">`);
  await b.serve('[2,[[10,"p","k",true],[8,"c",true],[9,"p","hidden",null],[15,"\\u0436 \\"\\\\ </p>"]]]');
  assert.deepEqual(await b.eval("[p.className, c.checked, p.hidden]"), ["k", true, false]);
  assert.equal(await noteText(), '\u0436 "\\ </p>');
  await b.serve([2, [[10, "p", "k", false], [8, "c", false]]]);
  assert.deepEqual(await b.eval("[p.className, c.checked]"), ["", false]);
});

test("malformed messages fetch the page again; unknown frames and ops do nothing", async () => {
  for (const text of ["", "[2", "nonsense", "null", "7", "{}", "[1,1]", "[2,5]", "[2]", "[".repeat(200000), "[3,1,1,\"no such event\"]"]) {
    await b.page("");
    await b.serve(text);
    assert.equal(await b.eval("timers.some((t) => t.on && t.once && t.ms > 3000 && t.ms <= 5000)"), true, text.slice(0, 40));
    assert.ok((await b.eval("socks.at(-1).closed")) > 0);
  }
  await b.page("");
  await b.serve([6], [8, 1, "x"], [2, [[77, "p"], [], ["x"]]], [2, [[15, "alive"]]]);
  assert.equal(await noteText(), "alive");
});

test("the handshake names the token, the format and nothing seen", async () => {
  await b.page("", { welcome: false });
  const [count, url, protocol] = await b.eval("[socks.length, socks[0].url, socks[0].protocol]");
  assert.deepEqual([count, protocol], [1, "n2o.json.1"]);
  assert.ok(url.startsWith(`${b.origin.replace("http", "ws")}/ws?t=TOKEN&n=0&a=0&c=`), url);
});

test("events wait for WELCOME, then go in order, 16 at a time", async () => {
  await b.page(button("go", "data-r"), { welcome: false });
  for (let i = 0; i < 20; i++) await click("go");
  assert.deepEqual(await b.sent(), []);
  await b.serve([4, 0, 0]);
  assert.deepEqual((await b.sent()).map((f) => f[1]), Array.from({ length: 16 }, (_, i) => i + 1));
  await b.serve([1, 1, []]);
  assert.deepEqual((await b.sent()).map((f) => f[1]).slice(16), [17]);
  await b.serve([3, 2, 5, "slow down"]);
  assert.deepEqual((await b.sent()).map((f) => f[1]).slice(17), [18]);
  assert.equal(await noteText(), "slow down");
});

test("after a loss: counters, and exactly the events that were not executed", async () => {
  await b.page(button("go", "data-r"));
  for (let i = 0; i < 5; i++) await click("go");
  await b.serve([1, 1, []], [2, []], [3, 2, 1, "x"]);
  const before = await b.eval("socks.at(-1).sent");
  await b.lose();
  assert.equal(await b.eval("tick(0, 500)"), 1);
  assert.match(await b.eval("socks.at(-1).url"), /&n=3&a=2&c=\d+$/);
  await click("go");
  await b.serve([4, 3, 3]);
  // 3 is on its way, 4 and 5 go again as they were, 6 is new.
  const again = await b.eval("socks.at(-1).sent");
  assert.deepEqual(again.slice(0, 2), before.slice(3, 5));
  assert.deepEqual((await b.sent()).map((f) => f[1]), [4, 5, 6]);
  await b.serve([1, 3, []], [1, 4, []], [1, 5, []], [1, 6, []]);
  assert.equal(await b.eval("!!document.querySelector('[aria-busy]')"), false);
  // A page restored from its saved state starts its count anew.
  await b.lose();
  await b.eval("tick(0, 500)");
  assert.match(await b.eval("socks.at(-1).url"), /&n=7&a=6&c=\d+$/);
  await b.serve([4, 0, 6], [2, []]);
  await b.eval("tick(25000)");
  assert.deepEqual(await b.sent(), [[0, 1]]);
});

test("a WELCOME from the future means an old copy of the page", async () => {
  await b.page("", { welcome: false });
  await b.serve([4, 0, 7]);
  assert.equal(await state(), "off");
  assert.equal(await b.eval("tick(0, 2000) && socks.length"), 1);
});

test("waits grow to 10 seconds and start small again", async () => {
  await b.page("", { welcome: false });
  const waits = [];
  for (let i = 0; i < 8; i++) {
    await b.lose();
    waits.push(await b.eval("timers.filter((t) => t.on && t.once && t.ms != 1000).at(-1).ms"));
    await b.eval("tick(200, 10000)");
  }
  assert.deepEqual(waits, [450, 900, 1800, 3600, 7200, 9000, 9000, 9000]);
  await b.serve([4, 0, 0]);
  await b.lose();
  assert.equal(await b.eval("timers.filter((t) => t.on && t.once && t.ms != 1000).at(-1).ms"), 450);
});

test("close codes of section 9", async () => {
  const waits = "timers.filter((t) => t.on && t.once && t.ms != 1000).map((t) => t.ms)";
  for (const [code, what] of [[1000, "soon"], [1001, "soon"], [1005, "soon"], [1006, "soon"], [1008, "later"], [1009, "later"], [1013, "later"], [4400, "page"], [4401, "page"], [4403, "page"], [4404, "page"], [4409, "soon"]]) {
    await b.page("");
    await b.lose(code);
    const ms = await b.eval(waits);
    if (what === "soon") assert.deepEqual(ms, [450]);
    else if (what === "later") assert.deepEqual(ms, [5450]);
    else {
      const gets = b.gets.length;
      assert.ok(ms[0] > 3000 && ms[0] <= 5000, `${code} ${ms}`);
      await b.loading(() => b.eval("void tick(3000, 5000)"));
      assert.equal(b.gets.length, gets + 1);
    }
  }
});

test("a page that another connection has taken is taken back once, with a later number", async () => {
  await b.page("");
  const number = async () => Number((await b.eval("socks.at(-1).url")).match(/&c=(\d+)/)[1]);
  const first = await number();
  await b.lose(4409);
  await b.eval("new Promise((done) => setTimeout(done, 5))");
  assert.equal(await b.eval("tick(0, 500)"), 1);
  assert.ok((await number()) > first);
  await b.serve([4, 0, 0]);
  assert.equal(await state(), "on");
  // Told so again it leaves the page to the other, and asks for one of its own.
  await b.lose(4409);
  assert.equal(await b.eval("tick(0, 500)"), 0);
  await b.loading(() => b.eval("void tick(3000, 5000)"));
  assert.doesNotMatch(await b.eval("socks.at(-1).url"), /r=1/);
});

test("an old page is fetched again at once", async () => {
  await b.page("");
  await b.eval("performance.now = () => 6000");
  await b.loading(() => b.lose(4404));
});

test("who is on the way to another page is not called back", async () => {
  await b.page(button("go"));
  await click("go");
  await b.serve([1, 1, [[14, "/nowhere"]]]);
  await b.lose(4401);
  const gets = () => b.gets.filter((path) => path !== "/nowhere").length;
  const before = gets();
  assert.equal(await b.eval("window.here = tick(3000, 5000)"), 1);
  // A page that had been fetched again would have forgotten it.
  assert.equal(await b.eval("window.here"), 1);
  assert.equal(gets(), before);
});

test("heartbeat: a PING every 25 seconds, and 10 to answer", async () => {
  await b.page("");
  assert.equal(await b.eval("timers.filter((t) => t.on && t.ms == 10000).length"), 0);
  await b.serve([2, []]);
  await b.eval("tick(25000)");
  assert.deepEqual(await b.sent(), [[0, 1]]);
  await b.serve([0]);
  assert.equal(await b.eval("tick(10000)"), 0);
  await b.eval("tick(25000)");
  assert.deepEqual(await b.sent(), [[0, 1], [0, 1]]);
  assert.equal(await b.eval("tick(10000)"), 1);
  assert.equal(await state(), "off");
  assert.equal(await b.eval("tick(200, 500)"), 1);
  assert.equal(await b.eval("socks.length"), 2);
  // A handshake that hangs is lost as well.
  assert.equal(await b.eval("tick(10000)"), 1);
  await b.eval("tick(200, 1000)");
  assert.equal(await b.eval("socks.length"), 3);
});

test("a silent network is noticed 10 seconds after a click, and a long handler is none", async () => {
  await b.page(button("go", "data-r"));
  await click("go");
  // Answered in time: nothing is asked.
  await b.serve([1, 1, []]);
  assert.equal(await b.eval("tick(3000)"), 0);
  await click("go");
  assert.equal(await b.eval("tick(3000)"), 1);
  assert.deepEqual((await b.sent()).at(-1), [0, 1]);
  // The handler works, the server lives.
  await b.serve([0]);
  assert.equal(await b.eval("tick(7000)"), 0);
  await click("go");
  await click("go");
  assert.equal(await b.eval("tick(3000)"), 1);
  assert.equal(await b.eval("tick(7000)"), 1);
  assert.equal(await state(), "off");
});

test("online and visible again: at once", async () => {
  await b.page("");
  await b.lose();
  await b.eval("dispatchEvent(new Event('online'))");
  assert.equal(await b.eval("socks.length"), 2);
  assert.equal(await b.eval("tick(200, 500)"), 0);
  await b.serve([4, 0, 0]);
  await b.eval("document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))");
  assert.deepEqual(await b.sent(), [[0, 0]]);
  // An abandoned socket has no say.
  await b.eval("socks[0].onclose?.({ code: 4401 }), socks[0].serve('[')");
  assert.equal(await state(), "on");
});

test("the back/forward cache", async () => {
  await b.page(button("go"));
  await b.eval("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))");
  assert.ok((await b.eval("socks[0].closed")) > 0);
  assert.equal(await b.eval("tick(0, 500)"), 0);
  await b.eval("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))");
  assert.equal(await b.eval("socks.length"), 2);
});

test("the note: off after a second, waiting events, cleared on reconnect", async () => {
  await b.page(button("go"));
  assert.equal(await state(), "on");
  await b.lose();
  await b.eval("new Promise((done) => setTimeout(done, 100))");
  assert.deepEqual([await state(), await noteText()], ["off", ""]);
  await b.eval("tick(1000)");
  assert.equal(await noteText(), "OFF");
  await click("go");
  assert.equal(await noteText(), "WAIT");
  await b.eval("tick(0, 500)");
  await b.serve([4, 0, 0]);
  assert.deepEqual([await noteText(), await state()], ["", "on"]);
  // A loss that ended within the second is never told.
  await b.serve([1, 1, []]);
  await b.lose();
  await b.eval("tick(0, 500)");
  await b.serve([4, 1, 1]);
  await b.eval("tick(1000)");
  assert.equal(await noteText(), "");
});

test("an error goes away when something succeeds, an alert stays", async () => {
  await b.page(button("go", "data-r"));
  for (let i = 0; i < 5; i++) await click("go");
  await b.serve([3, 1, 1, "no"]);
  assert.equal(await noteText(), "no");
  await b.serve([2, []]);
  assert.equal(await noteText(), "no");
  await b.serve([1, 2, []]);
  assert.equal(await noteText(), "");
  await b.serve([3, 3, 1, "no"], [1, 4, [[15, "saved"]]]);
  assert.equal(await noteText(), "saved");
  await b.serve([1, 5, []]);
  assert.equal(await noteText(), "saved");
});

test("alerts are text, dismissed by click or Escape", async () => {
  await b.page("");
  for (const dismiss of [() => click("n2o-note"), () => b.keys("\x1b")]) {
    await b.serve([2, [[15, "<b>no</b>"]]]);
    assert.deepEqual([await noteText(), await b.eval("document.querySelector('output').className")], ["<b>no</b>", "alert"]);
    await dismiss();
    assert.deepEqual([await noteText(), await b.eval("document.querySelector('output').className")], ["", ""]);
  }
  assert.deepEqual(await b.eval("errors"), []);
});

test("the scripts' codec agrees with the appendix, and refuses what is malformed", () => {
  for (const [value, bytes] of [[0, "00"], [23, "17"], [24, "1818"], [1000000000000, "1b000000e8d4a51000"], ["", "60"], ["IETF", "6449455446"], ["\u00fc", "62c3bc"], [[], "80"], [[1, [2, 3], [4, 5]], "8301820203820405"], [false, "f4"], [true, "f5"], [null, "f6"], [Buffer.from([1, 2, 3, 4]), "4401020304"]]) {
    assert.equal(encodeCbor(value).toString("hex"), bytes);
    assert.deepEqual(decodeCbor(Buffer.from(bytes, "hex")), value);
  }
  for (const bytes of ["", "18", "1817", "20", "9f01ff", "5f41ff", "c000", "a0", "f97e00", "f7", "8001", "82", "1bffffffffffffffff", "61ff", "81".repeat(100)])
    assert.throws(() => decodeCbor(Buffer.from(bytes, "hex")), bytes);
});
