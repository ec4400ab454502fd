//! `wright internal`: the child processes that this program starts of itself.
//!
//! They run before anything else is set up. The sandbox helper must have one thread only, and the model worker sets up
//! its own runtime.

use std::ffi::OsString;
use std::process::ExitCode;

use wright_llama::WorkerConfig;

use crate::report::Failure;

/// Arguments of `wright internal`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// `sandbox-helper`, `model-worker` with its configuration, or `model-tuner` with its task
    #[arg(allow_hyphen_values = true, trailing_var_arg = true)]
    words: Vec<String>,
}

/// Runs as a child process when the arguments say so; otherwise returns nothing.
pub(crate) fn run_child(mut args: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    if args.next()? != "internal" {
        return None;
    }
    match args.next()?.to_str()? {
        "sandbox-helper" => Some(wright_sandbox::helper_main()),
        "model-worker" => Some(run_model_worker(&args.next()?.into_string().ok()?)),
        "model-tuner" => Some(wright_llama::tuner_main(&args.next()?.into_string().ok()?)),
        _ => None,
    }
}

fn run_model_worker(config: &str) -> ExitCode {
    match WorkerConfig::parse(config) {
        Ok(config) => wright_llama::worker_main(config),
        Err(error) => {
            eprintln!("error: failed to read the worker's configuration: {error}");
            ExitCode::from(2)
        }
    }
}

/// Returns the failure for arguments that [`run_child`] does not know.
pub(crate) fn misused(args: &Args) -> Failure {
    Failure::usage(format!("there is no internal command {:?}", args.words.join(" ")))
        .hint("`wright internal` is for this program's own child processes.")
}
