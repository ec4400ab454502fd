//! Who the command is for the kernel: never user id 0, and without capabilities.
//!
//! Without namespaces of its own, or with them but started by an ordinary user, the command keeps that user's id. Started by
//! root it gets an unprivileged id of its own for each run, because the kernel guards `/proc/sys` by the id 0 alone, whatever
//! the capabilities, and because the limit on processes does not hold for 0.

use std::fs;
use std::io;

use rustix::io::Errno;
use rustix::process::{getegid, geteuid, getpid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, Gid, Uid, clear_ambient_capability_set, set_capabilities, set_thread_groups,
    set_thread_res_gid, set_thread_res_uid,
};

use super::refusal::{OrRefuse, Refusal};
use crate::wire::{Action, Spec, WireLayer};

/// The ids given to commands when root starts them: one per process id, far from those of people and services, and small
/// enough for every archive format.
const OWN_IDS: (u32, u32) = (1_048_576, 1_048_576);

/// The ids used where the range above is not mapped, as in many containers.
const CONTAINER_IDS: (u32, u32) = (61_000, 4_000);

/// The user and group of the command, and how it gets them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) uid: u32,
    pub(super) gid: u32,
    change: Change,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    /// Already an ordinary user; inside a user namespace the id is mapped to itself.
    Keep,
    /// Root gives up its id.
    Drop,
}

impl Identity {
    /// Decides who the command will be.
    pub(super) fn choose(spec: &Spec) -> Result<Self, Refusal> {
        let (uid, gid) = (geteuid().as_raw(), getegid().as_raw());
        let keep = Self { uid, gid, change: Change::Keep };
        let layer = WireLayer::Identity;
        if spec.simulate_missing.contains(&layer) && spec.layers.contains(&layer) {
            return Err(Refusal::of(layer, "missing on purpose"));
        }
        if uid != 0 {
            return Ok(keep);
        }
        if !spec.layers.contains(&layer) {
            // The probe looks at the other layers with its own harmless code even where no command may run.
            return match spec.action {
                Action::SelfTest { .. } => Ok(keep),
                Action::Run { .. } => Err(Refusal::of(layer, "a command is never run as user id 0")),
            };
        }
        let id = unprivileged_id()?;
        Ok(Self { uid: id, gid: id, change: Change::Drop })
    }

    /// Returns whether root gives up its id for the command.
    pub(super) fn is_dropped(self) -> bool {
        self.change == Change::Drop
    }

    /// Returns whether a user namespace is needed to be allowed the other ones.
    pub(super) fn needs_user_namespace(self) -> bool {
        self.change == Change::Keep && self.uid != 0
    }

    /// Maps the user and the group to themselves in the user namespace that this process was just created in.
    pub(super) fn map_to_itself(self) -> io::Result<()> {
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("{0} {0} 1", self.uid))?;
        fs::write("/proc/self/gid_map", format!("{0} {0} 1", self.gid))
    }

    /// Becomes this identity for good: no group, id or capability of the old one is left.
    pub(super) fn assume(self) -> Result<(), Refusal> {
        let layer = WireLayer::Identity;
        empty_bounding_set().or_blame(layer, "empty the capability bounding set")?;
        if self.change == Change::Drop {
            let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
            set_thread_groups(&[]).or_blame(layer, "drop the groups")?;
            set_thread_res_gid(gid, gid, gid).or_blame(layer, "change the group")?;
            set_thread_res_uid(uid, uid, uid).or_blame(layer, "change the user")?;
        }
        clear_ambient_capability_set().or_blame(layer, "clear the ambient capabilities")?;
        let none = CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        };
        set_capabilities(None, none).or_blame(layer, "drop the capabilities")
    }
}

/// Returns an id that is mapped here and that no other run has at the same time.
fn unprivileged_id() -> Result<u32, Refusal> {
    let layer = WireLayer::Identity;
    let users = fs::read_to_string("/proc/self/uid_map").or_blame(layer, "read the user id map")?;
    let groups = fs::read_to_string("/proc/self/gid_map").or_blame(layer, "read the group id map")?;
    let pid = getpid().as_raw_pid().unsigned_abs();
    [OWN_IDS, CONTAINER_IDS]
        .map(|(first, count)| first + pid % count)
        .into_iter()
        .find(|&id| is_mapped(&users, id) && is_mapped(&groups, id))
        .ok_or_else(|| Refusal::of(layer, "no unprivileged user id is mapped here"))
}

/// Returns whether an id map (lines of inside, outside, count) covers an id.
fn is_mapped(map: &str, id: u32) -> bool {
    map.lines().any(|line| {
        let numbers: Vec<u64> = line.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect();
        matches!(numbers[..], [first, _, count] if (first..first + count).contains(&u64::from(id)))
    })
}

/// Removes every capability from the set that a program could regain them from. Without the right to do so there is nothing
/// in it that a process with `no_new_privs` could reach.
fn empty_bounding_set() -> io::Result<()> {
    for capability in 0..64 {
        // SAFETY: this `prctl` takes plain numbers and touches no memory.
        let result = unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) };
        if result == 0 {
            continue;
        }
        return match Errno::from_io_error(&io::Error::last_os_error()) {
            Some(Errno::INVAL | Errno::PERM) => Ok(()),
            Some(errno) => Err(errno.into()),
            None => Ok(()),
        };
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_mapped_when_a_line_covers_it() {
        let whole = "         0          0 4294967295\n";
        let container = "0 100000 65536\n";
        let alone = "0 1000 1\n";
        assert!(is_mapped(whole, 1_500_000));
        assert!(!is_mapped(container, 1_500_000));
        assert!(is_mapped(container, 61_000));
        assert!(!is_mapped(container, 65_536));
        assert!(!is_mapped(alone, 61_000));
        assert!(!is_mapped("", 0));
    }
}
