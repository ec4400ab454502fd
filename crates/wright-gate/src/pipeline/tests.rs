//! What runs, on what, and what is said of the rest.

use wright_text::Patch;

use super::*;
use crate::change::MemoryTree;

fn file(path: &str, before: Content, after: Content) -> FileDelta {
    FileDelta { path: path.into(), moved_from: None, before, after }
}

fn text(text: &str) -> Content {
    Content::Text(text.into())
}

/// A text check that finds each line with the word.
fn word(source: &Source<'_>) -> Vec<Finding> {
    assert!(!source.text.contains("panic"), "a text that brings the check down");
    let lines = source.text.lines().enumerate().filter(|(_, line)| line.contains("word"));
    lines.map(|(idx, _)| Finding::error("word", "a word").at(source.path, Some(idx + 1))).collect()
}

const WORD: TextCheck = TextCheck { name: "word", promise: "no word", findings: word };

fn run(change: &ChangeSet, options: Options<'_>) -> Vec<CheckReport> {
    let tree = MemoryTree::default();
    let checks = Checks { statics: checks::STATIC, text: &[WORD], change: &checks::CHANGE[..1], tools: &[] };
    run_in_memory(Subject { change, before: &tree, after: &tree }, checks, options)
}

fn word_report(files: Vec<FileDelta>) -> CheckReport {
    let only = ["word".to_owned()];
    let mut reports = run(&ChangeSet { files }, Options { only: &only, cache: None });
    assert_eq!(reports.len(), 1);
    reports.remove(0)
}

#[test]
fn a_text_check_looks_at_both_sides_of_each_file() {
    let mut moved = file("b.py", text("word\n"), text("x\nword\n"));
    moved.moved_from = Some("a.py".into());
    let report = word_report(vec![moved, file("c.py", Content::Absent, text("word\n"))]);
    let places = |findings: &[Finding]| findings.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(places(&report.before), ["a.py:1: a word [word]"]);
    assert_eq!(places(&report.after), ["b.py:2: a word [word]", "c.py:1: a word [word]"]);
    assert_eq!(report.analysed, [PathBuf::from("b.py"), "c.py".into()]);
    assert_eq!(report.status, CheckStatus::Ran);
}

#[test]
fn a_file_that_was_not_looked_at_is_named_with_the_reason() {
    let long = "x\n".repeat(MAX_PARSED_BYTES / 2 + 1);
    let report = word_report(vec![
        file("image.png", Content::Absent, Content::Binary(7)),
        file("link", Content::Absent, Content::Link("/etc".to_owned())),
        file("long.py", Content::Absent, text(&long)),
        file("long.csv", Content::Absent, text(&long)),
    ]);
    let expected = [
        (PathBuf::from("image.png"), "it is no text or too long (7 bytes)".to_owned()),
        ("link".into(), "it is a link".to_owned()),
        ("long.py".into(), "it is too long to be parsed".to_owned()),
    ];
    assert_eq!(report.status, CheckStatus::Partial(expected.to_vec()));
    assert_eq!(report.analysed, [PathBuf::from("long.csv"), "long.py".into()]);
}

#[test]
fn a_check_that_panics_has_failed_and_the_others_go_on() {
    let change = ChangeSet { files: vec![file("a.py", Content::Absent, text("panic\n"))] };
    let reports = run(&change, Options::default());
    let failed = reports.iter().find(|it| it.check == "word").unwrap();
    let CheckStatus::Failed(reason) = &failed.status else { panic!("{failed:?}") };
    assert!(reason.contains("a text that brings the check down"), "{reason}");
    assert!(reports.iter().filter(|it| it.check != "word").all(|it| it.status == CheckStatus::Ran));
}

#[test]
fn every_check_gives_one_account() {
    let reports = run(&ChangeSet::default(), Options::default());
    let names: Vec<&str> = reports.iter().map(|it| it.check).collect();
    assert_eq!(names, ["protected-paths", "parses", "no-secrets", "tests-run", "word", "suppressions"]);
}

#[test]
fn the_existing_checks_say_the_same_here_as_of_a_patch() {
    let (before, after) = ("def f():\n    pass\n", "import os\ndef f(:\n    os._exit(0)\n");
    let change = ChangeSet { files: vec![file("tests/test_a.py", text(before), text(after))] };
    let found: Vec<Finding> = run(&change, Options::default()).into_iter().flat_map(|it| it.after).collect();
    let mut patch = Patch::default();
    let both = wright_text::FileChange { before: Some(before.to_owned()), after: Some(after.to_owned()) };
    patch.files.insert("tests/test_a.py".into(), both);
    assert_eq!(found, checks::run_static(&patch));
    assert_eq!(found.len(), 3);
}

#[test]
fn a_file_moved_out_of_a_protected_place_is_noticed() {
    let mut moved = file("old_tests.txt", text("x"), text("x"));
    moved.moved_from = Some("tests/test_a.py".into());
    let reports = run(&ChangeSet { files: vec![moved] }, Options::default());
    let found: Vec<String> = reports.iter().flat_map(|it| &it.after).map(ToString::to_string).collect();
    assert_eq!(found, ["tests/test_a.py: changes a test [protected-paths]"]);
}

#[test]
fn a_text_that_was_looked_at_is_not_looked_at_again() {
    use std::sync::atomic::AtomicUsize;
    static N_LOOKS: AtomicUsize = AtomicUsize::new(0);
    fn counting(source: &Source<'_>) -> Vec<Finding> {
        N_LOOKS.fetch_add(1, Ordering::Relaxed);
        word(source)
    }
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::open(folder.path(), "1");
    let change = ChangeSet { files: vec![file("a.py", text("word\n"), text("word\nword 2\n"))] };
    let tree = MemoryTree::default();
    let text = [TextCheck { findings: counting, ..WORD }];
    let checks = Checks { statics: &[], text: &text, change: &[], tools: &[] };
    let run = || {
        let subject = Subject { change: &change, before: &tree, after: &tree };
        let mut reports = run_in_memory(subject, checks, Options { only: &[], cache: Some(&cache) });
        reports.iter_mut().for_each(|it| it.duration = Duration::ZERO);
        reports
    };
    let first = run();
    assert_eq!((first, N_LOOKS.load(Ordering::Relaxed)), (run(), 2));
}
