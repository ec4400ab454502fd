//! Refuses code that is known to be insecure, where the edit is what makes it so.
//!
//! The rules are data, in `insecure_rules.rs`. They are few, and each is meant to be right when it speaks.

use super::Found;
use super::insecure_rules::{Place, RULES, Rule};
use super::trial::{Piece, Trial, squashed};

/// The code of an edit with an insecure pattern.
pub(super) const CODE: &str = "insecure";

/// Lines read above and below the edit, since a call may go over several.
const N_LINES_AROUND: usize = 8;

/// Reports each rule that the edit breaks anew.
pub(super) fn check(trial: &Trial<'_>) -> Found {
    let language = trial.language()?;
    let rules = RULES.iter().filter(|rule| rule.entry.languages.is_empty() || rule.entry.languages.contains(&language));
    let mut findings = Vec::new();
    for rule in rules {
        let offset = trial.pieces.iter().find_map(|piece| broken_at(trial, piece, rule));
        findings.extend(offset.map(|offset| {
            let finding = trial.finding(CODE, offset, format!("{} ({})", rule.entry.what, rule.entry.id));
            finding.hint(rule.entry.instead)
        }));
    }
    Some(findings)
}

/// Returns where a piece breaks a rule that the text before did not break in the same words.
fn broken_at(trial: &Trial<'_>, piece: &Piece, rule: &Rule) -> Option<usize> {
    let window = around(&trial.after, &piece.inserted);
    let start = window.start;
    let found = rule.pattern.find_iter(&trial.after[window]).find(|found| {
        let range = start + found.start()..start + found.end();
        let is_reached = range.start <= piece.inserted.end && range.end >= piece.inserted.start;
        let is_excused = rule.unless.as_ref().is_some_and(|it| it.is_match(found.as_str()));
        let is_in_place = match rule.entry.place {
            Place::Code => trial.is_code(range.start + leading(found.as_str())),
            Place::Anywhere => true,
        };
        is_reached && !is_excused && is_in_place && !is_old(trial, piece, rule, found.as_str())
    })?;
    Some(start + found.start())
}

fn is_old(trial: &Trial<'_>, piece: &Piece, rule: &Rule, found: &str) -> bool {
    let text = trial.doc().text();
    let found = squashed(found);
    rule.pattern.find_iter(&text[around(text, &piece.replaced)]).any(|old| squashed(old.as_str()) == found)
}

/// Patterns may start with the character before a name.
fn leading(found: &str) -> usize {
    found.find(|it: char| it.is_alphanumeric() || it == '_').unwrap_or(0)
}

/// Returns the bytes of the lines around a range.
fn around(text: &str, range: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let above = text[..range.start].bytes().enumerate().rev().filter(|(_, byte)| *byte == b'\n').nth(N_LINES_AROUND);
    let below = text[range.end..].bytes().enumerate().filter(|(_, byte)| *byte == b'\n').nth(N_LINES_AROUND);
    above.map_or(0, |(at, _)| at + 1)..below.map_or(text.len(), |(at, _)| range.end + at)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use wright_text::Document;

    use super::super::{Surroundings, judge};
    use super::*;

    /// Returns the ids of the rules that typing a whole file breaks.
    fn broken(path: &str, text: &str) -> Vec<String> {
        let edit = wright_text::Edit::single(0..0, text);
        let doc = Document::new(path, 1, "");
        let trial_judge = super::super::Judge::new(&doc);
        let around = Surroundings::default();
        let trial = Trial::new(&trial_judge, &edit, &around).unwrap();
        let id = |message: &str| message.rsplit_once('(').unwrap().1.trim_end_matches(')').to_owned();
        check(&trial).unwrap().iter().map(|it| id(&it.message)).collect()
    }

    #[test]
    fn every_rule_finds_its_bad_examples_and_leaves_its_good_ones() {
        for rule in RULES.iter().map(|it| it.entry) {
            let extension = rule.example_extension;
            let path = Path::new("a").with_extension(extension);
            let path = path.to_str().unwrap();
            assert!(!rule.bad.is_empty() && !rule.good.is_empty(), "{} has examples", rule.id);
            for bad in rule.bad {
                assert!(broken(path, bad).contains(&rule.id.to_owned()), "{} misses: {bad}", rule.id);
            }
            for good in rule.good {
                assert_eq!(broken(path, good), [""; 0], "{} does not excuse: {good}", rule.id);
            }
        }
    }

    #[test]
    fn only_what_the_edit_makes_insecure_counts() {
        let text = "import os\n\n\ndef f(name):\n    os.system(f'rm {name}')\n    return 1\n";
        let doc = Document::new("a.py", 1, text);
        let at = text.find("    return").unwrap();
        assert!(judge(&doc, wright_text::Edit::single(at..at, "    print(name)\n"), &Surroundings::default()).is_ok());
        let at = text.find("rm").unwrap();
        let edit = wright_text::Edit::single(at..at + 2, "cat");
        let refused = judge(&doc, edit, &Surroundings::default()).map_err(|it| it[0].code());
        assert_eq!(refused, Err(CODE), "another command built from text");
    }
}
