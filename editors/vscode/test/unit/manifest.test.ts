import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

const manifest = JSON.parse(readFileSync("package.json", "utf8"));
const { commands, keybindings, configuration } = manifest.contributes;
const source = readdirSync("src").map((name) => readFileSync(`src/${name}`, "utf8")).join("\n");

test("every command of the manifest is registered", () => {
  const missing = commands.filter(({ command }: { command: string }) => !source.includes(`registerCommand("${command}"`));
  assert.deepEqual(missing, []);
});

test("every setting of the manifest is read", () => {
  const names = Object.keys(configuration.properties).map((name) => name.replace("wright.", ""));
  // The library for language clients reads the trace, and the keybindings read useTab.
  const elsewhere = ["trace.server", "nextEdit.useTab"];
  assert.deepEqual(names.filter((name) => !source.includes(`"${name}"`) && !elsewhere.includes(name)), []);
});

test("every key leaves the menu of words alone, and every next-edit key also ghost text and snippets", () => {
  for (const { command, key, when } of keybindings) {
    if (key === "ctrl+right") continue; // Ghost text and the menu can be visible together; the menu has no such key.
    assert.match(when, /!suggestWidgetVisible/, command);
    if (!command.startsWith("wright.nextEdit.")) continue;
    assert.match(when, /!inlineSuggestionVisible/, command);
    assert.match(when, /!inSnippetMode/, command);
  }
});

test("a folder that is not trusted chooses neither program nor model", () => {
  assert.deepEqual(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations, ["wright.path", "wright.model"]);
  assert.equal(manifest.capabilities.untrustedWorkspaces.supported, "limited");
});

test("the extension asks for no proposed interface", () => {
  assert.equal(manifest.enabledApiProposals, undefined);
});
