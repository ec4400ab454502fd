//! One SQLite file: how it is opened, brought up to date and written. What the tables mean is the stores' business.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use sqlx::migrate::{MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use sqlx::{SqlSafeStr, Sqlite, SqlitePool, Transaction};

use crate::{StoreError, file};

/// How many calls of one process may read at the same time.
const MAX_CONNECTIONS: u32 = 4;

/// For how long an opening tries again while other processes make the same file.
const CONNECT_PATIENCE: Duration = Duration::from_secs(2);

/// What passes between two of these tries.
const CONNECT_PAUSE: Duration = Duration::from_millis(5);

/// A step that brings a database up to date: its version, its name, and its SQL.
pub(crate) type Migration = (i64, &'static str, &'static str);

/// An open database. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// The file.
    pub(crate) path: PathBuf,
    /// The connections to it.
    pub(crate) pool: SqlitePool,
}

impl Database {
    /// Opens the database at `path`, makes it and its folder where they are missing, and brings it up to date.
    pub(crate) async fn open(
        path: &Path,
        options: SqliteConnectOptions,
        migrations: &'static [Migration],
    ) -> Result<Self, StoreError> {
        file::prepare(path).map_err(|error| StoreError::from_io(path, &error))?;
        let pool = connect(path, options).await?;
        let database = Self { path: path.to_owned(), pool };
        database.migrate(migrations).await?;
        Ok(database)
    }

    /// Closes the database, and waits until what other calls began is done.
    pub(crate) async fn close(self) {
        self.pool.close().await;
    }

    /// Begins to write. This waits for other writers.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        // A transaction that begins by reading fails at once when it turns to writing after someone else wrote.
        self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(|error| self.explain(&error))
    }

    /// Makes what was written visible to everyone.
    pub(crate) async fn commit(&self, tx: Transaction<'static, Sqlite>) -> Result<(), StoreError> {
        tx.commit().await.map_err(|error| self.explain(&error))
    }

    /// Explains an error of this database.
    pub(crate) fn explain(&self, error: &sqlx::Error) -> StoreError {
        StoreError::from_sqlx(&self.path, error)
    }

    /// Brings the database up to date, in one transaction: a second process that opens it meanwhile waits.
    async fn migrate(&self, migrations: &'static [Migration]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let count = "SELECT count(*), count(*) FILTER (WHERE name = '_sqlx_migrations') FROM sqlite_schema";
        let (n_objects, n_ours): (i64, i64) =
            sqlx::query_as(count).fetch_one(&mut *tx).await.map_err(|error| self.explain(&error))?;
        if n_objects > 0 && n_ours == 0 {
            return Err(StoreError::NotOurs { path: self.path.clone() });
        }
        let known = migrations.iter().map(|(version, ..)| *version).max().unwrap_or(0);
        // `run` would do the same, but its future cannot be sent between threads.
        migrator(migrations)
            .run_direct(None, &mut *tx, false)
            .await
            .map_err(|error| StoreError::from_migration(&self.path, &error, known))?;
        self.commit(tx).await
    }
}

/// Connects to the file, once it can be had.
///
/// The first connection turns a new file's journal into a write-ahead log. SQLite refuses that at once, instead of
/// waiting, while another process does the same (<https://sqlite.org/wal.html>, "Sometimes Queries Return SQLITE_BUSY").
async fn connect(path: &Path, options: SqliteConnectOptions) -> Result<SqlitePool, StoreError> {
    let began = Instant::now();
    loop {
        let pool = SqlitePoolOptions::new().max_connections(MAX_CONNECTIONS);
        match pool.connect_with(options.clone()).await.map_err(|error| StoreError::from_sqlx(path, &error)) {
            Err(StoreError::Busy { .. }) if began.elapsed() < CONNECT_PATIENCE => {
                tokio::time::sleep(CONNECT_PAUSE).await;
            }
            connected => return connected,
        }
    }
}

/// Returns the options that every database of ours has.
pub(crate) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(path).journal_mode(SqliteJournalMode::Wal).foreign_keys(true)
}

fn migrator(migrations: &'static [Migration]) -> Migrator {
    let migration = |(version, name, sql): &Migration| {
        sqlx::migrate::Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(migrations.iter().map(migration).collect())
}

/// Returns the time that a column holds in milliseconds.
pub(crate) fn time(column: &'static str, millis: i64) -> Result<DateTime<Utc>, sqlx::Error> {
    DateTime::from_timestamp_millis(millis).ok_or_else(|| unreadable(column, &millis.to_string()))
}

/// Returns the error for a value that we cannot have written.
pub(crate) fn unreadable(column: &'static str, value: &str) -> sqlx::Error {
    let shown: String = value.chars().take(80).collect();
    sqlx::Error::Decode(format!("{column} contains {shown:?}").into())
}
