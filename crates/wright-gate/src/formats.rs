//! How an assessment is written down: for people, and in the formats that other programs read.
//!
//! Each function takes a [`Document`] and returns text. What a repository says passes through
//! [`wright_text::neutral_line`] where a terminal or a page may show it.

mod annotations;
mod code_quality;
mod json;
mod junit;
mod sarif;
mod text;

use crate::assessment::Assessment;
use crate::change::{ChangeSet, Tree};
use crate::receipt::Facts;

pub use annotations::github;
pub use code_quality::gitlab;
pub use json::json;
pub use junit::junit;
pub use sarif::sarif;
pub use text::{Ink, Paint, agent_reason, text};

/// What is written down.
#[derive(Clone, Copy)]
pub struct Document<'a> {
    /// What the gate says.
    pub assessment: &'a Assessment,
    /// The change.
    pub change: &'a ChangeSet,
    /// The repository after it, for the code of files that the change does not touch.
    pub after: &'a dyn Tree,
    /// What was judged.
    pub facts: &'a Facts,
}

#[cfg(test)]
#[path = "formats/tests.rs"]
mod tests;
