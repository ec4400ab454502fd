//! Which paths a command sees and how. One list serves the fresh root and Landlock, so the two walls cannot disagree.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::path::{Path, PathBuf};

use rustix::rand::{GetRandomFlags, getrandom};

use super::identity::Identity;
use super::refusal::{OrRefuse, Refusal};
use crate::wire::{NamespacesFrom, Spec, WireLayer};

/// System folders that are readable. Those that are links on the host become the same links inside.
pub(crate) const SYSTEM_DIRS: &[&str] = &["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/nix/store"];

/// What programs need to know about the machine. Nothing in this list holds a secret on a usual system.
pub(crate) const ETC_FILES: &[&str] = &[
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
pub(crate) const SYNTHETIC_ETC: &[&str] = &["group", "hosts", "nsswitch.conf", "passwd", "resolv.conf"];

/// Devices that hold nothing.
pub(crate) const DEVICES: &[&str] = &["null", "zero", "full", "random", "urandom"];

/// The name of the machine inside.
pub(crate) const HOST_NAME: &str = "sandbox";

/// Parts of `/proc` that show the kernel's memory, keys or messages, or when keys are pressed: gone.
pub(crate) const PROC_HIDDEN_FILES: &[&str] = &[
    "interrupts",
    "kallsyms",
    "kcore",
    "keys",
    "key-users",
    "kmsg",
    "latency_stats",
    "sched_debug",
    "timer_list",
    "timer_stats",
];

/// Folders there that are hidden, too.
pub(crate) const PROC_HIDDEN_DIRS: &[&str] = &["acpi", "asound", "scsi"];

/// Files in which tools keep credentials, hidden directly inside read-only folders.
pub(crate) const CREDENTIAL_FILES: &[&str] = &[
    ".git-credentials",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".yarnrc.yml",
    "auth.json",
    "credentials",
    "credentials.toml",
    "settings-security.xml",
];

/// How much fits into `/dev/shm`, which lives in memory as `/tmp` does.
pub(crate) const SHM_BYTES: u64 = 256 * 1024 * 1024;

/// Returns the files of `/etc` that are made up, with their texts.
pub(crate) fn synthetic_etc(uid: u32, gid: u32) -> [(&'static str, String); 6] {
    let passwd = format!(
        "root:x:0:0:root:/:/bin/false\nsandbox:x:{uid}:{gid}:sandbox:/tmp/home:/bin/sh\n\
         nobody:x:65534:65534:nobody:/:/bin/false\n"
    );
    let hosts = format!("127.0.0.1 localhost {HOST_NAME}\n::1 localhost ip6-localhost {HOST_NAME}\n");
    let switch = "passwd: files\ngroup: files\nhosts: files\nservices: files\nprotocols: files\n";
    [
        ("passwd", passwd),
        ("group", format!("root:x:0:\nsandbox:x:{gid}:\nnogroup:x:65534:\n")),
        ("hosts", hosts),
        ("nsswitch.conf", switch.to_owned()),
        ("resolv.conf", String::new()),
        ("hostname", format!("{HOST_NAME}\n")),
    ]
}

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
        if protects_part_of_tree && !(has_fresh_root && spec.namespaces_from == NamespacesFrom::Helper) {
            return Err(Refusal::of(
                WireLayer::Namespaces,
                "a part of the tree can be made read-only only with namespaces of our own",
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
