//! The change adds no secret.
//!
//! Rules name the structure that issuers publish for their keys; the last rule takes a quoted value that is assigned to a
//! name like `password` and looks random. A secret that the file already held is not new and is not reported.

use std::sync::LazyLock;

use regex::Regex;

use super::Change;
use crate::Finding;

/// The check's name.
pub const NAME: &str = "no-secrets";

/// Reports each secret in `after` that is not in `before`. The value itself is never part of the message.
pub fn check(change: Change<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in RULES.iter() {
        for found in rule.pattern.captures_iter(change.after) {
            let Some(value) = found.name("value") else { continue };
            let is_new = !change.before.contains(value.as_str());
            if is_new && (rule.plausible)(value.as_str()) {
                let line = change.after[..value.start()].matches('\n').count() + 1;
                let finding = Finding::error(NAME, format!("adds what looks like {}", rule.what));
                findings.push(
                    finding.at(change.path, Some(line)).hint("Read secrets from the environment or a secret store."),
                );
            }
        }
    }
    findings
}

struct Rule {
    what: &'static str,
    pattern: Regex,
    plausible: fn(&str) -> bool,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    let structured =
        STRUCTURED.iter().map(|(what, pattern)| Rule { what, pattern: compile(pattern), plausible: is_varied });
    let assigned = Rule { what: "a hard-coded password or key", pattern: compile(ASSIGNED), plausible: looks_random };
    structured.chain([assigned]).collect()
});

fn compile(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns are constants and a test compiles each")
}

const STRUCTURED: &[(&str, &str)] = &[
    ("an AWS access key id", r"\b(?P<value>(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16})\b"),
    ("a GitHub token", r"\b(?P<value>gh[pousr]_[A-Za-z0-9]{36,})\b"),
    ("a GitHub token", r"\b(?P<value>github_pat_[A-Za-z0-9_]{60,})\b"),
    ("a GitLab token", r"\b(?P<value>glpat-[A-Za-z0-9_\-]{20,})\b"),
    ("a Slack token", r"\b(?P<value>xox[abeoprs]-[A-Za-z0-9-]{10,})\b"),
    ("a Google API key", r"\b(?P<value>AIza[A-Za-z0-9_\-]{35})\b"),
    ("an OpenAI key", r"\b(?P<value>sk-(?:proj-|svcacct-)?[A-Za-z0-9_\-]{32,})\b"),
    ("an Anthropic key", r"\b(?P<value>sk-ant-[A-Za-z0-9_\-]{32,})\b"),
    ("a Stripe key", r"\b(?P<value>[rs]k_live_[A-Za-z0-9]{20,})\b"),
    ("an npm token", r"\b(?P<value>npm_[A-Za-z0-9]{36})\b"),
    ("a PyPI token", r"\b(?P<value>pypi-AgE[A-Za-z0-9_\-]{50,})\b"),
    ("a SendGrid key", r"\b(?P<value>SG\.[A-Za-z0-9_\-]{22}\.[A-Za-z0-9_\-]{43})\b"),
    ("a private key", r"(?P<value>-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s*[A-Za-z0-9+/=]{16,})"),
    ("a JSON web token", r"\b(?P<value>eyJ[A-Za-z0-9_\-]{10,}\.eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,})"),
    ("a password in an address", r"\b[a-z][a-z0-9+.\-]*://[^\s:/@'\x22]+:(?P<value>[^\s:/@'\x22{}$<]{6,})@"),
];

const ASSIGNED: &str = concat!(
    r"(?i)\b[a-z0-9_\-]*(?:passw(?:or)?d|secret|token|api[_\-]?key|private[_\-]?key|credential)[a-z0-9_\-]*[\x22']?\s*(?::=|=>|[:=])\s*",
    r"[\x22'](?P<value>[A-Za-z0-9+/=_\-.!@#$%^&*]{16,})[\x22']"
);

/// Returns whether the value is no placeholder such as `sk-xxxxxxxx`.
fn is_varied(value: &str) -> bool {
    let mut seen: Vec<char> = value.chars().collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len() >= 8 && !value.to_ascii_lowercase().contains("example")
}

/// Returns whether the value has letters and digits and at least 3.3 bits of Shannon entropy per character.
fn looks_random(value: &str) -> bool {
    let has_letter = value.chars().any(|it| it.is_ascii_alphabetic());
    let has_digit = value.chars().any(|it| it.is_ascii_digit());
    has_letter && has_digit && is_varied(value) && entropy(value) > 3.3
}

fn entropy(value: &str) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value.bytes() {
        counts[usize::from(byte)] += 1;
    }
    let length = value.len() as f64;
    counts.iter().filter(|it| **it > 0).map(|it| f64::from(*it) / length).map(|p| -p * p.log2()).sum()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn count(before: &str, after: &str) -> usize {
        check(Change { path: Path::new("a.py"), before, after }).len()
    }

    // Keys are put together at run time so that no scanner takes this file for a leak.
    fn fake(prefix: &str, length: usize) -> String {
        prefix.chars().chain("q7Rt2Lx9Vb4Nz8Kw3Jd6Hs5Gf1Mc0PyTa7Ue2Io".chars().cycle().take(length)).collect()
    }

    #[test]
    fn keys_of_known_issuers_are_found() {
        for key in [fake("ghp_", 36), fake("sk-ant-", 40), fake("AIza", 35), format!("AKIA{}", "Q7RT2LX6VB4NZ3KW")] {
            assert!(count("", &format!("key = \"{key}\"\n")) >= 1, "{key}");
        }
    }

    #[test]
    fn a_random_value_assigned_to_a_telling_name_is_found() {
        let value = fake("", 24);
        assert_eq!(count("", &format!("db_password = '{value}'\n")), 1);
    }

    #[test]
    fn placeholders_and_ordinary_values_are_not_secrets() {
        for line in [
            "password = 'changemechangeme'",
            "api_key = 'xxxxxxxxxxxxxxxxxxxxxxxx'",
            "token = get_token(request)",
            "url = 'https://host/path'",
        ] {
            assert_eq!(count("", line), 0, "{line}");
        }
    }

    #[test]
    fn a_secret_that_was_there_before_is_not_new() {
        let line = format!("key = \"{}\"\n", fake("ghp_", 36));
        assert_eq!(count(&line, &format!("{line}x = 1\n")), 0);
    }
}
