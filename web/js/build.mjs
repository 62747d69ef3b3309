// Writes n2o.min.js from n2o.js. With --check it writes nothing and fails when
// the committed artefact is stale or either file is over its limit. It does not
// bundle: the client is one file.
//
//   npm install --no-package-lock && node build.mjs [--check]

import { readFileSync, writeFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";

const MINIFIED = 5840; // four TCP segments
const BROTLI = 2600;
const LINES = 500;

const file = (name) => new URL(name, import.meta.url);
const fail = (text) => {
  console.error(`n2o.min.js: ${text}`);
  process.exitCode = 1;
};

const { transformSync } = await import("esbuild").catch(() => {
  console.error("n2o.min.js: esbuild is missing; run: npm install --no-package-lock");
  process.exit(1);
});

const source = readFileSync(file("n2o.js"), "utf8");
const code = transformSync(source, { minify: true, format: "esm", target: "es2022", charset: "ascii" }).code;
const brotli = brotliCompressSync(code).length;

console.log(`minified ${code.length} of ${MINIFIED} bytes, brotli ${brotli} of ${BROTLI} bytes`);
if (code.length > MINIFIED) fail(`too big: ${code.length} bytes minified, at most ${MINIFIED} are allowed`);
if (brotli > BROTLI) fail(`too big: ${brotli} bytes with brotli, at most ${BROTLI} are allowed`);
if (source.split("\n").length > LINES + 1) fail(`n2o.js has more than ${LINES} lines`);
if (/[^\n\x20-\x7e]/.test(source + code)) fail("source and artefact must be ASCII");

if (!process.argv.includes("--check")) writeFileSync(file("n2o.min.js"), code);
else {
  let committed = "";
  try {
    committed = readFileSync(file("n2o.min.js"), "utf8");
  } catch {}
  if (committed !== code) fail("stale; run: node build.mjs");
}
