//! What must survive a crash: tasks, the transcript of each, and what came out of it.
//!
//! Everything is in one SQLite file behind a [`Store`]. What a call has returned from is on the disk and visible to every
//! other process that has the file open; what it has not returned from happened entirely or not at all.
//!
//! This crate is the only one that knows SQL. It stores what it is given and never interprets it: kinds of tasks and
//! steps, requests, payloads, patches and receipts are the caller's.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod store;

mod task;

mod transcript;

mod error;

mod file;

pub use error::StoreError;
pub use store::Store;
pub use task::{NewTask, Proposal, Step, StepSeq, Task, TaskId, TaskStatus};
