//! The change adds no secret.
//!
//! What a secret is, [`crate::secrets`] says; this check refuses those that it is sure of and that the file did not hold
//! already. The value itself is never part of the message.

use super::Change;
use crate::{Finding, Severity, secrets};

/// The check's name.
pub const NAME: &str = "no-secrets";

/// Reports each secret in `after` that is not in `before`.
pub fn check(change: Change<'_>) -> Vec<Finding> {
    let found = secrets::find(change.path, change.after).into_iter().filter(|it| it.severity == Severity::Error);
    let added = found.filter(|it| !change.before.contains(&change.after[it.range.clone()]));
    let findings = added.map(|it| {
        let line = change.after[..it.range.start].matches('\n').count() + 1;
        Finding::error(NAME, format!("adds what looks like {}", it.what))
            .rule(it.rule)
            .at(change.path, Some(line))
            .hint("Read secrets from the environment or a secret store.")
    });
    findings.collect()
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
