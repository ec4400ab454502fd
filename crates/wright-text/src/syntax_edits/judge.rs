//! Decides which candidates are worth having: those that parse no worse, say something else, and are new.
//!
//! A candidate is parsed on top of the original tree, so only the changed part costs time, and without building the
//! changed text. Only the function is parsed, with as little as it needs around it: even the unchanged rest of a long
//! file would cost more than the function.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;
use std::ops::Range;

use tree_sitter::{InputEdit, Parser, Point};

use crate::document::LineIndex;
use crate::edit::{Edit, Replacement};
use crate::syntax::{SyntaxTree, count_errors, parser};

/// Code that makes a function parse by itself: a method needs a class around it, indented code something to be inside of.
const SURROUNDINGS: [(&str, &str); 4] = [("", ""), ("if 1:\n", ""), ("class A {\n", "\n}\n"), ("({\n", "\n})\n")];

pub(super) struct Judge {
    /// The function, with code around it that makes it parse.
    context: SyntaxTree,
    /// The part of the whole text that the context has, and where it is there.
    part: Range<usize>,
    start_in_context: usize,
    lines: LineIndex,
    parser: Parser,
    n_errors: usize,
    seen: HashSet<u64>,
}

impl Judge {
    pub(super) fn new(tree: &SyntaxTree, function: &Range<usize>) -> Judge {
        let part = lines_around(tree.text(), function);
        let (context, start_in_context) = context_of(tree, &part);
        let mut judge = Judge {
            part,
            start_in_context,
            lines: LineIndex::new(context.text()),
            parser: parser(tree.language()),
            n_errors: context.error_count(),
            seen: HashSet::new(),
            context,
        };
        let original = judge.fingerprint(&Edit::default());
        judge.seen.insert(original);
        judge
    }

    /// Returns whether an edit of the whole text is worth having.
    pub(super) fn accepts(&mut self, edit: &Edit) -> bool {
        let Some(edit) = self.in_context(edit) else { return false };
        let fingerprint = self.fingerprint(&edit);
        self.seen.insert(fingerprint) && self.parses_no_worse(&edit)
    }

    fn in_context(&self, edit: &Edit) -> Option<Edit> {
        let moved = |replacement: &Replacement| {
            let Range { start, end } = replacement.range;
            let is_inside = start >= self.part.start && end <= self.part.end;
            let range = start.checked_sub(self.part.start)?..end.checked_sub(self.part.start)?;
            let range = range.start + self.start_in_context..range.end + self.start_in_context;
            is_inside.then(|| Replacement { range, text: replacement.text.clone() })
        };
        Edit::new(edit.replacements().iter().map(moved).collect::<Option<_>>()?).ok()
    }

    fn parses_no_worse(&mut self, edit: &Edit) -> bool {
        let mut old = self.context.tree().clone();
        for replacement in edit.replacements().iter().rev() {
            old.edit(&self.input_edit(&replacement.range, &replacement.text));
        }
        let pieces = Pieces::new(self.context.text(), edit, 0..self.context.text().len());
        let new = self.parser.parse_with_options(&mut |offset, _| pieces.from(offset), Some(&old), None);
        let Some(new) = new else { return false };
        !new.root_node().has_error() || (self.n_errors > 0 && count_errors(&new) <= self.n_errors)
    }

    fn input_edit(&self, range: &Range<usize>, text: &str) -> InputEdit {
        let start_position = self.point(range.start);
        let last_line = text.rfind('\n').map_or(text, |newline| &text[newline + 1..]);
        let n_newlines = text.bytes().filter(|byte| *byte == b'\n').count();
        let column = if n_newlines == 0 { start_position.column + text.len() } else { last_line.len() };
        InputEdit {
            start_byte: range.start,
            old_end_byte: range.end,
            new_end_byte: range.start + text.len(),
            start_position,
            old_end_position: self.point(range.end),
            new_end_position: Point { row: start_position.row + n_newlines, column },
        }
    }

    fn point(&self, offset: usize) -> Point {
        let row = self.lines.line(offset) - 1;
        let line_start = self.context.text()[..offset].rfind('\n').map_or(0, |newline| newline + 1);
        Point { row, column: offset - line_start }
    }

    /// Hashes the changed function without the whitespace that has no meaning.
    fn fingerprint(&self, edit: &Edit) -> u64 {
        let mut hasher = Fingerprint::new(self.context.language().has_indented_blocks());
        let part = self.start_in_context..self.start_in_context + self.part.len();
        for (_, piece) in Pieces::new(self.context.text(), edit, part).pieces {
            hasher.write(piece.as_bytes());
        }
        hasher.finish()
    }
}

/// Returns the function with the rest of its first line, and of its last unless other code is there.
fn lines_around(text: &str, function: &Range<usize>) -> Range<usize> {
    let start = text[..function.start].rfind('\n').map_or(0, |newline| newline + 1);
    let end = text[function.end..].find('\n').map_or(text.len(), |newline| function.end + newline + 1);
    let is_alone =
        text[function.end..end].trim_start().is_empty() || text[function.end..end].trim_start().starts_with('#');
    start..if is_alone { end } else { function.end }
}

/// Returns the smallest code found in which the part parses as well as it can, and where the part starts in it.
fn context_of(tree: &SyntaxTree, part: &Range<usize>) -> (SyntaxTree, usize) {
    let text = &tree.text()[part.clone()];
    let contexts = SURROUNDINGS
        .map(|(before, after)| (SyntaxTree::parse(tree.language(), format!("{before}{text}{after}")), before.len()));
    let best = contexts.into_iter().min_by_key(|(context, _)| context.error_count());
    let is_as_good = |context: &SyntaxTree| context.error_count() <= tree.error_count();
    best.filter(|(context, _)| is_as_good(context)).unwrap_or_else(|| (tree.clone(), part.start))
}

/// The changed text as the parts it is made of, each with its offset.
struct Pieces<'p> {
    pieces: Vec<(usize, &'p str)>,
}

impl<'p> Pieces<'p> {
    /// Takes the part of the text in `range`, which must hold the edit.
    fn new(text: &'p str, edit: &'p Edit, range: Range<usize>) -> Pieces<'p> {
        let mut parts = Vec::with_capacity(edit.replacements().len() * 2 + 1);
        let mut position = range.start;
        for replacement in edit.replacements() {
            let start = replacement.range.start.max(position);
            parts.extend([&text[position..start], replacement.text.as_str()]);
            position = replacement.range.end.max(start);
        }
        parts.push(&text[position.min(range.end)..range.end]);
        let mut offset = 0;
        let pieces = parts.into_iter().filter(|part| !part.is_empty()).map(|part| {
            offset += part.len();
            (offset - part.len(), part)
        });
        Pieces { pieces: pieces.collect() }
    }

    /// Returns the rest of the piece that holds an offset; nothing beyond the end.
    fn from(&self, offset: usize) -> &'p [u8] {
        let after = self.pieces.partition_point(|(start, _)| *start <= offset);
        let piece = after.checked_sub(1).map(|index| self.pieces[index]);
        piece.and_then(|(start, text)| text.as_bytes().get(offset - start..)).unwrap_or_default()
    }
}

/// Hashes code so that most changes of layout make no difference.
///
/// Blanks count only between two words and next to quotes; line breaks count once, and with the indentation after them
/// where that means something.
struct Fingerprint {
    hasher: DefaultHasher,
    has_indented_blocks: bool,
    previous: u8,
    n_blanks: usize,
    at_line_start: bool,
}

impl Fingerprint {
    fn new(has_indented_blocks: bool) -> Fingerprint {
        let hasher = DefaultHasher::new();
        Fingerprint { hasher, has_indented_blocks, previous: b'\n', n_blanks: 0, at_line_start: true }
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\r' => {}
                b' ' | b'\t' => self.n_blanks += 1,
                b'\n' => {
                    self.n_blanks = 0;
                    self.at_line_start = true;
                }
                _ => self.write_code(*byte),
            }
        }
    }

    fn write_code(&mut self, byte: u8) {
        if self.at_line_start {
            self.hasher.write_u8(b'\n');
            self.hasher.write_usize(if self.has_indented_blocks { self.n_blanks } else { 0 });
        } else if self.n_blanks > 0 && blank_counts(self.previous, byte) {
            self.hasher.write_u8(b' ');
        }
        self.hasher.write_u8(byte);
        self.previous = byte;
        self.n_blanks = 0;
        self.at_line_start = false;
    }

    fn finish(&self) -> u64 {
        self.hasher.finish()
    }
}

fn blank_counts(before: u8, after: u8) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80;
    let is_quote = |byte: u8| matches!(byte, b'"' | b'\'' | b'`');
    (is_word(before) && is_word(after)) || is_quote(before) || is_quote(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::languages::Language;

    const TEXT: &str = "def f(a):\n    if a:\n        g(a)\n        h(a)\n    return a\n";

    fn accepts(before: &str, after: &str) -> bool {
        let tree = SyntaxTree::parse(Language::Python, TEXT);
        let function = tree.functions().remove(0);
        let start = TEXT.find(before).unwrap();
        Judge::new(&tree, &function.range).accepts(&Edit::single(start..start + before.len(), after))
    }

    #[test]
    fn an_edit_that_breaks_the_syntax_is_refused() {
        assert!(accepts("return a", "return b"));
        assert!(!accepts("return a", "return ("));
        assert!(!accepts("if a:", "if :"));
    }

    #[test]
    fn an_edit_of_layout_alone_is_refused() {
        assert!(!accepts("g(a)", "g( a )"));
        assert!(accepts("        h(a)", "    h(a)"), "indentation has a meaning");
    }

    #[test]
    fn the_same_result_is_accepted_once() {
        let tree = SyntaxTree::parse(Language::Python, "def f():\n    g()\n    g()\n");
        let mut judge = Judge::new(&tree, &tree.functions()[0].range);
        assert!(judge.accepts(&Edit::single(9..17, "")));
        assert!(!judge.accepts(&Edit::single(17..25, "")));
    }

    #[test]
    fn code_that_was_broken_before_may_stay_broken() {
        let text = "x = = 1\ndef f():\n    return 1\n";
        let tree = SyntaxTree::parse(Language::Python, text);
        let start = text.find("return 1").unwrap();
        let mut judge = Judge::new(&tree, &tree.functions()[0].range);
        assert!(judge.accepts(&Edit::single(start..start + 8, "return 2")));
        assert!(!judge.accepts(&Edit::single(start..start + 8, "return )")));
    }
}
