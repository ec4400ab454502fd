//! What is shown never holds an order to a terminal, whatever the text was.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wright_text::{is_invisible, neutral, neutral_line, without_images};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let shown = neutral(&text);
    assert!(shown.chars().all(|it| matches!(it, '\n' | '\t') || !it.is_control() && !is_invisible(it)));
    assert!(!neutral_line(&text).chars().any(char::is_control));
    let _ = without_images(&text);
});
