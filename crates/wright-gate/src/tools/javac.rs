//! javac: compiles the Java files of a project. It writes text only, and runs no annotation processor here.

use std::time::Duration;

use super::kind::{Scope, Start, ToolKind, has_ending, no_env, words};
use super::output::{Capture, Diagnostic, Reading, regex};
use crate::Severity;

/// More files than fit on a command line.
const MAX_FILES: usize = 2_000;

pub(super) const KIND: ToolKind = ToolKind {
    name: "javac",
    program: "javac",
    version: &["-version"],
    install: "Install a Java development kit.",
    wall: Duration::from_secs(300),
    scope: Scope::Project,
    writes: false,
    reads: |path| has_ending(path, &["java"]),
    asked: |_| None,
    unfit,
    arguments,
    env: no_env,
    read,
};

/// Other packages are on a class path that the build tool knows; without it every import of one would be a finding.
fn unfit(start: &Start<'_>) -> Option<String> {
    let builds = ["pom.xml", "build.gradle", "build.gradle.kts"];
    let is_build =
        |path: &&std::path::PathBuf| path.file_name().and_then(|it| it.to_str()).is_some_and(|it| builds.contains(&it));
    if let Some(build) = start.tree.paths().iter().find(is_build) {
        return Some(format!("the class path is known to {} only", build.display()));
    }
    let n_files = start.tree.paths().iter().filter(|path| has_ending(path, &["java"])).count();
    (n_files > MAX_FILES).then(|| format!("the project has more than {MAX_FILES} files"))
}

fn arguments(start: &Start<'_>) -> Vec<String> {
    let mut arguments = words([
        "-J-Duser.language=en",
        "-proc:none",
        "-Xlint:all",
        "-encoding",
        "UTF-8",
        "-Xmaxerrs",
        "1000",
        "-Xmaxwarns",
        "1000",
        "-d",
    ]);
    arguments.push(start.out.join("classes").to_string_lossy().into_owned());
    let files =
        start.tree.paths().iter().filter(|path| has_ending(path, &["java"]) && !path.ends_with("module-info.java"));
    arguments.extend(files.map(|path| format!("./{}", path.display())));
    arguments
}

/// Reads both streams: errors have gone to either in the course of the years.
fn read(capture: &Capture) -> Result<Reading, String> {
    capture.expect_code(&[0, 1])?;
    let streams = [&capture.stderr, &capture.stdout].map(|it| String::from_utf8_lossy(it).into_owned());
    let found: Vec<Diagnostic> =
        streams.iter().flat_map(|it| it.lines()).filter_map(|line| diagnostic(capture, line)).collect();
    if found.is_empty() && capture.code() != Some(0) {
        return Err(capture.failure());
    }
    Ok(capture.reading(found))
}

fn diagnostic(capture: &Capture, line: &str) -> Option<Diagnostic> {
    let pattern = regex!(r"^(.{1,1000}?\.java):(\d{1,9}): (error|warning): (?:\[([\w-]+)\] )?(.*)$");
    let parts = pattern.captures(line)?;
    let severity = if &parts[3] == "error" { Severity::Error } else { Severity::Warning };
    let rule = parts.get(4).map_or("compile", |it| it.as_str());
    let start = (parts[2].parse().unwrap_or(1), 0);
    let is_certain = severity == Severity::Error;
    Some(Diagnostic { is_certain, ..Diagnostic::new(capture.relative(&parts[1])?, start, rule, severity, &parts[5]) })
}
