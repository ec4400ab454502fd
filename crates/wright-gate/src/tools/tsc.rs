//! tsc: checks the types of a TypeScript project. It writes text only.

use std::path::Path;
use std::time::Duration;

use super::kind::{Scope, Start, ToolKind, file_named, has_ending, no_env, words};
use super::output::{Capture, Diagnostic, Reading, regex};
use crate::Severity;

pub(super) const KIND: ToolKind = ToolKind {
    name: "tsc",
    program: "tsc",
    version: &["--version"],
    install: "Install it with `npm install --save-dev typescript`.",
    wall: Duration::from_secs(300),
    scope: Scope::ConfiguredProject,
    writes: false,
    reads: |path| {
        super::kind::is_script(path)
            || path.ends_with("tsconfig.json")
            || has_ending(path, &["json"]) && is_manifest(path)
    },
    asked: |tree| file_named(tree, &["tsconfig.json"]),
    unfit: without_packages,
    arguments: |start| {
        let project = start.asked.unwrap_or("tsconfig.json");
        // A project that is built piece by piece writes what it knows; here it must do so outside of the copy.
        let state = start.out.join("state.tsbuildinfo").to_string_lossy().into_owned();
        words(["--noEmit", "--pretty", "false", "--incremental", "--tsBuildInfoFile", &state, "-p", project])
    },
    env: no_env,
    read,
};

fn is_manifest(path: &Path) -> bool {
    path.ends_with("package.json")
}

/// Without the installed packages every import of one would be a finding.
fn without_packages(start: &Start<'_>) -> Option<String> {
    let manifest = start.tree.read(Path::new("package.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(&manifest).ok()?;
    let names = |key: &str| manifest.get(key).and_then(|it| it.as_object()).into_iter().flat_map(|it| it.keys());
    let mut needed = names("dependencies").chain(names("devDependencies")).filter(|it| *it != "typescript");
    let is_installed = start.installed.iter().any(|it| it.ends_with("node_modules"));
    (!is_installed && needed.next().is_some()).then(|| "the project's packages are not installed".to_owned())
}

fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1, 2])?;
    let text = capture.text();
    let found: Vec<Diagnostic> = text.lines().filter_map(|line| diagnostic(capture, line)).collect();
    if found.is_empty() && capture.code() != Some(0) {
        return Err(capture.failure());
    }
    Ok(capture.reading(found))
}

fn diagnostic(capture: &Capture, line: &str) -> Option<Diagnostic> {
    let parts =
        regex!(r"^(.{1,1000}?)\((\d{1,9}),(\d{1,9})\): (error|warning|message) (TS\d{1,6}): (.*)$").captures(line)?;
    let severity = match &parts[4] {
        "error" => Severity::Error,
        "warning" => Severity::Warning,
        _ => Severity::Note,
    };
    let number = |at: usize| parts[at].parse().unwrap_or(0);
    // Names, members and arguments that do not exist, and texts that do not parse.
    let certain = ["TS2304", "TS2305", "TS2307", "TS2339", "TS2551", "TS2552", "TS2724", "TS2353", "TS2554"];
    let is_certain = certain.contains(&&parts[5]) || parts[5].len() == 6 && parts[5].starts_with("TS1");
    let path = capture.relative(&parts[1])?;
    Some(Diagnostic { is_certain, ..Diagnostic::new(path, (number(2), number(3)), &parts[5], severity, &parts[6]) })
}
