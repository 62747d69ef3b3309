// A protocol client written from PROTOCOL.md alone, for scripts and tests: it
// fetches pages, keeps cookies, speaks CBOR or JSON over its own WebSocket, and
// clicks what is bound. It shares no code with n2o.js and is no browser: ops
// are kept and searched as text, not applied to a tree.

import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import https from "node:https";
import net from "node:net";
import tls from "node:tls";

// ---- CBOR, section 4 ----

export function encodeCbor(value) {
  const chunks = [];
  const head = (major, n) => {
    const b = Buffer.alloc(9);
    let length = 1;
    if (n < 24) b[0] = n;
    else if (n < 0x100) (b[0] = 24), b.writeUInt8(n, 1), (length = 2);
    else if (n < 0x10000) (b[0] = 25), b.writeUInt16BE(n, 1), (length = 3);
    else if (n < 0x100000000) (b[0] = 26), b.writeUInt32BE(n, 1), (length = 5);
    else (b[0] = 27), b.writeBigUInt64BE(BigInt(n), 1), (length = 9);
    b[0] |= major << 5;
    chunks.push(b.subarray(0, length));
  };
  const item = (v) => {
    if (v === false) chunks.push(Buffer.of(0xf4));
    else if (v === true) chunks.push(Buffer.of(0xf5));
    else if (v === null) chunks.push(Buffer.of(0xf6));
    else if (Number.isSafeInteger(v) && v >= 0) head(0, v);
    else if (typeof v === "string") {
      const bytes = Buffer.from(v);
      head(3, bytes.length);
      chunks.push(bytes);
    } else if (v instanceof Uint8Array) {
      head(2, v.length);
      chunks.push(Buffer.from(v));
    } else if (Array.isArray(v)) {
      head(4, v.length);
      v.forEach(item);
    } else throw new TypeError(`cannot be sent: ${v}`);
  };
  item(value);
  return Buffer.concat(chunks);
}

export function decodeCbor(bytes) {
  let at = 0;
  const bad = (why) => {
    throw new Error(`malformed CBOR at byte ${at}: ${why}`);
  };
  const take = (n) => {
    if (at + n > bytes.length) bad("truncated");
    at += n;
    return Buffer.from(bytes.subarray(at - n, at));
  };
  const item = (depth) => {
    if (depth > 8) bad("nested too deep");
    const [first] = take(1);
    const major = first >> 5;
    let n = first & 31;
    if (major === 7) {
      if (n < 20 || n > 22) bad("unknown simple value");
      return [false, true, null][n - 20];
    }
    if (n > 27) bad("indefinite or reserved length");
    if (n > 23) {
      const size = 1 << (n - 24);
      const big = BigInt(`0x${take(size).toString("hex")}`);
      if (big > BigInt(Number.MAX_SAFE_INTEGER)) bad("too great");
      n = Number(big);
      if (n < [24, 0x100, 0x10000, 0x100000000][Math.log2(size)]) bad("not the shortest form");
    }
    if (major === 0) return n;
    if (major === 2) return take(n);
    if (major === 3) return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(take(n));
    if (major !== 4) bad(`major type ${major}`);
    if (n > bytes.length - at) bad("truncated");
    const list = [];
    for (let i = 0; i < n; i++) list.push(item(depth + 1));
    return list;
  };
  const value = item(0);
  if (at !== bytes.length) bad("trailing bytes");
  return value;
}

// ---- a minimal WebSocket client, RFC 6455 ----

export class Socket {
  static async open(url, { headers, protocol }) {
    const { hostname, port, protocol: scheme, pathname, search, host } = new URL(url);
    const secure = scheme === "https:" || scheme === "wss:";
    const raw = await new Promise((done, fail) => {
      const to = { host: hostname.replace(/[[\]]/g, ""), port: port || (secure ? 443 : 80) };
      const s = secure ? tls.connect({ ...to, servername: to.host }, () => done(s)) : net.connect(to, () => done(s));
      s.once("error", fail);
    });
    raw.setNoDelay(true);
    const key = randomBytes(16).toString("base64");
    const lines = {
      Host: host,
      Upgrade: "websocket",
      Connection: "Upgrade",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": key,
      "Sec-WebSocket-Protocol": protocol,
      ...headers,
    };
    raw.write(
      `GET ${pathname}${search} HTTP/1.1\r\n` +
        Object.entries(lines).map(([name, value]) => `${name}: ${value}\r\n`).join("") +
        "\r\n",
    );
    const socket = new Socket(raw);
    await socket.handshake(key, protocol);
    return socket;
  }

  constructor(raw) {
    this.raw = raw;
    this.buffer = Buffer.alloc(0);
    this.parts = [];
    this.onmessage = () => {};
    this.onclose = () => {};
    raw.on("error", () => {});
    raw.on("close", () => this.ended(1006));
  }

  handshake(key, protocol) {
    return new Promise((done, fail) => {
      const onData = (data) => {
        this.buffer = Buffer.concat([this.buffer, data]);
        const end = this.buffer.indexOf("\r\n\r\n");
        if (end < 0) return;
        this.raw.off("data", onData);
        const answer = this.buffer.subarray(0, end).toString("latin1");
        this.buffer = this.buffer.subarray(end + 4);
        const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
        const field = (name) => answer.match(new RegExp(`^${name}: *(.*?) *$`, "im"))?.[1];
        if (!/^HTTP\/1\.1 101 /.test(answer)) fail(new Error(`handshake refused: ${answer.split("\r\n")[0]}`));
        else if (field("sec-websocket-accept") !== accept) fail(new Error("handshake: wrong Sec-WebSocket-Accept"));
        else if (field("sec-websocket-protocol") !== protocol) fail(new Error("handshake: wrong subprotocol"));
        else {
          this.raw.on("data", (more) => this.take(more));
          done();
          setImmediate(() => this.take(Buffer.alloc(0)));
        }
      };
      this.raw.on("data", onData);
      this.raw.once("close", () => fail(new Error("handshake: connection closed")));
    });
  }

  take(data) {
    this.buffer = Buffer.concat([this.buffer, data]);
    while (this.buffer.length >= 2) {
      const [first, second] = this.buffer;
      let length = second & 127;
      let at = 2;
      if (length === 126) {
        if (this.buffer.length < 4) return;
        length = this.buffer.readUInt16BE(2);
        at = 4;
      } else if (length === 127) {
        if (this.buffer.length < 10) return;
        length = Number(this.buffer.readBigUInt64BE(2));
        at = 10;
      }
      if (this.buffer.length < at + length) return;
      const body = this.buffer.subarray(at, at + length);
      this.buffer = this.buffer.subarray(at + length);
      this.frame(first, body);
    }
  }

  frame(first, body) {
    const opcode = first & 15;
    if (opcode === 8) {
      this.ended(body.length > 1 ? body.readUInt16BE(0) : 1005);
      this.write(8, body.subarray(0, 2));
      this.raw.end();
    } else if (opcode === 9) this.write(10, body);
    else if (opcode < 3) {
      if (opcode) this.text = opcode === 1;
      this.parts.push(body);
      if (!(first & 128)) return;
      const whole = Buffer.concat(this.parts);
      this.parts = [];
      this.onmessage(whole, this.text);
    }
  }

  write(opcode, body) {
    const mask = randomBytes(4);
    const n = body.length;
    const head =
      n < 126
        ? Buffer.of(128 | opcode, 128 | n)
        : n < 65536
          ? Buffer.of(128 | opcode, 254, n >> 8, n & 255)
          : Buffer.concat([Buffer.of(128 | opcode, 255, 0, 0, 0, 0), Buffer.of(n >>> 24, n >> 16, n >> 8, n)]);
    this.raw.write(Buffer.concat([head, mask, body.map((byte, i) => byte ^ mask[i & 3])]));
  }

  send(body, text) {
    this.write(text ? 1 : 2, body);
  }

  close(code = 1000) {
    this.write(8, Buffer.of(code >> 8, code & 255));
    this.raw.end();
  }

  ended(code) {
    this.onclose(code);
    this.onclose = () => {};
  }
}

// ---- the client ----

const entities = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", "#39": "'", "#34": '"', nbsp: "\u00a0" };
const unescape = (text) => text.replace(/&([#\w]+);/g, (whole, name) => entities[name] ?? whole);
/** The text of HTML, whitespace folded. */
export const textOf = (html) => unescape(html.replace(/<[^>]*>/g, " ")).replace(/\s+/g, " ").trim();

/** Every tag of `html` as { tag, attributes }. */
const tags = (html) =>
  [...html.matchAll(/<([a-z][\w-]*)((?:\s+[^\s=>/]+(?:="[^"]*"|='[^']*'|=[^\s>"']+)?)*)\s*\/?>/gi)].map(
    ([, tag, rest]) => ({
      tag: tag.toLowerCase(),
      attributes: Object.fromEntries(
        [...rest.matchAll(/([^\s=]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s]+)))?/g)].map(([, name, a, b, c]) => [
          name,
          unescape(a ?? b ?? c ?? ""),
        ]),
      ),
    }),
  );

export class Client {
  /** `json` chooses n2o.json.1; `timeout` bounds each wait in milliseconds. */
  constructor(base, { json = false, timeout = 10000 } = {}) {
    this.base = new URL(base);
    this.json = json;
    this.timeout = timeout;
    this.cookies = new Map();
    this.frames = []; // each received message as hex
  }

  /** One HTTP exchange; cookies are kept, redirects are not followed. */
  request(url) {
    const headers = { Accept: "text/html" };
    if (this.cookies.size) headers.Cookie = this.cookieLine();
    return new Promise((done, fail) => {
      const ask = url.protocol === "https:" ? https.get : http.get;
      const request = ask(url, { headers, timeout: this.timeout }, (answer) => {
        for (const line of answer.headers["set-cookie"] ?? []) {
          const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
          if (/;\s*max-age=0\b/i.test(line)) this.cookies.delete(name);
          else this.cookies.set(name, value);
        }
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString() }));
        answer.on("error", fail);
      });
      request.on("error", fail);
      request.on("timeout", () => request.destroy(new Error(`no answer from ${url}`)));
    });
  }

  cookieLine() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  /** Fetches a page, following redirects, and connects to it. */
  async open(path) {
    this.close();
    let url = new URL(path, this.url ?? this.base);
    let answer;
    for (let hops = 0; ; hops++) {
      if (hops > 10) throw new Error(`too many redirects at ${url}`);
      answer = await this.request(url);
      if (answer.status < 300 || answer.status > 399) break;
      url = new URL(answer.headers.location, url);
    }
    if (answer.status !== 200) throw new Error(`GET ${url.pathname} answered ${answer.status}`);
    this.url = url;
    this.html = answer.body;
    this.elements = new Map();
    this.values = new Map();
    this.alerts = [];
    this.note(this.html);
    this.token = tags(this.html).find(({ tag, attributes }) => tag === "meta" && attributes.name === "n2o")?.attributes.content;
    if (!this.token) throw new Error(`${url.pathname} carries no page token`);
    Object.assign(this, { counted: 0, answered: 0, next: 1, unanswered: [], redirect: null, ops: [] });
    await this.connect();
    return this;
  }

  async connect() {
    const query = new URLSearchParams({ t: this.token, n: this.counted, a: this.answered });
    this.socket = await Socket.open(new URL(`/ws?${query}`, this.url), {
      headers: { Origin: this.url.origin, Cookie: this.cookieLine() },
      protocol: this.json ? "n2o.json.1" : "n2o.cbor.1",
    });
    this.closed = null;
    this.socket.onmessage = (bytes) => this.receive(bytes);
    this.socket.onclose = (code) => {
      this.closed = code;
      clearInterval(this.heart);
      this.wake?.();
    };
    this.heart = setInterval(() => this.send([0, this.counted]), 25000);
    this.heart.unref();
    this.welcome = null;
    await this.until(() => this.welcome, "WELCOME");
  }

  /** Loses the connection and takes it up again, by section 8. */
  async reconnect() {
    this.socket?.raw.destroy();
    await this.connect();
  }

  close() {
    clearInterval(this.heart);
    if (this.socket && this.closed === null) this.socket.close();
    this.socket = null;
  }

  send(frame) {
    if (this.json)
      this.socket.send(
        Buffer.from(JSON.stringify(frame, (_, v) => (v?.type === "Buffer" ? Buffer.from(v.data).toString("base64url") : v))),
        true,
      );
    else this.socket.send(encodeCbor(frame));
  }

  receive(bytes) {
    this.frames.push(bytes.toString("hex"));
    const [kind, a, b, c] = this.json ? JSON.parse(bytes.toString()) : decodeCbor(bytes);
    if (kind === 1 || kind === 2 || kind === 3) this.counted++;
    if (kind === 1 || kind === 3) {
      this.answered = a;
      this.unanswered = this.unanswered.filter((event) => event[1] !== a);
    }
    if (kind === 1) b.forEach((op) => this.apply(op));
    if (kind === 2) a.forEach((op) => this.apply(op));
    if (kind === 3) this.alerts.push(c);
    if (kind === 4) {
      this.welcome = true;
      this.counted = a;
      for (const event of this.unanswered) if (event[1] > b) this.send(event);
    }
    this.wake?.();
  }

  apply(op) {
    this.ops.push(op);
    const [code, id, value] = op;
    if (code <= 5) {
      this.html += `\n${value}`;
      this.note(value);
    } else if (code === 8) this.values.set(id, value);
    else if (code === 7) this.values.set(id, "");
    else if (code === 9 && this.elements.has(id)) this.elements.get(id).attributes[value] = op[3];
    else if (code === 14) this.redirect = id;
    else if (code === 15) this.alerts.push(id);
  }

  // The newest tag with an id is what the document holds under it.
  note(html) {
    for (const element of tags(html)) if (element.attributes.id) this.elements.set(element.attributes.id, element);
  }

  /** The id of the bound element whose data-s is exactly `sources`. */
  find(sources) {
    for (const [id, { attributes }] of this.elements)
      if (attributes["data-e"] !== undefined && attributes["data-s"] === sources) return id;
    throw new Error(`no bound element with data-s="${sources}" on ${this.url.pathname}`);
  }

  /** Types into an input. */
  type(id, value) {
    if (!this.elements.has(id)) throw new Error(`no input ${id} on ${this.url.pathname}`);
    this.values.set(id, value);
  }

  valueOf(id) {
    if (this.values.has(id)) return this.values.get(id);
    const element = this.elements.get(id);
    if (!element) return null;
    if (element.attributes.type === "checkbox") return element.attributes.checked !== undefined;
    return element.attributes.value ?? "";
  }

  /** Fires the event of an element; resolves with the answer's ops when it has come. */
  async click(id, values) {
    const attributes = this.elements.get(id)?.attributes;
    if (attributes?.["data-e"] === undefined) throw new Error(`${id} is not bound`);
    for (const [source, value] of Object.entries(values ?? {})) this.type(source, value);
    const sources = attributes["data-s"]?.split(" ") ?? [];
    const seq = this.next++;
    const event = [1, seq, id, Buffer.from(attributes["data-e"], "base64url"), sources.map((name) => this.valueOf(name))];
    this.unanswered.push(event);
    const before = this.ops.length;
    this.send(event);
    await this.until(() => this.answered >= seq, `the answer to event ${seq} (${id})`);
    return this.ops.slice(before);
  }

  /** Goes where a redirect op pointed. */
  async follow() {
    if (!this.redirect) throw new Error("no redirect has come");
    return this.open(this.redirect);
  }

  /** What the page and all ops since have shown. */
  text() {
    return textOf(this.html) + this.ops.filter(([code]) => code === 8).map((op) => ` ${op[2]}`).join("");
  }

  async until(test, what) {
    const end = performance.now() + this.timeout;
    while (!test()) {
      if (this.closed !== null && this.closed !== undefined) throw new Error(`connection closed with ${this.closed} while waiting for ${what}`);
      const left = end - performance.now();
      if (left <= 0) throw new Error(`timeout while waiting for ${what}`);
      let timer;
      await new Promise((wake) => {
        this.wake = wake;
        timer = setTimeout(wake, left);
      });
      clearTimeout(timer);
    }
  }
}
