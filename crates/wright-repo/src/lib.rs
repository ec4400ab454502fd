//! A repository as facts: what is committed, what is changed, what a copy of it contains, how it is tested.
//!
//! [`Repository`] is the user's own checkout. Nothing here writes to it except [`Repository::apply`] and
//! [`Repository::undo`], which touch a file only while it still has exactly the bytes the patch was made from.
//!
//! [`Worktree`] is a plain copy of one commit for someone else to work in. It holds no `.git` of ours, because whoever
//! writes to a git folder decides what the next git command executes. It is read back without following any link, and
//! git is never run inside it.
//!
//! [`History`] records the states of such a copy as commits, in a bare repository of ours that lies outside it.
//!
//! [`FileTree`] is one state of the files, read from git's objects or beneath the checkout; [`Comparison`] is two of them.
//!
//! [`protected`] lists the files that decide what runs elsewhere, a change to which needs a person's approval by name.
//!
//! [`project`] says how a project is tested, and what a path says about a file.
//!
//! This crate is the only one that knows git. It reports facts and never decides. Every call blocks; a caller with an
//! event loop runs it on a thread of its own.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]
#![expect(clippy::disallowed_methods, reason = "the git program is started here and nowhere else")]

mod history;
mod repository;
mod worktree;

pub mod project;
pub mod protected;

mod apply;
mod beneath;
mod blobs;
mod commit;
mod comparison;
mod copy;
mod dependencies;
mod difference;
mod error;
mod export;
mod file_tree;
mod git;
mod hooks;
mod neighbors;
mod path_rules;
mod renames;
mod status;
mod unified_diff;
mod walk;

pub use apply::Applied;
pub use beneath::read_regular;
pub use commit::{CommitId, FileMode, TrackedFile};
pub use comparison::{Comparison, Revisions};
pub use difference::{Difference, FileDifference, MAX_CHANGE_BYTES};
pub use error::RepoError;
pub use export::{SkipReason, Skipped};
pub use file_tree::{FileContent, FileTree, MAX_TEXT_BYTES};
pub use history::{History, MAX_SNAPSHOT_FILE_BYTES, Snapshot};
pub use hooks::{Existing, HOOK_MARK, Hook};
pub use neighbors::Neighbors;
pub use repository::Repository;
pub use status::{Operation, Status};
pub use worktree::{Changes, MAX_FILE_BYTES, Omission, Omitted, Worktree};
