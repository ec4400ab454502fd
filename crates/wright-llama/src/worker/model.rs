//! A model's weights and vocabulary behind a safe surface. They never change once loaded, so every thread may use them.
//!
//! With `llama.rs` (a context, which one thread uses) and `quantize.rs`, the only file of this crate that calls foreign
//! code. The engine's functions are called directly and not through a wrapper crate, because none lets a running decode be
//! interrupted, and that is what makes a keystroke overtake a long prompt.

use std::ffi::{CStr, CString, c_char, c_void};
use std::path::Path;
use std::ptr::NonNull;
use std::sync::{Mutex, Once, PoisonError};

use llama_cpp_sys_2 as sys;

use super::fim::{FimMarkers, FimSupport, MarkerVocabulary, probe};

/// A token's number in the vocabulary.
pub(super) type Token = i32;

/// A loaded model.
pub(super) struct Model {
    model: NonNull<sys::llama_model>,
    // Invariant: belongs to `model` and lives as long.
    vocab: NonNull<sys::llama_vocab>,
    n_vocab: usize,
    fim: FimSupport,
}

// SAFETY: the engine does not change a model after it is loaded; what is called here only reads it, and contexts are made
// from it on one thread at a time.
unsafe impl Send for Model {}

// SAFETY: as above; tokenizing keeps its state on the stack of the call.
unsafe impl Sync for Model {}

impl Model {
    /// Loads the model in `path`.
    pub(super) fn load(path: &Path) -> Result<Self, String> {
        initialize();
        take_last_error();
        let c_path = CString::new(path.as_os_str().as_encoded_bytes()).map_err(|error| error.to_string())?;
        // SAFETY: the default parameters are valid, and `c_path` outlives the call.
        let model = unsafe { sys::llama_model_load_from_file(c_path.as_ptr(), sys::llama_model_default_params()) };
        let model = NonNull::new(model).ok_or_else(|| failure("the engine cannot load the file"))?;
        // SAFETY: the model is loaded; its vocabulary lives as long as the model does.
        let vocab = unsafe { sys::llama_model_get_vocab(model.as_ptr()) };
        let vocab = NonNull::new(vocab.cast_mut()).expect("a loaded model has a vocabulary");
        // SAFETY: the vocabulary is alive.
        let n_vocab = unsafe { sys::llama_vocab_n_tokens(vocab.as_ptr()) };
        let n_vocab = usize::try_from(n_vocab).unwrap_or(0);
        let mut model = Self { model, vocab, n_vocab, fim: FimSupport::None };
        model.fim = probe(&model);
        Ok(model)
    }

    /// Returns the engine's model, to make a context from.
    pub(super) fn as_ptr(&self) -> *mut sys::llama_model {
        self.model.as_ptr()
    }

    /// Returns how many bytes of cache one token takes: a key and a value of two bytes per number, in every layer.
    pub(super) fn bytes_per_cell(&self) -> usize {
        let model = self.model.as_ptr();
        // SAFETY: the model is alive.
        let (n_layers, n_heads, n_key_heads, n_embedding) = unsafe {
            (
                sys::llama_model_n_layer(model),
                sys::llama_model_n_head(model),
                sys::llama_model_n_head_kv(model),
                sys::llama_model_n_embd(model),
            )
        };
        let size = |n: i32| usize::try_from(n).unwrap_or(0);
        size(n_layers) * size(n_key_heads) * (size(n_embedding) / size(n_heads).max(1)) * 4
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
        self.piece_of(token, false)
    }

    fn piece_of(&self, token: Token, shows_markers: bool) -> Vec<u8> {
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
                    shows_markers,
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
        let is_stop = matches!(&self.fim, FimSupport::Markers(FimMarkers { stops, .. }) if stops.contains(&token));
        // SAFETY: the vocabulary is alive, and `token` comes from it.
        is_stop || self.is_control(token) || unsafe { sys::llama_vocab_is_eog(self.vocab.as_ptr(), token) }
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

    /// Returns what the model can do with holes in a text.
    pub(super) fn fim(&self) -> &FimSupport {
        &self.fim
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
}

impl MarkerVocabulary for Model {
    fn named_markers(&self) -> [Option<Token>; 3] {
        let vocab = self.vocab.as_ptr();
        // SAFETY: the vocabulary is alive.
        let markers = unsafe {
            [sys::llama_vocab_fim_pre(vocab), sys::llama_vocab_fim_suf(vocab), sys::llama_vocab_fim_mid(vocab)]
        };
        markers.map(|token| (token >= 0).then_some(token))
    }

    fn tokens_of(&self, marker: &str) -> Vec<Token> {
        self.tokenize_markers(marker)
    }

    fn text_of(&self, token: Token) -> String {
        String::from_utf8_lossy(&self.piece_of(token, true)).into_owned()
    }

    fn is_control(&self, token: Token) -> bool {
        // SAFETY: the vocabulary is alive; the engine checks that the token is in it.
        unsafe { sys::llama_vocab_is_control(self.vocab.as_ptr(), token) }
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: made by the engine and freed once; every context holds the model, so none is left.
        unsafe { sys::llama_model_free(self.model.as_ptr()) };
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

/// The engine's last error message; it reports why a load failed nowhere else.
static LAST_ERROR: Mutex<String> = Mutex::new(String::new());

/// Starts the engine, once per process.
pub(super) fn initialize() {
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
pub(super) fn take_last_error() -> String {
    std::mem::take(&mut LAST_ERROR.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Returns `what` with the engine's own words.
pub(super) fn failure(what: &str) -> String {
    let reason = take_last_error();
    if reason.is_empty() { what.to_owned() } else { format!("{what}: {reason}") }
}
