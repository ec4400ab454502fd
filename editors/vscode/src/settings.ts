// Reads and writes the extension's settings.

import * as vscode from "vscode";
import { ServerSettings, serverSettings, texts, toggled } from "./serverSettings";

function configuration(): vscode.WorkspaceConfiguration {
  return vscode.workspace.getConfiguration("wright");
}

/** Returns what the server is told about the settings. */
export function readServerSettings(): ServerSettings {
  return serverSettings((name) => configuration().get(name));
}

/** Tells whether suggestions are on in documents of a language. */
export function isEnabledFor(language: string): boolean {
  return configuration().get("enabled", true) && !pausedLanguages().includes(language);
}

/** Tells whether next edits are predicted at all. */
export function isNextEditEnabled(): boolean {
  return configuration().get("nextEdit.enabled", true);
}

/** Returns the languages without suggestions. */
export function pausedLanguages(): string[] {
  return texts(configuration().get("disabledLanguages"));
}

/** Turns suggestions in a language off, or on again. */
export async function toggleLanguage(language: string): Promise<void> {
  await write("disabledLanguages", toggled(pausedLanguages(), language));
}

/** Writes a setting for all projects of this person. */
export async function write(name: string, value: unknown): Promise<void> {
  await configuration().update(name, value, vscode.ConfigurationTarget.Global);
}
