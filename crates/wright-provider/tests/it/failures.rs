//! What a caller sees when something goes wrong.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::StreamExt;
use serde_json::json;
use tokio::sync::Notify;
use wright_provider::remote::RemoteConfig;
use wright_provider::{Provider, ProviderError, Sampling};

use crate::server::{Reply, Server, ends, hello, says};
use crate::{KEY, ask, config, outcomes, provider, provider_with, text_and_error};

/// Returns what `openai:m` says with these replies, and how many requests it took.
async fn answer(replies: Vec<Reply>) -> (String, Option<ProviderError>, usize) {
    let server = Server::start(replies).await;
    let (text, error) = text_and_error(outcomes(&provider("openai:m", &server)).await);
    (text, error, server.received().len())
}

/// Checks that these replies end in this error, after this text and so many requests.
async fn check(replies: Vec<Reply>, text: &str, error: &str, n_requests: usize) {
    let (told, failure, n_received) = answer(replies).await;
    let failure = failure.map_or_else(|| "no error".to_owned(), |failure| failure.to_string());
    assert_eq!((told.as_str(), failure.as_str(), n_received), (text, error, n_requests));
}

fn overloaded() -> Reply {
    Reply::whole(429, "application/json", r#"{"error":{"message":"slow down"}}"#)
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_after_the_time_it_asks_for() {
    let begin = Instant::now();
    let (text, error, n_requests) = answer(vec![overloaded().with_header("retry-after", "1"), hello()]).await;
    assert_eq!((text.as_str(), n_requests), ("Hello", 2));
    assert!(error.is_none(), "{error:?}");
    assert!(begin.elapsed() >= Duration::from_secs(1), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_server_that_asks_for_too_much_time_is_not_waited_for() {
    let (_, error, n_requests) = answer(vec![overloaded().with_header("retry-after", "31"), hello()]).await;
    assert_eq!(n_requests, 1);
    match error {
        Some(ProviderError::Refused { status: 429, message, retry_after, .. }) => {
            assert_eq!((message.as_str(), retry_after), ("slow down", Some(Duration::from_secs(31))));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_broken_server_is_given_up_after_the_retries() {
    let broken = Reply::whole(500, "text/plain", "out of\nmemory");
    check(vec![broken], "", "\"openai:m\" answered with status 500: out of memory", 2).await;
}

#[tokio::test]
async fn a_request_that_is_wrong_is_not_repeated() {
    let wrong = Reply::whole(404, "application/json", r#"{"error":{"message":"no such model"}}"#);
    check(vec![wrong], "", "\"openai:m\" answered with status 404: no such model", 1).await;
}

#[tokio::test]
async fn a_refused_connection_says_so() {
    let server = Server::start(vec![hello()]).await;
    let provider = provider_with("openai:m", RemoteConfig { retries: 1, ..config(&server) });
    drop(server);
    tokio::task::yield_now().await;
    let (_, error) = text_and_error(outcomes(&provider).await);
    let error = error.unwrap();
    assert!(matches!(error, ProviderError::Unreachable { .. }), "{error:?}");
    assert!(error.to_string().contains("onnection refused"), "{error}");
    assert!(error.hint().unwrap().contains("--base-url"), "{error:?}");
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_recognized() {
    let error = "answer of \"openai:m\" broke off: something answered, but not with a model's event stream";
    let page = || Reply::whole(200, "text/html", "<!doctype html>\n<title>Sign in</title>");
    check(vec![page()], "", error, 1).await;
    check(vec![Reply::whole(200, "application/json", "{}")], "", error, 1).await;
    let server = Server::start(vec![page()]).await;
    let (_, error) = text_and_error(outcomes(&provider("ollama:m", &server)).await);
    assert!(error.unwrap().to_string().contains("not in the expected format"));
}

#[tokio::test]
async fn garbage_in_an_event_is_recognized() {
    let (text, error, n_requests) = answer(vec![Reply::stream(["data: }{\n\n"])]).await;
    assert_eq!((text.as_str(), n_requests), ("", 1));
    assert!(matches!(error, Some(ProviderError::BrokeOff { .. })), "{error:?}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let moved = Reply::whole(307, "text/plain", "moved").with_header("location", "http://127.0.0.1:9/elsewhere");
    check(vec![moved], "", "\"openai:m\" answered with status 307: moved", 1).await;
}

/// Asks `openai:m`, lets the server go on once the answer has begun, and returns what comes then.
async fn rest_of_answer(reply: Reply, go_on: &Notify) -> (String, Option<ProviderError>, usize) {
    let server = Server::start(vec![reply, hello()]).await;
    let mut stream = provider("openai:m", &server).complete(ask(Sampling::greedy(100))).await.unwrap();
    let first = stream.next().await.unwrap();
    go_on.notify_one();
    let outcomes = [first].into_iter().chain(stream.collect::<Vec<_>>().await).collect();
    let (text, error) = text_and_error(outcomes);
    (text, error, server.received().len())
}

#[tokio::test]
async fn an_answer_cut_in_the_middle_breaks_off_and_is_not_repeated() {
    let go_on = Arc::new(Notify::new());
    let reply = Reply::stream([says("Hel")]).then_cut_on(&go_on);
    let (text, error, n_requests) = rest_of_answer(reply, &go_on).await;
    assert_eq!((text.as_str(), n_requests), ("Hel", 1));
    assert!(matches!(error, Some(ProviderError::BrokeOff { .. })), "{error:?}");
}

#[tokio::test]
async fn an_answer_cut_before_it_began_is_repeated() {
    let (text, error, n_requests) = answer(vec![Reply::stream([": hold on\n\n"]).then_cut(), hello()]).await;
    assert_eq!((text.as_str(), n_requests), ("Hello", 2));
    assert!(error.is_none(), "{error:?}");
}

#[tokio::test]
async fn an_answer_without_its_end_breaks_off() {
    let error = "answer of \"openai:m\" broke off: the connection ended before the answer did";
    check(vec![Reply::stream([says("Hel")])], "Hel", error, 1).await;
}

#[tokio::test]
async fn invalid_utf8_breaks_the_answer_off() {
    let go_on = Arc::new(Notify::new());
    let reply = Reply::stream([says("Hel")]).then_send_on(&go_on, b"data: \xff\n\n");
    let (text, error, _) = rest_of_answer(reply, &go_on).await;
    assert_eq!(text, "Hel");
    assert!(matches!(error, Some(ProviderError::BrokeOff { .. })), "{error:?}");
}

#[tokio::test]
async fn an_error_inside_the_stream_counts_like_one_before_it() {
    let error = json!({ "error": { "message": "try later", "code": 503 } });
    let broken = || format!("data: {error}\n\n");
    let (text, error, n_requests) = answer(vec![Reply::stream([broken()]), hello()]).await;
    assert_eq!((text.as_str(), n_requests), ("Hello", 2));
    assert!(error.is_none(), "{error:?}");
    let error = "answer of \"openai:m\" broke off: try later";
    check(vec![Reply::stream([says("Hel"), broken()])], "Hel", error, 1).await;
}

#[tokio::test]
async fn a_filtered_answer_is_not_passed_off_as_complete() {
    let error = "answer of \"openai:m\" broke off: the provider's content filter stopped it";
    check(vec![Reply::stream([says("Hel"), ends("content_filter")])], "Hel", error, 1).await;
}

#[tokio::test]
async fn silence_is_not_waited_for_longer_than_allowed() {
    let limit = Duration::from_millis(50);
    let server = Server::start(vec![Reply::stream([": hold on\n\n"]).then_silence()]).await;
    let impatient = provider_with("openai:m", RemoteConfig { first_token_timeout: limit, ..config(&server) });
    let (_, error) = text_and_error(outcomes(&impatient).await);
    assert!(matches!(error, Some(ProviderError::TimedOut { limit: told, .. }) if told == limit), "{error:?}");

    let server = Server::start(vec![Reply::stream([says("Hel")]).then_silence()]).await;
    let impatient = provider_with("openai:m", RemoteConfig { between_tokens_timeout: limit, ..config(&server) });
    let (text, error) = text_and_error(outcomes(&impatient).await);
    assert_eq!(text, "Hel");
    assert!(matches!(error, Some(ProviderError::TimedOut { .. })), "{error:?}");
}

#[tokio::test]
async fn signs_of_life_without_an_answer_count_as_silence() {
    let server = Server::start(vec![Reply::stream([says("")]).then_repeat()]).await;
    let limit = Duration::from_millis(50);
    let impatient = provider_with("openai:m", RemoteConfig { first_token_timeout: limit, ..config(&server) });
    let (_, error) = text_and_error(outcomes(&impatient).await);
    assert!(matches!(error, Some(ProviderError::TimedOut { .. })), "{error:?}");
}

#[tokio::test]
async fn a_model_that_refuses_sampling_options_is_asked_without_them() {
    let refusal = r#"{"error":{"message":"Unsupported value: 'temperature' does not support 0"}}"#;
    let server = Server::start(vec![Reply::whole(400, "application/json", refusal), hello()]).await;
    let provider = provider("openai:m", &server);
    for _ in 0..2 {
        assert_eq!(text_and_error(outcomes(&provider).await).0, "Hello");
    }
    let told: Vec<bool> = server.received().iter().map(|request| request.body["temperature"].is_number()).collect();
    assert_eq!(told, [true, false, false]);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_key_that_the_server_echoes_is_neither_in_the_error_nor_in_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing_subscriber::util::SubscriberInitExt::set_default(subscriber);
    let echo = format!(r#"{{"error":{{"message":"Incorrect API key provided: {KEY}."}}}}"#);
    let replies = vec![Reply::whole(503, "text/plain", KEY), Reply::whole(401, "application/json", &echo)];
    let (_, error, _) = answer(replies).await;
    let error = error.unwrap();
    let expected = "\"openai:m\" answered with status 401: Incorrect API key provided: [key].";
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}").contains(KEY), "{error:?}");
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(logged.contains("asking again"), "{logged}");
    assert!(!logged.contains(KEY), "{logged}");
}
