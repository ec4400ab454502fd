//! The changed file has no more syntax errors than before.

use std::ops::RangeInclusive;

use wright_text::{Language, SyntaxTree};

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
    let after = SyntaxTree::parse(language, change.after);
    if after.error_count() == 0 {
        return Vec::new();
    }
    let before = SyntaxTree::parse(language, change.before);
    if after.error_count() <= before.error_count() {
        return Vec::new();
    }
    let errors = after.errors();
    let place = errors.first().map(|it| it.line);
    let what = errors.first().map_or("syntax error", |it| it.message.as_str());
    vec![Finding::error(NAME, format!("{what} ({} not valid)", language.name())).at(change.path, place)]
}

/// Reports a syntax error of the changed text within the given lines, whether it is new or not.
pub fn errors_in_lines(change: Change<'_>, lines: RangeInclusive<usize>) -> Vec<Finding> {
    let Some(language) = Language::from_path(change.path) else { return Vec::new() };
    let errors = SyntaxTree::parse(language, change.after).errors();
    let here = errors.into_iter().find(|it| lines.contains(&it.line));
    here.map(|it| Finding::error(NAME, it.message).at(change.path, Some(it.line))).into_iter().collect()
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
