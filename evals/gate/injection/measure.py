#!/usr/bin/env python3
"""Measures the injection check on public sets of labelled code, and other tools on the same files in the same run.

    measure.py ANALYSE [--owasp DIR] [--securityeval DIR] [--fixtures DIR] [--library DIR]
               [--bandit PATH] [--ruff PATH] [--misses LANGUAGE]

ANALYSE is the built example `analyse` of wright-gate. The sets are fetched by whoever measures: OWASP-Benchmark/
BenchmarkPython, s2e-lab/SecurityEval, semgrep/semgrep-rules and the library folder of any CPython 3.11. Each set has two
halves by the last bit of the SHA-1 of a file's name: rules are developed on `seen` and `held out` is only counted.
"""

import argparse
import collections
import csv
import hashlib
import json
import pathlib
import re
import subprocess
import sys

# Weaknesses that describe the same mistake. A finding counts for a case when both are of one family.
FAMILIES = {
    "sql": [89, 564, 943], "command": [77, 78, 88, 250], "code": [94, 95, 96, 913, 1336, 470, 116],
    "path": [22, 23, 36, 73, 99, 434, 641, 20], "xss": [79, 80, 81, 83, 87, 116, 1336], "ssrf": [918, 441, 939],
    "redirect": [601], "deserialization": [502, 915], "xml": [611, 776, 827, 409], "xpath": [643, 91], "ldap": [90],
    "trust": [501, 20], "log": [117, 532], "header": [113, 93, 644], "regex": [1333, 730, 400, 185, 625],
    "hash": [328, 327, 916, 759, 760, 326, 310], "random": [330, 331, 338, 339, 335, 336, 329, 1204, 340, 341],
    "tls": [295, 297, 319, 326, 322, 311, 523, 300], "cookie": [614, 1004, 1275, 315, 311], "temporary": [377, 379, 378],
    "permissions": [732, 276, 281, 250, 269], "secret": [798, 259, 321, 522, 257, 256, 312],
    "token": [347, 287, 306, 345, 290], "cors": [942, 346], "csrf": [352], "debug": [489, 215, 209, 200, 497],
    "bind": [605, 200, 668, 1327], "compare": [697, 595, 570, 571], "timing": [208, 385], "access": [617, 703, 285, 862, 863, 284],
}


def families(cwe):
    return {name for name, numbers in FAMILIES.items() if cwe in numbers} or {f"cwe-{cwe}"}


def half(name):
    return "held out" if hashlib.sha1(name.encode()).digest()[-1] & 1 else "seen"


def ours(analyse, path):
    output = subprocess.run([analyse, str(path)], capture_output=True, text=True, check=True).stdout
    findings = collections.defaultdict(list)
    for line in output.splitlines():
        it = json.loads(line)
        if it["rule"] != "injection":
            findings[it["path"]].append((it["line"], it["rule"], it["cwe"], it["severity"]))
    return findings


def bandit(tool, path):
    output = subprocess.run([tool, "-q", "-r", "-f", "json", str(path)], capture_output=True, text=True).stdout
    findings = collections.defaultdict(list)
    for it in json.loads(output)["results"]:
        if it["test_id"] not in {"B101", "B403", "B404", "B405"}:
            cwe = [it["issue_cwe"]["id"]] if it.get("issue_cwe") else []
            findings[it["filename"]].append((it["line_number"], it["test_id"], cwe, it["issue_severity"]))
    return findings


# ruff names no weakness: those of the plug-in whose rules it ports.
RUFF = {
    "S102": 78, "S103": 732, "S104": 605, "S105": 259, "S106": 259, "S107": 259, "S108": 377, "S110": 703, "S112": 703,
    "S113": 400, "S201": 94, "S202": 22, "S301": 502, "S302": 502, "S303": 327, "S304": 327, "S305": 327, "S306": 377,
    "S307": 78, "S308": 79, "S310": 22, "S311": 330, "S312": 319, "S313": 20, "S314": 20, "S315": 20, "S316": 20,
    "S317": 20, "S318": 20, "S319": 20, "S320": 20, "S321": 319, "S323": 295, "S324": 327, "S501": 295, "S502": 327,
    "S503": 327, "S504": 327, "S505": 326, "S506": 20, "S507": 295, "S508": 319, "S509": 319, "S601": 78, "S602": 78,
    "S603": 78, "S604": 78, "S605": 78, "S606": 78, "S607": 78, "S608": 89, "S609": 78, "S610": 89, "S611": 89,
    "S612": 94, "S701": 94, "S702": 80, "S704": 79,
}


def ruff(tool, path):
    command = [tool, "check", "--isolated", "--select", "S", "--ignore", "S101,S403,S404,S405", "--preview",
               "--no-cache", "--output-format", "json", str(path)]
    findings = collections.defaultdict(list)
    for it in json.loads(subprocess.run(command, capture_output=True, text=True).stdout):
        cwe = [RUFF[it["code"]]] if it["code"] in RUFF else []
        findings[it["filename"]].append((it["location"]["row"], it["code"], cwe, ""))
    return findings


def share(part, whole):
    return f"{100 * part / whole:.1f} %" if whole else "-"


def owasp(root, run):
    cases = {}
    with open(next(root.glob("expectedresults*.csv"))) as file:
        for row in csv.reader(file):
            if row and not row[0].startswith("#"):
                cases[row[0]] = (row[1], row[2].strip() == "true", int(row[3]))
    findings = run(root / "testcode")
    by_case = {pathlib.Path(path).stem: found for path, found in findings.items()}
    rows = collections.defaultdict(lambda: [0, 0, 0, 0])
    wrong = []
    for name, (category, is_real, cwe) in cases.items():
        wanted = families(cwe)
        hit = any(wanted & families(it) for _, _, cwes, _ in by_case.get(name, []) for it in cwes)
        for key in (category, half(name), "all"):
            rows[key][0 if is_real else 2] += 1
            rows[key][1 if is_real else 3] += hit
        if hit != is_real and half(name) == "seen":
            wrong.append((name, category, is_real))
    print("| | real | found | TPR | harmless | flagged | FPR |\n|---|---|---|---|---|---|---|")
    for key, (real, found, harmless, flagged) in rows.items():
        print(f"| {key} | {real} | {found} | {share(found, real)} | {harmless} | {flagged} | {share(flagged, harmless)} |")
    return wrong


def security_eval(root, run):
    findings = run(root / "Testcases_Insecure_Code")
    files = sorted((root / "Testcases_Insecure_Code").glob("*/*.py"))
    rows, wrong = collections.defaultdict(lambda: [0, 0, 0]), []
    for file in files:
        cwe = int(re.search(r"CWE-0*(\d+)", file.parent.name)[1])
        found = findings.get(str(file), [])
        hit = any(families(cwe) & families(it) for _, _, cwes, _ in found for it in cwes)
        name = f"{file.parent.name}/{file.name}"
        for key in (half(name), "all"):
            rows[key][0] += 1
            rows[key][1] += bool(found)
            rows[key][2] += hit
        if not hit and half(name) == "seen":
            wrong.append((name, [rule for _, rule, _, _ in found]))
    print("| | files | any finding | of the family |\n|---|---|---|---|")
    for key, (n, any_, hit) in rows.items():
        print(f"| {key} | {n} | {share(any_, n)} | {share(hit, n)} |")
    return wrong


SUFFIXES = {
    "python": [".py"], "javascript": [".js", ".jsx", ".ts", ".tsx"], "typescript": [".ts", ".tsx", ".js", ".jsx"],
    "go": [".go"], "java": [".java"], "rust": [".rs"],
}


def labels(file):
    """Lines that a rule of the set must find, and lines that its own rule must not."""
    lines = file.read_text(errors="replace").splitlines()
    bad, fine = set(), set()
    for at, line in enumerate(lines):
        match = re.search(r"(?://|#|/\*|<!--|\{/\*)\s*(ruleid|ok)\s*:", line)
        if not match:
            continue
        after = at + 1
        while after < len(lines) and re.match(r"\s*(//|#|/\*|\{/\*)\s*(ruleid|ok|todoruleid|todook)", lines[after]):
            after += 1
        (bad if match[1] == "ruleid" else fine).add(after + 1)
    return bad, fine - bad


def fixtures(root, language, run):
    folder = root / language
    findings = run(folder)
    rows, misses, false = collections.defaultdict(lambda: [0, 0, 0, 0]), [], []
    for file in sorted(folder.rglob("*")):
        # `.fixed.` shows what a rule of the set makes of its fixture.
        if "security" not in file.parts or ".fixed." in file.name or file.suffix not in SUFFIXES[language]:
            continue
        bad, fine = labels(file)
        lines = {line for line, _, _, _ in findings.get(str(file), [])}
        name = str(file.relative_to(root))
        for key in (half(name), "all"):
            rows[key][0] += len(bad)
            rows[key][1] += len(bad & lines)
            rows[key][2] += len(fine)
            rows[key][3] += len(fine & lines)
        if half(name) == "seen":
            misses += [(name, line) for line in sorted(bad - lines)]
            false += [(name, line) for line in sorted(fine & lines)]
    for key, (bad, found, fine, flagged) in sorted(rows.items()):
        print(f"| {language}, {key} | {bad} | {share(found, bad)} | {fine} | {share(flagged, fine)} |")
    return misses, false


def library(root, run):
    skipped = {"test", "tests", "idle_test", "lib2to3", "site-packages", "turtledemo"} - {"lib2to3"}
    findings = run(root)
    files = [it for it in root.rglob("*.py") if not skipped & set(it.relative_to(root).parts)]
    n_lines = sum(len(it.read_bytes().splitlines()) for it in files)
    names = {str(it) for it in files}
    counts, rules = collections.Counter(), collections.Counter()
    for path, found in findings.items():
        if path in names:
            for line, rule, _, severity in found:
                counts[severity] += 1
                rules[rule, severity] += 1
    print(f"{len(files)} files, {n_lines} lines: {dict(counts)}")
    print(f"errors per 10,000 lines: {10_000 * counts['error'] / n_lines:.2f}")
    return rules


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("analyse")
    for option in ("--owasp", "--securityeval", "--fixtures", "--library"):
        parser.add_argument(option, type=pathlib.Path)
    parser.add_argument("--bandit")
    parser.add_argument("--ruff")
    parser.add_argument("--misses", action="store_true", help="list what the seen half shows to be wrong")
    parser.add_argument("--languages", default="python,javascript,typescript,go,java,rust")
    options = parser.parse_args()
    tools = {"wright": lambda path: ours(options.analyse, path)}
    if options.bandit:
        tools["bandit"] = lambda path: bandit(options.bandit, path)
    if options.ruff:
        tools["ruff -S"] = lambda path: ruff(options.ruff, path)
    for name, run in tools.items():
        show = options.misses and name == "wright"
        if options.owasp:
            print(f"\n### OWASP BenchmarkPython, {name}\n")
            for it in owasp(options.owasp.resolve(), run) if show else owasp(options.owasp.resolve(), run)[:0]:
                print("   ", *it)
        if options.securityeval:
            print(f"\n### SecurityEval, {name}\n")
            for it in security_eval(options.securityeval.resolve(), run) if show else security_eval(options.securityeval.resolve(), run)[:0]:
                print("   ", *it)
        if options.fixtures:
            print(f"\n### Fixtures of semgrep-rules, {name}\n\n| | to find | found | fine | flagged |\n|---|---|---|---|---|")
            for language in options.languages.split(",") if name == "wright" else ["python"]:
                misses, false = fixtures(options.fixtures.resolve(), language, run)
                if show:
                    for kind, places in (("miss", misses), ("false", false)):
                        for path, line in places:
                            text = (options.fixtures / path).read_text(errors="replace").splitlines()
                            print("   ", kind, f"{path}:{line}", text[line - 1].strip()[:150] if line <= len(text) else "")
        if options.library:
            print(f"\n### Library of CPython, {name}\n")
            rules = library(options.library.resolve(), run)
            if show:
                for key, count in rules.most_common():
                    print("   ", count, *key)


if __name__ == "__main__":
    sys.exit(main())
