//! `go vet` and staticcheck: judge a Go module, package by package.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::kind::{Scope, Start, ToolKind, file_named, fits, has_ending, variables, words};
use super::output::{Capture, Diagnostic, Reading, parse_json, regex};
use crate::Severity;

pub(super) const VET: ToolKind = ToolKind {
    name: "go-vet",
    program: "go",
    version: &["version"],
    install: "Install Go.",
    wall: Duration::from_secs(600),
    scope: Scope::ConfiguredProject,
    writes: false,
    reads: is_go,
    asked: |tree| file_named(tree, &["go.mod"]),
    unfit: fits,
    arguments: |_| words(["vet", "-json", "./..."]),
    env,
    read: read_vet,
};

pub(super) const STATICCHECK: ToolKind = ToolKind {
    name: "staticcheck",
    program: "staticcheck",
    version: &["-version"],
    install: "Install it with `go install honnef.co/go/tools/cmd/staticcheck@latest`.",
    asked: |tree| file_named(tree, &["staticcheck.conf"]),
    arguments: |_| words(["-f", "json", "./..."]),
    read: read_staticcheck,
    ..VET
};

fn is_go(path: &Path) -> bool {
    has_ending(path, &["go"]) || path.ends_with("go.mod") || path.ends_with("go.sum")
}

fn env(start: &Start<'_>) -> Vec<(String, String)> {
    let cache = start.out.join("go-build").to_string_lossy().into_owned();
    let checks = start.out.join("staticcheck").to_string_lossy().into_owned();
    variables([
        ("GOCACHE", cache),
        ("STATICCHECK_CACHE", checks),
        ("GOFLAGS", "-mod=readonly".to_owned()),
        ("GOPROXY", "off".to_owned()),
        ("GOTOOLCHAIN", "local".to_owned()),
    ])
}

#[derive(Deserialize)]
struct Vetted {
    posn: String,
    message: String,
}

/// Reads objects of packages, each of analyzers, each a list of places; `# package` lines stand between them. What does not
/// compile is written as text.
fn read_vet(capture: &Capture) -> Result<Reading, String> {
    let streams = [&capture.stdout, &capture.stderr].map(|it| String::from_utf8_lossy(it).into_owned());
    let mut found = Vec::new();
    for stream in &streams {
        found.extend(stream.lines().filter_map(|line| compile_error(capture, line)));
        let json: String = stream.lines().filter(|line| is_json_line(line)).collect::<Vec<_>>().join("\n");
        for packages in
            serde_json::Deserializer::from_str(&json).into_iter::<BTreeMap<String, BTreeMap<String, Value>>>()
        {
            let packages = packages.map_err(|error| format!("wrote output that cannot be read: {error}"))?;
            for (analyzer, places) in packages.into_values().flatten() {
                // An analyzer that failed has an object in place of the list.
                let Ok(places) = serde_json::from_value::<Vec<Vetted>>(places) else { continue };
                found.extend(places.iter().filter_map(|it| vetted(capture, &analyzer, it)));
            }
        }
    }
    if capture.code() != Some(0) && found.is_empty() {
        return Err(capture.failure());
    }
    Ok(capture.reading(found))
}

fn is_json_line(line: &str) -> bool {
    line.starts_with(['{', '}', '\t', ' '])
}

fn vetted(capture: &Capture, analyzer: &str, place: &Vetted) -> Option<Diagnostic> {
    let mut parts = place.posn.rsplitn(3, ':');
    let (column, line, file) = (parts.next()?, parts.next()?, parts.next()?);
    let start = (line.parse().ok()?, column.parse().ok()?);
    Some(Diagnostic::new(capture.relative(file)?, start, analyzer, Severity::Error, &place.message))
}

fn compile_error(capture: &Capture, line: &str) -> Option<Diagnostic> {
    let parts = regex!(r"^(?:vet: )?(\S{1,1000}?\.go):(\d{1,9}):(\d{1,9}): (.*)$").captures(line)?;
    let number = |at: usize| parts[at].parse().unwrap_or(0);
    let path = capture.relative(&parts[1])?;
    Some(Diagnostic {
        is_certain: true,
        ..Diagnostic::new(path, (number(2), number(3)), "compile", Severity::Error, &parts[4])
    })
}

#[derive(Deserialize)]
struct Checked {
    code: String,
    severity: String,
    location: Location,
    end: Option<Location>,
    message: String,
}

#[derive(Deserialize)]
struct Location {
    file: String,
    line: usize,
    column: usize,
}

fn read_staticcheck(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let text = capture.text();
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let entries = lines.map(|line| parse_json(line.as_bytes())).collect::<Result<Vec<Checked>, _>>()?;
    if entries.is_empty() && capture.code() != Some(0) {
        return Err(capture.failure());
    }
    Ok(capture.reading(entries.iter().filter(|it| it.severity != "ignored").filter_map(|it| checked(capture, it))))
}

fn checked(capture: &Capture, entry: &Checked) -> Option<Diagnostic> {
    let severity = if entry.severity == "error" { Severity::Error } else { Severity::Warning };
    let start = (entry.location.line, entry.location.column);
    let path = capture.relative(&entry.location.file)?;
    Some(Diagnostic {
        end: entry.end.as_ref().filter(|it| it.line > 0).map(|it| (it.line, it.column)),
        is_certain: entry.code == "compile",
        ..Diagnostic::new(path, start, &entry.code, severity, &entry.message)
    })
}
