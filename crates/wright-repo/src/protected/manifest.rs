//! Which parts of a `package.json` run, and which only describe.

use serde_json::{Map, Value};

/// Larger than any manifest that a person wrote.
const MAX_BYTES: usize = 1024 * 1024;

/// Keys that only describe the package. Every other key counts, the unknown ones too.
const DESCRIBING: [&str; 24] = [
    "name",
    "version",
    "description",
    "keywords",
    "homepage",
    "bugs",
    "license",
    "licenses",
    "author",
    "contributors",
    "maintainers",
    "funding",
    "repository",
    "private",
    "files",
    "main",
    "module",
    "types",
    "typings",
    "exports",
    "sideEffects",
    "type",
    "$schema",
    "browser",
];

/// Keys whose entries are packages from the registry, as long as they name a version and nothing else.
const DEPENDENCIES: [&str; 5] =
    ["dependencies", "devDependencies", "peerDependencies", "optionalDependencies", "peerDependenciesMeta"];

/// Says whether a change to a `package.json` changes what runs. One that cannot be read counts as if it did.
pub(super) fn changes_what_runs(before: Option<&str>, after: &str) -> bool {
    match (before.map_or(Some(Map::new()), parse), parse(after)) {
        (Some(before), Some(after)) => differs(&before, &after),
        _ => true,
    }
}

fn parse(text: &str) -> Option<Map<String, Value>> {
    if text.len() > MAX_BYTES {
        return None;
    }
    // Of two keys with the same name the last one counts, here as for npm.
    serde_json::from_str(text).ok()
}

fn differs(before: &Map<String, Value>, after: &Map<String, Value>) -> bool {
    let keys = before.keys().chain(after.keys());
    let changed = keys.filter(|key| before.get(*key) != after.get(*key));
    let mut counting = changed.filter(|key| !DESCRIBING.contains(&key.as_str()));
    counting.any(|key| {
        let is_dependencies = DEPENDENCIES.contains(&key.as_str());
        !(is_dependencies && after.get(key).is_none_or(comes_from_the_registry))
    })
}

/// Says whether each dependency is a plain version: no address, no path, no other name.
fn comes_from_the_registry(dependencies: &Value) -> bool {
    let Value::Object(dependencies) = dependencies else { return false };
    dependencies.values().all(|version| match version {
        Value::String(version) => {
            version.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .^~<>=*|-+".contains(&byte))
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describing_keys_and_plain_versions_do_not_run() {
        let before = r#"{"scripts": {"test": "x"}, "dependencies": {"a": "1"}}"#;
        for after in [
            r#"{"version": "2", "scripts": {"test": "x"}, "dependencies": {"a": "1"}}"#,
            r#"{"scripts": {"test": "x"}, "dependencies": {"a": "^2.0.0 || >=3", "b": "*"}}"#,
            r#"{"scripts": {"test": "x"}}"#,
        ] {
            assert!(!changes_what_runs(Some(before), after), "{after}");
        }
    }

    #[test]
    fn scripts_programs_and_foreign_packages_do() {
        let before = r#"{"scripts": {"test": "x"}, "dependencies": {"a": "1"}}"#;
        for after in [
            r#"{"scripts": {"test": "y"}, "dependencies": {"a": "1"}}"#,
            r#"{"scripts": {"test": "x", "postinstall": "y"}, "dependencies": {"a": "1"}}"#,
            r#"{"scripts": {"test": "x"}, "dependencies": {"a": "1"}, "bin": "./evil"}"#,
            r#"{"scripts": {"test": "x"}, "dependencies": {"a": "git+ssh://evil/x"}}"#,
            r#"{"scripts": {"test": "x"}, "dependencies": {"a": "file:../x"}}"#,
            r#"{"scripts": {"test": "x"}, "dependencies": {"a": "evil/repo"}}"#,
            r#"{"scripts": {"test": "x"}, "dependencies": {"a": "1"}, "husky": {}}"#,
            r#"{"scripts": {"test": "x"}, "dependencies": {"a": "1"}, "packageManager": "yarn@1"}"#,
            r#"{"dependencies": {"a": "1"}}"#,
            r#"{"scri\u0070ts": {"test": "y"}}"#,
            "[]",
            "not json",
        ] {
            assert!(changes_what_runs(Some(before), after), "{after}");
        }
        assert!(changes_what_runs(None, before));
        assert!(!changes_what_runs(None, r#"{"name": "new"}"#));
    }
}
