//! Keeps an eye on what the kernel does not limit: the memory of a whole command, and what is left of the disk.

use std::collections::HashMap;
use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{StatVfs, fstatvfs, statvfs};
use rustix::process::Pid;

use super::layout::Layout;
use super::processes::descendants;
use crate::wire::WireLimits;

/// Where files live in memory that only this command can use.
const IN_MEMORY: [&str; 2] = ["/tmp", "/dev/shm"];

/// Looks at a command's use of the machine, as often as it is asked to.
pub(super) struct Watcher {
    limits: WireLimits,
    /// Folders of the command's own whose files are memory.
    in_memory: &'static [&'static str],
    disk: Option<Disk>,
}

/// The disk of the tree, and what must stay free on it.
struct Disk {
    tree: OwnedFd,
    floor: Space,
}

/// How much of a disk is free for ordinary users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Space {
    bytes: u64,
    /// `None` where the file system makes room for files as they come.
    inodes: Option<u64>,
}

/// Returns what is said of a command that was stopped for its use of memory.
pub(super) fn too_much_memory(limits: &WireLimits) -> String {
    format!("stopped: more than {} MiB of memory in use", limits.memory_bytes / 1024 / 1024)
}

impl Watcher {
    /// Notes how things are before the command starts.
    pub(super) fn new(limits: &WireLimits, layout: &Layout) -> Self {
        Self {
            limits: limits.clone(),
            in_memory: if layout.has_fresh_root { &IN_MEMORY } else { &[] },
            disk: Disk::open(&layout.tree, limits),
        }
    }

    /// Returns what the command uses too much of, as a note for its output.
    pub(super) fn overuse(&self) -> Option<String> {
        if self.uses_too_much_memory() {
            return Some(too_much_memory(&self.limits));
        }
        self.disk.as_ref().and_then(Disk::shortage)
    }

    fn uses_too_much_memory(&self) -> bool {
        let mut hidden = HashMap::new();
        let mut bytes = detached_segments();
        for folder in self.in_memory {
            bytes = bytes.saturating_add(used_in(Path::new(folder)));
        }
        for pid in descendants() {
            bytes = bytes.saturating_add(memory_of(pid));
            hidden.extend(hidden_files_of(pid));
            if bytes > self.limits.memory_bytes {
                return true;
            }
        }
        hidden.into_values().fold(bytes, u64::saturating_add) > self.limits.memory_bytes
    }
}

impl Disk {
    /// A disk that cannot be measured is not watched.
    fn open(tree: &Path, limits: &WireLimits) -> Option<Self> {
        let tree = OwnedFd::from(File::open(tree).ok()?);
        let now = Space::of(&fstatvfs(&tree).ok()?);
        let wanted = Space { bytes: limits.free_disk_bytes, inodes: Some(limits.free_inodes) };
        Some(Self { tree, floor: now.floor(wanted) })
    }

    fn shortage(&self) -> Option<String> {
        let now = Space::of(&fstatvfs(self.tree.as_fd()).ok()?);
        if now.bytes < self.floor.bytes {
            return Some(format!("stopped: less than {} MiB left on the disk", self.floor.bytes / 1024 / 1024));
        }
        match (now.inodes, self.floor.inodes) {
            (Some(left), Some(floor)) if left < floor => {
                Some(format!("stopped: the disk has room for less than {floor} more files"))
            }
            _ => None,
        }
    }
}

impl Space {
    fn of(disk: &StatVfs) -> Self {
        Self { bytes: disk.f_bavail.saturating_mul(disk.f_frsize), inodes: (disk.f_files > 0).then_some(disk.f_favail) }
    }

    /// Returns what must stay free: what is wanted, or half of what there is where that is less than wanted, so that a
    /// command can still run on a disk that is nearly full.
    fn floor(self, wanted: Self) -> Self {
        let floor = |now: u64, wanted: u64| if now > wanted { wanted } else { now / 2 };
        let inodes = self.inodes.zip(wanted.inodes).map(|(now, wanted)| floor(now, wanted));
        Self { bytes: floor(self.bytes, wanted.bytes), inodes }
    }
}

fn used_in(folder: &Path) -> u64 {
    statvfs(folder).map_or(0, |disk| disk.f_blocks.saturating_sub(disk.f_bfree).saturating_mul(disk.f_frsize))
}

/// Returns a process's share of memory, or all of its resident memory where the kernel does not tell shares.
fn memory_of(pid: Pid) -> u64 {
    let proc = format!("/proc/{}", pid.as_raw_pid());
    let read = |name: &str| fs::read_to_string(format!("{proc}/{name}")).unwrap_or_default();
    kibibytes(&read("smaps_rollup"), "Pss:").or_else(|| kibibytes(&read("status"), "VmRSS:")).unwrap_or(0) * 1024
}

/// Returns the nameless files in memory that a process holds open, each by its number with its size. Only what is mapped
/// counts as a process's memory, so without this a command could fill the machine by writing to them. What is mapped is
/// counted twice, on the safe side.
fn hidden_files_of(pid: Pid) -> Vec<(u64, u64)> {
    let Ok(files) = fs::read_dir(format!("/proc/{}/fd", pid.as_raw_pid())) else {
        return Vec::new();
    };
    let paths = files.flatten().map(|file| file.path());
    let hidden =
        paths.filter(|path| fs::read_link(path).is_ok_and(|link| link.as_os_str().as_bytes().starts_with(b"/memfd:")));
    let sized = hidden.filter_map(|path| fs::metadata(path).ok());
    sized.map(|file| (file.ino(), file.blocks().saturating_mul(512))).collect()
}

/// Returns the size of System V segments that no process has attached, and that no process's memory shows therefore.
fn detached_segments() -> u64 {
    fs::read_to_string("/proc/sysvipc/shm").map_or(0, |table| detached_in(&table))
}

/// Adds up the resident bytes of the segments in the kernel's table that nobody has attached.
fn detached_in(table: &str) -> u64 {
    let mut lines = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let names = lines.next().unwrap_or_default();
    let column = |name: &str| names.iter().position(|known| *known == name);
    let (Some(attached), Some(resident)) = (column("nattch"), column("rss")) else {
        return 0;
    };
    let detached = lines.filter(|line| line.get(attached) == Some(&"0"));
    detached.filter_map(|line| line.get(resident)?.parse::<u64>().ok()).sum()
}

/// Reads a line such as `Pss:      1204 kB`.
fn kibibytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_is_read_from_its_own_line() {
        let text = "5 [rollup]\nRss:  2000 kB\nPss:      1204 kB\nPss_Anon: 7 kB\n";
        assert_eq!(kibibytes(text, "Pss:"), Some(1204));
        assert_eq!(kibibytes(text, "VmRSS:"), None);
    }

    #[test]
    fn only_segments_that_nobody_attached_are_added_up() {
        let table = "key shmid perms size cpid lpid nattch uid rss swap\n\
                     0 1 600 8192 7 7 0 1000 4096 0\n\
                     0 2 600 8192 7 7 1 1000 8192 0\n\
                     0 3 600 8192 7 7 0 1000 100 0\n";
        assert_eq!(detached_in(table), 4196);
        assert_eq!(detached_in(""), 0);
    }

    #[test]
    fn a_nearly_full_disk_can_be_filled_by_half() {
        let wanted = Space { bytes: 100, inodes: Some(10) };
        let check = |bytes, inodes, floor| assert_eq!(Space { bytes, inodes }.floor(wanted), floor);
        check(1000, Some(1000), Space { bytes: 100, inodes: Some(10) });
        check(60, Some(12), Space { bytes: 30, inodes: Some(10) });
        check(1000, None, Space { bytes: 100, inodes: None });
    }
}
