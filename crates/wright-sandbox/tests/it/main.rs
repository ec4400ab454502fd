//! Runs real commands in real sandboxes and asserts both sides: what is allowed works, what is forbidden fails.
//!
//! This binary is several programs: the tests, the sandbox helper (as `wright` is), and the attacks, which are run once
//! outside, where they must succeed, and once inside, where they must not. So the tests need no tool that may be missing.
//! To add an attack, add a row to a table of [`escapes`]; to add a program that must work, one to [`usability::PROGRAMS`].

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, starts processes and says what it left out"
)]

mod absences;
mod attacks;
mod bubblewrap;
mod cost;
mod egress;
mod escapes;
mod groups;
mod host;
mod levels;
mod limits;
mod metronome;
mod record;
mod terminal;
mod usability;
mod users;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;

use libtest_mimic::{Arguments, Trial};
use wright_sandbox::{Command, HelperCommand, LayerKind, Level, Outcome, Policy, Pretense, Sandbox};

/// The first argument of this binary as the sandbox helper.
const HELPER: &str = "internal-sandbox-helper";

/// The first argument of this binary as an attack.
const ATTACK: &str = "attack";

/// The first argument of this binary as a client of the egress proxy.
const CLIENT: &str = "egress-client";

/// The first argument of this binary as a process of the host that nobody may touch.
const VICTIM: &str = "victim";

/// A test: its name, which is a sentence, and what it does.
type Test = (&'static str, fn());

fn main() -> ExitCode {
    if attacks::has_owners_rights() {
        // Somebody marked a copy of this program to show that the mark counts. It must be of no other use.
        return ExitCode::from(attacks::THROUGH);
    }
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.first().map(String::as_str) {
        Some(HELPER) => return wright_sandbox::helper_main(),
        Some(ATTACK) => return attacks::run(&args[1..]),
        Some(CLIENT) => return egress::client(&args[1..]),
        Some(VICTIM) => return host::be_victim(&args[1..]),
        _ => {}
    }
    host::have_api_key();
    match args.first().map(String::as_str) {
        Some(terminal::ARGUMENT) => return terminal::run_in_terminal(&args[1..]),
        Some(cost::ARGUMENT) => return cost::measure(),
        Some(absences::ARGUMENT) => return absences::probe_without(args.get(1).map_or("", String::as_str)),
        _ => {}
    }
    let tests: [&[Test]; 8] = [
        absences::TESTS,
        bubblewrap::TESTS,
        egress::TESTS,
        escapes::TESTS,
        groups::TESTS,
        levels::TESTS,
        limits::TESTS,
        users::TESTS,
    ];
    let trials = tests
        .concat()
        .into_iter()
        .map(|(name, test)| trial(name.to_owned(), test))
        .chain(egress::trials())
        .chain(escapes::trials())
        .chain(usability::trials())
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn trial(name: String, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

fn helper() -> HelperCommand {
    HelperCommand { program: this_program(), args: vec![HELPER.to_owned()] }
}

fn this_program() -> PathBuf {
    std::env::current_exe().unwrap()
}

/// The sandbox that all tests share.
fn sandbox() -> &'static Sandbox {
    static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| Sandbox::probe(helper()).unwrap());
    &SANDBOX
}

/// A sandbox on a kernel that seems to lack some layers.
fn sandbox_without(missing: &[LayerKind]) -> Sandbox {
    let pretense = Pretense { missing: missing.to_vec(), is_without_bubblewrap: true, ..Pretense::default() };
    Sandbox::probe_pretending(helper(), &pretense).unwrap()
}

/// A tree that vanishes with its test.
struct Tree {
    dir: tempfile::TempDir,
}

impl Tree {
    fn new() -> Self {
        // Other users must be able to go there: root's commands run as one of them, and not every level hides the way.
        Self { dir: tempfile::tempdir_in("/tmp").unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().canonicalize().unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn policy(&self) -> Policy {
        Policy::new(self.path())
    }
}

/// Runs a command and waits for it.
fn run(sandbox: &Sandbox, policy: &Policy, command: &Command) -> Outcome {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(sandbox.run(policy, command)).unwrap()
}

/// Runs a shell script in a tree under the default policy.
fn sh(tree: &Tree, script: &str) -> Outcome {
    run(sandbox(), &tree.policy(), &Command::new(["sh", "-c", script]))
}

/// Returns whether a missing prerequisite is an error, as on the machines that judge changes.
fn is_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| value == "true")
}

/// Returns the level below which tests fail instead of leaving something out: what a variable asks for, else the best one on
/// the machines that judge changes.
fn expected_level() -> Option<Level> {
    let named = std::env::var("WRIGHT_EXPECT_SANDBOX").ok();
    match named.as_deref() {
        Some("A") => Some(Level::A),
        Some("B") => Some(Level::B),
        Some("C") => Some(Level::C),
        Some("D") => Some(Level::D),
        Some("E") => Some(Level::E),
        Some(other) => panic!("WRIGHT_EXPECT_SANDBOX is {other:?}, which is no level"),
        None => is_ci().then_some(Level::A),
    }
}

/// Says that something is not tried because a program is missing. On the machines that judge changes that is an error.
fn leave_out(what: &str, program: &str) {
    assert!(!is_ci(), "{what}: {program} is missing; `scripts/bootstrap.sh --tests` installs it");
    eprintln!("{what}: not tried, since {program} is missing");
}

/// Finds a program as a user's shell would, outside.
fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|file| file.exists())
}
