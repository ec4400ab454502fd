//! One fix as a task: its folder, its record in the store, and its end as a proposal or a refusal.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use wright_gate::full::{self, Baseline, Judgement};
use wright_gate::{Finding, TestRun, TestSetup, TestStatus, Verdict};
use wright_repo::project::{self, TestKind};
use wright_repo::protected::Approvals;
use wright_repo::{CommitId, History, Repository, Worktree};
use wright_sandbox::Limits;
use wright_store::{NewTask, Proposal as StoredProposal, TaskId, TaskStatus};
use wright_text::neutral_line;

use super::search::{Found, Search, SearchContext, Spending};
use super::{Deps, Outcome, Proposal, Refusal, Request, SearchEnd, TREES, dependencies};
use crate::boundary::{Origin, Taint};
use crate::receipt::{Receipt, ReceiptCheck, SCHEMA};
use crate::{AgentError, Event, stored_patch};

/// A fix under way.
pub(super) struct Task<'a> {
    deps: &'a Deps,
    request: &'a Request,
    id: TaskId,
    folder: PathBuf,
    pristine: Worktree,
    history: History,
    setup: TestSetup,
    started: Instant,
}

impl<'a> Task<'a> {
    /// Records the task and copies the base commit.
    pub(super) async fn start(deps: &'a Deps, repo: &Repository, request: &'a Request) -> Result<Self, AgentError> {
        let started = Instant::now();
        let status = repo.status()?;
        if !status.changed.is_empty() {
            return Err(AgentError::DirtyCheckout { paths: status.changed });
        }
        let base = repo.head()?;
        let (mut setup, reason) = test_setup(deps, repo, request)?;
        let new = NewTask {
            kind: "fix".to_owned(),
            repository: repo.root().to_owned(),
            base_commit: base.to_string(),
            request: json!({ "command": setup.argv, "seed": request.seed, "model": deps.provider.model(),
                "max_candidates": request.max_candidates, "time_limit_seconds": request.time_limit.as_secs() }),
        };
        let id = deps.store.create_task(new).await?;
        let folder = deps.tasks_folder.join(id.to_string());
        let pristine = repo.export(&base, &folder.join("base"))?;
        let history = repo.create_history(&base, &folder.join("git"))?;
        dependencies::link_installed(repo, &pristine, &mut setup)?;
        (deps.reporter)(Event::Started {
            task: id.to_string(),
            base: base.to_string(),
            command: setup.argv.join(" "),
            reason,
        });
        Ok(Self { deps, request, id, folder, pristine, history, setup, started })
    }

    /// Runs the task to its end. Trees are removed; transcript and receipt stay.
    pub(super) async fn run(mut self) -> Result<Outcome, AgentError> {
        let outcome = match self.fetch_missing().await {
            Ok(()) => self.search_and_judge().await,
            Err(error) => Err(error),
        };
        for tree in TREES {
            remove_tree(&self.folder.join(tree))?;
        }
        match &outcome {
            Ok(_) => self.export_transcript().await?,
            Err(error) => {
                self.record("failed", json!({ "error": error.to_string() })).await?;
                self.deps.store.finish(&self.id, TaskStatus::Failed).await?;
            }
        }
        outcome
    }

    async fn fetch_missing(&mut self) -> Result<(), AgentError> {
        let Some(fetching) = &self.deps.fetching else { return Ok(()) };
        let folder = self.folder.join("setup");
        let setup = &mut self.setup;
        dependencies::fetch_missing(self.deps, fetching, &self.id, &self.pristine, &folder, setup).await
    }

    async fn search_and_judge(&self) -> Result<Outcome, AgentError> {
        // From here on the model is shown the repository's text and what its tests print.
        let mut taint = Taint::default();
        [Origin::Repository, Origin::Tool].into_iter().for_each(|it| taint.read(it));
        let by: Vec<&str> = taint.by().iter().map(|it| it.name()).collect();
        self.record("tainted", json!({ "by": by })).await?;
        self.record("baseline-started", json!({ "command": self.setup.argv })).await?;
        let trial = self.fork("search-0")?;
        let baseline = Baseline::measure(&self.deps.sandbox, &self.setup, &trial).await?;
        self.record("baseline", run_json(&baseline.run)).await?;
        (self.deps.reporter)(Event::Baseline(baseline.run.clone()));
        self.ensure_usable(&baseline.run)?;
        if baseline.run.is_passing() {
            self.deps.store.finish(&self.id, TaskStatus::Proposed).await?;
            return Ok(Outcome::NothingToFix(baseline.run));
        }
        let trees = vec![trial, self.fork("search-1")?];
        let ctx = SearchContext {
            deps: self.deps,
            request: self.request,
            task: &self.id,
            history: &self.history,
            started: self.started,
        };
        let mut search = Search::new(ctx, &self.setup, &baseline, trees);
        loop {
            let found = search.next_passing().await?;
            let Found::Passing(candidate) = found else { return self.refuse(search, found, &baseline).await };
            self.record("judging", json!({ "patch": candidate.to_unified_diff() })).await?;
            (self.deps.reporter)(Event::Judging);
            let judged = self.fork("judged")?;
            // A repair never needs a test or a protected file, so nobody is asked to approve one.
            let approvals = Approvals::none();
            let judgement =
                full::judge(&self.deps.sandbox, &self.setup, &baseline, &judged, candidate, &approvals).await?;
            search.spending.test_runs += 2;
            let what = if matches!(judgement, Judgement::Verified { .. }) { "verified" } else { "refused" };
            record_state(self.deps, &self.id, &self.history, &judged, what).await?;
            remove_tree(judged.root())?;
            match judgement {
                Judgement::Verified { patch, run } => {
                    return self.propose(&search.spending, patch, run, &baseline.base).await;
                }
                Judgement::Refused(Verdict::Inconclusive(findings)) => {
                    return self.refuse(search, Found::Undecided(findings), &baseline).await;
                }
                Judgement::Refused(Verdict::Fail(findings)) => search.refused_by_the_gate(findings),
                Judgement::Refused(Verdict::Pass) => unreachable!("the gate never refuses with a pass"),
            }
        }
    }

    /// Returns a fresh copy of the base commit, with a git of its own for commands that need one.
    fn fork(&self, name: &str) -> Result<Worktree, AgentError> {
        let path = self.folder.join(name);
        remove_tree(&path)?;
        let tree = self.pristine.fork(&path)?;
        self.history.lend_git(&tree)?;
        Ok(tree)
    }

    fn ensure_usable(&self, run: &TestRun) -> Result<(), AgentError> {
        let command = self.setup.argv.join(" ");
        if run.status == TestStatus::NotFound {
            let what = last_line(&run.output).unwrap_or("command not found").to_owned();
            return Err(AgentError::TestCommand { command, what });
        }
        let missing_module = run.output.contains("No module named pytest");
        if missing_module && self.setup.kind == TestKind::Pytest {
            return Err(AgentError::TestCommand { command, what: "pytest is not installed".to_owned() });
        }
        Ok(())
    }

    async fn propose(
        &self,
        spending: &Spending,
        patch: wright_gate::Verified<wright_text::Patch>,
        run: TestRun,
        base: &CommitId,
    ) -> Result<Outcome, AgentError> {
        let mut receipt = self.receipt("proposed", spending, base, &run);
        receipt.patch_sha256 = full::digest_of(patch.change());
        receipt.checks = patch
            .checks()
            .iter()
            .map(|it| ReceiptCheck { check: it.check.to_owned(), detail: it.detail.clone() })
            .collect();
        let diff = patch.change().to_unified_diff();
        let stored = StoredProposal {
            patch: stored_patch::to_json(patch.change()).to_string(),
            diff: diff.clone(),
            receipt: receipt.to_json(),
        };
        self.deps.store.save_proposal(&self.id, stored).await?;
        self.record("proposed", receipt.to_json()).await?;
        self.deps.store.finish(&self.id, TaskStatus::Proposed).await?;
        self.write("patch.diff", &diff)?;
        self.write_receipt(&receipt)?;
        let folder = self.folder.clone();
        Ok(Outcome::Proposed(Box::new(Proposal { task: self.id.to_string(), patch, run, receipt, folder })))
    }

    async fn refuse(&self, search: Search<'_>, found: Found, baseline: &Baseline) -> Result<Outcome, AgentError> {
        let (end, status, word, mut findings) = match found {
            Found::Undecided(findings) => (SearchEnd::Undecided, TaskStatus::Inconclusive, "inconclusive", findings),
            Found::BudgetSpent => (SearchEnd::BudgetSpent, TaskStatus::Exhausted, "exhausted", Vec::new()),
            Found::Passing(_) | Found::AllTried => (SearchEnd::AllTried, TaskStatus::Refused, "refused", Vec::new()),
        };
        findings.extend(search.telling_findings());
        let mut receipt = self.receipt(word, &search.spending, &baseline.base, &baseline.run);
        receipt.findings = findings.iter().map(Finding::to_string).collect();
        self.record(word, receipt.to_json()).await?;
        self.deps.store.finish(&self.id, status).await?;
        self.write_receipt(&receipt)?;
        let folder = self.folder.clone();
        Ok(Outcome::Refused(Box::new(Refusal { task: self.id.to_string(), end, findings, receipt, folder })))
    }

    fn receipt(&self, status: &str, spending: &Spending, base: &CommitId, run: &TestRun) -> Receipt {
        Receipt {
            schema: SCHEMA.to_owned(),
            task: self.id.to_string(),
            status: status.to_owned(),
            base_commit: base.to_string(),
            patch_sha256: String::new(),
            model: self.deps.provider.model().to_owned(),
            prompts_sha256: spending.prompts_digest(),
            seed: self.request.seed,
            sandbox_level: format!("{:?}", run.level),
            sandbox_limits: self.deps.sandbox.limits().name().to_owned(),
            test_command: self.setup.argv.clone(),
            checks: Vec::new(),
            findings: Vec::new(),
            spent: spending.spent(self.started.elapsed()),
        }
    }

    async fn record(&self, kind: &str, payload: Value) -> Result<(), AgentError> {
        self.deps.store.record(&self.id, kind, payload).await?;
        Ok(())
    }

    async fn export_transcript(&self) -> Result<(), AgentError> {
        let transcript = self.deps.store.export_transcript(&self.id).await?;
        self.write("transcript.jsonl", &transcript)
    }

    fn write_receipt(&self, receipt: &Receipt) -> Result<(), AgentError> {
        self.write("receipt.json", &format!("{:#}\n", receipt.to_json()))
    }

    fn write(&self, name: &str, text: &str) -> Result<(), AgentError> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(|source| AgentError::Io { path, source })
    }
}

/// Decides how the tests are run, and why so.
fn test_setup(deps: &Deps, repo: &Repository, request: &Request) -> Result<(TestSetup, String), AgentError> {
    let detected = project::detect(repo.root()).into_iter().next();
    let (argv, kind, dir, reason) = match (&request.command, detected) {
        (Some(argv), _) => (argv.clone(), project::classify(argv), PathBuf::new(), "given".to_owned()),
        (None, Some(it)) => (it.argv, it.kind, it.dir, it.reason),
        (None, None) => return Err(AgentError::NoTestCommand { root: repo.root().to_owned() }),
    };
    let argv = with_names(kind, argv);
    let limits = Limits { wall: request.test_time_limit, cpu: request.test_time_limit, ..Limits::default() };
    let setup = TestSetup {
        argv,
        dir,
        kind,
        env: deps.toolchains.env(),
        read_only: deps.toolchains.read_only(),
        limits,
        minimum_level: request.minimum_level,
    };
    Ok((setup, reason))
}

/// Asks the runner to list each test by name, where that needs a flag. What is tested stays the same.
fn with_names(kind: TestKind, mut argv: Vec<String>) -> Vec<String> {
    let has = |flag: &str| argv.iter().any(|it| it == flag);
    let flags: &[&str] = match kind {
        TestKind::Pytest if !argv.iter().any(|it| it.starts_with("-r")) => &["-rA"],
        TestKind::Unittest if !has("-v") && !has("--verbose") => &["-v"],
        TestKind::Go if !has("-v") && !has("-json") => &["-v"],
        TestKind::Pytest
        | TestKind::Unittest
        | TestKind::Go
        | TestKind::Cargo
        | TestKind::Node
        | TestKind::Npm(_)
        | TestKind::Maven
        | TestKind::Gradle
        | TestKind::Make
        | TestKind::Custom => &[],
    };
    // A shell line or a wrapper would take the flag for itself.
    let knows_flags =
        matches!(argv.first().map(|it| base_name(it)), Some("pytest" | "go")) || argv.iter().any(|it| it == "-m");
    if knows_flags {
        let at = if kind == TestKind::Go { 2.min(argv.len()) } else { argv.len() };
        argv.splice(at..at, flags.iter().map(|it| (*it).to_owned()));
    }
    argv
}

fn base_name(program: &str) -> &str {
    Path::new(program).file_name().and_then(|it| it.to_str()).unwrap_or(program)
}

/// Records the state of a tree in the task's history. One that cannot be recorded is noted, and stops nobody: the patch itself
/// is kept elsewhere.
pub(super) async fn record_state(
    deps: &Deps,
    task: &TaskId,
    history: &History,
    tree: &Worktree,
    what: &str,
) -> Result<(), AgentError> {
    let payload = match history.snapshot(tree, &neutral_line(what)) {
        Ok(snapshot) => {
            let left_out: Vec<_> = snapshot.left_out.iter().map(|it| &it.path).collect();
            json!({ "what": what, "commit": snapshot.commit.to_string(), "left_out": left_out })
        }
        Err(error) => json!({ "what": what, "error": error.to_string() }),
    };
    deps.store.record(task, "snapshot", payload).await?;
    Ok(())
}

fn remove_tree(path: &Path) -> Result<(), AgentError> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(AgentError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

fn last_line(output: &str) -> Option<&str> {
    output.lines().rev().find(|it| !it.trim().is_empty())
}

pub(super) fn run_json(run: &TestRun) -> Value {
    json!({ "summary": run.summary(), "seconds": run.duration.as_secs_f64(), "level": format!("{:?}", run.level), "output": run.output })
}
