//! What it is to ask a model: a [`Request`] goes in, a stream of [`Event`]s comes out, and a [`Provider`] is anything that
//! can do that.
//!
//! The local worker, the HTTP providers ([`remote`]) and the [`replay`] provider that tests use are all behind the same
//! trait, so nothing above this crate knows which model it talks to. This crate does not build prompts, does not run
//! models and does not judge what they say.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod request;

mod error;

mod provider;

pub mod remote;

pub mod replay;

mod spec;

mod stop;

mod usage;

pub use error::ProviderError;
pub use provider::{Capabilities, Completion, CompletionStream, Event, PromptCost, Provider, StopReason, collect};
pub use request::{Alternatives, ClientId, FimOrder, Message, Priority, Prompt, Request, Role, Sampling};
pub use spec::ModelSpec;
pub use usage::{Price, Usage};
