//! Running a project's tests in the sandbox, and comparing two runs.
//!
//! The exit code alone is not believed: a run counts as passing only when the runner's own report, where we can read it,
//! says that at least as many tests ran as before and no more were skipped.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wright_repo::project::TestKind;
use wright_sandbox::{Command, Exit, Level, Limits, Policy, Sandbox};

use crate::reports::{self, Report};
use crate::{Finding, GateError};

/// The name under which test results are reported.
pub(crate) const NAME: &str = "tests";

/// How to run a project's tests.
#[derive(Debug, Clone)]
pub struct TestSetup {
    /// The command.
    pub argv: Vec<String>,
    /// Where to run it, relative to the tree.
    pub dir: PathBuf,
    /// Which runner it is, which decides how its report is read.
    pub kind: TestKind,
    /// Variables for the command; it sees no others.
    pub env: Vec<(String, String)>,
    /// Toolchains and dependencies that the command may read.
    pub read_only: Vec<PathBuf>,
    /// What one run may use.
    pub limits: Limits,
    /// The weakest isolation that is accepted.
    pub minimum_level: Level,
}

/// One run of the tests.
#[derive(Debug, Clone)]
pub struct TestRun {
    /// How it ended.
    pub status: TestStatus,
    /// What the runner's report says, where it could be read.
    pub report: Option<Report>,
    /// What the command printed, capped.
    pub output: String,
    /// How long it took.
    pub duration: Duration,
    /// The isolation that was reached.
    pub level: Level,
}

/// How a run of the tests ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TestStatus {
    /// The command succeeded.
    Passed,
    /// The command failed with this exit code.
    Failed(i32),
    /// The command was killed by this signal.
    Killed(i32),
    /// The command was stopped at its time limit.
    TimedOut,
    /// The command printed more than it may.
    TooMuchOutput,
    /// The program does not exist in the sandbox.
    NotFound,
}

/// Runs the tests of the tree once.
pub async fn run_tests(sandbox: &Sandbox, setup: &TestSetup, tree: &Path) -> Result<TestRun, GateError> {
    let policy = Policy {
        tree: tree.to_owned(),
        read_only: setup.read_only.clone(),
        limits: setup.limits.clone(),
        minimum_level: setup.minimum_level,
    };
    let command = Command { argv: setup.argv.clone(), dir: setup.dir.clone(), env: setup.env.clone() };
    let outcome = sandbox.run(&policy, &command).await?;
    let output = String::from_utf8_lossy(&outcome.output).into_owned();
    let status = match outcome.exit {
        Exit::Code(0) => TestStatus::Passed,
        Exit::Code(127) => TestStatus::NotFound,
        // pytest answers 5 when it collected nothing; nothing was tested then.
        Exit::Code(code) => TestStatus::Failed(code),
        Exit::Signal(signal) => TestStatus::Killed(signal),
        Exit::WallClock => TestStatus::TimedOut,
        Exit::OutputLimit => TestStatus::TooMuchOutput,
    };
    let report = reports::parse(setup.kind, &output);
    Ok(TestRun { status, report, output, duration: outcome.duration, level: outcome.level })
}

impl TestRun {
    /// Returns whether the run is one that nothing is left to repair in.
    pub fn is_passing(&self) -> bool {
        self.status == TestStatus::Passed && self.report.as_ref().is_none_or(|it| it.n_failed == 0)
    }

    /// Returns one line for a person: how it ended and what was counted.
    pub fn summary(&self) -> String {
        let counts = self.report.as_ref().map_or_else(String::new, |it| {
            let skipped = if it.n_skipped > 0 { format!(", {} skipped", it.n_skipped) } else { String::new() };
            format!("{} passed, {} failed{skipped}", it.n_passed, it.n_failed)
        });
        let end = match self.status {
            TestStatus::Passed => String::new(),
            TestStatus::Failed(code) => format!("exit code {code}"),
            TestStatus::Killed(signal) => format!("killed by signal {signal}"),
            TestStatus::TimedOut => "stopped at the time limit".to_owned(),
            TestStatus::TooMuchOutput => "stopped at the output limit".to_owned(),
            TestStatus::NotFound => "command not found".to_owned(),
        };
        match (counts.is_empty(), end.is_empty()) {
            (true, true) => "passed".to_owned(),
            (true, false) => end,
            (false, true) => counts,
            (false, false) => format!("{counts} ({end})"),
        }
    }
}

/// What changed between two runs of the same tests.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Tests that failed before and pass now.
    pub fixed: BTreeSet<String>,
    /// Tests that passed before and do not pass now, or are gone.
    pub broken: BTreeSet<String>,
    /// Tests that fail now.
    pub failing: BTreeSet<String>,
    /// Why the later run cannot be taken as passing; empty when it can.
    pub findings: Vec<Finding>,
}

impl Comparison {
    /// Compares the run after a change with the one before it.
    pub fn of(before: &TestRun, after: &TestRun) -> Self {
        let mut comparison = Self::default();
        if let (Some(old), Some(new)) = (&before.report, &after.report) {
            comparison.fixed = old.failed.intersection(&new.passed).cloned().collect();
            // Names are only comparable where the runner lists the passing tests too.
            if !new.passed.is_empty() {
                comparison.broken = old.passed.difference(&new.passed).cloned().collect();
            }
            comparison.failing.clone_from(&new.failed);
        }
        comparison.findings = findings(before, after, &comparison.broken);
        comparison
    }

    /// Returns whether the later run passes everything that ran before, with nothing lost.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// Returns whether the change mends something and breaks nothing, though tests still fail.
    pub fn is_progress(&self) -> bool {
        !self.fixed.is_empty() && self.broken.is_empty()
    }
}

fn findings(before: &TestRun, after: &TestRun, broken: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |message: String| findings.push(Finding::error(NAME, message));
    if !broken.is_empty() {
        add(format!("tests that passed before do not pass now: {}", shorten(broken)));
    }
    if !after.is_passing() {
        let failing = after.report.as_ref().map(|it| shorten(&it.failed)).unwrap_or_default();
        let which = if failing.is_empty() { String::new() } else { format!(": {failing}") };
        add(format!("tests do not pass: {}{which}", after.summary()));
        return findings;
    }
    match (&before.report, &after.report) {
        (Some(_), None) => add("the test runner printed no report, though it did before the change".to_owned()),
        (_, Some(new)) if new.n_passed == 0 => add("no test ran".to_owned()),
        (Some(old), Some(new)) => {
            if new.n_run() < old.n_run() {
                add(format!("{} tests ran, {} before the change", new.n_run(), old.n_run()));
            }
            if new.n_skipped > old.n_skipped {
                add(format!("{} tests were skipped, {} before the change", new.n_skipped, old.n_skipped));
            }
        }
        (None, _) => {}
    }
    findings
}

fn shorten(names: &BTreeSet<String>) -> String {
    let mut shown: Vec<&str> = names.iter().take(3).map(String::as_str).collect();
    let more = format!("and {} more", names.len().saturating_sub(3));
    if names.len() > 3 {
        shown.push(&more);
    }
    shown.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(status: TestStatus, passed: &[&str], failed: &[&str], n_skipped: usize) -> TestRun {
        let set = |names: &[&str]| names.iter().map(|it| (*it).to_owned()).collect::<BTreeSet<_>>();
        let report = Report {
            passed: set(passed),
            failed: set(failed),
            n_passed: passed.len(),
            n_failed: failed.len(),
            n_skipped,
        };
        TestRun { status, report: Some(report), output: String::new(), duration: Duration::ZERO, level: Level::A }
    }

    fn unreported(status: TestStatus) -> TestRun {
        TestRun { report: None, ..run(status, &[], &[], 0) }
    }

    #[test]
    fn a_run_that_passes_all_of_the_same_tests_is_clean() {
        let before = run(TestStatus::Failed(1), &["a"], &["b"], 0);
        let comparison = Comparison::of(&before, &run(TestStatus::Passed, &["a", "b"], &[], 0));
        assert!(comparison.is_clean());
        assert!(comparison.fixed.contains("b"));
    }

    #[test]
    fn success_without_the_tests_is_not_clean() {
        let before = run(TestStatus::Failed(1), &["a"], &["b"], 0);
        let cases = [
            ("fewer tests", run(TestStatus::Passed, &["a"], &[], 0)),
            ("a skipped test", run(TestStatus::Passed, &["a"], &[], 1)),
            ("no tests", run(TestStatus::Passed, &[], &[], 0)),
            ("no report", unreported(TestStatus::Passed)),
            ("still failing", run(TestStatus::Failed(1), &["a"], &["b"], 0)),
            ("time limit", unreported(TestStatus::TimedOut)),
            ("reported failure with exit code 0", run(TestStatus::Passed, &["a"], &["b"], 0)),
        ];
        for (name, after) in cases {
            assert!(!Comparison::of(&before, &after).is_clean(), "{name}");
        }
    }

    #[test]
    fn mending_one_test_and_breaking_none_is_progress() {
        let before = run(TestStatus::Failed(1), &["a"], &["b", "c"], 0);
        assert!(Comparison::of(&before, &run(TestStatus::Failed(1), &["a", "b"], &["c"], 0)).is_progress());
        assert!(!Comparison::of(&before, &run(TestStatus::Failed(1), &["b"], &["a", "c"], 0)).is_progress());
    }

    #[test]
    fn a_command_without_a_readable_report_is_judged_by_its_exit_code() {
        let comparison = Comparison::of(&unreported(TestStatus::Failed(2)), &unreported(TestStatus::Passed));
        assert!(comparison.is_clean());
    }
}
