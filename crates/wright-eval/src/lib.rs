//! Measures what the program can do, on files of benchmark tasks.
//!
//! [`run`] takes a file or a folder, solves each task the way a user's request would be solved, and judges the result with
//! the task's own tests, on a fresh copy, in the sandbox. What the program says about its result and what is true are kept
//! apart: a result that was offered as checked and fails the task's tests counts as *claimed wrong*.
//!
//! The report is written after every task, so a run that was killed goes on where it stopped. This crate holds no tasks and
//! fetches none: paths come from the caller. To add a format, start at `tasks`.
//!
//! [`run_typing`] measures time instead: it replays recorded typing against us and against another server.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod complete;
mod error;
mod fix;
mod generate;
mod report;
mod similarity;
mod table;
mod tasks;
mod trial;
mod typing;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wright_agent::Toolchains;
use wright_provider::Provider;
use wright_sandbox::Sandbox;
use wright_store::Store;

pub use error::EvalError;
pub use report::{Medians, Report, RunOptions, SCHEMA, TaskResult, TokenCounts, Totals};
pub use typing::{
    Answer, Client, Clients, DecodeStep, NoWorker, Pass, SCHEMA as TYPING_SCHEMA, Sample, Side, TypingDeps,
    TypingOptions, TypingReport, Worker, run_typing,
};

use tasks::{Body, Task};
use trial::Trials;

/// What an evaluation works with.
#[derive(Clone)]
pub struct Deps {
    /// The model.
    pub provider: Arc<dyn Provider>,
    /// Where programs run.
    pub sandbox: Sandbox,
    /// What commands may read.
    pub toolchains: Toolchains,
    /// Where the steps of fixes are recorded.
    pub store: Store,
    /// The work folder. What is made in it for a task is removed after the task, except for the receipts of fixes.
    pub scratch: PathBuf,
    /// Who is told about each finished task, and the totals so far.
    pub progress: Progress,
}

/// Where finished tasks are told.
pub type Progress = Arc<dyn Fn(&TaskResult, &Totals) + Send + Sync>;

/// What to evaluate, and within which limits.
#[derive(Debug, Clone)]
pub struct Options {
    /// A file of tasks, or a folder of such files.
    pub tasks: PathBuf,
    /// How many tasks at most. They are taken from the files of a folder in turn.
    pub limit: Option<usize>,
    /// The seed of all sampling.
    pub seed: u64,
    /// Whether the model's own first answer, unchecked, is judged too.
    pub compare_raw: bool,
    /// Where the report goes.
    pub output: Option<PathBuf>,
    /// How long one task may take.
    pub time_limit: Duration,
    /// How many candidates one task may use: tested repairs, sampled programs or sampled suggestions. Programs and
    /// suggestions never use more than in everyday use.
    pub candidates: usize,
    /// Whether results that the report holds already are kept, where model, seed and limits are the same.
    pub resume: bool,
}

impl Options {
    /// Returns the default limits for the tasks at a path.
    pub fn new(tasks: impl Into<PathBuf>) -> Self {
        Self {
            tasks: tasks.into(),
            limit: None,
            seed: 0,
            compare_raw: false,
            output: None,
            time_limit: Duration::from_secs(120),
            candidates: 2_000,
            resume: true,
        }
    }
}

/// Which ability is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Mending failing tests.
    Fix,
    /// Suggestions in the middle of a file.
    Complete,
    /// Writing a function from its description.
    Generate,
}

impl Kind {
    /// Returns the word for it in commands and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fix => "fix",
            Self::Complete => "complete",
            Self::Generate => "generate",
        }
    }
}

/// Runs the tasks, one after the other, and returns the report.
///
/// What goes wrong within one task, such as an answer that breaks off, is that task's result. What would go wrong with every
/// task, such as a missing model, ends the run.
pub async fn run(deps: &Deps, kind: Kind, options: &Options) -> Result<Report, EvalError> {
    let tasks = tasks::load(&options.tasks, kind, options.limit)?;
    let mut report = Report::start(kind, deps.provider.model(), options, &tasks)?;
    report.save()?;
    let trials = Trials::new(deps)?;
    for task in &tasks {
        if report.has(task) {
            continue;
        }
        tracing::debug!(task = task.id, set = task.set, "task started");
        let result = solve(deps, &trials, options, task).await?;
        report.add(result);
        report.save()?;
        (deps.progress)(report.last(), &report.totals());
    }
    Ok(report)
}

async fn solve(deps: &Deps, trials: &Trials<'_>, options: &Options, task: &Task) -> Result<TaskResult, EvalError> {
    let started = Instant::now();
    let solved = match &task.body {
        Body::Fix(body) => fix::solve(deps, trials, options, body).await,
        Body::Complete(body) => complete::solve(deps, trials, options, body).await,
        Body::Generate(body) => generate::solve(deps, trials, options, body).await,
    };
    let mut result = match solved {
        Ok(result) => result,
        Err(error) if error.concerns_one_task() => TaskResult::failed(&error, started.elapsed()),
        Err(error) => return Err(error),
    };
    result.task_id.clone_from(&task.id);
    result.set.clone_from(&task.set);
    Ok(result)
}
