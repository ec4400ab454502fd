//! `wright tasks`: what was worked on, and the proposals that wait to be applied.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wright_agent::receipt::Receipt;
use wright_agent::stored_patch;
use wright_gate::checks::STATIC;
use wright_gate::{CheckRecord, Verified, full};
use wright_repo::protected::Approvals;
use wright_repo::{CommitId, Repository};
use wright_store::{Proposal, Store, Task, TaskStatus};
use wright_text::Patch;

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::report::Failure;
use crate::terminal::{Tone, neutral_line};

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright tasks                    the latest tasks
  wright tasks show 0199a3b4      what was proposed, and its receipt
  wright tasks apply 0199a3b4     put the patch into the checkout

Part of an id is enough where only one task begins with it.";

/// Arguments of `wright tasks`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

/// What to do with tasks.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the latest tasks
    List {
        /// List at most this many
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Show what a task proposed, with its receipt
    Show {
        /// The task's id, or the beginning of it
        id: String,
    },
    /// Put a proposed patch into the checkout
    Apply {
        /// The task's id, or the beginning of it
        id: String,
        /// Approve a change to this protected file; once for each
        ///
        /// Protected are files that decide what runs: continuous integration, hooks, editor tasks, build scripts, and the
        /// settings of package managers and agents. A folder approves nothing.
        #[arg(long, value_name = "PATH")]
        allow_protected: Vec<PathBuf>,
    },
}

/// Runs the action; without one, lists the latest tasks.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    let store = app.store().await?;
    match &args.action {
        None => list(app, &store, 20).await,
        Some(Action::List { limit }) => list(app, &store, *limit).await,
        Some(Action::Show { id }) => show(app, &store, id).await,
        Some(Action::Apply { id, allow_protected }) => apply(app, &store, id, &Approvals::of(allow_protected)).await,
    }
}

async fn list(app: &App, store: &Store, limit: u32) -> Result<ExitCode, Failure> {
    let tasks = store.tasks(limit).await?;
    if app.terminal.is_json() {
        let tasks: Vec<Value> = tasks.iter().map(task_json).collect();
        app.terminal.json(&json!({ "schema": "wright.tasks/1", "tasks": tasks }));
        return Ok(ExitCode::Done);
    }
    if tasks.is_empty() {
        app.terminal.say("no tasks yet; `wright fix` starts one");
    }
    for task in tasks {
        let when = task.created_at.with_timezone(&chrono::Local).format("%Y-%m-%d %H:%M");
        let id = task.id.to_string();
        let status = tone(task.status).out(&format!("{:<12}", task.status.as_str()));
        let repository = task.repository.display().to_string();
        let kind = neutral_line(&task.kind).into_owned();
        app.terminal.line(&format!("{} {when} {kind:<4} {status} {}", super::short_id(&id), neutral_line(&repository)));
    }
    Ok(ExitCode::Done)
}

fn tone(status: TaskStatus) -> Tone {
    match status {
        TaskStatus::Proposed | TaskStatus::Applied => Tone::Good,
        TaskStatus::Refused | TaskStatus::Failed => Tone::Bad,
        TaskStatus::Inconclusive | TaskStatus::Exhausted | TaskStatus::Interrupted => Tone::Note,
        TaskStatus::Running => Tone::Strong,
    }
}

fn task_json(task: &Task) -> Value {
    json!({
        "id": task.id.to_string(),
        "kind": task.kind,
        "status": task.status.as_str(),
        "repository": task.repository,
        "base_commit": task.base_commit,
        "created_at": task.created_at.to_rfc3339(),
        "finished_at": task.finished_at.map(|it| it.to_rfc3339()),
    })
}

async fn show(app: &App, store: &Store, id: &str) -> Result<ExitCode, Failure> {
    let task = store.find_task(id).await?;
    let proposal = store.proposal(&task.id).await?;
    let folder = app.home.data().join("tasks").join(task.id.to_string());
    if app.terminal.is_json() {
        let mut document = task_json(&task);
        document["schema"] = "wright.task/1".into();
        document["request"] = task.request.clone();
        document["patch"] = json!(proposal.as_ref().map(|it| &it.diff));
        document["receipt"] =
            json!(proposal.as_ref().map(|it| &it.receipt).cloned().or_else(|| receipt_on_disk(&folder)));
        document["folder"] = json!(folder);
        app.terminal.json(&document);
        return Ok(ExitCode::Done);
    }
    let status = tone(task.status).out(task.status.as_str());
    let commit = task.base_commit.get(..12).unwrap_or(&task.base_commit);
    let repository = task.repository.display().to_string();
    app.terminal.line(&format!("{} {}: {status}", neutral_line(&task.kind), task.id));
    app.terminal.line(&format!("{} at {commit}\n", neutral_line(&repository)));
    if let Some(proposal) = &proposal {
        super::fix::show_diff(&app.terminal, &proposal.diff);
    }
    let receipt = proposal.map(|it| it.receipt).or_else(|| receipt_on_disk(&folder));
    match receipt.as_ref().and_then(Receipt::from_json) {
        Some(receipt) => {
            for finding in &receipt.findings {
                app.terminal.line(&format!("reason    {}", neutral_line(finding)));
            }
            super::fix::show_receipt(&app.terminal, &receipt, &folder);
        }
        None => app.terminal.say("there is no receipt for this task"),
    }
    Ok(ExitCode::Done)
}

/// Returns the receipt that a task without a proposal left in its folder.
fn receipt_on_disk(folder: &Path) -> Option<Value> {
    serde_json::from_str(&std::fs::read_to_string(folder.join("receipt.json")).ok()?).ok()
}

async fn apply(app: &App, store: &Store, id: &str, approvals: &Approvals) -> Result<ExitCode, Failure> {
    let task = store.find_task(id).await?;
    let Some(proposal) = store.proposal(&task.id).await? else {
        let message =
            format!("task {} proposed nothing: its status is {}", super::short_id(&task.id.to_string()), task.status);
        return Err(Failure::usage(message)
            .exit(ExitCode::Refused)
            .hint("`wright tasks` lists those that were proposed."));
    };
    if task.status == TaskStatus::Applied {
        let message = format!("task {} is applied already", super::short_id(&task.id.to_string()));
        return Err(Failure::usage(message)
            .exit(ExitCode::Refused)
            .hint("`git diff` shows what is changed in the checkout."));
    }
    let verified = reopen(&task, &proposal)?;
    let repo = Repository::discover(&task.repository)?;
    super::apply(&repo, &verified, approvals)?;
    store.finish(&task.id, TaskStatus::Applied).await?;
    if app.terminal.is_json() {
        let files: Vec<_> = verified.change().files.keys().collect();
        let document =
            json!({ "schema": "wright.apply/1", "task": task.id.to_string(), "status": "applied", "files": files });
        app.terminal.json(&document);
        return Ok(ExitCode::Done);
    }
    for path in verified.change().files.keys() {
        app.terminal.line(&format!("{} {}", Tone::Good.out("changed"), neutral_line(&path.display().to_string())));
    }
    Ok(ExitCode::Done)
}

/// Restores the stamp of a stored patch, which fails when it is not byte for byte the one that was judged.
fn reopen(task: &Task, proposal: &Proposal) -> Result<Verified<Patch>, Failure> {
    let refuse = |what: &str| Failure::usage(format!("cannot apply task {}: {what}", task.id)).exit(ExitCode::Refused);
    let patch = stored_patch::from_json(&proposal.patch).ok_or_else(|| refuse("its patch cannot be read"))?;
    let receipt = Receipt::from_json(&proposal.receipt)
        .ok_or_else(|| refuse("its receipt cannot be read").hint("It may be from another version of this program."))?;
    let base = CommitId::parse(&task.base_commit)?;
    let checks = receipt.checks.iter().filter_map(|it| {
        let known = STATIC.iter().map(|check| check.name).chain(["tests"]).find(|name| *name == it.check)?;
        Some(CheckRecord { check: known, detail: it.detail.clone() })
    });
    full::reopen(patch, base, &receipt.patch_sha256, checks.collect())
        .ok_or_else(|| refuse("its patch is not the one that passed the checks").hint("Run `wright fix` again."))
}
