//! A request that is under way, and whether a later one may wait for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use wright_text::Document;

use crate::ending::first_line_end;

/// How long a request goes on without anyone who waits for it. Editors cancel a request before they send the next one.
const GRACE: Duration = Duration::from_millis(30);

/// How long a request that has written nothing is waited for by later ones.
const SILENCE: Duration = Duration::from_secs(2);

/// Returns the two ends of a request for `offset` in `doc`.
pub(crate) fn begin(doc: &Document, offset: usize) -> (Progress, Start) {
    let (sender, progress) = watch::channel(Written::default());
    (Progress(sender), Start { path: doc.path.clone(), text: doc.shared_text(), offset, progress })
}

/// What a request has written so far.
#[derive(Debug, Clone, Default)]
struct Written {
    text: String,
    is_over: bool,
}

/// The end of the one who writes.
#[derive(Debug)]
pub(crate) struct Progress(watch::Sender<Written>);

impl Progress {
    /// Notes what is written so far.
    pub(crate) fn note(&self, text: &str) {
        self.0.send_modify(|it| text.clone_into(&mut it.text));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.send_modify(|it| it.is_over = true);
    }
}

/// A request that has no task yet.
pub(crate) struct Start {
    path: PathBuf,
    text: Arc<str>,
    offset: usize,
    progress: watch::Receiver<Written>,
}

impl Start {
    /// Returns the request that is worked on by a task.
    pub(crate) fn of(self, task: AbortHandle) -> Flight {
        let Self { path, text, offset, progress } = self;
        Flight { path, text, offset, progress, task, n_waiting: Arc::new(AtomicUsize::new(0)) }
    }
}

/// A request that is under way.
#[derive(Debug, Clone)]
pub(crate) struct Flight {
    path: PathBuf,
    text: Arc<str>,
    offset: usize,
    progress: watch::Receiver<Written>,
    task: AbortHandle,
    n_waiting: Arc<AtomicUsize>,
}

impl Flight {
    /// Ends the request.
    pub(crate) fn cancel(&self) {
        self.task.abort();
    }

    /// Returns whether the request has ended.
    pub(crate) fn is_over(&self) -> bool {
        self.task.is_finished()
    }

    /// Registers someone who waits. When the last one stops waiting, the request ends: after a moment when it may go on,
    /// else at once.
    pub(crate) fn waiting(&self, goes_on: bool) -> Waiting {
        self.n_waiting.fetch_add(1, Ordering::SeqCst);
        Waiting { flight: Some(self.clone()), goes_on }
    }

    /// Waits for the request as long as what was typed since agrees with what it writes; returns whether it did to the end.
    pub(crate) async fn leads_to(&self, doc: &Document, offset: usize) -> bool {
        let Some(typed) = self.typed_since(doc, offset) else { return false };
        let waiting = self.waiting(true);
        let mut progress = self.progress.clone();
        loop {
            let written = progress.borrow_and_update().clone();
            // Before the first token nothing speaks against it, and what is being read has to be read anyway.
            let agrees = written.text.starts_with(&typed) || typed.starts_with(&written.text);
            if written.is_over || !agrees {
                waiting.end();
                return agrees;
            }
            let is_silent = written.text.is_empty();
            let changed =
                tokio::time::timeout(if is_silent { SILENCE } else { Duration::MAX }, progress.changed()).await;
            if !matches!(changed, Ok(Ok(()))) {
                return false;
            }
        }
    }

    /// Returns the first lines of what is written, as each becomes whole: a candidate that was refused is followed by others.
    pub(crate) fn first_lines(&self) -> FirstLines {
        FirstLines { progress: self.progress.clone(), last: String::new() }
    }

    /// Returns what was typed at the position of the request since it was made; nothing when something else happened.
    fn typed_since(&self, doc: &Document, offset: usize) -> Option<String> {
        let (before, after) = (self.text.get(..self.offset)?, self.text.get(self.offset..)?);
        let typed = doc.text().get(..offset)?.strip_prefix(before)?;
        let is_behind_same = doc.text().get(offset..)?.ends_with(after);
        (doc.path == self.path && !typed.is_empty() && is_behind_same).then(|| typed.to_owned())
    }
}

/// The first lines of what a request writes.
#[derive(Debug)]
pub(crate) struct FirstLines {
    progress: watch::Receiver<Written>,
    last: String,
}

impl FirstLines {
    /// Waits for the next first line that is whole, with the line end that shows it; nothing when the request is over.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            let written = self.progress.borrow_and_update().clone();
            if written.is_over {
                return None;
            }
            if let Some(line) = first_line_end(&written.text).map(|end| &written.text[..end])
                && line != self.last
            {
                line.clone_into(&mut self.last);
                return Some(self.last.clone());
            }
            self.progress.changed().await.ok()?;
        }
    }
}

/// Someone who waits for a request.
#[derive(Debug)]
pub(crate) struct Waiting {
    flight: Option<Flight>,
    goes_on: bool,
}

impl Waiting {
    /// Stops waiting because the answer is there, or not wanted from this request.
    pub(crate) fn end(mut self) {
        if let Some(flight) = self.flight.take() {
            flight.n_waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Some(flight) = self.flight.take() else { return };
        if flight.n_waiting.fetch_sub(1, Ordering::SeqCst) > 1 {
            return;
        }
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) if self.goes_on => {
                runtime.spawn(async move {
                    tokio::time::sleep(GRACE).await;
                    if flight.n_waiting.load(Ordering::SeqCst) == 0 {
                        flight.cancel();
                    }
                });
            }
            Ok(_) | Err(_) => flight.cancel(),
        }
    }
}
