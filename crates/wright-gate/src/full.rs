//! Judges a patch: the static checks first, then the project's own tests on a fresh copy of the base commit.

use std::path::{Path, PathBuf};

use wright_repo::protected::{self, Approvals, ProtectedChange};
use wright_repo::{Applied, CommitId, RepoError, Repository, Worktree, project};
use wright_sandbox::Sandbox;
use wright_text::Patch;

use crate::checks::{self, STATIC, protected_paths};
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
/// The tests run twice, so that a test which passes only sometimes does not let a change through by luck. A change to a test
/// or a protected file is refused unless `approvals` names the file.
pub async fn judge(
    sandbox: &Sandbox,
    setup: &TestSetup,
    baseline: &Baseline,
    pristine: &Worktree,
    patch: Patch,
    approvals: &Approvals,
) -> Result<Judgement, GateError> {
    let refused = |findings| Ok(Judgement::Refused(Verdict::Fail(findings)));
    if patch.is_empty() {
        return refused(vec![Finding::error("changes", "changes nothing")]);
    }
    let mut errors = errors_only(checks::run_static(&patch));
    errors.retain(|it| !is_approved(it, approvals));
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
    let checks = records(setup, baseline, &run, &approved(&patch, approvals));
    Ok(Judgement::Verified { patch: Verified::stamp(patch, Against::Commit(baseline.base.clone()), checks), run })
}

/// Says whether a finding only asks for an approval that was given.
fn is_approved(finding: &Finding, approvals: &Approvals) -> bool {
    finding.check == protected_paths::NAME && finding.path.as_deref().is_some_and(|path| approvals.allow(path))
}

fn approved<'a>(patch: &'a Patch, approvals: &Approvals) -> Vec<&'a Path> {
    patch.files.keys().map(PathBuf::as_path).filter(|path| approvals.allow(path)).collect()
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

fn records(setup: &TestSetup, baseline: &Baseline, run: &TestRun, approved: &[&Path]) -> Vec<CheckRecord> {
    let static_checks = STATIC.iter().map(|it| CheckRecord { check: it.name, detail: promise(it, approved) });
    let command = setup.argv.join(" ");
    let tests = CheckRecord {
        check: test_run::NAME,
        detail: format!("`{command}`: {} before, {} after, run twice", baseline.run.summary(), run.summary()),
    };
    static_checks.chain([tests]).collect()
}

/// Returns what a check promises, with the files that a person has exempted from it.
fn promise(check: &checks::StaticCheck, approved: &[&Path]) -> String {
    if check.name != protected_paths::NAME || approved.is_empty() {
        return check.promise.to_owned();
    }
    let names: Vec<String> = approved.iter().map(|path| format!("{path:?}")).collect();
    format!("{}, except for what a person approved by name: {}", check.promise, names.join(", "))
}

/// Why a verified patch was not put into the checkout. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// It changes protected files that nobody approved by name.
    #[error("apply a change to protected files that nobody approved: {}", listed(changes))]
    NeedsApproval {
        /// The files, and why each is protected.
        changes: Vec<ProtectedChange>,
    },
    /// The checkout could not take it.
    #[error(transparent)]
    Repo(#[from] RepoError),
}

impl ApplyError {
    /// Returns what to try next, as a full sentence, where there is something to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NeedsApproval { .. } => Some("Read the change to each of them, then approve it by its name."),
            Self::Repo(error) => error.hint(),
        }
    }
}

fn listed(changes: &[ProtectedChange]) -> String {
    let lines: Vec<String> = changes.iter().map(|it| format!("{:?} {}", it.path, it.why())).collect();
    lines.join("; ")
}

/// Lists what in a patch needs a person's named approval before it can be applied.
pub fn unapproved(patch: &Patch, approvals: &Approvals) -> Vec<ProtectedChange> {
    let mut changes = protected::protected_files(&patch.files);
    changes.retain(|it| !approvals.allow(&it.path));
    changes
}

/// Puts a verified patch into the user's checkout, where every file it touches must still be as it was judged.
///
/// Protected files in it must be approved by name, here again and not only when the patch was judged: the checkout is where
/// they start to have an effect.
///
/// Invariant: this is the only way for a patch into a checkout; a lint forbids the repository's own method elsewhere.
#[expect(clippy::disallowed_methods, reason = "a verified patch is what the ban protects")]
pub fn apply(repo: &Repository, patch: &Verified<Patch>, approvals: &Approvals) -> Result<Applied, ApplyError> {
    let changes = unapproved(patch.change(), approvals);
    if !changes.is_empty() {
        return Err(ApplyError::NeedsApproval { changes });
    }
    match patch.against() {
        Against::Commit(base) => Ok(repo.apply(patch.change(), base)?),
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

#[cfg(test)]
mod tests {
    use std::process::Command;

    use wright_text::FileChange;

    use super::*;

    /// Makes a repository with one commit in a folder of its own.
    #[expect(clippy::disallowed_methods, reason = "the git program makes the repository to test on")]
    fn repository(files: &[(&str, &str)]) -> (tempfile::TempDir, Repository) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        for words in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "x"]] {
            let mut git = Command::new("git");
            git.current_dir(folder.path()).env("GIT_CONFIG_GLOBAL", "/dev/null");
            git.args(["-c", "user.name=a", "-c", "user.email=a@example.com"]).args(words);
            assert!(git.status().unwrap().success());
        }
        let repo = Repository::discover(folder.path()).unwrap();
        (folder, repo)
    }

    fn verified(repo: &Repository, files: &[(&str, Option<&str>, Option<&str>)]) -> Verified<Patch> {
        let mut patch = Patch::default();
        for (path, before, after) in files {
            let change = FileChange { before: before.map(str::to_owned), after: after.map(str::to_owned) };
            patch.files.insert(path.into(), change);
        }
        Verified::stamp(patch, Against::Commit(repo.head().unwrap()), Vec::new())
    }

    #[test]
    fn a_protected_file_is_applied_only_when_its_own_name_is_approved() {
        let (folder, repo) = repository(&[("a.py", "a\n")]);
        let patch =
            verified(&repo, &[("a.py", Some("a\n"), Some("b\n")), (".github/workflows/ci.yml", None, Some("x"))]);

        for approvals in [Approvals::none(), Approvals::of([".github", "a.py", ".github/workflows/CI.yml"])] {
            let error = apply(&repo, &patch, &approvals).unwrap_err();
            let ApplyError::NeedsApproval { changes } = error else { panic!("{error}") };
            assert_eq!(changes.len(), 1);
            assert_eq!(std::fs::read_to_string(folder.path().join("a.py")).unwrap(), "a\n");
            assert!(!folder.path().join(".github").exists());
        }
        apply(&repo, &patch, &Approvals::of([".github/workflows/ci.yml"])).unwrap();
        assert_eq!(std::fs::read_to_string(folder.path().join(".github/workflows/ci.yml")).unwrap(), "x");
    }

    #[test]
    fn the_message_names_each_file_and_why() {
        let (_folder, repo) = repository(&[("Makefile", "all:\n")]);
        let patch = verified(&repo, &[("Makefile", Some("all:\n"), None), ("x\n.envrc", None, Some("x"))]);

        let error = apply(&repo, &patch, &Approvals::none()).unwrap_err();

        let expected = "apply a change to protected files that nobody approved: \"Makefile\" runs code when the project \
                        is built, installed or tested";
        assert_eq!(error.to_string(), expected);
        assert!(error.hint().unwrap().ends_with('.'));
    }

    #[test]
    fn a_receipt_says_which_files_were_exempted() {
        let check = &STATIC[0];

        assert_eq!(promise(check, &[]), "no test, test configuration or trust file changed");
        let exempted = promise(check, &[Path::new("tests/a.py")]);
        assert!(exempted.ends_with("except for what a person approved by name: \"tests/a.py\""), "{exempted}");
    }
}
