//! Reads `yarn.lock`: the format of its own of version 1, and the YAML that later versions write.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{UnreadableLock, npm, subresource_integrity};
use crate::dependencies::{Ecosystem, Origin, Package};

pub(super) fn parse(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    if text.lines().any(|line| line.starts_with("__metadata:")) { berry(text) } else { classic(text) }
}

#[derive(Deserialize)]
struct Entry {
    version: Option<Value>,
    resolution: Option<String>,
    checksum: Option<String>,
    #[serde(rename = "linkType")]
    link_type: Option<String>,
}

fn berry(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let lock: BTreeMap<String, Entry> = serde_saphyr::from_str(text).map_err(UnreadableLock::syntax)?;
    Ok(lock.values().filter_map(berry_package).collect())
}

fn berry_package(entry: &Entry) -> Option<Package> {
    let resolution = entry.resolution.as_deref()?;
    let at = resolution.char_indices().skip(1).find(|&(_, letter)| letter == '@').map(|(at, _)| at)?;
    let (name, place) = (&resolution[..at], &resolution[at + 1..]);
    let is_soft = entry.link_type.as_deref() == Some("soft");
    if is_soft || place.starts_with("workspace:") {
        return None;
    }
    let version = match entry.version.as_ref()? {
        Value::String(version) => version.clone(),
        other => other.to_string(),
    };
    let origin = match place.split_once(':') {
        Some(("npm", _)) => Origin::Registry(None),
        // A patched package is the registry's with changes that lie in the repository.
        Some(("patch", _)) => Origin::Registry(None),
        _ => npm::origin(place),
    };
    // The part before the slash is the version of the cache's own format.
    let checksum = entry.checksum.as_deref().map(|it| it.rsplit('/').next().unwrap_or(it).to_owned());
    let integrity = checksum.map(|hash| ("checksum".to_owned(), hash)).into_iter().collect();
    Some(Package { origin, integrity, ..Package::new(Ecosystem::Npm, name, &version) })
}

/// What has been read of one block of version 1.
#[derive(Default)]
struct Block {
    name: String,
    version: Option<String>,
    resolved: Option<String>,
    integrity: Option<String>,
}

fn classic(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let mut packages = Vec::new();
    let mut block = Block::default();
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if !line.starts_with(' ') {
            packages.extend(classic_package(&std::mem::take(&mut block)));
            block.name = classic_name(line).ok_or_else(|| {
                UnreadableLock(format!("cannot be read: {:?}", line.chars().take(60).collect::<String>()))
            })?;
        } else if let Some((key, value)) = field(line) {
            match key {
                "version" => block.version = Some(value),
                "resolved" => block.resolved = Some(value),
                "integrity" => block.integrity = Some(value),
                _ => {}
            }
        }
    }
    packages.extend(classic_package(&block));
    Ok(packages)
}

/// Returns the name in `"@scope/name@^1.0.0", name@~1.1:`.
fn classic_name(line: &str) -> Option<String> {
    let first = line.strip_suffix(':')?.split(',').next()?.trim().trim_matches('"');
    // An alias is written `short@npm:real@1`.
    let first = first.split_once("@npm:").map_or(first, |(_, real)| real);
    let at = first.char_indices().skip(1).find(|&(_, letter)| letter == '@').map_or(first.len(), |(at, _)| at);
    Some(first[..at].to_owned())
}

/// Returns a field of the block itself; those of its lists are indented further.
fn field(line: &str) -> Option<(&str, String)> {
    let line = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '))?;
    let (key, value) = line.split_once(' ')?;
    Some((key, value.trim().trim_matches('"').to_owned()))
}

fn classic_package(block: &Block) -> Option<Package> {
    let version = block.version.as_deref()?;
    let mut integrity: std::collections::BTreeSet<_> =
        block.integrity.as_deref().map(subresource_integrity).into_iter().flatten().collect();
    let resolved = block.resolved.as_deref();
    let hash = resolved.and_then(|it| it.split_once('#')).filter(|(_, hash)| hash.len() == 40);
    integrity.extend(hash.map(|(_, hash)| ("sha1-hex".to_owned(), hash.to_owned())));
    let origin = resolved.map_or(Origin::Registry(None), npm::origin);
    Some(Package { origin, integrity, ..Package::new(Ecosystem::Npm, &block.name, version) })
}
