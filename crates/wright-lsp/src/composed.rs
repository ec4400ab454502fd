//! Several changes made one after the other, as one edit of the text before the first of them.

use std::ops::Range;

use ropey::Rope;
use wright_text::{Edit, Replacement};

/// Collects changes.
///
/// Invariant: pieces are sorted and do not touch each other.
#[derive(Debug, Default)]
pub(crate) struct Composed {
    pieces: Vec<Piece>,
}

/// Bytes of the first text, and what is there now.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    /// In the text before the first change.
    before: Range<usize>,
    /// In the text after the last one.
    now: Range<usize>,
}

impl Composed {
    /// Notes that `range` of the text as it is now became `n_inserted` bytes.
    pub(crate) fn push(&mut self, range: Range<usize>, n_inserted: usize) {
        let first = self.pieces.partition_point(|it| it.now.end < range.start);
        let last = self.pieces.partition_point(|it| it.now.start <= range.end);
        let touched = self.pieces.get(first..last).unwrap_or_default();
        let start = touched.first().map_or(range.start, |it| it.now.start.min(range.start));
        let end = touched.last().map_or(range.end, |it| it.now.end.max(range.end));
        let before = self.before(start, first)..self.untouched(end, last);
        let n_now = end - start - range.len() + n_inserted;
        let merged = Piece { before, now: start..start + n_now };
        for later in &mut self.pieces[last..] {
            later.now = later.now.start - range.len() + n_inserted..later.now.end - range.len() + n_inserted;
        }
        self.pieces.splice(first..last, [merged]);
    }

    /// Returns the edit of the text before the first change. `now` is the text after the last one.
    pub(crate) fn finish(self, now: &Rope) -> Edit {
        let replacements = self.pieces.into_iter().map(|it| {
            let text = now.byte_slice(it.now).to_string();
            Replacement { range: it.before, text }
        });
        // The pieces are sorted and apart, so this cannot fail.
        Edit::new(replacements.collect()).unwrap_or_default()
    }

    /// Returns where the byte `start`, which is in front of piece `idx` or at its beginning, was before.
    fn before(&self, start: usize, idx: usize) -> usize {
        match self.pieces.get(idx) {
            Some(piece) if piece.now.start == start => piece.before.start,
            _ => self.untouched(start, idx),
        }
    }

    /// Returns where a byte between the pieces `idx - 1` and `idx` was before.
    fn untouched(&self, at: usize, idx: usize) -> usize {
        match idx.checked_sub(1).and_then(|it| self.pieces.get(it)) {
            Some(piece) => piece.before.end + (at - piece.now.end),
            None => at,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes the changes, each of the text that the one before it left, and returns the edit and the text.
    fn compose(text: &str, changes: &[(Range<usize>, &str)]) -> (Edit, String) {
        let mut now = text.to_owned();
        let mut composed = Composed::default();
        for (range, inserted) in changes {
            composed.push(range.clone(), inserted.len());
            now.replace_range(range.clone(), inserted);
        }
        (composed.finish(&Rope::from_str(&now)), now)
    }

    #[test]
    fn changes_far_apart_stay_apart_and_those_that_touch_are_one() {
        let (edit, _) = compose("abcdefgh", &[(6..7, "X"), (1..2, "YY")]);
        assert_eq!(edit.replacements().len(), 2);
        let (edit, _) = compose("abcdefgh", &[(2..2, "X"), (3..3, "Y"), (1..2, "")]);
        assert_eq!(edit, Edit::single(1..2, "XY"));
    }

    proptest! {
        #[test]
        fn the_edit_leads_from_the_first_text_to_the_last(
            text in "[a-f]{0,12}",
            changes in prop::collection::vec((0usize..20, 0usize..5, "[x-z]{0,4}"), 0..12),
        ) {
            let mut length = text.len();
            let fitting: Vec<(Range<usize>, &str)> = changes.iter().map(|(start, n_removed, inserted)| {
                let start = (*start).min(length);
                let end = (start + n_removed).min(length);
                length = length - (end - start) + inserted.len();
                (start..end, inserted.as_str())
            }).collect();
            let (edit, now) = compose(&text, &fitting);
            prop_assert_eq!(edit.apply(&text).unwrap(), now);
        }
    }
}
