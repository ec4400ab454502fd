//! What a check reports, and what follows from all reports together.

use std::borrow::Cow;
use std::path::PathBuf;

/// One problem in a text or in a change.
///
/// A check that reads one text reports what is wrong with that text; a check that compares two states reports what the
/// change makes wrong. Which of them are new is decided afterwards, for all checks in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The check that found it.
    pub check: &'static str,
    /// The rule it breaks, such as `python/sql-injection`; the name of the check where a check has one rule only.
    pub rule: Cow<'static, str>,
    /// How much it matters.
    pub severity: Severity,
    /// How sure the check is.
    pub confidence: Confidence,
    /// The weaknesses it is an instance of, as numbers of the Common Weakness Enumeration, the closest first.
    pub cwe: Cow<'static, [u16]>,
    /// The file, relative to the repository, where there is one.
    pub path: Option<PathBuf>,
    /// The line, counted from 1.
    pub line: Option<usize>,
    /// The exact place, where the check knows it.
    pub span: Option<Span>,
    /// The qualified name of the function or type around it.
    pub symbol: Option<String>,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// Why the check believes it, as a lowercase fragment: what was looked at, and on which version.
    pub evidence: Option<String>,
    /// What to do about it, as a sentence.
    pub hint: Option<String>,
    /// How a value gets to the place, from its source on.
    pub trace: Vec<Step>,
    /// The words that make this finding the same one after its lines have moved: the code it is about without spaces and
    /// comments, or a keyed digest where the code is a secret. The line's text is taken where it is empty.
    pub key: String,
}

/// A place in a text: bytes for programs, lines and columns for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Line of the first byte, counted from 1.
    pub line: usize,
    /// Column of the first byte, in characters, counted from 1.
    pub column: usize,
    /// Line of the last byte, counted from 1.
    pub end_line: usize,
    /// Column one past the last character, counted from 1.
    pub end_column: usize,
}

/// One step of a value on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The line, counted from 1.
    pub line: usize,
    /// What happens there, as a lowercase fragment.
    pub note: String,
}

impl Finding {
    /// Returns an error of `check`.
    pub fn error(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Error, message)
    }

    /// Returns a warning of `check`.
    pub fn warning(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Warning, message)
    }

    /// Returns a note of `check`.
    pub fn note(check: &'static str, message: impl Into<String>) -> Self {
        Self::new(check, Severity::Note, message)
    }

    /// Returns a finding of `check`, which has one rule, named like the check.
    pub fn new(check: &'static str, severity: Severity, message: impl Into<String>) -> Self {
        Self {
            check,
            rule: Cow::Borrowed(check),
            severity,
            confidence: Confidence::High,
            cwe: Cow::Borrowed(&[]),
            path: None,
            line: None,
            span: None,
            symbol: None,
            message: message.into(),
            evidence: None,
            hint: None,
            trace: Vec::new(),
            key: String::new(),
        }
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

    /// Returns the finding with its exact place, and the line that follows from it.
    #[must_use]
    pub fn within(mut self, path: impl Into<PathBuf>, span: Span) -> Self {
        self.path = Some(path.into());
        self.line = Some(span.line);
        self.span = Some(span);
        self
    }

    /// Returns the finding with the rule it breaks.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<Cow<'static, str>>) -> Self {
        self.rule = rule.into();
        self
    }

    /// Returns the finding with how sure the check is.
    #[must_use]
    pub fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    /// Returns the finding with the weaknesses it is an instance of.
    #[must_use]
    pub fn cwe(mut self, cwe: impl Into<Cow<'static, [u16]>>) -> Self {
        self.cwe = cwe.into();
        self
    }

    /// Returns the finding with why the check believes it.
    #[must_use]
    pub fn evidence(mut self, evidence: impl Into<String>) -> Self {
        self.evidence = Some(evidence.into());
        self
    }

    /// Returns the finding with the words that stay the same when its lines move.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
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
        write!(f, "{} [{}]", self.message, self.rule)
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

/// How sure a check is of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// The shape is suspicious; whether it is a problem depends on what the check cannot see.
    Low,
    /// Most such places are problems.
    Medium,
    /// The check saw everything the finding rests on.
    High,
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
