//! Copies one tree into another that is empty, several files at a time.
//!
//! Folders and links are made first, in the order of their names, and then the files by all processors. Content is shared
//! until one of the two is written to, where the file system can (btrfs, xfs). It is never shared by a hard link: whoever
//! works in one tree would then write to the other.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{FileType, Mode, RawMode};
use rustix::io::Errno;

use crate::beneath::{self, Beneath};
use crate::export::{SkipReason, Skipped};
use crate::walk::{Descend, Entry, walk};
use crate::{RepoError, path_rules};

/// More threads than this wait for the disk together.
const MAX_THREADS: usize = 8;

/// Fewer files than this for each thread are not worth a thread.
const MIN_FILES_PER_THREAD: usize = 64;

/// Copies everything that can be copied safely and lists the rest.
pub(crate) fn copy_tree(from: &Beneath, to: &Beneath) -> Result<Vec<Skipped>, RepoError> {
    let mut frame = Frame { to, files: Vec::new(), skipped: Vec::new() };
    let too_deep = walk(from, &mut |entry| frame.entry(entry))?;
    let Frame { files, mut skipped, .. } = frame;
    skipped.extend(too_deep.into_iter().map(|path| Skipped { path, reason: SkipReason::TooDeep }));
    let contents = Contents {
        from,
        to,
        free: AtomicU64::new(beneath::free_bytes(to.dir())),
        can_share: AtomicBool::new(cfg!(target_os = "linux")),
        is_over: AtomicBool::new(false),
    };
    skipped.extend(contents.copy(&files)?);
    Ok(skipped)
}

/// Makes everything but the files.
struct Frame<'a> {
    to: &'a Beneath,
    files: Vec<PathBuf>,
    skipped: Vec<Skipped>,
}

impl Frame<'_> {
    fn entry(&mut self, entry: &Entry<'_>) -> Result<Descend, RepoError> {
        if path_rules::problem(entry.path).is_some() {
            self.skip(entry, SkipReason::UnsafePath);
            return Ok(Descend::Past);
        }
        match entry.kind {
            FileType::Directory => self.folder(entry)?,
            FileType::Symlink => self.link(entry)?,
            FileType::RegularFile => self.files.push(entry.path.to_path_buf()),
            _ => self.skip(entry, SkipReason::SpecialFile),
        }
        Ok(Descend::Into)
    }

    fn folder(&self, entry: &Entry<'_>) -> Result<(), RepoError> {
        let place = self.place(entry)?;
        let mode = Mode::from_raw_mode((beneath::permissions(entry.stat) | 0o700) as RawMode);
        rustix::fs::mkdirat(&place.dir, &place.name, mode).map_err(RepoError::io("create the folder", entry.path))
    }

    fn link(&self, entry: &Entry<'_>) -> Result<(), RepoError> {
        let target = rustix::fs::readlinkat(entry.dir, entry.name, Vec::new());
        let target = target.map_err(RepoError::io("read the link", entry.path))?;
        let place = self.place(entry)?;
        rustix::fs::symlinkat(&target, &place.dir, &place.name).map_err(RepoError::io("create the link", entry.path))
    }

    fn place(&self, entry: &Entry<'_>) -> Result<beneath::Place, RepoError> {
        self.to.place(entry.path)?.ok_or_else(|| RepoError::NotFound { path: entry.path.to_path_buf() })
    }

    fn skip(&mut self, entry: &Entry<'_>, reason: SkipReason) {
        self.skipped.push(Skipped { path: entry.path.to_path_buf(), reason });
    }
}

/// Copies the files.
struct Contents<'a> {
    from: &'a Beneath,
    to: &'a Beneath,
    /// How much may still be written. A file full of holes takes no room until it is copied.
    free: AtomicU64,
    can_share: AtomicBool,
    is_over: AtomicBool,
}

/// The open folders of one path, in both trees.
struct Folders<'a> {
    path: &'a Path,
    from: OwnedFd,
    to: OwnedFd,
}

impl Contents<'_> {
    fn copy(&self, files: &[PathBuf]) -> Result<Vec<Skipped>, RepoError> {
        let n_threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS);
        let n_files = files.len().div_ceil(n_threads).max(MIN_FILES_PER_THREAD);
        std::thread::scope(|scope| {
            let workers: Vec<_> = files.chunks(n_files).map(|part| scope.spawn(move || self.part(part))).collect();
            let mut skipped = Vec::new();
            let mut outcome = Ok(());
            for worker in workers {
                // A panic goes on here as it would without threads.
                match worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
                    Ok(part) => skipped.extend(part),
                    Err(error) => outcome = outcome.and(Err(error)),
                }
            }
            outcome.map(|()| skipped)
        })
    }

    fn part(&self, files: &[PathBuf]) -> Result<Vec<Skipped>, RepoError> {
        let mut skipped = Vec::new();
        let mut folders: Option<Folders<'_>> = None;
        for path in files {
            if self.is_over.load(Ordering::Relaxed) {
                break;
            }
            let copied = self.folders(&mut folders, path).and_then(|folders| match folders {
                Some(folders) => self.file(folders, path),
                None => Ok(false),
            });
            match copied {
                Ok(true) => {}
                Ok(false) => skipped.push(Skipped { path: path.clone(), reason: SkipReason::SpecialFile }),
                Err(error) => {
                    self.is_over.store(true, Ordering::Relaxed);
                    return Err(error);
                }
            }
        }
        Ok(skipped)
    }

    /// Opens the folders of a file unless they are open; nothing when the original is no longer a folder.
    fn folders<'a, 'b>(
        &self,
        open: &'b mut Option<Folders<'a>>,
        file: &'a Path,
    ) -> Result<Option<&'b Folders<'a>>, RepoError> {
        let path = file.parent().unwrap_or(Path::new(""));
        if open.as_ref().is_none_or(|folders| folders.path != path) {
            let opened = |tree: &Beneath| beneath::open_beneath(tree.dir(), path, beneath::FOLDER);
            let from = match opened(self.from) {
                Ok(from) => from,
                // Removed or swapped since it was listed: the commands of a task may still be running.
                Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(None),
                Err(error) => return Err(RepoError::io("open the folder", path)(error)),
            };
            let to = opened(self.to).map_err(RepoError::io("open the folder", path))?;
            *open = Some(Folders { path, from, to });
        }
        Ok(open.as_ref())
    }

    /// Copies one file; says whether it is a regular file.
    fn file(&self, folders: &Folders<'_>, path: &Path) -> Result<bool, RepoError> {
        let name = path.file_name().unwrap_or_default();
        let from = match beneath::open_beneath(&folders.from, Path::new(name), beneath::READ) {
            Ok(from) => from,
            // Swapped for a link or a socket, or removed.
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(false),
            Err(error) => return Err(RepoError::io("open", path)(error)),
        };
        let stat = rustix::fs::fstat(&from).map_err(RepoError::io("look at", path))?;
        if beneath::kind(&stat) != FileType::RegularFile {
            return Ok(false);
        }
        let mode = Mode::from_raw_mode(beneath::permissions(&stat) as RawMode);
        let to = rustix::fs::openat(&folders.to, name, beneath::CREATE, mode);
        let to = to.map_err(RepoError::io("create", path))?;
        if !self.share(&from, &to) {
            let size = u64::try_from(stat.st_size).unwrap_or_default();
            self.reserve(size)?;
            let copied = std::io::copy(&mut File::from(from).take(size), &mut File::from(to));
            copied.map_err(|error| beneath::write_error(self.to.dir(), path, size, error))?;
        }
        Ok(true)
    }

    /// Lets the copy share the content of the original, where the file system can; says whether it did.
    fn share(&self, from: &OwnedFd, to: &OwnedFd) -> bool {
        if !self.can_share.load(Ordering::Relaxed) {
            return false;
        }
        #[cfg(target_os = "linux")]
        let is_shared = rustix::fs::ioctl_ficlone(to, from).is_ok();
        #[cfg(not(target_os = "linux"))]
        let is_shared = false;
        self.can_share.store(is_shared, Ordering::Relaxed);
        is_shared
    }

    /// Takes room from what is free before it is written.
    fn reserve(&self, needed: u64) -> Result<(), RepoError> {
        let taken = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| free.checked_sub(needed));
        taken.map(drop).map_err(|free| RepoError::DiskFull { needed, free })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_files_arrive_whole_whichever_thread_copies_them() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for file_idx in 0..MIN_FILES_PER_THREAD * 5 {
            let folder = from.path().join(format!("d{}", file_idx % 7));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(format!("f{file_idx}")), format!("content {file_idx}")).unwrap();
        }

        let skipped = copy_tree(&Beneath::open(from.path()).unwrap(), &Beneath::open(to.path()).unwrap()).unwrap();

        assert_eq!(skipped, []);
        for file_idx in 0..MIN_FILES_PER_THREAD * 5 {
            let copy = to.path().join(format!("d{}/f{file_idx}", file_idx % 7));
            assert_eq!(std::fs::read_to_string(copy).unwrap(), format!("content {file_idx}"));
        }
    }

    #[test]
    fn a_copy_is_its_own_file() {
        use std::os::unix::fs::MetadataExt;
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(from.path().join("a"), "a").unwrap();
        std::fs::hard_link(from.path().join("a"), from.path().join("b")).unwrap();

        copy_tree(&Beneath::open(from.path()).unwrap(), &Beneath::open(to.path()).unwrap()).unwrap();

        assert_eq!(to.path().join("a").metadata().unwrap().nlink(), 1);
        assert_eq!(to.path().join("b").metadata().unwrap().nlink(), 1);
    }
}
