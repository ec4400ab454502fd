//! Events as short as the tests that need them.

use std::path::PathBuf;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;
use wright_store::{
    Event, KeptAfter, NewSuggestion, Outcome, Records, SuggestionId, SuggestionKind, SuggestionStore, Typed,
};

/// A folder with the path of a database in it, removed at the end.
pub(crate) fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home/suggestions.db");
    (folder, path)
}

/// Returns what is read back after these events.
pub(crate) async fn records_of(events: &[Event]) -> Records {
    let (_folder, path) = place();
    let store = SuggestionStore::open(&path).await.unwrap();
    store.record(events).await.unwrap();
    store.records(None).await.unwrap()
}

/// Returns a time, in hours after noon on a Friday in UTC.
pub(crate) fn hour(hours: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_176_000, 0).unwrap() + TimeDelta::hours(hours)
}

/// Returns a suggestion of ten characters.
pub(crate) fn suggestion() -> NewSuggestion {
    NewSuggestion {
        id: SuggestionId::unique(),
        kind: SuggestionKind::Inline,
        language: "rust".to_owned(),
        model: "local:small".to_owned(),
        repository: Some("/home/me/secret-project".into()),
        at: hour(0),
        n_chars: 10,
        n_lines: 1,
        n_tokens: 4,
        latency: Duration::from_millis(100),
    }
}

/// Returns the events of a suggestion with an outcome.
pub(crate) fn ended(suggestion: NewSuggestion, outcome: Outcome) -> [Event; 2] {
    let id = suggestion.id;
    [Event::Shown(suggestion), Event::Outcome { id, outcome, shown_for: None }]
}

/// Returns the event of looking at a suggestion again.
pub(crate) fn kept(id: SuggestionId, after: KeptAfter, n_chars: u32, share: f32) -> Event {
    Event::Kept { id, after, share, n_chars }
}

/// Returns the event of typing without a suggestion.
pub(crate) fn typed(hours: i64, language: &str, n_chars_typed: u64) -> Event {
    let typed = Typed { n_chars_typed, n_chars_pasted: 1000, n_chars_deleted: 1 };
    Event::Typed { at: hour(hours), language: language.to_owned(), repository: None, typed }
}

/// Returns the event of showing nothing.
pub(crate) fn withheld(reason: &str) -> Event {
    let [reason, language, model] = [reason, "rust", "local:small"].map(str::to_owned);
    Event::Withheld { at: hour(0), reason, language, model }
}
