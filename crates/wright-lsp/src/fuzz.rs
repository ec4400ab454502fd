//! What fuzzing runs: bytes of any kind against the frames and the documents, with a simple model beside the latter.
//!
//! `fuzz/` at the root of the repository feeds these for as long as one likes; the tests feed them for a moment.

use std::io::Cursor;
use std::ops::Range;

use gen_lsp_types::Position;
use url::Url;

use crate::frames::FrameReader;
use crate::open_document::{ContentChange, OpenDocument};
use crate::positions::Encoding;

/// Reads bytes as frames to their end. Returns how many messages and complaints there were.
pub fn frames(bytes: &[u8]) -> usize {
    let mut reader = FrameReader::new(Cursor::new(bytes));
    let mut n_read = 0;
    while let Ok(Some(_)) = reader.read() {
        n_read += 1;
    }
    n_read
}

/// Makes the changes that the bytes stand for.
///
/// # Panics
///
/// When the document is not what the model is, or the edit of a notification does not lead from one text to the next.
pub fn changes(bytes: &[u8]) {
    let mut bytes = bytes.iter().copied();
    let encoding = match bytes.next().unwrap_or(0) % 3 {
        0 => Encoding::Utf8,
        1 => Encoding::Utf16,
        _ => Encoding::Utf32,
    };
    let mut storm = Storm::new(encoding, "fn f() {\r\n\té\u{1f980}\n}\n");
    while bytes.len() > 0 {
        storm.notify(&mut || bytes.next().unwrap_or(0));
    }
}

/// A document under changes, and the model that it must equal.
pub struct Storm {
    document: OpenDocument,
    model: Model,
    encoding: Encoding,
    version: i64,
}

impl Storm {
    /// Begins with a text.
    ///
    /// # Panics
    ///
    /// Never; the address is a fixed one.
    pub fn new(encoding: Encoding, text: &str) -> Self {
        let uri = Url::parse("untitled:storm").expect("the address is valid");
        let model = Model { text: text.to_owned(), encoding };
        Self { document: OpenDocument::new(uri, "rust", 0, text), model, encoding, version: 0 }
    }

    /// Makes one notification of a few changes, as `next` decides, and compares. Returns how many changes it had.
    ///
    /// # Panics
    ///
    /// When the document is not what the model is.
    pub fn notify(&mut self, next: &mut dyn FnMut() -> u8) -> usize {
        let n_changes = usize::from(next() % 4) + 1;
        let changes: Vec<ContentChange> = (0..n_changes).map(|_| change(next)).collect();
        let before = self.model.text.clone();
        for change in &changes {
            self.model.change(change);
        }
        self.version += 1;
        let changed = self.document.change(self.version, &changes, self.encoding);
        assert_eq!(self.document.text().to_string(), self.model.text, "after {changes:?} of {before:?}");
        assert_eq!(changed.edit.apply(&before).as_deref(), Ok(self.model.text.as_str()), "{changes:?}");
        assert_eq!(self.document.document().version, self.version);
        n_changes
    }

    /// Returns the text as it is now.
    pub fn text(&self) -> &str {
        &self.model.text
    }
}

fn change(next: &mut dyn FnMut() -> u8) -> ContentChange {
    const PIECES: [&str; 16] = [
        "",
        "",
        "",
        "a",
        "let x = 1;\n",
        "\n",
        "\r\n",
        "\r",
        "é",
        "e\u{301}",
        "漢字",
        "\u{1f980}",
        "\u{1f469}\u{200d}\u{1f52c}",
        "\u{2028}",
        "\t",
        "\u{feff}",
    ];
    let kind = next();
    let piece = PIECES[usize::from(next() % 16)];
    // A whole new text now and then, which also keeps the document small.
    if kind >= 254 {
        return ContentChange { range: None, text: format!("x{piece}\r\ny{piece}\n") };
    }
    let position = |line: u8, character: u8| Position { line: far(line), character: far(character) };
    let (start, end) = (position(next(), next()), position(next(), next()));
    let (start, end) =
        if kind.is_multiple_of(4) { (start, end) } else { (start, Position { line: start.line, ..end }) };
    ContentChange { range: Some(gen_lsp_types::Range { start, end }), text: piece.to_owned() }
}

/// Returns a small number mostly, and sometimes one that is beyond any text.
fn far(byte: u8) -> u32 {
    match byte {
        255 => u32::MAX,
        240..255 => u32::from(byte) * 1_000,
        _ => u32::from(byte % 24),
    }
}

/// The protocol's words, in the simplest way: every position is found by walking from the beginning.
struct Model {
    text: String,
    encoding: Encoding,
}

impl Model {
    fn change(&mut self, change: &ContentChange) {
        match change.range {
            None => change.text.clone_into(&mut self.text),
            Some(range) => {
                let (a, b) = (self.offset(range.start), self.offset(range.end));
                self.text.replace_range(a.min(b)..a.max(b), &change.text);
            }
        }
    }

    fn offset(&self, position: Position) -> usize {
        let Some(line) = self.lines().into_iter().nth(position.line as usize) else { return self.text.len() };
        let mut n_left = position.character as usize;
        for (at, character) in self.text[line.clone()].char_indices() {
            let n_units = match self.encoding {
                Encoding::Utf8 => character.len_utf8(),
                Encoding::Utf16 => character.len_utf16(),
                Encoding::Utf32 => 1,
            };
            if n_left < n_units {
                return line.start + at;
            }
            n_left -= n_units;
        }
        line.end
    }

    /// Returns every line without its ending.
    fn lines(&self) -> Vec<Range<usize>> {
        let bytes = self.text.as_bytes();
        let mut lines = Vec::new();
        let mut start = 0;
        let mut at = 0;
        while at < bytes.len() {
            let n_ending = match bytes[at] {
                b'\r' if bytes.get(at + 1) == Some(&b'\n') => 2,
                b'\r' | b'\n' => 1,
                _ => 0,
            };
            if n_ending > 0 {
                lines.push(start..at);
                start = at + n_ending;
            }
            at += n_ending.max(1);
        }
        lines.push(start..bytes.len());
        lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            frames(&bytes);
        }

        #[test]
        fn changes_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            changes(&bytes);
        }
    }
}
