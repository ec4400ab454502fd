"""Asks a next-edit server about scenarios and writes its answers as recordings that the public evaluation replays.

    cassettes.py SCENARIOS OUT SERVER [ARGUMENT...]

SCENARIOS is a folder of .txtar files. OUT gets one scenario for each position of each of them, since the evaluation keeps
one recording for a file, and beside it the recording of the target `sweepapi`, whose answers are replacements in the
whole file. What the server says is printed to standard error.
"""

import base64
import json
import pathlib
import re
import subprocess
import sys


def sections(text):
    """Returns the header and the files of a txtar archive."""
    parts = re.split(r"(?m)^-- (.+?) --\n", text)
    return parts[0], dict(zip(parts[1::2], parts[2::2]))


def header_value(header, key):
    found = re.search(rf"(?m)^{key}:[ ]*(.*)$", header)
    return found.group(1).strip() if found else None


def hunks(history):
    """Returns the edits of a history section, oldest first."""
    found = []
    for entry in history.removesuffix("\n").split("<|file|>")[1:]:
        name, _, rest = entry.partition("\n")
        old, _, new = rest.partition("<|new|>\n")
        before = old.removeprefix("<|old|>\n").removesuffix("\n")
        found.append({"path": name.strip(), "before": before, "after": new.removesuffix("\n")})
    return found


def positions(header):
    base = (int(header_value(header, "row") or 1), int(header_value(header, "col") or 0))
    more = header_value(header, "cursor-positions") or ""
    return [base] + [tuple(map(int, it.split(":"))) for it in more.replace(" ", "").split(",") if it]


def offset_of(text, row, column):
    lines = text.split("\n")
    before = sum(len(line.encode()) + 1 for line in lines[: row - 1])
    return before + min(column, len(lines[row - 1].encode()))


def recording(text, answer):
    """Writes the recording of one answer: the lines between the common start and the common end."""
    # One response each time the scenario asks; the second time it finds the same text as an answer, and so no edit.
    edit = {"autocomplete_id": "1", "start_index": 0, "end_index": len(text.encode()), "completion": answer["text"]}
    body = json.dumps(edit) if answer["text"] != text else ""
    lines = [{"kind": "meta", "schema_version": 1, "provider": "sweepapi", "model_version": "",
              "recorded_at": "2026-01-01T00:00:00Z"}]
    for index, response in enumerate([body, ""]):
        lines.append({"kind": "request", "interaction": index, "method": "POST", "url": "local"})
        lines.append({"kind": "response", "interaction": index, "status": 200,
                      "body_b64": base64.b64encode(response.encode()).decode(),
                      "duration_ms": answer["milliseconds"] if index == 0 else 0})
    return "".join(json.dumps(line) + "\n" for line in lines)


def main():
    source, out, *command = sys.argv[1:]
    out = pathlib.Path(out)
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    for path in sorted(pathlib.Path(source).glob("*.txtar")):
        header, files = sections(path.read_text())
        text = files["buffer.txt"].removesuffix("\n")
        for row, column in positions(header):
            own = re.sub(r"(?m)^(targets|cursor-positions):.*\n", "", header)
            own = re.sub(r"(?m)^row:.*$", f"row: {row}", own)
            own = re.sub(r"(?m)^col:.*$", f"col: {column}", own)
            own = re.sub(r"(?m)^id: (.*)$", rf"id: \1@L{row}", own) if "cursor-positions:" in header else own
            name = f"{path.stem}-L{row}"
            (out / name).mkdir(parents=True, exist_ok=True)
            body = own.rstrip("\n") + "\ntargets: sweepapi\n" + "".join(f"-- {it} --\n{data}" for it, data in files.items())
            (out / f"{name}.txtar").write_text(body)
            question = {"path": header_value(header, "file"), "text": text, "offset": offset_of(text, row, column),
                        "history": hunks(files.get("history", ""))}
            server.stdin.write(json.dumps(question) + "\n")
            server.stdin.flush()
            answer = json.loads(server.stdout.readline())
            shown = "quiet" if answer["text"] == text else ", ".join(answer["reasons"])
            print(f"{name}: {shown} ({answer['milliseconds']} ms)", file=sys.stderr)
            (out / name / "sweepapi.ndjson").write_text(recording(text, answer))
    server.stdin.close()
    server.wait()


main()
