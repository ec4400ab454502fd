//! Every file in `conversations/`: what a client sends, what the model was asked, what the client is told.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};
use wright_provider::Prompt;
use wright_provider::replay::{Answer, ScriptedProvider};
use wright_server::{Checked, Config};

use crate::client::{Reply, Request};
use crate::served::Served;

/// One conversation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Conversation {
    /// What it shows. It stands in the snapshot.
    about: String,
    /// What the model says to each request, the candidates of one beside each other; what ends with `✂` is cut there.
    answers: Vec<Vec<String>>,
    /// What is checked by default: `all`, `infill` or `none`.
    checked: Option<String>,
    path: String,
    /// Absent for a GET.
    body: Option<Value>,
    #[serde(default)]
    headers: Vec<(String, String)>,
}

#[tokio::test]
async fn clients_are_answered_in_their_own_protocol() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conversations");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|it| it.extension().is_some_and(|it| it == "json"));
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let conversation: Conversation = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let held = hold(conversation).await;
        insta::with_settings!({ prepend_module_to_snapshot => false, snapshot_path => "conversations" }, {
            insta::assert_snapshot!(name, held);
        });
    }
}

async fn hold(conversation: Conversation) -> String {
    let answers = conversation.answers.into_iter().map(|texts| match texts.as_slice() {
        [text] if text.ends_with('✂') => Answer::cut(text.trim_end_matches('✂')),
        _ => Answer::texts(texts),
    });
    let provider = Arc::new(ScriptedProvider::new(answers));
    let checked = match conversation.checked.as_deref() {
        None | Some("infill") => Checked::Infill,
        Some("all") => Checked::All,
        Some("none") => Checked::None,
        Some(other) => panic!("checked is {other:?}"),
    };
    let served = Served::start(Arc::clone(&provider) as _, Config { checked, ..Config::default() }).await;
    let request = match &conversation.body {
        Some(body) => Request::post(&conversation.path, body),
        None => Request::get(&conversation.path),
    };
    let request = conversation.headers.iter().fold(request, |it, (name, value)| it.header(name, value));
    let reply = request.send(served.address).await;
    served.stop().await;
    let asked: String = provider.requests().iter().map(asked).collect();
    format!("{}\n\n{asked}told {}\n{}", conversation.about, reply.status, told(&reply))
}

fn asked(request: &wright_provider::Request) -> String {
    let prompt = match &request.prompt {
        Prompt::Chat { messages, prefill } => {
            let messages = messages.iter().map(|it| format!("  {:?}: {}\n", it.role, it.text.replace('\n', "\n    ")));
            let prefill = if prefill.is_empty() { String::new() } else { format!("  prefill: {prefill:?}\n") };
            messages.collect::<String>() + &prefill
        }
        Prompt::FillInTheMiddle { prefix, suffix, order } => {
            format!("  {order:?}\n  prefix: {prefix:?}\n  suffix: {suffix:?}\n")
        }
        Prompt::Raw { text } => format!("  raw: {text:?}\n"),
    };
    format!("asked {:?}\n{prompt}  {:?}\n\n", request.priority, request.sampling)
}

fn told(reply: &Reply) -> String {
    if reply.header("content-type") != Some("text/event-stream") {
        return format!("{:#}", settled(reply.json()));
    }
    let line = |line: &str| match line.strip_prefix("data: ") {
        Some("[DONE]") | None => line.to_owned(),
        Some(data) => format!("data: {}", settled(serde_json::from_str(data).unwrap())),
    };
    reply.body.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// Replaces what is another each time.
fn settled(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let settle = |(name, value): (String, Value)| {
                let is_number = value.is_number();
                let is_time =
                    is_number && (name.starts_with("created") || name.contains("_ms") || name.contains("_per_"));
                let is_id = ["id", "item_id", "call_id"].contains(&name.as_str()) && value.is_string();
                let is_own = is_id && value.as_str() != Some("scripted:test");
                let value = if is_time || is_own { json!("…") } else { settled(value) };
                (name, value)
            };
            Value::Object(object.into_iter().map(settle).collect())
        }
        Value::Array(values) => Value::Array(values.into_iter().map(settled).collect()),
        other => other,
    }
}
