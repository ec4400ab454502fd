//! What an editor and the server say to each other.

use serde_json::{Value, json};
use wright_lsp::Ended;
use wright_provider::replay::{Answer, ScriptedProvider};

use crate::client::{Client, URI, inline};

const TEXT: &str = "def add(a, b):\n    return \n";

#[test]
fn a_suggestion_is_offered_shown_and_accepted() {
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
    client.insert(3, (1, 11), "a + b");
    assert_eq!(client.call("workspace/executeCommand", items[0]["command"].clone()), Value::Null);
}
