//! A hole in a text that a client wants filled, whatever protocol it came by.

use std::path::PathBuf;

use wright_provider::{FimOrder, Prompt};

use crate::language;
use crate::snippets::Snippet;

/// Text before and after a hole, and code from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hole {
    /// The file, when the client says it.
    pub(crate) path: Option<PathBuf>,
    /// Text before the hole.
    pub(crate) prefix: String,
    /// Text after the hole.
    pub(crate) suffix: String,
    /// Code from elsewhere, the most related last.
    pub(crate) snippets: Vec<Snippet>,
}

impl Hole {
    /// Returns the file's path, or one that has the ending of the language that the text looks like.
    pub(crate) fn path_or_guess(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| language::guess_path(&self.prefix, &self.suffix))
    }

    /// Returns the prompt of the whole text. The suffix comes first, so that the next keystroke costs the new tokens only.
    pub(crate) fn to_prompt(&self) -> Prompt {
        Prompt::FillInTheMiddle {
            prefix: self.prefix.clone(),
            suffix: self.suffix.clone(),
            order: FimOrder::SuffixFirst,
        }
    }
}
