//! What reading a prompt would cost now, answered beside the scheduler, which may be in the middle of a decode.
//!
//! The scheduler publishes each model it has in memory with the book of its slots. A vocabulary does not change, and the
//! book is locked for lines only, so an answer takes as long as tokenizing does: a few milliseconds for 12 kB, which is less than one
//! decode; nothing of it is worth keeping.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use wright_provider::{Prompt, PromptCost};

use super::model::Model;
use super::prompt;
use super::slots::SharedSlots;
use crate::protocol::WireError;

/// A longer prompt is estimated: nobody waits for the tokens of what no context can hold.
const MAX_COUNTED_BYTES: usize = 1 << 20;

/// The models in memory, as far as costs go.
#[derive(Default)]
pub(super) struct Costs {
    entries: Mutex<Vec<Entry>>,
}

/// A model and the book of its slots.
#[derive(Clone)]
struct Entry {
    id: String,
    model: Arc<Model>,
    slots: SharedSlots,
}

impl Costs {
    /// Makes a model's costs known.
    pub(super) fn publish(&self, id: &str, model: &Arc<Model>, slots: &SharedSlots) {
        let entry = Entry { id: id.to_owned(), model: Arc::clone(model), slots: Arc::clone(slots) };
        self.entries().push(entry);
    }

    /// Forgets a model that leaves the memory.
    pub(super) fn withdraw(&self, id: &str) {
        self.entries().retain(|entry| entry.id != id);
    }

    /// Returns what reading `prompt` would cost with model `id`; an estimate when that is not in memory.
    pub(super) fn of(&self, id: &str, prompt: &Prompt) -> Result<PromptCost, WireError> {
        let entry = self.entries().iter().find(|entry| entry.id == id).cloned();
        let Some(entry) = entry.filter(|_| prompt.n_bytes() <= MAX_COUNTED_BYTES) else {
            return Ok(PromptCost::estimate(prompt));
        };
        let tokens = prompt::tokens_of(&entry.model, prompt)?.tokens;
        // The last token is always read: its logits are needed.
        let reusable = &tokens[..tokens.len().saturating_sub(1)];
        let n_cached = entry.slots.lock().unwrap_or_else(PoisonError::into_inner).n_shared(reusable);
        Ok(PromptCost { n_tokens: tokens.len(), n_cached })
    }

    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
