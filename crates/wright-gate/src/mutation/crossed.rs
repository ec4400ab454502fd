//! Runs the tests of one side of a change on the code of the other.
//!
//! The tests of the base commit on the changed code show what the change breaks, whatever it does to the tests. The changed
//! tests on the code of the base commit show whether they would have noticed anything.

use std::collections::BTreeSet;

use wright_repo::Worktree;
use wright_repo::project::{is_protected_path, is_test_path};
use wright_sandbox::Sandbox;

use crate::change::{ChangeSet, Content, FileDelta};
use crate::{CheckReport, Comparison, Finding, GateError, Severity, TestRun, TestSetup, run_tests};

/// The check's name.
pub const NAME: &str = "crossed-tests";

/// Names that a message lists.
const MAX_NAMED: usize = 3;

/// Runs the tests of the base commit on the changed code.
///
/// `pristine` is a copy of the base commit that nobody else uses; it has the changed code when this returns. `baseline` is
/// the run of its tests before. What no longer passes is a warning where the change touches tests, since it may follow a
/// change of the specification, and an error where it does not.
pub async fn base_tests_on_changed_code(
    sandbox: &Sandbox,
    setup: &TestSetup,
    pristine: &Worktree,
    baseline: &TestRun,
    change: &ChangeSet,
) -> Result<CheckReport, GateError> {
    let (tests, code): (Vec<&FileDelta>, Vec<&FileDelta>) = change.files.iter().partition(|it| belongs_to_tests(it));
    if code.is_empty() {
        return Ok(CheckReport::not_run(NAME, "the change touches nothing but tests"));
    }
    put(pristine, &code)?;
    let run = run_tests(sandbox, setup, pristine.root()).await?;
    let severity = if tests.is_empty() { Severity::Error } else { Severity::Warning };
    Ok(CheckReport {
        analysed: code.iter().map(|it| it.path.clone()).collect(),
        duration: run.duration,
        after: on_changed_code(baseline, &run, severity),
        ..CheckReport::ran(NAME)
    })
}

/// Runs the changed tests on the code of the base commit: tests of a fix have to fail there.
///
/// `pristine` is a copy of the base commit that nobody else uses; it has the changed tests when this returns.
pub async fn changed_tests_on_base_code(
    sandbox: &Sandbox,
    setup: &TestSetup,
    pristine: &Worktree,
    change: &ChangeSet,
) -> Result<CheckReport, GateError> {
    let tests: Vec<&FileDelta> = change.files.iter().filter(|it| belongs_to_tests(it)).collect();
    if tests.is_empty() || tests.len() == change.files.len() {
        return Ok(CheckReport::not_run(NAME, "the change does not touch both code and tests"));
    }
    put(pristine, &tests)?;
    let run = run_tests(sandbox, setup, pristine.root()).await?;
    Ok(CheckReport {
        analysed: tests.iter().map(|it| it.path.clone()).collect(),
        duration: run.duration,
        after: on_base_code(&run),
        ..CheckReport::ran(NAME)
    })
}

/// Reports tests that a runner listed before a change and does not list after it, whatever became of them.
pub fn vanished(before: &TestRun, after: &TestRun) -> Vec<Finding> {
    let (Some(old), Some(new)) = (&before.report, &after.report) else { return Vec::new() };
    // A runner that lists only failures says nothing about the others.
    if new.passed.is_empty() {
        return Vec::new();
    }
    let now: BTreeSet<&String> = new.passed.union(&new.failed).collect();
    let gone: Vec<&String> = old.passed.union(&old.failed).filter(|it| !now.contains(it)).collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let message = format!("{} tests are not run any more: {}", gone.len(), named(&gone));
    let key = format!("tests-vanished {}", named(&gone));
    vec![Finding::error(NAME, message).rule("tests-vanished").key(key)]
}

fn on_changed_code(baseline: &TestRun, run: &TestRun, severity: Severity) -> Vec<Finding> {
    let comparison = Comparison::of(baseline, run);
    let broken: Vec<&String> = comparison.broken.iter().collect();
    let message = if !broken.is_empty() {
        format!("tests of the base commit do not pass on the changed code: {}", named(&broken))
    } else if baseline.is_passing() && !run.is_passing() {
        format!("the tests of the base commit do not pass on the changed code: {}", run.summary())
    } else {
        return Vec::new();
    };
    let finding = Finding::new(NAME, severity, message).rule("base-tests-fail").key("base-tests-fail");
    vec![finding.hint("Check that the specification changed, and not only the tests.")]
}

fn on_base_code(run: &TestRun) -> Vec<Finding> {
    if !run.is_passing() {
        return Vec::new();
    }
    let message = "the changed tests pass without the change to the code";
    let finding = Finding::note(NAME, message).rule("tests-prove-nothing-new").evidence(run.summary());
    vec![finding.key("tests-prove-nothing-new")]
}

fn named(names: &[&String]) -> String {
    let shown: Vec<&str> = names.iter().take(MAX_NAMED).map(|it| it.as_str()).collect();
    let n_more = names.len().saturating_sub(MAX_NAMED);
    if n_more > 0 { format!("{}, and {n_more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// Whoever may change what steers the tests may as well change the tests.
fn belongs_to_tests(file: &FileDelta) -> bool {
    is_test_path(&file.path) || is_protected_path(&file.path).is_some()
}

fn put(worktree: &Worktree, files: &[&FileDelta]) -> Result<(), GateError> {
    for file in files {
        if let Some(old) = &file.moved_from {
            worktree.remove(old)?;
        }
        match &file.after {
            Content::Text(text) => worktree.write(&file.path, text)?,
            Content::Absent if file.before != Content::Absent => worktree.remove(&file.path)?,
            // What is no text cannot be put anywhere as text; the run then sees the base commit's.
            Content::Absent | Content::Binary(_) | Content::Link(_) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wright_sandbox::Level;

    use super::*;
    use crate::{Report, TestStatus};

    fn run(passed: &[&str], failed: &[&str]) -> TestRun {
        let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
        let report = Report {
            passed: set(passed),
            failed: set(failed),
            n_passed: passed.len(),
            n_failed: failed.len(),
            n_skipped: 0,
        };
        let status = if failed.is_empty() { TestStatus::Passed } else { TestStatus::Failed(1) };
        TestRun { status, report: Some(report), output: String::new(), duration: Duration::ZERO, level: Level::A }
    }

    fn messages(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|it| it.message.as_str()).collect()
    }

    #[test]
    fn tests_that_are_not_listed_any_more_are_named() {
        let gone = vanished(&run(&["a", "b"], &["c"]), &run(&["a"], &[]));
        assert_eq!(messages(&gone), ["2 tests are not run any more: b, c"]);
        assert_eq!(vanished(&run(&["a"], &["b"]), &run(&["a", "b", "c"], &[])), []);
    }

    #[test]
    fn tests_of_the_base_commit_that_break_are_named() {
        let findings = on_changed_code(&run(&["a", "b"], &["c"]), &run(&["a"], &["b", "c"]), Severity::Error);
        assert_eq!(messages(&findings), ["tests of the base commit do not pass on the changed code: b"]);
        assert_eq!(on_changed_code(&run(&["a"], &["b"]), &run(&["a", "b"], &[]), Severity::Error), []);
    }

    #[test]
    fn tests_that_pass_without_the_change_prove_nothing_new() {
        assert_eq!(on_base_code(&run(&["a"], &[])).len(), 1);
        assert_eq!(on_base_code(&run(&["a"], &["b"])), []);
    }
}
