//! Runs the tests on each mutant, and reports those that no test notices.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use wright_repo::Worktree;
use wright_sandbox::Sandbox;

use super::mutants::{Mutant, MutationLimits, mutants};
use crate::change::ChangeSet;
use crate::{CheckReport, CheckStatus, Confidence, Finding, GateError, TestRun, TestSetup, TestStatus, run_tests};

/// The check's name.
pub const NAME: &str = "mutation";

/// How much longer than without a mutation the tests may take: an endless loop is noticed, a slow machine is not.
const SLOWER: u32 = 4;

/// Breaks the lines that a change writes, one edit at a time, and runs the tests on each.
///
/// `changed` is a worktree that has the change and that nobody else uses; its product files are as before when this
/// returns. The tests must pass on it, or nothing can be learned.
pub async fn report(
    sandbox: &Sandbox,
    setup: &TestSetup,
    changed: &Worktree,
    change: &ChangeSet,
    limits: &MutationLimits,
) -> Result<CheckReport, GateError> {
    let mutants = mutants(change, limits);
    if mutants.is_empty() {
        return Ok(CheckReport::ran(NAME));
    }
    let run = run_tests(sandbox, setup, changed.root()).await?;
    if !run.is_passing() {
        return Ok(CheckReport::not_run(NAME, format!("the tests do not pass without a mutation: {}", run.summary())));
    }
    let setup = &with_time(setup, run.duration);
    let trial = async |mutant: &Mutant| -> Result<Option<TestRun>, GateError> {
        let text = change.files.iter().find(|it| it.path == mutant.path).map(|it| it.text_after()).unwrap_or_default();
        let Ok(mutated) = mutant.edit.apply(text) else { return Ok(None) };
        changed.write(&mutant.path, &mutated)?;
        let run = run_tests(sandbox, setup, changed.root()).await;
        // The original comes back even where the run failed.
        changed.write(&mutant.path, text)?;
        run.map(Some)
    };
    judged(&mutants, limits, trial).await
}

/// Lets the tests run a few times as long as they did, and never longer than they may.
fn with_time(setup: &TestSetup, took: Duration) -> TestSetup {
    let mut setup = setup.clone();
    setup.limits.wall = setup.limits.wall.min(took * SLOWER + Duration::from_secs(5));
    setup
}

/// Tries each mutant until the time is up; `trial` returns nothing where it could not be tried.
async fn judged(
    mutants: &[Mutant],
    limits: &MutationLimits,
    mut trial: impl AsyncFnMut(&Mutant) -> Result<Option<TestRun>, GateError>,
) -> Result<CheckReport, GateError> {
    let started = Instant::now();
    let mut report = CheckReport::ran(NAME);
    let mut left_out: Vec<(PathBuf, String)> = Vec::new();
    let mut n_noticed = 0;
    for mutant in mutants {
        let is_late = started.elapsed() >= limits.max_time;
        let run = if is_late { None } else { trial(mutant).await? };
        let Some(run) = run else {
            left_out.push((mutant.path.clone(), format!("line {} was not mutated in time", mutant.line)));
            continue;
        };
        if run.status == TestStatus::NotFound {
            return Ok(CheckReport::not_run(NAME, "the test command is not found"));
        }
        if run.is_passing() {
            report.after.push(survivor(mutant));
        } else {
            n_noticed += 1;
        }
        if !report.analysed.contains(&mutant.path) {
            report.analysed.push(mutant.path.clone());
        }
    }
    if n_noticed == 0 && !report.after.is_empty() {
        report.after.insert(0, unnoticed(report.after.len()));
    }
    if !left_out.is_empty() {
        report.status = CheckStatus::Partial(left_out);
    }
    report.duration = started.elapsed();
    Ok(report)
}

fn unnoticed(n_mutants: usize) -> Finding {
    Finding::warning(NAME, format!("no test notices any of {n_mutants} mutations of the changed lines"))
        .rule("changed-lines-untested")
        .key("changed-lines-untested")
        .hint("Add a test that fails without the change.")
}

fn survivor(mutant: &Mutant) -> Finding {
    Finding::warning(NAME, format!("no test notices this mutation ({})", mutant.kind.name()))
        .rule("mutant-survived")
        .confidence(Confidence::Medium)
        .at(&mutant.path, Some(mutant.line))
        .evidence(shown(mutant))
        .key(format!("{} {}", mutant.before.trim(), mutant.after.trim()))
        .hint("Add a test that fails on the mutated line, or remove code that makes no difference.")
}

/// Returns a mutant as lines of a diff.
fn shown(mutant: &Mutant) -> String {
    let removed = mutant.before.lines().map(|it| format!("-{it}"));
    let added = mutant.after.lines().map(|it| format!("+{it}"));
    removed.chain(added).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use wright_sandbox::Level;

    use super::*;
    use crate::change::{Content, FileDelta};

    fn run(status: TestStatus) -> TestRun {
        TestRun { status, report: None, output: String::new(), duration: Duration::ZERO, level: Level::A }
    }

    fn two_mutants() -> Vec<Mutant> {
        let text = "def f(a, b):\n    return a < b\n\ndef g(a):\n    return a + 1\n";
        let after = Content::Text(text.into());
        let file = FileDelta { path: "a.py".into(), moved_from: None, before: Content::Absent, after };
        mutants(&ChangeSet { files: vec![file] }, &MutationLimits { max_mutants: 2, ..MutationLimits::default() })
    }

    fn judge(limits: &MutationLimits, statuses: &[TestStatus]) -> CheckReport {
        let mut statuses = statuses.iter();
        let trial = async |_: &Mutant| Ok::<_, GateError>(statuses.next().map(|it| run(*it)));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(judged(&two_mutants(), limits, trial)).unwrap()
    }

    #[test]
    fn a_mutation_that_no_test_notices_is_shown_as_a_diff() {
        let report = judge(&MutationLimits::default(), &[TestStatus::Failed(1), TestStatus::Passed]);

        let [finding] = report.after.as_slice() else { panic!("{report:#?}") };
        assert_eq!((finding.rule.as_ref(), finding.line), ("mutant-survived", Some(5)));
        let evidence = finding.evidence.clone().unwrap();
        assert!(evidence.starts_with("-    return a + 1\n+    return "), "{evidence}");
        assert_eq!(report.status, CheckStatus::Ran);
    }

    #[test]
    fn tests_that_notice_nothing_are_reported_once_more_as_a_whole() {
        let report = judge(&MutationLimits::default(), &[TestStatus::Passed, TestStatus::Passed]);
        let rules: Vec<&str> = report.after.iter().map(|it| it.rule.as_ref()).collect();
        assert_eq!(rules, ["changed-lines-untested", "mutant-survived", "mutant-survived"]);
    }

    #[test]
    fn an_endless_loop_and_a_crash_are_noticed() {
        let report = judge(&MutationLimits::default(), &[TestStatus::TimedOut, TestStatus::Killed(9)]);
        assert_eq!(report.after, []);
    }

    #[test]
    fn what_was_not_tried_in_time_is_no_pass() {
        let limits = MutationLimits { max_time: Duration::ZERO, ..MutationLimits::default() };
        let report = judge(&limits, &[TestStatus::Failed(1), TestStatus::Failed(1)]);
        assert!(matches!(report.status, CheckStatus::Partial(left) if left.len() == 2));
    }
}
