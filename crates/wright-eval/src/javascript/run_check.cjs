// Runs a check of a JavaScript program: run_check.cjs PROGRAM CHECK [TOKEN_FILE]
//
// Both are plain scripts that share their top-level names. A failed `console.assert` is a failure. The counts are printed as
// Python's runner prints them; the exit code is 1 when the check failed or the program ended the process. A token file is
// read and removed before the program runs, and its content is printed at the very end.
"use strict";
const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

const MAX_MILLISECONDS = 5000;
const [programPath, checkPath, tokenPath] = process.argv.slice(2);
const token = tokenPath === undefined ? undefined : fs.readFileSync(tokenPath, "utf8").trim();
if (tokenPath !== undefined) fs.rmSync(tokenPath);

let isFinished = false;
process.on("exit", () => {
  if (!isFinished) process.exitCode = 1;
});
const print = console.log.bind(console);
globalThis.require = require;
console.log = console.info = console.debug = () => {};
console.assert = (condition, ...words) => {
  if (!condition) throw new Error(["assertion failed", ...words].join(" "));
};

const run = (file) => {
  const options = { filename: path.resolve(file), timeout: MAX_MILLISECONDS };
  vm.runInThisContext(fs.readFileSync(file, "utf8"), options);
};
const started = Date.now();
const summary = (word) => print(`1 ${word} in ${((Date.now() - started) / 1000).toFixed(2)}s`);
try {
  run(programPath);
  run(checkPath);
  isFinished = true;
  print(`PASSED ${checkPath}::script`);
  summary("passed");
  if (token !== undefined) print(token);
} catch (error) {
  isFinished = true;
  process.exitCode = 1;
  print(error instanceof Error ? error.stack : String(error));
  print(`FAILED ${checkPath}::script - ${String(error).split("\n")[0]}`);
  summary("failed");
}
