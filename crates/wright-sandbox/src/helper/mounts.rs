//! The kernel's mount calls, as used here: every mount is made detached, restricted, and only then attached.
//!
//! A mount that is attached first and restricted later is open for a moment; one that never was attached is not.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_string,
    fsmount, fsopen, move_mount, open_tree,
};

/// No set-user-id programs and no devices.
pub(super) const NO_PRIVILEGES: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV;

/// [`NO_PRIVILEGES`], and nothing can be changed.
pub(super) const READ_ONLY: u64 = NO_PRIVILEGES | libc::MOUNT_ATTR_RDONLY;

/// A device that can be opened, but nothing else.
pub(super) const DEVICE: u64 = libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC;

/// Whether a change holds for the mounts below as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// This mount alone.
    Itself,
    /// It and every mount below it.
    WithBelow,
}

/// Returns a detached copy of what is visible at `path`, with the mounts below it.
pub(super) fn copy_of(path: &Path) -> io::Result<OwnedFd> {
    copy_at(CWD, path)
}

/// Returns a detached copy of what is visible at `path` below `dir`; an empty path means `dir` itself.
pub(super) fn copy_at(dir: impl AsFd, path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE
        | OpenTreeFlags::OPEN_TREE_CLOEXEC
        | OpenTreeFlags::AT_RECURSIVE
        | OpenTreeFlags::AT_EMPTY_PATH;
    Ok(open_tree(dir, path, flags)?)
}

/// Returns a detached copy of `path`, which must lie below `dir` and pass through no link.
pub(super) fn copy_beneath(dir: &Path, path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let dir = rustix::fs::open(dir, flags | OFlags::DIRECTORY, Mode::empty())?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let file = openat2(dir, path, flags, Mode::empty(), resolve)?;
    copy_at(file, Path::new(""))
}

/// Returns a new, detached file system of the given type.
pub(super) fn fresh(kind: &CStr, options: &[(&str, &str)], attributes: u64) -> io::Result<OwnedFd> {
    let context = fsopen(kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    for (key, value) in options {
        fsconfig_set_string(context.as_fd(), *key, *value)?;
    }
    fsconfig_create(context.as_fd())?;
    let mount = fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())?;
    restrict(&mount, attributes, Reach::Itself)?;
    Ok(mount)
}

/// Attaches a detached mount over `target`.
pub(super) fn attach(mount: impl AsFd, target: impl AsFd) -> io::Result<()> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    Ok(move_mount(mount, c"", target, c"", flags)?)
}

/// Adds `attributes` to a mount.
pub(super) fn restrict(mount: &OwnedFd, attributes: u64, reach: Reach) -> io::Result<()> {
    set_attributes(mount, attributes, 0, reach)
}

/// Shows a detached mount's owners through the id map of a user namespace.
pub(super) fn set_id_map(mount: &OwnedFd, namespace: &OwnedFd) -> io::Result<()> {
    let namespace = u64::try_from(namespace.as_raw_fd()).map_err(io::Error::other)?;
    set_attributes(mount, libc::MOUNT_ATTR_IDMAP, namespace, Reach::Itself)
}

fn set_attributes(mount: &OwnedFd, attributes: u64, namespace: u64, reach: Reach) -> io::Result<()> {
    let change = libc::mount_attr { attr_set: attributes, attr_clr: 0, propagation: 0, userns_fd: namespace };
    let flags = match reach {
        Reach::Itself => libc::AT_EMPTY_PATH,
        Reach::WithBelow => libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
    };
    // SAFETY: the path is a C string, and `change` is a whole `mount_attr` of the size that is passed along.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
