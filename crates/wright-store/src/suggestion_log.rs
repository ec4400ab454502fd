//! Records what happens to suggestions without ever making anyone wait.
//!
//! A handle puts events into a queue; one thread takes them out and writes them in batches. When the disk is full, the
//! file is locked for long, or someone else's, events are lost: [`SuggestionLog::problem`] says so, typing goes on.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver as DoneReceiver, channel as done_channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use chrono::{Days, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::{Event, StoreError, SuggestionStore};

/// How many events may wait in the queue. More are lost.
const MAX_QUEUED: usize = 4096;

/// How many events are written at once.
const MAX_BATCH: usize = 512;

/// How many events are kept for a file that is locked.
const MAX_PENDING: usize = 4096;

/// How long events are collected before they are written.
const BATCH_DELAY: Duration = Duration::from_millis(500);

/// How long to leave a file alone that could not be used.
const RETRY_DELAY: Duration = Duration::from_secs(30);

/// How long the last handle waits, when it is dropped, for what is not written yet.
const MAX_DROP_WAIT: Duration = Duration::from_secs(1);

/// How long events are kept.
pub const KEPT_FOR: Days = Days::new(400);

/// A handle that records events. Clones are cheap and share one writer; the last one to be dropped waits for it, at most a
/// second.
#[derive(Debug, Clone)]
pub struct SuggestionLog {
    writer: Option<Arc<Writer>>,
}

/// The end of the queue that events are put into.
#[derive(Debug)]
struct Writer {
    queue: Option<mpsc::Sender<Message>>,
    losses: Arc<Losses>,
    /// Hears of the end of the thread: its sender is dropped.
    done: Mutex<DoneReceiver<()>>,
}

#[derive(Debug)]
enum Message {
    Event(Event),
    Flush(oneshot::Sender<()>),
}

/// What was lost, and why at first.
#[derive(Debug, Default)]
struct Losses {
    n_events: AtomicU64,
    problem: OnceLock<String>,
}

impl Losses {
    fn add(&self, n_events: usize, problem: impl FnOnce() -> String) {
        self.n_events.fetch_add(n_events as u64, Ordering::Relaxed);
        if self.problem.get().is_none() {
            let problem = problem();
            tracing::warn!("events about suggestions are lost: {problem}");
            // Another thread may have been first, with a problem that is as good.
            let _ = self.problem.set(problem);
        }
    }
}

impl SuggestionLog {
    /// Returns a log that records nothing.
    pub fn disabled() -> Self {
        Self { writer: None }
    }

    /// Starts to record into the database at `path`. The file is made when the first event comes.
    pub fn start(path: PathBuf) -> Self {
        let (queue, events) = mpsc::channel(MAX_QUEUED);
        let (ended, done) = done_channel();
        let losses = Arc::new(Losses::default());
        let thread_losses = Arc::clone(&losses);
        let thread = std::thread::Builder::new().name("suggestion-log".to_owned()).spawn(move || {
            run(path, events, &thread_losses);
            drop(ended);
        });
        if let Err(error) = thread {
            losses.add(0, || format!("failed to start a thread: {error}"));
        }
        Self { writer: Some(Arc::new(Writer { queue: Some(queue), losses, done: Mutex::new(done) })) }
    }

    /// Returns whether events are recorded.
    pub fn is_enabled(&self) -> bool {
        self.writer.is_some()
    }

    /// Records an event. Returns at once, whatever the disk does.
    pub fn record(&self, event: Event) {
        let Some((writer, queue)) = self.queue() else { return };
        match queue.try_send(Message::Event(event)) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => writer.losses.add(1, || "the disk is too slow".to_owned()),
            Err(mpsc::error::TrySendError::Closed(_)) => writer.losses.add(1, || "the writer has ended".to_owned()),
        }
    }

    /// Waits until everything that was recorded before is written or given up.
    pub async fn flush(&self) {
        let Some((_, queue)) = self.queue() else { return };
        let (answer, answered) = oneshot::channel();
        if queue.send(Message::Flush(answer)).await.is_ok() {
            // An error means that the thread has ended, and there is nothing to wait for.
            let _ = answered.await;
        }
    }

    /// Returns how many events were lost.
    pub fn n_lost(&self) -> u64 {
        self.writer.as_ref().map_or(0, |writer| writer.losses.n_events.load(Ordering::Relaxed))
    }

    /// Returns why events were lost at first, if any were, for a front end to show once.
    pub fn problem(&self) -> Option<&str> {
        self.writer.as_ref()?.losses.problem.get().map(String::as_str)
    }

    fn queue(&self) -> Option<(&Writer, &mpsc::Sender<Message>)> {
        let writer = self.writer.as_ref()?;
        Some((writer, writer.queue.as_ref()?))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Without a sender the thread writes what is left and ends.
        self.queue = None;
        let done = self.done.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Both a sender that is gone and a wait that was too long end this.
        let _ = done.recv_timeout(MAX_DROP_WAIT);
    }
}

fn run(path: PathBuf, events: mpsc::Receiver<Message>, losses: &Losses) {
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(Batches::new(path, losses).write_all(events)),
        Err(error) => losses.add(0, || format!("failed to start: {error}")),
    }
}

/// Writes events in batches.
struct Batches<'a> {
    path: PathBuf,
    losses: &'a Losses,
    store: Option<SuggestionStore>,
    /// The file is left alone until then.
    retry_at: Option<Instant>,
    pending: Vec<Event>,
}

impl<'a> Batches<'a> {
    fn new(path: PathBuf, losses: &'a Losses) -> Self {
        Self { path, losses, store: None, retry_at: None, pending: Vec::new() }
    }

    async fn write_all(mut self, mut events: mpsc::Receiver<Message>) {
        while let Some(first) = events.recv().await {
            let waiting = self.collect(first, &mut events).await;
            self.write().await;
            for answer in waiting {
                // Nobody waits any more when this fails.
                let _ = answer.send(());
            }
        }
        self.write().await;
        let n_left = self.pending.len();
        if n_left > 0 {
            self.losses.add(n_left, || StoreError::Busy { path: self.path.clone() }.to_string());
        }
        if let Some(store) = self.store {
            store.close().await;
        }
    }

    /// Collects events for a while, and returns who waits for them to be written.
    async fn collect(&mut self, first: Message, events: &mut mpsc::Receiver<Message>) -> Vec<oneshot::Sender<()>> {
        let deadline = Instant::now() + BATCH_DELAY;
        let mut message = first;
        loop {
            match message {
                Message::Flush(answer) => return vec![answer],
                Message::Event(event) => self.pending.push(event),
            }
            if self.pending.len() >= MAX_BATCH {
                return Vec::new();
            }
            match timeout_at(deadline, events.recv()).await {
                Ok(Some(next)) => message = next,
                Ok(None) | Err(_) => return Vec::new(),
            }
        }
    }

    async fn write(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let is_left_alone = self.retry_at.is_some_and(|time| Instant::now() < time);
        if is_left_alone {
            let n_events = self.pending.len();
            self.pending.clear();
            self.losses.add(n_events, || "the database could not be used a moment ago".to_owned());
            return;
        }
        match self.try_write().await {
            Ok(()) => self.pending.clear(),
            // It is worth another try: someone else writes just now.
            Err(StoreError::Busy { .. }) if self.pending.len() < MAX_PENDING => {}
            Err(error) => {
                self.losses.add(self.pending.len(), || error.to_string());
                self.pending.clear();
                self.store = None;
                self.retry_at = Some(Instant::now() + RETRY_DELAY);
            }
        }
    }

    async fn try_write(&mut self) -> Result<(), StoreError> {
        let store = match &self.store {
            Some(store) => store,
            None => {
                let store = SuggestionStore::open(&self.path).await?;
                if let Some(oldest) = Utc::now().checked_sub_days(KEPT_FOR) {
                    store.remove_before(oldest).await?;
                }
                self.store.insert(store)
            }
        };
        store.record(&self.pending).await
    }
}
