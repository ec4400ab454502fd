//! Why nothing was suggested, where the server knew it without asking for a suggestion.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};
use wright_complete::LogEntry;
use wright_text::Language;

use crate::open_document::MAX_SUGGESTED;

/// How many reasons are kept.
const MAX_KEPT: usize = 200;

/// Why the server itself suggests nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// The editor never opened the document, or it sent a change that could not be read.
    NotInSync,
    /// The document is too large.
    TooLarge { n_bytes: usize },
    /// The user turned the language off.
    DisabledLanguage,
    /// A file of the user's own settings, outside every folder of the workspace.
    Outside,
    /// There is no model.
    NoModel(String),
    /// The model could not be asked.
    Failed(String),
    /// The suggestion does not continue the entry that is selected in the editor's list.
    NotSelected,
}

impl Reason {
    /// Returns the stable code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotInSync => "not-in-sync",
            Self::TooLarge { .. } => "too-large",
            Self::DisabledLanguage => "disabled",
            Self::Outside => "outside-workspace",
            Self::NoModel(_) => "no-model",
            Self::Failed(_) => "model-failed",
            Self::NotSelected => "not-selected",
        }
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotInSync => {
                f.write_str("the document is not known as the editor has it; close it and open it again")
            }
            Self::TooLarge { n_bytes } => write!(f, "the document has {n_bytes} bytes; the limit is {MAX_SUGGESTED}"),
            Self::DisabledLanguage => f.write_str("the settings turn this language off"),
            Self::Outside => f.write_str("a hidden file outside the workspace may hold secrets"),
            Self::NoModel(what) | Self::Failed(what) => f.write_str(what),
            Self::NotSelected => f.write_str("it does not continue the entry that is selected in the list"),
        }
    }
}

/// The last reasons.
#[derive(Default)]
pub(crate) struct Reasons {
    entries: VecDeque<Entry>,
}

struct Entry {
    at: SystemTime,
    path: PathBuf,
    code: &'static str,
    detail: String,
    took: Duration,
}

impl Reasons {
    pub(crate) fn note(&mut self, path: &Path, reason: &Reason, took: Duration) {
        let (code, detail) = (reason.code(), reason.to_string());
        self.entries.push_back(Entry { at: SystemTime::now(), path: path.to_owned(), code, detail, took });
        if self.entries.len() > MAX_KEPT {
            self.entries.pop_front();
        }
    }

    /// Returns these and the completer's entries as `wright/log` has them, oldest first.
    pub(crate) fn to_json(&self, completer: &[LogEntry]) -> Vec<Value> {
        let ours = self.entries.iter().map(|it| (it.at, &it.path, it.code, &it.detail, it.took));
        // What was shown needs no reason.
        let theirs =
            completer.iter().filter(|it| it.code != "shown").map(|it| (it.at, &it.path, it.code, &it.detail, it.took));
        let mut all: Vec<_> = ours.chain(theirs).collect();
        all.sort_by_key(|it| it.0);
        let entries = all.into_iter().map(|(at, path, code, detail, took)| {
            json!({
                "at": DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Millis, true),
                "path": path,
                "language": Language::from_path(path).map(Language::name),
                "reason": code,
                "detail": detail,
                "milliseconds": took.as_millis() as u64,
            })
        });
        entries.collect()
    }
}
