// Writes the minified client: n2o.min.js from n2o.js, and its modules. With
// --check it writes nothing and fails when a committed artefact is stale or one
// is over its limit. It does not bundle: each file is loaded by itself.
//
//   npm install --no-package-lock && node build.mjs [--check]

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";

const MINIFIED = 5840; // four TCP segments
const BROTLI = 2600;
const MODULES = 12288; // all modules together, minified
const LINES = 500;
const NAMES = ["input", "morph", "time"];

const file = (name) => new URL(name, import.meta.url);
const fail = (text) => {
  console.error(`web/js: ${text}`);
  process.exitCode = 1;
};

const { transformSync } = await import("esbuild").catch(() => {
  console.error("web/js: esbuild is missing; run: npm install --no-package-lock");
  process.exit(1);
});

const check = process.argv.includes("--check");

// Minifies a script and puts it beside its source.
const build = (name, change = (source) => source) => {
  const source = readFileSync(file(`${name}.js`), "utf8");
  const { code } = transformSync(change(source), { minify: true, format: "esm", target: "es2022", charset: "ascii" });
  if (source.split("\n").length > LINES + 1) fail(`${name}.js has more than ${LINES} lines`);
  if (/[^\n\x20-\x7e]/.test(source + code)) fail(`${name}.js and its artefact must be ASCII`);
  if (!check) writeFileSync(file(`${name}.min.js`), code);
  else {
    let committed = "";
    try {
      committed = readFileSync(file(`${name}.min.js`), "utf8");
    } catch {}
    if (committed !== code) fail(`${name}.min.js is stale; run: node build.mjs`);
  }
  return code;
};

// The server gives every file a path with its hash, and never changes what is there; so the script names them.
const modules = NAMES.map((name) => [name, build(name)]);
const hash = (code) => createHash("sha256").update(code).digest("hex").slice(0, 16);
const core = build("n2o", (source) =>
  modules.reduce((text, [name, code]) => text.replace(`"./${name}.js"`, `"./${name}-${hash(code)}.js"`), source),
);

const brotli = brotliCompressSync(core).length;
const together = modules.reduce((sum, [, code]) => sum + code.length, 0);
console.log(`minified ${core.length} of ${MINIFIED} bytes, brotli ${brotli} of ${BROTLI} bytes; modules ${together} of ${MODULES} bytes`);
if (core.length > MINIFIED) fail(`too big: ${core.length} bytes minified, at most ${MINIFIED} are allowed`);
if (brotli > BROTLI) fail(`too big: ${brotli} bytes with brotli, at most ${BROTLI} are allowed`);
if (together > MODULES) fail(`too big: ${together} bytes of modules, at most ${MODULES} are allowed`);
