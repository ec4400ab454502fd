//! The language server: what an editor sees of suggestions, code actions and next edits.
//!
//! [`serve`] is the whole program between two byte streams. One thread runs one loop over one `enum Event`
//! (`server.rs`): documents change strictly in the order of the client's messages, and everything that waits for a model is
//! a task beside the loop that hands its result back as an event.
//!
//! This is the only crate that knows the Language Server Protocol and UTF-16; `positions.rs` and `items.rs` convert at the
//! edge. It makes no suggestion and judges none: see `wright-complete`. It reads no file and no environment: what it needs
//! of the outside comes in through [`Host`].
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod server;

mod client;

mod sync;

mod inline;

mod next_edit;

mod actions;

mod work_done;

mod feedback;

mod tracker;

mod kept_share;

mod work;

mod outbox;

mod settings;

mod status;

mod reasons;

mod items;

mod host;

#[doc(hidden)]
pub mod frames;

#[doc(hidden)]
pub mod open_document;

#[doc(hidden)]
pub mod positions;

mod composed;

#[doc(hidden)]
pub mod fuzz;

mod transport;

pub use host::{Host, OpenFailure, Workbench};
pub use transport::{Ended, serve};
