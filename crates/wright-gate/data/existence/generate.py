#!/usr/bin/env python3
"""Writes the lists in this folder from tools that are installed.

    generate.py stdlib  PYTHON...          python-modules.txt, from interpreters of several versions
    generate.py node                       node-modules.txt, from `node`
    generate.py java                       java-packages.txt, from `jdk` as `java --list-modules` knows it
    generate.py go      GOROOT             go-packages.txt, from the folder of a Go distribution
    generate.py popular TSV COLUMN LIMIT   names of a table whose COLUMN is a rank (`rank`) or a count (`count`)
    generate.py crates  FOLDER...          names of crate sources as cargo unpacks them

The maps `python-imports.txt` and `well-known.txt` are kept by hand.
"""

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def write(name, lines):
    (HERE / name).write_text("\n".join(sorted(set(lines))) + "\n")


def stdlib(pythons):
    seen = {}
    probe = "import sys; print('%d.%d' % sys.version_info[:2]); print('\\n'.join(sys.stdlib_module_names))"
    versions = []
    for python in pythons:
        version, *names = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=True).stdout.split()
        minor = int(version.split(".")[1])
        versions.append(minor)
        for name in names:
            seen.setdefault(name, set()).add(minor)
    newest = max(versions)
    lines = []
    for name, minors in seen.items():
        last = max(minors)
        lines.append(name if last == newest else f"{name} {last}")
    write("python-modules.txt", lines)


def node():
    out = subprocess.run(
        ["node", "-p", "require('module').builtinModules.join('\\n')"], capture_output=True, text=True, check=True
    ).stdout.split()
    extra = ["test", "sqlite", "sea", "test/reporters"]
    write("node-modules.txt", [name for name in out if not name.startswith("_")] + extra)


def java():
    modules = subprocess.run(["java", "--list-modules"], capture_output=True, text=True, check=True).stdout.split()
    names = []
    for module in modules:
        name = module.split("@")[0]
        text = subprocess.run(["java", "--describe-module", name], capture_output=True, text=True).stdout
        names += re.findall(r"^exports ([\w.]+)$", text, re.M)
    write("java-packages.txt", names)


def go(root):
    source = Path(root) / "src"
    names = set()
    for file in source.rglob("*.go"):
        folder = file.parent.relative_to(source).as_posix()
        hidden = any(part in ("internal", "vendor", "testdata", "cmd", "builtin") for part in folder.split("/"))
        if not hidden and not file.name.endswith("_test.go") and folder != ".":
            names.add(folder)
    write("go-packages.txt", names)


def popular(table, kind, limit):
    rows = []
    target = "popular-pypi.txt" if kind == "rank" else "popular-npm.txt"
    column = 3 if kind == "rank" else 2
    for line in Path(table).read_text(errors="replace").splitlines()[1:]:
        cells = line.split("\t")
        if len(cells) > column and cells[column].isdigit() and int(cells[column]) > 0:
            rows.append((int(cells[column]), cells[0]))
    rows.sort(reverse=kind != "rank")
    write(target, [name for _, name in rows[: int(limit)]])


def crates(folders):
    names = []
    for folder in folders:
        names += [re.sub(r"-\d+\.\d+.*$", "", it.name) for it in Path(folder).iterdir() if it.is_dir()]
    write("popular-crates.txt", names)


if __name__ == "__main__":
    command, *rest = sys.argv[1:]
    {"stdlib": stdlib, "node": lambda _: node(), "java": lambda _: java(), "go": lambda it: go(*it)}.get(
        command, {"popular": lambda it: popular(*it), "crates": crates}.get(command)
    )(rest)
