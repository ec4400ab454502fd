//! Which locked packages are reported as vulnerable.

use serde_json::json;

use super::*;
use crate::change::{Content, FileDelta, MemoryTree};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn advisory(value: &serde_json::Value) -> Advisory {
    let mut document = json!({"id": "GO-1", "aliases": ["CVE-1"], "summary": "reads past the end.", "modified": "2026-11-01T00:00:00Z",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [{"package": {"ecosystem": "Go", "name": "example.org/a"},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.0"}]}],
            "ecosystem_specific": {"imports": [{"path": "example.org/a/b", "symbols": ["Parse"]}]}}]});
    if let (Some(document), Some(value)) = (document.as_object_mut(), value.as_object()) {
        document.extend(value.clone());
    }
    Advisory::parse(document.to_string().as_bytes()).unwrap()
}

const LOCK: &str = "module m\n\nrequire example.org/a v1.1.0\n";

fn run(before: &[(&str, &str)], after: &[(&str, &str)], database: &AdvisoryDatabase) -> CheckReport {
    let tree = |files: &[(&str, &str)]| files.iter().map(|(path, text)| (*path, *text)).collect::<MemoryTree>();
    let content = |files: &[(&str, &str)]| {
        files.iter().find(|it| it.0 == "go.mod").map_or(Content::Absent, |it| Content::Text(it.1.into()))
    };
    let delta = FileDelta { path: "go.mod".into(), moved_from: None, before: content(before), after: content(after) };
    let change = ChangeSet { files: vec![delta] };
    advisories(&change, &tree(before), &tree(after), Ok(database), date("2026-11-20"))
}

#[test]
fn a_vulnerable_package_is_reported_with_its_ids_its_fix_and_its_use() {
    let database = AdvisoryDatabase::of([advisory(&json!({}))]);
    let used = ("f.go", "package m\nimport \"example.org/a/b\"\nvar x = b.Parse(1)\n");
    let report = run(&[], &[("go.mod", LOCK), used], &database);
    assert_eq!((report.status, report.before), (CheckStatus::Ran, Vec::new()));
    let finding = &report.after[0];
    assert_eq!(finding.to_string(), "go.mod:3: `example.org/a` v1.1.0: reads past the end [advisories/GO-1]");
    assert_eq!(finding.severity, Severity::Error);
    assert_eq!(finding.evidence.as_deref(), Some("GO-1, CVE-1; CVSS 9.8; Parse named at f.go:3"));
    assert_eq!(finding.hint.as_deref(), Some("Take version 1.2.0 or a later one."));
}

#[test]
fn a_vulnerable_function_that_nothing_names_is_a_warning() {
    let database = AdvisoryDatabase::of([advisory(&json!({}))]);
    let report = run(&[], &[("go.mod", LOCK)], &database);
    assert_eq!(report.after[0].severity, Severity::Warning);
}

#[test]
fn the_fixed_version_is_not_reported_and_the_state_before_is() {
    let database = AdvisoryDatabase::of([advisory(&json!({}))]);
    let report = run(&[("go.mod", LOCK)], &[("go.mod", &LOCK.replace("1.1.0", "1.2.0"))], &database);
    assert_eq!((report.before.len(), report.after.len()), (1, 0));
}

#[test]
fn two_advisories_for_one_vulnerability_are_one_finding() {
    let same = advisory(&json!({"id": "GHSA-1", "aliases": ["CVE-1", "GO-1"]}));
    let other = advisory(&json!({"id": "GO-2", "aliases": ["CVE-2"]}));
    let database = AdvisoryDatabase::of([advisory(&json!({})), same, other]);
    assert_eq!(run(&[], &[("go.mod", LOCK)], &database).after.len(), 2);
}

#[test]
fn a_vulnerability_stays_the_same_finding_through_a_version_that_has_it_too() {
    let database = AdvisoryDatabase::of([advisory(&json!({}))]);
    let report = run(&[("go.mod", LOCK)], &[("go.mod", &LOCK.replace("1.1.0", "1.1.5"))], &database);
    assert_eq!(report.before[0].key, report.after[0].key);
}

#[test]
fn without_a_database_nothing_is_called_clean() {
    let tree: MemoryTree = [("go.mod", LOCK)].into_iter().collect();
    let report =
        advisories(&ChangeSet::default(), &tree, &tree, Err("none was imported".to_owned()), date("2026-11-20"));
    assert_eq!(report.status, CheckStatus::NotRun("no database of advisories: none was imported".to_owned()));
    let nothing = MemoryTree::default();
    let report = advisories(&ChangeSet::default(), &nothing, &nothing, Err(String::new()), date("2026-11-20"));
    assert_eq!(report.status, CheckStatus::Ran);
}

#[test]
fn a_database_that_is_old_or_of_another_ecosystem_leaves_the_lock_file_out() {
    let old = AdvisoryDatabase::of([advisory(&json!({"modified": "2026-09-01T00:00:00Z"}))]);
    let report = run(&[], &[("go.mod", LOCK)], &old);
    assert_eq!(
        report.status,
        CheckStatus::Partial(vec![("go.mod".into(), "the advisories for Go are 80 days old".to_owned())])
    );
    assert_eq!(report.after.len(), 1);
    let none = AdvisoryDatabase::default();
    let report = run(&[], &[("go.mod", LOCK)], &none);
    assert_eq!(
        report.status,
        CheckStatus::Partial(vec![("go.mod".into(), "the database has no advisories for Go".to_owned())])
    );
}
