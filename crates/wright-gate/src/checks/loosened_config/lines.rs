//! The lines that a change adds to a file and takes from it, without those that only move.

use std::collections::BTreeMap;
use std::path::Path;

use crate::change::FileDelta;

/// One file's changed lines, trimmed, with their numbers.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    pub(super) path: &'a Path,
    /// The name, in lower case.
    pub(super) name: String,
    /// The whole path, in lower case.
    pub(super) place: String,
    pub(super) added: Vec<(usize, &'a str)>,
    pub(super) removed: Vec<(usize, &'a str)>,
    pub(super) before: &'a str,
    pub(super) after: &'a str,
}

impl<'a> Lines<'a> {
    /// Compares both sides of a file.
    pub(super) fn of(file: &'a FileDelta) -> Self {
        let (before, after) = (file.text_before(), file.text_after());
        let name = file.path.file_name().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default();
        let place = file.path.to_string_lossy().to_lowercase();
        Self {
            path: &file.path,
            name,
            place,
            added: beyond(after, before),
            removed: beyond(before, after),
            before,
            after,
        }
    }

    /// Says whether the file exists on both sides.
    pub(super) fn is_changed(&self) -> bool {
        !self.before.is_empty() && !self.after.is_empty()
    }
}

/// Returns the lines that a text has more often than another.
fn beyond<'t>(text: &'t str, other: &str) -> Vec<(usize, &'t str)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in other.lines() {
        *counts.entry(line.trim()).or_default() += 1;
    }
    let mut found = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        match counts.get_mut(line) {
            Some(count) if *count > 0 => *count -= 1,
            _ if line.is_empty() => {}
            _ => found.push((index + 1, line)),
        }
    }
    found
}
