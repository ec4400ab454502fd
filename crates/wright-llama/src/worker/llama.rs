//! The engine behind a safe surface: one loaded model with its context.
//!
//! The only file of this crate that calls foreign code. It knows tokens, sequences and logits, and nothing of requests.
//! The engine's functions are called directly and not through a wrapper crate, because none lets a running decode be
//! interrupted, and that is what makes a keystroke overtake a long prompt.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Once, PoisonError};

use llama_cpp_sys_2 as sys;

/// A token's number in the vocabulary.
pub(super) type Token = i32;

/// How many tokens one decode may have. The engine allocates for this many logits, 0.6 MB each.
pub(super) const MAX_BATCH: usize = 128;

/// How many sequences the cache can tell apart.
pub(super) const MAX_SEQUENCES: usize = 32;

/// A loaded model with its context. Not shared between threads.
pub(super) struct Llama {
    // Invariant: `context` was made from `model` and is freed first.
    context: NonNull<sys::llama_context>,
    model: NonNull<sys::llama_model>,
    vocab: NonNull<sys::llama_vocab>,
    n_vocab: usize,
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

/// The tokens that mark a hole in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FimTokens {
    /// Before the prefix.
    pub(super) prefix: Token,
    /// Before the suffix.
    pub(super) suffix: Token,
    /// Before the middle.
    pub(super) middle: Token,
}

impl Llama {
    /// Loads the model in `path` with room for `n_cells` tokens. A decode stops soon after `interrupt` becomes true.
    pub(super) fn load(
        path: &Path,
        n_cells: usize,
        n_threads: usize,
        interrupt: Arc<AtomicBool>,
    ) -> Result<Self, String> {
        initialize();
        take_last_error();
        let c_path = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: the default parameters are valid, and `c_path` outlives the call.
        let model = unsafe { sys::llama_model_load_from_file(c_path.as_ptr(), sys::llama_model_default_params()) };
        let model = NonNull::new(model).ok_or_else(|| failure("the engine cannot load the file"))?;
        let context = match new_context(model, n_cells, n_threads, &interrupt) {
            Ok(context) => context,
            Err(message) => {
                // SAFETY: the model was loaded above and nothing refers to it.
                unsafe { sys::llama_model_free(model.as_ptr()) };
                return Err(message);
            }
        };
        // SAFETY: the model is loaded; its vocabulary lives as long as the model does.
        let vocab = unsafe { sys::llama_model_get_vocab(model.as_ptr()) };
        let vocab = NonNull::new(vocab.cast_mut()).expect("a loaded model has a vocabulary");
        // SAFETY: the vocabulary is alive.
        let n_vocab = unsafe { sys::llama_vocab_n_tokens(vocab.as_ptr()) };
        Ok(Self {
            context,
            model,
            vocab,
            n_vocab: usize::try_from(n_vocab).unwrap_or(0),
            batch: BatchArrays::default(),
            _interrupt: interrupt,
        })
    }

    /// Returns how many tokens the vocabulary has.
    pub(super) fn n_vocab(&self) -> usize {
        self.n_vocab
    }

    /// Returns the longest context the model was trained for.
    pub(super) fn trained_context(&self) -> usize {
        // SAFETY: the model is alive.
        let n_tokens = unsafe { sys::llama_model_n_ctx_train(self.model.as_ptr()) };
        usize::try_from(n_tokens).unwrap_or(0)
    }

    /// Returns the tokens of `text`, in which markers such as `<|im_start|>` are plain text.
    pub(super) fn tokenize(&self, text: &str) -> Vec<Token> {
        self.tokenize_with(text, false)
    }

    /// Returns the tokens of `text`, in which markers are markers.
    pub(super) fn tokenize_markers(&self, text: &str) -> Vec<Token> {
        self.tokenize_with(text, true)
    }

    fn tokenize_with(&self, text: &str, parse_special: bool) -> Vec<Token> {
        if text.is_empty() {
            return Vec::new();
        }
        let mut tokens: Vec<Token> = vec![0; text.len() + 8];
        let n_text = i32::try_from(text.len()).unwrap_or(i32::MAX);
        let n_max = i32::try_from(tokens.len()).unwrap_or(i32::MAX);
        // SAFETY: `text` has `n_text` bytes and `tokens` room for `n_max` tokens.
        let n_tokens = unsafe {
            sys::llama_tokenize(
                self.vocab.as_ptr(),
                text.as_ptr().cast::<c_char>(),
                n_text,
                tokens.as_mut_ptr(),
                n_max,
                false,
                parse_special,
            )
        };
        // A text never has more tokens than bytes, so the buffer is never too small.
        tokens.truncate(usize::try_from(n_tokens).unwrap_or(0));
        tokens
    }

    /// Returns the token that `marker` is, when the vocabulary has it as one.
    pub(super) fn marker(&self, marker: &str) -> Option<Token> {
        match self.tokenize_markers(marker)[..] {
            [token] => Some(token),
            _ => None,
        }
    }

    /// Returns the bytes of a token; none for markers.
    pub(super) fn bytes_of(&self, token: Token) -> Vec<u8> {
        let mut buffer = vec![0u8; 64];
        loop {
            let n_buffer = i32::try_from(buffer.len()).unwrap_or(i32::MAX);
            // SAFETY: `buffer` has room for `n_buffer` bytes.
            let n_bytes = unsafe {
                sys::llama_token_to_piece(
                    self.vocab.as_ptr(),
                    token,
                    buffer.as_mut_ptr().cast::<c_char>(),
                    n_buffer,
                    0,
                    false,
                )
            };
            match usize::try_from(n_bytes) {
                Ok(n_bytes) => {
                    buffer.truncate(n_bytes);
                    return buffer;
                }
                Err(_) => buffer.resize(n_bytes.unsigned_abs() as usize, 0),
            }
        }
    }

    /// Returns whether the model ends its answer with this token, or the token is a marker that belongs to no answer.
    pub(super) fn ends_text(&self, token: Token) -> bool {
        // SAFETY: the vocabulary is alive, and `token` comes from it.
        unsafe {
            sys::llama_vocab_is_eog(self.vocab.as_ptr(), token)
                || sys::llama_vocab_is_control(self.vocab.as_ptr(), token)
        }
    }

    /// Returns the token that ends a text, or one that separates texts where the vocabulary has none.
    pub(super) fn end_of_text(&self) -> Token {
        // SAFETY: the vocabulary is alive.
        let eos = unsafe { sys::llama_vocab_eos(self.vocab.as_ptr()) };
        self.marker("<|endoftext|>").unwrap_or(eos).max(0)
    }

    /// Returns the token every text starts with, for models that were trained with one.
    pub(super) fn start_of_text(&self) -> Option<Token> {
        // SAFETY: the vocabulary is alive.
        let (adds, token) =
            unsafe { (sys::llama_vocab_get_add_bos(self.vocab.as_ptr()), sys::llama_vocab_bos(self.vocab.as_ptr())) };
        (adds && token >= 0).then_some(token)
    }

    /// Returns the markers for a hole in the text, when the model has them.
    pub(super) fn fim_tokens(&self) -> Option<FimTokens> {
        let vocab = self.vocab.as_ptr();
        // SAFETY: the vocabulary is alive.
        let (prefix, suffix, middle) = unsafe {
            (sys::llama_vocab_fim_pre(vocab), sys::llama_vocab_fim_suf(vocab), sys::llama_vocab_fim_mid(vocab))
        };
        (prefix >= 0 && suffix >= 0 && middle >= 0).then_some(FimTokens { prefix, suffix, middle })
    }

    /// Returns the chat template in the model's file.
    pub(super) fn chat_template(&self) -> Option<String> {
        // SAFETY: the model is alive; a null name asks for the default template.
        let template = unsafe { sys::llama_model_chat_template(self.model.as_ptr(), std::ptr::null()) };
        if template.is_null() {
            return None;
        }
        // SAFETY: the engine returns a string that ends with a zero byte and lives as long as the model.
        Some(unsafe { CStr::from_ptr(template) }.to_string_lossy().into_owned())
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
        unsafe { std::slice::from_raw_parts(logits, self.n_vocab) }
    }
}

impl Drop for Llama {
    fn drop(&mut self) {
        // SAFETY: both were made by the engine, are freed once, and the context goes before its model.
        unsafe {
            sys::llama_free(self.context.as_ptr());
            sys::llama_model_free(self.model.as_ptr());
        }
    }
}

/// Renders `messages`, pairs of role and text, with a chat template that the engine knows.
pub(super) fn apply_chat_template(template: &str, messages: &[(&str, String)]) -> Option<String> {
    let template = CString::new(template).ok()?;
    let strings: Vec<(CString, CString)> = messages
        .iter()
        .map(|(role, text)| Some((CString::new(*role).ok()?, CString::new(text.as_str()).ok()?)))
        .collect::<Option<_>>()?;
    let chat: Vec<sys::llama_chat_message> = strings
        .iter()
        .map(|(role, text)| sys::llama_chat_message { role: role.as_ptr(), content: text.as_ptr() })
        .collect();
    let mut buffer = vec![0u8; 4096 + 2 * messages.iter().map(|(_, text)| text.len()).sum::<usize>()];
    let n_buffer = i32::try_from(buffer.len()).ok()?;
    // SAFETY: every string ends with a zero byte and outlives the call; `buffer` has `n_buffer` bytes.
    let n_bytes = unsafe {
        sys::llama_chat_apply_template(
            template.as_ptr(),
            chat.as_ptr(),
            chat.len(),
            true,
            buffer.as_mut_ptr().cast::<c_char>(),
            n_buffer,
        )
    };
    let n_bytes = usize::try_from(n_bytes).ok().filter(|&n_bytes| n_bytes <= buffer.len())?;
    buffer.truncate(n_bytes);
    String::from_utf8(buffer).ok()
}

/// Makes the context of a model.
fn new_context(
    model: NonNull<sys::llama_model>,
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

/// The engine's last error message; it reports why a load failed nowhere else.
static LAST_ERROR: Mutex<String> = Mutex::new(String::new());

/// Starts the engine, once per process.
fn initialize() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: called once, before any other function of the engine; the callback needs no data.
        unsafe {
            sys::llama_log_set(Some(log), std::ptr::null_mut());
            sys::llama_backend_init();
        }
    });
}

/// Passes the engine's messages on, and remembers its last error.
unsafe extern "C" fn log(level: sys::ggml_log_level, text: *const c_char, _data: *mut c_void) {
    // SAFETY: the engine passes a string that ends with a zero byte.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let text = text.trim_end();
    if level == sys::GGML_LOG_LEVEL_ERROR {
        tracing::warn!(target: "llama", "{text}");
        text.clone_into(&mut LAST_ERROR.lock().unwrap_or_else(PoisonError::into_inner));
    } else {
        tracing::trace!(target: "llama", "{text}");
    }
}

/// Returns and forgets the engine's last error.
fn take_last_error() -> String {
    std::mem::take(&mut LAST_ERROR.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Returns `what` with the engine's own words.
fn failure(what: &str) -> String {
    let reason = take_last_error();
    if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
}
