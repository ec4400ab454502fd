//! Passwords in addresses: `postgres://user:password@host`.

use std::ops::Range;

use super::placeholder::{is_common_word, is_placeholder, is_repetitive};
use super::randomness::is_mixed;
use super::{Rank, Secret, assigned::Place};
use crate::{Confidence, Severity};

/// Schemes of services that ask for a password; a word is one there.
const SERVICES: &[&str] = &[
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "redis",
    "rediss",
    "amqp",
    "amqps",
    "mssql",
    "sqlserver",
    "oracle",
    "clickhouse",
    "nats",
    "mqtt",
    "ldap",
    "ldaps",
    "smtp",
    "smtps",
    "cockroachdb",
    "rabbitmq",
];

/// No user name or password is longer.
const MAX_PART: usize = 200;

/// Returns the password of the address whose `://` is at `hit`.
pub(super) fn at(text: &str, hit: Range<usize>, place: &Place) -> Option<Secret> {
    let bytes = text.as_bytes();
    let is_scheme = |it: &&u8| it.is_ascii_alphanumeric() || matches!(**it, b'+' | b'-' | b'.');
    let n_scheme = bytes[hit.start.saturating_sub(20)..hit.start].iter().rev().take_while(is_scheme).count();
    let scheme = text[hit.start - n_scheme..hit.start].to_ascii_lowercase();
    let ends =
        |it: &u8| matches!(it, b'/' | b'@' | b' ' | b'"' | b'\'' | b'`' | b'<' | b'>' | b'\n' | b'\r' | b'\\' | b'?');
    let user_end = hit.end + bytes[hit.end..].iter().take(MAX_PART).position(|it| *it == b':' || ends(it))?;
    if bytes[user_end] != b':' || scheme.is_empty() {
        return None;
    }
    let start = user_end + 1;
    let end = start + bytes[start..].iter().take(MAX_PART).position(ends)?;
    let (user, password) = (text.get(hit.end..user_end)?, text.get(start..end)?);
    if bytes[end] != b'@' || !is_literal(password) || !user.is_empty() && !is_literal(user) {
        return None;
    }
    let is_local =
        ["localhost", "127.", "[::1]", "host", "example.", "0.0.0.0"].iter().any(|it| text[end + 1..].starts_with(it));
    let is_service = SERVICES.contains(&scheme.as_str());
    let severity = severity(password, user, is_service, is_local)?;
    Some(Secret {
        range: start..end,
        rule: "address/password".into(),
        what: "a password in an address".into(),
        severity: place.severity(severity),
        confidence: Confidence::Medium,
        evidence: "it stands between a user name and a host".to_owned(),
        public_prefix: 0,
        rank: Rank::Named,
    })
}

fn severity(password: &str, user: &str, is_service: bool, is_local: bool) -> Option<Severity> {
    let is_strong = password.len() >= 8 && is_mixed(password) && !is_repetitive(password);
    let is_chosen = password.len() >= 4 && password.bytes().any(|it| it.is_ascii_digit() || it.is_ascii_punctuation());
    match (is_service, is_local) {
        _ if is_common_word(password) && (!is_service || password != "secret") => None,
        (_, false) if is_strong => Some(Severity::Error),
        (true, _) if password.len() >= 3 && password != user => Some(Severity::Warning),
        (false, _) if is_strong || is_chosen && !is_local => Some(Severity::Warning),
        _ => None,
    }
}

fn is_literal(part: &str) -> bool {
    let is_template = part.contains(['{', '}', '$', '<', '>', '(', ')', ',', '[', '*', '#']) || part.starts_with('%');
    // `host:8080` before a path is a port, and `%s:%s` a format.
    !part.is_empty() && !is_template && !is_placeholder(part) && !part.contains("%s") && part.is_ascii()
}
