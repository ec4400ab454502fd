//! How well this machine can isolate: one letter for people, one line per layer for whoever has to fix it.

use std::fmt;

/// How strongly commands are isolated. Levels compare: a better level is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Too little works: no command is run at all.
    E,
    /// Landlock and the system call filter, on the host's own file system. No network of any kind, not even loopback, and
    /// no shared memory folder. Names and arguments of other processes stay visible. Where root starts the command, the tree
    /// must lie where other users can go.
    D,
    /// Namespaces made by an installed bubblewrap, which the system gives to nobody else; in them Landlock and the system
    /// call filter.
    C,
    /// Own namespaces and the system call filter, without Landlock as the second wall around files.
    B,
    /// Own namespaces, Landlock and the system call filter.
    A,
}

impl Level {
    /// Returns the level that a set of working layers amounts to, with namespaces made by the helper.
    pub(crate) fn of(layers: &[LayerKind]) -> Self {
        let has = |layer| layers.contains(&layer);
        let filtered_and_unprivileged = has(LayerKind::Identity) && has(LayerKind::Seccomp);
        match (filtered_and_unprivileged, has(LayerKind::Namespaces), has(LayerKind::Landlock)) {
            (true, true, true) => Self::A,
            (true, true, false) => Self::B,
            (true, false, true) => Self::D,
            (true, false, false) | (false, _, _) => Self::E,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        })
    }
}

/// One wall of the sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// Own user, mount, process, network, IPC, host name and cgroup namespaces with a fresh root.
    Namespaces,
    /// A user id that is not 0, and no capabilities.
    Identity,
    /// Landlock, the kernel's unprivileged file access control.
    Landlock,
    /// The system call filter.
    Seccomp,
}

impl LayerKind {
    /// Every layer, in the order in which they are built.
    pub const ALL: [Self; 4] = [Self::Namespaces, Self::Identity, Self::Landlock, Self::Seccomp];

    /// Returns what a user can do to get this layer.
    #[must_use]
    pub fn advice(self) -> &'static str {
        match self {
            Self::Namespaces => {
                "Allow unprivileged user namespaces: set `user.max_user_namespaces` above 0, and on Ubuntu set \
                 `kernel.apparmor_restrict_unprivileged_userns` to 0; in a container, allow `clone`, `unshare` and \
                 `mount`. Where that is not to be, install bubblewrap, for level C."
            }
            Self::Identity => "Run as an ordinary user, or give the container a range of user ids to map.",
            Self::Landlock => {
                "Use Linux 5.13 or newer with `landlock` in the kernel's `lsm=` list; in a container, allow the \
                 `landlock_*` system calls."
            }
            Self::Seccomp => "Use a kernel built with CONFIG_SECCOMP_FILTER, and allow `seccomp` in the container.",
        }
    }
}

impl fmt::Display for LayerKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Namespaces => "namespaces",
            Self::Identity => "identity",
            Self::Landlock => "landlock",
            Self::Seccomp => "seccomp",
        })
    }
}

/// Whether a layer was built during the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LayerState {
    /// It was built, and what it forbids failed as it should.
    Present,
    /// It could not be built.
    Missing,
}

/// What the probe found out about one layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// Which layer.
    pub kind: LayerKind,
    /// Whether it works here.
    pub state: LayerState,
    /// What was seen: the version in use, or the step that failed and what the system said.
    pub detail: String,
    /// What to do about a missing layer.
    pub advice: Option<&'static str>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_what_the_working_layers_amount_to() {
        use LayerKind::{Identity, Landlock, Namespaces, Seccomp};
        let table: [(&[LayerKind], Level); 7] = [
            (&[Namespaces, Identity, Landlock, Seccomp], Level::A),
            (&[Namespaces, Identity, Seccomp], Level::B),
            (&[Identity, Landlock, Seccomp], Level::D),
            (&[Namespaces, Identity, Landlock], Level::E),
            (&[Namespaces, Landlock, Seccomp], Level::E),
            (&[Identity, Seccomp], Level::E),
            (&[], Level::E),
        ];
        for (layers, level) in table {
            assert_eq!(Level::of(layers), level, "{layers:?}");
        }
    }

    #[test]
    fn a_better_level_is_greater() {
        assert!(Level::A > Level::B && Level::B > Level::C && Level::C > Level::D && Level::D > Level::E);
    }
}
