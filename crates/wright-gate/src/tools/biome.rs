//! biome: lints JavaScript, TypeScript, JSON and CSS.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, has_ending, is_script, no_env, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "biome",
    program: "biome",
    version: &["--version"],
    install: "Install it with `npm install --save-dev @biomejs/biome`.",
    wall: Duration::from_secs(60),
    scope: Scope::ConfiguredFiles,
    writes: false,
    reads: |path| is_script(path) || has_ending(path, &["json", "jsonc", "css"]),
    asked: |tree| file_named(tree, &["biome.json", "biome.jsonc"]),
    unfit: fits,
    arguments: |start| {
        let options =
            ["lint", "--reporter=json", "--colors=off", "--max-diagnostics=10000", "--no-errors-on-unmatched"];
        let mut arguments = words(options);
        arguments.push("--files-ignore-unknown=true".to_owned());
        arguments.extend_from_slice(start.files);
        arguments
    },
    env: no_env,
    read,
};

#[derive(Deserialize)]
struct Report {
    summary: Summary,
    diagnostics: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Summary {
    #[serde(default)]
    diagnostics_not_printed: u64,
}

#[derive(Deserialize)]
struct Entry {
    severity: String,
    message: String,
    category: Option<String>,
    location: Option<Location>,
}

#[derive(Deserialize)]
struct Location {
    path: Option<String>,
    start: Option<Position>,
    end: Option<Position>,
}

#[derive(Deserialize)]
struct Position {
    line: usize,
    column: usize,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let report: Report = capture.json()?;
    let mut reading = capture.reading(report.diagnostics.iter().filter_map(|it| diagnostic(capture, it)));
    let unparsed = reading.diagnostics.iter().filter(|it| it.is_certain).map(|it| it.path.clone());
    let reason = "does not parse, so rules may not have looked at it";
    reading.skipped.extend(unparsed.map(|path| (path, reason.to_owned())).collect::<Vec<_>>());
    let n_cut = report.summary.diagnostics_not_printed;
    if let Some(last) = reading.diagnostics.last().filter(|_| n_cut > 0) {
        reading.skipped.push((last.path.clone(), format!("{n_cut} more problems were not listed")));
    }
    Ok(reading)
}

fn diagnostic(capture: &Capture, entry: &Entry) -> Option<Diagnostic> {
    let severity = match entry.severity.as_str() {
        "fatal" | "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Note,
    };
    let location = entry.location.as_ref()?;
    let place = |it: &Position| (it.line, it.column);
    let category = entry.category.as_deref().unwrap_or("error");
    let path = capture.relative(location.path.as_deref()?)?;
    Some(Diagnostic {
        end: location.end.as_ref().map(place),
        is_certain: category == "parse",
        ..Diagnostic::new(
            path,
            location.start.as_ref().map_or((1, 0), place),
            category.strip_prefix("lint/").unwrap_or(category),
            severity,
            &entry.message,
        )
    })
}
