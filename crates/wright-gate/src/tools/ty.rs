//! ty: checks the types of a Python project.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, is_python, no_env, pyproject_table, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "ty",
    program: "ty",
    version: &["--version"],
    install: "Install it with `pip install ty`.",
    wall: Duration::from_secs(120),
    scope: Scope::Project,
    writes: false,
    reads: is_python,
    asked: |tree| file_named(tree, &["ty.toml"]).or_else(|| pyproject_table(tree, "ty")),
    unfit: fits,
    arguments: |start| {
        let mut arguments = words(["check", "--output-format", "gitlab"]);
        if let Some(python) = start.python {
            arguments.extend(words(["--python", &python.to_string_lossy()]));
        }
        arguments
    },
    env: no_env,
    read,
};

#[derive(Deserialize)]
struct Entry {
    check_name: String,
    description: String,
    severity: String,
    location: Location,
}

#[derive(Deserialize)]
struct Location {
    path: String,
    positions: Positions,
}

#[derive(Deserialize)]
struct Positions {
    begin: Position,
    end: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
    column: usize,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let entries: Vec<Entry> = capture.json()?;
    Ok(capture.reading(entries.iter().filter_map(|it| diagnostic(capture, it))))
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let severity = match entry.severity.as_str() {
        "blocker" | "critical" | "major" => Severity::Error,
        "minor" => Severity::Warning,
        _ => Severity::Note,
    };
    let rule = entry.check_name.as_str();
    let certain =
        ["invalid-syntax", "unresolved-reference", "missing-attribute", "unresolved-attribute", "unknown-argument"];
    let message =
        entry.description.strip_prefix(rule).and_then(|it| it.strip_prefix(": ")).unwrap_or(&entry.description);
    let Positions { begin, end } = &entry.location.positions;
    let path = capture.relative(&entry.location.path)?;
    Some(Diagnostic {
        end: Some((end.line, end.column)),
        is_certain: certain.contains(&rule),
        ..Diagnostic::new(path, (begin.line, begin.column), rule, severity, message)
    })
}
