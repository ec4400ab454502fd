//! Our side of the comparison: the product path, as a front end uses it.
//!
//! This is the one place that knows how the product is called.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use tokio::time::timeout;
use wright_complete::{Ask, Completer, Feedback, Reach, Settings, Trigger};
use wright_provider::{Event, Priority, Prompt, Provider, ProviderError, Request, Sampling};
use wright_text::{Document, Edit};

use super::sample::{Answer, Sample};
use super::watch::Watch;
use super::{Side, TIME_LIMIT, Worker, millis};

/// How many tokens are written to measure a decode step.
const N_DECODED: u32 = 32;

/// A front end with one open document.
pub(super) struct Ours {
    completer: Completer,
    watch: Watch,
    doc: Arc<Document>,
}

impl Ours {
    /// Opens a document. The model may be shown this many bytes before and behind the cursor, and one line is suggested, as
    /// the peer is asked for one.
    pub(super) fn open(
        provider: Arc<dyn Provider>,
        side: Side,
        path: PathBuf,
        text: &str,
        shown: (usize, usize),
    ) -> Self {
        let watch = Watch::new(provider);
        let mut settings = Settings { multiline: false, result_cache: side == Side::Product, ..Settings::default() };
        (settings.options.max_prefix, settings.options.max_suffix) = shown;
        settings.options.reach = Reach::Line;
        let completer = Completer::new(Arc::new(watch.clone()), settings);
        let doc = Arc::new(Document::new(path, 1, text));
        completer.open(Arc::clone(&doc));
        Self { completer, watch, doc }
    }

    /// Says that the text has changed.
    pub(super) fn change(&mut self, text: &str, edit: &Edit) {
        self.doc = Arc::new(Document::new(self.doc.path.clone(), self.doc.version + 1, text));
        self.completer.change(Arc::clone(&self.doc), edit);
    }

    /// Says that the cursor rests somewhere.
    pub(super) fn rest(&self, offset: usize) {
        self.completer.rest(Arc::clone(&self.doc), offset);
    }

    /// Asks for a suggestion and measures until it is there. With a worker that nobody else uses, what it read is counted
    /// there, requests included that were given up.
    pub(super) async fn suggest(
        &self,
        keystroke: usize,
        offset: usize,
        worker: Option<&dyn Worker>,
    ) -> Result<Sample, ProviderError> {
        let before = evaluated_tokens(worker).await;
        self.watch.begin();
        let started = Instant::now();
        let doc = Arc::clone(&self.doc);
        let asked = self.completer.suggest(Ask { doc, offset, trigger: Trigger::Automatic, selected: None });
        let outcome = timeout(TIME_LIMIT, asked).await;
        let elapsed = started.elapsed();
        let seen = self.watch.seen();
        let after = evaluated_tokens(worker).await;
        let tokens = seen.tokens(&self.watch).await?;
        let is_exact = seen.n_finished == seen.n_requests;
        let by_worker = after.zip(before).and_then(|(after, before)| after.checked_sub(before));
        let by_answer = is_exact.then(|| tokens.prompt_tokens.saturating_sub(tokens.cached_tokens));
        let mut sample = Sample {
            keystroke,
            is_turn: false,
            answer: Answer::TimedOut,
            first_ms: seen.first_text.map(|it| millis(it.saturating_duration_since(started))),
            complete_ms: millis(elapsed.min(TIME_LIMIT)),
            prompt_tokens: tokens.prompt_tokens,
            evaluated_tokens: by_worker.or(by_answer),
            written_tokens: tokens.completion_tokens,
            shown_tokens: 0,
            shown: String::new(),
        };
        let Ok(outcome) = outcome else { return Ok(sample) };
        let was_asked = seen.n_requests > 0;
        sample.answer = match outcome?.result {
            Ok(suggestion) => {
                self.completer.feedback(suggestion.id, Feedback::Shown);
                sample.shown = suggestion.text;
                if was_asked { Answer::Shown } else { Answer::FromResultCache }
            }
            Err(_) if was_asked => Answer::Withheld,
            Err(_) => Answer::NotAsked,
        };
        if sample.answer == Answer::FromResultCache {
            sample.first_ms = Some(sample.complete_ms);
        }
        sample.shown_tokens = self.watch.count_tokens(&sample.shown).await? as u64;
        Ok(sample)
    }
}

async fn evaluated_tokens(worker: Option<&dyn Worker>) -> Option<u64> {
    worker?.evaluated_tokens().await
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
            Event::Stopped { .. } => {}
            Event::Finished(usage) => n_written = usage.completion_tokens,
        }
    }
    let n_steps = u32::try_from(n_written.saturating_sub(1)).unwrap_or(0);
    Ok(first.filter(|_| n_steps >= N_DECODED / 4).map(|it| it.elapsed() / n_steps))
}
