//! Runs the crate against the real git program.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "the git program makes the repositories to test on")]

mod apply;
mod checkout;
mod comparison;
mod escapes;
mod export;
mod fixture;
mod history;
mod paths_opened;
mod worktree;
