//! Writes a commit into a plain folder, from git's objects, without a checkout.
//!
//! No filter and no hook runs, and no path is taken on trust: a commit made by hand can hold `../x`, `.GIT/config` or a
//! link that leads out. What cannot be written safely is left out and listed. Links are made last, so that nothing can
//! be written through one.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use rustix::fs::Mode;
use sha2::{Digest, Sha256};

use crate::beneath::{self, Beneath, free_bytes, write_error};
use crate::commit::{CommitId, FileMode, TrackedFile};
use crate::git::{Git, malformed};
use crate::worktree::{Committed, CommittedFile, Worktree};
use crate::{RepoError, path_rules, repository};

/// A link that leads further than this many bytes cannot be made on any system we know.
const MAX_LINK_BYTES: u64 = 4095;

/// Ignore rules are kept in memory, so a file of them may not be larger than this.
const MAX_IGNORE_FILE_BYTES: u64 = 1024 * 1024;

/// Disks hand out space in blocks of at least this size.
const BLOCK_BYTES: u64 = 4096;

/// Something that was left out of a worktree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The path from the root of the worktree.
    pub path: PathBuf,
    /// Why it was left out.
    pub reason: SkipReason,
}

/// Why something was left out of a worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SkipReason {
    /// A symbolic link that leads out of the tree, or that might.
    LinkLeavesTree,
    /// A commit of another repository.
    Submodule,
    /// A path that leads out of the tree or into a git folder.
    UnsafePath,
    /// A path that another file of the same commit occupies.
    Clash,
    /// A name that this file system does not accept.
    UnusableName,
    /// A named pipe, a socket or a device.
    SpecialFile,
    /// A folder nested too deeply to be copied.
    TooDeep,
    /// A file larger than a worktree may hold.
    TooLarge,
    /// A file with a second name, which may be outside the tree.
    SharedFile,
    /// The git folder of a repository inside the tree. Its files are taken as plain files.
    NestedRepository,
    /// A name that git itself would not store.
    RefusedByGit,
}

impl SkipReason {
    /// Returns the reason as a phrase for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LinkLeavesTree => "a link that leads out of the tree",
            Self::Submodule => "a submodule",
            Self::UnsafePath => "a path that leads out of the tree or into a git folder",
            Self::Clash => "its place is taken by another file of the commit",
            Self::UnusableName => "a name that the file system does not accept",
            Self::SpecialFile => "a pipe, a socket or a device",
            Self::TooDeep => "nested too deeply",
            Self::TooLarge => "too large",
            Self::SharedFile => beneath::SHARED,
            Self::NestedRepository => "the git folder of a repository inside the tree",
            Self::RefusedByGit => "a name that git does not store",
        }
    }
}

/// Copies a commit into a folder.
pub(crate) fn export(git: &Git, commit: &CommitId, dest: &Path) -> Result<Worktree, RepoError> {
    let plan = Plan::new(repository::tracked_files(git, commit)?);
    let fresh = FreshFolder::create(dest)?;
    let tree = fresh.open()?;
    check_space(plan.needed_bytes(), free_bytes(tree.dir()))?;
    let mut writer = Writer { tree, folder: None };
    let worktree = read_content(git, commit, dest, plan, &mut |file, content| writer.write(file, content))?;
    fresh.keep();
    Ok(worktree)
}

/// Opens a folder that was exported before.
pub(crate) fn reopen(git: &Git, commit: &CommitId, root: &Path) -> Result<Worktree, RepoError> {
    let plan = Plan::new(repository::tracked_files(git, commit)?);
    read_content(git, commit, root, plan, &mut |file, content| match content {
        Content::File(reader) => Ok(Some(copy_hashed(reader, &mut std::io::sink()).map_err(read_failed(&file.path))?)),
        Content::Link(_) => Ok(Some([0; 32])),
    })
}

/// A folder that is removed again unless it is kept.
pub(crate) struct FreshFolder<'a> {
    path: &'a Path,
    existed: bool,
    is_kept: bool,
}

impl<'a> FreshFolder<'a> {
    /// Creates the folder; one that exists must be empty, no link, and ours.
    pub(crate) fn create(path: &'a Path) -> Result<Self, RepoError> {
        let Ok(found) = path.symlink_metadata() else {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(RepoError::io("create the folder", parent))?;
            }
            // Not `create_dir_all`: a name that someone has taken since must be an error.
            std::fs::create_dir(path).map_err(RepoError::io("create the folder", path))?;
            return Ok(Self { path, existed: false, is_kept: false });
        };
        if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() {
            let reason = "it is a link, or belongs to someone else";
            return Err(RepoError::UnsafePath { path: path.to_path_buf(), reason });
        }
        let is_empty = std::fs::read_dir(path).is_ok_and(|mut names| names.next().is_none());
        if !is_empty {
            return Err(RepoError::DestinationNotEmpty { path: path.to_path_buf() });
        }
        Ok(Self { path, existed: true, is_kept: false })
    }

    pub(crate) fn open(&self) -> Result<Beneath, RepoError> {
        Beneath::open(self.path)
    }

    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for FreshFolder<'_> {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        // The reason for the removal is on its way to the caller already; a leftover is the smaller problem.
        std::fs::remove_dir_all(self.path).ok();
        if self.existed {
            std::fs::create_dir(self.path).ok();
        }
    }
}

/// Returns an error when more is needed than is free.
pub(crate) fn check_space(needed: u64, free: u64) -> Result<(), RepoError> {
    if needed > free {
        return Err(RepoError::DiskFull { needed, free });
    }
    Ok(())
}

/// Which files of a commit are written, in which order, and which are left out.
struct Plan {
    files: Vec<TrackedFile>,
    skipped: Vec<Skipped>,
}

impl Plan {
    fn new(tracked: Vec<TrackedFile>) -> Self {
        let (mut files, mut links, mut skipped) = (Vec::new(), Vec::new(), Vec::new());
        for file in tracked {
            let reason = match file.mode {
                _ if path_rules::problem(&file.path).is_some() => SkipReason::UnsafePath,
                FileMode::Submodule => SkipReason::Submodule,
                FileMode::Symlink if file.size > MAX_LINK_BYTES => SkipReason::LinkLeavesTree,
                FileMode::Symlink => {
                    links.push(file);
                    continue;
                }
                FileMode::Regular | FileMode::Executable => {
                    files.push(file);
                    continue;
                }
            };
            skipped.push(Skipped { path: file.path, reason });
        }
        files.append(&mut links);
        Self { files, skipped }
    }

    fn needed_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size.next_multiple_of(BLOCK_BYTES).max(BLOCK_BYTES)).sum()
    }
}

enum Content<'a> {
    File(&'a mut dyn Read),
    Link(OsString),
}

/// Takes the content of one file and returns its digest, or nothing after it left the file out.
type Visit<'a> = dyn FnMut(&TrackedFile, Content<'_>) -> Result<Option<[u8; 32]>, Refused> + 'a;

/// Why one file could not be taken.
enum Refused {
    /// It is left out and the others are not affected.
    Skip(SkipReason),
    /// All of them are given up.
    Fatal(RepoError),
}

impl From<RepoError> for Refused {
    fn from(error: RepoError) -> Self {
        Self::Fatal(error)
    }
}

/// Streams all content past `visit` and returns the worktree that knows it.
fn read_content(
    git: &Git,
    commit: &CommitId,
    root: &Path,
    plan: Plan,
    visit: &mut Visit<'_>,
) -> Result<Worktree, RepoError> {
    let Plan { files, mut skipped } = plan;
    let blobs: Vec<&str> = files.iter().map(|file| file.blob.as_str()).collect();
    let mut committed = Committed::new(git.clone());
    git.each_blob(&blobs, |file_idx, size, content| {
        let file = &files[file_idx];
        let taken = take_file(&mut committed, file, size, content, visit);
        match taken {
            Ok(()) => Ok(()),
            Err(Refused::Skip(reason)) => {
                skipped.push(Skipped { path: file.path.clone(), reason });
                Ok(())
            }
            Err(Refused::Fatal(error)) => Err(error),
        }
    })?;
    let root = root.canonicalize().map_err(RepoError::io("open the folder", root))?;
    Ok(Worktree::new(root, commit.clone(), skipped, Arc::new(committed)))
}

fn take_file(
    committed: &mut Committed,
    file: &TrackedFile,
    size: u64,
    content: &mut dyn Read,
    visit: &mut Visit<'_>,
) -> Result<(), Refused> {
    if file.mode == FileMode::Symlink {
        let target = OsString::from_vec(read_all(content, &file.path)?);
        if !stays_in_tree(&file.path, Path::new(&target)) {
            return Err(Refused::Skip(SkipReason::LinkLeavesTree));
        }
        visit(file, Content::Link(target.clone()))?;
        committed.links.insert(file.path.clone(), target);
        return Ok(());
    }
    let is_ignore_file = file.path.file_name() == Some(OsStr::new(".gitignore")) && size <= MAX_IGNORE_FILE_BYTES;
    let digest = if is_ignore_file {
        let rules = read_all(content, &file.path)?;
        let digest = visit(file, Content::File(&mut rules.as_slice()))?;
        committed.add_ignore_rules(&file.path, &String::from_utf8_lossy(&rules));
        digest
    } else {
        visit(file, Content::File(content))?
    };
    if let Some(digest) = digest {
        let is_executable = file.mode == FileMode::Executable;
        let known = CommittedFile { blob: file.blob.clone(), size, is_executable, digest };
        committed.files.insert(file.path.clone(), known);
    }
    Ok(())
}

/// Says whether a link cannot lead out of the tree, wherever the other links of the tree lead.
///
/// Allowed is `../` as often as there are folders above the link, followed by plain names only. Those names may be links,
/// but each of them obeys the same rule, so following it stays in the tree too. A `..` after a name would be taken from
/// wherever that name leads, which is why `a/../b` is refused although it looks harmless.
fn stays_in_tree(link: &Path, target: &Path) -> bool {
    let mut n_folders_above = link.components().count() - 1;
    let mut is_descending = false;
    for component in target.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if is_descending || n_folders_above == 0 => return false,
            Component::ParentDir => n_folders_above -= 1,
            Component::Normal(name) if path_rules::problem(Path::new(name)).is_some() => return false,
            Component::Normal(_) => is_descending = true,
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    !target.as_os_str().is_empty()
}

struct Writer {
    tree: Beneath,
    /// The folder of the latest file, open: git lists files folder by folder.
    folder: Option<(PathBuf, OwnedFd)>,
}

impl Writer {
    fn write(&mut self, file: &TrackedFile, content: Content<'_>) -> Result<Option<[u8; 32]>, Refused> {
        let (dir, name) = self.place(&file.path)?;
        match content {
            Content::Link(target) => {
                rustix::fs::symlinkat(&target, dir, name).map_err(|error| self.refused(file, error.into()))?;
                Ok(None)
            }
            Content::File(reader) => {
                let mode = if file.mode == FileMode::Executable { 0o777 } else { 0o666 };
                let created = rustix::fs::openat(dir, name, beneath::CREATE, Mode::from_raw_mode(mode));
                let mut created = File::from(created.map_err(|error| self.refused(file, error.into()))?);
                Ok(Some(copy_hashed(reader, &mut created).map_err(|error| self.refused(file, error))?))
            }
        }
    }

    /// Returns the open folder of a file, made if need be, and the file's name there.
    fn place<'a>(&mut self, path: &'a Path) -> Result<(&OwnedFd, &'a OsStr), Refused> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let is_open = self.folder.as_ref().is_some_and(|(open, _)| open == folder);
        if !is_open {
            let place = self.tree.place_created(path, &mut Vec::new()).map_err(refused_folder)?;
            self.folder = Some((folder.to_path_buf(), place.dir));
        }
        let (_, dir) = self.folder.as_ref().expect("opened above");
        Ok((dir, path.file_name().unwrap_or_default()))
    }

    fn refused(&self, file: &TrackedFile, error: std::io::Error) -> Refused {
        match skip_reason(error.kind()) {
            Some(reason) => Refused::Skip(reason),
            None => Refused::Fatal(write_error(self.tree.dir(), &file.path, file.size, error)),
        }
    }
}

/// Says whether a name that cannot be made is the name's own fault, and then which.
fn skip_reason(kind: ErrorKind) -> Option<SkipReason> {
    match kind {
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory | ErrorKind::IsADirectory => Some(SkipReason::Clash),
        ErrorKind::InvalidFilename | ErrorKind::InvalidInput => Some(SkipReason::UnusableName),
        _ => None,
    }
}

fn refused_folder(error: RepoError) -> Refused {
    match &error {
        RepoError::NotAFile { .. } => Refused::Skip(SkipReason::Clash),
        RepoError::Io { source, .. } => skip_reason(source.kind()).map_or(Refused::Fatal(error), Refused::Skip),
        _ => Refused::Fatal(error),
    }
}

/// Copies everything and returns the SHA-256 of it.
pub(crate) fn copy_hashed(reader: &mut dyn Read, writer: &mut dyn Write) -> std::io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        let n_read = match reader.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().into()),
            Ok(n_read) => n_read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..n_read]);
        writer.write_all(&buffer[..n_read])?;
    }
}

fn read_all(content: &mut dyn Read, path: &Path) -> Result<Vec<u8>, RepoError> {
    let mut bytes = Vec::new();
    content.read_to_end(&mut bytes).map_err(read_failed(path))?;
    Ok(bytes)
}

fn read_failed(path: &Path) -> impl FnOnce(std::io::Error) -> RepoError {
    move |error| malformed("cat-file", &format!("{path:?}: {error}"))
}

impl Committed {
    fn new(git: Git) -> Self {
        Self { git, files: BTreeMap::new(), links: BTreeMap::new(), ignore_rules: BTreeMap::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_in_the_tree_only_when_no_other_link_can_carry_it_out() {
        let check = |link: &str, target: &str| stays_in_tree(Path::new(link), Path::new(target));

        for (link, target) in [("a", "b"), ("x/y/a", "../../b"), ("x/a", "./b"), ("a", "x/y"), ("x/up", "..")] {
            assert!(check(link, target), "{link} -> {target}");
        }
        for (link, target) in [
            ("a", ".."),
            ("x/a", "../../b"),
            ("a", "/etc/passwd"),
            // With `x/up -> ..` this would lead to the folder above the tree.
            ("a", "x/up/.."),
            ("a", ".git/config"),
            ("a", ""),
        ] {
            assert!(!check(link, target), "{link} -> {target}");
        }
    }

    #[test]
    fn a_full_disk_is_told_with_both_numbers() {
        assert!(check_space(10, 10).is_ok());
        assert!(matches!(check_space(11, 10), Err(RepoError::DiskFull { needed: 11, free: 10 })));
    }
}
