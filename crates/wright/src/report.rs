//! How an error looks: `error: …` and `hint: …` on stderr, or one JSON document on stdout.

use std::fmt;

use serde_json::{Value, json};
use wright_agent::AgentError;
use wright_eval::EvalError;
use wright_gate::GateError;
use wright_llama::{DownloadError, ModelError, TuneError};
use wright_provider::ProviderError;
use wright_repo::RepoError;
use wright_sandbox::SandboxError;
use wright_server::ServerError;
use wright_store::StoreError;

use crate::exit_code::ExitCode;
use crate::terminal::{Terminal, Tone, neutral};

/// Why a command did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    exit: ExitCode,
}

impl Failure {
    /// Returns a failure that the arguments, the configuration or the surroundings cause.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit: ExitCode::Usage }
    }

    /// Returns the failure with what to try next, as a sentence.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns the failure with another exit code.
    #[must_use]
    pub(crate) fn exit(mut self, exit: ExitCode) -> Self {
        self.exit = exit;
        self
    }

    /// Returns what to try next.
    pub(crate) fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    fn new(message: String, hint: Option<String>) -> Self {
        Self { message, hint, exit: ExitCode::Usage }
    }

    fn to_json(&self) -> Value {
        json!({ "schema": "wright.error/1", "error": self.message, "hint": self.hint, "exit_code": self.exit as u8 })
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Shows a failure and returns the exit code it calls for.
pub(crate) fn show(terminal: &Terminal, failure: &Failure) -> ExitCode {
    terminal.set_live_line(None);
    if terminal.is_json() {
        terminal.json(&failure.to_json());
        return failure.exit;
    }
    terminal.say(&format!("{} {}", Tone::Bad.err("error:"), neutral(&failure.message)));
    if let Some(hint) = &failure.hint {
        terminal.say(&format!("{} {}", Tone::Note.err("hint:"), neutral(hint)));
    }
    failure.exit
}

/// Makes a panic say in the user's words that it is a bug.
pub(crate) fn install_panic_hook() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(String::new, |it| format!(" at {}:{}", it.file(), it.line()));
        let what = panic.payload_as_str().unwrap_or("no message");
        eprintln!("error: internal error{place}: {}", neutral(what));
        eprintln!("hint: This is a bug in wright. Your files are as they were; please report it with the line above.");
    }));
}

impl From<RepoError> for Failure {
    fn from(error: RepoError) -> Self {
        let message = format!("failed to {error}");
        Self::new(message, error.hint().map(str::to_owned))
    }
}

impl From<SandboxError> for Failure {
    fn from(error: SandboxError) -> Self {
        Self::new(error.to_string(), error.hint().map(str::to_owned))
    }
}

impl From<ProviderError> for Failure {
    fn from(error: ProviderError) -> Self {
        Self::new(error.to_string(), error.hint())
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Self::new(format!("failed to {error}"), Some(error.hint().to_owned()))
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(error.to_string(), error.hint())
    }
}

impl From<ModelError> for Failure {
    fn from(error: ModelError) -> Self {
        Self::new(error.to_string(), Some(error.hint()))
    }
}

impl From<TuneError> for Failure {
    fn from(error: TuneError) -> Self {
        Self::new(error.to_string(), Some(error.hint()))
    }
}

impl From<DownloadError> for Failure {
    fn from(error: DownloadError) -> Self {
        Self::new(error.to_string(), Some(error.hint()))
    }
}

impl From<AgentError> for Failure {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Repo(error) | AgentError::Gate(GateError::Repo(error)) => error.into(),
            AgentError::Provider(error) => error.into(),
            AgentError::Store(error) => error.into(),
            AgentError::Sandbox(error) | AgentError::Gate(GateError::Sandbox(error)) => error.into(),
            error @ (AgentError::NoTestCommand { .. }
            | AgentError::TestCommand { .. }
            | AgentError::DirtyCheckout { .. }
            | AgentError::File { .. }
            | AgentError::Setup(_)
            | AgentError::Io { .. }) => Self::new(error.to_string(), error.hint()),
        }
    }
}

impl From<EvalError> for Failure {
    fn from(error: EvalError) -> Self {
        match error {
            EvalError::Agent(error) => error.into(),
            EvalError::Repo(error) => error.into(),
            error => {
                let hint = error.hint();
                Self::new(error.to_string(), hint)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_repository_reads_as_a_sentence_with_its_hint() {
        let failure = Failure::from(RepoError::NotARepository { path: "/x".into() });
        assert_eq!(failure.to_string(), "failed to find a git repository at \"/x\" or above it");
        assert_eq!(failure.exit, ExitCode::Usage);
        assert!(failure.hint.is_some());
    }

    #[test]
    fn an_error_as_json_names_its_schema_and_exit_code() {
        let failure = Failure::usage("no").hint("Try.").exit(ExitCode::Refused);
        let expected = json!({ "schema": "wright.error/1", "error": "no", "hint": "Try.", "exit_code": 1 });
        assert_eq!(failure.to_json(), expected);
    }
}
