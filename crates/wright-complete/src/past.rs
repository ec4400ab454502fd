//! What happened to a document lately: whether the last change took something back, and what was deleted.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use wright_text::Edit;

/// How many earlier states of a document are recognized.
const MAX_STATES: usize = 64;

/// How many deleted texts are remembered, and for how long.
const MAX_DELETED: usize = 8;
const DELETED_FOR: Duration = Duration::from_secs(20);

/// Texts shorter than this are typed again for other reasons.
const MIN_DELETED: usize = 4;

/// The recent past of one document.
#[derive(Debug, Default)]
pub(crate) struct Past {
    states: VecDeque<u64>,
    deleted: VecDeque<(Instant, String)>,
    is_after_undo: bool,
}

impl Past {
    /// Notes that `edit` turned `before` into `after`.
    pub(crate) fn change(&mut self, before: &str, edit: &Edit, after: &str, now: Instant) {
        let removed: Vec<&str> = edit.replacements().iter().filter_map(|it| before.get(it.range.clone())).collect();
        let n_changed: usize = removed.iter().map(|it| it.chars().count()).sum::<usize>()
            + edit.replacements().iter().map(|it| it.text.chars().count()).sum::<usize>();
        let (was, is) = (digest(before), digest(after));
        // Deleting what was just typed, character by character, comes back to earlier states too; only a leap is an undo.
        self.is_after_undo = n_changed > 1 && self.states.contains(&is);
        self.states.push_back(was);
        if self.states.len() > MAX_STATES {
            self.states.pop_front();
        }
        let is_deletion = edit.replacements().iter().all(|it| it.text.trim().is_empty());
        for text in removed.into_iter().filter(|it| is_deletion && it.trim().len() >= MIN_DELETED) {
            self.deleted.push_back((now, text.to_owned()));
            if self.deleted.len() > MAX_DELETED {
                self.deleted.pop_front();
            }
        }
    }

    /// Returns whether the last change took something back.
    pub(crate) fn is_after_undo(&self) -> bool {
        self.is_after_undo
    }

    /// Returns the texts that were deleted a moment ago.
    pub(crate) fn just_deleted(&self, now: Instant) -> Vec<String> {
        let is_recent = |at: &Instant| now.duration_since(*at) < DELETED_FOR;
        self.deleted.iter().filter(|(at, _)| is_recent(at)).map(|(_, text)| text.clone()).collect()
    }
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies edits, each a range and a text, and returns the past and the text.
    fn after(text: &str, edits: &[(std::ops::Range<usize>, &str)]) -> (Past, String) {
        let mut past = Past::default();
        let mut text = text.to_owned();
        for (range, insert) in edits {
            let edit = Edit::single(range.clone(), *insert);
            let next = edit.apply(&text).unwrap();
            past.change(&text, &edit, &next, Instant::now());
            text = next;
        }
        (past, text)
    }

    #[test]
    fn a_leap_back_to_an_earlier_state_is_an_undo() {
        assert!(after("a", &[(1..1, "bcd"), (1..4, "")]).0.is_after_undo());
        assert!(!after("a", &[(1..1, "b"), (1..2, "")]).0.is_after_undo(), "a backspace is not");
        assert!(!after("a", &[(1..1, "bcd"), (1..4, ""), (1..1, "x")]).0.is_after_undo(), "typing goes on");
    }

    #[test]
    fn what_was_deleted_is_remembered_for_a_moment() {
        let (past, _) = after("return total", &[(6..12, "")]);
        assert_eq!(past.just_deleted(Instant::now()), [" total"]);
        assert!(past.just_deleted(Instant::now() + DELETED_FOR).is_empty());
        assert!(after("abcdef", &[(0..6, "x")]).0.just_deleted(Instant::now()).is_empty(), "replaced, not deleted");
    }
}
