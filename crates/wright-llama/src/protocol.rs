//! What the worker and its clients say to each other: one JSON object per line, over a Unix socket.
//!
//! Every line carries the protocol's version and the id of the request it belongs to; ids are chosen by the client and
//! mean something on their own connection only. A request is answered by [`Answer::Accepted`], then by what it asked
//! for, and ends with `finished`, `ranked`, `counted`, `cost`, `stats`, `ending` or `error`. Closing the connection cancels its
//! requests. These types are for the wire only; this file converts them from and to the types of `wright-provider`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use wright_provider::{
    Alternatives, Event, FimOrder, Message, Priority, Prompt, ProviderError, Role, Sampling, StopReason, Usage,
};

/// The version both sides must speak. It grows with every change that an older side would misread.
pub const PROTOCOL_VERSION: u32 = 2;

/// Longest line that is read, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 64 << 20;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line<T> {
    /// The protocol's version.
    pub v: u32,
    /// The request this belongs to.
    pub id: u64,
    /// What is said.
    pub body: T,
}

impl<T: Serialize + DeserializeOwned> Line<T> {
    /// Returns `body` as a line about request `id`.
    pub fn new(id: u64, body: T) -> Self {
        Self { v: PROTOCOL_VERSION, id, body }
    }

    /// Writes the line, with its line end.
    pub fn to_json(&self) -> String {
        let mut json = serde_json::to_string(self).expect("wire types have only string keys");
        json.push('\n');
        json
    }

    /// Reads a line. The error says which request it was about (0 when that cannot be read) and what is wrong.
    pub fn parse(text: &str) -> Result<Self, (u64, WireError)> {
        let header: Header = serde_json::from_str(text)
            .map_err(|error| (0, WireError::Malformed { message: shorten(&error.to_string()) }))?;
        if header.v != PROTOCOL_VERSION {
            return Err((header.id, WireError::Version { spoken: PROTOCOL_VERSION, received: header.v }));
        }
        serde_json::from_str(text)
            .map_err(|error| (header.id, WireError::Malformed { message: shorten(&error.to_string()) }))
    }
}

/// The part of a line that is the same in every version.
#[derive(Deserialize)]
struct Header {
    v: u32,
    #[serde(default)]
    id: u64,
}

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Ask {
    /// Complete a prompt.
    Complete {
        /// The model's id.
        model: String,
        /// What it is shown.
        prompt: WirePrompt,
        /// How tokens are picked.
        sampling: WireSampling,
        /// Who is served first.
        priority: WirePriority,
        /// Who asks; 0 is nobody in particular.
        #[serde(default)]
        client: u64,
        /// What the reading of the prompt is saved for.
        #[serde(default)]
        scope: Option<String>,
    },
    /// Say what reading a prompt would cost now.
    Cost {
        /// The model's id.
        model: String,
        /// The prompt.
        prompt: WirePrompt,
    },
    /// Compare variants of a text.
    Rank {
        /// The model's id.
        model: String,
        /// Text before the scored one.
        context: String,
        /// The text as it is.
        original: String,
        /// Whole variants of it.
        variants: Vec<String>,
        /// Who is served first.
        priority: WirePriority,
    },
    /// Count the tokens of a text.
    CountTokens {
        /// The model's id.
        model: String,
        /// The text.
        text: String,
    },
    /// Stop another request of the same connection.
    Cancel {
        /// Its id.
        target: u64,
    },
    /// Say what the worker is doing.
    Stats,
    /// End the worker.
    Shutdown,
}

/// What the worker answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Answer {
    /// The request was read and is queued.
    Accepted,
    /// The prompt was read.
    Read {
        /// Its tokens.
        prompt_tokens: u64,
        /// Those that a cache held.
        cached_tokens: u64,
    },
    /// More text of a candidate.
    Text {
        /// Which candidate, counted from 0.
        candidate: u32,
        /// The text.
        text: String,
    },
    /// A candidate is complete.
    Stopped {
        /// Which candidate, counted from 0.
        candidate: u32,
        /// Why it ended.
        reason: WireStop,
        /// Mean natural-log probability per token.
        mean_logprob: f32,
    },
    /// The completion is over.
    Finished {
        /// Tokens of the prompt.
        prompt_tokens: u64,
        /// Those that a cache held.
        cached_tokens: u64,
        /// Tokens of all candidates.
        completion_tokens: u64,
    },
    /// The scores of the variants, in their order.
    Ranked {
        /// One score each.
        scores: Vec<f32>,
    },
    /// The length of the text.
    Counted {
        /// In tokens.
        tokens: usize,
    },
    /// What reading the prompt would cost.
    Cost {
        /// Its length in tokens.
        tokens: usize,
        /// Those at its beginning that a cache holds.
        cached: usize,
    },
    /// What the worker is doing.
    Stats(WireStats),
    /// The worker ends now.
    Ending,
    /// The request failed.
    Error {
        /// Why.
        error: WireError,
    },
}

/// A prompt on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WirePrompt {
    /// A conversation.
    Chat {
        /// Its messages, oldest first.
        messages: Vec<WireMessage>,
        /// How the answer starts.
        prefill: String,
    },
    /// Text with a hole.
    Fim {
        /// Before the hole.
        prefix: String,
        /// After it.
        suffix: String,
        /// Whether the suffix is read first.
        suffix_first: bool,
    },
    /// Text to continue.
    Raw {
        /// The text.
        text: String,
    },
}

/// A message on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireMessage {
    /// Who speaks.
    pub role: WireRole,
    /// What is said.
    pub text: String,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireRole {
    /// Standing instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
}

/// Sampling on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireSampling {
    /// How many completions.
    pub n_candidates: u32,
    /// 0 is greedy.
    pub temperature: f32,
    /// Whether the first of several is greedy.
    pub first_greedy: bool,
    /// Share of probability that is kept.
    pub top_p: f32,
    /// The seed.
    pub seed: u64,
    /// Cap on each completion.
    pub max_tokens: u32,
    /// Texts that end a completion.
    pub stop: Vec<String>,
}

/// Priority on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WirePriority {
    /// Agent and evaluation.
    Background,
    /// Someone waits.
    Chat,
    /// Someone types.
    Keystroke,
}

/// Why a candidate ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WireStop {
    /// The model ended it.
    EndOfText,
    /// A stop text appeared.
    StopText,
    /// The cap was reached.
    MaxTokens,
}

/// What the worker is doing, on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireStats {
    /// The worker's process id.
    pub pid: u32,
    /// Requests that are queued or being answered.
    pub n_requests: usize,
    /// The models in memory.
    pub models: Vec<WireModelStats>,
}

/// What one loaded model is doing, on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WireModelStats {
    /// The model's id.
    pub id: String,
    /// Prompt and completion together may have this many tokens.
    pub context_window: usize,
    /// Tokens kept in each slot.
    pub slots: Vec<usize>,
    /// Tokens of prompts that were read.
    pub prompt_tokens: u64,
    /// Tokens of prompts that a slot held already.
    pub cached_tokens: u64,
    /// Tokens that were written.
    pub completion_tokens: u64,
    /// Prompt tokens read per second, over all steps that only read.
    pub read_per_second: f64,
    /// Tokens written per second, over all steps that only wrote.
    pub written_per_second: f64,
}

/// Why a request failed, on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum WireError {
    /// Prompt and completion do not fit.
    ContextExceeded {
        /// Length of the prompt.
        prompt_tokens: usize,
        /// Room asked for.
        max_tokens: usize,
        /// Room there is.
        context_window: usize,
    },
    /// The model has no markers for a hole in the text.
    NoFillInTheMiddle,
    /// The model's file is not there.
    ModelMissing,
    /// The model's file is there and cannot be used.
    ModelUnusable {
        /// Why.
        message: String,
    },
    /// The request cannot be understood.
    Malformed {
        /// Why.
        message: String,
    },
    /// The two sides speak different versions.
    Version {
        /// What the worker speaks.
        spoken: u32,
        /// What it was sent.
        received: u32,
    },
    /// Something went wrong while answering.
    Failed {
        /// What.
        message: String,
    },
}

impl WireError {
    /// Returns the error as the caller of a provider knows it. `model` is the model's full name, `id` its id.
    pub fn into_provider_error(self, model: &str, id: &str) -> ProviderError {
        let model = model.to_owned();
        match self {
            Self::ContextExceeded { prompt_tokens, max_tokens, context_window } => {
                ProviderError::ContextExceeded { model, prompt_tokens, max_tokens, context_window }
            }
            Self::NoFillInTheMiddle => ProviderError::Unsupported { model, what: "filling in the middle" },
            Self::ModelMissing => ProviderError::ModelMissing { id: id.to_owned() },
            Self::ModelUnusable { message } => ProviderError::Unreachable { model, message },
            Self::Malformed { message } => {
                ProviderError::Unreachable { model, message: format!("the worker cannot read the request: {message}") }
            }
            Self::Version { spoken, received } => ProviderError::Unreachable {
                model,
                message: format!(
                    "the running model worker speaks protocol version {spoken} and this program {received}; \
                     stop the worker of the other version first"
                ),
            },
            Self::Failed { message } => ProviderError::BrokeOff { model, message },
        }
    }
}

impl From<Prompt> for WirePrompt {
    fn from(prompt: Prompt) -> Self {
        match prompt {
            Prompt::Chat { messages, prefill } => {
                Self::Chat { messages: messages.into_iter().map(WireMessage::from).collect(), prefill }
            }
            Prompt::FillInTheMiddle { prefix, suffix, order } => {
                Self::Fim { prefix, suffix, suffix_first: order == FimOrder::SuffixFirst }
            }
            Prompt::Raw { text } => Self::Raw { text },
        }
    }
}

impl From<WirePrompt> for Prompt {
    fn from(prompt: WirePrompt) -> Self {
        match prompt {
            WirePrompt::Chat { messages, prefill } => {
                Self::Chat { messages: messages.into_iter().map(Message::from).collect(), prefill }
            }
            WirePrompt::Fim { prefix, suffix, suffix_first } => {
                let order = if suffix_first { FimOrder::SuffixFirst } else { FimOrder::PrefixFirst };
                Self::FillInTheMiddle { prefix, suffix, order }
            }
            WirePrompt::Raw { text } => Self::Raw { text },
        }
    }
}

impl From<Message> for WireMessage {
    fn from(message: Message) -> Self {
        let role = match message.role {
            Role::System => WireRole::System,
            Role::User => WireRole::User,
            Role::Assistant => WireRole::Assistant,
        };
        Self { role, text: message.text }
    }
}

impl From<WireMessage> for Message {
    fn from(message: WireMessage) -> Self {
        let role = match message.role {
            WireRole::System => Role::System,
            WireRole::User => Role::User,
            WireRole::Assistant => Role::Assistant,
        };
        Self { role, text: message.text }
    }
}

impl From<Sampling> for WireSampling {
    fn from(sampling: Sampling) -> Self {
        let Sampling { n_candidates, temperature, first_greedy, top_p, seed, max_tokens, stop } = sampling;
        Self { n_candidates, temperature, first_greedy, top_p, seed, max_tokens, stop }
    }
}

impl From<WireSampling> for Sampling {
    fn from(sampling: WireSampling) -> Self {
        let WireSampling { n_candidates, temperature, first_greedy, top_p, seed, max_tokens, stop } = sampling;
        Self { n_candidates, temperature, first_greedy, top_p, seed, max_tokens, stop }
    }
}

impl From<Priority> for WirePriority {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Background => Self::Background,
            Priority::Chat => Self::Chat,
            Priority::Keystroke => Self::Keystroke,
        }
    }
}

impl From<WirePriority> for Priority {
    fn from(priority: WirePriority) -> Self {
        match priority {
            WirePriority::Background => Self::Background,
            WirePriority::Chat => Self::Chat,
            WirePriority::Keystroke => Self::Keystroke,
        }
    }
}

impl From<StopReason> for WireStop {
    fn from(reason: StopReason) -> Self {
        match reason {
            StopReason::EndOfText => Self::EndOfText,
            StopReason::StopText => Self::StopText,
            StopReason::MaxTokens => Self::MaxTokens,
        }
    }
}

impl From<WireStop> for StopReason {
    fn from(reason: WireStop) -> Self {
        match reason {
            WireStop::EndOfText => Self::EndOfText,
            WireStop::StopText => Self::StopText,
            WireStop::MaxTokens => Self::MaxTokens,
        }
    }
}

/// Returns the request for `alternatives` of `model`.
pub fn rank_ask(model: &str, alternatives: Alternatives) -> Ask {
    let Alternatives { context, original, variants } = alternatives;
    Ask::Rank { model: model.to_owned(), context, original, variants, priority: WirePriority::Background }
}

/// Returns the event that an answer to a completion stands for; `None` for answers that are not events.
pub fn event_of(answer: Answer) -> Option<Event> {
    match answer {
        Answer::Read { prompt_tokens, cached_tokens } => {
            Some(Event::Read(Usage { prompt_tokens, cached_tokens, completion_tokens: 0 }))
        }
        Answer::Text { candidate, text } => Some(Event::Text { candidate, text }),
        Answer::Stopped { candidate, reason, mean_logprob } => {
            Some(Event::Stopped { candidate, reason: reason.into(), mean_logprob })
        }
        Answer::Finished { prompt_tokens, cached_tokens, completion_tokens } => {
            Some(Event::Finished(Usage { prompt_tokens, cached_tokens, completion_tokens }))
        }
        Answer::Accepted
        | Answer::Ranked { .. }
        | Answer::Counted { .. }
        | Answer::Cost { .. }
        | Answer::Stats(_)
        | Answer::Ending
        | Answer::Error { .. } => None,
    }
}

/// Cuts a message that quotes what was received.
fn shorten(message: &str) -> String {
    message.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask() -> Ask {
        Ask::Complete {
            model: "tiny".to_owned(),
            prompt: WirePrompt::Fim { prefix: "a\n".to_owned(), suffix: "\"é".to_owned(), suffix_first: true },
            sampling: Sampling { seed: u64::MAX, stop: vec!["\n\n".to_owned()], ..Sampling::greedy(8) }.into(),
            priority: WirePriority::Keystroke,
            client: u64::MAX,
            scope: Some("a repository".to_owned()),
        }
    }

    #[test]
    fn a_request_is_one_line_and_reads_back_the_same() {
        let line = Line::new(7, ask());
        let json = line.to_json();
        assert_eq!(json.matches('\n').count(), 1);
        assert_eq!(Line::<Ask>::parse(json.trim_end()).unwrap(), line);
    }

    #[test]
    fn every_answer_reads_back_the_same() {
        let answers = [
            Answer::Accepted,
            Answer::Text { candidate: 1, text: "x\u{1f600}".to_owned() },
            Answer::Stopped { candidate: 0, reason: WireStop::StopText, mean_logprob: -0.25 },
            Answer::Finished { prompt_tokens: 1, cached_tokens: 2, completion_tokens: 3 },
            Answer::Ranked { scores: vec![0.0, -1.5] },
            Answer::Counted { tokens: 4 },
            Answer::Cost { tokens: 5, cached: 4 },
            Answer::Stats(WireStats { pid: 1, n_requests: 0, models: Vec::new() }),
            Answer::Ending,
            Answer::Error { error: WireError::NoFillInTheMiddle },
        ];
        for answer in answers {
            let line = Line::new(1, answer);
            assert_eq!(Line::parse(&line.to_json()).unwrap(), line);
        }
    }

    #[test]
    fn a_prompt_survives_the_way_through_the_wire() {
        let chat = Prompt::Chat {
            messages: vec![Message::system("s"), Message::user("u"), Message::assistant("a")],
            prefill: "p".to_owned(),
        };
        assert_eq!(Prompt::from(WirePrompt::from(chat.clone())), chat);
    }

    #[test]
    fn another_version_is_refused_with_both_numbers_whatever_its_body() {
        let error = Line::<Ask>::parse(r#"{"v":9,"id":3,"body":{"type":"sing"}}"#).unwrap_err();
        assert_eq!(error, (3, WireError::Version { spoken: 2, received: 9 }));
    }

    #[test]
    fn a_malformed_body_is_an_error_about_its_request() {
        let (id, error) = Line::<Ask>::parse(r#"{"v":2,"id":5,"body":{"type":"complete"}}"#).unwrap_err();
        assert_eq!(id, 5);
        assert!(matches!(error, WireError::Malformed { message } if message.contains("missing field")));
    }

    #[test]
    fn what_is_not_json_is_malformed() {
        for text in ["", "{", "null", "[2]", "\u{0}", r#"{"v":"one"}"#] {
            assert!(matches!(Line::<Ask>::parse(text), Err((0, WireError::Malformed { .. }))), "{text:?}");
        }
    }

    #[test]
    fn a_refused_prompt_keeps_its_numbers() {
        let error = WireError::ContextExceeded { prompt_tokens: 9000, max_tokens: 100, context_window: 8192 }
            .into_provider_error("local:m", "m");
        assert_eq!(
            error.to_string(),
            "prompt of 9000 tokens plus 100 for the answer exceeds the context of 8192 tokens of \"local:m\""
        );
    }
}
