import assert from "node:assert/strict";
import { test } from "node:test";
import { ServerState } from "../../src/protocol";
import { reasonLine, statusLook } from "../../src/statusText";

const on = { isOff: false };

test("each state has a look", () => {
  const looks = (["starting", "ready", "busy", "idle", "warning", "error"] as ServerState[]).map(
    (state) => `${state}: ${statusLook({ state }, on).text} ${statusLook({ state }, on).severity}`,
  );
  assert.deepEqual(looks, [
    "starting: $(loading~spin) Wright none",
    "ready: $(check) Wright none",
    "busy: $(sync~spin) Wright none",
    "idle: $(check) Wright none",
    "warning: $(warning) Wright warning",
    "error: $(error) Wright error",
  ]);
});

test("a state that this extension does not know is shown as a question", () => {
  assert.equal(statusLook({ state: "dreaming" as ServerState }, on).text, "$(question) Wright");
});

test("the tooltip names the cause and the model", () => {
  const { tooltip } = statusLook({ state: "warning", message: "The model is missing.", model: "small" }, on);
  assert.equal(tooltip, "Wright works with restrictions\nThe model is missing.\nModel: small");
});

test("a pause is shown instead of being ready", () => {
  assert.equal(statusLook({ state: "idle" }, { isOff: true }).text, "$(circle-slash) Wright");
  const look = statusLook({ state: "idle" }, { isOff: false, pausedLanguage: "markdown" });
  assert.equal(look.tooltip, "Suggestions are off for markdown");
});

test("an error is shown in spite of a pause", () => {
  assert.equal(statusLook({ state: "error" }, { isOff: true }).severity, "error");
});

test("a reason without a language names the file", () => {
  const entry = { at: "soon", path: "/home/ada/notes/todo", language: null, reason: "too-large" };
  assert.deepEqual(reasonLine(entry), { label: "Too large", description: "todo", detail: "soon" });
});

test("a reason is readable", () => {
  const entry = { at: "soon", language: "python", reason: "does-not-parse", detail: "unclosed bracket", milliseconds: 41 };
  assert.deepEqual(reasonLine(entry), {
    label: "Does not parse",
    description: "python, 41 ms",
    detail: "soon  unclosed bracket",
  });
});
