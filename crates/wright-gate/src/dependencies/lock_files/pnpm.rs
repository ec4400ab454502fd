//! Reads `pnpm-lock.yaml`, of lock file versions 5 (`/name/1.2.3`), 6 (`/name@1.2.3(peer)`) and 9 (`name@1.2.3`).

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{UnreadableLock, npm, subresource_integrity};
use crate::dependencies::{Ecosystem, Origin, Package};

#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    packages: Option<BTreeMap<String, Entry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    resolution: Option<Resolution>,
    name: Option<String>,
    version: Option<String>,
    #[serde(default)]
    requires_build: Option<bool>,
}

#[derive(Deserialize)]
struct Resolution {
    integrity: Option<String>,
    tarball: Option<String>,
    repo: Option<String>,
    directory: Option<String>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let lock: Lock = serde_saphyr::from_str(text).map_err(UnreadableLock::syntax)?;
    Ok(lock.packages.unwrap_or_default().iter().filter_map(|(key, entry)| package(key, entry)).collect())
}

fn package(key: &str, entry: &Entry) -> Option<Package> {
    let (name, version) = name_and_version(key);
    let name = entry.name.as_deref().or(name)?;
    let version = entry.version.as_deref().or(version)?;
    let resolution = entry.resolution.as_ref();
    Some(Package {
        origin: resolution.map_or(Origin::Registry(None), origin),
        integrity: resolution
            .and_then(|it| it.integrity.as_deref())
            .map(subresource_integrity)
            .into_iter()
            .flatten()
            .collect(),
        runs_at_install: entry.requires_build.unwrap_or(false),
        ..Package::new(Ecosystem::Npm, name, version)
    })
}

fn origin(resolution: &Resolution) -> Origin {
    match (&resolution.repo, &resolution.directory, &resolution.tarball) {
        (Some(repo), _, _) => Origin::Git(repo.clone()),
        (_, Some(directory), _) => Origin::Path(directory.clone()),
        (_, _, Some(tarball)) => npm::origin(tarball),
        (None, None, None) => Origin::Registry(None),
    }
}

/// Splits a key. The peers that a package was resolved with follow in brackets, or after an underscore in version 5.
fn name_and_version(key: &str) -> (Option<&str>, Option<&str>) {
    let key = key.strip_prefix('/').unwrap_or(key);
    let key = key.split('(').next().unwrap_or(key);
    let at = key.char_indices().skip(1).find(|&(_, letter)| letter == '@').map(|(at, _)| at);
    if let Some(at) = at {
        return (Some(&key[..at]), Some(&key[at + 1..]));
    }
    match key.rsplit_once('/') {
        Some((name, version)) => (Some(name), version.split('_').next()),
        None => (None, None),
    }
}
