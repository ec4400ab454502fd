#!/usr/bin/env python3
"""Counts how many seeded names are caught, and how many true twins are flagged.

    measure_python.py CASES ORACLE [TY] [--list]

Run it with the interpreter of the environment that holds the packages. CASES is what `seed_python.py` wrote, ORACLE the
oracle of the check `symbols`. A name counts as caught when its line has a diagnostic that the original's line has not.
Both halves of the set (even and odd numbers) are printed: only the even one was looked at while rules were written.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

TY_RULES = {"unresolved-import", "possibly-missing-import", "unresolved-attribute", "unknown-argument", "unresolved-global",
            "unsupported-attribute", "no-matching-overload", "parameter-already-assigned", "missing-argument",
            "call-non-callable", "possibly-unresolved-reference"}
USED = {"unresolved-import", "unresolved-attribute", "unknown-argument", "no-matching-overload"}


def by_ty(ty, folder):
    start = time.process_time()
    argv = [ty, "check", "--output-format", "gitlab", "--python", sys.prefix, "--exit-zero", "."]
    out = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
    found = {}
    for it in json.loads(out.stdout or "[]"):
        if it["check_name"] in USED:
            place = it["location"]
            line = place.get("positions", {}).get("begin", {}).get("line") or place.get("lines", {}).get("begin")
            found.setdefault(Path(place["path"]).name, Counter())[(line, it["check_name"])] += 1
    return found, time.process_time() - start


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
            names = [it for it in names if it in results["twin"]["oracle"]]  # an invented name is in no original's message
        results[side] = {"oracle": by_oracle(oracle, folder, names)}
        if rest:
            results[side]["ty"], _ = by_ty(Path(rest[0]).resolve(), folder)
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
                for tool in tools:
                    row[side, tool] += bool(hits[side, tool])
                row[side, "both"] += any(hits[side, tool] for tool in tools)
        missed = not any(hits["fake", tool] for tool in tools)
        flagged = any(hits["twin", tool] for tool in tools)
        if "--list" in sys.argv and int(case["case"]) % 2 == 0 and (missed or flagged):
            line = (Path(cases_folder) / ("fake" if missed else "twin") / name).read_text().splitlines()[case["line"] - 1]
            print("missed " if missed else "flagged", case["case"], case["kind"], case["fake"] if missed else case["twin"], "|", line.strip()[:110],
                  "" if missed else [hits["twin", tool] for tool in tools])
    for half, rows in table.items():
        total = sum(rows.values(), Counter())
        for kind, row in [*rows.items(), ("total", total)]:
            cells = [f"{tool} {row['fake', tool]}/{row['n']} (twins {row['twin', tool]})" for tool in [*tools, "both"]]
            print(f"{half:4} {kind:10}", "; ".join(cells))
    for side in results:
        print("crashed", side, results[side]["oracle"].get("!crashed", []))


if __name__ == "__main__":
    main()
