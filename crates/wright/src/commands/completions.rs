//! `wright completions`: a completion script for a shell.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::app::App;
use crate::cli::Cli;
use crate::exit_code::ExitCode;

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright completions bash > ~/.local/share/bash-completion/completions/wright
  wright completions zsh > ~/.zfunc/_wright
  wright completions fish > ~/.config/fish/completions/wright.fish";

/// Arguments of `wright completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(app: &App, args: &Args) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "wright", &mut script);
    app.terminal.data(&String::from_utf8_lossy(&script));
    ExitCode::Done
}
