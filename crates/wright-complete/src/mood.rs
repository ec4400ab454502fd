//! How patient a user is with suggestions right now: refusals make them rarer, acceptance brings them back.

use std::time::{Duration, Instant};

use crate::Eagerness;

/// How long a refusal is remembered.
const MEMORY: Duration = Duration::from_secs(600);

/// How much longer to wait after each refusal, and the longest wait.
const FIRST_WAIT: Duration = Duration::from_millis(150);
const MAX_WAIT: Duration = Duration::from_secs(3);

/// How many refusals are let pass before suggestions become rarer.
const PATIENCE: usize = 2;

/// The refusals that still count.
#[derive(Debug, Default)]
pub(crate) struct Mood {
    refusals: Vec<Instant>,
}

impl Mood {
    /// Notes that a suggestion was refused.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.forget(now);
        self.refusals.push(now);
    }

    /// Notes that a suggestion was taken, which makes up for two refusals.
    pub(crate) fn accepted(&mut self, now: Instant) {
        self.forget(now);
        let n_left = self.refusals.len().saturating_sub(2);
        self.refusals.truncate(n_left);
    }

    /// Returns how long to wait, after a keystroke, before a model is asked.
    pub(crate) fn pause(&self, eagerness: Eagerness, now: Instant) -> Duration {
        let base = match eagerness {
            Eagerness::Low => Duration::from_millis(350),
            Eagerness::Medium | Eagerness::High => Duration::ZERO,
        };
        let n_recent = self.refusals.iter().filter(|at| now.duration_since(**at) < MEMORY).count();
        let Some(n_over) = n_recent.checked_sub(PATIENCE + 1) else { return base };
        let factor = 1.5_f64.powi(i32::try_from(n_over).unwrap_or(i32::MAX).min(20));
        base + FIRST_WAIT.mul_f64(factor).min(MAX_WAIT)
    }

    fn forget(&mut self, now: Instant) {
        self.refusals.retain(|at| now.duration_since(*at) < MEMORY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refusals_change_nothing_and_further_ones_lengthen_the_pause() {
        let now = Instant::now();
        let mut mood = Mood::default();
        let mut pauses = Vec::new();
        for _ in 0..6 {
            pauses.push(mood.pause(Eagerness::Medium, now));
            mood.refused(now);
        }
        assert!(pauses[..3].iter().all(Duration::is_zero));
        assert!(pauses[3] > Duration::ZERO && pauses[4] > pauses[3] && pauses[5] > pauses[4]);
        assert!(mood.pause(Eagerness::Medium, now + MEMORY).is_zero());
    }

    #[test]
    fn acceptance_makes_up_for_refusals() {
        let now = Instant::now();
        let mut mood = Mood::default();
        (0..4).for_each(|_| mood.refused(now));
        mood.accepted(now);
        assert!(mood.pause(Eagerness::Medium, now).is_zero());
    }

    #[test]
    fn the_pause_has_an_end() {
        let now = Instant::now();
        let mut mood = Mood::default();
        (0..1000).for_each(|_| mood.refused(now));
        assert_eq!(mood.pause(Eagerness::High, now), MAX_WAIT);
    }
}
