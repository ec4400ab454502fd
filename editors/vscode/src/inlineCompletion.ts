// Ghost text: asks the server for suggestions, hands them to VS Code, and tells the server what became of them.
//
// VS Code's stable interface reports only a full acceptance, through the item's command. That an item was shown, partly
// accepted or dismissed is an interface still in proposal: its callbacks are here too and win where VS Code calls them;
// elsewhere our own commands and a careful guess take their place.

import * as vscode from "vscode";
import { partialAccept } from "./partialAccept";
import {
  idOf,
  InlineCompletionItem,
  InlineCompletionResult,
  insertTextOf,
  itemsOf,
  TRIGGER_AUTOMATIC,
  TRIGGER_INVOKED,
} from "./protocol";
import { DOCUMENTS, Server } from "./server";
import { isEnabledFor } from "./settings";

/** The command behind each item: VS Code runs it after inserting the item. */
export const ACCEPTED_COMMAND = "wright.inlineAccepted";

// VS Code cancels a request that it no longer needs within a frame or two; what survives this long is on screen.
const SHOWN_AFTER_MS = 100;

const CHANGE_WITHIN_MS = 500;

/** The value of the proposed interface for a suggestion that a person turned down. */
const REJECTED = 1;

class GhostText extends vscode.InlineCompletionItem {
  constructor(readonly item: InlineCompletionItem, range: vscode.Range | undefined) {
    const text = typeof item.insertText === "string" ? item.insertText : new vscode.SnippetString(item.insertText.value);
    super(text, range, { title: "Accepted", command: ACCEPTED_COMMAND, arguments: [item.command] });
    if (item.filterText !== undefined) this.filterText = item.filterText;
  }
}

/** The items that VS Code has of us, and where they begin. */
interface Offer {
  document: vscode.TextDocument;
  start: vscode.Position;
  items: InlineCompletionItem[];
}

export class InlineCompletion implements vscode.InlineCompletionItemProvider, vscode.Disposable {
  private offer: Offer | undefined;
  private shownTimer: NodeJS.Timeout | undefined;
  private lastShownId: string | undefined;
  private hasEvents = false;
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly server: Server) {
    this.disposables = [
      vscode.languages.registerInlineCompletionItemProvider(DOCUMENTS, this),
      vscode.commands.registerCommand(ACCEPTED_COMMAND, (command?: InlineCompletionItem["command"]) =>
        this.accepted(command),
      ),
      vscode.commands.registerCommand("wright.acceptWord", () => this.acceptPart("acceptNextWord")),
      vscode.commands.registerCommand("wright.acceptLine", () => this.acceptPart("acceptNextLine")),
      vscode.commands.registerCommand("wright.dismiss", () => this.dismiss()),
    ];
  }

  async provideInlineCompletionItems(
    document: vscode.TextDocument,
    position: vscode.Position,
    context: vscode.InlineCompletionContext,
    token: vscode.CancellationToken,
  ): Promise<vscode.InlineCompletionItem[]> {
    const connection = this.server.connection;
    if (!connection || !isEnabledFor(document.languageId)) return [];
    const { selectedCompletionInfo: selected } = context;
    const isInvoked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    const result = await connection.sendRequest<InlineCompletionResult>(
      "textDocument/inlineCompletion",
      {
        textDocument: { uri: document.uri.toString() },
        position: { line: position.line, character: position.character },
        context: {
          triggerKind: isInvoked ? TRIGGER_INVOKED : TRIGGER_AUTOMATIC,
          ...(selected && { selectedCompletionInfo: { range: plainRange(selected.range), text: selected.text } }),
        },
      },
      token,
    ).catch(() => null);
    const items = itemsOf(result);
    if (token.isCancellationRequested) return [];
    if (items.length === 0) {
      this.offer = undefined;
      return [];
    }
    const ghosts = items.map((item) => new GhostText(item, item.range && toRange(item.range)));
    this.offer = { document, start: ghosts[0]?.range?.start ?? position, items };
    this.guessShown(document, document.version, token);
    return ghosts;
  }

  // The interface in proposal; see the header.
  handleDidShowCompletionItem(ghost: vscode.InlineCompletionItem): void {
    this.hasEvents = true;
    if (ghost instanceof GhostText) this.shown(ghost.item);
  }

  handleDidPartiallyAcceptCompletionItem(ghost: vscode.InlineCompletionItem, info: { acceptedLength: number } | number): void {
    this.hasEvents = true;
    if (ghost instanceof GhostText && typeof info === "object") this.partlyAccepted(ghost.item, info.acceptedLength);
  }

  handleEndOfLifetime(ghost: vscode.InlineCompletionItem, reason: { kind: number }): void {
    this.hasEvents = true;
    if (ghost instanceof GhostText && reason.kind === REJECTED) this.dismissed(ghost.item);
  }

  dispose(): void {
    clearTimeout(this.shownTimer);
    vscode.Disposable.from(...this.disposables).dispose();
  }

  private guessShown(document: vscode.TextDocument, version: number, token: vscode.CancellationToken): void {
    clearTimeout(this.shownTimer);
    this.shownTimer = setTimeout(() => {
      const [first] = this.offer?.items ?? [];
      const isInFront = vscode.window.activeTextEditor?.document === document && document.version === version;
      if (first && isInFront && !token.isCancellationRequested && !this.hasEvents) this.shown(first);
    }, SHOWN_AFTER_MS);
  }

  // While a person types what the suggestion says, the server sends it again under the same id: one sight, one report.
  private shown(item: InlineCompletionItem): void {
    const id = idOf(item);
    if (id === undefined || id === this.lastShownId) return;
    this.lastShownId = id;
    this.server.notify("textDocument/didShowCompletion", { item });
  }

  private partlyAccepted(item: InlineCompletionItem, acceptedLength: number): void {
    this.server.notify("textDocument/didPartiallyAcceptCompletion", { item, acceptedLength });
  }

  private dismissed(item: InlineCompletionItem): void {
    const id = idOf(item);
    if (id !== undefined) this.server.notify("wright/dismissed", { id });
  }

  private async accepted(command: InlineCompletionItem["command"]): Promise<void> {
    this.offer = undefined;
    this.lastShownId = undefined;
    if (command) await this.server.execute(command.command, command.arguments ?? []);
  }

  /** Accepts the next word or line with VS Code's own command, and reports how much that was. */
  private async acceptPart(part: "acceptNextWord" | "acceptNextLine"): Promise<void> {
    // VS Code asks again as soon as the text changes, so what was on offer before is held here.
    const { offer } = this;
    const command = `editor.action.inlineSuggest.${part}`;
    if (!offer || this.hasEvents) return void (await vscode.commands.executeCommand(command));
    const change = await changeMadeBy(offer.document, () => vscode.commands.executeCommand(command));
    if (!change || change.range.start.isBefore(offer.start)) return;
    const before = offer.document.getText(new vscode.Range(offer.start, change.range.start));
    const taken = partialAccept(offer.items, before, before + change.text);
    if (!taken) return;
    // Taking the last word takes the whole item, and VS Code then runs the item's command.
    if (taken.acceptedLength < insertTextOf(taken.item).length) this.partlyAccepted(taken.item, taken.acceptedLength);
  }

  private async dismiss(): Promise<void> {
    const { offer } = this;
    const isInFront = offer?.document === vscode.window.activeTextEditor?.document;
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
    this.offer = undefined;
    const [first] = offer?.items ?? [];
    if (first && isInFront && !this.hasEvents) this.dismissed(first);
  }
}

/** Runs a command and returns the first change that it makes to a document. */
async function changeMadeBy(
  document: vscode.TextDocument,
  run: () => Thenable<unknown>,
): Promise<vscode.TextDocumentContentChangeEvent | undefined> {
  let listener: vscode.Disposable | undefined;
  const changed = new Promise<vscode.TextDocumentContentChangeEvent>((resolve) => {
    listener = vscode.workspace.onDidChangeTextDocument((event) => {
      const [change] = event.contentChanges;
      if (event.document === document && change) resolve(change);
    });
  });
  await run();
  // The end of the command can arrive before the change it made.
  const change = await Promise.race([changed, pause(CHANGE_WITHIN_MS)]);
  listener?.dispose();
  return change || undefined;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

function plainRange({ start, end }: vscode.Range) {
  return {
    start: { line: start.line, character: start.character },
    end: { line: end.line, character: end.character },
  };
}

function toRange({ start, end }: NonNullable<InlineCompletionItem["range"]>): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
