// The item in the status bar and the menu behind it.

import * as vscode from "vscode";
import { StatusParams, WithheldEntry } from "./protocol";
import { Server } from "./server";
import { isNextEditEnabled, pausedLanguages, toggleLanguage, write } from "./settings";
import { reasonLine, statusLook } from "./statusText";

interface Choice extends vscode.QuickPickItem {
  run(): unknown;
}

export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem("wright.status", vscode.StatusBarAlignment.Right, 100);
  private status: StatusParams = { state: "starting" };
  private readonly disposables: vscode.Disposable[];

  constructor(private readonly server: Server) {
    this.item.name = "Wright";
    this.item.command = "wright.menu";
    this.disposables = [
      this.item,
      server.onStatus((status) => this.changed(status)),
      vscode.window.onDidChangeActiveTextEditor(() => this.draw()),
      vscode.commands.registerCommand("wright.menu", () => this.showMenu()),
      vscode.commands.registerCommand("wright.whyNothing", () => this.showReasons()),
    ];
    this.draw();
    this.item.show();
  }

  /** Draws the item anew, after a setting changed. */
  draw(): void {
    const language = vscode.window.activeTextEditor?.document.languageId;
    const isOff = !vscode.workspace.getConfiguration("wright").get("enabled", true);
    const isPaused = language !== undefined && pausedLanguages().includes(language);
    const look = statusLook(this.status, { isOff, ...(isPaused && { pausedLanguage: language }) });
    this.item.text = look.text;
    this.item.tooltip = look.tooltip;
    this.item.backgroundColor =
      look.severity === "none" ? undefined : new vscode.ThemeColor(`statusBarItem.${look.severity}Background`);
    this.item.accessibilityInformation = { label: look.tooltip.replaceAll("\n", ", "), role: "button" };
  }

  dispose(): void {
    vscode.Disposable.from(...this.disposables).dispose();
  }

  // The model's name comes with some states only; it stays true until another one is named.
  private changed(status: StatusParams): void {
    const model = status.model ?? this.status.model;
    this.status = { ...status, ...(model && { model }) };
    this.draw();
  }

  private async showMenu(): Promise<void> {
    const title = this.status.model ? `Wright, ${this.status.model}` : "Wright";
    const choice = await vscode.window.showQuickPick(this.choices(), { title, placeHolder: this.status.message });
    await choice?.run();
  }

  private choices(): Choice[] {
    const isOn = vscode.workspace.getConfiguration("wright").get("enabled", true);
    const nextEdit = isNextEditEnabled();
    return [
      ...this.languageChoice(),
      {
        label: isOn ? "$(circle-slash) Turn all suggestions off" : "$(check) Turn suggestions on",
        run: () => write("enabled", !isOn),
      },
      {
        label: nextEdit ? "$(circle-slash) Turn next edits off" : "$(check) Turn next edits on",
        run: () => write("nextEdit.enabled", !nextEdit),
      },
      { label: "$(dashboard) Eagerness…", description: eagerness(), run: chooseEagerness },
      { label: "$(question) Why was nothing shown?", run: () => this.showReasons() },
      { label: "$(output) Open the log", run: () => vscode.commands.executeCommand("wright.showLog") },
      { label: "$(graph) Show statistics", run: () => vscode.commands.executeCommand("wright.stats") },
      { label: "$(gear) Open settings", run: () => vscode.commands.executeCommand("workbench.action.openSettings", "wright.") },
      { label: "$(debug-restart) Restart the server", run: () => vscode.commands.executeCommand("wright.restart") },
    ];
  }

  private languageChoice(): Choice[] {
    const language = vscode.window.activeTextEditor?.document.languageId;
    if (language === undefined) return [];
    const isPaused = pausedLanguages().includes(language);
    const label = isPaused ? `$(debug-continue) Resume for ${language}` : `$(debug-pause) Pause for ${language}`;
    return [{ label, run: () => toggleLanguage(language) }];
  }

  private async showReasons(): Promise<void> {
    const entries = await this.server.connection?.sendRequest<WithheldEntry[]>("wright/log", {});
    if (!entries?.length) {
      void vscode.window.showInformationMessage("Every recent request ended with a suggestion, or there was none.");
      return;
    }
    await vscode.window.showQuickPick([...entries].reverse().map(reasonLine), {
      title: "Why nothing was shown, newest first",
      matchOnDescription: true,
      matchOnDetail: true,
    });
  }
}

function eagerness(): string {
  return vscode.workspace.getConfiguration("wright").get("eagerness", "medium");
}

async function chooseEagerness(): Promise<void> {
  const choices = [
    { label: "low", description: "fewer suggestions, after a longer pause" },
    { label: "medium", description: "suggestions when they are likely to be right" },
    { label: "high", description: "more suggestions, as early as possible" },
  ];
  const choice = await vscode.window.showQuickPick(choices, { title: "Eagerness", placeHolder: `now ${eagerness()}` });
  if (choice) await write("eagerness", choice.label);
}
