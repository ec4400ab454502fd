//! Talks to a real server over real connections; the models behind it are scripts.
//!
//! What a protocol looks like is data: each file in `conversations/` is a request, and its snapshot shows what the model was
//! asked and what the client was told. Add one by copying a neighbor and running `cargo insta review`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod conversations;
mod guard;
mod limits;
mod stopping;

mod client;
mod served;
