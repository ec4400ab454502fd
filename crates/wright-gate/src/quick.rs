//! Judges an edit in memory, between two keystrokes: no I/O, no waiting.

use wright_text::{Document, Edit};

use crate::checks::{Change, no_secrets, parses};
use crate::{Against, CheckRecord, Finding, Verified, hex_digest};

/// Judges one edit of one document.
///
/// `Err` holds why it must not be shown. The edit is refused when the result parses worse than the document did, when it
/// adds a secret, when it changes nothing, or when it types again what already follows.
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
    let findings: Vec<Finding> = [parses::check(change), no_secrets::check(change)].concat();
    if !findings.is_empty() {
        return Err(findings);
    }
    let against = Against::Document { version: doc.version, digest: hex_digest(doc.text().as_bytes()) };
    let record = |check, detail: &str| CheckRecord { check, detail: detail.to_owned() };
    let checks = vec![record(parses::NAME, "parses no worse than before"), record(no_secrets::NAME, "no secret added")];
    Ok(Verified::stamp(edit, against, checks))
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
        assert_eq!(verdict("x = 1\n", 6, ""), Err("changes nothing".to_owned()));
        assert_eq!(verdict("a = 1\nb = 2\nc = 3\n", 6, "b = 2\nc = 3\n"), Err("repeats the lines that follow".to_owned()));
    }
}
