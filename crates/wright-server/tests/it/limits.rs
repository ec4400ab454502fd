//! What is too much or malformed, and how it is said.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt as _;
use wright_provider::ProviderError;
use wright_provider::replay::{Answer, ScriptedProvider};
use wright_server::Config;

use crate::client::Request;
use crate::served::Served;

async fn served(answers: impl IntoIterator<Item = Answer>) -> (Served, Arc<ScriptedProvider>) {
    let provider = Arc::new(ScriptedProvider::new(answers));
    (Served::start(Arc::clone(&provider) as _, Config::default()).await, provider)
}

#[tokio::test]
async fn bodies_that_are_no_json_of_the_right_form_are_refused() {
    let (served, provider) = served([]).await;
    let deep = "[".repeat(100_000);
    for (route, body) in [
        ("/infill", "{\"input_prefix\": 3}"),
        ("/infill", "{\"input_prefix\": \"a"),
        ("/infill", "[1, 2]"),
        ("/completion", "{}"),
        ("/v1/completions", ""),
        ("/v1/completions", "\u{0}\u{1}"),
        ("/v1/chat/completions", "{\"messages\": {\"role\": \"user\"}}"),
        ("/v1/responses", "{\"input\": 3}"),
        ("/v1/responses", &deep),
    ] {
        let request = Request::post_bytes(route, body.as_bytes().to_vec()).header("Content-Type", "application/json");
        let reply = request.send(served.address).await;
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_json"), "{route}");
    }
    let form = Request::post_bytes("/infill", b"a=b".to_vec());
    for request in [form.clone(), form.header("Content-Type", "text/plain")] {
        let reply = request.send(served.address).await;
        assert_eq!((reply.status, reply.code().as_str()), (415, "not_json"));
    }
    assert!(provider.requests().is_empty());
    served.stop().await;
}

#[tokio::test]
async fn a_body_of_more_than_eight_megabytes_is_refused() {
    let (served, provider) = served([]).await;
    let body = json!({ "input_prefix": "a".repeat(9 << 20) });
    let reply = Request::post("/infill", &body).send(served.address).await;
    assert_eq!((reply.status, reply.code().as_str()), (413, "body_too_large"));
    assert!(provider.requests().is_empty());
    served.stop().await;
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let (served, _) = served([]).await;
    let request = (0..100).fold(Request::get("/health"), |it, n| it.header(&format!("X-{n}"), "a"));
    let reply = request.send(served.address).await;
    assert_eq!(reply.status, 431);
    served.stop().await;
}

#[tokio::test]
async fn wrong_routes_and_methods_are_told_apart() {
    let (served, _) = served([]).await;
    let missing = Request::get("/etc/passwd").send(served.address).await;
    assert_eq!((missing.status, missing.code().as_str()), (404, "no_route"));
    let wrong = Request::get("/infill").send(served.address).await;
    assert_eq!((wrong.status, wrong.code().as_str()), (405, "wrong_method"));
    served.stop().await;
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_again() {
    let provider = Arc::new(ScriptedProvider::from_fn(|_| Answer::never()));
    let config = Config { max_requests: 1, ..Config::default() };
    let served = Served::start(Arc::clone(&provider) as _, config).await;
    let request = Request::post("/v1/completions", &json!({ "prompt": "a" }));
    let first = request.begin(served.address).await;
    while provider.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    let refused = request.send(served.address).await;
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_requests"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(Request::get("/health").send(served.address).await.status, 200);
    // The place is free again once the first client has gone.
    drop(first);
    let mut second = request.begin(served.address).await;
    while provider.requests().len() < 2 {
        // It may have been refused while the first was still being taken down.
        let mut byte = [0; 1];
        let told = tokio::time::timeout(Duration::from_millis(20), second.read(&mut byte)).await;
        if told.is_ok() {
            second = request.begin(served.address).await;
        }
    }
    drop(second);
    served.stop().await;
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_given_up() {
    let provider = Arc::new(ScriptedProvider::from_fn(|_| Answer::never()));
    let config = Config { max_answer: Duration::ZERO, ..Config::default() };
    let served = Served::start(provider, config).await;
    let body = json!({ "input": "a", "prompt": "a", "messages": [{ "role": "user", "content": "a" }] });
    for route in ["/infill", "/v1/completions", "/v1/chat/completions", "/v1/responses"] {
        let reply = Request::post(route, &body).send(served.address).await;
        assert_eq!((reply.status, reply.code().as_str()), (504, "timeout"), "{route}");
    }
    served.stop().await;
}

#[tokio::test]
async fn a_prompt_that_does_not_fit_is_refused_with_the_numbers() {
    let (served, _) = served([Answer::failure(exceeded(9_000, 128))]).await;
    let reply = Request::post("/v1/completions", &json!({ "prompt": "a" })).send(served.address).await;
    assert_eq!((reply.status, reply.code().as_str()), (400, "context_length_exceeded"));
    let error = &reply.json()["error"];
    assert_eq!((&error["n_prompt_tokens"], &error["n_ctx"]), (&json!(9_000), &json!(8_192)));
    served.stop().await;
}

#[tokio::test]
async fn a_limit_on_the_length_that_the_context_does_not_leave_is_lowered() {
    let (served, provider) = served([Answer::failure(exceeded(8_000, 4_096)), Answer::text("fits")]).await;
    let body = json!({ "messages": [{ "role": "user", "content": "a" }], "max_tokens": 4_096 });
    let reply = Request::post("/v1/chat/completions", &body).send(served.address).await;
    assert_eq!(reply.json()["choices"][0]["message"]["content"], "fits");
    let lengths: Vec<u32> = provider.requests().iter().map(|it| it.sampling.max_tokens).collect();
    assert_eq!(lengths, [4_096, 192]);
    served.stop().await;
}

fn exceeded(prompt_tokens: usize, max_tokens: usize) -> ProviderError {
    ProviderError::ContextExceeded {
        model: "scripted:test".to_owned(),
        prompt_tokens,
        max_tokens,
        context_window: 8_192,
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_so_in_the_stream() {
    for (route, expected) in [
        ("/v1/completions", "\"broke_off\""),
        ("/v1/chat/completions", "\"broke_off\""),
        ("/v1/responses", "response.failed"),
        ("/completion", "\"broke_off\""),
    ] {
        let (served, _) = served([Answer::broken_after("a text of several pieces", 20)]).await;
        let body = json!({
            "prompt": "a", "input": "a", "messages": [{ "role": "user", "content": "a" }], "stream": true,
        });
        let reply = Request::post(route, &body).send(served.address).await;
        assert_eq!(reply.status, 200, "{route}");
        let last = reply.body.trim_end().lines().next_back().unwrap();
        assert!(last.starts_with("data: {") && last.contains(expected), "{route}: {last}");
        served.stop().await;
    }
}
