#!/usr/bin/env python3
"""Compares the order of versions with each ecosystem's own implementation, on pairs made by a grammar.

versions.py GATE_TOOLS [--semver NODE_MODULES] [--maven JAR] [--pairs N] [--seed N]

GATE_TOOLS is the built example of wright-gate. The references are the Python package `packaging` (where it is installed),
the npm package `semver`, and maven-artifact's `ComparableVersion`.
"""
import argparse
import json
import random
import re
import subprocess


def python_version(r):
    text = ".".join(str(r.choice([0, 1, 2, 10])) for _ in range(r.randint(1, 4)))
    text = r.choice(["", "", "", "1!", "v"]) + text
    if r.random() < 0.5:
        text += r.choice(["", ".", "-", "_"]) + r.choice(["a", "b", "rc", "alpha", "beta", "c", "pre", "preview"]) + r.choice(["", "1", "2", "11"])
    if r.random() < 0.3:
        text += r.choice([".post", "-", "post", ".rev", ".r"]) + r.choice(["1", "2", "10"])
    if r.random() < 0.3:
        text += r.choice([".dev", "dev", "-dev", "_dev"]) + r.choice(["", "1", "12"])
    if r.random() < 0.2:
        text += "+" + r.choice(["abc", "abc.5", "5", "ubuntu-1", "1.2"])
    return text


def semantic_version(r):
    text = ".".join(str(r.choice([0, 1, 2, 9, 10, 100])) for _ in range(3))
    if r.random() < 0.6:
        parts = [r.choice(["alpha", "beta", "rc", "0", "1", "2", "11", "x-y", "a1", "-"]) for _ in range(r.randint(1, 3))]
        text += "-" + ".".join(parts)
    return text + r.choice(["", "", "+b1"])


def maven_version(r):
    words = ["alpha", "beta", "a1", "b2", "m3", "milestone", "rc", "cr", "SNAPSHOT", "ga", "final", "sp", "foo", "bar2", "0", "1", "2", "10", "20240101"]
    text = str(r.choice([0, 1, 2]))
    for _ in range(r.randint(0, 4)):
        text += r.choice([".", "-", "."]) + r.choice(words)
    return text


def ours(tool, ecosystem, pairs):
    lines = "".join(f"{ecosystem}\t{a}\t{b}\n" for a, b in pairs)
    out = subprocess.run([tool, "versions"], input=lines, capture_output=True, text=True, check=True).stdout
    return out.split()


def by_packaging(pairs):
    from packaging.version import InvalidVersion, Version

    def one(a, b):
        try:
            a, b = Version(a), Version(b)
        except InvalidVersion:
            return "none"
        return str((a > b) - (a < b))

    return [one(a, b) for a, b in pairs]


def by_semver(folder, pairs):
    script = "const s=require(process.argv[1]+'/semver');const p=JSON.parse(require('fs').readFileSync(0,'utf8'));" \
        "console.log(p.map(([a,b])=>s.valid(a)&&s.valid(b)?String(s.compare(a,b)):'none').join('\\n'))"
    return subprocess.run(["node", "-e", script, folder], input=json.dumps(pairs), capture_output=True, text=True, check=True).stdout.split()


def by_maven(jar, pairs):
    answers = []
    for start in range(0, len(pairs), 200):
        words = [word for pair in pairs[start:start + 200] for word in pair]
        command = ["java", "-cp", jar, "org.apache.maven.artifact.versioning.ComparableVersion", *words]
        out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        signs = [it.group(1) for it in re.finditer(r"^   \S+ (==|<|>) \S+$", out, re.M)]
        answers += [{"==": "0", "<": "-1", ">": "1"}[it] for it in signs[::2]]
    return answers


def report(name, pairs, found, reference):
    wrong = [(pair, a, b) for pair, a, b in zip(pairs, found, reference, strict=True) if a != b]
    print(f"| {name} | {len(pairs)} | {len(pairs) - len(wrong)} |")
    for pair, a, b in wrong[:5]:
        print(f"    {pair}: {a}, reference {b}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("tool")
    parser.add_argument("--semver")
    parser.add_argument("--maven")
    parser.add_argument("--pairs", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    r = random.Random(options.seed)

    def pairs(make):
        return [(make(r), make(r)) for _ in range(options.pairs)]

    python = pairs(python_version)
    report("PyPI", python, ours(options.tool, "PyPI", python), by_packaging(python))
    if options.semver:
        npm = pairs(semantic_version)
        report("npm", npm, ours(options.tool, "npm", npm), by_semver(options.semver, npm))
    if options.maven:
        maven = pairs(maven_version)
        report("Maven", maven, ours(options.tool, "Maven", maven), by_maven(options.maven, maven))


if __name__ == "__main__":
    main()
