import assert from "node:assert/strict";
import { test } from "node:test";
import { asGhostText, editPieces } from "../../src/editPieces";

/** Draws the pieces into the text they were made for: `[-gone-]` and `{+come+}`. */
function drawn(before: string, after: string, start = { line: 0, character: 0 }): string {
  const lines = before.split("\n");
  const pieces = editPieces(start, before, after).sort((a, b) => b.at.line - a.at.line || b.at.character - a.at.character);
  for (const { at, deleted, inserted } of pieces) {
    const idx = at.line - start.line;
    const character = at.character - (idx === 0 ? start.character : 0);
    const line = lines[idx] ?? "";
    const gone = deleted > 0 ? `[-${line.slice(character, character + deleted)}-]` : "";
    const come = inserted === "" ? "" : `{+${inserted}+}`;
    lines[idx] = line.slice(0, character) + gone + come + line.slice(character + deleted);
  }
  return lines.join("\n");
}

test("only the word that changes is marked", () => {
  assert.equal(drawn("return cost * 2", "return price * 2"), "return [-cost-]{+price+} * 2");
});

test("an insertion strikes nothing through", () => {
  assert.equal(drawn("add(a)", "add(a, b)"), "add(a{+, b+})");
});

test("a deletion shows no ghost text", () => {
  assert.equal(drawn("a + b + c", "a + c"), "a + [-b + -]c");
});

test("lines that stay are not marked", () => {
  assert.equal(drawn("a = 1\nkeep\nb = 2", "a = 3\nkeep\nb = 4"), "a = [-1-]{+3+}\nkeep\nb = [-2-]{+4+}");
});

test("a new line hangs at the end of the line above it", () => {
  assert.equal(drawn("one\nthree", "one\ntwo\nthree"), "one{+\ntwo+}\nthree");
});

test("a new line at the top stands before the first line", () => {
  assert.equal(drawn("two\nthree", "one\ntwo\nthree"), "{+one\n+}two\nthree");
});

test("a line that goes is struck through whole", () => {
  assert.equal(drawn("one\ntwo\nthree", "one\nthree"), "one\n[-two-]\nthree");
});

test("an edit that begins inside a line is counted from there", () => {
  const start = { line: 7, character: 4 };
  assert.deepEqual(editPieces(start, "cost", "price"), [{ at: start, deleted: 4, inserted: "price" }]);
  const [piece] = editPieces(start, "x\nold", "x\nnew");
  assert.deepEqual(piece, { at: { line: 8, character: 0 }, deleted: 3, inserted: "new" });
});

test("no change has no pieces", () => {
  assert.deepEqual(editPieces({ line: 0, character: 0 }, "same\ntext", "same\ntext"), []);
});

test("line ends of Windows do not count as changes", () => {
  assert.deepEqual(editPieces({ line: 0, character: 0 }, "a\r\nb", "a\nb"), []);
});

test("half of a surrogate pair is never marked", () => {
  // The two emoji share their first UTF-16 unit.
  const [piece] = editPieces({ line: 0, character: 0 }, "a 😀 b", "a 😁 b");
  assert.deepEqual(piece, { at: { line: 0, character: 2 }, deleted: 2, inserted: "😁" });
});

test("a very large edit is compared as one block", () => {
  const before = Array.from({ length: 300 }, (_, idx) => `old ${idx}`).join("\n");
  const after = Array.from({ length: 300 }, (_, idx) => `new ${idx}`).join("\n");
  assert.equal(editPieces({ line: 0, character: 0 }, before, after).length, 300);
});

test("ghost text is one line whose spaces stay", () => {
  assert.equal(asGhostText("\n  x = 1"), "\u00a0↵\u00a0\u00a0\u00a0x\u00a0=\u00a01");
});

test("long ghost text is cut", () => {
  assert.equal(asGhostText("abcdef", 3), "abc…");
});
