//! What the code around a position lacks, and what a completion of several lines should therefore bring.
//!
//! Blocks that the code before opens and the code after never closes, or the other way round; names that the code after
//! uses and nothing binds; a first line after the position that stands deeper than where the model is. A completion that
//! brings these is likelier to be whole than one that ends where its first block does.

use wright_text::names::{FileNames, unknown_names};
use wright_text::{Document, Language, SyntaxTree};

use crate::extent::{indent_width, next_line};

/// How far behind the position names are looked for, in bytes.
const MAX_LOOKED_AT: usize = 2_000;

/// How many blocks a completion may have to open.
const MAX_OPENED: i64 = 2;

/// What is missing at one position. The default lacks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hole {
    /// How many more braces the completion should close than open; less than zero where it should open them.
    pub(crate) n_closed: i64,
    /// Names that are used behind the position and bound nowhere.
    pub(crate) names: Vec<String>,
    /// Whether indentation alone makes blocks.
    pub(crate) is_indented: bool,
}

impl Hole {
    /// Returns what the text of `tree` lacks at `offset`.
    pub(crate) fn of(tree: &SyntaxTree, offset: usize) -> Self {
        let is_indented = tree.language() == Language::Python;
        let n_closed = if is_indented { 0 } else { n_closed(tree, offset) };
        Self { n_closed, names: unbound(tree, offset), is_indented }
    }

    /// Returns the hole of which nothing but the language is known.
    pub(crate) fn unknown(doc: &Document) -> Self {
        let is_indented = Language::from_path(&doc.path) == Some(Language::Python);
        Self { is_indented, ..Self::default() }
    }

    /// Returns whether anything is missing that can be seen in a completion.
    pub(crate) fn is_known(&self) -> bool {
        self.n_closed != 0 || !self.names.is_empty()
    }

    /// Returns how much of what is missing the text does not bring.
    pub(crate) fn lacks(&self, text: &str) -> usize {
        let n_braces = if self.is_indented { 0 } else { (self.n_closed + net_opened(text)).unsigned_abs() };
        let n_names = self.names.iter().filter(|name| !has_word(text, name)).count();
        usize::try_from(n_braces).unwrap_or(usize::MAX).saturating_add(n_names)
    }
}

/// Returns how many more braces the text opens than it closes, strings aside.
fn net_opened(text: &str) -> i64 {
    let mut net = 0;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, it)) = chars.next() {
        match (quote, it) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(end), _) if it == end || it == '\n' => quote = None,
            (None, '"' | '\'' | '`') => {
                // A quote that is not closed on its line is an apostrophe or a lifetime.
                let line = text[at + 1..].split('\n').next().unwrap_or_default();
                quote = line.contains(it).then_some(it);
            }
            (None, '{') => net += 1,
            (None, '}') => net -= 1,
            _ => {}
        }
    }
    net
}

/// Returns how many more braces have to be closed than opened at `offset`, as far as the indentation agrees.
fn n_closed(tree: &SyntaxTree, offset: usize) -> i64 {
    let (before, after) = tree.text().split_at(offset);
    let braces = |text: &str, start: usize| -> Vec<(usize, bool)> {
        let places = text.match_indices(['{', '}']).map(|(at, it)| (start + at, it == "{"));
        places.filter(|(at, _)| tree.is_code(*at)).collect()
    };
    let mut open: Vec<usize> = Vec::new();
    for (at, opens) in braces(before, 0) {
        if opens {
            open.push(at);
        } else {
            open.pop();
        }
    }
    let (mut n_open, mut n_closers) = (0_usize, 0_usize);
    for (_, opens) in braces(after, offset) {
        match (opens, n_open) {
            (true, _) => n_open += 1,
            (false, 0) => n_closers += 1,
            (false, _) => n_open -= 1,
        }
    }
    let missing = i64::try_from(open.len()).unwrap_or(0) - i64::try_from(n_closers).unwrap_or(0);
    if missing <= 0 {
        return missing.max(-MAX_OPENED);
    }
    let next = next_line(after).unwrap_or_default();
    let (next_indent, closes) = (indent_width(next), next.trim_start().starts_with('}'));
    let is_inner = |at: &&usize| {
        let indent = indent_width(before[..**at].rsplit('\n').next().unwrap_or_default());
        if closes { indent > next_indent } else { indent >= next_indent }
    };
    missing.min(i64::try_from(open.iter().filter(is_inner).count()).unwrap_or(0))
}

/// Returns the names that the code soon behind `offset` uses and that nothing binds.
fn unbound(tree: &SyntaxTree, offset: usize) -> Vec<String> {
    let text = tree.text();
    let end = text.floor_char_boundary(text.len().min(offset + MAX_LOOKED_AT));
    let before = FileNames::of(&SyntaxTree::parse(tree.language(), &text[..offset]));
    let range = offset..end;
    let unknown = unknown_names(tree, std::slice::from_ref(&range), None, || Some(&before)).unwrap_or_default();
    // With braces missing, the code behind seems to stand outside the function that it belongs to.
    unknown.into_iter().map(|it| it.name).filter(|name| !has_word(&text[..offset], name)).collect()
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |it: char| it.is_alphanumeric() || it == '_' || it == '$';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(is_part) && !text[at + word.len()..].starts_with(is_part))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hole(path: &str, marked: &str) -> Hole {
        let offset = marked.find('║').unwrap();
        let language = Language::from_path(path.as_ref()).unwrap();
        Hole::of(&SyntaxTree::parse(language, marked.replace('║', "")), offset)
    }

    #[test]
    fn braces_that_are_closed_nowhere_are_missing() {
        for (marked, n_closed) in [
            ("fn f() {\n    if a {\n        ║\n    }\n}\n", 0),
            ("fn f() {\n    for a in b {\n        if a {\n            x();\n║\n    a\n}\n", 2),
            ("fn f() {\n    for a in b {\n        if a {\n║\n    }\n}\n", 1),
            // The indentation says that nothing is missing here: the file is broken elsewhere.
            ("fn f() {\n    ║\n    x();\n}\nfn g() {\n", 0),
            ("fn f() {\n    let a = 1;\n║        a += 1;\n    }\n    a\n}\n", -1),
            ("fn f() {\n    let a = \"{\"; // {\n    ║\n}\n", 0),
        ] {
            assert_eq!(hole("a.rs", marked).n_closed, n_closed, "{marked}");
        }
    }

    #[test]
    fn names_that_only_the_code_behind_uses_are_missing() {
        let marked = "def f(s):\n    if not s:\n║        if letter == ',':\n            return s\n";
        assert_eq!(hole("a.py", marked).names, ["letter"]);
        assert_eq!(hole("a.py", "def f(s):\n    total = 0\n    ║\n    return total\n").names, [""; 0]);
    }

    #[test]
    fn a_text_lacks_what_it_does_not_bring() {
        let hole = Hole { n_closed: 1, names: vec!["total".to_owned()], is_indented: false };
        for (text, n) in [
            ("    x();\n", 2),
            ("    x();\n}\n", 1),
            ("    let total = '}';\n}\n", 0),
            ("    let subtotal = 1;\n}\n", 1),
            ("    let total = x(&'a s);\n}\n", 0),
        ] {
            assert_eq!(hole.lacks(text), n, "{text}");
        }
    }
}
