//! What differs between the user's checkout and its last commit, and what git operation is under way.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::RepoError;
use crate::git::{self, Git, malformed};

/// How a checkout differs from its last commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// Tracked files that are modified, staged, deleted or in conflict.
    pub changed: Vec<PathBuf>,
    /// Files that git does not know and does not ignore.
    pub untracked: Vec<PathBuf>,
    /// Those of `changed` that a merge left in conflict.
    pub conflicted: Vec<PathBuf>,
    /// The operation that waits to be finished, if one does.
    pub operation: Option<Operation>,
}

impl Status {
    /// Says whether the checkout is exactly its last commit, with nothing under way.
    pub fn is_clean(&self) -> bool {
        *self == Self::default()
    }
}

/// A git operation that was begun and not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `git merge`
    Merge,
    /// `git rebase`
    Rebase,
    /// `git cherry-pick`
    CherryPick,
    /// `git revert`
    Revert,
    /// `git am`
    ApplyMailbox,
    /// `git bisect`
    Bisect,
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Merge => "merge",
            Self::Rebase => "rebase",
            Self::CherryPick => "cherry-pick",
            Self::Revert => "revert",
            Self::ApplyMailbox => "am",
            Self::Bisect => "bisect",
        })
    }
}

pub(crate) fn read(git: &Git) -> Result<Status, RepoError> {
    let options =
        ["status", "--porcelain=v2", "-z", "--untracked-files=all", "--ignore-submodules=all", "--no-renames"];
    let mut status = parse(&git.run(options)?)?;
    status.operation = operation(&git.git_dir);
    Ok(status)
}

fn parse(output: &[u8]) -> Result<Status, RepoError> {
    let mut status = Status::default();
    let mut entries = git::records(output);
    while let Some(entry) = entries.next() {
        // The number of fields before the path depends on the kind of entry.
        let path = |n_fields: usize| {
            let path = entry.splitn(n_fields + 1, |&byte| byte == b' ').nth(n_fields);
            path.map(git::path_from).ok_or_else(|| malformed("status", "an entry"))
        };
        match entry[0] {
            b'1' => status.changed.push(path(8)?),
            b'2' => {
                status.changed.push(path(9)?);
                entries.next();
            }
            b'u' => {
                let path = path(10)?;
                status.conflicted.push(path.clone());
                status.changed.push(path);
            }
            b'?' => status.untracked.push(path(1)?),
            b'#' | b'!' => {}
            _ => return Err(malformed("status", "an unknown kind of entry")),
        }
    }
    Ok(status)
}

fn operation(git_dir: &Path) -> Option<Operation> {
    let exists = |name: &str| git_dir.join(name).exists();
    // A rebase stops on cherry-picks of its own, so it is asked for first.
    let known = [
        ("rebase-merge", Operation::Rebase),
        ("rebase-apply/applying", Operation::ApplyMailbox),
        ("rebase-apply", Operation::Rebase),
        ("MERGE_HEAD", Operation::Merge),
        ("CHERRY_PICK_HEAD", Operation::CherryPick),
        ("REVERT_HEAD", Operation::Revert),
        ("BISECT_LOG", Operation::Bisect),
    ];
    known.into_iter().find(|(name, _)| exists(name)).map(|(_, operation)| operation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_every_kind_are_read() {
        let output = b"1 .M N... 100644 100644 100644 aa aa with space\0\
            2 R. N... 100644 100644 100644 aa aa R100 new\0old\0\
            u UU N... 100644 100644 100644 100644 aa bb cc both\0\
            ? new\nline\0";

        let status = parse(output).unwrap();

        assert_eq!(status.changed, [PathBuf::from("with space"), "new".into(), "both".into()]);
        assert_eq!(status.conflicted, [PathBuf::from("both")]);
        assert_eq!(status.untracked, [PathBuf::from("new\nline")]);
        assert!(!status.is_clean());
    }

    #[test]
    fn a_rebase_that_stopped_on_a_pick_is_a_rebase() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rebase-merge")).unwrap();
        std::fs::write(folder.path().join("CHERRY_PICK_HEAD"), "").unwrap();

        assert_eq!(operation(folder.path()), Some(Operation::Rebase));
    }
}
