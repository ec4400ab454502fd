//! semgrep: finds patterns by the project's own rules. Rules from elsewhere are never fetched.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::kind::{Scope, ToolKind, fits, variables, words};
use super::output::{Capture, Diagnostic, Reading, cwe_numbers};
use crate::Severity;
use crate::change::Tree;

pub(super) const KIND: ToolKind = ToolKind {
    name: "semgrep",
    program: "semgrep",
    version: &["--version"],
    install: "Install it with `pip install semgrep`.",
    wall: Duration::from_secs(300),
    scope: Scope::ConfiguredFiles,
    writes: false,
    reads: |path| path.extension().is_some(),
    asked,
    unfit: fits,
    arguments: |start| {
        let rules = start.asked.unwrap_or(".semgrep.yml");
        let mut arguments = words([
            "scan",
            "--json",
            "--quiet",
            "--metrics=off",
            "--disable-version-check",
            "--no-git-ignore",
            "--config",
            rules,
        ]);
        arguments.extend_from_slice(start.files);
        arguments
    },
    // It waits for a network that is not there otherwise, even to say its version.
    env: |start| {
        let settings = start.out.join("semgrep.yml").to_string_lossy().into_owned();
        variables([
            ("SEMGREP_ENABLE_VERSION_CHECK", "0".to_owned()),
            ("SEMGREP_SEND_METRICS", "off".to_owned()),
            ("SEMGREP_SETTINGS_FILE", settings),
        ])
    },
    read,
};

/// Returns where the project keeps its rules.
fn asked(tree: &dyn Tree) -> Option<String> {
    let files = [".semgrep.yml", ".semgrep.yaml", "semgrep.yml", "semgrep.yaml"];
    let is_rules = |path: &&PathBuf| path.to_str().is_some_and(|it| files.contains(&it));
    if let Some(path) = tree.paths().iter().find(is_rules) {
        return Some(path.display().to_string());
    }
    tree.paths().iter().any(|path| path.starts_with(".semgrep")).then(|| ".semgrep".to_owned())
}

#[derive(Deserialize)]
struct Report {
    results: Vec<Entry>,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Entry {
    check_id: String,
    path: String,
    start: Position,
    end: Position,
    extra: Extra,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
    col: usize,
}

#[derive(Deserialize)]
struct Extra {
    message: String,
    severity: String,
    #[serde(default)]
    metadata: Value,
}

#[derive(Deserialize)]
struct Failure {
    path: Option<String>,
    message: Option<String>,
    level: Option<String>,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let report: Report = capture.json()?;
    let mut reading = capture.reading(report.results.iter().filter_map(|it| diagnostic(capture, it)));
    for failure in &report.errors {
        let message = failure.message.as_deref().unwrap_or("could not be read").lines().next().unwrap_or_default();
        match failure.path.as_deref().and_then(|it| capture.relative(it)) {
            Some(path) => reading.skipped.push((path, capture.without_place(message))),
            None if failure.level.as_deref() == Some("error") => return Err(format!("reported: {message}")),
            None => {}
        }
    }
    Ok(reading)
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let severity = match entry.extra.severity.as_str() {
        "ERROR" | "CRITICAL" | "HIGH" => Severity::Error,
        "WARNING" | "MEDIUM" => Severity::Warning,
        _ => Severity::Note,
    };
    let weaknesses = match entry.extra.metadata.get("cwe") {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let path = capture.relative(&entry.path)?;
    Some(Diagnostic {
        end: Some((entry.end.line, entry.end.col)),
        cwe: cwe_numbers(weaknesses),
        ..Diagnostic::new(path, (entry.start.line, entry.start.col), &entry.check_id, severity, &entry.extra.message)
    })
}
