//! The file that holds a database: made so that only its owner can read it.

use std::fs::{DirBuilder, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Only the owner may read and write.
const FILE_MODE: u32 = 0o600;

/// Only the owner may look inside.
const FOLDER_MODE: u32 = 0o700;

/// Makes the file at `path` and the folders above it where they are missing. Transcripts hold source code, so a file that
/// others can read is closed to them; folders that were there before are left as they are.
///
/// SQLite gives the files it adds beside a database the mode of the database.
pub(crate) fn prepare(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
    }
    let file = OpenOptions::new().read(true).append(true).create(true).mode(FILE_MODE).open(path)?;
    let is_open_to_others = file.metadata()?.permissions().mode() & 0o077 != 0;
    if is_open_to_others {
        file.set_permissions(Permissions::from_mode(FILE_MODE))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn file_and_new_folders_are_the_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b/x.db");
        prepare(&path).unwrap();
        let modes = [&path, &folder.path().join("a/b"), &folder.path().join("a")].map(|path| mode(path));
        assert_eq!(modes, [0o600, 0o700, 0o700]);
    }

    #[test]
    fn a_file_that_others_could_read_is_closed_and_keeps_its_content() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        std::fs::write(&path, "content").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        prepare(&path).unwrap();
        assert_eq!((mode(&path), std::fs::read_to_string(&path).unwrap().as_str()), (0o600, "content"));
    }
}
