//! Opens the connection for one answer and reads what arrives, within the time allowed.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use futures::StreamExt;
use genai::chat::{ChatOptions, ChatStream, ChatStreamEvent, StopReason as WireStop, StreamEnd, Usage as WireUsage};
use tokio::time::timeout;

use super::RemoteConfig;
use super::failure::{Explainer, Failure};
use super::target::{Dialect, Target, chat_request};
use crate::{Message, ModelSpec, ProviderError, Sampling, StopReason};

/// The longest pause a server may ask for; beyond it we give up, and say how long it wanted.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(30);

/// The pause before the first retry. It doubles each time and some chance is added to it.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The longest pause we choose ourselves.
const MAX_PAUSE: Duration = Duration::from_secs(8);

/// A target and what is needed to reach it.
pub(super) struct Connection {
    target: Target,
    config: RemoteConfig,
    explainer: Explainer,
    /// Made by the first request. Loading the system's certificates takes time, and may fail.
    client: OnceLock<genai::Client>,
    /// Set once the model has refused to be told temperature, seed and the like.
    is_plain: AtomicBool,
}

/// What arrives.
pub(super) enum Incoming {
    /// More text, never empty.
    Text(String),
    /// This many bytes of thought, which are not part of the answer.
    Thought(usize),
    /// The answer is complete.
    End { reason: StopReason, usage: Option<WireUsage> },
}

/// One answer as it arrives.
pub(super) struct Feed {
    stream: ChatStream,
    dialect: Dialect,
    finish: Finish,
}

/// The reason to finish that an OpenAI stream has told. Some servers then close the connection without the `[DONE]` that
/// genai waits for.
type Finish = Arc<OnceLock<WireStop>>;

impl Connection {
    pub(super) fn new(spec: &ModelSpec, config: RemoteConfig) -> Result<Self, ProviderError> {
        let target = Target::new(spec, &config)?;
        let explainer = Explainer { model: spec.to_string(), key: target.key().cloned() };
        Ok(Self { target, config, explainer, client: OnceLock::new(), is_plain: AtomicBool::new(false) })
    }

    pub(super) fn model(&self) -> &str {
        &self.explainer.model
    }

    pub(super) fn explainer(&self) -> &Explainer {
        &self.explainer
    }

    pub(super) fn max_answer_bytes(&self) -> usize {
        self.config.max_answer_bytes
    }

    /// Asks, and waits for the first piece of the answer. Asks again while the server is unreachable, overloaded or
    /// broken; nothing of the answer has been used yet.
    pub(super) async fn open(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        candidate_idx: u32,
    ) -> Result<(Incoming, Feed), ProviderError> {
        (|| self.open_in_either_form(messages, sampling, candidate_idx))
            .retry(self.backoff())
            .when(|failure: &Failure| failure.is_transient)
            .adjust(pause)
            .notify(|failure, pause| tracing::debug!(error = %failure.error, ?pause, "asking again"))
            .await
            .map_err(|failure| failure.error)
    }

    /// Reads the next piece of an answer that has begun.
    pub(super) async fn read(&self, feed: &mut Feed) -> Result<Incoming, ProviderError> {
        let failure = match self.next_within(feed, self.config.between_tokens_timeout).await {
            Ok(Some(incoming)) => return Ok(incoming),
            Ok(None) => return Err(self.explainer.broke_off("the connection ended before the answer did")),
            Err(failure) => failure,
        };
        Err(self.explainer.in_the_middle(failure))
    }

    /// Asks once more without sampling options when the model refuses them, and remembers that it does.
    async fn open_in_either_form(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        candidate_idx: u32,
    ) -> Result<(Incoming, Feed), Failure> {
        let was_plain = self.is_plain.load(Ordering::Relaxed);
        match self.open_once(messages, sampling, candidate_idx, was_plain).await {
            Err(failure) if !was_plain && is_about_sampling(&failure.error) => {
                self.is_plain.store(true, Ordering::Relaxed);
                tracing::debug!(error = %failure.error, "asking without sampling options");
                self.open_once(messages, sampling, candidate_idx, true).await
            }
            outcome => outcome,
        }
    }

    async fn open_once(
        &self,
        messages: &[Message],
        sampling: &Sampling,
        candidate_idx: u32,
        is_plain: bool,
    ) -> Result<(Incoming, Feed), Failure> {
        let finish = Finish::default();
        let options = watched(self.target.options(sampling, candidate_idx, is_plain), Arc::clone(&finish));
        let target = self.target.service().map_err(|error| Failure { error, is_transient: false })?;
        let spec = genai::ModelSpec::from_target(target);
        // Sends nothing yet; the first read does.
        let response = self
            .client()?
            .exec_chat_stream(spec, chat_request(messages), Some(&options))
            .await
            .map_err(|error| self.explainer.explain(error))?;
        let mut feed = Feed { stream: response.stream, dialect: self.target.dialect(), finish };
        match self.next_within(&mut feed, self.config.first_token_timeout).await? {
            Some(first) => Ok((first, feed)),
            None => Err(self.explainer.not_an_answer()),
        }
    }

    /// Reads the next piece; `None` at the end of the connection.
    async fn next_within(&self, feed: &mut Feed, limit: Duration) -> Result<Option<Incoming>, Failure> {
        match timeout(limit, feed.next()).await {
            Ok(outcome) => outcome.map_err(|error| match error {
                FeedError::Wire(error) => self.explainer.explain(error),
                FeedError::Filtered => self.explainer.filtered(),
            }),
            Err(_) => Err(self.explainer.timed_out(limit)),
        }
    }

    fn client(&self) -> Result<&genai::Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = self.build_client().map_err(|message| self.explainer.configuration(&message))?;
        Ok(self.client.get_or_init(|| client))
    }

    fn build_client(&self) -> Result<genai::Client, String> {
        // A redirect would carry prompt and key to an address the user did not choose.
        let mut builder = reqwest::Client::builder()
            .connect_timeout(self.config.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true);
        if self.target.is_loopback() {
            builder = builder.no_proxy();
        }
        if !self.target.is_encrypted() {
            // Certificates are not needed then, and a machine without any can still use a local server.
            builder = builder.tls_certs_only([]);
        }
        let client = builder.build().map_err(|error| format!("no HTTP client: {error}"))?;
        genai::Client::builder().with_reqwest(client).build().map_err(|error| error.to_string())
    }

    fn backoff(&self) -> ExponentialBuilder {
        ExponentialBuilder::default()
            .with_min_delay(FIRST_PAUSE)
            .with_max_delay(MAX_PAUSE)
            .with_max_times(self.config.retries)
            .with_jitter()
            // Without a seed of its own every process would pause alike.
            .with_jitter_seed(RandomState::new().hash_one(0))
    }
}

/// Returns how long to pause: at least as long as the server asks. `None` gives up.
fn pause(failure: &Failure, chosen: Option<Duration>) -> Option<Duration> {
    let chosen = chosen?;
    match failure.error {
        ProviderError::Refused { retry_after: Some(asked), .. } if asked > MAX_RETRY_AFTER => None,
        ProviderError::Refused { retry_after: Some(asked), .. } => Some(asked.max(chosen)),
        _ => Some(chosen),
    }
}

/// Returns whether the model refuses to be told how to sample, as reasoning models do.
fn is_about_sampling(error: &ProviderError) -> bool {
    let ProviderError::Refused { status: 400 | 422, message, .. } = error else { return false };
    ["temperature", "top_p", "seed", "stop"].iter().any(|word| message.contains(word))
}

/// Why a feed ended early.
enum FeedError {
    Wire(genai::Error),
    Filtered,
}

impl Feed {
    /// Reads on to the next piece that says something. Signs of life do not count: a server that only sends those
    /// forever does not answer.
    async fn next(&mut self) -> Result<Option<Incoming>, FeedError> {
        loop {
            let event = std::future::poll_fn(|ctx| quietly(|| self.stream.poll_next_unpin(ctx))).await;
            match event.transpose().map_err(FeedError::Wire)? {
                None => return self.end_without_word(),
                Some(ChatStreamEvent::Chunk(chunk)) if !chunk.content.is_empty() => {
                    return Ok(Some(Incoming::Text(chunk.content)));
                }
                Some(ChatStreamEvent::ReasoningChunk(chunk)) if !chunk.content.is_empty() => {
                    return Ok(Some(Incoming::Thought(chunk.content.len())));
                }
                Some(ChatStreamEvent::End(end)) => return self.end(end),
                Some(_) => {}
            }
        }
    }

    fn end_without_word(&self) -> Result<Option<Incoming>, FeedError> {
        match self.finish.get() {
            Some(reason) => self.end(StreamEnd { captured_stop_reason: Some(reason.clone()), ..StreamEnd::default() }),
            None => Ok(None),
        }
    }

    fn end(&self, end: StreamEnd) -> Result<Option<Incoming>, FeedError> {
        if self.is_invented(&end) {
            return Ok(None);
        }
        let reason = match end.captured_stop_reason {
            None | Some(WireStop::Completed(_) | WireStop::ToolCall(_)) => StopReason::EndOfText,
            Some(WireStop::StopSequence(_)) => StopReason::StopText,
            Some(WireStop::MaxTokens(_)) => StopReason::MaxTokens,
            Some(WireStop::ContentFilter(_)) => return Err(FeedError::Filtered),
            // vLLM's word for a request it gave up on.
            Some(WireStop::Other(word)) if matches!(word.as_str(), "abort" | "error" | "OTHER") => return Ok(None),
            Some(WireStop::Other(_)) => StopReason::EndOfText,
        };
        Ok(Some(Incoming::End { reason, usage: end.captured_usage }))
    }

    /// Returns whether genai made this end up because the connection closed. Where it does so, a real end has a reason
    /// (of old Ollama servers, only the usage).
    fn is_invented(&self, end: &StreamEnd) -> bool {
        let has_reason = end.captured_stop_reason.is_some();
        match self.dialect {
            Dialect::Gemini | Dialect::OpenAiResponses => !has_reason,
            Dialect::Ollama => !has_reason && end.captured_usage.is_none(),
            Dialect::OpenAi | Dialect::Anthropic => false,
        }
    }
}

/// Returns `options` that note in `finish` when the stream tells its reason to finish.
fn watched(options: ChatOptions, finish: Finish) -> ChatOptions {
    options.with_raw_frame_fn(move |_, frame| {
        if let Some(reason) = finish_reason_in(frame.data) {
            // Only the first is of interest.
            finish.set(WireStop::from(reason)).ok();
        }
    })
}

/// Returns the reason to finish in one event of an OpenAI stream.
fn finish_reason_in(data: &str) -> Option<String> {
    if !data.contains("finish_reason") {
        return None;
    }
    let event: serde_json::Value = serde_json::from_str(data).ok()?;
    Some(event.pointer("/choices/0/finish_reason")?.as_str()?.to_owned())
}

/// Runs `read` without log output: genai logs the bodies of failed requests, which may repeat the key.
fn quietly<T>(read: impl FnOnce() -> T) -> T {
    tracing::dispatcher::with_default(&tracing::Dispatch::none(), read)
}
