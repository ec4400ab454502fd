//! Two states of the user's repository and what differs: a commit against another, against what is staged, against the
//! checkout, or against itself with a patch or a text that was handed in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::git::Git;
use crate::{
    CommitId, Difference, Existing, FileContent, FileTree, Hook, RepoError, Repository, file_tree, hooks, unified_diff,
};

/// Where notes about commits are kept.
const NOTES_REF: &str = "refs/notes/wright";

/// Two states of a repository.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The commit that is compared with; none where there was no commit yet.
    pub base: Option<CommitId>,
    /// The commit that is compared, where the later state is one.
    pub head: Option<CommitId>,
    /// The earlier state.
    pub before: FileTree,
    /// The later state.
    pub after: FileTree,
    /// What differs.
    pub difference: Difference,
}

/// The commits that a range such as `A..B` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revisions {
    /// The earlier one; none before the first commit.
    pub base: Option<CommitId>,
    /// The later one.
    pub head: CommitId,
}

impl Repository {
    /// Finds the repository that encloses a folder, even if it has no commit yet.
    pub fn discover_new(start: &Path) -> Result<Self, RepoError> {
        Ok(Self { git: Git::discover(start)? })
    }

    /// Returns the commit that is checked out; none before the first one.
    pub fn head_if_any(&self) -> Result<Option<CommitId>, RepoError> {
        self.find_commit("HEAD")
    }

    /// Reads `A..B` (from A to B), `A...B` (from where they parted to B) or the name of one commit (from its parent). A side
    /// that is left out is `HEAD`.
    pub fn revisions(&self, range: &str) -> Result<Revisions, RepoError> {
        let side = |name: &str| self.resolve(if name.is_empty() { "HEAD" } else { name });
        if let Some((from, to)) = range.split_once("...") {
            let head = side(to)?;
            return Ok(Revisions { base: self.merge_base(&side(from)?, &head)?, head });
        }
        if let Some((from, to)) = range.split_once("..") {
            return Ok(Revisions { base: Some(side(from)?), head: side(to)? });
        }
        let head = self.resolve(range)?;
        let base = self.find_commit(&format!("{head}^"))?;
        Ok(Revisions { base, head })
    }

    /// Returns the latest commit that two commits have in common.
    pub fn merge_base(&self, a: &CommitId, b: &CommitId) -> Result<Option<CommitId>, RepoError> {
        let found = self.git.run_optional(["merge-base", a.as_str(), b.as_str()])?;
        found.map(|id| CommitId::parse(String::from_utf8_lossy(&id).trim())).transpose()
    }

    /// Returns the branch that work is meant to end up in, as far as the repository tells.
    pub fn main_branch(&self) -> Result<Option<CommitId>, RepoError> {
        let names = ["origin/HEAD", "origin/main", "origin/master", "refs/heads/main", "refs/heads/master"];
        names.iter().find_map(|name| self.find_commit(name).transpose()).transpose()
    }

    /// Returns the files of a commit; none without one.
    pub fn tree_of(&self, commit: Option<&CommitId>) -> Result<FileTree, RepoError> {
        match commit {
            Some(commit) => FileTree::of_commit(&self.git, commit),
            None => Ok(FileTree::empty(&self.git)),
        }
    }

    /// Returns the id of the tree that a commit holds.
    pub fn tree_id(&self, commit: &CommitId) -> Result<String, RepoError> {
        self.git.run_line(["rev-parse", "--verify", "--end-of-options", &format!("{commit}^{{tree}}")])
    }

    /// Compares two commits.
    pub fn compare_commits(&self, revisions: &Revisions) -> Result<Comparison, RepoError> {
        let (base, head) = (revisions.base.clone(), revisions.head.clone());
        let (before, after) = (self.tree_of(base.as_ref())?, self.tree_of(Some(&head))?);
        Comparison::new(base, Some(head), before, after)
    }

    /// Compares what is staged with a commit.
    pub fn compare_staged(&self, base: Option<CommitId>) -> Result<Comparison, RepoError> {
        let before = self.tree_of(base.as_ref())?;
        Comparison::new(base, None, before, FileTree::of_index(&self.git)?)
    }

    /// Compares the checkout, with files that git does not know and does not ignore, with a commit.
    pub fn compare_checkout(&self, base: Option<CommitId>) -> Result<Comparison, RepoError> {
        let before = self.tree_of(base.as_ref())?;
        let head = self.tree_of(self.head_if_any()?.as_ref())?;
        let after = FileTree::of_checkout(head, self.root(), &self.status()?)?;
        Comparison::new(base, None, before, after)
    }

    /// Compares a commit with itself after a patch, which is applied in memory.
    pub fn compare_patch(&self, base: Option<CommitId>, patch: &str) -> Result<Comparison, RepoError> {
        let before = self.tree_of(base.as_ref())?;
        let texts = patched(&before, patch)?;
        let after = before.clone().with_texts(texts)?;
        Comparison::new(base, None, before, after)
    }

    /// Compares a commit with itself after one file got another text.
    pub fn compare_text(&self, base: Option<CommitId>, path: &Path, text: &str) -> Result<Comparison, RepoError> {
        let before = self.tree_of(base.as_ref())?;
        let max = file_tree::MAX_TEXT_BYTES;
        if text.len() as u64 > max {
            return Err(RepoError::TooLarge { path: path.to_path_buf(), size: text.len() as u64, max });
        }
        let after = before.clone().with_texts([(path.to_path_buf(), Some(text.into()))])?;
        Comparison::new(base, None, before, after)
    }

    /// Attaches a note to a commit, under a name of ours; one that is there is replaced.
    pub fn add_note(&self, commit: &CommitId, text: &str) -> Result<(), RepoError> {
        let mut git = self.git.clone();
        for name in ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"] {
            git = git.with_variable(name, "Codewright");
        }
        for name in ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"] {
            git = git.with_variable(name, "codewright@localhost");
        }
        let reference = format!("--ref={NOTES_REF}");
        let args = ["notes", &reference, "add", "--force", "--file=-", commit.as_str()];
        git.feed(&args, |stdin| {
            stdin.write_all(text.as_bytes()).map_err(RepoError::io("write a note in", self.root()))
        })?;
        Ok(())
    }

    /// Returns the note of ours that a commit has.
    pub fn note(&self, commit: &CommitId) -> Result<Option<String>, RepoError> {
        let reference = format!("--ref={NOTES_REF}");
        let note = self.git.run_optional(["notes", &reference, "show", commit.as_str()])?;
        Ok(note.map(|it| String::from_utf8_lossy(&it).into_owned()))
    }

    /// Puts a hook of ours into the repository and returns where.
    pub fn install_hook(&self, hook: Hook, commands: &str, existing: Existing) -> Result<PathBuf, RepoError> {
        hooks::install(&self.git, hook, commands, existing)
    }

    /// Takes a hook of ours out of the repository and returns where it was.
    pub fn uninstall_hook(&self, hook: Hook) -> Result<Option<PathBuf>, RepoError> {
        hooks::uninstall(&self.git, hook)
    }
}

impl Comparison {
    fn new(
        base: Option<CommitId>,
        head: Option<CommitId>,
        before: FileTree,
        after: FileTree,
    ) -> Result<Self, RepoError> {
        let difference = before.difference(&after)?;
        Ok(Self { base, head, before, after, difference })
    }
}

/// Returns the texts of the files that a patch touches, after it.
fn patched(before: &FileTree, patch: &str) -> Result<BTreeMap<PathBuf, Option<Arc<str>>>, RepoError> {
    let mut texts: BTreeMap<PathBuf, Option<Arc<str>>> = BTreeMap::new();
    for file in unified_diff::parse(patch)? {
        let old = match &file.old {
            Some(old) => match texts.get(old) {
                Some(text) => text.clone(),
                None => match before.read(old)? {
                    FileContent::Text(text) => Some(text),
                    FileContent::Absent => None,
                    FileContent::Binary { .. } | FileContent::Link(_) | FileContent::Submodule(_) => {
                        return Err(RepoError::NotAFile { path: old.clone(), found: "no text" });
                    }
                },
            },
            None => None,
        };
        let is_missing = file.old.is_some() && old.is_none();
        let is_taken = file.old.is_none()
            && file.new.as_ref().is_some_and(|new| texts.get(new).map_or_else(|| before.has(new), Option::is_some));
        if is_missing || is_taken {
            return Err(file.conflict(file.line()));
        }
        let after: Arc<str> = file.apply(old.as_deref().unwrap_or_default())?.into();
        if let Some(old) = file.old.clone().filter(|it| file.new.as_ref() != Some(it) && !file.is_copy) {
            texts.insert(old, None);
        }
        if let Some(new) = file.new {
            texts.insert(new, Some(after));
        }
    }
    Ok(texts)
}
