//! Reads and writes below a folder without ever following a link.
//!
//! The kernel resolves each path below an open folder and refuses every link on the way (`openat2`), so there is no moment
//! between a check and its use in which someone could swap a folder for a link. Where the kernel cannot, each component is
//! opened relative to the one before it and refused when it is a link. Paths are checked by [`path_rules`] first.
//!
//! What is read is a regular file of a size we allow, opened without waiting for anything. In a tree that someone else
//! works in ([`Beneath::open_untrusted`]) a file with a second name is refused too: the other name may be outside.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use rustix::fs::{AtFlags, FileType, Gid, Mode, OFlags, RawMode, Stat, Uid};
use rustix::io::Errno;

use crate::{RepoError, path_rules};

/// What names of our own files begin with while a change is under way.
pub(crate) const TEMPORARY_PREFIX: &str = ".wright-";

/// How a folder is opened.
pub(crate) const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
/// How a file is opened: a named pipe would make the call wait without `NONBLOCK`.
pub(crate) const READ: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
/// How a regular file is created where nothing may be yet.
pub(crate) const CREATE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A folder whose content is reached without following links.
#[derive(Debug)]
pub(crate) struct Beneath {
    dir: OwnedFd,
    trust: Trust,
}

/// Whose files lie below a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    /// The user's own, who may give a file as many names as they like.
    User,
    /// Those of someone whose commands we run.
    Untrusted,
}

/// What a file is called that has a second name somewhere.
pub(crate) const SHARED: &str = "a file with a second name, which may be outside";

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
    /// Whether the file has another name somewhere.
    is_shared: bool,
}

impl Beneath {
    /// Opens the folder; links on the way *to* it are the caller's own affair.
    pub(crate) fn open(root: &Path) -> Result<Self, RepoError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = rustix::fs::open(root, flags, Mode::empty()).map_err(RepoError::io("open the folder", root))?;
        Ok(Self { dir, trust: Trust::User })
    }

    /// Opens a folder that someone else works in; of files with several names, none is read.
    pub(crate) fn open_untrusted(root: &Path) -> Result<Self, RepoError> {
        Ok(Self { trust: Trust::Untrusted, ..Self::open(root)? })
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
        let Some(found) = self.find(path)? else { return Ok(None) };
        if self.trust == Trust::Untrusted && found.is_shared {
            return Err(RepoError::NotAFile { path: path.to_path_buf(), found: SHARED });
        }
        found.read(path, max_bytes).map(Some)
    }

    fn walk(&self, path: &Path, created: &mut Vec<PathBuf>, missing: OnMissing) -> Result<Option<Place>, RepoError> {
        path_rules::check(path)?;
        let Some(name) = path.file_name() else {
            return Err(RepoError::UnsafePath { path: path.to_path_buf(), reason: "it is empty" });
        };
        let folder = path.parent().unwrap_or(Path::new(""));
        let opened = match open_beneath(&self.dir, folder, FOLDER) {
            Err(Errno::NOENT) if matches!(missing, OnMissing::Create) => self.create_folders(folder, created),
            opened => opened.map_err(|error| (error, folder.to_path_buf())),
        };
        match opened {
            Ok(dir) => Ok(Some(Place { dir, name: name.to_owned(), path: path.to_path_buf() })),
            Err((Errno::NOENT, _)) if matches!(missing, OnMissing::Stop) => Ok(None),
            Err((Errno::NOTDIR | Errno::LOOP | Errno::XDEV, _)) => {
                Err(RepoError::NotAFile { path: path.to_path_buf(), found: "below a link or a file" })
            }
            Err((error, at)) => Err(RepoError::io("open the folder", &at)(error)),
        }
    }

    /// Makes the folders that are missing, one below the other; on an error says where.
    fn create_folders(&self, folder: &Path, created: &mut Vec<PathBuf>) -> Result<OwnedFd, (Errno, PathBuf)> {
        let mut dir = rustix::io::fcntl_dupfd_cloexec(&self.dir, 0).map_err(|error| (error, PathBuf::new()))?;
        let mut so_far = PathBuf::new();
        for name in folder.components().map(Component::as_os_str) {
            so_far.push(name);
            let failed = |error| (error, so_far.clone());
            dir = match open_beneath(&dir, Path::new(name), FOLDER) {
                Err(Errno::NOENT) => {
                    rustix::fs::mkdirat(&dir, name, Mode::from_raw_mode(0o777)).map_err(failed)?;
                    created.push(so_far.clone());
                    let opened = open_beneath(&dir, Path::new(name), FOLDER).map_err(failed)?;
                    copy_owner(&dir, &opened);
                    opened
                }
                opened => opened.map_err(failed)?,
            };
        }
        Ok(dir)
    }
}

/// Opens what is at `path` below `dir`, which must exist, without following a link anywhere on the way.
///
/// The path must be free of `..`, see [`path_rules`]; an empty one is the folder itself.
pub(crate) fn open_beneath(dir: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    if path.as_os_str().is_empty() {
        return rustix::io::fcntl_dupfd_cloexec(dir, 0);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::ResolveFlags;
        const RESOLVE: ResolveFlags =
            ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);
        static IS_MISSING: AtomicBool = AtomicBool::new(false);
        if !IS_MISSING.load(Ordering::Relaxed) {
            match rustix::fs::openat2(dir, path, flags, Mode::empty(), RESOLVE) {
                // A kernel before 5.6, or a container that does not know the call.
                Err(Errno::NOSYS | Errno::PERM) => IS_MISSING.store(true, Ordering::Relaxed),
                opened => return opened,
            }
        }
    }
    open_stepwise(dir, path, flags)
}

/// Does the same with one call for each component.
fn open_stepwise(dir: &OwnedFd, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut above = rustix::io::fcntl_dupfd_cloexec(dir, 0)?;
    for component in folder.components() {
        match component {
            Component::Normal(name) => above = rustix::fs::openat(&above, name, FOLDER, Mode::empty())?,
            _ => return Err(Errno::XDEV),
        }
    }
    match path.components().next_back() {
        Some(Component::Normal(name)) => rustix::fs::openat(&above, name, flags | OFlags::NOFOLLOW, Mode::empty()),
        _ => Err(Errno::XDEV),
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
        let opened = match open_beneath(&self.dir, Path::new(&self.name), READ) {
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
            is_shared: stat.st_nlink > 1,
        }))
    }

    /// Returns where the symbolic link leads.
    pub(crate) fn link(&self) -> Result<String, RepoError> {
        let target = rustix::fs::readlinkat(&self.dir, &self.name, Vec::new());
        let target = target.map_err(RepoError::io("read the link", &self.path))?;
        Ok(target.to_string_lossy().into_owned())
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

/// Reads a file by its path, in a folder whose links may be followed: an environment of packages, or what a command left
/// that has ended. Nothing comes of anything but a regular file that is no link and has at most `max_bytes`; a device or a
/// pipe is not waited for.
pub fn read_regular(path: &Path, max_bytes: u64) -> Option<Vec<u8>> {
    let file = File::from(rustix::fs::open(path, READ, Mode::empty()).ok()?);
    let is_regular = file.metadata().is_ok_and(|it| it.is_file() && it.len() <= max_bytes);
    let mut bytes = Vec::new();
    file.take(if is_regular { max_bytes + 1 } else { 0 }).read_to_end(&mut bytes).ok()?;
    (is_regular && bytes.len() as u64 <= max_bytes).then_some(bytes)
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

impl Found {
    /// Reads at most the first `max_bytes` as text, whatever is not UTF-8 replaced; nothing when they cannot be read.
    pub(crate) fn read_head(self, max_bytes: u64) -> Option<String> {
        let mut bytes = Vec::new();
        self.file.take(max_bytes).read_to_end(&mut bytes).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
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

/// Returns a name for a file of ours that nothing else uses, and that nobody can take beforehand.
pub(crate) fn temporary_name(ending: &str) -> OsString {
    static N_NAMES: AtomicU64 = AtomicU64::new(0);
    let number = N_NAMES.fetch_add(1, Ordering::Relaxed);
    let unknown = RandomState::new().hash_one((number, std::process::id()));
    OsString::from(format!("{TEMPORARY_PREFIX}{unknown:016x}-{number}.{ending}"))
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
    fn only_a_regular_file_of_the_right_size_is_read_by_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a"), "text").unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("zero")).unwrap();
        std::os::unix::fs::symlink(path("a"), path("link")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), FileType::Fifo, Mode::from(0o600), 0).unwrap();
        assert_eq!(read_regular(&path("a"), 4).as_deref(), Some(&b"text"[..]));
        assert_eq!(read_regular(&path("a"), 3), None);
        for name in ["zero", "link", "pipe", "none", "."] {
            assert_eq!(read_regular(&path(name), 100), None, "{name}");
        }
        assert_eq!(read_regular(Path::new("/dev/zero"), 100), None);
    }

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
    fn one_call_and_many_agree_on_what_can_be_opened() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("a/b")).unwrap();
        std::fs::write(folder.path().join("a/b/file"), "x").unwrap();
        symlink("a", folder.path().join("link")).unwrap();
        symlink("file", folder.path().join("a/b/last")).unwrap();
        let tree = Beneath::open(folder.path()).unwrap();
        let kind = |opened: Result<OwnedFd, Errno>| opened.map(|opened| kind(&rustix::fs::fstat(opened).unwrap()));

        for (path, expected) in [
            ("a/b/file", Ok(FileType::RegularFile)),
            ("a/b", Ok(FileType::Directory)),
            ("link", Err(Errno::LOOP)),
            ("a/b/last", Err(Errno::LOOP)),
            ("a/missing", Err(Errno::NOENT)),
            ("a/missing/x", Err(Errno::NOENT)),
            ("/etc", Err(Errno::XDEV)),
            ("..", Err(Errno::XDEV)),
        ] {
            assert_eq!(kind(open_beneath(tree.dir(), Path::new(path), READ)), expected, "{path}");
            assert_eq!(kind(open_stepwise(tree.dir(), Path::new(path), READ)), expected, "{path}");
        }
        assert!(open_beneath(tree.dir(), Path::new("link/b"), READ).is_err());
        assert!(open_stepwise(tree.dir(), Path::new("link/b"), READ).is_err());
    }

    #[test]
    fn a_file_with_a_second_name_is_read_only_where_its_owner_works() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "x").unwrap();
        std::fs::hard_link(folder.path().join("a"), folder.path().join("b")).unwrap();

        let own = Beneath::open(folder.path()).unwrap().read(Path::new("b"), 10).unwrap();
        let error = Beneath::open_untrusted(folder.path()).unwrap().read(Path::new("b"), 10).unwrap_err();

        assert_eq!(own.as_deref(), Some(&b"x"[..]));
        assert!(matches!(error, RepoError::NotAFile { found: SHARED, .. }), "{error}");
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
