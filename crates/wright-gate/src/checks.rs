//! The checks, one file each. A check takes a [`Change`] and returns the findings that the change introduces.
//!
//! To add one: write `checks/<name>.rs` with a `check` function, and add a line to [`STATIC`].

pub mod endpoints;
pub mod no_secrets;
pub mod packages;
pub mod parses;
pub mod paths_exist;
pub mod protected_paths;
pub mod settings;
pub mod sql_schema;
pub mod symbols;
pub mod tests_run;

use std::path::Path;

use wright_text::{FileChange, Patch};

use crate::Finding;

/// One file before and after a change; what most checks look at.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The file, relative to the repository.
    pub path: &'a Path,
    /// Its text before; empty for a new file.
    pub before: &'a str,
    /// Its text after; empty for a deleted file.
    pub after: &'a str,
}

/// A check that needs nothing but the change itself.
pub struct StaticCheck {
    /// Its name in findings and receipts.
    pub name: &'static str,
    /// What a pass means, for the receipt.
    pub promise: &'static str,
    /// The check.
    pub check: fn(Change<'_>) -> Vec<Finding>,
}

/// Every check that runs in memory, cheapest first.
pub const STATIC: &[StaticCheck] = &[
    StaticCheck {
        name: protected_paths::NAME,
        promise: "no test, test configuration or trust file changed",
        check: protected_paths::check,
    },
    StaticCheck { name: parses::NAME, promise: "every changed file parses no worse than before", check: parses::check },
    StaticCheck { name: no_secrets::NAME, promise: "no secret added", check: no_secrets::check },
    StaticCheck {
        name: tests_run::NAME,
        promise: "no code added that skips, ends or detects a test run",
        check: tests_run::check,
    },
];

/// Runs every static check over every file of `patch`.
pub fn run_static(patch: &Patch) -> Vec<Finding> {
    let changes = patch.files.iter().map(|(path, change)| view(path, change));
    changes.flat_map(|change| STATIC.iter().flat_map(move |it| (it.check)(change))).collect()
}

fn view<'a>(path: &'a Path, change: &'a FileChange) -> Change<'a> {
    Change {
        path,
        before: change.before.as_deref().unwrap_or_default(),
        after: change.after.as_deref().unwrap_or_default(),
    }
}
