//! The store: one SQLite file, opened by any number of processes.
//!
//! Every write is a transaction begun with `BEGIN IMMEDIATE`, so that it waits for other writers at its start and never
//! fails in its middle; every commit is flushed to the disk before the call returns.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::time::Duration;

use chrono::Utc;
use sqlx::Row;
use sqlx::error::ErrorKind;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow, SqliteSynchronous};

use crate::database::{self, Database, Migration, time, unreadable};
use crate::{NewTask, Proposal, Step, StepSeq, StoreError, Task, TaskId, TaskStatus, transcript};

/// The migrations, oldest first. One that was released is never edited.
const MIGRATIONS: [Migration; 1] = [(1, "tasks", include_str!("../migrations/0001_tasks.sql"))];

/// How long a write waits for other processes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The columns of a task, in the order [`to_task`] reads them.
macro_rules! select_tasks {
    ($rest:literal) => {
        concat!("SELECT id, kind, repository, base_commit, request, status, created_at, finished_at FROM tasks ", $rest)
    };
}

/// An open store. Clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    database: Database,
}

impl Store {
    /// Opens the database at `path`, makes it and its folder where they are missing, and brings it up to date.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        Self::open_with(path, options(path)).await
    }

    async fn open_with(path: &Path, options: SqliteConnectOptions) -> Result<Self, StoreError> {
        Ok(Self { database: Database::open(path, options, &MIGRATIONS).await? })
    }

    /// Closes the database, and waits until what other calls of this store began is done.
    pub async fn close(self) {
        self.database.close().await;
    }

    /// Stores a task that begins now, and returns its id. Its status is [`TaskStatus::Running`].
    pub async fn create_task(&self, task: NewTask) -> Result<TaskId, StoreError> {
        let id = TaskId::unique();
        let insert = "INSERT INTO tasks (id, kind, repository, base_commit, request, status, created_at) \
                      VALUES (?, ?, ?, ?, ?, ?, ?)";
        let query = sqlx::query(insert).bind(id.to_string()).bind(&task.kind);
        // Text, where it can be, is easier on people who look into the file with other tools.
        let query = match task.repository.to_str() {
            Some(text) => query.bind(text),
            None => query.bind(task.repository.as_os_str().as_bytes()),
        };
        let query = query
            .bind(&task.base_commit)
            .bind(task.request.to_string())
            .bind(TaskStatus::Running.as_str())
            .bind(Utc::now().timestamp_millis());
        let mut tx = self.database.begin().await?;
        query.execute(&mut *tx).await.map_err(|error| self.database.explain(&error))?;
        self.database.commit(tx).await?;
        Ok(id)
    }

    /// Adds a step to the transcript of a task. Once this returns, the step is on the disk.
    pub async fn record(&self, id: &TaskId, kind: &str, payload: serde_json::Value) -> Result<StepSeq, StoreError> {
        let insert = "INSERT INTO steps (task_id, seq, kind, payload, recorded_at) \
                      SELECT ?1, COALESCE(MAX(seq), 0) + 1, ?2, ?3, ?4 FROM steps WHERE task_id = ?1 RETURNING seq";
        let mut tx = self.database.begin().await?;
        let seq: i64 = sqlx::query_scalar(insert)
            .bind(id.to_string())
            .bind(kind)
            .bind(payload.to_string())
            .bind(Utc::now().timestamp_millis())
            .fetch_one(&mut *tx)
            .await
            .map_err(|error| self.explain_about(id, &error))?;
        self.database.commit(tx).await?;
        Ok(StepSeq(seq.unsigned_abs()))
    }

    /// Returns the transcript of a task, in order.
    pub async fn steps(&self, id: &TaskId) -> Result<Vec<Step>, StoreError> {
        let select = "SELECT seq, kind, payload, recorded_at FROM steps WHERE task_id = ? ORDER BY seq";
        let rows = sqlx::query(select)
            .bind(id.to_string())
            .fetch_all(&self.database.pool)
            .await
            .map_err(|error| self.database.explain(&error))?;
        if rows.is_empty() {
            // A task without steps has an empty transcript; no task has none.
            self.task(id).await?;
        }
        rows.iter().map(to_step).collect::<Result<_, _>>().map_err(|error| self.database.explain(&error))
    }

    /// Sets what became of a task. [`TaskStatus::Running`] takes it up again.
    pub async fn finish(&self, id: &TaskId, status: TaskStatus) -> Result<(), StoreError> {
        let finished_at = match status {
            TaskStatus::Running => None,
            TaskStatus::Proposed
            | TaskStatus::Refused
            | TaskStatus::Inconclusive
            | TaskStatus::Exhausted
            | TaskStatus::Interrupted
            | TaskStatus::Applied
            | TaskStatus::Failed => Some(Utc::now().timestamp_millis()),
        };
        // A proposal that is applied next week did not finish next week.
        let update = "UPDATE tasks SET status = ?2, \
                      finished_at = CASE WHEN ?3 IS NULL THEN NULL ELSE COALESCE(finished_at, ?3) END WHERE id = ?1";
        let mut tx = self.database.begin().await?;
        let outcome = sqlx::query(update)
            .bind(id.to_string())
            .bind(status.as_str())
            .bind(finished_at)
            .execute(&mut *tx)
            .await
            .map_err(|error| self.database.explain(&error))?;
        if outcome.rows_affected() == 0 {
            return Err(StoreError::UnknownTask { id: id.to_string() });
        }
        self.database.commit(tx).await
    }

    /// Stores what a task offers, in place of what it offered before.
    pub async fn save_proposal(&self, id: &TaskId, proposal: Proposal) -> Result<(), StoreError> {
        let insert = "INSERT INTO proposals (task_id, patch, diff, receipt, saved_at) VALUES (?, ?, ?, ?, ?) \
                      ON CONFLICT (task_id) DO UPDATE SET patch = excluded.patch, diff = excluded.diff, \
                      receipt = excluded.receipt, saved_at = excluded.saved_at";
        let mut tx = self.database.begin().await?;
        sqlx::query(insert)
            .bind(id.to_string())
            .bind(proposal.patch)
            .bind(proposal.diff)
            .bind(proposal.receipt.to_string())
            .bind(Utc::now().timestamp_millis())
            .execute(&mut *tx)
            .await
            .map_err(|error| self.explain_about(id, &error))?;
        self.database.commit(tx).await
    }

    /// Returns what a task offers, if anything.
    pub async fn proposal(&self, id: &TaskId) -> Result<Option<Proposal>, StoreError> {
        let row = sqlx::query("SELECT patch, diff, receipt FROM proposals WHERE task_id = ?")
            .bind(id.to_string())
            .fetch_optional(&self.database.pool)
            .await
            .map_err(|error| self.database.explain(&error))?;
        match row {
            Some(row) => to_proposal(&row).map(Some).map_err(|error| self.database.explain(&error)),
            None => self.task(id).await.map(|_| None),
        }
    }

    /// Returns a task.
    pub async fn task(&self, id: &TaskId) -> Result<Task, StoreError> {
        let row = sqlx::query(select_tasks!("WHERE id = ?"))
            .bind(id.to_string())
            .fetch_optional(&self.database.pool)
            .await
            .map_err(|error| self.database.explain(&error))?
            .ok_or_else(|| StoreError::UnknownTask { id: id.to_string() })?;
        to_task(&row).map_err(|error| self.database.explain(&error))
    }

    /// Returns the one task whose id begins with `prefix`.
    pub async fn find_task(&self, prefix: &str) -> Result<Task, StoreError> {
        let wanted = prefix.trim().to_ascii_lowercase();
        if wanted.is_empty() {
            return Err(StoreError::UnknownTask { id: prefix.to_owned() });
        }
        let rows = sqlx::query(select_tasks!("WHERE substr(id, 1, length(?1)) = ?1"))
            .bind(wanted)
            .fetch_all(&self.database.pool)
            .await
            .map_err(|error| self.database.explain(&error))?;
        match rows.as_slice() {
            [] => Err(StoreError::UnknownTask { id: prefix.to_owned() }),
            [row] => to_task(row).map_err(|error| self.database.explain(&error)),
            rows => Err(StoreError::AmbiguousTask { prefix: prefix.to_owned(), n_tasks: rows.len() as u64 }),
        }
    }

    /// Returns the latest tasks, newest first.
    pub async fn tasks(&self, limit: u32) -> Result<Vec<Task>, StoreError> {
        let rows = sqlx::query(select_tasks!("ORDER BY created_at DESC, id DESC LIMIT ?"))
            .bind(limit)
            .fetch_all(&self.database.pool)
            .await
            .map_err(|error| self.database.explain(&error))?;
        rows.iter().map(to_task).collect::<Result<_, _>>().map_err(|error| self.database.explain(&error))
    }

    /// Returns a task and its transcript as JSON lines: first the task, then one line per step.
    pub async fn export_transcript(&self, id: &TaskId) -> Result<String, StoreError> {
        Ok(transcript::to_json_lines(&self.task(id).await?, &self.steps(id).await?))
    }

    /// Explains an error of something that refers to a task.
    fn explain_about(&self, id: &TaskId, error: &sqlx::Error) -> StoreError {
        match error {
            sqlx::Error::Database(database) if matches!(database.kind(), ErrorKind::ForeignKeyViolation) => {
                StoreError::UnknownTask { id: id.to_string() }
            }
            _ => self.database.explain(error),
        }
    }
}

fn options(path: &Path) -> SqliteConnectOptions {
    database::options(path).synchronous(SqliteSynchronous::Full).busy_timeout(BUSY_TIMEOUT)
}

fn to_task(row: &SqliteRow) -> Result<Task, sqlx::Error> {
    let id: String = row.try_get("id")?;
    let status: String = row.try_get("status")?;
    let repository: Vec<u8> = row.try_get("repository")?;
    let finished_at: Option<i64> = row.try_get("finished_at")?;
    Ok(Task {
        id: id.parse().map_err(|_| unreadable("id", &id))?,
        kind: row.try_get("kind")?,
        repository: OsString::from_vec(repository).into(),
        base_commit: row.try_get("base_commit")?,
        request: json(row, "request")?,
        status: TaskStatus::parse(&status).ok_or_else(|| unreadable("status", &status))?,
        created_at: time("created_at", row.try_get("created_at")?)?,
        finished_at: finished_at.map(|millis| time("finished_at", millis)).transpose()?,
    })
}

fn to_step(row: &SqliteRow) -> Result<Step, sqlx::Error> {
    let seq: i64 = row.try_get("seq")?;
    Ok(Step {
        seq: StepSeq(seq.unsigned_abs()),
        kind: row.try_get("kind")?,
        payload: json(row, "payload")?,
        recorded_at: time("recorded_at", row.try_get("recorded_at")?)?,
    })
}

fn to_proposal(row: &SqliteRow) -> Result<Proposal, sqlx::Error> {
    Ok(Proposal { patch: row.try_get("patch")?, diff: row.try_get("diff")?, receipt: json(row, "receipt")? })
}

fn json(row: &SqliteRow, column: &'static str) -> Result<serde_json::Value, sqlx::Error> {
    let text: &str = row.try_get(column)?;
    serde_json::from_str(text).map_err(|_| unreadable(column, text))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use serde_json::json;
    use sqlx::SqlitePool;
    use tempfile::TempDir;

    use super::*;
    use crate::file;

    /// A folder with the path of a database in it, removed at the end.
    fn place() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/wright.db");
        (folder, path)
    }

    fn new_task() -> NewTask {
        NewTask {
            kind: "fix".to_owned(),
            repository: "/home/me/réponse".into(),
            base_commit: "c0ffee".to_owned(),
            request: json!({ "test": ["cargo", "test"], "note": "a\u{0}b" }),
        }
    }

    async fn refusal(path: &Path) -> String {
        Store::open(path).await.map(|store| store.database.path).unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_task_is_read_back_as_it_was_stored() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let id = store.create_task(new_task()).await.unwrap();
        store.close().await;
        let store = Store::open(&path).await.unwrap();
        let task = store.task(&id).await.unwrap();
        let NewTask { kind, repository, base_commit, request } = new_task();
        let expected = Task {
            id,
            kind,
            repository,
            base_commit,
            request,
            status: TaskStatus::Running,
            created_at: task.created_at,
            finished_at: None,
        };
        assert_eq!(task, expected);
        let age = Utc::now() - task.created_at;
        assert!((0..60).contains(&age.num_seconds()), "{age}");
    }

    #[tokio::test]
    async fn a_repository_need_not_be_utf8() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let repository = PathBuf::from(OsString::from_vec(b"/r\xff".to_vec()));
        let id = store.create_task(NewTask { repository: repository.clone(), ..new_task() }).await.unwrap();
        assert_eq!(store.task(&id).await.unwrap().repository, repository);
        assert!(store.export_transcript(&id).await.is_ok());
    }

    #[tokio::test]
    async fn steps_are_numbered_in_order_for_each_task_alone() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let [one, two] = [store.create_task(new_task()).await.unwrap(), store.create_task(new_task()).await.unwrap()];
        assert_eq!(store.record(&one, "turn", json!({ "n": 1 })).await.unwrap(), StepSeq(1));
        assert_eq!(store.record(&two, "turn", json!(null)).await.unwrap(), StepSeq(1));
        assert_eq!(store.record(&one, "check", json!([1.5, "x"])).await.unwrap(), StepSeq(2));
        let told: Vec<_> =
            store.steps(&one).await.unwrap().into_iter().map(|step| (step.seq.0, step.kind, step.payload)).collect();
        assert_eq!(told, [(1, "turn".to_owned(), json!({ "n": 1 })), (2, "check".to_owned(), json!([1.5, "x"]))]);
        assert_eq!(store.export_transcript(&one).await.unwrap().lines().count(), 3);
    }

    #[tokio::test]
    async fn what_record_returned_from_is_visible_to_a_second_handle_and_survives_the_first() {
        let (_folder, path) = place();
        let writer = Store::open(&path).await.unwrap();
        let reader = Store::open(&path).await.unwrap();
        let id = writer.create_task(new_task()).await.unwrap();
        for n in 1..=5 {
            let seq = writer.record(&id, "turn", json!(n)).await.unwrap();
            assert_eq!(reader.steps(&id).await.unwrap().last().map(|step| step.seq), Some(seq));
        }
        // As after a kill: nothing is closed.
        std::mem::forget(writer);
        assert_eq!(Store::open(&path).await.unwrap().steps(&id).await.unwrap().len(), 5);
    }

    #[tokio::test]
    async fn a_recorded_step_can_neither_be_changed_nor_removed() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let id = store.create_task(new_task()).await.unwrap();
        store.record(&id, "turn", json!(1)).await.unwrap();
        for attack in ["UPDATE steps SET payload = '2'", "DELETE FROM steps"] {
            let error = sqlx::query(attack).execute(&store.database.pool).await.unwrap_err();
            assert!(error.to_string().contains("never"), "{error}");
        }
        assert_eq!(store.steps(&id).await.unwrap()[0].payload, json!(1));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn several_handles_can_open_and_write_at_once() {
        let (_folder, path) = place();
        let openings: Vec<_> = (0..16)
            .map(|_| {
                let path = path.clone();
                tokio::spawn(async move { Store::open(&path).await.unwrap() })
            })
            .collect();
        let mut stores = Vec::new();
        for opening in openings {
            stores.push(opening.await.unwrap());
        }
        let id = stores[0].create_task(new_task()).await.unwrap();
        let writers: Vec<_> =
            stores.into_iter().enumerate().map(|(idx, store)| tokio::spawn(write_ten(store, id, idx))).collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let steps = Store::open(&path).await.unwrap().steps(&id).await.unwrap();
        let seqs: Vec<u64> = steps.iter().map(|step| step.seq.0).collect();
        assert_eq!(seqs, (1..=160).collect::<Vec<u64>>());
        for writer_idx in 0..16 {
            let told: Vec<_> =
                steps.iter().filter(|step| step.payload[0] == writer_idx).map(|step| step.payload[1].clone()).collect();
            assert_eq!(told, (0..10).map(|n| json!(n)).collect::<Vec<_>>());
        }
    }

    async fn write_ten(store: Store, id: TaskId, writer_idx: usize) {
        for n in 0..10 {
            store.record(&id, "turn", json!([writer_idx, n])).await.unwrap();
        }
    }

    #[tokio::test]
    async fn every_call_can_be_made_from_a_spawned_task() {
        let (_folder, path) = place();
        let whole_life = async move {
            let store = Store::open(&path).await?;
            let id = store.create_task(new_task()).await?;
            store.record(&id, "turn", json!(1)).await?;
            let proposal = Proposal { patch: String::new(), diff: String::new(), receipt: json!(0) };
            store.save_proposal(&id, proposal).await?;
            store.finish(&id, TaskStatus::Proposed).await?;
            store.proposal(&id).await?;
            store.find_task(&id.to_string()).await?;
            store.export_transcript(&id).await?;
            let tasks = store.tasks(10).await?;
            store.close().await;
            Ok::<_, StoreError>(tasks.len())
        };
        assert_eq!(tokio::spawn(whole_life).await.unwrap().unwrap(), 1);
    }

    #[tokio::test]
    async fn a_task_keeps_the_time_it_first_finished() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let id = store.create_task(new_task()).await.unwrap();
        store.finish(&id, TaskStatus::Proposed).await.unwrap();
        let proposed = store.task(&id).await.unwrap();
        assert!(proposed.finished_at.is_some_and(|time| time >= proposed.created_at), "{proposed:?}");
        store.finish(&id, TaskStatus::Applied).await.unwrap();
        let applied = store.task(&id).await.unwrap();
        assert_eq!(applied, Task { status: TaskStatus::Applied, ..proposed });
        store.finish(&id, TaskStatus::Running).await.unwrap();
        assert_eq!(store.task(&id).await.unwrap().finished_at, None);
    }

    #[tokio::test]
    async fn the_last_proposal_of_a_task_counts() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let id = store.create_task(new_task()).await.unwrap();
        assert_eq!(store.proposal(&id).await.unwrap(), None);
        let first = Proposal { patch: "[]".to_owned(), diff: "-a\n+b\n".to_owned(), receipt: json!({ "checks": 1 }) };
        let second = Proposal { receipt: json!({ "checks": 2 }), ..first.clone() };
        store.save_proposal(&id, first).await.unwrap();
        store.save_proposal(&id, second.clone()).await.unwrap();
        assert_eq!(store.proposal(&id).await.unwrap(), Some(second));
    }

    #[tokio::test]
    async fn a_task_is_found_by_the_beginning_of_its_id() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let one = store.create_task(new_task()).await.unwrap();
        assert_eq!(store.find_task(&one.to_string()[..6].to_uppercase()).await.unwrap().id, one);
        let two = store.create_task(new_task()).await.unwrap();
        assert_eq!(store.find_task(&two.to_string()).await.unwrap().id, two);
        let said = |prefix: &'static str| {
            let store = store.clone();
            async move { store.find_task(prefix).await.unwrap_err().to_string() }
        };
        assert_eq!(said("0").await, "2 tasks begin with \"0\"");
        assert_eq!(said("%").await, "no task \"%\"");
        assert_eq!(said("").await, "no task \"\"");
    }

    #[tokio::test]
    async fn tasks_are_listed_newest_first() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(store.create_task(new_task()).await.unwrap());
        }
        let listed: Vec<_> = store.tasks(2).await.unwrap().into_iter().map(|task| task.id).collect();
        assert_eq!(listed, [ids[2], ids[1]]);
    }

    #[tokio::test]
    async fn an_unknown_task_is_said_to_be_unknown() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let id = TaskId::unique();
        let proposal = Proposal { patch: String::new(), diff: String::new(), receipt: json!(0) };
        let outcomes = [
            store.task(&id).await.err(),
            store.record(&id, "turn", json!(1)).await.err(),
            store.steps(&id).await.err(),
            store.finish(&id, TaskStatus::Failed).await.err(),
            store.save_proposal(&id, proposal).await.err(),
            store.proposal(&id).await.err(),
            store.export_transcript(&id).await.err(),
        ];
        for outcome in outcomes {
            assert_eq!(outcome.unwrap().to_string(), format!("no task {:?}", id.to_string()));
        }
    }

    #[tokio::test]
    async fn the_files_are_the_owners_alone() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        store.create_task(new_task()).await.unwrap();
        let modes: Vec<_> = std::fs::read_dir(path.parent().unwrap())
            .unwrap()
            .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
            .collect();
        // The database, its write-ahead log and the index of that.
        assert_eq!(modes, [0o600; 3]);
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_and_left_alone() {
        let (_folder, path) = place();
        file::prepare(&path).unwrap();
        let notes = "my notes, which are longer than the header of a database. ".repeat(20);
        std::fs::write(&path, &notes).unwrap();
        assert_eq!(refusal(&path).await, format!("{path:?} is not a database of this program"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
    }

    #[tokio::test]
    async fn a_database_of_another_program_is_refused() {
        let (_folder, path) = place();
        file::prepare(&path).unwrap();
        let pool = SqlitePool::connect_with(options(&path)).await.unwrap();
        sqlx::query("CREATE TABLE bookmarks (url TEXT)").execute(&pool).await.unwrap();
        pool.close().await;
        assert_eq!(refusal(&path).await, format!("{path:?} is not a database of this program"));
    }

    #[tokio::test]
    async fn a_damaged_database_is_said_to_be_damaged() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let id = store.create_task(new_task()).await.unwrap();
        for _ in 0..50 {
            store.record(&id, "turn", json!("x".repeat(1000))).await.unwrap();
        }
        store.close().await;
        let mut bytes = std::fs::read(&path).unwrap();
        // All but the first page, which holds the schema.
        bytes[4096..].fill(0xa5);
        std::fs::write(&path, bytes).unwrap();
        let error = match Store::open(&path).await {
            Ok(store) => store.steps(&id).await.unwrap_err(),
            Err(error) => error,
        };
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains(&format!("{path:?}")), "{error}");
        assert!(error.hint().unwrap().contains("-wal"), "{error:?}");
    }

    #[tokio::test]
    async fn a_value_we_cannot_have_written_counts_as_damage() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let id = store.create_task(new_task()).await.unwrap();
        sqlx::query("UPDATE tasks SET status = 'lost'").execute(&store.database.pool).await.unwrap();
        let error = store.task(&id).await.unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn a_database_of_a_later_release_is_refused_with_its_version() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                      VALUES (99, 'later', TRUE, x'00', 0)";
        sqlx::query(insert).execute(&store.database.pool).await.unwrap();
        let expected = format!("database {path:?} has version 99; this program knows versions up to 1");
        assert_eq!(refusal(&path).await, expected);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        let path = folder.path().join("file/wright.db");
        let error = refusal(&path).await;
        assert!(error.starts_with(&format!("cannot use database {path:?}: ")), "{error}");
    }

    #[tokio::test]
    async fn a_folder_that_may_not_be_written_is_an_error_with_the_path() {
        let (_folder, path) = place();
        let parent = path.parent().unwrap();
        std::fs::create_dir(parent).unwrap();
        std::fs::set_permissions(parent, std::fs::Permissions::from_mode(0o500)).unwrap();
        let is_bound_by_permissions = std::fs::write(parent.join("probe"), "").is_err();
        let outcome = Store::open(&path).await.map(|store| store.database.path).map_err(|error| error.to_string());
        // The superuser may write anywhere.
        let expected =
            if is_bound_by_permissions { Err(format!("no permission to write database {path:?}")) } else { Ok(path) };
        assert_eq!(outcome, expected);
    }

    #[tokio::test]
    async fn a_full_disk_loses_only_the_step_that_did_not_fit() {
        let (_folder, path) = place();
        let store = Store::open_with(&path, options(&path).pragma("max_page_count", "40")).await.unwrap();
        let id = store.create_task(new_task()).await.unwrap();
        store.record(&id, "turn", json!("fits")).await.unwrap();
        let error = store.record(&id, "turn", json!("x".repeat(200_000))).await.unwrap_err();
        assert_eq!(error.to_string(), format!("no space left for database {path:?}"));
        assert_eq!(store.record(&id, "turn", json!("fits too")).await.unwrap(), StepSeq(2));
        assert_eq!(store.steps(&id).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn a_writer_that_never_ends_is_reported_as_busy() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let impatient = Store::open_with(&path, options(&path).busy_timeout(Duration::from_millis(10))).await.unwrap();
        let tx = store.database.begin().await.unwrap();
        let error = impatient.create_task(new_task()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("database {path:?} is in use by another process"));
        drop(tx);
    }

    #[tokio::test]
    async fn a_call_that_is_cancelled_leaves_nothing_half_done() {
        let (_folder, path) = place();
        let store = Store::open(&path).await.unwrap();
        let id = store.create_task(new_task()).await.unwrap();
        let mut tx = store.database.begin().await.unwrap();
        sqlx::query("INSERT INTO steps VALUES (?, 1, 'turn', '1', 0)")
            .bind(id.to_string())
            .execute(&mut *tx)
            .await
            .unwrap();
        drop(tx);
        assert_eq!(store.record(&id, "turn", json!(2)).await.unwrap(), StepSeq(1));
    }
}
