//! The order of versions, as each ecosystem publishes it.
//!
//! A version that does not follow the ecosystem's rules has no order: the answer is then `None`, never a guess.

mod maven;

use std::cmp::Ordering;
use std::str::FromStr;

use super::Ecosystem;

/// Compares two versions of one package.
pub fn compare(ecosystem: Ecosystem, a: &str, b: &str) -> Option<Ordering> {
    match ecosystem {
        Ecosystem::Cargo | Ecosystem::Npm => Some(semantic(a)?.cmp_precedence(&semantic(b)?)),
        Ecosystem::Go => Some(go(a)?.cmp_precedence(&go(b)?)),
        Ecosystem::PyPi => {
            Some(pep440_rs::Version::from_str(a.trim()).ok()?.cmp(&pep440_rs::Version::from_str(b.trim()).ok()?))
        }
        Ecosystem::Maven => maven::compare(a, b),
    }
}

/// Reads a semantic version; parts that are left out are zero, as npm and advisories write them.
fn semantic(text: &str) -> Option<semver::Version> {
    let text = text.trim().trim_start_matches(['v', '=']);
    if let Ok(version) = semver::Version::parse(text) {
        return Some(version);
    }
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (numbers, rest) = text.split_at(end);
    let n_missing = 3usize.checked_sub(numbers.split('.').count())?;
    semver::Version::parse(&format!("{numbers}{}{rest}", ".0".repeat(n_missing))).ok()
}

/// Reads a version of a module, or of the language itself, such as `go1.22rc1`.
fn go(text: &str) -> Option<semver::Version> {
    let Some(release) = text.trim().strip_prefix("go") else { return semantic(text) };
    let end = release.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(release.len());
    let (numbers, stage) = release.split_at(end);
    let stage_number = stage.find(|letter: char| letter.is_ascii_digit()).unwrap_or(stage.len());
    let (name, number) = stage.split_at(stage_number);
    let dash = if stage.is_empty() { "" } else { "-" };
    let dot = if number.is_empty() { "" } else { "." };
    semantic(&format!("{numbers}{dash}{name}{dot}{number}"))
}

#[cfg(test)]
mod tests;
