//! Mending programs: each task becomes a small git repository, is fixed as a user's repository would be, and the patch is
//! confirmed with the task's pristine tests in a folder that the fix has never seen.

mod project;
mod raw;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use wright_agent::fix::{self, Outcome, Proposal, Refusal, Request, SearchEnd};
use wright_agent::receipt::Spent;
use wright_repo::{Repository, project as rules};
use wright_sandbox::Exit;
use wright_text::Patch;

use crate::tasks::Bug;
use crate::trial::{Trials, compiled_limits, last_words, python_limits, write};
use crate::{Deps, EvalError, Options, TaskResult, TokenCounts, report};
use project::{Project, Proof};

/// How long one run of a task's tests may take. The tasks are small; what takes longer hangs.
const MAX_TEST_TIME: Duration = Duration::from_secs(60);

/// Mends the program and judges the patch.
pub(crate) async fn solve(
    deps: &Deps,
    trials: &Trials<'_>,
    options: &Options,
    bug: &Bug,
) -> Result<TaskResult, EvalError> {
    let project = match Project::of(bug) {
        Ok(project) => project,
        Err(reason) => return Ok(TaskResult::skipped(reason)),
    };
    if let Some(reason) = trials.missing(project.programs).await? {
        return Ok(TaskResult::skipped(reason));
    }
    let checkout = repository(trials, &project).await?;
    let repo = Repository::discover(checkout.path())?;
    let started = Instant::now();
    let outcome = fix::fix(&fix_deps(deps), &repo, &request(options, &project)).await?;
    let mut result = match outcome {
        Outcome::NothingToFix(run) => {
            let reason = format!("the tests pass already: {}", run.summary());
            TaskResult { reason, seconds: report::seconds(started.elapsed()), ..TaskResult::default() }
        }
        Outcome::Proposed(proposal) => judge(trials, &project, &proposal).await?,
        Outcome::Refused(refusal) => refused(&refusal),
    };
    if options.compare_raw {
        result.raw_solved = Some(raw::solves(deps, trials, &project, bug).await?);
    }
    Ok(result)
}

fn fix_deps(deps: &Deps) -> fix::Deps {
    fix::Deps {
        provider: deps.provider.clone(),
        sandbox: deps.sandbox.clone(),
        store: deps.store.clone(),
        tasks_folder: deps.scratch.join("tasks"),
        toolchains: deps.toolchains.clone(),
        fetching: None,
        reporter: Arc::new(|event| tracing::trace!(?event, "fix")),
    }
}

fn request(options: &Options, project: &Project) -> Request {
    Request {
        command: Some(project.command.clone()),
        max_candidates: options.candidates,
        time_limit: options.time_limit,
        test_time_limit: MAX_TEST_TIME.min(options.time_limit),
        seed: options.seed,
        ..Request::default()
    }
}

async fn judge(trials: &Trials<'_>, project: &Project, proposal: &Proposal) -> Result<TaskResult, EvalError> {
    let failure = confirm(trials, project, proposal.patch.change()).await?;
    Ok(TaskResult {
        solved: failure.is_none(),
        claimed: true,
        reason: failure.map_or_else(String::new, |it| format!("the pristine tests fail: {it}")),
        ..spent(&proposal.receipt.spent)
    })
}

fn refused(refusal: &Refusal) -> TaskResult {
    let end = match refusal.end {
        SearchEnd::AllTried => "every candidate was refused",
        SearchEnd::BudgetSpent => "budget spent",
        SearchEnd::Undecided => "could not decide",
    };
    let reason = refusal.findings.first().map_or_else(|| end.to_owned(), |it| format!("{end}: {it}"));
    TaskResult { refused: true, reason, ..spent(&refusal.receipt.spent) }
}

fn spent(spent: &Spent) -> TaskResult {
    TaskResult {
        seconds: spent.seconds,
        tokens: TokenCounts {
            prompt: spent.prompt_tokens,
            cached: spent.cached_tokens,
            completion: spent.completion_tokens,
        },
        candidates: spent.candidates,
        test_runs: spent.test_runs,
        ..TaskResult::default()
    }
}

/// Makes a repository with one commit. Git runs in the sandbox; its files are then copied, so that they belong to the user.
async fn repository(trials: &Trials<'_>, project: &Project) -> Result<TempDir, EvalError> {
    const COMMIT: &str = "git init --quiet --initial-branch=main --template= && git add --all --force && git commit --quiet --message=task";
    let made = trials.folder(&project.files)?;
    let who = [
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_AUTHOR_NAME", "task"),
        ("GIT_AUTHOR_EMAIL", "task@localhost"),
        ("GIT_AUTHOR_DATE", "2000-01-01T00:00:00Z"),
        ("GIT_COMMITTER_NAME", "task"),
        ("GIT_COMMITTER_EMAIL", "task@localhost"),
        ("GIT_COMMITTER_DATE", "2000-01-01T00:00:00Z"),
    ];
    let outcome = trials.run_with(made.path(), &["sh", "-c", COMMIT], python_limits(), &who).await?;
    if !outcome.is_success() {
        return Err(EvalError::Repository { message: last_words(&outcome) });
    }
    let checkout = trials.folder([("x", ""); 0])?;
    copy(made.path(), checkout.path()).map_err(|source| EvalError::Io { path: checkout.path().to_owned(), source })?;
    Ok(checkout)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let dest = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            std::fs::create_dir_all(&dest)?;
            copy(&entry.path(), &dest)?;
        } else {
            std::fs::copy(entry.path(), dest)?;
        }
    }
    Ok(())
}

/// Returns how the task's tests fail with a patch; nothing when they pass. Whatever the patch does to the tests is left out.
async fn confirm(trials: &Trials<'_>, project: &Project, patch: &Patch) -> Result<Option<String>, EvalError> {
    let folder = trials.folder(&project.files)?;
    for (path, change) in &patch.files {
        let is_test = rules::is_test_path(path) || project.is_test(path);
        match &change.after {
            Some(text) if !is_test => write(&folder.path().join(path), text)?,
            Some(_) | None => {}
        }
    }
    failure(trials, project, folder.path()).await
}

/// Returns how the task's tests fail with a text for the program's file; nothing when they pass.
async fn failure_with(trials: &Trials<'_>, project: &Project, text: &str) -> Result<Option<String>, EvalError> {
    let folder = trials.folder(&project.files)?;
    write(&folder.path().join(&project.source), text)?;
    failure(trials, project, folder.path()).await
}

async fn failure(trials: &Trials<'_>, project: &Project, folder: &Path) -> Result<Option<String>, EvalError> {
    let token = trials.token();
    let limits = if project.proof == Proof::PythonToken { python_limits() } else { compiled_limits() };
    if project.proof != Proof::CargoReport {
        write(&folder.join(project::TOKEN_FILE), &token)?;
    }
    let argv: Vec<&str> = project.confirm.iter().map(String::as_str).collect();
    let outcome = trials.run(folder, &argv, limits).await?;
    let text = outcome.text();
    let is_proved = match project.proof {
        Proof::PythonToken | Proof::Token => text.trim_end().ends_with(&token),
        Proof::CargoReport => has_passing_test(&text),
    };
    let is_passing = outcome.exit == Exit::Code(0) && is_proved;
    Ok((!is_passing).then(|| last_words(&outcome)))
}

/// Returns whether cargo's report says that all tests passed, and that there was one.
fn has_passing_test(output: &str) -> bool {
    let mut counts = output.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next());
    counts.any(|it| it.parse::<usize>().is_ok_and(|n| n > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_without_a_passing_test_proves_nothing() {
        assert!(has_passing_test("running 1 test\n\ntest result: ok. 1 passed; 0 failed; 0 ignored\n"));
        assert!(!has_passing_test("test result: ok. 0 passed; 0 failed; 0 ignored\n"));
        assert!(!has_passing_test("test result: FAILED. 3 passed; 1 failed; 0 ignored\n"));
    }
}
