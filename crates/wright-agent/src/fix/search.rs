//! The search: while the model thinks, the tests judge.
//!
//! The proposer runs beside the tests. What the model filled in or wrote comes first; while there is none of that, the next
//! syntax edit in the model's ranking is tested, so neither the model nor the tests wait for the other.

use std::collections::{HashMap, HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::json;
use wright_gate::full::Baseline;
use wright_gate::{Comparison, Finding, TestRun, TestSetup, TestStatus, run_tests};
use wright_provider::ProviderError;
use wright_repo::{History, Worktree};
use wright_sandbox::Sandbox;
use wright_store::TaskId;
use wright_text::{FileChange, Patch};

use super::candidate::{Candidate, Source};
use super::localize::localize;
use super::proposer::{Batch, Proposals, Proposer};
use super::task::record_state;
use super::{Deps, Request};
use crate::event::Tried;
use crate::receipt::Spent;
use crate::{AgentError, Event};

/// How many suspects are worked on at once.
const MAX_PLACES: usize = 4;

/// A run of the tests on a candidate may take this many times as long as the baseline did; a loop that never ends is the
/// usual result of a wrong edit and must not eat the budget.
const SLOWDOWN: u32 = 6;

/// What a search step ended with.
pub(super) enum Found {
    /// A candidate passes the tests; this is everything that changed since the base commit.
    Passing(Patch),
    /// Nothing is left to try.
    AllTried,
    /// Time or number of candidates is used up.
    BudgetSpent,
    /// A check could not run.
    Undecided(Vec<Finding>),
}

/// What was used up so far.
#[derive(Default)]
pub(super) struct Spending {
    pub(super) candidates: usize,
    pub(super) test_runs: usize,
    pub(super) model: Arc<Mutex<ModelSpending>>,
}

/// What the model used up, shared with the proposer.
#[derive(Default)]
pub(super) struct ModelSpending {
    pub(super) calls: usize,
    pub(super) usage: wright_provider::Usage,
    pub(super) prompts: sha2::Sha256,
}

impl Spending {
    pub(super) fn spent(&self, elapsed: Duration) -> Spent {
        let model = self.model.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        Spent {
            seconds: (elapsed.as_secs_f64() * 1000.0).round() / 1000.0,
            candidates: self.candidates,
            test_runs: self.test_runs,
            model_calls: model.calls,
            prompt_tokens: model.usage.prompt_tokens,
            cached_tokens: model.usage.cached_tokens,
            completion_tokens: model.usage.completion_tokens,
        }
    }

    pub(super) fn prompts_digest(&self) -> String {
        use sha2::Digest as _;
        let model = self.model.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        model.prompts.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// What a search is given of its task.
#[derive(Clone, Copy)]
pub(super) struct SearchContext<'a> {
    pub(super) deps: &'a Deps,
    pub(super) request: &'a Request,
    pub(super) task: &'a TaskId,
    pub(super) history: &'a History,
    pub(super) started: Instant,
}

/// A search over candidates for one task.
pub(super) struct Search<'a> {
    ctx: SearchContext<'a>,
    setup: Arc<TestSetup>,
    /// The run that candidates are compared with: the baseline, or the best partial repair.
    reference: TestRun,
    /// Texts that partial repairs have changed, before and after.
    adopted: HashMap<PathBuf, FileChange>,
    idle_trees: Vec<Worktree>,
    deadline: Instant,
    proposals: Option<Proposals>,
    edits: VecDeque<Candidate>,
    ready: VecDeque<Candidate>,
    seen: HashSet<String>,
    best_progress: Option<(Candidate, TestRun, usize)>,
    refusals: Vec<Finding>,
    model_errors: Vec<Finding>,
    pub(super) spending: Spending,
}

impl<'a> Search<'a> {
    pub(super) fn new(
        ctx: SearchContext<'a>,
        setup: &TestSetup,
        baseline: &Baseline,
        idle_trees: Vec<Worktree>,
    ) -> Self {
        let mut setup = setup.clone();
        setup.limits.wall = candidate_limit(&baseline.run, setup.limits.wall);
        Self {
            ctx,
            setup: Arc::new(setup),
            reference: baseline.run.clone(),
            adopted: HashMap::new(),
            idle_trees,
            deadline: ctx.started + ctx.request.time_limit,
            proposals: None,
            edits: VecDeque::new(),
            ready: VecDeque::new(),
            seen: HashSet::new(),
            best_progress: None,
            refusals: Vec::new(),
            model_errors: Vec::new(),
            spending: Spending::default(),
        }
    }

    /// Searches until a candidate passes the tests, or to the end.
    pub(super) async fn next_passing(&mut self) -> Result<Found, AgentError> {
        loop {
            if self.proposals.is_none() {
                self.start_proposing().await?;
            }
            match self.search_from_here().await? {
                Found::AllTried | Found::BudgetSpent
                    if self.best_progress.is_some() && Instant::now() < self.deadline =>
                {
                    self.adopt_progress().await?;
                }
                found => return Ok(found),
            }
        }
    }

    /// Notes that the gate refused a candidate which had passed the tests.
    pub(super) fn refused_by_the_gate(&mut self, findings: Vec<Finding>) {
        self.refusals.extend(findings);
    }

    /// Returns why nothing passed: the gate's and the filters' reasons first, then what most candidates failed by.
    pub(super) fn telling_findings(&self) -> Vec<Finding> {
        let mut seen = HashSet::new();
        let mut findings: Vec<Finding> = self.model_errors.iter().chain(&self.refusals).cloned().collect();
        findings.retain(|it| seen.insert((it.check, it.message.clone())));
        findings.truncate(8);
        if findings.is_empty() {
            findings.push(Finding::error("changes", "no candidate was found"));
        }
        findings
    }

    async fn start_proposing(&mut self) -> Result<(), AgentError> {
        let tree = self.idle_trees.first().expect("no test is running between searches");
        let places = localize(tree, &self.reference);
        let places: Vec<_> = places.into_iter().take(MAX_PLACES).collect();
        self.ctx
            .deps
            .store
            .record(self.ctx.task, "localized", json!(places.iter().map(place_json).collect::<Vec<_>>()))
            .await?;
        (self.ctx.deps.reporter)(Event::Localized(places.clone()));
        if places.is_empty() {
            self.refusals.push(Finding::error("localize", "the failure names no function of this repository"));
        }
        let proposer = Proposer::new(
            self.ctx.deps,
            self.ctx.request,
            tree,
            &places,
            &self.reference,
            Arc::clone(&self.spending.model),
        );
        self.proposals = Some(proposer.spawn());
        Ok(())
    }

    async fn search_from_here(&mut self) -> Result<Found, AgentError> {
        let mut running = FuturesUnordered::new();
        loop {
            while !self.is_budget_spent() && !self.idle_trees.is_empty() {
                let Some((candidate, before)) = self.next_worth_testing().await? else { break };
                let tree = self.idle_trees.pop().expect("checked above");
                running.push(test(self.ctx.deps.sandbox.clone(), Arc::clone(&self.setup), tree, candidate, before));
            }
            // A run that is under way is waited for: its tree is needed again, and it may be the one that passes.
            let is_spent = self.is_budget_spent();
            if running.is_empty() && is_spent {
                return Ok(Found::BudgetSpent);
            }
            let is_finished = self.proposals.as_ref().is_none_or(|it| it.is_finished);
            if running.is_empty() && is_finished && self.ready.is_empty() && self.edits.is_empty() {
                return self.end_of_proposals();
            }
            tokio::select! {
                Some(tested) = running.next() => {
                    let (tree, candidate, run) = tested?;
                    self.idle_trees.push(tree);
                    if Instant::now() >= self.deadline {
                        continue;
                    }
                    if let Some(passing) = self.weigh(candidate, run) {
                        while let Some(tested) = running.next().await {
                            self.idle_trees.push(tested?.0);
                        }
                        return Ok(Found::Passing(passing));
                    }
                }
                batch = next_batch(&mut self.proposals) => self.take(batch),
                () = tokio::time::sleep_until(self.deadline.into()), if !is_spent => {}
            }
        }
    }

    fn is_budget_spent(&self) -> bool {
        self.spending.candidates >= self.ctx.request.max_candidates || Instant::now() >= self.deadline
    }

    fn end_of_proposals(&mut self) -> Result<Found, AgentError> {
        let proposals = self.proposals.as_mut().expect("started before the search");
        match proposals.fatal.take() {
            // The error itself is among the model's errors; a second one means that the model was reached before.
            Some(error)
                if self.spending.candidates == 0 && self.model_errors.len() <= 1 && !is_about_answers(&error) =>
            {
                Err(AgentError::Provider(error))
            }
            _ => Ok(Found::AllTried),
        }
    }

    fn take(&mut self, batch: Batch) {
        match batch {
            Batch::FromModel(candidates) => self.ready.extend(candidates),
            Batch::Ranked(edits) => self.edits.extend(edits),
            Batch::Trouble(finding) => self.model_errors.push(*finding),
            Batch::Finished => {}
        }
    }

    /// Returns the next candidate that the cheap checks let through, with the text it changes. It is on record then.
    async fn next_worth_testing(&mut self) -> Result<Option<(Candidate, String)>, AgentError> {
        while self.spending.candidates < self.ctx.request.max_candidates {
            let Some(candidate) = self.ready.pop_front().or_else(|| self.edits.pop_front()) else { return Ok(None) };
            let key = candidate.key();
            if !self.seen.insert(key.clone()) {
                continue;
            }
            let tree = self.idle_trees.first().expect("the caller has an idle tree");
            let before = tree.read(&candidate.path)?;
            let findings = candidate.objections(&key, &before);
            self.spending.candidates += 1;
            if findings.is_empty() {
                let payload =
                    json!({ "source": candidate.source.name(), "what": candidate.what, "path": candidate.path });
                self.ctx.deps.store.record(self.ctx.task, "candidate", payload).await?;
                return Ok(Some((candidate, before)));
            }
            // Byte-equal answers are common and say nothing; what the gate objects to does.
            self.refusals.extend(findings.iter().filter(|it| it.check != "changes").cloned());
            self.report(&candidate, findings, false);
        }
        Ok(None)
    }

    /// Compares a candidate's run with the reference; returns the patch when it passes.
    fn weigh(&mut self, candidate: Candidate, run: TestRun) -> Option<Patch> {
        self.spending.test_runs += 1;
        let comparison = Comparison::of(&self.reference, &run);
        self.report(&candidate, comparison.findings.clone(), true);
        if comparison.is_clean() {
            return Some(self.patch_with(&candidate));
        }
        let n_fixed = comparison.fixed.len();
        let is_best = self.best_progress.as_ref().is_none_or(|(_, _, best)| n_fixed > *best);
        if comparison.is_progress() && is_best {
            self.best_progress = Some((candidate, run, n_fixed));
        } else if candidate.source != Source::SyntaxEdit {
            self.refusals.extend(comparison.findings);
        }
        None
    }

    fn report(&self, candidate: &Candidate, findings: Vec<Finding>, was_tested: bool) {
        let what = format!("{}: {}", candidate.source.name(), candidate.what);
        (self.ctx.deps.reporter)(Event::Tried(Tried { n: self.spending.candidates, what, findings, was_tested }));
    }

    fn patch_with(&self, candidate: &Candidate) -> Patch {
        let mut files = self.adopted.clone();
        let tree = self.idle_trees.first().expect("the candidate's tree is idle again");
        let before = tree.read(&candidate.path).ok();
        let change = files.entry(candidate.path.clone()).or_insert(FileChange { before, after: None });
        change.after = Some(candidate.text.clone());
        Patch { files: files.into_iter().collect() }
    }

    /// Goes on from the best partial repair: its text becomes the state that the next candidates change.
    async fn adopt_progress(&mut self) -> Result<(), AgentError> {
        let Some((candidate, run, n_fixed)) = self.best_progress.take() else { return Ok(()) };
        self.ctx
            .deps
            .store
            .record(self.ctx.task, "progress", json!({ "what": candidate.what, "fixed": n_fixed }))
            .await?;
        let n_failing = run.report.as_ref().map_or(0, |it| it.n_failed);
        (self.ctx.deps.reporter)(Event::Progress { n_fixed, n_failing });
        let patch = self.patch_with(&candidate);
        for tree in &self.idle_trees {
            tree.write(&candidate.path, &candidate.text)?;
        }
        if let Some(tree) = self.idle_trees.first() {
            let what = format!("progress: {}", candidate.what);
            record_state(self.ctx.deps, self.ctx.task, self.ctx.history, tree, &what).await?;
        }
        self.adopted = patch.files.into_iter().collect();
        self.reference = run;
        self.proposals = None;
        self.edits.clear();
        self.ready.clear();
        self.seen.clear();
        Ok(())
    }
}

/// Returns whether the model was reached and only its answers are of no use. That is a refusal, not an error.
fn is_about_answers(error: &ProviderError) -> bool {
    matches!(error, ProviderError::BrokeOff { .. } | ProviderError::TimedOut { .. })
}

/// Tests one candidate in `tree`, which is as before afterwards.
async fn test(
    sandbox: Sandbox,
    setup: Arc<TestSetup>,
    tree: Worktree,
    candidate: Candidate,
    before: String,
) -> Result<(Worktree, Candidate, TestRun), AgentError> {
    tree.write(&candidate.path, &candidate.text)?;
    let run = run_tests(&sandbox, &setup, tree.root()).await;
    tree.write(&candidate.path, &before)?;
    Ok((tree, candidate, run?))
}

/// Waits for the proposer; for ever once it has finished.
async fn next_batch(proposals: &mut Option<Proposals>) -> Batch {
    match proposals {
        Some(proposals) if !proposals.is_finished => proposals.next().await,
        _ => std::future::pending().await,
    }
}

/// How long a run on a candidate may take.
fn candidate_limit(baseline: &TestRun, limit: Duration) -> Duration {
    if baseline.status == TestStatus::TimedOut {
        return limit;
    }
    (baseline.duration * SLOWDOWN + Duration::from_secs(2)).min(limit)
}

fn place_json(place: &crate::event::Place) -> serde_json::Value {
    json!({ "path": place.path, "function": place.function, "line": place.line, "score": place.score, "reason": place.reason })
}
