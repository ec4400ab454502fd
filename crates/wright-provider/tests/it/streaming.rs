//! What a caller sees of an answer that arrives.

use std::time::Duration;

use futures::StreamExt;
use serde_json::json;
use wright_provider::remote::{RemoteConfig, RemoteProvider};
use wright_provider::{
    Completion, Event, FimOrder, Price, Prompt, Provider, ProviderError, Request, Sampling, StopReason, Usage, collect,
};

use crate::server::{Reply, Server, ends, hello, says};
use crate::{KEY, ask, config, outcomes, outcomes_of, provider, provider_with, text_and_error};

fn text(text: &str) -> Event {
    Event::Text { candidate: 0, text: text.to_owned() }
}

fn stopped(reason: StopReason) -> Event {
    Event::Stopped { candidate: 0, reason, mean_logprob: 0.0 }
}

/// Returns the events of an answer without an error.
async fn events(provider: &RemoteProvider, sampling: Sampling) -> Vec<Event> {
    outcomes_of(provider, sampling).await.into_iter().collect::<Result<_, _>>().unwrap()
}

#[tokio::test]
async fn an_answer_arrives_piece_by_piece_with_its_usage() {
    let server = Server::start(vec![hello()]).await;
    let provider = provider("openai:m", &server);
    let usage = Usage { prompt_tokens: 11, cached_tokens: 4, completion_tokens: 7 };
    let expected = [text("Hel"), text("lo"), stopped(StopReason::EndOfText), Event::Finished(usage)];
    assert_eq!(events(&provider, Sampling::greedy(100)).await, expected);
    let received = server.received().remove(0);
    assert_eq!(received.path, "/v1/chat/completions");
    assert_eq!(received.header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    let expected = json!({
        "model": "m", "stream": true, "stream_options": { "include_usage": true },
        "messages": [{ "role": "system", "content": "be brief" }, { "role": "user", "content": "say hello" }],
        "temperature": 0.0, "seed": 0, "max_tokens": 100,
    });
    assert_eq!(received.body, expected);
}

#[tokio::test]
async fn usage_is_estimated_where_the_server_does_not_count() {
    let server = Server::start(vec![Reply::stream([says("123456"), "data: [DONE]\n\n".to_owned()])]).await;
    let events = events(&provider("openai:m", &server), Sampling::greedy(100)).await;
    // 17 bytes of prompt and 6 of answer.
    let usage = Usage { prompt_tokens: 6, cached_tokens: 0, completion_tokens: 2 };
    assert_eq!(events.last(), Some(&Event::Finished(usage)));
}

#[tokio::test]
async fn a_reason_to_finish_is_an_end_even_without_the_last_word() {
    let finish = json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "length" }] });
    let server = Server::start(vec![Reply::stream([says("Hello"), format!("data: {finish}\n\n")])]).await;
    let events = events(&provider("openai:m", &server), Sampling::greedy(100)).await;
    assert_eq!(events[..2], [text("Hello"), stopped(StopReason::MaxTokens)]);
}

#[tokio::test]
async fn the_cost_follows_from_usage_and_price() {
    let server = Server::start(vec![hello()]).await;
    let price = Price { prompt: 1.0, cached: 0.5, completion: 2.0 };
    let priced = provider_with("openai:m", RemoteConfig { price: Some(price), ..config(&server) });
    let (_, usage) = collect(priced.complete(ask(Sampling::greedy(9))).await.unwrap()).await.unwrap();
    assert!((priced.cost(usage).unwrap() - 23e-6).abs() < 1e-12);
    assert_eq!(provider("openai:m", &server).cost(usage), None);
}

#[tokio::test]
async fn a_local_server_needs_no_key() {
    let server = Server::start(vec![hello()]).await;
    let base_url = Some(format!("{}/", server.base_url()));
    let keyless = provider_with("openai:m", RemoteConfig { base_url, ..config(&server) });
    assert_eq!(text_and_error(outcomes(&keyless).await).0, "Hello");
    let received = server.received().remove(0);
    assert_eq!((received.path.as_str(), received.header("authorization")), ("/v1/chat/completions", None));
}

#[tokio::test]
async fn a_character_split_between_chunks_stays_whole() {
    let bytes = says("grüße 🦀").into_bytes();
    let mut chunks: Vec<Vec<u8>> = bytes.iter().map(|&byte| vec![byte]).collect();
    chunks.push(ends("stop").into_bytes());
    let server = Server::start(vec![Reply::stream(chunks)]).await;
    let (text, error) = text_and_error(outcomes(&provider("openai:m", &server)).await);
    assert_eq!(text, "grüße 🦀");
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn a_stop_text_ends_the_answer_even_if_the_server_ignores_it() {
    let server = Server::start(vec![Reply::stream([says("fn a() {}\n"), says("\nfn b() {}")]).then_silence()]).await;
    let sampling = Sampling { stop: vec!["\n\n".to_owned(), "END".to_owned()], ..Sampling::greedy(100) };
    let events = events(&provider("openai:m", &server), sampling).await;
    assert_eq!(events[..2], [text("fn a() {}"), stopped(StopReason::StopText)]);
    // Some providers refuse stop texts of white space only; these are applied on our side alone.
    assert_eq!(server.received()[0].body["stop"], json!(["END"]));
}

#[tokio::test]
async fn the_servers_own_limit_is_reported() {
    let server = Server::start(vec![Reply::stream([says("half"), ends("length")])]).await;
    let events = events(&provider("openai:m", &server), Sampling::greedy(1)).await;
    assert_eq!(events[1], stopped(StopReason::MaxTokens));
}

#[tokio::test]
async fn an_endless_answer_is_cut_at_the_length_asked_for() {
    let server = Server::start(vec![Reply::stream([says("0123456789")]).then_repeat()]).await;
    let outcomes = outcomes_of(&provider("openai:m", &server), Sampling::greedy(100)).await;
    assert_eq!(outcomes[outcomes.len() - 2].as_ref().unwrap(), &stopped(StopReason::MaxTokens));
    assert_eq!(text_and_error(outcomes).0.len(), 100 * 8 + 256);
}

#[tokio::test]
async fn an_answer_that_is_too_long_to_hold_breaks_off() {
    let server = Server::start(vec![Reply::stream([says("0123456789")]).then_repeat()]).await;
    let small = provider_with("openai:m", RemoteConfig { max_answer_bytes: 5_000, ..config(&server) });
    let (text, error) = text_and_error(outcomes_of(&small, Sampling::greedy(1_000_000)).await);
    assert_eq!(text.len(), 5_000);
    assert_eq!(error.unwrap().to_string(), "answer of \"openai:m\" broke off: it is longer than 5000 bytes");
}

#[tokio::test]
async fn endless_thoughts_break_off_too() {
    let thought = json!({ "choices": [{ "index": 0, "delta": { "reasoning_content": "hmm" } }] });
    let server = Server::start(vec![Reply::stream([format!("data: {thought}\n\n")]).then_repeat()]).await;
    let small = provider_with("openai:m", RemoteConfig { max_answer_bytes: 5_000, ..config(&server) });
    let (text, error) = text_and_error(outcomes(&small).await);
    assert_eq!(text, "");
    assert!(matches!(error, Some(ProviderError::BrokeOff { .. })), "{error:?}");
}

#[tokio::test]
async fn several_candidates_are_several_requests_and_one_total() {
    let server = Server::start(vec![hello()]).await;
    let sampling = Sampling { n_candidates: 6, temperature: 0.8, ..Sampling::greedy(100) };
    let stream = provider("openai:m", &server).complete(ask(sampling)).await.unwrap();
    let (completions, usage) = collect(stream).await.unwrap();
    let hello = Completion { text: "Hello".to_owned(), reason: StopReason::EndOfText, mean_logprob: 0.0 };
    assert_eq!(completions, vec![hello; 6]);
    assert_eq!(usage, Usage { prompt_tokens: 66, cached_tokens: 24, completion_tokens: 42 });
    let mut told: Vec<_> = server
        .received()
        .iter()
        .map(|request| (request.body["seed"].as_u64().unwrap(), request.body["temperature"].as_f64().unwrap()))
        .collect();
    told.sort_by_key(|told| told.0);
    assert_eq!(told, [(0, 0.0), (1, 0.8), (2, 0.8), (3, 0.8), (4, 0.8), (5, 0.8)]);
}

#[tokio::test]
async fn no_more_than_four_requests_are_under_way_at_once() {
    let server = Server::start(vec![Reply::stream([says("x")]).then_silence()]).await;
    let sampling = Sampling { n_candidates: 9, ..Sampling::greedy(100) };
    let provider = provider("openai:m", &server);
    let stream = provider.complete(ask(sampling)).await.unwrap();
    // Each of those under way says one thing and then nothing more.
    let begun: Vec<_> = stream.take(4).collect().await;
    assert!(begun.iter().all(Result::is_ok), "{begun:?}");
    assert_eq!(server.received().len(), 4);
}

#[tokio::test]
async fn nothing_is_sent_before_something_is_asked() {
    let server = Server::start(vec![hello()]).await;
    let provider = provider("openai:m", &server);
    assert_eq!(provider.model(), "openai:m");
    assert_eq!(provider.count_tokens("abcdef").await.unwrap(), 2);
    let fill = Prompt::FillInTheMiddle { prefix: String::new(), suffix: String::new(), order: FimOrder::PrefixFirst };
    for prompt in [fill, Prompt::Raw { text: String::new() }] {
        let error = provider.complete(Request { prompt, ..ask(Sampling::greedy(1)) }).await.err().unwrap();
        assert!(matches!(error, ProviderError::Unsupported { .. }), "{error}");
    }
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn dropping_the_answer_closes_the_connection() {
    let (told, mut dropped) = tokio::sync::mpsc::channel::<()>(1);
    let server = Server::start(vec![Reply::stream([says("x")]).then_silence().holding(told)]).await;
    let provider = provider("openai:m", &server);
    let mut stream = provider.complete(ask(Sampling::greedy(100))).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), text("x"));
    drop(stream);
    // The server drops what it holds when it sees that nobody listens.
    let closed = tokio::time::timeout(Duration::from_secs(10), dropped.recv()).await;
    assert!(closed.is_ok(), "the server still sends");
}
