//! `wright eval`: measures a model, and what checking makes of it, on files of benchmark tasks; and the time that a
//! keystroke takes.

mod typing;

use std::path::PathBuf;
use std::sync::Arc;

use wright_eval::{Deps, Kind, Options, TaskResult, Totals};
use wright_store::Store;

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::provider::{self, ModelArgs, Purpose};
use crate::report::Failure;
use crate::terminal::{Terminal, Tone, neutral};
use crate::time_limit::TimeLimit;

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright eval fix --tasks bench/quixbugs --limit 5 --output fix.json
  wright eval complete --tasks bench/single-line.jsonl --compare raw --output complete.json
  wright eval generate --tasks bench/humaneval --seed 1 --model openai:NAME --base-url http://localhost:8080/v1
  wright eval typing --traces evals/completion/typing --peer http://127.0.0.1:8012 --output typing.json

Except for typing, the report is written after every task. A run that was stopped goes on where it was when it is started again with the
same options and the same --output.";

/// Arguments of `wright eval`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

/// What can be measured.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Mending failing tests
    Fix(TaskArgs),
    /// Suggestions in the middle of a file
    Complete(TaskArgs),
    /// Writing a function from its description
    Generate(TaskArgs),
    /// How long a keystroke takes, in replays of recorded typing
    Typing(Box<typing::Args>),
}

/// Arguments of the measurements that have tasks.
#[derive(Debug, clap::Args)]
struct TaskArgs {
    /// Take the tasks from this file of JSON lines, or from every such file in this folder
    #[arg(long, value_name = "FILE_OR_DIR")]
    tasks: PathBuf,

    /// Measure this many tasks at most
    #[arg(long, value_name = "N")]
    limit: Option<usize>,

    /// Vary all sampling in a way that can be repeated
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,

    /// Measure for comparison the model's own first answer, unchecked
    #[arg(long, value_name = "WITH")]
    compare: Option<CompareArg>,

    /// Write the report, as JSON, to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Stop a task after this time [default: 2m]
    #[arg(long, value_name = "TIME")]
    time_limit: Option<TimeLimit>,

    /// Try at most this many candidates for a task [default: 2000]
    #[arg(long, value_name = "N")]
    candidates: Option<usize>,

    /// Begin anew although the report holds results already
    #[arg(long)]
    fresh: bool,

    #[command(flatten)]
    model: ModelArgs,
}

/// What a result can be compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum CompareArg {
    /// The model's own first answer, unchecked
    Raw,
}

/// Measures, says what came of each task, and prints the table.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    match &args.what {
        What::Fix(args) => run_tasks(app, Kind::Fix, Purpose::Agent, args).await,
        What::Complete(args) => run_tasks(app, Kind::Complete, Purpose::Complete, args).await,
        What::Generate(args) => run_tasks(app, Kind::Generate, Purpose::Agent, args).await,
        What::Typing(args) => typing::run(app, args).await,
    }
}

async fn run_tasks(app: &App, kind: Kind, purpose: Purpose, args: &TaskArgs) -> Result<ExitCode, Failure> {
    let deps = deps(app, &args.model, purpose).await?;
    let report = wright_eval::run(&deps, kind, &options(app, args)).await?;
    if app.terminal.is_json() {
        app.terminal.json(&report.to_json());
    } else {
        app.terminal.data(&report.table());
    }
    Ok(ExitCode::Done)
}

async fn deps(app: &App, model: &ModelArgs, purpose: Purpose) -> Result<Deps, Failure> {
    let provider = provider::open(app, model, purpose)?;
    let scratch = app.home.private_folder("eval")?;
    // A store of its own: benchmark tasks are none of the user's tasks.
    let store = Store::open(&scratch.join("store.db")).await?;
    let terminal = Arc::clone(&app.terminal);
    Ok(Deps {
        provider,
        sandbox: app.sandbox().await?,
        toolchains: app.toolchains(),
        store,
        scratch,
        progress: Arc::new(move |result, totals| say(&terminal, result, totals)),
    })
}

fn options(app: &App, args: &TaskArgs) -> Options {
    let default = Options::new(app.absolute(&args.tasks));
    Options {
        limit: args.limit,
        seed: args.seed,
        compare_raw: args.compare == Some(CompareArg::Raw),
        output: args.output.as_ref().map(|it| app.absolute(it)),
        time_limit: args.time_limit.map_or(default.time_limit, |it| it.0),
        candidates: args.candidates.unwrap_or(default.candidates),
        resume: !args.fresh,
        ..default
    }
}

fn say(terminal: &Terminal, result: &TaskResult, totals: &Totals) {
    if terminal.is_json() && !terminal.is_stderr_terminal() {
        return;
    }
    let (word, tone) = match result {
        TaskResult { skipped: true, .. } => ("skipped", Tone::Note),
        TaskResult { solved: true, .. } => ("solved", Tone::Good),
        TaskResult { claimed: true, .. } => ("claimed wrong", Tone::Bad),
        _ => ("not solved", Tone::Note),
    };
    let reason = if result.reason.is_empty() { String::new() } else { format!(": {}", first_line(&result.reason)) };
    let line = format!(
        "{:>3}/{} {:<28} {} in {:.1} s{} · {} solved so far",
        totals.tasks + totals.skipped,
        totals.selected,
        neutral(&result.task_id),
        tone.err(word),
        result.seconds,
        neutral(&reason),
        totals.solved
    );
    terminal.say(&line);
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
