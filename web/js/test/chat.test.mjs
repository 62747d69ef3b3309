// chat.mjs and client.mjs against a small fake server that follows PROTOCOL.md:
// login, cookie change on the way, room, both formats, reconnect, failures.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { Client, decodeCbor, encodeCbor, textOf } from "./client.mjs";

let server, base, mute, seen;

const page = (token, body) =>
  `<!doctype html><html><head><meta name="n2o" content="${token}"></head><body><div id="n2o-page">${body}</div></body></html>`;
const login = page("t-login", `<input id="user"><input id="room" value="lobby"><button id="b1" data-e="AQID" data-s="user room">Login</button>`);
const chat = page("t-chat", `<div id="log"><p>old &amp; gone</p></div><input id="message"><button id="b2" data-e="BAUG" data-s="message">Send</button>`);

function frame(opcode, body) {
  const n = body.length;
  const head = n < 126 ? [128 | opcode, n] : [128 | opcode, 126, n >> 8, n & 255];
  return Buffer.concat([Buffer.from(head), body]);
}

function upgrade(request, raw) {
  const url = new URL(request.url, base);
  const protocol = request.headers["sec-websocket-protocol"];
  seen.push({ url: request.url, cookie: request.headers.cookie });
  if (request.headers.origin !== base) return raw.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  const accept = createHash("sha1").update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  raw.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`);
  const json = protocol === "n2o.json.1";
  const send = (value) => raw.write(json ? frame(1, Buffer.from(JSON.stringify(value))) : frame(2, encodeCbor(value)));
  const token = url.searchParams.get("t");
  if (request.headers.cookie !== `n2o=${token === "t-chat" ? "named" : "guest"}`) return raw.end(frame(8, Buffer.of(4401 >> 8, 4401 & 255)));
  send([4, Number(url.searchParams.get("n")), Number(url.searchParams.get("a"))]);
  let buffer = Buffer.alloc(0);
  raw.on("error", () => {});
  raw.on("data", (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (;;) {
      if (buffer.length < 6) return;
      assert.ok(buffer[1] & 128, "a client masks");
      let n = buffer[1] & 127;
      let at = 2;
      if (n === 126) (n = buffer.readUInt16BE(2)), (at = 4);
      if (buffer.length < at + 4 + n) return;
      const mask = buffer.subarray(at, at + 4);
      const body = buffer.subarray(at + 4, at + 4 + n).map((byte, i) => byte ^ mask[i & 3]);
      const opcode = buffer[0] & 15;
      buffer = buffer.subarray(at + 4 + n);
      if (opcode === 8) return raw.end();
      assert.equal(opcode, json ? 1 : 2);
      const [kind, seq, id, seal, values] = json ? JSON.parse(Buffer.from(body).toString()) : decodeCbor(body);
      if (kind !== 1) continue;
      if (id === "b1") {
        assert.equal(json ? seal : seal.toString("hex"), json ? "AQID" : "010203");
        send([1, seq, [[14, `/hop?room=${values[1]}`]]]);
      } else if (values[0] === "boom") send([3, seq, 1, "incident 7"]);
      else if (values[0] === "drop") raw.destroy();
      else {
        send([1, seq, [[8, "message", ""]]]);
        const safe = values[0].replaceAll("&", "&amp;").replaceAll("<", "&lt;");
        if (!mute) setTimeout(() => send([2, [[2, "log", `<p>${safe}</p>`]]]), 20);
      }
    }
  });
}

before(async () => {
  server = createServer((request, response) => {
    const cookie = request.headers.cookie;
    if (request.url === "/login") response.writeHead(200, { "Set-Cookie": "n2o=guest; HttpOnly; SameSite=Lax; Path=/" }).end(login);
    else if (request.url.startsWith("/hop?room=") && cookie === "n2o=guest")
      response.writeHead(303, { "Set-Cookie": "n2o=named; HttpOnly; SameSite=Lax; Path=/", Location: `/chat/${request.url.slice(10)}` }).end();
    else if (request.url.startsWith("/chat/") && cookie === "n2o=named") response.end(chat);
    else response.writeHead(404).end();
  });
  server.on("upgrade", upgrade);
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  base = `http://127.0.0.1:${server.address().port}`;
  seen = [];
});
after(() => {
  server.close();
  server.closeAllConnections();
});

const run = (...args) =>
  new Promise((done) =>
    execFile(process.execPath, [new URL("chat.mjs", import.meta.url).pathname, ...args], (error, stdout, stderr) =>
      done({ code: error?.code ?? 0, stdout, stderr }),
    ),
  );

for (const json of [false, true])
  test(`chat.mjs says a line and sees it (${json ? "json" : "cbor"})`, async () => {
    mute = false;
    const { code, stdout, stderr } = await run(...(json ? ["--json"] : []), base, "ann", "lobby", "hi <b> & \u0436");
    assert.equal(code, 0, stderr);
    const { ok, frames } = JSON.parse(stdout);
    assert.equal(ok, true);
    const last = Buffer.from(frames.at(-1), "hex");
    const [kind, [[op, id, html]]] = json ? JSON.parse(last.toString()) : decodeCbor(last);
    assert.deepEqual([kind, op, id, textOf(html)], [2, 2, "log", "hi <b> & \u0436"]);
  });

test("chat.mjs fails within 10 seconds and says where", async () => {
  mute = true;
  const { code, stdout, stderr } = await run(base, "ann", "lobby", "into the void");
  assert.equal(code, 1);
  assert.equal(stdout, "");
  assert.match(stderr, /^chat: failed at .*(line|10 seconds)/);
  const nobody = await run("http://127.0.0.1:1", "ann", "lobby", "x");
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /failed at GET \/login: .*ECONNREFUSED/);
});

test("the client: errors, reconnect with its counters, resend", async () => {
  mute = false;
  const client = new Client(base, { timeout: 2000 });
  await client.open("/login");
  await client.click(client.find("user room"), { user: "ann", room: "r" });
  await client.follow();
  assert.equal(client.text().startsWith("old & gone"), true);
  await client.click("b2", { message: "boom" });
  assert.deepEqual(client.alerts, ["incident 7"]);
  await client.click("b2", { message: "first" });
  await client.until(() => client.text().includes("first"), "first");
  await client.reconnect();
  assert.match(seen.at(-1).url, /n=3&a=2$/);
  await assert.rejects(client.click("b2", { message: "drop" }), /closed with 1006/);
  client.unanswered[0][4] = ["again"];
  await client.connect();
  await client.until(() => client.text().includes("again"), "the event sent again");
  assert.deepEqual(client.unanswered, []);
  await assert.rejects(client.click("nobody"), /not bound/);
  await assert.rejects(new Client(base).open("/chat/x"), /answered 404/);
  client.close();
});
