// Logs into the chat demo of a running server and says one line, as a script:
//
//   node chat.mjs [--json] http://127.0.0.1:PORT NAME ROOM TEXT
//
// Prints one JSON line and exits 0 when the room has shown the line within 10
// seconds; prints the reason and exits 1 otherwise.

import { Client, textOf } from "./client.mjs";

const args = process.argv.slice(2).filter((arg) => arg !== "--json");
const json = args.length < process.argv.length - 2;
const [base, name, room, text] = args;
if (!text) {
  console.error("usage: node chat.mjs [--json] http://127.0.0.1:PORT NAME ROOM TEXT");
  process.exit(2);
}

let step = "GET /login";
const fail = (why) => {
  console.error(`chat: failed at ${step}: ${why}`);
  process.exit(1);
};
setTimeout(() => fail("no success within 10 seconds"), 10000).unref();

try {
  const client = new Client(base, { json });
  await client.open("/login");
  step = "Login";
  await client.click(client.find("user room"), { user: name, room });
  await client.until(() => client.redirect, "the redirect after the login");
  step = `GET ${client.redirect}`;
  await client.follow();
  step = "saying the line";
  // The page may hold the line from an earlier run: only ops count.
  const wanted = text.replace(/\s+/g, " ").trim();
  const shown = () => client.ops.some((op) => typeof op[2] === "string" && textOf(op[2]).includes(wanted));
  await client.click(client.find("message"), { message: text });
  step = "waiting for the line";
  await client.until(shown, "the line in the room");
  client.close();
  console.log(JSON.stringify({ ok: true, frames: client.frames }));
  process.exit(0);
} catch (error) {
  fail(error.message);
}
