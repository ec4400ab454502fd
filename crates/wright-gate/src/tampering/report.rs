//! Collects the findings about tests, with the place, the name of the test and words that survive moved lines.

use std::path::Path;

use super::inventory::TestCase;
use crate::{Confidence, Finding, Severity};

/// Nobody reads more than this about one change; it is refused long before.
const MAX_FINDINGS: usize = 500;

/// Takes findings of one check.
pub(crate) struct Reporter<'a> {
    check: &'static str,
    findings: &'a mut Vec<Finding>,
}

impl<'a> Reporter<'a> {
    /// Reports under the name of a check.
    pub(crate) fn new(check: &'static str, findings: &'a mut Vec<Finding>) -> Self {
        Self { check, findings }
    }

    /// Reports something about a test; the same thing once.
    pub(crate) fn add(&mut self, severity: Severity, rule: &'static str, test: &TestCase, message: String) {
        self.at(severity, rule, &test.path, Some(test.line), Some(&test.id), message);
    }

    /// Reports something at a place.
    pub(crate) fn at(
        &mut self,
        severity: Severity,
        rule: &'static str,
        path: &Path,
        line: Option<usize>,
        symbol: Option<&str>,
        message: String,
    ) {
        if self.findings.len() >= MAX_FINDINGS {
            return;
        }
        let key = format!("{rule} {} {message}", symbol.unwrap_or_default());
        if self.findings.iter().any(|it| it.key == key) {
            return;
        }
        let confidence = match severity {
            Severity::Error => Confidence::High,
            Severity::Warning => Confidence::Medium,
            Severity::Note => Confidence::Low,
        };
        let finding =
            Finding::new(self.check, severity, message).rule(rule).at(path, line).confidence(confidence).key(key);
        self.findings.push(Finding { symbol: symbol.map(str::to_owned), ..finding.hint(hint(rule)) });
    }
}

fn hint(rule: &str) -> &'static str {
    match rule {
        "test-removed" | "test-emptied" | "assertion-removed" | "cases-dropped" => {
            "Keep what the test demands, or remove what it tests in the same change and say so."
        }
        "test-skipped" | "test-expected-to-fail" | "only-this-test" | "test-retried" => {
            "Let the test run and count, or have a person approve that it does not."
        }
        "expectation-changed" | "recorded-output-changed" => {
            "Check that the new value is what the specification asks for, not what the code happens to return."
        }
        "assertion-weakened" | "tolerance-widened" | "exception-widened" | "tautology" => {
            "Demand at least what was demanded before."
        }
        _ => "Have a person look at this before the tests are believed.",
    }
}
