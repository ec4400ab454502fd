//! What a task reports while it runs. Front ends show it; nothing depends on anyone listening.

use std::path::PathBuf;
use std::sync::Arc;

use wright_gate::{Finding, TestRun};

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The task exists in the store under this id.
    Started {
        /// The id.
        task: String,
        /// The base commit.
        base: String,
        /// The test command.
        command: String,
        /// Why this command.
        reason: String,
    },
    /// Dependencies that are missing are fetched; this run alone has a way out.
    Fetching {
        /// The package client.
        client: &'static str,
    },
    /// They were fetched.
    Fetched {
        /// The package client.
        client: &'static str,
        /// The hosts that were reached.
        hosts: Vec<String>,
    },
    /// The tests ran at the base commit.
    Baseline(TestRun),
    /// The places that are searched, likeliest first.
    Localized(Vec<Place>),
    /// The model reads, or writes, for this purpose.
    Asking {
        /// The purpose, for a person.
        what: String,
    },
    /// A candidate was judged.
    Tried(Tried),
    /// A candidate mends part of the failures and the search goes on from it.
    Progress {
        /// Tests that it mends.
        n_fixed: usize,
        /// Tests that still fail.
        n_failing: usize,
    },
    /// A candidate passes; the gate judges it on a fresh copy.
    Judging,
}

/// A function that may be at fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Place {
    /// Its file.
    pub path: PathBuf,
    /// Its name, with the class before it.
    pub function: String,
    /// Its first line, counted from 1.
    pub line: usize,
    /// How much speaks for it; comparable within one list.
    pub score: f64,
    /// What speaks for it.
    pub reason: String,
}

/// A candidate and what became of it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// How many candidates were tried so far, this one included.
    pub n: usize,
    /// Where it comes from and what it changes, for a person.
    pub what: String,
    /// Why it was refused; empty when it passed.
    pub findings: Vec<Finding>,
    /// Whether the tests were run for it.
    pub was_tested: bool,
}

/// Where events go.
pub type Reporter = Arc<dyn Fn(Event) + Send + Sync>;
