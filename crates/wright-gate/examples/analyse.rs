//! Prints what the injection check finds in files and folders, one line of JSON for each finding, and the time per file.
//!
//! `cargo run --release -p wright-gate --example analyse -- PATHS… [--times]`: for measuring, see `evals/gate/injection`.
#![allow(clippy::print_stdout, clippy::print_stderr, clippy::disallowed_methods, reason = "a tool for measuring")]

use std::path::{Path, PathBuf};
use std::time::Instant;

use wright_gate::{Source, checks};

fn main() {
    let (options, paths): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|it| it.starts_with("--"));
    let mut files = Vec::new();
    for path in &paths {
        collect(Path::new(path), &mut files);
    }
    files.sort();
    let shows_times = options.iter().any(|it| it == "--times");
    for file in files {
        analyse(&file, shows_times);
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) {
    if path.is_file() {
        files.push(path.to_owned());
        return;
    }
    let Ok(entries) = std::fs::read_dir(path) else {
        eprintln!("failed to read {}", path.display());
        return;
    };
    for entry in entries.flatten() {
        let is_link = entry.file_type().is_ok_and(|it| it.is_symlink());
        if !is_link {
            collect(&entry.path(), files);
        }
    }
}

fn analyse(file: &Path, shows_times: bool) {
    if wright_text::Language::from_path(file).is_none() {
        return;
    }
    let text = match std::fs::read(file) {
        Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) => return eprintln!("failed to read {}: {error}", file.display()),
    };
    let started = Instant::now();
    let source = Source::new(file, &text);
    let findings = checks::injection::findings(&source);
    let elapsed = started.elapsed();
    if shows_times {
        let (n_lines, micros) = (text.lines().count(), elapsed.as_micros());
        println!(
            "{}",
            serde_json::json!({ "path": file, "lines": n_lines, "micros": micros, "findings": findings.len() })
        );
        return;
    }
    for finding in findings {
        let line = serde_json::json!({
            "path": finding.path, "line": finding.line, "rule": finding.rule, "cwe": finding.cwe,
            "severity": format!("{:?}", finding.severity).to_lowercase(),
            "confidence": format!("{:?}", finding.confidence).to_lowercase(),
            "message": finding.message, "evidence": finding.evidence, "symbol": finding.symbol,
        });
        println!("{line}");
    }
}
