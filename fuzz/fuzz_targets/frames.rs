//! Any bytes, read as the messages of a client.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    wright_lsp::fuzz::frames(bytes);
});
