#!/usr/bin/env python3
"""Makes cases for the checks `packages`, `endpoints` and `sql-schema`: an invented name and its true twin each.

    make_cases.py OUT.jsonl [SEED] [NAMES]

Every case is a small repository and one changed file, once with an invented name and once with one that exists. For
packages, NAMES is a table of a registry's names (first column): invented names are proven absent from it, and half of the
twins are declared packages of it that no list of popular names holds.
"""

import json
import random
import sys

PER_CHECK = 400
WORDS = ["data", "auth", "cache", "async", "smart", "fast", "cloud", "graph", "json", "http", "secure", "micro", "stream", "query",
         "image", "text", "vector", "task", "event", "config", "model", "token", "proxy", "schema", "batch"]
ENDS = ["utils", "helper", "toolkit", "client", "wrapper", "core", "lib", "plus", "pro", "connector", "adapter", "manager", "kit"]
POPULAR = {
    "py": ["requests", "numpy", "pandas", "flask", "django", "sqlalchemy", "pydantic", "celery", "redis", "boto3", "httpx", "fastapi",
           "click", "rich", "pytest", "jinja2", "aiohttp", "tornado", "scipy", "matplotlib"],
    "js": ["react", "express", "lodash", "axios", "zod", "vue", "next", "typescript", "webpack", "jest", "commander", "chalk", "uuid",
           "dayjs", "ws", "redux", "vite", "eslint", "prettier", "moment"],
    "rs": ["serde", "tokio", "regex", "rand", "clap", "anyhow", "thiserror", "reqwest", "axum", "tracing", "rayon", "itertools", "chrono",
           "uuid", "hyper", "futures", "toml", "tempfile", "log", "bytes"],
    "go": ["github.com/gin-gonic/gin", "github.com/spf13/cobra", "github.com/stretchr/testify", "go.uber.org/zap", "github.com/google/uuid",
           "github.com/gorilla/mux", "github.com/lib/pq", "golang.org/x/sync"],
}


def invented(rng, popular, absent):
    while True:
        base = rng.choice(popular)
        style = rng.randrange(4)
        name = {0: f"{base}-{rng.choice(ENDS)}", 1: f"{rng.choice(WORDS)}-{rng.choice(WORDS)}-{rng.choice(ENDS)}",
                2: f"{base}-{rng.choice(WORDS)}-{rng.choice(ENDS)}", 3: f"py{rng.choice(WORDS)}{rng.choice(ENDS)}"}[style]
        if absent(name):
            return name


def packages(rng, names):
    absent = lambda name: name not in names and name.replace("-", "_") not in names
    rare = sorted(names)[:: max(1, len(names) // 5000)] if names else []
    rare = [it for it in rare if it.isascii() and it.replace("-", "").isalnum() and it[0].isalpha() and it.islower() and len(it) > 4]
    for number in range(PER_CHECK):
        lang = ["py", "js", "rs", "go"][number % 4]
        kind = ["import", "import", "manifest", "command"][rng.randrange(4)]
        fake = invented(rng, POPULAR[lang] if lang != "go" else ["zap", "gin"], absent)
        declared = rng.choice(POPULAR[lang])
        if rare and lang == "py" and rng.random() < 0.5:
            declared = rng.choice(rare)
        twin = declared
        if lang == "py":
            files = {"pyproject.toml": f"[project]\nname = 'app'\ndependencies = ['{declared}', 'six']\n", "app/core.py": "x = 1\n"}
            code = lambda name: f"import os\nimport {name.replace('-', '_')}\nfrom app import core\n\nprint(os.name)\n"
            manifest = ("pyproject.toml", lambda name: f"[project]\nname = 'app'\ndependencies = ['{declared}', 'six', '{name}']\n")
            command = ("Dockerfile", lambda name: f"FROM python:3\nRUN pip install --no-cache-dir {name}\n")
            path = "app/new.py"
        elif lang == "js":
            files = {"package.json": json.dumps({"name": "app", "dependencies": {declared: "^1", "left-pad": "1"}}), "src/core.ts": "export const x = 1;\n"}
            code = lambda name: f"import fs from 'node:fs';\nimport thing from '{name}';\nimport {{ x }} from './core';\n"
            manifest = ("package.json", lambda name: json.dumps({"name": "app", "dependencies": {declared: "^1", "left-pad": "1", name: "^2"}}, indent=1))
            command = (".github/workflows/ci.yml", lambda name: f"jobs:\n  a:\n    steps:\n      - run: npm install --save-dev {name}\n")
            path = "src/new.ts"
        elif lang == "rs":
            files = {"Cargo.toml": f"[package]\nname = 'app'\n[dependencies]\n{declared} = '1'\n", "src/lib.rs": "pub mod core_part;\n"}
            code = lambda name: f"use std::fmt;\nuse {name.replace('-', '_')}::Thing;\nuse crate::core_part;\n\nfn f() {{}}\n"
            manifest = ("Cargo.toml", lambda name: f"[package]\nname = 'app'\n[dependencies]\n{declared} = '1'\n{name} = '0.3'\n")
            command = ("setup.sh", lambda name: f"#!/bin/sh\ncargo add {name}\n")
            path = "src/new.rs"
        else:
            fake = f"github.com/{rng.choice(WORDS)}{rng.choice(ENDS)}/{fake}"
            files = {"go.mod": f"module example.org/app\n\nrequire {declared} v1.2.3\n", "core/core.go": "package core\n"}
            code = lambda name: f"package app\n\nimport (\n\t\"fmt\"\n\t\"{name}\"\n\t\"example.org/app/core\"\n)\n"
            manifest = ("go.mod", lambda name: f"module example.org/app\n\nrequire {declared} v1.2.3\nrequire {name} v0.1.0\n")
            command = ("Makefile", lambda name: f"deps:\n\tgo get {name}@latest\n")
            path = "new.go"
        if kind == "manifest":
            path, code = manifest
            twin = rng.choice([it for it in POPULAR[lang] if it != declared])
        elif kind == "command":
            path, code = command
        yield {"check": "packages", "kind": f"{lang} {kind}", "files": files, "path": path, "fake": code(fake), "twin": code(twin)}


NOUNS = ["users", "orders", "products", "invoices", "teams", "projects", "comments", "sessions", "payments", "reports", "devices", "alerts"]
COLUMNS = ["id", "name", "email", "status", "created_at", "updated_at", "amount", "owner_id", "title", "description", "quantity", "price",
           "country", "is_active", "token", "score"]


def slip(rng, word, taken):
    """A name that a model might write instead: another word order, a synonym, a letter less, a prefix more."""
    while True:
        style = rng.randrange(5)
        at = rng.randrange(1, max(2, len(word) - 1))
        name = {0: word[:at] + word[at + 1:], 1: f"{word}_{rng.choice(['value', 'text', 'ref', 'list', 'total'])}",
                2: f"{rng.choice(['full', 'user', 'main', 'last', 'is'])}_{word}", 3: word + "s" if not word.endswith("s") else word[:-1],
                4: "".join(it.capitalize() for it in rng.choice(WORDS).split("_")).lower() + "_" + rng.choice(ENDS)}[style]
        if len(name) > 1 and name not in taken:
            return name


def sql(rng):
    for number in range(PER_CHECK):
        tables = {noun: rng.sample(COLUMNS[1:], 6) + ["id"] for noun in rng.sample(NOUNS, 4)}
        ddl, later = [], []
        for name, columns in tables.items():
            ddl.append(f"CREATE TABLE {name} ({', '.join(f'{it} TEXT' for it in columns[:-2] + ['id'])});")
            later.append(f"ALTER TABLE {name} ADD COLUMN {columns[-2]} INTEGER;")
        (a, a_columns), (b, b_columns) = rng.sample(list(tables.items()), 2)
        is_table = number % 5 == 0
        real = a if is_table else rng.choice(a_columns)
        fake = slip(rng, real, set(tables) | set(a_columns) | set(b_columns) | {"is_id", "last_id"})
        other = rng.choice(a_columns)

        def statement(name):
            table, column = (name, other) if is_table else (a, name)
            return [
                f"SELECT {column}, id FROM {table} WHERE {other} = {{}} ORDER BY id",
                f"SELECT x.{column}, y.id FROM {table} AS x JOIN {b} y ON y.id = x.id WHERE x.{other} > 3",
                f"INSERT INTO {table} ({column}) VALUES ({{}})",
                f"UPDATE {table} SET {column} = {{}} WHERE id = 1",
                f"DELETE FROM {table} WHERE {column} IS NULL",
                f"SELECT COUNT(*) AS n FROM {table} GROUP BY {column} HAVING COUNT(*) > 1",
                f"WITH recent AS (SELECT id, {column} FROM {table}) SELECT r.id FROM recent r",
            ][number % 7]
        lang = ["py", "ts", "go", "java", "rs", "sql"][number % 6]
        mark = {"py": "%s", "ts": "$1", "go": "$1", "java": "?", "rs": "?1", "sql": "5"}[lang]
        wrap = {
            "py": lambda it: f"def f(cur, v):\n    cur.execute(\"{it}\", (v,))\n",
            "ts": lambda it: f"export const f = (db, v) => db.query(`{it}`, [v]);\n",
            "go": lambda it: f"package app\n\nfunc f() {{\n\tdb.Query(\"{it}\", v)\n}}\n",
            "java": lambda it: f"class F {{ void f() {{ db.prepareStatement(\"{it}\"); }} }}\n",
            "rs": lambda it: f"fn f() {{ db.execute(\"{it}\", v); }}\n",
            "sql": lambda it: it + ";\n",
        }[lang]
        path = {"java": "src/F.java", "sql": "queries/report.sql"}.get(lang, f"src/new.{lang}")
        text = lambda name: wrap(statement(name).replace("{}", mark))
        files = {"migrations/001_init.sql": "\n".join(ddl), "migrations/002_more.sql": "\n".join(later)}
        yield {"check": "sql-schema", "kind": f"{lang} {'table' if is_table else 'column'}", "files": files, "path": path,
               "fake": text(fake), "twin": text(real)}


def endpoints(rng):
    for number in range(PER_CHECK):
        paths = {}
        for noun in rng.sample(NOUNS, 4):
            paths[f"/{noun}"] = rng.sample(["get", "post"], rng.randrange(1, 3))
            paths[f"/{noun}/{{id}}"] = rng.sample(["get", "put", "delete", "patch"], rng.randrange(1, 4))
            paths[f"/{noun}/{{id}}/{rng.choice(COLUMNS[1:])}"] = ["get"]
        api = {"openapi": "3.0.3", "info": {"title": "t", "version": "1"}, "servers": [{"url": "https://api.acme.test/v2"}],
               "paths": {path: {it: {"responses": {}} for it in methods} for path, methods in paths.items()}}
        closed = {"type": "object", "additionalProperties": False, "properties": {it: {"type": "string"} for it in ("name", "amount", "status")}}
        path = rng.choice(list(paths))
        kind = ["path", "method", "near path", "field"][number % 4]
        method = rng.choice(paths[path])
        twin, fake = (method, path, "name"), None
        if kind == "method":
            fake = (rng.choice([it for it in ("get", "post", "put", "delete", "patch") if it not in paths[path]]), path, "name")
        elif kind == "near path":
            noun = path.split("/")[1]
            fake = (method, path.replace(noun, slip(rng, noun, set(NOUNS)), 1), "name")
        elif kind == "path":
            fake = (method, f"/{rng.choice(WORDS)}-{rng.choice(ENDS)}/{rng.choice(WORDS)}", "name")
        else:
            posts = [it for it, methods in paths.items() if "post" in methods] or [path]
            path = posts[0]
            api["paths"][path].setdefault("post", {})["requestBody"] = {"content": {"application/json": {"schema": closed}}}
            twin, fake = ("post", path, "amount"), ("post", path, slip(rng, "amount", {"name", "status"}))

        def call(method, path, field, lang, base):
            filled = path.replace("{id}", {"py": "{item}", "ts": "${item}", "go": "7", "rs": "{item}"}[lang])
            body = kind == "field"
            if lang == "py":
                url = {0: f"f'https://api.acme.test/v2{filled}'", 1: f"f'{{BASE_URL}}{filled}'", 2: f"API_URL + f'{filled}'"}[base]
                return f"import requests\n\ndef f(item):\n    return requests.{method}({url}{', json={%r: 1}' % field if body else ''})\n"
            if lang == "ts":
                url = {0: f"`https://api.acme.test/v2{filled}`", 1: f"`${{API_URL}}{filled}`", 2: f"baseUrl + `{filled}`"}[base]
                if number % 8 < 4:
                    extra = f", {{ {field}: 1 }}" if body else ""
                    return f"export const f = (item) => axios.{method}({url}{extra});\n"
                extra = f", body: JSON.stringify({{ {field}: 1 }})" if body else ""
                return f"export const f = (item) => fetch({url}, {{ method: '{method.upper()}'{extra} }});\n"
            if lang == "go":
                url = {0: f"\"https://api.acme.test/v2{filled}\"", 1: f"baseURL + \"{filled}\"", 2: f"fmt.Sprintf(\"https://api.acme.test/v2{filled}\")"}[base]
                return f"package app\n\nfunc f() {{\n\thttp.NewRequest(\"{method.upper()}\", {url}, nil)\n}}\n"
            url = {0: f"format!(\"https://api.acme.test/v2{filled}\")", 1: f"format!(\"{{base_url}}{filled}\")", 2: f"&format!(\"{{}}{filled}\", api_url)"}[base]
            return f"async fn f(item: u32) {{ let _ = client.{method}({url}).send().await; }}\n"
        lang = rng.choice(["py", "ts"] if kind == "field" else ["py", "ts", "go", "rs"])
        base = rng.randrange(3)
        name = {"py": "client.py", "ts": "client.ts", "go": "client.go", "rs": "client.rs"}[lang]
        yield {"check": "endpoints", "kind": f"{kind}", "files": {"openapi.json": json.dumps(api)}, "path": f"src/{name}",
               "fake": call(*fake, lang, base), "twin": call(*twin, lang, base)}


def main():
    out, *rest = sys.argv[1:]
    seed = int(rest[0]) if rest else 1
    names = set()
    if len(rest) > 1:
        with open(rest[1], encoding="utf-8", errors="replace") as file:
            names = {line.split("\t", 1)[0] for line in file}
    with open(out, "w") as file:
        for make in (lambda rng: packages(rng, names), endpoints, sql):
            for case in make(random.Random(seed)):
                file.write(json.dumps(case) + "\n")


if __name__ == "__main__":
    main()
