//! The unfinished file of a download, with the hash of what it has.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::catalogue::CatalogueModel;
use crate::models::hex;

/// The unfinished file of a download.
pub(super) struct PartFile {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    n_bytes: u64,
}

impl PartFile {
    /// Opens or creates the file. `keep` is given its length and says how much of it is used.
    pub(super) fn open(path: &Path, keep: impl FnOnce(u64) -> u64) -> io::Result<Self> {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let n_kept = keep(file.metadata()?.len());
        let mut part = Self { path: path.to_owned(), file, hasher: Sha256::new(), n_bytes: 0 };
        part.cut(n_kept)?;
        Ok(part)
    }

    /// Returns how many bytes are there.
    pub(super) fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Keeps the first `n_bytes` bytes and hashes them anew.
    pub(super) fn cut(&mut self, n_bytes: u64) -> io::Result<()> {
        self.file.set_len(n_bytes)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Sha256::new();
        self.n_bytes = 0;
        let mut buffer = vec![0; 1 << 20];
        loop {
            let n_read = self.file.read(&mut buffer)?;
            if n_read == 0 {
                return Ok(());
            }
            self.hasher.update(&buffer[..n_read]);
            self.n_bytes += n_read as u64;
        }
    }

    /// Appends bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.n_bytes += bytes.len() as u64;
        Ok(())
    }

    /// Makes sure that what was appended survives a power cut.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Gives the file its own name when it is what the catalogue says. Otherwise, says what it is; bytes that are all
    /// there and wrong are deleted, because no later attempt can use them.
    pub(super) fn finish(self, model: &CatalogueModel, path: &Path) -> Result<(), String> {
        if self.n_bytes != model.bytes {
            return Err(format!("the file has {} bytes instead of {}", self.n_bytes, model.bytes));
        }
        let actual = hex(&self.hasher.finalize());
        if actual != model.sha256 {
            remove(&self.path);
            return Err(format!("the file has the SHA-256 {actual} instead of {}", model.sha256));
        }
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.path, path))
            .and_then(|()| File::open(path.parent().unwrap_or(Path::new("."))))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        remove_quietly(&sidecar(&self.path));
        Ok(())
    }
}

/// Returns the path of the list of finished parts that belongs to an unfinished file.
pub(super) fn sidecar(part: &Path) -> PathBuf {
    part.with_extension("part.json")
}

/// Deletes an unfinished file and its list of finished parts.
fn remove(part: &Path) {
    remove_quietly(part);
    remove_quietly(&sidecar(part));
}

/// Deletes a file that may not be there. One that stays does no harm: its content is checked before it is used.
fn remove_quietly(path: &Path) {
    let _ = fs::remove_file(path);
}
