//! Gives a client's own limits to a provider that does not know them: code from elsewhere before the file, a time limit
//! after the first line, and an indentation below which nothing more is wanted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use wright_provider::{
    Alternatives, Capabilities, CompletionStream, Event, Priority, Prompt, Provider, ProviderError, Request,
    StopReason, Usage,
};

use crate::answer::{self, Timings};

/// Where an answer ends before the model ends it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Once there is a whole line, no more is written after this time.
    pub(crate) max_predict: Option<Duration>,
    /// A line that is indented less than this ends the answer and is no part of it.
    pub(crate) min_indent: usize,
}

/// A provider that is asked with more context, and whose answers are cut.
pub(crate) struct Shaped<'a> {
    /// Who is asked.
    pub(crate) inner: &'a dyn Provider,
    /// What stands before the prefix.
    pub(crate) context: String,
    /// Where answers end.
    pub(crate) cut: Cut,
    /// Texts that end an answer, besides those of the request.
    pub(crate) stop: Vec<String>,
    /// How urgent every request is.
    pub(crate) priority: Priority,
    /// What went through so far.
    seen: Seen,
}

/// The last prompt, and how many pieces of text came: what is known of an answer that nobody hears to its end.
#[derive(Default)]
struct Seen {
    prompt: Mutex<String>,
    n_pieces: Arc<AtomicU64>,
}

impl<'a> Shaped<'a> {
    /// Returns the provider with `context` before every prefix, and no other change.
    pub(crate) fn new(inner: &'a dyn Provider, context: String) -> Self {
        let priority = Priority::Keystroke;
        Self { inner, context, cut: Cut::default(), stop: Vec::new(), priority, seen: Seen::default() }
    }

    /// Returns the timings with the tokens that were seen, where the provider was not heard to its end and told none.
    pub(crate) async fn complete_usage(&self, timings: Timings) -> Timings {
        if timings.usage != Usage::default() {
            return timings;
        }
        let prompt = self.seen.prompt.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let usage = Usage {
            prompt_tokens: self.inner.count_tokens(&prompt).await.unwrap_or_default() as u64,
            cached_tokens: 0,
            // A provider tells in pieces of about a token.
            completion_tokens: self.seen.n_pieces.load(Ordering::Relaxed),
        };
        Timings { usage, ..timings }
    }
}

#[async_trait]
impl Provider for Shaped<'_> {
    fn model(&self) -> &str {
        self.inner.model()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn complete(&self, mut request: Request) -> Result<CompletionStream, ProviderError> {
        if let Prompt::FillInTheMiddle { prefix, .. } = &mut request.prompt {
            prefix.insert_str(0, &self.context);
        }
        request.priority = self.priority;
        request.sampling.stop.extend(self.stop.iter().filter(|it| !it.is_empty()).cloned());
        let n_candidates = request.sampling.n_candidates;
        let shown = text_of(&request.prompt);
        self.seen.prompt.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&shown);
        let n_pieces = Arc::clone(&self.seen.n_pieces);
        let answer = answer::ask(self.inner, request).await?.inspect(move |outcome| {
            if matches!(outcome, Ok(Event::Text { .. })) {
                n_pieces.fetch_add(1, Ordering::Relaxed);
            }
        });
        if self.cut == Cut::default() {
            return Ok(answer.boxed());
        }
        // An answer that is cut never says how long its prompt was.
        let prompt_tokens = self.inner.count_tokens(&shown).await.unwrap_or_default() as u64;
        Ok(cut(answer.boxed(), self.cut, n_candidates, prompt_tokens))
    }

    async fn rank(&self, alternatives: Alternatives) -> Result<Vec<f32>, ProviderError> {
        self.inner.rank(alternatives).await
    }

    async fn count_tokens(&self, text: &str) -> Result<usize, ProviderError> {
        self.inner.count_tokens(text).await
    }
}

fn text_of(prompt: &Prompt) -> String {
    match prompt {
        Prompt::FillInTheMiddle { prefix, suffix, order: _ } => format!("{suffix}{prefix}"),
        Prompt::Raw { text } => text.clone(),
        Prompt::Chat { messages, prefill: _ } => messages.iter().map(|it| it.text.as_str()).collect(),
    }
}

/// Ends each candidate of an answer where the limits say. When all have ended, the rest of the answer is dropped, which
/// cancels it; its usage is then what was seen.
fn cut(answer: CompletionStream, cut: Cut, n_candidates: u32, prompt_tokens: u64) -> CompletionStream {
    let candidates = (0..n_candidates.max(1)).map(|_| Candidate::default()).collect();
    let seen = Usage { prompt_tokens, ..Usage::default() };
    let state = Cutting { answer: Some(answer), cut, candidates, started: None, waiting: VecDeque::new(), seen };
    let events = stream::unfold(state, |mut state| async move {
        let outcome = state.next().await?;
        Some((outcome, state))
    });
    events.boxed()
}

struct Cutting {
    answer: Option<CompletionStream>,
    cut: Cut,
    candidates: Vec<Candidate>,
    started: Option<Instant>,
    waiting: VecDeque<Event>,
    /// What is told as the usage of an answer that is cut.
    seen: Usage,
}

#[derive(Debug, Default)]
struct Candidate {
    /// The last line break and the indentation after it, while it is not known whether they belong to the answer.
    held: String,
    has_text: bool,
    has_ended: bool,
}

impl Cutting {
    async fn next(&mut self) -> Option<Result<Event, ProviderError>> {
        loop {
            if let Some(event) = self.waiting.pop_front() {
                return Some(Ok(event));
            }
            match self.answer.as_mut()?.next().await? {
                Ok(event) => self.take(event),
                Err(error) => return Some(Err(error)),
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Read(_) => {}
            Event::Text { candidate, text } => {
                // A provider tells in pieces of about a token.
                self.seen.completion_tokens += 1;
                let started = *self.started.get_or_insert_with(Instant::now);
                let is_late = self.cut.max_predict.is_some_and(|it| started.elapsed() > it);
                let min_indent = self.cut.min_indent;
                let Some(state) = self.candidates.get_mut(candidate as usize).filter(|it| !it.has_ended) else {
                    return;
                };
                let (text, reason) = state.push(&text, min_indent, is_late);
                if !text.is_empty() {
                    self.waiting.push_back(Event::Text { candidate, text });
                }
                if let Some(reason) = reason {
                    self.waiting.push_back(Event::Stopped { candidate, reason, mean_logprob: 0.0 });
                    self.end_when_all_have();
                }
            }
            Event::Stopped { candidate, reason, mean_logprob } => {
                let Some(state) = self.candidates.get_mut(candidate as usize).filter(|it| !it.has_ended) else {
                    return;
                };
                state.has_ended = true;
                let text = std::mem::take(&mut state.held);
                if !text.is_empty() {
                    self.waiting.push_back(Event::Text { candidate, text });
                }
                self.waiting.push_back(Event::Stopped { candidate, reason, mean_logprob });
            }
            Event::Finished(usage) => {
                self.answer = None;
                self.waiting.push_back(Event::Finished(usage));
            }
        }
    }

    fn end_when_all_have(&mut self) {
        if self.candidates.iter().all(|it| it.has_ended) {
            self.answer = None;
            self.waiting.push_back(Event::Finished(self.seen));
        }
    }
}

impl Candidate {
    /// Takes more text; returns what belongs to the answer by now, and why it ends, if it does.
    fn push(&mut self, text: &str, min_indent: usize, is_late: bool) -> (String, Option<StopReason>) {
        self.held.push_str(text);
        let mut passed = String::new();
        while let Some(line_break) = self.held.find('\n') {
            let rest = self.held.split_off(line_break);
            self.pass(&mut passed, rest);
            if is_late && self.has_text {
                return self.end(passed, StopReason::MaxTokens);
            }
            let line = &self.held[1..];
            let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
            match line[indent..].chars().next() {
                // The indentation is not complete yet.
                None => return (passed, None),
                Some('\n' | '\r') => {}
                Some(_) if indent < min_indent => return self.end(passed, StopReason::StopText),
                Some(_) => {}
            }
            let rest = self.held.split_off(1);
            self.pass(&mut passed, rest);
        }
        self.pass(&mut passed, String::new());
        (passed, None)
    }

    /// Lets through what is held and holds `rest` instead.
    fn pass(&mut self, passed: &mut String, rest: String) {
        self.has_text |= !self.held.trim().is_empty();
        passed.push_str(&std::mem::replace(&mut self.held, rest));
    }

    fn end(&mut self, passed: String, reason: StopReason) -> (String, Option<StopReason>) {
        self.held.clear();
        self.has_ended = true;
        (passed, Some(reason))
    }
}

#[cfg(test)]
mod tests {
    use wright_provider::replay::{Answer, ScriptedProvider};
    use wright_provider::{Completion, FimOrder, Sampling, collect};

    use super::*;

    async fn complete(answer: Answer, context: &str, cut: Cut) -> (Vec<Completion>, Vec<Request>) {
        let provider = ScriptedProvider::new([answer]);
        let shaped = Shaped { cut, ..Shaped::new(&provider, context.to_owned()) };
        let prompt = Prompt::FillInTheMiddle {
            prefix: "a = ".to_owned(),
            suffix: "\n".to_owned(),
            order: FimOrder::SuffixFirst,
        };
        let request = Request::new(prompt, Sampling::greedy(99), Priority::Keystroke);
        let stream = shaped.complete(request).await.unwrap();
        (collect(stream).await.unwrap().0, provider.requests())
    }

    async fn check(text: &str, cut: Cut, expected: &str, reason: StopReason) {
        let (completions, _) = complete(Answer::text(text), "", cut).await;
        let completion = &completions[0];
        assert_eq!((completion.text.as_str(), completion.reason), (expected, reason), "{text:?}");
    }

    #[tokio::test]
    async fn a_line_that_is_indented_less_ends_the_answer() {
        let cut = Cut { min_indent: 4, ..Cut::default() };
        let text = "x\n    y\n\n    z\n  outside\n    more";
        check(text, cut, "x\n    y\n\n    z", StopReason::StopText).await;
        check("x\n    yyyyyyyyyyyyy\n", cut, "x\n    yyyyyyyyyyyyy\n", StopReason::EndOfText).await;
        check("one line only", cut, "one line only", StopReason::EndOfText).await;
    }

    #[tokio::test]
    async fn when_time_is_up_a_line_that_has_begun_is_finished() {
        let cut = Cut { max_predict: Some(Duration::ZERO), ..Cut::default() };
        check("the first line is whole\nthe second is not told", cut, "the first line is whole", StopReason::MaxTokens)
            .await;
        check("no line break at all", cut, "no line break at all", StopReason::EndOfText).await;
    }

    #[tokio::test]
    async fn context_stands_before_the_prefix() {
        let (_, requests) = complete(Answer::text("1"), "# b.py\n", Cut::default()).await;
        assert!(matches!(&requests[0].prompt, Prompt::FillInTheMiddle { prefix, .. } if prefix == "# b.py\na = "));
    }
}
