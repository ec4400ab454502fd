#!/usr/bin/env python3
"""Writes the typing traces beside this file from the source texts beside this file.

The same seed writes the same bytes. The format is described in ../README.md. A text is cut where someone is about to type;
the script below then says what is typed, where the cursor jumps, and what is pasted. Pauses are those of a practiced typist:
60 to 250 ms within a word, longer before a word and a line, longer still after a jump.

    python3 evals/completion/typing/make_traces.py [SEED]
"""

import json
import random
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
SCHEMA = "wright.typing/1"
KEYBOARD = ["qwertyuiop", "asdfghjkl", "zxcvbnm"]

# For each language: the text, where a cut begins (the first match of `cut` behind `within`), and what is done.
# A step is ("type", text), ("paste", text), ("jump", line behind which a new line is begun, text) or ("back",).
PYTHON = {
    "language": "python",
    "source": "ledger.py",
    "within": "def balance(self",
    "cut": "if other.is_within(account):\n                total += by_currency.get(currency, 0)",
    "forward": "if other.is_within(account):\n                total += by_cur",
    "jumped": [
        ("type", "if other.is_w"),
        ("jump", "    def between(self, first: dt.date, last: dt.date) -> Iterator[Transaction]:\n", "        if first > "),
        ("back",),
        ("type", "ithin(acc"),
        ("jump", "def over_budget(ledger: Ledger, budgets: Iterable[Budget], month: dt.date)", "    \"\"\"Ret"),
        ("back",),
        ("type", "ount):\n                tot"),
    ],
    "pasted": [
        ("type", "if other.is_w"),
        ("type", "ithin("),
        ("paste", "account) and currency in by_currency:\n                total += by_currency[currency]\n"
                  "            elif other.parent is not None and other.parent.is_within(account):\n"
                  "                total += by_currency.get(currency, 0)"),
        ("type", "\n        if until is"),
        ("paste", " not None:\n            assert until >= self.transactions[0].date\n            until = min(until, "
                  "self.transactions[-1].date)"),
        ("type", "\n        ret"),
    ],
}

RUST = {
    "language": "rust",
    "source": "patch.rs",
    "within": "fn write_file(",
    "cut": "let (before, after) = (lines(change.before.as_deref()), lines(change.after.as_deref()));\n"
           "    if before == after {\n        return;\n    }",
    "forward": "let (before, after) = (lines(change.before.as_deref",
    "jumped": [
        ("type", "let (before,"),
        ("jump", "fn hunk_range(start: usize, end: usize) -> String {\n", "    let leng"),
        ("back",),
        ("type", " after) = "),
        ("jump", "    pub fn is_empty(&self) -> bool {\n        self.files", "    /// Retur"),
        ("back",),
        ("type", "(lines(change.be"),
    ],
    "pasted": [
        ("type", "let (before, after) "),
        ("paste", "= (lines(change.before.as_deref()), lines(change.after.as_deref()));\n    if before == after {\n"
                  "        return;\n    }"),
        ("type", "\n    let is_new = ch"),
        ("paste", "ange.before.is_none();\n    let is_deleted = change.after.is_none();\n"
                  "    let is_renamed = !is_new && !is_deleted && old != new;"),
        ("type", "\n    if is_n"),
    ],
}

TYPESCRIPT = {
    "language": "typescript",
    "source": "scheduler.ts",
    "within": "async restore()",
    "cut": "if (job.state === \"running\") {\n        job.state = \"waiting\";\n        await this.store.save(job);\n      }",
    "forward": "if (job.state === \"running\") {\n        job.state = \"wai",
    "jumped": [
        ("type", "if (job.stat"),
        ("jump", "  const pause = options.firstPause * 2 ** Math.max(0, attempts - 1);\n", "  if (pause"),
        ("back",),
        ("type", "e === \"run"),
        ("jump", "  private async finish(job: Job, elapsed: number): Promise<void> {\n", "    const wa"),
        ("back",),
        ("type", "ning\") {\n        job."),
    ],
    "pasted": [
        ("type", "if (job.state === \"run"),
        ("paste", "ning\") {\n        job.state = \"waiting\";\n        job.attempts = Math.max(0, job.attempts - 1);\n"
                  "        await this.store.save(job);\n      }"),
        ("type", "\n      if (job.depends"),
        ("paste", "On.length > 0) {\n        const missing = job.dependsOn.filter((id) => !this.jobs.has(id));\n"
                  "        if (missing.length > 0) {\n          job.state = \"failed\";\n        }\n      }"),
        ("type", "\n      this"),
    ],
}


class Typist:
    """Types into a text and writes down each event."""

    def __init__(self, text, at, rng):
        self.text, self.at, self.rng, self.events, self.away = text, at, rng, [], None

    def insert(self, text, pause):
        self.text = self.text[: self.at] + text + self.text[self.at :]
        self.events.append({"pause_ms": pause, "insert": {"at": self.at, "text": text}})
        if self.away is not None and self.at <= self.away:
            self.away += len(text)
        self.at += len(text)

    def backspace(self):
        self.text = self.text[: self.at - 1] + self.text[self.at :]
        self.events.append({"pause_ms": self.between(90, 180), "delete": {"start": self.at - 1, "end": self.at}})
        self.at -= 1

    def move(self, to):
        self.events.append({"pause_ms": self.between(250, 700), "move": to})
        self.at = to

    def between(self, low, high):
        return self.rng.randint(low, high)

    def pause_before(self, key):
        previous = self.text[self.at - 1] if self.at else "\n"
        moved = bool(self.events) and "move" in self.events[-1]
        if moved:
            return self.between(700, 1600)
        if previous == "\n" or key.startswith("\n"):
            return self.between(200, 600)
        if previous.isspace() and self.rng.random() < 0.4:
            return self.between(180, 450)
        return self.between(60, 250)

    def type(self, text):
        for key in keys(text):
            self.insert(key, self.pause_before(key))

    def type_with_mistakes(self, text):
        for key in keys(text):
            wrong = self.neighbor(key)
            if wrong and self.rng.random() < 0.12:
                self.insert(wrong, self.pause_before(key))
                n_late = self.rng.choice([0, 0, 1, 2])
                for late in "xyz"[:n_late]:
                    self.insert(self.neighbor(late) or late, self.between(60, 140))
                for _ in range(n_late + 1):
                    self.backspace()
            self.insert(key, self.pause_before(key))

    def neighbor(self, key):
        for row in KEYBOARD:
            at = row.find(key.lower()) if len(key) == 1 else -1
            if at >= 0:
                return row[at + 1] if at + 1 < len(row) else row[at - 1]
        return None

    def paste(self, text):
        self.insert(text, self.between(400, 900))

    def jump(self, anchor, text):
        found = self.text.find(anchor)
        assert found >= 0, anchor
        self.away = self.at
        self.move(self.text.index("\n", found + len(anchor.rstrip("\n"))))
        # The editor indents the new line by itself.
        stripped = text.lstrip(" ")
        self.insert("\n" + text[: len(text) - len(stripped)], self.between(300, 700))
        self.type(stripped)

    def back(self):
        to, self.away = self.away, None
        self.move(to)


def keys(text):
    """Splits a text into what one key types; a new line comes with its indentation, as editors do it."""
    at = 0
    while at < len(text):
        end = at + 1
        if text[at] == "\n":
            while end < len(text) and text[end] == " ":
                end += 1
        yield text[at:end]
        at = end


def trace(spec, manner, seed):
    source = (FOLDER / spec["source"]).read_text(encoding="utf-8")
    assert source.isascii(), "offsets are bytes; keep the texts ASCII or count bytes here"
    start = source.index(spec["cut"], source.index(spec["within"]))
    end = start + len(spec["cut"])
    typist = Typist(source[:start] + source[end:], start, random.Random(f"{seed} {spec['language']} {manner}"))
    if manner == "typed":
        typist.type(spec["forward"])
    elif manner == "corrected":
        typist.type_with_mistakes(spec["forward"])
    else:
        for step in spec[manner]:
            getattr(typist, step[0])(*step[1:])
    return {
        "schema": SCHEMA,
        "language": spec["language"],
        "manner": manner,
        "source": spec["source"],
        "cut": {"start": start, "end": end},
        "events": typist.events,
    }


def write(path, value):
    events = value.pop("events")
    head = json.dumps(value, indent=1)[:-2]
    rows = ",\n  ".join(json.dumps(it) for it in events)
    path.write_text(f'{head},\n "events": [\n  {rows}\n ]\n}}\n', encoding="utf-8")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for spec in (PYTHON, RUST, TYPESCRIPT):
        for manner in ("typed", "corrected", "jumped", "pasted"):
            value = trace(spec, manner, seed)
            n_keys = sum("move" not in event for event in value["events"])
            path = FOLDER / f"{spec['language']}-{manner}.json"
            write(path, value)
            print(f"wrote {path.name}: {n_keys} keystrokes", file=sys.stderr)


if __name__ == "__main__":
    main()
