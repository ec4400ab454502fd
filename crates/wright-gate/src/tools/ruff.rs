//! ruff: lints Python.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, is_python, no_env, pyproject_table, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "ruff",
    program: "ruff",
    version: &["--version"],
    install: "Install it with `pip install ruff`.",
    wall: Duration::from_secs(60),
    scope: Scope::Files,
    writes: false,
    reads: is_python,
    asked: |tree| file_named(tree, &["ruff.toml", ".ruff.toml"]).or_else(|| pyproject_table(tree, "ruff")),
    unfit: fits,
    arguments: |start| {
        let mut arguments =
            words(["check", "--output-format", "json", "--no-cache", "--no-fix", "--force-exclude", "--"]);
        arguments.extend_from_slice(start.files);
        arguments
    },
    env: no_env,
    read,
};

#[derive(Deserialize)]
struct Entry {
    filename: String,
    code: Option<String>,
    message: String,
    location: Option<Place>,
    end_location: Option<Place>,
}

#[derive(Deserialize)]
struct Place {
    row: usize,
    column: usize,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let entries: Vec<Entry> = capture.json()?;
    let skipped: Vec<_> = entries
        .iter()
        .filter(|it| it.is_syntax())
        .filter_map(|it| {
            Some((capture.relative(&it.filename)?, "does not parse, so no other rule looked at it".to_owned()))
        })
        .collect();
    let mut reading = capture.reading(entries.iter().filter_map(|it| diagnostic(capture, it)));
    reading.skipped.extend(skipped);
    Ok(reading)
}

impl Entry {
    fn is_syntax(&self) -> bool {
        matches!(self.code.as_deref(), None | Some("invalid-syntax" | "E999"))
    }
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let rule = entry.code.as_deref().unwrap_or("invalid-syntax");
    let start = entry.location.as_ref().map_or((1, 0), |it| (it.row, it.column));
    // Names that do not exist; everything else is a convention or may be meant.
    let is_certain = entry.is_syntax() || matches!(rule, "F821" | "F822" | "F823");
    let path = capture.relative(&entry.filename)?;
    Some(Diagnostic {
        end: entry.end_location.as_ref().map(|it| (it.row, it.column)),
        is_certain,
        ..Diagnostic::new(path, start, rule, Severity::Error, &entry.message)
    })
}
