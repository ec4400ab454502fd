//! Runs evaluations from end to end on made-up tasks, in the real sandbox, with answers written down in the tests.
//!
//! This binary is also the sandbox helper, as `wright` is. A machine without a language's tools leaves that language's
//! tests out and says so. Where changes are judged (CI=true), Python and Rust must be there.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test fails by panicking, asks the machine what it has and says what it left out"
)]

mod bench;
mod complete;
mod fix;
mod generate;
mod resume;
mod runner;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// The first argument of this binary as the sandbox helper.
const HELPER: &str = "internal-sandbox-helper";

/// What every machine has that builds the program. Other languages' tools are welcome, and never required.
const REQUIRED: &[&str] = &["python3", "cargo", "rustc"];

/// A test: its name, which is a sentence, the program it needs beside the sandbox, and what it does.
type Test = (&'static str, &'static str, fn());

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(HELPER) {
        return wright_sandbox::helper_main();
    }
    let tests = [complete::TESTS, fix::TESTS, generate::TESTS, resume::TESTS, runner::TESTS].concat();
    let trials = tests.into_iter().map(trial).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial((name, program, test): Test) -> Trial {
    Trial::test(name, move || {
        if bench::has(program) {
            test();
            return Ok(());
        }
        if REQUIRED.contains(&program) && std::env::var_os("CI").is_some_and(|value| value == "true") {
            return Err(format!("`{program}` is not installed").into());
        }
        eprintln!("{name}: left out, `{program}` is not installed");
        Ok(())
    })
}
