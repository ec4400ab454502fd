//! Judges an edit in memory, between two keystrokes: no I/O, no waiting.

use std::ops::RangeInclusive;

use wright_text::{Document, Edit};

use crate::checks::{Change, no_secrets, parses};
use crate::{Against, CheckRecord, Finding, Verified, hex_digest};

/// Judges one edit of one document.
///
/// `Err` holds why it must not be shown. The edit is refused when the result parses worse than the document did, when there
/// is a syntax error where it was made (a document that someone types in is often broken there; a suggestion is to mend
/// that, not to keep it), when it adds a secret, when it changes nothing, or when it types again what already follows.
pub fn judge(doc: &Document, edit: Edit) -> Result<Verified<Edit>, Vec<Finding>> {
    let refuse = |message: &str| Err(vec![Finding::error("quick", message).at(&doc.path, None)]);
    let Ok(after) = edit.apply(doc.text()) else { return refuse("does not fit the document") };
    if after == doc.text() {
        return refuse("changes nothing");
    }
    if echoes_what_follows(doc, &edit) {
        return refuse("repeats the lines that follow");
    }
    let change = Change { path: &doc.path, before: doc.text(), after: &after };
    let findings = [parses::check_lines(change, lines_of(&edit, &after)), no_secrets::check(change)].concat();
    if !findings.is_empty() {
        return Err(findings);
    }
    let against = Against::Document { version: doc.version, digest: hex_digest(doc.text().as_bytes()) };
    let record = |check, detail: &str| CheckRecord { check, detail: detail.to_owned() };
    let checks = vec![record(parses::NAME, "parses no worse than before"), record(no_secrets::NAME, "no secret added")];
    Ok(Verified::stamp(edit, against, checks))
}

/// Returns the lines of the changed text that the edit reaches, and one on each side, counted from 1.
fn lines_of(edit: &Edit, after: &str) -> RangeInclusive<usize> {
    let mut first = usize::MAX;
    let mut last = 0;
    let mut shift = 0_isize;
    for it in edit.replacements() {
        let start = it.range.start.saturating_add_signed(shift);
        let end = start + it.text.len();
        shift += it.text.len() as isize - it.range.len() as isize;
        let line =
            |offset: usize| after.as_bytes()[..offset.min(after.len())].iter().filter(|it| **it == b'\n').count() + 1;
        first = first.min(line(start));
        last = last.max(line(end));
    }
    first.saturating_sub(1)..=last + 1
}

/// Returns whether an insertion of two lines or more is just the text after it once more.
fn echoes_what_follows(doc: &Document, edit: &Edit) -> bool {
    edit.replacements().iter().any(|it| {
        let inserted = it.text.trim();
        let follows = doc.text()[it.range.end..].trim_start();
        inserted.lines().count() >= 2 && follows.starts_with(inserted)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(text: &str, at: usize, insert: &str) -> Result<(), String> {
        let doc = Document::new("a.py", 1, text);
        judge(&doc, Edit::single(at..at, insert)).map(|_| ()).map_err(|it| it[0].message.clone())
    }

    #[test]
    fn an_edit_that_parses_is_verified_against_this_version() {
        let doc = Document::new("a.py", 7, "x = \n");
        let verified = judge(&doc, Edit::single(4..4, "1")).unwrap();
        assert!(matches!(verified.against(), Against::Document { version: 7, .. }));
        assert_eq!(verified.checks().len(), 2);
    }

    #[test]
    fn edits_that_must_not_be_shown_are_refused_with_the_reason() {
        assert!(verdict("x = 1\n", 6, "y = (\n").is_err());
        assert!(verdict("if x:\n", 6, "y = 1\n").is_err(), "the block still has no body");
        assert_eq!(verdict("x = 1\n\n\n\n\ny = = 2\n", 6, "z = 1\n"), Ok(()), "broken elsewhere is not its fault");
        assert_eq!(verdict("x = 1\n", 6, ""), Err("changes nothing".to_owned()));
        assert_eq!(
            verdict("a = 1\nb = 2\nc = 3\n", 6, "b = 2\nc = 3\n"),
            Err("repeats the lines that follow".to_owned())
        );
    }
}
