//! A context of the engine behind a safe surface.
//!
//! It knows tokens, sequences and logits, and nothing of requests. What does not change while it decodes is in
//! `model.rs`.

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use llama_cpp_sys_2 as sys;

use super::model::{Model, Token, failure, take_last_error};

/// How many tokens one decode may have. The engine allocates for this many logits, 0.6 MB each.
pub(super) const MAX_BATCH: usize = 128;

/// How many sequences the cache can tell apart.
pub(super) const MAX_SEQUENCES: usize = 48;

/// A context of a model: its cache and the results of its last decode. One thread uses it at a time.
pub(super) struct Llama {
    // Invariant: `context` was made from `model` and is freed first.
    context: NonNull<sys::llama_context>,
    model: Arc<Model>,
    batch: BatchArrays,
    /// Read by the engine while it decodes; kept alive here.
    _interrupt: Arc<AtomicBool>,
}

/// One token of a decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchToken {
    /// The token.
    pub(super) token: Token,
    /// Its position in the sequence.
    pub(super) position: usize,
    /// The sequence.
    pub(super) sequence: usize,
    /// Whether the logits after this token are wanted.
    pub(super) wants_logits: bool,
}

/// What became of a decode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoded {
    /// The tokens are in the cache and the logits are ready.
    Done,
    /// There are not enough free cells; nothing changed.
    NoRoom,
    /// The interrupt flag was set; nothing changed.
    Interrupted,
    /// The engine failed; the cache is in an unknown state.
    Failed(i32),
}

// SAFETY: the engine ties a context to no thread; `&mut self` keeps two threads from using it at once.
unsafe impl Send for Llama {}

impl Llama {
    /// Makes a context of `model` with room for `n_cells` tokens. A decode stops soon after `interrupt` becomes true.
    pub(super) fn new(
        model: Arc<Model>,
        n_cells: usize,
        n_threads: usize,
        interrupt: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        take_last_error();
        let context = new_context(&model, n_cells, n_threads, &interrupt)?;
        Ok(Self { context, model, batch: BatchArrays::default(), _interrupt: interrupt })
    }

    /// Makes the next decodes of one token compute on this many threads. Those of several tokens keep theirs: they wait
    /// for each other less.
    pub(super) fn set_writing_threads(&mut self, n_threads: usize) {
        let n_threads = i32::try_from(n_threads.max(1)).unwrap_or(1);
        // SAFETY: the context is alive and does not decode now.
        unsafe {
            let n_reading = sys::llama_n_threads_batch(self.context.as_ptr());
            sys::llama_set_n_threads(self.context.as_ptr(), n_threads, n_reading);
        }
    }

    /// Returns what the cache holds of a sequence, for [`Llama::restore_sequence`] of a context of the same model.
    pub(super) fn saved_sequence(&mut self, sequence: usize) -> Vec<u8> {
        // SAFETY: the context is alive, and `sequence` is below the maximum that it was made with.
        let n_bytes = unsafe { sys::llama_state_seq_get_size(self.context.as_ptr(), sequence as i32) };
        let mut state = vec![0u8; n_bytes];
        // SAFETY: `state` has room for `n_bytes` bytes.
        let n_bytes = unsafe {
            sys::llama_state_seq_get_data(self.context.as_ptr(), state.as_mut_ptr(), state.len(), sequence as i32)
        };
        state.truncate(n_bytes);
        state
    }

    /// Fills a sequence with what [`Llama::saved_sequence`] returned, and returns whether that worked; if not, the
    /// sequence is empty. The bytes must be checked to be the saved ones: the engine trusts them.
    pub(super) fn restore_sequence(&mut self, sequence: usize, state: &[u8]) -> bool {
        self.truncate_sequence(sequence, 0);
        // SAFETY: the context is alive, `sequence` is below its maximum, and `state` has `state.len()` bytes.
        let n_bytes = unsafe {
            sys::llama_state_seq_set_data(self.context.as_ptr(), state.as_ptr(), state.len(), sequence as i32)
        };
        if n_bytes == 0 {
            self.truncate_sequence(sequence, 0);
        }
        n_bytes > 0
    }

    /// Removes the cells of a sequence from position `from` on.
    pub(super) fn truncate_sequence(&mut self, sequence: usize, from: usize) {
        // SAFETY: the context is alive, and `sequence` is below the maximum that it was made with. Removing an end of a
        // sequence cannot fail for a cache of attention states.
        unsafe {
            let memory = sys::llama_get_memory(self.context.as_ptr());
            sys::llama_memory_seq_rm(memory, sequence as i32, from as i32, -1);
        }
    }

    /// Makes sequence `to`, which must be empty, share the first `n_tokens` cells of sequence `from`.
    pub(super) fn share_beginning(&mut self, from: usize, to: usize, n_tokens: usize) {
        // SAFETY: the context is alive, and both sequences are below the maximum that it was made with.
        unsafe {
            let memory = sys::llama_get_memory(self.context.as_ptr());
            sys::llama_memory_seq_cp(memory, from as i32, to as i32, 0, n_tokens as i32);
        }
    }

    /// Evaluates `tokens`, at most [`MAX_BATCH`] of them.
    pub(super) fn decode(&mut self, tokens: &[BatchToken]) -> Decoded {
        assert!(tokens.len() <= MAX_BATCH, "a decode of {} tokens", tokens.len());
        let batch = self.batch.fill(tokens);
        // SAFETY: the batch points into `self.batch`, whose arrays have `tokens.len()` entries each and outlive the call.
        let code = unsafe { sys::llama_decode(self.context.as_ptr(), batch) };
        match code {
            0 => Decoded::Done,
            1 => Decoded::NoRoom,
            2 => Decoded::Interrupted,
            code => Decoded::Failed(code),
        }
    }

    /// Returns the logits after the `idx`-th token of the last decode, which must have wanted them.
    pub(super) fn logits(&self, idx: usize) -> &[f32] {
        // SAFETY: the context is alive; the engine answers null for an index without logits.
        let logits = unsafe { sys::llama_get_logits_ith(self.context.as_ptr(), idx as i32) };
        assert!(!logits.is_null(), "no logits at {idx}");
        // SAFETY: the engine stores `n_vocab` logits per output; they stay until the next decode, which needs `&mut self`.
        unsafe { std::slice::from_raw_parts(logits, self.model.n_vocab()) }
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        // SAFETY: made by the engine and freed once; the model is let go after this.
        unsafe { sys::llama_free(self.context.as_ptr()) };
    }
}

/// Makes the context of a model.
fn new_context(
    model: &Model,
    n_cells: usize,
    n_threads: usize,
    interrupt: &Arc<AtomicBool>,
) -> Result<NonNull<sys::llama_context>, String> {
    let n_threads = i32::try_from(n_threads.max(1)).unwrap_or(1);
    // SAFETY: returns a plain value.
    let mut params = unsafe { sys::llama_context_default_params() };
    params.n_ctx = u32::try_from(n_cells).unwrap_or(u32::MAX);
    params.n_batch = MAX_BATCH as u32;
    params.n_ubatch = MAX_BATCH as u32;
    params.n_seq_max = MAX_SEQUENCES as u32;
    params.n_threads = n_threads;
    params.n_threads_batch = n_threads;
    params.kv_unified = true;
    params.abort_callback = Some(is_interrupted);
    params.abort_callback_data = Arc::as_ptr(interrupt).cast_mut().cast::<c_void>();
    // SAFETY: the model is loaded, and the flag behind the callback lives in the same struct as the context.
    let context = unsafe { sys::llama_init_from_model(model.as_ptr(), params) };
    NonNull::new(context).ok_or_else(|| failure("the engine cannot make a context"))
}

/// Tells the engine whether to stop, between two operations of a decode.
unsafe extern "C" fn is_interrupted(flag: *mut c_void) -> bool {
    // SAFETY: the engine passes the pointer that `new_context` gave it, which `Llama` keeps alive.
    unsafe { &*flag.cast::<AtomicBool>() }.load(Ordering::Relaxed)
}

/// The arrays that a batch of the engine points to.
#[derive(Default)]
struct BatchArrays {
    tokens: Vec<i32>,
    positions: Vec<i32>,
    n_sequences: Vec<i32>,
    sequences: Vec<i32>,
    sequence_pointers: Vec<*mut i32>,
    wants_logits: Vec<i8>,
}

impl BatchArrays {
    /// Fills the arrays and returns the batch that points to them; it is valid until the next call.
    fn fill(&mut self, tokens: &[BatchToken]) -> sys::llama_batch {
        self.tokens = tokens.iter().map(|entry| entry.token).collect();
        self.positions = tokens.iter().map(|entry| entry.position as i32).collect();
        self.n_sequences = vec![1; tokens.len()];
        self.sequences = tokens.iter().map(|entry| entry.sequence as i32).collect();
        self.sequence_pointers = self.sequences.iter_mut().map(std::ptr::from_mut).collect();
        self.wants_logits = tokens.iter().map(|entry| i8::from(entry.wants_logits)).collect();
        sys::llama_batch {
            n_tokens: tokens.len() as i32,
            token: self.tokens.as_mut_ptr(),
            embd: std::ptr::null_mut(),
            pos: self.positions.as_mut_ptr(),
            n_seq_id: self.n_sequences.as_mut_ptr(),
            seq_id: self.sequence_pointers.as_mut_ptr(),
            logits: self.wants_logits.as_mut_ptr(),
        }
    }
}
