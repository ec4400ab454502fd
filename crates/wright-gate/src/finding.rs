//! What a check reports, and what follows from all reports together.

use std::path::PathBuf;

/// One problem that a change introduces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check that found it.
    pub check: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// The file, where there is one.
    pub path: Option<PathBuf>,
    /// The line in the changed file, counted from 1.
    pub line: Option<usize>,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What to do about it, as a sentence.
    pub hint: Option<String>,
}

impl Finding {
    /// Returns an error of `check`.
    pub fn error(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, severity: Severity::Error, path: None, line: None, message: message.into(), hint: None }
    }

    /// Returns the stable code of the reason: the name of the check. Those of the quick half are in
    /// [`quick::CODES`](crate::quick::CODES).
    pub fn code(&self) -> &'static str {
        self.check
    }

    /// Returns the finding with its place.
    #[must_use]
    pub fn at(mut self, path: impl Into<PathBuf>, line: Option<usize>) -> Self {
        self.path = Some(path.into());
        self.line = line;
        self
    }

    /// Returns the finding with advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.path, self.line) {
            (Some(path), Some(line)) => write!(f, "{}:{line}: ", path.display())?,
            (Some(path), None) => write!(f, "{}: ", path.display())?,
            (None, _) => {}
        }
        write!(f, "{} [{}]", self.message, self.check)
    }
}

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth saying; does not refuse the change.
    Note,
    /// Worth a look; does not refuse the change.
    Warning,
    /// Refuses the change.
    Error,
}

/// What the gate decides about a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Every check ran and none reported a new error.
    Pass,
    /// At least one check reported a new error.
    Fail(Vec<Finding>),
    /// A check could not run, so nothing can be promised.
    Inconclusive(Vec<Finding>),
}
