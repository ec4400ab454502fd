//! The file format of a recording, and how its types become ours.
//!
//! Version 1. A reader refuses any other version; a field that readers could do without may be added within a version.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Alternatives, Capabilities, Event, FimOrder, Message, Prompt, ProviderError, Request, Role, StopReason, Usage,
};

/// The version of the format that is written, and the only one that is read.
const VERSION: u32 = 1;

/// A recording.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Recording {
    version: u32,
    /// The model that was recorded.
    model: String,
    capabilities: WireCapabilities,
    /// In the order in which they ended.
    pub(super) exchanges: Vec<Exchange>,
    /// Scores by digest of the alternatives.
    #[serde(default)]
    pub(super) ranks: BTreeMap<String, Vec<f32>>,
    /// Token counts by digest of the text.
    #[serde(default)]
    pub(super) token_counts: BTreeMap<String, usize>,
}

impl Recording {
    /// Returns an empty recording of `model`.
    pub(super) fn new(model: &str, capabilities: Capabilities) -> Self {
        Self {
            version: VERSION,
            model: model.to_owned(),
            capabilities: WireCapabilities {
                fills_in_the_middle: capabilities.fills_in_the_middle,
                ranks: capabilities.ranks,
                context_window: capabilities.context_window,
            },
            exchanges: Vec::new(),
            ranks: BTreeMap::new(),
            token_counts: BTreeMap::new(),
        }
    }

    /// Parses the text of a file. The error completes the sentence "recording … ".
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            version: u32,
        }
        let head: Head = serde_json::from_str(text).map_err(|error| format!("is not a recording: {error}"))?;
        if head.version != VERSION {
            return Err(format!("has version {}; this program reads version {VERSION}", head.version));
        }
        serde_json::from_str(text).map_err(|error| format!("is damaged: {error}"))
    }

    /// Returns the text of the file.
    pub(super) fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("keys are strings and no value refuses to be written");
        text.push('\n');
        text
    }

    pub(super) fn capabilities(&self) -> Capabilities {
        Capabilities {
            fills_in_the_middle: self.capabilities.fills_in_the_middle,
            ranks: self.capabilities.ranks,
            context_window: self.capabilities.context_window,
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct WireCapabilities {
    fills_in_the_middle: bool,
    ranks: bool,
    context_window: usize,
}

/// One request and what became of it. Neither `error` nor `usage` means that it was cancelled.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Exchange {
    pub(super) digest: String,
    request: WireRequest,
    events: Vec<WireEvent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<WireError>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    usage: Option<WireUsage>,
}

impl Exchange {
    /// Returns an exchange of which nothing is answered yet.
    pub(super) fn new(request: &Request) -> Self {
        Self {
            digest: digest_of_request(request),
            request: WireRequest::from(request),
            events: Vec::new(),
            error: None,
            usage: None,
        }
    }

    /// Adds what came next.
    pub(super) fn push(&mut self, event: &Event) {
        match event {
            Event::Text { candidate, text } => {
                self.events.push(WireEvent::Text { candidate: *candidate, text: text.clone() });
            }
            Event::Stopped { candidate, reason, mean_logprob } => self.events.push(WireEvent::Stopped {
                candidate: *candidate,
                reason: WireReason::from(*reason),
                // JSON has no word for infinity.
                mean_logprob: if mean_logprob.is_finite() { *mean_logprob } else { 0.0 },
            }),
            Event::Read(_) => {}
            Event::Finished(usage) => self.usage = Some(WireUsage::from(*usage)),
        }
    }

    /// Notes that the answer ended with `error`.
    pub(super) fn push_error(&mut self, error: &ProviderError) {
        self.error = Some(WireError::from(error));
    }

    /// Returns what came, in order.
    pub(super) fn outcomes(&self) -> VecDeque<Result<Event, ProviderError>> {
        let events = self.events.iter().map(|event| Ok(event.to_event()));
        let usage = self.usage.iter().map(|usage| Ok(Event::Finished(usage.to_usage())));
        let error = self.error.iter().map(|error| Err(error.to_error()));
        events.chain(usage).chain(error).collect()
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct WireRequest {
    prompt: WirePrompt,
    n_candidates: u32,
    temperature: f32,
    first_greedy: bool,
    top_p: f32,
    seed: u64,
    max_tokens: u32,
    stop: Vec<String>,
}

impl From<&Request> for WireRequest {
    /// Leaves out the priority: it does not change the answer.
    fn from(request: &Request) -> Self {
        let sampling = &request.sampling;
        Self {
            prompt: WirePrompt::from(&request.prompt),
            n_candidates: sampling.n_candidates,
            temperature: sampling.temperature,
            first_greedy: sampling.first_greedy,
            top_p: sampling.top_p,
            seed: sampling.seed,
            max_tokens: sampling.max_tokens,
            stop: sampling.stop.clone(),
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WirePrompt {
    Chat { messages: Vec<WireMessage>, prefill: String },
    FillInTheMiddle { prefix: String, suffix: String, order: WireOrder },
    Raw { text: String },
}

impl From<&Prompt> for WirePrompt {
    fn from(prompt: &Prompt) -> Self {
        match prompt {
            Prompt::Chat { messages, prefill } => {
                Self::Chat { messages: messages.iter().map(WireMessage::from).collect(), prefill: prefill.clone() }
            }
            Prompt::FillInTheMiddle { prefix, suffix, order } => Self::FillInTheMiddle {
                prefix: prefix.clone(),
                suffix: suffix.clone(),
                order: match order {
                    FimOrder::PrefixFirst => WireOrder::PrefixFirst,
                    FimOrder::SuffixFirst => WireOrder::SuffixFirst,
                },
            },
            Prompt::Raw { text } => Self::Raw { text: text.clone() },
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireOrder {
    PrefixFirst,
    SuffixFirst,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct WireMessage {
    role: WireRole,
    text: String,
}

impl From<&Message> for WireMessage {
    fn from(message: &Message) -> Self {
        let role = match message.role {
            Role::System => WireRole::System,
            Role::User => WireRole::User,
            Role::Assistant => WireRole::Assistant,
        };
        Self { role, text: message.text.clone() }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireRole {
    System,
    User,
    Assistant,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireEvent {
    Text { candidate: u32, text: String },
    Stopped { candidate: u32, reason: WireReason, mean_logprob: f32 },
}

impl WireEvent {
    fn to_event(&self) -> Event {
        match self {
            Self::Text { candidate, text } => Event::Text { candidate: *candidate, text: text.clone() },
            Self::Stopped { candidate, reason, mean_logprob } => {
                Event::Stopped { candidate: *candidate, reason: reason.to_reason(), mean_logprob: *mean_logprob }
            }
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireReason {
    EndOfText,
    StopText,
    MaxTokens,
}

impl WireReason {
    fn to_reason(self) -> StopReason {
        match self {
            Self::EndOfText => StopReason::EndOfText,
            Self::StopText => StopReason::StopText,
            Self::MaxTokens => StopReason::MaxTokens,
        }
    }
}

impl From<StopReason> for WireReason {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::EndOfText => Self::EndOfText,
            StopReason::StopText => Self::StopText,
            StopReason::MaxTokens => Self::MaxTokens,
        }
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct WireUsage {
    prompt_tokens: u64,
    cached_tokens: u64,
    completion_tokens: u64,
}

impl WireUsage {
    fn to_usage(self) -> Usage {
        Usage {
            prompt_tokens: self.prompt_tokens,
            cached_tokens: self.cached_tokens,
            completion_tokens: self.completion_tokens,
        }
    }
}

impl From<Usage> for WireUsage {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.prompt_tokens,
            cached_tokens: usage.cached_tokens,
            completion_tokens: usage.completion_tokens,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WireError {
    ContextExceeded { model: String, prompt_tokens: usize, max_tokens: usize, context_window: usize },
    Unsupported { model: String, what: String },
    Configuration { message: String },
    ModelMissing { id: String },
    Unreachable { model: String, message: String },
    Refused { model: String, status: u16, message: String, retry_after_ms: Option<u64> },
    BrokeOff { model: String, message: String },
    TimedOut { model: String, limit_ms: u64 },
    NotRecorded { digest: String, path: String },
}

impl From<&ProviderError> for WireError {
    fn from(error: &ProviderError) -> Self {
        let millis = |duration: &Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match error {
            ProviderError::ContextExceeded { model, prompt_tokens, max_tokens, context_window } => {
                Self::ContextExceeded {
                    model: model.clone(),
                    prompt_tokens: *prompt_tokens,
                    max_tokens: *max_tokens,
                    context_window: *context_window,
                }
            }
            ProviderError::Unsupported { model, what } => {
                Self::Unsupported { model: model.clone(), what: (*what).to_owned() }
            }
            ProviderError::Configuration { message } => Self::Configuration { message: message.clone() },
            ProviderError::ModelMissing { id } => Self::ModelMissing { id: id.clone() },
            ProviderError::Unreachable { model, message } => {
                Self::Unreachable { model: model.clone(), message: message.clone() }
            }
            ProviderError::Refused { model, status, message, retry_after } => Self::Refused {
                model: model.clone(),
                status: *status,
                message: message.clone(),
                retry_after_ms: retry_after.as_ref().map(millis),
            },
            ProviderError::BrokeOff { model, message } => {
                Self::BrokeOff { model: model.clone(), message: message.clone() }
            }
            ProviderError::TimedOut { model, limit } => {
                Self::TimedOut { model: model.clone(), limit_ms: millis(limit) }
            }
            ProviderError::NotRecorded { digest, path } => {
                Self::NotRecorded { digest: digest.clone(), path: path.clone() }
            }
        }
    }
}

impl WireError {
    fn to_error(&self) -> ProviderError {
        match self.clone() {
            Self::ContextExceeded { model, prompt_tokens, max_tokens, context_window } => {
                ProviderError::ContextExceeded { model, prompt_tokens, max_tokens, context_window }
            }
            Self::Unsupported { model, what } => ProviderError::Unsupported { model, what: known_ability(&what) },
            Self::Configuration { message } => ProviderError::Configuration { message },
            Self::ModelMissing { id } => ProviderError::ModelMissing { id },
            Self::Unreachable { model, message } => ProviderError::Unreachable { model, message },
            Self::Refused { model, status, message, retry_after_ms } => ProviderError::Refused {
                model,
                status,
                message,
                retry_after: retry_after_ms.map(Duration::from_millis),
            },
            Self::BrokeOff { model, message } => ProviderError::BrokeOff { model, message },
            Self::TimedOut { model, limit_ms } => {
                ProviderError::TimedOut { model, limit: Duration::from_millis(limit_ms) }
            }
            Self::NotRecorded { digest, path } => ProviderError::NotRecorded { digest, path },
        }
    }
}

/// Returns the words for an ability, of which the error type holds static text only.
fn known_ability(what: &str) -> &'static str {
    ["ranking alternatives", "filling in the middle", "continuing raw text"]
        .into_iter()
        .find(|known| *known == what)
        .unwrap_or("what was asked")
}

/// Returns the digest that identifies a request.
pub(super) fn digest_of_request(request: &Request) -> String {
    let wire = serde_json::to_string(&WireRequest::from(request)).expect("no value of a request refuses to be written");
    digest_of_text(&wire)
}

/// Returns the digest that identifies alternatives.
pub(super) fn digest_of_alternatives(alternatives: &Alternatives) -> String {
    let parts = (&alternatives.context, &alternatives.original, &alternatives.variants);
    digest_of_text(&serde_json::to_string(&parts).expect("strings can always be written"))
}

/// Returns the digest of a text, shortened: a recording has few entries.
pub(super) fn digest_of_text(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Priority;
    use crate::Sampling;

    #[test]
    fn the_digest_of_a_request_stays_the_same_between_releases() {
        let prompt = Prompt::Chat { messages: vec![Message::user("hello")], prefill: String::new() };
        let request = Request::new(prompt, Sampling::greedy(10), Priority::Chat);
        assert_eq!(digest_of_request(&request), "2b41ca7c65eb38fe8d0707dc9e113d5d");
    }

    #[test]
    fn a_recording_survives_being_written_and_read() {
        let prompt =
            Prompt::FillInTheMiddle { prefix: "a".to_owned(), suffix: "b".to_owned(), order: FimOrder::SuffixFirst };
        let request = Request::new(prompt, Sampling::greedy(10), Priority::Chat);
        let mut exchange = Exchange::new(&request);
        exchange.push(&Event::Text { candidate: 0, text: "é\u{0}".to_owned() });
        let reason = StopReason::MaxTokens;
        exchange.push(&Event::Stopped { candidate: 0, reason, mean_logprob: f32::NEG_INFINITY });
        let capabilities = Capabilities { fills_in_the_middle: true, ranks: false, context_window: 7 };
        let mut recording = Recording::new("local:m", capabilities);
        recording.exchanges.push(exchange);
        let text = recording.to_text();
        assert_eq!(Recording::parse(&text).unwrap().to_text(), text);
    }
}
