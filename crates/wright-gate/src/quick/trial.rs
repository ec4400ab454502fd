//! One edit on trial: what it inserts, where, and what the text becomes.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::ops::Range;

use wright_text::{Document, Edit, Language, SyntaxError, SyntaxTree};

use super::{Found, Judge, Surroundings};
use crate::Finding;

/// The code of an edit that was made for another text.
pub(super) const DOES_NOT_FIT: &str = "does-not-fit";

/// The code of an edit that changes nothing.
pub(super) const NO_CHANGE: &str = "no-change";

/// One edit, with the text before and after it.
pub(super) struct Trial<'a> {
    pub(super) judge: &'a Judge,
    pub(super) around: &'a Surroundings<'a>,
    /// The text after the edit.
    pub(super) after: String,
    /// What it replaces and inserts, in order.
    pub(super) pieces: Vec<Piece>,
    /// The edit, with what is assumed to follow it.
    edit: Cow<'a, Edit>,
    tree: OnceCell<Option<SyntaxTree>>,
    errors: OnceCell<Vec<SyntaxError>>,
}

/// One replacement: the bytes that go, in the text before, and the bytes that come, in the text after.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) replaced: Range<usize>,
    pub(super) inserted: Range<usize>,
}

impl<'a> Trial<'a> {
    pub(super) fn new(judge: &'a Judge, edit: &'a Edit, around: &'a Surroundings<'a>) -> Result<Self, Box<Finding>> {
        let whole = with_assumed(edit, around.assumed);
        let after = whole.apply(judge.doc.text()).map_err(|error| {
            let message = format!("made for another text: {error}");
            Box::new(Finding::error(DOES_NOT_FIT, message).at(judge.path(), None).hint(error.hint()))
        })?;
        let mut pieces = Vec::new();
        let mut shift = 0_isize;
        for it in edit.replacements() {
            let start = it.range.start.saturating_add_signed(shift);
            shift += it.text.len() as isize - it.range.len() as isize;
            pieces.push(Piece { replaced: it.range.clone(), inserted: start..start + it.text.len() });
        }
        Ok(Self { judge, around, after, pieces, edit: whole, tree: OnceCell::new(), errors: OnceCell::new() })
    }

    pub(super) fn doc(&self) -> &'a Document {
        &self.judge.doc
    }

    pub(super) fn language(&self) -> Option<Language> {
        self.judge.language
    }

    /// Returns the tree of the text after the edit, where the language has a grammar.
    pub(super) fn tree(&self) -> Option<&SyntaxTree> {
        self.tree.get_or_init(|| self.judge.tree()?.edited(&self.edit).ok()).as_ref()
    }

    /// Returns the syntax errors of the text after the edit; none where the language has no grammar.
    pub(super) fn errors(&self) -> &[SyntaxError] {
        self.errors.get_or_init(|| self.tree().map(SyntaxTree::errors).unwrap_or_default())
    }

    /// Returns what a piece inserts.
    pub(super) fn inserted(&self, piece: &Piece) -> &str {
        &self.after[piece.inserted.clone()]
    }

    /// Returns what a piece replaces.
    pub(super) fn removed(&self, piece: &Piece) -> &'a str {
        &self.judge.doc.text()[piece.replaced.clone()]
    }

    /// Returns the bytes of the whole lines that a piece reaches in the text after the edit, without the last line ending.
    /// Whitespace at the end of what is inserted reaches nothing.
    pub(super) fn touched_lines(&self, piece: &Piece) -> Range<usize> {
        touched(&self.after, &piece.inserted)
    }

    /// Returns the same for what is replaced, in the text before.
    pub(super) fn replaced_lines(&self, piece: &Piece) -> Range<usize> {
        touched(self.doc().text(), &piece.replaced)
    }

    /// Returns whether a byte offset of the text after the edit is in code. Where there is no grammar, all is.
    pub(super) fn is_code(&self, offset: usize) -> bool {
        self.tree().is_none_or(|tree| tree.is_code(offset))
    }

    /// Makes a finding at a byte offset of the text after the edit.
    pub(super) fn finding(&self, code: &'static str, offset: usize, message: impl Into<String>) -> Finding {
        Finding::error(code, message).at(self.judge.path(), Some(line_of(&self.after, offset)))
    }
}

/// Returns the edit with a text behind what it inserts last.
fn with_assumed<'a>(edit: &'a Edit, assumed: &str) -> Cow<'a, Edit> {
    let mut replacements = edit.replacements().to_vec();
    match replacements.last_mut() {
        Some(last) if !assumed.is_empty() => last.text.push_str(assumed),
        Some(_) | None => return Cow::Borrowed(edit),
    }
    Edit::new(replacements).map_or(Cow::Borrowed(edit), Cow::Owned)
}

fn touched(text: &str, range: &Range<usize>) -> Range<usize> {
    let end = range.start + text[range.clone()].trim_end().len();
    let first = text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    let last = text[end..].find('\n').map_or(text.len(), |newline| end + newline);
    first..last
}

/// Returns the line of a byte offset, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|it| **it == b'\n').count() + 1
}

/// Returns the text without any whitespace.
pub(super) fn squashed(text: &str) -> String {
    text.chars().filter(|it| !it.is_whitespace()).collect()
}

/// Refuses an edit after which everything is as it was.
pub(super) fn changes_something(trial: &Trial<'_>) -> Found {
    let is_same = trial.after == trial.doc().text();
    let finding = || Finding::error(NO_CHANGE, "changes nothing").at(trial.judge.path(), None);
    Some(is_same.then(finding).into_iter().collect())
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::judge;
    use super::*;

    /// Judges what comes of `marked`: `║` is where `insert` goes; two of them enclose what it replaces.
    pub(in super::super) fn codes(
        path: &str,
        marked: &str,
        insert: &str,
        around: &Surroundings<'_>,
    ) -> Vec<&'static str> {
        let mark = '║';
        let start = marked.find(mark).unwrap();
        let rest = &marked[start + mark.len_utf8()..];
        let end = rest.find(mark).map_or(start, |length| start + length);
        let doc = Document::new(path, 1, marked.replace(mark, ""));
        let findings = judge(&doc, Edit::single(start..end, insert), around).err().unwrap_or_default();
        findings.iter().map(Finding::code).collect()
    }

    #[test]
    fn the_lines_an_edit_reaches_are_whole() {
        let text = "a\nbc\nd\n";
        assert_eq!(touched(text, &(3..5)), 2..4);
        assert_eq!(touched(text, &(3..6)), 2..6);
        assert_eq!(touched(text, &(7..7)), 7..7);
    }
}
