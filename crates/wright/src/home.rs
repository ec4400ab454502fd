//! Where this program keeps its data: models, tasks, the store, and the model worker's socket.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::environment::{Environment, path_variable};
use crate::report::Failure;

/// The longest path that a socket can be bound to, with its closing zero.
const MAX_SOCKET_PATH: usize = 108;

/// The folders of this program.
#[derive(Debug, Clone)]
pub(crate) struct Home {
    data: PathBuf,
    models: PathBuf,
    runtime: Option<PathBuf>,
}

impl Home {
    /// Finds the folders. `WRIGHT_HOME` and `WRIGHT_MODELS` point elsewhere.
    pub(crate) fn find(environment: &Environment) -> Self {
        let absolute = |path: PathBuf| environment.dir.join(path);
        let data = path_variable("WRIGHT_HOME").map_or_else(|| environment.data_folder.clone(), absolute);
        let models = path_variable("WRIGHT_MODELS").map_or_else(|| data.join("models"), absolute);
        Self { data, models, runtime: environment.runtime_folder.clone() }
    }

    /// Returns the data folder itself.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the folder of models.
    pub(crate) fn models(&self) -> &Path {
        &self.models
    }

    /// Returns the database.
    pub(crate) fn store(&self) -> PathBuf {
        self.data.join("store.db")
    }

    /// Returns the database of what became of suggestions.
    pub(crate) fn suggestions(&self) -> PathBuf {
        self.data.join("suggestions.db")
    }

    /// Returns the folder of tasks, which is created when it is missing.
    pub(crate) fn tasks(&self) -> Result<PathBuf, Failure> {
        self.private_folder("tasks")
    }

    /// Returns a folder below the data folder that only this user can read; it is created when it is missing.
    pub(crate) fn private_folder(&self, name: &str) -> Result<PathBuf, Failure> {
        let path = self.data.join(name);
        create_private(&path).map_err(|error| {
            Failure::usage(format!("failed to create {path:?}: {error}"))
                .hint("Free some space, or set WRIGHT_HOME to a folder that can be written.")
        })?;
        Ok(path)
    }

    /// Returns where the model worker listens.
    ///
    /// The name holds a digest of the version and the folder of models: a worker of another version, or with other models,
    /// is another worker.
    pub(crate) fn socket(&self) -> Result<PathBuf, Failure> {
        let digest =
            short_digest(&[env!("CARGO_PKG_VERSION"), &self.data.to_string_lossy(), &self.models.to_string_lossy()]);
        let name = format!("worker-{digest}.sock");
        let near = self.runtime.clone().unwrap_or_else(|| self.data.join("run")).join(&name);
        if near.as_os_str().len() < MAX_SOCKET_PATH && is_private_or_can_be(&near) {
            return Ok(near);
        }
        let folder = PathBuf::from(format!("/tmp/wright-{}", rustix::process::getuid().as_raw()));
        if !is_private_or_can_be(&folder.join(&name)) {
            let message =
                format!("failed to create {folder:?} for the model worker's socket: it belongs to someone else");
            return Err(Failure::usage(message).hint("Set WRIGHT_HOME to a folder with a short path."));
        }
        Ok(folder.join(name))
    }
}

/// Creates the folder that holds `socket`, for its owner alone, and returns whether it is so.
fn is_private_or_can_be(socket: &Path) -> bool {
    let Some(folder) = socket.parent() else { return false };
    let is_ours =
        |it: fs::Metadata| it.is_dir() && it.uid() == rustix::process::getuid().as_raw() && it.mode() & 0o077 == 0;
    create_private(folder).is_ok() && fs::symlink_metadata(folder).is_ok_and(is_ours)
}

fn create_private(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

pub(crate) fn short_digest(parts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(data: PathBuf) -> Home {
        Home { models: data.join("models"), data, runtime: None }
    }

    #[test]
    fn the_socket_lies_in_the_data_folder_when_its_path_is_short_enough() {
        let folder = tempfile::tempdir().unwrap();
        let near = home(folder.path().join("w")).socket().unwrap();
        assert!(near.starts_with(folder.path()), "{near:?}");
        let far = home(folder.path().join("long".repeat(30))).socket().unwrap();
        assert!(far.starts_with("/tmp") && far.as_os_str().len() < MAX_SOCKET_PATH, "{far:?}");
    }

    #[test]
    fn two_data_folders_have_two_workers() {
        assert_ne!(short_digest(&["a", "b"]), short_digest(&["ab", ""]));
    }
}
