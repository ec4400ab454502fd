//! Asks a provider, and gathers what a client is told about the answer besides its text.

use std::time::{Duration, Instant};

use futures::{StreamExt as _, stream};
use serde_json::{Value, json};
use wright_provider::{
    Completion, CompletionStream, Event, Provider, ProviderError, Request, StopReason, Usage, collect,
};

use crate::error::ApiError;

/// An answer is not asked for when fewer tokens than this are left for it.
const MIN_ROOM: usize = 16;

/// A whole answer.
pub(crate) struct Answer {
    /// The candidates, in order.
    pub(crate) completions: Vec<Completion>,
    /// What was read and written, and how long that took.
    pub(crate) timings: Timings,
}

/// Tokens and times of one answer.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timings {
    /// Tokens read and written.
    pub(crate) usage: Usage,
    /// Time until the first text.
    pub(crate) prompt: Duration,
    /// Time from there to the end.
    pub(crate) predicted: Duration,
}

/// Starts an answer. What goes wrong before its first piece is an error here.
///
/// A client's limit on the length means "at most": where the context leaves less room, the answer may be shorter, and says
/// so when it is cut.
pub(crate) async fn ask(provider: &dyn Provider, request: Request) -> Result<CompletionStream, ProviderError> {
    match begin(provider, request.clone()).await {
        Err(ProviderError::ContextExceeded { prompt_tokens, context_window, .. })
            if prompt_tokens + MIN_ROOM <= context_window
                && request.sampling.max_tokens as usize > context_window - prompt_tokens =>
        {
            let mut request = request;
            request.sampling.max_tokens = u32::try_from(context_window - prompt_tokens).unwrap_or(u32::MAX);
            begin(provider, request).await
        }
        result => result,
    }
}

/// Returns the stream once its first event has come.
async fn begin(provider: &dyn Provider, request: Request) -> Result<CompletionStream, ProviderError> {
    let mut rest = provider.complete(request).await?;
    let first = rest.next().await.transpose()?;
    Ok(stream::iter(first.map(Ok)).chain(rest).boxed())
}

/// Starts an answer that has to begin within `limit`.
pub(crate) async fn ask_within(
    provider: &dyn Provider,
    request: Request,
    limit: Duration,
) -> Result<CompletionStream, ApiError> {
    let answer = tokio::time::timeout(limit, ask(provider, request));
    Ok(answer.await.map_err(|_| ApiError::too_slow(limit))??)
}

/// Asks, and waits for the whole answer.
pub(crate) async fn ask_whole(provider: &dyn Provider, request: Request, limit: Duration) -> Result<Answer, ApiError> {
    let n_candidates = request.sampling.n_candidates as usize;
    let mut clock = Clock::start();
    let whole = async {
        let stream = ask(provider, request).await?;
        clock.first_text();
        collect(stream).await
    };
    let (mut completions, usage) =
        tokio::time::timeout(limit, whole).await.map_err(|_| ApiError::too_slow(limit))??;
    // Someone who asks for n answers gets n, even where the model wrote nothing.
    let nothing = Completion { text: String::new(), reason: StopReason::EndOfText, mean_logprob: 0.0 };
    completions.resize(n_candidates.max(1), nothing);
    Ok(Answer { completions, timings: clock.stop(usage) })
}

/// Asks for one token and throws it away, so that the prompt has been read when it comes again.
pub(crate) async fn warm(provider: &dyn Provider, mut request: Request, limit: Duration) -> Result<Timings, ApiError> {
    request.sampling.max_tokens = 1;
    request.sampling.n_candidates = 1;
    let mut timings = ask_whole(provider, request, limit).await?.timings;
    timings.usage.completion_tokens = 0;
    Ok(timings)
}

/// Measures an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    started: Instant,
    first: Option<Instant>,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), first: None }
    }

    /// Notes that text has come; only the first time counts.
    pub(crate) fn first_text(&mut self) {
        self.first.get_or_insert_with(Instant::now);
    }

    /// Returns what was measured.
    pub(crate) fn stop(&self, usage: Usage) -> Timings {
        let now = Instant::now();
        let first = self.first.unwrap_or(now);
        Timings { usage, prompt: first - self.started, predicted: now - first }
    }
}

impl Timings {
    /// Returns the numbers as llama.cpp's server has them.
    pub(crate) fn to_llama_json(self) -> Value {
        let Usage { prompt_tokens, cached_tokens, completion_tokens } = self.usage;
        let read = prompt_tokens.saturating_sub(cached_tokens);
        let (prompt_ms, predicted_ms) = (milliseconds(self.prompt), milliseconds(self.predicted));
        json!({
            "cache_n": cached_tokens,
            "prompt_n": read,
            "prompt_ms": prompt_ms,
            "prompt_per_token_ms": ratio(prompt_ms, read as f64),
            "prompt_per_second": ratio(read as f64 * 1e3, prompt_ms),
            "predicted_n": completion_tokens,
            "predicted_ms": predicted_ms,
            "predicted_per_token_ms": ratio(predicted_ms, completion_tokens as f64),
            "predicted_per_second": ratio(completion_tokens as f64 * 1e3, predicted_ms),
        })
    }
}

/// Returns the usage as OpenAI's completions have it.
pub(crate) fn usage_json(usage: Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "prompt_tokens_details": { "cached_tokens": usage.cached_tokens },
    })
}

/// Returns why a completion ended, in OpenAI's words.
pub(crate) fn finish_reason(reason: StopReason) -> &'static str {
    match reason {
        StopReason::EndOfText | StopReason::StopText => "stop",
        StopReason::MaxTokens => "length",
    }
}

/// Returns the seconds since 1970, which clients expect in `created`.
pub(crate) fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |it| it.as_secs())
}

/// Returns a new id, such as `cmpl-019a…`.
pub(crate) fn new_id(prefix: &str) -> String {
    format!("{prefix}{}", uuid::Uuid::now_v7().simple())
}

/// Returns whether this event carries text.
pub(crate) fn has_text(event: &Event) -> bool {
    matches!(event, Event::Text { text, .. } if !text.is_empty())
}

/// Returns a number as the client wrote it, without the digits that only its binary form has.
pub(crate) fn rounded(number: f32) -> f64 {
    (f64::from(number) * 1e4).round() / 1e4
}

fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn ratio(a: f64, b: f64) -> f64 {
    if b > 0.0 { a / b } else { 0.0 }
}
