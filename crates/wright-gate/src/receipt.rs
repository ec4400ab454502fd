//! The receipt of a check: who proposed what, on which base, what ran and what did not, and what came of it.
//!
//! It holds only what was observed. Digests in it can be computed again from the repository, see [`Receipt::compare`]. The
//! same words stand in the receipts of tasks (`wright-agent`).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::assessment::{Assessed, Assessment};
use crate::identity::is_secret;
use crate::policy::Author;
use crate::wire::WireFinding;
use crate::{CheckReport, CheckStatus};

/// The format's name and version. A reader refuses versions it does not know.
pub const SCHEMA: &str = "wright.check-receipt/1";

/// The type of the predicate in an attestation.
pub const PREDICATE_TYPE: &str = "urn:codewright:check-receipt:1";

/// What was judged, as digests and names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// `human` or `agent`.
    pub author: String,
    /// The name of the agent or tool, where it was given.
    pub author_name: Option<String>,
    /// The commit that was judged against; none before the first one.
    pub base_commit: Option<String>,
    /// The tree of that commit.
    pub base_tree: Option<String>,
    /// `commit`, `staged`, `checkout`, `patch` or `text`.
    pub head_kind: String,
    /// The commit that was judged, where it was one.
    pub head_commit: Option<String>,
    /// The tree of that commit.
    pub head_tree: Option<String>,
    /// SHA-256 over everything the change does to files.
    pub patch_sha256: String,
    /// SHA-256 of the policy that held.
    pub policy_sha256: String,
    /// The version of this program.
    pub version: String,
    /// When it was judged, in RFC 3339.
    pub judged_at: String,
}

/// The receipt of one check of one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// [`SCHEMA`].
    pub schema: String,
    /// What was judged.
    #[serde(flatten)]
    pub facts: Facts,
    /// `pass`, `fail` or `inconclusive`.
    pub verdict: String,
    /// The checks and how far each got.
    pub checks: Vec<ReceiptCheck>,
    /// What the change is answerable for.
    pub(crate) findings: Vec<ReceiptFinding>,
    /// How many findings were there before and still are.
    pub n_unchanged: usize,
    /// How many new findings an exception covers.
    pub n_suppressed: usize,
}

/// One check in a receipt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReceiptCheck {
    /// The check.
    pub check: String,
    /// The program that did it, where it was another one.
    pub tool: Option<String>,
    /// That program's version.
    pub tool_version: Option<String>,
    /// `ran`, `partial`, `not-run` or `failed`.
    pub status: String,
    /// Why it did not run, or how it failed.
    pub reason: Option<String>,
    /// How many files it looked at.
    pub n_analysed: usize,
    /// What it left out, with why.
    pub left_out: Vec<(String, String)>,
    /// How long it took.
    pub seconds: f64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ReceiptFinding {
    #[serde(flatten)]
    finding: WireFinding,
    fingerprint: String,
    blocks: bool,
}

impl Receipt {
    /// Writes down an assessment.
    pub fn of(facts: Facts, assessment: &Assessment) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            facts,
            verdict: assessment.outcome.as_str().to_owned(),
            checks: assessment.checks.iter().map(ReceiptCheck::of).collect(),
            findings: assessment.new_findings().map(ReceiptFinding::of).collect(),
            n_unchanged: assessment.count(crate::ratchet::State::Unchanged),
            n_suppressed: assessment.n_suppressed(),
        }
    }

    /// Returns the receipt as JSON.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("a receipt has only strings and finite numbers")
    }

    /// Reads a receipt; `None` when it is not one, or of a version this program does not know.
    pub fn from_json(value: &Value) -> Option<Self> {
        let receipt: Self = serde_json::from_value(value.clone()).ok()?;
        (receipt.schema == SCHEMA).then_some(receipt)
    }

    /// Returns the receipt as a statement of in-toto, version 1, for signing by whoever holds a key.
    pub fn to_statement(&self) -> Value {
        let mut digest = json!({ "sha256": self.facts.patch_sha256 });
        if let (Some(commit), Some(tree)) = (&self.facts.head_commit, &self.facts.head_tree) {
            digest = json!({ "gitCommit": commit, "gitTree": tree });
        }
        let name = self.facts.head_commit.clone().unwrap_or_else(|| self.facts.head_kind.clone());
        json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": name, "digest": digest }],
            "predicateType": PREDICATE_TYPE,
            "predicate": self.to_json(),
        })
    }

    /// Returns the line for the end of a commit's message.
    pub fn to_trailer(&self) -> String {
        let base = self.facts.base_commit.as_deref().map_or("none", |it| it.get(..12).unwrap_or(it));
        let n_ran = self.checks.iter().filter(|it| it.status == "ran").count();
        let n_blocking = self.findings.iter().filter(|it| it.blocks).count();
        format!(
            "Wright-Check: {} base={base} patch=sha256:{} checks={n_ran}/{} findings={} blocking={n_blocking} version={}",
            self.verdict,
            self.facts.patch_sha256,
            self.checks.len(),
            self.findings.len(),
            self.facts.version,
        )
    }

    /// Compares what the receipt states with what the repository says now; each row is what, and whether it is the same.
    pub fn compare(&self, now: &Facts) -> Vec<(&'static str, bool)> {
        let then = &self.facts;
        let mut rows = vec![
            ("base commit", then.base_commit == now.base_commit),
            ("base tree", then.base_tree == now.base_tree),
            ("policy", then.policy_sha256 == now.policy_sha256),
        ];
        if then.head_commit.is_some() {
            rows.push(("head commit", then.head_commit == now.head_commit));
            rows.push(("head tree", then.head_tree == now.head_tree));
        }
        rows.push(("patch", then.patch_sha256 == now.patch_sha256));
        rows
    }
}

impl ReceiptCheck {
    pub(crate) fn of(report: &CheckReport) -> Self {
        let (status, reason, left_out) = match &report.status {
            CheckStatus::Ran => ("ran", None, Vec::new()),
            CheckStatus::Partial(left_out) => {
                let rows = left_out.iter().map(|(path, why)| (path.to_string_lossy().into_owned(), why.clone()));
                ("partial", None, rows.collect())
            }
            CheckStatus::NotRun(reason) => ("not-run", Some(reason.clone()), Vec::new()),
            CheckStatus::Failed(reason) => ("failed", Some(reason.clone()), Vec::new()),
        };
        Self {
            check: report.check.to_owned(),
            tool: report.tool.as_ref().map(|it| it.name.clone()),
            tool_version: report.tool.as_ref().map(|it| it.version.clone()),
            status: status.to_owned(),
            reason,
            n_analysed: report.analysed.len(),
            left_out,
            seconds: (report.duration.as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }
}

impl ReceiptFinding {
    pub(crate) fn of(assessed: &Assessed) -> Self {
        let mut finding = WireFinding::from(&assessed.finding);
        if is_secret(&assessed.finding) {
            // Where a value passes through, a step may quote it.
            finding.trace.clear();
        }
        Self { finding, fingerprint: assessed.fingerprint.clone(), blocks: assessed.blocks }
    }
}

/// Returns the word for who wrote a change.
pub fn author_word(author: Author) -> String {
    author.as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Finding;
    use crate::assessment::assess;
    use crate::change::ChangeSet;
    use crate::policy::Policy;

    fn facts() -> Facts {
        Facts {
            author: "agent".to_owned(),
            author_name: Some("someone".to_owned()),
            base_commit: Some("a".repeat(40)),
            base_tree: Some("b".repeat(40)),
            head_kind: "commit".to_owned(),
            head_commit: Some("c".repeat(40)),
            head_tree: Some("d".repeat(40)),
            patch_sha256: "e".repeat(64),
            policy_sha256: "f".repeat(64),
            version: "1".to_owned(),
            judged_at: "2026-11-22T00:00:00Z".to_owned(),
        }
    }

    fn receipt() -> Receipt {
        let report = CheckReport {
            after: vec![Finding::error("c", "m").at("a.py", Some(1))],
            analysed: vec!["a.py".into()],
            ..CheckReport::ran("c")
        };
        let reports = vec![report, CheckReport::not_run("mypy", "it is not installed")];
        let today = chrono::NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        Receipt::of(facts(), &assess(&ChangeSet::default(), reports, &Policy::default(), Author::Agent, today))
    }

    #[test]
    fn a_receipt_is_read_back_as_it_was_written() {
        let receipt = receipt();
        assert_eq!(Receipt::from_json(&receipt.to_json()), Some(receipt.clone()));
        let mut other = receipt.to_json();
        other["schema"] = "wright.check-receipt/2".into();
        assert_eq!(Receipt::from_json(&other), None);
        assert_eq!(receipt.checks[1].reason.as_deref(), Some("it is not installed"));
    }

    #[test]
    fn a_trailer_is_one_line_with_the_figures() {
        let expected = format!(
            "Wright-Check: fail base=aaaaaaaaaaaa patch=sha256:{} checks=1/2 findings=1 blocking=1 version=1",
            "e".repeat(64)
        );
        assert_eq!(receipt().to_trailer(), expected);
    }

    #[test]
    fn a_statement_names_the_commit_that_was_judged() {
        let statement = receipt().to_statement();
        assert_eq!(statement["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(statement["subject"][0]["digest"]["gitCommit"], "c".repeat(40));
        assert_eq!(statement["predicate"]["verdict"], "fail");
    }

    #[test]
    fn what_no_longer_matches_is_named() {
        let mut now = facts();
        now.patch_sha256 = "0".repeat(64);
        let differing: Vec<&str> = receipt().compare(&now).into_iter().filter(|it| !it.1).map(|it| it.0).collect();
        assert_eq!(differing, ["patch"]);
    }
}
