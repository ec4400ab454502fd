// Finds the `wright` program and judges its version. Nothing here knows VS Code, starts a process or reads a setting: the
// caller passes what the world looks like.

import * as path from "node:path";

/** The oldest `wright` whose language server this extension can talk to. */
export const OLDEST_VERSION = "0.1.0";

export interface Surroundings {
  platform: NodeJS.Platform;
  home: string;
  /** The value of PATH. */
  searchPath: string;
  isExecutable(file: string): boolean;
}

export type Search = { found: string } | { missing: string; tried: string[] };

/**
 * Returns the absolute path of the program. With a configured path, only that one counts: a silent change to another copy
 * would hide a mistake in the setting.
 */
export function findBinary(configured: string, around: Surroundings): Search {
  const wanted = configured.trim() || "wright";
  const { resolve } = around.platform === "win32" ? path.win32 : path.posix;
  const candidates = hasFolder(wanted) ? [resolve(around.home, withHome(wanted, around.home))] : onSearchPath(wanted, around);
  const tried = candidates.flatMap((file) => withExtensions(file, around.platform));
  const found = tried.find((file) => around.isExecutable(file));
  return found === undefined ? { missing: wanted, tried } : { found };
}

function hasFolder(wanted: string): boolean {
  return /[\\/]/.test(wanted) || wanted.startsWith("~");
}

function withHome(wanted: string, home: string): string {
  return wanted === "~" || /^~[\\/]/.test(wanted) ? home + wanted.slice(1) : wanted;
}

// The usual place of cargo's programs comes last: editors that a desktop starts often have a shorter PATH than a shell.
function onSearchPath(name: string, { platform, searchPath, home }: Surroundings): string[] {
  const { join, delimiter, isAbsolute } = platform === "win32" ? path.win32 : path.posix;
  // A relative folder in PATH would let an opened project bring its own `wright`.
  const folders = searchPath.split(delimiter).filter((folder) => isAbsolute(folder));
  return [...folders, join(home, ".cargo", "bin")].map((folder) => join(folder, name));
}

function withExtensions(file: string, platform: NodeJS.Platform): string[] {
  return platform === "win32" && !/\.exe$/i.test(file) ? [`${file}.exe`] : [file];
}

/** Returns the version in the output of `wright --version`, such as `wright 0.1.0 (abc1234)`. */
export function parseVersion(output: string): string | undefined {
  return /^wright\s+v?(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)/m.exec(output)?.[1];
}

/** Tells whether a version is at least another. A pre-release counts as its release. */
export function isAtLeast(version: string, oldest: string): boolean {
  const numbers = (text: string) => (text.split("-")[0] ?? "").split(".").map(Number);
  const [left, right] = [numbers(version), numbers(oldest)];
  for (let idx = 0; idx < 3; idx++) {
    const difference = (left[idx] ?? 0) - (right[idx] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}
