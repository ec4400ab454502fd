//! Manifests and lock files of Python.

use std::sync::LazyLock;

use regex::Regex;
use toml::{Table, Value};

use super::{Collector, Found};
use crate::existence::Ecosystem::PyPi;

pub(super) fn requirements(text: &str) -> Found {
    let mut found = Collector::new(PyPi, text);
    for (at, line) in text.lines().enumerate() {
        if let Some((name, is_registered)) = requirement(line) {
            found.add_at(&name, at + 1, is_registered);
        }
    }
    found.done()
}

/// Returns the name in a requirement such as `name[extra]>=1; marker`, and whether it comes from an index.
pub(crate) fn requirement(line: &str) -> Option<(String, bool)> {
    static NAME: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(@|[=<>!~;,(\\]|$|\s)").expect("it is tested")
    });
    let line = line.split(" #").next().unwrap_or(line).trim();
    if line.contains("://") {
        if let Some(egg) = line.split("egg=").nth(1) {
            let name: String = egg.chars().take_while(|it| it.is_ascii_alphanumeric() || "-_.".contains(*it)).collect();
            return Some((name, false));
        }
        let before = line.split('@').next().unwrap_or_default().trim();
        return NAME.captures(before).filter(|_| line.contains('@')).map(|it| (it[1].to_owned(), false));
    }
    if line.starts_with(['#', '-', '.', '/']) {
        return None;
    }
    let name = &NAME.captures(line)?[1];
    let is_file = [".whl", ".tar.gz", ".zip", ".txt"].iter().any(|it| name.ends_with(it));
    (!is_file).then(|| (name.to_owned(), true))
}

pub(super) fn pyproject(text: &str) -> Found {
    let mut found = Collector::new(PyPi, text);
    let root = text.parse::<Table>().unwrap_or_default();
    let at = |path: &[&str]| look(&root, path);
    list(&mut found, at(&["project", "dependencies"]));
    lists(&mut found, at(&["project", "optional-dependencies"]));
    lists(&mut found, at(&["dependency-groups"]));
    let poetry = ["dependencies", "dev-dependencies"].map(|it| at(&["tool", "poetry", it]));
    poetry.into_iter().for_each(|it| keys(&mut found, it));
    for group in at(&["tool", "poetry", "group"]).and_then(Value::as_table).into_iter().flatten() {
        keys(&mut found, group.1.get("dependencies"));
    }
    list(&mut found, at(&["tool", "uv", "dev-dependencies"]));
    lists(&mut found, at(&["tool", "pdm", "dev-dependencies"]));
    for environment in at(&["tool", "hatch", "envs"]).and_then(Value::as_table).into_iter().flatten() {
        list(&mut found, environment.1.get("dependencies"));
        list(&mut found, environment.1.get("extra-dependencies"));
    }
    list(&mut found, at(&["build-system", "requires"]));
    let name = at(&["project", "name"]).or_else(|| at(&["tool", "poetry", "name"]));
    let name = name.and_then(Value::as_str).map(str::to_owned);
    found.done_as(name)
}

fn look<'a>(root: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(root.get(*first)?, |value, key| value.get(*key))
}

fn list(found: &mut Collector<'_>, value: Option<&Value>) {
    for line in value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        if let Some((name, is_registered)) = requirement(line) {
            let line = found.line_of(line.split([';', '[', '=', '>', '<', '~', '!', ' ']).next().unwrap_or(line));
            found.add_at(&name, line, is_registered);
        }
    }
}

fn lists(found: &mut Collector<'_>, value: Option<&Value>) {
    for (_, group) in value.and_then(Value::as_table).into_iter().flatten() {
        list(found, Some(group));
    }
}

fn keys(found: &mut Collector<'_>, value: Option<&Value>) {
    for (name, what) in value.and_then(Value::as_table).into_iter().flatten().filter(|it| it.0 != "python") {
        let is_elsewhere = ["path", "git", "url", "file"].iter().any(|it| what.get(it).is_some());
        found.add(name, !is_elsewhere);
    }
}

pub(super) fn pipfile(text: &str) -> Found {
    let mut found = Collector::new(PyPi, text);
    let root = text.parse::<Table>().unwrap_or_default();
    for section in ["packages", "dev-packages"] {
        keys(&mut found, root.get(section));
    }
    found.done()
}

pub(super) fn pipfile_lock(text: &str) -> Found {
    let mut found = Collector::locked(PyPi, text);
    let root: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    for section in ["default", "develop"] {
        let names = root.get(section).and_then(serde_json::Value::as_object).into_iter().flatten();
        names.for_each(|(name, _)| found.add(name, true));
    }
    found.done()
}

pub(super) fn toml_lock(text: &str) -> Found {
    let mut found = Collector::locked(PyPi, text);
    let root = text.parse::<Table>().unwrap_or_default();
    for package in root.get("package").and_then(Value::as_array).into_iter().flatten() {
        if let Some(name) = package.get("name").and_then(Value::as_str) {
            found.add(name, true);
        }
    }
    found.done()
}

pub(super) fn setup_cfg(text: &str) -> Found {
    let mut found = Collector::new(PyPi, text);
    let (mut section, mut key) = ("", "");
    for (at, line) in text.lines().enumerate() {
        let is_continued = line.starts_with([' ', '\t']);
        let mut value = line.trim();
        if value.starts_with('[') {
            section = value;
            key = "";
            continue;
        }
        if let Some((name, rest)) = line.split_once('=').filter(|_| !is_continued) {
            (key, value) = (name.trim(), rest.trim());
        }
        let is_list = match section {
            "[options]" => matches!(key, "install_requires" | "setup_requires" | "tests_require"),
            "[options.extras_require]" => true,
            _ => false,
        };
        for part in value.split(';').next().into_iter().filter(|it| is_list && !it.is_empty()) {
            if let Some((name, is_registered)) = requirement(part) {
                found.add_at(&name, at + 1, is_registered);
            }
        }
    }
    found.done()
}

/// Reads the lists of a `setup.py` that are written out; what it computes is not known.
pub(super) fn setup_py(text: &str) -> Found {
    static LISTS: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?s)(?:install_requires|setup_requires|tests_require|extras_require|requires|requirements|REQUIRE\w*)\s*=\s*([\[{(][^=]*?[\]})])\s*(?:,|\)|\n|$)").expect("it is tested")
    });
    static ITEMS: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"["']([A-Za-z0-9][^"'\n]*)["']\s*(:?)"#).expect("it is tested"));
    let mut found = Collector::new(PyPi, text);
    // Versions hold `=`, which would end a list early.
    let plain: String =
        text.replace("==", "~~").replace(">=", ">~").replace("<=", "<~").replace("!=", "!~").replace("~=", "~~");
    for captures in LISTS.captures_iter(&plain) {
        for item in ITEMS.captures_iter(&captures[1]).filter(|it| it[2].is_empty()) {
            if let Some((name, is_registered)) = requirement(&item[1]) {
                let line = found.line_of(&name);
                found.add_at(&name, line, is_registered);
            }
        }
    }
    found.done()
}

pub(super) fn conda(text: &str) -> Found {
    let mut found = Collector::new(PyPi, text);
    for (at, line) in text.lines().enumerate() {
        let item = line.trim().strip_prefix("- ").map(|it| it.trim_matches(['"', '\'']));
        let name = item.and_then(|it| requirement(it.rsplit("::").next().unwrap_or(it)));
        if let Some((name, _)) = name.filter(|it| it.0 != "pip" && it.0 != "python") {
            // Conda has its own names, so that nothing is said about where these come from.
            found.add_at(&name, at + 1, false);
        }
    }
    found.done()
}
