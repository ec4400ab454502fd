//! Runs the flows with a model that does whatever it is told by whoever tells it, and looks at what came of it.
//!
//! This binary is two programs: the tests, and the sandbox helper, as `wright` is. Payloads are data, in `payloads.toml`: to
//! add one, add an action, a channel or a class there.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test fails by panicking, starts processes and says what it left out"
)]

mod fetching;
mod obedient;
mod record;
mod rows;
mod trees;
mod world;

use std::process::ExitCode;
use std::sync::LazyLock;

use libtest_mimic::{Arguments, Trial};
use wright_sandbox::{HelperCommand, Sandbox};

/// The first argument of this binary as the sandbox helper.
const HELPER: &str = "internal-sandbox-helper";

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(HELPER) {
        return wright_sandbox::helper_main();
    }
    let trials =
        obedient::trials().into_iter().chain(rows::trials()).chain(fetching::trials()).chain(trees::trials()).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    let name: String = name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '_' }).collect();
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// The sandbox that all tests share.
fn sandbox() -> &'static Sandbox {
    static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
        let program = std::env::current_exe().unwrap();
        Sandbox::probe(HelperCommand { program, args: vec![HELPER.to_owned()] }).unwrap()
    });
    &SANDBOX
}

/// Waits for a future.
fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}
