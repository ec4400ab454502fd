//! oxlint: lints JavaScript and TypeScript.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, is_script, no_env, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "oxlint",
    program: "oxlint",
    version: &["--version"],
    install: "Install it with `npm install --save-dev oxlint`.",
    wall: Duration::from_secs(60),
    scope: Scope::Files,
    writes: false,
    reads: is_script,
    asked: |tree| file_named(tree, &[".oxlintrc.json", "oxlint.json"]),
    unfit: fits,
    arguments: |start| {
        let mut arguments = words(["-f", "json"]);
        arguments.extend_from_slice(start.files);
        arguments
    },
    env: no_env,
    read,
};

#[derive(Deserialize)]
struct Report {
    diagnostics: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    message: String,
    code: Option<String>,
    severity: String,
    help: Option<String>,
    filename: String,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Label {
    span: Span,
}

#[derive(Deserialize)]
struct Span {
    line: usize,
    column: usize,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let report: Report = capture.json()?;
    let mut reading = capture.reading(report.diagnostics.iter().filter_map(|it| diagnostic(capture, it)));
    let unparsed = report.diagnostics.iter().filter(|it| it.code.is_none());
    let reason = "does not parse, so no rule looked at it";
    reading.skipped.extend(unparsed.filter_map(|it| Some((capture.relative(&it.filename)?, reason.to_owned()))));
    Ok(reading)
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let severity = match entry.severity.as_str() {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Note,
    };
    let start = entry.labels.first().map_or((1, 0), |it| (it.span.line, it.span.column));
    let rule = entry.code.as_deref().unwrap_or("parse");
    let path = capture.relative(&entry.filename)?;
    Some(Diagnostic {
        hint: entry.help.clone(),
        is_certain: entry.code.is_none(),
        ..Diagnostic::new(path, start, rule, severity, &entry.message)
    })
}
