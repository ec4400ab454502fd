import assert from "node:assert/strict";
import { test } from "node:test";
import { partialAccept } from "../../src/partialAccept";

const item = { insertText: "def add(first, second):\n    return first + second" };
const other = { insertText: "def add_all(numbers):" };

test("the length counts from the start of the item, with what was typed", () => {
  assert.deepEqual(partialAccept([item], "def ", "def add"), { item, acceptedLength: 7 });
});

test("the item is the one that continues the text as it did", () => {
  assert.deepEqual(partialAccept([item, other], "def add", "def add_all"), { item: other, acceptedLength: 11 });
});

test("a line end of Windows counts as one", () => {
  const taken = partialAccept([item], "def add(first, second):", "def add(first, second):\r\n    return");
  assert.equal(taken?.acceptedLength, 34);
});

test("nothing is reported when nothing was taken", () => {
  assert.equal(partialAccept([item], "def add", "def add"), undefined);
  assert.equal(partialAccept([item], "def add", "def"), undefined);
});

test("text that is not the item's is not reported", () => {
  assert.equal(partialAccept([item], "def ", "def sub"), undefined);
});

test("lengths are in UTF-16 units", () => {
  const emoji = { insertText: "say('😀 hello')" };
  assert.deepEqual(partialAccept([emoji], "say('", "say('😀"), { item: emoji, acceptedLength: 7 });
});
