//! `cargo check` and `cargo clippy`: compile a Rust project as far as its types, and lint it.
//!
//! Build scripts and procedural macros of the project and of its dependencies run while it is compiled.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, Start, ToolKind, file_named, fits, has_ending, variables, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;
use crate::change::Tree;

pub(super) const CHECK: ToolKind = ToolKind {
    name: "cargo-check",
    program: "cargo",
    version: &["--version"],
    install: "Install Rust with rustup.",
    wall: Duration::from_secs(900),
    scope: Scope::ConfiguredProject,
    writes: true,
    reads: is_rust,
    // Clippy says everything that the compiler says.
    asked: |tree| asks_for_clippy(tree).is_none().then(|| file_named(tree, &["Cargo.toml"])).flatten(),
    unfit: fits,
    arguments: |start| arguments("check", start),
    env,
    read,
};

pub(super) const CLIPPY: ToolKind = ToolKind {
    name: "clippy",
    program: "cargo-clippy",
    version: &["--version"],
    install: "Install it with `rustup component add clippy`.",
    asked: asks_for_clippy,
    arguments: |start| arguments("clippy", start),
    ..CHECK
};

fn asks_for_clippy(tree: &dyn Tree) -> Option<String> {
    let table = || {
        let has_table =
            |text: &str| text.lines().any(|line| line.trim_start().starts_with("[") && line.contains("lints.clippy"));
        let path = tree
            .paths()
            .iter()
            .find(|path| path.ends_with("Cargo.toml") && tree.read(path).is_some_and(|it| has_table(&it)))?;
        Some(format!("[lints.clippy] in {}", path.display()))
    };
    file_named(tree, &["clippy.toml", ".clippy.toml"]).or_else(table)
}

fn is_rust(path: &Path) -> bool {
    has_ending(path, &["rs"]) || path.ends_with("Cargo.toml") || path.ends_with("Cargo.lock")
}

fn arguments(command: &str, start: &Start<'_>) -> Vec<String> {
    let mut arguments =
        words([command, "--workspace", "--all-targets", "--message-format=json", "--offline", "--quiet"]);
    if start.tree.paths().iter().any(|path| path.ends_with("Cargo.lock")) {
        arguments.push("--locked".to_owned());
    }
    arguments
}

fn env(start: &Start<'_>) -> Vec<(String, String)> {
    let target = start.out.join("target").to_string_lossy().into_owned();
    variables([
        ("CARGO_TARGET_DIR", target),
        ("CARGO_INCREMENTAL", "0".to_owned()),
        ("CARGO_TERM_COLOR", "never".to_owned()),
    ])
}

#[derive(Deserialize)]
struct Line {
    reason: String,
    message: Option<Message>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
    level: String,
    code: Option<Code>,
    spans: Vec<Span>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Span {
    file_name: String,
    is_primary: bool,
    line_start: usize,
    line_end: usize,
    column_start: usize,
    column_end: usize,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    let text = capture.text();
    let mut found: Vec<Diagnostic> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        // Other lines are of other shapes; what claims to be a message must be one.
        if !line.contains("\"compiler-message\"") {
            continue;
        }
        let line: Line = super::output::parse_json(line.as_bytes())?;
        let message = line.message.filter(|_| line.reason == "compiler-message");
        // Each target of a package reports the same source again.
        let new = message.and_then(|it| diagnostic(capture, &it)).filter(|it| found.last() != Some(it));
        found.extend(new);
    }
    let has_errors = found.iter().any(|it| it.severity == Severity::Error);
    if capture.code() != Some(0) && !(has_errors && capture.code() == Some(101)) {
        return Err(capture.failure());
    }
    found.sort_by(|a, b| (&a.path, a.start, &a.rule, &a.message).cmp(&(&b.path, b.start, &b.rule, &b.message)));
    found.dedup();
    Ok(capture.reading(found))
}

fn diagnostic(capture: &Capture, message: &Message) -> Option<Diagnostic> {
    let severity = match message.level.as_str() {
        level if level.starts_with("error") => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Note,
    };
    let span = message.spans.iter().find(|it| it.is_primary).or(message.spans.first())?;
    let rule = message.code.as_ref().map_or("error", |it| it.code.as_str());
    let path = capture.relative(&span.file_name)?;
    Some(Diagnostic {
        end: Some((span.line_end, span.column_end)),
        // What does not compile is wrong; a lint may be denied by the project alone.
        is_certain: severity == Severity::Error && (rule.starts_with('E') || rule == "error"),
        ..Diagnostic::new(path, (span.line_start, span.column_start), rule, severity, &message.message)
    })
}
