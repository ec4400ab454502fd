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

    /// Returns what a child gets that asks for `wish`, such as a sub-agent: never a lower level than this policy demands, and
    /// never more of anything. Which tree it works in is the caller's choice, not the child's.
    ///
    /// # Errors
    /// When the wish names a folder that this policy does not let it read, or is invalid itself.
    pub fn for_child(&self, wish: &Self) -> Result<Self, SandboxError> {
        wish.check()?;
        let granted = |path: &PathBuf| {
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            let folders = [&self.tree, &wish.tree].into_iter().chain(&self.read_only);
            folders.filter_map(|folder| folder.canonicalize().ok()).any(|folder| real.starts_with(folder))
        };
        if let Some(path) = wish.read_only.iter().find(|path| !granted(path)) {
            return Err(refused("the read-only folder", path, "is not granted to the parent"));
        }
        // What is protected from the parent stays protected from the child.
        let protected =
            self.read_only.iter().filter(|path| path.starts_with(&wish.tree) && !wish.read_only.contains(path));
        Ok(Self {
            tree: wish.tree.clone(),
            read_only: wish.read_only.iter().chain(protected).cloned().collect(),
            limits: self.limits.stricter(&wish.limits),
            minimum_level: self.minimum_level.max(wish.minimum_level),
        })
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

    /// Returns the stricter of each pair of limits.
    fn stricter(&self, other: &Self) -> Self {
        Self {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            memory_bytes: self.memory_bytes.min(other.memory_bytes),
            scratch_bytes: self.scratch_bytes.min(other.scratch_bytes),
            file_bytes: self.file_bytes.min(other.file_bytes),
            processes: self.processes.min(other.processes),
            open_files: self.open_files.min(other.open_files),
            free_disk_bytes: self.free_disk_bytes.max(other.free_disk_bytes),
            free_inodes: self.free_inodes.max(other.free_inodes),
            output_bytes: self.output_bytes.min(other.output_bytes),
            output_lines: self.output_lines.min(other.output_lines),
        }
    }
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
    fn a_child_gets_no_lower_level_and_no_more_than_its_parent() {
        let (parent_dir, child_dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let few = Limits { processes: 10, free_disk_bytes: 7, ..Limits::default() };
        let quick = Limits { wall: Duration::from_secs(1), processes: 1000, free_disk_bytes: 3, ..Limits::default() };
        let parent = Policy { minimum_level: Level::B, limits: few, ..Policy::new(parent_dir.path()) };
        for (asked, granted) in [(Level::E, Level::B), (Level::D, Level::B), (Level::B, Level::B), (Level::A, Level::A)]
        {
            let wish = Policy { minimum_level: asked, limits: quick.clone(), ..Policy::new(child_dir.path()) };
            let child = parent.for_child(&wish).unwrap();
            assert_eq!(child.minimum_level, granted, "{asked}");
            assert_eq!(child.tree, child_dir.path());
            let limits = (child.limits.wall, child.limits.processes, child.limits.free_disk_bytes);
            assert_eq!(limits, (Duration::from_secs(1), 10, 7));
        }
    }

    #[test]
    fn a_child_reads_only_what_its_parent_may_read() {
        let (tree, tools, other) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let parent = Policy { read_only: vec![tools.path().to_owned()], ..Policy::new(tree.path()) };
        let wish = |path: &Path| Policy { read_only: vec![path.to_owned()], ..Policy::new(tree.path()) };
        assert!(parent.for_child(&wish(tools.path())).is_ok());
        assert!(parent.for_child(&wish(&tools.path().join("lib"))).is_ok());
        assert!(parent.for_child(&wish(&tree.path().join("protected"))).is_ok());
        assert!(parent.for_child(&wish(other.path())).is_err());
    }

    #[test]
    fn what_is_protected_from_a_parent_is_protected_from_its_child() {
        let tree = tempfile::tempdir().unwrap();
        let protected = tree.path().join("protected");
        let parent = Policy { read_only: vec![protected.clone()], ..Policy::new(tree.path()) };
        let child = parent.for_child(&Policy::new(tree.path())).unwrap();
        assert_eq!(child.read_only, [protected]);
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
