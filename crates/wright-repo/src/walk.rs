//! Visits everything below a folder without following links, in the order of names.

use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Stat};
use rustix::io::Errno;

use crate::RepoError;
use crate::beneath::{self, Beneath};

/// How deep folders may be nested. Each level keeps a folder open, and a process may not have many.
pub(crate) const MAX_DEPTH: usize = 200;

/// One name in a folder.
pub(crate) struct Entry<'a> {
    pub(crate) dir: &'a OwnedFd,
    pub(crate) name: &'a OsStr,
    pub(crate) path: &'a Path,
    pub(crate) stat: &'a Stat,
    pub(crate) kind: FileType,
}

/// What to do with a folder that was just visited; for anything else the answer does not matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Descend {
    /// Visit what is in it.
    Into,
    /// Go on with the next name.
    Past,
}

/// Visits everything below a folder and returns the folders that were too deep to enter.
pub(crate) fn walk(
    tree: &Beneath,
    visit: &mut dyn FnMut(&Entry<'_>) -> Result<Descend, RepoError>,
) -> Result<Vec<PathBuf>, RepoError> {
    let mut walk = Walk { visit, too_deep: Vec::new() };
    walk.folder(tree.dir(), Path::new(""), 0)?;
    Ok(walk.too_deep)
}

struct Walk<'a> {
    visit: &'a mut dyn FnMut(&Entry<'_>) -> Result<Descend, RepoError>,
    too_deep: Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, dir: &OwnedFd, path: &Path, depth: usize) -> Result<(), RepoError> {
        for name in names(dir).map_err(RepoError::io("list", path))? {
            let stat = match rustix::fs::statat(dir, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                // Removed since it was listed: the commands of a task may still be running.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(RepoError::io("look at", &path.join(&name))(error)),
            };
            let path = path.join(&name);
            let kind = beneath::kind(&stat);
            let entry = Entry { dir, name: &name, path: &path, stat: &stat, kind };
            if (self.visit)(&entry)? == Descend::Past || kind != FileType::Directory {
                continue;
            }
            if depth + 1 == MAX_DEPTH {
                self.too_deep.push(path);
                continue;
            }
            match beneath::open_beneath(dir, Path::new(&name), beneath::FOLDER) {
                Ok(opened) => self.folder(&opened, &path, depth + 1)?,
                Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
                Err(error) => return Err(RepoError::io("open the folder", &path)(error)),
            }
        }
        Ok(())
    }
}

fn names(dir: &OwnedFd) -> Result<Vec<std::ffi::OsString>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push(OsStr::from_bytes(name).to_owned());
        }
    }
    names.sort_unstable();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_nested_without_end_are_reported_and_not_entered() {
        let folder = tempfile::tempdir().unwrap();
        let deep: PathBuf = std::iter::repeat_n("d", MAX_DEPTH + 5).collect();
        std::fs::create_dir_all(folder.path().join(deep)).unwrap();
        let tree = Beneath::open(folder.path()).unwrap();
        let mut n_visited = 0;

        let too_deep = walk(&tree, &mut |_| {
            n_visited += 1;
            Ok(Descend::Into)
        })
        .unwrap();

        assert_eq!(n_visited, MAX_DEPTH);
        assert_eq!(too_deep.len(), 1);
    }

    #[test]
    fn links_are_visited_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("all")).unwrap();
        let tree = Beneath::open(folder.path()).unwrap();
        let mut seen = Vec::new();

        walk(&tree, &mut |entry| {
            seen.push((entry.path.to_path_buf(), entry.kind));
            Ok(Descend::Into)
        })
        .unwrap();

        assert_eq!(seen, [(PathBuf::from("all"), FileType::Symlink)]);
    }
}
