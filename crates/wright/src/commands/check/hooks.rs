//! The ways in for git and for coding agents: hooks that are put into a repository, and running as one.

use std::path::Path;

use serde_json::{Value, json};
use wright_gate::formats;
use wright_repo::{CommitId, Existing, Hook, Repository, Revisions};

use super::input::{Input, read_text};
use super::{Args, AuthorArg, judge, output};
use crate::app::App;
use crate::exit_code::ExitCode;
use crate::report::Failure;

/// What an agent or git says to a hook is not longer.
const MAX_HOOK_INPUT_BYTES: u64 = 1024 * 1024;

/// A hook that can be put into a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum HookArg {
    /// Before a commit is made.
    PreCommit,
    /// Before commits are pushed.
    PrePush,
}

/// A hook that this program can be run as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum HookKind {
    /// An agent is about to stop; its words are on stdin.
    Stop,
    /// Commits are about to be pushed; git's list is on stdin.
    PrePush,
}

impl From<HookArg> for Hook {
    fn from(hook: HookArg) -> Self {
        match hook {
            HookArg::PreCommit => Self::PreCommit,
            HookArg::PrePush => Self::PrePush,
        }
    }
}

/// Puts a hook into the repository.
pub(super) fn install(app: &App, hook: HookArg, is_forced: bool) -> Result<ExitCode, Failure> {
    let repo = Repository::discover_new(&app.environment.dir)?;
    let words = match hook {
        HookArg::PreCommit => "check --quiet --staged",
        HookArg::PrePush => "check --quiet --hook pre-push",
    };
    let program = app.environment.program.to_string_lossy().replace('\'', "'\\''");
    // The program may be installed elsewhere by the time the hook runs.
    let commands = format!("program='{program}'\n[ -x \"$program\" ] || program=wright\nexec \"$program\" {words}");
    let existing = if is_forced { Existing::Replace } else { Existing::Keep };
    let path = repo.install_hook(hook.into(), &commands, existing)?;
    say(app, "installed", &path);
    Ok(ExitCode::Done)
}

/// Takes a hook out of the repository.
pub(super) fn uninstall(app: &App, hook: HookArg) -> Result<ExitCode, Failure> {
    let repo = Repository::discover_new(&app.environment.dir)?;
    match repo.uninstall_hook(hook.into())? {
        Some(path) => say(app, "removed", &path),
        None => app.terminal.say("there is no such hook"),
    }
    Ok(ExitCode::Done)
}

fn say(app: &App, verb: &str, path: &Path) {
    if app.terminal.is_json() {
        app.terminal.json(&json!({ "schema": "wright.hook/1", "status": verb, "path": path }));
    } else {
        app.terminal.line(&format!("{verb} {}", path.display()));
    }
}

/// Answers an agent that is about to stop: it is sent back to work while something new refuses its change.
///
/// The exit code is 0 in any case. Agents take other codes for orders, and a check that cannot run must not trap them.
pub(super) async fn stop(app: &App, args: &Args) -> ExitCode {
    let answer = match stop_answer(app, args).await {
        Ok(answer) => answer,
        Err(failure) => Some(json!({ "systemMessage": format!("wright check could not run: {failure}") })),
    };
    if let Some(answer) = answer {
        app.terminal.data(&format!("{answer}\n"));
    }
    ExitCode::Done
}

async fn stop_answer(app: &App, args: &Args) -> Result<Option<Value>, Failure> {
    let said = read_text(app, Path::new("-"), MAX_HOOK_INPUT_BYTES)?;
    let said: Value = if said.trim().is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&said)
            .map_err(|error| Failure::usage(format!("failed to read the hook's input: {error}")))?
    };
    let was_sent_back = said.get("stop_hook_active").and_then(Value::as_bool).unwrap_or(false);
    let args = Args { author: AuthorArg::Agent, ..args.clone() };
    let judged = judge::run(app, &args, Input::of(app, &args)?).await?;
    Ok(formats::agent_reason(output::document(&judged)).map(|reason| match was_sent_back {
        false => json!({ "decision": "block", "reason": reason }),
        // Once is enough: an agent that cannot mend it must be able to stop, and a person decides.
        true => json!({ "systemMessage": reason }),
    }))
}

/// Judges each range of commits that git is about to push.
pub(super) async fn pre_push(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    let list = read_text(app, Path::new("-"), MAX_HOOK_INPUT_BYTES)?;
    let repo = Repository::discover(&app.environment.dir)?;
    let mut worst = ExitCode::Done;
    for line in list.lines() {
        let Some(revisions) = pushed(&repo, line)? else { continue };
        let judged = judge::run(app, args, Input::Commits(revisions)).await?;
        let exit = output::write(app, args, &judged)?;
        let is_worse = worst == ExitCode::Done || exit == ExitCode::Refused;
        worst = if is_worse { exit } else { worst };
    }
    Ok(worst)
}

/// Reads a line of git's list, `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID`; nothing for a branch that is deleted.
fn pushed(repo: &Repository, line: &str) -> Result<Option<Revisions>, Failure> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, local, _, remote] = words[..] else {
        return Err(Failure::usage(format!("failed to read the list of what is pushed: {line:?}")));
    };
    let is_none = |id: &str| id.bytes().all(|it| it == b'0');
    if is_none(local) {
        return Ok(None);
    }
    let head = CommitId::parse(local)?;
    // The commit of the other side may be one that was never fetched.
    let known = if is_none(remote) { None } else { repo.resolve(remote).ok() };
    let base = match known {
        Some(remote) => repo.merge_base(&remote, &head)?,
        None => match repo.main_branch()? {
            Some(main) if main != head => repo.merge_base(&main, &head)?,
            _ => None,
        },
    };
    Ok(Some(Revisions { base, head }))
}
