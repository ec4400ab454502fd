//! A request to a model: the prompt, how to sample, and how urgent it is.

/// A question to a model. It is made with [`Request::new`], so that what is added later needs no change of those who ask.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What the model is shown.
    pub prompt: Prompt,
    /// How tokens are picked.
    pub sampling: Sampling,
    /// Who is served first when several requests wait.
    pub priority: Priority,
    /// Who asks. Clients that ask at the same time get equal shares of a local model.
    pub client: ClientId,
    /// What the reading of the prompt is kept for between runs: an opaque name of a repository. `None` keeps nothing.
    pub scope: Option<String>,
}

impl Request {
    /// Returns the question of no particular client, of which nothing is kept between runs.
    pub fn new(prompt: Prompt, sampling: Sampling, priority: Priority) -> Self {
        Self { prompt, sampling, priority, client: ClientId::default(), scope: None }
    }

    /// Returns the same question, asked by `client`.
    pub fn from_client(self, client: ClientId) -> Self {
        Self { client, ..self }
    }

    /// Returns the same question, whose reading is kept for `scope` between runs.
    pub fn in_scope(self, scope: impl Into<String>) -> Self {
        Self { scope: Some(scope.into()), ..self }
    }
}

/// Who asks: one editor, one terminal. Any number will do that no other client of this machine is likely to choose. The
/// default is nobody in particular.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientId(pub u64);

/// What the model is shown. Text is never truncated by a provider: a prompt that does not fit is refused.
#[derive(Debug, Clone, PartialEq)]
pub enum Prompt {
    /// A conversation, answered by the assistant.
    Chat {
        /// The conversation so far, oldest first.
        messages: Vec<Message>,
        /// Text the answer starts with. It is not repeated in the completion. Ignored by providers that cannot continue.
        prefill: String,
    },
    /// Text with a hole, answered by what belongs in the hole.
    FillInTheMiddle {
        /// Text before the hole.
        prefix: String,
        /// Text after the hole.
        suffix: String,
        /// The order in which a local model reads the two.
        order: FimOrder,
    },
    /// Text to be continued as it is, without a chat template.
    Raw {
        /// The text to continue.
        text: String,
    },
}

impl Prompt {
    /// Returns the length of all texts in the prompt, in bytes.
    pub fn n_bytes(&self) -> usize {
        match self {
            Self::Chat { messages, prefill } => {
                messages.iter().map(|message| message.text.len()).sum::<usize>() + prefill.len()
            }
            Self::FillInTheMiddle { prefix, suffix, order: _ } => prefix.len() + suffix.len(),
            Self::Raw { text } => text.len(),
        }
    }
}

/// The order in which a local model reads prefix and suffix; each caches well for a different change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FimOrder {
    /// Prefix, suffix, middle: the cached part survives when the hole moves down.
    PrefixFirst,
    /// Suffix first: the cached part survives when the prefix grows, as it does while someone types.
    SuffixFirst,
}

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub text: String,
}

impl Message {
    /// Returns a message of the system.
    pub fn system(text: impl Into<String>) -> Self {
        Self { role: Role::System, text: text.into() }
    }

    /// Returns a message of the user.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Role::User, text: text.into() }
    }

    /// Returns a message of the assistant.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Role::Assistant, text: text.into() }
    }
}

/// Who speaks in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Standing instructions.
    System,
    /// The person, or the program on their behalf.
    User,
    /// The model.
    Assistant,
}

/// How tokens are picked.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// How many completions of the same prompt are wanted. The prompt is read once.
    pub n_candidates: u32,
    /// 0 picks the likeliest token each time.
    pub temperature: f32,
    /// With several candidates, the first one is greedy whatever the temperature.
    pub first_greedy: bool,
    /// Keeps the likeliest tokens whose probabilities add up to this much.
    pub top_p: f32,
    /// The seed; the same seed and request give the same text again on the local worker.
    pub seed: u64,
    /// Hard cap on the length of each completion, in tokens.
    ///
    /// 0 reads without writing: a local model reads the whole prompt but for its last token into its cache, at the
    /// request's priority, so that the same prompt (or one that begins like it) is answered sooner later. The answer is
    /// [`crate::Event::Finished`] with the prompt's tokens and those that were cached before. Providers without a cache
    /// of ours answer at once.
    pub max_tokens: u32,
    /// Texts that end a completion; they are not part of it.
    pub stop: Vec<String>,
}

impl Sampling {
    /// Returns the sampling that always picks the likeliest token.
    pub fn greedy(max_tokens: u32) -> Self {
        Self {
            n_candidates: 1,
            temperature: 0.0,
            first_greedy: true,
            top_p: 1.0,
            seed: 0,
            max_tokens,
            stop: Vec::new(),
        }
    }
}

/// Who is served first when several requests wait. Interactive work comes before background work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Agent and evaluation work.
    Background,
    /// Someone waits for an answer.
    Chat,
    /// Someone is typing.
    Keystroke,
}

/// A text and variants of it whose likelihood is to be compared, see [`crate::Provider::rank`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternatives {
    /// Text shown before the one that is scored: the task, related code.
    pub context: String,
    /// The text as it is now.
    pub original: String,
    /// Whole variants of `original`.
    pub variants: Vec<String>,
}
