//! Requests that are being worked on beside the loop: started, canceled, and at most one of a kind for each document.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, unbounded};
use futures::FutureExt as _;
use lsp_server::RequestId;
use tokio::task::AbortHandle;
use url::Url;

/// Tasks, each of which ends with a `T` or a panic.
pub(crate) struct Work<T> {
    runtime: tokio::runtime::Handle,
    running: HashMap<RequestId, Running>,
    finished: Sender<Finished<T>>,
    pub(crate) results: Receiver<Finished<T>>,
    n_started: u64,
}

/// The end of a task.
pub(crate) struct Finished<T> {
    /// The request that it worked on; none for work that nobody asked for.
    pub(crate) id: Option<RequestId>,
    /// What came of it; `None` when it panicked.
    pub(crate) result: Option<T>,
    ticket: u64,
}

struct Running {
    abort: AbortHandle,
    lane: Option<Lane>,
    ticket: u64,
    since: Instant,
}

/// What only the newest request may work on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Lane {
    /// Suggestions at the position in a document.
    Inline(Url),
    /// The next place to edit in a document.
    NextEdit(Url),
    /// Code actions at a place in a document.
    Actions(Url),
}

impl<T: Send + 'static> Work<T> {
    pub(crate) fn new(runtime: tokio::runtime::Handle) -> Self {
        let (finished, results) = unbounded();
        Self { runtime, running: HashMap::new(), finished, results, n_started: 0 }
    }

    /// Returns whether a request with this id is being worked on.
    pub(crate) fn has(&self, id: &RequestId) -> bool {
        self.running.contains_key(id)
    }

    /// Returns since when the oldest task has been running.
    pub(crate) fn busy_since(&self) -> Option<Instant> {
        self.running.values().map(|it| it.since).min()
    }

    /// Starts a task. Returns the requests in the same lane that it replaces; they have been canceled.
    pub(crate) fn start(
        &mut self,
        id: RequestId,
        lane: Option<Lane>,
        task: impl Future<Output = T> + Send + 'static,
    ) -> Vec<RequestId> {
        let replaced: Vec<RequestId> = match &lane {
            Some(lane) => {
                self.running.iter().filter(|(_, it)| it.lane.as_ref() == Some(lane)).map(|(id, _)| id.clone()).collect()
            }
            None => Vec::new(),
        };
        for id in &replaced {
            self.cancel(id);
        }
        self.n_started += 1;
        let (ticket, finished, of) = (self.n_started, self.finished.clone(), id.clone());
        let task = self.runtime.spawn(async move {
            let result = AssertUnwindSafe(task).catch_unwind().await.ok();
            // The loop may have ended meanwhile.
            let _ = finished.send(Finished { id: Some(of), result, ticket });
        });
        self.running.insert(id, Running { abort: task.abort_handle(), lane, ticket, since: Instant::now() });
        replaced
    }

    /// Starts work that answers no request and cannot be canceled.
    pub(crate) fn aside(&self, task: impl Future<Output = T> + Send + 'static) {
        let finished = self.finished.clone();
        self.runtime.spawn(async move {
            let result = AssertUnwindSafe(task).catch_unwind().await.ok();
            // The loop may have ended meanwhile.
            let _ = finished.send(Finished { id: None, result, ticket: 0 });
        });
    }

    /// Drops a task. Returns whether it was running.
    pub(crate) fn cancel(&mut self, id: &RequestId) -> bool {
        match self.running.remove(id) {
            Some(running) => {
                running.abort.abort();
                true
            }
            None => false,
        }
    }

    /// Returns what came of a task, unless it was canceled just before it ended.
    pub(crate) fn take(&mut self, finished: Finished<T>) -> Option<(Option<RequestId>, Option<T>)> {
        let Some(id) = finished.id else { return Some((None, finished.result)) };
        let is_current = self.running.get(&id).is_some_and(|it| it.ticket == finished.ticket);
        if !is_current {
            return None;
        }
        self.running.remove(&id);
        Some((Some(id), finished.result))
    }

    /// Drops every task and returns the requests that they worked on.
    pub(crate) fn cancel_all(&mut self) -> Vec<RequestId> {
        let ids: Vec<RequestId> = self.running.keys().cloned().collect();
        ids.iter().for_each(|it| {
            self.cancel(it);
        });
        ids
    }
}
