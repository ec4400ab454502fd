//! One request on its way through the worker: queued, then reading its prompt, then writing its candidates.

use tokio::sync::mpsc::UnboundedSender;
use wright_provider::{Priority, Prompt, Sampling, StopReason};

use super::loaded::Loaded;
use super::model::Token;
use super::prompt::heal;
use super::rank::Comparison;
use super::sampler::Sampler;
use super::slots::Owner;
use super::text::{GrowingText, Grown};
use crate::protocol::{Answer, Line, WireError};

/// Which request of which connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JobKey {
    pub(super) connection: u64,
    pub(super) id: u64,
}

/// Where the answers to a request go.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) id: u64,
    pub(super) lines: UnboundedSender<String>,
}

impl Reply {
    /// Sends an answer. A connection that is gone is noticed by its reader, which cancels the request.
    pub(super) fn send(&self, answer: Answer) {
        let _ = self.lines.send(Line::new(self.id, answer).to_json());
    }

    /// Sends an error.
    pub(super) fn fail(&self, error: WireError) {
        self.send(Answer::Error { error });
    }
}

/// What a request wants.
#[derive(Debug)]
pub(super) enum Work {
    Complete { prompt: Prompt, sampling: Sampling },
    Rank { context: String, original: String, variants: Vec<String> },
    CountTokens { text: String },
}

/// A request.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) key: JobKey,
    pub(super) model: String,
    pub(super) priority: Priority,
    pub(super) owner: Owner,
    pub(super) reply: Reply,
    pub(super) work: Work,
    /// What it needs, once its model is loaded.
    pub(super) plan: Option<Plan>,
    /// How far it is, once it has a slot.
    pub(super) run: Option<Run>,
}

/// What a request needs.
#[derive(Debug)]
pub(super) struct Plan {
    /// What is read.
    pub(super) tokens: Vec<Token>,
    /// How much of it may come from the cache.
    pub(super) max_reuse: usize,
    /// Cells it needs at most.
    pub(super) n_cells: usize,
    /// How many candidates are written at a time.
    pub(super) n_parallel: usize,
    /// What is done with the logits.
    pub(super) goal: Goal,
}

/// What is done with the logits.
#[derive(Debug)]
pub(super) enum Goal {
    /// Candidates are written; the bytes must be written first.
    Write { healing: Vec<u8> },
    /// Nothing is written: the tokens are to be in the cache. The whole prompt has one more.
    Read,
    /// Variants are compared.
    Compare(Comparison),
}

/// How far a request is.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) slot: usize,
    /// Tokens of the plan that are in the cache.
    pub(super) n_read: usize,
    /// Those that were there from the start.
    pub(super) n_cached: usize,
    /// Candidates that are being written.
    pub(super) candidates: Vec<Candidate>,
    /// Candidates that have begun.
    pub(super) n_begun: u32,
    /// Lanes that later candidates may use.
    pub(super) idle_lanes: Vec<Lane>,
    /// Lanes to give back at the end.
    pub(super) owned_lanes: Vec<usize>,
    /// The logits after the prompt, for candidates that begin later.
    pub(super) first_logits: Vec<f32>,
    pub(super) n_written: u64,
}

/// Where a candidate's cells are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// In the request's own slot, where they stay for the next prompt.
    Slot,
    /// In a sequence of its own that begins with the slot's cells.
    Sequence(usize),
}

/// A candidate that is being written.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) idx: u32,
    pub(super) lane: Lane,
    /// The token that was picked and is not in the cache yet.
    pub(super) pending: Token,
    /// Where it goes.
    pub(super) position: usize,
    /// The decode that served it last.
    pub(super) last_step: u64,
    sampler: Sampler,
    text: GrowingText,
    healing: Vec<u8>,
    n_tokens: u32,
    logprob_sum: f32,
}

impl Candidate {
    /// Returns a candidate that has not written anything.
    pub(super) fn new(idx: u32, lane: Lane, position: usize, sampling: &Sampling, healing: &[u8]) -> Self {
        Self {
            idx,
            lane,
            pending: 0,
            position,
            last_step: 0,
            sampler: Sampler::new(sampling, idx),
            text: GrowingText::new(&sampling.stop),
            healing: healing.to_vec(),
            n_tokens: 0,
            logprob_sum: 0.0,
        }
    }

    /// Picks the next token, sends the text that it makes sure, and returns whether that was the end.
    pub(super) fn advance(
        &mut self,
        picked: super::sampler::Picked,
        loaded: &Loaded,
        max_tokens: u32,
        reply: &Reply,
    ) -> Option<StopReason> {
        if loaded.model.ends_text(picked.token) {
            return Some(self.stop(StopReason::EndOfText, reply));
        }
        self.n_tokens += 1;
        self.logprob_sum += picked.logprob;
        self.pending = picked.token;
        let bytes = loaded.model.bytes_of(picked.token);
        match self.text.push(heal(&mut self.healing, &bytes)) {
            Grown::Stopped(text) => {
                self.send_text(text, reply);
                Some(self.stop(StopReason::StopText, reply))
            }
            Grown::Text(text) => {
                self.send_text(text, reply);
                (self.n_tokens >= max_tokens).then(|| self.stop(StopReason::MaxTokens, reply))
            }
        }
    }

    /// Picks a token from the logits.
    pub(super) fn pick(&mut self, logits: &[f32], allowed: Option<&[Token]>) -> super::sampler::Picked {
        self.sampler.pick(logits, allowed)
    }

    /// Returns the bytes that must be written first.
    pub(super) fn healing(&self) -> &[u8] {
        &self.healing
    }

    /// Ends the candidate.
    pub(super) fn stop(&mut self, reason: StopReason, reply: &Reply) -> StopReason {
        if reason != StopReason::StopText {
            let rest = self.text.finish();
            self.send_text(rest, reply);
        }
        let mean_logprob = if self.n_tokens == 0 { 0.0 } else { self.logprob_sum / self.n_tokens as f32 };
        let mean_logprob = if mean_logprob.is_finite() { mean_logprob } else { f32::MIN };
        reply.send(Answer::Stopped { candidate: self.idx, reason: reason.into(), mean_logprob });
        reason
    }

    fn send_text(&self, text: String, reply: &Reply) {
        if !text.is_empty() {
            reply.send(Answer::Text { candidate: self.idx, text });
        }
    }
}
