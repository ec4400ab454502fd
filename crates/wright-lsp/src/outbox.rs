//! What goes to the client: answers, notifications, and our own requests with the ids that their answers will have.

use crossbeam_channel::Sender;
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::Serialize;
use serde_json::Value;

use crate::frames::Outgoing;

/// A client that leaves so many messages unread is taken for dead.
const MAX_UNREAD: usize = 50_000;

/// The way to the client.
pub(crate) struct Outbox {
    to_client: Sender<Outgoing>,
    n_requests: u64,
    is_closed: bool,
}

impl Outbox {
    pub(crate) fn new(to_client: Sender<Outgoing>) -> Self {
        Self { to_client, n_requests: 0, is_closed: false }
    }

    /// Returns whether nobody reads what we write.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed || self.to_client.len() > MAX_UNREAD
    }

    pub(crate) fn answer(&mut self, id: RequestId, result: impl Serialize) {
        let response = match serde_json::to_value(result) {
            Ok(value) => Response { id, response_result: Ok(value) },
            Err(error) => Response::new_err(id, ErrorCode::InternalError as i32, format!("cannot be written: {error}")),
        };
        self.send(Message::Response(response));
    }

    pub(crate) fn refuse(&mut self, id: RequestId, code: ErrorCode, message: impl Into<String>) {
        self.send(Message::Response(Response::new_err(id, code as i32, message.into())));
    }

    /// Answers something that has no id.
    pub(crate) fn complain(&mut self, code: ErrorCode, message: String) {
        self.put(Outgoing::Complaint { code: code as i32, message });
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(Message::Notification(Notification { method: method.to_owned(), params }));
    }

    /// Sends a request and returns the id under which its answer comes.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> RequestId {
        self.n_requests += 1;
        let id = RequestId::from(format!("wright-{}", self.n_requests));
        self.send(Message::Request(Request { id: id.clone(), method: method.to_owned(), params }));
        id
    }

    fn send(&mut self, message: Message) {
        self.put(Outgoing::Message(message));
    }

    fn put(&mut self, outgoing: Outgoing) {
        self.is_closed |= self.to_client.send(outgoing).is_err();
    }
}
