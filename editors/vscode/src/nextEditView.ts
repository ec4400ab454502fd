// Draws a predicted edit: what goes is struck through, what comes is ghost text, and a hint says what Tab does. Sets the
// context keys that the keybindings in package.json look at.

import * as vscode from "vscode";
import { asGhostText, editPieces, Piece } from "./editPieces";
import { NextEdit } from "./protocol";

// The cursor is "at" an edit when this close: accepting must not change text that the person is not looking at.
const NEAR_LINES = 1;

export class NextEditView implements vscode.Disposable {
  private readonly deleted = vscode.window.createTextEditorDecorationType({
    textDecoration: "line-through",
    backgroundColor: new vscode.ThemeColor("diffEditor.removedTextBackground"),
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  // At the end of a line the hint hangs at the same place; what is `before` it comes first.
  private readonly inserted = vscode.window.createTextEditorDecorationType({
    before: {
      color: new vscode.ThemeColor("editorGhostText.foreground"),
      backgroundColor: new vscode.ThemeColor("diffEditor.insertedTextBackground"),
    },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private readonly hint = vscode.window.createTextEditorDecorationType({
    after: {
      color: new vscode.ThemeColor("editorCodeLens.foreground"),
      fontStyle: "italic",
      margin: "0 0 0 2em",
    },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private editor: vscode.TextEditor | undefined;

  show(editor: vscode.TextEditor, edit: NextEdit): void {
    if (this.editor !== editor) this.hide();
    this.editor = editor;
    const isElsewhere = edit.textDocument.uri !== editor.document.uri.toString();
    const pieces = isElsewhere ? [] : piecesOf(editor.document, edit);
    editor.setDecorations(this.deleted, pieces.filter((piece) => piece.deleted > 0).map((piece) => ({
      range: deletedRange(piece),
      hoverMessage: hover(edit),
    })));
    editor.setDecorations(this.inserted, pieces.filter((piece) => piece.inserted !== "").map((piece) => ({
      range: new vscode.Range(deletedRange(piece).end, deletedRange(piece).end),
      hoverMessage: hover(edit),
      renderOptions: { before: { contentText: asGhostText(piece.inserted) } },
    })));
    const isAtCursor = !isElsewhere && isNear(editor.selection.active.line, edit);
    editor.setDecorations(this.hint, this.hints(editor, edit, isAtCursor, isElsewhere));
    setContext(true, isAtCursor);
  }

  hide(): void {
    for (const type of [this.deleted, this.inserted, this.hint]) this.editor?.setDecorations(type, []);
    this.editor = undefined;
    setContext(false, false);
  }

  /** Returns where the cursor goes: the first place that changes. */
  placeIn(document: vscode.TextDocument, edit: NextEdit): vscode.Position {
    const [first] = piecesOf(document, edit);
    return document.validatePosition(
      first ? deletedRange(first).end : new vscode.Position(edit.range.start.line, edit.range.start.character),
    );
  }

  dispose(): void {
    this.hide();
    for (const type of [this.deleted, this.inserted, this.hint]) type.dispose();
  }

  private hints(
    editor: vscode.TextEditor,
    edit: NextEdit,
    isAtCursor: boolean,
    isElsewhere: boolean,
  ): vscode.DecorationOptions[] {
    const target = this.placeIn(editor.document, edit).line;
    if (isAtCursor) return [hintAt(editor.document, target, "Tab to accept")];
    const cursorLine = editor.selection.active.line;
    if (isElsewhere) return [hintAt(editor.document, cursorLine, `Tab to jump to ${fileName(edit)}`)];
    const isInSight = editor.visibleRanges.some((range) => range.start.line <= target && target <= range.end.line);
    const atCursor = isInSight ? [] : [hintAt(editor.document, cursorLine, `Tab to jump to line ${target + 1}`)];
    return [hintAt(editor.document, target, "Tab to jump"), ...atCursor];
  }
}

function piecesOf(document: vscode.TextDocument, { range, text }: NextEdit): Piece[] {
  const replaced = new vscode.Range(range.start.line, range.start.character, range.end.line, range.end.character);
  return editPieces(range.start, document.getText(replaced), text);
}

function deletedRange({ at, deleted }: Piece): vscode.Range {
  return new vscode.Range(at.line, at.character, at.line, at.character + deleted);
}

function isNear(line: number, { range }: NextEdit): boolean {
  return line >= range.start.line - NEAR_LINES && line <= range.end.line + NEAR_LINES;
}

function hintAt(document: vscode.TextDocument, line: number, text: string): vscode.DecorationOptions {
  const { end } = document.lineAt(Math.min(line, document.lineCount - 1)).range;
  return { range: new vscode.Range(end, end), renderOptions: { after: { contentText: `⇥ ${text}` } } };
}

function hover({ text }: NextEdit): vscode.MarkdownString {
  return new vscode.MarkdownString("Wright predicts:").appendCodeblock(text);
}

function fileName({ textDocument: { uri } }: NextEdit): string {
  return vscode.workspace.asRelativePath(vscode.Uri.parse(uri));
}

function setContext(isVisible: boolean, isAtCursor: boolean): void {
  void vscode.commands.executeCommand("setContext", "wright.nextEdit.visible", isVisible);
  void vscode.commands.executeCommand("setContext", "wright.nextEdit.atCursor", isAtCursor);
}
