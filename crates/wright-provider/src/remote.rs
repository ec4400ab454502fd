//! HTTP providers: OpenAI (and everything that speaks its protocol), Anthropic, Gemini and Ollama.
//!
//! A [`RemoteProvider`] opens no connection until it is asked something. It retries only while nothing of the answer
//! has arrived, trusts neither the length nor the shape of an answer, and keeps the key out of errors and logs.
//!
//! It answers [`crate::Prompt::Chat`] only. The wire formats are the `genai` crate's; this folder is the only place that
//! knows it. `target` says where a request goes, `feed` reads one answer, `failure` explains what went wrong and
//! `candidate` turns one answer into events.

mod candidate;
mod failure;
mod feed;
mod secret;
mod target;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{Stream, StreamExt, TryStreamExt, stream};

use self::candidate::{Piece, candidate};
use self::feed::Connection;
pub use self::secret::Secret;
use crate::provider::nothing_written;
use crate::{Capabilities, CompletionStream, Event, ModelSpec, Price, Prompt, Provider, ProviderError, Request, Usage};

/// How many candidates of one request are asked for at the same time.
const MAX_CONCURRENT_CANDIDATES: usize = 4;

/// A model behind an HTTP address.
pub struct RemoteProvider {
    connection: Arc<Connection>,
    price: Option<Price>,
}

impl RemoteProvider {
    /// Returns a provider for `spec`. Opens no connection.
    ///
    /// The provider part of `spec` is `openai`, `openai-responses`, `anthropic`, `gemini` or `ollama`; `openai` with
    /// [`RemoteConfig::base_url`] is any server that speaks the chat-completions protocol. A key is required only where
    /// no base address is given and the provider wants one.
    pub fn new(spec: &ModelSpec, config: RemoteConfig) -> Result<Self, ProviderError> {
        let price = config.price;
        Ok(Self { connection: Arc::new(Connection::new(spec, config)?), price })
    }

    /// Returns what `usage` cost in US dollars, where the price is known.
    pub fn cost(&self, usage: Usage) -> Option<f64> {
        self.price.map(|price| price.cost(usage))
    }
}

impl std::fmt::Debug for RemoteProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RemoteProvider").field("model", &self.model()).finish_non_exhaustive()
    }
}

/// Where a remote model is and how patiently it is waited for.
#[derive(Debug, Clone)]
pub struct RemoteConfig {
    /// The address up to and including the version, as in `http://localhost:8080/v1`; the provider's own if `None`.
    pub base_url: Option<String>,
    /// The key, where one is needed.
    pub key: Option<Secret>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How long the first piece of an answer may take, from the moment the request is sent.
    pub first_token_timeout: Duration,
    /// How long each further piece may take.
    pub between_tokens_timeout: Duration,
    /// An answer longer than this, thoughts included, breaks off.
    pub max_answer_bytes: usize,
    /// How often a request is repeated when the server is unreachable, overloaded or broken.
    pub retries: usize,
    /// What the model costs, where it is known.
    pub price: Option<Price>,
}

impl Default for RemoteConfig {
    fn default() -> Self {
        Self {
            base_url: None,
            key: None,
            connect_timeout: Duration::from_secs(10),
            first_token_timeout: Duration::from_secs(120),
            between_tokens_timeout: Duration::from_secs(60),
            max_answer_bytes: 1 << 20,
            retries: 3,
            price: None,
        }
    }
}

#[async_trait]
impl Provider for RemoteProvider {
    fn model(&self) -> &str {
        self.connection.model()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { fills_in_the_middle: false, ranks: false, context_window: 0 }
    }

    /// Returns once the first piece has arrived, so that what goes wrong before it is an error here, not in the stream.
    async fn complete(&self, request: Request) -> Result<CompletionStream, ProviderError> {
        let messages = match request.prompt {
            Prompt::Chat { messages, prefill: _ } => Arc::new(messages),
            Prompt::FillInTheMiddle { .. } => return Err(self.unsupported("filling in the middle")),
            Prompt::Raw { .. } => return Err(self.unsupported("continuing raw text")),
        };
        if request.sampling.max_tokens == 0 {
            return Ok(nothing_written(Usage::default()));
        }
        let sampling = Arc::new(request.sampling);
        let candidates: Vec<_> = (0..sampling.n_candidates.max(1))
            .map(|idx| candidate(&self.connection, &messages, &sampling, idx).boxed())
            .collect();
        let pieces = stream::iter(candidates).flatten_unordered(MAX_CONCURRENT_CANDIDATES);
        let mut events = Box::pin(merge(pieces));
        let first = events.try_next().await?;
        Ok(stream::iter(first.map(Ok)).chain(events).boxed())
    }
}

impl RemoteProvider {
    fn unsupported(&self, what: &'static str) -> ProviderError {
        ProviderError::Unsupported { model: self.model().to_owned(), what }
    }
}

/// Joins the pieces of all candidates into one stream of events with one total at its end. Ends at the first error.
fn merge(
    pieces: impl Stream<Item = Result<Piece, ProviderError>> + Send,
) -> impl Stream<Item = Result<Event, ProviderError>> + Send {
    // No state is left once the total has been told, which ends the stream.
    stream::try_unfold(Some((Box::pin(pieces), Usage::default())), |state| async move {
        let Some((mut pieces, mut total)) = state else { return Ok(None) };
        loop {
            match pieces.try_next().await? {
                Some(Piece::Event(event)) => return Ok(Some((event, Some((pieces, total))))),
                Some(Piece::Usage(usage)) => total += usage,
                None => return Ok(Some((Event::Finished(total), None))),
            }
        }
    })
}
