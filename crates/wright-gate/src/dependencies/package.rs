//! A package as a lock file names it: its ecosystem, its version, where it comes from, and what vouches for its content.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::lock_files::{LockFormat, UnreadableLock};
use crate::change::Tree;

/// A world of packages with its own names and its own order of versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Rust.
    Cargo,
    /// Go modules.
    Go,
    /// Java and its relatives.
    Maven,
    /// JavaScript and TypeScript.
    Npm,
    /// Python.
    PyPi,
}

impl Ecosystem {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Cargo, Self::Go, Self::Maven, Self::Npm, Self::PyPi];

    /// Returns the name that the OSV schema gives it.
    pub fn name(self) -> &'static str {
        match self {
            // The schema's own word, which cannot be chosen here.
            Self::Cargo => concat!("crates", ".io"),
            Self::Go => "Go",
            Self::Maven => "Maven",
            Self::Npm => "npm",
            Self::PyPi => "PyPI",
        }
    }

    /// Returns the ecosystem of a name of the OSV schema.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name().eq_ignore_ascii_case(name))
    }

    /// Returns the one spelling of a package's name.
    pub fn normalized(self, name: &str) -> String {
        match self {
            Self::PyPi => {
                let words = name.split(['-', '_', '.']).filter(|word| !word.is_empty());
                words.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
            }
            Self::Cargo | Self::Go | Self::Maven | Self::Npm => name.to_owned(),
        }
    }
}

/// Where a package is taken from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The ecosystem's registry, or one that the project names; its address where the lock file tells it.
    Registry(Option<String>),
    /// A repository.
    Git(String),
    /// A file at an address.
    Url(String),
    /// A folder or file of this machine.
    Path(String),
}

impl Origin {
    /// Returns the address without the part that names the package.
    pub fn host(&self) -> Option<String> {
        let (Self::Registry(Some(address)) | Self::Git(address) | Self::Url(address)) = self else { return None };
        let bare = address.split_once("://").map_or(address.as_str(), |(_, rest)| rest);
        let host = bare.split(['/', '#', '?']).next().unwrap_or(bare);
        Some(host.rsplit('@').next().unwrap_or(host).to_ascii_lowercase())
    }

    /// Returns whether the content can be changed by anyone on the way.
    pub fn is_insecure(&self) -> bool {
        let (Self::Registry(Some(address)) | Self::Git(address) | Self::Url(address)) = self else { return false };
        let address = address.trim_start_matches("git+");
        let host = self.host().unwrap_or_default();
        let is_local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|it| host.split(':').next() == Some(it));
        (address.starts_with("http://") || address.starts_with("git://")) && !is_local
    }

    /// Returns what kind of place it is, for a message.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Registry(_) => "a registry",
            Self::Git(_) => "a git repository",
            Self::Url(_) => "an address",
            Self::Path(_) => "a path",
        }
    }
}

/// One version of one package in a lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Its world.
    pub ecosystem: Ecosystem,
    /// Its name, in the ecosystem's one spelling.
    pub name: String,
    /// Its version, as the lock file writes it.
    pub version: String,
    /// Where it is taken from.
    pub origin: Origin,
    /// What vouches for its content: what is hashed (a file's name, or the kind of hash) and the hash.
    pub integrity: BTreeSet<(String, String)>,
    /// Whether it runs a program of its own when it is installed, as far as the lock file tells.
    pub runs_at_install: bool,
    /// Its license, where the lock file tells it.
    pub license: Option<String>,
}

impl Package {
    /// Returns a package of the ecosystem's own registry that nothing more is known about.
    pub fn new(ecosystem: Ecosystem, name: &str, version: &str) -> Self {
        Self {
            ecosystem,
            name: ecosystem.normalized(name),
            version: version.to_owned(),
            origin: Origin::Registry(None),
            integrity: BTreeSet::new(),
            runs_at_install: false,
            license: None,
        }
    }

    /// Returns whether it comes from outside of the repository.
    pub fn is_foreign(&self) -> bool {
        !matches!(self.origin, Origin::Path(_))
    }
}

/// Reads every lock file of a tree. A lock file that cannot be read is an error beside its path.
pub fn packages(tree: &dyn Tree) -> Vec<(PathBuf, Result<Vec<Package>, UnreadableLock>)> {
    let locks = tree.paths().iter().filter_map(|path| Some((path, LockFormat::from_path(path)?)));
    locks.map(|(path, format)| (path.clone(), read(tree, path, format))).collect()
}

/// Reads the lock file at a path.
pub(super) fn read(tree: &dyn Tree, path: &Path, format: LockFormat) -> Result<Vec<Package>, UnreadableLock> {
    let text = tree.read(path).ok_or_else(|| UnreadableLock("is no text, or too long".to_owned()))?;
    format.parse(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_spelling() {
        assert_eq!(Ecosystem::PyPi.normalized("Zope._Interface"), "zope-interface");
        assert_eq!(Ecosystem::Npm.normalized("@Scope/Name"), "@Scope/Name");
    }

    #[test]
    fn an_origin_that_anyone_on_the_way_can_change_is_insecure() {
        let cases = [
            (Origin::Url("http://files.example/a.tgz".into()), true),
            (Origin::Git("git+http://git.example/a".into()), true),
            (Origin::Git("git://git.example/a".into()), true),
            (Origin::Registry(Some("https://registry.example/".into())), false),
            (Origin::Registry(Some("http://localhost:4873/a".into())), false),
            (Origin::Git("git+ssh://git@git.example/a".into()), false),
        ];
        for (origin, insecure) in cases {
            assert_eq!(origin.is_insecure(), insecure, "{origin:?}");
        }
        assert_eq!(Origin::Git("git+ssh://git@Git.example/a#1".into()).host().as_deref(), Some("git.example"));
    }
}
