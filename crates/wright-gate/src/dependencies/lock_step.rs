//! Whether a lock file says what its manifest asks for.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::changes::NAME;
use super::lock_files::LockFormat;
use super::manifests::{Declared, ManifestFormat, Wish};
use super::package::read;
use super::{Ecosystem, Package};
use crate::Finding;
use crate::change::{ChangeSet, Tree};

/// Returns where the manifests of one state are out of step with their lock files, as far as a change touches either.
pub(super) fn findings(change: &ChangeSet, tree: &dyn Tree) -> Vec<Finding> {
    let touched: Vec<&Path> = change.files.iter().flat_map(|it| [it.path.as_path(), it.path_before()]).collect();
    let manifests = tree.paths().iter().filter_map(|path| Some((path, ManifestFormat::from_path(path)?)));
    let mut read_locks = BTreeMap::new();
    let mut findings = Vec::new();
    for (path, format) in manifests {
        let Some((lock_path, lock_format)) = lock_of(path, format, tree) else { continue };
        if !touched.contains(&path.as_path()) && !touched.contains(&lock_path.as_path()) {
            continue;
        }
        let packages = read_locks.entry(lock_path.clone()).or_insert_with(|| read(tree, lock_path, lock_format).ok());
        let (Some(packages), Some(text)) = (packages, tree.read(path)) else { continue };
        let missing = format.parse(&text).into_iter().filter_map(|it| Some((problem(&it, packages, lock_format)?, it)));
        findings.extend(missing.map(|(problem, declared)| finding(path, lock_path, &text, &declared, &problem)));
    }
    findings
}

fn finding(path: &Path, lock: &Path, text: &str, declared: &Declared, problem: &str) -> Finding {
    Finding::warning(NAME, format!("{} {problem}", lock.display()))
        .rule("dependencies/lock-out-of-step")
        .hint("Let the package manager write the lock file again.")
        .at(path, declared.line(text))
        .key(format!("out-of-step {}", declared.name))
}

/// Returns the lock file that holds the packages of a manifest: the one beside it, or the one of the workspace that it is a
/// member of.
pub(super) fn lock_of<'t>(
    manifest: &Path,
    format: ManifestFormat,
    tree: &'t dyn Tree,
) -> Option<(&'t PathBuf, LockFormat)> {
    let locks = tree.paths().iter().filter_map(|path| Some((path, LockFormat::from_path(path)?)));
    let locks: Vec<(&PathBuf, LockFormat)> = locks.filter(|(_, lock)| belongs(format, *lock)).collect();
    let mut folders = manifest.ancestors().skip(1);
    let own = folders.next();
    if let Some(lock) = locks.iter().find(|(path, _)| path.parent() == own) {
        return Some(*lock);
    }
    let lock = folders.find_map(|folder| locks.iter().find(|(path, _)| path.parent() == Some(folder)))?;
    is_member(manifest, lock.0, tree).then_some(*lock)
}

fn belongs(manifest: ManifestFormat, lock: LockFormat) -> bool {
    match manifest {
        ManifestFormat::Cargo => lock == LockFormat::Cargo,
        ManifestFormat::PackageJson => matches!(lock, LockFormat::Npm | LockFormat::Pnpm | LockFormat::Yarn),
        ManifestFormat::Pyproject => matches!(lock, LockFormat::Poetry | LockFormat::Uv | LockFormat::Pdm),
        ManifestFormat::Pipfile => lock == LockFormat::Pipfile,
        ManifestFormat::GoMod => lock == LockFormat::GoSum,
        ManifestFormat::Pom | ManifestFormat::Requirements => false,
    }
}

/// Returns whether a lock file names the project of a manifest: its folder, or what it calls itself.
fn is_member(manifest: &Path, lock: &Path, tree: &dyn Tree) -> bool {
    let (Some(manifest_text), Some(lock_text)) = (tree.read(manifest), tree.read(lock)) else { return false };
    let folder = manifest.parent().and_then(|it| it.strip_prefix(lock.parent()?).ok()).and_then(Path::to_str);
    let name = manifest_text.lines().find_map(|line| line.strip_prefix("name = "));
    let names_folder = |line: &str| folder.is_some_and(|it| super::has_word(line, it));
    lock_text.lines().any(|line| names_folder(line) || name.is_some_and(|it| line.strip_prefix("name = ") == Some(it)))
}

fn problem(declared: &Declared, packages: &[Package], format: LockFormat) -> Option<String> {
    let name = &declared.name;
    let mut found = packages.iter().filter(|it| it.name == *name).peekable();
    if matches!(declared.wish, Wish::Place(_) | Wish::Elsewhere) || format == LockFormat::Gradle {
        return None;
    }
    if found.peek().is_none() {
        return Some(format!("does not list `{name}`"));
    }
    let range = match &declared.wish {
        Wish::Exact(version) | Wish::Range(version) => version,
        Wish::Any | Wish::Place(_) | Wish::Elsewhere => return None,
    };
    let versions: Vec<&str> = found.map(|it| it.version.as_str()).collect();
    let is_exact = matches!(declared.wish, Wish::Exact(_));
    let fits = versions.iter().any(|version| accepts(declared.ecosystem, range, is_exact, version) != Some(false));
    (!fits).then(|| format!("has `{name}` {}, which `{range}` does not accept", versions.join(", ")))
}

/// Returns whether a requirement accepts a version; `None` where it is written in a way that is not read here.
fn accepts(ecosystem: Ecosystem, range: &str, is_exact: bool, version: &str) -> Option<bool> {
    if is_exact {
        return super::compare(ecosystem, range, version).map(|it| it == std::cmp::Ordering::Equal);
    }
    match ecosystem {
        Ecosystem::Cargo => {
            Some(semver::VersionReq::parse(range).ok()?.matches(&semver::Version::parse(version).ok()?))
        }
        Ecosystem::Npm => {
            let version = node_semver::Version::parse(version).ok()?;
            Some(node_semver::Range::parse(range).ok()?.satisfies(&version))
        }
        Ecosystem::PyPi => {
            let version = pep440_rs::Version::from_str(version).ok()?;
            let range = pep440_rs::VersionSpecifiers::from_str(range).ok()?;
            Some(range.contains(&version) || version.any_prerelease())
        }
        Ecosystem::Go | Ecosystem::Maven => None,
    }
}
