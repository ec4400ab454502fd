//! bandit: finds dangerous calls in Python. It skips what its own Python cannot parse, and says so in one place only.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, has_ending, no_env, pyproject_table, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "bandit",
    program: "bandit",
    version: &["--version"],
    install: "Install it with `pip install bandit`.",
    wall: Duration::from_secs(120),
    scope: Scope::Files,
    writes: false,
    reads: |path| has_ending(path, &["py"]),
    asked: |tree| {
        pyproject_table(tree, "bandit").or_else(|| file_named(tree, &[".bandit", "bandit.yaml", "bandit.yml"]))
    },
    unfit: fits,
    arguments: |start| {
        let mut arguments = words(["-f", "json", "-q"]);
        // It finds only `.bandit` by itself.
        let asked = start.asked.map(|it| it.rsplit(" in ").next().unwrap_or(it));
        if let Some(file) = asked.filter(|it| !it.ends_with(".bandit")) {
            arguments.extend(words(["-c", file]));
        }
        arguments.extend_from_slice(start.files);
        arguments
    },
    env: no_env,
    read,
};

#[derive(Deserialize)]
struct Report {
    errors: Vec<Failure>,
    results: Vec<Entry>,
}

#[derive(Deserialize)]
struct Failure {
    filename: String,
    reason: String,
}

#[derive(Deserialize)]
struct Entry {
    filename: String,
    issue_confidence: String,
    issue_severity: String,
    issue_text: String,
    issue_cwe: Option<Weakness>,
    line_number: usize,
    #[serde(default)]
    col_offset: Option<i64>,
    test_id: String,
}

#[derive(Deserialize)]
struct Weakness {
    id: Option<u16>,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let report: Report = capture.json()?;
    let mut reading = capture.reading(report.results.iter().filter_map(|it| diagnostic(capture, it)));
    let skipped = report.errors.iter().filter_map(|it| Some((capture.relative(&it.filename)?, it.reason.clone())));
    reading.skipped.extend(skipped);
    Ok(reading)
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let severity = match (entry.issue_severity.as_str(), entry.issue_confidence.as_str()) {
        ("HIGH", "HIGH") => Severity::Error,
        ("HIGH" | "MEDIUM", _) => Severity::Warning,
        _ => Severity::Note,
    };
    let column = entry.col_offset.and_then(|it| usize::try_from(it + 1).ok()).unwrap_or(0);
    let path = capture.relative(&entry.filename)?;
    Some(Diagnostic {
        cwe: entry.issue_cwe.as_ref().and_then(|it| it.id).into_iter().collect(),
        ..Diagnostic::new(path, (entry.line_number, column), &entry.test_id, severity, &entry.issue_text)
    })
}
