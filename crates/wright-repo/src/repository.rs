//! The user's checkout.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use wright_text::Patch;

use crate::apply::{self, Applied};
use crate::commit::{self, CommitId, TrackedFile};
use crate::git::{self, Git};
use crate::history::History;
use crate::status::{self, Status};
use crate::worktree::Worktree;
use crate::{RepoError, dependencies, export, path_rules};

/// A git repository with a checkout and at least one commit.
///
/// Facts are read when they are asked for, not when the repository was found: the user goes on working.
#[derive(Debug, Clone)]
pub struct Repository {
    pub(crate) git: Git,
}

impl Repository {
    /// Finds the repository that encloses a folder.
    pub fn discover(start: &Path) -> Result<Self, RepoError> {
        let repo = Self { git: Git::discover(start)? };
        repo.head()?;
        Ok(repo)
    }

    /// Returns the folder that holds the checkout.
    pub fn root(&self) -> &Path {
        &self.git.root
    }

    /// Returns the commit that is checked out.
    pub fn head(&self) -> Result<CommitId, RepoError> {
        self.find_commit("HEAD")?.ok_or_else(|| RepoError::NoCommits { path: self.root().to_path_buf() })
    }

    /// Returns the branch that is checked out, or nothing when the head is detached.
    pub fn branch(&self) -> Result<Option<String>, RepoError> {
        let name = self.git.run_optional(["symbolic-ref", "--quiet", "--short", "HEAD"])?;
        Ok(name.map(|name| String::from_utf8_lossy(&name).trim_end_matches('\n').to_owned()))
    }

    /// Returns the commit that a name, such as a branch, a tag or `HEAD~2`, leads to.
    pub fn resolve(&self, name: &str) -> Result<CommitId, RepoError> {
        self.find_commit(name)?.ok_or_else(|| RepoError::UnknownRevision { name: name.to_owned() })
    }

    /// Returns how the checkout differs from its last commit.
    ///
    /// No program that the repository names is run for this: a file that a filter would clean counts as changed once its
    /// modification time has changed.
    pub fn status(&self) -> Result<Status, RepoError> {
        status::read(&self.git)
    }

    /// Lists the files of a commit, in git's order.
    pub fn tracked_files(&self, commit: &CommitId) -> Result<Vec<TrackedFile>, RepoError> {
        tracked_files(&self.git, commit)
    }

    /// Returns the content of a file of a commit, as it is stored; for a symbolic link, where it leads.
    pub fn read_file(&self, commit: &CommitId, path: &Path) -> Result<Vec<u8>, RepoError> {
        path_rules::check(path)?;
        let mut request = OsString::from(format!("{commit}:"));
        request.push(path);
        request.push("\0");
        let mut output = self.git.run_with_input(&["cat-file", "--batch", "-z"], request.as_encoded_bytes())?;
        let content = output.iter().position(|&byte| byte == b'\n').and_then(|line_end| {
            let size = usize::try_from(git::blob_size(&output[..=line_end])?).ok()?;
            (output.len() > line_end + size).then_some(line_end + 1..line_end + 1 + size)
        });
        let Some(content) = content else {
            return Err(RepoError::NotInCommit { path: path.to_path_buf(), commit: commit.to_string() });
        };
        output.truncate(content.end);
        output.drain(..content.start);
        Ok(output)
    }

    /// Copies a commit into a folder that does not exist yet, or is empty.
    ///
    /// Files are written as they are stored, without filters. What cannot be written safely is left out and listed in
    /// [`Worktree::skipped`]. On an error nothing stays behind.
    pub fn export(&self, commit: &CommitId, dest: &Path) -> Result<Worktree, RepoError> {
        export::export(&self.git, commit, dest)
    }

    /// Opens a folder that an earlier [`Repository::export`] of the same commit made.
    ///
    /// The content of the commit is read again to know what has changed since.
    pub fn open_worktree(&self, commit: &CommitId, root: &Path) -> Result<Worktree, RepoError> {
        export::reopen(&self.git, commit, root)
    }

    /// Makes the bare repository that records what happens in copies of a commit, in a folder that does not exist yet.
    ///
    /// It borrows this repository's objects and never writes to it.
    pub fn create_history(&self, base: &CommitId, folder: &Path) -> Result<History, RepoError> {
        History::create(&self.git, folder, base)
    }

    /// Opens what an earlier [`Repository::create_history`] of the same commit made.
    pub fn open_history(&self, base: &CommitId, folder: &Path) -> Result<History, RepoError> {
        History::open(folder, base)
    }

    /// Lists the dependency folders of the checkout that are not in the repository but that its tests need.
    ///
    /// The paths are absolute. They are meant to be shown read-only to commands that run in a worktree, at the same place
    /// relative to its root.
    pub fn ignored_dependencies(&self) -> Result<Vec<PathBuf>, RepoError> {
        dependencies::find(&self.git, &self.tracked_files(&self.head()?)?)
    }

    /// Applies a patch to the checkout, wholly or not at all.
    ///
    /// Every file that the patch touches must still have exactly the bytes the patch was made from. Nothing else is
    /// compared: whether the rest of the checkout is still at `base` can be told from [`Applied::head`] and
    /// [`Repository::status`]. Git's index is not touched.
    pub fn apply(&self, patch: &Patch, base: &CommitId) -> Result<Applied, RepoError> {
        let base = self.resolve(base.as_str())?;
        let head = self.head()?;
        let (reverse, modes) = apply::replace(self.root(), patch, &Default::default())?;
        Ok(Applied { reverse, modes, base, head })
    }

    /// Takes back a patch that was applied, wholly or not at all.
    ///
    /// It is refused with [`RepoError::Conflict`] when one of the files has been edited since.
    pub fn undo(&self, applied: &Applied) -> Result<(), RepoError> {
        apply::replace(self.root(), &applied.reverse, &applied.modes).map(|_| ())
    }

    pub(crate) fn find_commit(&self, name: &str) -> Result<Option<CommitId>, RepoError> {
        let wanted = format!("{name}^{{commit}}");
        if wanted.contains('\0') {
            return Ok(None);
        }
        let found = self.git.run_optional(["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        found.map(|id| CommitId::parse(String::from_utf8_lossy(&id).trim())).transpose()
    }
}

pub(crate) fn tracked_files(git: &Git, commit: &CommitId) -> Result<Vec<TrackedFile>, RepoError> {
    commit::parse_tree(&git.run(["ls-tree", "-r", "-l", "-z", "--full-tree", commit.as_str()])?)
}
