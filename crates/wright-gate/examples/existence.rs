//! Measures the checks that look names up: how many invented names they catch, and how many true ones they flag.
//!
//! `cargo run --release -p wright-gate --example existence -- [--show] CASES.jsonl`
//!
//! Each line of the file is one case: `check`, `kind`, `files` (the repository before the change, by path), `path`, and what
//! the change writes there: `fake` with an invented name, `twin` with a true one. The halves by number are printed apart.
#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::collections::BTreeMap;

use serde_json::Value;
use wright_gate::CheckReport;
use wright_gate::change::{ChangeSet, Content, FileDelta, MemoryTree, Tree};
use wright_gate::checks::{endpoints, packages, sql_schema};
use wright_gate::existence::Offline;
use wright_gate::existence::installed::Installed;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let is_shown = args.iter().any(|it| it == "--show");
    let Some(file) = args.iter().find(|it| !it.starts_with("--")) else {
        println!("usage: existence [--show] CASES.jsonl");
        return;
    };
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let mut rows: BTreeMap<(String, String, &str), [usize; 5]> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let Ok(case) = serde_json::from_str::<Value>(line) else { continue };
        let [check, kind] = ["check", "kind"].map(|it| string(&case, it));
        let [fake, twin] = ["fake", "twin"].map(|it| judge(&case, &check, &string(&case, it)));
        let half = if number % 2 == 0 { "even" } else { "odd" };
        let row = rows.entry((check, kind, half)).or_default();
        let counts =
            [1, usize::from(fake.0 > 0), usize::from(fake.1 > 0), usize::from(twin.0 > 0), usize::from(twin.1 > 0)];
        row.iter_mut().zip(counts).for_each(|(sum, it)| *sum += it);
        if is_shown && half == "even" && (fake.0 == 0 || twin.0 > 0) {
            let (what, text) = if fake.0 == 0 { ("missed", "fake") } else { ("flagged", "twin") };
            println!("{what} {number}: {}", string(&case, text).trim());
        }
    }
    println!("| check | kind | half | cases | caught | of them blocking | twins flagged | of them blocking |");
    println!("|---|---|---|---|---|---|---|---|");
    for ((check, kind, half), it) in rows {
        println!("| {check} | {kind} | {half} | {} | {} | {} | {} | {} |", it[0], it[1], it[2], it[3], it[4]);
    }
}

fn string(case: &Value, key: &str) -> String {
    case.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Returns how many findings the change brings, and how many of them are errors.
fn judge(case: &Value, check: &str, text: &str) -> (usize, usize) {
    let path = string(case, "path");
    let files: Vec<(String, String)> = case
        .get("files")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter_map(|(path, text)| Some((path.clone(), text.as_str()?.to_owned())))
        .collect();
    let before: MemoryTree = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let after: MemoryTree =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).chain([(path.as_str(), text)]).collect();
    let content = before.read(path.as_ref()).map_or(Content::Absent, Content::Text);
    let delta = FileDelta { path: path.into(), moved_from: None, before: content, after: Content::Text(text.into()) };
    let change = ChangeSet { files: vec![delta] };
    let report = run(check, &change, &before, &after);
    let old: Vec<&str> = report.before.iter().map(|it| it.key.as_str()).collect();
    let new: Vec<_> = report.after.iter().filter(|it| !old.contains(&it.key.as_str())).collect();
    (new.len(), new.iter().filter(|it| it.severity == wright_gate::Severity::Error).count())
}

fn run(check: &str, change: &ChangeSet, before: &MemoryTree, after: &MemoryTree) -> CheckReport {
    let installed = Installed::default();
    match check {
        "packages" => match tokio::runtime::Builder::new_current_thread().build() {
            Ok(runtime) => runtime.block_on(packages::report(change, before, after, &installed, &Offline)),
            Err(error) => CheckReport::not_run(packages::NAME, error.to_string()),
        },
        "endpoints" => endpoints::report(change, before, after),
        _ => sql_schema::report(change, before, after),
    }
}
