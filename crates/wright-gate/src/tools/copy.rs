//! A state of the repository as files, for a tool to look at: made for it, and gone afterwards.

use std::io;
use std::path::{Component, Path, PathBuf};

use tempfile::TempDir;

use super::output::MAX_OUTPUT_BYTES;
use crate::change::Tree;

/// A folder with a copy of a tree in `project`, and a place for what tools write in `out`.
pub(crate) struct Copy {
    folder: TempDir,
}

impl Copy {
    /// Writes every text of a tree below `scratch`, with links to the project's installed packages.
    pub(crate) fn lay(tree: &dyn Tree, scratch: &Path, installed: &[(PathBuf, PathBuf)]) -> io::Result<Self> {
        std::fs::create_dir_all(scratch)?;
        let copy = Self { folder: tempfile::Builder::new().prefix("tools-").tempdir_in(scratch)? };
        std::fs::create_dir(copy.project())?;
        std::fs::create_dir(copy.folder.path().join("out"))?;
        for path in tree.paths().iter().filter(|path| is_plain(path)) {
            let Some(text) = tree.read(path) else { continue };
            let place = copy.project().join(path);
            if let Some(parent) = place.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(place, text.as_bytes())?;
        }
        for (relative, folder) in installed.iter().filter(|(relative, _)| is_plain(relative)) {
            copy.link(relative, folder)?;
        }
        Ok(copy)
    }

    fn link(&self, relative: &Path, folder: &Path) -> io::Result<()> {
        let place = self.project().join(relative);
        let has_parent = place.parent().is_some_and(Path::is_dir);
        if has_parent && place.symlink_metadata().is_err() {
            std::os::unix::fs::symlink(folder, place)?;
        }
        Ok(())
    }

    /// Returns the folder that holds everything.
    pub(super) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the folder with the copy.
    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// Makes a tool's place for what it writes.
    pub(super) fn out(&self, tool: &str) -> io::Result<PathBuf> {
        let out = self.folder.path().join("out").join(tool);
        // A tool that ran before may have left anything here.
        if !is_real_folder(&self.folder.path().join("out")) {
            return Err(io::Error::other("the folder for output was replaced"));
        }
        if out.symlink_metadata().is_ok() {
            return Err(io::Error::other("the folder for output is not new"));
        }
        std::fs::create_dir(&out)?;
        Ok(out)
    }

    /// Reads a file that a tool wrote into its place. Nothing of the tool is running any more, so what is looked at here is
    /// what is read: a file, and no link on the way to it.
    pub(super) fn read_out(&self, tool: &str, name: &str) -> Result<Vec<u8>, String> {
        let out = self.folder.path().join("out");
        let path = out.join(tool).join(name);
        let is_file = path.symlink_metadata().is_ok_and(|it| it.is_file());
        if !is_real_folder(&out) || !is_real_folder(&out.join(tool)) || !is_file {
            return Err("left no output that can be read".to_owned());
        }
        let is_short = path.metadata().is_ok_and(|it| it.len() <= MAX_OUTPUT_BYTES);
        let bytes = wright_repo::read_regular(&path, MAX_OUTPUT_BYTES).filter(|_| is_short);
        bytes.ok_or_else(|| format!("wrote more than {} MiB", MAX_OUTPUT_BYTES / 1024 / 1024))
    }
}

fn is_real_folder(path: &Path) -> bool {
    path.symlink_metadata().is_ok_and(|it| it.is_dir())
}

/// Returns whether a path stays below the folder it is joined to.
fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_))) && !path.as_os_str().is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::MemoryTree;

    #[test]
    fn a_copy_holds_the_texts_and_nothing_outside_of_it() {
        let scratch = tempfile::tempdir().unwrap();
        let tree: MemoryTree = [("a/b.py", "1"), ("../escape", "x"), ("/absolute", "x")].into_iter().collect();
        let packages = scratch.path().join("node_modules");
        let copy =
            Copy::lay(&tree, &scratch.path().join("copies"), &[("node_modules".into(), packages.clone())]).unwrap();
        assert_eq!(std::fs::read_to_string(copy.project().join("a/b.py")).unwrap(), "1");
        assert_eq!(std::fs::read_link(copy.project().join("node_modules")).unwrap(), packages);
        let mut names: Vec<_> = std::fs::read_dir(copy.project()).unwrap().map(|it| it.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a", "node_modules"]);
        assert!(!copy.root().join("escape").exists());
    }

    #[test]
    fn output_is_read_from_a_file_and_through_no_link() {
        let scratch = tempfile::tempdir().unwrap();
        let secret = scratch.path().join("secret");
        std::fs::create_dir(&secret).unwrap();
        std::fs::write(secret.join("stdout"), "secret").unwrap();
        let copy = Copy::lay(&MemoryTree::default(), scratch.path(), &[]).unwrap();
        let out = copy.out("tool").unwrap();
        std::fs::write(out.join("stdout"), "fine").unwrap();
        assert_eq!(copy.read_out("tool", "stdout").unwrap(), b"fine");
        std::os::unix::fs::symlink(secret.join("stdout"), out.join("linked")).unwrap();
        assert!(copy.read_out("tool", "linked").is_err());
        std::fs::remove_dir_all(&out).unwrap();
        std::os::unix::fs::symlink(&secret, &out).unwrap();
        assert!(copy.read_out("tool", "stdout").is_err());
        assert!(copy.out("tool").is_err());
    }
}
