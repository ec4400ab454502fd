//! Private keys in armor: `-----BEGIN … PRIVATE KEY-----`, on lines of its own or escaped within a string.

use super::randomness::entropy;
use super::{Rank, Secret};
use crate::{Confidence, Severity};

/// The longest key that is read.
const MAX_BODY: usize = 16 * 1024;
/// A shorter body holds no key.
const MIN_BODY: usize = 40;

/// Returns the private key whose armor begins at `start`.
pub(super) fn at(text: &str, start: usize) -> Option<Secret> {
    let rest = text.get(start..)?;
    let label_end = rest.get("-----BEGIN".len()..)?.find("-----")? + "-----BEGIN".len();
    let label = &rest[..label_end];
    if label.len() > 60 || !(label.contains("PRIVATE KEY") || label.contains("SECRET KEY")) {
        return None;
    }
    let body_start = label_end + "-----".len();
    let body = rest.as_bytes()[body_start..].iter().take(MAX_BODY);
    let mut letters = String::new();
    let mut end = body_start;
    for (at, &byte) in body.enumerate() {
        match byte {
            b'-' if rest.as_bytes()[body_start + at..].starts_with(b"-----") => break,
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=') => {
                letters.push(char::from(byte));
                end = body_start + at + 1;
            }
            // What joins lines, in files, in strings and in lists of strings; and the words of a header.
            _ if byte.is_ascii_whitespace() || b"\\\"',+-:;.()[]|*>#&".contains(&byte) => {}
            _ => break,
        }
    }
    let is_key = letters.len() >= MIN_BODY && entropy(&letters) > 3.6;
    is_key.then(|| Secret {
        range: start..start + end,
        rule: "private-key".into(),
        what: "a private key".into(),
        severity: Severity::Error,
        confidence: Confidence::High,
        evidence: "has the armor and the body of one".to_owned(),
        public_prefix: 0,
        rank: Rank::Issuer,
    })
}
