//! Code actions: what is offered, and what happens when one is run.

use serde_json::{Value, json};
use wright_provider::replay::{Answer, ScriptedProvider};

use crate::client::{Client, REQUEST_CANCELED, URI};

const TEXT: &str = "import os\n\n\ndef first(items):\n    return item[0]\n";

const FIXED: &str = "def first(items):\n    return items[0]\n";

fn start(answer: &str, capabilities: &Value) -> Client {
    let mut client = Client::start_with(ScriptedProvider::answering(&[answer]), &Value::Null, capabilities);
    client.open(TEXT);
    client
}

/// An editor that can do everything.
fn able() -> Value {
    json!({
        "workspace": {
            "applyEdit": true,
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create"] },
        },
        "window": { "showDocument": { "support": true }, "workDoneProgress": true },
    })
}

fn actions(client: &mut Client, only: &Value) -> Vec<Value> {
    let place = json!({ "start": { "line": 4, "character": 11 }, "end": { "line": 4, "character": 11 } });
    let diagnostic = json!({ "range": place, "message": "undefined name 'item'", "code": "F821", "data": { "k": 1 } });
    let context = json!({ "diagnostics": [diagnostic], "only": only });
    let params = json!({ "textDocument": { "uri": URI }, "range": place, "context": context });
    client.call("textDocument/codeAction", params).as_array().cloned().unwrap()
}

fn find(actions: &[Value], command: &str) -> Value {
    let found = actions.iter().find(|it| it["command"]["command"] == command);
    found.unwrap_or_else(|| panic!("no {command} in {actions:?}"))["command"].clone()
}

#[test]
fn a_place_in_a_function_offers_a_fix_an_explanation_and_a_test() {
    let mut client = start("", &able());
    let all = actions(&mut client, &Value::Null);
    let titles: Vec<&str> = all.iter().map(|it| it["title"].as_str().unwrap()).collect();
    assert_eq!(
        titles,
        [
            "Fix with Wright: undefined name 'item'",
            "Explain `first` with Wright",
            "Write a test for `first` with Wright",
        ]
    );
    assert_eq!(all[0]["diagnostics"][0]["data"], json!({ "k": 1 }), "handed back as it came");
    assert_eq!(actions(&mut client, &json!(["quickfix"])).len(), 1);
    assert_eq!(actions(&mut client, &json!(["refactor.extract"])).len(), 0);
}

#[test]
fn a_fix_that_passes_the_gate_is_applied_to_the_version_it_was_judged_against() {
    let mut client = start(FIXED, &able());
    let fix = find(&actions(&mut client, &Value::Null), "wright.fix");
    let id = client.request("workspace/executeCommand", fix);
    let params = client.answer_request("workspace/applyEdit", &json!({ "applied": true }));
    let change = &params["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"], json!({ "uri": URI, "version": 1 }));
    assert_eq!(change["edits"].as_array().unwrap().len(), 1);
    assert_eq!(change["edits"][0]["newText"], "s");
    assert_eq!(client.code(&id), 0);
}

#[test]
fn a_fix_that_the_gate_refuses_is_only_spoken_of() {
    let mut client = start("def first(items):\n    return items[0\n", &able());
    let fix = find(&actions(&mut client, &Value::Null), "wright.fix");
    assert_eq!(client.call("workspace/executeCommand", fix), Value::Null);
    let message = client.notification("window/showMessage");
    assert!(message["message"].as_str().unwrap().starts_with("Wright has nothing that passes its checks"), "{message}");
}

#[test]
fn an_explanation_is_shown_as_a_document_or_else_as_a_message() {
    let mut client = start("It returns the first item.", &able());
    let explain = find(&actions(&mut client, &Value::Null), "wright.explain");
    client.call("workspace/executeCommand", explain.clone());
    let shown = client.answer_request("window/showDocument", &json!({ "success": true }));
    assert_eq!(shown["uri"], "file:///pages/answer.md");
    let mut client = start("It returns the first item.", &json!({}));
    client.call("workspace/executeCommand", explain);
    assert_eq!(client.notification("window/showMessage")["message"], "It returns the first item.");
}

#[test]
fn a_test_becomes_a_new_file() {
    let mut client = start("def test_first():\n    assert first([1, 2]) == 1\n", &able());
    let write = find(&actions(&mut client, &Value::Null), "wright.writeTest");
    let id = client.request("workspace/executeCommand", write);
    let params = client.answer_request("workspace/applyEdit", &json!({ "applied": true }));
    let changes = params["edit"]["documentChanges"].as_array().unwrap();
    assert_eq!(changes[0]["kind"], "create");
    assert_eq!(changes[0]["uri"], "file:///work/project/test_a_first.py");
    let text = changes[1]["edits"][0]["newText"].as_str().unwrap();
    assert!(text.starts_with("from a import first\n"), "{text}");
    assert_eq!(client.code(&id), 0);
}

#[test]
fn progress_is_shown_and_canceling_it_cancels_the_command() {
    let provider = ScriptedProvider::from_fn(|_| Answer::never());
    let mut client = Client::start_with(provider, &Value::Null, &able());
    client.open(TEXT);
    let explain = find(&actions(&mut client, &Value::Null), "wright.explain");
    let id = client.request("workspace/executeCommand", explain);
    let created = client.answer_request("window/workDoneProgress/create", &Value::Null);
    let begun = client.notification("$/progress");
    assert_eq!(begun["value"]["kind"], "begin");
    assert_eq!(begun["token"], created["token"]);
    client.notify("window/workDoneProgress/cancel", json!({ "token": created["token"] }));
    assert_eq!(client.code(&id), REQUEST_CANCELED);
    assert_eq!(client.notification("$/progress")["value"]["kind"], "end");
}
