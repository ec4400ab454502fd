//! Documents stay exactly as the client has them, whatever it does to them and however fast.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use wright_lsp::fuzz::Storm;
use wright_lsp::positions::Encoding;
use wright_provider::Prompt;
use wright_provider::replay::{Answer, ScriptedProvider};

use crate::client::{Client, URI};

/// A sequence of bytes that is the same in every run.
struct Bytes(u64);

impl Bytes {
    fn next(&mut self) -> u8 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 56) as u8
    }
}

#[test]
fn a_hundred_thousand_changes_leave_the_document_as_the_model_has_it() {
    for (seed, encoding) in [(1, Encoding::Utf8), (2, Encoding::Utf16), (3, Encoding::Utf32)] {
        let mut bytes = Bytes(seed);
        let mut storm = Storm::new(encoding, "def f():\r\n    return '\u{1f980}'\n");
        let mut n_changes = 0;
        while n_changes < 34_000 {
            n_changes += storm.notify(&mut || bytes.next());
        }
        assert!(!storm.text().is_empty());
    }
}

#[test]
fn what_the_model_is_shown_after_a_storm_is_the_text_of_the_editor() {
    let shown = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&shown);
    let provider = ScriptedProvider::from_fn(move |request| {
        if let Prompt::FillInTheMiddle { prefix, suffix, .. } = &request.prompt {
            *seen.lock().unwrap() = format!("{prefix}|{suffix}");
        }
        Answer::text("1")
    });
    let mut client = Client::start_with(provider, &Value::Null, &json!({}));
    client.open("");
    let mut text = String::new();
    for version in 0..500 {
        // Lines are typed backwards: each character is put in front of the last one.
        let character = if version % 50 == 49 { "\n" } else { ["a", "é", "\u{1f980}", "b"][version % 4] };
        client.insert(version as i64 + 2, (0, 0), character);
        text.insert_str(0, character);
    }
    client.insert(600, (0, 0), "x = \n");
    text.insert_str(0, "x = \n");
    client.items((0, 4));
    let shown = shown.lock().unwrap().clone();
    let (prefix, suffix) = shown.split_once('|').unwrap();
    assert!(prefix.ends_with("x = "), "{prefix}");
    assert_eq!(suffix.trim_end(), text["x = ".len()..].trim_end());
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
}
