//! Marks that a merge left behind.

use crate::{Finding, Source};

/// The check's name.
pub const NAME: &str = "conflict-markers";

const WIDTH: usize = 7;

/// Reports each conflict that is still in the text: a line that opens it and, further down, one that closes it.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    let mut opened: Option<usize> = None;
    let mut has_middle = false;
    let mut findings = Vec::new();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let mark = mark(line);
        match (mark, opened) {
            (Some('<'), _) => (opened, has_middle) = (Some(start), false),
            (Some('='), Some(_)) => has_middle = true,
            (Some('>'), Some(from)) if has_middle => {
                findings.push(
                    Finding::error(NAME, "a merge conflict is left in the text")
                        .within(source.path, source.span(from..start + line.trim_end().len()))
                        .key(super::grammar::squeezed(&source.text[from..start]))
                        .hint("Decide for one side, or write what both mean, and take the marks out."),
                );
                opened = None;
            }
            _ => {}
        }
        start += line.len();
    }
    findings
}

/// Returns which mark a line is: seven of the same character at its start, then a space or nothing.
fn mark(line: &str) -> Option<char> {
    let line = line.trim_end_matches(['\n', '\r']);
    let mark = line.chars().next().filter(|it| matches!(it, '<' | '=' | '>'))?;
    let rest = line.trim_start_matches(mark);
    let is_named = rest.starts_with(' ') || mark == '=' && rest.is_empty();
    (line.len() - rest.len() == WIDTH && is_named).then_some(mark)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn lines(text: &str) -> Vec<Option<usize>> {
        findings(&Source::new(Path::new("a.py"), text)).into_iter().map(|it| it.line).collect()
    }

    #[test]
    fn a_whole_conflict_is_found_where_it_begins() {
        let marks = ["<".repeat(7), "=".repeat(7), ">".repeat(7)];
        let text = format!("x\n{} HEAD\na\n{}\nb\n{} other\n", marks[0], marks[1], marks[2]);
        assert_eq!(lines(&text), [Some(2)]);
        assert_eq!(lines(&text.replace('\n', "\r\n")), [Some(2)]);
    }

    #[test]
    fn a_heading_or_a_lone_mark_is_no_conflict() {
        assert_eq!(lines("Title\n=======\ntext\n>>>>>>> quoted\n"), []);
        assert_eq!(lines("<<<<<<< HEAD\nno end\n"), []);
    }
}
