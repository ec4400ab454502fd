//! What a repository asks of a change: the table `[check]` of its `wright.toml`.
//!
//! It is read from the base commit, never from the change that is judged, so that no change can loosen it. An unknown key is
//! an error: a rule that is misspelled would otherwise be a rule that is off.

use chrono::NaiveDate;
use globset::{Glob, GlobBuilder, GlobMatcher};
use serde::Deserialize;
use toml::Spanned;

use crate::suppression::{Origin, SUPPRESSION_ADDED, Suppression};
use crate::{CheckReport, CheckStatus, Finding, Severity, checks};

/// The file.
pub const POLICY_FILE: &str = "wright.toml";

/// No policy is longer.
const MAX_POLICY_BYTES: usize = 1024 * 1024;

/// Who wrote a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// A person, who may change tests and configuration.
    Human,
    /// A program, which may not without a person's approval.
    Agent,
}

impl Author {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Agent => "agent",
        }
    }
}

/// What counts less where a person wrote the change.
const LENIENT: [(&str, Severity); 3] = [
    (checks::protected_paths::NAME, Severity::Note),
    (checks::tests_run::NAME, Severity::Note),
    (SUPPRESSION_ADDED, Severity::Warning),
];

/// What a repository asks of a change.
#[derive(Debug, Clone)]
pub struct Policy {
    block: Vec<Block>,
    require: Vec<GlobMatcher>,
    disabled: Vec<Disabled>,
    pub(crate) suppressions: Vec<Suppression>,
}

/// What refuses a change.
#[derive(Debug, Clone)]
enum Block {
    /// Findings of at least this severity.
    Severity(Severity),
    /// Findings of these rules.
    Rule(GlobMatcher),
}

/// A rule that is switched off.
#[derive(Debug, Clone)]
pub struct Disabled {
    rule: GlobMatcher,
    /// Why.
    pub reason: String,
}

/// Why a policy could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read the policy at wright.toml:{line}: {message}")]
pub struct PolicyError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
}

impl PolicyError {
    /// Returns what to try next, as a full sentence.
    pub fn hint(&self) -> &'static str {
        "docs/check.md names every key; the policy counts as it stands in the base commit."
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            block: vec![Block::Severity(Severity::Error)],
            require: Vec::new(),
            disabled: Vec::new(),
            suppressions: Vec::new(),
        }
    }
}

impl Policy {
    /// Reads the text of `wright.toml`; other tables than `[check]` are other programs' affair.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > MAX_POLICY_BYTES {
            return Err(PolicyError { line: 1, message: format!("the file is longer than {MAX_POLICY_BYTES} bytes") });
        }
        let file: PolicyFile = toml::from_str(text).map_err(|error| PolicyError {
            line: error.span().map_or(1, |it| line_at(text, it.start)),
            message: error.message().trim().replace('\n', " "),
        })?;
        file.check.map_or_else(|| Ok(Self::default()), |table| Self::from_table(table, text))
    }

    fn from_table(table: CheckTable, text: &str) -> Result<Self, PolicyError> {
        let defaults = Self::default();
        let block = match table.block {
            Some(words) => words.iter().map(|it| block(it, text)).collect::<Result<_, _>>()?,
            None => defaults.block,
        };
        let require = table.require.iter().map(|it| glob(it, text)).collect::<Result<_, _>>()?;
        let mut disabled = Vec::new();
        for entry in &table.disable {
            let reason = required(&entry.reason, "a reason", text)?;
            disabled.push(Disabled { rule: glob(&entry.rule, text)?, reason });
        }
        let suppressions = table.suppress.iter().map(|it| suppression(it, text)).collect::<Result<_, _>>()?;
        Ok(Self { block, require, disabled, suppressions })
    }

    /// Returns why the rule of a finding is switched off, if it is.
    pub fn disabled(&self, finding: &Finding) -> Option<&str> {
        let found = self.disabled.iter().find(|it| names(&it.rule, finding));
        found.map(|it| it.reason.as_str())
    }

    /// Returns whether a finding, if it is new, refuses the change.
    pub fn blocks(&self, finding: &Finding) -> bool {
        self.block.iter().any(|it| match it {
            Block::Severity(least) => finding.severity >= *least,
            Block::Rule(rule) => names(rule, finding),
        })
    }

    /// Returns whether nothing can be promised after this account: the check failed, or what it left out is required.
    pub fn is_inconclusive(&self, report: &CheckReport) -> bool {
        match &report.status {
            CheckStatus::Ran => false,
            CheckStatus::Failed(_) => true,
            CheckStatus::NotRun(_) | CheckStatus::Partial(_) => self.require.iter().any(|it| it.is_match(report.check)),
        }
    }
}

/// Lowers the severity of what a person may do.
pub(crate) fn for_author(mut finding: Finding, author: Author) -> Finding {
    if author == Author::Human
        && let Some((_, severity)) = LENIENT.iter().find(|(rule, _)| finding.rule == *rule || finding.check == *rule)
    {
        finding.severity = finding.severity.min(*severity);
    }
    finding
}

/// Says whether a glob names the rule of a finding, or its check.
pub(crate) fn names(rule: &GlobMatcher, finding: &Finding) -> bool {
    rule.is_match(finding.rule.as_ref()) || rule.is_match(finding.check)
}

#[derive(Debug, Deserialize)]
struct PolicyFile {
    check: Option<CheckTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckTable {
    block: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    require: Vec<Spanned<String>>,
    #[serde(default)]
    disable: Vec<DisableTable>,
    #[serde(default)]
    suppress: Vec<SuppressTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DisableTable {
    rule: Spanned<String>,
    reason: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SuppressTable {
    rule: Spanned<String>,
    #[serde(default)]
    path: Option<Spanned<String>>,
    #[serde(default)]
    fingerprint: Option<String>,
    reason: Spanned<String>,
    expires: Spanned<toml::Value>,
}

fn suppression(table: &SuppressTable, text: &str) -> Result<Suppression, PolicyError> {
    let expires = match table.expires.get_ref() {
        toml::Value::String(date) => NaiveDate::parse_from_str(date, "%Y-%m-%d").ok(),
        toml::Value::Datetime(date) => NaiveDate::parse_from_str(&date.to_string(), "%Y-%m-%d").ok(),
        _ => None,
    };
    let expires = expires.ok_or_else(|| error(&table.expires, text, "`expires` is no date such as 2027-01-31"))?;
    Ok(Suppression {
        rule_name: table.rule.get_ref().clone(),
        rule: glob(&table.rule, text)?,
        path: table.path.as_ref().map(|it| glob(it, text)).transpose()?,
        path_name: table.path.as_ref().map(|it| it.get_ref().clone()),
        fingerprint: table.fingerprint.clone(),
        reason: required(&table.reason, "a reason", text)?,
        expires,
        origin: Origin { path: POLICY_FILE.into(), line: line_at(text, table.rule.span().start) },
    })
}

fn block(word: &Spanned<String>, text: &str) -> Result<Block, PolicyError> {
    Ok(match word.get_ref().as_str() {
        "note" => Block::Severity(Severity::Note),
        "warning" => Block::Severity(Severity::Warning),
        "error" => Block::Severity(Severity::Error),
        _ => Block::Rule(glob(word, text)?),
    })
}

fn glob(pattern: &Spanned<String>, text: &str) -> Result<GlobMatcher, PolicyError> {
    let built = matcher(pattern.get_ref());
    built.ok_or_else(|| error(pattern, text, "it is no pattern such as `python/*` or `vendor/**`"))
}

/// Compiles a pattern in which `*` stays within one name and `**` does not.
pub(crate) fn matcher(pattern: &str) -> Option<GlobMatcher> {
    let built: Result<Glob, _> = GlobBuilder::new(pattern).literal_separator(true).build();
    built.ok().filter(|_| !pattern.is_empty()).map(|it| it.compile_matcher())
}

fn required(words: &Spanned<String>, what: &str, text: &str) -> Result<String, PolicyError> {
    let given = words.get_ref().trim();
    if given.is_empty() { Err(error(words, text, &format!("{what} is missing"))) } else { Ok(given.to_owned()) }
}

fn error<T>(at: &Spanned<T>, text: &str, message: &str) -> PolicyError {
    PolicyError { line: line_at(text, at.span().start), message: message.to_owned() }
}

fn line_at(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|it| **it == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Result<Policy, String> {
        Policy::parse(text).map_err(|it| it.to_string())
    }

    #[test]
    fn without_a_table_errors_block_and_nothing_else() {
        let policy = check("[other]\nkey = 1\n").unwrap();
        assert!(policy.blocks(&Finding::error("c", "m")));
        assert!(!policy.blocks(&Finding::warning("c", "m")));
        assert!(!policy.is_inconclusive(&CheckReport::not_run("c", "why")));
    }

    #[test]
    fn severities_and_rules_block() {
        let policy = check("[check]\nblock = [\"python/sql-*\", \"warning\"]\n").unwrap();
        assert!(policy.blocks(&Finding::note("c", "m").rule("python/sql-injection")));
        assert!(policy.blocks(&Finding::warning("c", "m")));
        assert!(!policy.blocks(&Finding::note("c", "m").rule("python/other")));
    }

    #[test]
    fn a_check_that_is_required_and_left_something_out_decides_nothing() {
        let policy = check("[check]\nrequire = [\"mypy\"]\n").unwrap();
        let partial = |check| CheckReport {
            status: CheckStatus::Partial(vec![("a.py".into(), "too long".to_owned())]),
            ..CheckReport::ran(check)
        };
        assert!(policy.is_inconclusive(&CheckReport::not_run("mypy", "it is not installed")));
        assert!(policy.is_inconclusive(&partial("mypy")));
        assert!(!policy.is_inconclusive(&partial("ruff")));
        let failed = CheckReport { status: CheckStatus::Failed("it crashed".to_owned()), ..CheckReport::ran("ruff") };
        assert!(policy.is_inconclusive(&failed));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        let table = [
            ("[check]\nblocks = []\n", "wright.toml:2: unknown field `blocks`"),
            ("[check]\n\nblock = [\"a[\"]\n", "wright.toml:3: it is no pattern"),
            ("[[check.disable]]\nrule = \"x\"\n", "wright.toml:1: missing field `reason`"),
            ("[[check.disable]]\nrule = \"x\"\nreason = \" \"\n", "wright.toml:3: a reason is missing"),
            ("[[check.suppress]]\nrule = \"x\"\nreason = \"r\"\n", "missing field `expires`"),
            (
                "[[check.suppress]]\nrule = \"x\"\nreason = \"r\"\nexpires = \"soon\"\n",
                "wright.toml:4: `expires` is no date",
            ),
            ("[check\n", "wright.toml:1: "),
        ];
        for (text, expected) in table {
            let message = check(text).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn a_date_may_be_written_with_and_without_quotes() {
        for date in ["2027-01-31", "\"2027-01-31\""] {
            let policy =
                check(&format!("[[check.suppress]]\nrule = \"x\"\nreason = \"r\"\nexpires = {date}\n")).unwrap();
            assert_eq!(policy.suppressions[0].expires, NaiveDate::from_ymd_opt(2027, 1, 31).unwrap());
            assert_eq!(policy.suppressions[0].origin.line, 2);
        }
    }

    #[test]
    fn a_person_may_change_tests_and_an_agent_may_not() {
        let finding = || Finding::error(checks::protected_paths::NAME, "changes a test");
        assert_eq!(for_author(finding(), Author::Human).severity, Severity::Note);
        assert_eq!(for_author(finding(), Author::Agent).severity, Severity::Error);
        assert_eq!(for_author(Finding::error("parses", "m"), Author::Human).severity, Severity::Error);
    }
}
