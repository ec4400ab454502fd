//! Prints what the checks of a text find, for the measurements in `evals/gate/`.
//!
//! Reads paths from standard input, one a line, and prints one line of JSON for each: the path, and the findings of the
//! checks named as arguments. With `--time` it reads each text once more and prints how long the checks took.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool for measuring, which may stop at any trouble")]

use std::io::BufRead as _;
use std::path::Path;
use std::time::Instant;

use wright_gate::checks::{commented_out, complexity, dead_code, debug_left, invisible, markers, over_engineering};
use wright_gate::{Finding, Source, secrets};

type Check = fn(&Source<'_>) -> Vec<Finding>;

const CHECKS: &[(&str, Check)] = &[
    ("secrets", secrets::findings),
    ("markers", markers::findings),
    ("invisible", invisible::findings),
    ("debug_left", debug_left::findings),
    ("commented_out", commented_out::findings),
    ("dead_code", dead_code::findings),
    ("complexity", complexity::findings),
    ("over_engineering", over_engineering::findings),
];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is_timed = arguments.iter().any(|it| it == "--time");
    let chosen: Vec<_> = CHECKS.iter().filter(|(name, _)| arguments.iter().any(|it| it == name)).collect();
    for line in std::io::stdin().lock().lines() {
        let path = line.unwrap();
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let mut records = Vec::new();
        let mut timings = serde_json::Map::new();
        for (name, check) in &chosen {
            let source = Source::new(Path::new(&path), &text);
            let mut found = check(&source);
            if is_timed {
                let source = Source::new(Path::new(&path), &text);
                source.tree();
                let start = Instant::now();
                found = check(&source);
                timings.insert((*name).to_owned(), serde_json::json!(start.elapsed().as_secs_f64() * 1e6));
            }
            records.extend(found.iter().map(record));
        }
        let lines = text.lines().count();
        println!(
            "{}",
            serde_json::json!({"path": path, "lines": lines, "bytes": text.len(), "findings": records, "micros": timings})
        );
    }
}

fn record(finding: &Finding) -> serde_json::Value {
    serde_json::json!({
        "check": finding.check,
        "rule": finding.rule,
        "severity": format!("{:?}", finding.severity),
        "confidence": format!("{:?}", finding.confidence),
        "line": finding.line,
        "message": finding.message,
        "evidence": finding.evidence,
        "symbol": finding.symbol,
    })
}
