//! A plain copy of a commit, for someone else to work in.
//!
//! Whoever works there is not trusted: it is read and written without following links, with a cap on size, and git never
//! runs in it. What changed is found by comparing content with what the commit had, not by asking anything in the folder.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use rustix::fs::FileType;
use wright_text::{FileChange, Patch};

use crate::beneath::{self, Beneath, TEMPORARY_PREFIX};
use crate::commit::CommitId;
use crate::export::{FreshFolder, Skipped, copy_hashed};
use crate::git::Git;
use crate::walk::{Descend, Entry, walk};
use crate::{RepoError, copy, path_rules, project};

/// The largest file that is read from a worktree.
pub const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// A copy of a commit, and the knowledge of what it held when it was made.
#[derive(Debug, Clone)]
pub struct Worktree {
    root: PathBuf,
    base: CommitId,
    skipped: Vec<Skipped>,
    committed: Arc<Committed>,
}

/// How a worktree differs from its commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// The differences that can be told as text.
    pub patch: Patch,
    /// The differences that cannot, which nobody may overlook.
    pub omitted: Vec<Omitted>,
}

/// A difference that a patch cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omitted {
    /// The path from the root of the worktree.
    pub path: PathBuf,
    /// What the difference is.
    pub reason: Omission,
    /// Whether the commit has the file.
    pub is_tracked: bool,
}

/// Why a patch cannot hold a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Omission {
    /// The content, before or after, is not UTF-8.
    NotText,
    /// The content, before or after, is over [`MAX_FILE_BYTES`].
    TooLarge,
    /// There is a symbolic link that was not there, or that led elsewhere.
    Link,
    /// There is a folder, a pipe, a socket or a device where the commit has a file.
    NotAFile,
    /// The file became executable, or stopped being so. Its content, if that changed too, is in the patch.
    ModeChanged,
    /// The name is one that must not be written.
    UnsafePath,
    /// The folder is nested too deeply to look into.
    TooDeep,
    /// The file has a second name, which may be outside, so its content may be somebody else's.
    SharedFile,
    /// There is a git repository in a folder of the worktree. Its files count as files; its history does not.
    NestedRepository,
}

/// What the commit held.
#[derive(Debug)]
pub(crate) struct Committed {
    pub(crate) git: Git,
    pub(crate) files: BTreeMap<PathBuf, CommittedFile>,
    pub(crate) links: BTreeMap<PathBuf, OsString>,
    pub(crate) ignore_rules: BTreeMap<PathBuf, Gitignore>,
}

#[derive(Debug, Clone)]
pub(crate) struct CommittedFile {
    pub(crate) blob: String,
    pub(crate) size: u64,
    pub(crate) is_executable: bool,
    pub(crate) digest: [u8; 32],
}

impl Worktree {
    pub(crate) fn new(root: PathBuf, base: CommitId, skipped: Vec<Skipped>, committed: Arc<Committed>) -> Self {
        Self { root, base, skipped, committed }
    }

    /// Returns the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns the commit that was copied.
    pub fn base(&self) -> &CommitId {
        &self.base
    }

    /// Lists what was left out of the copy.
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Lists the files of the commit that were copied, in the order of their paths.
    pub fn tracked_files(&self) -> impl Iterator<Item = &Path> {
        self.committed.files.keys().map(PathBuf::as_path)
    }

    /// Reads a text file.
    pub fn read(&self, path: &Path) -> Result<String, RepoError> {
        let bytes = self.open()?.read(path, MAX_FILE_BYTES)?;
        let bytes = bytes.ok_or_else(|| RepoError::NotFound { path: path.to_path_buf() })?;
        String::from_utf8(bytes).map_err(|_| RepoError::NotUtf8 { path: path.to_path_buf() })
    }

    /// Writes a text file in one step, making the folders it needs and keeping the mode of a file that exists.
    pub fn write(&self, path: &Path, text: &str) -> Result<(), RepoError> {
        self.open()?.place_created(path, &mut Vec::new())?.write(text.as_bytes())
    }

    /// Removes a file; a link is removed itself, not what it leads to.
    pub fn remove(&self, path: &Path) -> Result<(), RepoError> {
        let missing = || RepoError::NotFound { path: path.to_path_buf() };
        let place = self.open()?.place(path)?.ok_or_else(missing)?;
        let stat = place.stat()?.ok_or_else(missing)?;
        match beneath::kind(&stat) {
            FileType::Directory => Err(RepoError::NotAFile { path: path.to_path_buf(), found: "a folder" }),
            _ => place.remove(),
        }
    }

    /// Copies the worktree as it is now into a folder that does not exist yet, or is empty.
    ///
    /// The copy can be tested while this one goes on changing. Where the file system can, content is shared until one of
    /// the two is written to. On an error nothing stays behind.
    pub fn fork(&self, dest: &Path) -> Result<Self, RepoError> {
        let fresh = FreshFolder::create(dest)?;
        let root = dest.canonicalize().map_err(RepoError::io("open the folder", dest))?;
        if root.starts_with(&self.root) {
            return Err(RepoError::UnsafePath { path: root, reason: "it lies inside the folder to copy" });
        }
        let mut skipped = self.skipped.clone();
        skipped.extend(copy::copy_tree(&self.open()?, &Beneath::open(&root)?)?);
        fresh.keep();
        Ok(Self { root, base: self.base.clone(), skipped, committed: Arc::clone(&self.committed) })
    }

    /// Returns everything that differs from the commit.
    ///
    /// Of the files that the commit does not have, those count that its own ignore rules do not cover, that no build tool
    /// makes, and that `is_wanted` accepts. The ignore rules are read from the commit, so changing them hides nothing.
    pub fn changes(&self, is_wanted: impl Fn(&Path) -> bool) -> Result<Changes, RepoError> {
        let tree = self.open()?;
        let mut collector = Collector { committed: &self.committed, found: Vec::new(), omitted: Vec::new() };
        for (path, file) in &self.committed.files {
            collector.tracked(&tree, path, file)?;
        }
        for (path, target) in &self.committed.links {
            collector.tracked_link(&tree, path, target)?;
        }
        collector.new_files(&tree, &is_wanted)?;
        collector.finish()
    }

    /// Returns [`Worktree::changes`] as a patch; an error when a file of the commit changed in a way no patch can hold.
    pub fn patch(&self, is_wanted: impl Fn(&Path) -> bool) -> Result<Patch, RepoError> {
        let changes = self.changes(is_wanted)?;
        let lost = changes.omitted.into_iter().find(|omitted| omitted.is_tracked);
        match lost {
            None => Ok(changes.patch),
            Some(Omitted { path, reason, .. }) => Err(match reason {
                Omission::NotText => RepoError::NotUtf8 { path },
                Omission::TooLarge => RepoError::TooLarge { path, size: MAX_FILE_BYTES + 1, max: MAX_FILE_BYTES },
                Omission::Link => RepoError::NotAFile { path, found: "a symbolic link" },
                Omission::ModeChanged => RepoError::NotAFile { path, found: "changed in its mode" },
                Omission::NotAFile => RepoError::NotAFile { path, found: "no longer a file" },
                Omission::SharedFile => RepoError::NotAFile { path, found: beneath::SHARED },
                Omission::NestedRepository => RepoError::NotAFile { path, found: "another repository" },
                Omission::UnsafePath | Omission::TooDeep => {
                    RepoError::UnsafePath { path, reason: "it is out of reach" }
                }
            }),
        }
    }

    /// Returns how the given files differ from the commit; a file that does not differ is left out.
    pub fn patch_of(&self, paths: &[PathBuf]) -> Result<Patch, RepoError> {
        let tree = self.open()?;
        let paths: BTreeSet<&PathBuf> = paths.iter().collect();
        let mut patch = Patch::default();
        for path in paths {
            let after = tree.read(path, MAX_FILE_BYTES)?.map(|bytes| into_text(path, bytes)).transpose()?;
            let before = self.committed.read(path)?.map(|bytes| into_text(path, bytes)).transpose()?;
            if before != after {
                patch.files.insert(path.clone(), FileChange { before, after });
            }
        }
        Ok(patch)
    }

    /// Lists at most `limit` source files of the commit that are still there, in the order of their paths.
    ///
    /// Hidden files are left out, and so are files that are generated, minified, binary or over a megabyte.
    pub fn source_files(&self, limit: usize) -> Result<Vec<PathBuf>, RepoError> {
        let tree = self.open()?;
        let candidates = self.tracked_files().filter(|path| project::may_be_source(path));
        let readable = candidates.filter(|path| project::is_readable_source(&tree, path));
        Ok(readable.take(limit).map(Path::to_path_buf).collect())
    }

    pub(crate) fn open(&self) -> Result<Beneath, RepoError> {
        Beneath::open_untrusted(&self.root)
    }

    pub(crate) fn committed(&self) -> &Committed {
        &self.committed
    }
}

impl Committed {
    pub(crate) fn add_ignore_rules(&mut self, file: &Path, rules: &str) {
        let folder = Path::new("/").join(file.parent().unwrap_or(Path::new("")));
        let mut builder = GitignoreBuilder::new(&folder);
        for line in rules.lines() {
            // A line that is no pattern matches nothing, as in git.
            builder.add_line(None, line).ok();
        }
        if let Ok(rules) = builder.build() {
            self.ignore_rules.insert(folder, rules);
        }
    }

    /// Says whether the commit's rules ignore a path, provided that they ignore none of the folders above it.
    fn is_ignored(&self, path: &Path, kind: FileType) -> bool {
        let path = Path::new("/").join(path);
        let nearest_first = path.ancestors().skip(1).filter_map(|folder| self.ignore_rules.get(folder));
        let mut decisions = nearest_first.map(|rules| rules.matched(&path, kind == FileType::Directory));
        decisions.find(|decision| !decision.is_none()).is_some_and(|decision| decision.is_ignore())
    }

    /// Says whether something is no part of anyone's change: neither in the commit nor anything that would be committed.
    pub(crate) fn is_uninteresting(&self, entry: &Entry<'_>) -> bool {
        let is_known = self.files.contains_key(entry.path) || self.links.contains_key(entry.path);
        !is_known && (is_leftover(entry) || self.is_ignored(entry.path, entry.kind))
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, RepoError> {
        let Some(file) = self.files.get(path) else { return Ok(None) };
        if file.size > MAX_FILE_BYTES {
            return Err(RepoError::TooLarge { path: path.to_path_buf(), size: file.size, max: MAX_FILE_BYTES });
        }
        let mut content = Vec::new();
        self.git.each_blob(&[&file.blob], |_, _, reader| {
            reader.read_to_end(&mut content).map(|_| ()).map_err(RepoError::io("read", path))
        })?;
        Ok(Some(content))
    }
}

fn into_text(path: &Path, bytes: Vec<u8>) -> Result<String, RepoError> {
    String::from_utf8(bytes).map_err(|_| RepoError::NotUtf8 { path: path.to_path_buf() })
}

/// Gathers the differences of a worktree, one file at a time.
struct Collector<'a> {
    committed: &'a Committed,
    /// What changed, with the content that is there now. What was there before is read later, all at once.
    found: Vec<(PathBuf, Option<String>)>,
    omitted: Vec<Omitted>,
}

impl Collector<'_> {
    fn tracked(&mut self, tree: &Beneath, path: &Path, file: &CommittedFile) -> Result<(), RepoError> {
        let found = match tree.find(path) {
            Ok(Some(found)) => found,
            Ok(None) => {
                self.found.push((path.to_path_buf(), None));
                return Ok(());
            }
            Err(RepoError::NotAFile { found, .. }) => {
                let is_link = found == beneath::kind_name(FileType::Symlink);
                self.omit(path, if is_link { Omission::Link } else { Omission::NotAFile });
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        if (found.mode & 0o100 != 0) != file.is_executable {
            self.omit(path, Omission::ModeChanged);
        }
        if found.size == file.size && file.digest == digest(&found.file, path)? {
            return Ok(());
        }
        // Opened again, because hashing has moved through the first one.
        self.content(tree, path)
    }

    fn tracked_link(&mut self, tree: &Beneath, path: &Path, target: &OsStr) -> Result<(), RepoError> {
        let place = match tree.place(path) {
            Ok(place) => place,
            Err(RepoError::NotAFile { .. }) => None,
            Err(error) => return Err(error),
        };
        let now = place.and_then(|place| rustix::fs::readlinkat(&place.dir, &place.name, Vec::new()).ok());
        if now.is_none_or(|now| now.as_bytes() != target.as_encoded_bytes()) {
            self.omit(path, Omission::Link);
        }
        Ok(())
    }

    fn new_files(&mut self, tree: &Beneath, is_wanted: &dyn Fn(&Path) -> bool) -> Result<(), RepoError> {
        let committed = self.committed;
        let new = RefCell::new(Vec::new());
        let nested = RefCell::new(Vec::new());
        let too_deep = walk(tree, &mut |entry| {
            if is_nested_repository(entry) {
                nested.borrow_mut().push(entry.path.to_path_buf());
            }
            let is_known = committed.files.contains_key(entry.path) || committed.links.contains_key(entry.path);
            if is_known || is_leftover(entry) || committed.is_ignored(entry.path, entry.kind) {
                return Ok(Descend::Past);
            }
            if entry.kind != FileType::Directory && is_wanted(entry.path) {
                new.borrow_mut().push((entry.path.to_path_buf(), entry.kind));
            }
            Ok(Descend::Into)
        })?;
        for (path, kind) in new.into_inner() {
            self.new_file(tree, &path, kind)?;
        }
        for path in too_deep.iter().filter(|path| is_wanted(path)) {
            self.omit(path, Omission::TooDeep);
        }
        for path in nested.into_inner().iter().filter(|path| is_wanted(path)) {
            self.omit(path, Omission::NestedRepository);
        }
        Ok(())
    }

    fn new_file(&mut self, tree: &Beneath, path: &Path, kind: FileType) -> Result<(), RepoError> {
        match kind {
            _ if path_rules::problem(path).is_some() => self.omit(path, Omission::UnsafePath),
            FileType::RegularFile => self.content(tree, path)?,
            FileType::Symlink => self.omit(path, Omission::Link),
            _ => self.omit(path, Omission::NotAFile),
        }
        Ok(())
    }

    fn content(&mut self, tree: &Beneath, path: &Path) -> Result<(), RepoError> {
        match tree.read(path, MAX_FILE_BYTES) {
            Ok(None) => self.found.push((path.to_path_buf(), None)),
            Ok(Some(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => self.found.push((path.to_path_buf(), Some(text))),
                Err(_) => self.omit(path, Omission::NotText),
            },
            Err(RepoError::TooLarge { .. }) => self.omit(path, Omission::TooLarge),
            Err(RepoError::NotAFile { found: beneath::SHARED, .. }) => self.omit(path, Omission::SharedFile),
            Err(RepoError::NotAFile { .. }) => self.omit(path, Omission::NotAFile),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn omit(&mut self, path: &Path, reason: Omission) {
        let is_tracked = self.committed.files.contains_key(path) || self.committed.links.contains_key(path);
        self.omitted.push(Omitted { path: path.to_path_buf(), reason, is_tracked });
    }

    /// Reads what was there before, and makes the patch.
    fn finish(mut self) -> Result<Changes, RepoError> {
        let mut before = self.read_before()?;
        let mut patch = Patch::default();
        for (path, after) in std::mem::take(&mut self.found) {
            let Some(was) = before.remove(&path) else {
                // New, unless the walk saw it and it was gone when it was read.
                if after.is_some() {
                    patch.files.insert(path, FileChange { before: None, after });
                }
                continue;
            };
            match was {
                Some(was) => drop(patch.files.insert(path, FileChange { before: Some(was), after })),
                None => self.omit(&path, Omission::NotText),
            }
        }
        self.omitted.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Changes { patch, omitted: self.omitted })
    }

    /// Returns what the commit has for each file found, nothing for content that is not text.
    fn read_before(&mut self) -> Result<BTreeMap<PathBuf, Option<String>>, RepoError> {
        let committed = self.committed;
        let (small, large): (Vec<_>, Vec<_>) = std::mem::take(&mut self.found)
            .into_iter()
            .partition(|(path, _)| committed.files.get(path).is_none_or(|file| file.size <= MAX_FILE_BYTES));
        for (path, _) in large {
            self.omit(&path, Omission::TooLarge);
        }
        self.found = small;
        let known = self.found.iter().filter_map(|(path, _)| Some((path, committed.files.get(path)?)));
        let known: Vec<(&PathBuf, &CommittedFile)> = known.collect();
        let blobs: Vec<&str> = known.iter().map(|(_, file)| file.blob.as_str()).collect();
        let mut before = BTreeMap::new();
        committed.git.each_blob(&blobs, |file_idx, _, reader| {
            let path = known[file_idx].0;
            let mut bytes = Vec::new();
            reader.read_to_end(&mut bytes).map_err(RepoError::io("read", path))?;
            before.insert(path.clone(), String::from_utf8(bytes).ok());
            Ok(())
        })?;
        Ok(before)
    }
}

/// Says whether a name is the git folder of a repository below the root. The one in the root itself is a throw-away.
fn is_nested_repository(entry: &Entry<'_>) -> bool {
    let is_git_folder = path_rules::is_git_name(&entry.name.to_string_lossy());
    is_git_folder && entry.kind == FileType::Directory && entry.path.components().nth(1).is_some()
}

/// Says whether something is no part of anyone's change: a git folder, a build's output, a temporary file of ours.
fn is_leftover(entry: &Entry<'_>) -> bool {
    let is_git_folder = entry.kind == FileType::Directory && path_rules::problem(Path::new(entry.name)).is_some();
    let is_ours = entry.name.as_encoded_bytes().starts_with(TEMPORARY_PREFIX.as_bytes());
    is_git_folder || is_ours || project::is_build_output(entry.path)
}

fn digest(mut file: &File, path: &Path) -> Result<[u8; 32], RepoError> {
    copy_hashed(&mut file, &mut std::io::sink()).map_err(RepoError::io("read", path))
}
