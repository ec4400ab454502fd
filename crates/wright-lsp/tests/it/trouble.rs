//! Nothing that a client or a model does ends the server.

use lsp_server::RequestId;
use serde_json::{Value, json};
use wright_provider::ProviderError;
use wright_provider::replay::{Answer, ScriptedProvider};

use crate::client::{Client, INVALID_PARAMS, URI, inline};

const TEXT: &str = "def add(a, b):\n    return \n";

#[test]
fn garbage_between_messages_is_answered_and_skipped() {
    let mut client = Client::start("a + b");
    client.open(TEXT);
    for garbage in [
        "Content-Length: 99999999999999999999\r\n\r\n",
        "Content-Length: -1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        "Content-Length: 9\r\n\r\n{not json",
        "Content-Length: 2\r\n\r\n[]",
        "Content-Length: 3\r\n\r\n{}}}}}}",
    ] {
        client.send_bytes(garbage.as_bytes());
        assert_eq!(client.items((1, 11)).len(), 1, "{garbage:?}");
    }
    assert!(client.n_complaints() >= 5);
}

#[test]
fn parameters_that_cannot_be_read_are_refused() {
    let mut client = Client::start("a + b");
    client.open(TEXT);
    for params in [Value::Null, json!({}), json!({ "textDocument": { "uri": "not a uri" } }), json!([1])] {
        assert_eq!(client.failing("textDocument/inlineCompletion", params.clone()), INVALID_PARAMS, "{params}");
        assert_eq!(client.failing("textDocument/copilotInlineEdit", params.clone()), INVALID_PARAMS, "{params}");
        assert_eq!(client.failing("textDocument/codeAction", params), INVALID_PARAMS);
    }
    for method in [
        "textDocument/didOpen",
        "textDocument/didClose",
        "textDocument/didFocus",
        "textDocument/didShowCompletion",
        "textDocument/didPartiallyAcceptCompletion",
        "textDocument/didShowInlineEdit",
        "wright/dismissed",
        "workspace/didChangeConfiguration",
        "workspace/didChangeWorkspaceFolders",
        "window/workDoneProgress/cancel",
        "$/cancelRequest",
    ] {
        for params in
            [Value::Null, json!({}), json!([[]]), json!({ "item": 1, "id": {}, "textDocument": 3, "token": [] })]
        {
            client.notify(method, params);
        }
    }
    assert_eq!(client.failing("workspace/executeCommand", json!({ "command": "other" })), INVALID_PARAMS);
    assert_eq!(client.failing("workspace/executeCommand", json!({ "command": "wright.fix" })), INVALID_PARAMS);
    client.call("workspace/executeCommand", json!({ "command": "wright.accepted", "arguments": ["nonsense"] }));
    assert_eq!(client.items((1, 11)).len(), 1);
}

#[test]
fn places_that_are_nowhere_are_moved_into_the_text() {
    let mut client = Client::start("1");
    client.open("a = \n");
    assert_eq!(client.items((0, 4_000_000_000)).len(), 1);
    client.items((4_000_000_000, 4_000_000_000));
}

#[test]
fn changes_of_documents_that_are_not_open_are_ignored() {
    let mut client = Client::start("a + b");
    client.insert(5, (0, 0), "lost");
    client.notify("textDocument/didClose", json!({ "textDocument": { "uri": URI } }));
    client.open(TEXT);
    assert_eq!(client.items((1, 11)).len(), 1);
}

#[test]
fn after_a_change_that_cannot_be_read_nothing_is_suggested_until_the_text_is_known_again() {
    let mut client = Client::start("a + b");
    client.open(TEXT);
    let document = json!({ "uri": URI, "version": 2 });
    let bad = json!({ "range": { "start": { "line": -1, "character": 0 } }, "text": "x" });
    client.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [bad] }));
    assert_eq!(client.items((1, 11)), Vec::<Value>::new());
    let whole = json!([{ "text": TEXT }]);
    client.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": whole }));
    assert_eq!(client.items((1, 11)).len(), 1);
}

#[test]
fn a_model_that_fails_shows_in_the_status_and_not_as_an_error_at_every_keystroke() {
    let failure = || ProviderError::Configuration { message: "the weights are gone".to_owned() };
    let mut n_asked = 0;
    let provider = ScriptedProvider::from_fn(move |_| {
        n_asked += 1;
        if n_asked == 1 { Answer::failure(failure()) } else { Answer::text("a + b") }
    });
    let mut client = Client::start_with(provider, &Value::Null, &json!({}));
    assert_eq!(client.notification("wright/status")["state"], "ready");
    client.open(TEXT);
    assert_eq!(client.items((1, 11)), Vec::<Value>::new());
    let status = client.notification("wright/status");
    assert_eq!(status["state"], "error");
    assert!(status["message"].as_str().unwrap().contains("the weights are gone"), "{status}");
    assert_eq!(client.items((1, 11)).len(), 1);
    assert_ne!(client.notification("wright/status")["state"], "error");
}

#[test]
fn a_panic_costs_one_request() {
    let mut n_asked = 0;
    let provider = ScriptedProvider::from_fn(move |_| {
        n_asked += 1;
        assert_ne!(n_asked, 1, "the panic of this test");
        Answer::text("a + b")
    });
    let mut client = Client::start_with(provider, &Value::Null, &json!({}));
    client.open(TEXT);
    client.ask((1, 11));
    client.answer(&RequestId::from(2));
}

#[test]
fn an_id_in_use_is_refused() {
    let provider = ScriptedProvider::from_fn(|_| Answer::never());
    let mut client = Client::start_with(provider, &Value::Null, &json!({}));
    client.open(TEXT);
    let request = json!({ "jsonrpc": "2.0", "id": "same", "method": "textDocument/inlineCompletion", "params": inline(URI, (1, 11)) });
    client.send(&request);
    client.send(&request);
    let id = RequestId::from("same".to_owned());
    assert_ne!(client.code(&id), 0);
    client.notify("$/cancelRequest", json!({ "id": "same" }));
    assert_ne!(client.code(&id), 0);
}
