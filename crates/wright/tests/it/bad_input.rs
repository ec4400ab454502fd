//! Surroundings and arguments that do not allow a command: the message names the cause, the hint says what to do, the
//! exit code is 2, and nothing is changed.

use std::path::Path;

use crate::fixture::{Project, Run, Surroundings, TEST_COMMAND};

const REMOTE: [&str; 4] = ["--model", "openai:fake", "--base-url", "http://127.0.0.1:9/v1"];

/// Checks the lines on stderr; `[…]` in them stands for anything.
fn check(run: &Run, exit: i32, expected: &[&str]) {
    assert_eq!(run.exit, exit, "{run:?}");
    assert_eq!(run.stdout, "", "{run:?}");
    let lines: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(lines.len(), expected.len(), "{run:#?}");
    for (line, pattern) in lines.iter().zip(expected) {
        assert!(matches(line, pattern), "{line:?} is not {pattern:?}");
    }
}

fn matches(line: &str, pattern: &str) -> bool {
    let mut rest = line;
    let mut parts = pattern.split("[…]").peekable();
    let starts = parts.next().is_some_and(|first| rest.strip_prefix(first).map(|it| rest = it).is_some());
    let follow = parts.all(|part| match rest.find(part) {
        Some(at) => {
            rest = &rest[at + part.len()..];
            true
        }
        None => false,
    });
    starts && follow && (rest.is_empty() || pattern.ends_with("[…]"))
}

fn fix(dir: &Path, options: &[&str]) -> Run {
    Surroundings::new().run_in(dir, &[&["fix"], &REMOTE[..], options].concat())
}

#[test]
fn no_repository() {
    let folder = tempfile::tempdir().unwrap();
    check(
        &fix(folder.path(), &[]),
        2,
        &[
            "error: failed to find a git repository at \"[…]\" or above it",
            "hint: Change to the folder of your project, or run `git init` there and commit its files first.",
        ],
    );
}

#[test]
fn no_commit() {
    let folder = tempfile::tempdir().unwrap();
    let init = std::process::Command::new("git").args(["init", "--quiet"]).current_dir(folder.path()).status().unwrap();
    assert!(init.success());
    check(
        &fix(folder.path(), &[]),
        2,
        &[
            "error: failed to find a commit in \"[…]\": the repository has none yet",
            "hint: Commit your files first: […]",
        ],
    );
}

#[test]
fn a_dirty_checkout() {
    let project = Project::with_bug();
    project.write("shop.py", "# changed\n");
    let before = project.bytes();
    check(
        &fix(project.root(), &TEST_COMMAND),
        2,
        &["error: the checkout has 1 uncommitted change: shop.py", "hint: Commit or stash them first: […]"],
    );
    assert_eq!(project.bytes(), before);
}

#[test]
fn no_test_command() {
    let project = Project::new(&[("notes.txt", "nothing to test\n")]);
    check(
        &fix(project.root(), &[]),
        2,
        &[
            "error: no test command found in \"[…]\"",
            "hint: Name it after `--`, for example `wright fix -- python3 -m pytest`.",
        ],
    );
}

#[test]
fn a_test_command_that_does_not_exist() {
    let project = Project::with_bug();
    let before = project.bytes();
    let run = fix(project.root(), &["--json", "--", "no-such-runner", "--all"]);
    assert_eq!(run.exit, 2, "{run:?}");
    let error = run.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("cannot run `no-such-runner --all` in the sandbox"), "{error}");
    assert_eq!(project.bytes(), before);
}

#[test]
fn a_build_that_fails_names_what_failed_and_is_refused() {
    let project =
        Project::new(&[("shop.py", "def total(:\n    return 1\n"), ("test_shop.py", "import unittest, shop\n")]);
    let before = project.bytes();
    let server = crate::fake_server::FakeServer::start(crate::fake_server::Answer::Text("fixed".to_owned()));
    let url = server.base_url();
    let args = ["fix", "--model", "openai:fake", "--base-url", &url];
    let run = Surroundings::new().run_in(project.root(), &[&args[..], &TEST_COMMAND].concat());
    assert_eq!(run.exit, 1, "{run:?}");
    assert!(run.stderr.contains("SyntaxError"), "{run:?}");
    assert!(run.stdout.contains("refused: "), "{run:?}");
    assert_eq!(project.bytes(), before);
}

#[test]
fn nothing_to_fix_is_no_error() {
    let project =
        Project::new(&[("test_a.py", "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): pass\n")]);
    let run = fix(project.root(), &[&["--json"], &TEST_COMMAND[..]].concat());
    assert_eq!(run.exit, 0, "{run:?}");
    assert_eq!(run.json()["status"], "nothing-to-fix");
}

#[test]
fn files_that_cannot_be_completed() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    file("a.py", b"x = 1\n");
    file("binary.py", b"a\0b");
    file("latin.py", b"caf\xe9");
    file("huge.py", b"");
    let huge = std::fs::File::options().write(true).open(folder.path().join("huge.py")).unwrap();
    huge.set_len(1 << 30).unwrap();
    let table = [
        ("binary.py:1:1", "error: cannot use \"[…]binary.py\": it is a binary file"),
        ("latin.py:1:1", "error: cannot use \"[…]latin.py\": it is not UTF-8 (byte 3)"),
        ("huge.py:1:1", "error: cannot use \"[…]huge.py\": it has 1073741824 bytes; the limit is 1048576"),
        ("missing.py:1:1", "error: cannot use \"[…]missing.py\": No such file or directory (os error 2)"),
        (".:1:1", "error: cannot use \"[…]\": it is not a regular file"),
    ];
    for (position, expected) in table {
        let run = Surroundings::new().run_in(folder.path(), &[&["complete", position], &REMOTE[..]].concat());
        check(&run, 2, &[expected]);
    }
    let outside = Surroundings::new().run_in(folder.path(), &[&["complete", "a.py:9:1"], &REMOTE[..]].concat());
    check(&outside, 2, &["error: line 9 is not in \"a.py\", which has 2 lines", "hint: Lines are counted from 1."]);
}

#[test]
fn models_and_addresses_that_cannot_be_used() {
    let table: [(&[&str], &str, &str); 6] = [
        (
            &["--model", "nonsense"],
            "error: model \"nonsense\" is not of the form PROVIDER:NAME",
            "hint: A model is written PROVIDER:NAME, […]",
        ),
        (
            &["--model", "acme:x"],
            "error: unknown provider \"acme\" in model \"acme:x\"",
            "hint: The providers are local, […]",
        ),
        (&["--model", "openai:x"], "error: no key for \"openai:x\"", "hint: Set OPENAI_API_KEY or WRIGHT_API_KEY, […]"),
        (
            &["--model", "local:none"],
            "error: there is no local model \"none\"",
            "hint: Models to pull: qwen2.5-coder-0.5b, […]",
        ),
        (
            &[],
            "error: model \"qwen2.5-coder-1.5b\" is not on this machine",
            "hint: Run `wright model pull qwen2.5-coder-1.5b`.",
        ),
        (
            &["--model", "local:a", "--base-url", "http://h"],
            "error: --base-url \"http://h\" does not go with \"local:a\"[…]",
            "hint: […]",
        ),
    ];
    for (options, error, hint) in table {
        check(&Surroundings::new().run(&[&["ask", "how?"], options].concat()), 2, &[error, hint]);
    }
    let run = Surroundings::new().run(&["ask", "how?", "--model", "openai:x", "--base-url", "not a url"]);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("not a url") && run.stderr.contains("hint: An address looks like"), "{run:?}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let run = Surroundings::new().run(&[&["ask", "how?"], &REMOTE[..]].concat());
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("cannot reach \"openai:fake\"") && run.stderr.contains("--base-url"), "{run:?}");
}

#[test]
fn a_damaged_model_file_is_named_with_the_numbers() {
    let surroundings = Surroundings::new();
    let models = surroundings.home().join("models");
    std::fs::create_dir_all(&models).unwrap();
    std::fs::write(models.join("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"), b"GGUF cut").unwrap();
    let run = surroundings.run(&["ask", "how?"]);
    let error = "error: […]qwen2.5-coder-1.5b-instruct-q4_k_m.gguf has 8 bytes instead of 1117320768";
    check(&run, 2, &[error, "hint: Run `wright model […]"]);
    let verified = surroundings.run(&["model", "verify", "--json"]);
    assert_eq!(verified.exit, 1, "{verified:?}");
    assert_eq!(verified.json()["models"][0]["is_whole"], false);
}

#[test]
fn a_configuration_with_an_unknown_key_is_named_with_its_line() {
    let surroundings = Surroundings::new();
    surroundings.configure("config.toml", "model = \"local:a\"\nmodle = \"b\"\n");
    let run = surroundings.run(&["doctor"]);
    check(&run, 2, &["error: failed to read the configuration […]config.toml:2: […]modle[…]", "hint: […]"]);
}

#[test]
fn keys_that_others_can_read_are_not_used() {
    let surroundings = Surroundings::new();
    let path = surroundings.configure("keys.toml", "openai = \"sk-0123456789\"\n");
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
    let run = surroundings.run(&["ask", "how?", "--model", "openai:x"]);
    check(
        &run,
        2,
        &["error: failed to read \"[…]keys.toml\": other users can read the keys in it", "hint: Run `chmod 600 […]"],
    );
}

#[test]
fn a_data_folder_that_cannot_be_written_is_named() {
    let project = Project::with_bug();
    let before = project.bytes();
    let mut command = Surroundings::new().command(&[&["fix"], &REMOTE[..], &TEST_COMMAND].concat());
    let run = crate::fixture::finish(command.env("WRIGHT_HOME", "/proc/wright").current_dir(project.root()));
    check(&run, 2, &["error: failed to create \"/proc/wright[…]", "hint: Free some space, or set WRIGHT_HOME to […]"]);
    assert_eq!(project.bytes(), before);
}

#[test]
fn a_full_disk_is_named() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let before = project.bytes();
    std::fs::create_dir_all(surroundings.home()).unwrap();
    let script = "mount -t tmpfs -o size=64k tmpfs \"$WRIGHT_HOME\" || exit 99; exec \"$@\"";
    let program = env!("CARGO_BIN_EXE_wright");
    let wright = [&["-rm", "sh", "-c", script, "sh", program, "fix"], &REMOTE[..], &TEST_COMMAND].concat();
    let run = crate::fixture::finish(surroundings.command_of("unshare", &wright).current_dir(project.root()));
    if run.exit == 99 || run.stderr.contains("unshare failed") {
        eprintln!("not tried: a small disk cannot be made here: {run:?}");
        return;
    }
    check(&run, 2, &["error: no space left for database \"[…]store.db\"", "hint: Free some space […]"]);
    assert_eq!(project.bytes(), before);
}

#[test]
fn a_damaged_database_is_named() {
    let surroundings = Surroundings::new();
    std::fs::create_dir_all(surroundings.home()).unwrap();
    std::fs::write(surroundings.home().join("store.db"), "this is not a database, however long it may be\n".repeat(40))
        .unwrap();
    let run = surroundings.run(&["tasks"]);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("store.db\"") && run.stderr.contains("hint: "), "{run:?}");
}
