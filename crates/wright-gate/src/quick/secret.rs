//! Refuses secrets in what is inserted.

use super::Found;
use super::trial::Trial;
use crate::checks::{Change, no_secrets};

/// The code of an edit with a secret.
pub(super) const CODE: &str = "secret";

/// Reports each secret in the lines that the edit reaches, unless the document had it before.
pub(super) fn check(trial: &Trial<'_>) -> Found {
    let mut findings = Vec::new();
    for piece in &trial.pieces {
        let lines = trial.touched_lines(piece);
        let lines = lines.start..lines.end.max(piece.inserted.end);
        let change = Change { path: &trial.doc().path, before: trial.doc().text(), after: &trial.after[lines.clone()] };
        for mut finding in no_secrets::check(change) {
            finding.check = CODE;
            let n_lines_above = super::trial::line_of(&trial.after, lines.start) - 1;
            finding.line = finding.line.map(|line| line + n_lines_above);
            findings.push(finding);
        }
    }
    Some(findings)
}

#[cfg(test)]
mod tests {
    use super::super::{Surroundings, judge};
    use super::*;

    #[test]
    fn a_secret_is_refused_with_its_line_and_without_its_value() {
        // Put together at run time so that no scanner takes this file for a leak.
        let key = format!("ghp_{}", "q7Rt2Lx9Vb4Nz8Kw3Jd6Hs5Gf1Mc0PyTa7Ue");
        let doc = wright_text::Document::new("a.py", 1, "x = 1\n");
        let edit = wright_text::Edit::single(6..6, format!("key = '{key}'\n"));
        let findings = judge(&doc, edit, &Surroundings::default()).unwrap_err();
        assert_eq!((findings[0].code(), findings[0].line), (CODE, Some(2)));
        assert!(!findings[0].message.contains(&key));
    }
}
