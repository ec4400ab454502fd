#!/usr/bin/env python3
"""Writes commits of git repositories as folders of touched files, for the example `tampering_history`.

Usage: commits.py OUT SKIP PER_REPOSITORY GIT_DIR...

Takes the newest commits without merges that touch a test, after leaving out SKIP of them, and writes for each the touched files before and after, as
OUT/<repository>-<commit>/{before,after}/<path>.
"""

import pathlib
import subprocess
import sys

MAX_FILES = 60


def git(repository, *words):
    return subprocess.run(["git", "-C", repository, *words], capture_output=True, check=True).stdout


def is_test(path):
    lowered = path.lower()
    return any(word in lowered for word in ("test", "spec"))


def main(out, skip, per_repository, repositories):
    for repository in repositories:
        name = pathlib.Path(repository).parent.name or repository
        taken = 0
        for commit in git(repository, "log", "--no-merges", "--format=%H", "-n", "3000").decode().split():
            if taken >= skip + per_repository:
                break
            if not has_parent(repository, commit):
                continue
            listed = git(repository, "diff-tree", "-r", "--no-renames", "--name-status", "-z", f"{commit}~1", commit)
            words = listed.decode(errors="replace").split("\0")
            changes = [(words[i], words[i + 1]) for i in range(0, len(words) - 1, 2)]
            if len(changes) > MAX_FILES or not any(is_test(path) for _, path in changes):
                continue
            taken += 1
            if taken <= skip:
                continue
            folder = pathlib.Path(out, f"{name}-{commit[:10]}")
            for status, path in changes:
                for side, revision, present in (("before", f"{commit}~1", status != "A"), ("after", commit, status != "D")):
                    if present:
                        write(repository, folder / side / path, revision, path)


def has_parent(repository, commit):
    words = git(repository, "rev-list", "--parents", "-n", "1", commit).split()
    return len(words) == 2


def write(repository, target, revision, path):
    try:
        text = git(repository, "show", f"{revision}:{path}")
    except subprocess.CalledProcessError:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(text)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
