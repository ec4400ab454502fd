//! The workspace as the checks see it: where it is, its crates with the edges between them, and its files.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Where the project is and what cargo says about it.
pub(crate) struct Workspace {
    /// The folder of the root manifest.
    pub(crate) root: PathBuf,
    /// Where cargo builds; tools that the checks need are installed below it.
    pub(crate) target: PathBuf,
    /// The crates, in the order of their names.
    pub(crate) crates: Vec<Crate>,
}

/// One crate of the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Crate {
    /// Its name, such as `wright-text`.
    pub(crate) name: String,
    /// The crates of this workspace that its shipped code is built with.
    pub(crate) uses: Vec<String>,
    /// The crates of this workspace that it names in any way, tests included.
    pub(crate) mentions: Vec<String>,
}

impl Workspace {
    /// Asks cargo about the workspace that `cargo xtask` was called in.
    ///
    /// The folder is not the one this program was built in: clones that share a target folder share this program too.
    pub(crate) fn load() -> Result<Self> {
        let folder = std::env::var_os("CARGO_MANIFEST_DIR").context("call this program as `cargo xtask`")?;
        let metadata = MetadataCommand::new()
            .manifest_path(Path::new(&folder).join("../Cargo.toml"))
            .no_deps()
            .exec()
            .context("cannot read the workspace's manifests")?;
        Ok(Self {
            root: metadata.workspace_root.clone().into(),
            target: metadata.target_directory.clone().into(),
            crates: crates(&metadata),
        })
    }

    /// Lists our files, relative to the root: what git tracks, and what it would if it were added.
    pub(crate) fn files(&self) -> Result<Vec<PathBuf>> {
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&self.root)
            .output()
            .context("cannot run git")?;
        ensure!(listing.status.success(), "git ls-files: {}", String::from_utf8_lossy(&listing.stderr).trim());
        let mut files: Vec<PathBuf> = String::from_utf8_lossy(&listing.stdout)
            .split_terminator('\0')
            .map(PathBuf::from)
            .filter(|path| self.root.join(path).is_file())
            .collect();
        files.sort();
        files.dedup();
        Ok(files)
    }

    /// Returns a command for the cargo that runs us, in the workspace's root.
    pub(crate) fn cargo(&self) -> Command {
        self.command(&env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
    }

    /// Returns a command that runs in the workspace's root.
    ///
    /// The variables that `cargo run` sets for this very program are taken out: build scripts watch some of them, and
    /// everything below those scripts would be built anew each time.
    pub(crate) fn command(&self, program: &OsStr) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command
    }
}

fn crates(metadata: &Metadata) -> Vec<Crate> {
    let packages = metadata.workspace_packages();
    let is_ours = |name: &str| packages.iter().any(|package| package.name.as_str() == name);
    let mut crates: Vec<Crate> = packages
        .iter()
        .map(|package| {
            let ours = || package.dependencies.iter().filter(|dependency| is_ours(&dependency.name));
            Crate {
                name: package.name.to_string(),
                uses: ours()
                    .filter(|dependency| matches!(dependency.kind, DependencyKind::Normal | DependencyKind::Build))
                    .map(|dependency| dependency.name.clone())
                    .collect(),
                mentions: ours().map(|dependency| dependency.name.clone()).collect(),
            }
        })
        .collect();
    crates.sort_by(|a, b| a.name.cmp(&b.name));
    crates
}
