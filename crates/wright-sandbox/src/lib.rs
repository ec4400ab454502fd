//! Runs an untrusted command in a folder and says what happened.
//!
//! A [`Sandbox`] is probed once: it starts the helper process, lets it build every layer of isolation for real, and keeps
//! the [`Level`] that was reached. Each [`Sandbox::run`] then gives a [`Command`] a fresh set of namespaces, an allow-listed
//! file system, no network, an empty environment and hard [`Limits`]. A layer that cannot be built is a refusal, never a
//! silent step down.
//!
//! This is the only crate that starts processes nobody trusts. It does not decide what to run, and it knows nothing about
//! git, models or checks. Start reading at [`Sandbox::run`]; the other side of the process boundary is `helper`.
//!
//! Invariant: no command ever runs with the kernel's user id 0, and none runs at [`Level::E`].
//!
//! Limits are kept by a control group where one can be made, and by a watcher everywhere ([`LimitKeeper`]).

#![expect(clippy::disallowed_methods, reason = "this crate is where untrusted processes are started")]

mod bubblewrap;
mod command;
pub mod egress;
mod error;
mod helper;
mod launcher;
mod level;
mod limit_keeper;
mod outcome;
mod output;
mod policy;
mod probe;
mod sandbox;
mod wire;

pub use command::Command;
pub use error::SandboxError;
pub use helper::helper_main;
pub use launcher::HelperCommand;
pub use level::{Layer, LayerKind, LayerState, Level};
pub use limit_keeper::LimitKeeper;
pub use outcome::{Exit, Outcome};
pub use policy::{Limits, Policy};
#[doc(hidden)]
pub use probe::Pretense;
pub use sandbox::Sandbox;
