//! Values from outside that reach a place where they do harm, and functions that are used in an unsafe way.
//!
//! The rules are the files in `rules/`; [`flow`](crate::flow) applies them. Everything wrong with one text is reported,
//! whether or not a change made it so.

use crate::{Finding, Source, flow};

/// The name of the check.
pub const NAME: &str = "injection";

/// Returns every place of a text that breaks a rule.
///
/// A value that certainly comes from a client gives an error; one that a caller may pass, a warning or a note.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    flow::findings(NAME, source)
}
