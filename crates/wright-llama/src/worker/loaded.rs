//! A model in memory, with the slots of its cache and its counters.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use super::llama::{BatchToken, Decoded, Llama, MAX_SEQUENCES, Token};
use super::prompt::agrees;
use super::slots::{Placement, Slots};
use crate::protocol::WireModelStats;

/// How many prompts are kept for reuse. The other sequences are for the candidates of a request.
pub(super) const N_SLOTS: usize = 8;

/// Cells beyond the context window that only keystrokes may use, so that a long chat cannot make typing wait.
pub(super) const KEYSTROKE_CELLS: usize = 2048;

/// A model in memory.
pub(super) struct Loaded {
    pub(super) id: String,
    pub(super) llama: Llama,
    pub(super) slots: Slots,
    /// Sequences beyond the slots that no candidate uses.
    pub(super) free_lanes: Vec<usize>,
    /// Cells promised to running requests.
    pub(super) n_reserved: usize,
    /// Prompt and completion together may have this many tokens.
    pub(super) context_window: usize,
    pub(super) last_used: Instant,
    pub(super) counters: Counters,
    /// The bytes of every token, read when they are first needed.
    pieces: Option<Vec<Vec<u8>>>,
}

/// What a model did since it was loaded.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) prompt_tokens: u64,
    pub(super) cached_tokens: u64,
    pub(super) completion_tokens: u64,
    /// Tokens and time of steps that only read.
    pub(super) reading: (u64, Duration),
    /// Tokens and time of steps that only wrote.
    pub(super) writing: (u64, Duration),
}

impl Loaded {
    /// Loads the model in `path`.
    pub(super) fn load(
        id: &str,
        path: &Path,
        context_tokens: usize,
        n_threads: usize,
        interrupt: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let llama = Llama::load(path, context_tokens + KEYSTROKE_CELLS, n_threads, interrupt)?;
        let context_window = context_tokens.min(llama.trained_context());
        Ok(Self {
            id: id.to_owned(),
            llama,
            slots: Slots::new(N_SLOTS),
            free_lanes: (N_SLOTS..MAX_SEQUENCES).rev().collect(),
            n_reserved: 0,
            context_window,
            last_used: Instant::now(),
            counters: Counters::default(),
            pieces: None,
        })
    }

    /// Takes a slot for a prompt and prepares its cells; `None` when every slot is busy.
    pub(super) fn place(&mut self, prompt: &[Token], max_reuse: usize) -> Option<Placement> {
        let placement = self.slots.place(prompt, max_reuse)?;
        match placement.copy_from {
            Some(source) => {
                self.llama.truncate_sequence(placement.slot, 0);
                self.llama.share_beginning(source, placement.slot, placement.n_reused);
            }
            None => self.llama.truncate_sequence(placement.slot, placement.n_reused),
        }
        Some(placement)
    }

    /// Decodes, giving up kept prompts while there is no room.
    pub(super) fn decode(&mut self, tokens: &[BatchToken]) -> Decoded {
        loop {
            let decoded = self.llama.decode(tokens);
            let is_full = decoded == Decoded::NoRoom;
            match is_full.then(|| self.slots.evict()).flatten() {
                Some(slot) => self.llama.truncate_sequence(slot, 0),
                None => return decoded,
            }
        }
    }

    /// Returns the tokens that agree with the bytes that are still to be written.
    pub(super) fn agreeing_tokens(&mut self, healing: &[u8]) -> Vec<Token> {
        let llama = &self.llama;
        let pieces = self
            .pieces
            .get_or_insert_with(|| (0..llama.n_vocab()).map(|token| llama.bytes_of(token as Token)).collect());
        let agreeing = pieces.iter().enumerate().filter(|(_, piece)| agrees(piece, healing));
        agreeing.map(|(token, _)| token as Token).collect()
    }

    /// Returns what the model is doing.
    pub(super) fn stats(&self) -> WireModelStats {
        WireModelStats {
            id: self.id.clone(),
            context_window: self.context_window,
            slots: self.slots.lengths(),
            prompt_tokens: self.counters.prompt_tokens,
            cached_tokens: self.counters.cached_tokens,
            completion_tokens: self.counters.completion_tokens,
            read_per_second: per_second(self.counters.reading),
            written_per_second: per_second(self.counters.writing),
        }
    }
}

fn per_second((n_tokens, time): (u64, Duration)) -> f64 {
    if time.is_zero() { 0.0 } else { n_tokens as f64 / time.as_secs_f64() }
}
