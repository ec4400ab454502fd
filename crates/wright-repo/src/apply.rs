//! Replaces files in the user's checkout, all of them or none.
//!
//! Every file is compared with what the change was made from, the new content is written beside it and brought to the
//! disk, and only then do names move, one by one. The former file keeps a second name until the last one has moved, so
//! taking everything back needs no room on the disk.
//!
//! A power cut in the middle can leave some files new and some old, each of them whole, and the former ones under names
//! that begin with `.wright-`. Whoever wants to survive that records the patch before it is applied.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rustix::fs::AtFlags;
use rustix::io::Errno;
use wright_text::{FileChange, Patch};

use crate::beneath::{Beneath, Durability, Place, temporary_name};
use crate::commit::CommitId;
use crate::{RepoError, path_rules};

/// A patch that is in the checkout, and what it takes to get it out again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The patch that takes it back.
    pub reverse: Patch,
    /// The permission bits of the files that were removed.
    pub modes: BTreeMap<PathBuf, u32>,
    /// The commit that the patch was made for.
    pub base: CommitId,
    /// The commit that was checked out when it was applied.
    pub head: CommitId,
}

/// The mode of each file by its path.
type Modes = BTreeMap<PathBuf, u32>;

/// Replaces the files; returns the patch that takes it back and the modes of the files that were removed.
pub(crate) fn replace(root: &Path, patch: &Patch, modes: &Modes) -> Result<(Patch, Modes), RepoError> {
    let tree = Beneath::open(root)?;
    for (path, change) in &patch.files {
        check_before(&tree, path, change)?;
    }
    let mut replacement = Replacement { tree: &tree, steps: Vec::new(), created: Vec::new() };
    let outcome = replacement.stage(patch, modes).and_then(|()| replacement.swap());
    if let Err(error) = outcome {
        return Err(replacement.roll_back(error));
    }
    Ok((reversed(patch), replacement.finish()))
}

fn reversed(patch: &Patch) -> Patch {
    let reverse = |change: &FileChange| FileChange { before: change.after.clone(), after: change.before.clone() };
    Patch { files: patch.files.iter().map(|(path, change)| (path.clone(), reverse(change))).collect() }
}

/// Returns a conflict unless the file is exactly what the change was made from.
fn check_before(tree: &Beneath, path: &Path, change: &FileChange) -> Result<(), RepoError> {
    path_rules::check(path)?;
    let conflict = || RepoError::Conflict { path: path.to_path_buf() };
    let expected = change.before.as_deref();
    let max_bytes = expected.map_or(0, str::len) as u64;
    let found = match tree.read(path, max_bytes) {
        Ok(found) => found,
        Err(RepoError::TooLarge { .. } | RepoError::NotAFile { .. }) => return Err(conflict()),
        Err(error) => return Err(error),
    };
    if found.as_deref() != expected.map(str::as_bytes) {
        return Err(conflict());
    }
    Ok(())
}

struct Replacement<'a> {
    tree: &'a Beneath,
    steps: Vec<Step<'a>>,
    /// Folders that were made, outermost first.
    created: Vec<PathBuf>,
}

/// The change of one file.
struct Step<'a> {
    path: &'a Path,
    change: &'a FileChange,
    /// The mode of the file that is there.
    mode: Option<u32>,
    /// The name of the new content, until it moves.
    staged: Option<OsString>,
    /// The second name of the former file.
    backup: Option<OsString>,
    is_swapped: bool,
}

impl<'a> Replacement<'a> {
    /// Writes all new content beside its place.
    fn stage(&mut self, patch: &'a Patch, modes: &Modes) -> Result<(), RepoError> {
        let real = patch.files.iter().filter(|(_, change)| change.before != change.after);
        for (path, change) in real {
            let place = self.tree.place_created(path, &mut self.created)?;
            let found = place.find()?;
            let like = match &found {
                Some(found) => Some((found.mode, found.owner)),
                None => modes.get(path).map(|&mode| (mode & 0o777, owner(&place))),
            };
            let staged = match &change.after {
                Some(text) => Some(place.stage(text.as_bytes(), like, Durability::Synced)?),
                None => None,
            };
            let mode = found.map(|found| found.mode);
            self.steps.push(Step { path, change, mode, staged, backup: None, is_swapped: false });
        }
        Ok(())
    }

    /// Moves the names.
    fn swap(&mut self) -> Result<(), RepoError> {
        for step in &mut self.steps {
            // Looked at again, because writing the new content took a while.
            check_before(self.tree, step.path, step.change)?;
            step.swap(&place_of(self.tree, step.path)?)?;
        }
        for step in &self.steps {
            self.sync_folder(step.path)?;
        }
        self.created.iter().try_for_each(|folder| self.sync_folder(folder))
    }

    fn sync_folder(&self, path: &Path) -> Result<(), RepoError> {
        match rustix::fs::fsync(&place_of(self.tree, path)?.dir) {
            // Some file systems cannot do this for folders, and then do not need it.
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(RepoError::io("write the folder of", path)(error)),
        }
    }

    /// Gives the former files up and returns the modes of those that were removed.
    fn finish(self) -> Modes {
        let mut modes = Modes::new();
        for step in &self.steps {
            if let (Some(backup), Ok(place)) = (&step.backup, place_of(self.tree, step.path)) {
                place.discard(backup);
            }
            if let (None, Some(mode)) = (&step.change.after, step.mode) {
                modes.insert(step.path.to_path_buf(), mode);
                self.remove_emptied_folders(step.path);
            }
        }
        modes
    }

    /// Removes the folders that a removed file leaves empty, as git does.
    fn remove_emptied_folders(&self, path: &Path) {
        let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        for folder in folders {
            if !self.remove_folder(folder) {
                return;
            }
        }
    }

    fn remove_folder(&self, folder: &Path) -> bool {
        let place = place_of(self.tree, folder);
        place.is_ok_and(|place| rustix::fs::unlinkat(&place.dir, &place.name, AtFlags::REMOVEDIR).is_ok())
    }

    /// Puts everything back and returns the error to report.
    fn roll_back(self, cause: RepoError) -> RepoError {
        let mut error = cause;
        for step in self.steps.iter().rev() {
            if let Err(failure) = step.roll_back(self.tree, &error) {
                error = failure;
            }
        }
        for folder in self.created.iter().rev() {
            self.remove_folder(folder);
        }
        error
    }
}

impl Step<'_> {
    fn swap(&mut self, place: &Place) -> Result<(), RepoError> {
        if self.change.before.is_some() {
            let backup = temporary_name("old");
            let kept = rustix::fs::linkat(&place.dir, &place.name, &place.dir, &backup, AtFlags::empty());
            // Not every file system can give a file two names.
            let kept = kept.or_else(|_| rustix::fs::renameat(&place.dir, &place.name, &place.dir, &backup));
            kept.map_err(RepoError::io("keep a copy of", self.path))?;
            self.backup = Some(backup);
        }
        match (&self.staged, &self.change.before) {
            (Some(staged), Some(_)) => place.rename_from(staged)?,
            (Some(staged), None) => self.create(place, staged)?,
            (None, _) => match place.remove() {
                // Renamed to its backup already.
                Err(RepoError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                outcome => outcome?,
            },
        }
        self.staged = None;
        self.is_swapped = true;
        Ok(())
    }

    /// Moves a new file to its place, where nothing may be.
    fn create(&self, place: &Place, staged: &OsString) -> Result<(), RepoError> {
        match rustix::fs::linkat(&place.dir, staged, &place.dir, &place.name, AtFlags::empty()) {
            Ok(()) => {
                place.discard(staged);
                Ok(())
            }
            Err(Errno::EXIST) => Err(RepoError::Conflict { path: self.path.to_path_buf() }),
            Err(_) => place.rename_from(staged),
        }
    }

    fn roll_back(&self, tree: &Beneath, cause: &RepoError) -> Result<(), RepoError> {
        let failed = |backup: &OsString| RepoError::RollbackFailed {
            path: self.path.to_path_buf(),
            backup: self.path.with_file_name(backup),
            cause: cause.to_string(),
        };
        let place = match (place_of(tree, self.path), &self.backup) {
            (Ok(place), _) => place,
            (Err(_), Some(backup)) => return Err(failed(backup)),
            (Err(_), None) => return Ok(()),
        };
        if let Some(backup) = &self.backup {
            place.rename_from(backup).map_err(|_| failed(backup))?;
            // Renaming one of two names of the same file to the other does nothing, and leaves both.
            place.discard(backup);
        } else if self.is_swapped {
            place.remove()?;
        }
        if let Some(staged) = &self.staged {
            place.discard(staged);
        }
        Ok(())
    }
}

fn place_of(tree: &Beneath, path: &Path) -> Result<Place, RepoError> {
    tree.place(path)?.ok_or_else(|| RepoError::NotFound { path: path.to_path_buf() })
}

fn owner(place: &Place) -> (u32, u32) {
    match rustix::fs::fstat(&place.dir) {
        Ok(stat) => (stat.st_uid, stat.st_gid),
        Err(_) => (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn patch(changes: &[(&str, Option<&str>, Option<&str>)]) -> Patch {
        let change = |&(path, before, after): &(&str, Option<&str>, Option<&str>)| {
            let change = FileChange { before: before.map(str::to_owned), after: after.map(str::to_owned) };
            (PathBuf::from(path), change)
        };
        Patch { files: changes.iter().map(change).collect() }
    }

    /// Returns every file below a folder with its content, and every folder.
    fn listing(root: &Path) -> Vec<(PathBuf, Option<String>)> {
        let mut found = Vec::new();
        let tree = Beneath::open(root).unwrap();
        crate::walk::walk(&tree, &mut |entry| {
            let text = std::fs::read_to_string(root.join(entry.path)).ok();
            found.push((entry.path.to_path_buf(), text));
            Ok(crate::walk::Descend::Into)
        })
        .unwrap();
        found
    }

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_patch_and_its_reverse_bring_back_every_byte_and_mode() {
        let folder = folder(&[("a.txt", "a\r\nb"), ("dir/run.sh", "run"), ("keep", "k")]);
        let script = folder.path().join("dir/run.sh");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let before = listing(folder.path());
        let patch = patch(&[
            ("a.txt", Some("a\r\nb"), Some("a\r\nc\r\n")),
            ("dir/run.sh", Some("run"), None),
            ("new/deep/file", None, Some("n")),
        ]);

        let (reverse, modes) = replace(folder.path(), &patch, &Modes::new()).unwrap();
        let applied = listing(folder.path());
        replace(folder.path(), &reverse, &modes).unwrap();

        let text = |text: &str| Some(text.to_owned());
        let expected = [
            ("a.txt".into(), text("a\r\nc\r\n")),
            ("keep".into(), text("k")),
            ("new".into(), None),
            ("new/deep".into(), None),
            ("new/deep/file".into(), text("n")),
        ];
        assert_eq!(applied, expected);
        assert_eq!(listing(folder.path()), before);
        assert_eq!(script.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }

    #[test]
    fn one_conflict_keeps_every_file_as_it_is() {
        let conflicts = [
            ("b.txt", Some("other"), Some("new")),
            ("b.txt", Some("b but longer"), None),
            ("b.txt", None, Some("new")),
            ("missing", Some("was here"), Some("new")),
            ("dir", Some("a file"), Some("new")),
            ("dir", None, Some("new")),
            ("b.txt/below", None, Some("new")),
        ];
        for conflict in conflicts {
            let folder = folder(&[("a.txt", "a"), ("b.txt", "b"), ("dir/x", "x")]);
            let before = listing(folder.path());
            let patch = patch(&[("a.txt", Some("a"), Some("changed")), conflict]);

            let error = replace(folder.path(), &patch, &Modes::new()).unwrap_err();

            assert!(matches!(&error, RepoError::Conflict { path } if path == Path::new(conflict.0)), "{error}");
            assert_eq!(listing(folder.path()), before, "{conflict:?}");
        }
    }

    #[test]
    fn a_failure_after_some_files_have_moved_puts_them_back() {
        let folder = folder(&[("a.txt", "a"), ("b/gone.txt", "b")]);
        let before = listing(folder.path());
        // `x` cannot become a file, because making room for `x/y` makes it a folder. That shows only when names move.
        let patch = patch(&[
            ("a.txt", Some("a"), Some("changed")),
            ("b/gone.txt", Some("b"), None),
            ("c/new.txt", None, Some("c")),
            ("x", None, Some("file")),
            ("x/y", None, Some("below")),
        ]);

        let error = replace(folder.path(), &patch, &Modes::new()).unwrap_err();

        assert!(matches!(error, RepoError::Conflict { .. }), "{error}");
        assert_eq!(listing(folder.path()), before);
    }

    #[test]
    fn nothing_is_written_through_a_link_or_into_a_git_folder() {
        let outside = folder(&[("target", "t")]);
        let folder = folder(&[("a.txt", "a")]);
        symlink(outside.path(), folder.path().join("dir")).unwrap();
        symlink(outside.path().join("target"), folder.path().join("link")).unwrap();
        for (path, before) in [
            ("dir/new", None),
            ("dir/target", Some("t")),
            ("link", Some("t")),
            (".git/hooks/pre-commit", None),
            ("sub/.GIT/config", None),
            ("../escaped", None),
            ("/tmp/escaped", None),
        ] {
            let patch = patch(&[("a.txt", Some("a"), Some("changed")), (path, before, Some("evil"))]);

            let error = replace(folder.path(), &patch, &Modes::new()).unwrap_err();

            assert!(matches!(error, RepoError::Conflict { .. } | RepoError::UnsafePath { .. }), "{path}: {error}");
            assert_eq!(std::fs::read(folder.path().join("a.txt")).unwrap(), b"a", "{path}");
        }
        assert_eq!(listing(outside.path()), [("target".into(), Some("t".to_owned()))]);
        assert!(!folder.path().join(".git").exists() && !folder.path().join("sub").exists());
    }

    #[test]
    fn replacing_a_file_keeps_its_mode() {
        let folder = folder(&[("run.sh", "old")]);
        let script = folder.path().join("run.sh");
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o754)).unwrap();

        replace(folder.path(), &patch(&[("run.sh", Some("old"), Some("new"))]), &Modes::new()).unwrap();

        assert_eq!(script.metadata().unwrap().permissions().mode() & 0o777, 0o754);
    }
}
