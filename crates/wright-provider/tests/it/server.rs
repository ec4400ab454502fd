//! A server that answers with the very bytes a test gives it, chunk by chunk.

use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use futures::stream::{self, BoxStream};
use futures::{FutureExt, StreamExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// A running server; it stops when it is dropped.
pub(crate) struct Server {
    address: std::net::SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    running: tokio::task::JoinHandle<()>,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: serde_json::Value,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Server {
    /// Starts a server that gives `replies` in order, and the last one from then on.
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let log = Arc::clone(&received);
        let replies = Arc::new(replies);
        let router = Router::new().fallback(move |request: Request| {
            let (log, replies) = (Arc::clone(&log), Arc::clone(&replies));
            async move {
                let request = receive(request).await;
                let mut log = log.lock().unwrap();
                log.push(request);
                replies[(log.len() - 1).min(replies.len() - 1)].to_response()
            }
        });
        let running = tokio::spawn(axum::serve(listener, router).into_future().map(|outcome| outcome.unwrap()));
        Self { address, received, running }
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

async fn receive(request: Request) -> Received {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.path_and_query().unwrap().to_string();
    Received { path, headers: head.headers, body: serde_json::from_slice(&body).unwrap() }
}

/// What the server sends back.
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    chunks: Vec<Vec<u8>>,
    ending: Ending,
    /// Taken by the first response, which drops it when nobody listens any more.
    held: Mutex<Option<tokio::sync::mpsc::Sender<()>>>,
}

/// What comes after the chunks.
enum Ending {
    /// The proper end of the response.
    Proper,
    /// The connection is cut.
    Cut,
    /// Another chunk or, without one, a cut, once the test says so.
    On(Arc<Notify>, Option<Vec<u8>>),
    /// Nothing, forever.
    Silence,
    /// The last chunk, forever.
    Repeat,
}

impl Reply {
    /// Returns an event stream that arrives in these chunks.
    pub(crate) fn stream<T: Into<Vec<u8>>>(chunks: impl IntoIterator<Item = T>) -> Self {
        let chunks = chunks.into_iter().map(Into::into).collect();
        let headers = vec![("content-type", "text/event-stream".to_owned())];
        Self { status: 200, headers, chunks, ending: Ending::Proper, held: Mutex::default() }
    }

    /// Returns a response in one piece.
    pub(crate) fn whole(status: u16, content_type: &str, body: &str) -> Self {
        let headers = vec![("content-type", content_type.to_owned())];
        Self { status, headers, chunks: vec![body.as_bytes().to_vec()], ending: Ending::Proper, held: Mutex::default() }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn then_cut(self) -> Self {
        Self { ending: Ending::Cut, ..self }
    }

    pub(crate) fn then_cut_on(self, notify: &Arc<Notify>) -> Self {
        Self { ending: Ending::On(Arc::clone(notify), None), ..self }
    }

    pub(crate) fn then_send_on(self, notify: &Arc<Notify>, chunk: &[u8]) -> Self {
        Self { ending: Ending::On(Arc::clone(notify), Some(chunk.to_vec())), ..self }
    }

    pub(crate) fn then_silence(self) -> Self {
        Self { ending: Ending::Silence, ..self }
    }

    pub(crate) fn then_repeat(self) -> Self {
        Self { ending: Ending::Repeat, ..self }
    }

    pub(crate) fn holding(self, held: tokio::sync::mpsc::Sender<()>) -> Self {
        Self { held: Mutex::new(Some(held)), ..self }
    }

    fn to_response(&self) -> Response<Body> {
        // A pause before each chunk lets the one before leave on its own.
        let chunks = stream::iter(self.chunks.clone())
            .then(|chunk| tokio::task::yield_now().map(|()| io::Result::Ok(Bytes::from(chunk))));
        let last = Bytes::from(self.chunks.last().cloned().unwrap_or_default());
        let ending: BoxStream<'static, io::Result<Bytes>> = match &self.ending {
            Ending::Proper => stream::empty().boxed(),
            Ending::Cut => stream::iter([Err(io::Error::other("cut"))]).boxed(),
            Ending::On(notify, chunk) => {
                let (notify, chunk) = (Arc::clone(notify), chunk.clone());
                stream::once(async move {
                    notify.notified().await;
                    chunk.map(Bytes::from).ok_or_else(|| io::Error::other("cut"))
                })
                .boxed()
            }
            Ending::Silence => stream::pending().boxed(),
            Ending::Repeat => stream::repeat(last).map(Ok).boxed(),
        };
        let held = self.held.lock().unwrap().take();
        let body = chunks.chain(ending).inspect(move |_| {
            let _ = &held;
        });
        let mut response = Response::builder().status(self.status);
        for (name, value) in &self.headers {
            response = response.header(*name, value);
        }
        response.body(Body::from_stream(body)).unwrap()
    }
}

/// Returns the chunk of an OpenAI stream that says `text`.
pub(crate) fn says(text: &str) -> String {
    let json = serde_json::json!({ "choices": [{ "index": 0, "delta": { "content": text }, "finish_reason": null }] });
    format!("data: {json}\n\n")
}

/// Returns the end of an OpenAI stream, with usage.
pub(crate) fn ends(finish_reason: &str) -> String {
    let finish = serde_json::json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": finish_reason }] });
    let usage = serde_json::json!({ "choices": [], "usage": {
        "prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18,
        "prompt_tokens_details": { "cached_tokens": 4 },
    }});
    format!("data: {finish}\n\ndata: {usage}\n\ndata: [DONE]\n\n")
}

/// Returns a whole OpenAI answer.
pub(crate) fn hello() -> Reply {
    Reply::stream([says("Hel"), says("lo"), ends("stop")])
}
