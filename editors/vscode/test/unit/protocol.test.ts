import assert from "node:assert/strict";
import { test } from "node:test";
import { idOf, itemsOf } from "../../src/protocol";

const item = { insertText: "x" };

test("an answer is a list, an object with a list, or nothing", () => {
  assert.deepEqual(itemsOf([item]), [item]);
  assert.deepEqual(itemsOf({ items: [item] }), [item]);
  assert.deepEqual(itemsOf(null), []);
});

test("the id of a suggestion is the first argument of its command", () => {
  const command = { title: "", command: "wright.accepted" };
  assert.equal(idOf({ command: { ...command, arguments: ["s1", "more"] } }), "s1");
  assert.equal(idOf({ command: { ...command, arguments: [7] } }), "7");
  assert.equal(idOf({ command }), undefined);
  assert.equal(idOf({ command: { ...command, arguments: [{ id: 1 }] } }), undefined);
  assert.equal(idOf({}), undefined);
});
