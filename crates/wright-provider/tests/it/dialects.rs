//! One answer in each of the other wire formats.

use serde_json::json;
use wright_provider::remote::{RemoteConfig, RemoteProvider};
use wright_provider::{Event, ProviderError, StopReason, Usage};

use crate::server::{Received, Reply, Server};
use crate::{KEY, config, outcomes, provider, provider_with, text_and_error};

const USAGE: Usage = Usage { prompt_tokens: 12, cached_tokens: 2, completion_tokens: 3 };

/// Asks `spec` for "Hello" in two pieces and returns the request it made.
async fn check(spec: &str, chunks: Vec<String>) -> Received {
    let server = Server::start(vec![Reply::stream(chunks)]).await;
    check_answer(&provider(spec, &server)).await;
    server.received().remove(0)
}

async fn check_answer(provider: &RemoteProvider) {
    let events: Vec<Event> = outcomes(provider).await.into_iter().collect::<Result<_, _>>().unwrap();
    let text = |text: &str| Event::Text { candidate: 0, text: text.to_owned() };
    let stopped = Event::Stopped { candidate: 0, reason: StopReason::EndOfText, mean_logprob: 0.0 };
    assert_eq!(events, [text("Hel"), text("lo"), stopped, Event::Finished(USAGE)]);
}

fn event(kind: &str, data: &serde_json::Value) -> String {
    format!("event: {kind}\ndata: {data}\n\n")
}

fn data(data: &serde_json::Value) -> String {
    format!("data: {data}\n\n")
}

#[tokio::test]
async fn anthropic_is_understood() {
    let delta = |text: &str| {
        event("content_block_delta", &json!({ "index": 0, "delta": { "type": "text_delta", "text": text } }))
    };
    let usage = json!({ "input_tokens": 10, "cache_read_input_tokens": 2, "output_tokens": 1 });
    let request = check(
        "anthropic:claude-x",
        vec![
            event("message_start", &json!({ "message": { "usage": usage } })),
            event("content_block_start", &json!({ "index": 0, "content_block": { "type": "text", "text": "" } })),
            event("ping", &json!({ "type": "ping" })),
            delta("Hel"),
            delta("lo"),
            event("content_block_stop", &json!({ "index": 0 })),
            event("message_delta", &json!({ "delta": { "stop_reason": "end_turn" }, "usage": { "output_tokens": 3 } })),
            event("message_stop", &json!({ "type": "message_stop" })),
        ],
    )
    .await;
    assert_eq!(request.path, "/v1/messages");
    assert_eq!(request.header("x-api-key"), Some(KEY));
    assert_eq!(request.body["max_tokens"], 100);
    assert!(request.body["system"].to_string().contains("be brief"), "{}", request.body);
}

#[tokio::test]
async fn gemini_is_understood() {
    let piece = |text: &str| json!({ "content": { "role": "model", "parts": [{ "text": text }] } });
    let mut last = piece("lo");
    last["finishReason"] = json!("STOP");
    let usage = json!({
        "promptTokenCount": 12, "cachedContentTokenCount": 2, "candidatesTokenCount": 3, "totalTokenCount": 15,
    });
    let chunks = vec![
        data(&json!({ "candidates": [piece("Hel")] })),
        data(&json!({ "candidates": [last], "usageMetadata": usage })),
    ];
    let request = check("gemini:gemini-x", chunks).await;
    assert_eq!(request.path, "/v1/models/gemini-x:streamGenerateContent?alt=sse");
    assert_eq!(request.header("x-goog-api-key"), Some(KEY));
    assert_eq!(request.body["generationConfig"]["maxOutputTokens"], 100);
}

#[tokio::test]
async fn ollama_is_understood() {
    let line =
        |text: &str| format!("{}\n", json!({ "message": { "role": "assistant", "content": text }, "done": false }));
    let end = json!({
        "message": { "role": "assistant", "content": "" }, "done": true, "done_reason": "stop",
        "prompt_eval_count": 12, "prompt_eval_cached_count": 2, "eval_count": 3,
    });
    let chunks = vec![line("Hel"), line("lo"), format!("{end}\n")];
    let request = check("ollama:qwen:7b", chunks.clone()).await;
    assert_eq!((request.path.as_str(), request.body["model"].as_str()), ("/v1/api/chat", Some("qwen:7b")));
    assert_eq!(request.body["options"]["num_predict"], 100);

    let server = Server::start(vec![Reply::stream(chunks)]).await;
    check_answer(&provider_with("ollama:qwen:7b", config(&server))).await;
    assert_eq!(server.received()[0].header("authorization"), None);
}

#[tokio::test]
async fn openai_responses_are_understood() {
    let delta = |text: &str| {
        data(&json!({ "type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": text }))
    };
    let usage = json!({
        "input_tokens": 12, "output_tokens": 3, "total_tokens": 15, "input_tokens_details": { "cached_tokens": 2 },
    });
    let response = json!({ "id": "r", "status": "completed", "model": "m", "output": [], "usage": usage });
    let end = data(&json!({ "type": "response.completed", "response": response }));
    let request = check("openai-responses:m", vec![delta("Hel"), delta("lo"), end]).await;
    assert_eq!(request.path, "/v1/responses");
    assert_eq!(request.body["max_output_tokens"], 100);
    assert!(request.body.get("seed").is_none(), "{}", request.body);
}

#[tokio::test]
async fn an_answer_without_its_end_breaks_off_in_every_dialect() {
    let text = json!({ "candidates": [{ "content": { "role": "model", "parts": [{ "text": "Hel" }] } }] });
    let begun = [
        ("gemini:m", data(&text)),
        ("ollama:m", format!("{}\n", json!({ "message": { "content": "Hel" }, "done": false }))),
        ("openai-responses:m", data(&json!({ "type": "response.output_text.delta", "delta": "Hel" }))),
        ("anthropic:m", event("content_block_delta", &json!({ "delta": { "type": "text_delta", "text": "Hel" } }))),
    ];
    for (spec, chunk) in begun {
        let server = Server::start(vec![Reply::stream([chunk])]).await;
        let (text, error) = text_and_error(outcomes(&provider(spec, &server)).await);
        assert_eq!(text, "Hel", "{spec}");
        assert!(matches!(error, Some(ProviderError::BrokeOff { .. })), "{spec}: {error:?}");
    }
}

#[tokio::test]
async fn a_name_that_looks_like_an_option_is_sent_as_it_is() {
    let server = Server::start(vec![crate::server::hello()]).await;
    let named = provider_with("openai:qwen-max", RemoteConfig { retries: 0, ..config(&server) });
    assert_eq!(text_and_error(outcomes(&named).await).0, "Hello");
    let body = &server.received()[0].body;
    assert_eq!((&body["model"], &body["reasoning_effort"]), (&json!("qwen-max"), &json!(null)));
}
