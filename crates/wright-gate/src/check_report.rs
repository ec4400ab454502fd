//! What one check did: what it looked at, with which tool, what it found, and what it could not look at.

use std::path::PathBuf;
use std::time::Duration;

use crate::Finding;

/// The account of one check. A file that is not in `analysed` was not looked at, whatever the findings say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckReport {
    /// The check.
    pub check: &'static str,
    /// The program that did it, where it was not this one.
    pub tool: Option<Tool>,
    /// How far it got.
    pub status: CheckStatus,
    /// The files it looked at, relative to the repository.
    pub analysed: Vec<PathBuf>,
    /// How long it took.
    pub duration: Duration,
    /// What it found in the state before the change, where it looked at both; empty for a check that compares by itself.
    pub before: Vec<Finding>,
    /// What it found in the changed state.
    pub after: Vec<Finding>,
}

impl CheckReport {
    /// Returns the account of a check that did not run, with why: a lowercase fragment.
    pub fn not_run(check: &'static str, reason: impl Into<String>) -> Self {
        Self { status: CheckStatus::NotRun(reason.into()), ..Self::ran(check) }
    }

    /// Returns the account of a check that ran and has nothing to say yet.
    pub fn ran(check: &'static str) -> Self {
        Self {
            check,
            tool: None,
            status: CheckStatus::Ran,
            analysed: Vec::new(),
            duration: Duration::ZERO,
            before: Vec::new(),
            after: Vec::new(),
        }
    }
}

/// A program that a check ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// Its version, as it says itself.
    pub version: String,
}

/// How far a check got. Only [`CheckStatus::Ran`] means that all it was to look at was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckStatus {
    /// It looked at everything it was to look at.
    Ran,
    /// It left files out: which, and why.
    Partial(Vec<(PathBuf, String)>),
    /// It did not run: why.
    NotRun(String),
    /// It began and failed: how.
    Failed(String),
}
