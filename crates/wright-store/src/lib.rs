//! What must survive a crash: tasks, the transcript of each, and what came out of it; and what became of suggestions.
//!
//! Tasks are in one SQLite file behind a [`Store`]. What a call has returned from is on the disk and visible to every
//! other process that has the file open; what it has not returned from happened entirely or not at all.
//!
//! Suggestions are in another file behind a [`SuggestionStore`], because there are many and some may be lost. A
//! [`SuggestionLog`] writes to it without making anyone wait; [`Records`] turns what is in it into [`Figures`].
//!
//! This crate is the only one that knows SQL. It stores what it is given and never interprets it: kinds of tasks and
//! steps, requests, payloads, patches and receipts are the caller's.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod store;

mod task;

mod transcript;

mod suggestion_log;

mod suggestion;

mod suggestion_store;

mod records;

mod database;

mod error;

mod file;

pub use error::StoreError;
pub use records::{Figures, Group, Grouping, Latency, MIN_SHOWN_FOR, Records, Retention};
pub use store::Store;
pub use suggestion::{Event, KeptAfter, NewSuggestion, Outcome, SuggestionId, SuggestionKind, Typed};
pub use suggestion_log::{KEPT_FOR, SuggestionLog};
pub use suggestion_store::SuggestionStore;
pub use task::{NewTask, Proposal, Step, StepSeq, Task, TaskId, TaskStatus};
