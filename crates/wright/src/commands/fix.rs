//! `wright fix`: makes failing tests pass, or says why not.
//!
//! Progress is talk and goes to stderr; the verdict, the diff and the receipt go to stdout. The exit code says whether a
//! patch passed the gate; what the model says about its work is never shown nor asked for.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use wright_agent::AgentError;
use wright_agent::fix::{self as agent, Deps, Fetching, Outcome, Proposal, Refusal, Request, SearchEnd};
use wright_agent::receipt::Receipt;
use wright_agent::setup::{CLIENT_VARIABLES, SetupConfiguration};
use wright_gate::{Finding, TestRun};
use wright_repo::Repository;
use wright_repo::protected::Approvals;
use wright_store::{Store, TaskStatus};

use crate::app::App;
use crate::environment::variable;
use crate::exit_code::ExitCode;
use crate::progress::{Progress, Started};
use crate::project_config::ProjectConfig;
use crate::provider::{self, ModelArgs, Purpose};
use crate::report::Failure;
use crate::signals::interrupted;
use crate::terminal::{Terminal, Tone, neutral, neutral_line};
use crate::time_limit::TimeLimit;

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright fix                                   the test command is recognized
  wright fix -- python3 -m pytest tests/test_pricing.py
  wright fix --apply --time-limit 5m -- cargo test
  wright fix --setup                           fetch missing dependencies first
  wright fix --json > result.json

The checkout is not touched unless --apply is given. Without it, `wright tasks apply ID` applies the proposal later.
Exit codes: 0 a patch passed every check (or nothing fails); 1 no candidate passed; 3 a check could not run; 4 the time
or the number of candidates was spent.";

/// Arguments of `wright fix`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// Apply the patch to the checkout when it passes every check
    #[arg(long)]
    apply: bool,

    /// Fetch dependencies that are missing before the tests run
    ///
    /// The project's package clients do it, in a sandbox whose only way out leads to the hosts that the clients ask for by
    /// themselves and those of `setup-hosts` in the configuration. No model takes part, and no code of the project or of a
    /// package runs meanwhile, except with Maven and Gradle. The tests then run without a network, as ever.
    #[arg(long)]
    setup: bool,

    #[command(flatten)]
    model: ModelArgs,

    /// Try at most this many candidates [default: 2000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    candidates: Option<u64>,

    /// Stop after this time, such as 90s or 10m [default: 10m]
    #[arg(long, value_name = "TIME")]
    time_limit: Option<TimeLimit>,

    /// Stop one run of the tests after this time [default: 2m]
    #[arg(long, value_name = "TIME")]
    test_time_limit: Option<TimeLimit>,

    /// Vary the search in a way that can be repeated
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// The test command; recognized from the repository when it is not given
    #[arg(last = true, value_name = "TEST COMMAND")]
    pub(crate) command: Vec<String>,
}

/// Searches for a patch and shows what came of it.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    let repo = Repository::discover(&app.environment.dir)?;
    let project = ProjectConfig::load(&repo)?;
    let mut request = request(app, args);
    project.narrow(&mut request);
    let provider = provider::open(app, &args.model, Purpose::Agent)?;
    let store = app.store().await?;
    let sandbox = app.sandbox().await?;
    say_what_is_left_out(app, &repo)?;
    let progress = Progress::new(&app.terminal, repo.root().to_owned());
    let reporter = Arc::clone(&progress);
    let deps = Deps {
        provider,
        sandbox,
        store: store.clone(),
        tasks_folder: app.home.tasks()?,
        toolchains: app.toolchains(),
        fetching: project.narrow_setup(allowed_setup(app, args)).map(Fetching::from_network),
        reporter: Arc::new(move |event| reporter.show(&event)),
    };
    let outcome = tokio::select! {
        outcome = agent::fix(&deps, &repo, &request) => outcome,
        () = interrupted() => {
            progress.finish();
            end_interrupted(&store, &deps.tasks_folder, progress.started()).await;
            let shown = Shown { app, repo: &repo, store: &store, started: progress.started() };
            return Ok(shown.interrupted());
        }
    };
    progress.finish();
    let shown = Shown { app, repo: &repo, store: &store, started: progress.started() };
    match outcome.map_err(|error| explained(error, &repo))? {
        Outcome::NothingToFix(run) => Ok(shown.nothing_to_fix(&run)),
        Outcome::Proposed(proposal) => shown.proposal(&proposal, args.apply).await,
        Outcome::Refused(refusal) => Ok(shown.refusal(&refusal, progress.baseline().as_ref())),
    }
}

/// Returns what the user allows to be fetched; nothing without a flag or a key that says so.
fn allowed_setup(app: &App, args: &Args) -> Option<SetupConfiguration> {
    let config = &app.config;
    if !args.setup && config.setup != Some(true) {
        return None;
    }
    let home = &app.environment.user_home;
    let file = |path: &PathBuf| path.strip_prefix("~").map_or_else(|_| app.absolute(path), |it| home.join(it));
    let variables = CLIENT_VARIABLES.iter().filter_map(|name| Some(((*name).to_owned(), variable(name)?)));
    Some(SetupConfiguration {
        hosts: config.setup_hosts.clone(),
        private_hosts: config.setup_private_hosts.clone(),
        only_hosts: None,
        files: config.setup_files.iter().map(file).collect(),
        variables: variables.collect(),
    })
}

fn request(app: &App, args: &Args) -> Request {
    let default = Request::default();
    let config = &app.config;
    let n_candidates = args.candidates.map(|it| usize::try_from(it).unwrap_or(usize::MAX));
    Request {
        command: (!args.command.is_empty()).then(|| args.command.clone()),
        max_candidates: n_candidates.or(config.candidates).unwrap_or(default.max_candidates),
        time_limit: args.time_limit.or(config.time_limit).map_or(default.time_limit, |it| it.0),
        test_time_limit: args.test_time_limit.or(config.test_time_limit).map_or(default.test_time_limit, |it| it.0),
        seed: args.seed,
        minimum_level: app.minimum_level(),
    }
}

/// Says which files the worktree will not have: a test that was just written is the usual one.
fn say_what_is_left_out(app: &App, repo: &Repository) -> Result<(), Failure> {
    let untracked = repo.status()?.untracked;
    let Some(first) = untracked.first().filter(|_| !app.terminal.is_json()) else { return Ok(()) };
    let more = if untracked.len() > 1 { format!(" and {} more", untracked.len() - 1) } else { String::new() };
    let first = first.display().to_string();
    let text = format!(
        "{} {}{more} is not in the repository, so it is left out; `git add` and commit it to change that",
        Tone::Note.err("note:"),
        neutral_line(&first)
    );
    app.terminal.say(&text);
    Ok(())
}

/// Adds to an error what only the front end knows.
fn explained(error: AgentError, repo: &Repository) -> Failure {
    let is_merge_under_way = matches!(error, AgentError::DirtyCheckout { .. });
    let operation = if is_merge_under_way { repo.status().ok().and_then(|it| it.operation) } else { None };
    let failure = Failure::from(error);
    match operation {
        Some(operation) => failure.hint(format!("Finish or abort the {operation} that is under way, and commit.")),
        None => failure,
    }
}

/// Closes the record of a task that was stopped, and removes its trees. What cannot be done is left as it is: the process
/// is about to end, and nothing of the user's is at stake.
async fn end_interrupted(store: &Store, tasks: &Path, started: Option<Started>) {
    let Some(started) = started else { return };
    if let Ok(task) = store.find_task(&started.task).await {
        let _ = store.finish(&task.id, TaskStatus::Interrupted).await;
    }
    for tree in agent::TREES {
        let _ = std::fs::remove_dir_all(tasks.join(&started.task).join(tree));
    }
}

/// Shows how a task ended.
struct Shown<'a> {
    app: &'a App,
    repo: &'a Repository,
    store: &'a Store,
    started: Option<Started>,
}

impl Shown<'_> {
    fn terminal(&self) -> &Terminal {
        &self.app.terminal
    }

    fn nothing_to_fix(&self, run: &TestRun) -> ExitCode {
        if self.terminal().is_json() {
            let mut document = self.document("nothing-to-fix", None);
            document["summary"] = run.summary().into();
            self.terminal().json(&document);
        } else {
            let command = self.started.as_ref().map_or("", |it| it.command.as_str());
            let text = format!(
                "{} `{}` passes already: {}",
                Tone::Good.out("nothing to fix:"),
                neutral_line(command),
                run.summary()
            );
            self.terminal().line(&text);
        }
        ExitCode::Done
    }

    fn interrupted(&self) -> ExitCode {
        if self.terminal().is_json() {
            self.terminal().json(&self.document("interrupted", None));
        } else {
            self.terminal().say(&Tone::Note.err("interrupted; the checkout is unchanged"));
        }
        ExitCode::Interrupted
    }

    async fn proposal(&self, proposal: &Proposal, wants_apply: bool) -> Result<ExitCode, Failure> {
        let diff = proposal.patch.change().to_unified_diff();
        if wants_apply {
            // The proposal is kept, so a conflict loses nothing.
            self.apply(proposal).await?;
        }
        let status = if wants_apply { "applied" } else { "proposed" };
        let short = super::short_id(&proposal.task).to_owned();
        let next = (!wants_apply).then(|| format!("wright tasks apply {short}"));
        if self.terminal().is_json() {
            let mut document = self.document(status, Some(&proposal.receipt));
            document["patch"] = diff.into();
            document["folder"] = json!(proposal.folder);
            document["next"] = json!(next);
            self.terminal().json(&document);
            return Ok(ExitCode::Done);
        }
        let what = if wants_apply {
            "the patch passed every check and is in your checkout"
        } else {
            "the patch passed every check"
        };
        self.terminal().line(&format!("\n{} {what}\n", Tone::Good.out(&format!("{status}:"))));
        show_diff(self.terminal(), &diff);
        show_receipt(self.terminal(), &proposal.receipt, &proposal.folder);
        match next {
            Some(next) => self.terminal().line(&format!("{} {next}", heading("next"))),
            None => self.terminal().line(&format!("{} git diff", heading("next"))),
        }
        Ok(ExitCode::Done)
    }

    async fn apply(&self, proposal: &Proposal) -> Result<(), Failure> {
        super::apply(self.repo, &proposal.patch, &Approvals::none())?;
        let task = self.store.find_task(&proposal.task).await?;
        self.store.finish(&task.id, TaskStatus::Applied).await?;
        Ok(())
    }

    fn refusal(&self, refusal: &Refusal, baseline: Option<&TestRun>) -> ExitCode {
        let (status, exit) = match refusal.end {
            SearchEnd::AllTried => ("refused", ExitCode::Refused),
            SearchEnd::BudgetSpent => ("exhausted", ExitCode::BudgetSpent),
            SearchEnd::Undecided => ("inconclusive", ExitCode::Inconclusive),
        };
        if self.terminal().is_json() {
            let mut document = self.document(status, Some(&refusal.receipt));
            document["findings"] = refusal.findings.iter().map(super::finding_json).collect();
            document["folder"] = json!(refusal.folder);
            self.terminal().json(&document);
            return exit;
        }
        let what = match refusal.end {
            SearchEnd::AllTried => "no candidate passed every check",
            SearchEnd::BudgetSpent => "the time or the number of candidates is spent, and no candidate passed",
            SearchEnd::Undecided => "a check could not run, so nothing is promised",
        };
        self.terminal()
            .line(&format!("\n{} {what}; the checkout is unchanged\n", Tone::Bad.out(&format!("{status}:"))));
        refusal.findings.iter().for_each(|it| show_finding(self.terminal(), it));
        if let Some(run) = baseline {
            self.terminal().line(&format!("{} {}", heading("tests"), run.summary()));
        }
        show_receipt(self.terminal(), &refusal.receipt, &refusal.folder);
        self.terminal().line(&format!("{} {}", heading("next"), advice(refusal.end)));
        exit
    }

    /// Returns the fields that every ending shares.
    fn document(&self, status: &str, receipt: Option<&Receipt>) -> Value {
        let command = receipt.map(|it| json!(it.test_command));
        let given = self.started.as_ref().map(|it| json!(it.command.split(' ').collect::<Vec<_>>()));
        json!({
            "schema": "wright.fix/1",
            "status": status,
            "task": self.started.as_ref().map(|it| &it.task),
            "repository": self.repo.root(),
            "base_commit": self.started.as_ref().map(|it| &it.base),
            "test_command": command.or(given),
            "patch": null,
            "receipt": receipt.map(Receipt::to_json),
            "findings": [],
            "folder": null,
            "next": null,
        })
    }
}

fn advice(end: SearchEnd) -> &'static str {
    match end {
        SearchEnd::AllTried => "try a larger model with --model, or another --seed",
        SearchEnd::BudgetSpent => "allow more with --time-limit or --candidates, or name fewer tests after --",
        SearchEnd::Undecided => "`wright doctor` says what works here; the transcript says what could not run",
    }
}

fn heading(text: &str) -> String {
    Tone::Strong.out(&format!("{text:<9}"))
}

fn show_finding(terminal: &Terminal, finding: &Finding) {
    terminal.line(&format!("{} {}", heading("reason"), neutral_line(&finding.to_string())));
    if let Some(hint) = &finding.hint {
        terminal.line(&format!("{:10}{}", "", neutral_line(hint)));
    }
}

/// Shows a diff in colors on a terminal, and byte for byte elsewhere.
pub(super) fn show_diff(terminal: &Terminal, diff: &str) {
    if !terminal.is_stdout_terminal() {
        return terminal.data(diff);
    }
    for line in diff.lines() {
        let tone = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] | [b'd', b'i', b'f', b'f', ..] => Tone::Strong,
            [b'+', ..] => Tone::Good,
            [b'-', ..] => Tone::Bad,
            [b'@', ..] => Tone::Place,
            _ => {
                terminal.line(&neutral(line));
                continue;
            }
        };
        terminal.line(&tone.out(&neutral(line)));
    }
}

/// Shows what a receipt says.
pub(super) fn show_receipt(terminal: &Terminal, receipt: &Receipt, folder: &Path) {
    terminal.line("");
    for check in &receipt.checks {
        terminal.line(&format!("{} {}: {}", heading("check"), neutral_line(&check.check), neutral_line(&check.detail)));
    }
    let limits = match receipt.sandbox_limits.as_str() {
        "" => String::new(),
        keeper => format!(", limits kept by a {}", neutral_line(keeper)),
    };
    let spent = &receipt.spent;
    terminal.line(&format!(
        "{} {}, seed {}, sandbox level {}{limits}",
        heading("model"),
        neutral_line(&receipt.model),
        receipt.seed,
        neutral_line(&receipt.sandbox_level)
    ));
    terminal.line(&format!(
        "{} {} candidates, {} test runs, {} questions to the model, {} tokens read ({} from the cache), {} written, {:.1} s",
        heading("spent"),
        spent.candidates,
        spent.test_runs,
        spent.model_calls,
        spent.prompt_tokens,
        spent.cached_tokens,
        spent.completion_tokens,
        spent.seconds
    ));
    terminal.line(&format!(
        "{} {}",
        heading("receipt"),
        neutral_line(&folder.join("receipt.json").display().to_string())
    ));
}
