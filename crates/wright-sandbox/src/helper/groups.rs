//! Limits for a command as a whole that the kernel keeps: a control group of its own (cgroup v2).
//!
//! A group can be made where somebody lets us: in the nearest group at or above our own that may be written to, and that hands
//! `memory` and `pids` on to its children. Systems with systemd give users such a place. Elsewhere the watcher and the limits
//! of each process have to do. The supervisor stays outside of the group, and puts the first process inside into it before
//! that one does anything.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, getpid};
use rustix::rand::{GetRandomFlags, getrandom};

use crate::wire::WireLimits;

/// What the names of our groups begin with. The process id of the supervisor follows.
const PREFIX: &str = "wright-";

/// The controllers that a group must have.
const CONTROLLERS: [&str; 2] = ["memory", "pids"];

/// The process that reaps the command's processes is one of the group's, beside the command's own.
const N_OWN_PROCESSES: u64 = 1;

/// How long a group may be busy after its last process was killed.
const REMOVE_PATIENCE: Duration = Duration::from_secs(2);

/// A control group for one command.
pub(super) struct Group {
    folder: PathBuf,
}

impl Group {
    /// Makes a group with these limits, in the nearest place that allows it. Says why where there is none.
    pub(super) fn create_anywhere(limits: &WireLimits) -> Result<Self, String> {
        let own = fs::read_to_string("/proc/self/cgroup").map_err(|error| error.to_string())?;
        let mounts = fs::read_to_string("/proc/self/mountinfo").map_err(|error| error.to_string())?;
        let mut why = "there is no cgroup v2".to_owned();
        for parent in places(&own, &mounts) {
            match Self::create(&parent, limits) {
                Ok(group) => return Ok(group),
                Err(error) => why = format!("{}: {error}", parent.display()),
            }
        }
        Err(why)
    }

    /// Makes a group with these limits in `parent`.
    pub(super) fn create(parent: &Path, limits: &WireLimits) -> io::Result<Self> {
        let handed_on = fs::read_to_string(parent.join("cgroup.subtree_control"))?;
        if let Some(missing) = CONTROLLERS.iter().find(|it| !handed_on.split_ascii_whitespace().any(|on| on == **it)) {
            return Err(io::Error::other(format!("it does not hand on `{missing}`")));
        }
        sweep(parent);
        let mut random = [0; 4];
        getrandom(&mut random, GetRandomFlags::empty())?;
        let name = format!("{PREFIX}{}-{:08x}", getpid().as_raw_pid(), u32::from_ne_bytes(random));
        let group = Self { folder: parent.join(name) };
        fs::create_dir(&group.folder)?;
        if let Err(error) = group.limit(limits) {
            let _ = fs::remove_dir(&group.folder);
            return Err(error);
        }
        Ok(group)
    }

    /// Returns where groups like this one are made.
    pub(super) fn parent(&self) -> &Path {
        self.folder.parent().unwrap_or(&self.folder)
    }

    fn limit(&self, limits: &WireLimits) -> io::Result<()> {
        self.set("memory.max", limits.memory_bytes)?;
        self.set("pids.max", limits.processes.saturating_add(N_OWN_PROCESSES))?;
        // Without these the limits hold all the same: the kernel may lack swap, and old ones kill one process at a time.
        let _ = self.write("memory.swap.max", "0");
        let _ = self.write("memory.oom.group", "1");
        Ok(())
    }

    /// Sets a limit and looks whether it is set: a limit of `max` would be none.
    fn set(&self, name: &str, value: u64) -> io::Result<()> {
        self.write(name, &value.to_string())?;
        let now = fs::read_to_string(self.folder.join(name))?;
        if now.trim().parse::<u64>().is_ok() { Ok(()) } else { Err(io::Error::other(format!("{name} cannot be set"))) }
    }

    /// Puts a process, and all that it will start, into the group.
    pub(super) fn add(&self, pid: Pid) -> io::Result<()> {
        self.write("cgroup.procs", &pid.as_raw_pid().to_string())
    }

    /// Returns whether the kernel killed something because the group's memory was used up.
    pub(super) fn ran_out_of_memory(&self) -> bool {
        fs::read_to_string(self.folder.join("memory.events")).is_ok_and(|events| has_killed(&events))
    }

    /// Kills what is left in the group and removes it. Returns whether it is gone.
    pub(super) fn remove(self) -> bool {
        let _ = self.write("cgroup.kill", "1");
        let give_up_at = Instant::now() + REMOVE_PATIENCE;
        loop {
            match fs::remove_dir(&self.folder) {
                Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {}
                _ => return true,
            }
            if Instant::now() >= give_up_at {
                return false;
            }
            sleep(Duration::from_millis(1));
        }
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        fs::write(self.folder.join(name), text)
    }
}

/// Removes groups whose supervisor is gone. One that somebody still uses cannot be removed.
fn sweep(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse::<u32>().ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Returns the folders of our own group and of those above it, the nearest first, as far as they are visible.
fn places(own: &str, mounts: &str) -> Vec<PathBuf> {
    let Some(own) = own.lines().find_map(|line| line.strip_prefix("0::")) else { return Vec::new() };
    let Some((root, place)) = mounts.lines().find_map(cgroup2_mount) else { return Vec::new() };
    let Ok(beneath) = Path::new(own).strip_prefix(root) else { return Vec::new() };
    beneath.ancestors().map(|above| Path::new(place).join(above)).collect()
}

/// Reads a line of the mount table: which group is mounted, and where.
fn cgroup2_mount(line: &str) -> Option<(&str, &str)> {
    let (mount, kind) = line.split_once(" - ")?;
    let mut fields = mount.split(' ').skip(3);
    let (root, place) = (fields.next()?, fields.next()?);
    // Spaces and the like are escaped there; nobody mounts it at such a place.
    let is_plain = !root.contains('\\') && !place.contains('\\');
    (kind.starts_with("cgroup2 ") && is_plain).then_some((root, place))
}

/// Reads the group's counters.
fn has_killed(events: &str) -> bool {
    let counters = events.lines().filter_map(|line| line.split_once(' '));
    counters.filter(|(name, _)| matches!(*name, "oom_kill" | "oom_group_kill")).any(|(_, count)| count.trim() != "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{Action, Spec};
    use crate::{LayerKind, Limits, Policy};

    fn limits() -> WireLimits {
        let limits = Limits { memory_bytes: 4096, processes: 9, ..Limits::default() };
        let action = Action::Run { argv: Vec::new(), dir: PathBuf::new(), env: Vec::new() };
        Spec::new(&Policy { limits, ..Policy::new("/") }, &LayerKind::ALL, action).limits
    }

    #[test]
    fn a_group_holds_the_limits_and_the_process() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("cgroup.subtree_control"), "cpu memory pids\n").unwrap();
        let group = Group::create(parent.path(), &limits()).unwrap();
        group.add(getpid()).unwrap();
        let read = |name: &str| fs::read_to_string(group.folder.join(name)).unwrap();
        let files = ["memory.max", "pids.max", "memory.swap.max", "memory.oom.group", "cgroup.procs"].map(read);
        assert_eq!(files, ["4096", "10", "0", "1", &getpid().as_raw_pid().to_string()]);
        assert_eq!(group.parent(), parent.path());
    }

    #[test]
    fn a_place_that_does_not_hand_on_what_is_needed_is_refused_and_left_clean() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("cgroup.subtree_control"), "cpu pids\n").unwrap();
        let error = Group::create(parent.path(), &limits()).err().unwrap();
        assert_eq!(error.to_string(), "it does not hand on `memory`");
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 1);
    }

    #[test]
    fn groups_of_supervisors_that_are_gone_are_removed() {
        let parent = tempfile::tempdir().unwrap();
        let own = format!("wright-{}-0", getpid().as_raw_pid());
        for name in ["wright-4194999-0", &own, "other", "wright-x"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        sweep(parent.path());
        let mut left: Vec<String> =
            fs::read_dir(parent.path()).unwrap().map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        left.sort();
        assert_eq!(left, ["other".to_owned(), own, "wright-x".to_owned()]);
    }

    #[test]
    fn the_places_for_groups_begin_with_the_own_one() {
        let mounts = "25 20 0:22 / /sys rw - sysfs sysfs rw\n30 25 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let check = |own: &str, mounts: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> = expected.iter().map(PathBuf::from).collect();
            assert_eq!(places(own, mounts), expected, "{own}");
        };
        check("0::/a/b\n", mounts, &["/sys/fs/cgroup/a/b", "/sys/fs/cgroup/a", "/sys/fs/cgroup"]);
        check("9:name=systemd:/\n0::/\n", mounts, &["/sys/fs/cgroup"]);
        check("0::/../b\n", "30 25 0:26 /x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n", &[]);
        check("0::/x/y\n", "30 25 0:26 /x /c rw - cgroup2 cgroup2 rw\n", &["/c/y", "/c"]);
        check("4:memory:/\n", mounts, &[]);
        check("0::/a\n", "31 25 0:26 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n", &[]);
    }

    #[test]
    fn a_killing_for_memory_is_read_from_the_counters() {
        assert!(has_killed("low 0\noom 1\noom_kill 2\n") && has_killed("oom_kill 0\noom_group_kill 1\n"));
        assert!(!has_killed("low 3\noom 1\noom_kill 0\noom_group_kill 0\n"));
    }
}
