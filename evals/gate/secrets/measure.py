"""Measures the secrets check on the examples of other scanners' rules and on ordinary code.

    python3 measure.py BINARY --noseyparker RULES_FOLDER [--gitleaks RULES_FOLDER] [--code FOLDER ...] [--tool detect-secrets] [--misses A|B]

BINARY is the built example `text_findings`. Each example becomes a file of its own in a temporary folder, named without
any word of the data set. Rules are split into two halves by a hash of their ids: A may be looked at while tuning, B not.
Needs PyYAML.
"""

import argparse
import hashlib
import json
import pathlib
import re
import subprocess
import tempfile

import yaml


def half(rule):
    return "A" if hashlib.sha256(rule.encode()).digest()[0] % 2 == 0 else "B"


def noseyparker(folder):
    for path in sorted(pathlib.Path(folder).glob("*.yml")):
        for rule in yaml.safe_load(path.read_text())["rules"]:
            for kind, key in (("positive", "examples"), ("negative", "negative_examples")):
                for text in rule.get(key) or []:
                    yield rule["id"], kind, text


GO_STRING = re.compile(r'`([^`]*)`|"((?:[^"\\\n]|\\.)*)"')


def gitleaks(folder):
    """Literal entries of `tps` and `fps`; the ones that the generator draws at random are left out."""
    for path in sorted(pathlib.Path(folder).glob("*.go")):
        text = path.read_text()
        for rule in re.split(r"(?m)^func ", text)[1:]:
            name = rule.split("(", 1)[0]
            for kind, key in (("positive", "tps"), ("negative", "fps")):
                for block in re.findall(key + r"\s*:?=\s*(?:append\(\w+,|\[\]string\{)(.*?)\n\t[})]", rule, re.S):
                    block = re.sub(r"(?m)^\s*//.*$", "", block)
                    for line in block.split("\n"):
                        whole = re.fullmatch(r"\s*(?:" + GO_STRING.pattern + r")\s*,?\s*(?://.*)?", line)
                        if whole:
                            raw, quoted = whole.groups()
                            yield f"{path.stem}/{name}", kind, raw if raw is not None else json.loads(f'"{quoted}"', strict=False) if "\\x" not in quoted and "\\'" not in quoted else quoted


def run_own(binary, paths):
    done = subprocess.run([binary, "secrets"], input="\n".join(paths), capture_output=True, text=True, check=True)
    return {it["path"]: it["findings"] for it in map(json.loads, done.stdout.splitlines())}


def run_detect_secrets(program, paths):
    found = {path: [] for path in paths}
    root = str(pathlib.Path(paths[0]).parent)
    done = subprocess.run([program, "-C", root, "scan", "--all-files", "."], capture_output=True, text=True, check=True)
    for path, results in json.loads(done.stdout)["results"].items():
        found[str(pathlib.Path(root, path))] = results
    return found


def examples(name, cases, options):
    with tempfile.TemporaryDirectory(prefix="corpus") as folder:
        paths = []
        for index, (_, _, text) in enumerate(cases):
            path = pathlib.Path(folder, f"f{index}.txt")
            path.write_text(text)
            paths.append(str(path))
        tools = {"wright": run_own(options.binary, paths)}
        if options.tool:
            tools["detect-secrets"] = run_detect_secrets(options.tool, paths)
        for tool, found in tools.items():
            for part in ("A", "B", "AB"):
                row = [name, tool, {"A": "tuned", "B": "held out", "AB": "all"}[part]]
                for kind in ("positive", "negative"):
                    chosen = [path for path, case in zip(paths, cases) if half(case[0]) in part and case[1] == kind]
                    hits = sum(bool(found.get(path)) for path in chosen)
                    row.append(f"{hits}/{len(chosen)} = {100 * hits / max(1, len(chosen)):.1f} %")
                if tool == "wright":
                    chosen = [path for path, case in zip(paths, cases) if half(case[0]) in part and case[1] == "positive"]
                    blocks = sum(any(it["severity"] == "Error" for it in found.get(path, [])) for path in chosen)
                    row.append(f"{blocks}")
                print("| " + " | ".join(row) + " |")
        if options.misses:
            for path, (rule, kind, text) in zip(paths, cases):
                hits = tools["wright"].get(path)
                if half(rule) == options.misses and bool(hits) != (kind == "positive"):
                    print(kind, rule, [it["rule"] for it in hits or []], repr(text)[:400])


def code(folder, options):
    suffixes = {".py", ".js", ".ts", ".tsx", ".rs", ".go", ".java", ".cpp", ".cc", ".h", ".md", ".toml", ".yml", ".yaml", ".json", ".sh", ".txt"}
    paths = [str(p) for p in sorted(pathlib.Path(folder).rglob("*")) if p.is_file() and p.suffix in suffixes]
    done = subprocess.run([options.binary, "secrets", "--time"], input="\n".join(paths), capture_output=True, text=True, check=True)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    lines = sum(it["lines"] for it in records)
    size = sum(it["bytes"] for it in records)
    micros = sum(it["micros"]["secrets"] for it in records)
    n = sum(len(it["findings"]) for it in records)
    errors = sum(f["severity"] == "Error" for it in records for f in it["findings"])
    print(f"| {folder} | {len(records)} | {lines} | {n} | {errors} | {1000 * micros / size:.0f} ms/MB |")
    if options.misses:
        for it in records:
            for f in it["findings"]:
                print(it["path"], f["line"], f["rule"], f["severity"], f["message"])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("binary")
    parser.add_argument("--noseyparker")
    parser.add_argument("--gitleaks")
    parser.add_argument("--code", nargs="*", default=[])
    parser.add_argument("--tool", help="path of detect-secrets, to run beside")
    parser.add_argument("--misses", choices=["A", "B"])
    options = parser.parse_args()
    for name, read in (("noseyparker", noseyparker), ("gitleaks", gitleaks)):
        folder = getattr(options, name)
        if folder:
            examples(name, list(read(folder)), options)
    for folder in options.code:
        code(folder, options)


if __name__ == "__main__":
    main()
