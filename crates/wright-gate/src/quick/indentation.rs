//! Refuses indentation that the file does not use.
//!
//! What Python itself refuses is found by the parser and reported under the same code.

use wright_text::Language;

use super::Found;
use super::trial::{Piece, Trial};

/// The code of an edit with a wrong indentation.
pub(super) const CODE: &str = "indentation";

/// Lines that a file must have, indented one way, before that counts as its style.
const MIN_INDENTED_LINES: usize = 3;

/// The farthest that a line may start right of the one above it, in columns.
const MAX_STEP_COLUMNS: usize = 24;

/// Reports tabs among spaces, spaces among tabs, and a first line that starts at a column of its own.
pub(super) fn check(trial: &Trial<'_>) -> Found {
    trial.language()?;
    let style = Style::of(trial.doc().text());
    let finding = |piece: &Piece| {
        let offset = wrongly_indented(trial, piece, style)?;
        Some(trial.finding(CODE, offset, "indented unlike the file"))
    };
    Some(trial.pieces.iter().find_map(finding).into_iter().collect())
}

/// What the indented lines of a text start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Spaces,
    Tabs,
    Unknown,
}

impl Style {
    fn of(text: &str) -> Self {
        let n_with = |start: char| text.lines().filter(|it| it.starts_with(start)).take(MIN_INDENTED_LINES).count();
        match (n_with(' '), n_with('\t')) {
            (MIN_INDENTED_LINES.., 0) => Self::Spaces,
            (0, MIN_INDENTED_LINES..) => Self::Tabs,
            _ => Self::Unknown,
        }
    }

    fn allows(self, indent: &str) -> bool {
        match self {
            Self::Spaces => !indent.contains('\t'),
            // Spaces behind tabs align; spaces alone indent.
            Self::Tabs => !indent.starts_with("  ") && !indent.contains(" \t"),
            Self::Unknown => true,
        }
    }
}

/// Returns where the first wrong indentation is.
fn wrongly_indented(trial: &Trial<'_>, piece: &Piece, style: Style) -> Option<usize> {
    let lines = trial.touched_lines(piece);
    let mut start = lines.start;
    for (line_idx, line) in trial.after[lines].split_inclusive('\n').enumerate() {
        let indent = &line[..line.len() - line.trim_start_matches([' ', '\t']).len()];
        let code = start + indent.len();
        start += line.len();
        // The inside of a string is data, and comments are aligned freely.
        let is_own = !line.trim().is_empty() && code > piece.inserted.start && trial.is_code(code);
        if !is_own {
            continue;
        }
        let is_first = line_idx == 0;
        if !style.allows(indent) || (is_first && starts_too_far_right(trial, code - indent.len(), indent)) {
            return Some(code);
        }
    }
    None
}

/// Returns whether a line starts far right of the line above, though no bracket is open there.
fn starts_too_far_right(trial: &Trial<'_>, line_start: usize, indent: &str) -> bool {
    let mut above = trial.after[..line_start].lines().rev().filter(|it| !it.trim().is_empty());
    let Some(above) = above.next() else { return trial.language() == Some(Language::Python) && !indent.is_empty() };
    let above_columns = columns(&above[..above.len() - above.trim_start().len()]);
    let n_of = |set: &[char]| above.chars().filter(|it| set.contains(it)).count();
    let is_continued =
        n_of(&['(', '[', '{']) > n_of(&[')', ']', '}']) || !above.trim_end().ends_with([';', ')', '}', ']', '"', '\'']);
    !is_continued && columns(indent) > above_columns + MAX_STEP_COLUMNS
}

fn columns(indent: &str) -> usize {
    indent.bytes().map(|it| if it == b'\t' { 4 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::super::Surroundings;
    use super::super::trial::tests;
    use super::*;

    fn codes(path: &str, marked: &str, insert: &str) -> Vec<&'static str> {
        tests::codes(path, marked, insert, &Surroundings::default())
    }

    const SPACES: &str = "def f(a):\n    if a:\n        return a\n    a = 1\n║    return a\n";
    const TABS: &str = "package p\n\nfunc f(a int) int {\n\ta++\n\ta++\n\ta++\n║\treturn a\n}\n";

    #[test]
    fn tabs_among_spaces_and_spaces_among_tabs_are_refused() {
        assert!(codes("a.py", SPACES, "    if a:\n\t\ta = 2\n").contains(&CODE));
        assert_eq!(codes("a.py", SPACES, "    if a:\n        a = 2\n"), [""; 0]);
        assert_eq!(codes("a.go", TABS, "    a--\n"), [CODE]);
        assert_eq!(codes("a.go", TABS, "\ta--\n"), [""; 0]);
    }

    #[test]
    fn an_indentation_that_no_block_has_is_refused() {
        assert_eq!(codes("a.py", SPACES, "    a = 2\n      a = 3\n"), [CODE]);
        assert_eq!(codes("a.py", SPACES, "    if a:\n        a = 2\n      a = 3\n"), [CODE]);
        assert_eq!(codes("a.rs", "fn f() {\n    g();\n║\n}\nfn g() {}\n", &format!("{}g();", " ".repeat(40))), [CODE]);
    }

    #[test]
    fn the_inside_of_a_string_is_data() {
        assert_eq!(codes("a.py", SPACES, "    s = '''\n\tx\n'''\n"), [""; 0]);
    }
}
