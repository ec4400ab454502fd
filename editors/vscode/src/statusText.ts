// The words of the status bar and of the list of reasons. Nothing here knows VS Code.

import { ServerState, StatusParams, WithheldEntry } from "./protocol";

export interface StatusLook {
  text: string;
  tooltip: string;
  severity: "none" | "warning" | "error";
}

const ICONS: Record<ServerState, string> = {
  starting: "$(loading~spin)",
  ready: "$(check)",
  busy: "$(sync~spin)",
  idle: "$(check)",
  warning: "$(warning)",
  error: "$(error)",
};

const SENTENCES: Record<ServerState, string> = {
  starting: "Wright is starting",
  ready: "Wright is ready",
  busy: "Wright is working on a suggestion",
  idle: "Wright is ready",
  warning: "Wright works with restrictions",
  error: "Wright does not work",
};

export interface Pause {
  /** All suggestions are off. */
  isOff: boolean;
  /** Suggestions are off in the language of the active editor. */
  pausedLanguage?: string;
}

/** Returns what the status bar shows for a state of the server and the choices of the person. */
export function statusLook(status: StatusParams, pause: Pause): StatusLook {
  const isFailing = status.state === "warning" || status.state === "error";
  if (!isFailing && pause.isOff) return paused("Suggestions are off", status);
  if (!isFailing && pause.pausedLanguage) return paused(`Suggestions are off for ${pause.pausedLanguage}`, status);
  const severity = isFailing ? (status.state as "warning" | "error") : "none";
  const text = `${ICONS[status.state] ?? "$(question)"} Wright`;
  return { text, tooltip: tooltip(SENTENCES[status.state] ?? "Wright", status), severity };
}

function paused(sentence: string, status: StatusParams): StatusLook {
  return { text: "$(circle-slash) Wright", tooltip: tooltip(sentence, status), severity: "none" };
}

function tooltip(sentence: string, { message, model }: StatusParams): string {
  return [sentence, message, model && `Model: ${model}`].filter(Boolean).join("\n");
}

/** Returns one line about a request that ended without a suggestion. */
export function reasonLine(entry: WithheldEntry): { label: string; description: string; detail: string } {
  const time = entry.milliseconds === undefined ? undefined : `${entry.milliseconds} ms`;
  const file = entry.path?.split(/[\\/]/).at(-1);
  return {
    label: sentenceOf(entry.reason),
    description: [file, entry.language, time].filter(Boolean).join(", "),
    detail: [timeOfDay(entry.at), entry.detail].filter(Boolean).join("  "),
  };
}

function sentenceOf(reason: string): string {
  const words = reason.replaceAll(/[-_]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function timeOfDay(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? at : date.toLocaleTimeString();
}
