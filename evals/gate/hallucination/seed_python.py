#!/usr/bin/env python3
"""Seeds invented names into real Python, and true twins: another name of the same kind that does exist.

    seed_python.py OUT ODEX_FOLDER SECURITYEVAL_FOLDER [SEED]

Run it with the interpreter of the environment that holds the packages. ODEX_FOLDER holds `*_test.jsonl`,
SECURITYEVAL_FOLDER holds the snippets. Every invented name is proven absent, and every twin present, by introspection in
this environment: for a method, in every loaded class that has the original method. OUT gets `cases.json` and three folders:
`original`, `fake`, `twin`, with one file for each case.
"""

import ast
import builtins
import importlib
import importlib.util
import inspect
import json
import random
import sys
from pathlib import Path

KINDS = ("module", "from-name", "attribute", "keyword", "method")
PER_KIND = 100
PREFIXES = ["get_", "to_", "safe_", "auto_", "is_", "load_", "find_", "as_", "make_", "fast_"]
SUFFIXES = ["_all", "_safe", "_ex", "_by_name", "_async", "_from_string", "_utils", "_fast", "_many", "_or_none", "s_list", "_v2"]
BORROWED = ["push", "length", "contains_key", "for_each", "to_array", "substring", "index_of", "trim", "size_of", "collect",
            "flat_map", "is_empty", "add_all", "char_at", "to_lower_case", "push_back", "starts_with", "equals", "concat_with"]


def sources(odex, security):
    found = []
    for path in sorted(Path(odex).rglob("*_test.jsonl")):
        for line in path.read_text().splitlines():
            task = json.loads(line)
            text = task["prompt"] + task["canonical_solution"] + task.get("suffix", "")
            found.append((f"odex-{path.stem[:2]}-{task['task_id']}", text.expandtabs(4)))
    for path in sorted(Path(security).rglob("*.py")):
        found.append((f"se-{path.parent.name}-{path.stem}", path.read_text(errors="replace")))
    seen, kept = set(), []
    for name, text in found:
        try:
            ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        if text not in seen:
            seen.add(text)
            kept.append((name, text))
    return kept


def module(name):
    try:
        return importlib.import_module(name)
    except BaseException:
        return None


def exists_module(name):
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def has(thing, name):
    try:
        return hasattr(thing, name)
    except Exception:
        return True


def callable_member(thing, name):
    try:
        return callable(getattr(thing, name, None))
    except Exception:
        return False


def invent(name, rng):
    style = rng.randrange(4)
    if style == 0:
        return rng.choice(PREFIXES) + name
    if style == 1:
        return name + rng.choice(SUFFIXES)
    if style == 2 and "_" in name:
        first, *rest = name.split("_")
        return first + "".join(it.capitalize() for it in rest)
    if style == 3 and len(name) > 4:
        at = rng.randrange(1, len(name) - 2)
        return name[:at] + name[at + 1] + name[at] + name[at + 2:]
    return name + rng.choice(SUFFIXES)


def aliases(tree):
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for it in node.names:
                names[it.asname or it.name.split(".")[0]] = it.name if it.asname else it.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for it in node.names:
                names[it.asname or it.name] = f"{node.module}:{it.name}"
    # A name that the text gives to something else as well stands for either.
    own = {it.name for it in ast.walk(tree) if isinstance(it, (ast.FunctionDef, ast.ClassDef))}
    own |= {it.id for it in ast.walk(tree) if isinstance(it, ast.Name) and not isinstance(it.ctx, ast.Load)}
    return {name: where for name, where in names.items() if name not in own}


def is_bound(node, tree):
    """Whether the text binds the name at the head of an expression: what nothing binds can be anything."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    bound = {it.arg for it in ast.walk(tree) if isinstance(it, ast.arg)}
    bound |= {it.id for it in ast.walk(tree) if isinstance(it, ast.Name) and not isinstance(it.ctx, ast.Load)}
    bound |= set(aliases(tree))
    return not isinstance(node, ast.Name) or node.id in bound or hasattr(builtins, node.id)


def value_of(node, names):
    """The thing that a dotted name stands for, if the head is an import or a builtin."""
    if isinstance(node, ast.Name):
        where = names.get(node.id)
        if where is None:
            return getattr(builtins, node.id, None)
        head, _, name = where.partition(":")
        thing = module(head)
        if not name:
            return thing
        return getattr(thing, name) if has(thing, name) and thing is not None else module(f"{head}.{name}")
    if isinstance(node, ast.Attribute):
        thing = value_of(node.value, names)
        try:
            return getattr(thing, node.attr) if thing is not None else None
        except Exception:
            return None
    return None


def span(text, node, name, last=True):
    """The place of a name in the source of a node."""
    lines = text.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    def at(line, column):
        return starts[line - 1] + len(lines[line - 1].encode()[:column].decode())
    start, end = at(node.lineno, node.col_offset), at(node.end_lineno, node.end_col_offset)
    found = text.rfind(name, start, end) if last else text.find(name, start, end)
    return (found, found + len(name)) if found >= 0 else None


def all_classes():
    seen = {}
    for it in list(sys.modules.values()):
        for member in list(getattr(it, "__dict__", {}).values()):
            if issubclass(type(member), type):
                seen[id(member)] = member
    return list(seen.values())


def candidates(text, rng, classes):
    tree = ast.parse(text)
    names = aliases(tree)
    module_names = {id(it.value) for it in ast.walk(tree) if isinstance(it, ast.Attribute)}
    calls = {id(it.func) for it in ast.walk(tree) if isinstance(it, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0):
            for full in [it.name for it in node.names] if isinstance(node, ast.Import) else [node.module]:
                thing = module(full)
                if thing is None:
                    continue
                parent, _, last = full.rpartition(".")
                fake = (parent + "." if parent else "") + invent(last, rng)
                if parent:
                    siblings = [it for it in dir(module(parent)) if exists_module(f"{parent}.{it}") and f"{parent}.{it}" != full]
                    twin = f"{parent}.{rng.choice(siblings)}" if siblings else None
                if isinstance(node, ast.ImportFrom):
                    # What is imported must be there too, or the twin would be wrong by itself.
                    wanted = [it.name for it in node.names]
                    homes = [name for name, it in list(sys.modules.items()) if name != full and not name.startswith("_") and "._" not in name
                             and exists_module(name) and it is not None and all(name_of in vars(it) for name_of in wanted)]
                    twin = rng.choice(sorted(homes)) if homes and "*" not in wanted else None
                elif not parent:
                    twin = rng.choice([it for it in ("json", "requests", "numpy", "yaml", "flask", "lxml", "pandas") if it != full])
                place = span(text, node, full, last=False)
                if twin and place and not exists_module(fake):
                    yield "module", place, fake, twin, node.lineno
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            thing = module(node.module)
            for alias in node.names:
                if thing is None or alias.name == "*" or not has(thing, alias.name):
                    continue
                fake = invent(alias.name, rng)
                real = [it for it in dir(thing) if not it.startswith("_") and it != alias.name]
                place = span(text, alias, alias.name, last=False)
                if real and place and not has(thing, fake) and not exists_module(f"{node.module}.{fake}"):
                    yield "from-name", place, fake, rng.choice(real), alias.lineno
        if isinstance(node, ast.Attribute):
            thing = value_of(node.value, names)
            place = span(text, node, node.attr)
            if inspect.ismodule(thing) and has(thing, node.attr):
                fake = invent(node.attr, rng)
                real = [it for it in dir(thing) if not it.startswith("_") and it != node.attr and callable_member(thing, it)]
                if any(it.func is node and it.keywords for it in ast.walk(tree) if isinstance(it, ast.Call)):
                    # Another function would not take these keywords, so the name itself is its own twin.
                    real = [node.attr]
                if real and place and not has(thing, fake) and not exists_module(f"{thing.__name__}.{fake}"):
                    yield "attribute", place, fake, rng.choice(real), node.end_lineno
            elif thing is None and id(node) in calls and place and is_bound(node.value, tree):
                owners = [it for it in classes if node.attr in dir(it)]
                fake = rng.choice(BORROWED) if rng.random() < 0.3 else invent(node.attr, rng)
                common = set.intersection(*[set(dir(it)) for it in owners]) if owners else set()
                real = sorted(it for it in common if not it.startswith("_") and it != node.attr)
                real = real or ([node.attr] if owners else [])
                if owners and not any(fake in dir(it) for it in owners):
                    yield "method", place, fake, rng.choice(real), node.end_lineno
        if isinstance(node, ast.Call) and node.keywords:
            thing = value_of(node.func, names)
            try:
                parameters = inspect.signature(thing).parameters.values()
            except (TypeError, ValueError):
                continue
            if any(it.kind == it.VAR_KEYWORD for it in parameters):
                continue
            real = [it.name for it in parameters if it.kind in (it.KEYWORD_ONLY, it.POSITIONAL_OR_KEYWORD)]
            used = {it.arg for it in node.keywords}
            for word in node.keywords:
                if word.arg in real:
                    free = [it for it in real[len(node.args):] if it not in used]
                    place = span(text, word, word.arg, last=False)
                    # Few calls have keywords, so that each is used more than once.
                    for fake in {invent(word.arg, rng) for _ in range(5)} if free and place else ():
                        if fake not in real:
                            yield "keyword", place, fake, rng.choice(free), word.lineno


def main():
    out, odex, security, *seed = sys.argv[1:]
    rng = random.Random(int(seed[0]) if seed else 1)
    texts = sources(odex, security)
    for _, text in texts:
        for name in {it.partition(":")[0] for it in aliases(ast.parse(text)).values()}:
            module(name)
    classes = all_classes()
    pools = {kind: [] for kind in KINDS}
    for name, text in texts:
        for kind, place, fake, twin, line in candidates(text, rng, classes):
            pools[kind].append((name, text, place, fake, twin, line))
    cases = []
    for folder in ("original", "fake", "twin"):
        (Path(out) / folder).mkdir(parents=True, exist_ok=True)
    for kind, pool in pools.items():
        rng.shuffle(pool)
        # As many different files as there are.
        seen, first, later = set(), [], []
        for it in pool:
            (later if it[0] in seen else first).append(it)
            seen.add(it[0])
        for name, text, (start, end), fake, twin, line in (first + later)[:PER_KIND]:
            number = f"{len(cases):03}"
            for folder, word in (("original", text[start:end]), ("fake", fake), ("twin", twin)):
                (Path(out) / folder / f"case_{number}.py").write_text(text[:start] + word + text[end:])
            cases.append({"case": number, "kind": kind, "source": name, "name": text[start:end], "fake": fake, "twin": twin, "line": line})
    (Path(out) / "cases.json").write_text(json.dumps(cases, indent=1))
    print(len(texts), "sources;", {kind: sum(it["kind"] == kind for it in cases) for kind in KINDS}, "pools", {k: len(v) for k, v in pools.items()})


if __name__ == "__main__":
    main()
