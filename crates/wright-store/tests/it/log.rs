//! The log: nobody waits for it, and what goes wrong is said once.

use std::path::Path;

use sqlx::{Connection, SqliteConnection};
use wright_store::{Event, Figures, Outcome, SuggestionLog, SuggestionStore};

use crate::fixture::{ended, place, suggestion};

async fn total(path: &Path) -> Figures {
    SuggestionStore::open(path).await.unwrap().records(None).await.unwrap().total()
}

fn record_one(log: &SuggestionLog) {
    for event in ended(suggestion(), Outcome::Accepted) {
        log.record(event);
    }
}

#[tokio::test]
async fn what_was_flushed_is_in_the_file() {
    let (_folder, path) = place();
    let log = SuggestionLog::start(path.clone());
    record_one(&log);
    log.flush().await;
    assert_eq!(total(&path).await.n_accepted, 1);
    assert_eq!((log.n_lost(), log.problem()), (0, None));
}

#[tokio::test]
async fn dropping_the_last_handle_writes_what_is_left_in_order() {
    let (_folder, path) = place();
    let log = SuggestionLog::start(path.clone());
    let clone = log.clone();
    drop(log);
    for _ in 0..700 {
        record_one(&clone);
    }
    drop(clone);
    let total = total(&path).await;
    assert_eq!((total.n_shown, total.n_accepted), (700, 700));
}

#[tokio::test]
async fn a_log_that_is_off_makes_no_file() {
    let (_folder, path) = place();
    let log = SuggestionLog::disabled();
    record_one(&log);
    log.flush().await;
    assert!(!log.is_enabled() && !path.exists());
}

#[tokio::test]
async fn a_log_without_events_makes_no_file() {
    let (_folder, path) = place();
    let log = SuggestionLog::start(path.clone());
    log.flush().await;
    drop(log);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_locked_file_delays_events_and_loses_none() {
    let (_folder, path) = place();
    SuggestionStore::open(&path).await.unwrap().close().await;
    let mut other = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let log = SuggestionLog::start(path.clone());
    record_one(&log);
    log.flush().await;
    assert_eq!(total_read_only(&mut other).await, 0);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    log.flush().await;
    assert_eq!(total_read_only(&mut other).await, 1);
    assert_eq!((log.n_lost(), log.problem()), (0, None));
}

async fn total_read_only(connection: &mut SqliteConnection) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM suggestions").fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn a_file_that_cannot_be_used_loses_events_with_one_problem() {
    let (_folder, path) = place();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "my notes, which are longer than the header of a database. ".repeat(20)).unwrap();
    let log = SuggestionLog::start(path.clone());
    record_one(&log);
    log.flush().await;
    log.record(Event::Shown(suggestion()));
    log.flush().await;
    assert_eq!(log.problem().unwrap(), format!("{path:?} is not a database of this program"));
    assert_eq!(log.n_lost(), 3);
}

#[tokio::test]
async fn a_full_queue_loses_events_and_returns_at_once() {
    let (_folder, path) = place();
    SuggestionStore::open(&path).await.unwrap().close().await;
    let mut other = SqliteConnection::connect(&format!("sqlite://{}", path.display())).await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let log = SuggestionLog::start(path.clone());
    // More than the queue and one batch hold while the file is locked.
    for _ in 0..20_000 {
        log.record(Event::Shown(suggestion()));
    }
    assert!(log.n_lost() > 0);
    assert!(log.problem().is_some());
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
}
