#!/usr/bin/env python3
"""Runs `wright check` over commits of real repositories and looks for findings that are called new and were there before.

    measure.py --wright target/release/wright --commits 70 REPOSITORY...

A REPOSITORY is a clone, with or without a checkout; fetch it yourself. Commits are spread evenly over the history, merges left
out. A new finding is *suspect* when the code of its line, without layout, stood in a file that the commit touches before it:
each is printed, for a person to decide whether it is a copy (which is new) or a mistake of the ratchet.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time


def git(repository, *args):
    command = ["git", "-C", repository, *args]
    return subprocess.run(command, check=True, capture_output=True).stdout.decode("utf-8", "replace")


def commits_of(repository, count):
    listed = git(repository, "rev-list", "--no-merges", "--min-parents=1", "HEAD").split()
    step = max(1, len(listed) // count)
    return listed[::step][:count]


def lines_before(repository, commit):
    """Returns the lines of every touched file before the commit, without layout."""
    lines = set()
    for path in git(repository, "diff-tree", "-r", "--name-only", "-z", "--no-commit-id", commit).split("\0"):
        shown = subprocess.run(["git", "-C", repository, "show", f"{commit}^:{path}"], capture_output=True)
        if path and shown.returncode == 0:
            text = shown.stdout.decode("utf-8", "replace")
            lines.update("".join(line.split()) for line in text.splitlines())
    return lines


def line_of(repository, commit, finding):
    if not finding["line"]:
        return None
    shown = subprocess.run(["git", "-C", repository, "show", f"{commit}:{finding['path']}"], capture_output=True)
    lines = shown.stdout.decode("utf-8", "replace").split("\n")
    return "".join(lines[finding["line"] - 1].split()) if finding["line"] <= len(lines) else None


def measure(wright, repository, commit, home):
    started = time.monotonic()
    command = [wright, "-C", repository, "check", commit, "--json", "--no-tools", "--no-cache"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "WRIGHT_HOME": home})
    seconds = time.monotonic() - started
    if done.returncode not in (0, 1, 3):
        return done.returncode, seconds, [], 0, 0, done.stderr.decode("utf-8", "replace").strip()
    document = json.loads(done.stdout)
    summary = document["summary"]
    new = [it for it in document["findings"] if it["state"] == "new" and it["rule"] != "protected-paths"]
    return done.returncode, seconds, new, summary["unchanged"], summary["absent"], ""


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--wright", required=True)
    arguments.add_argument("--commits", type=int, default=70)
    arguments.add_argument("repositories", nargs="+")
    options = arguments.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as home:
        for repository in options.repositories:
            n_commits = n_failed = n_new = n_unchanged = n_absent = n_suspect = 0
            times = []
            for commit in commits_of(repository, options.commits):
                code, seconds, new, unchanged, absent, said = measure(options.wright, repository, commit, home)
                n_commits += 1
                times.append(seconds)
                if said:
                    n_failed += 1
                    print(f"{commit[:12]} exit {code}: {said}", file=sys.stderr)
                    continue
                before = lines_before(repository, commit) if new else set()
                for finding in new:
                    line = line_of(repository, commit, finding)
                    if line and line in before:
                        n_suspect += 1
                        print(f"{commit[:12]} {finding['path']}:{finding['line']} {finding['rule']}: {line}", file=sys.stderr)
                n_new += len(new)
                n_unchanged += unchanged
                n_absent += absent
            times.sort()
            median, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
            rows.append((os.path.basename(repository.rstrip("/")), n_commits, n_failed, n_unchanged, n_absent, n_new, n_suspect, median, p95))
    print("| repository | commits | failed | unchanged | absent | new | suspect | median | p95 |")
    print("|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        print("| " + " | ".join(str(it) for it in row[:-2]) + f" | {row[-2]:.2f} s | {row[-1]:.2f} s |")


if __name__ == "__main__":
    main()
