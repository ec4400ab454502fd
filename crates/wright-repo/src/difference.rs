//! What differs between two states of a repository, with files that were moved told from files that came and went.

use std::path::PathBuf;

use crate::commit::FileMode;
use crate::file_tree::{Entry, FileContent, FileTree, Place};
use crate::{RepoError, renames};

/// Both sides of a change are kept in memory, so together they may not be larger than this.
pub const MAX_CHANGE_BYTES: u64 = 256 * 1024 * 1024;

/// Everything that differs between two states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// The files, by path.
    pub files: Vec<FileDifference>,
    /// What may differ and could not be looked at, and why.
    pub omitted: Vec<(PathBuf, &'static str)>,
}

/// One file in both states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDifference {
    /// Its path in the later state; in the earlier one, where it is gone.
    pub path: PathBuf,
    /// Its path in the earlier state, where it was moved.
    pub moved_from: Option<PathBuf>,
    /// What it was.
    pub before: FileContent,
    /// What it is.
    pub after: FileContent,
    /// What kind of file it was.
    pub mode_before: Option<FileMode>,
    /// What kind of file it is.
    pub mode_after: Option<FileMode>,
}

impl FileTree {
    /// Returns what differs in a later state of the same repository.
    pub fn difference(&self, after: &FileTree) -> Result<Difference, RepoError> {
        let mut difference = Difference::default();
        let mut n_bytes = 0;
        for path in changed_paths(self, after) {
            let (before_content, after_content) = (self.read(&path)?, after.read(&path)?);
            let (mode_before, mode_after) = (mode(self.entries.get(&path)), mode(after.entries.get(&path)));
            if before_content == after_content && mode_before == mode_after {
                continue;
            }
            n_bytes += size(&before_content) + size(&after_content);
            if n_bytes > MAX_CHANGE_BYTES {
                difference.omitted.push((path, "the change as a whole is too large"));
                continue;
            }
            difference.files.push(FileDifference {
                path,
                moved_from: None,
                before: before_content,
                after: after_content,
                mode_before,
                mode_after,
            });
        }
        difference.omitted.extend(after.omitted().iter().filter(|it| !self.omitted().contains(it)).cloned());
        renames::join(&mut difference.files);
        Ok(difference)
    }
}

fn changed_paths(before: &FileTree, after: &FileTree) -> Vec<PathBuf> {
    let is_same = |a: &Entry, b: &Entry| a == b && a.place != Place::Disk;
    let gone_or_changed = before.entries.iter().filter(|(path, entry)| {
        let later = after.entries.get(*path);
        later.is_none_or(|later| !is_same(entry, later))
    });
    let added = after.entries.keys().filter(|path| !before.entries.contains_key(*path));
    let mut paths: Vec<PathBuf> = gone_or_changed.map(|(path, _)| path).chain(added).cloned().collect();
    paths.sort_unstable();
    paths
}

fn mode(entry: Option<&Entry>) -> Option<FileMode> {
    entry.map(|it| it.mode)
}

fn size(content: &FileContent) -> u64 {
    content.text().map_or(0, |it| it.len() as u64)
}

impl FileContent {
    /// Returns the text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Binary { .. } | Self::Link(_) | Self::Submodule(_) => None,
        }
    }
}
