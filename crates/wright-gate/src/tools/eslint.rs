//! eslint: lints JavaScript and TypeScript. Its configuration is a program of the project's.

use std::time::Duration;

use serde::Deserialize;

use super::kind::{Scope, ToolKind, file_named, fits, is_script, no_env, words};
use super::output::{Capture, Diagnostic, Reading};
use crate::Severity;
use crate::change::Tree;

pub(super) const CONFIGURATIONS: &[&str] = &[
    "eslint.config.js",
    "eslint.config.mjs",
    "eslint.config.cjs",
    "eslint.config.ts",
    "eslint.config.mts",
    "eslint.config.cts",
    ".eslintrc",
    ".eslintrc.js",
    ".eslintrc.cjs",
    ".eslintrc.json",
    ".eslintrc.yml",
    ".eslintrc.yaml",
];

pub(super) const KIND: ToolKind = ToolKind {
    name: "eslint",
    program: "eslint",
    version: &["--version"],
    install: "Install it with `npm install --save-dev eslint`.",
    wall: Duration::from_secs(180),
    scope: Scope::ConfiguredFiles,
    writes: false,
    reads: is_script,
    asked,
    unfit: fits,
    arguments: |start| {
        let mut arguments = words(["--format", "json", "--no-error-on-unmatched-pattern", "--"]);
        arguments.extend_from_slice(start.files);
        arguments
    },
    env: no_env,
    read,
};

fn asked(tree: &dyn Tree) -> Option<String> {
    let in_manifest = || {
        let text = tree.read(std::path::Path::new("package.json"))?;
        text.contains("\"eslintConfig\"").then(|| "eslintConfig in package.json".to_owned())
    };
    file_named(tree, CONFIGURATIONS).or_else(in_manifest)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    file_path: String,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    rule_id: Option<String>,
    severity: u8,
    #[serde(default)]
    fatal: bool,
    message: String,
    line: Option<usize>,
    column: Option<usize>,
    end_line: Option<usize>,
    end_column: Option<usize>,
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let files: Vec<File> = capture.json()?;
    let mut skipped = Vec::new();
    let mut found = Vec::new();
    for file in &files {
        let Some(path) = capture.relative(&file.file_path) else { continue };
        for message in &file.messages {
            let is_ignored = message.rule_id.is_none() && message.line.is_none() && !message.fatal;
            match message.fatal || is_ignored {
                true if is_ignored => skipped.push((path.clone(), "is ignored by the configuration".to_owned())),
                true => {
                    skipped.push((path.clone(), "does not parse, so no rule looked at it".to_owned()));
                    found.push(diagnostic(path.clone(), message));
                }
                false => found.push(diagnostic(path.clone(), message)),
            }
        }
    }
    let mut reading = capture.reading(found);
    reading.skipped.extend(skipped);
    Ok(reading)
}

fn diagnostic(path: std::path::PathBuf, message: &Message) -> Diagnostic {
    let severity = if message.severity >= 2 { Severity::Error } else { Severity::Warning };
    let start = (message.line.unwrap_or(1), message.column.unwrap_or(0));
    let rule = message.rule_id.as_deref().unwrap_or("parse");
    Diagnostic {
        end: message.end_line.zip(message.end_column),
        is_certain: message.fatal,
        ..Diagnostic::new(path, start, rule, severity, &message.message)
    }
}
