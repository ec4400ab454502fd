//! Who sees to it that a command stays within its limits on memory and processes.

use std::fmt;
use std::path::PathBuf;

/// What keeps the limits that hold for a command as a whole. Found out by the probe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LimitKeeper {
    /// The kernel, exactly and at once: each command gets a control group of its own in this one.
    ControlGroup(PathBuf),
    /// A watcher that looks five times a second, and the kernel's limits for each process.
    Watcher {
        /// Why no control group can be made.
        why: String,
    },
}

impl LimitKeeper {
    /// Returns the word for it in receipts.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ControlGroup(_) => "control group",
            Self::Watcher { .. } => "watcher",
        }
    }

    /// Returns what a user can do to get exact limits.
    #[must_use]
    pub fn advice(&self) -> Option<&'static str> {
        match self {
            Self::ControlGroup(_) => None,
            Self::Watcher { .. } => Some(
                "Start it where cgroup v2 hands on `memory` and `pids`, for example by `systemd-run --user --scope -p \
                 Delegate=yes wright …`.",
            ),
        }
    }
}

impl fmt::Display for LimitKeeper {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControlGroup(parent) => {
                write!(out, "memory and processes by a control group in {}", parent.display())
            }
            Self::Watcher { why } => write!(out, "memory by a watcher; no control group can be made ({why})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_could_be_better_has_advice() {
        let group = LimitKeeper::ControlGroup(PathBuf::from("/sys/fs/cgroup/a"));
        assert_eq!(group.to_string(), "memory and processes by a control group in /sys/fs/cgroup/a");
        assert_eq!(group.advice(), None);
        let watcher = LimitKeeper::Watcher { why: "there is no cgroup v2".to_owned() };
        assert_eq!(watcher.to_string(), "memory by a watcher; no control group can be made (there is no cgroup v2)");
        assert!(watcher.advice().is_some());
    }
}
