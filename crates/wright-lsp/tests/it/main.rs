//! Conversations with the server over byte streams, as an editor has them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod client;

mod conversations;

mod sync;
