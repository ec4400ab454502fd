//! Reads `package-lock.json`: the nested `dependencies` of version 1, and the flat `packages` of versions 2 and 3.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{UnreadableLock, subresource_integrity};
use crate::dependencies::{Ecosystem, Origin, Package};

#[derive(Deserialize)]
struct Lock {
    packages: Option<BTreeMap<String, Entry>>,
    dependencies: Option<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: Option<String>,
    version: Option<String>,
    resolved: Option<Value>,
    integrity: Option<String>,
    #[serde(default)]
    link: bool,
    #[serde(default)]
    has_install_script: bool,
    license: Option<Value>,
    dependencies: Option<Value>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let lock: Lock = serde_json::from_str(text).map_err(UnreadableLock::syntax)?;
    match (lock.packages, lock.dependencies) {
        (Some(packages), _) => Ok(flat(packages)),
        (None, Some(dependencies)) => nested(dependencies),
        (None, None) => Ok(Vec::new()),
    }
}

fn flat(entries: BTreeMap<String, Entry>) -> Vec<Package> {
    let installed = entries.into_iter().filter(|(_, entry)| !entry.link);
    installed
        .filter_map(|(place, entry)| {
            let (_, name) = place.rsplit_once("node_modules/")?;
            package(entry.name.clone().as_deref().unwrap_or(name), &entry)
        })
        .collect()
}

/// Walks the tree of version 1 with a list of what is left to do: its depth is the author's choice, the stack is ours.
fn nested(dependencies: BTreeMap<String, Entry>) -> Result<Vec<Package>, UnreadableLock> {
    let mut packages = Vec::new();
    let mut left = vec![dependencies];
    while let Some(entries) = left.pop() {
        for (name, mut entry) in entries {
            // Only the innermost `dependencies` name packages; `requires` names wishes.
            if let Some(inner @ Value::Object(_)) = entry.dependencies.take() {
                left.push(serde_json::from_value(inner).map_err(UnreadableLock::syntax)?);
            }
            packages.extend(package(&name, &entry));
        }
    }
    Ok(packages)
}

fn package(name: &str, entry: &Entry) -> Option<Package> {
    let version = entry.version.as_deref()?;
    // An alias is written as the version `npm:real@1.2.3`.
    let (name, version) = version.strip_prefix("npm:").and_then(|it| it.rsplit_once('@')).unwrap_or((name, version));
    let is_place = version.contains(':') || version.contains('/');
    let resolved = entry.resolved.as_ref().and_then(Value::as_str).or(is_place.then_some(version));
    Some(Package {
        origin: resolved.map_or(Origin::Registry(None), origin),
        integrity: entry.integrity.as_deref().map(subresource_integrity).into_iter().flatten().collect(),
        runs_at_install: entry.has_install_script,
        license: entry.license.as_ref().and_then(Value::as_str).map(str::to_owned),
        ..Package::new(Ecosystem::Npm, name, version)
    })
}

/// Returns where a package comes from, by the address that the lock file gives. The archives of a registry lie below `/-/`.
pub(super) fn origin(resolved: &str) -> Origin {
    let is_git =
        ["git+", "git://", "git@", "github:", "gitlab:", "bitbucket:"].iter().any(|it| resolved.starts_with(it));
    match resolved.split_once(':') {
        _ if is_git => Origin::Git(resolved.to_owned()),
        Some(("file" | "link" | "portal" | "workspace", place)) => Origin::Path(place.to_owned()),
        Some(("http" | "https", _)) if resolved.contains("/-/") => Origin::Registry(Some(resolved.to_owned())),
        Some(("http" | "https", _)) => Origin::Url(resolved.to_owned()),
        _ => Origin::Registry(None),
    }
}
