//! A keystroke becomes a suggestion: gather context, fill in the middle, find the end, gate.
//!
//! [`complete`] is the whole path for one position, without memory. [`Completer`] is what an editor talks to: it knows the
//! open documents, answers from what it suggested before, and reads ahead. Either shows a suggestion that the quick gate
//! verified, or nothing and the reason. There are no tools and no worktree here; what takes longer than a moment belongs
//! to `wright-agent`.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod completer;

pub mod next_edit;

mod attempt;
mod cache;
mod context;
mod ending;
mod extent;
mod flight;
mod hole;
mod mood;
mod past;
mod related;
mod suggestion;

pub use attempt::{Options, Outcome, Source, complete, complete_with};
pub use completer::{Ask, Completer, Eagerness, Feedback, LogEntry, NextEdit, Selected, Settings, Trigger};
pub use context::{Budget, Context, Section, is_secret_file};
pub use ending::Reach;
pub use extent::Extent;
pub use related::{Imported, Snippet};
pub use suggestion::{Suggestion, SuggestionId, Withheld};
