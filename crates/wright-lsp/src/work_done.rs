//! Progress of the commands that ask a model: shown where the client can, and canceled there.

use lsp_server::{ErrorCode, RequestId};
use serde_json::{Value, json};

use crate::server::Server;

impl Server {
    /// Begins to show that a command is worked on, under the client's token or one of ours.
    pub(crate) fn begin_progress(&mut self, id: &RequestId, title: &str, token: Option<Value>) {
        let token = match token {
            Some(token) => token,
            None if self.client.shows_progress => {
                self.n_tokens += 1;
                let token = json!(format!("wright-progress-{}", self.n_tokens));
                self.out.request("window/workDoneProgress/create", json!({ "token": token }));
                token
            }
            None => return,
        };
        let value = json!({ "kind": "begin", "title": format!("Wright: {title}"), "cancellable": true });
        self.out.notify("$/progress", json!({ "token": token, "value": value }));
        self.progress.insert(id.clone(), token);
    }

    /// Stops showing a command, if it is shown.
    pub(crate) fn end_progress(&mut self, id: &RequestId) {
        if let Some(token) = self.progress.remove(id) {
            self.out.notify("$/progress", json!({ "token": token, "value": { "kind": "end" } }));
        }
    }

    /// Cancels what is shown under a token.
    pub(crate) fn cancel_progress(&mut self, token: &Value) {
        let id = self.progress.iter().find(|(_, it)| *it == token).map(|(id, _)| id.clone());
        if let Some(id) = id.filter(|it| self.work.cancel(it)) {
            self.end_progress(&id);
            self.out.refuse(id, ErrorCode::RequestCanceled, "canceled");
        }
    }
}
