//! What was edited lately: keystrokes gathered into hunks, with their place in the current text.
//!
//! It is told of every edit and keeps a bounded number. An edit that touches an older one becomes part of it, so what is
//! undone disappears by itself. It reads no clock: the caller says when something happened.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wright_text::{Document, Edit, Replacement};

/// How many edits are kept.
const MAX_EDITS: usize = 24;

/// A hunk that is larger than this on either side is a paste, a reformatting or a merge: it teaches nothing.
const MAX_HUNK_BYTES: usize = 4000;

/// Edits on the same line, or on neighboring lines, within this time are one.
const SAME_EDIT: Duration = Duration::from_secs(4);

/// How many rejected suggestions are remembered.
const MAX_REJECTED: usize = 32;

/// One hunk that was edited lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecentEdit {
    /// The file.
    pub path: PathBuf,
    /// The text that went.
    pub before: String,
    /// The text that came.
    pub after: String,
    /// Where [`RecentEdit::after`] is in the current text; none where that text is out of reach.
    pub place: Option<Range<usize>>,
    /// When it was last touched, since any fixed moment.
    pub at: Duration,
}

/// The edits of a session, oldest first.
#[derive(Clone, Debug, Default)]
pub struct EditHistory {
    edits: Vec<RecentEdit>,
    rejected: Vec<(PathBuf, String)>,
    ended_with_undo: bool,
}

impl EditHistory {
    /// Makes an empty history.
    pub fn new() -> EditHistory {
        EditHistory::default()
    }

    /// Returns the hunks, oldest first.
    pub fn edits(&self) -> &[RecentEdit] {
        &self.edits
    }

    /// Returns whether the last edit took back what another had done.
    pub fn ended_with_undo(&self) -> bool {
        self.ended_with_undo
    }

    /// Notes an edit of `before`; an edit that does not fit the document is ignored.
    pub fn record(&mut self, before: &Document, edit: &Edit, at: Duration) {
        if edit.apply(before.text()).is_err() {
            return;
        }
        self.ended_with_undo = false;
        let mut text = before.text().to_owned();
        // From the end to the start, so that the ranges still to come stay right.
        for replacement in edit.replacements().iter().rev() {
            self.record_one(&before.path, &text, replacement, at);
            text.replace_range(replacement.range.clone(), &replacement.text);
        }
        if self.edits.len() > MAX_EDITS {
            self.edits.drain(..self.edits.len() - MAX_EDITS);
        }
    }

    /// Adds a hunk as it is, such as one whose file is not open.
    pub fn push(&mut self, edit: RecentEdit) {
        self.edits.push(edit);
    }

    /// Notes that a suggestion for this file was refused by the person; the same one is not made again.
    pub fn reject(&mut self, path: &Path, edit: &Edit) {
        self.rejected.push((path.to_owned(), key_of(edit)));
        if self.rejected.len() > MAX_REJECTED {
            self.rejected.remove(0);
        }
    }

    /// Returns whether the same suggestion was rejected before.
    pub fn was_rejected(&self, path: &Path, edit: &Edit) -> bool {
        let key = key_of(edit);
        self.rejected.iter().any(|(file, rejected)| file == path && *rejected == key)
    }

    /// Returns the text as it was before the edits that are remembered.
    pub fn text_before(&self, doc: &Document) -> String {
        let mut places: Vec<(&Range<usize>, &str)> = self.placed_in(doc).collect();
        places.sort_by_key(|(place, _)| place.start);
        // Hunks that were pushed by hand may share bytes; the first one counts.
        let mut end = 0;
        places.retain(|(place, _)| {
            let is_free = place.start >= end;
            end = end.max(place.end);
            is_free
        });
        let mut text = doc.text().to_owned();
        for (place, before) in places.into_iter().rev() {
            text.replace_range(place.clone(), before);
        }
        text
    }

    fn placed_in<'a>(&'a self, doc: &'a Document) -> impl Iterator<Item = (&'a Range<usize>, &'a str)> {
        let of_doc = self.edits.iter().filter(|it| it.path == doc.path);
        of_doc.filter_map(|it| {
            let place = it.place.as_ref()?;
            (doc.text().get(place.clone()) == Some(it.after.as_str())).then_some((place, it.before.as_str()))
        })
    }

    fn record_one(&mut self, path: &Path, text: &str, replacement: &Replacement, at: Duration) {
        let mut merged = replacement.range.clone();
        let mut parts: Vec<(Range<usize>, String)> = Vec::new();
        let newest = self.edits.len().checked_sub(1);
        let mut kept = Vec::with_capacity(self.edits.len() + 1);
        for (idx, edit) in std::mem::take(&mut self.edits).into_iter().enumerate() {
            let Some(place) = edit.place.clone().filter(|_| edit.path == path) else {
                kept.push(edit);
                continue;
            };
            let is_recent = Some(idx) == newest && at.saturating_sub(edit.at) <= SAME_EDIT;
            let touches = replacement.range.start <= place.end && place.start <= replacement.range.end;
            if touches || is_recent && are_neighbors(text, &place, &replacement.range) {
                merged = merged.start.min(place.start)..merged.end.max(place.end);
                parts.push((place, edit.before));
            } else {
                kept.push(shifted(edit, replacement));
            }
        }
        self.edits = kept;
        let before = reverted(text, &merged, &mut parts);
        let head = &text[merged.start..replacement.range.start];
        let tail = &text[replacement.range.end..merged.end];
        let after = format!("{head}{}{tail}", replacement.text);
        if before == after {
            self.ended_with_undo = !parts.is_empty();
            return;
        }
        if before.len() <= MAX_HUNK_BYTES && after.len() <= MAX_HUNK_BYTES {
            let place = merged.start..merged.start + after.len();
            self.edits.push(RecentEdit { path: path.to_owned(), before, after, place: Some(place), at });
        }
    }
}

fn key_of(edit: &Edit) -> String {
    edit.replacements().iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join("\u{0}")
}

fn shifted(mut edit: RecentEdit, replacement: &Replacement) -> RecentEdit {
    if let Some(place) = &mut edit.place
        && place.start >= replacement.range.end
    {
        let shift = |at: usize| at - replacement.range.len() + replacement.text.len();
        *place = shift(place.start)..shift(place.end);
    }
    edit
}

/// Returns whether two ranges are on the same line or on neighboring ones.
fn are_neighbors(text: &str, a: &Range<usize>, b: &Range<usize>) -> bool {
    let (first, second) = if a.start <= b.start { (a, b) } else { (b, a) };
    text.get(first.end..second.start).is_some_and(|between| between.matches('\n').count() <= 1)
}

/// Returns a range of the text as it was before the hunks inside it.
fn reverted(text: &str, range: &Range<usize>, parts: &mut [(Range<usize>, String)]) -> String {
    parts.sort_by_key(|(place, _)| place.start);
    let mut result = String::new();
    let mut at = range.start;
    for (place, before) in parts.iter() {
        result.push_str(&text[at..place.start]);
        result.push_str(before);
        at = place.end;
    }
    result.push_str(&text[at..range.end]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes edits one after the other, each replacing the first occurrence of a text, seconds apart.
    fn history(text: &str, edits: &[(&str, &str, u64)]) -> (EditHistory, String) {
        let mut history = EditHistory::new();
        let mut text = text.to_owned();
        for (old, new, second) in edits {
            let at = text.find(old).unwrap();
            let edit = Edit::single(at..at + old.len(), *new);
            history.record(&Document::new("a.py", 1, text.as_str()), &edit, Duration::from_secs(*second));
            text = edit.apply(&text).unwrap();
        }
        (history, text)
    }

    fn hunks(history: &EditHistory) -> Vec<(&str, &str)> {
        history.edits().iter().map(|it| (it.before.as_str(), it.after.as_str())).collect()
    }

    #[test]
    fn keystrokes_become_one_hunk() {
        let (history, _) = history("x = 1\n", &[("1", "12", 0), ("12", "123", 60), ("123", "1234", 61)]);
        assert_eq!(hunks(&history), [("1", "1234")]);
    }

    #[test]
    fn edits_far_apart_in_time_or_place_are_two() {
        let (found, _) = history("a\nb\nc\nd\n", &[("a", "x", 0), ("d", "y", 1)]);
        assert_eq!(hunks(&found), [("a", "x"), ("d", "y")]);
        let (found, _) = history("a\nb\n", &[("a", "x", 0), ("b", "y", 9)]);
        assert_eq!(hunks(&found), [("a", "x"), ("b", "y")]);
        let (found, _) = history("a\nb\n", &[("a", "x", 0), ("b", "y", 1)]);
        assert_eq!(hunks(&found), [("a\nb", "x\ny")]);
    }

    #[test]
    fn what_is_taken_back_is_forgotten() {
        let (history, _) = history("load(a)\n", &[("load", "open", 0), ("open", "load", 9)]);
        assert!(history.edits().is_empty() && history.ended_with_undo());
    }

    #[test]
    fn places_follow_later_edits_and_lead_back_to_the_first_text() {
        let (history, text) = history("a = 1\nb = 2\nc = 3\n", &[("3", "33", 0), ("1", "111", 9), ("a", "aa", 30)]);
        let doc = Document::new("a.py", 2, text.as_str());
        for edit in history.edits() {
            assert_eq!(text[edit.place.clone().unwrap()], edit.after);
        }
        assert_eq!(history.text_before(&doc), "a = 1\nb = 2\nc = 3\n");
    }

    #[test]
    fn pushed_hunks_that_share_bytes_do_no_harm() {
        let mut history = EditHistory::new();
        for (before, place) in [("é", 0..3), ("y", 1..3), ("z", 40..44)] {
            let after = "abcdé".get(place.clone()).unwrap_or("abcd").to_owned();
            let (path, before) = (PathBuf::from("a.py"), before.to_owned());
            history.push(RecentEdit { path, before, after, place: Some(place), at: Duration::ZERO });
        }
        assert_eq!(history.text_before(&Document::new("a.py", 1, "abcdé")), "édé");
    }

    #[test]
    fn an_edit_of_several_places_is_several_hunks() {
        let text = "f(a)\n\n\nf(b)\n";
        let replacements = [(0..1, "g"), (7..8, "g")];
        let replacements = replacements.map(|(range, text)| Replacement { range, text: text.to_owned() });
        let mut history = EditHistory::new();
        let edit = Edit::new(replacements.to_vec()).unwrap();
        history.record(&Document::new("a.py", 1, text), &edit, Duration::ZERO);
        assert_eq!(hunks(&history), [("f", "g"), ("f", "g")]);
    }
}
