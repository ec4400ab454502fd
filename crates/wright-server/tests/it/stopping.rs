//! Nobody works for a client that has gone, and a server that is told to end lets answers finish.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt as _, stream};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use wright_provider::{Capabilities, CompletionStream, Event, Provider, ProviderError, Request as ModelRequest};
use wright_server::Config;

use crate::client::Request;
use crate::served::Served;

/// How long a test waits for something that has to happen.
const PATIENCE: Duration = Duration::from_secs(20);

/// Says a word, then nothing more, and tells when it is asked and when its answer is dropped.
struct Endless {
    first: Option<&'static str>,
    told: mpsc::UnboundedSender<&'static str>,
}

struct Dropped(mpsc::UnboundedSender<&'static str>);

impl Drop for Dropped {
    fn drop(&mut self) {
        let _ = self.0.send("dropped");
    }
}

#[async_trait]
impl Provider for Endless {
    fn model(&self) -> &str {
        "scripted:endless"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { fills_in_the_middle: true, ranks: false, context_window: 0 }
    }

    async fn complete(&self, _: ModelRequest) -> Result<CompletionStream, ProviderError> {
        let _ = self.told.send("asked");
        let guard = Dropped(self.told.clone());
        let first = self.first.map(|it| Ok(Event::Text { candidate: 0, text: it.to_owned() }));
        let endless = stream::iter(first).chain(stream::pending()).map(move |it| {
            let _ = &guard;
            it
        });
        Ok(endless.boxed())
    }
}

async fn next(told: &mut mpsc::UnboundedReceiver<&'static str>) -> &'static str {
    tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_client_that_goes_away_ends_its_request() {
    let body = json!({
        "prompt": "a", "input": "a", "input_prefix": "a", "messages": [{ "role": "user", "content": "a" }],
    });
    for route in ["/infill", "/completion", "/v1/completions", "/v1/chat/completions", "/v1/responses"] {
        let (sender, mut told) = mpsc::unbounded_channel();
        let served = Served::start(Arc::new(Endless { first: None, told: sender }), Config::default()).await;
        let connection = Request::post(route, &body).begin(served.address).await;
        assert_eq!(next(&mut told).await, "asked", "{route}");
        drop(connection);
        assert_eq!(next(&mut told).await, "dropped", "{route}");
        served.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_of_a_stream_ends_its_request() {
    let (sender, mut told) = mpsc::unbounded_channel();
    let served = Served::start(Arc::new(Endless { first: Some("begun"), told: sender }), Config::default()).await;
    let request = Request::post("/v1/completions", &json!({ "prompt": "a", "stream": true }));
    let mut connection = request.begin(served.address).await;
    read_until(&mut connection, "begun").await;
    assert_eq!(next(&mut told).await, "asked");
    drop(connection);
    assert_eq!(next(&mut told).await, "dropped");
    served.stop().await;
}

async fn read_until(connection: &mut TcpStream, text: &str) {
    let mut seen = String::new();
    let mut bytes = [0; 1024];
    while !seen.contains(text) {
        let n_read = tokio::time::timeout(PATIENCE, connection.read(&mut bytes)).await.unwrap().unwrap();
        assert_ne!(n_read, 0, "{seen}");
        seen.push_str(&String::from_utf8_lossy(&bytes[..n_read]));
    }
}

#[tokio::test]
async fn a_server_that_is_told_to_end_closes_connections_that_wait() {
    let (sender, _told) = mpsc::unbounded_channel();
    let served = Served::start(Arc::new(Endless { first: None, told: sender }), Config::default()).await;
    let address = served.address;
    let mut waiting = TcpStream::connect(address).await.unwrap();
    waiting.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    read_until(&mut waiting, "ok").await;
    tokio::time::timeout(PATIENCE, served.stop()).await.unwrap();
    assert_eq!(waiting.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(address).await.is_err());
}
