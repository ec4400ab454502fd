//! The project's own tools: compilers, type checkers and linters that are installed on this machine, or in the project.
//!
//! [`run_tools`] runs each that has something to say about a change, on the state before it and the state after it, and
//! reports both; what is new is decided elsewhere. To add a tool: write `tools/<name>.rs` with what is known about it, and
//! add a line to [`ALL`].
//!
//! Everything that a repository holds may be hostile, and most tools run code of the project they look at. So they run in
//! the sandbox, without a network, on copies; their output is data; and how strict they are is read from the state before
//! the change, so that no change can loosen its own judge (see [`JudgedTree`]).
//!
//! [`affected_tests`] says which tests can notice a change.

mod affected_tests;
mod bandit;
mod biome;
mod cache;
mod cargo;
pub(crate) mod copy;
mod eslint;
mod find;
mod findings;
mod gitleaks;
mod go;
mod imports;
mod javac;
mod judge;
mod kind;
mod mypy;
mod output;
mod oxlint;
mod pyright;
mod ruff;
mod run;
mod semgrep;
mod shellcheck;
mod tsc;
mod ty;

pub use affected_tests::{Selection, affected_tests};
pub use judge::JudgedTree;
pub use kind::{Scope, Start, ToolKind};
pub use output::{Capture, Diagnostic, Reading};
pub use run::{Progress, ToolReports, ToolSetup, run_tools};

/// Every tool that is known, the quickest first.
pub const ALL: &[ToolKind] = &[
    ruff::KIND,
    shellcheck::KIND,
    oxlint::KIND,
    biome::KIND,
    bandit::KIND,
    gitleaks::KIND,
    eslint::KIND,
    ty::KIND,
    javac::KIND,
    mypy::KIND,
    pyright::KIND,
    tsc::KIND,
    semgrep::KIND,
    go::VET,
    go::STATICCHECK,
    cargo::CHECK,
    cargo::CLIPPY,
];

#[cfg(test)]
mod tests;
