// What `wright lsp` and this extension say to each other beyond the language server protocol 3.17: plain types, as they are
// on the wire. Nothing here knows VS Code.

export interface Position {
  line: number;
  /** In UTF-16 code units. */
  character: number;
}

export interface Range {
  start: Position;
  end: Position;
}

export interface Command {
  title: string;
  command: string;
  arguments?: unknown[];
}

export interface InlineCompletionItem {
  insertText: string | { kind: "snippet"; value: string };
  filterText?: string;
  range?: Range;
  command?: Command;
}

export type InlineCompletionResult = InlineCompletionItem[] | { items: InlineCompletionItem[] } | null;

export interface NextEdit {
  range: Range;
  text: string;
  /** Without a version, the server has not seen the document open. */
  textDocument: { uri: string; version: number | null };
  command?: Command;
}

export type NextEditResult = { edits: NextEdit[] } | null;

export type ServerState = "starting" | "ready" | "busy" | "idle" | "warning" | "error";

export interface StatusParams {
  state: ServerState;
  message?: string;
  model?: string;
}

/** Why a request ended without a suggestion. */
export interface WithheldEntry {
  at: string;
  path?: string;
  language?: string | null;
  reason: string;
  detail?: string;
  milliseconds?: number;
}

/** Protocol values of `triggerKind`; VS Code counts from zero, the protocol from one. */
export const TRIGGER_INVOKED = 1;
export const TRIGGER_AUTOMATIC = 2;

/** Returns the items of an answer in whichever of the protocol's three forms it came. */
export function itemsOf(result: InlineCompletionResult): InlineCompletionItem[] {
  if (result === null || result === undefined) return [];
  return Array.isArray(result) ? result : (result.items ?? []);
}

/** Returns the server's id of a suggestion: the first argument of the command that reports its acceptance. */
export function idOf(item: { command?: Command }): string | undefined {
  const [id] = item.command?.arguments ?? [];
  return typeof id === "string" || typeof id === "number" ? String(id) : undefined;
}

/** Returns the text that an item inserts. */
export function insertTextOf(item: InlineCompletionItem): string {
  return typeof item.insertText === "string" ? item.insertText : item.insertText.value;
}
