//! Help, versions, JSON, exit codes and pipes.

use std::process::Stdio;

use crate::fixture::Surroundings;

const COMMANDS: [&str; 10] =
    ["fix", "ask", "complete", "tasks", "serve", "stats", "model", "doctor", "eval", "completions"];

#[test]
fn help_lists_the_commands_and_the_exit_codes() {
    let run = Surroundings::new().run(&["--help"]);
    assert_eq!(run.exit, 0);
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn every_command_teaches_with_examples() {
    for command in COMMANDS {
        let run = Surroundings::new().run(&[command, "--help"]);
        assert_eq!(run.exit, 0, "{run:?}");
        assert!(run.stdout.contains(&format!("Examples:\n  wright {command}")), "{}", run.stdout);
    }
}

#[test]
fn every_command_writes_errors_as_json() {
    let surroundings = Surroundings::new();
    let table: [&[&str]; 7] = [
        &["--json", "no-such-command"],
        &["fix", "--json", "--no-such-option"],
        &["complete", "--json", "a.py"],
        &["ask", "--json", ""],
        &["tasks", "show", "zzz", "--json"],
        &["stats", "--since", "yesterday", "--json"],
        &["model", "rm", "no-such-model", "--json"],
    ];
    for args in table {
        let run = surroundings.run(args);
        assert_eq!(run.exit, 2, "{run:?}");
        assert_eq!(run.json()["schema"], "wright.error/1");
        assert_eq!(run.json()["exit_code"], 2);
        assert_eq!(run.stderr, "", "{args:?}");
    }
}

#[test]
fn every_listing_is_json_on_request() {
    let surroundings = Surroundings::new();
    let table: [(&[&str], &str); 6] = [
        (&["model", "list", "--json"], "wright.models/1"),
        (&["model", "recommend", "--json"], "wright.recommendation/1"),
        (&["model", "verify", "--json"], "wright.verify/1"),
        (&["tasks", "list", "--json"], "wright.tasks/1"),
        (&["stats", "--json"], "wright.stats/1"),
        (&["stats", "--forget", "--json"], "wright.forget/1"),
    ];
    for (args, schema) in table {
        let run = surroundings.run(args);
        assert_eq!((run.exit, &run.json()["schema"]), (0, &schema.into()), "{run:?}");
    }
}

#[test]
fn models_that_can_be_fetched_are_listed_with_the_command() {
    let run = Surroundings::new().run(&["model", "list"]);
    assert!(
        run.stdout.contains("qwen2.5-coder-1.5b")
            && run.stdout.contains("not here (wright model pull qwen2.5-coder-1.5b)"),
        "{run:?}"
    );
}

#[test]
fn a_pull_that_reaches_no_source_says_why_and_what_next() {
    let args = ["model", "pull", "qwen2.5-coder-0.5b", "--source", "publisher", "--mirror", "http://127.0.0.1:9"];
    let run = Surroundings::new().run(&args);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("no source has model \"qwen2.5-coder-0.5b\"; publisher: "), "{run:?}");
    assert!(run.stderr.contains("hint: Run `wright model pull qwen2.5-coder-0.5b` again"), "{run:?}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let surroundings = Surroundings::new();
    let mut command = surroundings.command(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn an_evaluation_without_tasks_says_so() {
    let model = ["--model", "openai:fake", "--base-url", "http://127.0.0.1:9/v1"];
    let run = Surroundings::new().run(&[&["eval", "fix", "--tasks", "/no/such/tasks"], &model[..]].concat());
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(
        run.stderr.contains("cannot read tasks from \"/no/such/tasks\"") && run.stderr.contains("hint: "),
        "{run:?}"
    );
}

#[test]
fn typing_without_traces_or_without_its_peer_says_so() {
    let model = ["--model", "openai:fake", "--base-url", "http://127.0.0.1:9/v1"];
    let run = Surroundings::new().run(&[&["eval", "typing", "--traces", "/no/such/traces"], &model[..]].concat());
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("cannot replay \"/no/such/traces\"") && run.stderr.contains("hint: "), "{run:?}");
    let traces = concat!(env!("CARGO_MANIFEST_DIR"), "/../../evals/completion/typing");
    let args = ["eval", "typing", "--traces", traces, "--peer", "http://127.0.0.1:9"];
    let run = Surroundings::new().run(&[&args[..], &model[..]].concat());
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("cannot measure the peer at \"http://127.0.0.1:9/\""), "{run:?}");
}

#[test]
fn a_folder_given_with_c_is_the_working_folder() {
    let surroundings = Surroundings::new();
    let run = surroundings.run(&["-C", "/no/such/folder", "doctor"]);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("failed to change to \"/no/such/folder\""), "{run:?}");
}

#[test]
fn the_internal_commands_say_so() {
    let run = Surroundings::new().run(&["internal", "something"]);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("there is no internal command \"something\""), "{run:?}");
}
