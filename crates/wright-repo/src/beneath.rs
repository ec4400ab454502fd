//! Reads and writes below a folder without ever following a link.
//!
//! Each component of a path is opened relative to the one before it and refused when it is a link, so there is no moment
//! between a check and its use in which someone could swap a folder for a link. Paths are checked by [`path_rules`] first.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RawMode, Stat, Uid};
use rustix::io::Errno;

use crate::{RepoError, path_rules};

/// What names of our own files begin with while a change is under way.
pub(crate) const TEMPORARY_PREFIX: &str = ".wright-";

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const CREATE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder whose content is reached without following links.
#[derive(Debug)]
pub(crate) struct Beneath {
    root: PathBuf,
    dir: OwnedFd,
}

/// The place of one file: its open folder and its name there.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) dir: OwnedFd,
    pub(crate) name: OsString,
    path: PathBuf,
}

/// A regular file as it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) file: File,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    pub(crate) owner: (u32, u32),
}

impl Beneath {
    /// Opens the folder; links on the way *to* it are the caller's own affair.
    pub(crate) fn open(root: &Path) -> Result<Self, RepoError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(root, flags, Mode::empty()).map_err(RepoError::io("open the folder", root))?;
        Ok(Self { root: root.to_path_buf(), dir })
    }

    pub(crate) fn dir(&self) -> &OwnedFd {
        &self.dir
    }

    /// Finds the folder that holds `path`; nothing when a folder on the way does not exist.
    pub(crate) fn place(&self, path: &Path) -> Result<Option<Place>, RepoError> {
        let mut created = Vec::new();
        self.walk(path, &mut created, OnMissing::Stop)
    }

    /// Finds the folder that holds `path`, making folders as needed and adding each it makes to `created`.
    pub(crate) fn place_created(&self, path: &Path, created: &mut Vec<PathBuf>) -> Result<Place, RepoError> {
        let place = self.walk(path, created, OnMissing::Create)?;
        place.ok_or_else(|| RepoError::NotFound { path: path.to_path_buf() })
    }

    /// Opens the regular file at `path`; nothing when there is none.
    pub(crate) fn find(&self, path: &Path) -> Result<Option<Found>, RepoError> {
        self.place(path)?.map_or(Ok(None), |place| place.find())
    }

    /// Reads the regular file at `path`; nothing when there is none.
    pub(crate) fn read(&self, path: &Path, max_bytes: u64) -> Result<Option<Vec<u8>>, RepoError> {
        self.find(path)?.map(|found| found.read(path, max_bytes)).transpose()
    }

    fn walk(&self, path: &Path, created: &mut Vec<PathBuf>, missing: OnMissing) -> Result<Option<Place>, RepoError> {
        path_rules::check(path)?;
        let mut names: Vec<&OsStr> = path.components().map(Component::as_os_str).collect();
        let Some(name) = names.pop() else {
            return Err(RepoError::UnsafePath { path: path.to_path_buf(), reason: "it is empty" });
        };
        let mut dir = self.dir.try_clone().map_err(RepoError::io("open the folder", &self.root))?;
        let mut so_far = PathBuf::new();
        for folder in names {
            so_far.push(folder);
            dir = match (rustix::fs::openat(&dir, folder, FOLDER, Mode::empty()), missing) {
                (Ok(opened), _) => opened,
                (Err(Errno::NOENT), OnMissing::Stop) => return Ok(None),
                (Err(Errno::NOENT), OnMissing::Create) => {
                    rustix::fs::mkdirat(&dir, folder, Mode::from_raw_mode(0o777))
                        .map_err(RepoError::io("create the folder", &so_far))?;
                    created.push(so_far.clone());
                    let opened = rustix::fs::openat(&dir, folder, FOLDER, Mode::empty())
                        .map_err(RepoError::io("open the folder", &so_far))?;
                    copy_owner(&dir, &opened);
                    opened
                }
                (Err(Errno::NOTDIR | Errno::LOOP), _) => {
                    return Err(RepoError::NotAFile { path: path.to_path_buf(), found: "below a link or a file" });
                }
                (Err(error), _) => return Err(RepoError::io("open the folder", &so_far)(error)),
            };
        }
        Ok(Some(Place { dir, name: name.to_owned(), path: path.to_path_buf() }))
    }
}

#[derive(Debug, Clone, Copy)]
enum OnMissing {
    Stop,
    Create,
}

impl Place {
    /// Opens the regular file; nothing when there is none.
    pub(crate) fn find(&self) -> Result<Option<Found>, RepoError> {
        // Looked at before it is opened, because opening a device can have an effect; and after, because only the open
        // file is known to be the one that is read.
        let Some(stat) = self.stat()? else { return Ok(None) };
        self.check_regular(&stat)?;
        let opened = match rustix::fs::openat(&self.dir, &self.name, READ, Mode::empty()) {
            Ok(opened) => opened,
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => return Err(RepoError::io("open", &self.path)(error)),
        };
        let stat = rustix::fs::fstat(&opened).map_err(RepoError::io("look at", &self.path))?;
        self.check_regular(&stat)?;
        Ok(Some(Found {
            file: File::from(opened),
            size: u64::try_from(stat.st_size).unwrap_or_default(),
            mode: permissions(&stat),
            owner: (stat.st_uid, stat.st_gid),
        }))
    }

    /// Replaces or creates the file in one step, keeping mode and owner of what was there.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), RepoError> {
        let found = self.find()?;
        let like = found.as_ref().map(|found| (found.mode, found.owner));
        let temporary = self.stage(bytes, like, Durability::None)?;
        self.rename_from(&temporary).inspect_err(|_| self.discard(&temporary))
    }

    /// Writes `bytes` into a new file beside the place and returns its name.
    pub(crate) fn stage(
        &self,
        bytes: &[u8],
        like: Option<(u32, (u32, u32))>,
        durability: Durability,
    ) -> Result<OsString, RepoError> {
        let temporary = temporary_name("tmp");
        let created = rustix::fs::openat(&self.dir, &temporary, CREATE, Mode::from_raw_mode(0o666))
            .map_err(RepoError::io("write beside", &self.path))?;
        let mut file = File::from(created);
        let written = self.fill(&mut file, bytes, like, durability);
        written.inspect_err(|_| self.discard(&temporary))?;
        Ok(temporary)
    }

    pub(crate) fn rename_from(&self, temporary: &OsStr) -> Result<(), RepoError> {
        rustix::fs::renameat(&self.dir, temporary, &self.dir, &self.name).map_err(RepoError::io("replace", &self.path))
    }

    pub(crate) fn remove(&self) -> Result<(), RepoError> {
        rustix::fs::unlinkat(&self.dir, &self.name, AtFlags::empty()).map_err(RepoError::io("remove", &self.path))
    }

    /// Removes a file of ours beside the place; that it may be gone already is fine.
    pub(crate) fn discard(&self, name: &OsStr) {
        rustix::fs::unlinkat(&self.dir, name, AtFlags::empty()).ok();
    }

    pub(crate) fn stat(&self) -> Result<Option<Stat>, RepoError> {
        match rustix::fs::statat(&self.dir, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(RepoError::io("look at", &self.path)(error)),
        }
    }

    fn fill(
        &self,
        file: &mut File,
        bytes: &[u8],
        like: Option<(u32, (u32, u32))>,
        durability: Durability,
    ) -> Result<(), RepoError> {
        file.write_all(bytes).map_err(|error| write_error(&self.dir, &self.path, bytes.len() as u64, error))?;
        match like {
            Some((mode, owner)) => {
                set_owner(&*file, owner);
                let mode = Mode::from_raw_mode(mode as RawMode);
                rustix::fs::fchmod(&*file, mode).map_err(RepoError::io("set the mode of", &self.path))?;
            }
            None => copy_owner(&self.dir, &*file),
        }
        match durability {
            Durability::None => Ok(()),
            Durability::Synced => {
                file.sync_all().map_err(|error| write_error(&self.dir, &self.path, bytes.len() as u64, error))
            }
        }
    }

    fn check_regular(&self, stat: &Stat) -> Result<(), RepoError> {
        match kind(stat) {
            FileType::RegularFile => Ok(()),
            other => Err(RepoError::NotAFile { path: self.path.clone(), found: kind_name(other) }),
        }
    }
}

/// Whether a file must be on the disk before its name is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Durability {
    /// A copy that can be made again.
    None,
    /// A file of the user's.
    Synced,
}

impl Found {
    /// Reads the whole file, which may not be larger than `max_bytes`.
    pub(crate) fn read(self, path: &Path, max_bytes: u64) -> Result<Vec<u8>, RepoError> {
        let too_large = |size| RepoError::TooLarge { path: path.to_path_buf(), size, max: max_bytes };
        if self.size > max_bytes {
            return Err(too_large(self.size));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.size).unwrap_or_default());
        // One byte more than allowed: the file may grow while it is read.
        self.file.take(max_bytes + 1).read_to_end(&mut bytes).map_err(RepoError::io("read", path))?;
        if bytes.len() as u64 > max_bytes {
            return Err(too_large(bytes.len() as u64));
        }
        Ok(bytes)
    }
}

/// Returns what kind of thing a name leads to.
pub(crate) fn kind(stat: &Stat) -> FileType {
    FileType::from_raw_mode(stat.st_mode)
}

/// Returns the permission bits, without those that change the user.
pub(crate) fn permissions(stat: &Stat) -> u32 {
    stat.st_mode & 0o777
}

/// Names a kind of thing, with its article.
pub(crate) fn kind_name(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a file",
        FileType::Directory => "a folder",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        FileType::Unknown => "of an unknown kind",
    }
}

/// Returns a name for a file of ours that nothing else uses.
pub(crate) fn temporary_name(ending: &str) -> OsString {
    static N_NAMES: AtomicU64 = AtomicU64::new(0);
    let number = N_NAMES.fetch_add(1, Ordering::Relaxed);
    OsString::from(format!("{TEMPORARY_PREFIX}{}-{number}.{ending}", std::process::id()))
}

/// Returns how many bytes an ordinary user may still write on the disk of an open file or folder.
pub(crate) fn free_bytes(fd: impl std::os::fd::AsFd) -> u64 {
    rustix::fs::fstatvfs(fd).map_or(u64::MAX, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Tells a full disk from the other reasons why writing can fail.
pub(crate) fn write_error(dir: impl std::os::fd::AsFd, path: &Path, needed: u64, error: std::io::Error) -> RepoError {
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            RepoError::DiskFull { needed, free: free_bytes(dir) }
        }
        _ => RepoError::io("write", path)(error),
    }
}

/// Gives `file` the owner of `dir`, so that what root writes into a user's folder belongs to that user.
fn copy_owner(dir: &OwnedFd, file: impl std::os::fd::AsFd) {
    if let Ok(stat) = rustix::fs::fstat(dir) {
        set_owner(file, (stat.st_uid, stat.st_gid));
    }
}

/// Sets the owner where it differs. Only root can; for everyone else the file stays their own, as with any editor.
fn set_owner(file: impl std::os::fd::AsFd, (uid, gid): (u32, u32)) {
    let Ok(stat) = rustix::fs::fstat(&file) else { return };
    if (stat.st_uid, stat.st_gid) != (uid, gid) {
        rustix::fs::fchown(&file, Some(Uid::from_raw(uid)), Some(Gid::from_raw(gid))).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn a_link_is_refused_as_a_file_and_as_a_folder_on_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), "s").unwrap();
        symlink(outside.path(), folder.path().join("dir")).unwrap();
        symlink(outside.path().join("secret"), folder.path().join("file")).unwrap();
        let tree = Beneath::open(folder.path()).unwrap();

        let through = tree.read(Path::new("dir/secret"), 10).unwrap_err();
        let direct = tree.read(Path::new("file"), 10).unwrap_err();
        let created = tree.place_created(Path::new("dir/new/file"), &mut Vec::new()).unwrap_err();

        assert!(matches!(through, RepoError::NotAFile { found: "below a link or a file", .. }), "{through}");
        assert!(matches!(direct, RepoError::NotAFile { found: "a symbolic link", .. }), "{direct}");
        assert!(matches!(created, RepoError::NotAFile { .. }), "{created}");
        assert!(!outside.path().join("new").exists());
    }

    #[test]
    fn a_pipe_is_refused_without_waiting_for_its_other_end() {
        let folder = tempfile::tempdir().unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, folder.path().join("pipe"), FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        let tree = Beneath::open(folder.path()).unwrap();

        let error = tree.read(Path::new("pipe"), 10).unwrap_err();

        assert!(matches!(error, RepoError::NotAFile { found: "a named pipe", .. }), "{error}");
    }

    #[test]
    fn writing_keeps_the_mode_and_leaves_nothing_else_behind() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("run.sh");
        std::fs::write(&script, "old").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o751)).unwrap();
        let tree = Beneath::open(folder.path()).unwrap();

        tree.place(Path::new("run.sh")).unwrap().unwrap().write(b"new").unwrap();

        assert_eq!(std::fs::read(&script).unwrap(), b"new");
        assert_eq!(script.metadata().unwrap().permissions().mode() & 0o777, 0o751);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_over_the_cap_is_refused_with_its_size() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("big"), "12345").unwrap();
        let tree = Beneath::open(folder.path()).unwrap();

        let error = tree.read(Path::new("big"), 4).unwrap_err();

        assert!(matches!(error, RepoError::TooLarge { size: 5, max: 4, .. }), "{error}");
    }
}
