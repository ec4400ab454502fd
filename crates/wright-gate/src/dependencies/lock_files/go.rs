//! Reads `go.mod`, whose versions are exact, and `go.sum`, which vouches for their content.

use crate::dependencies::{Ecosystem, Origin, Package};

use super::UnreadableLock;

/// One line of a `require` or `replace`, without its comment.
fn directives<'t>(text: &'t str, word: &'t str) -> impl Iterator<Item = &'t str> {
    let mut in_block = false;
    text.lines().filter_map(move |line| {
        let line = line.split("//").next().unwrap_or_default().trim();
        if in_block {
            in_block = line != ")";
            return (in_block && !line.is_empty()).then_some(line);
        }
        let rest = line.strip_prefix(word).filter(|rest| rest.starts_with([' ', '\t', '(']))?.trim();
        in_block = rest == "(";
        (!in_block).then_some(rest)
    })
}

pub(super) fn module(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    if !text.lines().any(|line| line.trim_start().starts_with("module")) {
        return Err(UnreadableLock("names no module".to_owned()));
    }
    let required = directives(text, "require").filter_map(|line| line.split_once([' ', '\t']));
    let mut packages: Vec<Package> =
        required.map(|(name, version)| Package::new(Ecosystem::Go, name.trim_matches('"'), version.trim())).collect();
    for line in directives(text, "replace") {
        replace(&mut packages, line);
    }
    Ok(packages)
}

/// Carries out `old [v1] => new v2` or `old => ../folder`.
fn replace(packages: &mut [Package], line: &str) {
    let Some((old, new)) = line.split_once("=>") else { return };
    let mut old = old.split_whitespace();
    let (Some(name), version) = (old.next(), old.next()) else { return };
    let mut new = new.split_whitespace();
    let Some(place) = new.next() else { return };
    let is_meant = |it: &&mut Package| it.name == name && version.is_none_or(|version| it.version == version);
    let Some(package) = packages.iter_mut().find(is_meant) else { return };
    match new.next() {
        None => package.origin = Origin::Path(place.to_owned()),
        Some(version) if place == name => version.clone_into(&mut package.version),
        Some(version) => {
            package.name = place.to_owned();
            package.version = version.to_owned();
            package.origin = Origin::Git(place.to_owned());
        }
    }
}

/// Reads the hashes. A module's own files and its `go.mod` are hashed apart.
pub(super) fn sums(text: &str) -> Vec<Package> {
    let mut packages: std::collections::BTreeMap<(&str, &str), Package> = std::collections::BTreeMap::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(name), Some(version), Some(hash)) = (words.next(), words.next(), words.next()) else { continue };
        let (version, part) = version.strip_suffix("/go.mod").map_or((version, "module"), |it| (it, "go.mod"));
        let package = packages.entry((name, version)).or_insert_with(|| Package::new(Ecosystem::Go, name, version));
        package.integrity.insert((part.to_owned(), hash.to_owned()));
    }
    packages.into_values().collect()
}
