//! Finds secrets in a text: keys and tokens of known issuers, private keys, and values that a name calls secret.
//!
//! A text is read once for the keywords of all rules; only where one stands is a pattern tried. What a pattern finds must
//! then look like a secret: its own checksum or structure where the issuer publishes one, enough entropy, and no sign of a
//! placeholder. The rules are data, in `rules/secrets/`, and `rules` says how an entry is read.
//!
//! The value itself is never kept: a finding holds its issuer, its length, a keyed digest, and the prefix that is public.

mod assigned;
mod checksum;
mod pem;
mod placeholder;
mod randomness;
mod rules;
mod scan;
mod url;
mod wrapped;

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{Confidence, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "secrets";

/// More findings in one text say nothing new.
const MAX_FINDINGS: usize = 1000;

/// Keys the digests that stand for secrets, so that a digest cannot be looked up in a table of common passwords.
#[derive(Clone)]
pub struct DigestKey(Vec<u8>);

impl DigestKey {
    /// Takes the key of one repository: anything that others do not know.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Returns the keyed digest of a secret, in hexadecimal.
    fn digest(&self, value: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("this construction takes keys of every length");
        mac.update(value.as_bytes());
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Default for DigestKey {
    /// Returns a key that everybody has; for comparing two states of one text within one run.
    fn default() -> Self {
        Self::new(*b"codewright/secrets")
    }
}

/// Returns the secrets of a text, with digests under the key that everybody has.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    findings_with(source, &DigestKey::default())
}

/// Returns the secrets of a text, with digests under the key of its repository.
pub fn findings_with(source: &Source<'_>, key: &DigestKey) -> Vec<Finding> {
    find(source.path, source.text).into_iter().map(|it| finding(source, it, key)).collect()
}

/// A secret in a text.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Secret {
    /// The bytes of the value.
    pub(crate) range: Range<usize>,
    /// The rule that found it, such as `github/personal-access-token`.
    pub(crate) rule: Cow<'static, str>,
    /// What it is, such as `personal access token of GitHub`.
    pub(crate) what: Cow<'static, str>,
    pub(crate) severity: Severity,
    pub(crate) confidence: Confidence,
    /// Why it is believed to be one.
    pub(crate) evidence: String,
    /// How many of its first bytes the issuer publishes.
    public_prefix: usize,
    rank: Rank,
}

/// Which of two rules says more about the same bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The issuer's own form.
    Issuer,
    /// A form with a name nearby.
    Named,
    /// A telling name and an unusual value.
    Assigned,
    /// Says who somebody is, not that they are.
    Identifier,
}

/// Returns the secrets of a text in source order, no two of which overlap.
pub(crate) fn find(path: &Path, text: &str) -> Vec<Secret> {
    let mut found = scan::find(path, text);
    found.extend(wrapped::find(text));
    // Of two that overlap the better founded stays; of equals the longer.
    found
        .sort_by_key(|it| (it.rank, std::cmp::Reverse(it.severity), std::cmp::Reverse(it.range.len()), it.range.start));
    let mut kept: Vec<Secret> = Vec::new();
    let mut taken = std::collections::BTreeMap::<usize, usize>::new();
    for secret in found {
        let before = taken.range(..secret.range.end).next_back();
        if kept.len() < MAX_FINDINGS && before.is_none_or(|(_, &end)| end <= secret.range.start) {
            taken.insert(secret.range.start, secret.range.end);
            kept.push(secret);
        }
    }
    kept.sort_by_key(|it| it.range.start);
    kept
}

fn finding(source: &Source<'_>, secret: Secret, key: &DigestKey) -> Finding {
    let value = &source.text[secret.range.clone()];
    let shown: String = value.chars().take(secret.public_prefix.min(3)).collect();
    let evidence = if shown.is_empty() { secret.evidence } else { format!("{}, begins with {shown}", secret.evidence) };
    let message = format!("holds what looks like {}, {} characters long", secret.what, value.chars().count());
    Finding::new(NAME, secret.severity, message)
        .within(source.path, source.span(secret.range.clone()))
        .rule(secret.rule)
        .confidence(secret.confidence)
        .cwe(&[798_u16][..])
        .evidence(evidence)
        .key(key.digest(value))
        .hint("Take the value out, read it from the environment or a secret store, and have the issuer replace it.")
}

#[cfg(test)]
mod tests;
