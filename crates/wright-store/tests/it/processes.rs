//! Several processes write to one file.

use std::process::Command;

use wright_store::{Outcome, SuggestionLog, SuggestionStore};

use crate::fixture::{ended, place, suggestion, typed};

/// Names the database to a child.
const PATH_VARIABLE: &str = "STORE_TEST_DATABASE";

const N_EACH: u64 = 200;

#[tokio::test]
async fn two_processes_write_at_once_and_nothing_is_lost() {
    let (_folder, path) = place();
    let program = std::env::current_exe().unwrap();
    let args = ["--exact", "processes::child_writes", "--ignored", "--quiet"];
    let start = || Command::new(&program).args(args).env(PATH_VARIABLE, &path).spawn().unwrap();
    let children = [start(), start()];
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let total = SuggestionStore::open(&path).await.unwrap().records(None).await.unwrap().total();
    assert_eq!((total.n_shown, total.n_accepted), (2 * N_EACH, 2 * N_EACH));
    assert_eq!(total.typed.unwrap().n_chars_typed, 2 * N_EACH);
}

#[tokio::test]
#[ignore = "is the child of another test"]
async fn child_writes() {
    let path = std::env::var_os(PATH_VARIABLE).unwrap();
    let log = SuggestionLog::start(path.into());
    for _ in 0..N_EACH {
        for event in ended(suggestion(), Outcome::Accepted) {
            log.record(event);
        }
        log.record(typed(0, "rust", 1));
        // Many small writes meet those of the other process.
        log.flush().await;
    }
    assert_eq!((log.n_lost(), log.problem()), (0, None));
}
