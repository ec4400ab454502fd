//! Mends failing tests.
//!
//! The flow: copy the base commit to a worktree, fetch missing dependencies where the user allows it, run the tests for a
//! baseline, localize the failure to functions, and
//! search: candidates come from the proposer (holes that the model fills, syntax edits that it ranks, functions that it
//! writes anew), the tests judge each, and the gate judges the winner on a fresh copy. The model's own opinion of its work
//! is never asked for.

mod candidate;
mod dependencies;
mod localize;
mod proposer;
mod search;
mod task;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use wright_gate::{Finding, TestRun, Verified};
use wright_provider::Provider;
use wright_repo::Repository;
use wright_sandbox::egress::{Egress, EgressPolicy};
use wright_sandbox::{Level, Sandbox};
use wright_store::Store;
use wright_text::Patch;

use crate::receipt::Receipt;
use crate::setup::SetupConfiguration;
use crate::{AgentError, Reporter, Toolchains};

/// The folders of a task that nobody needs once it has ended. What stays is its record: transcript, receipt, patch, and the
/// history of its trees in the folder `git`, a bare repository that nobody but the host writes to.
pub const TREES: [&str; 5] = ["base", "search-0", "search-1", "judged", "setup"];

/// What the fix pipeline works with.
#[derive(Clone)]
pub struct Deps {
    /// The model.
    pub provider: Arc<dyn Provider>,
    /// Where commands run.
    pub sandbox: Sandbox,
    /// Where steps are recorded.
    pub store: Store,
    /// Where tasks keep their trees, transcripts and receipts.
    pub tasks_folder: PathBuf,
    /// What commands may read.
    pub toolchains: Toolchains,
    /// What may be fetched before the first test runs; nothing where the user has not allowed it.
    pub fetching: Option<Fetching>,
    /// Who is told.
    pub reporter: Reporter,
}

/// The user's permission to fetch dependencies that are missing.
#[derive(Clone)]
pub struct Fetching {
    /// What the user allows.
    pub configuration: SetupConfiguration,
    /// How a policy becomes a way out: [`Egress::new`] but for tests.
    pub egress: Arc<dyn Fn(EgressPolicy) -> Egress + Send + Sync>,
}

impl Fetching {
    /// Returns the permission to fetch what the configuration allows, from the network.
    #[must_use]
    pub fn from_network(configuration: SetupConfiguration) -> Self {
        Self { configuration, egress: Arc::new(Egress::new) }
    }
}

/// What to fix, and within which limits.
#[derive(Debug, Clone)]
pub struct Request {
    /// The test command; recognized from the repository when it is not given.
    pub command: Option<Vec<String>>,
    /// How many candidates may be tested.
    pub max_candidates: usize,
    /// How long the whole task may take.
    pub time_limit: Duration,
    /// How long one run of the tests may take.
    pub test_time_limit: Duration,
    /// The seed of all sampling.
    pub seed: u64,
    /// The weakest isolation that is accepted.
    pub minimum_level: Level,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            command: None,
            max_candidates: 2_000,
            time_limit: Duration::from_secs(600),
            test_time_limit: Duration::from_secs(120),
            seed: 0,
            minimum_level: Level::D,
        }
    }
}

/// How a fix ended.
#[derive(Debug)]
pub enum Outcome {
    /// The tests pass already; nothing was done.
    NothingToFix(TestRun),
    /// A patch passed the gate.
    Proposed(Box<Proposal>),
    /// No patch did.
    Refused(Box<Refusal>),
}

/// A verified patch with its evidence.
#[derive(Debug)]
pub struct Proposal {
    /// The task.
    pub task: String,
    /// The patch.
    pub patch: Verified<Patch>,
    /// The run of the tests that decided.
    pub run: TestRun,
    /// The receipt, which is also in [`Proposal::folder`].
    pub receipt: Receipt,
    /// Where transcript, receipt and diff are.
    pub folder: PathBuf,
}

/// No patch, and why.
#[derive(Debug)]
pub struct Refusal {
    /// The task.
    pub task: String,
    /// Whether everything was tried, time ran out, or nothing could be decided.
    pub end: SearchEnd,
    /// Why the candidates were refused: the most telling findings.
    pub findings: Vec<Finding>,
    /// The receipt, which is also in [`Refusal::folder`].
    pub receipt: Receipt,
    /// Where transcript and receipt are.
    pub folder: PathBuf,
}

/// How a search without success ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SearchEnd {
    /// Every candidate was tried.
    AllTried,
    /// The time or the number of candidates was used up.
    BudgetSpent,
    /// A check could not run.
    Undecided,
}

/// Mends the failing tests of `repo`. The user's checkout is not touched; applying the proposal is a step of its own.
pub async fn fix(deps: &Deps, repo: &Repository, request: &Request) -> Result<Outcome, AgentError> {
    task::Task::start(deps, repo, request).await?.run().await
}
