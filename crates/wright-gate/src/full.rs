//! Judges a patch: the static checks first, then the project's own tests on a fresh copy of the base commit.

use std::path::Path;

use wright_repo::{Applied, CommitId, RepoError, Repository, Worktree, project};
use wright_sandbox::Sandbox;
use wright_text::Patch;

use crate::checks::{self, STATIC};
pub use crate::test_run::TestSetup;
use crate::test_run::{self, NAME as TESTS};
use crate::{
    Against, CheckRecord, Comparison, Finding, GateError, Severity, TestRun, TestStatus, Verdict, Verified, run_tests,
};

/// The state before any change: what the tests said at the base commit.
#[derive(Debug, Clone)]
pub struct Baseline {
    /// The commit.
    pub base: CommitId,
    /// The run of its tests.
    pub run: TestRun,
}

impl Baseline {
    /// Runs the tests of a fresh copy of the base commit.
    pub async fn measure(sandbox: &Sandbox, setup: &TestSetup, pristine: &Worktree) -> Result<Self, GateError> {
        let run = run_tests(sandbox, setup, pristine.root()).await?;
        Ok(Self { base: pristine.base().clone(), run })
    }
}

/// What the gate made of a patch.
#[derive(Debug, Clone)]
pub enum Judgement {
    /// It passed.
    Verified {
        /// The stamped patch.
        patch: Verified<Patch>,
        /// The run of the tests that decided.
        run: TestRun,
    },
    /// It did not, or it could not be decided. Never [`Verdict::Pass`].
    Refused(Verdict),
}

/// Judges `patch` on `pristine`, a copy of the base commit that nothing has touched. The copy is changed by this.
///
/// The tests run twice, so that a test which passes only sometimes does not let a change through by luck.
pub async fn judge(
    sandbox: &Sandbox,
    setup: &TestSetup,
    baseline: &Baseline,
    pristine: &Worktree,
    patch: Patch,
) -> Result<Judgement, GateError> {
    let refused = |findings| Ok(Judgement::Refused(Verdict::Fail(findings)));
    if patch.is_empty() {
        return refused(vec![Finding::error("changes", "changes nothing")]);
    }
    let errors = errors_only(checks::run_static(&patch));
    if !errors.is_empty() {
        return refused(errors);
    }
    write(pristine, &patch)?;
    let mut run = None;
    for _ in 0..2 {
        let this = run_tests(sandbox, setup, pristine.root()).await?;
        if this.status == TestStatus::NotFound {
            let finding = Finding::error(TESTS, format!("cannot run `{}`: command not found", setup.argv.join(" ")));
            return Ok(Judgement::Refused(Verdict::Inconclusive(vec![finding])));
        }
        let comparison = Comparison::of(&baseline.run, &this);
        if !comparison.is_clean() {
            return refused(comparison.findings);
        }
        run = Some(this);
    }
    let tampered = changed_by_the_run(pristine, &patch)?;
    if !tampered.is_empty() {
        return refused(tampered);
    }
    let run = run.expect("the loop above runs twice");
    let checks = records(setup, baseline, &run);
    Ok(Judgement::Verified { patch: Verified::stamp(patch, Against::Commit(baseline.base.clone()), checks), run })
}

fn errors_only(findings: Vec<Finding>) -> Vec<Finding> {
    findings.into_iter().filter(|it| it.severity == Severity::Error).collect()
}

fn write(worktree: &Worktree, patch: &Patch) -> Result<(), GateError> {
    for (path, change) in &patch.files {
        match &change.after {
            Some(text) => worktree.write(path, text)?,
            None => worktree.remove(path)?,
        }
    }
    Ok(())
}

/// Reports tests and configuration that the test run itself rewrote: code under test may do so to pass.
fn changed_by_the_run(worktree: &Worktree, patch: &Patch) -> Result<Vec<Finding>, GateError> {
    let is_protected = |path: &Path| project::is_test_path(path) || project::is_protected_path(path).is_some();
    let now = worktree.changes(is_protected)?;
    let omitted = now.omitted.iter().filter(|it| it.is_tracked).map(|it| &it.path);
    let touched = now.patch.files.keys().chain(omitted);
    let rewritten = touched.filter(|path| !patch.files.contains_key(*path) && is_protected(path));
    Ok(rewritten.map(|path| Finding::error(TESTS, "the test run rewrote this file").at(path, None)).collect())
}

fn records(setup: &TestSetup, baseline: &Baseline, run: &TestRun) -> Vec<CheckRecord> {
    let static_checks = STATIC.iter().map(|it| CheckRecord { check: it.name, detail: it.promise.to_owned() });
    let command = setup.argv.join(" ");
    let tests = CheckRecord {
        check: test_run::NAME,
        detail: format!("`{command}`: {} before, {} after, run twice", baseline.run.summary(), run.summary()),
    };
    static_checks.chain([tests]).collect()
}

/// Puts a verified patch into the user's checkout, where every file it touches must still be as it was judged.
///
/// Invariant: this is the only way for a patch into a checkout; a lint forbids the repository's own method elsewhere.
#[expect(clippy::disallowed_methods, reason = "a verified patch is what the ban protects")]
pub fn apply(repo: &Repository, patch: &Verified<Patch>) -> Result<Applied, RepoError> {
    match patch.against() {
        Against::Commit(base) => repo.apply(patch.change(), base),
        Against::Document { .. } => unreachable!("the gate stamps patches against commits only"),
    }
}

/// Restores the stamp on a patch that was verified before and kept since.
///
/// `digest` is the one in the receipt that was written when the patch passed; a patch that differs from it by a byte is
/// not the one that was judged and gets no stamp.
pub fn reopen(patch: Patch, base: CommitId, digest: &str, checks: Vec<CheckRecord>) -> Option<Verified<Patch>> {
    (digest_of(&patch) == digest).then(|| Verified::stamp(patch, Against::Commit(base), checks))
}

/// Returns the SHA-256 of a patch, in hexadecimal, as receipts state it.
pub fn digest_of(patch: &Patch) -> String {
    crate::hex_digest(&patch.canonical_bytes())
}
