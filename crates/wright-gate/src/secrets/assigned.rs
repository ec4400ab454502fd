//! Values that a telling name is given: `db_password = "…"`, `api-key: …`, `--token …`, `<password>…</password>`.
//!
//! A name that holds a word such as `token` or `pass` is looked at as a whole first: `token_path` and `max_tokens` name
//! something else. Then whatever stands between the name and its value is skipped, in every syntax; then the value is judged.

use std::ops::Range;
use std::path::Path;

use wright_text::Language;

use super::placeholder::{has_typed_run, is_common_word, is_placeholder, is_repetitive, is_sequence};
use super::randomness::{WORDS_END, is_random, rarity};
use super::{Rank, Secret};
use crate::{Confidence, Severity};

/// Longer values are data.
const MAX_VALUE: usize = 512;
/// Longer names are no names.
const MAX_NAME: usize = 100;

/// What is known of the file around a value.
pub(super) struct Place {
    /// In a programming language a value without quotes is an expression.
    is_code: bool,
    /// A lock file holds digests beside names of packages.
    is_lock: bool,
    /// Tests and examples hold passwords that open nothing.
    is_test: bool,
}

impl Place {
    pub(super) fn of(path: &Path) -> Self {
        let lower = path.to_string_lossy().to_ascii_lowercase();
        let name = path.file_name().map(|it| it.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
        let is_lock = name.ends_with(".lock") || name.ends_with("-lock.json") || name.ends_with("-lock.yaml");
        let is_test = lower.split(['/', '\\', '_', '-', '.']).any(|it| {
            matches!(
                it,
                "test"
                    | "tests"
                    | "testing"
                    | "testdata"
                    | "spec"
                    | "specs"
                    | "fixture"
                    | "fixtures"
                    | "mock"
                    | "mocks"
            )
        });
        let is_code = Language::from_path(path).is_some() || has_code_extension(&name);
        Self { is_code, is_lock: is_lock || name == "go.sum", is_test }
    }

    /// Returns the severity of a finding that nothing but its name and value speak for.
    pub(super) fn severity(&self, severity: Severity) -> Severity {
        if self.is_test { severity.min(Severity::Warning) } else { severity }
    }
}

fn has_code_extension(name: &str) -> bool {
    const CODE: &[&str] =
        &["c", "cs", "rb", "php", "swift", "kt", "scala", "lua", "pl", "dart", "m", "vue", "svelte", "html"];
    name.rsplit_once('.').is_some_and(|(_, extension)| CODE.contains(&extension))
}

/// What a name says about its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// People choose it, so it may be words.
    Password,
    /// A program made it.
    Key,
}

/// Returns the secret that the name around `hit` is given, and where to go on.
pub(super) fn at(text: &str, hit: Range<usize>, place: &Place) -> (Option<Secret>, usize) {
    let name = name_around(text, hit.clone());
    let end = name.end.max(hit.end);
    let secret = (!place.is_lock).then(|| kind(&text[name.clone()])).flatten().and_then(|kind| {
        let value = value_after(text, &name, place)?;
        judge(text, value, kind, place)
    });
    (secret, end)
}

fn name_around(text: &str, hit: Range<usize>) -> Range<usize> {
    let bytes = text.as_bytes();
    let is_part = |it: &u8| it.is_ascii_alphanumeric() || matches!(it, b'_' | b'-' | b'.' | b'$');
    let before = bytes[hit.start.saturating_sub(MAX_NAME)..hit.start].iter().rev().take_while(|it| is_part(it)).count();
    let after = bytes[hit.end..bytes.len().min(hit.end + MAX_NAME)].iter().take_while(|it| is_part(it)).count();
    hit.start - before..hit.end + after
}

/// Returns what a name says about its value; `None` when it speaks of something else.
fn kind(name: &str) -> Option<Kind> {
    const ELSE: &[&str] = &[
        "path",
        "file",
        "filename",
        "dir",
        "name",
        "names",
        "url",
        "uri",
        "endpoint",
        "field",
        "label",
        "hint",
        "regex",
        "pattern",
        "type",
        "types",
        "length",
        "len",
        "size",
        "count",
        "expiry",
        "expires",
        "ttl",
        "policy",
        "prompt",
        "message",
        "msg",
        "error",
        "errors",
        "header",
        "headers",
        "param",
        "prefix",
        "suffix",
        "format",
        "class",
        "page",
        "form",
        "input",
        "version",
        "scope",
        "scopes",
        "issuer",
        "algorithm",
        "algo",
        "timeout",
        "column",
        "table",
        "event",
        "action",
        "model",
        "title",
        "description",
        "info",
        "mode",
        "index",
        "idx",
        "kind",
        "max",
        "min",
        "limit",
        "status",
        "state",
        "required",
        "enabled",
        "validator",
        "manager",
        "provider",
        "handler",
        "service",
        "store",
        "list",
        "map",
        "set",
        "id",
        "ids",
        "ref",
        "arn",
        "env",
        "var",
        "attr",
        "attribute",
        "property",
        "tokenizer",
        "usage",
        "budget",
        "re",
        "fingerprint",
        "callback",
        "link",
        "button",
        "selector",
        "placeholder",
    ];
    const KEYS: &[&str] = &[
        "secret",
        "token",
        "apikey",
        "accesskey",
        "privatekey",
        "authkey",
        "signingkey",
        "encryptionkey",
        "secretkey",
        "masterkey",
        "sessionkey",
        "accountkey",
        "licensekey",
        "deploykey",
        "servicekey",
        "appkey",
        "clientkey",
        "adminkey",
        "storagekey",
        "sharedkey",
        "consumerkey",
        "credential",
        "credentials",
        "creds",
        "authorization",
        "passkey",
        "hmackey",
        "jwtkey",
        "apisecret",
        "clientsecret",
        "appsecret",
        "auth",
        "authcode",
        "apitoken",
        "accesstoken",
        "authtoken",
        "refreshtoken",
        "subscriptionkey",
        "webhookkey",
        "integrationkey",
        "writekey",
        "readkey",
        "userkey",
        "productkey",
        "streamkey",
        "serverkey",
        "projectkey",
    ];
    const PASSWORDS: &[&str] = &[
        "password",
        "passwd",
        "pwd",
        "pass",
        "passphrase",
        "passcode",
        "pw",
        "passw",
        "passwort",
        "userpass",
        "dbpass",
    ];
    let words = words(name);
    let last = words.last()?.as_str();
    if ELSE.contains(&last)
        || words
            .iter()
            .any(|it| matches!(it.as_str(), "public" | "pub" | "csrf" | "xsrf" | "sort" | "foreign" | "primary"))
    {
        return None;
    }
    let last_two = words.len().checked_sub(2).map(|at| words[at..].concat()).unwrap_or_default();
    let ends = |list: &[&str]| list.contains(&last) || list.contains(&last_two.as_str());
    let says_password = PASSWORDS.iter().any(|it| it.len() > 4 && last.ends_with(it));
    if says_password || ends(PASSWORDS) {
        Some(Kind::Password)
    } else {
        let says_key = ["secret", "token", "apikey", "secretkey", "accesskey"].iter().any(|it| last.ends_with(it));
        // `SECRET_KEY_BASE`, `TOKEN_V2`: the telling word stands earlier.
        let earlier = words.iter().rev().skip(1).take(2).any(|it| matches!(it.as_str(), "secret" | "token" | "apikey"));
        (says_key || ends(KEYS) || earlier && words.len() <= 4).then_some(Kind::Key)
    }
}

/// Splits a name at separators and capitals, in lowercase, without digits at the end.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = vec![String::new()];
    let mut previous = ' ';
    for it in name.chars() {
        let is_new = it.is_ascii_uppercase() && previous.is_ascii_lowercase() || !it.is_ascii_alphanumeric();
        if is_new && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| it.is_ascii_alphanumeric()) {
            word.push(it.to_ascii_lowercase());
        }
        previous = it;
    }
    let words = words.into_iter().map(|it| it.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned());
    words.filter(|it| !it.is_empty()).collect()
}

struct Value {
    range: Range<usize>,
    is_quoted: bool,
}

/// Returns the value that follows a name, whatever the syntax puts between them.
fn value_after(text: &str, name: &Range<usize>, place: &Place) -> Option<Value> {
    let bytes = text.as_bytes();
    let mut at = name.end;
    let is_flag = text[name.clone()].starts_with('-');
    at = skip(bytes, at, 4, |it| matches!(it, b'"' | b'\'' | b'`' | b']' | b')' | b'\\'));
    let was_closed = at > name.end;
    at = skip(bytes, at, 40, |it| matches!(it, b' ' | b'\t'));
    at = skip_annotation(text, at);
    let operator = operator(&bytes[at..], is_flag, was_closed, at > name.end)?;
    at = skip(bytes, at + operator.len, 40, |it| matches!(it, b' ' | b'\t'));
    if matches!(operator.kind, Operator::Xml) {
        return unquoted(text, at, b"<").map(|range| Value { range, is_quoted: true });
    }
    // The end of a text that a user reads, such as `"Password:"`.
    let opened_by = name.start.checked_sub(1).map(|it| bytes[it]).filter(|it| matches!(it, b'"' | b'\''));
    if !was_closed && opened_by.is_some() && bytes.get(at).copied() == opened_by {
        return None;
    }
    at = skip_opening(text, at);
    match bytes.get(at) {
        Some(&quote @ (b'"' | b'\'' | b'`')) => quoted(text, at, quote).map(|range| Value { range, is_quoted: true }),
        Some(b'\\') if matches!(bytes.get(at + 1), Some(b'"' | b'\'')) => {
            unquoted(text, at + 2, b"\\\"'").map(|range| Value { range, is_quoted: true })
        }
        _ if matches!(operator.kind, Operator::Open) => None,
        _ if place.is_code && !is_flag && !is_in_connection_string(text, name, at) => None,
        _ => unquoted(text, at, b" \t,;&\"'`<>)]}").map(|range| Value { range, is_quoted: false }),
    }
}

fn skip(bytes: &[u8], at: usize, max: usize, is_skipped: impl Fn(u8) -> bool) -> usize {
    at + bytes[at..].iter().take(max).take_while(|it| is_skipped(**it)).count()
}

/// Skips a type between a name and its `=`: `: &'static str`, `: Optional[str]`, ` string`.
fn skip_annotation(text: &str, at: usize) -> usize {
    let head: String = text[at..].chars().take(48).take_while(|it| *it != '\n').collect();
    let Some(equals) = head.find('=').filter(|&it| it > 0 && !head[it..].starts_with("=>")) else { return at };
    let kind = head[..equals].trim();
    let kind = kind.strip_prefix(':').unwrap_or(kind).trim();
    let is_type = !kind.is_empty() && kind.chars().all(|it| it.is_alphanumeric() || " &'<>[]?|_*".contains(it));
    if is_type && kind.to_ascii_lowercase().contains("str") { at + equals } else { at }
}

struct Found {
    len: usize,
    kind: Operator,
}

#[derive(PartialEq, Eq)]
enum Operator {
    /// `=`, `:` and their like.
    Assign,
    /// `(` or `,`: the value must be a literal.
    Open,
    /// `>` of a tag.
    Xml,
}

fn operator(rest: &[u8], is_flag: bool, was_closed: bool, has_space: bool) -> Option<Found> {
    const ASSIGN: &[&str] = &["===", "!==", "==", "!=", "=>", ":=", "->", "?=", "||=", "=", ":"];
    let attribute = [" value=", "value=", "Value="].iter().find(|it| rest.starts_with(it.as_bytes()));
    if let Some(operator) = ASSIGN.iter().find(|it| rest.starts_with(it.as_bytes())) {
        return Some(Found { len: operator.len(), kind: Operator::Assign });
    }
    if let Some(attribute) = attribute {
        return Some(Found { len: attribute.len(), kind: Operator::Open });
    }
    match rest.first()? {
        b',' | b'(' => Some(Found { len: 1, kind: Operator::Open }),
        b'>' if !was_closed => Some(Found { len: 1, kind: Operator::Xml }),
        _ if is_flag && has_space => Some(Found { len: 0, kind: Operator::Assign }),
        // `password 'x'` of build scripts.
        b'"' | b'\'' if has_space && !was_closed => Some(Found { len: 0, kind: Operator::Open }),
        _ => None,
    }
}

/// Skips what may stand in front of a literal: `b`, `r`, `@`, `String::from(`, `env("X", `.
fn skip_opening(text: &str, at: usize) -> usize {
    const OPENINGS: &[&str] = &[
        "String::from(",
        "Some(",
        "Ok(",
        "new String(",
        "(",
        "[",
        "b",
        "r",
        "u",
        "@",
        "L",
        "f",
        "rb",
        "br",
        "\"",
        "'",
    ];
    let rest = &text[at..];
    let is_literal = |it: &str| it.starts_with(['"', '\'']);
    if let Some(call) = ["env(", "getenv(", "get(", "Getenv("].iter().find(|it| rest.starts_with(**it)) {
        // The second argument is the value that is used when the first names none.
        let line: String = rest.chars().take(MAX_NAME).take_while(|it| *it != '\n').collect();
        let comma = line.get(call.len()..).and_then(|it| it.find(',')).map_or(0, |it| call.len() + it + 1);
        let spaces = line[comma..].len() - line[comma..].trim_start().len();
        return if comma > 0 { at + comma + spaces } else { at };
    }
    let opening = OPENINGS.iter().filter(|it| rest.starts_with(**it)).find(|it| is_literal(&rest[it.len()..]));
    let is_empty = rest.starts_with("\"\"") || rest.starts_with("''");
    opening.filter(|_| !is_empty).map_or(at, |it| at + it.len())
}

/// Returns whether a value stands in a list of settings within a string: `Server=db;Password=…;`.
fn is_in_connection_string(text: &str, name: &Range<usize>, at: usize) -> bool {
    let Some(before) = text.get(name.start.saturating_sub(400)..name.start) else { return false };
    let before = before.rsplit('\n').next().unwrap_or_default();
    let rest: String = text[at..].chars().take(120).take_while(|it| !matches!(it, '\n')).collect();
    let has_pairs =
        before.matches('=').count() >= 1 && before.contains(';') || rest.contains(';') && before.contains(['"', '\'']);
    has_pairs && rest.contains([';', '"', '\''])
}

fn quoted(text: &str, at: usize, quote: u8) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let start = at + 1;
    let mut end = start;
    while end < bytes.len() && end - start <= MAX_VALUE {
        match bytes[end] {
            b'\n' => return None,
            b'\\' => end += 2,
            it if it == quote => return Some(start..end),
            _ => end += 1,
        }
    }
    None
}

fn unquoted(text: &str, at: usize, ends: &[u8]) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_value = |it: &&u8| !matches!(**it, b'\n' | b'\r') && !ends.contains(it);
    let length = bytes.get(at..)?.iter().take(MAX_VALUE + 1).take_while(is_value).count();
    (length > 0 && length <= MAX_VALUE).then_some(at..at + length)
}

fn judge(text: &str, value: Value, kind: Kind, place: &Place) -> Option<Secret> {
    let it = text.get(value.range.clone())?;
    if it.len() < 4 || !is_literal_value(it, value.is_quoted) || is_placeholder(it) || is_common_word(it) {
        return None;
    }
    if is_sequence(it) || is_repetitive(it) || has_typed_run(it) || has_uuid(it) {
        return None;
    }
    let (severity, confidence) = match kind {
        _ if it.len() >= 16 && is_random(it) => (Severity::Error, Confidence::Medium),
        Kind::Password => password(it, value.is_quoted, place)?,
        Kind::Key if it.len() >= 10 && is_random(it) => (Severity::Warning, Confidence::Medium),
        Kind::Key => return None,
    };
    let (rule, what) = match kind {
        Kind::Password => ("assigned/password", "a hard-coded password"),
        Kind::Key => ("assigned/key", "a hard-coded key or token"),
    };
    Some(Secret {
        range: value.range,
        rule: rule.into(),
        what: what.into(),
        severity: place.severity(severity),
        confidence,
        evidence: "the name says so and the value is a literal".to_owned(),
        public_prefix: 0,
        rank: Rank::Assigned,
    })
}

/// Judges what people choose for passwords: short, and often words.
fn password(value: &str, is_quoted: bool, place: &Place) -> Option<(Severity, Confidence)> {
    if place.is_test {
        return None;
    }
    let has = |is: fn(&char) -> bool| value.chars().any(|it| is(&it));
    // Without a digit it is a label, a name or a format more often than a password.
    if has(char::is_ascii_alphabetic) && has(char::is_ascii_digit) && value.len() >= 6 {
        return Some((Severity::Warning, Confidence::Medium));
    }
    let is_plain_word = value.chars().all(|it| it.is_ascii_lowercase() || it == '_') && value.len() >= 8;
    let is_setting = !place.is_code && (is_quoted || is_plain_word);
    (is_setting && is_plain_word && rarity(value) < WORDS_END + 2.0).then_some((Severity::Warning, Confidence::Low))
}

/// Returns whether a value is one, and no address, path, call, template or sentence.
fn is_literal_value(value: &str, is_quoted: bool) -> bool {
    let is_visible = value.chars().all(|it| !it.is_whitespace() && !it.is_control());
    let is_template = value.contains(['{', '}', '<', '>']) || value.starts_with(['%', '/', '~', '.', '&', '!']);
    let is_address = value.contains("://") || value.contains("::") || value.contains("/./") || value.contains(".com/");
    let calls = value.contains('(') && value.contains(')');
    // `env.TOKEN`, `config.auth.key`, `$TOKEN`: an expression.
    let is_reference = |it: &str| {
        let dotted = it.contains('.')
            && it.split('.').all(|part| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'));
        it.starts_with(['$', '@', '*', '\\', '[', '|']) || dotted || it.contains("->") || it.contains('[')
    };
    is_visible && !is_template && !is_address && !calls && (is_quoted || !is_reference(value))
}

/// Returns whether a value is or holds five groups joined as in a UUID: an identifier more often than a key.
fn has_uuid(value: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<usize> = value.split('-').map(str::len).collect();
    groups.windows(GROUPS.len()).any(|it| it == GROUPS)
}
