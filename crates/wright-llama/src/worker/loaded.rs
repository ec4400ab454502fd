//! A model in memory, with the slots of its cache and its counters.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::llama::{BatchToken, Decoded, Llama, MAX_SEQUENCES};
use super::model::{Model, Token};
use super::pace::Pace;
use super::prompt::agrees;
use super::saved::{MIN_TOKENS, SLOTS_PER_SCOPE, SavedStates, StateToSave};
use super::slots::{Owner, Placement, SharedSlots, Slots};
use crate::protocol::WireModelStats;

/// How many prompts are kept for reuse: enough for eight editors with two or three each. The other sequences are for the
/// candidates of a request.
pub(super) const N_SLOTS: usize = 24;

/// Cells beyond the context window that only keystrokes may use, so that a long chat cannot make typing wait: eight editors
/// with 1,500 tokens each.
const MAX_KEYSTROKE_CELLS: usize = 12_288;

/// Memory that keystroke cells may take. The smallest model's take 144 MB; a larger model has fewer of them.
const KEYSTROKE_BYTES: usize = 160 << 20;

/// How many keystroke cells even the largest model has.
const MIN_KEYSTROKE_CELLS: usize = 2048;

/// A model in memory.
pub(super) struct Loaded {
    pub(super) id: String,
    pub(super) model: Arc<Model>,
    pub(super) llama: Llama,
    pub(super) slots: SharedSlots,
    /// Sequences beyond the slots that no candidate uses.
    pub(super) free_lanes: Vec<usize>,
    /// Cells promised to running requests.
    pub(super) n_reserved: usize,
    /// Prompt and completion together may have this many tokens.
    pub(super) context_window: usize,
    /// Cells beyond the window, for keystrokes only.
    pub(super) n_keystroke_cells: usize,
    pace: Pace,
    pub(super) last_used: Instant,
    pub(super) counters: Counters,
    /// What earlier workers read; `None` where nothing is kept.
    saved: Option<SavedStates>,
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

/// How models are loaded.
#[derive(Debug, Clone)]
pub(super) struct LoadOptions {
    /// Prompt and completion together may have this many tokens.
    pub(super) context_tokens: usize,
    /// Threads that compute.
    pub(super) n_threads: usize,
    /// Where what was read is kept between runs.
    pub(super) states: Option<PathBuf>,
}

impl Loaded {
    /// Loads the model in `path`.
    pub(super) fn load(
        id: &str,
        path: &Path,
        options: &LoadOptions,
        interrupt: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        let LoadOptions { context_tokens, n_threads, states } = options;
        let (context_tokens, n_threads) = (*context_tokens, *n_threads);
        let saved = states.as_ref().and_then(|folder| {
            let warn = |error: &std::io::Error| tracing::warn!("nothing is kept between runs: {error}");
            SavedStates::open(folder, path).inspect_err(warn).ok()
        });
        let model = Arc::new(Model::load(path)?);
        let context_window = context_tokens.min(model.trained_context());
        let n_keystroke_cells = keystroke_cells(model.bytes_per_cell());
        let llama = Llama::new(Arc::clone(&model), context_window + n_keystroke_cells, n_threads, interrupt)?;
        Ok(Self {
            id: id.to_owned(),
            model,
            llama,
            slots: Arc::new(Mutex::new(Slots::new(N_SLOTS))),
            free_lanes: (N_SLOTS..MAX_SEQUENCES).rev().collect(),
            n_reserved: 0,
            context_window,
            n_keystroke_cells,
            pace: Pace::new(n_threads),
            last_used: Instant::now(),
            counters: Counters::default(),
            saved,
            pieces: None,
        })
    }

    /// Takes a slot for a prompt and prepares its cells; `None` when every slot is busy.
    pub(super) fn place(&mut self, prompt: &[Token], max_reuse: usize, owner: &Owner) -> Option<Placement> {
        let placement = self.slots().place(prompt, max_reuse, owner)?;
        match placement.copy_from {
            Some(source) => {
                self.llama.truncate_sequence(placement.slot, 0);
                self.llama.share_beginning(source, placement.slot, placement.n_reused);
            }
            None => self.llama.truncate_sequence(placement.slot, placement.n_reused),
        }
        Some(placement)
    }

    /// Fills a slot with what an earlier worker read, when that spares enough of what `reusable` is the beginning of.
    pub(super) fn restore(&mut self, reusable: &[Token], owner: &Owner) {
        let n_cached = self.slots().n_shared(reusable);
        let (Some(saved), Some(scope)) = (&mut self.saved, &owner.scope) else { return };
        let Some((tokens, state)) = saved.take_best(scope, reusable, n_cached) else { return };
        let Some(slot) = self.slots().vacate(owner.client) else { return };
        if self.llama.restore_sequence(slot, &state) {
            tracing::debug!("model {} remembers {} tokens", self.id, tokens.len());
            self.slots().fill(slot, tokens, owner);
        }
    }

    /// Saves what was read for each scope, on threads that are returned.
    pub(super) fn save(&mut self) -> Vec<JoinHandle<()>> {
        let Some(saved) = &self.saved else { return Vec::new() };
        let unsaved = self.slots().unsaved(SLOTS_PER_SCOPE, MIN_TOKENS);
        let savers: Vec<_> = unsaved.iter().map(|(scope, _)| saved.saver(scope)).collect();
        let mut threads = Vec::new();
        for (saver, (_, slots)) in savers.into_iter().zip(unsaved) {
            let mut states = Vec::new();
            for slot in slots {
                let tokens = self.slots().saved_tokens(slot);
                states.push(StateToSave { tokens, state: self.llama.saved_sequence(slot) });
            }
            threads.push(std::thread::spawn(move || {
                if let Err(error) = saver.save(&states) {
                    tracing::warn!("cannot keep what was read: {error}");
                }
            }));
        }
        threads
    }

    /// Decodes, giving up kept prompts while there is no room.
    pub(super) fn decode(&mut self, tokens: &[BatchToken]) -> Decoded {
        loop {
            let decoded = self.llama.decode(tokens);
            let is_full = decoded == Decoded::NoRoom;
            let evicted = if is_full { self.slots().evict() } else { None };
            match evicted {
                Some(slot) => self.llama.truncate_sequence(slot, 0),
                None => return decoded,
            }
        }
    }

    /// Returns the book of the slots, for lines only.
    pub(super) fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how long a decode of one token took, and computes on another number of threads when that is faster.
    pub(super) fn pace(&mut self, time: Duration) {
        if let Some(n_threads) = self.pace.observe(time) {
            tracing::debug!("model {} writes on {n_threads} threads", self.id);
            self.llama.set_writing_threads(n_threads);
        }
    }

    /// Returns the tokens that agree with the bytes that are still to be written.
    pub(super) fn agreeing_tokens(&mut self, healing: &[u8]) -> Vec<Token> {
        let model = &self.model;
        let pieces = self
            .pieces
            .get_or_insert_with(|| (0..model.n_vocab()).map(|token| model.bytes_of(token as Token)).collect());
        let agreeing = pieces.iter().enumerate().filter(|(_, piece)| agrees(piece, healing));
        agreeing.map(|(token, _)| token as Token).collect()
    }

    /// Returns what the model is doing.
    pub(super) fn stats(&self) -> WireModelStats {
        WireModelStats {
            id: self.id.clone(),
            context_window: self.context_window,
            slots: self.slots().lengths(),
            prompt_tokens: self.counters.prompt_tokens,
            cached_tokens: self.counters.cached_tokens,
            completion_tokens: self.counters.completion_tokens,
            read_per_second: per_second(self.counters.reading),
            written_per_second: per_second(self.counters.writing),
        }
    }
}

/// Returns how many cells a model has for keystrokes.
fn keystroke_cells(bytes_per_cell: usize) -> usize {
    (KEYSTROKE_BYTES / bytes_per_cell.max(1)).clamp(MIN_KEYSTROKE_CELLS, MAX_KEYSTROKE_CELLS)
}

fn per_second((n_tokens, time): (u64, Duration)) -> f64 {
    if time.is_zero() { 0.0 } else { n_tokens as f64 / time.as_secs_f64() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_model_has_cells_for_eight_editors_and_larger_ones_stay_within_the_memory() {
        assert_eq!(keystroke_cells(12_288), 12_288);
        assert_eq!(keystroke_cells(28_672), 5_851);
        assert_eq!(keystroke_cells(500_000), MIN_KEYSTROKE_CELLS);
    }
}
