//! Figures about suggestions: shown, written to files, and forgotten.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use wright_store::{Event, KeptAfter, NewSuggestion, Outcome, SuggestionId, SuggestionKind, SuggestionStore, Typed};

use crate::fixture::{Run, Surroundings, finish};

/// Records twelve days with suggestions in three languages, the last of them on 2026-11-20.
fn record(surroundings: &Surroundings) {
    let events: Vec<Event> = (0..12).flat_map(day).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SuggestionStore::open(&surroundings.home().join("suggestions.db")).await.unwrap();
        store.record(&events).await.unwrap();
        store.close().await;
    });
}

fn day(days_ago: u32) -> Vec<Event> {
    let noon: DateTime<Utc> = "2026-11-20T12:00:00Z".parse().unwrap();
    let at = noon - TimeDelta::days(days_ago.into());
    let mut events = Vec::new();
    for (n, language) in ["rust", "python", "rust", "typescript", "python", "rust"].into_iter().enumerate() {
        let n = n as u32;
        let id = SuggestionId::unique();
        let kind = if n == 5 { SuggestionKind::NextEdit } else { SuggestionKind::Inline };
        events.push(Event::Shown(NewSuggestion {
            id,
            kind,
            language: language.to_owned(),
            model: "local:qwen2.5-coder-0.5b".to_owned(),
            repository: None,
            at,
            n_chars: 40 + 10 * n,
            n_lines: 1,
            n_tokens: 12,
            latency: Duration::from_millis((100 + 30 * n + 10 * days_ago).into()),
        }));
        let outcome = match (n + days_ago) % 4 {
            0 => Outcome::Accepted,
            1 => Outcome::Superseded,
            2 => Outcome::PartiallyAccepted { n_chars: 20 },
            _ => Outcome::Dismissed,
        };
        events.push(Event::Outcome { id, outcome, shown_for: Some(Duration::from_millis(200 + u64::from(n) * 100)) });
        for (after, share) in KeptAfter::ALL.into_iter().zip([1.0, 0.98, 0.93, 0.9, 0.85]) {
            let share = share - 0.01 * days_ago as f32;
            events.push(Event::Kept { id, after, share, n_chars: (share * (40 + 10 * n) as f32) as u32 });
        }
        let typed = Typed { n_chars_typed: 60 + u64::from(n) * 25, n_chars_pasted: 300, n_chars_deleted: 9 };
        events.push(Event::Typed { at, language: language.to_owned(), repository: None, typed });
        let reason = ["unknown-name", "parses", "unknown-name", "echo-suffix", "too-short", "unknown-name"][n as usize];
        let [language, model] = [language, "local:qwen2.5-coder-0.5b"].map(str::to_owned);
        events.push(Event::Withheld { at, reason: reason.to_owned(), language, model });
    }
    events
}

/// Runs `wright stats` on what [`record`] has recorded, in a terminal of UTF-8 or not.
fn stats(surroundings: &Surroundings, locale: &str, args: &[&str]) -> Run {
    let args = [&["stats", "--since", "2026-11-01"], args].concat();
    finish(surroundings.command(&args).env("LC_ALL", locale).env("TERM", "xterm").env("TZ", "UTC"))
}

#[test]
fn without_suggestions_there_is_the_next_step_and_no_file() {
    let surroundings = Surroundings::new();
    let run = finish(surroundings.command(&["stats", "--since", "all"]).env("TZ", "UTC"));
    assert_eq!((run.exit, run.stdout.as_str()), (0, ""));
    insta::assert_snapshot!(run.stderr, @"
    no suggestions were recorded so far
    hint: Connect an editor to `wright lsp`; every suggestion it shows is counted here, on this machine only.
    ");
    assert!(!surroundings.home().join("suggestions.db").exists());
}

#[test]
fn without_suggestions_and_with_recording_off_the_next_step_is_to_turn_it_on() {
    let surroundings = Surroundings::new();
    surroundings.configure("config.toml", "telemetry = false\n");
    let run = surroundings.run(&["stats"]);
    assert!(run.stderr.contains("hint: Nothing is recorded: set `telemetry = true`"), "{run:?}");
    let run = finish(surroundings.command(&["stats", "--json"]).env("WRIGHT_TELEMETRY", "1"));
    assert_eq!(run.json()["is_recording"], true);
}

#[test]
fn the_table_shows_what_became_of_suggestions() {
    let surroundings = Surroundings::new();
    record(&surroundings);
    let run = stats(&surroundings, "C.UTF-8", &["--by", "language"]);
    assert_eq!((run.exit, run.stderr.as_str()), (0, ""), "{run:?}");
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn a_terminal_without_utf8_gets_the_same_in_ascii() {
    let surroundings = Surroundings::new();
    record(&surroundings);
    let run = stats(&surroundings, "C", &["--by", "day"]);
    assert!(run.stdout.is_ascii(), "{run:?}");
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn the_data_has_a_version_and_everything_that_is_shown() {
    let surroundings = Surroundings::new();
    record(&surroundings);
    let mut document = stats(&surroundings, "C", &["--by", "kind", "--json"]).json();
    document["until"] = "now".into();
    insta::assert_snapshot!(format!("{document:#}"));
}

#[test]
fn pictures_and_page_are_complete_in_themselves() {
    let surroundings = Surroundings::new();
    record(&surroundings);
    let run = stats(&surroundings, "C.UTF-8", &["--html", "s.html", "--svg", "s.svg"]);
    assert_eq!((run.exit, run.stdout.as_str()), (0, ""), "{run:?}");
    let folder = surroundings.home().parent().unwrap().to_owned();
    let [page, sheet] = ["s.html", "s.svg"].map(|name| std::fs::read_to_string(folder.join(name)).unwrap());
    for text in [&page, &sheet] {
        assert!(text.contains("prefers-color-scheme:dark") && text.contains("<desc"), "{text}");
        let links = text.replace("http://www.w3.org/2000/svg", "");
        assert!(!["://", "src=", "href=", "url(", "@import", "<script"].iter().any(|it| links.contains(it)), "{text}");
        for name in ["rust", "python", "typescript", "unknown-name", "10 min"] {
            assert!(text.contains(name), "{name}: {text}");
        }
    }
    insta::assert_snapshot!(sheet.replace("><", ">\n<"));
}

#[test]
fn pictures_of_nothing_say_so() {
    let surroundings = Surroundings::new();
    let run = surroundings.run(&["stats", "--svg", "s.svg", "--html", "s.html"]);
    assert_eq!(run.exit, 0, "{run:?}");
    let folder = surroundings.home().parent().unwrap().to_owned();
    for name in ["s.svg", "s.html"] {
        assert!(std::fs::read_to_string(folder.join(name)).unwrap().contains("Nothing was recorded yet"), "{name}");
    }
}

#[test]
fn forgetting_removes_the_figures() {
    let surroundings = Surroundings::new();
    record(&surroundings);
    let run = surroundings.run(&["stats", "--forget"]);
    assert_eq!((run.exit, run.stderr.as_str()), (0, "deleted everything that was recorded about suggestions\n"));
    assert_eq!(stats(&surroundings, "C", &["--json"]).json()["total"]["shown"], 0);
    let run = Surroundings::new().run(&["stats", "--forget"]);
    assert_eq!((run.exit, run.stderr.as_str()), (0, "nothing was recorded about suggestions\n"));
}

#[test]
fn a_file_that_is_not_ours_is_named_with_what_to_do() {
    let surroundings = Surroundings::new();
    std::fs::create_dir_all(surroundings.home()).unwrap();
    let notes = "my notes, which are longer than the header of a database. ".repeat(20);
    std::fs::write(surroundings.home().join("suggestions.db"), notes).unwrap();
    let run = surroundings.run(&["stats"]);
    assert_eq!(run.exit, 2, "{run:?}");
    assert!(run.stderr.contains("suggestions.db\" is not a database of this program"), "{run:?}");
    assert!(run.stderr.contains("hint: "), "{run:?}");
}
