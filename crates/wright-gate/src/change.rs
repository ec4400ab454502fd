//! A change as the checks see it: every touched file before and after, and a way to read the rest of the repository.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use wright_text::Patch;

/// Everything that a change touches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSet {
    /// The files, by path.
    pub files: Vec<FileDelta>,
}

/// One file before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDelta {
    /// Its path after the change; before it, where the change deletes it.
    pub path: PathBuf,
    /// Its path before the change, where the change moves it.
    pub moved_from: Option<PathBuf>,
    /// What it was; [`Content::Absent`] for a new file.
    pub before: Content,
    /// What it becomes; [`Content::Absent`] for a deleted file.
    pub after: Content,
}

/// What one side of a change has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Nothing.
    Absent,
    /// Text.
    Text(Arc<str>),
    /// Something that is no text, or too long to be read as text; its size in bytes.
    Binary(u64),
    /// A symbolic link, and where it points.
    Link(String),
}

impl Content {
    /// Returns the text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

impl FileDelta {
    /// Returns the path it had before the change.
    pub fn path_before(&self) -> &Path {
        self.moved_from.as_deref().unwrap_or(&self.path)
    }

    /// Returns its text before the change; empty where it had none.
    pub fn text_before(&self) -> &str {
        self.before.text().unwrap_or_default()
    }

    /// Returns its text after the change; empty where it has none.
    pub fn text_after(&self) -> &str {
        self.after.text().unwrap_or_default()
    }
}

impl From<&Patch> for ChangeSet {
    fn from(patch: &Patch) -> Self {
        let content = |text: &Option<String>| text.as_deref().map_or(Content::Absent, |it| Content::Text(it.into()));
        let files = patch.files.iter().map(|(path, change)| FileDelta {
            path: path.clone(),
            moved_from: None,
            before: content(&change.before),
            after: content(&change.after),
        });
        Self { files: files.collect() }
    }
}

/// One state of a repository, read-only: the base commit, or the changed tree.
///
/// What it returns comes from whoever wrote the repository. Nothing behind it follows a link or runs anything.
pub trait Tree: Send + Sync {
    /// Returns the paths of all files that are no build output and not ignored, relative to the repository, sorted.
    fn paths(&self) -> &[PathBuf];

    /// Returns the text at a path; `None` where there is none, or it is no text, or it is longer than the checks read.
    fn read(&self, path: &Path) -> Option<Arc<str>>;
}

/// A tree as a list in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryTree {
    files: std::collections::BTreeMap<PathBuf, Arc<str>>,
    paths: Vec<PathBuf>,
}

impl<P: Into<PathBuf>, T: Into<Arc<str>>> FromIterator<(P, T)> for MemoryTree {
    fn from_iter<I: IntoIterator<Item = (P, T)>>(files: I) -> Self {
        let files: std::collections::BTreeMap<PathBuf, Arc<str>> =
            files.into_iter().map(|(path, text)| (path.into(), text.into())).collect();
        let paths = files.keys().cloned().collect();
        Self { files, paths }
    }
}

impl Tree for MemoryTree {
    fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn read(&self, path: &Path) -> Option<Arc<str>> {
        self.files.get(path).cloned()
    }
}
