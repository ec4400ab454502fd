//! The store of suggestions: one SQLite file of its own, beside the one of tasks.
//!
//! It is its own file because its events are many, come while someone types, and may be lost: they are flushed lazily and
//! nobody waits for them, while a step of a task is on the disk before the task goes on. A long write to either does not
//! hold up the other, and all of it can be deleted without touching a task.
//!
//! To write while someone types, use [`crate::SuggestionLog`]. To read, see [`crate::Records`].

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow, SqliteSynchronous};
use sqlx::{Row, SqliteConnection};

use crate::database::{self, Database, Migration, time, unreadable};
use crate::records::{Kept, Recorded, RecordedOutcome, TypedHour, WithheldHour};
use crate::suggestion::{code, model_name};
use crate::{Event, KeptAfter, NewSuggestion, Outcome, Records, StoreError, SuggestionId, SuggestionKind, Typed};

/// The migrations, oldest first. One that was released is never edited.
const MIGRATIONS: [Migration; 1] = [(1, "suggestions", include_str!("../migrations/suggestions/0001_suggestions.sql"))];

/// How long a write waits for other processes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// How many bytes of a repository's hash are stored: enough to tell the repositories of one person apart.
const REPOSITORY_KEY_BYTES: usize = 8;

/// The tables that hold something about the user, those that others refer to last.
const TABLES: [&str; 4] = ["DELETE FROM kept", "DELETE FROM suggestions", "DELETE FROM typed", "DELETE FROM withheld"];

/// An open store of suggestions. Clones share it.
#[derive(Debug, Clone)]
pub struct SuggestionStore {
    database: Database,
    salt: Vec<u8>,
}

impl SuggestionStore {
    /// Opens the database at `path`, makes it and its folder where they are missing, and brings it up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, options(path)).await
    }

    pub(crate) async fn open_with(path: &Path, options: SqliteConnectOptions) -> Result<Self, StoreError> {
        let database = Database::open(path, options, &MIGRATIONS).await?;
        let salt = sqlx::query_scalar("SELECT value FROM salt")
            .fetch_one(&database.pool)
            .await
            .map_err(|error| database.explain(&error))?;
        Ok(Self { database, salt })
    }

    /// Closes the database, and waits until what other calls of this store began is done.
    pub async fn close(self) {
        self.database.close().await;
    }

    /// Stores events in their order: all of them, or none when there is an error. An event about a suggestion that is not
    /// known is left out.
    pub async fn record(&self, events: &[Event]) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        for event in events {
            self.insert(&mut tx, event).await.map_err(|error| self.database.explain(&error))?;
        }
        self.database.commit(tx).await
    }

    /// Returns what was recorded since a time, or all of it. Hours are whole: the first may begin before `since`.
    pub async fn records(&self, since: Option<DateTime<Utc>>) -> Result<Records, StoreError> {
        let since = since.map_or(i64::MIN, |time| time.timestamp_millis());
        self.read(since).await.map_err(|error| self.database.explain(&error))
    }

    /// Removes what was recorded before a time.
    pub async fn remove_before(&self, time: DateTime<Utc>) -> Result<(), StoreError> {
        let hour = hour_of(time);
        let deletes = [
            ("DELETE FROM suggestions WHERE shown_at < ?", time.timestamp_millis()),
            ("DELETE FROM typed WHERE hour < ?", hour),
            ("DELETE FROM withheld WHERE hour < ?", hour),
        ];
        let mut tx = self.database.begin().await?;
        for (delete, bound) in deletes {
            sqlx::query(delete).bind(bound).execute(&mut *tx).await.map_err(|error| self.database.explain(&error))?;
        }
        self.database.commit(tx).await
    }

    /// Removes everything that was recorded at `path`, so that it cannot be read from the file either. A file that cannot be
    /// read any more is removed whole. Returns whether there was a file.
    pub async fn forget(path: &Path) -> Result<bool, StoreError> {
        if !path.try_exists().map_err(|error| StoreError::from_io(path, &error))? {
            return Ok(false);
        }
        let erased = match Self::open(path).await {
            Ok(store) => store.erase().await,
            Err(error) => Err(error),
        };
        match erased {
            Err(StoreError::Damaged { .. }) => remove_files(path).map(|()| true),
            erased => erased.map(|()| true),
        }
    }

    /// Deletes all rows and overwrites where they were. The file stays, because other processes may have it open.
    async fn erase(self) -> Result<(), StoreError> {
        let mut tx = self.database.begin().await?;
        for delete in TABLES.into_iter().chain(["UPDATE salt SET value = randomblob(16)"]) {
            sqlx::query(delete).execute(&mut *tx).await.map_err(|error| self.database.explain(&error))?;
        }
        self.database.commit(tx).await?;
        for statement in ["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"] {
            sqlx::query(statement).execute(&self.database.pool).await.map_err(|error| self.database.explain(&error))?;
        }
        self.close().await;
        Ok(())
    }

    async fn insert(&self, tx: &mut SqliteConnection, event: &Event) -> Result<(), sqlx::Error> {
        match event {
            Event::Shown(suggestion) => self.insert_shown(tx, suggestion).await,
            Event::Outcome { id, outcome, shown_for } => update_outcome(tx, *id, *outcome, *shown_for).await,
            Event::Kept { id, after, share, n_chars } => insert_kept(tx, *id, *after, *share, *n_chars).await,
            Event::Committed { id, n_chars } => update_committed(tx, *id, *n_chars).await,
            Event::Typed { at, language, repository, typed } => {
                let repository = repository.as_deref().map(|path| self.repository_key(path)).unwrap_or_default();
                add_typed(tx, hour_of(*at), &code(language), repository, *typed).await
            }
            Event::Withheld { at, reason, language, model } => {
                add_withheld(tx, hour_of(*at), &code(reason), &code(language), &model_name(model)).await
            }
        }
    }

    async fn insert_shown(&self, tx: &mut SqliteConnection, suggestion: &NewSuggestion) -> Result<(), sqlx::Error> {
        let insert = "INSERT INTO suggestions (id, kind, language, model, repository, shown_at, n_chars, n_lines, \
                      n_tokens, latency_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING";
        sqlx::query(insert)
            .bind(key(suggestion.id))
            .bind(suggestion.kind.as_str())
            .bind(code(&suggestion.language))
            .bind(model_name(&suggestion.model))
            .bind(suggestion.repository.as_deref().map(|path| self.repository_key(path)))
            .bind(suggestion.at.timestamp_millis())
            .bind(suggestion.n_chars)
            .bind(suggestion.n_lines)
            .bind(suggestion.n_tokens)
            .bind(millis(suggestion.latency))
            .execute(tx)
            .await
            .map(drop)
    }

    /// Returns what is stored of a repository's path.
    fn repository_key(&self, path: &Path) -> Vec<u8> {
        let mut hasher = Sha256::new();
        hasher.update(&self.salt);
        hasher.update(path.as_os_str().as_bytes());
        hasher.finalize().iter().take(REPOSITORY_KEY_BYTES).copied().collect()
    }

    async fn read(&self, since: i64) -> Result<Records, sqlx::Error> {
        // One transaction, so that all parts are of the same moment.
        let mut tx = self.database.pool.begin().await?;
        let suggestions = read_suggestions(&mut tx, since).await?;
        let first_hour = since.div_euclid(MILLIS_PER_HOUR);
        let select = "SELECT hour, language, sum(n_chars_typed), sum(n_chars_pasted), sum(n_chars_deleted) \
                      FROM typed WHERE hour >= ? GROUP BY hour, language";
        let typed = sqlx::query(select).bind(first_hour).fetch_all(&mut *tx).await?;
        let select = "SELECT hour, reason, language, model, n_times FROM withheld WHERE hour >= ?";
        let withheld = sqlx::query(select).bind(first_hour).fetch_all(&mut *tx).await?;
        Ok(Records {
            suggestions,
            typed: typed.iter().map(to_typed).collect::<Result<_, _>>()?,
            withheld: withheld.iter().map(to_withheld).collect::<Result<_, _>>()?,
        })
    }
}

const MILLIS_PER_HOUR: i64 = 3_600_000;

fn hour_of(time: DateTime<Utc>) -> i64 {
    time.timestamp_millis().div_euclid(MILLIS_PER_HOUR)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn key(id: SuggestionId) -> Vec<u8> {
    id.0.as_bytes().to_vec()
}

fn count(n: u64) -> i64 {
    // A sum of such counts must not overflow in the database.
    i64::try_from(n).unwrap_or(i64::MAX).min(1 << 40)
}

fn options(path: &Path) -> SqliteConnectOptions {
    database::options(path)
        // A power cut may take the last seconds; the file stays whole.
        .synchronous(SqliteSynchronous::Normal)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("secure_delete", "ON")
}

/// Removes a database with the files that SQLite keeps beside it.
fn remove_files(path: &Path) -> Result<(), StoreError> {
    for ending in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        let file = PathBuf::from(name);
        match std::fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::from_io(&file, &error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns an outcome's number in the database, and how many characters it took at most.
fn outcome_columns(outcome: Outcome) -> (i64, i64) {
    match outcome {
        Outcome::Superseded => (1, 0),
        Outcome::Dismissed => (2, 0),
        Outcome::PartiallyAccepted { n_chars } => (3, i64::from(n_chars)),
        Outcome::Accepted => (4, i64::MAX),
    }
}

async fn update_outcome(
    tx: &mut SqliteConnection,
    id: SuggestionId,
    outcome: Outcome,
    shown_for: Option<Duration>,
) -> Result<(), sqlx::Error> {
    let update = "UPDATE suggestions SET outcome = max(outcome, ?2), \
                  n_chars_accepted = max(n_chars_accepted, min(n_chars, ?3)), \
                  shown_for_ms = max(COALESCE(shown_for_ms, ?4), COALESCE(?4, shown_for_ms)) WHERE id = ?1";
    let (number, n_chars) = outcome_columns(outcome);
    let query = sqlx::query(update).bind(key(id)).bind(number).bind(n_chars).bind(shown_for.map(millis));
    query.execute(tx).await.map(drop)
}

async fn insert_kept(
    tx: &mut SqliteConnection,
    id: SuggestionId,
    after: KeptAfter,
    share: f32,
    n_chars: u32,
) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO kept (suggestion_id, after_seconds, share, n_chars) \
                  SELECT id, ?2, ?3, min(?4, n_chars_accepted) FROM suggestions WHERE id = ?1 \
                  ON CONFLICT (suggestion_id, after_seconds) \
                  DO UPDATE SET share = excluded.share, n_chars = excluded.n_chars";
    let share = if share.is_nan() { 0.0 } else { f64::from(share.clamp(0.0, 1.0)) };
    let seconds = i64::try_from(after.duration().as_secs()).unwrap_or(i64::MAX);
    sqlx::query(insert).bind(key(id)).bind(seconds).bind(share).bind(n_chars).execute(tx).await.map(drop)
}

async fn update_committed(tx: &mut SqliteConnection, id: SuggestionId, n_chars: u32) -> Result<(), sqlx::Error> {
    let update = "UPDATE suggestions SET n_chars_committed = min(?2, n_chars_accepted) WHERE id = ?1";
    sqlx::query(update).bind(key(id)).bind(n_chars).execute(tx).await.map(drop)
}

async fn add_typed(
    tx: &mut SqliteConnection,
    hour: i64,
    language: &str,
    repository: Vec<u8>,
    typed: Typed,
) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO typed VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (hour, language, repository) DO UPDATE SET \
                  n_chars_typed = n_chars_typed + excluded.n_chars_typed, \
                  n_chars_pasted = n_chars_pasted + excluded.n_chars_pasted, \
                  n_chars_deleted = n_chars_deleted + excluded.n_chars_deleted";
    sqlx::query(insert)
        .bind(hour)
        .bind(language)
        .bind(repository)
        .bind(count(typed.n_chars_typed))
        .bind(count(typed.n_chars_pasted))
        .bind(count(typed.n_chars_deleted))
        .execute(tx)
        .await
        .map(drop)
}

async fn add_withheld(
    tx: &mut SqliteConnection,
    hour: i64,
    reason: &str,
    language: &str,
    model: &str,
) -> Result<(), sqlx::Error> {
    let insert = "INSERT INTO withheld VALUES (?, ?, ?, ?, 1) \
                  ON CONFLICT (hour, reason, language, model) DO UPDATE SET n_times = n_times + 1";
    sqlx::query(insert).bind(hour).bind(reason).bind(language).bind(model).execute(tx).await.map(drop)
}

async fn read_suggestions(tx: &mut SqliteConnection, since: i64) -> Result<Vec<Recorded>, sqlx::Error> {
    let select = "SELECT id, kind, language, model, shown_at, n_chars, latency_ms, outcome, shown_for_ms, \
                  n_chars_accepted, n_chars_committed FROM suggestions WHERE shown_at >= ? ORDER BY shown_at, id";
    let rows = sqlx::query(select).bind(since).fetch_all(&mut *tx).await?;
    let mut suggestions = rows.iter().map(to_recorded).collect::<Result<Vec<_>, _>>()?;
    let mut idx_by_id = HashMap::new();
    for (idx, row) in rows.iter().enumerate() {
        idx_by_id.insert(row.try_get::<Vec<u8>, _>("id")?, idx);
    }
    let select = "SELECT suggestion_id, after_seconds, share, kept.n_chars FROM kept \
                  JOIN suggestions ON suggestions.id = suggestion_id WHERE shown_at >= ?";
    for row in sqlx::query(select).bind(since).fetch_all(&mut *tx).await? {
        let id: Vec<u8> = row.try_get(0)?;
        let seconds = unsigned("after_seconds", row.try_get(1)?)?;
        let after =
            KeptAfter::from_seconds(seconds).ok_or_else(|| unreadable("after_seconds", &seconds.to_string()))?;
        let kept = Kept { share: row.try_get(2)?, n_chars: unsigned("n_chars", row.try_get(3)?)? };
        if let Some(idx) = idx_by_id.get(&id) {
            suggestions[*idx].kept.insert(after, kept);
        }
    }
    Ok(suggestions)
}

fn to_recorded(row: &SqliteRow) -> Result<Recorded, sqlx::Error> {
    let kind: &str = row.try_get("kind")?;
    let outcome: i64 = row.try_get("outcome")?;
    let shown_for_ms: Option<i64> = row.try_get("shown_for_ms")?;
    let n_chars_committed: Option<i64> = row.try_get("n_chars_committed")?;
    Ok(Recorded {
        kind: SuggestionKind::parse(kind).ok_or_else(|| unreadable("kind", kind))?,
        language: row.try_get("language")?,
        model: row.try_get("model")?,
        shown_at: time("shown_at", row.try_get("shown_at")?)?,
        n_chars: unsigned("n_chars", row.try_get("n_chars")?)?,
        latency: Duration::from_millis(unsigned("latency_ms", row.try_get("latency_ms")?)?),
        outcome: to_outcome(outcome).ok_or_else(|| unreadable("outcome", &outcome.to_string()))?,
        shown_for: shown_for_ms.map(|it| unsigned("shown_for_ms", it)).transpose()?.map(Duration::from_millis),
        n_chars_accepted: unsigned("n_chars_accepted", row.try_get("n_chars_accepted")?)?,
        n_chars_committed: n_chars_committed.map(|it| unsigned("n_chars_committed", it)).transpose()?,
        kept: std::collections::BTreeMap::new(),
    })
}

fn to_outcome(number: i64) -> Option<RecordedOutcome> {
    match number {
        0 => Some(RecordedOutcome::Unknown),
        1 => Some(RecordedOutcome::Superseded),
        2 => Some(RecordedOutcome::Dismissed),
        3 => Some(RecordedOutcome::PartiallyAccepted),
        4 => Some(RecordedOutcome::Accepted),
        _ => None,
    }
}

fn to_typed(row: &SqliteRow) -> Result<TypedHour, sqlx::Error> {
    Ok(TypedHour {
        hour: hour(row.try_get(0)?)?,
        language: row.try_get(1)?,
        typed: Typed {
            n_chars_typed: unsigned("n_chars_typed", row.try_get(2)?)?,
            n_chars_pasted: unsigned("n_chars_pasted", row.try_get(3)?)?,
            n_chars_deleted: unsigned("n_chars_deleted", row.try_get(4)?)?,
        },
    })
}

fn to_withheld(row: &SqliteRow) -> Result<WithheldHour, sqlx::Error> {
    Ok(WithheldHour {
        hour: hour(row.try_get(0)?)?,
        reason: row.try_get(1)?,
        language: row.try_get(2)?,
        model: row.try_get(3)?,
        n_times: unsigned("n_times", row.try_get(4)?)?,
    })
}

fn hour(hour: i64) -> Result<DateTime<Utc>, sqlx::Error> {
    time("hour", hour.saturating_mul(MILLIS_PER_HOUR))
}

fn unsigned(column: &'static str, number: i64) -> Result<u64, sqlx::Error> {
    u64::try_from(number).map_err(|_| unreadable(column, &number.to_string()))
}
