// Runs the client in a real Chromium under the real CSP, driven by the DevTools
// protocol over a pipe. The page gets a fake WebSocket and fake long timers, so
// that a test plays the server and the clock, and a wall clock that stands still.
// Not a test itself.
//
// N2O_JS names another script than the artefact, relative to this file.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";

const script = readFileSync(new URL(process.env.N2O_JS ?? "../n2o.min.js", import.meta.url));
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
      ms >= 200 || name == "setInterval" ? -long.push({ fn, ms, args, on: true, once: name == "setTimeout" }) : real(fn, ms, ...args);
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
  // Noon of a day in winter, in the zone below: no test knows when it runs. Only what asks for the time gets it.
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
      this.onmessage?.({ data });
    }
  };
}

export class Browser {
  static async start() {
    const browser = new Browser();
    browser.pages = new Map();
    browser.gets = [];
    browser.server = createServer((request, response) => {
      const { pathname } = new URL(request.url, "http://x");
      if (pathname === "/n2o.js") return response.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
      browser.gets.push(request.url);
      // Leads nowhere: the page that asks for it stays, as one does whose next page is slow to come.
      if (pathname === "/nowhere") return response.writeHead(204).end();
      const body = browser.pages.get(pathname);
      response.writeHead(body === undefined ? 404 : 200, {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": CSP,
        "Cache-Control": "no-store",
      });
      response.end(body);
    });
    await new Promise((done) => browser.server.listen(0, "127.0.0.1", done));
    browser.origin = `http://127.0.0.1:${browser.server.address().port}`;
    browser.profile = mkdtempSync(`${tmpdir()}/n2o-js-`);
    browser.child = spawn(
      process.env.CHROMIUM ?? "/usr/bin/chromium",
      ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--lang=en-GB", "--remote-debugging-pipe", `--user-data-dir=${browser.profile}`, "about:blank"],
      { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
    );
    browser.calls = new Map();
    browser.next = 1;
    let buffer = "";
    browser.child.stdio[4].setEncoding("utf8").on("data", (data) => {
      buffer += data;
      for (let end; (end = buffer.indexOf("\0")) >= 0; buffer = buffer.slice(end + 1)) browser.take(JSON.parse(buffer.slice(0, end)));
    });
    const { targetInfos } = await browser.call("Target.getTargets");
    const { targetId } = targetInfos.find((target) => target.type === "page");
    browser.session = (await browser.call("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    await browser.call("Page.enable");
    await browser.call("Runtime.enable");
    await browser.call("Emulation.setLocaleOverride", { locale: "en-GB" });
    await browser.call("Emulation.setTimezoneOverride", { timezoneId: "Europe/Kyiv" });
    await browser.call("Page.addScriptToEvaluateOnNewDocument", { source: `(${inject})()` });
    return browser;
  }

  take({ id, method, params, result, error }) {
    if (id) {
      const { done, fail } = this.calls.get(id);
      this.calls.delete(id);
      if (error) fail(new Error(error.message));
      else done(result);
    } else if (method === "Page.loadEventFired") this.loaded?.();
    else if (method === "Page.javascriptDialogOpening") {
      this.dialogs = [...(this.dialogs ?? []), params.message];
      this.call("Page.handleJavaScriptDialog", { accept: this.accept !== false });
    }
  }

  call(method, params = {}) {
    return new Promise((done, fail) => {
      const id = this.next++;
      this.calls.set(id, { done, fail });
      this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
    });
  }

  /** Shows `body` as an N2O page, at a path of its own as drafts belong to paths, and welcomes the client. */
  async page(body, { path = `/?${this.next}`, welcome = true } = {}) {
    this.pages.set(
      path.split("?")[0],
      `<!doctype html><html lang="en"><head><title>t</title><meta name="n2o" content="TOKEN">
<script type="module" src="/n2o.js"></script></head><body><div id="n2o-page">${body}</div>
<output id="n2o-note" data-off="OFF" data-wait="WAIT"></output></body></html>`,
    );
    await this.go(path);
    if (welcome) await this.serve([4, 0, 0]);
  }

  async go(path) {
    await this.loading(() => this.call("Page.navigate", { url: this.origin + path }));
  }

  async loading(act) {
    const loaded = new Promise((done, fail) => {
      this.loaded = done;
      setTimeout(fail, 8000, new Error("the page did not load")).unref();
    });
    await act();
    await loaded;
  }

  /** Evaluates an expression in the page; its value must be JSON. */
  async eval(expression) {
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
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
    for (const key of text) {
      const named = { "\n": { key: "Enter", code: "Enter", windowsVirtualKeyCode: 13, text: "\r" }, "\t": { key: "Tab", code: "Tab", windowsVirtualKeyCode: 9 }, "\x1b": { key: "Escape", code: "Escape", windowsVirtualKeyCode: 27 } }[key];
      await this.call("Input.dispatchKeyEvent", { type: "keyDown", ...(named ?? { key, text: key }) });
      await this.call("Input.dispatchKeyEvent", { type: "keyUp", ...(named ?? { key }) });
    }
  }

  async stop() {
    this.child.kill("SIGKILL");
    this.server.close();
    this.server.closeAllConnections();
    await new Promise((done) => this.child.once("exit", done));
    try {
      rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
    } catch {}
  }
}
