//! What was measured, as it is kept in a file, and the figures that follow from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clients::Clients;
use super::sample::{Answer, Sample, Side};
use super::stats::{self, Spread};
use super::{TypingOptions, plot, table};
use crate::EvalError;

/// The format's name and version. Later versions may add fields; a reader refuses versions it does not know.
pub const SCHEMA: &str = "wright.eval-typing/1";

/// One scenario against one side.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Who answered.
    pub side: Side,
    /// The language.
    pub language: String,
    /// How the text was typed.
    pub manner: String,
    /// The context, in tokens.
    pub context: usize,
    /// Which repetition, from 0.
    pub run: usize,
    /// Prompt tokens that our worker read in the pass, those of canceled, background and preparing requests included.
    pub worker_evaluated_tokens: Option<u64>,
    /// What was measured at each keystroke.
    pub samples: Vec<Sample>,
}

/// How long writing one token takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DecodeStep {
    /// How many tokens were read before, about.
    pub context: usize,
    /// The time.
    pub ms: f64,
}

/// A report, finished or under way.
#[derive(Debug, Clone, PartialEq)]
pub struct TypingReport {
    /// Our model, as `PROVIDER:NAME`.
    pub model: String,
    /// What else kept the machine busy; empty when nothing did.
    pub load: String,
    /// The passes so far.
    pub passes: Vec<Pass>,
    /// How long writing a token takes, measured in this run.
    pub decode_steps: Vec<DecodeStep>,
    /// What was measured with several clients.
    pub clients: Vec<Clients>,
    settings: Settings,
    baseline: Option<Stored>,
    output: Option<PathBuf>,
    started: Instant,
}

/// How the run was made.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Settings {
    pub(super) every: usize,
    pub(super) peer_every: usize,
    pub(super) n_runs: usize,
    pub(super) n_clients: usize,
    pub(super) pauses: bool,
    pub(super) max_read_ms: Option<u64>,
    pub(super) max_suffix_lines: Option<usize>,
}

/// The parts of a report file that are read back.
#[derive(Debug, Clone, PartialEq, Deserialize)]
struct Stored {
    schema: String,
    load: String,
    passes: Vec<Pass>,
}

/// Which passes a figure is about; what is not named may be any.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Group {
    pub(super) context: Option<usize>,
    pub(super) manner: Option<String>,
    pub(super) language: Option<String>,
}

impl Group {
    fn has(&self, pass: &Pass) -> bool {
        self.context.is_none_or(|it| it == pass.context)
            && self.manner.as_ref().is_none_or(|it| *it == pass.manner)
            && self.language.as_ref().is_none_or(|it| *it == pass.language)
    }
}

/// The figures of one side for a group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figures {
    /// From keystroke to complete suggestion, in milliseconds.
    pub(super) complete: Spread,
    /// From keystroke to first text.
    pub(super) first: Option<Spread>,
    /// How many keystrokes counted in no time, as nothing was asked.
    pub(super) n_not_asked: usize,
    /// How many are on the screen.
    pub(super) n_shown: usize,
    /// How many of those came from the result cache.
    pub(super) n_from_cache: usize,
    /// How many reached the time limit.
    pub(super) n_timed_out: usize,
    /// Tokens of the prompt, at the middle keystroke that asked a model.
    pub(super) prompt_tokens: Option<f64>,
    /// How many keystrokes asked our model with less than three quarters of the context.
    pub(super) n_narrow: usize,
    /// Mean of the prompt tokens that no cache held.
    pub(super) evaluated_tokens: Option<f64>,
    /// The same at the middle keystroke.
    pub(super) evaluated_p50: Option<f64>,
    /// Mean of the tokens that were written.
    pub(super) written_tokens: f64,
    /// The middle ratio of the time to the time that decoding the shown tokens alone takes.
    pub(super) limit: Option<f64>,
}

/// Ours against the peer, at the keystrokes that both were asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comparison {
    pub(super) ours: Spread,
    pub(super) peer: Spread,
    pub(super) ours_first: Option<Spread>,
    pub(super) peer_first: Option<Spread>,
    pub(super) ours_evaluated: Option<f64>,
    pub(super) peer_evaluated: Option<f64>,
}

impl Comparison {
    /// Returns how many times longer the peer takes at p50 and at p95.
    pub(super) fn ratios(&self) -> (f64, f64) {
        (self.peer.p50 / self.ours.p50, self.peer.p95 / self.ours.p95)
    }

    /// Returns how many times longer the peer takes to its first text at p50.
    pub(super) fn first_ratio(&self) -> Option<f64> {
        Some(self.peer_first?.p50 / self.ours_first?.p50)
    }
}

impl TypingReport {
    /// Starts a report, with the earlier one to compare with.
    pub(super) fn start(model: &str, options: &TypingOptions) -> Result<Self, EvalError> {
        Ok(Self {
            model: model.to_owned(),
            load: options.load.clone(),
            passes: Vec::new(),
            decode_steps: Vec::new(),
            clients: Vec::new(),
            settings: Settings {
                every: options.every,
                peer_every: options.peer_every,
                n_runs: options.n_runs,
                n_clients: options.n_clients,
                pauses: options.pauses,
                max_read_ms: options.max_read.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
                max_suffix_lines: options.max_suffix_lines,
            },
            baseline: options.baseline.as_deref().map(read).transpose()?,
            output: options.output.clone(),
            started: Instant::now(),
        })
    }

    /// Writes the report where it belongs, if anywhere.
    pub(super) fn save(&self) -> Result<(), EvalError> {
        match &self.output {
            Some(path) => crate::report::write_whole(path, &format!("{:#}\n", self.to_json())),
            None => Ok(()),
        }
    }

    /// Returns the whole report as JSON.
    pub fn to_json(&self) -> Value {
        json!({
            "schema": SCHEMA,
            "model": self.model,
            "load": self.load,
            "settings": self.settings,
            "seconds": self.started.elapsed().as_secs(),
            "decode_steps": self.decode_steps,
            "figures": self.figures_json(),
            "comparisons": self.comparisons_json(),
            "clients": self.clients,
            "passes": self.passes,
        })
    }

    /// Returns the report as Markdown.
    pub fn table(&self) -> String {
        table::render(self)
    }

    /// Returns the comparison as a picture in SVG.
    pub fn plot(&self) -> String {
        plot::render(self)
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns how long the run has taken, in minutes.
    pub(super) fn minutes(&self) -> f64 {
        self.started.elapsed().as_secs_f64() / 60.0
    }

    /// Returns the sides that were measured.
    pub(super) fn sides(&self) -> Vec<Side> {
        let sides: BTreeSet<Side> = self.passes.iter().map(|it| it.side).collect();
        sides.into_iter().collect()
    }

    /// Returns every scenario, in the order of context, manner and language.
    pub(super) fn scenarios(&self) -> Vec<Group> {
        let scenarios: BTreeSet<Group> = self
            .passes
            .iter()
            .map(|it| Group {
                context: Some(it.context),
                manner: Some(it.manner.clone()),
                language: Some(it.language.clone()),
            })
            .collect();
        scenarios.into_iter().collect()
    }

    /// Returns a group for each context, and one for all.
    pub(super) fn sums(&self) -> Vec<Group> {
        let contexts: BTreeSet<usize> = self.passes.iter().map(|it| it.context).collect();
        let of_context = |it| Group { context: Some(it), ..Group::default() };
        let mut sums: Vec<Group> = contexts.iter().copied().map(of_context).collect();
        if sums.len() > 1 {
            sums.push(Group::default());
        }
        sums
    }

    /// Returns the figures of a side for a group; nothing where it was not measured.
    pub(super) fn figures(&self, side: Side, group: &Group) -> Option<Figures> {
        let passes = select(&self.passes, side, group);
        let samples: Vec<(&Pass, &Sample)> =
            passes.iter().flat_map(|pass| pass.samples.iter().map(|it| (*pass, it))).collect();
        let counted: Vec<&Sample> = samples.iter().map(|(_, it)| *it).filter(|it| it.counts()).collect();
        let number = |is_wanted: fn(&Sample) -> bool| samples.iter().filter(|(_, it)| is_wanted(it)).count();
        let of = |value: fn(&Sample) -> u64| counted.iter().map(|it| value(it) as f64).collect::<Vec<_>>();
        let prompts: Vec<f64> = of(|it| it.prompt_tokens).into_iter().filter(|it| *it > 0.0).collect();
        let evaluated = evaluated(&counted);
        let limits: Vec<f64> = samples.iter().filter_map(|(pass, it)| self.limit(pass, it)).collect();
        Some(Figures {
            complete: spread(&passes, |it| Some(it.complete_ms))?,
            first: spread(&passes, |it| it.first_ms),
            n_not_asked: number(|it| !it.counts()),
            n_shown: number(|it| it.answer.is_shown()),
            n_from_cache: number(|it| it.answer == Answer::FromResultCache),
            n_timed_out: number(|it| it.answer == Answer::TimedOut),
            prompt_tokens: stats::percentile(&prompts, 0.5),
            n_narrow: samples.iter().filter(|(pass, it)| is_narrow(pass, it)).count(),
            evaluated_tokens: stats::mean(&evaluated),
            evaluated_p50: stats::percentile(&evaluated, 0.5),
            written_tokens: stats::mean(&of(|it| it.written_tokens))?,
            limit: stats::percentile(&limits, 0.5),
        })
    }

    /// Returns the ratio of a keystroke's time to the time that decoding what it shows takes; nothing where no model wrote
    /// what is shown.
    fn limit(&self, pass: &Pass, sample: &Sample) -> Option<f64> {
        let steps: Vec<f64> =
            self.decode_steps.iter().filter(|it| it.context == pass.context).map(|it| it.ms).collect();
        let step = stats::percentile(&steps, 0.5)?;
        let is_written = sample.answer == Answer::Shown && sample.shown_tokens > 0;
        is_written.then(|| sample.complete_ms / (sample.shown_tokens as f64 * step))
    }

    /// Returns how ours compares with the peer in a group, at the keystrokes that both were asked in the same run.
    pub(super) fn comparison(&self, ours: Side, peer: Side, group: &Group) -> Option<Comparison> {
        let (ours, peer) = common(&select(&self.passes, ours, group), &select(&self.passes, peer, group));
        let (ours, peer): (Vec<&Pass>, Vec<&Pass>) = (ours.iter().collect(), peer.iter().collect());
        let mean = |passes: &[&Pass]| {
            let samples: Vec<&Sample> = passes.iter().flat_map(|it| &it.samples).collect();
            stats::mean(&evaluated(&samples))
        };
        Some(Comparison {
            ours: spread(&ours, |it| Some(it.complete_ms))?,
            peer: spread(&peer, |it| Some(it.complete_ms))?,
            ours_first: spread(&ours, |it| it.first_ms),
            peer_first: spread(&peer, |it| it.first_ms),
            ours_evaluated: mean(&ours),
            peer_evaluated: mean(&peer),
        })
    }

    /// Returns what a side's times were in the earlier report, and what else kept the machine busy then.
    pub(super) fn baseline(&self, side: Side, group: &Group) -> Option<(Spread, &str)> {
        let stored = self.baseline.as_ref()?;
        let spread = spread(&select(&stored.passes, side, group), |it| Some(it.complete_ms))?;
        Some((spread, if stored.load.is_empty() { "nothing" } else { &stored.load }))
    }

    fn figures_json(&self) -> Vec<Value> {
        let groups = [self.scenarios(), self.sums()].concat();
        let rows = groups.iter().flat_map(|group| self.sides().into_iter().map(move |side| (group, side)));
        rows.filter_map(|(group, side)| Some(figures_json(group, side, &self.figures(side, group)?))).collect()
    }

    fn comparisons_json(&self) -> Vec<Value> {
        let mut rows = Vec::new();
        for group in [self.scenarios(), self.sums()].concat() {
            for (ours, peer) in self.pairs() {
                if let Some(it) = self.comparison(ours, peer, &group) {
                    rows.push(comparison_json(&group, (ours, peer), &it));
                }
            }
        }
        rows
    }

    /// Returns each of our sides with each of the peer's.
    pub(super) fn pairs(&self) -> Vec<(Side, Side)> {
        let (ours, peers): (Vec<Side>, Vec<Side>) = self.sides().into_iter().partition(|it| it.is_ours());
        ours.iter().flat_map(|ours| peers.iter().map(|peer| (*ours, *peer))).collect()
    }
}

fn select<'p>(passes: &'p [Pass], side: Side, group: &Group) -> Vec<&'p Pass> {
    passes.iter().filter(|it| it.side == side && group.has(it)).collect()
}

/// Returns whether a model was asked with much less than the context.
fn is_narrow(pass: &Pass, sample: &Sample) -> bool {
    sample.prompt_tokens > 0 && sample.prompt_tokens * 4 < pass.context as u64 * 3
}

/// Returns how many prompt tokens no cache held, for each keystroke of which that is known.
fn evaluated(samples: &[&Sample]) -> Vec<f64> {
    samples.iter().filter_map(|it| Some(it.evaluated_tokens? as f64)).collect()
}

/// Returns the spread of a time over passes, run by run.
fn spread(passes: &[&Pass], time: fn(&Sample) -> Option<f64>) -> Option<Spread> {
    let n_runs = passes.iter().map(|it| it.run + 1).max().unwrap_or(0);
    let mut runs = vec![Vec::new(); n_runs];
    for pass in passes {
        runs[pass.run].extend(pass.samples.iter().filter(|it| it.counts()).filter_map(time));
    }
    Spread::of_runs(&runs)
}

/// Returns the passes of both with only those keystrokes that count on both sides.
fn common(ours: &[&Pass], peer: &[&Pass]) -> (Vec<Pass>, Vec<Pass>) {
    let keys = |passes: &[&Pass]| -> BTreeSet<_> {
        let of_pass =
            |pass: &&Pass| pass.samples.iter().filter(|it| it.counts()).map(|it| key(pass, it)).collect::<Vec<_>>();
        passes.iter().flat_map(of_pass).collect()
    };
    let both: BTreeSet<_> = keys(ours).intersection(&keys(peer)).cloned().collect();
    let only = |passes: &[&Pass]| -> Vec<Pass> {
        let narrowed = |pass: &&Pass| {
            let samples = pass.samples.iter().filter(|it| both.contains(&key(pass, it))).cloned().collect();
            Pass { samples, ..(*pass).clone() }
        };
        passes.iter().map(narrowed).collect()
    };
    (only(ours), only(peer))
}

fn key(pass: &Pass, sample: &Sample) -> (usize, String, String, usize, usize) {
    (pass.context, pass.manner.clone(), pass.language.clone(), pass.run, sample.keystroke)
}

fn read(path: &Path) -> Result<Stored, EvalError> {
    let wrong = |message: String| EvalError::Baseline { path: path.to_owned(), message };
    let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let stored: Stored = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if stored.schema != SCHEMA {
        return Err(wrong(format!("its format is {:?}", stored.schema)));
    }
    Ok(stored)
}

fn group_json(group: &Group) -> Value {
    json!({ "context": group.context, "manner": group.manner, "language": group.language })
}

fn spread_json(it: &Spread) -> Value {
    json!({ "n": it.n, "p50": it.p50, "p95": it.p95, "min": it.min, "max": it.max })
}

fn figures_json(group: &Group, side: Side, it: &Figures) -> Value {
    json!({
        "group": group_json(group),
        "side": side,
        "complete_ms": spread_json(&it.complete),
        "first_ms": it.first.as_ref().map(spread_json),
        "shown": it.n_shown,
        "from_result_cache": it.n_from_cache,
        "not_asked": it.n_not_asked,
        "timed_out": it.n_timed_out,
        "prompt_tokens_p50": it.prompt_tokens,
        "narrow_context": it.n_narrow,
        "evaluated_tokens_mean": it.evaluated_tokens,
        "evaluated_tokens_p50": it.evaluated_p50,
        "written_tokens_mean": it.written_tokens,
        "times_the_decoding_p50": it.limit,
    })
}

fn comparison_json(group: &Group, (ours, peer): (Side, Side), it: &Comparison) -> Value {
    let (p50, p95) = it.ratios();
    json!({
        "group": group_json(group),
        "ours": ours,
        "peer": peer,
        "ours_ms": spread_json(&it.ours),
        "peer_ms": spread_json(&it.peer),
        "times_shorter_p50": p50,
        "times_shorter_p95": p95,
        "first_text_times_shorter_p50": it.first_ratio(),
        "ours_evaluated_tokens_mean": it.ours_evaluated,
        "peer_evaluated_tokens_mean": it.peer_evaluated,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::typing) fn sample(keystroke: usize, answer: Answer, complete_ms: f64) -> Sample {
        let is_written = answer == Answer::Shown;
        Sample {
            keystroke,
            is_turn: false,
            answer,
            first_ms: answer.is_shown().then_some(complete_ms / 2.0),
            complete_ms,
            prompt_tokens: if is_written { 500 } else { 0 },
            evaluated_tokens: Some(if is_written { 2 } else { 0 }),
            written_tokens: if is_written { 5 } else { 0 },
            shown_tokens: if answer.is_shown() { 4 } else { 0 },
            shown: String::new(),
        }
    }

    fn pass(side: Side, run: usize, samples: Vec<Sample>) -> Pass {
        let (language, manner) = ("python".to_owned(), "typed".to_owned());
        Pass { side, language, manner, context: 500, run, worker_evaluated_tokens: None, samples }
    }

    /// Ours is asked five times, the peer twice, at keystrokes 0 and 4.
    pub(in crate::typing) fn report() -> TypingReport {
        let mut report = TypingReport::start("local:test", &TypingOptions::new("t")).unwrap();
        report.decode_steps.push(DecodeStep { context: 500, ms: 20.0 });
        let ours = vec![
            sample(0, Answer::Shown, 100.0),
            sample(1, Answer::FromResultCache, 1.0),
            sample(2, Answer::NotAsked, 0.1),
            sample(3, Answer::Withheld, 300.0),
            sample(4, Answer::Shown, 200.0),
        ];
        report.passes.push(pass(Side::Product, 0, ours));
        let peer = vec![sample(0, Answer::Shown, 1_000.0), sample(4, Answer::Shown, 3_000.0)];
        report.passes.push(pass(Side::PeerPrefixFirst, 0, peer));
        report
    }

    #[test]
    fn what_was_not_asked_counts_in_no_time() {
        let it = report().figures(Side::Product, &Group::default()).unwrap();
        assert_eq!((it.complete.n, it.complete.p50, it.complete.min, it.complete.max), (4, 100.0, 1.0, 300.0));
        assert_eq!((it.n_shown, it.n_from_cache, it.n_not_asked, it.n_timed_out), (3, 1, 1, 0));
        assert_eq!((it.prompt_tokens, it.evaluated_tokens, it.written_tokens), (Some(500.0), Some(1.0), 2.5));
    }

    #[test]
    fn the_limit_is_decoding_what_is_shown() {
        let it = report().figures(Side::Product, &Group::default()).unwrap();
        assert_eq!(it.limit, Some(100.0 / (4.0 * 20.0)), "of 1.25 and 2.5; what no model wrote has no limit");
    }

    #[test]
    fn a_comparison_is_about_the_keystrokes_that_both_were_asked() {
        let it = report().comparison(Side::Product, Side::PeerPrefixFirst, &Group::default()).unwrap();
        assert_eq!((it.ours.n, it.peer.n), (2, 2));
        assert_eq!(it.ratios(), (10.0, 15.0));
        assert_eq!(it.first_ratio(), Some(10.0));
        assert_eq!(report().comparison(Side::Engine, Side::PeerPrefixFirst, &Group::default()), None);
    }

    #[test]
    fn a_report_is_read_back_as_a_baseline() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("idle.json");
        let earlier = TypingReport { output: Some(path.clone()), ..report() };
        earlier.save().unwrap();
        let options = TypingOptions { baseline: Some(path.clone()), ..TypingOptions::new("t") };
        let report = TypingReport::start("m", &options).unwrap();
        let (spread, load) = report.baseline(Side::Product, &Group::default()).unwrap();
        assert_eq!((spread.p50, spread.p95, load), (100.0, 300.0, "nothing"));
        fs::write(&path, "{}").unwrap();
        assert!(matches!(TypingReport::start("m", &options), Err(EvalError::Baseline { .. })));
    }
}
