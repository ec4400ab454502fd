//! The lock files that can be read, by name. One file per tool's format.
//!
//! A lock file comes from whoever wrote the change: each reader returns what it understood or says why it did not, and none
//! follows nesting deeper than the parsers allow.

mod cargo;
mod go;
mod jvm;
mod npm;
mod pnpm;
mod python;
pub(super) mod requirements;
mod yarn;

use std::path::Path;

use super::{Ecosystem, Package};

/// More packages than any project has.
const MAX_PACKAGES: usize = 200_000;

/// Why a lock file could not be read, as a lowercase fragment that follows its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableLock(pub String);

impl UnreadableLock {
    fn syntax(error: impl std::fmt::Display) -> Self {
        let text = error.to_string();
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
        Self(format!("cannot be read: {}", line.trim()))
    }
}

/// One tool's format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LockFormat {
    /// `Cargo.lock`.
    Cargo,
    /// `package-lock.json` and `npm-shrinkwrap.json`, versions 1 to 3.
    Npm,
    /// `pnpm-lock.yaml`.
    Pnpm,
    /// `yarn.lock`, classic and berry.
    Yarn,
    /// `poetry.lock`.
    Poetry,
    /// `uv.lock`.
    Uv,
    /// `pdm.lock`.
    Pdm,
    /// `Pipfile.lock`.
    Pipfile,
    /// `requirements*.txt`: only what is pinned counts.
    Requirements,
    /// `go.mod`, whose versions are exact.
    GoMod,
    /// `go.sum`.
    GoSum,
    /// `pom.xml`: only what has a version of its own counts.
    Pom,
    /// `gradle.lockfile`.
    Gradle,
}

impl LockFormat {
    /// Returns the format of a file, by its name.
    pub fn from_path(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        Some(match name {
            "Cargo.lock" => Self::Cargo,
            "package-lock.json" | "npm-shrinkwrap.json" => Self::Npm,
            "pnpm-lock.yaml" => Self::Pnpm,
            "yarn.lock" => Self::Yarn,
            "poetry.lock" => Self::Poetry,
            "uv.lock" => Self::Uv,
            "pdm.lock" => Self::Pdm,
            "Pipfile.lock" => Self::Pipfile,
            "go.mod" => Self::GoMod,
            "go.sum" => Self::GoSum,
            "pom.xml" => Self::Pom,
            "gradle.lockfile" => Self::Gradle,
            _ if requirements::is_requirements(path) => Self::Requirements,
            _ => return None,
        })
    }

    /// Returns whose packages it lists.
    pub fn ecosystem(self) -> Ecosystem {
        match self {
            Self::Cargo => Ecosystem::Cargo,
            Self::Npm | Self::Pnpm | Self::Yarn => Ecosystem::Npm,
            Self::Poetry | Self::Uv | Self::Pdm | Self::Pipfile | Self::Requirements => Ecosystem::PyPi,
            Self::GoMod | Self::GoSum => Ecosystem::Go,
            Self::Pom | Self::Gradle => Ecosystem::Maven,
        }
    }

    /// Returns whether a tool writes it, so that it lists everything that is installed.
    pub fn is_complete(self) -> bool {
        match self {
            Self::Cargo | Self::Npm | Self::Pnpm | Self::Yarn | Self::Poetry | Self::Uv | Self::Pdm => true,
            Self::Pipfile | Self::GoSum | Self::Gradle => true,
            Self::Requirements | Self::GoMod | Self::Pom => false,
        }
    }

    /// Reads a lock file.
    ///
    /// # Errors
    /// When it is not of this format, or lists more than any project has.
    pub fn parse(self, text: &str) -> Result<Vec<Package>, UnreadableLock> {
        let packages = match self {
            Self::Cargo => cargo::parse(text),
            Self::Npm => npm::parse(text),
            Self::Pnpm => pnpm::parse(text),
            Self::Yarn => yarn::parse(text),
            Self::Poetry | Self::Pdm => python::poetry(text),
            Self::Uv => python::uv(text),
            Self::Pipfile => python::pipfile(text),
            Self::Requirements => Ok(requirements::pinned(text)),
            Self::GoMod => go::module(text),
            Self::GoSum => Ok(go::sums(text)),
            Self::Pom => jvm::pom(text),
            Self::Gradle => Ok(jvm::gradle(text)),
        }?;
        if packages.len() > MAX_PACKAGES {
            return Err(UnreadableLock(format!("lists {} packages, more than {MAX_PACKAGES}", packages.len())));
        }
        Ok(packages)
    }
}

/// Returns the hashes of a `sha512-… sha1-…` list, by kind.
fn subresource_integrity(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split_whitespace().filter_map(|it| it.split_once('-')).map(|(kind, hash)| (kind.to_owned(), hash.to_owned()))
}

#[cfg(test)]
mod tests;
