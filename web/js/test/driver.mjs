// The three browsers as processes, and the WebDriver commands that all of them
// take: over HTTP from the drivers of Chromium and WebKit, over Marionette,
// which has the same commands, from Firefox itself. Not a test, and nothing
// about pages. A browser that is missing fails.

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";

/** The engines; N2O_ENGINES names some of them, for who works at one. */
export const ENGINES = (process.env.N2O_ENGINES ?? "chromium firefox webkit").split(" ");

const PATIENCE = 60000;
const ZONE = "Europe/Kyiv";
const CHROMIUM = [
  "--headless=new",
  "--no-sandbox",
  "--disable-dev-shm-usage",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-extensions",
  "--disable-breakpad",
];
const FIREFOX = ["--headless", "--no-remote", "--marionette", "--remote-allow-system-access"];

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** Looks until `look` answers something. */
export async function until(what, look) {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await pause(10)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`waited too long until ${what}`);
}

/** A running browser that takes commands. */
export class Driver {
  static async start(engine) {
    const driver = new Driver();
    driver.engine = engine;
    driver.home = mkdtempSync(`${tmpdir()}/n2o-js-`);
    try {
      await driver[engine]();
    } catch (error) {
      await driver.stop();
      throw error;
    }
    return driver;
  }

  // A process that has nothing of the machine's language and settings, and writes only below its home.
  run(program, args, from, more = {}) {
    const { home } = this;
    const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home, XDG_RUNTIME_DIR: home, TZ: ZONE, LANG: "C.UTF-8", ...more };
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "ignore"] });
    child.on("error", () => (child.missing = `${program} is needed: Debian's package ${from}`));
    return child;
  }

  async line(child, test) {
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (data) => (text += data));
    return until(`${child.spawnfile} says where it is`, () => {
      if (child.missing) throw new Error(child.missing);
      return text.match(test)?.[1];
    });
  }

  async chromium() {
    const child = this.run("chromedriver", ["--port=0"], "chromium-driver");
    this.port = await this.line(child, /successfully on port (\d+)/);
    const options = { args: [...CHROMIUM, `--user-data-dir=${this.home}/profile`] };
    if (process.env.CHROMIUM) options.binary = process.env.CHROMIUM;
    await this.open({ "goog:chromeOptions": options });
  }

  async webkit() {
    const display = this.run("Xvfb", ["-displayfd", "1", "-screen", "0", "1600x1200x24", "-nolisten", "tcp"], "xvfb");
    const number = await this.line(display, /(\d+)\n/);
    // The driver takes no port 0: a free one is looked for.
    const server = net.createServer().listen(0, "127.0.0.1");
    await new Promise((done) => server.once("listening", done));
    this.port = server.address().port;
    await new Promise((done) => server.close(done));
    const child = this.run("WebKitWebDriver", [`--port=${this.port}`], "webkit2gtk-driver", { DISPLAY: `:${number}`, NO_AT_BRIDGE: "1" });
    await until("WebKitWebDriver listens", () => {
      if (child.missing) throw new Error(child.missing);
      return this.call("GET", "/status").catch(() => false);
    });
    await this.open({ "webkitgtk:browserOptions": { args: ["--automation"] } });
  }

  async firefox() {
    const profile = `${this.home}/profile`;
    mkdirSync(profile);
    const settings = {
      "marionette.port": 0,
      "datareporting.policy.dataSubmissionEnabled": false,
      // Closed documents do not wait for a slow machine.
      "toolkit.cosmeticAnimations.enabled": false,
    };
    writeFileSync(
      `${profile}/user.js`,
      Object.entries(settings).map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${value});\n`).join(""),
    );
    const child = this.run("firefox-esr", [...FIREFOX, "--profile", profile], "firefox-esr");
    child.stdout.resume();
    const port = await until("Firefox listens", () => {
      if (child.missing) throw new Error(child.missing);
      try {
        return Number(readFileSync(`${profile}/MarionetteActivePort`, "utf8"));
      } catch {}
    });
    this.calls = [];
    let buffer = Buffer.alloc(0);
    this.socket = net.connect(port, "127.0.0.1");
    this.socket.on("error", () => {});
    // Messages come with their length in front; the first is a greeting.
    this.socket.on("data", (data) => {
      buffer = Buffer.concat([buffer, data]);
      for (;;) {
        const colon = buffer.indexOf(":");
        const end = colon + 1 + Number(buffer.subarray(0, Math.max(colon, 0)).toString());
        if (colon < 0 || buffer.length < end) return;
        const message = JSON.parse(buffer.subarray(colon + 1, end).toString());
        buffer = buffer.subarray(end);
        this.calls.shift()?.(message);
      }
    });
    await new Promise((done) => this.calls.push(done));
    await this.marionette("NewSession", { unhandledPromptBehavior: "ignore" });
  }

  async open(own) {
    const answer = await this.call("POST", "/session", {
      capabilities: { alwaysMatch: { ...own, unhandledPromptBehavior: "ignore" } },
    });
    this.session = answer.sessionId;
  }

  marionette(name, body) {
    return new Promise((done, fail) => {
      this.calls.push(([, , error, value]) => (error ? fail(new Error(error.message)) : done(value.value)));
      const text = Buffer.from(JSON.stringify([0, 1, `WebDriver:${name}`, body]));
      this.socket.write(Buffer.concat([Buffer.from(`${text.length}:`), text]));
    });
  }

  call(method, path, body) {
    return new Promise((done, fail) => {
      const headers = { "Content-Type": "application/json" };
      const request = http.request({ host: "127.0.0.1", port: this.port, method, path, headers, agent: false }, (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("error", fail);
        answer.on("end", () => {
          const { value } = JSON.parse(Buffer.concat(chunks).toString());
          if (answer.statusCode === 200) done(value);
          else fail(new Error(value?.message ?? String(answer.statusCode)));
        });
      });
      request.on("error", fail);
      request.end(body && JSON.stringify(body));
    });
  }

  /** A command: its name in Marionette, its path over HTTP, and what it is given. */
  send(name, path, body = {}) {
    return this.socket ? this.marionette(name, body) : this.call("POST", `/session/${this.session}/${path}`, body);
  }

  /** A command of the DevTools protocol, which only Chromium has. */
  devtools(cmd, params = {}) {
    return this.call("POST", `/session/${this.session}/goog/cdp/execute`, { cmd, params });
  }

  /** Ends what was started and what that has started, which is known by the home that only it has. */
  async stop() {
    this.socket?.destroy();
    const own = `HOME=${this.home}`;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name)))
      try {
        if (readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(own)) process.kill(Number(pid), "SIGKILL");
      } catch {}
    await pause(50);
    try {
      rmSync(this.home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
    } catch {}
  }
}
