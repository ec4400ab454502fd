//! What can go wrong around a command. A command that fails is an outcome, not an error.

use std::io;
use std::path::PathBuf;

use crate::{LayerKind, Level};

/// Why no command was run, or why its end is not known.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The policy asks for something the sandbox never grants.
    #[error("invalid policy: {reason}")]
    InvalidPolicy {
        /// What is wrong with it.
        reason: String,
    },
    /// The command cannot be started as written.
    #[error("invalid command: {reason}")]
    InvalidCommand {
        /// What is wrong with it.
        reason: String,
    },
    /// The machine isolates less than the policy demands.
    #[error("sandbox level {reached} reached, {required} required; missing: {}", names(.missing))]
    LevelTooLow {
        /// What this machine can do.
        reached: Level,
        /// What the policy demands; never below D.
        required: Level,
        /// The layers that could not be built.
        missing: Vec<LayerKind>,
    },
    /// The helper program could not be started.
    #[error("failed to start the sandbox helper {program:?}: {source}")]
    Helper {
        /// The program that was tried.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A layer that worked during the probe could not be built for this command. The command was not run.
    #[error("failed to build the sandbox{}: {detail}", layer.map_or_else(String::new, |layer| format!(" ({layer})")))]
    Setup {
        /// The layer that failed, if one can be named.
        layer: Option<LayerKind>,
        /// The step and what the system said.
        detail: String,
    },
    /// The helper ended without a report, so nothing is known about the command.
    #[error("lost the sandbox helper: {detail}")]
    Lost {
        /// How the helper ended.
        detail: String,
    },
    /// Talking to the helper failed.
    #[error("failed to talk to the sandbox helper: {0}")]
    Io(#[from] io::Error),
}

impl SandboxError {
    /// Returns what to try next, as a sentence for the user.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::LevelTooLow { .. } => {
                Some("Run `wright doctor` to see each layer of the sandbox and how to enable it.")
            }
            Self::InvalidPolicy { .. } => Some("Choose a folder that holds one project and nothing else."),
            Self::Setup { layer: Some(_), .. } => {
                Some("Run `wright doctor`; the machine may have changed since the program was started.")
            }
            Self::Helper { .. } => Some("Check that the program file was not moved or replaced while it was running."),
            Self::InvalidCommand { .. } | Self::Setup { layer: None, .. } | Self::Lost { .. } | Self::Io(_) => None,
        }
    }
}

fn names(layers: &[LayerKind]) -> String {
    let names: Vec<String> = layers.iter().map(ToString::to_string).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_low_level_names_the_missing_layers_and_the_next_step() {
        let error =
            SandboxError::LevelTooLow { reached: Level::D, required: Level::A, missing: vec![LayerKind::Namespaces] };
        assert_eq!(error.to_string(), "sandbox level D reached, A required; missing: namespaces");
        assert!(error.hint().is_some_and(|hint| hint.contains("wright doctor")));
    }
}
