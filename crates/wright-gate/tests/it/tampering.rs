//! Ways to cheat a test suite, each beside the nearest honest change.
//!
//! The files in `tampering/` hold one case for each title: `=== the cheat / its honest twin`, then texts behind
//! `@@ before|cheat|honest path`; a `-` in front of a path removes the file. Every cheat must be reported, and no honest
//! twin refused.

use std::collections::BTreeMap;
use std::path::Path;

use wright_gate::change::{ChangeSet, Content, FileDelta, MemoryTree};
use wright_gate::checks::{swallowed, test_tampering};
use wright_gate::{Finding, Severity, Source};

const SETS: &[(&str, &str)] = &[
    ("python", include_str!("tampering/python.txt")),
    ("javascript", include_str!("tampering/javascript.txt")),
    ("rust", include_str!("tampering/rust.txt")),
    ("go", include_str!("tampering/go.txt")),
    ("java", include_str!("tampering/java.txt")),
    ("python, second", include_str!("tampering/python_second.txt")),
    ("javascript, second", include_str!("tampering/javascript_second.txt")),
    ("rust, second", include_str!("tampering/rust_second.txt")),
    ("go, second", include_str!("tampering/go_second.txt")),
    ("java, second", include_str!("tampering/java_second.txt")),
];

type Files = BTreeMap<String, String>;

#[derive(Default)]
struct Case {
    title: String,
    before: Files,
    cheat: BTreeMap<String, Option<String>>,
    honest: BTreeMap<String, Option<String>>,
}

fn cases(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    let mut target: Option<(String, String)> = None;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            cases.push(Case { title: title.to_owned(), ..Case::default() });
        } else if let Some(rest) = line.strip_prefix("@@ ") {
            let (side, path) = rest.split_once(' ').unwrap();
            let case = cases.last_mut().unwrap();
            let plain = path.trim_start_matches('-').to_owned();
            let text = (!path.starts_with('-')).then(String::new);
            match side {
                "before" => drop(case.before.insert(plain.clone(), String::new())),
                "cheat" => drop(case.cheat.insert(plain.clone(), text)),
                "honest" => drop(case.honest.insert(plain.clone(), text)),
                side => panic!("unknown side {side}"),
            }
            target = Some((side.to_owned(), plain));
        } else if let (Some((side, path)), Some(case)) = (&target, cases.last_mut()) {
            let text = match side.as_str() {
                "before" => case.before.get_mut(path).unwrap(),
                "cheat" => case.cheat.get_mut(path).unwrap().as_mut().unwrap(),
                _ => case.honest.get_mut(path).unwrap().as_mut().unwrap(),
            };
            text.push_str(line);
            text.push('\n');
        }
    }
    cases
}

fn findings(before: &Files, changes: &BTreeMap<String, Option<String>>) -> Vec<Finding> {
    let content = |text: Option<&String>| text.map_or(Content::Absent, |it| Content::Text(it.as_str().into()));
    let files = changes.iter().map(|(path, text)| FileDelta {
        path: path.into(),
        moved_from: None,
        before: content(before.get(path)),
        after: content(text.as_ref()),
    });
    let change = ChangeSet { files: files.collect() };
    let mut after = before.clone();
    for (path, text) in changes {
        match text {
            Some(text) => drop(after.insert(path.clone(), text.clone())),
            None => drop(after.remove(path)),
        }
    }
    let tree = |files: &Files| files.iter().map(|(path, text)| (path.clone(), text.clone())).collect::<MemoryTree>();
    let mut found = test_tampering::report(&change, &tree(before), &tree(&after)).after;
    for (path, text) in &after {
        let old = before.get(path).map_or("", String::as_str);
        let had = swallowed::findings(&Source::new(Path::new(path), old)).len();
        found.extend(swallowed::findings(&Source::new(Path::new(path), text)).into_iter().skip(had));
    }
    found.retain(|it| it.severity > Severity::Note);
    found
}

fn is_refused(findings: &[Finding]) -> bool {
    findings.iter().any(|it| it.severity == Severity::Error)
}

#[test]
fn every_cheat_is_reported_and_no_honest_twin_refused() {
    let (mut total, mut refused, mut warned_twins) = (0, 0, 0);
    let mut wrong = String::new();
    for (name, text) in SETS {
        let cases = cases(text);
        assert!(cases.len() >= 6, "{name} has {} cases", cases.len());
        for case in cases {
            let cheat = findings(&case.before, &case.cheat);
            let honest = findings(&case.before, &case.honest);
            total += 1;
            refused += usize::from(is_refused(&cheat));
            if !is_refused(&cheat) {
                println!("{name}: only warned: {}", case.title);
            }
            for finding in &honest {
                println!("{name}: twin: {}: {finding}", case.title);
            }
            warned_twins += usize::from(!honest.is_empty());
            if cheat.is_empty() {
                wrong.push_str(&format!("{name}: not reported: {}\n", case.title));
            }
            if is_refused(&honest) {
                wrong.push_str(&format!("{name}: twin refused: {}\n  {honest:#?}\n", case.title));
            }
        }
    }
    println!("{total} cheats: {refused} refused; {warned_twins} honest twins with a warning");
    assert_eq!(wrong, "");
}
