//! Runs the real program: what it prints, how it exits, and what it leaves behind.
//!
//! Every test has a data folder and a configuration of its own. No test but those called `real_model_…` needs a model.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stderr,
    reason = "tests start programs, read the environment and fail by panicking"
)]

mod ask;
mod bad_input;
mod basics;
mod check;
mod complete;
mod doctor;
mod liars;
mod lsp;
mod offline;
mod real_model;
mod serve;
mod stats;
mod tasks;

mod fake_server;
mod fixture;
mod terminal;
