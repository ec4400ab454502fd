//! Reads `Cargo.lock`. Packages without a source are the project's own and are left out.

use serde::Deserialize;

use super::UnreadableLock;
use crate::dependencies::{Ecosystem, Origin, Package};

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    version: String,
    source: Option<String>,
    checksum: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let lock: Lock = toml::from_str(text).map_err(UnreadableLock::syntax)?;
    Ok(lock.package.into_iter().filter_map(package).collect())
}

fn package(entry: Entry) -> Option<Package> {
    let source = entry.source?;
    let origin = match source.split_once('+') {
        Some(("registry" | "sparse", address)) => Origin::Registry(Some(address.to_owned())),
        Some(("git", address)) => Origin::Git(address.to_owned()),
        Some(("path", address)) => Origin::Path(address.to_owned()),
        _ => Origin::Url(source),
    };
    let integrity = entry.checksum.map(|hash| ("sha256".to_owned(), hash)).into_iter().collect();
    Some(Package { origin, integrity, ..Package::new(Ecosystem::Cargo, &entry.name, &entry.version) })
}
