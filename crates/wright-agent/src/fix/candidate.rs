//! A candidate: one file with one change, where it came from, and the cheap reasons not to test it.

use std::path::PathBuf;

use wright_gate::{Finding, checks};
use wright_text::{FileChange, Language, Patch, normalized};

/// One way to change one file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Candidate {
    /// Where it comes from.
    pub(crate) source: Source,
    /// The file.
    pub(crate) path: PathBuf,
    /// The whole file after the change.
    pub(crate) text: String,
    /// What it changes, for a person.
    pub(crate) what: String,
}

/// Where a candidate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// A small syntax edit, ranked by the model.
    SyntaxEdit,
    /// A hole that the model filled.
    Cloze,
    /// A function that the model wrote anew.
    Rewrite,
}

impl Source {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SyntaxEdit => "syntax edit",
            Self::Cloze => "cloze",
            Self::Rewrite => "rewrite",
        }
    }
}

impl Candidate {
    /// Returns the candidate as a patch of a tree whose file reads `before`.
    pub(crate) fn patch(&self, before: &str) -> Patch {
        let change = FileChange { before: Some(before.to_owned()), after: Some(self.text.clone()) };
        Patch { files: [(self.path.clone(), change)].into() }
    }

    /// Returns why the candidate is not worth a test run; nothing when it is.
    ///
    /// `key` is the candidate's [`Candidate::key`], which costs a parse of the file.
    pub(crate) fn objections(&self, key: &str, before: &str) -> Vec<Finding> {
        if self.text == before || key == normalized_key(&self.path, before) {
            return vec![Finding::error("changes", "changes nothing").at(&self.path, None)];
        }
        checks::run_static(&self.patch(before))
    }

    /// Returns what two candidates share when they differ in layout and comments only.
    pub(crate) fn key(&self) -> String {
        normalized_key(&self.path, &self.text)
    }
}

fn normalized_key(path: &std::path::Path, text: &str) -> String {
    let normal = Language::from_path(path).map_or_else(|| text.to_owned(), |language| normalized(language, text));
    format!("{}\n{normal}", path.display())
}
