//! Next edits as scenarios: what a person did, and what is offered then.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod next_edit;
