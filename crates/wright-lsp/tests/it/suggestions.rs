//! An editor asks for suggestions and says what became of them.

use serde_json::{Value, json};
use wright_provider::replay::{Answer, ScriptedProvider};

use crate::client::{CONTENT_MODIFIED, Client, REQUEST_CANCELED, URI, inline};

const TEXT: &str = "def add(a, b):\n    return \n";

#[test]
fn a_suggestion_is_typed_towards_shown_and_accepted() {
    let mut client = Client::start("a + b");
    client.open("def add(a, b):\n    retur\n");
    client.insert(2, (1, 9), "n ");
    let items = client.items((1, 11));
    let at = json!({ "line": 1, "character": 11 });
    assert_eq!(items[0]["insertText"], "a + b");
    assert_eq!(items[0]["range"], json!({ "start": at, "end": at }));
    assert_eq!(items[0]["command"]["command"], "wright.accepted");
    client.notify("textDocument/didShowCompletion", json!({ "item": items[0] }));
    client.notify("textDocument/didPartiallyAcceptCompletion", json!({ "item": items[0], "acceptedLength": 2 }));
    client.insert(3, (1, 11), "a ");
    assert_eq!(client.items((1, 13))[0]["insertText"], "+ b", "the rest of it goes on being offered");
    client.insert(4, (1, 13), "+ b");
    assert_eq!(client.call("workspace/executeCommand", items[0]["command"].clone()), Value::Null);
}

#[test]
fn a_suggestion_continues_the_selected_entry_and_has_its_range() {
    let mut client = Client::start("end(1)");
    client.open("items = []\nitems.ap\n");
    let range = json!({ "start": { "line": 1, "character": 6 }, "end": { "line": 1, "character": 8 } });
    let mut params = inline(URI, (1, 8));
    params["context"]["selectedCompletionInfo"] = json!({ "range": range, "text": "app" });
    let result = client.call("textDocument/inlineCompletion", params);
    assert_eq!(result["items"][0]["insertText"], "append(1)");
    assert_eq!(result["items"][0]["range"], range);
}

#[test]
fn positions_count_in_the_units_that_were_agreed_on() {
    // The position is behind a crab, which has four bytes, two UTF-16 units, and is one character.
    let text = "s = '\u{1f980}' + \n";
    for (offered, encoding, column) in [
        (json!(["utf-8", "utf-16"]), "utf-8", 13),
        (json!(["utf-16"]), "utf-16", 11),
        (json!(["utf-32"]), "utf-32", 10),
        (Value::Null, "utf-16", 11),
    ] {
        let mut client = Client::connect(ScriptedProvider::answering(&["s"]));
        let result = client.shake_hands(&Value::Null, &json!({ "general": { "positionEncodings": offered } }));
        assert_eq!(result["capabilities"]["positionEncoding"], encoding);
        client.open(text);
        let items = client.items((0, column));
        assert_eq!(items[0]["insertText"], "s", "{encoding}");
        assert_eq!(items[0]["range"]["start"]["character"], column, "{encoding}");
    }
}

#[test]
fn a_canceled_request_is_answered_at_once_and_the_next_one_works() {
    let provider = ScriptedProvider::from_fn(|request| {
        let is_second = format!("{:?}", request.prompt).contains("# sum");
        if is_second { Answer::text("a + b") } else { Answer::never() }
    });
    let mut client = Client::start_with(provider, &Value::Null, &json!({}));
    client.open(TEXT);
    let id = client.ask((1, 11));
    client.notify("$/cancelRequest", json!({ "id": 2 }));
    assert_eq!(client.code(&id), REQUEST_CANCELED);
    client.notify("$/cancelRequest", json!({ "id": 2 }));
    client.insert(2, (0, 14), " # sum");
    assert_eq!(client.items((1, 11))[0]["insertText"], "a + b");
}

#[test]
fn the_newest_request_for_a_document_replaces_the_older_ones() {
    let provider = ScriptedProvider::from_fn(|request| {
        let is_last = format!("{:?}", request.prompt).contains("final");
        if is_last { Answer::text("a + b") } else { Answer::never() }
    });
    let mut client = Client::start_with(provider, &Value::Null, &json!({}));
    client.open(TEXT);
    let first = client.ask((1, 11));
    let second = client.ask((1, 11));
    assert_eq!(client.code(&first), CONTENT_MODIFIED);
    client.insert(2, (0, 14), " # final");
    assert_eq!(client.items((1, 11)).len(), 1);
    assert_eq!(client.code(&second), CONTENT_MODIFIED);
}

#[test]
fn an_answer_for_a_text_that_is_gone_is_not_offered() {
    let provider = ScriptedProvider::from_fn(|_| Answer::text("a + b"));
    let mut client = Client::start_with(provider, &Value::Null, &json!({}));
    client.open(TEXT);
    // Both messages are there before the server looks at the first one's answer, or nearly so: either it was offered for the
    // text that it was asked for, or it is refused.
    let id = client.ask((1, 11));
    client.insert(2, (1, 4), "# ");
    let response = client.answer(&id);
    match response.response_result {
        Ok(result) => assert_eq!(result["items"][0]["range"]["start"], json!({ "line": 1, "character": 11 })),
        Err(error) => assert_eq!(error.code, CONTENT_MODIFIED),
    }
}

#[test]
fn every_request_of_a_flood_is_answered_once() {
    let mut client = Client::start("a + b");
    client.open(TEXT);
    let ids: Vec<_> = (0..2_000).map(|_| client.ask((1, 11))).collect();
    let codes: Vec<i32> = ids.iter().map(|it| client.code(it)).collect();
    assert!(codes.iter().all(|it| [0, CONTENT_MODIFIED].contains(it)), "{codes:?}");
    assert_eq!(codes.last(), Some(&0), "the newest one counts");
    assert_eq!(client.call("wright/log", Value::Null).as_array().map(Vec::is_empty), Some(true));
}

#[test]
fn whoever_asks_by_hand_may_get_several() {
    let provider = ScriptedProvider::from_fn(|request| {
        let n_wanted = request.sampling.n_candidates as usize;
        Answer::texts(["a + b", "sum((a, b))", "b + a"].into_iter().take(n_wanted))
    });
    let mut client = Client::start_with(provider, &Value::Null, &json!({}));
    client.open(TEXT);
    let mut params = inline(URI, (1, 11));
    params["context"]["triggerKind"] = json!(1);
    let result = client.call("textDocument/inlineCompletion", params);
    let texts: Vec<&Value> = result["items"].as_array().unwrap().iter().map(|it| &it["insertText"]).collect();
    assert_eq!(texts[0], "a + b");
    let ids: Vec<&Value> = result["items"].as_array().unwrap().iter().map(|it| &it["command"]["arguments"]).collect();
    assert_eq!(ids.len(), texts.len());
    assert!(ids.windows(2).all(|it| it[0] != it[1]), "{ids:?}");
}

#[test]
fn nothing_is_suggested_where_it_must_not_be_and_the_log_says_why() {
    let mut client = Client::start_with(
        ScriptedProvider::answering(&["x"]),
        &json!({ "wright": { "disabledLanguages": ["markdown", "typescriptreact"] } }),
        &json!({}),
    );
    client.open_as("file:///work/project/big.py", "python", &"x = 1\n".repeat(200_000));
    client.open_as("file:///work/project/README.md", "markdown", "# \n");
    client.open_as("file:///work/project/a.tsx", "typescriptreact", "let a = \n");
    client.open_as("file:///home/someone/.config/tool/a.py", "python", "x = \n");
    client.open_as("file:///work/project/.env", "dotenv", "KEY=\n");
    for uri in ["big.py", "README.md", "a.tsx", "/home/someone/.config/tool/a.py", ".env", "never-opened.py"] {
        let uri = if uri.starts_with('/') { format!("file://{uri}") } else { format!("file:///work/project/{uri}") };
        let result = client.call("textDocument/inlineCompletion", inline(&uri, (0, 2)));
        assert!(result.is_null() || result["items"] == json!([]), "{uri}: {result}");
    }
    let log = client.call("wright/log", Value::Null);
    let reasons: Vec<&str> = log.as_array().unwrap().iter().map(|it| it["reason"].as_str().unwrap()).collect();
    assert_eq!(reasons, ["too-large", "disabled", "disabled", "outside-workspace", "secret-file", "not-in-sync"]);
    assert_eq!(log[0]["language"], "python");
    assert!(log[0]["detail"].as_str().unwrap().contains("1200000 bytes"), "{log}");
}

#[test]
fn untitled_documents_are_completed_in_their_language() {
    let mut client = Client::start("a + b");
    client.open_as("untitled:Untitled-1", "python", TEXT);
    let result = client.call("textDocument/inlineCompletion", inline("untitled:Untitled-1", (1, 11)));
    assert_eq!(result["items"][0]["insertText"], "a + b");
}

#[test]
fn a_document_that_outgrew_the_limit_is_completed_again_when_it_shrinks() {
    let mut client = Client::start("a + b");
    client.open(TEXT);
    client.insert(2, (2, 0), &"# long\n".repeat(200_000));
    assert_eq!(client.items((1, 11)), Vec::<Value>::new());
    let document = json!({ "uri": URI, "version": 3 });
    client.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [{ "text": TEXT }] }));
    assert_eq!(client.items((1, 11))[0]["insertText"], "a + b");
}

#[test]
fn a_dismissed_suggestion_is_not_offered_again() {
    let mut client = Client::start("a + b");
    client.open(TEXT);
    let items = client.items((1, 11));
    client.notify("wright/dismissed", json!({ "id": items[0]["command"]["arguments"][0] }));
    let again: Vec<Value> = client.items((1, 11));
    assert!(again.iter().all(|it| it["insertText"] != "a + b"), "{again:?}");
}

#[test]
fn next_edits_are_asked_for_as_the_other_server_is() {
    let mut client = Client::start("a + b");
    client.open(TEXT);
    let params = json!({
        "textDocument": { "uri": URI, "version": 1 }, "position": { "line": 1, "character": 11 },
        "context": { "triggerKind": 2 },
    });
    let result = client.call("textDocument/copilotInlineEdit", params);
    assert!(result["edits"].is_array(), "{result}");
}
