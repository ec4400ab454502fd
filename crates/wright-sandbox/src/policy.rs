//! What a command may touch and how much of it. Fixed before the first untrusted byte is read.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use crate::{Level, SandboxError};

/// What a command is allowed to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The one folder the command may change. It has the same path inside as outside. Where root starts the command, it may
    /// change what belongs to the folder's own owner; other people's files in it keep their permissions.
    pub tree: PathBuf,
    /// Toolchains and caches the command may read, at the same path. Missing ones are ignored. One inside the tree takes
    /// the right to change that part away, and passes through no symbolic link.
    ///
    /// Files in which tools keep credentials (such as `credentials.toml`) are hidden directly inside these folders at
    /// levels A and B. Level D cannot hide them, so do not name folders that hold other secrets.
    pub read_only: Vec<PathBuf>,
    /// How much the command may use.
    pub limits: Limits,
    /// The lowest level at which the command may run. Level E never runs anything, so `E` means the same as `D`.
    pub minimum_level: Level,
}

impl Policy {
    /// Returns the default policy for a tree: no extra folders, default limits, level D or better.
    #[must_use]
    pub fn new(tree: impl Into<PathBuf>) -> Self {
        Self { tree: tree.into(), read_only: Vec::new(), limits: Limits::default(), minimum_level: Level::D }
    }

    /// Says what is wrong with the policy before a process is started for it.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        check_path(&self.tree, "the tree")?;
        if !self.tree.is_dir() {
            return Err(refused("the tree", &self.tree, "is not a folder"));
        }
        self.read_only.iter().try_for_each(|path| check_path(path, "the read-only folder"))
    }
}

/// How much a command may use. `cpu`, `file_bytes` and `open_files` hold for each process, the others for the command as a
/// whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Time from start to end.
    pub wall: Duration,
    /// Processor time of each process.
    pub cpu: Duration,
    /// Memory of all processes together, with files that live in memory; each process is stopped from writing to more than
    /// this as well.
    pub memory_bytes: u64,
    /// How much fits into the folder for temporary files where it is the command's own, at levels A and B.
    pub scratch_bytes: u64,
    /// The largest file a process may write.
    pub file_bytes: u64,
    /// Processes and threads at one time.
    pub processes: u64,
    /// Open files of each process.
    pub open_files: u64,
    /// What stays free on the disk of the tree. Where less than that is free at the start already, half of it stays free.
    pub free_disk_bytes: u64,
    /// How many more files the disk of the tree can hold afterwards, counted in the same way.
    pub free_inodes: u64,
    /// How much output is kept. A command that writes more than [`Limits::MAX_OUTPUT_FACTOR`] times as much is killed.
    pub output_bytes: u64,
    /// How many lines of output are kept.
    pub output_lines: u64,
}

impl Limits {
    /// How many times the kept output a command may write before it is killed.
    pub const MAX_OUTPUT_FACTOR: u64 = 4;
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            wall: Duration::from_secs(300),
            cpu: Duration::from_secs(600),
            memory_bytes: 4096 * MIB,
            scratch_bytes: 1024 * MIB,
            file_bytes: 2048 * MIB,
            processes: 512,
            open_files: 4096,
            free_disk_bytes: 512 * MIB,
            free_inodes: 20_000,
            output_bytes: 4 * MIB,
            output_lines: 100_000,
        }
    }
}

/// Folders that hold more than one project. Granting one of them, or something above it, would open the machine.
const NEVER_GRANTED: &[&str] = &[
    "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/lib64", "/proc", "/root", "/run", "/sbin", "/sys", "/tmp",
    "/usr", "/var",
];

/// Folders below which nothing is granted either: what lies there is the kernel's, or a door to a service.
const NEVER_GRANTED_BELOW: &[&str] = &["/dev", "/proc", "/run", "/sys"];

fn check_path(path: &Path, what: &str) -> Result<(), SandboxError> {
    let is_plain = path.is_absolute() && !path.components().any(|part| part == Component::ParentDir);
    if !is_plain {
        return Err(refused(what, path, "is not an absolute path without `..`"));
    }
    // A missing path is judged as it is written; nothing will be mounted for it.
    let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    for spelling in [path, &real] {
        let is_too_wide = NEVER_GRANTED.iter().any(|wide| Path::new(wide).starts_with(spelling));
        let is_special = NEVER_GRANTED_BELOW.iter().any(|special| spelling.starts_with(special));
        if is_too_wide || is_special {
            return Err(refused(what, path, "is never granted to a command"));
        }
    }
    Ok(())
}

fn refused(what: &str, path: &Path, why: &str) -> SandboxError {
    SandboxError::InvalidPolicy { reason: format!("{what} {:?} {why}", path.display()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_holds_more_than_a_project_is_never_granted() {
        for path in ["/", "/usr", "/tmp", "/home", "/proc/1", "/dev/shm", "/run/user/1000", "tree", "/srv/../etc"] {
            assert!(check_path(Path::new(path), "the tree").is_err(), "{path}");
        }
        for path in ["/home/user/project", "/usr/local/src/project", "/srv/project", "/root/.cargo"] {
            assert!(check_path(Path::new(path), "the tree").is_ok(), "{path}");
        }
    }

    #[test]
    fn a_link_to_a_refused_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("project");
        std::os::unix::fs::symlink("/usr", &link).unwrap();
        assert!(Policy::new(&link).check().is_err());
        assert!(Policy::new(dir.path()).check().is_ok());
    }
}
