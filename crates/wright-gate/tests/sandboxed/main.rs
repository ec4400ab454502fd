//! Runs tools in the real sandbox: the ones of a project made for it, which say what the test has them say.
//!
//! This binary is two programs: the tests, and the sandbox helper, as `wright` is. The helper must begin before there is any
//! thread, so the usual test harness cannot start it, and these tests are apart from the others.

#![allow(missing_docs, clippy::unwrap_used, reason = "a test fails by panicking")]

mod tools;

use std::process::ExitCode;
use std::sync::LazyLock;

use libtest_mimic::{Arguments, Trial};
use wright_sandbox::{HelperCommand, Sandbox};

/// The first argument of this binary as the sandbox helper.
const HELPER: &str = "internal-sandbox-helper";

#[allow(clippy::disallowed_methods, reason = "a test reads its own arguments")]
fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(HELPER) {
        return wright_sandbox::helper_main();
    }
    libtest_mimic::run(&Arguments::from_args(), tools::trials()).exit_code()
}

fn trial(name: &str, test: fn()) -> Trial {
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
