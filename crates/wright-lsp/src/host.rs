//! What the server is given: models, and the little it needs to know of the world.

use std::path::PathBuf;
use std::sync::Arc;

use wright_complete::{Completer, Settings};

/// What opens models for a server.
pub trait Host: Send + Sync {
    /// Opens a model as `PROVIDER:NAME`, or the one that is configured. Connects to nothing, so that it takes no time.
    fn open(&self, model: Option<&str>, folders: &[PathBuf]) -> Result<Workbench, OpenFailure>;
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
