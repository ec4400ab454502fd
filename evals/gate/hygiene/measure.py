"""Counts what the hygiene checks find in code that people are content with, per 10,000 lines of each check.

    python3 measure.py BINARY FOLDER [FOLDER ...] [--show CHECK]

BINARY is the built example `text_findings`. `--show` prints up to forty findings of one check instead of only counting.
"""

import argparse
import collections
import json
import pathlib
import subprocess

CHECKS = ["markers", "invisible", "debug_left", "commented_out", "dead_code", "complexity", "over_engineering"]
SUFFIXES = {".py", ".js", ".mjs", ".cjs", ".ts", ".tsx", ".rs", ".go", ".java", ".cpp", ".cc", ".h", ".hpp"}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--show")
    options = parser.parse_args()
    print("| code | lines | check | warnings and errors | per 10,000 lines | notes | per 10,000 lines | ms for 1,000 lines |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in options.folders:
        paths = [str(p) for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file() and p.suffix in SUFFIXES]
        for check in CHECKS:
            done = subprocess.run([options.binary, check, "--time"], input="\n".join(paths), capture_output=True, text=True, check=True)
            records = [json.loads(line) for line in done.stdout.splitlines()]
            lines = sum(it["lines"] for it in records)
            found = [(it["path"], f) for it in records for f in it["findings"]]
            notes = sum(f["severity"] == "Note" for _, f in found)
            hard = len(found) - notes
            micros = sum(it["micros"][check] for it in records)
            rate = lambda n: f"{10000 * n / max(1, lines):.2f}"
            print(f"| {pathlib.Path(folder).name} | {lines} | {check} | {hard} | {rate(hard)} | {notes} | {rate(notes)} | {micros / max(1, lines):.2f} |")
            if options.show == check:
                print(collections.Counter((f["rule"], f["severity"]) for _, f in found))
                for path, f in found[:: max(1, len(found) // 40)]:
                    print(f"  {path}:{f['line']} {f['severity']} {f['rule']} {f['message']}")


if __name__ == "__main__":
    main()
