//! What all accounts together say about a change: each finding with its state, the exceptions that hold, and the outcome.

use std::time::Duration;

use chrono::NaiveDate;

use crate::change::ChangeSet;
use crate::policy::{Author, POLICY_FILE, Policy, for_author};
use crate::ratchet::{State, compare};
use crate::suppression::{self, Applied, Origin, Suppressed, Suppressions};
use crate::{CheckReport, Finding, duplicates};

/// What the gate says about a change.
#[derive(Debug, Clone)]
pub struct Assessment {
    /// What follows.
    pub outcome: Outcome,
    /// Every finding of both sides, by file and line.
    pub findings: Vec<Assessed>,
    /// What each check did; the findings are taken out.
    pub checks: Vec<CheckReport>,
    /// The checks because of which nothing can be promised.
    pub undecided: Vec<&'static str>,
    /// How long all of it took.
    pub duration: Duration,
}

/// Whether a change may pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Every check that counts ran, and nothing new refuses the change.
    Pass,
    /// Something new refuses it.
    Fail,
    /// Nothing refuses it, but a check that counts could not look.
    Inconclusive,
}

impl Outcome {
    /// Returns the word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
        }
    }
}

/// A finding with everything that was decided about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessed {
    /// The finding.
    pub finding: Finding,
    /// What became of it.
    pub state: State,
    /// A digest that stays the same when lines move and files are renamed.
    pub fingerprint: String,
    /// Why it does not count, if it does not.
    pub suppressed: Option<Suppressed>,
    /// Whether it refuses the change.
    pub blocks: bool,
}

impl Assessed {
    /// Returns whether the change is answerable for it.
    pub fn counts(&self) -> bool {
        self.state == State::New && self.suppressed.is_none()
    }
}

impl Assessment {
    /// Returns the findings that the change is answerable for.
    pub fn new_findings(&self) -> impl Iterator<Item = &Assessed> {
        self.findings.iter().filter(|it| it.counts())
    }

    /// Returns how many findings are in a state.
    pub fn count(&self, state: State) -> usize {
        self.findings.iter().filter(|it| it.state == state).count()
    }

    /// Returns how many new findings do not count.
    pub fn n_suppressed(&self) -> usize {
        self.findings.iter().filter(|it| it.state == State::New && it.suppressed.is_some()).count()
    }
}

/// Decides about a change.
pub fn assess(
    change: &ChangeSet,
    mut reports: Vec<CheckReport>,
    policy: &Policy,
    author: Author,
    today: NaiveDate,
) -> Assessment {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for report in &mut reports {
        before.append(&mut report.before);
        after.append(&mut report.after);
    }
    let after = after.into_iter().map(|it| for_author(it, author)).collect();
    let suppressions = Suppressions::of(policy, change, today);
    let mut findings = Vec::new();
    let mut ended: Vec<Suppressed> = Vec::new();
    for judged in compare(before, after, change) {
        let suppressed = match (policy.disabled(&judged.finding), suppressions.apply(&judged)) {
            (Some(reason), _) => Some(switched_off(reason)),
            (None, Applied::Holds(suppressed)) => Some(suppressed),
            (None, Applied::Ended(it)) => {
                if judged.state == State::New && !ended.contains(&it) {
                    ended.push(it);
                }
                None
            }
            (None, Applied::None) => None,
        };
        let blocks = judged.state == State::New && suppressed.is_none() && policy.blocks(&judged.finding);
        let (finding, state, fingerprint) = (judged.finding, judged.state, judged.fingerprint);
        findings.push(Assessed { finding, state, fingerprint, suppressed, blocks });
    }
    let mut findings = duplicates::join(findings);
    findings.extend(ended.iter().map(|it| about_ended(it, policy)));
    findings.sort_by(|a, b| place(&a.finding).cmp(&place(&b.finding)));
    let undecided: Vec<&'static str> =
        reports.iter().filter(|it| policy.is_inconclusive(it)).map(|it| it.check).collect();
    let outcome = if findings.iter().any(|it| it.blocks) {
        Outcome::Fail
    } else if undecided.is_empty() {
        Outcome::Pass
    } else {
        Outcome::Inconclusive
    };
    let duration = reports.iter().map(|it| it.duration).sum();
    Assessment { outcome, findings, checks: reports, undecided, duration }
}

fn place(finding: &Finding) -> (Option<&std::path::Path>, Option<usize>, &str) {
    (finding.path.as_deref(), finding.line, &finding.rule)
}

fn switched_off(reason: &str) -> Suppressed {
    Suppressed { reason: reason.to_owned(), expires: None, origin: Origin { path: POLICY_FILE.into(), line: 1 } }
}

fn about_ended(suppressed: &Suppressed, policy: &Policy) -> Assessed {
    let finding = suppression::ended(suppressed);
    let parts = ["wright/v1", &finding.rule, &suppressed.reason];
    let fingerprint = crate::hex_digest(parts.join("\0").as_bytes());
    let blocks = policy.blocks(&finding);
    Assessed { finding, state: State::New, fingerprint, suppressed: None, blocks }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CheckStatus;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
    }

    fn outcome(policy: &str, report: CheckReport) -> Outcome {
        let policy = Policy::parse(policy).unwrap();
        assess(&ChangeSet::default(), vec![report], &policy, Author::Agent, today()).outcome
    }

    fn with(before: Vec<Finding>, after: Vec<Finding>) -> CheckReport {
        CheckReport { before, after, ..CheckReport::ran("c") }
    }

    fn error() -> Finding {
        Finding::error("c", "m").rule("r/x").at("a.py", Some(1)).key("eval(x)")
    }

    #[test]
    fn only_new_errors_refuse_a_change() {
        assert_eq!(outcome("", with(vec![], vec![error()])), Outcome::Fail);
        assert_eq!(outcome("", with(vec![error()], vec![error()])), Outcome::Pass);
        assert_eq!(outcome("", with(vec![error()], vec![error(), error()])), Outcome::Fail);
        assert_eq!(outcome("", with(vec![], vec![Finding::warning("c", "m")])), Outcome::Pass);
    }

    #[test]
    fn a_check_that_failed_decides_nothing_unless_another_refuses() {
        let failed = |after| CheckReport { status: CheckStatus::Failed("x".to_owned()), ..with(vec![], after) };
        assert_eq!(outcome("", failed(vec![])), Outcome::Inconclusive);
        assert_eq!(outcome("", failed(vec![error()])), Outcome::Fail);
    }

    #[test]
    fn a_rule_that_is_switched_off_or_excepted_does_not_refuse() {
        let off = "[[check.disable]]\nrule = \"r/*\"\nreason = \"not for us\"\n";
        assert_eq!(outcome(off, with(vec![], vec![error()])), Outcome::Pass);
        let except = |day: &str| format!("[[check.suppress]]\nrule = \"r/x\"\nreason = \"r\"\nexpires = {day}\n");
        assert_eq!(outcome(&except("2026-11-22"), with(vec![], vec![error()])), Outcome::Pass);
        assert_eq!(outcome(&except("2026-11-21"), with(vec![], vec![error()])), Outcome::Fail);
    }

    #[test]
    fn an_exception_that_has_ended_is_said_once() {
        let policy =
            Policy::parse("[[check.suppress]]\nrule = \"r/x\"\nreason = \"r\"\nexpires = 2020-01-01\n").unwrap();
        let report = with(vec![], vec![error(), error()]);
        let assessment = assess(&ChangeSet::default(), vec![report], &policy, Author::Human, today());
        let rules: Vec<&str> = assessment.findings.iter().map(|it| it.finding.rule.as_ref()).collect();
        assert_eq!(rules, ["r/x", "r/x", "suppression-expired"]);
    }

    #[test]
    fn what_is_gone_is_counted_and_refuses_nothing() {
        let policy = Policy::default();
        let report = with(vec![error()], vec![]);
        let assessment = assess(&ChangeSet::default(), vec![report], &policy, Author::Human, today());
        assert_eq!((assessment.outcome, assessment.count(State::Absent)), (Outcome::Pass, 1));
    }
}
