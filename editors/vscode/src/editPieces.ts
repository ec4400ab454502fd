// Cuts a predicted edit into the small pieces that can be drawn over the text as it is: what goes is struck through, what
// comes is ghost text. Nothing here knows VS Code.

import { Position } from "./protocol";

export interface Piece {
  /** Where the piece begins, in the document. */
  at: Position;
  /** How many UTF-16 code units of this line go. */
  deleted: number;
  /** What comes after them; new lines begin with a line feed. */
  inserted: string;
}

// The table of the comparison has one cell for each pair of lines; more lines are compared as one block.
const MAX_CELLS = 40_000;

/** Returns the pieces that turn `before`, which begins at `start`, into `after`. */
export function editPieces(start: Position, before: string, after: string): Piece[] {
  const [oldLines, newLines] = [splitLines(before), splitLines(after)];
  return hunksOf(oldLines, newLines).flatMap((hunk) => piecesOfHunk(start, oldLines, hunk));
}

interface Hunk {
  at: number;
  gone: string[];
  come: string[];
}

function splitLines(text: string): string[] {
  return text.split(/\r?\n/);
}

function hunksOf(oldLines: string[], newLines: string[]): Hunk[] {
  const kept = commonLines(oldLines, newLines);
  const hunks: Hunk[] = [];
  let [oldIdx, newIdx] = [0, 0];
  for (const [oldKept, newKept] of [...kept, [oldLines.length, newLines.length] as const]) {
    if (oldKept > oldIdx || newKept > newIdx) {
      hunks.push({ at: oldIdx, gone: oldLines.slice(oldIdx, oldKept), come: newLines.slice(newIdx, newKept) });
    }
    [oldIdx, newIdx] = [oldKept + 1, newKept + 1];
  }
  return hunks;
}

/** Returns the pairs of indexes of a longest common subsequence of lines. */
function commonLines(oldLines: string[], newLines: string[]): (readonly [number, number])[] {
  const [height, width] = [oldLines.length, newLines.length];
  if (height * width > MAX_CELLS) return [];
  const lengths = Array.from({ length: height + 1 }, () => new Uint32Array(width + 1));
  const at = (row: number, column: number) => lengths[row]?.[column] ?? 0;
  for (let row = height - 1; row >= 0; row--) {
    for (let column = width - 1; column >= 0; column--) {
      const isSame = oldLines[row] === newLines[column];
      const length = isSame ? at(row + 1, column + 1) + 1 : Math.max(at(row + 1, column), at(row, column + 1));
      lengths[row]!.set([length], column);
    }
  }
  const pairs: (readonly [number, number])[] = [];
  let [row, column] = [0, 0];
  while (row < height && column < width) {
    if (oldLines[row] === newLines[column]) pairs.push([row++, column++]);
    else if (at(row + 1, column) >= at(row, column + 1)) row++;
    else column++;
  }
  return pairs;
}

function piecesOfHunk(start: Position, oldLines: string[], { at, gone, come }: Hunk): Piece[] {
  const nPaired = Math.min(gone.length, come.length);
  const pieces = Array.from({ length: nPaired }, (_, idx) =>
    changedPart(placeOf(start, at + idx, 0), gone[idx] ?? "", come[idx] ?? ""),
  );
  for (let idx = nPaired; idx < gone.length; idx++) {
    pieces.push({ at: placeOf(start, at + idx, 0), deleted: gone[idx]?.length ?? 0, inserted: "" });
  }
  const added = come.slice(nPaired);
  if (added.length > 0) pieces.push(addedLines(start, oldLines, at + nPaired, added));
  return pieces.filter((piece) => piece.deleted > 0 || piece.inserted !== "");
}

// New lines hang at the end of the line above them; at the very top of the edit there is none, so they precede its first.
function addedLines(start: Position, oldLines: string[], at: number, added: string[]): Piece {
  if (at === 0) return { at: placeOf(start, 0, 0), deleted: 0, inserted: `${added.join("\n")}\n` };
  const above = oldLines[at - 1] ?? "";
  return { at: placeOf(start, at - 1, above.length), deleted: 0, inserted: `\n${added.join("\n")}` };
}

function changedPart(at: Position, before: string, after: string): Piece {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail++;
  // A surrogate pair that differs in one half differs as a whole.
  if (head > 0 && isHighSurrogate(before, head - 1)) head--;
  if (tail > 0 && isLowSurrogate(before, before.length - tail)) tail--;
  return {
    at: { line: at.line, character: at.character + head },
    deleted: before.length - tail - head,
    inserted: after.slice(head, after.length - tail),
  };
}

function isHighSurrogate(text: string, idx: number): boolean {
  return (text.charCodeAt(idx) & 0xfc00) === 0xd800;
}

function isLowSurrogate(text: string, idx: number): boolean {
  return (text.charCodeAt(idx) & 0xfc00) === 0xdc00;
}

function placeOf(start: Position, lineOfEdit: number, character: number): Position {
  return { line: start.line + lineOfEdit, character: lineOfEdit === 0 ? start.character + character : character };
}

/** Returns ghost text as one line: a decoration cannot break lines, and collapses spaces. */
export function asGhostText(inserted: string, maxLength = 160): string {
  const oneLine = inserted.replaceAll("\n", " ↵ ").replaceAll("\t", "    ");
  const cut = oneLine.length > maxLength ? `${oneLine.slice(0, maxLength)}…` : oneLine;
  return cut.replaceAll(" ", "\u00a0");
}
