//! The folder that holds model files: what is in it, and whether a file is whole.
//!
//! Files of the catalogue are known by their size and SHA-256. Any other `.gguf` file that a user puts there is a model
//! too, called by its name without the ending. Fetching files is the business of [`crate::download`].

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::catalogue::{self, CATALOGUE, CatalogueModel};
use crate::tune::{Layout, SourceFile, TUNING_VERSION, Tuning};

/// The four bytes every GGUF file starts with.
const GGUF_MAGIC: &[u8; 4] = b"GGUF";

/// A folder of model files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFolder {
    path: PathBuf,
}

/// A model file that is in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelFile {
    /// How the model is called.
    pub id: String,
    /// Where the file is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// The catalogue's entry, when it has one.
    pub catalogue: Option<&'static CatalogueModel>,
}

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// There is no such file.
    #[error("model {id:?} is not in {}", folder.display())]
    Missing {
        /// The model.
        id: String,
        /// The folder that was looked in.
        folder: PathBuf,
    },
    /// The file is shorter or longer than the publisher's.
    #[error("{} has {actual} bytes instead of {expected}", path.display())]
    WrongSize {
        /// The model.
        id: String,
        /// The file.
        path: PathBuf,
        /// The catalogue's length.
        expected: u64,
        /// The file's length.
        actual: u64,
    },
    /// The file has the right length and other bytes.
    #[error("{} has the SHA-256 {actual} instead of {expected}", path.display())]
    WrongHash {
        /// The model.
        id: String,
        /// The file.
        path: PathBuf,
        /// The catalogue's hash.
        expected: String,
        /// The file's hash.
        actual: String,
    },
    /// The file is not a model at all.
    #[error("{} is not a GGUF file: it starts with {start:02x?}", path.display())]
    NotGguf {
        /// The file.
        path: PathBuf,
        /// Its first bytes.
        start: Vec<u8>,
    },
    /// The system refused.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// What was used.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl ModelError {
    /// Returns what to try next, as a sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::Missing { id, .. } => format!("Run `wright model pull {id}`."),
            Self::WrongSize { id, .. } | Self::WrongHash { id, .. } => {
                format!("Run `wright model remove {id}`, then `wright model pull {id}`.")
            }
            Self::NotGguf { .. } => "Replace the file with a model in GGUF format.".to_owned(),
            Self::Io { .. } => "Check the folder's permissions and the disk.".to_owned(),
        }
    }
}

impl ModelFolder {
    /// Returns the folder at `path`; it need not exist yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the models in the folder, in the order of their ids.
    pub fn list(&self) -> Result<Vec<ModelFile>, ModelError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(ModelError::Io { path: self.path.clone(), source }),
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|source| ModelError::Io { path: self.path.clone(), source })?;
            files.extend(model_file(&entry.path()));
        }
        let ids: Vec<String> = files.iter().map(|file| file.id.clone()).collect();
        files.retain(|file| !is_tuned_name(&file.id, &ids));
        files.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(files)
    }

    /// Returns the file of model `id` after the cheap check: it exists, starts as a GGUF file does, and has the
    /// catalogue's size.
    pub fn path_of(&self, id: &str) -> Result<PathBuf, ModelError> {
        let path = self.expected_path(id);
        let is_plain_name = Path::new(id).components().count() == 1 && !id.contains(['/', '\\']);
        if !is_plain_name || !path.is_file() {
            return Err(ModelError::Missing { id: id.to_owned(), folder: self.path.clone() });
        }
        if let Some(model) = catalogue::find(id) {
            check_size(model, &path)?;
        }
        check_magic(&path)?;
        Ok(path)
    }

    /// Returns the file whose weights are used for model `id`: the tuned one where there is one, else the one of
    /// [`ModelFolder::path_of`].
    pub fn weights_of(&self, id: &str) -> Result<PathBuf, ModelError> {
        let shipped = self.path_of(id)?;
        let tuned = self.tuning_of(id).filter(|tuning| tuning.layout != Layout::Shipped);
        Ok(tuned.map_or(shipped, |tuning| self.tuned_path(id, tuning.layout)))
    }

    /// Returns the record of the tuning of model `id`, when it belongs to the files that are here.
    pub fn tuning_of(&self, id: &str) -> Option<Tuning> {
        let tuning: Tuning = serde_json::from_slice(&fs::read(self.tuning_path(id)).ok()?).ok()?;
        let source = self.source_metadata(id).ok()?;
        let is_same_source = match catalogue::find(id) {
            Some(model) => tuning.source.sha256 == model.sha256,
            None => tuning.source.modified_ms == modified_ms(&source),
        };
        let is_valid = tuning.version == TUNING_VERSION
            && tuning.id == id
            && is_same_source
            && tuning.source.bytes == source.len()
            && (tuning.layout == Layout::Shipped || self.is_whole(&tuning));
        is_valid.then_some(tuning)
    }

    /// Returns whether the tuned file is as long as its record says, and looks like a model.
    fn is_whole(&self, tuning: &Tuning) -> bool {
        let path = self.tuned_path(&tuning.id, tuning.layout);
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        let recorded = tuning.trials.iter().find(|trial| trial.layout == tuning.layout);
        recorded.is_some_and(|trial| trial.bytes == bytes) && check_magic(&path).is_ok()
    }

    /// Removes the tuned file of model `id` with its record, and returns whether there was one. What an interrupted tuning
    /// left goes too.
    pub fn untune(&self, id: &str) -> Result<bool, ModelError> {
        for layout in Layout::ALL {
            let _ = fs::remove_file(self.tuned_path(id, layout).with_extension("gguf.part"));
        }
        self.forget_tuning(id)
    }

    /// Removes the tuned file of model `id` with its record, and returns whether there was one.
    pub(crate) fn forget_tuning(&self, id: &str) -> Result<bool, ModelError> {
        let layouts = Layout::ALL.into_iter().filter(|&layout| layout != Layout::Shipped);
        // The record goes first: a file without one counts for nothing.
        let paths = [self.tuning_path(id)].into_iter().chain(layouts.map(|layout| self.tuned_path(id, layout)));
        let mut was_there = false;
        for path in paths {
            match fs::remove_file(&path) {
                Ok(()) => was_there = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(ModelError::Io { path, source }),
            }
        }
        Ok(was_there)
    }

    /// Returns what tells the shipped file of model `id` from another. Reads all of it where no catalogue has its hash.
    pub(crate) fn source_file(&self, id: &str) -> Result<SourceFile, ModelError> {
        let metadata = self.source_metadata(id)?;
        let sha256 = match catalogue::find(id) {
            Some(model) => model.sha256.to_owned(),
            None => sha256_of(&self.expected_path(id))?,
        };
        Ok(SourceFile { bytes: metadata.len(), sha256, modified_ms: modified_ms(&metadata) })
    }

    fn source_metadata(&self, id: &str) -> Result<fs::Metadata, ModelError> {
        let path = self.expected_path(id);
        fs::metadata(&path).map_err(|source| ModelError::Io { path, source })
    }

    /// Returns where the file of model `id` in another layout is.
    pub(crate) fn tuned_path(&self, id: &str, layout: Layout) -> PathBuf {
        self.path.join(format!("{id}.{}.gguf", layout.name()))
    }

    /// Returns where the record of the tuning of model `id` is.
    pub(crate) fn tuning_path(&self, id: &str) -> PathBuf {
        self.path.join(format!("{id}.tuning.json"))
    }

    /// Reads the whole file of model `id` and compares it with the catalogue: the size first, then the SHA-256. A file
    /// that is not in the catalogue only has to look like a model.
    pub fn verify(&self, id: &str) -> Result<PathBuf, ModelError> {
        let path = self.path_of(id)?;
        if let Some(model) = catalogue::find(id) {
            verify_file(model, &path)?;
        }
        Ok(path)
    }

    /// Deletes the file of model `id`, with what was made from it, and returns how many bytes that freed.
    pub fn remove(&self, id: &str) -> Result<u64, ModelError> {
        let path = match self.path_of(id) {
            Err(ModelError::Missing { id, folder }) => return Err(ModelError::Missing { id, folder }),
            _ => self.expected_path(id),
        };
        let bytes = fs::metadata(&path).map_or(0, |metadata| metadata.len());
        fs::remove_file(&path).map_err(|source| ModelError::Io { path, source })?;
        self.untune(id)?;
        Ok(bytes)
    }

    /// Returns where the file of model `id` is when it is there.
    pub(crate) fn expected_path(&self, id: &str) -> PathBuf {
        match catalogue::find(id) {
            Some(model) => self.path.join(model.file),
            None => self.path.join(format!("{id}.gguf")),
        }
    }
}

/// Returns whether `name` is what the tuned file of another model is called.
fn is_tuned_name(name: &str, ids: &[String]) -> bool {
    let layouts = Layout::ALL.into_iter().filter(|&layout| layout != Layout::Shipped);
    layouts
        .filter_map(|layout| name.strip_suffix(layout.name())?.strip_suffix('.'))
        .any(|source| ids.iter().any(|id| id == source))
}

/// Returns when a file was last changed, in milliseconds since 1970.
fn modified_ms(metadata: &fs::Metadata) -> u64 {
    let since_1970 = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    since_1970.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// Returns the model in the file at `path`, if it is one.
fn model_file(path: &Path) -> Option<ModelFile> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".gguf")?;
    let bytes = fs::metadata(path).ok().filter(|metadata| metadata.is_file())?.len();
    let catalogue = CATALOGUE.iter().find(|model| model.file == name);
    let id = catalogue.map_or(stem, |model| model.id).to_owned();
    Some(ModelFile { id, path: path.to_owned(), bytes, catalogue })
}

/// Reads the whole file and compares it with the catalogue: the size first, then the SHA-256.
pub(crate) fn verify_file(model: &CatalogueModel, path: &Path) -> Result<(), ModelError> {
    check_size(model, path)?;
    let actual = sha256_of(path)?;
    if actual != model.sha256 {
        return Err(ModelError::WrongHash {
            id: model.id.to_owned(),
            path: path.to_owned(),
            expected: model.sha256.to_owned(),
            actual,
        });
    }
    Ok(())
}

/// Compares the size of the file with the catalogue's.
fn check_size(model: &CatalogueModel, path: &Path) -> Result<(), ModelError> {
    let metadata = fs::metadata(path).map_err(|source| ModelError::Io { path: path.to_owned(), source })?;
    if metadata.len() != model.bytes {
        return Err(ModelError::WrongSize {
            id: model.id.to_owned(),
            path: path.to_owned(),
            expected: model.bytes,
            actual: metadata.len(),
        });
    }
    Ok(())
}

/// Checks that the file starts as a GGUF file does.
fn check_magic(path: &Path) -> Result<(), ModelError> {
    let mut start = Vec::new();
    File::open(path)
        .and_then(|file| file.take(GGUF_MAGIC.len() as u64).read_to_end(&mut start))
        .map_err(|source| ModelError::Io { path: path.to_owned(), source })?;
    if start != GGUF_MAGIC {
        return Err(ModelError::NotGguf { path: path.to_owned(), start });
    }
    Ok(())
}

/// Returns the SHA-256 of the file in lowercase hexadecimal digits.
fn sha256_of(path: &Path) -> Result<String, ModelError> {
    let io_error = |source| ModelError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(io_error)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let n_read = file.read(&mut buffer).map_err(io_error)?;
        if n_read == 0 {
            return Ok(hex(&hasher.finalize()));
        }
        hasher.update(&buffer[..n_read]);
    }
}

/// Writes bytes in lowercase hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &CatalogueModel = &CATALOGUE[0];

    /// Creates a folder with a sparse file of the given length that starts with `start`.
    fn folder_with(name: &str, start: &[u8], len: u64) -> (tempfile::TempDir, ModelFolder) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        fs::write(&path, start).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(len).unwrap();
        let folder = ModelFolder::new(dir.path());
        (dir, folder)
    }

    #[test]
    fn a_missing_folder_has_no_models() {
        let folder = ModelFolder::new("/nonexistent/models");
        assert_eq!(folder.list().unwrap(), Vec::new());
        assert!(matches!(folder.path_of(SMALL.id), Err(ModelError::Missing { .. })));
    }

    #[test]
    fn a_cut_file_is_found_by_its_size_and_named_with_the_numbers() {
        let (_dir, folder) = folder_with(SMALL.file, b"GGUF", 1000);
        let error = folder.verify(SMALL.id).unwrap_err();
        assert!(error.to_string().ends_with(&format!("{} has 1000 bytes instead of 491400064", SMALL.file)));
        assert_eq!(
            error.hint(),
            "Run `wright model remove qwen2.5-coder-0.5b`, then `wright model pull qwen2.5-coder-0.5b`."
        );
        assert!(matches!(
            folder.path_of(SMALL.id),
            Err(ModelError::WrongSize { expected: 491_400_064, actual: 1000, .. })
        ));
    }

    #[test]
    fn a_corrupt_file_of_the_right_size_is_found_by_its_hash() {
        let (_dir, folder) = folder_with(SMALL.file, b"GGUF", SMALL.bytes);
        assert!(folder.path_of(SMALL.id).is_ok(), "the cheap check does not read the file");
        let ModelError::WrongHash { expected, actual, .. } = folder.verify(SMALL.id).unwrap_err() else {
            panic!("the hash is wrong")
        };
        assert_eq!(expected, SMALL.sha256);
        assert_ne!(actual, expected);
    }

    #[test]
    fn a_file_that_is_no_model_is_named_with_its_first_bytes() {
        let (_dir, folder) = folder_with("mine.gguf", b"<htm", 100);
        let error = folder.verify("mine").unwrap_err();
        assert!(
            error.to_string().ends_with("mine.gguf is not a GGUF file: it starts with [3c, 68, 74, 6d]"),
            "{error}"
        );
    }

    #[test]
    fn a_file_of_the_user_is_a_model_called_by_its_stem() {
        let (_dir, folder) = folder_with("my-model.gguf", b"GGUF", 100);
        let files = folder.list().unwrap();
        assert_eq!(files.len(), 1);
        assert_eq!((files[0].id.as_str(), files[0].bytes, files[0].catalogue), ("my-model", 100, None));
        assert_eq!(folder.verify("my-model").unwrap(), files[0].path);
    }

    #[test]
    fn catalogue_files_are_listed_under_their_id() {
        let (_dir, folder) = folder_with(SMALL.file, b"GGUF", 10);
        assert_eq!(folder.list().unwrap()[0].id, SMALL.id);
    }

    #[test]
    fn an_id_cannot_leave_the_folder() {
        let (dir, _) = folder_with("outside.gguf", b"GGUF", 10);
        let inner = dir.path().join("inner");
        fs::create_dir(&inner).unwrap();
        assert!(matches!(ModelFolder::new(inner).path_of("../outside"), Err(ModelError::Missing { .. })));
    }

    #[test]
    fn a_cut_file_can_be_removed() {
        let (_dir, folder) = folder_with(SMALL.file, b"GGUF", 1000);
        assert_eq!(folder.remove(SMALL.id).unwrap(), 1000);
        assert!(matches!(folder.remove(SMALL.id), Err(ModelError::Missing { .. })));
    }
}
