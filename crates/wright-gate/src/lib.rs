//! Decides whether a change may reach a user.
//!
//! A change is judged by [`checks`]; each reports [`Finding`]s; findings that the state before the change already had do
//! not count. What remains is a [`Verdict`]. A change that passes leaves as [`Verified`], which nothing else can make.
//!
//! [`pipeline`] runs the checks over any change, whoever wrote it; [`ratchet`] tells what is new, [`policy`] what counts,
//! [`assessment`] what follows, and [`formats`] how it is written down.
//!
//! [`quick`] judges an edit in memory, between two keystrokes. [`full`] judges a patch in a worktree, with the project's
//! own tests, inside the sandbox.
//!
//! This crate never asks a model, and cannot: no provider is among its dependencies. It does not fix anything either.
//! To add a check, start at [`checks`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod assessment;
pub mod change;
pub mod checks;
pub mod dependencies;
pub mod existence;
pub mod flow;
pub mod formats;
pub mod full;
pub mod input;
pub mod mutation;
pub mod pipeline;
pub mod policy;
pub mod quick;
pub mod ratchet;
pub mod receipt;
mod reports;
pub mod secrets;
pub mod suppression;
mod test_run;
pub mod tools;

mod cache;
mod check_report;
mod duplicates;
mod finding;
mod identity;
mod source;
mod tampering;
mod verified;
mod wire;

pub use cache::Cache;

pub use check_report::{CheckReport, CheckStatus, Tool};
pub use finding::{Confidence, Finding, Severity, Span, Step, Verdict};
pub use reports::Report;
pub use source::{MAX_PARSED_BYTES, Source};
pub use test_run::{Comparison, TestRun, TestSetup, TestStatus, run_tests};
pub use verified::{Against, CheckRecord, Verified};

/// Why the gate could not do its work. What it thinks of a change is a [`Verdict`], not an error.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The sandbox refused or failed to run a command.
    #[error(transparent)]
    Sandbox(#[from] wright_sandbox::SandboxError),
    /// The repository or a worktree could not be read or written.
    #[error(transparent)]
    Repo(#[from] wright_repo::RepoError),
}

/// Returns the SHA-256 of `bytes` in hexadecimal.
fn hex_digest(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
