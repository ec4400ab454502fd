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

/// The texts of all cases, as material to damage.
fn texts() -> Vec<(String, String)> {
    let cases = SETS.iter().flat_map(|(_, text)| cases(text));
    let files = cases.flat_map(|case| {
        let changed = case.cheat.into_iter().chain(case.honest).filter_map(|(path, text)| Some((path, text?)));
        case.before.into_iter().chain(changed).collect::<Vec<_>>()
    });
    files.collect()
}

/// Cuts, doubles and moves pieces of a text, wherever characters begin.
fn damaged(text: &str, cuts: &[(u8, usize, usize)]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for (action, at, length) in cuts {
        if letters.is_empty() {
            break;
        }
        let start = at % letters.len();
        let end = (start + length % 40).min(letters.len());
        let piece: Vec<char> = letters[start..end].to_vec();
        match action % 4 {
            0 => drop(letters.drain(start..end)),
            1 => drop(letters.splice(start..start, piece)),
            2 => letters.extend(piece),
            _ => letters[start] = ['(', ')', '{', '}', '"', '\u{e9}', '\n', '['][at % 8],
        }
    }
    letters.into_iter().collect()
}

proptest::proptest! {
    #[test]
    fn damaged_texts_are_compared_without_a_panic(
        pick in 0usize..10_000,
        cuts in proptest::collection::vec((0u8..4, 0usize..10_000, 0usize..10_000), 1..12),
    ) {
        let texts = texts();
        let (path, text) = &texts[pick % texts.len()];
        let before = BTreeMap::from([(path.clone(), text.clone())]);
        let after = BTreeMap::from([(path.clone(), Some(damaged(text, &cuts)))]);
        findings(&before, &after);
        findings(&BTreeMap::from([(path.clone(), damaged(text, &cuts))]), &BTreeMap::from([(path.clone(), Some(text.clone()))]));
    }
}

#[test]
fn deep_and_long_texts_are_compared_to_the_end() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(5_000), close.repeat(5_000));
    let texts = [
        ("test_a.py", format!("def test_a():\n    assert {}\n", deep("(", ")"))),
        ("test_a.py", (0..2_000).map(|n| format!("def test_{n}():\n    assert f({n}) == {n}\n")).collect()),
        ("a.test.js", deep("describe('a', () => {", "})")),
        ("a.test.js", format!("it('a', () => {{ expect(a){} }})", ".b(1)".repeat(5_000))),
        ("tests/a.rs", format!("#[test]\nfn a() {{ assert!({}); }}", deep("(", ")"))),
        ("a_test.go", format!("package a\nfunc TestA(t *testing.T) {{ {} }}", deep("if a {", "}"))),
    ];
    for (path, text) in texts {
        let before = BTreeMap::from([(path.to_owned(), text)]);
        findings(&before, &BTreeMap::from([(path.to_owned(), Some("x\n".to_owned()))]));
        findings(&BTreeMap::new(), &BTreeMap::from([(path.to_owned(), before.get(path).cloned())]));
    }
}
