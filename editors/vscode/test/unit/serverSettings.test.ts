import assert from "node:assert/strict";
import { test } from "node:test";
import { serverSettings, toggled } from "../../src/serverSettings";

test("settings that were never set have the server's own values", () => {
  assert.deepEqual(serverSettings(() => undefined), {
    wright: {
      eagerness: "medium",
      model: null,
      multiline: true,
      telemetry: true,
      disabledLanguages: [],
      nextEdit: true,
    },
  });
});

test("settings reach the server under its names", () => {
  const values: Record<string, unknown> = {
    eagerness: "low",
    model: " small ",
    multiline: false,
    statistics: false,
    disabledLanguages: ["markdown"],
    "nextEdit.enabled": false,
  };
  assert.deepEqual(serverSettings((name) => values[name]).wright, {
    eagerness: "low",
    model: "small",
    multiline: false,
    telemetry: false,
    disabledLanguages: ["markdown"],
    nextEdit: false,
  });
});

test("a value of the wrong type counts as not set", () => {
  const { wright } = serverSettings(() => 7);
  assert.equal(wright.eagerness, "medium");
  assert.equal(wright.model, null);
  assert.equal(wright.multiline, true);
  assert.deepEqual(wright.disabledLanguages, []);
});

test("pausing a language twice resumes it", () => {
  assert.deepEqual(toggled(["rust"], "markdown"), ["markdown", "rust"]);
  assert.deepEqual(toggled(["markdown", "rust"], "markdown"), ["rust"]);
});
