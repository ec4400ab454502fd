//! The advisories that lie on this machine: a folder of OSV documents, of published archives, or of what was imported.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::import::{self, IMPORTED_SUFFIX};
use super::{Advisory, Ecosystem};

/// More than the largest published document.
pub(super) const MAX_DOCUMENT_BYTES: u64 = 8 * 1024 * 1024;

/// More folders below each other than a database has.
const MAX_DEPTH: usize = 6;

/// More files than a folder of loose documents is searched for.
const MAX_FILES: usize = 1_000_000;

/// Why advisories could not be read or imported.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoryError {
    /// A file or folder could not be read or written.
    #[error("{path:?}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// An archive is none, is damaged, or holds more than a database does.
    #[error("{path:?}: {reason}")]
    Archive {
        /// The archive.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl AdvisoryError {
    pub(super) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// The advisories about a set of packages.
#[derive(Debug, Clone, Default)]
pub struct AdvisoryDatabase {
    by_package: BTreeMap<(Ecosystem, String), Vec<Arc<Advisory>>>,
    newest: BTreeMap<Ecosystem, String>,
}

impl AdvisoryDatabase {
    /// Reads the advisories about `wanted` out of a folder, in any mixture of: what [`super::import_zip`] wrote, published
    /// archives (`*.zip`), and loose documents (`*.json`). Links are not followed. A document that is no advisory is left
    /// out.
    ///
    /// # Errors
    /// When the folder or a file in it cannot be read.
    pub fn load(folder: &Path, wanted: &BTreeSet<(Ecosystem, String)>) -> Result<Self, AdvisoryError> {
        let mut database = Self::default();
        let mut left = vec![(folder.to_owned(), 0)];
        let mut n_files = 0;
        while let Some((folder, depth)) = left.pop() {
            for entry in std::fs::read_dir(&folder).map_err(AdvisoryError::io(&folder))? {
                let entry = entry.map_err(AdvisoryError::io(&folder))?;
                let kind = entry.file_type().map_err(AdvisoryError::io(&folder))?;
                n_files += 1;
                if kind.is_dir() && depth < MAX_DEPTH {
                    left.push((entry.path(), depth + 1));
                } else if kind.is_file() && n_files <= MAX_FILES {
                    database.load_file(&entry.path(), wanted)?;
                }
            }
        }
        Ok(database)
    }

    /// Returns a database of the given advisories.
    pub fn of(advisories: impl IntoIterator<Item = Advisory>) -> Self {
        let mut database = Self::default();
        for advisory in advisories {
            database.insert(advisory, |_| true);
        }
        database
    }

    /// Returns the advisories about a package.
    pub fn about(&self, ecosystem: Ecosystem, name: &str) -> &[Arc<Advisory>] {
        self.by_package.get(&(ecosystem, name.to_owned())).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns when the newest advisory of an ecosystem was changed, as RFC 3339 writes it; `None` where the database has
    /// none, which is another thing than having none about a package.
    pub fn newest(&self, ecosystem: Ecosystem) -> Option<&str> {
        self.newest.get(&ecosystem).map(String::as_str)
    }

    fn load_file(&mut self, path: &Path, wanted: &BTreeSet<(Ecosystem, String)>) -> Result<(), AdvisoryError> {
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        if name.ends_with(IMPORTED_SUFFIX) {
            return self.load_imported(path, wanted);
        }
        let is_wanted = |key: &(Ecosystem, String)| wanted.contains(key);
        if name.ends_with(".zip") {
            import::each_document(path, |document| {
                if let Ok(advisory) = Advisory::parse(document) {
                    self.insert(advisory, is_wanted);
                }
                Ok(())
            })?;
        } else if name.ends_with(".json") {
            let mut document = Vec::new();
            let file = File::open(path).map_err(AdvisoryError::io(path))?;
            file.take(MAX_DOCUMENT_BYTES).read_to_end(&mut document).map_err(AdvisoryError::io(path))?;
            if let Ok(advisory) = Advisory::parse(&document) {
                self.insert(advisory, is_wanted);
            }
        }
        Ok(())
    }

    /// Reads one document a line, with the packages it is about before it, so that all others are skipped unread.
    fn load_imported(&mut self, path: &Path, wanted: &BTreeSet<(Ecosystem, String)>) -> Result<(), AdvisoryError> {
        let mut lines = BufReader::new(File::open(path).map_err(AdvisoryError::io(path))?);
        let mut line = String::new();
        loop {
            line.clear();
            let n_read = (&mut lines).take(MAX_DOCUMENT_BYTES).read_line(&mut line).map_err(AdvisoryError::io(path))?;
            if n_read == 0 {
                return Ok(());
            }
            if let Some(newest) = line.strip_prefix(import::NEWEST) {
                self.remember_newest(newest.trim_end());
                continue;
            }
            let Some((keys, document)) = line.split_once('\t') else { continue };
            if !keys.split(' ').filter_map(import::key).any(|key| wanted.contains(&key)) {
                continue;
            }
            if let Ok(advisory) = serde_json::from_str::<Advisory>(document) {
                self.insert(advisory, |key| wanted.contains(key));
            }
        }
    }

    fn remember_newest(&mut self, line: &str) {
        let Some((ecosystem, modified)) = line.split_once(' ') else { return };
        if let Some(ecosystem) = Ecosystem::from_name(ecosystem) {
            self.note_newest(ecosystem, modified);
        }
    }

    fn note_newest(&mut self, ecosystem: Ecosystem, modified: &str) {
        let newest = self.newest.entry(ecosystem).or_default();
        if modified > newest.as_str() {
            modified.clone_into(newest);
        }
    }

    fn insert(&mut self, advisory: Advisory, is_wanted: impl Fn(&(Ecosystem, String)) -> bool) {
        let advisory = Arc::new(advisory);
        let keys: BTreeSet<(Ecosystem, String)> = advisory.packages().collect();
        for key in keys {
            self.note_newest(key.0, &advisory.modified);
            if is_wanted(&key) {
                let about = self.by_package.entry(key).or_default();
                if !about.iter().any(|it| it.id == advisory.id) {
                    about.push(Arc::clone(&advisory));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
