// Starts, restarts and stops `wright lsp`, and says clearly what is wrong when it cannot. What is sent over the connection
// is the business of inlineCompletion.ts and nextEdit.ts.

import { execFile } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { homedir } from "node:os";
import * as vscode from "vscode";
import { LanguageClient, RevealOutputChannelOn, State } from "vscode-languageclient/node";
import { findBinary, isAtLeast, OLDEST_VERSION, parseVersion } from "./binary";
import { StatusParams } from "./protocol";
import { readServerSettings } from "./settings";

/** Documents that the server is told about: files and what was not saved yet, no output panels or diffs. */
export const DOCUMENTS = [{ scheme: "file" }, { scheme: "untitled" }];

const VERSION_TIMEOUT_MS = 10_000;

export class Server implements vscode.Disposable {
  private client: LanguageClient | undefined;
  private readonly statusChanged = new vscode.EventEmitter<StatusParams>();
  readonly onStatus = this.statusChanged.event;
  /** The program in use, once it was found. */
  binary: string | undefined;
  // Starting and stopping take turns: a restart that overtakes a start would leave two servers behind.
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly log: vscode.LogOutputChannel) {}

  /** Returns the connection while the server can answer. */
  get connection(): LanguageClient | undefined {
    return this.client?.state === State.Running ? this.client : undefined;
  }

  start(): Promise<void> {
    return this.takeTurn(() => this.startNow());
  }

  restart(): Promise<void> {
    return this.takeTurn(async () => {
      await this.stopNow();
      await this.startNow();
    });
  }

  stop(): Promise<void> {
    return this.takeTurn(() => this.stopNow());
  }

  /** Sends a notification when there is a server; without one there is nobody to tell. */
  notify(method: string, params: unknown): void {
    this.connection?.sendNotification(method, params).catch((error) => this.log.warn(`${method}: ${error}`));
  }

  /** Runs a command of the server, such as the report that a suggestion was accepted. */
  async execute(command: string, args: unknown[]): Promise<unknown> {
    return this.connection?.sendRequest("workspace/executeCommand", { command, arguments: args });
  }

  dispose(): void {
    void this.stop();
    this.statusChanged.dispose();
  }

  private takeTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work, work);
    return this.turn;
  }

  private async startNow(): Promise<void> {
    this.statusChanged.fire({ state: "starting" });
    const binary = await this.usableBinary();
    if (binary === undefined) return;
    this.binary = binary;
    this.log.info(`starting ${binary} lsp`);
    const client = this.newClient(binary);
    client.onNotification("wright/status", (status: StatusParams) => this.statusChanged.fire(status));
    client.onDidChangeState(({ newState }) => {
      if (newState === State.Stopped && this.client === client) {
        this.statusChanged.fire({ state: "error", message: "The server has stopped; the log says why." });
      }
    });
    this.client = client;
    try {
      await client.start();
      this.statusChanged.fire({ state: "ready" });
    } catch (error) {
      this.refuse(`failed to start ${binary} lsp: ${error}`, `Wright did not start: ${error}`, ["Show Log", "Restart"]);
    }
  }

  private async stopNow(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (client?.needsStop()) await client.stop().catch((error) => this.log.warn(`failed to stop the server: ${error}`));
    await client?.dispose().catch(() => undefined);
  }

  private newClient(binary: string): LanguageClient {
    return new LanguageClient(
      "wright",
      "Wright",
      // The home folder, since a project's folder could hold files that a program picks up from where it is started.
      { command: binary, args: ["lsp"], options: { cwd: homedir() } },
      {
        documentSelector: DOCUMENTS,
        initializationOptions: () => readServerSettings(),
        outputChannel: this.log,
        traceOutputChannel: this.log,
        revealOutputChannelOn: RevealOutputChannelOn.Never,
        // The library would ask for inline completions on its own, beside inlineCompletion.ts, which also reports on them.
        middleware: {
          provideInlineCompletionItems: () => null,
          workspace: { configuration: ({ items }) => items.map(configurationOf) },
        },
      },
    );
  }

  private async usableBinary(): Promise<string | undefined> {
    const configured = vscode.workspace.getConfiguration("wright").get("path", "");
    const search = findBinary(configured, {
      platform: process.platform,
      home: homedir(),
      searchPath: process.env["PATH"] ?? "",
      isExecutable,
    });
    if ("missing" in search) {
      const hint = configured ? "The setting wright.path names it." : "It is not in PATH, and wright.path is not set.";
      const tried = `no program at ${search.tried.join(", ")}`;
      this.refuse(tried, `The program ${search.missing} was not found. ${hint}`, ["How to Install", "Set Path"]);
      return undefined;
    }
    const output = await versionOutput(search.found);
    const version = parseVersion(output);
    if (version === undefined) {
      this.refuse(`${search.found} --version says: ${output}`, `${search.found} is not Wright.`, ["Set Path", "Show Log"]);
      return undefined;
    }
    if (!isAtLeast(version, OLDEST_VERSION)) {
      const message = `Wright ${version} is too old for this extension, which needs ${OLDEST_VERSION} or newer.`;
      this.refuse(message, message, ["How to Install", "Set Path"]);
      return undefined;
    }
    this.log.info(`found wright ${version} at ${search.found}`);
    return search.found;
  }

  private refuse(entry: string, message: string, actions: Action[]): void {
    this.log.error(entry);
    this.statusChanged.fire({ state: "error", message });
    void vscode.window.showErrorMessage(message, ...actions).then((action) => action && ACTIONS[action]());
  }
}

type Action = "How to Install" | "Set Path" | "Show Log" | "Restart";

const ACTIONS: Record<Action, () => void> = {
  "How to Install": () => void vscode.commands.executeCommand("wright.install"),
  "Set Path": () => void vscode.commands.executeCommand("workbench.action.openSettings", "wright.path"),
  "Show Log": () => void vscode.commands.executeCommand("wright.showLog"),
  Restart: () => void vscode.commands.executeCommand("wright.restart"),
};

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function versionOutput(binary: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(binary, ["--version"], { timeout: VERSION_TIMEOUT_MS, cwd: homedir() }, (error, stdout) =>
      resolve(stdout || String(error ?? "")),
    );
  });
}

/** Answers the server when it asks for settings: what it knows under its names, not what is in our settings page. */
function configurationOf({ section }: { section?: string }): unknown {
  return section === "wright" ? readServerSettings().wright : null;
}
