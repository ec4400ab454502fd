//! mypy: checks the types of a Python project.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, Start, ToolKind, file_named, fits, is_python, no_env, pyproject_table, words};
use super::output::{Capture, Diagnostic, Reading, parse_json};
use crate::Severity;
use crate::change::Tree;

pub(super) const KIND: ToolKind = ToolKind {
    name: "mypy",
    program: "mypy",
    version: &["--version"],
    install: "Install it with `pip install mypy`.",
    wall: Duration::from_secs(300),
    scope: Scope::ConfiguredProject,
    writes: false,
    reads: is_python,
    asked,
    unfit: fits,
    arguments,
    env: no_env,
    read,
};

fn asked(tree: &dyn Tree) -> Option<String> {
    let own = || file_named(tree, &["mypy.ini", ".mypy.ini"]);
    let shared = || {
        let path = tree.paths().iter().find(|path| path.ends_with("setup.cfg"))?;
        let has_section = tree.read(path)?.lines().any(|line| line.trim() == "[mypy]");
        has_section.then(|| format!("[mypy] in {}", path.display()))
    };
    own().or_else(|| pyproject_table(tree, "mypy")).or_else(shared)
}

fn arguments(start: &Start<'_>) -> Vec<String> {
    let mut arguments = words(["--output", "json", "--no-error-summary", "--show-error-end", "--cache-dir"]);
    arguments.push(start.out.join("mypy").to_string_lossy().into_owned());
    if let Some(python) = start.python {
        arguments.extend(words(["--python-executable", &python.to_string_lossy()]));
    }
    // A configuration that names what to check is followed.
    if !names_files(start) {
        arguments.push(".".to_owned());
    }
    arguments
}

fn names_files(start: &Start<'_>) -> bool {
    let is_configuration = |name: &str| matches!(name, "mypy.ini" | ".mypy.ini" | "setup.cfg" | "pyproject.toml");
    let configurations = start.tree.paths().iter().filter(|path| path.to_str().is_some_and(is_configuration));
    let names = |line: &str| {
        let key = line.split_once('=').map(|(key, _)| key.trim());
        matches!(key, Some("files" | "packages" | "modules"))
    };
    let mut in_section = false;
    configurations.filter_map(|path| start.tree.read(path)).any(|text| {
        text.lines().any(|line| {
            if line.trim_start().starts_with('[') {
                in_section = line.contains("mypy");
            }
            in_section && names(line)
        })
    })
}

#[derive(Deserialize)]
struct Entry {
    file: String,
    line: i64,
    column: i64,
    end_line: Option<i64>,
    end_column: Option<i64>,
    message: String,
    hint: Option<String>,
    code: Option<String>,
    severity: String,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    let text = capture.text();
    let lines = text.lines().filter(|line| line.starts_with('{'));
    let entries = lines.map(|line| parse_json(line.as_bytes())).collect::<Result<Vec<Entry>, _>>()?;
    // After a text that does not parse it ends with code 2, and has looked at nothing else.
    let stopped = capture.code() == Some(2) && entries.iter().any(|it| it.code.as_deref() == Some("syntax"));
    if !stopped {
        capture.expect_code(&[0, 1])?;
    }
    let first = entries.first().and_then(|it| capture.relative(&it.file)).filter(|_| stopped);
    let mut reading = capture.reading(entries.iter().filter_map(|it| diagnostic(capture, it)));
    reading.skipped.extend(first.map(|path| (path, "does not parse, so no file was checked".to_owned())));
    Ok(reading)
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let severity = match entry.severity.as_str() {
        "error" => Severity::Error,
        _ => Severity::Note,
    };
    let place = |line: i64, column: i64| (usize::try_from(line).unwrap_or(1), usize::try_from(column + 1).unwrap_or(0));
    let rule = entry.code.as_deref().unwrap_or("misc");
    let is_certain = matches!(rule, "syntax" | "name-defined" | "attr-defined" | "call-arg");
    let path = capture.relative(&entry.file)?;
    Some(Diagnostic {
        end: entry.end_line.zip(entry.end_column).map(|(line, column)| place(line, column)),
        hint: entry.hint.clone(),
        is_certain,
        ..Diagnostic::new(path, place(entry.line, entry.column), rule, severity, &entry.message)
    })
}
