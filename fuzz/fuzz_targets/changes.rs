//! Any changes of a document, compared with a simple model.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| wright_lsp::fuzz::changes(bytes));
