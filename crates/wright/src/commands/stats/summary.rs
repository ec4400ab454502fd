//! What the table, the pictures and the page show: the same figures.

use chrono::{DateTime, Local, NaiveDate, TimeZone, Utc};
use wright_store::{Figures, Group, Grouping, KeptAfter, Records};

/// Up to so many days are shown one by one; more are shown as weeks.
const MAX_DAYS: i64 = 62;

/// The figures of a span of time.
pub(super) struct Summary {
    /// When it begins; `None` is the first event.
    pub(super) since: Option<DateTime<Utc>>,
    /// When it ends.
    pub(super) until: DateTime<Utc>,
    /// The figures of all of it.
    pub(super) total: Figures,
    /// Whether [`Self::periods`] are days or weeks.
    pub(super) period: Period,
    /// The figures of each day or week with events, in order.
    pub(super) periods: Vec<(NaiveDate, Figures)>,
    /// The figures of each language.
    pub(super) languages: Vec<Group>,
}

/// What one point in a picture stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Period {
    Day,
    Week,
}

impl Period {
    /// Returns the period as one word.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// Returns how many days it has.
    pub(super) fn n_days(self) -> i64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
        }
    }
}

impl Summary {
    /// Makes figures of records.
    pub(super) fn new(
        records: &Records,
        since: Option<DateTime<Utc>>,
        until: DateTime<Utc>,
        zone: &impl TimeZone,
    ) -> Self {
        let days = dated(records.by(Grouping::Day, zone));
        let n_days = days.first().zip(days.last()).map_or(0, |(first, last)| (last.0 - first.0).num_days());
        let (period, periods) = if n_days < MAX_DAYS {
            (Period::Day, days)
        } else {
            (Period::Week, dated(records.by(Grouping::Week, zone)))
        };
        let languages = records.by(Grouping::Language, zone);
        Self { since, until, total: records.total(), period, periods, languages }
    }

    /// Returns the span of time in words, as in `since 2026-10-23`.
    pub(super) fn span(&self) -> String {
        match self.since {
            Some(since) => format!("since {}", since.with_timezone(&Local).format("%Y-%m-%d")),
            None => "so far".to_owned(),
        }
    }

    /// Returns the latest look at accepted suggestions that there is.
    pub(super) fn last_look(&self) -> KeptAfter {
        self.total.retention.keys().next_back().copied().unwrap_or(KeptAfter::Minutes10)
    }
}

fn dated(groups: Vec<Group>) -> Vec<(NaiveDate, Figures)> {
    groups.into_iter().filter_map(|group| Some((group.key.parse().ok()?, group.figures))).collect()
}

/// Returns a time after accepting in words.
pub(super) fn after(after: KeptAfter) -> &'static str {
    match after {
        KeptAfter::Seconds15 => "15 s",
        KeptAfter::Seconds30 => "30 s",
        KeptAfter::Minutes2 => "2 min",
        KeptAfter::Minutes5 => "5 min",
        KeptAfter::Minutes10 => "10 min",
    }
}

/// Returns a share in percent, and a dash where there is none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "-".to_owned(), |it| format!("{:.1}%", it * 100.0))
}

/// Returns a number with its thousands apart.
pub(super) fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns reasons and how often each was why nothing was shown, the most frequent first.
pub(super) fn reasons(figures: &Figures) -> Vec<(&str, u64)> {
    let mut reasons: Vec<_> = figures.withheld.iter().map(|(reason, n_times)| (reason.as_str(), *n_times)).collect();
    reasons.sort_by_key(|(_, n_times)| std::cmp::Reverse(*n_times));
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_shares_are_written_for_people() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([None, Some(0.0), Some(0.3456), Some(1.0)].map(percent), ["-", "0.0%", "34.6%", "100.0%"]);
    }
}
