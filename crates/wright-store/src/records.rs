//! From what was recorded to figures. Pure: values in, values out.
//!
//! What each figure means is written beside it in [`Figures`]; `docs/telemetry.md` says the same to users.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Datelike, Days, NaiveDate, TimeZone, Utc};

use crate::{KeptAfter, SuggestionKind, Typed};

/// A suggestion that was in sight for less than this was not read, and does not count as shown.
pub const MIN_SHOWN_FOR: Duration = Duration::from_millis(250);

/// What was recorded in some span of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Records {
    pub(crate) suggestions: Vec<Recorded>,
    pub(crate) typed: Vec<TypedHour>,
    pub(crate) withheld: Vec<WithheldHour>,
}

/// What figures are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grouping {
    /// The day in the reader's time zone. The key is its date, as in `2026-11-22`.
    Day,
    /// The week in the reader's time zone. The key is the date of its Monday.
    Week,
    /// The document's language.
    Language,
    /// The model. What was typed belongs to none.
    Model,
    /// The kind of suggestion. What was typed or withheld belongs to none.
    Kind,
}

/// The figures of one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Which group, in words.
    pub key: String,
    /// Its figures.
    pub figures: Figures,
}

/// What came of suggestions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Suggestions that were shown and could be read: those accepted, and those in sight for [`MIN_SHOWN_FOR`] or for a time
    /// that is not known.
    pub n_shown: u64,
    /// Suggestions that were gone before anyone could read them. They count nowhere else, except in the latency.
    pub n_glimpsed: u64,
    /// Suggestions of which all was taken.
    pub n_accepted: u64,
    /// Suggestions of which the beginning was taken.
    pub n_partially_accepted: u64,
    /// Suggestions that the user refused.
    pub n_dismissed: u64,
    /// Characters of the suggestions that were shown.
    pub n_chars_shown: u64,
    /// Characters that were taken.
    pub n_chars_accepted: u64,
    /// Characters that were taken and still there when they were last looked at.
    pub n_chars_kept: u64,
    /// Characters that were taken and are in a commit.
    pub n_chars_committed: u64,
    /// Suggestions that were looked for in a commit.
    pub n_committed: u64,
    /// What was left of accepted suggestions some time later.
    pub retention: BTreeMap<KeptAfter, Retention>,
    /// What was written without suggestions; `None` where that cannot be told for the group.
    pub typed: Option<Typed>,
    /// How long suggestions took; `None` when there was none.
    pub latency: Option<Latency>,
    /// How often nothing was shown, by the code of the reason.
    pub withheld: BTreeMap<String, u64>,
}

/// What was left of accepted suggestions some time later.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Retention {
    /// How many suggestions were looked at.
    pub n_suggestions: u64,
    /// Which share of an accepted suggestion was still there, on average.
    pub mean_share: f64,
}

/// How long suggestions took from the request until they were ready. Both are times that were measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// Half of them were ready after this time.
    pub p50: Duration,
    /// 95 of 100 were ready after this time.
    pub p95: Duration,
}

impl Figures {
    /// Returns whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        let n_typed = self.typed.unwrap_or_default();
        self.n_shown + self.n_glimpsed == 0 && self.withheld.is_empty() && n_typed == Typed::default()
    }

    /// Returns which share of the shown suggestions was taken, in whole or in part.
    pub fn acceptance_rate(&self) -> Option<f64> {
        share(self.n_accepted + self.n_partially_accepted, self.n_shown)
    }

    /// Returns which share of new code is from suggestions: characters kept, of those and the ones typed by hand. What was
    /// pasted counts as neither.
    pub fn share_written(&self) -> Option<f64> {
        share(self.n_chars_kept, self.n_chars_kept + self.typed?.n_chars_typed)
    }

    /// Returns how often nothing was shown.
    pub fn n_withheld(&self) -> u64 {
        self.withheld.values().sum()
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

impl Records {
    /// Returns the figures of everything.
    pub fn total(&self) -> Figures {
        let mut tally = Tally::default();
        tally.figures.typed = Some(Typed::default());
        self.suggestions.iter().for_each(|it| tally.add_suggestion(it));
        self.typed.iter().for_each(|it| tally.add_typed(it));
        self.withheld.iter().for_each(|it| tally.add_withheld(it));
        tally.finish()
    }

    /// Returns the figures of each group: days and weeks in order, others by how much was shown.
    pub fn by(&self, grouping: Grouping, zone: &impl TimeZone) -> Vec<Group> {
        let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
        for it in &self.suggestions {
            let key = match grouping {
                Grouping::Day => day(it.shown_at, zone).to_string(),
                Grouping::Week => week(it.shown_at, zone).to_string(),
                Grouping::Language => it.language.clone(),
                Grouping::Model => it.model.clone(),
                Grouping::Kind => it.kind.as_str().to_owned(),
            };
            tallies.entry(key).or_default().add_suggestion(it);
        }
        for it in &self.typed {
            let key = match grouping {
                Grouping::Day => day(it.hour, zone).to_string(),
                Grouping::Week => week(it.hour, zone).to_string(),
                Grouping::Language => it.language.clone(),
                Grouping::Model | Grouping::Kind => continue,
            };
            tallies.entry(key).or_default().add_typed(it);
        }
        for it in &self.withheld {
            let key = match grouping {
                Grouping::Day => day(it.hour, zone).to_string(),
                Grouping::Week => week(it.hour, zone).to_string(),
                Grouping::Language => it.language.clone(),
                Grouping::Model => it.model.clone(),
                Grouping::Kind => continue,
            };
            tallies.entry(key).or_default().add_withheld(it);
        }
        let knows_typed = matches!(grouping, Grouping::Day | Grouping::Week | Grouping::Language);
        let mut groups: Vec<Group> = tallies
            .into_iter()
            .map(|(key, mut tally)| {
                if knows_typed {
                    tally.figures.typed.get_or_insert_default();
                }
                Group { key, figures: tally.finish() }
            })
            .collect();
        match grouping {
            Grouping::Day | Grouping::Week => {}
            Grouping::Language | Grouping::Model | Grouping::Kind => {
                groups.sort_by_key(|group| std::cmp::Reverse(group.figures.n_shown));
            }
        }
        groups
    }
}

fn day(time: DateTime<Utc>, zone: &impl TimeZone) -> NaiveDate {
    time.with_timezone(zone).date_naive()
}

fn week(time: DateTime<Utc>, zone: &impl TimeZone) -> NaiveDate {
    let day = day(time, zone);
    day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))).unwrap_or(day)
}

/// A suggestion as it was recorded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    pub(crate) kind: SuggestionKind,
    pub(crate) language: String,
    pub(crate) model: String,
    pub(crate) shown_at: DateTime<Utc>,
    pub(crate) n_chars: u64,
    pub(crate) latency: Duration,
    pub(crate) outcome: RecordedOutcome,
    pub(crate) shown_for: Option<Duration>,
    pub(crate) n_chars_accepted: u64,
    pub(crate) n_chars_committed: Option<u64>,
    pub(crate) kept: BTreeMap<KeptAfter, Kept>,
}

/// The strongest outcome that was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecordedOutcome {
    Unknown,
    Superseded,
    Dismissed,
    PartiallyAccepted,
    Accepted,
}

/// What was left of a suggestion some time later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Kept {
    pub(crate) share: f64,
    pub(crate) n_chars: u64,
}

/// What was written without suggestions in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TypedHour {
    pub(crate) hour: DateTime<Utc>,
    pub(crate) language: String,
    pub(crate) typed: Typed,
}

/// How often nothing was shown in one hour, for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WithheldHour {
    pub(crate) hour: DateTime<Utc>,
    pub(crate) reason: String,
    pub(crate) language: String,
    pub(crate) model: String,
    pub(crate) n_times: u64,
}

impl Recorded {
    fn is_accepted(&self) -> bool {
        matches!(self.outcome, RecordedOutcome::Accepted | RecordedOutcome::PartiallyAccepted)
    }

    fn is_glimpsed(&self) -> bool {
        !self.is_accepted() && self.shown_for.is_some_and(|it| it < MIN_SHOWN_FOR)
    }

    /// Returns how many characters were there when they were last looked at: in a commit, later in the editor, or at first.
    fn n_chars_kept(&self) -> u64 {
        let last_kept = self.kept.values().next_back().map(|it| it.n_chars);
        self.n_chars_committed.or(last_kept).unwrap_or(self.n_chars_accepted)
    }
}

/// Figures in the making.
#[derive(Debug, Default)]
struct Tally {
    figures: Figures,
    latencies: Vec<Duration>,
}

impl Tally {
    fn add_suggestion(&mut self, it: &Recorded) {
        self.latencies.push(it.latency);
        let figures = &mut self.figures;
        if it.is_glimpsed() {
            figures.n_glimpsed += 1;
            return;
        }
        figures.n_shown += 1;
        figures.n_chars_shown += it.n_chars;
        match it.outcome {
            RecordedOutcome::Accepted => figures.n_accepted += 1,
            RecordedOutcome::PartiallyAccepted => figures.n_partially_accepted += 1,
            RecordedOutcome::Dismissed => figures.n_dismissed += 1,
            RecordedOutcome::Superseded | RecordedOutcome::Unknown => {}
        }
        if it.is_accepted() {
            self.add_accepted(it);
        }
    }

    fn add_accepted(&mut self, it: &Recorded) {
        let figures = &mut self.figures;
        figures.n_chars_accepted += it.n_chars_accepted;
        figures.n_chars_kept += it.n_chars_kept();
        figures.n_chars_committed += it.n_chars_committed.unwrap_or(0);
        figures.n_committed += u64::from(it.n_chars_committed.is_some());
        for (after, kept) in &it.kept {
            let retention = figures.retention.entry(*after).or_default();
            retention.n_suggestions += 1;
            // The sum for now; `finish` divides it.
            retention.mean_share += kept.share;
        }
    }

    fn add_typed(&mut self, it: &TypedHour) {
        let typed = self.figures.typed.get_or_insert_default();
        typed.n_chars_typed += it.typed.n_chars_typed;
        typed.n_chars_pasted += it.typed.n_chars_pasted;
        typed.n_chars_deleted += it.typed.n_chars_deleted;
    }

    fn add_withheld(&mut self, it: &WithheldHour) {
        *self.figures.withheld.entry(it.reason.clone()).or_default() += it.n_times;
    }

    fn finish(mut self) -> Figures {
        for retention in self.figures.retention.values_mut() {
            retention.mean_share /= retention.n_suggestions as f64;
        }
        self.latencies.sort_unstable();
        let at =
            |percent: usize| self.latencies.get((self.latencies.len() * percent).div_ceil(100).max(1) - 1).copied();
        self.figures.latency = at(50).zip(at(95)).map(|(p50, p95)| Latency { p50, p95 });
        self.figures
    }
}
