//! Finds installed dependencies that lie in the checkout without being part of the repository.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::commit::TrackedFile;
use crate::git::{self, Git};
use crate::{RepoError, path_rules};

const FOLDERS: [&str; 5] = ["node_modules", ".venv", "venv", "vendor", "__pypackages__"];

/// Files that make the folder they are in a package.
const MANIFESTS: [&str; 9] = [
    "package.json",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "Pipfile",
    "go.mod",
    "composer.json",
    "Gemfile",
];

pub(crate) fn find(git: &Git, tracked: &[TrackedFile]) -> Result<Vec<PathBuf>, RepoError> {
    let candidates: Vec<PathBuf> = packages(tracked)
        .iter()
        .flat_map(|package| FOLDERS.map(|folder| package.join(folder)))
        .filter(|folder| git.root.join(folder).symlink_metadata().is_ok_and(|found| found.is_dir()))
        .filter(|folder| !tracked.iter().any(|file| file.path.starts_with(folder)))
        .collect();
    let ignored = ignored_vendors(git, &candidates)?;
    let is_wanted = |folder: &PathBuf| {
        // A `vendor` folder that is not ignored is new source code as likely as it is a download.
        !is_vendor(folder) || ignored.contains(folder)
    };
    Ok(candidates.into_iter().filter(is_wanted).map(|folder| git.root.join(folder)).collect())
}

fn is_vendor(folder: &Path) -> bool {
    folder.ends_with("vendor")
}

fn packages(tracked: &[TrackedFile]) -> BTreeSet<PathBuf> {
    let is_manifest = |path: &Path| MANIFESTS.iter().any(|name| path.ends_with(name));
    let parents = tracked.iter().map(|file| file.path.as_path()).filter(|path| is_manifest(path));
    let safe = parents.filter(|path| path_rules::problem(path).is_none()).filter_map(Path::parent);
    safe.map(Path::to_path_buf).chain([PathBuf::new()]).collect()
}

fn ignored_vendors(git: &Git, folders: &[PathBuf]) -> Result<BTreeSet<PathBuf>, RepoError> {
    let mut input = Vec::new();
    for folder in folders.iter().filter(|folder| is_vendor(folder)) {
        input.extend_from_slice(folder.as_os_str().as_bytes());
        input.push(0);
    }
    let output = git.run_with_input(&["check-ignore", "-z", "--stdin"], &input)?;
    Ok(git::records(&output).map(git::path_from).collect())
}
