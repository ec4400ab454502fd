//! Which tests a change can affect, by language.

use super::*;
use crate::change::{Content, FileDelta, MemoryTree};

fn select(files: &[(&str, &str)], touched: &[&str]) -> Selection {
    let tree: MemoryTree = files.iter().map(|(path, text)| (*path, *text)).collect();
    let delta = |path: &&str| FileDelta {
        path: PathBuf::from(path),
        moved_from: None,
        before: Content::Text("old".into()),
        after: tree.read(Path::new(path)).map_or(Content::Absent, Content::Text),
    };
    affected_tests(&ChangeSet { files: touched.iter().map(delta).collect() }, &tree)
}

fn check(files: &[(&str, &str)], touched: &[&str], expected: &[&str]) {
    let found = select(files, touched);
    let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
    assert_eq!(found.files, Some(expected), "{touched:?}: {}", found.reason);
}

const PYTHON: &[(&str, &str)] = &[
    ("src/app/__init__.py", ""),
    ("src/app/core.py", "from . import util\n"),
    ("src/app/util.py", "X = 1\n"),
    ("src/app/other.py", "Y = 1\n"),
    ("tests/conftest.py", "from app import other\n"),
    ("tests/unit/conftest.py", ""),
    ("tests/test_core.py", "import app.core\n"),
    ("tests/test_parts.py", "from app import (\n    util,\n    core as c,\n)\n"),
    ("tests/unit/test_alone.py", "import os\n"),
];

#[test]
fn python_tests_are_found_through_imports_packages_and_fixtures() {
    check(PYTHON, &["src/app/core.py"], &["tests/test_core.py", "tests/test_parts.py"]);
    check(PYTHON, &["src/app/util.py"], &["tests/test_core.py", "tests/test_parts.py"]);
    let all = ["tests/test_core.py", "tests/test_parts.py", "tests/unit/test_alone.py"];
    check(PYTHON, &["src/app/other.py"], &all);
    check(PYTHON, &["src/app/__init__.py"], &all);
    check(PYTHON, &["tests/unit/conftest.py"], &["tests/unit/test_alone.py"]);
    check(PYTHON, &["tests/test_core.py"], &["tests/test_core.py"]);
    check(PYTHON, &["src/app/core.py", "README.md"], &["tests/test_core.py", "tests/test_parts.py"]);
}

#[test]
fn a_deleted_module_reaches_those_that_forgot_it() {
    check(
        &[("tests/test_a.py", "from app.gone import f\n"), ("tests/test_b.py", "")],
        &["app/gone.py"],
        &["tests/test_a.py"],
    );
}

#[test]
fn a_file_that_imports_by_made_up_names_is_reached_by_everything() {
    let files = [
        ("app/a.py", ""),
        ("app/loader.py", "import importlib\nimportlib.import_module(name)\n"),
        ("tests/test_loader.py", "import app.loader\n"),
        ("tests/test_b.py", "import json\n"),
    ];
    check(&files, &["app/a.py"], &["tests/test_loader.py"]);
}

#[test]
fn script_tests_are_found_through_relative_paths_aliases_and_own_packages() {
    let files = [
        ("package.json", r#"{"name": "root"}"#),
        ("packages/lib/package.json", r#"{"name": "@own/lib"}"#),
        ("packages/lib/src/index.ts", "export * from './deep/part.js';"),
        ("packages/lib/src/deep/part.ts", "export const x = 1;"),
        ("src/a.ts", "import { x } from '@own/lib';"),
        ("src/b/index.tsx", "export default 1;"),
        ("src/a.test.ts", "const a = require('./a');"),
        ("src/b.test.tsx", "import b from '@/b';\nvi.mock('react');"),
        ("src/c.test.js", "import fs from 'fs';"),
    ];
    check(&files, &["packages/lib/src/deep/part.ts"], &["src/a.test.ts"]);
    check(&files, &["src/a.ts"], &["src/a.test.ts"]);
    check(&files, &["src/c.test.js"], &["src/c.test.js"]);
    let aliased = [("src/b/index.tsx", ""), ("src/b.test.tsx", "import b from '@/src/b';"), ("src/c.test.js", "")];
    check(&aliased, &["src/b/index.tsx"], &["src/b.test.tsx"]);
}

#[test]
fn rust_tests_are_those_of_the_crate_and_of_the_crates_that_need_it() {
    let files = [
        ("a/Cargo.toml", "[package]\nname = \"a\"\n"),
        ("a/src/lib.rs", "fn f() {}\n#[cfg(test)]\nmod tests { #[test]\nfn t() {} }\n"),
        ("b/Cargo.toml", "[package]\nname = \"b\"\n[dependencies]\na = { path = \"../a\" }\n"),
        ("b/src/lib.rs", "fn f() {}\n"),
        ("c/Cargo.toml", "[package]\nname = \"c\"\n[dependencies]\nb = { path = \"../b\" }\n"),
        ("c/tests/it.rs", "#[tokio::test]\nasync fn t() {}\n"),
        ("d/Cargo.toml", "[package]\nname = \"d\"\n"),
        ("d/tests/it.rs", "#[test]\nfn t() {}\n"),
    ];
    check(&files, &["a/src/lib.rs"], &["a/src/lib.rs", "c/tests/it.rs"]);
    check(&files, &["b/src/lib.rs"], &["c/tests/it.rs"]);
    check(&files, &["d/tests/it.rs"], &["d/tests/it.rs"]);
}

#[test]
fn go_tests_are_those_of_the_package_and_of_the_packages_that_import_it() {
    let files = [
        ("go.mod", "module example.org/m\n"),
        ("a/a.go", "package a\n"),
        ("a/a_test.go", "package a\n"),
        ("b/b.go", "package b\nimport \"example.org/m/a\"\n"),
        ("b/b_test.go", "package b\n"),
        ("c/c_test.go", "package c\nimport \"fmt\"\n"),
    ];
    check(&files, &["a/a.go"], &["a/a_test.go", "b/b_test.go"]);
    check(&files, &["c/c_test.go"], &["c/c_test.go"]);
}

#[test]
fn java_tests_are_those_that_name_the_class() {
    let files = [
        ("src/main/java/p/A.java", "class A {}"),
        ("src/main/java/p/B.java", "class B { A a; }"),
        ("src/test/java/p/BTest.java", "class BTest { B b; }"),
        ("src/test/java/p/CTest.java", "class CTest {}"),
    ];
    check(&files, &["src/main/java/p/A.java"], &["src/test/java/p/BTest.java"]);
}

#[test]
fn where_it_cannot_be_told_all_tests_run() {
    for path in
        ["data/table.csv", "pyproject.toml", "package.json", "setup.py", "vitest.config.ts", "tests/snapshot.json"]
    {
        let files = [(path, "x"), ("tests/test_a.py", "")];
        let found = select(&files, &[path]);
        assert_eq!((found.files, found.reason), (None, format!("any test may read {path}")));
    }
    let unreached = select(&[("a.py", ""), ("tests/test_b.py", "")], &["a.py"]);
    assert_eq!(
        (unreached.files, unreached.reason.as_str()),
        (None, "no test is known to reach what the change touches")
    );
}
