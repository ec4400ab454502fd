//! What kind of project this is: how it is tested, which files are tests, and which files deserve distrust.
//!
//! Everything here looks at names and at text. Nothing is executed, and nothing is decided: a command is a proposal with
//! its reason. What makes a path protected is in [`crate::protected`].

mod classify;
mod detect;
mod paths;
mod sources;

pub use classify::classify;
pub use detect::detect;
pub use paths::{is_build_output, is_protected_path, is_test_path};
pub(crate) use sources::{is_readable_source, may_be_source};

use std::path::PathBuf;

/// A command that runs a project's tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestCommand {
    /// The program and its arguments.
    pub argv: Vec<String>,
    /// What runs the tests, which says how to read the output.
    pub kind: TestKind,
    /// The file that made this command the choice, and what about it, as a phrase for people.
    pub reason: String,
    /// The folder to run it in, from the root of the project; empty for the root itself.
    pub dir: PathBuf,
}

/// What runs the tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TestKind {
    /// pytest
    Pytest,
    /// Python's own `unittest`
    Unittest,
    /// `cargo test` or `cargo nextest`
    Cargo,
    /// `node --test`
    Node,
    /// A script of a `package.json`, or the runner that it names
    Npm(NpmRunner),
    /// `go test`
    Go,
    /// Maven
    Maven,
    /// Gradle
    Gradle,
    /// A target of a makefile
    Make,
    /// Anything else
    Custom,
}

/// What a script of a `package.json` runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NpmRunner {
    /// Jest
    Jest,
    /// Vitest
    Vitest,
    /// Mocha
    Mocha,
    /// `node --test`
    NodeTest,
    /// Anything else
    Other,
}
