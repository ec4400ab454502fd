//! How a conversation begins and ends.

use serde_json::{Value, json};
use wright_lsp::Ended;
use wright_provider::replay::ScriptedProvider;

use crate::client::{Client, INVALID_REQUEST, METHOD_NOT_FOUND, NOT_INITIALIZED};

#[test]
fn nothing_is_done_before_initialize() {
    let mut client = Client::connect(ScriptedProvider::new([]));
    assert_eq!(client.failing("shutdown", Value::Null), NOT_INITIALIZED);
    assert_eq!(client.failing("textDocument/inlineCompletion", json!({})), NOT_INITIALIZED);
    client.notify("textDocument/didOpen", json!({}));
    let result = client.shake_hands(&Value::Null, &json!({}));
    assert_eq!(result["serverInfo"]["name"], "wright");
    assert_eq!(result["capabilities"]["inlineCompletionProvider"], true);
    assert_eq!(result["capabilities"]["textDocumentSync"]["change"], 2);
    assert_eq!(client.failing("initialize", json!({})), INVALID_REQUEST);
}

#[test]
fn shutdown_and_exit_end_it_in_order() {
    let mut client = Client::start("x");
    assert_eq!(client.call("shutdown", Value::Null), Value::Null);
    assert_eq!(client.failing("wright/log", Value::Null), INVALID_REQUEST);
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), Ended::InOrder);
}

#[test]
fn exit_alone_and_a_closed_stream_abandon_it() {
    let mut client = Client::start("x");
    client.notify("exit", Value::Null);
    assert_eq!(client.ended(), Ended::Abandoned);
    assert_eq!(Client::start("x").hang_up(), Ended::Abandoned);
    assert_eq!(Client::connect(ScriptedProvider::new([])).hang_up(), Ended::Abandoned);
}

#[test]
fn a_client_whose_process_is_gone_is_not_waited_for() {
    let mut process = std::process::Command::new("sleep").arg("600").spawn().unwrap();
    let mut client = Client::connect(ScriptedProvider::new([]));
    client.call("initialize", json!({ "processId": process.id(), "capabilities": {} }));
    process.kill().unwrap();
    process.wait().unwrap();
    assert_eq!(client.ended(), Ended::Abandoned);
}

#[test]
fn unknown_methods_are_named_and_unknown_notifications_ignored() {
    let mut client = Client::start("x");
    client.notify("$/setTrace", json!({ "value": "off" }));
    client.notify("some/thing", json!({}));
    assert_eq!(client.failing("some/thing", json!({})), METHOD_NOT_FOUND);
}

#[test]
fn the_status_says_which_model_is_ready() {
    let mut client = Client::start("x");
    let status = client.notification("wright/status");
    assert_eq!(status, json!({ "state": "ready", "message": "", "model": "scripted:test" }));
}

#[test]
fn odd_settings_are_warned_of_once_and_cost_nothing_else() {
    let options = json!({ "wright": { "eagerness": 7, "multiline": false } });
    let mut client = Client::start_with(ScriptedProvider::answering(&["x"]), &options, &json!({}));
    let message = client.notification("window/showMessage");
    assert_eq!(message["type"], 2);
    assert!(message["message"].as_str().unwrap().contains("`wright.eagerness` is 7"), "{message}");
    client.notify("workspace/didChangeConfiguration", json!({ "settings": { "wright": { "eagerness": 7 } } }));
    client.call("wright/log", Value::Null);
    let is_message = |it: &lsp_server::Message| matches!(it, lsp_server::Message::Notification(it) if it.method == "window/showMessage");
    assert!(!client.aside.iter().any(is_message), "{:?}", client.aside);
}

#[test]
fn a_client_is_asked_for_its_settings_when_it_sent_none() {
    let capabilities = json!({ "workspace": { "configuration": true } });
    let mut client = Client::start_with(ScriptedProvider::answering(&["x"]), &Value::Null, &capabilities);
    client.answer_request("workspace/configuration", &json!([{ "model": "unknown:m" }]));
    let message = client.notification("window/showMessage");
    assert!(message["message"].as_str().unwrap().contains("no model \"unknown:m\". Choose another."), "{message}");
}

#[test]
fn a_model_that_cannot_be_opened_is_said_and_another_can_be_chosen() {
    let options = json!({ "wright": { "model": "unknown:m" } });
    let mut client = Client::start_with(ScriptedProvider::answering(&["a + b"]), &options, &json!({}));
    assert_eq!(client.notification("wright/status")["state"], "error");
    client.open("def add(a, b):\n    return \n");
    assert_eq!(client.items((1, 11)), Vec::<Value>::new());
    client.notify("workspace/didChangeConfiguration", json!({ "settings": { "wright": { "model": "scripted:b" } } }));
    assert_eq!(client.items((1, 11))[0]["insertText"], "a + b");
    let status = client.notification("wright/status");
    assert_eq!((&status["state"], &status["model"]), (&json!("ready"), &json!("scripted:b")));
}
