import assert from "node:assert/strict";
import { test } from "node:test";
import { findBinary, isAtLeast, parseVersion, Surroundings } from "../../src/binary";

function linux(executables: string[], searchPath = "/usr/bin:/opt/bin"): Surroundings {
  return { platform: "linux", home: "/home/ada", searchPath, isExecutable: (file) => executables.includes(file) };
}

test("the first program in PATH is taken", () => {
  const around = linux(["/usr/bin/wright", "/opt/bin/wright"]);
  assert.deepEqual(findBinary("", around), { found: "/usr/bin/wright" });
});

test("cargo's folder is looked at after PATH", () => {
  assert.deepEqual(findBinary("", linux(["/home/ada/.cargo/bin/wright"])), { found: "/home/ada/.cargo/bin/wright" });
});

test("a relative folder in PATH is passed over", () => {
  const around = linux(["wright", "bin/wright", "./wright"], ".:bin::/usr/bin");
  assert.equal("missing" in findBinary("", around), true);
});

test("a configured path is not replaced by another copy", () => {
  const around = linux(["/usr/bin/wright"]);
  assert.deepEqual(findBinary("/opt/wright", around), { missing: "/opt/wright", tried: ["/opt/wright"] });
});

test("a configured path may begin with the home folder", () => {
  assert.deepEqual(findBinary(" ~/bin/wright ", linux(["/home/ada/bin/wright"])), { found: "/home/ada/bin/wright" });
});

test("a configured name without a folder is looked up in PATH", () => {
  assert.deepEqual(findBinary("wright-nightly", linux(["/opt/bin/wright-nightly"])), { found: "/opt/bin/wright-nightly" });
});

test("on Windows the program has an extension", () => {
  const program = "C:\\Tools\\wright.exe";
  const around: Surroundings = {
    platform: "win32",
    home: "C:\\Users\\Ada",
    searchPath: "C:\\Windows;C:\\Tools",
    isExecutable: (file) => file === program,
  };
  assert.deepEqual(findBinary("", around), { found: program });
  assert.deepEqual(findBinary("C:\\Tools\\wright", around), { found: program });
});

test("a version is read from the program's words", () => {
  assert.equal(parseVersion("wright 0.12.3\n"), "0.12.3");
  assert.equal(parseVersion("wright 1.0.0-rc.1 (abc1234)"), "1.0.0-rc.1");
});

test("another program is not mistaken for ours", () => {
  assert.equal(parseVersion("playwright 1.2.3"), undefined);
  assert.equal(parseVersion(""), undefined);
});

test("versions are compared as numbers", () => {
  assert.equal(isAtLeast("0.10.0", "0.9.9"), true);
  assert.equal(isAtLeast("0.9.9", "0.10.0"), false);
  assert.equal(isAtLeast("1.0.0", "1.0.0"), true);
  assert.equal(isAtLeast("1.0.0-rc.1", "1.0.0"), true);
});
