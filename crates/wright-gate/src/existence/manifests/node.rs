//! Manifests and lock files of npm, yarn and pnpm.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{Collector, Found};
use crate::existence::Ecosystem::Npm;

pub(super) fn package_json(text: &str) -> Found {
    let mut found = Collector::new(Npm, text);
    let root: Value = serde_json::from_str(text).unwrap_or_default();
    for section in ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies"] {
        for (name, version) in root.get(section).and_then(Value::as_object).into_iter().flatten() {
            let version = version.as_str().unwrap_or_default();
            let is_elsewhere = ["workspace:", "file:", "link:", "portal:", "git", "http", "catalog:"]
                .iter()
                .any(|it| version.starts_with(it));
            let is_elsewhere = is_elsewhere || version.contains('/');
            found.add(name, !is_elsewhere);
            // `"alias": "npm:real@1"` makes the alias importable and asks for the real one.
            if let Some(real) = version.strip_prefix("npm:") {
                let end = real.rfind('@').filter(|at| *at > 0).unwrap_or(real.len());
                found.add(&real[..end], true);
            }
        }
    }
    let name = root.get("name").and_then(Value::as_str).map(str::to_owned);
    found.done_as(name)
}

pub(super) fn package_lock(text: &str) -> Found {
    let mut found = Collector::locked(Npm, text);
    let root: Value = serde_json::from_str(text).unwrap_or_default();
    for (path, _) in root.get("packages").and_then(Value::as_object).into_iter().flatten() {
        if let Some(at) = path.rfind("node_modules/") {
            found.add(&path[at + "node_modules/".len()..], true);
        }
    }
    for (name, _) in root.get("dependencies").and_then(Value::as_object).into_iter().flatten() {
        found.add(name, true);
    }
    found.done()
}

pub(super) fn yarn_lock(text: &str) -> Found {
    let mut found = Collector::locked(Npm, text);
    let heads = text.lines().filter(|line| line.ends_with(':') && !line.starts_with([' ', '#']));
    for head in heads {
        let first = head.trim_end_matches(':').split(", ").next().unwrap_or_default().trim_matches('"');
        if let Some(at) = first.rfind('@').filter(|at| *at > 0) {
            // `a@npm:^1` and `a@patch:…` keep the name in front.
            let name = first[..at].split("@npm:").next().unwrap_or(&first[..at]);
            found.add(name, true);
        }
    }
    found.done()
}

pub(super) fn pnpm_lock(text: &str) -> Found {
    static ENTRY: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^  ['/]{0,2}((?:@[\w.~-]+/)?[\w.~-]+)[@/]\d[^:]*:").expect("it is tested"));
    let mut found = Collector::locked(Npm, text);
    for line in text.lines() {
        if let Some(entry) = ENTRY.captures(line) {
            found.add(&entry[1], true);
        }
    }
    found.done()
}
