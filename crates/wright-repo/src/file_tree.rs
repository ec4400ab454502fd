//! One state of the files of a repository, read-only: a commit, what is staged, the checkout, or one of these with a patch.
//!
//! Files of a commit are read from git's objects as they are stored, those of the checkout beneath its root without
//! following links. No filter, hook or text conversion runs. What differs between two states: [`FileTree::difference`].

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FileType;
use sha2::{Digest, Sha256};

use crate::beneath::{self, Beneath};
use crate::blobs::{Blob, Blobs};
use crate::commit::{CommitId, FileMode};
use crate::git::{self, Git, malformed};
use crate::status::Status;
use crate::{RepoError, path_rules, project};

/// Longer files are not read as text.
pub const MAX_TEXT_BYTES: u64 = 8 * 1024 * 1024;

/// One state of the files of a repository.
#[derive(Debug, Clone)]
pub struct FileTree {
    pub(crate) entries: BTreeMap<PathBuf, Entry>,
    paths: Vec<PathBuf>,
    omitted: Vec<(PathBuf, &'static str)>,
    blobs: Arc<Blobs>,
    disk: Option<Arc<Beneath>>,
}

/// What a state has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileContent {
    /// Nothing.
    Absent,
    /// Text in UTF-8 of at most [`MAX_TEXT_BYTES`].
    Text(Arc<str>),
    /// Something else.
    Binary {
        /// Its size in bytes.
        size: u64,
        /// Its SHA-256, unless it is larger than [`MAX_TEXT_BYTES`].
        sha256: Option<[u8; 32]>,
    },
    /// A symbolic link, and where it points.
    Link(String),
    /// A commit of another repository.
    Submodule(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) mode: FileMode,
    pub(crate) place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A git object.
    Blob(String),
    /// A file of the checkout.
    Disk,
    /// A text that was handed in.
    Memory(Arc<str>),
}

impl FileTree {
    pub(crate) fn empty(git: &Git) -> Self {
        Self::new(BTreeMap::new(), Vec::new(), Arc::new(Blobs::new(git.clone())), None)
    }

    pub(crate) fn of_commit(git: &Git, commit: &CommitId) -> Result<Self, RepoError> {
        let listing = git.run(["ls-tree", "-r", "-z", "--full-tree", commit.as_str()])?;
        let (entries, omitted) = parse(&listing, Listing::Tree)?;
        Ok(Self::new(entries, omitted, Arc::new(Blobs::new(git.clone())), None))
    }

    pub(crate) fn of_index(git: &Git) -> Result<Self, RepoError> {
        let listing = git.run(["ls-files", "--stage", "-z", "--full-name", ":/"])?;
        let (entries, omitted) = parse(&listing, Listing::Index)?;
        Ok(Self::new(entries, omitted, Arc::new(Blobs::new(git.clone())), None))
    }

    /// Returns the state of the checkout: the last commit, with everything that `status` says differs taken from the disk.
    pub(crate) fn of_checkout(head: Self, root: &Path, status: &Status) -> Result<Self, RepoError> {
        let disk = Arc::new(Beneath::open(root)?);
        let (mut entries, mut omitted) = (head.entries, head.omitted);
        for path in status.changed.iter().chain(&status.untracked) {
            if let Some(reason) = unusable(path) {
                omitted.push((path.clone(), reason));
                continue;
            }
            match mode_on_disk(&disk, path)? {
                Some(mode) => entries.insert(path.clone(), Entry { mode, place: Place::Disk }),
                None => entries.remove(path),
            };
        }
        Ok(Self::new(entries, omitted, head.blobs, Some(disk)))
    }

    fn new(
        entries: BTreeMap<PathBuf, Entry>,
        omitted: Vec<(PathBuf, &'static str)>,
        blobs: Arc<Blobs>,
        disk: Option<Arc<Beneath>>,
    ) -> Self {
        let is_listed = |path: &Path, entry: &Entry| {
            matches!(entry.mode, FileMode::Regular | FileMode::Executable) && !project::is_build_output(path)
        };
        let listed = entries.iter().filter(|(path, entry)| is_listed(path, entry));
        let paths = listed.map(|(path, _)| path.clone()).collect();
        Self { entries, paths, omitted, blobs, disk }
    }

    /// Returns the state after some files got another text, or went.
    pub fn with_texts(self, texts: impl IntoIterator<Item = (PathBuf, Option<Arc<str>>)>) -> Result<Self, RepoError> {
        let mut entries = self.entries;
        for (path, text) in texts {
            path_rules::check(&path)?;
            let mode = entries.get(&path).map_or(FileMode::Regular, |it| it.mode);
            match text {
                Some(text) => entries.insert(path, Entry { mode, place: Place::Memory(text) }),
                None => entries.remove(&path),
            };
        }
        Ok(Self::new(entries, self.omitted, self.blobs, self.disk))
    }

    /// Returns the paths of all files that are no build output, relative to the repository, sorted.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// Returns whether anything is at a path.
    pub fn has(&self, path: &Path) -> bool {
        self.entries.contains_key(path)
    }

    /// Returns what cannot be looked at, and why.
    pub fn omitted(&self) -> &[(PathBuf, &'static str)] {
        &self.omitted
    }

    /// Returns what is at a path.
    pub fn read(&self, path: &Path) -> Result<FileContent, RepoError> {
        let Some(entry) = self.entries.get(path) else { return Ok(FileContent::Absent) };
        match &entry.place {
            Place::Memory(text) => Ok(FileContent::Text(Arc::clone(text))),
            Place::Blob(id) if entry.mode == FileMode::Submodule => Ok(FileContent::Submodule(id.clone())),
            Place::Blob(id) => Ok(match self.blobs.read(id, MAX_TEXT_BYTES)? {
                Blob::TooLarge(size) => FileContent::Binary { size, sha256: None },
                Blob::Bytes(bytes) => content(&bytes, entry.mode),
            }),
            Place::Disk => self.disk.as_deref().map_or(Ok(FileContent::Absent), |disk| read_disk(disk, path)),
        }
    }
}

fn content(bytes: &[u8], mode: FileMode) -> FileContent {
    if mode == FileMode::Symlink {
        return FileContent::Link(String::from_utf8_lossy(bytes).into_owned());
    }
    let is_text = !bytes.contains(&0);
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text => FileContent::Text(text.into()),
        _ => FileContent::Binary { size: bytes.len() as u64, sha256: Some(Sha256::digest(bytes).into()) },
    }
}

/// Says why a path that git reports cannot be looked at, if it cannot.
fn unusable(path: &Path) -> Option<&'static str> {
    if path.as_os_str().as_bytes().ends_with(b"/") {
        return Some("it is a repository inside this one");
    }
    path_rules::problem(path)
}

fn mode_on_disk(disk: &Beneath, path: &Path) -> Result<Option<FileMode>, RepoError> {
    let place = match disk.place(path) {
        Ok(place) => place,
        // A folder on the way has become a link or a file: what was below it is gone.
        Err(RepoError::NotAFile { .. }) => None,
        Err(error) => return Err(error),
    };
    let stat = place.map_or(Ok(None), |place| place.stat())?;
    Ok(stat.and_then(|stat| match beneath::kind(&stat) {
        FileType::RegularFile if beneath::permissions(&stat) & 0o100 != 0 => Some(FileMode::Executable),
        FileType::RegularFile => Some(FileMode::Regular),
        FileType::Symlink => Some(FileMode::Symlink),
        FileType::Directory
        | FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => None,
    }))
}

fn read_disk(disk: &Beneath, path: &Path) -> Result<FileContent, RepoError> {
    let Some(place) = disk.place(path)? else { return Ok(FileContent::Absent) };
    let Some(stat) = place.stat()? else { return Ok(FileContent::Absent) };
    if beneath::kind(&stat) == FileType::Symlink {
        return Ok(FileContent::Link(place.link()?));
    }
    match disk.read(path, MAX_TEXT_BYTES) {
        Ok(Some(bytes)) => Ok(content(&bytes, FileMode::Regular)),
        Ok(None) => Ok(FileContent::Absent),
        Err(RepoError::TooLarge { size, .. }) => Ok(FileContent::Binary { size, sha256: None }),
        Err(error) => Err(error),
    }
}

/// The command whose output is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Listing {
    /// `ls-tree -r -z`: mode, kind, object.
    Tree,
    /// `ls-files --stage -z`: mode, object, stage.
    Index,
}

type Entries = (BTreeMap<PathBuf, Entry>, Vec<(PathBuf, &'static str)>);

fn parse(output: &[u8], listing: Listing) -> Result<Entries, RepoError> {
    let (mut entries, mut omitted) = (BTreeMap::new(), Vec::new());
    for record in git::records(output) {
        let (path, entry) = parse_entry(record, listing).ok_or_else(|| malformed("ls-tree", "an entry"))?;
        match (path_rules::problem(&path), entry) {
            (Some(reason), _) => omitted.push((path, reason)),
            (None, Some(entry)) => {
                entries.insert(path, entry);
            }
            (None, None) => {}
        }
    }
    Ok((entries, omitted))
}

/// Reads one line; the entry is missing where it is the other side of a conflict.
fn parse_entry(record: &[u8], listing: Listing) -> Option<(PathBuf, Option<Entry>)> {
    let tab = record.iter().position(|&byte| byte == b'\t')?;
    let path = git::path_from(&record[tab + 1..]);
    let words: Vec<&str> = std::str::from_utf8(&record[..tab]).ok()?.split_ascii_whitespace().collect();
    let [mode, second, third] = words[..] else { return None };
    let id = match listing {
        Listing::Tree => third,
        // Of a conflict, the side that is checked out counts.
        Listing::Index if !matches!(third, "0" | "2") => return Some((path, None)),
        Listing::Index => second,
    };
    let mode = FileMode::parse(mode)?;
    Some((path, Some(Entry { mode, place: Place::Blob(id.to_owned()) })))
}
