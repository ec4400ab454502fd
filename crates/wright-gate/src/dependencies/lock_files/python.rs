//! Reads the lock files of Python's package managers: poetry and pdm, uv, pipenv.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::UnreadableLock;
use crate::dependencies::{Ecosystem, Origin, Package};

#[derive(Deserialize)]
struct PoetryLock {
    #[serde(default)]
    package: Vec<PoetryEntry>,
    metadata: Option<PoetryMetadata>,
}

/// Version 1 of the format keeps the files of all packages in one table.
#[derive(Deserialize)]
struct PoetryMetadata {
    files: Option<BTreeMap<String, Vec<File>>>,
}

#[derive(Deserialize)]
struct PoetryEntry {
    name: String,
    version: String,
    source: Option<PoetrySource>,
    #[serde(default)]
    files: Vec<File>,
    // How pdm writes it.
    git: Option<String>,
    url: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct PoetrySource {
    #[serde(rename = "type")]
    kind: Option<String>,
    url: Option<String>,
}

#[derive(Deserialize)]
struct File {
    file: Option<String>,
    url: Option<String>,
    hash: Option<String>,
}

pub(super) fn poetry(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let lock: PoetryLock = toml::from_str(text).map_err(UnreadableLock::syntax)?;
    let files = lock.metadata.and_then(|it| it.files).unwrap_or_default();
    let packages = lock.package.iter().map(|entry| {
        let files = files.get(&entry.name).unwrap_or(&entry.files);
        Package {
            origin: poetry_origin(entry),
            integrity: hashes(files),
            ..Package::new(Ecosystem::PyPi, &entry.name, &entry.version)
        }
    });
    Ok(packages.collect())
}

fn poetry_origin(entry: &PoetryEntry) -> Origin {
    if let Some(git) = &entry.git {
        return Origin::Git(git.clone());
    }
    if let Some(path) = &entry.path {
        return Origin::Path(path.clone());
    }
    if let Some(url) = &entry.url {
        return Origin::Url(url.clone());
    }
    let Some(source) = &entry.source else { return Origin::Registry(None) };
    let url = source.url.clone().unwrap_or_default();
    match source.kind.as_deref() {
        Some("git") => Origin::Git(url),
        Some("url") => Origin::Url(url),
        Some("directory" | "file") => Origin::Path(url),
        _ => Origin::Registry(Some(url)),
    }
}

fn hashes(files: &[File]) -> BTreeSet<(String, String)> {
    let named = |file: &File| {
        let url_end = file.url.as_deref().and_then(|url| url.rsplit('/').next());
        Some((file.file.as_deref().or(url_end)?.to_owned(), file.hash.clone()?))
    };
    files.iter().filter_map(named).collect()
}

#[derive(Deserialize)]
struct UvLock {
    #[serde(default)]
    package: Vec<UvEntry>,
}

#[derive(Deserialize)]
struct UvEntry {
    name: String,
    version: Option<String>,
    #[serde(default)]
    source: BTreeMap<String, toml::Value>,
    sdist: Option<File>,
    #[serde(default)]
    wheels: Vec<File>,
}

pub(super) fn uv(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let lock: UvLock = toml::from_str(text).map_err(UnreadableLock::syntax)?;
    Ok(lock.package.into_iter().filter_map(uv_package).collect())
}

fn uv_package(entry: UvEntry) -> Option<Package> {
    let version = entry.version?;
    let (kind, place) = entry.source.iter().find_map(|(kind, place)| Some((kind.as_str(), place.as_str()?)))?;
    let origin = match kind {
        "registry" => Origin::Registry(Some(place.to_owned())),
        "git" => Origin::Git(place.to_owned()),
        "url" => Origin::Url(place.to_owned()),
        // The project itself and its parts.
        "virtual" | "editable" | "directory" | "path" => Origin::Path(place.to_owned()),
        _ => Origin::Registry(None),
    };
    let mut files = entry.wheels;
    files.extend(entry.sdist);
    Some(Package { origin, integrity: hashes(&files), ..Package::new(Ecosystem::PyPi, &entry.name, &version) })
}

#[derive(Deserialize)]
struct PipfileLock {
    #[serde(default)]
    default: BTreeMap<String, PipfileEntry>,
    #[serde(default)]
    develop: BTreeMap<String, PipfileEntry>,
}

#[derive(Deserialize)]
struct PipfileEntry {
    version: Option<String>,
    #[serde(default)]
    hashes: Vec<String>,
    git: Option<String>,
    file: Option<String>,
    path: Option<Value>,
    #[serde(rename = "ref")]
    reference: Option<String>,
}

pub(super) fn pipfile(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let lock: PipfileLock = serde_json::from_str(text).map_err(UnreadableLock::syntax)?;
    Ok(lock.default.iter().chain(&lock.develop).map(|(name, entry)| pipfile_package(name, entry)).collect())
}

fn pipfile_package(name: &str, entry: &PipfileEntry) -> Package {
    let origin = match (&entry.git, &entry.file, &entry.path) {
        (Some(git), _, _) => Origin::Git(git.clone()),
        (_, Some(file), _) => Origin::Url(file.clone()),
        (_, _, Some(path)) => Origin::Path(path.as_str().unwrap_or(".").to_owned()),
        (None, None, None) => Origin::Registry(None),
    };
    let version = entry.version.as_deref().map(|it| it.trim_start_matches('=')).or(entry.reference.as_deref());
    let integrity = entry.hashes.iter().filter_map(|it| it.split_once(':'));
    Package {
        origin,
        integrity: integrity.map(|(kind, hash)| (kind.to_owned(), hash.to_owned())).collect(),
        ..Package::new(Ecosystem::PyPi, name, version.unwrap_or_default())
    }
}
