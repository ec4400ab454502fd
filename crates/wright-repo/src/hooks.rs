//! Puts a hook into the user's repository, and takes it out again, when the user asks for it by name.
//!
//! A hook of someone else's is never overwritten unasked: ours are told by a line that they hold.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::RepoError;
use crate::git::{self, Git};

/// The line that tells a hook of ours.
pub const HOOK_MARK: &str = "# installed by `wright check --install-hook`";

/// No hook is read further than this.
const MAX_HOOK_BYTES: u64 = 1024 * 1024;

/// When git runs a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hook {
    /// Before a commit is made.
    PreCommit,
    /// Before commits are pushed.
    PrePush,
}

impl Hook {
    /// Returns the name of its file.
    pub fn name(self) -> &'static str {
        match self {
            Self::PreCommit => "pre-commit",
            Self::PrePush => "pre-push",
        }
    }
}

/// What happens to a hook that is there and not ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Keep,
    /// It gives way.
    Replace,
}

/// Writes a hook and returns where.
pub(crate) fn install(git: &Git, hook: Hook, commands: &str, existing: Existing) -> Result<PathBuf, RepoError> {
    let folder = folder(git)?;
    fs::create_dir_all(&folder).map_err(RepoError::io("create the folder", &folder))?;
    let path = folder.join(hook.name());
    if existing == Existing::Keep && exists(&path) && !is_ours(&path)? {
        return Err(RepoError::HookExists { path });
    }
    let text = format!("#!/bin/sh\n{HOOK_MARK}\n{commands}\n");
    let temporary = folder.join(format!(".wright-{}-{}", hook.name(), std::process::id()));
    let written = write_new(&temporary, &text).and_then(|()| fs::rename(&temporary, &path));
    if written.is_err() {
        fs::remove_file(&temporary).ok();
    }
    written.map_err(RepoError::io("write the hook", &path))?;
    Ok(path)
}

/// Removes a hook of ours and returns where it was.
pub(crate) fn uninstall(git: &Git, hook: Hook) -> Result<Option<PathBuf>, RepoError> {
    let path = folder(git)?.join(hook.name());
    if !exists(&path) {
        return Ok(None);
    }
    if !is_ours(&path)? {
        return Err(RepoError::HookExists { path });
    }
    fs::remove_file(&path).map_err(RepoError::io("remove the hook", &path))?;
    Ok(Some(path))
}

/// Returns where git looks for hooks, with the user's own setting.
fn folder(git: &Git) -> Result<PathBuf, RepoError> {
    if let Some(configured) = git.configured("core.hooksPath")?.filter(|it| !it.is_empty()) {
        return Ok(git.root.join(configured));
    }
    let shared = git.run(["rev-parse", "--git-common-dir"])?;
    let shared = git::path_from(shared.strip_suffix(b"\n").unwrap_or(&shared));
    Ok(git.root.join(shared).join("hooks"))
}

/// Says whether anything has the name, a link to nowhere included.
fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

fn is_ours(path: &Path) -> Result<bool, RepoError> {
    let read = || -> std::io::Result<String> {
        let mut bytes = Vec::new();
        File::open(path)?.take(MAX_HOOK_BYTES).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    match path.symlink_metadata() {
        Ok(found) if found.is_file() => {
            let text = read().map_err(RepoError::io("read the hook", path))?;
            Ok(text.lines().any(|line| line == HOOK_MARK))
        }
        Ok(_) => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(RepoError::io("look at", path)(error)),
    }
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o755).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
