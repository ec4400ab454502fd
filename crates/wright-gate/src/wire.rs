//! A finding as it is written to files: in JSON results, in receipts and in the cache. Other types than the gate's own, so
//! that a change of those is no change of the format.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{Confidence, Finding, Severity, Span, Step};

/// A finding as it is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireFinding {
    pub(crate) check: String,
    pub(crate) rule: String,
    pub(crate) severity: WireSeverity,
    pub(crate) confidence: WireConfidence,
    pub(crate) cwe: Vec<u16>,
    pub(crate) path: Option<String>,
    pub(crate) line: Option<usize>,
    pub(crate) span: Option<WireSpan>,
    pub(crate) symbol: Option<String>,
    pub(crate) message: String,
    pub(crate) evidence: Option<String>,
    pub(crate) hint: Option<String>,
    pub(crate) trace: Vec<WireStep>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WireSeverity {
    Note,
    Warning,
    Error,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WireConfidence {
    Low,
    Medium,
    High,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireSpan {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) end_line: usize,
    pub(crate) end_column: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WireStep {
    pub(crate) line: usize,
    pub(crate) note: String,
}

impl From<&Finding> for WireFinding {
    fn from(it: &Finding) -> Self {
        Self {
            check: it.check.to_owned(),
            rule: it.rule.to_string(),
            severity: it.severity.into(),
            confidence: it.confidence.into(),
            cwe: it.cwe.to_vec(),
            path: it.path.as_ref().map(|it| it.to_string_lossy().into_owned()),
            line: it.line,
            span: it.span.map(Into::into),
            symbol: it.symbol.clone(),
            message: it.message.clone(),
            evidence: it.evidence.clone(),
            hint: it.hint.clone(),
            trace: it.trace.iter().map(|it| WireStep { line: it.line, note: it.note.clone() }).collect(),
        }
    }
}

impl WireFinding {
    /// Returns the finding again, as one of `check`.
    pub(crate) fn into_finding(self, check: &'static str, key: String) -> Finding {
        Finding {
            check,
            rule: Cow::Owned(self.rule),
            severity: self.severity.into(),
            confidence: self.confidence.into(),
            cwe: Cow::Owned(self.cwe),
            path: self.path.map(Into::into),
            line: self.line,
            span: self.span.map(Into::into),
            symbol: self.symbol,
            message: self.message,
            evidence: self.evidence,
            hint: self.hint,
            trace: self.trace.into_iter().map(|it| Step { line: it.line, note: it.note }).collect(),
            key,
        }
    }
}

impl From<Severity> for WireSeverity {
    fn from(it: Severity) -> Self {
        match it {
            Severity::Note => Self::Note,
            Severity::Warning => Self::Warning,
            Severity::Error => Self::Error,
        }
    }
}

impl From<WireSeverity> for Severity {
    fn from(it: WireSeverity) -> Self {
        match it {
            WireSeverity::Note => Self::Note,
            WireSeverity::Warning => Self::Warning,
            WireSeverity::Error => Self::Error,
        }
    }
}

impl From<Confidence> for WireConfidence {
    fn from(it: Confidence) -> Self {
        match it {
            Confidence::Low => Self::Low,
            Confidence::Medium => Self::Medium,
            Confidence::High => Self::High,
        }
    }
}

impl From<WireConfidence> for Confidence {
    fn from(it: WireConfidence) -> Self {
        match it {
            WireConfidence::Low => Self::Low,
            WireConfidence::Medium => Self::Medium,
            WireConfidence::High => Self::High,
        }
    }
}

impl From<Span> for WireSpan {
    fn from(it: Span) -> Self {
        let Span { start, end, line, column, end_line, end_column } = it;
        Self { start, end, line, column, end_line, end_column }
    }
}

impl From<WireSpan> for Span {
    fn from(it: WireSpan) -> Self {
        let WireSpan { start, end, line, column, end_line, end_column } = it;
        Self { start, end, line, column, end_line, end_column }
    }
}
