//! The commands, one file each. To add one: write `commands/<verb>.rs` with `Args` and `run`, and add a line to
//! [`Command`] and to [`run`]; the help snapshot changes.

pub(crate) mod internal;

mod ask;

mod check;

mod complete;

mod completions;

mod doctor;

mod eval;

mod fix;

mod lsp;

mod model;

mod serve;

mod stats;

mod tasks;

use std::sync::Arc;

use clap::Subcommand;
use serde_json::{Value, json};
use wright_gate::{CheckRecord, Finding, Severity, Verified, full};
use wright_provider::Usage;
use wright_repo::protected::Approvals;
use wright_repo::{RepoError, Repository};
use wright_text::Patch;

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::report::Failure;
use crate::signals::interrupted;

/// A command with its arguments.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make failing tests pass
    Fix(fix::Args),
    /// Judge a change, whoever wrote it; only what it brings counts
    Check(Box<check::Args>),
    /// Ask a question; code in the answer is checked
    Ask(ask::Args),
    /// Print what would be typed at a position
    Complete(complete::Args),
    /// Serve an editor: suggestions while you type, fixes, explanations
    Lsp(lsp::Args),
    /// List, show and apply what `fix` proposed
    Tasks(tasks::Args),
    /// Serve models to editors and other clients over HTTP
    Serve(serve::Args),
    /// Show what became of suggestions
    Stats(stats::Args),
    /// List, fetch, check and remove local models
    Model(model::Args),
    /// Say what works on this machine and what does not
    Doctor(doctor::Args),
    /// Measure a model on benchmark files
    Eval(eval::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Run as a child process of another `wright`
    #[command(hide = true)]
    Internal(internal::Args),
}

/// Runs one command.
pub(crate) async fn run(app: &Arc<App>, command: Command) -> Result<ExitCode, Failure> {
    match command {
        // This one ends its task properly when it is interrupted.
        Command::Fix(args) => fix::run(app, &args).await,
        // This one lets requests under way end.
        Command::Serve(args) => serve::run(app, &args).await,
        command => tokio::select! {
            result = run_interruptible(app, command) => result,
            () = interrupted() => {
                app.terminal.set_live_line(None);
                Ok(ExitCode::Interrupted)
            }
        },
    }
}

async fn run_interruptible(app: &Arc<App>, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Fix(args) => fix::run(app, &args).await,
        Command::Check(args) => check::run(app, &args).await,
        Command::Ask(args) => ask::run(app, &args).await,
        Command::Complete(args) => complete::run(app, &args).await,
        Command::Lsp(args) => lsp::run(app, &args).await,
        Command::Tasks(args) => tasks::run(app, &args).await,
        Command::Serve(args) => serve::run(app, &args).await,
        Command::Stats(args) => stats::run(app, &args).await,
        Command::Model(args) => model::run(app, &args).await,
        Command::Doctor(args) => doctor::run(app, &args).await,
        Command::Eval(args) => eval::run(app, &args).await,
        Command::Completions(args) => Ok(completions::run(app, &args)),
        Command::Internal(args) => Err(internal::misused(&args)),
    }
}

/// Returns tokens as they stand in every JSON document.
fn tokens_json(usage: Usage) -> Value {
    json!({
        "prompt": usage.prompt_tokens,
        "cached": usage.cached_tokens,
        "completion": usage.completion_tokens,
    })
}

/// Returns seconds with three digits, which is all that a measurement of ours means.
fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// Returns a check that ran as it stands in every JSON document.
fn check_json(check: &CheckRecord) -> Value {
    json!({ "check": check.check, "detail": check.detail })
}

/// Returns a finding as it stands in every JSON document.
fn finding_json(finding: &Finding) -> Value {
    let severity = match finding.severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    };
    json!({
        "check": finding.check,
        "severity": severity,
        "path": finding.path,
        "line": finding.line,
        "message": finding.message,
        "hint": finding.hint,
    })
}

/// Applies a verified patch to the checkout. One that no longer fits, or that changes a protected file without a person's
/// named approval, is refused, and nothing is written.
fn apply(repo: &Repository, patch: &Verified<Patch>, approvals: &Approvals) -> Result<(), Failure> {
    match full::apply(repo, patch, approvals) {
        Ok(_) => Ok(()),
        Err(full::ApplyError::Repo(error @ RepoError::Conflict { .. })) => {
            Err(Failure::from(error).exit(ExitCode::Refused))
        }
        Err(full::ApplyError::Repo(error)) => Err(error.into()),
        Err(error @ full::ApplyError::NeedsApproval { .. }) => Err(Failure::usage(format!("cannot {error}"))
            .exit(ExitCode::Refused)
            .hint("Read the change to each of them with `wright tasks show`, then name each with `--allow-protected PATH`.")),
    }
}

/// Returns the part of a task's id that tells tasks apart: the time it was made, in milliseconds.
fn short_id(id: &str) -> &str {
    id.get(..13).unwrap_or(id)
}
