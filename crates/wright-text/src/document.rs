//! A document: the text of a file at a version, and conversion between byte offsets and the lines and columns of people.
//!
//! Columns count characters. UTF-16 positions belong to the language server alone.

use std::path::PathBuf;
use std::sync::Arc;

/// A place in a text as people count: the first line and the first character of a line are 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// Knows where the lines of one text start.
///
/// A line ends with `\n` or `\r\n`, and its ending is no part of its columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineIndex {
    starts: Vec<usize>,
}

impl LineIndex {
    /// Finds the lines of a text.
    pub fn new(text: &str) -> LineIndex {
        let after_newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        LineIndex { starts: std::iter::once(0).chain(after_newlines).collect() }
    }

    /// Returns how many lines there are; a text that ends with a newline has an empty last line.
    pub fn n_lines(&self) -> usize {
        self.starts.len()
    }

    /// Returns the line, from 1, that holds a byte offset.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset)
    }

    /// Returns the bytes of a line without its ending, or nothing when there is no such line.
    pub fn line_range(&self, text: &str, line: usize) -> Option<std::ops::Range<usize>> {
        let start = *self.starts.get(line.checked_sub(1)?)?;
        let next = self.starts.get(line).copied().unwrap_or(text.len());
        let content = text.get(start..next)?;
        let content = content.strip_suffix('\n').map_or(content, |rest| rest.strip_suffix('\r').unwrap_or(rest));
        Some(start..start + content.len())
    }

    /// Returns the place of a byte offset; one inside a line ending is at the end of the line, one inside a character at
    /// that character, and one beyond the text at its end.
    pub fn line_column(&self, text: &str, offset: usize) -> LineColumn {
        let line = self.line(offset.min(text.len()));
        let range = self.line_range(text, line).unwrap_or(text.len()..text.len());
        let n_before = text[range.clone()].char_indices().take_while(|(at, _)| range.start + at < offset);
        let cut = !text.is_char_boundary(offset.min(range.end));
        LineColumn { line, column: n_before.count() + 1 - usize::from(cut) }
    }

    /// Returns the byte offset of a place; a column beyond the line is its end. There is none when the line or the column
    /// is 0 or the text has fewer lines.
    pub fn offset(&self, text: &str, place: LineColumn) -> Option<usize> {
        let range = self.line_range(text, place.line)?;
        let n_skipped = place.column.checked_sub(1)?;
        let within = text[range.clone()].char_indices().nth(n_skipped);
        Some(within.map_or(range.end, |(at, _)| range.start + at))
    }
}

/// Holds an open text with its path and version.
#[derive(Clone, Debug)]
pub struct Document {
    /// Where the text belongs.
    pub path: PathBuf,
    /// Which state of the text this is; larger is newer.
    pub version: i64,
    text: Arc<str>,
    lines: LineIndex,
}

impl Document {
    /// Makes a document of a text.
    pub fn new(path: impl Into<PathBuf>, version: i64, text: impl Into<Arc<str>>) -> Document {
        let text = text.into();
        let lines = LineIndex::new(&text);
        Document { path: path.into(), version, text, lines }
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the text for sharing, without a copy.
    pub fn shared_text(&self) -> Arc<str> {
        Arc::clone(&self.text)
    }

    /// Returns where the lines start.
    pub fn lines(&self) -> &LineIndex {
        &self.lines
    }

    /// Returns the place of a byte offset, as [`LineIndex::line_column`] does.
    pub fn line_column(&self, offset: usize) -> LineColumn {
        self.lines.line_column(&self.text, offset)
    }

    /// Returns the byte offset of a place, as [`LineIndex::offset`] does.
    pub fn offset(&self, place: LineColumn) -> Option<usize> {
        self.lines.offset(&self.text, place)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn document(text: &str) -> Document {
        Document::new("a.txt", 1, text)
    }

    fn at(line: usize, column: usize) -> LineColumn {
        LineColumn { line, column }
    }

    #[test]
    fn columns_count_characters() {
        let document = document("é漢x\ny");
        assert_eq!(document.line_column(5), at(1, 3));
        assert_eq!(document.offset(at(1, 3)), Some(5));
        assert_eq!(document.offset(at(2, 2)), Some(8));
        assert_eq!(document.line_column(3), at(1, 2), "inside a character");
    }

    #[test]
    fn a_line_ending_is_no_column() {
        let document = document("ab\r\nc\r\n");
        assert_eq!(document.lines().n_lines(), 3);
        assert_eq!(document.lines().line_range(document.text(), 1), Some(0..2));
        for offset in [2, 3] {
            assert_eq!(document.line_column(offset), at(1, 3));
        }
        assert_eq!(document.line_column(4), at(2, 1));
        assert_eq!(document.line_column(7), at(3, 1));
        assert_eq!(document.offset(at(1, 99)), Some(2));
    }

    #[test]
    fn places_outside_the_text_have_no_offset() {
        let document = document("ab\n");
        assert_eq!(document.offset(at(2, 1)), Some(3));
        assert_eq!(document.offset(at(3, 1)), None);
        assert_eq!(document.offset(at(0, 1)), None);
        assert_eq!(document.offset(at(1, 0)), None);
        assert_eq!(document.line_column(99), at(2, 1));
    }

    proptest! {
        #[test]
        fn every_character_is_found_again_by_its_place(text in "[a\r\né漢]{0,60}") {
            let document = document(&text);
            for (offset, character) in text.char_indices() {
                let place = document.line_column(offset);
                let is_ending = character == '\n' || text[offset..].starts_with("\r\n");
                let found = document.offset(place).unwrap();
                prop_assert!(if is_ending { found <= offset } else { found == offset }, "{offset} {place:?} {found}");
            }
        }

        #[test]
        fn no_offset_and_no_place_panics(text in ".{0,30}", offset in 0usize..200, line in 0usize..9, column in 0usize..40) {
            let document = document(&text);
            document.line_column(offset);
            if let Some(found) = document.offset(at(line, column)) {
                prop_assert!(text.is_char_boundary(found));
            }
        }
    }
}
