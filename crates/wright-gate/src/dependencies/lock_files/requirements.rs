//! Reads `requirements*.txt`: each line a requirement, with options, hashes, markers and continued lines.

use std::path::Path;
use std::str::FromStr;

use pep440_rs::{Operator, VersionSpecifiers};

use crate::dependencies::{Ecosystem, Origin, Package};

/// One requirement, and the line it begins on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::dependencies) struct Line {
    /// The package; empty where the line names only a place.
    pub(in crate::dependencies) name: String,
    /// What follows the name, without marker and hashes.
    pub(in crate::dependencies) specifier: String,
    /// Where it comes from, if it says so.
    pub(in crate::dependencies) place: Option<Origin>,
    /// The hashes.
    pub(in crate::dependencies) hashes: Vec<(String, String)>,
    /// The line, counted from 1.
    pub(in crate::dependencies) line: usize,
}

/// Returns whether a file is read as requirements, by its name and folder.
pub(in crate::dependencies) fn is_requirements(path: &Path) -> bool {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let is_listed = |word: &str| word.contains("requirements") || word == "constraints.txt";
    let in_folder = path.parent().and_then(Path::file_name).is_some_and(|it| it == "requirements");
    name.ends_with(".txt") && (is_listed(name) || in_folder)
}

/// Reads every requirement of a text.
pub(in crate::dependencies) fn lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut pending = String::new();
    let mut start = 1;
    for (number, line) in text.lines().enumerate() {
        if pending.is_empty() {
            start = number + 1;
        }
        match line.strip_suffix('\\') {
            Some(part) => {
                pending.push_str(part);
                pending.push(' ');
            }
            None => {
                pending.push_str(line);
                found.extend(requirement(&std::mem::take(&mut pending), start));
            }
        }
    }
    found.extend(requirement(&pending, start));
    found
}

fn requirement(line: &str, number: usize) -> Option<Line> {
    let line = line.split(" #").next().unwrap_or(line).trim();
    let line = line.strip_prefix("-e ").or_else(|| line.strip_prefix("--editable ")).unwrap_or(line).trim();
    if line.is_empty() || line.starts_with('#') || line.starts_with('-') {
        return None;
    }
    let hashes = line.split_whitespace().filter_map(|word| word.strip_prefix("--hash="));
    let hashes: Vec<(String, String)> =
        hashes.filter_map(|it| it.split_once(':')).map(|(kind, hash)| (kind.to_owned(), hash.to_owned())).collect();
    let wish = line.split(" --").next().unwrap_or(line);
    let (name, rest) = name_and_rest(wish);
    let place = rest.trim_start().strip_prefix('@').map(str::trim).or_else(|| is_place(wish).then_some(wish));
    let place = place.map(|it| origin(it.split(" ;").next().unwrap_or(it).trim()));
    let specifier = if place.is_some() { "" } else { rest.split(';').next().unwrap_or(rest).trim() };
    let name = if is_place(wish) { egg(wish).unwrap_or_default() } else { name };
    Some(Line { name: Ecosystem::PyPi.normalized(name), specifier: specifier.to_owned(), place, hashes, line: number })
}

/// Splits a requirement after its name and extras.
pub(in crate::dependencies) fn name_and_rest(wish: &str) -> (&str, &str) {
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let end = wish.find(|letter| !is_name(letter)).unwrap_or(wish.len());
    let rest = wish[end..].trim_start();
    let rest = if rest.starts_with('[') { rest.split_once(']').map_or("", |(_, rest)| rest) } else { rest };
    (&wish[..end], rest.trim())
}

fn is_place(wish: &str) -> bool {
    wish.contains("://") && !wish.contains(" @ ") || wish.starts_with('.') || wish.starts_with('/')
}

fn egg(wish: &str) -> Option<&str> {
    let (_, name) = wish.split_once("#egg=")?;
    name.split(['&', '[']).next()
}

/// Returns what kind of place an address is.
pub(in crate::dependencies) fn origin(place: &str) -> Origin {
    let is_git = place.starts_with("git+") || place.starts_with("git://");
    match () {
        () if is_git => Origin::Git(place.to_owned()),
        () if place.starts_with("http://") || place.starts_with("https://") => Origin::Url(place.to_owned()),
        () => Origin::Path(place.to_owned()),
    }
}

/// Returns the one version that a specifier allows.
pub(in crate::dependencies) fn exact(specifier: &str) -> Option<String> {
    let specifier = specifier.trim().trim_start_matches('(').trim_end_matches(')');
    let parsed = VersionSpecifiers::from_str(specifier).ok()?;
    let exact = parsed.iter().find(|it| matches!(it.operator(), Operator::Equal | Operator::ExactEqual))?;
    Some(exact.version().to_string())
}

/// Returns the packages of a text that are held at one version or come from a place.
pub(super) fn pinned(text: &str) -> Vec<Package> {
    let package = |line: Line| {
        let version = exact(&line.specifier).or(line.place.is_some().then(String::new))?;
        let named = if line.name.is_empty() { "(unnamed)" } else { &line.name };
        Some(Package {
            origin: line.place.unwrap_or(Origin::Registry(None)),
            integrity: line.hashes.into_iter().collect(),
            ..Package::new(Ecosystem::PyPi, named, &version)
        })
    };
    lines(text).into_iter().filter_map(package).collect()
}
