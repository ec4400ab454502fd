//! Answers written down in a test.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt, stream};

use crate::provider::nothing_written;
use crate::stop::{Filtered, StopFilter};
use crate::usage::estimate_tokens;
use crate::{
    Alternatives, Capabilities, CompletionStream, Event, Prompt, PromptCost, Provider, ProviderError, Request,
    StopReason, Usage,
};

/// The longest piece in which a scripted text arrives, so that tests see an answer in several.
const MAX_PIECE_BYTES: usize = 8;

/// One answer of a [`ScriptedProvider`].
#[derive(Debug)]
pub struct Answer(Script);

#[derive(Debug)]
enum Script {
    Texts { texts: Vec<String>, reason: StopReason },
    BrokenAfter { text: String, n_bytes: usize },
    Failure(ProviderError),
    NeverAfter { text: String },
}

impl Answer {
    /// Returns an answer with one candidate.
    pub fn text(text: impl Into<String>) -> Self {
        Self::texts([text])
    }

    /// Returns an answer with several candidates. Those beyond what a request asks for are not told.
    pub fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Self {
        let texts = texts.into_iter().map(Into::into).collect();
        Self(Script::Texts { texts, reason: StopReason::EndOfText })
    }

    /// Returns an answer that is cut because it reached the longest length allowed.
    pub fn cut(text: impl Into<String>) -> Self {
        Self(Script::Texts { texts: vec![text.into()], reason: StopReason::MaxTokens })
    }

    /// Returns an answer that breaks off after at most `n_bytes` of `text`.
    pub fn broken_after(text: impl Into<String>, n_bytes: usize) -> Self {
        Self(Script::BrokenAfter { text: text.into(), n_bytes })
    }

    /// Returns no answer but an error.
    pub fn failure(error: ProviderError) -> Self {
        Self(Script::Failure(error))
    }

    /// Returns an answer that begins and then never continues, for tests of cancelling and time limits.
    pub fn never() -> Self {
        Self::never_after("")
    }

    /// Returns an answer that says `text` and then never continues.
    pub fn never_after(text: impl Into<String>) -> Self {
        Self(Script::NeverAfter { text: text.into() })
    }
}

type AnswerFn = Box<dyn FnMut(&Request) -> Option<Answer> + Send>;
type RankFn = Box<dyn Fn(&Alternatives) -> Vec<f32> + Send + Sync>;
type CountFn = Box<dyn Fn(&str) -> usize + Send + Sync>;

/// Answers as a test tells it to, and remembers what it was asked.
///
/// Stop texts are applied; [`crate::Sampling::max_tokens`] is not. Token counts are estimates unless told otherwise.
pub struct ScriptedProvider {
    model: String,
    capabilities: Capabilities,
    answers: Mutex<AnswerFn>,
    rank: Option<RankFn>,
    count_tokens: CountFn,
    requests: Mutex<Vec<Request>>,
}

impl ScriptedProvider {
    /// Returns a provider that gives these answers in order, and an error when none is left.
    pub fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut answers: VecDeque<Answer> = answers.into_iter().collect();
        Self::with_answers(Box::new(move |_| answers.pop_front()))
    }

    /// Returns a provider that answers every request with these texts as its candidates.
    pub fn answering(texts: &[&str]) -> Self {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        Self::from_fn(move |_| Answer::texts(texts.clone()))
    }

    /// Returns a provider that asks `answer` each time.
    pub fn from_fn(mut answer: impl FnMut(&Request) -> Answer + Send + 'static) -> Self {
        Self::with_answers(Box::new(move |request| Some(answer(request))))
    }

    /// Sets what the provider says it can do. Without this it chats, and fills in the middle.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Sets how alternatives are ranked.
    #[must_use]
    pub fn with_ranks(mut self, rank: impl Fn(&Alternatives) -> Vec<f32> + Send + Sync + 'static) -> Self {
        self.rank = Some(Box::new(rank));
        self.capabilities.ranks = true;
        self
    }

    /// Sets how tokens are counted.
    #[must_use]
    pub fn with_token_counts(mut self, count: impl Fn(&str) -> usize + Send + Sync + 'static) -> Self {
        self.count_tokens = Box::new(count);
        self
    }

    /// Sets the model's name, which is `scripted:test` otherwise.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = model.into();
        self
    }

    /// Returns the requests so far, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn with_answers(answers: AnswerFn) -> Self {
        Self {
            model: "scripted:test".to_owned(),
            capabilities: Capabilities { fills_in_the_middle: true, ranks: false, context_window: 0 },
            answers: Mutex::new(answers),
            rank: None,
            count_tokens: Box::new(|text| estimate_tokens(text.len())),
            requests: Mutex::default(),
        }
    }

    /// Returns what the provider answers, piece by piece, without the total.
    fn told(&self, texts: &[String], reason: StopReason, request: &Request) -> Vec<Event> {
        let n_candidates = request.sampling.n_candidates.max(1);
        let mut events = Vec::new();
        for (candidate, text) in (0..n_candidates).zip(texts) {
            let (text, reason) = stopped(text, reason, &request.sampling.stop);
            let pieces = pieces(&text).into_iter();
            events.extend(pieces.map(|piece| Event::Text { candidate, text: piece.to_owned() }));
            events.push(Event::Stopped { candidate, reason, mean_logprob: 0.0 });
        }
        events
    }

    fn usage(&self, request: &Request, events: &[Event]) -> Usage {
        let mut usage = Usage { prompt_tokens: self.prompt_tokens(&request.prompt), ..Usage::default() };
        let mut told = String::new();
        for event in events {
            match event {
                Event::Text { text, .. } => told.push_str(text),
                Event::Read(_) | Event::Stopped { .. } | Event::Finished(_) => {}
            }
        }
        usage.completion_tokens = (self.count_tokens)(&told) as u64;
        usage
    }

    fn prompt_tokens(&self, prompt: &Prompt) -> u64 {
        let n_tokens = match prompt {
            Prompt::Chat { messages, prefill } => {
                let n_tokens: usize = messages.iter().map(|message| (self.count_tokens)(&message.text)).sum();
                n_tokens + (self.count_tokens)(prefill)
            }
            Prompt::FillInTheMiddle { prefix, suffix, order: _ } => {
                (self.count_tokens)(prefix) + (self.count_tokens)(suffix)
            }
            Prompt::Raw { text } => (self.count_tokens)(text),
        };
        n_tokens as u64
    }
}

#[async_trait]
impl Provider for ScriptedProvider {
    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn complete(&self, request: Request) -> Result<CompletionStream, ProviderError> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        if request.sampling.max_tokens == 0 {
            return Ok(nothing_written(self.usage(&request, &[])));
        }
        let answer = (self.answers.lock().unwrap_or_else(PoisonError::into_inner))(&request);
        let script = answer.map(|answer| answer.0).ok_or_else(|| ProviderError::NotRecorded {
            digest: format!("number {}", self.requests().len()),
            path: "the script".to_owned(),
        })?;
        match script {
            Script::Failure(error) => Err(error),
            Script::NeverAfter { text } => {
                let told: Vec<_> = begun(&text).collect();
                Ok(stream::iter(told).chain(stream::pending()).boxed())
            }
            Script::Texts { texts, reason } => {
                let mut events = self.told(&texts, reason, &request);
                events.push(Event::Finished(self.usage(&request, &events)));
                Ok(stream::iter(events.into_iter().map(Ok)).boxed())
            }
            Script::BrokenAfter { text, n_bytes } => {
                let told = begun(&text[..text.floor_char_boundary(n_bytes)]);
                let error = ProviderError::BrokeOff { model: self.model.clone(), message: "as scripted".to_owned() };
                let outcomes: Vec<_> = told.chain([Err(error)]).collect();
                Ok(stream::iter(outcomes).boxed())
            }
        }
    }

    async fn rank(&self, alternatives: Alternatives) -> Result<Vec<f32>, ProviderError> {
        match &self.rank {
            Some(rank) => Ok(rank(&alternatives)),
            None => Err(ProviderError::Unsupported { model: self.model.clone(), what: "ranking alternatives" }),
        }
    }

    async fn count_tokens(&self, text: &str) -> Result<usize, ProviderError> {
        Ok((self.count_tokens)(text))
    }

    async fn cost(&self, prompt: &Prompt) -> Result<PromptCost, ProviderError> {
        let n_tokens = usize::try_from(self.prompt_tokens(prompt)).unwrap_or(usize::MAX);
        Ok(PromptCost { n_tokens, n_cached: 0 })
    }
}

/// Returns `text` up to the first stop text, and why it ends.
fn stopped(text: &str, reason: StopReason, stops: &[String]) -> (String, StopReason) {
    let mut filter = StopFilter::new(stops);
    match filter.push(text) {
        Filtered::Stopped(before) => (before, StopReason::StopText),
        Filtered::Passed(passed) => (passed + &filter.flush(), reason),
    }
}

/// Returns what is told of an answer that has only begun.
fn begun(text: &str) -> impl Iterator<Item = Result<Event, ProviderError>> + '_ {
    pieces(text).into_iter().map(|text| Ok(Event::Text { candidate: 0, text: text.to_owned() }))
}

/// Cuts `text` into the pieces in which it arrives.
fn pieces(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    while !text.is_empty() {
        // No character is longer than a piece, so each step goes forward.
        let (piece, rest) = text.split_at(text.floor_char_boundary(MAX_PIECE_BYTES));
        pieces.push(piece);
        text = rest;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Completion, Message, Priority, Sampling, collect};

    fn request(sampling: Sampling) -> Request {
        let prompt = Prompt::Chat { messages: vec![Message::user("one two three")], prefill: String::new() };
        Request::new(prompt, sampling, Priority::Background)
    }

    fn completion(text: &str, reason: StopReason) -> Completion {
        Completion { text: text.to_owned(), reason, mean_logprob: 0.0 }
    }

    #[tokio::test]
    async fn answers_come_in_order_with_candidates_stops_and_usage() {
        let provider = ScriptedProvider::new([Answer::texts(["été, a longer text", "stop here"]), Answer::cut("half")]);
        let sampling = Sampling { n_candidates: 2, stop: vec!["here".to_owned()], ..Sampling::greedy(9) };
        let (completions, usage) = collect(provider.complete(request(sampling)).await.unwrap()).await.unwrap();
        let expected =
            [completion("été, a longer text", StopReason::EndOfText), completion("stop ", StopReason::StopText)];
        assert_eq!(completions, expected);
        assert_eq!(usage, Usage { prompt_tokens: 5, cached_tokens: 0, completion_tokens: 9 });
        let (completions, _) = collect(provider.complete(request(Sampling::greedy(9))).await.unwrap()).await.unwrap();
        assert_eq!(completions, [completion("half", StopReason::MaxTokens)]);
        assert!(provider.complete(request(Sampling::greedy(9))).await.is_err());
        assert_eq!(provider.requests().len(), 3);
    }

    #[tokio::test]
    async fn a_function_can_answer_from_the_request() {
        let provider = ScriptedProvider::from_fn(|request| Answer::text(request.sampling.max_tokens.to_string()));
        let (completions, _) = collect(provider.complete(request(Sampling::greedy(42))).await.unwrap()).await.unwrap();
        assert_eq!(completions, [completion("42", StopReason::EndOfText)]);
    }

    #[tokio::test]
    async fn the_same_candidates_can_answer_every_request() {
        let provider = ScriptedProvider::answering(&["one", "two"]);
        for n_candidates in [1, 2, 3] {
            let asked = request(Sampling { n_candidates, ..Sampling::greedy(9) });
            let (completions, _) = collect(provider.complete(asked).await.unwrap()).await.unwrap();
            let texts: Vec<_> = completions.into_iter().map(|completion| completion.text).collect();
            assert_eq!(texts, ["one", "two"][..texts.len()]);
            assert_eq!(texts.len(), n_candidates.min(2) as usize);
        }
    }

    #[tokio::test]
    async fn a_broken_answer_ends_with_an_error_after_the_bytes_it_had() {
        let provider = ScriptedProvider::new([Answer::broken_after("0123456789é", 11)]);
        let outcomes: Vec<_> = provider.complete(request(Sampling::greedy(9))).await.unwrap().collect().await;
        let (error, begun) = outcomes.split_last().unwrap();
        let text: String = begun
            .iter()
            .map(|outcome| match outcome {
                Ok(Event::Text { text, .. }) => text.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(text, "0123456789");
        assert!(matches!(error, Err(ProviderError::BrokeOff { .. })), "{error:?}");
    }
}
