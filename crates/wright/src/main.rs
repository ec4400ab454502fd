//! The `wright` program: arguments, configuration, wiring, and what the user sees.
//!
//! Nothing here decides about code. [`commands`] has one file per command; [`app`] opens what commands need;
//! [`environment`] is the only place that reads variables and folders; [`terminal`] is the only one that prints, and
//! [`report`] says how an error looks.
//!
//! One file holds three kinds of process: the two `wright internal …` children run before anything else is set up, because
//! a sandbox helper must have a single thread.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the binary is the one crate that reads the environment and prints"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod commands;

mod app;

mod cli;

mod config;

mod environment;

mod exit_code;

mod home;

mod keys;

mod machine;

mod progress;

mod project_config;

mod provider;

mod report;

mod signals;

mod terminal;

mod time_limit;

use std::panic::AssertUnwindSafe;

use crate::exit_code::ExitCode;

fn main() -> std::process::ExitCode {
    if let Some(code) = commands::internal::run_child(std::env::args_os().skip(1)) {
        return code;
    }
    // An error here means that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    report::install_panic_hook();
    let code = std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or(ExitCode::Internal);
    code.into()
}

fn run() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: failed to start: {error}");
            return ExitCode::Usage;
        }
    };
    let code = runtime.block_on(cli::run(cli));
    // A thread that waits for stdin, or for a lock, must not keep the program from ending.
    runtime.shutdown_background();
    code
}
