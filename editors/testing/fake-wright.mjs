#!/usr/bin/env node
// A stand-in for the `wright` program in the tests of the editors' extensions.
//
// `fake-wright.mjs lsp` speaks the language server's protocol on standard input and output and answers by fixed rules, so
// that a test knows what must appear. It holds no model and checks nothing. With WRIGHT_FAKE_RECORD=FILE it appends every
// message it receives to FILE, one JSON object a line, for tests that ask what an editor sent.
//
// The rules: a line that is the beginning of one of COMPLETIONS is completed; after `price` became the parameter in the
// first line, every later `cost` is predicted to become `price`; a line with `slow` is answered only after a second.

import { appendFileSync } from "node:fs";

const VERSION = process.env.WRIGHT_FAKE_VERSION ?? "0.1.0";
const MODEL = "fake-coder-1.5b";

const COMPLETIONS = [
  "def add(first, second):\n    return first + second",
  "total = add(1, 2)",
  "total = add(3, 4)",
  "slow = wait()",
];

const documents = new Map();
const shownIds = new Map();
const cancelled = new Set();
let nextId = 1;
let nextRequest = 1;
let canConfigure = false;

function record(message) {
  const file = process.env.WRIGHT_FAKE_RECORD;
  if (file) appendFileSync(file, `${JSON.stringify(message)}\n`);
}

function send(message) {
  const body = Buffer.from(JSON.stringify({ jsonrpc: "2.0", ...message }), "utf8");
  process.stdout.write(`Content-Length: ${body.length}\r\n\r\n`);
  process.stdout.write(body);
}

const notify = (method, params) => send({ method, params });
const request = (method, params, id = `fake-${nextRequest++}`) => send({ id, method, params });
const status = (state, message = "") => notify("wright/status", { state, message, model: MODEL });

function offsetAt(text, { line, character }) {
  let start = 0;
  for (let i = 0; i < line; i++) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  return Math.min(start + character, text.length);
}

function applyChanges(text, changes) {
  for (const change of changes) {
    if (!change.range) {
      text = change.text;
      continue;
    }
    const { start, end } = change.range;
    text = text.slice(0, offsetAt(text, start)) + change.text + text.slice(offsetAt(text, end));
  }
  return text;
}

/** One id for one suggestion at one place, so that asking again for the same suggestion is recognised. */
function idOf(key) {
  if (!shownIds.has(key)) shownIds.set(key, `s${nextId++}`);
  return shownIds.get(key);
}

function inlineCompletions({ textDocument, position }) {
  const document = documents.get(textDocument.uri);
  if (!document) return [];
  const line = document.text.split(/\r?\n/)[position.line] ?? "";
  const typed = line.slice(0, position.character);
  const indent = typed.length - typed.trimStart().length;
  const begun = typed.slice(indent);
  if (begun.length < 3 || line.slice(position.character).trim() !== "") return [];
  return COMPLETIONS.filter((text) => text.startsWith(begun) && text !== begun).map((text) => ({
    insertText: text,
    filterText: text,
    range: { start: { line: position.line, character: indent }, end: position },
    command: {
      title: "Accepted",
      command: "wright.accepted",
      arguments: [idOf(`${textDocument.uri}:${position.line}:${text}`)],
    },
  }));
}

function nextEdits({ textDocument }) {
  const document = documents.get(textDocument.uri);
  if (!document) return [];
  const lines = document.text.split(/\r?\n/);
  if (!lines[0].includes("(price")) return [];
  const line = lines.findIndex((text, idx) => idx > 0 && /\bcost\b/.test(text));
  if (line < 0) return [];
  const before = lines[line];
  return [
    {
      range: { start: { line, character: 0 }, end: { line, character: before.length } },
      text: before.replace(/\bcost\b/, "price"),
      textDocument: { uri: textDocument.uri, version: document.version },
      command: { title: "Accepted", command: "wright.accepted", arguments: [`e${line}`] },
    },
  ];
}

function codeActions({ textDocument, range }) {
  const action = (title, kind, command) => ({
    title,
    kind,
    command: { title, command, arguments: [{ textDocument, range }] },
  });
  return [
    action("Explain with Wright", "refactor", "wright.explain"),
    action("Fix with Wright", "quickfix", "wright.fix"),
    action("Write a test with Wright", "refactor", "wright.writeTest"),
  ];
}

function execute({ command, arguments: [argument] = [] }) {
  if (command === "wright.fix") {
    const edit = { range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } }, newText: "# fixed\n" };
    request("workspace/applyEdit", { label: "Fix", edit: { changes: { [argument.textDocument.uri]: [edit] } } });
  }
  if (command === "wright.explain") notify("window/showMessage", { type: 3, message: "It adds two numbers." });
  return null;
}

const REASONS = [
  { at: "2026-01-01T10:00:00Z", language: "python", reason: "does-not-parse", detail: "unclosed bracket", milliseconds: 41 },
  { at: "2026-01-01T10:00:02Z", language: "python", reason: "too-short", detail: "", milliseconds: 3 },
];

const INITIALIZED = {
  capabilities: {
    textDocumentSync: { openClose: true, change: 2, save: true },
    inlineCompletionProvider: true,
    codeActionProvider: { codeActionKinds: ["quickfix", "refactor"] },
    workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
    executeCommandProvider: { commands: ["wright.accepted", "wright.explain", "wright.fix", "wright.writeTest"] },
  },
  serverInfo: { name: "wright", version: VERSION },
};

const requests = {
  initialize: ({ capabilities }) => {
    canConfigure = Boolean(capabilities.workspace?.configuration);
    return INITIALIZED;
  },
  shutdown: () => null,
  "textDocument/inlineCompletion": (params) => ({ items: inlineCompletions(params) }),
  "textDocument/copilotInlineEdit": (params) => ({ edits: nextEdits(params) }),
  "textDocument/codeAction": codeActions,
  "workspace/executeCommand": execute,
  "wright/log": () => REASONS,
};

const notifications = {
  initialized: () => {
    status("starting", "loading the model");
    status("ready");
    if (canConfigure) request("workspace/configuration", { items: [{ section: "wright" }] }, "settings");
  },
  exit: () => process.exit(0),
  "$/cancelRequest": ({ id }) => cancelled.add(id),
  "textDocument/didOpen": ({ textDocument: { uri, version, text } }) => documents.set(uri, { version, text }),
  "textDocument/didClose": ({ textDocument: { uri } }) => documents.delete(uri),
  "textDocument/didChange": ({ textDocument: { uri, version }, contentChanges }) => {
    const document = documents.get(uri);
    if (document) documents.set(uri, { version, text: applyChanges(document.text, contentChanges) });
  },
};

function isSlow({ method, params }) {
  if (method !== "textDocument/inlineCompletion") return false;
  const document = documents.get(params.textDocument.uri);
  return Boolean(document?.text.split(/\r?\n/)[params.position.line]?.includes("slow"));
}

function answer(message) {
  const { id, method, params } = message;
  if (cancelled.delete(id)) return send({ id, error: { code: -32800, message: "request cancelled" } });
  status("busy");
  send({ id, result: requests[method](params) });
  status("idle");
}

function receive(message) {
  record(message);
  if (message.method === undefined) return; // The answer to one of our own requests.
  if (message.id === undefined) return notifications[message.method]?.(message.params);
  if (!requests[message.method]) {
    return send({ id: message.id, error: { code: -32601, message: `unknown method ${message.method}` } });
  }
  if (isSlow(message)) setTimeout(() => answer(message), 1000);
  else answer(message);
}

function readMessages(onMessage) {
  let pending = Buffer.alloc(0);
  process.stdin.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    for (;;) {
      const headerEnd = pending.indexOf("\r\n\r\n");
      if (headerEnd < 0) return;
      const length = Number(/content-length: *(\d+)/i.exec(pending.toString("ascii", 0, headerEnd))?.[1]);
      if (pending.length < headerEnd + 4 + length) return;
      const body = pending.toString("utf8", headerEnd + 4, headerEnd + 4 + length);
      pending = pending.subarray(headerEnd + 4 + length);
      onMessage(JSON.parse(body));
    }
  });
  process.stdin.on("end", () => process.exit(0));
}

const [command] = process.argv.slice(2);
if (command === "lsp") readMessages(receive);
else if (command === "--version") console.log(`wright ${VERSION}`);
else if (command === "stats") console.log("accepted 3 of 4 suggestions");
else {
  console.error(`unknown command ${command}`);
  process.exit(2);
}
