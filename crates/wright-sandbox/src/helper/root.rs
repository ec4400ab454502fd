//! Builds the command's own root: an empty file system with an allow-list in it, and nothing of the host behind it.
//!
//! Everything is copied from the host's root first, as detached mounts, and then put in place below the new root by file
//! descriptor. A path is never looked up in the half-built root from outside, so a link in a mounted folder cannot lead a
//! later mount astray.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, symlinkat};
use rustix::io::Errno;
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use rustix::process::{chdir, fchdir, pivot_root};
use rustix::system::sethostname;

use super::identity::Identity;
use super::layout::{
    CREDENTIAL_FILES, DEVICES, ETC_FILES, HOST_NAME, Layout, PROC_HIDDEN_DIRS, PROC_HIDDEN_FILES, SHM_BYTES,
    SYSTEM_DIRS, synthetic_etc,
};
use super::mounts::{self, DEVICE, NO_PRIVILEGES, READ_ONLY, Reach};
use super::refusal::{OrRefuse, Refusal};
use crate::wire::WireLayer;

/// One file in `/tmp` for so many bytes of its size is enough for every program that was tried.
const SCRATCH_BYTES_PER_FILE: u64 = 5 * 1024;

/// How much fits into the root itself.
const ROOT_OPTIONS: &[(&str, &str)] = &[("mode", "0755"), ("size", "4m"), ("nr_inodes", "16k")];

/// Parts of `/proc` that configure the kernel or devices: visible, never writable.
const PROC_READ_ONLY: &[&str] = &["bus", "fs", "irq", "sys", "sysrq-trigger"];

/// Replaces this process's root by one that holds what `layout` lists. `tree` is the tree as a detached mount where its
/// owner has to look different.
pub(super) fn enter(
    layout: &Layout,
    identity: Identity,
    tree: Option<OwnedFd>,
    scratch_bytes: u64,
) -> Result<(), Refusal> {
    let layer = WireLayer::Namespaces;
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)
        .or_blame(layer, "detach the mounts")?;
    let granted = Granted::collect(layout, tree)?;
    let null = mounts::copy_of(Path::new("/dev/null")).or_blame(layer, "copy /dev/null")?;
    let root = NewRoot::create().or_blame(layer, "create a fresh root")?;
    root.add_system(granted.system).or_blame(layer, "add the system folders")?;
    root.add_etc(granted.etc, identity).or_blame(layer, "add /etc")?;
    root.add_dev(granted.devices).or_blame(layer, "add /dev")?;
    root.add_proc(&null).or_blame(layer, "add /proc")?;
    root.add_tmp(scratch_bytes).or_blame(layer, "add /tmp")?;
    root.add_folders(granted.folders, &null).or_blame(layer, "add the tree and the read-only folders")?;
    root.add_aliases(granted.aliases).or_blame(layer, "add links to the granted folders")?;
    sethostname(HOST_NAME.as_bytes()).or_blame(layer, "set the host name")?;
    root.become_root().or_blame(layer, "switch to the fresh root")
}

/// What is taken over from the host, still attached to nothing.
struct Granted {
    system: Vec<Entry>,
    etc: Vec<Entry>,
    devices: Vec<Entry>,
    folders: Vec<Folder>,
    aliases: Vec<Alias>,
}

/// A granted folder's name that goes through links, and its real one. Both work inside.
struct Alias {
    given: PathBuf,
    real: PathBuf,
}

/// Something of the host that reappears under the same path.
struct Entry {
    path: PathBuf,
    content: Content,
}

enum Content {
    Mount(OwnedFd),
    Link(PathBuf),
}

/// A folder named by the policy.
struct Folder {
    path: PathBuf,
    mount: OwnedFd,
    credentials: Vec<&'static str>,
    /// Folders in it that must keep their names.
    pinned: Vec<PathBuf>,
}

impl Granted {
    fn collect(layout: &Layout, tree: Option<OwnedFd>) -> Result<Self, Refusal> {
        let layer = WireLayer::Namespaces;
        let system = SYSTEM_DIRS.iter().map(PathBuf::from);
        let etc = ETC_FILES.iter().map(|name| Path::new("/etc").join(name));
        let devices = DEVICES.iter().map(|name| Path::new("/dev").join(name));
        Ok(Self {
            system: entries(system, READ_ONLY).or_blame(layer, "copy the system folders")?,
            etc: entries(etc, READ_ONLY).or_blame(layer, "copy /etc")?,
            devices: entries(devices, DEVICE).or_blame(layer, "copy the devices")?,
            folders: folders(layout, tree).or_blame(layer, "copy the tree and the read-only folders")?,
            aliases: aliases(layout),
        })
    }
}

fn entries(paths: impl Iterator<Item = PathBuf>, attributes: u64) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for path in paths {
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        let content = if metadata.is_symlink() {
            Content::Link(fs::read_link(&path)?)
        } else {
            let mount = mounts::copy_of(&path)?;
            mounts::restrict(&mount, attributes, Reach::WithBelow)?;
            Content::Mount(mount)
        };
        entries.push(Entry { path, content });
    }
    Ok(entries)
}

fn aliases(layout: &Layout) -> Vec<Alias> {
    let given = layout.read_only.iter().chain([&layout.tree_as_given]);
    given
        .filter_map(|given| {
            let real = given.canonicalize().ok()?;
            (&real != given).then(|| Alias { given: given.clone(), real })
        })
        .collect()
}

/// Returns the tree and the read-only folders, outer ones before those inside them.
fn folders(layout: &Layout, tree: Option<OwnedFd>) -> io::Result<Vec<Folder>> {
    let tree = match tree {
        Some(mount) => mount,
        None => {
            let mount = mounts::copy_of(&layout.tree)?;
            mounts::restrict(&mount, NO_PRIVILEGES, Reach::WithBelow)?;
            mount
        }
    };
    let mut folders = Vec::new();
    for path in &layout.read_only {
        folders.push(read_only_folder(layout, path)?);
    }
    let pinned = parents_within(&layout.tree, folders.iter().map(|folder: &Folder| folder.path.as_path()));
    folders.push(Folder { path: layout.tree.clone(), mount: tree, credentials: Vec::new(), pinned });
    folders.sort_by_key(|folder| folder.path.components().count());
    Ok(folders)
}

fn read_only_folder(layout: &Layout, path: &Path) -> io::Result<Folder> {
    let beneath_tree = path.strip_prefix(&layout.tree).or_else(|_| path.strip_prefix(&layout.tree_as_given));
    // An earlier command may have planted a link in the tree, so a path in there is not resolved but walked.
    let (path, mount) = match beneath_tree {
        Ok(beneath) => (layout.tree.join(beneath), mounts::copy_beneath(&layout.tree, beneath)?),
        Err(_) => {
            let path = path.canonicalize()?;
            let mount = mounts::copy_of(&path)?;
            (path, mount)
        }
    };
    mounts::restrict(&mount, READ_ONLY, Reach::WithBelow)?;
    let credentials = CREDENTIAL_FILES.iter().copied().filter(|name| path.join(name).is_file()).collect();
    Ok(Folder { path, mount, credentials, pinned: Vec::new() })
}

/// Returns the folders between `tree` and each of `paths`, outer ones first.
fn parents_within<'a>(tree: &Path, paths: impl Iterator<Item = &'a Path>) -> Vec<PathBuf> {
    let is_within = |path: &&Path| path.starts_with(tree) && *path != tree;
    let parents = paths.filter(is_within).flat_map(|path| path.ancestors().skip(1).take_while(is_within));
    let parents: BTreeSet<PathBuf> = parents.map(Path::to_path_buf).collect();
    parents.into_iter().collect()
}

/// The root being built.
struct NewRoot {
    dir: OwnedFd,
}

impl NewRoot {
    /// Creates an empty root and attaches it where it hides nothing that is still needed.
    fn create() -> io::Result<Self> {
        let dir = mounts::fresh(c"tmpfs", ROOT_OPTIONS, NO_PRIVILEGES)?;
        let place = ["/tmp", "/mnt", "/usr"].into_iter().find(|path| Path::new(path).is_dir()).unwrap_or("/");
        let place = openat(rustix::fs::CWD, place, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
        mounts::attach(&dir, place)?;
        Ok(Self { dir })
    }

    fn add_system(&self, system: Vec<Entry>) -> io::Result<()> {
        system.into_iter().try_for_each(|entry| self.add(entry))
    }

    fn add_etc(&self, etc: Vec<Entry>, identity: Identity) -> io::Result<()> {
        for (name, text) in synthetic_etc(identity.uid, identity.gid) {
            let file = self.file(&Path::new("etc").join(name))?;
            File::from(file).write_all(text.as_bytes())?;
        }
        etc.into_iter().try_for_each(|entry| self.add(entry))
    }

    fn add_dev(&self, devices: Vec<Entry>) -> io::Result<()> {
        devices.into_iter().try_for_each(|entry| self.add(entry))?;
        let size = SHM_BYTES.to_string();
        self.add_fresh("dev/shm", c"tmpfs", &[("mode", "1777"), ("size", &size), ("nr_inodes", "16k")])?;
        let links = [
            ("fd", "/proc/self/fd"),
            ("stdin", "/proc/self/fd/0"),
            ("stdout", "/proc/self/fd/1"),
            ("stderr", "/proc/self/fd/2"),
        ];
        for (name, target) in links {
            self.link(&Path::new("dev").join(name), Path::new(target))?;
        }
        self.add_terminals();
        Ok(())
    }

    /// Adds pseudo-terminals of the sandbox's own, where the kernel allows it. Some tests want them, no wall depends on them.
    fn add_terminals(&self) {
        let options = [("mode", "0620"), ("ptmxmode", "0666")];
        let Ok(terminals) = mounts::fresh(c"devpts", &options, DEVICE) else {
            return;
        };
        let added = self.folder(Path::new("dev/pts")).and_then(|place| mounts::attach(terminals, place));
        if added.is_ok() {
            let _ = self.link(Path::new("dev/ptmx"), Path::new("pts/ptmx"));
        }
    }

    fn add_proc(&self, null: &OwnedFd) -> io::Result<()> {
        let attributes = NO_PRIVILEGES | libc::MOUNT_ATTR_NOEXEC;
        let proc = mounts::fresh(c"proc", &[], attributes)?;
        mounts::attach(&proc, self.folder(Path::new("proc"))?)?;
        for name in PROC_READ_ONLY {
            let copy = match mounts::copy_at(&proc, Path::new(name)) {
                Ok(copy) => copy,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            mounts::restrict(&copy, attributes | READ_ONLY, Reach::WithBelow)?;
            mounts::attach(copy, self.open(&Path::new("proc").join(name))?)?;
        }
        for name in PROC_HIDDEN_FILES {
            self.hide(&Path::new("proc").join(name), null)?;
        }
        for name in PROC_HIDDEN_DIRS {
            if let Ok(place) = self.open(&Path::new("proc").join(name)) {
                mounts::attach(mounts::fresh(c"tmpfs", &[("size", "4k")], READ_ONLY)?, place)?;
            }
        }
        Ok(())
    }

    fn add_tmp(&self, n_bytes: u64) -> io::Result<()> {
        // A size of 0 would mean no limit at all.
        let n_bytes = n_bytes.max(SCRATCH_BYTES_PER_FILE * 64);
        let (size, n_inodes) = (n_bytes.to_string(), (n_bytes / SCRATCH_BYTES_PER_FILE).to_string());
        self.add_fresh("tmp", c"tmpfs", &[("mode", "1777"), ("size", &size), ("nr_inodes", &n_inodes)])
    }

    fn add_fresh(&self, path: &str, kind: &CStr, options: &[(&str, &str)]) -> io::Result<()> {
        let mount = mounts::fresh(kind, options, NO_PRIVILEGES)?;
        mounts::attach(mount, self.folder(Path::new(path))?)
    }

    fn add_folders(&self, folders: Vec<Folder>, null: &OwnedFd) -> io::Result<()> {
        for folder in folders {
            let place = self.place_for(&folder.path, &folder.mount)?;
            mounts::attach(folder.mount, place)?;
            for pinned in folder.pinned {
                self.pin(&pinned)?;
            }
            for name in folder.credentials {
                self.hide(&folder.path.join(name), null)?;
            }
        }
        Ok(())
    }

    /// Makes a folder a mount of its own, which cannot be renamed. The parent of a protected folder could be moved away
    /// otherwise, and another one put in its place.
    fn pin(&self, path: &Path) -> io::Result<()> {
        let place = self.open(path)?;
        mounts::attach(mounts::copy_at(&place, Path::new(""))?, place)
    }

    fn add_aliases(&self, aliases: Vec<Alias>) -> io::Result<()> {
        for alias in aliases {
            if self.open(&alias.given).is_err() {
                self.link(&alias.given, &alias.real)?;
            }
        }
        Ok(())
    }

    /// Makes this root the process's root and forgets the host's.
    fn become_root(self) -> io::Result<()> {
        mounts::restrict(&self.dir, READ_ONLY, Reach::Itself)?;
        fchdir(&self.dir)?;
        pivot_root(".", ".")?;
        unmount(".", UnmountFlags::DETACH)?;
        chdir("/")?;
        Ok(())
    }

    fn add(&self, entry: Entry) -> io::Result<()> {
        match entry.content {
            Content::Link(target) => self.link(&entry.path, &target),
            Content::Mount(mount) => {
                let place = self.place_for(&entry.path, &mount)?;
                mounts::attach(mount, place)
            }
        }
    }

    /// Returns a folder or an empty file at `path`, whichever `mount` needs.
    fn place_for(&self, path: &Path, mount: &OwnedFd) -> io::Result<OwnedFd> {
        let stat = rustix::fs::fstat(mount)?;
        if FileType::from_raw_mode(stat.st_mode).is_dir() {
            self.folder(path)
        } else {
            drop(self.file(path)?);
            self.open(path)
        }
    }

    /// Covers a file with nothing, if it exists.
    fn hide(&self, path: &Path, null: &OwnedFd) -> io::Result<()> {
        let Ok(place) = self.open(path) else {
            return Ok(());
        };
        let cover = mounts::copy_at(null, Path::new(""))?;
        mounts::restrict(&cover, DEVICE | libc::MOUNT_ATTR_RDONLY, Reach::Itself)?;
        mounts::attach(cover, place)
    }

    /// Opens what is at `path` in the new root, as a process inside would see it.
    fn open(&self, path: &Path) -> io::Result<OwnedFd> {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        Ok(openat2(&self.dir, path, flags, Mode::empty(), resolve)?)
    }

    /// Returns the folder at `path`, creating what is missing on the way.
    fn folder(&self, path: &Path) -> io::Result<OwnedFd> {
        let mut so_far = PathBuf::from("/");
        let mut folder = self.open(&so_far)?;
        for part in path.components().filter(|part| matches!(part, Component::Normal(_))) {
            so_far.push(part);
            folder = match self.open(&so_far) {
                Ok(existing) => existing,
                Err(_) => {
                    mkdirat(&folder, part.as_os_str(), Mode::from_raw_mode(0o755))?;
                    self.open(&so_far)?
                }
            };
        }
        Ok(folder)
    }

    /// Returns the file at `path` open for writing, creating it if it is missing.
    fn file(&self, path: &Path) -> io::Result<OwnedFd> {
        let (folder, name) = self.split(path)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&folder, &name, flags, Mode::from_raw_mode(0o644)) {
            Ok(file) => Ok(file),
            // It lies in something that is mounted read-only, or cannot be written by us: being there is enough.
            Err(Errno::ROFS | Errno::ACCESS | Errno::ISDIR) => self.open(path),
            Err(error) => Err(error.into()),
        }
    }

    fn link(&self, path: &Path, target: &Path) -> io::Result<()> {
        let (folder, name) = self.split(path)?;
        match symlinkat(target, &folder, &name) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn split(&self, path: &Path) -> io::Result<(OwnedFd, PathBuf)> {
        let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let folder = self.folder(path.parent().unwrap_or(Path::new("/")))?;
        Ok((folder, PathBuf::from(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parents_of_protected_parts_are_found_outer_ones_first() {
        let check = |paths: &[&str], parents: &[&str]| {
            let found = parents_within(Path::new("/tree"), paths.iter().map(Path::new));
            let parents: Vec<PathBuf> = parents.iter().map(PathBuf::from).collect();
            assert_eq!(found, parents, "{paths:?}");
        };
        check(&["/usr/lib", "/tree", "/tree/a"], &[]);
        check(&["/tree/a/b/c", "/tree/a/d"], &["/tree/a", "/tree/a/b"]);
    }
}
