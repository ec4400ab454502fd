//! What became of suggestions reaches the store of this machine, and nothing else does.

use serde_json::json;
use wright_provider::replay::ScriptedProvider;
use wright_store::{SuggestionLog, SuggestionStore};

use crate::client::Client;

const TEXT: &str = "def add(a, b):\n    return \n";

/// Runs a conversation and returns how many suggestions were recorded as shown, and as accepted.
fn recorded(options: &serde_json::Value, talk: impl FnOnce(&mut Client)) -> Option<(u64, u64)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("suggestions.db");
    let log = SuggestionLog::start(path.clone());
    let mut client = Client::connect_logging(ScriptedProvider::answering(&["a + b"]), log.clone());
    client.shake_hands(options, &json!({}));
    talk(&mut client);
    client.hang_up();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        log.flush().await;
        if !path.exists() {
            return None;
        }
        let records = SuggestionStore::open(&path).await.unwrap().records(None).await.unwrap();
        let figures = records.total();
        Some((figures.n_shown, figures.n_accepted))
    })
}

#[test]
fn a_suggestion_that_is_shown_and_accepted_is_counted() {
    let counts = recorded(&json!(null), |client| {
        client.open(TEXT);
        let items = client.items((1, 11));
        client.notify("textDocument/didShowCompletion", json!({ "item": items[0] }));
        client.insert(2, (1, 11), "a + b");
        client.call("workspace/executeCommand", items[0]["command"].clone());
    });
    assert_eq!(counts, Some((1, 1)));
}

#[test]
fn nothing_is_recorded_where_the_user_turned_it_off() {
    let counts = recorded(&json!({ "wright": { "telemetry": false } }), |client| {
        client.open(TEXT);
        let items = client.items((1, 11));
        client.call("workspace/executeCommand", items[0]["command"].clone());
    });
    assert_eq!(counts, None);
}
