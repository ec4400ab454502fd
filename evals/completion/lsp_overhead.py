#!/usr/bin/env python3
"""Measures what `wright lsp` itself costs, the model aside.

Opens a file of so many lines, takes one suggestion from the model, then types it letter by letter: each letter is a
`textDocument/didChange` and a `textDocument/inlineCompletion` that the result cache answers. Prints, as JSON, the
milliseconds from the change to the answer, and those of a request in a place where nothing is suggested.

    evals/completion/lsp_overhead.py --lines 200,5000 --rounds 20 -- wright lsp --model local:qwen2.5-coder-0.5b
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

HOLE = "def mean(values):\n    total_of_all_values = s"
BLOCK = """
def scale_{n}(values, factor_{n}):
    scaled_{n} = []
    for value in values:
        if value is None:
            continue
        scaled_{n}.append(value * factor_{n})
    return scaled_{n}

"""


class Server:
    """A language server, over its standard streams."""

    def __init__(self, command, folder):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder)
        self.n_requests = 0
        self.request("initialize", {"processId": None, "rootUri": folder.as_uri(), "capabilities": {
            "general": {"positionEncodings": ["utf-8"]}}})
        self.notify("initialized", {})

    def send(self, message):
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.process.stdin.flush()

    def notify(self, method, params):
        self.send({"method": method, "params": params})

    def request(self, method, params):
        self.n_requests += 1
        self.send({"id": self.n_requests, "method": method, "params": params})
        while True:
            message = self.read()
            if message.get("id") == self.n_requests and "method" not in message:
                return message.get("result")
            if "id" in message:
                self.send({"id": message["id"], "result": None})

    def read(self):
        length = 0
        while line := self.process.stdout.readline().strip():
            name, value = line.split(b":", 1)
            if name.lower() == b"content-length":
                length = int(value)
        return json.loads(self.process.stdout.read(length))


def percentile(values, share):
    values = sorted(values)
    return round(values[min(len(values) - 1, int(len(values) * share))], 2)


def summary(values):
    if not values:
        return None
    return {"n": len(values), "p50": round(statistics.median(values), 2), "p95": percentile(values, 0.95),
            "max": round(max(values), 2)}


def measure(server, folder, n_lines, n_rounds):
    blocks = "".join(BLOCK.format(n=n) for n in range(n_lines // 18))
    uri = (folder / f"file_{n_lines}.py").as_uri()
    text = blocks + HOLE + "\n    return total_of_all_values / len(values)\n" + blocks
    line, column = blocks.count("\n") + 1, len("    total_of_all_values = s")
    server.notify("textDocument/didOpen", {"textDocument": {
        "uri": uri, "languageId": "python", "version": 1, "text": text}})
    version, typed = 1, []
    ask = lambda column: server.request("textDocument/inlineCompletion", {
        "textDocument": {"uri": uri}, "position": {"line": line, "character": column}, "context": {"triggerKind": 2}})
    answer = ask(column)
    items = answer.get("items", []) if isinstance(answer, dict) else (answer or [])
    suggested = items[0]["insertText"].split("\n")[0] if items else ""
    for _ in range(n_rounds):
        for n, letter in enumerate(suggested[:-1]):
            version += 1
            started = time.perf_counter()
            at = {"line": line, "character": column + n}
            server.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": version},
                                                     "contentChanges": [{"range": {"start": at, "end": at}, "text": letter}]})
            found = ask(column + n + 1)
            if found:
                typed.append(1000 * (time.perf_counter() - started))
        version += 1
        server.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{
            "range": {"start": {"line": line, "character": column},
                      "end": {"line": line, "character": column + max(0, len(suggested) - 1)}}, "text": ""}]})
    quiet = []
    for _ in range(n_rounds * 5):
        started = time.perf_counter()
        server.request("textDocument/codeAction", {"textDocument": {"uri": uri}, "range": {
            "start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 0}}, "context": {"diagnostics": []}})
        quiet.append(1000 * (time.perf_counter() - started))
    return {"lines": text.count("\n"), "suggested": suggested, "typed_ms": summary(typed), "code_action_ms": summary(quiet)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", default="200,5000", help="sizes of the file")
    parser.add_argument("--rounds", type=int, default=20, help="how often the suggestion is typed")
    parser.add_argument("command", nargs="+", help="the server, behind `--`")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server(args.command, Path(folder))
        sizes = [int(it) for it in args.lines.split(",")]
        print(json.dumps([measure(server, Path(folder), n, args.rounds) for n in sizes], indent=2))
        server.request("shutdown", None)
        server.notify("exit", None)
        server.process.wait(timeout=30)


if __name__ == "__main__":
    main()
