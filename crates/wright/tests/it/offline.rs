//! With a local model nothing leaves the machine: the system calls are watched.
//!
//! Addresses of this machine itself are let through: the sandbox's self-test tries, and must fail, to reach one from
//! inside.

use std::process::Command;

use crate::fixture::{Project, finish};
use crate::real_model::WithModel;

/// Runs the program under strace and returns every call that names an address outside of this machine.
fn outbound_calls(machine: &WithModel, args: &[&str]) -> Vec<String> {
    let log = tempfile::NamedTempFile::new().unwrap();
    let log_path = log.path().to_string_lossy().into_owned();
    let strace = [
        "-f",
        "--seccomp-bpf",
        "-qq",
        "-e",
        "trace=network",
        "-e",
        "signal=none",
        "-o",
        &log_path,
        env!("CARGO_BIN_EXE_wright"),
    ];
    let mut command = machine.with_models(machine.surroundings.command_of("strace", &[&strace, args].concat()));
    let run = finish(&mut command);
    assert_eq!(run.exit, 0, "{run:?}");
    let calls = std::fs::read_to_string(log.path()).unwrap();
    assert!(calls.contains("AF_UNIX"), "the calls were seen: the worker is reached over a socket");
    calls.lines().filter(|it| is_outbound(it)).map(str::to_owned).collect()
}

fn is_outbound(call: &str) -> bool {
    let names_address = call.contains("sin_addr") || call.contains("sin6_addr");
    let is_local =
        ["inet_addr(\"127.", "\"::1\"", "inet_addr(\"0.0.0.0\")", "\"::\""].iter().any(|it| call.contains(it));
    names_address && !is_local
}

fn has_strace() -> bool {
    let found = Command::new("strace").arg("--version").output().is_ok_and(|it| it.status.success());
    if !found {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "strace is missing; `make test` installs it");
        eprintln!("not tried: strace is missing");
    }
    found
}

#[test]
fn calls_that_leave_the_machine_are_recognized() {
    assert!(is_outbound(
        "7 connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr(\"93.184.216.34\")}, 16) = 0"
    ));
    assert!(!is_outbound(
        "7 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0"
    ));
    assert!(!is_outbound("7 connect(3, {sa_family=AF_UNIX, sun_path=\"/run/x\"}, 110) = 0"));
}

#[test]
fn real_model_opens_no_connection_to_elsewhere() {
    let Some(machine) = WithModel::find() else { return };
    if !has_strace() {
        return;
    }
    let test = "import unittest, adder\n\n\nclass T(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(adder.add(2, 3), 5)\n";
    let project = Project::new(&[("adder.py", "def add(a, b):\n    return a - b\n"), ("test_adder.py", test)]);
    let root = project.root().to_string_lossy().into_owned();
    let position = format!("{root}/adder.py:2:12");
    let fix: &[&str] = &["-C", &root, "fix", "--time-limit", "5m", "--", "python3", "-m", "unittest"];
    for args in [&["complete", &position, "--json"][..], fix, &["ask", "Say hello.", "--max-tokens", "8"], &["doctor"]]
    {
        assert_eq!(outbound_calls(&machine, args), Vec::<String>::new(), "{args:?}");
    }
}
