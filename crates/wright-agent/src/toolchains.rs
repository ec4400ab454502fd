//! Which folders of the machine a test command may read, and the variables it gets.
//!
//! The sandbox shows a command nothing of the home folder by itself. Tools that live there (a Python built by pyenv, Rust's
//! toolchains, downloaded packages) are named here one by one, so that the keys and settings beside them stay invisible.

use std::path::{Path, PathBuf};

/// What the user's shell would find programs with.
#[derive(Debug, Clone, Default)]
pub struct Toolchains {
    /// The folders of `PATH`, in order.
    pub search_path: Vec<PathBuf>,
    /// The home folder.
    pub home: Option<PathBuf>,
}

/// Folders under the home folder that hold tools and packages, and no settings or keys.
const IN_HOME: &[&str] = &[
    ".cargo/bin",
    ".cargo/registry",
    ".cargo/git",
    ".rustup",
    ".pyenv",
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".nvm/versions",
    ".volta",
    ".fnm",
    ".asdf",
    ".local/share/mise",
    ".sdkman/candidates",
    "go",
    "sdk",
    ".m2/repository",
    ".bun/bin",
    ".deno/bin",
    ".local/share/uv",
    ".local/share/pnpm",
    "miniconda3",
    "anaconda3",
    "miniforge3",
];

impl Toolchains {
    /// Returns the folders that commands may read beside the system's own.
    pub fn read_only(&self) -> Vec<PathBuf> {
        let in_home = self.home.iter().flat_map(|home| IN_HOME.iter().map(move |it| home.join(it)));
        let elsewhere = self.search_path.iter().filter(|dir| !self.is_in_home(dir)).filter_map(|dir| installation(dir));
        let mut folders: Vec<PathBuf> = in_home.chain(elsewhere).filter(|it| it.is_dir()).collect();
        folders.sort();
        folders.dedup();
        folders
    }

    /// Returns the variables that commands get.
    pub fn env(&self) -> Vec<(String, String)> {
        let mut env = vec![
            ("PATH".to_owned(), self.path_variable()),
            // A mutated file may keep its size and time stamp; stale byte code would then be tested instead.
            ("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()),
            ("CARGO_NET_OFFLINE".to_owned(), "true".to_owned()),
            ("CARGO_TERM_COLOR".to_owned(), "never".to_owned()),
            ("GOPROXY".to_owned(), "off".to_owned()),
            ("GOFLAGS".to_owned(), "-mod=mod".to_owned()),
            ("NO_COLOR".to_owned(), "1".to_owned()),
        ];
        let Some(home) = &self.home else { return env };
        let in_home = [
            ("CARGO_HOME", ".cargo"),
            ("RUSTUP_HOME", ".rustup"),
            ("GOMODCACHE", "go/pkg/mod"),
            ("PYTHONUSERBASE", ".local"),
        ];
        for (name, folder) in in_home {
            let folder = home.join(folder);
            if folder.is_dir() {
                env.push((name.to_owned(), folder.to_string_lossy().into_owned()));
            }
        }
        env
    }

    fn path_variable(&self) -> String {
        let mut folders: Vec<PathBuf> =
            self.pyenv_version().into_iter().chain(self.search_path.iter().cloned()).collect();
        folders.extend(["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from));
        let mut seen = std::collections::HashSet::new();
        folders.retain(|it| it.is_absolute() && seen.insert(it.clone()));
        std::env::join_paths(folders).unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Returns the folder of the Python that pyenv has selected. Its shims are shell scripts that take longer than most
    /// test runs.
    fn pyenv_version(&self) -> Option<PathBuf> {
        let shims = self.search_path.iter().find(|it| it.ends_with(".pyenv/shims"))?;
        let root = shims.parent()?;
        let version = std::fs::read_to_string(root.join("version")).ok()?;
        let bin = root.join("versions").join(version.lines().next()?.trim()).join("bin");
        bin.is_dir().then_some(bin)
    }

    fn is_in_home(&self, folder: &Path) -> bool {
        self.home.as_ref().is_some_and(|home| folder.starts_with(home))
    }
}

/// Returns the folder that a `bin` folder belongs to, or nothing for the system's own.
fn installation(bin: &Path) -> Option<PathBuf> {
    if !bin.is_absolute() || ["/usr", "/bin", "/sbin"].iter().any(|it| bin.starts_with(it)) {
        return None;
    }
    let parent = bin.parent()?;
    let is_root = parent == Path::new("/") || parent == Path::new("/root") || parent == Path::new("/home");
    Some(if is_root { bin.to_owned() } else { parent.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tool_folders_of_the_home_folder_are_visible() {
        let home = tempfile::tempdir().unwrap();
        for folder in [".cargo/bin", ".cargo/registry", ".ssh", ".aws", ".pyenv/versions/3.12.1/bin", ".pyenv/shims"] {
            std::fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        std::fs::write(home.path().join(".pyenv/version"), "3.12.1\n").unwrap();
        let search_path = vec![home.path().join(".pyenv/shims"), PathBuf::from("/usr/bin"), PathBuf::from("relative")];
        let toolchains = Toolchains { search_path, home: Some(home.path().to_owned()) };
        let visible = toolchains.read_only();
        assert_eq!(visible, [".cargo/bin", ".cargo/registry", ".pyenv"].map(|it| home.path().join(it)));
        let path = &toolchains.env()[0].1;
        assert!(path.starts_with(&home.path().join(".pyenv/versions/3.12.1/bin").to_string_lossy().into_owned()));
        assert!(!path.contains("relative"));
    }
}
