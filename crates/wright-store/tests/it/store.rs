//! The file: what is in it, what is removed, and what happens when it is not ours.

use std::path::Path;

use wright_store::{Event, KeptAfter, NewSuggestion, Outcome, StoreError, SuggestionId, SuggestionStore};

use crate::fixture::{ended, hour, kept, place, suggestion, typed, withheld};

/// Returns the bytes of the database and of the files beside it.
fn bytes(path: &Path) -> Vec<u8> {
    let folder = std::fs::read_dir(path.parent().unwrap()).unwrap();
    folder.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

#[tokio::test]
async fn no_path_and_no_source_text_gets_into_the_file() {
    let (_folder, path) = place();
    let store = SuggestionStore::open(&path).await.unwrap();
    let it = NewSuggestion {
        language: "let password = 1".to_owned(),
        model: "local:/home/me/secret-project/m.gguf".to_owned(),
        ..suggestion()
    };
    store.record(&[Event::Shown(it), withheld("let password = 1")]).await.unwrap();
    store.close().await;
    let bytes = bytes(&path);
    assert!(contains(&bytes, "m.gguf"), "the model is stored");
    assert!(!contains(&bytes, "secret-project") && !contains(&bytes, "password"));
}

#[tokio::test]
async fn events_about_a_suggestion_that_is_not_known_are_left_out() {
    let (_folder, path) = place();
    let store = SuggestionStore::open(&path).await.unwrap();
    let id = SuggestionId::unique();
    let events = [
        Event::Outcome { id, outcome: Outcome::Accepted, shown_for: None },
        kept(id, KeptAfter::Seconds15, 1, 1.0),
        Event::Committed { id, n_chars: 1 },
    ];
    store.record(&events).await.unwrap();
    assert!(store.records(None).await.unwrap().total().is_empty());
}

#[tokio::test]
async fn records_can_be_bounded_and_removed_by_time() {
    let (_folder, path) = place();
    let store = SuggestionStore::open(&path).await.unwrap();
    let old = NewSuggestion { at: hour(-48), ..suggestion() };
    let old_id = old.id;
    let mut events = ended(old, Outcome::Accepted).to_vec();
    events.extend([kept(old_id, KeptAfter::Seconds15, 1, 1.0), typed(-48, "rust", 7), typed(0, "rust", 5)]);
    events.extend(ended(suggestion(), Outcome::Dismissed));
    store.record(&events).await.unwrap();
    let late = store.records(Some(hour(-1))).await.unwrap();
    assert_eq!((late.total().n_shown, late.total().typed.unwrap().n_chars_typed), (1, 5));
    assert_eq!(store.records(None).await.unwrap().total().n_shown, 2);
    store.remove_before(hour(-1)).await.unwrap();
    assert_eq!(store.records(None).await.unwrap(), late);
}

#[tokio::test]
async fn forgetting_leaves_nothing_in_the_file_and_an_open_store_goes_on() {
    let (_folder, path) = place();
    let store = SuggestionStore::open(&path).await.unwrap();
    let it = NewSuggestion { language: "befunge".to_owned(), ..suggestion() };
    store.record(&ended(it, Outcome::Accepted)).await.unwrap();
    store.record(&[typed(0, "befunge", 3), withheld("parses")]).await.unwrap();
    assert!(SuggestionStore::forget(&path).await.unwrap());
    assert!(!contains(&bytes(&path), "befunge"));
    assert!(store.records(None).await.unwrap().total().is_empty());
    store.record(&[Event::Shown(suggestion())]).await.unwrap();
    assert_eq!(store.records(None).await.unwrap().total().n_shown, 1);
}

#[tokio::test]
async fn forgetting_makes_no_file() {
    let (_folder, path) = place();
    assert!(!SuggestionStore::forget(&path).await.unwrap());
    assert!(!path.exists());
}

#[tokio::test]
async fn forgetting_removes_a_damaged_file() {
    let (_folder, path) = place();
    let store = SuggestionStore::open(&path).await.unwrap();
    store.record(&[Event::Shown(suggestion())]).await.unwrap();
    store.close().await;
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[100..].fill(0xa5);
    std::fs::write(&path, bytes).unwrap();
    let error = SuggestionStore::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(SuggestionStore::forget(&path).await.unwrap());
    assert!(!path.exists());
}

#[tokio::test]
async fn forgetting_leaves_files_of_others_alone() {
    let (_folder, path) = place();
    let notes = "my notes, which are longer than the header of a database. ".repeat(20);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, &notes).unwrap();
    let error = SuggestionStore::forget(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::NotOurs { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), notes);
}
