//! The command line: options that every command has, and the run of one command.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{ArgAction, Parser};
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::app::App;
use crate::commands::{self, Command};
use crate::environment::{Environment, variable};
use crate::exit_code::{self, ExitCode};
use crate::report;
use crate::terminal::{Format, Terminal};

/// The closing part of `wright --help`.
const GUIDE: &str = "\
Getting started:
  wright model pull                       fetch the default models, once
  wright fix                              make the failing tests of this repository pass
  wright check                            what your uncommitted changes bring that they should not
  wright ask \"what does this do?\" -f a.py
  wright complete src/a.py:12:5           what would be typed there
  wright doctor                           what works on this machine

Files:
  ~/.config/wright/config.toml            model, complete-model, base-url, time-limit,
                                          test-time-limit, candidates, minimum-level, threads,
                                          context-tokens, idle-unload, idle-exit, telemetry,
                                          setup, setup-hosts, setup-private-hosts, setup-files
  ~/.config/wright/keys.toml              keys of remote providers, mode 0600: openai = \"…\"
  ~/.local/share/wright                   models, tasks, receipts, figures about suggestions

Variables:
  WRIGHT_CONFIG, WRIGHT_HOME              other places for the configuration and the data
  WRIGHT_MODELS                           another folder of models
  WRIGHT_MODEL, WRIGHT_BASE_URL           the model when no flag names one
  WRIGHT_API_KEY                          the key of a remote provider
  WRIGHT_TELEMETRY                        0 records nothing about suggestions (it stays here anyway)
  WRIGHT_LOG                              what is logged to stderr, such as wright_agent=debug
  NO_COLOR                                no colors
";

/// Turns intent into verified code
///
/// Completion, questions and repairs by a model on this machine (or one that you name), where every change is checked
/// before you see it: a repair is a repair only after your own tests passed in a sandbox, whatever the model says.
#[derive(Debug, Parser)]
#[command(name = "wright", version, max_term_width = 100, arg_required_else_help = true)]
#[command(after_long_help = format!("{GUIDE}\n{}", exit_code::HELP), after_help = "`wright --help` says more; `wright help COMMAND` has examples.")]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, clap::Args)]
struct Globals {
    /// Work in this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    dir: Option<PathBuf>,

    /// Write the result as one JSON document
    #[arg(long, global = true)]
    json: bool,

    /// Say more on stderr; twice for each step
    #[arg(short, long, action = ArgAction::Count, global = true)]
    verbose: u8,
}

/// Reads the arguments. An error has been shown already; help and version end with [`ExitCode::Done`].
pub(crate) fn parse(args: impl Iterator<Item = OsString>) -> Result<Cli, ExitCode> {
    let args: Vec<OsString> = args.collect();
    Cli::try_parse_from(&args).map_err(|error| {
        let is_help = !error.use_stderr();
        let before_command = args.iter().take_while(|it| *it != "--");
        if !is_help && before_command.into_iter().any(|it| it == "--json") {
            show_as_json(&error);
        } else {
            // Nothing is left to do when nobody reads it.
            let _ = error.print();
        }
        if is_help { ExitCode::Done } else { ExitCode::Usage }
    })
}

fn show_as_json(error: &clap::Error) {
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let document =
        json!({ "schema": "wright.error/1", "error": message, "hint": "Run `wright --help`.", "exit_code": 2 });
    Terminal::new(Format::Json).json(&document);
}

/// Runs the command and shows what went wrong, if something did.
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let format = if cli.globals.json { Format::Json } else { Format::Text };
    let terminal = Arc::new(Terminal::new(format));
    start_logging(cli.globals.verbose);
    let app = Environment::read(cli.globals.dir.as_deref()).and_then(|it| App::open(it, Arc::clone(&terminal)));
    let result = match app {
        Ok(app) => commands::run(&Arc::new(app), cli.command).await,
        Err(failure) => Err(failure),
    };
    terminal.set_live_line(None);
    result.unwrap_or_else(|failure| report::show(&terminal, &failure))
}

/// Logs our own crates to stderr. Other libraries are silent unless `WRIGHT_LOG` names them: some of them log what they
/// send, and that may hold a key.
fn start_logging(verbose: u8) {
    let default = match verbose {
        0 => "off",
        1 => "wright=info",
        _ => "wright=debug",
    };
    let filter =
        variable("WRIGHT_LOG").and_then(|it| EnvFilter::try_new(it).ok()).unwrap_or_else(|| EnvFilter::new(default));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).without_time().init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_of_every_command_may_come_before_or_after_it() {
        for args in [["wright", "--json", "doctor"], ["wright", "doctor", "--json"]] {
            assert!(Cli::try_parse_from(args).unwrap().globals.json);
        }
    }

    #[test]
    fn what_follows_two_dashes_is_the_test_command() {
        let cli = Cli::try_parse_from(["wright", "fix", "--seed", "3", "--", "pytest", "--json", "-x"]).unwrap();
        assert!(!cli.globals.json);
        assert!(matches!(cli.command, Command::Fix(args) if args.command == ["pytest", "--json", "-x"]));
    }
}
