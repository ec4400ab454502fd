//! The changed file has no more syntax errors than before.

use std::ops::RangeInclusive;

use wright_text::{Language, SyntaxError, SyntaxTree};

use super::Change;
use crate::Finding;

/// The check's name.
pub const NAME: &str = "parses";

/// Reports the first syntax error when the change added any. A language without a grammar has no findings.
pub fn check(change: Change<'_>) -> Vec<Finding> {
    let Some(language) = Language::from_path(change.path) else { return Vec::new() };
    check_as(language, change)
}

/// Does the same for text whose language is known by other means than its path.
pub fn check_as(language: Language, change: Change<'_>) -> Vec<Finding> {
    new_errors(language, change, &SyntaxTree::parse(language, change.after).errors())
}

/// Does the same, and reports a syntax error within the given lines of the changed text even if it is not new.
pub fn check_lines(change: Change<'_>, lines: RangeInclusive<usize>) -> Vec<Finding> {
    let Some(language) = Language::from_path(change.path) else { return Vec::new() };
    let after = SyntaxTree::parse(language, change.after).errors();
    if let Some(here) = after.iter().find(|it| lines.contains(&it.line)) {
        return vec![finding(change, here)];
    }
    new_errors(language, change, &after)
}

fn new_errors(language: Language, change: Change<'_>, after: &[SyntaxError]) -> Vec<Finding> {
    let Some(first) = after.first() else { return Vec::new() };
    let is_no_worse = after.len() <= SyntaxTree::parse(language, change.before).error_count();
    if is_no_worse { Vec::new() } else { vec![finding(change, first)] }
}

fn finding(change: Change<'_>, error: &SyntaxError) -> Finding {
    Finding::error(NAME, error.message.as_str()).at(change.path, Some(error.line))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn findings(path: &str, before: &str, after: &str) -> usize {
        check(Change { path: Path::new(path), before, after }).len()
    }

    #[test]
    fn a_new_syntax_error_is_a_finding_and_an_old_one_is_not() {
        assert_eq!(findings("a.py", "x = 1\n", "x = (1\n"), 1);
        assert_eq!(findings("a.py", "x = (1\n", "x = (1\n"), 0);
        assert_eq!(findings("a.rs", "fn f() {}\n", "fn f() { 1 + }\n"), 1);
        assert_eq!(findings("a.py", "x = 1\n", "x = 2\n"), 0);
    }

    #[test]
    fn a_language_without_a_grammar_has_no_findings() {
        assert_eq!(findings("notes.unknown", "a", "((("), 0);
    }
}
