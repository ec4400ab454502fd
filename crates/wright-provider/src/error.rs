//! What can go wrong when a model is asked. Each variant is something a caller does differently.

use std::time::Duration;

/// Why a request was not answered.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Prompt and completion do not fit the model's context window; nothing was sent.
    #[error(
        "prompt of {prompt_tokens} tokens plus {max_tokens} for the answer exceeds the context of {context_window} tokens of {model:?}"
    )]
    ContextExceeded {
        /// The model.
        model: String,
        /// Length of the prompt.
        prompt_tokens: usize,
        /// Room asked for the answer.
        max_tokens: usize,
        /// What the model has.
        context_window: usize,
    },
    /// The provider cannot do this at all.
    #[error("{model:?} does not support {what}")]
    Unsupported {
        /// The model.
        model: String,
        /// What was asked of it.
        what: &'static str,
    },
    /// The model name, the address or the key is wrong.
    #[error("{message}")]
    Configuration {
        /// What is wrong.
        message: String,
    },
    /// The model's weights are not on this machine.
    #[error("model {id:?} is not on this machine")]
    ModelMissing {
        /// The model's id in the catalogue.
        id: String,
    },
    /// Nothing answered at the address, or the worker could not be started.
    #[error("cannot reach {model:?}: {message}")]
    Unreachable {
        /// The model.
        model: String,
        /// What the system said.
        message: String,
    },
    /// The provider answered with an error.
    #[error("{model:?} answered with status {status}: {message}")]
    Refused {
        /// The model.
        model: String,
        /// The HTTP status.
        status: u16,
        /// The provider's words, shortened.
        message: String,
        /// How long the provider asks us to wait.
        retry_after: Option<Duration>,
    },
    /// The answer broke off after it had begun. It is not retried, because part of it was already used.
    #[error("answer of {model:?} broke off: {message}")]
    BrokeOff {
        /// The model.
        model: String,
        /// What the system said.
        message: String,
    },
    /// No answer, or no further piece of one, within the time allowed.
    #[error("{model:?} did not answer within {} s", limit.as_secs())]
    TimedOut {
        /// The model.
        model: String,
        /// The time allowed.
        limit: Duration,
    },
    /// A replay has no recorded answer for this request.
    #[error("no recorded answer for request {digest} in {path:?}")]
    NotRecorded {
        /// Digest of the request.
        digest: String,
        /// The recording.
        path: String,
    },
}

impl ProviderError {
    /// Returns what to try next, as a sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::ContextExceeded { .. } => Some(
                "Show the model less (fewer or smaller files), or choose a model with a larger context.".to_owned(),
            ),
            Self::Unsupported { .. } => {
                Some("Choose another model with `--model`; `wright model list` shows them.".to_owned())
            }
            Self::Configuration { .. } => {
                Some("A model is written PROVIDER:NAME, for example `local:qwen2.5-coder-1.5b`.".to_owned())
            }
            Self::ModelMissing { id } => Some(format!("Run `wright model pull {id}`.")),
            Self::Unreachable { .. } => {
                Some("Check the address (`--base-url`) and that the server is running.".to_owned())
            }
            Self::Refused { status: 401 | 403, .. } => {
                Some("Set the key in WRIGHT_API_KEY or the provider's usual variable.".to_owned())
            }
            Self::Refused { status: 404, .. } => Some("Check the model's name and `--base-url`.".to_owned()),
            Self::Refused { .. } | Self::BrokeOff { .. } | Self::TimedOut { .. } => {
                Some("Try again; if it keeps happening, `wright doctor` shows what is reachable.".to_owned())
            }
            Self::NotRecorded { .. } => None,
        }
    }
}
