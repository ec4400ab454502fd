//! `wright eval typing`: the time from a keystroke to a suggestion, in replays of recorded typing, beside a peer's.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use wright_eval::{NoWorker, Side, TypingDeps, TypingOptions, Worker, run_typing};
use wright_llama::{stop_worker, worker_stats};
use wright_provider::ProviderError;

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::provider::{self, ModelArgs, Purpose};
use crate::report::Failure;
use crate::terminal::neutral;

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright eval typing --traces evals/completion/typing --context 500
  wright eval typing --traces evals/completion/typing --peer http://127.0.0.1:8012 --output typing.json --plot typing.svg
  wright eval typing --traces evals/completion/typing --peer http://127.0.0.1:8012 --peer-order psm,spm --only rust
  wright eval typing --traces evals/completion/typing --clients 8 --context 1500

`evals/completion/peer.py` starts a peer and prints its address. The report is written after every pass.";

/// Arguments of `wright eval typing`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(super) struct Args {
    /// Replay every trace in this folder
    #[arg(long, value_name = "DIR")]
    traces: PathBuf,

    /// Replay only traces of this language or manner
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    only: Vec<String>,

    /// Show so many tokens of the text around the cursor
    #[arg(long, value_name = "TOKENS", value_delimiter = ',', default_value = "500,1500,3000",
        value_parser = clap::value_parser!(u32).range(50..=100_000))]
    context: Vec<u32>,

    /// Show at most so many lines behind the cursor, as llama.vim does with 64
    ///
    /// Otherwise half of the context is before the cursor and half behind it.
    #[arg(long, value_name = "LINES")]
    max_suffix_lines: Option<usize>,

    /// Measure our side without the result cache, with it, or both
    #[arg(long, value_name = "MODE", value_delimiter = ',', default_value = "engine,product")]
    mode: Vec<ModeArg>,

    /// Measure the llama.cpp server at this address as well
    #[arg(long, value_name = "URL")]
    peer: Option<String>,

    /// Drive the peer as llama.vim does (prefix, suffix, middle), in our order (suffix first), or both
    #[arg(long, value_name = "ORDER", value_delimiter = ',', default_value = "psm")]
    peer_order: Vec<OrderArg>,

    /// Ask at each N-th keystroke only, and after each jump and at each paste
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,

    /// Do so with the peer, which needs seconds for a keystroke in its own order
    #[arg(long, value_name = "N", default_value_t = 16)]
    peer_every: usize,

    /// Repeat everything so many times
    #[arg(long, value_name = "N", default_value_t = 1)]
    runs: usize,

    /// Let so many editors type at once on one worker, instead of comparing one with the peer
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    clients: u16,

    /// Let the product answer from less context when reading would take longer than this; 0 for no limit
    #[arg(long, value_name = "MILLISECONDS", default_value_t = 400)]
    max_read: u64,

    /// Leave out the recorded pauses
    #[arg(long)]
    no_pauses: bool,

    /// Say in the report what else keeps the machine busy; `evals/completion/run.sh load` starts it
    #[arg(long, value_name = "WHAT", default_value = "")]
    load: String,

    /// Compare our figures with those of this earlier report
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Write the report, as JSON, to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Write a picture of the figures, as SVG, to this file
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,

    #[command(flatten)]
    model: ModelArgs,
}

/// How our side is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ModeArg {
    /// Without the result cache: every keystroke asks the model
    Engine,
    /// As users have it
    Product,
}

/// How the peer is driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum OrderArg {
    /// Prefix, suffix, middle
    Psm,
    /// Suffix, prefix, middle
    Spm,
}

/// Replays the traces, tells of each pass, and prints the tables.
pub(super) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    let deps = deps(app, &args.model)?;
    let report = run_typing(&deps, &options(app, args)).await?;
    if let Some(path) = &args.plot {
        let path = app.absolute(path);
        let failed = |error| Failure::usage(format!("failed to write {}: {error}", path.display()));
        std::fs::write(&path, report.plot()).map_err(failed)?;
    }
    if app.terminal.is_json() {
        app.terminal.json(&report.to_json());
    } else {
        app.terminal.data(&report.table());
    }
    Ok(ExitCode::Done)
}

fn deps(app: &App, model: &ModelArgs) -> Result<TypingDeps, Failure> {
    let provider = provider::open(app, model, Purpose::Complete)?;
    let worker: Arc<dyn Worker> = match provider.model().starts_with("local:") {
        true => Arc::new(LocalWorker { socket: provider::local_config(app)?.socket }),
        false => Arc::new(NoWorker),
    };
    let terminal = Arc::clone(&app.terminal);
    let is_told = !terminal.is_json() || terminal.is_stderr_terminal();
    let progress = move |line: &str| {
        if is_told {
            terminal.say(&neutral(line));
        }
    };
    Ok(TypingDeps { provider, worker, progress: Arc::new(progress) })
}

fn options(app: &App, args: &Args) -> TypingOptions {
    let ours = args.mode.iter().map(|it| match it {
        ModeArg::Engine => Side::Engine,
        ModeArg::Product => Side::Product,
    });
    let peers = args.peer_order.iter().map(|it| match it {
        OrderArg::Psm => Side::PeerPrefixFirst,
        OrderArg::Spm => Side::PeerSuffixFirst,
    });
    TypingOptions {
        only: args.only.clone(),
        contexts: args.context.iter().map(|it| *it as usize).collect(),
        max_suffix_lines: args.max_suffix_lines,
        sides: ours.chain(peers).collect(),
        peer: args.peer.clone(),
        every: args.every,
        peer_every: args.peer_every,
        n_runs: args.runs,
        n_clients: usize::from(args.clients),
        max_read: (args.max_read > 0).then(|| Duration::from_millis(args.max_read)),
        pauses: !args.no_pauses,
        load: args.load.clone(),
        baseline: args.baseline.as_ref().map(|it| app.absolute(it)),
        output: args.output.as_ref().map(|it| app.absolute(it)),
        ..TypingOptions::new(app.absolute(&args.traces))
    }
}

/// The worker of this user, which forgets by ending: the next request starts another one.
struct LocalWorker {
    socket: PathBuf,
}

#[async_trait]
impl Worker for LocalWorker {
    async fn forget(&self) -> Result<(), ProviderError> {
        stop_worker(&self.socket).await.map(|_| ())
    }

    async fn evaluated_tokens(&self) -> Option<u64> {
        let stats = worker_stats(&self.socket).await.ok()??;
        Some(stats.models.iter().map(|it| it.prompt_tokens).sum())
    }

    async fn is_idle(&self) -> bool {
        worker_stats(&self.socket).await.ok().flatten().is_none_or(|it| it.n_requests == 0)
    }
}
