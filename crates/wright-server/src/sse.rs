//! Streams an answer as server-sent events. What the events say is up to the protocol's [`Frames`].

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use futures::{StreamExt as _, stream};
use serde_json::Value;
use tokio::time::Instant;
use wright_provider::{CompletionStream, Event, Usage};

use crate::error::ApiError;

/// How often a client hears that the connection lives while there is nothing to say.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Writes one protocol's frames.
pub(crate) trait Frames: Send + 'static {
    /// Returns the frames before the first piece of the answer.
    fn opening(&mut self) -> Vec<sse::Event>;

    /// Returns the frames for what the provider said; those for [`Event::Finished`] are the last ones.
    fn frames(&mut self, event: Event) -> Vec<sse::Event>;

    /// Returns the last frames of an answer that broke off.
    fn failed(&mut self, error: &ApiError) -> Vec<sse::Event>;
}

/// Answers with a stream of frames. When the client goes, the stream is dropped, and with it the request.
pub(crate) fn respond(answer: CompletionStream, mut frames: impl Frames, limit: Duration) -> Response {
    let waiting = VecDeque::from(frames.opening());
    let state = Streaming { answer: Some(answer), frames, waiting, deadline: Instant::now() + limit, limit };
    let stream = stream::unfold(state, |mut state| async move {
        let frame = state.next().await?;
        Some((Ok::<_, Infallible>(frame), state))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response()
}

/// Answers with frames that are known already.
pub(crate) fn respond_at_once(events: Vec<Event>, frames: impl Frames) -> Response {
    let answer = stream::iter(events.into_iter().map(Ok)).boxed();
    respond(answer, frames, Duration::from_secs(60))
}

struct Streaming<F> {
    /// `None` once the last frames are waiting.
    answer: Option<CompletionStream>,
    frames: F,
    waiting: VecDeque<sse::Event>,
    deadline: Instant,
    limit: Duration,
}

impl<F: Frames> Streaming<F> {
    async fn next(&mut self) -> Option<sse::Event> {
        while self.waiting.is_empty() {
            let answer = self.answer.as_mut()?;
            let outcome = match tokio::time::timeout_at(self.deadline, answer.next()).await {
                Ok(Some(outcome)) => outcome.map_err(ApiError::from),
                Ok(None) => Ok(Event::Finished(Usage::default())),
                Err(_) => Err(ApiError::too_slow(self.limit)),
            };
            if matches!(outcome, Ok(Event::Finished(_)) | Err(_)) {
                self.answer = None;
            }
            match outcome {
                Ok(event) => self.waiting.extend(self.frames.frames(event)),
                Err(error) => self.waiting.extend(self.frames.failed(&error)),
            }
        }
        self.waiting.pop_front()
    }
}

/// Returns a frame without a name.
pub(crate) fn data(value: &Value) -> sse::Event {
    sse::Event::default().data(value.to_string())
}

/// Returns a frame with the name that its `type` gives, as in OpenAI's responses.
pub(crate) fn typed(value: &Value) -> sse::Event {
    let name = value["type"].as_str().unwrap_or("message");
    sse::Event::default().event(name).data(value.to_string())
}

/// Returns the frame that ends OpenAI's older streams.
pub(crate) fn done() -> sse::Event {
    sse::Event::default().data("[DONE]")
}
