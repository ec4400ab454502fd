// The extension's entry: makes the parts and connects them. To follow a suggestion, start at inlineCompletion.ts; for the
// connection to `wright lsp`, at server.ts.

import * as vscode from "vscode";
import { InlineCompletion } from "./inlineCompletion";
import { NextEditController } from "./nextEdit";
import { Server } from "./server";
import { readServerSettings, write } from "./settings";
import { StatusBar } from "./status";

let server: Server | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel("Wright", { log: true });
  const connected = (server = new Server(log));
  const status = new StatusBar(connected);
  const nextEdit = new NextEditController(connected);
  context.subscriptions.push(
    log,
    connected,
    status,
    nextEdit,
    new InlineCompletion(connected),
    vscode.commands.registerCommand("wright.restart", () => connected.restart()),
    vscode.commands.registerCommand("wright.showLog", () => log.show()),
    vscode.commands.registerCommand("wright.install", () => openWalkthrough(context)),
    vscode.commands.registerCommand("wright.toggle", () => toggle()),
    vscode.commands.registerCommand("wright.stats", () => showStatistics(connected)),
    vscode.window.onDidChangeActiveTextEditor((editor) => tellFocus(connected, editor)),
    vscode.workspace.onDidGrantWorkspaceTrust(() => connected.restart()),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration("wright")) return;
      status.draw();
      nextEdit.clear();
      if (event.affectsConfiguration("wright.path")) void connected.restart();
      else connected.notify("workspace/didChangeConfiguration", { settings: readServerSettings() });
    }),
  );
  // Starting a program takes a moment, and a window that opens must not wait for it.
  void connected.start().then(() => tellFocus(connected, vscode.window.activeTextEditor));
}

export function deactivate(): Promise<void> | undefined {
  return server?.stop();
}

function tellFocus(connected: Server, editor: vscode.TextEditor | undefined): void {
  if (editor) connected.notify("textDocument/didFocus", { textDocument: { uri: editor.document.uri.toString() } });
}

async function toggle(): Promise<void> {
  await write("enabled", !vscode.workspace.getConfiguration("wright").get("enabled", true));
}

function openWalkthrough(context: vscode.ExtensionContext): void {
  void vscode.commands.executeCommand("workbench.action.openWalkthrough", `${context.extension.id}#start`, false);
}

// A program that is started by its path, with fixed arguments: no shell sees the path.
function showStatistics(connected: Server): void {
  if (!connected.binary) return;
  vscode.window.createTerminal({ name: "Wright statistics", shellPath: connected.binary, shellArgs: ["stats"] }).show();
}
