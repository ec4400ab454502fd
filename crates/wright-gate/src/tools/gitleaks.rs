//! gitleaks: finds secrets. The secrets themselves are left out by it, and never read here.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, no_env, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "gitleaks",
    program: "gitleaks",
    version: &["version"],
    install: "Install gitleaks.",
    wall: Duration::from_secs(120),
    scope: Scope::Project,
    writes: false,
    reads: |_| true,
    asked: |tree| file_named(tree, &[".gitleaks.toml", ".gitleaksignore"]),
    unfit: fits,
    arguments: |_| {
        words([
            "dir",
            ".",
            "--no-banner",
            "--redact",
            "--exit-code",
            "0",
            "--report-format",
            "json",
            "--report-path",
            "/dev/stdout",
        ])
    },
    env: no_env,
    read,
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    #[serde(rename = "RuleID")]
    rule_id: String,
    description: String,
    file: String,
    start_line: usize,
    end_line: usize,
    start_column: usize,
    end_column: usize,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0])?;
    let entries: Vec<Entry> = capture.json()?;
    Ok(capture.reading(entries.iter().filter_map(|it| diagnostic(capture, it))))
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let path = capture.relative(&entry.file)?;
    Some(Diagnostic {
        end: Some((entry.end_line, entry.end_column.saturating_add(1))),
        cwe: vec![798],
        ..Diagnostic::new(
            path,
            (entry.start_line, entry.start_column),
            &entry.rule_id,
            Severity::Error,
            &entry.description,
        )
    })
}
