//! Events in, figures out.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{FixedOffset, Utc};
use wright_store::{
    Event, Figures, Grouping, KeptAfter, Latency, NewSuggestion, Outcome, Retention, SuggestionKind, Typed,
};

use crate::fixture::{ended, hour, kept, records_of, suggestion, typed, withheld};

const MS_100: Option<Latency> = Some(Latency { p50: Duration::from_millis(100), p95: Duration::from_millis(100) });

async fn check(events: impl IntoIterator<Item = Event>, expected: Figures) {
    let expected = Figures { typed: expected.typed.or(Some(Typed::default())), ..expected };
    let events: Vec<Event> = events.into_iter().collect();
    assert_eq!(records_of(&events).await.total(), expected);
}

#[tokio::test]
async fn nothing_recorded_is_empty() {
    check([], Figures::default()).await;
    let total = records_of(&[]).await.total();
    assert_eq!((total.is_empty(), total.acceptance_rate(), total.share_written()), (true, None, None));
}

#[tokio::test]
async fn each_outcome_is_counted_with_its_characters() {
    let outcomes =
        [Outcome::Accepted, Outcome::PartiallyAccepted { n_chars: 4 }, Outcome::Dismissed, Outcome::Superseded];
    let mut events: Vec<Event> = outcomes.into_iter().flat_map(|it| ended(suggestion(), it)).collect();
    events.push(Event::Shown(suggestion()));
    let expected = Figures {
        n_shown: 5,
        n_accepted: 1,
        n_partially_accepted: 1,
        n_dismissed: 1,
        n_chars_shown: 50,
        n_chars_accepted: 14,
        n_chars_kept: 14,
        latency: MS_100,
        ..Figures::default()
    };
    assert_eq!(records_of(&events).await.total().acceptance_rate(), Some(0.4));
    check(events, expected).await;
}

#[tokio::test]
async fn the_strongest_outcome_of_a_suggestion_counts_whatever_the_order() {
    let it = suggestion();
    let outcome = |outcome| Event::Outcome { id: it.id, outcome, shown_for: None };
    let events = [
        Event::Shown(it.clone()),
        outcome(Outcome::PartiallyAccepted { n_chars: 3 }),
        outcome(Outcome::PartiallyAccepted { n_chars: 7 }),
        outcome(Outcome::Dismissed),
        Event::Shown(it.clone()),
    ];
    let expected = Figures {
        n_shown: 1,
        n_partially_accepted: 1,
        n_chars_shown: 10,
        n_chars_accepted: 7,
        n_chars_kept: 7,
        latency: MS_100,
        ..Figures::default()
    };
    check(events, expected).await;
}

#[tokio::test]
async fn a_suggestion_that_nobody_could_read_does_not_count_as_shown() {
    let shown_for = |millis: u64, outcome: Outcome| {
        let it = suggestion();
        let id = it.id;
        [Event::Shown(it), Event::Outcome { id, outcome, shown_for: Some(Duration::from_millis(millis)) }]
    };
    let events = [
        shown_for(249, Outcome::Superseded),
        shown_for(250, Outcome::Superseded),
        // Whoever takes it has seen it.
        shown_for(100, Outcome::Accepted),
    ];
    let expected = Figures {
        n_shown: 2,
        n_glimpsed: 1,
        n_accepted: 1,
        n_chars_shown: 20,
        n_chars_accepted: 10,
        n_chars_kept: 10,
        latency: MS_100,
        ..Figures::default()
    };
    check(events.into_iter().flatten(), expected).await;
}

#[tokio::test]
async fn retention_is_the_mean_of_those_looked_at_and_the_last_look_counts_as_kept() {
    let [one, two] = [suggestion(), suggestion()];
    let ids = [one.id, two.id];
    let mut events = ended(one, Outcome::Accepted).to_vec();
    events.extend(ended(two, Outcome::Accepted));
    events.extend([
        kept(ids[0], KeptAfter::Seconds15, 10, 1.0),
        kept(ids[1], KeptAfter::Seconds15, 5, 0.5),
        kept(ids[0], KeptAfter::Minutes10, 6, 0.5),
        Event::Committed { id: ids[1], n_chars: 3 },
    ]);
    let expected = Figures {
        n_shown: 2,
        n_accepted: 2,
        n_chars_shown: 20,
        n_chars_accepted: 20,
        n_chars_kept: 9,
        n_chars_committed: 3,
        n_committed: 1,
        retention: BTreeMap::from([
            (KeptAfter::Seconds15, Retention { n_suggestions: 2, mean_share: 0.75 }),
            (KeptAfter::Minutes10, Retention { n_suggestions: 1, mean_share: 0.5 }),
        ]),
        latency: MS_100,
        ..Figures::default()
    };
    check(events, expected).await;
}

#[tokio::test]
async fn impossible_numbers_are_bounded_by_what_was_accepted() {
    let it = suggestion();
    let id = it.id;
    let mut events = ended(it, Outcome::PartiallyAccepted { n_chars: 99 }).to_vec();
    events.extend([kept(id, KeptAfter::Seconds15, 500, f32::NAN), Event::Committed { id, n_chars: 500 }]);
    let total = records_of(&events).await.total();
    assert_eq!((total.n_chars_accepted, total.n_chars_kept, total.n_chars_committed), (10, 10, 10));
    assert_eq!(total.retention[&KeptAfter::Seconds15].mean_share, 0.0);
}

#[tokio::test]
async fn the_share_written_leaves_out_what_was_pasted() {
    let mut events = ended(suggestion(), Outcome::Accepted).to_vec();
    events.extend([typed(0, "rust", 20), typed(0, "rust", 10), typed(5, "python", 10)]);
    let records = records_of(&events).await;
    assert_eq!(records.total().share_written(), Some(0.2));
    let by_language: Vec<_> = records
        .by(Grouping::Language, &Utc)
        .into_iter()
        .map(|group| (group.key, group.figures.share_written(), group.figures.typed.unwrap().n_chars_pasted))
        .collect();
    assert_eq!(by_language, [("rust".to_owned(), Some(0.25), 2000), ("python".to_owned(), Some(0.0), 1000)]);
}

#[tokio::test]
async fn the_share_written_cannot_be_told_for_a_model_or_a_kind() {
    let mut events = ended(suggestion(), Outcome::Accepted).to_vec();
    events.push(typed(0, "rust", 20));
    let records = records_of(&events).await;
    for grouping in [Grouping::Model, Grouping::Kind] {
        let groups = records.by(grouping, &Utc);
        assert_eq!((groups.len(), groups[0].figures.share_written()), (1, None), "{grouping:?}");
    }
}

#[tokio::test]
async fn reasons_are_counted() {
    let events = [withheld("parses"), withheld("unknown-name"), withheld("parses"), withheld("fn main() {}")];
    let counts = [("parses", 2), ("unknown-name", 1), ("other", 1)];
    let expected =
        Figures { withheld: counts.map(|(reason, n_times)| (reason.to_owned(), n_times)).into(), ..Figures::default() };
    check(events, expected).await;
}

#[tokio::test]
async fn latency_is_a_time_that_was_measured() {
    let events = (1..=100).map(|n| Event::Shown(NewSuggestion { latency: Duration::from_millis(n), ..suggestion() }));
    let total = records_of(&events.collect::<Vec<_>>()).await.total();
    let expected = Latency { p50: Duration::from_millis(50), p95: Duration::from_millis(95) };
    assert_eq!(total.latency, Some(expected));
}

#[tokio::test]
async fn days_and_weeks_are_those_of_the_readers_zone() {
    // Friday noon, Friday 23:00, Sunday 23:00.
    let events: Vec<Event> =
        [0, 11, 59].map(|hours| Event::Shown(NewSuggestion { at: hour(hours), ..suggestion() })).into();
    let records = records_of(&events).await;
    let keys = |grouping, offset_hours: i32| -> Vec<String> {
        let zone = FixedOffset::east_opt(offset_hours * 3600).unwrap();
        records.by(grouping, &zone).into_iter().map(|it| format!("{} {}", it.key, it.figures.n_shown)).collect()
    };
    assert_eq!(keys(Grouping::Day, 0), ["2026-11-20 2", "2026-11-22 1"]);
    assert_eq!(keys(Grouping::Day, 2), ["2026-11-20 1", "2026-11-21 1", "2026-11-23 1"]);
    assert_eq!(keys(Grouping::Week, 0), ["2026-11-16 3"]);
    assert_eq!(keys(Grouping::Week, 2), ["2026-11-16 2", "2026-11-23 1"]);
}

#[tokio::test]
async fn groups_that_are_no_times_are_listed_by_how_much_was_shown() {
    let new = |kind, model: &str| Event::Shown(NewSuggestion { kind, model: model.to_owned(), ..suggestion() });
    let events = [
        new(SuggestionKind::Inline, "local:a"),
        new(SuggestionKind::NextEdit, "local:b"),
        new(SuggestionKind::NextEdit, "local:b"),
    ];
    let records = records_of(&events).await;
    let keys = |grouping| -> Vec<String> { records.by(grouping, &Utc).into_iter().map(|group| group.key).collect() };
    assert_eq!(keys(Grouping::Kind), ["next-edit", "inline"]);
    assert_eq!(keys(Grouping::Model), ["local:b", "local:a"]);
}
