//! Serves models over HTTP, in the protocols that editors and chat clients already speak: llama.cpp's `/infill` and
//! `/completion`, and OpenAI's completions, chat completions and responses.
//!
//! [`Server::bind`] opens the address, [`Server::run`] answers until it is told to stop. A request passes the guard (who
//! may ask, from where), then its route in `routes`, which turns it into a request to a provider and the answer into the
//! protocol's form. Suggestions for an editor go through `wright-complete` unless the client asks for the raw text.
//!
//! This crate is the only one that serves HTTP. It serves no files, reads no configuration and writes nothing.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod server;

mod address;

mod config;

mod models;

mod guard;

mod error;

mod body;

mod routes;

mod sampling;

mod answer;

mod sse;

mod hole;

mod fim;

mod snippets;

mod language;

mod filling;

mod checked;

mod shaped;

mod conversation;

mod tools;

pub use address::Address;
pub use config::{Checked, Config, Token};
pub use models::Models;
pub use server::{Server, ServerError};
