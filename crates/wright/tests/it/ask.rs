//! Questions: the stream, the marks under code blocks, and text that must not control a terminal.

use serde_json::json;

use crate::fake_server::{Answer, FakeServer};
use crate::fixture::{Run, Surroundings};
use crate::terminal::shown_on_terminal;

const ANSWER: &str = "So:\n```python\nx = 1\n```\nor\n```py\nx = (\n```\n";

fn ask(answer: &str, options: &[&str]) -> Run {
    let server = FakeServer::start(Answer::Text(answer.to_owned()));
    let url = server.base_url();
    let args = ["ask", "how?", "--model", "openai:fake", "--base-url", &url];
    Surroundings::new().run(&[&args, options].concat())
}

#[test]
fn a_pipe_gets_the_answer_alone_and_the_marks_go_to_stderr() {
    let run = ask(ANSWER, &[]);
    assert_eq!((run.exit, run.stdout.as_str()), (0, ANSWER));
    let marks: Vec<&str> = run.stderr.lines().collect();
    assert_eq!(marks[0], "└ block 1 (python): parses");
    assert!(marks[1].starts_with("└ block 2 (py): does not parse: ") && marks[1].contains(", line "), "{marks:?}");
}

#[test]
fn an_answer_as_json_holds_the_marks() {
    let document = ask(ANSWER, &["--json"]).json();
    assert_eq!(document["schema"], "wright.ask/1");
    assert_eq!(document["answer"], ANSWER);
    assert_eq!(
        document["blocks"][0],
        json!({ "n": 1, "language": "python", "check": "parses", "message": null, "line": null })
    );
    assert_eq!(document["blocks"][1]["check"], "does-not-parse");
    assert_eq!(document["tokens"]["prompt"], 10);
}

#[test]
fn a_terminal_sees_no_escape_sequence_of_a_model() {
    let evil = "a\u{1b}]0;title\u{7}b\u{1b}[2Jc\n```py\u{1b}[31m\nx = 1\n```\n";
    let server = FakeServer::start(Answer::Text(evil.to_owned()));
    let url = server.base_url();
    let mut command = Surroundings::new().command(&["ask", "how?", "--model", "openai:fake", "--base-url", &url]);
    let seen = shown_on_terminal(command.current_dir("/"));
    assert!(seen.contains("a␛]0;title␇b␛[2Jc"), "{seen:?}");
    assert!(seen.contains("└ block 1 (py␛[31m)"), "{seen:?}");
    assert!(!seen.contains('\u{1b}') && !seen.contains('\u{7}'), "{seen:?}");
    assert_eq!(ask(evil, &[]).stdout, evil, "a pipe gets the bytes of the answer");
}

#[test]
fn files_are_shown_to_the_model_with_their_names() {
    let server = FakeServer::start(Answer::Text("It adds.".to_owned()));
    let url = server.base_url();
    let surroundings = Surroundings::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("adder.py"), "def add(a, b): ...\n").unwrap();
    let args = ["ask", "-", "--file", "adder.py", "--model", "openai:fake", "--base-url", &url];
    let mut command = assert_cmd::Command::from_std(surroundings.command(&args));
    command.current_dir(folder.path()).write_stdin("what does it do?").assert().success().stdout("It adds.\n");
    let request = server.requests().remove(0);
    assert!(
        request.contains("adder.py") && request.contains("def add") && request.contains("what does it do?"),
        "{request}"
    );
}

#[test]
fn a_key_is_never_shown() {
    let key = "sk-test-0123456789abcdef";
    let server = FakeServer::start(Answer::Status(401, format!("{{\"error\": {{\"message\": \"bad key {key}\"}}}}")));
    let url = server.base_url();
    let surroundings = Surroundings::new();
    let mut command = surroundings.command(&["-vv", "ask", "how?", "--model", "openai:fake", "--base-url", &url]);
    let run = crate::fixture::finish(command.env("WRIGHT_API_KEY", key).env("WRIGHT_LOG", "wright=trace"));
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("401"), "{run:?}");
    assert!(!run.stderr.contains(key) && !run.stdout.contains(key), "{run:?}");
}
