// Turns the extension's settings into what the server is told. Nothing here knows VS Code.

export type Eagerness = "low" | "medium" | "high";

/** The server's part of the settings, as `initializationOptions` and `workspace/didChangeConfiguration` carry it. */
export interface ServerSettings {
  wright: {
    eagerness: Eagerness;
    model: string | null;
    multiline: boolean;
    telemetry: boolean;
    disabledLanguages: string[];
    nextEdit: boolean;
  };
}

/** Reads a setting by its name below `wright.`. */
export type ReadSetting = (name: string) => unknown;

/** Returns the server's settings; a value of the wrong type counts as not set. */
export function serverSettings(read: ReadSetting): ServerSettings {
  return {
    wright: {
      eagerness: oneOf(read("eagerness"), ["low", "medium", "high"], "medium"),
      model: text(read("model")).trim() || null,
      multiline: flag(read("multiline"), true),
      telemetry: flag(read("statistics"), true),
      disabledLanguages: texts(read("disabledLanguages")),
      nextEdit: flag(read("nextEdit.enabled"), true),
    },
  };
}

/** Returns the list of paused languages with one more or one less. */
export function toggled(languages: string[], language: string): string[] {
  return languages.includes(language) ? languages.filter((other) => other !== language) : [...languages, language].sort();
}

/** Returns the strings of a list, and nothing for anything else. */
export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((item): item is string => typeof item === "string") : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function flag(value: unknown, otherwise: boolean): boolean {
  return typeof value === "boolean" ? value : otherwise;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], otherwise: T): T {
  return allowed.find((item) => item === value) ?? otherwise;
}
