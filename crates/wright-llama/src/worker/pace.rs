//! How many threads compute a decode of one token.
//!
//! Pure. Threads wait for each other at every operation, so beside programs that keep the cores busy, more of them can be
//! slower than fewer. Soon after the start, now and then, and when decodes take much longer than they once did, half of the
//! threads are tried for a few decodes, and kept while that is clearly faster.

use std::time::Duration;

/// How many decodes are measured with one number of threads before it is judged.
const N_SAMPLES: usize = 6;

/// How many decodes lie between two trials while there is a reason to try.
const TRIAL_EVERY: usize = 96;

/// How many decodes lie between two trials without a reason: the machine may have been busy from the start.
const RARE_TRIAL_EVERY: usize = 1536;

/// How many decodes precede the first trial.
const FIRST_TRIAL_AFTER: usize = 24;

/// A decode that takes this many times as long as the best ones makes a trial worthwhile.
const SLOW: f64 = 1.6;

/// The other number of threads must take at most this share of the time to be kept.
const CLEARLY_FASTER: f64 = 0.8;

/// Decides the number of threads from the times of decodes.
#[derive(Debug)]
pub(super) struct Pace {
    max_threads: usize,
    n_threads: usize,
    /// Times of the last decodes with the present number of threads.
    times: Vec<Duration>,
    /// The shortest median so far with all threads.
    best: Option<Duration>,
    /// Decodes since the last trial.
    n_since_trial: usize,
    /// While a trial runs: what there was before it, and how long that took.
    trial_of: Option<(usize, Duration)>,
}

impl Pace {
    /// Starts with all threads.
    pub(super) fn new(max_threads: usize) -> Self {
        Self {
            max_threads: max_threads.max(1),
            n_threads: max_threads.max(1),
            times: Vec::new(),
            best: None,
            n_since_trial: RARE_TRIAL_EVERY - FIRST_TRIAL_AFTER,
            trial_of: None,
        }
    }

    /// Takes the time of a decode of one token, and returns the number of threads for the next ones when it changes.
    pub(super) fn observe(&mut self, time: Duration) -> Option<usize> {
        self.times.push(time);
        self.n_since_trial += 1;
        if self.times.len() < N_SAMPLES {
            return None;
        }
        let time = median(&mut self.times);
        self.times.clear();
        match self.trial_of.take() {
            Some((before, time_before)) => self.judge(before, time_before, time),
            None => self.begin_trial(time),
        }
    }

    /// Goes back when the trial was not clearly faster than what there was before.
    fn judge(&mut self, before: usize, time_before: Duration, time: Duration) -> Option<usize> {
        self.n_since_trial = 0;
        let is_kept = time.as_secs_f64() < time_before.as_secs_f64() * CLEARLY_FASTER;
        (!is_kept).then(|| self.switch(before))
    }

    /// Tries the other number of threads, when it is time and there is a reason to.
    fn begin_trial(&mut self, time: Duration) -> Option<usize> {
        let is_full = self.n_threads == self.max_threads;
        if is_full {
            self.best = Some(self.best.map_or(time, |best| best.min(time)));
        }
        let is_slow = self.best.is_some_and(|best| time.as_secs_f64() > best.as_secs_f64() * SLOW);
        let other = if is_full { (self.max_threads / 2).max(1) } else { self.max_threads };
        // With fewer threads there is always a reason: the other programs may have ended.
        let wait = if is_full && !is_slow { RARE_TRIAL_EVERY } else { TRIAL_EVERY };
        if other == self.n_threads || self.n_since_trial < wait {
            return None;
        }
        self.trial_of = Some((self.n_threads, time));
        Some(self.switch(other))
    }

    fn switch(&mut self, n_threads: usize) -> usize {
        self.n_threads = n_threads;
        n_threads
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lets `n_steps` decodes take the time that `time_of` says for a number of threads, and returns that number at the
    /// end and how many decodes had another one.
    fn run(pace: &mut Pace, n_steps: usize, time_of: impl Fn(usize) -> u64) -> (usize, usize) {
        let mut n_other = 0;
        for _ in 0..n_steps {
            let n_threads = pace.n_threads;
            n_other += usize::from(n_threads != pace.max_threads);
            pace.observe(Duration::from_millis(time_of(n_threads)));
        }
        (pace.n_threads, n_other)
    }

    #[test]
    fn an_idle_machine_keeps_all_threads_and_hardly_tries_fewer() {
        assert_eq!(run(&mut Pace::new(2), 3000, |threads| 60 / threads as u64), (2, 2 * N_SAMPLES));
    }

    #[test]
    fn a_machine_that_is_busy_from_the_start_gets_fewer_threads_soon() {
        let (n_threads, n_fewer) = run(&mut Pace::new(2), 100, |threads| if threads == 2 { 90 } else { 55 });
        assert_eq!((n_threads, n_fewer), (1, 100 - FIRST_TRIAL_AFTER));
    }

    #[test]
    fn a_busy_machine_on_which_fewer_threads_are_faster_gets_them() {
        let mut pace = Pace::new(2);
        run(&mut pace, 20, |_| 30);
        let (n_threads, n_fewer) = run(&mut pace, 1000, |threads| if threads == 2 { 200 } else { 70 });
        assert_eq!(n_threads, 1);
        assert!(n_fewer > 700, "{n_fewer}");
    }

    #[test]
    fn all_threads_come_back_when_the_machine_is_idle_again() {
        let mut pace = Pace::new(2);
        run(&mut pace, 20, |_| 30);
        run(&mut pace, 200, |threads| if threads == 2 { 200 } else { 70 });
        assert_eq!(run(&mut pace, 300, |threads| 60 / threads as u64).0, 2);
    }

    #[test]
    fn a_busy_machine_on_which_more_threads_are_still_faster_keeps_them() {
        let mut pace = Pace::new(4);
        run(&mut pace, 20, |_| 30);
        let (n_threads, n_fewer) = run(&mut pace, 1000, |threads| 400 / threads as u64);
        assert_eq!(n_threads, 4);
        assert!(n_fewer <= 1000 / TRIAL_EVERY * N_SAMPLES, "{n_fewer}");
    }

    #[test]
    fn a_machine_with_one_thread_has_nothing_to_try() {
        assert_eq!(run(&mut Pace::new(1), 500, |_| 30), (1, 0));
    }
}
