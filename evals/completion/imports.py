#!/usr/bin/env python3
"""Measures what code from imported files is worth: completes positions of real repositories, as `wright complete` does.

  imports.py --tasks tasks.jsonl --repositories FOLDER --wright BINARY [--limit N] [--answers FILE]

Tasks are JSON lines with `repository`, `file`, `prefix`, `suffix` and `canonical_solution`. FOLDER holds one checkout for
each repository, named like it, at the commit that the tasks were made from; a task without one is left out and counted.
Give it two binaries, or one binary twice, to compare. Prints exact matches and the mean edit similarity of what is shown,
cut to as many lines as the expected text has.
"""

import argparse
import difflib
import json
import pathlib
import subprocess


def complete(wright, root, task):
    """Returns what is suggested at the end of the prefix, and how many tokens the model read."""
    lines = task["prefix"].split("\n")
    place = f"{root / task['file']}:{len(lines)}:{len(lines[-1]) + 1}"
    text = task["prefix"] + task["suffix"]
    done = subprocess.run(
        [wright, "complete", place, "--stdin", "--json"], input=text, capture_output=True, text=True, timeout=300, check=False
    )
    if done.returncode not in (0, 1):
        raise SystemExit(f"{task['task_id']}: {done.stderr.strip()}")
    answer = json.loads(done.stdout)
    return answer["suggestion"] or "", answer["tokens"]["prompt"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", required=True)
    parser.add_argument("--repositories", required=True, type=pathlib.Path)
    parser.add_argument("--wright", default="wright")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--answers")
    args = parser.parse_args()
    tasks = [json.loads(line) for line in open(args.tasks, encoding="utf-8")]
    usable = [it for it in tasks if (args.repositories / it["repository"]).is_dir()][: args.limit]
    rows = []
    for task in usable:
        shown, n_tokens = complete(args.wright, args.repositories / task["repository"], task)
        expected = task["canonical_solution"].strip()
        cut = "\n".join(shown.strip().split("\n")[: expected.count("\n") + 1]).strip()
        similarity = difflib.SequenceMatcher(None, cut, expected, autojunk=False).ratio()
        rows.append({"task_id": task["task_id"], "completion": shown, "exact": cut == expected, "similarity": similarity, "tokens": n_tokens})
    if args.answers:
        with open(args.answers, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    n = max(len(rows), 1)
    print(f"{len(rows)} of {len(tasks)} tasks, {sum(it['exact'] for it in rows)} exact, ", end="")
    print(f"similarity {sum(it['similarity'] for it in rows) / n:.3f}, {sum(it['tokens'] for it in rows) / n:.0f} tokens read")


if __name__ == "__main__":
    main()
