//! Secrets in base 64: a run that stands for readable text is taken apart, once, and searched for the forms of issuers.

use super::checksum::decoded;
use super::{Secret, scan};

/// A shorter run has no room for a token.
const MIN_RUN: usize = 32;
/// A longer run is a file.
const MAX_RUN: usize = 16 * 1024;
/// How much is taken apart in one text.
const MAX_TOTAL: usize = 1 << 20;

/// Returns the runs that stand for text with a secret in it.
pub(super) fn find(text: &str) -> Vec<Secret> {
    let bytes = text.as_bytes();
    let is_letter = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'+' | b'/' | b'=' | b'_' | b'-');
    let mut found = Vec::new();
    let (mut at, mut total) = (0, 0);
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|it| is_letter(**it)).count();
        if (MIN_RUN..=MAX_RUN).contains(&length) && total < MAX_TOTAL {
            total += length;
            found.extend(unwrapped(text, at, at + length));
        }
        at += length + 1;
    }
    found
}

fn unwrapped(text: &str, start: usize, end: usize) -> Option<Secret> {
    // An assignment has no space before its `=`.
    let start = start + text[start..end].trim_end_matches('=').rfind('=').map_or(0, |it| it + 1);
    // A run that was cut off still begins with whole groups.
    let whole = start + (end - start) / 4 * 4;
    let inner = String::from_utf8(decoded(&text[start..whole])?).ok()?;
    let is_text = inner.chars().all(|it| !it.is_control() || matches!(it, '\n' | '\r' | '\t'));
    let secret = scan::find_prefixed(&inner).into_iter().min_by_key(|it| it.rank).filter(|_| is_text)?;
    Some(Secret { range: start..end, evidence: format!("{}, in base 64", secret.evidence), public_prefix: 0, ..secret })
}
