//! What developers run, which a sandbox that stops everything would stop too.

use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use libtest_mimic::Trial;
use wright_sandbox::{Command, Exit, Limits, Policy};

use crate::{Tree, find, leave_out, run, sandbox, trial};

/// What must be on the machine, the script, and the last line it prints.
pub(crate) const PROGRAMS: &[(&str, &[&str], &str, &str)] = &[
    ("python_runs", &["python3"], "python3 -c 'print(6 * 7)'", "42"),
    (
        "python_uses_many_processes",
        &["python3"],
        "printf 'import multiprocessing as m\\nif __name__ == \"__main__\":\\n with m.Pool(3) as p: print(sum(p.map(abs, [-1, -2, -3])))\\n' > pool.py; python3 pool.py",
        "6",
    ),
    (
        "python_uses_many_threads",
        &["python3"],
        "python3 -c 'import threading as t; a = [t.Thread(target=print) for _ in range(50)]; [x.start() for x in a]; [x.join() for x in a]; print(len(a))'",
        "50",
    ),
    (
        "python_reaches_its_own_server",
        &["python3"],
        "python3 -c 'import socket as s; a = s.create_server((\"localhost\", 0)); b = s.create_connection(a.getsockname()); a.accept()[0].send(b\"hi\"); print(b.recv(2).decode())'",
        "hi",
    ),
    (
        "python_opens_a_terminal",
        &["python3"],
        "python3 -c 'import os; a, b = os.openpty(); os.write(b, b\"hi\"); print(os.read(a, 2).decode(), os.isatty(b))'",
        "hi True",
    ),
    (
        "python_knows_who_runs_it",
        &["python3"],
        "python3 -c 'import getpass, tempfile; tempfile.mkstemp(); print(getpass.getuser())'",
        "sandbox",
    ),
    (
        "a_unix_socket_in_the_tree_works",
        &["python3"],
        "python3 -c 'import socket as s; a = s.socket(s.AF_UNIX); a.bind(\"sock\"); a.listen(); b = s.socket(s.AF_UNIX); b.connect(\"sock\"); print(\"connected\")'",
        "connected",
    ),
    (
        "a_c_program_is_compiled_and_run",
        &["gcc"],
        "printf '#include <stdio.h>\\nint main(void) { puts(\"compiled\"); }\\n' > main.c && gcc main.c -o main && ./main",
        "compiled",
    ),
    ("node_runs", &["node"], "node -e 'console.log(6 * 7)'", "42"),
    (
        "node_serves_and_instantiates_webassembly",
        &["node"],
        "node -e 'const s = require(\"http\").createServer((q, r) => r.end(\"served\")); s.listen(0, \"127.0.0.1\", async () => { console.log(await (await fetch(\"http://127.0.0.1:\" + s.address().port)).text()); s.close(); })'",
        "served",
    ),
    (
        "java_is_compiled_and_run",
        &["javac", "java"],
        "printf 'class Main { public static void main(String[] a) { System.out.println(\"compiled\"); } }' > Main.java && javac Main.java && java Main",
        "compiled",
    ),
    (
        "git_commits",
        &["git"],
        "git init -q . && echo a > a && git add a && git -c user.name=a -c user.email=a@b commit -qm one && git log --format=%s",
        "one",
    ),
    (
        "a_crate_is_built_and_tested_offline",
        &["cargo", "gcc"],
        "cargo init -q --vcs none --lib --name example . && cargo test -q --offline 2>&1 | grep -o '1 passed'",
        "1 passed",
    ),
    (
        "python_tests_run_with_pytest",
        &["python3", "pytest"],
        "printf 'def test_sum(): assert 1 + 1 == 2\\n' > test_sum.py && python3 -m pytest -q test_sum.py | grep -o '1 passed'",
        "1 passed",
    ),
    (
        "npm_runs_the_tests_of_a_package",
        &["npm"],
        "printf '{\"name\":\"a\",\"version\":\"1.0.0\",\"scripts\":{\"test\":\"node test.js\"}}' > package.json; \
         echo 'console.log(\"tested\")' > test.js; npm test --silent",
        "tested",
    ),
    (
        "go_tests_a_module",
        &["go"],
        "printf 'module example\\ngo 1.19\\n' > go.mod; \
         printf 'package example\\nimport \"testing\"\\nfunc TestSum(t *testing.T) { if 1+1 != 2 { t.Fatal() } }\\n' > a_test.go; \
         GOFLAGS=-mod=mod GOTOOLCHAIN=local go test ./... | grep -o '^ok'",
        "ok",
    ),
    (
        "python_reaches_its_own_server_by_version_6",
        &["python3"],
        "python3 -c 'import socket as s; a = s.create_server((\"::1\", 0), family=s.AF_INET6); b = s.create_connection(a.getsockname()[:2]); a.accept()[0].send(b\"hi\"); print(b.recv(2).decode())'",
        "hi",
    ),
    (
        "a_database_server_is_set_up_and_asked",
        &["/usr/lib/postgresql"],
        "PATH=$(ls -d /usr/lib/postgresql/*/bin | tail -1):$PATH; initdb -D db -A trust --no-sync > log 2>&1 && \
         pg_ctl -D db -w -l log -o \"-k $PWD -h '' -F\" start > /dev/null && \
         psql -h $PWD -d postgres -Atc 'select 6 * 7'; pg_ctl -D db -m immediate stop > /dev/null; test -s log",
        "42",
    ),
    ("bash_substitutes_processes", &["bash"], "bash -c 'cat <(echo substituted)'", "substituted"),
    (
        "a_pipe_and_a_shared_memory_folder_work",
        &[],
        "mkfifo pipe; echo text > pipe & cat pipe > /dev/shm/x; cat /dev/shm/x",
        "text",
    ),
    ("timeout_ends_a_program", &["timeout"], "timeout 0.1 sleep 5; echo $?", "124"),
    (
        "only_the_sandboxs_own_processes_are_listed",
        &["ps"],
        "test $(ps -e --no-headers | wc -l) -lt 8 && echo few",
        "few",
    ),
];

/// One test per program.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    PROGRAMS
        .iter()
        .map(|&(name, needed, script, expected)| trial(name.to_owned(), move || check(name, needed, script, expected)))
}

fn check(name: &str, needed: &[&str], script: &str, expected: &str) {
    if let Some(missing) = needed.iter().find(|program| !is_there(program)) {
        return leave_out(name, missing);
    }
    let tree = Tree::new();
    let policy = Policy {
        read_only: toolchains(),
        limits: Limits { wall: Duration::from_secs(120), ..Limits::default() },
        ..tree.policy()
    };
    let command = Command { env: variables(), ..Command::new(["sh", "-c", script]) };
    let outcome = run(sandbox(), &policy, &command);
    let text = outcome.text();
    let last = text.lines().last().unwrap_or_default();
    assert_eq!((outcome.exit, last), (Exit::Code(0), expected), "{text}");
}

/// Returns whether a program or a folder is there, or a module of Python's that is started as a program.
fn is_there(needed: &str) -> bool {
    let is_module = || {
        let import = format!("import {needed}");
        process::Command::new("python3").args(["-c", &import]).output().is_ok_and(|output| output.status.success())
    };
    match needed {
        "pytest" => is_module(),
        path if path.starts_with('/') => Path::new(path).exists(),
        program => find(program).is_some(),
    }
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map_or_else(|| PathBuf::from("/nonexistent"), PathBuf::from)
}

/// Toolchains that live in a home.
fn toolchains() -> Vec<PathBuf> {
    [".cargo", ".rustup", ".pyenv"].map(|name| home().join(name)).to_vec()
}

fn variables() -> Vec<(String, String)> {
    let inside = |dir: &Path| {
        dir.starts_with("/usr") || dir.starts_with("/bin") || toolchains().iter().any(|tool| dir.starts_with(tool))
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path: Vec<String> =
        std::env::split_paths(&path).filter(|dir| inside(dir)).map(|dir| dir.display().to_string()).collect();
    let home = |name: &str| home().join(name).display().to_string();
    vec![
        ("PATH".to_owned(), path.join(":")),
        ("CARGO_HOME".to_owned(), home(".cargo")),
        ("RUSTUP_HOME".to_owned(), home(".rustup")),
        ("PYENV_ROOT".to_owned(), home(".pyenv")),
    ]
}
