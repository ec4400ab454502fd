//! What can go wrong with a store. Each variant is something a caller does differently.

use std::io;
use std::path::{Path, PathBuf};

use sqlx::migrate::MigrateError;

/// Why something was not stored or not found.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or its folder may not be written.
    #[error("no permission to write database {path:?}")]
    NotWritable {
        /// The database.
        path: PathBuf,
    },
    /// The disk, or the quota on it, is full. Nothing of the call was stored.
    #[error("no space left for database {path:?}")]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The file is not what we wrote.
    #[error("database {path:?} is damaged: {message}")]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        message: String,
    },
    /// The file belongs to something else.
    #[error("{path:?} is not a database of this program")]
    NotOurs {
        /// The file.
        path: PathBuf,
    },
    /// A later release has written to the file.
    #[error("database {path:?} has version {version}; this program knows versions up to {known}")]
    TooNew {
        /// The database.
        path: PathBuf,
        /// The version found.
        version: i64,
        /// The latest version known.
        known: i64,
    },
    /// Other processes kept writing.
    #[error("database {path:?} is in use by another process")]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// Anything else that the system or the database reports.
    #[error("cannot use database {path:?}: {message}")]
    Unusable {
        /// The database.
        path: PathBuf,
        /// What was reported.
        message: String,
    },
    /// There is no such task.
    #[error("no task {id:?}")]
    UnknownTask {
        /// What was asked for.
        id: String,
    },
    /// There can be no such suggestion.
    #[error("no suggestion {id:?}")]
    UnknownSuggestion {
        /// What was asked for.
        id: String,
    },
    /// Several tasks begin like this.
    #[error("{n_tasks} tasks begin with {prefix:?}")]
    AmbiguousTask {
        /// What was asked for.
        prefix: String,
        /// How many begin like it.
        n_tasks: u64,
    },
}

impl StoreError {
    /// Returns what to try next, as a sentence.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotWritable { path } => {
                Some(format!("Make {} and its folder writable for you, or choose another folder.", path.display()))
            }
            Self::Full { path } => Some(format!("Free some space on the disk that holds {}.", path.display())),
            Self::Damaged { path, .. } => Some(format!(
                "Move {} away, with the files beside it that end in `-wal` and `-shm`; a new one is made then.",
                path.display()
            )),
            Self::NotOurs { .. } => Some("Choose another path for the database.".to_owned()),
            Self::TooNew { .. } => Some("Use the release that wrote it, or a later one.".to_owned()),
            Self::Busy { .. } => Some("Try again when the other process is done.".to_owned()),
            Self::Unusable { .. } | Self::UnknownSuggestion { .. } => None,
            Self::UnknownTask { .. } => Some("`wright tasks` lists them.".to_owned()),
            Self::AmbiguousTask { .. } => Some("Write more of the id; `wright tasks` lists them.".to_owned()),
        }
    }

    /// Explains an error of the file system.
    pub(crate) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::NotWritable { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            _ => Self::Unusable { path, message: error.to_string() },
        }
    }

    /// Explains an error of the database.
    pub(crate) fn from_sqlx(path: &Path, error: &sqlx::Error) -> Self {
        let path = path.to_owned();
        let message = error.to_string();
        match error {
            sqlx::Error::Database(database) => {
                let code = database.code().and_then(|code| code.parse().ok()).unwrap_or(0);
                Self::from_code(path, code, database.message())
            }
            sqlx::Error::PoolTimedOut => Self::Busy { path },
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => Self::Damaged { path, message },
            _ => Self::Unusable { path, message },
        }
    }

    /// Explains an error of bringing the database up to date.
    pub(crate) fn from_migration(path: &Path, error: &MigrateError, known: i64) -> Self {
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => Self::from_sqlx(path, error),
            MigrateError::VersionMissing(version) => Self::TooNew { path: path.to_owned(), version: *version, known },
            _ => Self::Damaged { path: path.to_owned(), message: error.to_string() },
        }
    }

    /// Explains one of SQLite's result codes (<https://sqlite.org/rescode.html>), extended or not.
    fn from_code(path: PathBuf, code: u32, message: &str) -> Self {
        match code & 0xff {
            5 | 6 => Self::Busy { path },
            3 | 8 => Self::NotWritable { path },
            11 => Self::Damaged { path, message: message.to_owned() },
            13 => Self::Full { path },
            26 => Self::NotOurs { path },
            _ => Self::Unusable { path, message: message.to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_become_what_a_caller_can_act_on() {
        let path = Path::new("/p/x.db");
        let from_io = |kind: io::ErrorKind| StoreError::from_io(path, &kind.into()).to_string();
        assert_eq!(from_io(io::ErrorKind::PermissionDenied), "no permission to write database \"/p/x.db\"");
        assert_eq!(from_io(io::ErrorKind::ReadOnlyFilesystem), "no permission to write database \"/p/x.db\"");
        assert_eq!(from_io(io::ErrorKind::StorageFull), "no space left for database \"/p/x.db\"");
        let from_code = |code| StoreError::from_code(path.to_owned(), code, "boom").to_string();
        assert_eq!(from_code(517), "database \"/p/x.db\" is in use by another process");
        assert_eq!(from_code(1032), "no permission to write database \"/p/x.db\"");
        assert_eq!(from_code(266), "cannot use database \"/p/x.db\": boom");
    }
}
