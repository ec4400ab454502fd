//! The stamp on a change that passed.

use wright_repo::CommitId;

/// A change that the gate let through, with what it was judged against and by which checks.
///
/// Invariant: only this crate makes one, so a front end that takes `Verified<Patch>` cannot forget to check.
/// "Verified" promises what [`Verified::checks`] lists, and no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified<T> {
    change: T,
    against: Against,
    checks: Vec<CheckRecord>,
}

impl<T> Verified<T> {
    /// Stamps `change`. Private to the gate.
    pub(crate) fn stamp(change: T, against: Against, checks: Vec<CheckRecord>) -> Self {
        Self { change, against, checks }
    }

    /// Returns the change.
    pub fn change(&self) -> &T {
        &self.change
    }

    /// Returns what the change was judged against; it must be refused on anything else.
    pub fn against(&self) -> &Against {
        &self.against
    }

    /// Returns the checks that ran, in order.
    pub fn checks(&self) -> &[CheckRecord] {
        &self.checks
    }
}

/// What a change was judged against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Against {
    /// One text, by its version in the editor and the SHA-256 of its bytes.
    Document {
        /// The version.
        version: i64,
        /// SHA-256 of the text, in hexadecimal.
        digest: String,
    },
    /// A commit of the repository.
    Commit(CommitId),
}

/// One check that ran: which, over what, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckRecord {
    /// The check.
    pub check: &'static str,
    /// What it looked at and what it saw, in words for a person.
    pub detail: String,
}
