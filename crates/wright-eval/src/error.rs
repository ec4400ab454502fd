//! What can go wrong around an evaluation. A task that is not solved is a result, not an error.

use std::path::PathBuf;

use wright_agent::AgentError;
use wright_gate::GateError;
use wright_provider::ProviderError;
use wright_repo::RepoError;
use wright_sandbox::SandboxError;

/// Why an evaluation ended early.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// The tasks cannot be read.
    #[error("cannot read tasks from {path:?}: {source}")]
    Tasks {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// There are no tasks.
    #[error("no tasks in {path:?}")]
    NoTasks {
        /// The file or folder.
        path: PathBuf,
    },
    /// The tasks are of no format that this kind of evaluation knows.
    #[error("{path:?} holds no tasks for `eval {kind}`; known formats: {known}")]
    UnknownFormat {
        /// The file.
        path: PathBuf,
        /// The kind of evaluation.
        kind: &'static str,
        /// The formats it knows.
        known: &'static str,
    },
    /// One line is not a task.
    #[error("{}:{line}: {message}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        message: String,
    },
    /// A file is no recorded typing that this version can replay.
    #[error("cannot replay {path:?}: {message}")]
    Trace {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// An earlier report cannot be compared with.
    #[error("cannot compare with {path:?}: {message}")]
    Baseline {
        /// The file.
        path: PathBuf,
        /// Why not.
        message: String,
    },
    /// No trace has such a language or manner.
    #[error("no trace is called {word:?}")]
    NoSuchTrace {
        /// The word.
        word: String,
    },
    /// The server that is measured for comparison does not answer as it must.
    #[error("cannot measure the peer at {url:?}: {message}")]
    Peer {
        /// Its address.
        url: String,
        /// What went wrong.
        message: String,
    },
    /// The report cannot be read or written.
    #[error("cannot write the report {path:?}: {source}")]
    Output {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file for the report exists and is something else.
    #[error("{path:?} exists and is not a report of an evaluation: {message}")]
    NotAReport {
        /// The file.
        path: PathBuf,
        /// How that was seen.
        message: String,
    },
    /// A file of a task cannot be written in the work folder.
    #[error("cannot write {path:?}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The repository of a task could not be made.
    #[error("cannot make a repository of the task: {message}")]
    Repository {
        /// What git said.
        message: String,
    },
    /// The task's own tests could not be run.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The model could not be asked.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// The task could not be worked on.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// The repository of a task could not be read.
    #[error(transparent)]
    Repo(#[from] RepoError),
}

impl EvalError {
    /// Returns what to try next, as a sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Tasks { .. } | Self::NoTasks { .. } => {
                Some("Name a file of JSON lines, or a folder that holds such files, with `--tasks`.".to_owned())
            }
            Self::UnknownFormat { .. } => {
                Some("Name one set of tasks, and the kind of evaluation it is made for.".to_owned())
            }
            Self::Line { .. } => {
                Some("Each line is one JSON object; the README of the set names its fields.".to_owned())
            }
            Self::Trace { .. } => Some("`evals/completion/README.md` describes the format of traces.".to_owned()),
            Self::Baseline { .. } => Some("Name a report that `wright eval typing --output` has written.".to_owned()),
            Self::NoSuchTrace { .. } => {
                Some("Name a language or a manner, such as `python` or `jumped`, with `--only`.".to_owned())
            }
            Self::Peer { .. } => {
                Some("Start it with `evals/completion/peer.py`, which prints the address to use.".to_owned())
            }
            Self::Output { .. } => Some("Choose another place with `--output`, or free some space.".to_owned()),
            Self::NotAReport { .. } => Some("Choose another file with `--output`, or move this one away.".to_owned()),
            Self::Io { .. } => Some("Free some space, or set WRIGHT_HOME to a folder that can be written.".to_owned()),
            Self::Repository { .. } => {
                Some("Check that `git` is installed; `wright doctor` shows what the sandbox sees.".to_owned())
            }
            Self::Sandbox(error) => error.hint().map(Into::into),
            Self::Provider(error) => error.hint(),
            Self::Agent(error) => error.hint(),
            Self::Repo(error) => error.hint().map(Into::into),
        }
    }

    /// Returns whether other tasks may go well though this one did not.
    pub(crate) fn concerns_one_task(&self) -> bool {
        match self {
            Self::Provider(error) | Self::Agent(AgentError::Provider(error)) => is_passing(error),
            _ => false,
        }
    }
}

/// Returns whether the next request may succeed although this one did not.
fn is_passing(error: &ProviderError) -> bool {
    match error {
        ProviderError::ContextExceeded { .. } | ProviderError::BrokeOff { .. } | ProviderError::TimedOut { .. } => true,
        ProviderError::Refused { status, .. } => !matches!(status, 401 | 403 | 404),
        ProviderError::Unsupported { .. }
        | ProviderError::Configuration { .. }
        | ProviderError::ModelMissing { .. }
        | ProviderError::Unreachable { .. }
        | ProviderError::NotRecorded { .. } => false,
    }
}

impl From<GateError> for EvalError {
    fn from(error: GateError) -> Self {
        Self::Agent(AgentError::Gate(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trouble_that_may_pass_is_left_to_the_task() {
        let broken = ProviderError::BrokeOff { model: "m".to_owned(), message: "cut".to_owned() };
        assert!(EvalError::from(broken).concerns_one_task());
        let wrong_key =
            ProviderError::Refused { model: "m".to_owned(), status: 401, message: String::new(), retry_after: None };
        assert!(!EvalError::from(wrong_key).concerns_one_task());
        let missing = ProviderError::ModelMissing { id: "m".to_owned() };
        assert!(!EvalError::Agent(AgentError::Provider(missing)).concerns_one_task());
    }
}
