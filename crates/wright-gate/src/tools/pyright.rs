//! pyright: checks the types of a Python project.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, is_python, pyproject_table, variables, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "pyright",
    program: "pyright",
    version: &["--version"],
    install: "Install it with `npm install --save-dev pyright` or `pip install pyright`.",
    wall: Duration::from_secs(300),
    scope: Scope::ConfiguredProject,
    writes: false,
    reads: is_python,
    asked: |tree| file_named(tree, &["pyrightconfig.json"]).or_else(|| pyproject_table(tree, "pyright")),
    unfit: fits,
    arguments: |start| {
        let mut arguments = words(["--outputjson"]);
        if let Some(python) = start.python {
            arguments.extend(words(["--pythonpath", &python.to_string_lossy()]));
        }
        arguments
    },
    // Its wrapper would look for a newer release otherwise.
    env: |_| variables([("PYRIGHT_PYTHON_IGNORE_WARNINGS", "1".to_owned())]),
    read,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    general_diagnostics: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    severity: String,
    message: String,
    rule: Option<String>,
    range: Option<Range>,
}

#[derive(Deserialize)]
struct Range {
    start: Position,
    end: Position,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
    character: usize,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let report: Report = capture.json()?;
    Ok(capture.reading(report.general_diagnostics.iter().filter_map(|it| diagnostic(capture, it))))
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let severity = match entry.severity.as_str() {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Note,
    };
    let place = |it: &Position| (it.line.saturating_add(1), it.character.saturating_add(1));
    let certain = ["reportUndefinedVariable", "reportAttributeAccessIssue", "reportCallIssue"];
    let rule = entry.rule.as_deref().unwrap_or("syntax");
    let start = entry.range.as_ref().map_or((1, 0), |it| place(&it.start));
    let path = capture.relative(&entry.file)?;
    Some(Diagnostic {
        end: entry.range.as_ref().map(|it| place(&it.end)),
        is_certain: entry.rule.is_none() || certain.contains(&rule),
        ..Diagnostic::new(path, start, rule, severity, &entry.message)
    })
}
