#!/usr/bin/env python3
"""Counts how many seeded names are caught, and how many true twins are flagged.

    measure_python.py CASES ORACLE [TY] [--even] [--list]

Run it with the interpreter of the environment that holds the packages. CASES is what `seed_python.py` wrote, ORACLE the
oracle of the check `symbols`, TY the type checker. A name counts as caught when its line has a diagnostic that the
original's line has not. Both halves of the set (even and odd numbers) are printed: only the even one, which `--list` shows
case by case, was looked at while rules were written.
"""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# The codes that the check takes.
USED = {"import-not-found", "unresolved-import", "missing-module-member", "missing-attribute", "unresolved-attribute",
        "unknown-argument"}

DRIVER = """
import sys, os, json, runpy
oracle, answers, *files = sys.argv[1:]
for name in files:
    pid = os.fork()
    if pid == 0:
        request = os.path.join(answers, 'request.json')
        json.dump({'files': [{'path': os.path.basename(name), 'text': open(name).read()}]}, open(request, 'w'))
        sys.argv = [oracle, request, os.path.join(answers, os.path.basename(name) + '.json')]
        try:
            runpy.run_path(oracle, run_name='__main__')
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
"""


def by_ty(ty, folder):
    argv = [str(ty), "check", "--output-format", "gitlab", "--python", sys.prefix, "--exit-zero", "."]
    out = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
    found = {}
    for it in json.loads(out.stdout or "[]"):
        if it["check_name"] in USED:
            place = it["location"]
            line = place.get("positions", {}).get("begin", {}).get("line") or place.get("lines", {}).get("begin")
            found.setdefault(Path(place["path"]).name, Counter())[(line, it["check_name"], it["description"], True)] += 1
    return found


def by_oracle(oracle, folder, names):
    """One request for each file, as a change would make it: the modules of one do not speak for another."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        driver = Path(scratch) / "driver.py"
        driver.write_text(DRIVER)
        files = [str(Path(folder).resolve() / name) for name in names]
        subprocess.run([sys.executable, "-I", str(driver), str(Path(oracle).resolve()), scratch, *files], capture_output=True)
        for name in names:
            answer = Path(scratch) / (name + ".json")
            if not answer.exists():
                found.setdefault("!crashed", []).append(name)
                continue
            for it in json.loads(answer.read_text())["findings"]:
                found.setdefault(name, Counter())[(it["line"], it["rule"], it["message"], it["sure"])] += 1
            found.setdefault("!present", set()).update((path, line, word) for path, line, word in json.loads(answer.read_text())["present"])
    return found


def main():
    words = [it for it in sys.argv[1:] if not it.startswith("--")]
    cases_folder, oracle, *rest = words
    cases = json.loads((Path(cases_folder) / "cases.json").read_text())
    if "--even" in sys.argv:
        cases = [it for it in cases if int(it["case"]) % 2 == 0]
    names = [f"case_{it['case']}.py" for it in cases]
    results = {}
    for side in ("fake", "twin", "original"):
        folder = Path(cases_folder) / side
        if side == "original":
            # An invented name is in no message about the original.
            names = [it for it in names if it in results["twin"]["oracle"]]
        results[side] = {"oracle": by_oracle(oracle, folder, names)}
        if rest:
            results[side]["ty"] = by_ty(Path(rest[0]).absolute(), folder)
        # As in the check: what the packages have is not called absent.
        present = results[side]["oracle"].get("!present", set())
        for name, found in results[side].get("ty", {}).items():
            for it in list(found):
                if any((name, it[0], word) in present for word in it[2].split("`")[1::2]):
                    del found[it]
    tools = list(results["original"])
    table = {}
    for case in cases:
        name = f"case_{case['case']}.py"
        hits = {}
        for side in ("fake", "twin"):
            for tool in tools:
                new = Counter(results[side][tool].get(name, {})) - Counter(results["original"][tool].get(name, {}))
                hits[side, tool] = [it for it in new if it[0] == case["line"]]
        for half in ("all", "even" if int(case["case"]) % 2 == 0 else "odd"):
            row = table.setdefault(half, {}).setdefault(case["kind"], Counter())
            row["n"] += 1
            for side in ("fake", "twin"):
                found = [it for tool in tools for it in hits[side, tool]]
                for tool in tools:
                    row[side, tool] += bool(hits[side, tool])
                row[side, "both"] += bool(found)
                row[side, "blocking"] += any(it[3] for it in found)
        missed = not any(hits["fake", tool] for tool in tools)
        flagged = any(hits["twin", tool] for tool in tools)
        if "--list" in sys.argv and int(case["case"]) % 2 == 0 and (missed or flagged):
            side = "fake" if missed else "twin"
            line = (Path(cases_folder) / side / name).read_text().splitlines()[case["line"] - 1]
            why = "" if missed else [hits["twin", tool] for tool in tools]
            print("missed" if missed else "flagged", case["case"], case["kind"], case[side], "|", line.strip()[:110], why)
    for half, rows in table.items():
        total = sum(rows.values(), Counter())
        for kind, row in [*rows.items(), ("total", total)]:
            cells = [f"{tool} {row['fake', tool]}/{row['n']} (twins {row['twin', tool]})" for tool in [*tools, "both", "blocking"]]
            print(f"{half:4} {kind:10}", "; ".join(cells))
    for side in results:
        print("no answer", side, results[side]["oracle"].get("!crashed", []))


if __name__ == "__main__":
    main()
