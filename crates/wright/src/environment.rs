//! What the process was given: variables, folders and the working directory. Read once, here, and passed on as values.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use etcetera::base_strategy::{BaseStrategy, Xdg};

use crate::report::Failure;

/// The surroundings of this run.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// The working directory, after `-C`.
    pub(crate) dir: PathBuf,
    /// This program.
    pub(crate) program: PathBuf,
    /// The user's home folder.
    pub(crate) user_home: PathBuf,
    /// Where configuration lies.
    pub(crate) config_folder: PathBuf,
    /// Where data of programs lies.
    pub(crate) data_folder: PathBuf,
    /// Where sockets lie, if the system has such a place.
    pub(crate) runtime_folder: Option<PathBuf>,
    /// The folders of `PATH`.
    pub(crate) search_path: Vec<PathBuf>,
}

impl Environment {
    /// Reads the surroundings; `dir` is the argument of `-C`.
    pub(crate) fn read(dir: Option<&Path>) -> Result<Self, Failure> {
        let xdg = Xdg::new().map_err(|_| {
            Failure::usage("failed to find the home folder").hint("Set HOME, or run as a user that has a home folder.")
        })?;
        let path = std::env::var_os("PATH").unwrap_or_default();
        Ok(Self {
            dir: working_directory(dir)?,
            program: std::env::current_exe()
                .map_err(|error| Failure::usage(format!("failed to find this program's own file: {error}")))?,
            user_home: xdg.home_dir().to_owned(),
            config_folder: xdg.config_dir().join("wright"),
            data_folder: xdg.data_dir().join("wright"),
            runtime_folder: xdg.runtime_dir().map(|it| it.join("wright")),
            search_path: std::env::split_paths(&path).collect(),
        })
    }

    /// Returns where a program is found through `PATH`.
    pub(crate) fn find_program(&self, name: &str) -> Option<PathBuf> {
        use std::os::unix::fs::PermissionsExt as _;
        let is_executable = |path: &PathBuf| {
            std::fs::metadata(path).is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
        };
        self.search_path.iter().map(|it| it.join(name)).find(is_executable)
    }
}

fn working_directory(dir: Option<&Path>) -> Result<PathBuf, Failure> {
    let current = std::env::current_dir().map_err(|error| {
        Failure::usage(format!("failed to find the working directory: {error}")).hint("Change to a folder that exists.")
    })?;
    let Some(dir) = dir else { return Ok(current) };
    let dir = current.join(dir);
    match std::fs::metadata(&dir) {
        Ok(metadata) if metadata.is_dir() => Ok(dir),
        Ok(_) => Err(Failure::usage(format!("failed to change to {dir:?}: it is not a folder"))),
        Err(error) => Err(Failure::usage(format!("failed to change to {dir:?}: {error}"))),
    }
}

/// Returns the value of a variable that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|it| !it.is_empty())
}

/// Returns the path in a variable that is set and not empty.
pub(crate) fn path_variable(name: &str) -> Option<PathBuf> {
    std::env::var_os(name).filter(|it: &OsString| !it.is_empty()).map(PathBuf::from)
}
