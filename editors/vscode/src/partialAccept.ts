// Tells how much of a suggestion a person took when they accepted a word or a line of it. Nothing here knows VS Code.

import { InlineCompletionItem, insertTextOf } from "./protocol";

export interface PartialAccept {
  item: InlineCompletionItem;
  /** In UTF-16 code units, from the start of the item's text. */
  acceptedLength: number;
}

/**
 * Finds the item that was shown and how much of it stands in the document now.
 *
 * `before` and `after` are the document's text from the start of the items' range to the cursor, before and after the
 * acceptance. VS Code does not say which of several items it shows, but only one of them continues the text as it did.
 */
export function partialAccept(items: InlineCompletionItem[], before: string, after: string): PartialAccept | undefined {
  const [was, is] = [withoutCarriageReturns(before), withoutCarriageReturns(after)];
  if (is.length <= was.length) return undefined;
  const item = items.find((candidate) => insertTextOf(candidate).startsWith(is));
  return item === undefined ? undefined : { item, acceptedLength: is.length };
}

// The protocol's items come with line feeds only, and an editor inserts them with the line ends of the document.
function withoutCarriageReturns(text: string): string {
  return text.replaceAll("\r\n", "\n");
}
