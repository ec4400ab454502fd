//! Lets a command that is not root change a tree that belongs to someone else, and gives the files back.
//!
//! An idmapped mount does it without touching a file: on disk everything keeps belonging to the tree's owner. Where the file
//! system has none, the tree is handed over for the time of the command. Files with more than one name are left alone then:
//! their other name may lie in a store that is shared with other projects.

use std::ffi::CString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, fstat, openat, statat};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

use super::identity::Identity;
use super::mounts::{self, Reach};
use super::processes::{Forked, exit_now, fork_into};

/// How the command comes to own the tree.
pub(super) enum Ownership {
    /// It is the owner already.
    Same,
    /// Through this mount, which is attached to nothing yet.
    Idmapped(OwnedFd),
    /// Its files were handed over.
    HandedOver { tree: PathBuf, owner: Owner, to: Owner },
}

/// A user and a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    fn user(self) -> Uid {
        Uid::from_raw(self.uid)
    }

    fn group(self) -> Gid {
        Gid::from_raw(self.gid)
    }
}

impl Ownership {
    /// Makes the tree the command's own, by a mount if `may_mount` and the file system allow it.
    pub(super) fn arrange(tree: &Path, identity: Identity, may_mount: bool) -> io::Result<Self> {
        if !identity.is_dropped() {
            return Ok(Self::Same);
        }
        let metadata = fs::metadata(tree)?;
        let owner = Owner { uid: metadata.uid(), gid: metadata.gid() };
        let to = Owner { uid: identity.uid, gid: identity.gid };
        if may_mount && let Ok(mount) = idmapped(tree, owner, to) {
            return Ok(Self::Idmapped(mount));
        }
        hand_over(tree, owner, to)?;
        Ok(Self::HandedOver { tree: tree.to_owned(), owner, to })
    }

    /// Returns the mount through which the tree has to be seen, if there is one.
    pub(super) fn into_mount(self) -> Option<OwnedFd> {
        match self {
            Self::Idmapped(mount) => Some(mount),
            Self::Same | Self::HandedOver { .. } => None,
        }
    }

    /// Gives handed-over files back. Call it when nothing of the command is left.
    pub(super) fn restore(self) -> io::Result<()> {
        match self {
            Self::Same | Self::Idmapped(_) => Ok(()),
            Self::HandedOver { tree, owner, to } => hand_over(&tree, to, owner),
        }
    }
}

/// Returns the tree as a mount in which `owner` looks like `to`, and everyone else like themselves.
fn idmapped(tree: &Path, owner: Owner, to: Owner) -> io::Result<OwnedFd> {
    let mount = mounts::copy_of(tree)?;
    let swapped = user_namespace(&swap_map(owner.uid, to.uid), &swap_map(owner.gid, to.gid));
    let alone = || user_namespace(&format!("{} {} 1", owner.uid, to.uid), &format!("{} {} 1", owner.gid, to.gid));
    let namespace = swapped.or_else(|_| alone())?;
    mounts::set_id_map(&mount, &namespace)?;
    mounts::restrict(&mount, mounts::NO_PRIVILEGES, Reach::WithBelow)?;
    Ok(mount)
}

/// Returns an id map in which `from` on disk appears as `to`, `to` does not exist, and every other id is itself.
fn swap_map(from: u32, to: u32) -> String {
    let (low, high) = (from.min(to), from.max(to));
    let same = |first: u32, end: u32| (first < end).then(|| format!("{first} {first} {}\n", end - first));
    let lines = [same(0, low), Some(format!("{from} {to} 1\n")), same(low + 1, high), same(high + 1, u32::MAX)];
    lines.into_iter().flatten().collect()
}

/// Returns a new user namespace with the given maps. Only the namespace lives on; the process that held it is gone.
fn user_namespace(uid_map: &str, gid_map: &str) -> io::Result<OwnedFd> {
    let (until_closed, hold) = pipe_with(PipeFlags::CLOEXEC)?;
    match fork_into(libc::CLONE_NEWUSER)? {
        Forked::Child => {
            drop(hold);
            let _ = File::from(until_closed).read(&mut [0]);
            exit_now(0)
        }
        Forked::Parent(pid) => {
            let namespace = map_and_open(pid, uid_map, gid_map);
            let _ = kill_process(pid, Signal::KILL);
            waitpid(Some(pid), WaitOptions::empty())?;
            namespace
        }
    }
}

fn map_and_open(pid: Pid, uid_map: &str, gid_map: &str) -> io::Result<OwnedFd> {
    let proc = PathBuf::from(format!("/proc/{}", pid.as_raw_pid()));
    fs::write(proc.join("uid_map"), uid_map)?;
    fs::write(proc.join("gid_map"), gid_map)?;
    Ok(File::open(proc.join("ns/user"))?.into())
}

/// Changes the owner of `tree` and of everything below it that belongs to `from`. No link is followed, not even one that is
/// put in place while this runs. Folders may be nested deeper than files can be open, so only one of them is open at a time.
fn hand_over(tree: &Path, from: Owner, to: Owner) -> io::Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut dir = rustix::fs::open(tree, flags - OFlags::NOFOLLOW, Mode::empty())?;
    if fstat(&dir)?.st_uid == from.uid {
        rustix::fs::fchown(&dir, Some(to.user()), Some(to.group()))?;
    }
    let mut parents = Vec::new();
    let mut pending = vec![hand_over_entries(&dir, from, to)?];
    while let Some(folders) = pending.last_mut() {
        if let Some(name) = folders.pop() {
            let folder = openat(&dir, &name, flags, Mode::empty())?;
            parents.push(number_of(&dir)?);
            dir = folder;
            pending.push(hand_over_entries(&dir, from, to)?);
            continue;
        }
        pending.pop();
        let Some(expected) = parents.pop() else {
            break;
        };
        dir = openat(&dir, "..", flags, Mode::empty())?;
        if number_of(&dir)? != expected {
            return Err(io::Error::other("a folder was moved meanwhile"));
        }
    }
    Ok(())
}

/// Changes the owner of what is in a folder. Returns the folders in it.
fn hand_over_entries(dir: &OwnedFd, from: Owner, to: Owner) -> io::Result<Vec<CString>> {
    let mut folders = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let stat = statat(dir, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_dir = FileType::from_raw_mode(stat.st_mode).is_dir();
        let is_shared = !is_dir && stat.st_nlink > 1;
        if stat.st_uid == from.uid && !is_shared {
            chownat(dir, name, Some(to.user()), Some(to.group()), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        if is_dir {
            folders.push(name.to_owned());
        }
    }
    Ok(folders)
}

/// Returns what tells a folder from every other one.
fn number_of(dir: &OwnedFd) -> io::Result<(u64, u64)> {
    let stat = fstat(dir)?;
    Ok((stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_map_moves_one_id_and_keeps_the_others() {
        assert_eq!(swap_map(0, 7), "0 7 1\n1 1 6\n8 8 4294967287\n");
        assert_eq!(swap_map(5, 7), "0 0 5\n5 7 1\n6 6 1\n8 8 4294967287\n");
        assert_eq!(swap_map(7, 5), "0 0 5\n7 5 1\n6 6 1\n8 8 4294967287\n");
    }

    #[test]
    fn only_files_with_one_name_change_hands() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name);
        fs::create_dir(file("sub")).unwrap();
        fs::write(file("sub/own"), "").unwrap();
        fs::write(file("shared"), "").unwrap();
        fs::hard_link(file("shared"), file("sub/shared")).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", file("link")).unwrap();
        let (root, other) = (Owner { uid: 0, gid: 0 }, Owner { uid: 61_234, gid: 61_234 });
        hand_over(dir.path(), root, other).unwrap();
        let uid = |path: &Path| fs::symlink_metadata(path).unwrap().uid();
        let owners = ["sub", "sub/own", "link", "shared"].map(|name| uid(&file(name)));
        assert_eq!(owners, [61_234, 61_234, 61_234, 0]);
        assert_eq!(uid(Path::new("/etc/passwd")), 0);
        hand_over(dir.path(), other, root).unwrap();
        assert_eq!(uid(&file("sub/own")), 0);
    }

    #[test]
    fn folders_may_be_nested_deeper_than_files_can_be_open() {
        let dir = tempfile::tempdir().unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut folder = rustix::fs::open(dir.path(), flags, Mode::empty()).unwrap();
        for _ in 0..3000 {
            rustix::fs::mkdirat(&folder, "a", Mode::from_raw_mode(0o755)).unwrap();
            folder = openat(&folder, "a", flags, Mode::empty()).unwrap();
        }
        let metadata = fs::metadata(dir.path()).unwrap();
        let own = Owner { uid: metadata.uid(), gid: metadata.gid() };
        hand_over(dir.path(), own, own).unwrap();
        let removed = std::process::Command::new("rm").arg("-r").arg(dir.path().join("a")).status();
        assert!(removed.unwrap().success());
    }
}
