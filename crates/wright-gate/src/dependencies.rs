//! The packages that a project takes from others: which a change brings in, and which of them are known to be vulnerable.
//!
//! [`changes`] compares the lock files and manifests of the two sides of a change: new, older, loosened and swapped packages.
//! [`advisories`] looks up every locked package in a database of advisories that lies on this machine. Nothing here reaches
//! a network, runs a package manager or trusts a lock file: what it says is data.
//!
//! `lock_files` and `manifests` read one format per file, `versions` orders versions as each ecosystem does, and
//! [`import_zip`] makes a database out of a published archive.

mod advisory;
mod changes;
mod database;
mod exposure;
mod import;
mod lock_files;
mod lock_step;
mod manifests;
mod package;
mod versions;
mod vulnerable;

pub use advisory::{Advisory, Exposure};
pub use changes::{Change, NAME as CHANGES, PackageChange, changes, package_changes};
pub use database::{AdvisoryDatabase, AdvisoryError};
pub use import::{Imported, import_zip};
pub use lock_files::{LockFormat, UnreadableLock};
pub use package::{Ecosystem, Origin, Package, packages};
pub use versions::compare;
pub use vulnerable::{MAX_AGE_DAYS, NAME as ADVISORIES, advisories};

/// Returns the line that names a package, for a person to look at: the first one that holds its name as a whole word, and
/// of those the first that has the version on it or close below.
fn line_naming(text: &str, name: &str, version: &str) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut naming = (0..lines.len()).filter(|&at| has_word(lines[at], name)).take(1_000).peekable();
    let first = *naming.peek()?;
    let has_version =
        |at: &usize| lines[*at..].iter().take(4).any(|line| !version.is_empty() && line.contains(version));
    Some(naming.find(has_version).unwrap_or(first) + 1)
}

/// Returns whether a line has `word`, and no longer word around it.
fn has_word(line: &str, word: &str) -> bool {
    let is_part = |letter: Option<char>| letter.is_some_and(|it| it.is_alphanumeric() || matches!(it, '_' | '-' | '.'));
    !word.is_empty()
        && line
            .match_indices(word)
            .any(|(at, _)| !is_part(line[..at].chars().next_back()) && !is_part(line[at + word.len()..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_package_is_the_one_with_its_whole_name_and_its_version() {
        let text = "name = \"left-pad\"\nname = \"pad\"\nversion = \"1.0\"\nname = \"pad\"\nversion = \"2.0\"\n";
        assert_eq!(line_naming(text, "pad", "2.0"), Some(2));
        assert_eq!(line_naming("\"pad\": \"1\"\n\n\n\n\"pad\": \"2.0\"", "pad", "2.0"), Some(5));
        assert_eq!(line_naming(text, "pa", "1.0"), None);
    }
}
