//! The trait, and the stream that answers a request.

use std::pin::Pin;

use async_trait::async_trait;
use futures::{Stream, StreamExt, stream};

use crate::usage::estimate_tokens;
use crate::{Alternatives, Prompt, ProviderError, Request, Usage};

/// Something that answers prompts.
///
/// Dropping the stream cancels the request; a local worker stops within one decode step.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Returns the model's name as the user writes it, `PROVIDER:NAME`.
    fn model(&self) -> &str;

    /// Returns what this provider can do beyond chat.
    fn capabilities(&self) -> Capabilities;

    /// Starts answering `request`.
    async fn complete(&self, request: Request) -> Result<CompletionStream, ProviderError>;

    /// Returns, for each variant, how much likelier than the original the model finds it where the two first differ
    /// (natural logarithm of the ratio of the two next-token probabilities).
    ///
    /// One reading of the original answers for all variants, which makes this hundreds of times cheaper than scoring each
    /// variant as a whole. Errors with [`ProviderError::Unsupported`] where [`Capabilities::ranks`] is false.
    async fn rank(&self, alternatives: Alternatives) -> Result<Vec<f32>, ProviderError> {
        let _ = alternatives;
        Err(ProviderError::Unsupported { model: self.model().to_owned(), what: "ranking alternatives" })
    }

    /// Returns the length of `text` in the model's tokens; an estimate where the tokenizer is not at hand.
    async fn count_tokens(&self, text: &str) -> Result<usize, ProviderError> {
        Ok(estimate_tokens(text.len()))
    }

    /// Returns what it would cost to read `prompt` now. It is answered at once, whatever else is being read, and loads
    /// nothing; an estimate where the model is not at hand.
    async fn cost(&self, prompt: &Prompt) -> Result<PromptCost, ProviderError> {
        Ok(PromptCost::estimate(prompt))
    }
}

/// What it would cost to read a prompt, in tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PromptCost {
    /// Length of the prompt.
    pub n_tokens: usize,
    /// Those at its beginning that need not be read again.
    pub n_cached: usize,
}

impl PromptCost {
    /// Returns what is assumed about a prompt of whose tokens nothing is known, rather too much than too little.
    pub fn estimate(prompt: &Prompt) -> Self {
        Self { n_tokens: estimate_tokens(prompt.n_bytes()), n_cached: 0 }
    }
}

/// What a provider can do beyond chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Answers [`crate::Prompt::FillInTheMiddle`].
    pub fills_in_the_middle: bool,
    /// Answers [`Provider::rank`].
    pub ranks: bool,
    /// Prompt and completion together may have this many tokens; 0 where it is not known.
    pub context_window: usize,
}

/// The answer to a request, as it is produced.
pub type CompletionStream = Pin<Box<dyn Stream<Item = Result<Event, ProviderError>> + Send>>;

/// Returns the answer of a provider without a cache to a request for no tokens.
pub(crate) fn nothing_written(usage: Usage) -> CompletionStream {
    stream::iter([Ok(Event::Finished(usage))]).boxed()
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The prompt was read, and text follows: its tokens and those that were cached. It comes first, where a provider
    /// knows; whoever stops listening early learns here what the request cost.
    Read(Usage),
    /// More text of one candidate.
    Text {
        /// Which candidate, counted from 0.
        candidate: u32,
        /// The text.
        text: String,
    },
    /// One candidate is complete.
    Stopped {
        /// Which candidate, counted from 0.
        candidate: u32,
        /// Why it ended.
        reason: StopReason,
        /// Mean natural-log probability per token; 0 where the provider does not say.
        mean_logprob: f32,
    },
    /// The request is complete; nothing follows.
    Finished(Usage),
}

/// Why a completion ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The model ended it.
    EndOfText,
    /// One of the stop texts appeared.
    StopText,
    /// [`crate::Sampling::max_tokens`] was reached: the text is cut.
    MaxTokens,
}

/// A whole completion.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The text.
    pub text: String,
    /// Why it ended.
    pub reason: StopReason,
    /// Mean natural-log probability per token; 0 where the provider does not say.
    pub mean_logprob: f32,
}

/// Reads a stream to its end and returns the candidates in order, with what they cost.
pub async fn collect(mut stream: CompletionStream) -> Result<(Vec<Completion>, Usage), ProviderError> {
    let mut completions: Vec<Completion> = Vec::new();
    let mut usage = Usage::default();
    while let Some(event) = stream.next().await {
        match event? {
            Event::Text { candidate, text } => at(&mut completions, candidate).text.push_str(&text),
            Event::Stopped { candidate, reason, mean_logprob } => {
                let completion = at(&mut completions, candidate);
                completion.reason = reason;
                completion.mean_logprob = mean_logprob;
            }
            Event::Read(_) => {}
            Event::Finished(total) => usage = total,
        }
    }
    Ok((completions, usage))
}

/// Returns the candidate's completion, creating it and the ones before it when they are new.
fn at(completions: &mut Vec<Completion>, candidate: u32) -> &mut Completion {
    let idx = candidate as usize;
    while completions.len() <= idx {
        completions.push(Completion { text: String::new(), reason: StopReason::MaxTokens, mean_logprob: 0.0 });
    }
    &mut completions[idx]
}
