//! shellcheck: lints shell scripts.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, has_ending, no_env, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "shellcheck",
    program: "shellcheck",
    version: &["--version"],
    install: "Install the package `shellcheck` of your system.",
    wall: Duration::from_secs(60),
    scope: Scope::Files,
    writes: false,
    reads: |path| has_ending(path, &["sh", "bash", "ksh", "dash", "bats"]),
    asked: |tree| file_named(tree, &[".shellcheckrc", "shellcheckrc"]),
    unfit: fits,
    arguments: |start| {
        let mut arguments = words(["--format=json1", "--color=never", "--"]);
        arguments.extend_from_slice(start.files);
        arguments
    },
    env: no_env,
    read,
};

#[derive(Deserialize)]
struct Report {
    comments: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    file: String,
    line: usize,
    end_line: usize,
    column: usize,
    end_column: usize,
    level: String,
    code: u32,
    message: String,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    // Code 2 says that some files could not be read; the others were.
    capture.expect_code(&[0, 1, 2])?;
    let report: Report = capture.json()?;
    let mut reading = capture.reading(report.comments.iter().filter_map(|it| diagnostic(capture, it)));
    let stderr = String::from_utf8_lossy(&capture.stderr);
    let unread = stderr
        .lines()
        .filter_map(|line| line.split_once(": "))
        .filter_map(|(file, reason)| Some((capture.relative(file)?, capture.without_place(reason))));
    if capture.code() == Some(2) {
        reading.skipped.extend(unread);
    }
    Ok(reading)
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let severity = match entry.level.as_str() {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Note,
    };
    let path = capture.relative(&entry.file)?;
    Some(Diagnostic {
        end: Some((entry.end_line, entry.end_column)),
        // The rules from 1000 on are about texts that do not parse.
        is_certain: severity == Severity::Error && (1_000..2_000).contains(&entry.code),
        ..Diagnostic::new(path, (entry.line, entry.column), format!("SC{}", entry.code), severity, &entry.message)
    })
}
