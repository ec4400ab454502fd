//! `wright lsp`: the real program over pipes. What it says is tested in `wright-lsp`; this is that it is connected.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use wright_complete::{Ask, Completer, Settings, Trigger};
use wright_provider::replay::{Recorder, ScriptedProvider};
use wright_text::Document;

use crate::fixture::Surroundings;

const TEXT: &str = "def add(a, b):\n    return \n";

const OFFSET: usize = 26;

/// The program, and an editor's end of its pipes.
struct Session {
    server: Child,
    answers: BufReader<ChildStdout>,
}

impl Session {
    /// Starts the program for an editor that has this folder open.
    fn start(surroundings: &Surroundings, folder: &Path, args: &[&str]) -> Self {
        let mut command = surroundings.command(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = command.spawn().unwrap();
        let answers = BufReader::new(server.stdout.take().unwrap());
        let mut session = Self { server, answers };
        let params = json!({ "processId": null, "rootPath": folder, "capabilities": {} });
        session.send(&json!({ "id": 1, "method": "initialize", "params": params }));
        assert_eq!(session.answer(1)["serverInfo"]["name"], "wright");
        session.send(&json!({ "method": "initialized", "params": {} }));
        session
    }

    fn send(&mut self, message: &Value) {
        let body = message.to_string();
        let frame = format!("Content-Length: {}\r\n\r\n{body}", body.len());
        self.server.stdin.as_mut().unwrap().write_all(frame.as_bytes()).unwrap();
    }

    /// Reads up to the result of a request.
    fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.read();
            if message["id"] == id {
                return message["result"].clone();
            }
        }
    }

    fn read(&mut self) -> Value {
        let mut n_bytes = 0;
        loop {
            let mut line = String::new();
            assert!(self.answers.read_line(&mut line).unwrap() > 0, "the program ended");
            match line.trim().strip_prefix("Content-Length: ") {
                Some(length) => n_bytes = length.parse().unwrap(),
                None if line.trim().is_empty() => break,
                None => {}
            }
        }
        let mut body = vec![0; n_bytes];
        self.answers.read_exact(&mut body).unwrap();
        serde_json::from_slice(&body).unwrap()
    }

    /// Goes away without a word and returns the exit code.
    fn abandon(mut self) -> i32 {
        drop(self.server.stdin.take());
        self.server.wait().unwrap().code().unwrap()
    }
}

/// Records what the model is asked for [`TEXT`] in a document of this path, and what it says.
fn record(document: &str, recording: &Path, answer: &str) {
    let provider = Recorder::new(ScriptedProvider::answering(&[answer]), recording);
    let completer = Completer::new(Arc::new(provider), Settings { look_ahead: false, ..Settings::default() });
    let doc = Arc::new(Document::new(document, 1, TEXT));
    let ask = Ask { doc, offset: OFFSET, trigger: Trigger::Automatic, selected: None };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    assert!(runtime.block_on(completer.suggest(ask)).unwrap().result.is_ok());
}

#[test]
fn an_editor_gets_suggestions_over_pipes_and_ends_the_program_in_order() {
    let surroundings = Surroundings::new();
    let folder = tempfile::tempdir().unwrap();
    let document = folder.path().join("a.py").display().to_string();
    let recording = folder.path().join("recording.json");
    record(&document, &recording, "a + b");
    let model = format!("replay:{}", recording.display());
    let mut session = Session::start(&surroundings, folder.path(), &["lsp", "--stdio", "--model", &model]);
    let uri = format!("file://{document}");
    session.send(&json!({ "method": "textDocument/didOpen", "params": {
        "textDocument": { "uri": uri, "languageId": "python", "version": 1, "text": TEXT },
    }}));
    session.send(&json!({ "id": 2, "method": "textDocument/inlineCompletion", "params": {
        "textDocument": { "uri": uri }, "position": { "line": 1, "character": 11 }, "context": { "triggerKind": 2 },
    }}));
    let items = session.answer(2);
    session.send(&json!({ "id": 3, "method": "wright/log" }));
    let log = session.answer(3);
    assert_eq!(items["items"][0]["insertText"], "a + b", "{log}");
    session.send(&json!({ "id": 4, "method": "shutdown" }));
    session.answer(4);
    session.send(&json!({ "method": "exit" }));
    assert_eq!(session.server.wait().unwrap().code(), Some(0));
}

#[test]
fn a_model_that_is_missing_is_told_to_the_editor_and_a_closed_pipe_ends_the_program() {
    let surroundings = Surroundings::new();
    let mut session = Session::start(&surroundings, Path::new("/"), &["lsp"]);
    let message = loop {
        let message = session.read();
        if message["method"] == "window/showMessage" {
            break message["params"]["message"].as_str().unwrap().to_owned();
        }
    };
    assert!(message.contains("wright model pull"), "{message}");
    assert_eq!(session.abandon(), 1);
}
