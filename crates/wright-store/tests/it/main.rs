//! Suggestions from events to figures, on real files and with several processes.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests start programs, read the environment and fail by panicking"
)]

mod figures;
mod log;
mod processes;
mod store;

mod fixture;
