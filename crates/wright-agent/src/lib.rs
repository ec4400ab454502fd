//! A task becomes a patch that the gate verified, or a refusal that says why.
//!
//! [`fix`] mends failing tests, [`ask`] answers a question with code blocks checked, [`generate`] writes a function from its
//! description, [`assistant`] explains, fixes and tests what is under the cursor of an editor. Small models do not drive: the
//! program localizes, asks for small pieces, and lets the tests judge. Each step is recorded in the store before it is acted
//! on.
//!
//! This crate knows no editor, no HTTP and no terminal: it reports [`Event`]s and returns values.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod ask;
pub mod assistant;
pub mod boundary;
pub mod fix;
pub mod generate;
pub mod mcp;
pub mod receipt;
pub mod setup;
pub mod stored_patch;
pub mod toolchains;

mod edit_function;
mod event;
mod explain;
mod spliced;
mod write_test;

pub use event::{Event, Place, Reporter, Tried};
pub use toolchains::Toolchains;

use wright_gate::GateError;
use wright_provider::ProviderError;
use wright_repo::RepoError;
use wright_sandbox::SandboxError;
use wright_store::StoreError;

use setup::SetupError;

/// Why a task could not be worked on. A task that was worked on without success is a refusal, not an error.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// No test command was given and none was recognized.
    #[error("no test command found in {root:?}")]
    NoTestCommand {
        /// The repository.
        root: std::path::PathBuf,
    },
    /// The test command itself could not be run.
    #[error("cannot run `{command}` in the sandbox: {what}")]
    TestCommand {
        /// The command.
        command: String,
        /// What went wrong.
        what: String,
    },
    /// The checkout has changes that a worktree at the base commit would not contain.
    #[error("the checkout has {n} uncommitted change{s}: {first}", n = paths.len(), s = if paths.len() == 1 { "" } else { "s" }, first = first_paths(paths))]
    DirtyCheckout {
        /// The changed files.
        paths: Vec<std::path::PathBuf>,
    },
    /// The file to explain or complete cannot be used.
    #[error("cannot use {path:?}: {what}")]
    File {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        what: String,
    },
    /// A folder for the task could not be made or written.
    #[error("cannot write {path:?}: {source}")]
    Io {
        /// Where.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The model could not be asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The gate could not judge.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The repository could not be read or written.
    #[error(transparent)]
    Repo(#[from] RepoError),
    /// The sandbox refused to run a command.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// Missing dependencies could not be fetched.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A step could not be recorded, so it was not taken.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AgentError {
    /// Returns what to try next, as a sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoTestCommand { .. } => {
                Some("Name it after `--`, for example `wright fix -- python3 -m pytest`.".to_owned())
            }
            Self::TestCommand { .. } => {
                Some("Check that the program is installed; `wright doctor` shows what the sandbox can see.".to_owned())
            }
            Self::DirtyCheckout { .. } => {
                Some("Commit or stash them first: `git stash --include-untracked`.".to_owned())
            }
            Self::File { .. } => None,
            Self::Io { .. } => Some("Free some space, or set WRIGHT_HOME to a folder that can be written.".to_owned()),
            Self::Provider(error) => error.hint(),
            Self::Gate(GateError::Repo(error)) | Self::Repo(error) => error.hint().map(str::to_owned),
            Self::Gate(GateError::Sandbox(error)) | Self::Sandbox(error) => error.hint().map(str::to_owned),
            Self::Setup(error) => error.hint(),
            Self::Store(error) => error.hint(),
        }
    }
}

fn first_paths(paths: &[std::path::PathBuf]) -> String {
    let mut shown: Vec<String> = paths.iter().take(3).map(|it| it.display().to_string()).collect();
    if paths.len() > 3 {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
