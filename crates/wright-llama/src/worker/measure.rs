//! Measures one layout of a model's weights: how fast it reads and writes, what a decode of several tokens costs, and how
//! well it knows a text.
//!
//! Runs in a process of its own, because other threads of the same process would be measured too, and because the engine
//! ends the process when it cannot go on. [`crate::tune()`] starts it and decides what to do with the figures.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::llama::{BatchToken, Decoded, Llama};
use super::model::{Model, Token};
use super::quantize::quantize;
use crate::tune::{DecodeCost, Figures, Layout};

/// The text whose likelihood is measured: code, as the models are used for.
const TEXT: &str = include_str!("../models.rs");

/// How many tokens of the text are scored.
const N_SCORED: usize = 2048;

/// How long a beginning of the text a token is judged by, at most.
const SCORED_CONTEXT: usize = 512;

/// How many tokens are read at a time.
const N_READ: usize = 64;

/// How often a decode is timed; the median counts.
const N_TIMED: usize = 9;

/// The sizes of decode that are timed. The first is what writing costs.
const DECODE_SIZES: [usize; 4] = [1, 2, 4, 8];

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrialTask {
    /// The model as it was shipped.
    pub(crate) source: PathBuf,
    /// Where it is written in another layout first.
    pub(crate) output: PathBuf,
    /// The layout.
    pub(crate) layout: Layout,
    /// Threads that compute.
    pub(crate) threads: usize,
}

/// Does the task in `json`, which [`crate::tune()`] wrote, and prints the figures as JSON.
pub fn tuner_main(json: &str) -> ExitCode {
    super::hurry();
    let result = serde_json::from_str::<TrialTask>(json).map_err(|error| error.to_string()).and_then(|task| run(&task));
    let written = match result {
        Ok(figures) => match serde_json::to_string(&figures) {
            Ok(json) => writeln!(io::stdout(), "{json}").is_ok(),
            Err(_) => false,
        },
        Err(message) => {
            let _ = writeln!(io::stderr(), "{message}");
            false
        }
    };
    if written { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(task: &TrialTask) -> Result<Figures, String> {
    let path = match task.layout {
        Layout::Shipped => &task.source,
        Layout::Q4_0 | Layout::Q4_0HighHead | Layout::Iq4Nl => {
            quantize(&task.source, &task.output, task.layout, task.threads)?;
            &task.output
        }
    };
    let model = Arc::new(Model::load(path)?);
    let llama = Llama::new(Arc::clone(&model), 2 * SCORED_CONTEXT, task.threads, Arc::new(AtomicBool::new(false)))?;
    let tokens = model.tokenize(TEXT);
    let mut bench = Bench { llama, tokens };
    let read_per_second = bench.read_speed()?;
    let decode_costs = bench.decode_costs()?;
    let written_per_second = decode_costs.first().map_or(0.0, |cost| 1000.0 / cost.milliseconds);
    let mean_logprob = bench.mean_logprob()?;
    Ok(Figures { read_per_second, written_per_second, mean_logprob, decode_costs })
}

/// A context and the text it is measured with.
struct Bench {
    llama: Llama,
    tokens: Vec<Token>,
}

impl Bench {
    /// Returns how many tokens are read per second; the cells stay for the measurements that follow.
    fn read_speed(&mut self) -> Result<f64, String> {
        self.read(0, N_READ, false)?;
        self.llama.truncate_sequence(0, 0);
        let started = Instant::now();
        for from in (0..SCORED_CONTEXT).step_by(N_READ) {
            self.read(from, N_READ, false)?;
        }
        Ok(SCORED_CONTEXT as f64 / started.elapsed().as_secs_f64())
    }

    /// Returns what a decode costs that has logits for every token, after the text that was read.
    fn decode_costs(&mut self) -> Result<Vec<DecodeCost>, String> {
        let mut costs = Vec::new();
        for n_tokens in DECODE_SIZES {
            let mut times = Vec::new();
            for _ in 0..N_TIMED {
                let started = Instant::now();
                self.read(SCORED_CONTEXT, n_tokens, true)?;
                times.push(started.elapsed());
                self.llama.truncate_sequence(0, SCORED_CONTEXT);
            }
            times.sort_unstable();
            costs.push(DecodeCost { n_tokens, milliseconds: milliseconds(times[N_TIMED / 2]) });
        }
        Ok(costs)
    }

    /// Returns the mean natural-log probability of the text's tokens.
    fn mean_logprob(&mut self) -> Result<f64, String> {
        let n_scored = N_SCORED.min(self.tokens.len() - 1);
        let (mut sum, mut n_tokens) = (0.0, 0);
        let mut from = 0;
        while from < n_scored {
            if from % SCORED_CONTEXT == 0 {
                self.llama.truncate_sequence(0, 0);
            }
            let n_read = N_READ.min(n_scored - from);
            self.decode(from, n_read, from % SCORED_CONTEXT, true)?;
            for idx in 0..n_read {
                sum += logprob(self.llama.logits(idx), self.tokens[from + idx + 1]);
                n_tokens += 1;
            }
            from += n_read;
        }
        Ok(sum / f64::from(n_tokens.max(1)))
    }

    fn read(&mut self, from: usize, n_tokens: usize, wants_logits: bool) -> Result<(), String> {
        self.decode(from, n_tokens, from, wants_logits)
    }

    /// Decodes `n_tokens` tokens of the text from `from` on, at `position`.
    fn decode(&mut self, from: usize, n_tokens: usize, position: usize, wants_logits: bool) -> Result<(), String> {
        let batch: Vec<BatchToken> = self.tokens[from..from + n_tokens]
            .iter()
            .enumerate()
            .map(|(idx, &token)| BatchToken { token, position: position + idx, sequence: 0, wants_logits })
            .collect();
        match self.llama.decode(&batch) {
            Decoded::Done => Ok(()),
            other => Err(format!("a decode of {n_tokens} tokens failed: {other:?}")),
        }
    }
}

/// Returns the natural-log probability of `token`.
fn logprob(logits: &[f32], token: Token) -> f64 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = logits.iter().map(|logit| (logit - max).exp()).sum();
    f64::from(logits[token as usize] - max - total.ln())
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logprob_of_a_token_is_its_share_of_all() {
        let logits = [0.0, 3.0_f32.ln(), f32::NEG_INFINITY];
        assert!((logprob(&logits, 1) - 0.75_f64.ln()).abs() < 1e-6);
    }
}
