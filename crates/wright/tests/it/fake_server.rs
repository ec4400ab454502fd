//! A server that speaks the chat-completions protocol and says what a test wants it to say.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use futures::stream::{self, StreamExt};
use serde_json::json;

/// What the server answers to every request.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// This text, in pieces.
    Text(String),
    /// Bytes that are no answer at all.
    Garbage(Vec<u8>),
    /// Text without end.
    Endless,
    /// The beginning of an answer, then the connection is cut.
    CutAfter(String),
    /// This status with this body.
    Status(u16, String),
    /// Nothing, for ever.
    Silence,
}

/// A running server. It ends with the value.
pub(crate) struct FakeServer {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    _runtime: tokio::runtime::Runtime,
}

#[derive(Clone)]
struct Shared {
    answer: Answer,
    requests: Arc<Mutex<Vec<String>>>,
}

impl FakeServer {
    pub(crate) fn start(answer: Answer) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let shared = Shared { answer, requests: Arc::clone(&requests) };
        let app = Router::new().route("/v1/chat/completions", post(answer_request)).with_state(shared);
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { address, requests, _runtime: runtime }
    }

    /// Returns what to pass as `--base-url`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Returns the bodies of all requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn answer_request(State(shared): State<Shared>, _headers: HeaderMap, body: String) -> Response {
    shared.requests.lock().unwrap().push(body);
    match shared.answer {
        Answer::Text(text) => {
            let pieces: Vec<String> =
                text.chars().collect::<Vec<_>>().chunks(7).map(|it| it.iter().collect()).collect();
            let chunks = pieces.iter().map(|it| chunk(it)).chain([end_chunk(), "data: [DONE]\n\n".to_owned()]);
            sse(stream::iter(chunks.collect::<Vec<_>>()).map(Ok::<_, Infallible>))
        }
        Answer::Garbage(bytes) => Body::from(bytes).into_response(),
        Answer::Endless => sse(stream::repeat_with(|| Ok::<_, Infallible>(chunk("la la la ")))),
        Answer::CutAfter(text) => {
            let cut = async {
                // The beginning has to be on its way before the connection goes.
                tokio::time::sleep(Duration::from_millis(50)).await;
                Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, "cut"))
            };
            sse(stream::iter([Ok(chunk(&text))]).chain(stream::once(cut)))
        }
        Answer::Status(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Answer::Silence => {
            tokio::time::sleep(Duration::from_secs(3_600)).await;
            StatusCode::NO_CONTENT.into_response()
        }
    }
}

fn sse<E>(chunks: impl futures::Stream<Item = Result<String, E>> + Send + 'static) -> Response
where
    E: std::error::Error + Send + Sync + 'static,
{
    let body = Body::from_stream(chunks.map(|it| it.map(Bytes::from)));
    ([("content-type", "text/event-stream")], body).into_response()
}

fn chunk(text: &str) -> String {
    let choice = json!({ "index": 0, "delta": { "content": text }, "finish_reason": null });
    format!(
        "data: {}\n\n",
        json!({ "id": "1", "object": "chat.completion.chunk", "model": "fake", "choices": [choice] })
    )
}

fn end_chunk() -> String {
    let choice = json!({ "index": 0, "delta": {}, "finish_reason": "stop" });
    let usage = json!({ "prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15 });
    format!(
        "data: {}\n\n",
        json!({ "id": "1", "object": "chat.completion.chunk", "model": "fake", "choices": [choice], "usage": usage })
    )
}
