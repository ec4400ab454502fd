//! One pass over a text: at each keyword, the rules that it calls for.

use std::ops::Range;
use std::path::Path;

use super::rules::{Call, Form, RULES, Rule};
use super::{MAX_FINDINGS, Secret, assigned, checksum, pem, placeholder, randomness, url};
use crate::{Confidence, Severity};

/// The longest reach of a pattern that begins at its keyword.
const MAX_REACH: usize = 8192;
/// How far a pattern about names reaches.
const NEAR_REACH: usize = 600;

/// Returns what the rules find, overlapping.
pub(super) fn find(path: &Path, text: &str) -> Vec<Secret> {
    let place = assigned::Place::of(path);
    let mut scan = Scan { text, searched_to: vec![0; RULES.all.len()], found: Vec::new() };
    let mut named_to = 0;
    for hit in RULES.keywords.find_overlapping_iter(text) {
        if scan.found.len() >= 4 * MAX_FINDINGS {
            break;
        }
        for call in &RULES.calls[hit.pattern().as_usize()] {
            match call {
                Call::Rule(index) => scan.rule(*index, hit.range()),
                Call::Assigned => {
                    if hit.start() >= named_to {
                        let (secret, end) = assigned::at(text, hit.range(), &place);
                        named_to = end;
                        scan.found.extend(secret);
                    }
                }
                Call::Url => scan.found.extend(url::at(text, hit.range(), &place)),
                Call::Pem => scan.found.extend(pem::at(text, hit.start())),
            }
        }
    }
    scan.found
}

/// Returns what the rules with a public prefix find; for text that was taken out of a wrapping.
pub(super) fn find_prefixed(text: &str) -> Vec<Secret> {
    let mut scan = Scan { text, searched_to: vec![0; RULES.all.len()], found: Vec::new() };
    for hit in RULES.keywords.find_overlapping_iter(text) {
        for call in &RULES.calls[hit.pattern().as_usize()] {
            match call {
                Call::Rule(index) if matches!(RULES.all[*index].form, Form::Prefix(_)) => {
                    scan.rule(*index, hit.range());
                }
                Call::Pem => scan.found.extend(pem::at(text, hit.start())),
                Call::Rule(_) | Call::Assigned | Call::Url => {}
            }
        }
    }
    scan.found
}

struct Scan<'t> {
    text: &'t str,
    /// How far each rule has looked, so that a text full of keywords is not read once for each.
    searched_to: Vec<usize>,
    found: Vec<Secret>,
}

impl Scan<'_> {
    fn rule(&mut self, index: usize, hit: Range<usize>) {
        let rule = &RULES.all[index];
        let bytes = self.text.as_bytes();
        let window = match &rule.form {
            Form::Prefix(prefix) => {
                if !bytes[hit.start..].starts_with(prefix.as_bytes()) || !is_start(bytes, hit.start) {
                    return;
                }
                hit.start..bytes.len().min(hit.start + MAX_REACH)
            }
            Form::Near if is_inside_word(bytes, &hit) => return,
            Form::Near => hit.start..bytes.len().min(hit.start + NEAR_REACH),
            Form::Around { before, after } => {
                if hit.end + after / 2 <= self.searched_to[index] {
                    return;
                }
                hit.start.saturating_sub(*before)..bytes.len().min(hit.end + after)
            }
        };
        let Some(found) = rule.pattern().captures(&bytes[window.clone()]) else {
            self.searched_to[index] = window.end;
            return;
        };
        let Some(value) = found.iter().skip(1).flatten().next() else { return };
        let range = window.start + value.start()..window.start + value.end();
        self.searched_to[index] = range.end + 1;
        self.found.extend(judge(rule, self.text, range));
    }
}

/// Returns whether a token may begin here: after nothing that could be part of it, or after an escape such as `\n`.
fn is_start(bytes: &[u8], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|it| bytes.get(it)) else { return true };
    if !before.is_ascii_alphanumeric() {
        return true;
    }
    let earlier = |n: usize| at.checked_sub(n).and_then(|it| bytes.get(it)).copied();
    let is_escape = earlier(2) == Some(b'\\') && matches!(before, b'n' | b'r' | b't');
    is_escape || earlier(3) == Some(b'%')
}

/// Returns whether a word is part of another one: `okta` in `rookTable`, `sumo` in `sumOfAll`.
fn is_inside_word(bytes: &[u8], word: &Range<usize>) -> bool {
    let is_lower = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_lowercase);
    let is_upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
    let starts_within = word.start.checked_sub(1).is_some_and(|before| {
        let is_letter = is_lower(before) || is_upper(before);
        is_letter && !(is_lower(before) && is_upper(word.start)) && is_lower(word.start)
    });
    let ends_within =
        (word.end.saturating_sub(2)..word.end).any(|at| at > word.start && is_lower(at - 1) && is_upper(at));
    starts_within || ends_within
}

/// Returns the secret at `range`, if its value passes what its rule asks for.
fn judge(rule: &Rule, text: &str, range: Range<usize>) -> Option<Secret> {
    let value = text.get(range.clone())?;
    let public_prefix = if let Form::Prefix(prefix) = &rule.form { prefix.len() } else { 0 };
    let body = value.get(public_prefix..)?;
    let is_identifier = rule.severity == Severity::Note;
    if rule.prose && placeholder::is_common_word(value) || !is_identifier && placeholder::is_placeholder(value) {
        return None;
    }
    if !rule.text && !is_identifier {
        let is_filler = !rule.repeats && placeholder::is_repetitive(body);
        if is_filler || !rule.sequences && placeholder::is_sequence(body) {
            return None;
        }
    }
    if randomness::entropy(body) < rule.entropy || rule.mixed && !randomness::is_mixed(body) {
        return None;
    }
    let (confidence, proof) = checksum::check(rule.check, value)?;
    Some(Secret {
        range,
        rule: rule.id.clone().into(),
        what: rule.what.clone().into(),
        severity: rule.severity,
        confidence: if matches!(rule.form, Form::Near) { Confidence::Medium } else { confidence },
        evidence: format!("{}{proof}", evidence(rule)),
        public_prefix,
        rank: rule.rank(),
    })
}

fn evidence(rule: &Rule) -> &'static str {
    match rule.form {
        Form::Prefix(_) => "has the published form",
        Form::Near => "has the form of such a value and a name beside it",
        Form::Around { .. } => "has the published form in its usual place",
    }
}
