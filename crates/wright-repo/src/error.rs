//! Everything that can go wrong with a repository, one variant per thing a caller could do differently.
//!
//! Paths are printed with `{:?}`: a file name may hold a newline or an escape sequence, and a message must not.

use std::path::{Path, PathBuf};

/// Says why something could not be done with a repository or a worktree.
#[derive(Debug, thiserror::Error)]
pub enum RepoError {
    /// No repository encloses the folder.
    #[error("find a git repository at {path:?} or above it")]
    NotARepository {
        /// The folder the search started from.
        path: PathBuf,
    },
    /// The `git` program is not installed.
    #[error("start `git`: there is no such program")]
    GitMissing,
    /// The `git` program is older than this crate can use.
    #[error("use git {found}: version {needed} or later is needed")]
    GitTooOld {
        /// The version that is installed, in git's words.
        found: String,
        /// The oldest version that works.
        needed: &'static str,
    },
    /// The repository has no commit yet.
    #[error("find a commit in {path:?}: the repository has none yet")]
    NoCommits {
        /// The root of the repository.
        path: PathBuf,
    },
    /// The repository has no checkout.
    #[error("use {path:?}: it is a bare repository, without files to work on")]
    BareRepository {
        /// The folder the search started from.
        path: PathBuf,
    },
    /// The repository belongs to another user, and git refuses it for that.
    #[error("trust {path:?}: it is owned by another user")]
    UntrustedOwner {
        /// The folder the search started from.
        path: PathBuf,
    },
    /// Git refused a command.
    #[error("run `git {command}`: {message}")]
    Git {
        /// The command, without its options.
        command: String,
        /// What git said.
        message: String,
    },
    /// A name does not lead to a commit.
    #[error("find the commit {name:?}")]
    UnknownRevision {
        /// The name as the user gave it.
        name: String,
    },
    /// The commit has no file there.
    #[error("find {path:?} in commit {commit}")]
    NotInCommit {
        /// The path that was asked for.
        path: PathBuf,
        /// The commit that was looked at.
        commit: String,
    },
    /// There is no such file.
    #[error("find the file {path:?}")]
    NotFound {
        /// The path that was asked for.
        path: PathBuf,
    },
    /// The path is one that must not be touched.
    #[error("use the path {path:?}: {reason}")]
    UnsafePath {
        /// The path that was refused.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is something at the path, but not a regular file.
    #[error("use {path:?} as a file: it is {found}")]
    NotAFile {
        /// The path that was refused.
        path: PathBuf,
        /// What is there instead, with its article.
        found: &'static str,
    },
    /// The file is larger than the cap.
    #[error("read {path:?}: it has {size} bytes, more than the limit of {max}")]
    TooLarge {
        /// The file that was refused.
        path: PathBuf,
        /// Its size in bytes.
        size: u64,
        /// The cap in bytes.
        max: u64,
    },
    /// The file is not text in UTF-8.
    #[error("read {path:?} as text: it is not valid UTF-8")]
    NotUtf8 {
        /// The file that was refused.
        path: PathBuf,
    },
    /// The file in the checkout is not the one the patch was made from.
    #[error("apply the change to {path:?}: the file is no longer the one the change was made from")]
    Conflict {
        /// The file that differs. Nothing was written to it or to any other file.
        path: PathBuf,
    },
    /// A patch is not in a format that can be read.
    #[error("read the patch at line {line}: {reason}")]
    MalformedPatch {
        /// The line of the patch, counted from 1.
        line: usize,
        /// What is wrong there.
        reason: &'static str,
    },
    /// A patch was made from other files than these.
    #[error("apply the patch to {path:?}: its lines from line {line} on are not there")]
    PatchConflict {
        /// The file that differs.
        path: PathBuf,
        /// The line of the patch, counted from 1.
        line: usize,
    },
    /// A hook of someone else's has the name.
    #[error("change the hook {path:?}: it is not one of ours")]
    HookExists {
        /// The hook.
        path: PathBuf,
    },
    /// There is not enough room.
    #[error("write {needed} bytes: only {free} bytes are free on that disk")]
    DiskFull {
        /// How many bytes were to be written.
        needed: u64,
        /// How many bytes are free.
        free: u64,
    },
    /// The destination of a copy already holds something.
    #[error("copy into {path:?}: it is not an empty folder")]
    DestinationNotEmpty {
        /// The folder that was refused.
        path: PathBuf,
    },
    /// A change failed half way, and so did taking it back.
    #[error("take back the change to {path:?} after `{cause}`; its former content is in {backup:?}")]
    RollbackFailed {
        /// The file that could not be restored.
        path: PathBuf,
        /// Where its former content is kept.
        backup: PathBuf,
        /// Why the change was taken back in the first place.
        cause: String,
    },
    /// The operating system refused something.
    #[error("{action} {path:?}: {source}")]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// What it was attempted on.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

impl RepoError {
    /// Returns what to try next, as a full sentence, where there is something to try.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotARepository { .. } => {
                Some("Change to the folder of your project, or run `git init` there and commit its files first.")
            }
            Self::GitMissing => Some("Install git 2.39 or later and make sure that it is in your PATH."),
            Self::GitTooOld { .. } => Some("Install git 2.39 or later."),
            Self::NoCommits { .. } => {
                Some("Commit your files first: `git add -A` and then `git commit -m \"first commit\"`.")
            }
            Self::BareRepository { .. } => Some("Clone the repository and work in the clone."),
            Self::UntrustedOwner { .. } => {
                Some("If you trust the files, run `git config --global --add safe.directory <folder>`.")
            }
            Self::UnknownRevision { .. } => Some("List the names that exist with `git branch -a` and `git tag`."),
            Self::TooLarge { .. } => Some("Leave files of this size to other tools."),
            Self::NotUtf8 { .. } => Some("Convert the file to UTF-8, or leave it out of the task."),
            Self::Conflict { .. } => {
                Some("Commit, stash or undo your own change to the file, then apply again; nothing was written.")
            }
            Self::MalformedPatch { .. } => Some("Give the output of `git diff` or `diff -u`."),
            Self::PatchConflict { .. } => {
                Some("Make the patch again from the present commit, or name its base with `--baseline`.")
            }
            Self::HookExists { .. } => Some("Add the command to that hook by hand, or replace it with `--force`."),
            Self::DiskFull { .. } => Some("Free some space on that disk and try again."),
            Self::DestinationNotEmpty { .. } => Some("Give a folder that does not exist yet."),
            Self::RollbackFailed { .. } => Some("Move the kept copy back over the file by hand."),
            Self::Git { .. }
            | Self::NotInCommit { .. }
            | Self::NotFound { .. }
            | Self::UnsafePath { .. }
            | Self::NotAFile { .. }
            | Self::Io { .. } => None,
        }
    }

    /// Returns a function for `map_err` that wraps an error of the operating system.
    pub(crate) fn io<E: Into<std::io::Error>>(action: &'static str, path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source: source.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_shows_a_hostile_name_without_its_escapes() {
        let error = RepoError::NotUtf8 { path: PathBuf::from("a\n\u{1b}[31mb") };

        assert_eq!(error.to_string(), r#"read "a\n\u{1b}[31mb" as text: it is not valid UTF-8"#);
    }

    #[test]
    fn a_hint_is_a_full_sentence() {
        let hint = RepoError::GitMissing.hint().unwrap();

        assert!(hint.ends_with('.') && hint.starts_with(char::is_uppercase), "{hint}");
    }
}
