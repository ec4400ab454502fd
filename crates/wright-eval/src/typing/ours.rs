//! Our side of the comparison: the product path, as a front end uses it.
//!
//! This is the one place that knows how the product is called.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::time::timeout;
use wright_complete::{Ask, Budget, Completer, Feedback, Outcome, Settings, Source, Trigger};
use wright_provider::{Event, Priority, Prompt, Provider, ProviderError, Request, Sampling, Usage};
use wright_text::{Document, Edit};

use super::sample::{Answer, Sample};
use super::watch::{Seen, Watch};
use super::{Side, TIME_LIMIT, Worker, millis};

/// How many tokens are written to measure a decode step.
const N_DECODED: u32 = 32;

/// A front end with one open document.
pub(super) struct Ours {
    completer: Completer,
    watch: Watch,
    doc: Arc<Document>,
    /// What the worker had read when the last keystroke was answered.
    read_before: Option<u64>,
}

/// How much the model may be shown, and how long it may read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Bytes before the cursor.
    pub(super) prefix: usize,
    /// Bytes behind the cursor.
    pub(super) suffix: usize,
    /// How long reading may take before the answer begins, for the product.
    pub(super) max_read: Option<Duration>,
}

impl Ours {
    /// Opens a document. In the product, a line that opens a block brings its body, which the peer's line does not.
    pub(super) fn open(provider: Arc<dyn Provider>, side: Side, path: PathBuf, text: &str, limits: Limits) -> Self {
        let watch = Watch::new(provider);
        let completer = Completer::new(Arc::new(watch.clone()), settings(side, limits));
        let doc = Arc::new(Document::new(path, 1, text));
        completer.open(Arc::clone(&doc));
        Self { completer, watch, doc, read_before: None }
    }

    /// Says that the text has changed.
    pub(super) fn change(&mut self, text: &str, edit: &Edit) {
        self.doc = Arc::new(Document::new(self.doc.path.clone(), self.doc.version + 1, text));
        self.completer.change(Arc::clone(&self.doc), edit);
    }

    /// Says that the cursor rests somewhere.
    pub(super) fn rest(&self, offset: usize) {
        self.completer.rest(&self.doc, offset);
    }

    /// Leaves out of the count what the worker has read so far.
    pub(super) async fn count_from_here(&mut self, worker: &dyn Worker) {
        self.read_before = worker.evaluated_tokens().await;
    }

    /// Asks for a suggestion and measures until it is there. With a worker that nobody else uses, what it has read since the
    /// last answer is counted there, what was given up and what was read ahead included.
    pub(super) async fn suggest(
        &mut self,
        keystroke: usize,
        offset: usize,
        worker: Option<&dyn Worker>,
    ) -> Result<Sample, ProviderError> {
        self.watch.begin();
        let started = Instant::now();
        let doc = Arc::clone(&self.doc);
        let asked = self.completer.suggest(Ask { doc, offset, trigger: Trigger::Automatic, selected: None });
        let outcome = timeout(TIME_LIMIT, asked).await;
        let elapsed = started.elapsed();
        let seen = self.watch.seen();
        let tokens = seen.tokens(&self.watch).await?;
        let mut sample = Sample {
            keystroke,
            is_turn: false,
            answer: Answer::TimedOut,
            first_ms: seen.first_text.map(|it| millis(it.saturating_duration_since(started))),
            complete_ms: millis(elapsed.min(TIME_LIMIT)),
            prompt_tokens: tokens.prompt_tokens,
            evaluated_tokens: self.evaluated_tokens(&seen, tokens, worker).await,
            written_tokens: tokens.completion_tokens,
            shown_tokens: 0,
            shown: String::new(),
        };
        if let Ok(outcome) = outcome {
            self.note(&mut sample, outcome?).await?;
        }
        Ok(sample)
    }

    async fn note(&self, sample: &mut Sample, outcome: Outcome) -> Result<(), ProviderError> {
        sample.answer = match (&outcome.result, outcome.source) {
            (Ok(_), Source::Model) => Answer::Shown,
            (Ok(_), Source::Cache | Source::Joined) => Answer::FromResultCache,
            (Err(_), Source::Model) if sample.prompt_tokens > 0 => Answer::Withheld,
            (Err(_), Source::Model | Source::Cache | Source::Joined) => Answer::NotAsked,
        };
        if sample.answer == Answer::FromResultCache {
            sample.first_ms = Some(sample.complete_ms);
        }
        if let Ok(suggestion) = outcome.result {
            self.completer.feedback(suggestion.id, Feedback::Shown);
            sample.shown_tokens = self.watch.count_tokens(&suggestion.text).await? as u64;
            sample.shown = suggestion.text;
        }
        Ok(())
    }

    /// Returns how many prompt tokens were read since the last answer; without a worker, those of this answer where they are
    /// known.
    async fn evaluated_tokens(&mut self, seen: &Seen, tokens: Usage, worker: Option<&dyn Worker>) -> Option<u64> {
        let now = match worker {
            Some(worker) => worker.evaluated_tokens().await,
            None => None,
        };
        let before = std::mem::replace(&mut self.read_before, now);
        let by_worker = now.zip(before).and_then(|(now, before)| now.checked_sub(before));
        let by_answer = || tokens.prompt_tokens.saturating_sub(tokens.cached_tokens);
        by_worker.or_else(|| seen.is_read_known().then(by_answer))
    }
}

/// Returns what a user has, but for the size of the context; without the result cache, everything is read, and a
/// suggestion is one line, as the peer's is.
fn settings(side: Side, limits: Limits) -> Settings {
    let is_product = side == Side::Product;
    let max_read = limits.max_read.filter(|_| is_product);
    let users = Settings::on_this_machine();
    let max_write = users.max_write.filter(|_| is_product);
    let mut settings = Settings { result_cache: is_product, multiline: is_product, max_read, max_write, ..users };
    // There is one document, so there is nothing to show from others.
    settings.options.budget = Budget { prefix: limits.prefix, suffix: limits.suffix, snippets: 0 };
    settings
}

/// Measures how long writing one token takes behind a text, nothing else considered; nothing when the model writes too
/// little to say.
pub(super) async fn decode_step(provider: &dyn Provider, text: &str) -> Result<Option<Duration>, ProviderError> {
    let prompt = Prompt::Raw { text: text.to_owned() };
    let request = Request::new(prompt, Sampling::greedy(N_DECODED), Priority::Keystroke);
    let mut stream = provider.complete(request).await?;
    let (mut first, mut n_written) = (None, 0);
    while let Some(event) = stream.next().await {
        match event? {
            Event::Text { .. } => {
                first.get_or_insert_with(Instant::now);
            }
            Event::Read(_) | Event::Stopped { .. } => {}
            Event::Finished(usage) => n_written = usage.completion_tokens,
        }
    }
    let n_steps = u32::try_from(n_written.saturating_sub(1)).unwrap_or(0);
    Ok(first.filter(|_| n_steps >= N_DECODED / 4).map(|it| it.elapsed() / n_steps))
}
