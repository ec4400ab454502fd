//! Which paths a command sees and how. One list serves the fresh root and Landlock, so the two walls cannot disagree.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};

use rustix::rand::{GetRandomFlags, getrandom};

use super::identity::Identity;
use super::refusal::{OrRefuse, Refusal};
use crate::wire::{Spec, WireLayer};

/// System folders that are readable. Those that are links on the host become the same links inside.
pub(super) const SYSTEM_DIRS: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];

/// What programs need to know about the machine. Nothing in this list holds a secret on a usual system.
pub(super) const ETC_FILES: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "fonts",
    "java",
    "java-8-openjdk",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "java-25-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "maven",
    "mime.types",
    "os-release",
    "perl",
    "pki",
    "protocols",
    "python3",
    "services",
    "ssl",
    "timezone",
];

/// Files of `/etc` that the fresh root replaces by its own. Without one, the host's are readable.
pub(super) const SYNTHETIC_ETC: &[&str] = &["group", "hosts", "nsswitch.conf", "passwd", "resolv.conf"];

/// Devices that hold nothing.
pub(super) const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];

/// The command's view of the file system.
#[derive(Debug)]
pub(super) struct Layout {
    /// Whether the command gets a root of its own.
    pub(super) has_fresh_root: bool,
    /// The folder it may change, with every link resolved.
    pub(super) tree: PathBuf,
    /// The tree as the caller spelled it.
    pub(super) tree_as_given: PathBuf,
    /// Existing folders it may read besides the system's, as the caller spelled them.
    pub(super) read_only: Vec<PathBuf>,
    /// The folder for temporary files, which ends with the command.
    pub(super) scratch: PathBuf,
}

impl Layout {
    /// Decides what is visible. Creates the scratch folder where there is no fresh root to hold one.
    pub(super) fn plan(spec: &Spec, identity: Identity) -> Result<Self, Refusal> {
        let has_fresh_root = spec.layers.contains(&WireLayer::Namespaces);
        let tree = spec.tree.canonicalize().or_refuse("find the tree")?;
        let read_only: Vec<PathBuf> = spec.read_only.iter().filter(|path| path.exists()).cloned().collect();
        let protects_part_of_tree =
            read_only.iter().any(|path| path.starts_with(&tree) || path.starts_with(&spec.tree));
        if protects_part_of_tree && !has_fresh_root {
            return Err(Refusal::of(
                WireLayer::Namespaces,
                "a part of the tree can be made read-only only with namespaces",
            ));
        }
        let scratch = if has_fresh_root {
            PathBuf::from("/tmp")
        } else {
            create_scratch(identity).or_refuse("create a folder for temporary files")?
        };
        Ok(Self { has_fresh_root, tree, tree_as_given: spec.tree.clone(), read_only, scratch })
    }

    /// Returns the command's home folder.
    pub(super) fn home(&self) -> PathBuf {
        self.scratch.join("home")
    }

    /// Returns what the command may read and execute.
    pub(super) fn readable(&self) -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = SYSTEM_DIRS.iter().map(PathBuf::from).collect();
        paths.push(PathBuf::from("/proc"));
        paths.extend(self.read_only.iter().cloned());
        if self.has_fresh_root {
            paths.extend(["/etc", "/dev"].map(PathBuf::from));
        } else {
            let etc = ETC_FILES.iter().chain(SYNTHETIC_ETC);
            paths.extend(etc.map(|name| Path::new("/etc").join(name)));
        }
        paths
    }

    /// Returns what the command may change.
    pub(super) fn writable(&self) -> Vec<PathBuf> {
        let mut paths = vec![self.tree.clone(), self.scratch.clone()];
        paths.extend(DEVICES.iter().map(|name| Path::new("/dev").join(name)));
        if self.has_fresh_root {
            paths.extend(["/dev/shm", "/dev/pts"].map(PathBuf::from));
        }
        paths
    }

    /// Removes what was created on the host.
    pub(super) fn clean_up(&self) {
        if !self.has_fresh_root {
            let _ = fs::remove_dir_all(&self.scratch);
        }
    }
}

/// Creates a folder that only the command's user can enter, under a name that nobody can guess or prepare.
fn create_scratch(identity: Identity) -> io::Result<PathBuf> {
    let mut random = [0; 8];
    getrandom(&mut random, GetRandomFlags::empty())?;
    let path = PathBuf::from(format!("/tmp/wright-sandbox-{:016x}", u64::from_ne_bytes(random)));
    fs::DirBuilder::new().mode(0o700).create(&path)?;
    if identity.is_dropped() {
        chown(&path, Some(identity.uid), Some(identity.gid))?;
    }
    Ok(path)
}
