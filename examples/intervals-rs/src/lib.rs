//! Sets of half-open intervals `[start, end)` over integers, kept sorted, apart and non-empty.

use std::fmt;

/// The integers from `start` up to, but without, `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    pub start: i64,
    pub end: i64,
}

impl Interval {
    pub fn new(start: i64, end: i64) -> Self {
        Self { start, end }
    }

    pub fn len(&self) -> i64 {
        (self.end - self.start).max(0)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.start, self.end)
    }
}

/// Any number of intervals that neither overlap nor touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntervalSet {
    intervals: Vec<Interval>,
}

impl IntervalSet {
    /// Collects intervals in any order; those that overlap or touch become one.
    pub fn from_intervals(mut intervals: Vec<Interval>) -> Self {
        intervals.retain(|interval| !interval.is_empty());
        intervals.sort();
        let mut merged: Vec<Interval> = Vec::new();
        for interval in intervals {
            match merged.last_mut() {
                Some(last) if interval.start <= last.end => last.end = interval.end,
                _ => merged.push(interval),
            }
        }
        Self { intervals: merged }
    }

    pub fn intervals(&self) -> &[Interval] {
        &self.intervals
    }

    /// Returns how many integers the set covers.
    pub fn covered(&self) -> i64 {
        self.intervals.iter().map(Interval::len).sum()
    }

    /// Says whether an integer is in the set.
    pub fn contains(&self, point: i64) -> bool {
        let idx = self.intervals.partition_point(|interval| interval.end <= point);
        self.intervals.get(idx).is_some_and(|interval| interval.start <= point)
    }

    /// Returns what lies between the intervals.
    pub fn gaps(&self) -> Vec<Interval> {
        self.intervals.windows(2).map(|pair| Interval::new(pair[0].end, pair[1].start)).collect()
    }

    /// Returns the integers that are in either set.
    pub fn union(&self, other: &Self) -> Self {
        let all = self.intervals.iter().chain(&other.intervals).copied().collect();
        Self::from_intervals(all)
    }
}
