//! Developer tasks: `cargo xtask ci` runs what continuous integration runs, in its order.
//!
//! This crate looks at the project from outside: it reads files and starts cargo. It depends on no wright crate, so it
//! still builds when they do not. To add a step, start at [`steps`].

#![expect(clippy::disallowed_methods, reason = "developer tasks start cargo and read the environment")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "developer tasks talk to the terminal")]

mod escape;
mod layers;
mod rules;
mod steps;
mod tools;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

use crate::workspace::Workspace;

/// Developer tasks of Codewright
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run every check that continuous integration runs, in its order
    Ci(CiArguments),
    /// Attack the sandbox and everything else that hostile input meets, and say what became of each attack
    Escape(escape::Arguments),
    /// Compare the edge table of ARCHITECTURE.md with the crates
    Layers,
}

#[derive(Args)]
struct CiArguments {
    /// List the steps and what they run
    #[arg(long)]
    list: bool,
    /// Run only this step; may be given several times
    #[arg(long, value_name = "STEP", value_parser = steps::parse_name)]
    only: Vec<&'static str>,
    /// Leave this step out; may be given several times
    #[arg(long, value_name = "STEP", value_parser = steps::parse_name)]
    skip: Vec<&'static str>,
}

fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    match task {
        Task::Ci(arguments) if arguments.list => {
            print!("{}", steps::list());
            Ok(())
        }
        Task::Ci(arguments) => steps::run(&Workspace::load()?, &arguments.only, &arguments.skip),
        Task::Escape(arguments) => escape::run(&Workspace::load()?, &arguments),
        Task::Layers => layers::check(&Workspace::load()?),
    }
}
