//! Reads tests, and compares them before and after a change.
//!
//! A change is only as good as the tests that it passes, and the tests are in the same hands as the change. So they are read
//! by syntax tree on both sides: what each test demands and how strictly, what switches it off, and over which cases it
//! runs. Tests are matched by name and by content over all files at once, so that moving, renaming, splitting and merging
//! are no findings. Nothing here runs anything; the check that reports is [`crate::checks::test_tampering`].

pub(crate) mod assertion;
mod body;
pub(crate) mod compare;
mod discovery;
mod guard;
pub(crate) mod inventory;
pub(crate) mod marks;
pub(crate) mod matching;
mod pairs;
pub(crate) mod product;
pub(crate) mod reach;
pub(crate) mod report;
pub(crate) mod tokens;
mod words;
