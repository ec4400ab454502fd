//! One text as the checks see it: its path, its language, and its syntax tree, made once for all of them.

use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;

use wright_text::{Language, LineIndex, SyntaxTree};

use crate::Span;

/// Longer texts are not parsed; the checks that need a tree say that they left them out.
pub const MAX_PARSED_BYTES: usize = 2_000_000;

/// One text of one side of a change.
#[derive(Debug)]
pub struct Source<'a> {
    /// Where it is, relative to the repository.
    pub path: &'a Path,
    /// What it says.
    pub text: &'a str,
    /// The language that its name tells, if it is one we read.
    pub language: Option<Language>,
    tree: OnceLock<Option<SyntaxTree>>,
    lines: OnceLock<LineIndex>,
}

impl<'a> Source<'a> {
    /// Takes a text; nothing is parsed yet.
    pub fn new(path: &'a Path, text: &'a str) -> Self {
        let language = Language::from_path(path);
        Self { path, text, language, tree: OnceLock::new(), lines: OnceLock::new() }
    }

    /// Returns the syntax tree; `None` without a grammar for it, or when the text is longer than [`MAX_PARSED_BYTES`].
    pub fn tree(&self) -> Option<&SyntaxTree> {
        let parse = || {
            let language = self.language.filter(|_| self.text.len() <= MAX_PARSED_BYTES)?;
            Some(SyntaxTree::parse(language, self.text))
        };
        self.tree.get_or_init(parse).as_ref()
    }

    /// Returns the place of a range of bytes.
    pub fn span(&self, range: Range<usize>) -> Span {
        let lines = self.lines.get_or_init(|| LineIndex::new(self.text));
        let column = |offset: usize| {
            let start = self.text[..offset].rfind('\n').map_or(0, |at| at + 1);
            self.text[start..offset].chars().count() + 1
        };
        Span {
            start: range.start,
            end: range.end,
            line: lines.line(range.start),
            column: column(range.start),
            end_line: lines.line(range.end),
            end_column: column(range.end),
        }
    }
}
