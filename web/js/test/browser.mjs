// Runs the client in real browsers under the real CSP. The page gets a fake
// WebSocket and fake long timers, so that a test plays the server and the
// clock, and a wall clock that stands still. Not a test itself.
//
// N2O_JS names another folder than web/js for the scripts.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, test as one } from "node:test";
import { Driver, ENGINES, until } from "./driver.mjs";

const folder = new URL(process.env.N2O_JS ?? "../", import.meta.url);
const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; " +
  "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types n2o";

// Runs in the page before everything else. Timers of a second or more are kept
// and run by the test; `Math.random` is fixed so that waits are known.
function inject() {
  const long = (window.timers = []);
  for (const name of ["setTimeout", "setInterval"]) {
    const real = window[name];
    window[name] = (fn, ms, ...args) =>
      // The driver of WebKit has a timer of 30 seconds in the page.
      (ms >= 200 && ms != 30000) || name == "setInterval" ? -long.push({ fn, ms, args, on: true, once: name == "setTimeout" }) : real(fn, ms, ...args);
  }
  const realClear = window.clearTimeout;
  window.clearTimeout = (id) => (id < 0 ? (long[-id - 1].on = false) : realClear(id));
  window.tick = (least, most = least) => {
    const due = long.filter((timer) => timer.on && timer.ms >= least && timer.ms <= most);
    for (const timer of due) {
      timer.on = !timer.once;
      timer.fn(...timer.args);
    }
    return due.length;
  };
  Math.random = () => 0.9;
  window.dialogs = [];
  window.accept = true;
  window.confirm = (text) => (window.dialogs.push(text), window.accept);
  // Noon of a day in winter, in the zone of the drivers: no test knows when it runs. Only what asks for the time
  // gets it. The reader's languages are these, whatever the browser speaks.
  Object.defineProperty(navigator, "languages", { value: ["de-AT", "en-GB", "en"] });
  const now = Date.UTC(2026, 2, 6, 10);
  window.Date = class extends Date {
    constructor(...args) {
      super(...(args.length ? args : [window.now ?? now]));
    }
    static now() {
      return window.now ?? now;
    }
  };
  window.errors = [];
  addEventListener("error", (e) => window.errors.push(String(e.message)));
  addEventListener("unhandledrejection", (e) => window.errors.push(String(e.reason)));
  document.addEventListener("securitypolicyviolation", (e) => window.errors.push(`CSP ${e.violatedDirective}`));
  window.socks = [];
  window.WebSocket = class {
    constructor(url, protocol) {
      Object.assign(this, { url: String(new URL(url, location)).replace("http", "ws"), protocol, sent: [], closed: 0 });
      window.socks.push(this);
    }
    send(bytes) {
      if (this.closed) throw new Error("send after close");
      this.sent.push(bytes);
    }
    close() {
      this.closed++;
    }
    serve(data) {
      return Promise.resolve(this.onmessage?.({ data })).then(() => null);
    }
  };
}

const KEYS = { "\n": "\ue007", "\t": "\ue004", "\x1b": "\ue00c" };
const running = new Map();

/** The browser of the test that runs. */
export let b;

/** A test that is run in each engine; it ends by asking the page for errors and CSP reports. */
export function test(name, run) {
  for (const engine of ENGINES)
    one(`${engine}: ${name}`, async () => {
      if (!running.has(engine)) running.set(engine, Browser.start(engine));
      b = await running.get(engine);
      await run(engine);
      if (b.used) {
        const errors = await b.eval("errors");
        if (errors.length) throw new Error(`the page complains: ${errors.join("; ")}`);
      }
    });
}

after(async () => {
  for (const browser of running.values()) await (await browser.catch(() => undefined))?.stop();
});

export class Browser {
  static async start(engine) {
    const browser = new Browser();
    browser.pages = new Map([["/blank", "<!doctype html><title>t</title>"]]);
    browser.gets = [];
    browser.next = 1;
    browser.server = createServer((request, response) => {
      const { pathname } = new URL(request.url, "http://x");
      const script = (text) => response.writeHead(200, { "Content-Type": "text/javascript" }).end(text);
      if (pathname === "/inject.js") return script(`(${inject})()`);
      if (pathname.startsWith("/n2o/") && !browser.pages.has(pathname)) {
        // The server puts a hash into the names of modules, which build.mjs has written into the script.
        const name = pathname.slice(5).replace(/(-[0-9a-f]{16})?\.js$/, ".min.js");
        if (browser.held) return browser.held.push(() => script(readFileSync(new URL(name, folder))));
        return script(readFileSync(new URL(name, folder)));
      }
      if (pathname === "/favicon.ico") return response.writeHead(404).end();
      browser.gets.push(request.url);
      // Leads nowhere: the page that asks for it stays, as one does whose next page is slow to come.
      if (pathname === "/nowhere") return response.writeHead(204).end();
      const body = browser.pages.get(pathname);
      response.writeHead(body === undefined ? 404 : browser.status ?? 200, {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": CSP,
        "Cache-Control": "no-store",
      });
      response.end(body);
    });
    await new Promise((done) => browser.server.listen(0, "127.0.0.1", done));
    browser.origin = `http://127.0.0.1:${browser.server.address().port}`;
    browser.driver = await Driver.start(engine);
    return browser;
  }

  /** Shows `body` as an N2O page, at a path of its own as drafts belong to paths, and welcomes the client. */
  async page(body, { path = `/?${this.next++}`, welcome = true, meta = "", lang = "en" } = {}) {
    this.serves(body, { path, meta, lang });
    this.used = true;
    // The address that is shown already would be fetched as by a reload.
    if (path === this.path) await this.go("/blank");
    await this.go(path);
    // Answered when the modules that the page needs are there, as every frame is.
    await this.serve(welcome ? [4, 0, 0] : [0]);
  }

  /** Has `body` as an N2O page for who asks for it. */
  serves(body, { path, meta = "", lang = "en" }) {
    this.pages.set(
      path.split("?")[0],
      `<!doctype html><html lang="${lang}"><head><title>t</title><script src="/inject.js"></script>
<meta name="n2o" content="TOKEN" ${meta}>
<script type="module" src="/n2o/n2o.js"></script></head><body><div id="n2o-page">${body}</div>
<output id="n2o-note" data-off="OFF" data-wait="WAIT" data-lost="LOST" data-late="LATE" data-denied="DENIED" data-bad="BAD"></output></body></html>`,
    );
  }

  go(path) {
    this.path = path;
    return this.driver.send("Navigate", "url", { url: this.origin + path });
  }

  reload() {
    return this.driver.send("Refresh", "refresh");
  }

  back() {
    return this.driver.send("Back", "back");
  }

  /** Does what makes the page be replaced, and waits for the next one. */
  async loading(act) {
    await this.eval("document.old = 1");
    await act().catch(() => {});
    const loaded = "document.readyState == 'complete' && !document.old && location.href != 'about:blank'";
    await until("the next page is there", () => this.eval(loaded).catch(() => false));
  }

  /** Evaluates an expression or a loop in the page; its value must be JSON. */
  async eval(expression) {
    const loop = /^(for|const|let|if)\b/.test(expression);
    const script = `const done = arguments[arguments.length - 1];
      const failed = (error) => done({ error: error + "\\n" + error?.stack });
      try {
        ${loop ? `${expression}; done({})` : `Promise.resolve((${expression})).then((value) => done({ value }), failed)`}
      } catch (error) { failed(error); }`;
    const answer = await this.driver.send("ExecuteAsyncScript", "execute/async", { script, args: [], newSandbox: false });
    if (answer?.error) throw new Error(answer.error);
    return answer?.value;
  }

  /** Waits until an expression is true in the page. */
  until(expression) {
    return until(expression, () => this.eval(`!!(${expression})`));
  }

  /** Sends frames from the server to the newest socket. */
  async serve(...frames) {
    for (const frame of frames)
      await this.eval(`socks.at(-1).serve(${JSON.stringify(typeof frame === "string" ? frame : JSON.stringify(frame))})`);
  }

  /** What the newest socket has sent, decoded. */
  async sent() {
    return (await this.eval("socks.at(-1).sent")).map((text) => JSON.parse(text));
  }

  lose(code = 1006) {
    return this.eval(`socks.at(-1).onclose({ code: ${code} })`);
  }

  /** Real key presses: text is typed into the focused element. */
  async keys(text) {
    const actions = [...text].flatMap((key) => {
      const value = KEYS[key] ?? key;
      return [{ type: "keyDown", value }, { type: "keyUp", value }];
    });
    await this.driver.send("PerformActions", "actions", { actions: [{ type: "key", id: "keyboard", actions }] });
  }

  async stop() {
    this.server.close();
    this.server.closeAllConnections();
    await this.driver.stop();
  }
}
