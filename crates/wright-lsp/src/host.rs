//! What the server is given: models, the log of suggestions, and the little it needs to know of the world.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wright_agent::assistant::Assistant;
use wright_complete::{Completer, Settings};
use wright_store::SuggestionLog;

/// The outside, as a server sees it.
pub trait Host: Send + Sync {
    /// Opens a model as `PROVIDER:NAME`, or the one that is configured. Connects to nothing, so that it takes no time.
    fn open(&self, model: Option<&str>, folders: &[PathBuf]) -> Result<Workbench, OpenFailure>;

    /// Returns where what becomes of suggestions is recorded.
    fn suggestion_log(&self) -> SuggestionLog;

    /// Returns the newest commit of the repository that holds a folder. May take a while.
    fn head(&self, folder: &Path) -> Option<String>;

    /// Returns whether there is a file.
    fn exists(&self, path: &Path) -> bool;

    /// Keeps Markdown in a file, so that an editor can show it.
    fn keep_page(&self, markdown: &str) -> Option<PathBuf>;
}

/// A model, ready to be used.
#[derive(Clone)]
pub struct Workbench {
    /// Makes suggestions.
    pub completer: Arc<Completer>,
    /// The settings that the completer has before the editor's are added.
    pub settings: Settings,
    /// The model's name, to be shown.
    pub model: String,
    /// Does what someone asks for by a code action, or the reason why nothing does.
    pub assistant: Result<Assistant, OpenFailure>,
}

/// Why a model cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct OpenFailure {
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// What to try next, as a sentence.
    pub hint: Option<String>,
}

impl OpenFailure {
    /// Returns the message with the hint.
    pub fn in_full(&self) -> String {
        let hint = self.hint.as_ref().map_or_else(String::new, |it| format!(". {it}"));
        format!("{}{hint}", self.message)
    }
}
