// The next edit: after a change, asks the server where the following one is likely to be, shows it over the text, and
// brings the cursor there or applies it when asked. How it is drawn is in nextEditView.ts.

import * as vscode from "vscode";
import { idOf, NextEdit, NextEditResult, Position, TRIGGER_AUTOMATIC } from "./protocol";
import { DOCUMENTS, Server } from "./server";
import { isEnabledFor, isNextEditEnabled } from "./settings";
import { NextEditView } from "./nextEditView";

// The server debounces too; this only keeps a burst of keystrokes from becoming a burst of requests.
const ASK_AFTER_MS = 80;

export class NextEditController implements vscode.Disposable {
  private current: NextEdit | undefined;
  private asking: vscode.CancellationTokenSource | undefined;
  private askTimer: NodeJS.Timeout | undefined;
  private readonly view = new NextEditView();
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly server: Server) {
    this.disposables = [
      this.view,
      vscode.workspace.onDidChangeTextDocument((event) => this.changed(event)),
      vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => this.moved(textEditor)),
      vscode.window.onDidChangeActiveTextEditor(() => this.focused()),
      vscode.commands.registerCommand("wright.nextEdit.accept", () => this.accept()),
      vscode.commands.registerCommand("wright.nextEdit.jump", () => this.jump()),
      vscode.commands.registerCommand("wright.nextEdit.dismiss", () => this.dismiss()),
    ];
  }

  dispose(): void {
    this.clear();
    vscode.Disposable.from(...this.disposables).dispose();
  }

  /** Removes what is shown and forgets what was asked. */
  clear(): void {
    clearTimeout(this.askTimer);
    this.asking?.cancel();
    this.asking?.dispose();
    this.asking = undefined;
    this.current = undefined;
    this.view.hide();
  }

  private changed({ document, contentChanges, reason }: vscode.TextDocumentChangeEvent): void {
    const isInFront = vscode.window.activeTextEditor?.document === document;
    if (contentChanges.length === 0 || !isInFront || !vscode.languages.match(DOCUMENTS, document)) return;
    this.clear();
    // Whoever takes a change back does not want it, or the next one like it, offered again at once.
    if (reason !== undefined || !isNextEditEnabled() || !isEnabledFor(document.languageId)) return;
    this.askTimer = setTimeout(() => void this.ask(), ASK_AFTER_MS);
  }

  private moved(editor: vscode.TextEditor): void {
    if (this.current && editor === vscode.window.activeTextEditor) this.view.show(editor, this.current);
  }

  private focused(): void {
    const editor = vscode.window.activeTextEditor;
    if (this.current && editor?.document.uri.toString() === this.current.textDocument.uri) this.moved(editor);
    else this.clear();
  }

  private async ask(): Promise<void> {
    const editor = vscode.window.activeTextEditor;
    const { connection } = this.server;
    if (!editor || !connection || editor.selections.length > 1) return;
    const { document } = editor;
    const asking = (this.asking = new vscode.CancellationTokenSource());
    const { line, character } = editor.selection.active;
    const result = await connection
      .sendRequest<NextEditResult>(
        "textDocument/copilotInlineEdit",
        {
          textDocument: { uri: document.uri.toString(), version: document.version },
          position: { line, character },
          context: { triggerKind: TRIGGER_AUTOMATIC },
        },
        asking.token,
      )
      .catch(() => null);
    if (asking.token.isCancellationRequested) return;
    const edit = result?.edits?.find((candidate) => isUsable(candidate, document));
    if (!edit || vscode.window.activeTextEditor !== editor) return;
    this.current = edit;
    this.view.show(editor, edit);
    this.server.notify("textDocument/didShowInlineEdit", { item: edit });
  }

  private async accept(): Promise<void> {
    const edit = this.current;
    if (!edit) return;
    const editor = await this.open(edit);
    this.clear();
    // Another file is judged by the version it has now that it is open; of the file in front, we know that it did not change.
    if (!editor || !isUsable(edit, editor.document)) return;
    const range = toRange(edit);
    const isApplied = await editor.edit((builder) => builder.replace(range, edit.text));
    if (!isApplied) return;
    const end = endOf(edit);
    moveTo(editor, new vscode.Position(end.line, end.character));
    if (edit.command) await this.server.execute(edit.command.command, edit.command.arguments ?? []);
  }

  private async jump(): Promise<void> {
    const edit = this.current;
    const editor = edit && (await this.open(edit));
    if (!edit || !editor) return;
    moveTo(editor, this.view.placeIn(editor.document, edit));
    this.current = edit;
    this.view.show(editor, edit);
  }

  private dismiss(): void {
    const id = this.current && idOf(this.current);
    this.clear();
    if (id !== undefined) this.server.notify("wright/dismissed", { id });
  }

  private async open({ textDocument: { uri } }: NextEdit): Promise<vscode.TextEditor | undefined> {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.uri.toString() === uri) return editor;
    const target = vscode.Uri.parse(uri);
    // A prediction moves within this window's projects only, whatever the server says.
    if (!vscode.workspace.getWorkspaceFolder(target)) return undefined;
    return vscode.window.showTextDocument(target);
  }
}

function isUsable({ range, text, textDocument }: NextEdit, document: vscode.TextDocument): boolean {
  if (textDocument.uri !== document.uri.toString()) return true;
  if (textDocument.version !== null && textDocument.version !== document.version) return false;
  const replaced = new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
  return document.validateRange(replaced).isEqual(replaced) && document.getText(replaced) !== text;
}

function toRange({ range: { start, end } }: NextEdit): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}

function endOf({ range: { start }, text }: NextEdit): Position {
  const lines = text.split(/\r?\n/);
  const last = lines.at(-1) ?? "";
  return {
    line: start.line + lines.length - 1,
    character: lines.length === 1 ? start.character + last.length : last.length,
  };
}

function moveTo(editor: vscode.TextEditor, position: vscode.Position): void {
  editor.selection = new vscode.Selection(position, position);
  editor.revealRange(new vscode.Range(position, position), vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}
