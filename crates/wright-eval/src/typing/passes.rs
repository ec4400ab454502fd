//! One scenario after the other, each against one side after the other.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ours::{Limits, Ours, decode_step};
use super::peer::Peer;
use super::report::{DecodeStep, Pass, TypingReport};
use super::sample::{Sample, Side};
use super::trace::{Replay, Trace};
use super::window::{Size, Windows};
use super::{TIME_LIMIT, TypingDeps, TypingOptions, Worker, millis, stats};
use crate::EvalError;

/// How often our worker is asked whether it is idle.
const SETTLE_TICK: Duration = Duration::from_millis(50);

/// What all passes need.
pub(super) struct Bench<'a> {
    pub(super) deps: &'a TypingDeps,
    pub(super) options: &'a TypingOptions,
    peer: Option<Peer>,
}

/// A trace with a size of context.
pub(super) struct Scenario<'t> {
    pub(super) trace: &'t Trace,
    /// The context, in tokens.
    pub(super) context: usize,
    /// The context, in bytes of this text.
    pub(super) size: Size,
}

impl Scenario<'_> {
    /// Returns the part of the text around the cursor at the beginning.
    fn window(&self) -> Range<usize> {
        Windows::new(self.size).around(&self.trace.text, self.trace.start)
    }

    /// Returns how much our model may be shown, and how long it may read.
    fn limits(&self, max_read: Option<Duration>) -> Limits {
        let window = self.window();
        Limits { prefix: self.trace.start - window.start, suffix: window.end - self.trace.start, max_read }
    }
}

impl<'a> Bench<'a> {
    /// Connects to the peer, where one is named.
    pub(super) async fn open(deps: &'a TypingDeps, options: &'a TypingOptions) -> Result<Self, EvalError> {
        let peer = match &options.peer {
            Some(url) => Some(Peer::connect(url).await?),
            None => None,
        };
        Ok(Self { deps, options, peer })
    }

    /// Returns the scenarios of traces with a context.
    pub(super) async fn scenarios<'t>(
        &self,
        traces: &'t [Trace],
        context: usize,
    ) -> Result<Vec<Scenario<'t>>, EvalError> {
        let mut bytes = BTreeMap::<&str, f64>::new();
        let mut scenarios = Vec::new();
        for trace in traces {
            let per_token = match bytes.get(trace.text.as_str()) {
                Some(per_token) => *per_token,
                None => {
                    let n_tokens = self.deps.provider.count_tokens(&trace.text).await?;
                    trace.text.len() as f64 / n_tokens.max(1) as f64
                }
            };
            bytes.insert(&trace.text, per_token);
            let total = (context as f64 * per_token) as usize;
            let max_suffix_lines = self.options.max_suffix_lines.unwrap_or(usize::MAX);
            scenarios.push(Scenario { trace, context, size: Size { total, max_suffix_lines } });
        }
        Ok(scenarios)
    }

    /// Replays a scenario against one of our sides.
    pub(super) async fn replay_ours(&self, scenario: &Scenario<'_>, side: Side) -> Result<Vec<Sample>, EvalError> {
        let ours = self.open_ours(scenario, side).await?;
        let samples = self.type_at(ours, scenario.trace, Some(self.deps.worker.as_ref())).await;
        self.settle().await;
        samples
    }

    /// Waits until our worker has nothing to do, so that it does not disturb whoever is measured next.
    async fn settle(&self) {
        let started = Instant::now();
        while started.elapsed() < TIME_LIMIT {
            // What was just begun in the background has not reached the worker yet.
            tokio::time::sleep(SETTLE_TICK).await;
            if self.deps.worker.is_idle().await {
                break;
            }
        }
    }

    /// Opens the document and asks once, which nobody measures: what is there before the first keystroke is read, as it is
    /// when someone has looked at a file for a while.
    pub(super) async fn open_ours(&self, scenario: &Scenario<'_>, side: Side) -> Result<Ours, EvalError> {
        let trace = scenario.trace;
        let provider = Arc::clone(&self.deps.provider);
        let limits = scenario.limits(self.options.max_read);
        let mut ours = Ours::open(provider, side, trace.path.clone(), &trace.text, limits);
        ours.suggest(0, trace.start, None).await?;
        self.settle().await;
        ours.count_from_here(self.deps.worker.as_ref()).await;
        Ok(ours)
    }

    /// Types what the trace says. The worker is given where nobody else uses it.
    pub(super) async fn type_at(
        &self,
        mut ours: Ours,
        trace: &Trace,
        worker: Option<&dyn Worker>,
    ) -> Result<Vec<Sample>, EvalError> {
        let mut samples = Vec::new();
        let mut replay = Replay::new(trace);
        let mut n_keystrokes = 0;
        while let Some(applied) = replay.advance() {
            if self.options.pauses {
                tokio::time::sleep(applied.pause).await;
            }
            let Some(edit) = applied.edit else {
                ours.rest(replay.offset);
                continue;
            };
            ours.change(&replay.text, &edit);
            if is_asked(n_keystrokes, applied.is_turn, self.options.every) {
                let sample = ours.suggest(n_keystrokes, replay.offset, worker).await?;
                samples.push(Sample { is_turn: applied.is_turn, ..sample });
            }
            n_keystrokes += 1;
        }
        Ok(samples)
    }

    /// Replays a scenario against the peer. It has nothing to do in a pause, so there are none.
    async fn replay_peer(&self, peer: &Peer, scenario: &Scenario<'_>, side: Side) -> Result<Vec<Sample>, EvalError> {
        let every = if side == Side::PeerPrefixFirst { self.options.peer_every } else { self.options.every };
        let mut windows = Windows::new(scenario.size);
        let mut replay = Replay::new(scenario.trace);
        let mut samples = Vec::new();
        let mut n_keystrokes = 0;
        ask(peer, side, 0, &replay, &mut windows).await?;
        while let Some(applied) = replay.advance() {
            let Some(edit) = applied.edit else { continue };
            for replacement in edit.replacements() {
                windows.follow(&replacement.range, replacement.text.len());
            }
            if is_asked(n_keystrokes, applied.is_turn, every) {
                let sample = ask(peer, side, n_keystrokes, &replay, &mut windows).await?;
                samples.push(Sample { is_turn: applied.is_turn, ..sample });
            }
            n_keystrokes += 1;
        }
        Ok(samples)
    }

    async fn pass(&self, scenario: &Scenario<'_>, side: Side, run: usize) -> Result<Option<Pass>, EvalError> {
        let before = self.deps.worker.evaluated_tokens().await;
        let samples = match (&self.peer, side.is_ours()) {
            (_, true) => self.replay_ours(scenario, side).await?,
            (Some(peer), false) => self.replay_peer(peer, scenario, side).await?,
            (None, false) => return Ok(None),
        };
        let after = self.deps.worker.evaluated_tokens().await;
        let evaluated = after.zip(before).and_then(|(after, before)| after.checked_sub(before));
        Ok(Some(Pass {
            side,
            language: scenario.trace.language.clone(),
            manner: scenario.trace.manner.clone(),
            context: scenario.context,
            run,
            worker_evaluated_tokens: evaluated.filter(|_| side.is_ours()),
            samples,
        }))
    }

    async fn measure_decode_step(&self, scenario: &Scenario<'_>) -> Result<Option<DecodeStep>, EvalError> {
        let text = &scenario.trace.text[scenario.window()];
        let step = decode_step(self.deps.provider.as_ref(), text).await?;
        Ok(step.map(|it| DecodeStep { context: scenario.context, ms: millis(it) }))
    }

    fn tell(&self, pass: &Pass) {
        let times: Vec<f64> = pass.samples.iter().filter(|it| it.counts()).map(|it| it.complete_ms).collect();
        let p50 = stats::percentile(&times, 0.5).map_or("-".to_owned(), |it| format!("{it:.0} ms"));
        (self.deps.progress)(&format!(
            "{:>5} {:<10} {:<9} {:<17} {:>3} keystrokes, p50 {p50}",
            pass.context,
            pass.language,
            pass.manner,
            pass.side.name(),
            pass.samples.len()
        ));
    }
}

/// Measures everything once. Our sides take turns as a whole, each with a worker that has read nothing, because what one
/// has read would help the other; the peer is measured beside the first.
pub(super) async fn measure(
    bench: &Bench<'_>,
    traces: &[Trace],
    run: usize,
    report: &mut TypingReport,
) -> Result<(), EvalError> {
    let (ours, peers): (Vec<Side>, Vec<Side>) = bench.options.sides.iter().partition(|it| it.is_ours());
    for round in 0..ours.len().max(1) {
        bench.deps.worker.forget().await?;
        let mut sides: Vec<Side> = ours.get(round).copied().into_iter().collect();
        if round == 0 {
            sides.extend(&peers);
        }
        for &context in &bench.options.contexts {
            let scenarios = bench.scenarios(traces, context).await?;
            if let (Some(first), 0) = (scenarios.first(), round) {
                report.decode_steps.extend(bench.measure_decode_step(first).await?);
            }
            for scenario in &scenarios {
                // No side always follows the same other one.
                sides.reverse();
                for &side in &sides {
                    if let Some(pass) = bench.pass(scenario, side, run).await? {
                        bench.tell(&pass);
                        report.passes.push(pass);
                        report.save()?;
                    }
                }
            }
        }
    }
    Ok(())
}

async fn ask(
    peer: &Peer,
    side: Side,
    keystroke: usize,
    replay: &Replay<'_>,
    windows: &mut Windows,
) -> Result<Sample, EvalError> {
    let window = windows.around(&replay.text, replay.offset);
    let parts = (&replay.text[window.start..replay.offset], &replay.text[replay.offset..window.end]);
    peer.suggest(side, keystroke, parts).await
}

/// Returns whether a keystroke is measured: each so-and-so-manyth, and those that cost most.
fn is_asked(keystroke: usize, is_turn: bool, every: usize) -> bool {
    is_turn || keystroke.is_multiple_of(every.max(1))
}
