//! Conversations with the server over byte streams, as an editor has them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "a test may start a process")]
#![allow(clippy::needless_pass_by_value, reason = "`json!` makes values, and a test reads better without ampersands")]

mod client;

mod suggestions;

mod lifecycle;

mod trouble;

mod actions;

mod records;

mod storm;
