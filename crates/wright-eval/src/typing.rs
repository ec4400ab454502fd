//! Replays recorded typing against our product path and against a peer, in one run, and measures each keystroke.
//!
//! A *scenario* is one trace with one size of context. A *pass* replays a scenario against one side: ours without the result
//! cache, ours as it is, or the peer in one of two orders. Passes follow one another, so that each side has the machine for
//! itself, and which side begins alternates. With several clients, ours alone is measured, first one client after the other
//! and then all at once.
//!
//! This measures time and tokens. Whether suggestions are any good is what `eval complete` measures.

mod clients;
mod ours;
mod passes;
mod peer;
mod plot;
mod report;
mod sample;
mod stats;
mod table;
mod trace;
mod watch;
mod window;

#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use wright_provider::{Provider, ProviderError};

use crate::EvalError;
pub use clients::{Client, Clients};
pub use report::{DecodeStep, Pass, SCHEMA, TypingReport};
pub use sample::{Answer, Sample, Side};

use passes::Bench;
use trace::Trace;

/// How long one keystroke is waited for, on either side.
const TIME_LIMIT: Duration = Duration::from_secs(60);

/// What replays work with.
#[derive(Clone)]
pub struct TypingDeps {
    /// Our model.
    pub provider: Arc<dyn Provider>,
    /// The process that runs it.
    pub worker: Arc<dyn Worker>,
    /// Who is told, in one line, about each finished pass.
    pub progress: Arc<dyn Fn(&str) + Send + Sync>,
}

/// The process behind our model, as far as a measurement must know it.
#[async_trait]
pub trait Worker: Send + Sync {
    /// Makes the worker forget what it has read.
    async fn forget(&self) -> Result<(), ProviderError>;

    /// Returns how many prompt tokens the worker has read since it started, those of canceled and of background requests
    /// included; nothing where that is not known.
    async fn evaluated_tokens(&self) -> Option<u64>;

    /// Returns whether the worker has nothing to do.
    async fn is_idle(&self) -> bool;
}

/// A model behind which no process of ours is.
#[derive(Debug, Clone, Copy)]
pub struct NoWorker;

#[async_trait]
impl Worker for NoWorker {
    async fn forget(&self) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn evaluated_tokens(&self) -> Option<u64> {
        None
    }

    async fn is_idle(&self) -> bool {
        true
    }
}

/// What is replayed, and how.
#[derive(Debug, Clone)]
pub struct TypingOptions {
    /// The folder of traces.
    pub traces: PathBuf,
    /// Only traces whose language or manner is named here; all when nothing is.
    pub only: Vec<String>,
    /// How many tokens of the text around the cursor are shown.
    pub contexts: Vec<usize>,
    /// What follows the cursor is at most this many lines, as llama.vim has it; none means half of the context.
    pub max_suffix_lines: Option<usize>,
    /// Ours and the peer's ways to be measured.
    pub sides: Vec<Side>,
    /// The peer's address.
    pub peer: Option<String>,
    /// Our sides are asked at every keystroke of this number, and after each jump and at each paste.
    pub every: usize,
    /// The same for the peer in its own order, which takes seconds each time. In our order it is asked as we are.
    pub peer_every: usize,
    /// How often everything is repeated.
    pub n_runs: usize,
    /// How many clients type at once; with one, they are compared with the peer.
    pub n_clients: usize,
    /// How long our product may read before it answers from less context; nothing for as long as it takes.
    pub max_read: Option<Duration>,
    /// Whether the recorded pauses are kept.
    pub pauses: bool,
    /// What else keeps the machine busy, in words; empty when nothing does.
    pub load: String,
    /// An earlier report to compare our figures with.
    pub baseline: Option<PathBuf>,
    /// Where the report goes.
    pub output: Option<PathBuf>,
}

impl TypingOptions {
    /// Returns the usual measurement of the traces in a folder.
    pub fn new(traces: impl Into<PathBuf>) -> Self {
        Self {
            traces: traces.into(),
            only: Vec::new(),
            contexts: vec![500, 1_500, 3_000],
            max_suffix_lines: None,
            sides: vec![Side::Engine, Side::Product, Side::PeerPrefixFirst],
            peer: None,
            every: 1,
            peer_every: 16,
            n_runs: 1,
            n_clients: 1,
            max_read: Some(Duration::from_millis(400)),
            pauses: true,
            load: String::new(),
            baseline: None,
            output: None,
        }
    }
}

/// Replays the traces and returns what was measured.
pub async fn run_typing(deps: &TypingDeps, options: &TypingOptions) -> Result<TypingReport, EvalError> {
    let traces = chosen(&trace::load(&options.traces)?, options)?;
    let mut report = TypingReport::start(deps.provider.model(), options)?;
    report.save()?;
    let bench = Bench::open(deps, options).await?;
    for run in 0..options.n_runs.max(1) {
        if options.n_clients > 1 {
            clients::measure(&bench, &traces, run, &mut report).await?;
        } else {
            passes::measure(&bench, &traces, run, &mut report).await?;
        }
    }
    Ok(report)
}

fn chosen(traces: &[Trace], options: &TypingOptions) -> Result<Vec<Trace>, EvalError> {
    let is_named = |word: &String| options.only.iter().any(|it| it == word);
    let knows = |word: &&String| traces.iter().any(|it| it.language == **word || it.manner == **word);
    if let Some(unknown) = options.only.iter().find(|it| !knows(it)) {
        return Err(EvalError::NoSuchTrace { word: unknown.clone() });
    }
    // A language and a manner narrow each other down; two languages add up.
    let has = |word_of: fn(&Trace) -> &String| traces.iter().any(|it| is_named(word_of(it)));
    let (by_language, by_manner) = (has(|it| &it.language), has(|it| &it.manner));
    let is_chosen = |it: &Trace| (!by_language || is_named(&it.language)) && (!by_manner || is_named(&it.manner));
    Ok(traces.iter().filter(|it| is_chosen(it)).cloned().collect())
}

fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e5).round() / 1e2
}
