//! Whether tests notice the lines that a change writes.
//!
//! Tests that pass prove little about code that they do not look at. So the changed lines are broken on purpose, one small
//! edit at a time, and the tests run on each: an edit that no test notices is shown. The edits are those of
//! [`wright_text::syntax_edits`], reduced to the classic operators of mutation testing.
//!
//! [`mutants`] chooses the edits and [`report`] runs them; [`crossed`] runs the tests of one side of a change on the code
//! of the other. Only functions are mutated, in every language we read.

pub mod crossed;
mod mutants;
mod trial;

pub use mutants::{Mutant, MutationLimits, mutants};
pub use trial::{NAME, report};
