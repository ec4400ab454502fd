//! Refuses text that parses worse than before, or that leaves a syntax error where it was inserted.
//!
//! A document that someone types in is often broken at the cursor; a suggestion is to mend that, not to keep it.

use std::ops::RangeInclusive;

use wright_text::SyntaxError;

use super::Found;
use super::indentation;
use super::trial::{Trial, line_of};
use crate::checks::parses;

/// The code of an edit that does not parse.
pub(super) const CODE: &str = parses::NAME;

/// Reports the syntax error that is nearest to the edit.
pub(super) fn check(trial: &Trial<'_>) -> Found {
    trial.tree()?;
    let errors = trial.errors();
    let reached = trial.pieces.iter().map(|it| lines_of(&trial.after, &it.inserted)).collect::<Vec<_>>();
    let here = errors.iter().find(|error| reached.iter().any(|lines| lines.contains(&error.line)));
    let is_worse = || errors.len() > trial.judge.n_errors();
    let error = here.or_else(|| errors.first().filter(|_| is_worse())).or_else(|| error_in_block(trial, errors));
    let finding = |error: &SyntaxError| {
        let code = if is_about_indentation(&error.message) { indentation::CODE } else { CODE };
        trial.finding(code, error.range.start, error.message.as_str())
    };
    Some(error.map(finding).into_iter().collect())
}

/// Returns the first error behind the edit in the block that the edit belongs to, where blocks are marked by indentation:
/// the lines that follow are then part of what was inserted, and wrong with it.
fn error_in_block<'a>(trial: &Trial<'_>, errors: &'a [SyntaxError]) -> Option<&'a SyntaxError> {
    trial.judge.tree().filter(|it| it.language().has_indented_blocks())?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = trial.after.split('\n').collect();
    trial.pieces.iter().find_map(|piece| {
        let inserted = line_of(&trial.after, piece.inserted.start)..=line_of(&trial.after, piece.inserted.end);
        let of_lines = lines.get(inserted.start() - 1..*inserted.end())?.iter().filter(|it| !it.trim().is_empty());
        let block = of_lines.map(|it| indent(it)).min()?;
        let is_inside = |line: &&str| line.trim().is_empty() || indent(line) >= block;
        let n_following = lines[*inserted.end()..].iter().take_while(|line| is_inside(line)).count();
        let last = inserted.end() + n_following;
        errors.iter().find(|it| block > 0 && (*inserted.start()..=last).contains(&it.line))
    })
}

/// Returns the lines that an insertion reaches, and one on each side, counted from 1.
fn lines_of(after: &str, inserted: &std::ops::Range<usize>) -> RangeInclusive<usize> {
    line_of(after, inserted.start).saturating_sub(1)..=line_of(after, inserted.end) + 1
}

fn is_about_indentation(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["indent", "indentation"].iter().any(|it| message.contains(it))
}

#[cfg(test)]
mod tests {
    use super::super::Surroundings;
    use super::super::trial::tests;

    fn codes(path: &str, marked: &str, insert: &str) -> Vec<&'static str> {
        tests::codes(path, marked, insert, &Surroundings::default())
    }

    #[test]
    fn a_new_error_is_refused_wherever_it_shows() {
        assert_eq!(codes("a.py", "x = 1\n║\n\n\n\n\n\ny = 2\n", "z = '''\n"), ["parses"]);
        assert_eq!(codes("a.rs", "fn f() {\n    ║\n}\n", "let x = ;"), ["parses"]);
        assert_eq!(codes("a.go", "package p\n\nfunc f() {\n\t║\n}\n", "x := (1"), ["parses"]);
    }

    #[test]
    fn the_block_that_an_edit_opens_must_parse_to_its_end() {
        let marked =
            "def f(x):\n║            y = 1\n            z = 2\n        else:\n            y = 3\n    return y\n";
        assert_eq!(codes("a.py", marked, "    if x:\n"), ["indentation"]);
        assert_eq!(codes("a.py", marked, "    if True:\n        if x:\n"), [""; 0]);
    }

    #[test]
    fn a_body_that_is_assumed_to_follow_is_no_error() {
        let around = Surroundings { assumed: "\n        pass", ..Surroundings::default() };
        let marked = "def f(x):\n    ║\n    return x\n";
        assert_eq!(tests::codes("a.py", marked, "if x:", &around), [""; 0]);
        assert_eq!(tests::codes("a.py", marked, "if (x:", &around), ["parses"]);
        assert_eq!(codes("a.py", marked, "if x:"), ["indentation"]);
    }

    #[test]
    fn an_error_that_was_at_the_cursor_is_to_be_mended() {
        assert_eq!(codes("a.py", "def f(x):\n    return (x + ║\n", "1"), ["parses"]);
        assert_eq!(codes("a.py", "def f(x):\n    return (x + ║\n", "1)"), [""; 0]);
        assert_eq!(codes("a.py", "def f(x):\n    return ║\n", "x + 1"), [""; 0]);
        assert_eq!(codes("a.py", "def f(x):\n    return ║\n", "x + 1\n"), [""; 0]);
    }

    #[test]
    fn a_deletion_and_a_replacement_are_judged_by_what_they_leave() {
        assert_eq!(codes("a.py", "if x:\n    ║pass║\n", ""), ["indentation"]);
        assert_eq!(codes("a.py", "x = 1\n║y = 2\n║z = 3\n", ""), [""; 0]);
        assert_eq!(codes("a.py", "x = ║(1 + 2)║\n", "(x"), ["parses"]);
    }
}
