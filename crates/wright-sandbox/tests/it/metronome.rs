//! Measures how late a timer of the host is while something else is going on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// A thread that wakes up regularly.
pub(crate) struct Metronome {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Duration>,
}

const BEAT: Duration = Duration::from_millis(20);

impl Metronome {
    pub(crate) fn start() -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let thread = thread::spawn({
            let is_over = Arc::clone(&is_over);
            move || {
                let mut latest = Duration::ZERO;
                while !is_over.load(Ordering::Relaxed) {
                    let start = Instant::now();
                    thread::sleep(BEAT);
                    latest = latest.max(start.elapsed().saturating_sub(BEAT));
                }
                latest
            }
        });
        Self { is_over, thread }
    }

    /// Returns by how much the latest beat was late.
    pub(crate) fn stop(self) -> Duration {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
