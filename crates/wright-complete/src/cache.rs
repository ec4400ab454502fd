//! What was suggested before, and still answers.
//!
//! An entry answers for the position it was made for, for positions reached by typing into its text, and for positions
//! reached by deleting backwards from it. Pure: texts in, text out; whatever comes out is judged again by the gate.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many entries are kept.
const MAX_ENTRIES: usize = 128;

/// How much document text the entries may hold, in bytes. Entries of one version share it, so this is rarely reached.
const MAX_BYTES: usize = 32 << 20;

/// How far back a deletion may reach and still be answered, in bytes.
const MAX_DELETED: usize = 80;

/// How many closing characters an editor may have added behind what was typed.
const MAX_CLOSERS: usize = 4;

/// Earlier results, the newest last.
#[derive(Debug, Default)]
pub(crate) struct ResultCache {
    entries: VecDeque<Entry>,
}

/// One result.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The document's file.
    pub(crate) path: PathBuf,
    /// The document's text.
    pub(crate) text: Arc<str>,
    /// The position in it.
    pub(crate) offset: usize,
    /// What may be inserted there, best first; empty where nothing was found.
    pub(crate) suggested: Vec<String>,
}

impl ResultCache {
    /// Keeps a result, instead of the one for the same position if there is one.
    pub(crate) fn insert(&mut self, entry: Entry) {
        self.entries.retain(|it| it.offset != entry.offset || it.path != entry.path || it.text != entry.text);
        self.entries.push_back(entry);
        while self.entries.len() > MAX_ENTRIES || self.n_bytes() > MAX_BYTES && self.entries.len() > 1 {
            self.entries.pop_front();
        }
    }

    /// Returns what may be inserted at `offset`, best first; `Some` of nothing where it is known that there is nothing.
    pub(crate) fn find(&self, path: &Path, text: &str, offset: usize) -> Option<Vec<String>> {
        let same_file = || self.entries.iter().rev().filter(|it| it.path == path);
        let exact = same_file().find(|it| it.offset == offset && *it.text == *text);
        if let Some(entry) = exact {
            return Some(entry.suggested.clone());
        }
        same_file().map(|it| it.continued(text, offset)).find(|found| !found.is_empty())
    }

    /// Notes that the user does not want `text` in a file, nor what ends with it.
    pub(crate) fn refuse(&mut self, path: &Path, text: &str) {
        for entry in self.entries.iter_mut().filter(|it| it.path == path) {
            entry.suggested.retain(|it| !it.ends_with(text));
        }
    }

    /// Forgets a file.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.entries.retain(|it| it.path != path);
    }

    fn n_bytes(&self) -> usize {
        self.entries.iter().map(|it| it.text.len()).sum()
    }
}

impl Entry {
    /// Returns what of this result may be inserted at another position of a changed text.
    fn continued(&self, text: &str, offset: usize) -> Vec<String> {
        let (Some(before), Some(after)) = (text.get(..offset), text.get(offset..)) else { return Vec::new() };
        let (entry_before, entry_after) = self.text.split_at(self.offset);
        if offset > self.offset {
            let Some(typed) = before.strip_prefix(entry_before) else { return Vec::new() };
            let is_behind_same = after == entry_after || without_closers(after, entry_after);
            let rest = |it: &String| it.strip_prefix(typed).filter(|rest| !rest.is_empty()).map(str::to_owned);
            return if is_behind_same { self.suggested.iter().filter_map(rest).collect() } else { Vec::new() };
        }
        let Some(deleted) = entry_before.strip_prefix(before) else { return Vec::new() };
        let is_near = !deleted.is_empty() && deleted.len() <= MAX_DELETED && !deleted.contains('\n');
        if is_near && after == entry_after {
            self.suggested.iter().map(|it| format!("{deleted}{it}")).collect()
        } else {
            Vec::new()
        }
    }
}

/// Returns whether `after` is `entry_after` behind closing characters that an editor adds by itself.
fn without_closers(after: &str, entry_after: &str) -> bool {
    let Some(closers) = after.strip_suffix(entry_after) else { return false };
    closers.len() <= MAX_CLOSERS && closers.chars().all(|it| ")]}\"'`>".contains(it))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps a suggestion for the position marked in the first text, and returns what it gives for the second.
    fn found(made_for: &str, suggested: &str, asked_for: &str) -> Option<String> {
        let parts = |marked: &str| (marked.replace('║', ""), marked.find('║').unwrap());
        let mut cache = ResultCache::default();
        let (text, offset) = parts(made_for);
        cache.insert(Entry { path: "a".into(), text: text.into(), offset, suggested: vec![suggested.to_owned()] });
        let (text, offset) = parts(asked_for);
        cache.find(Path::new("a"), &text, offset).and_then(|it| it.into_iter().next())
    }

    #[test]
    fn the_same_position_is_answered_again() {
        assert_eq!(found("x = ║\ny", "foo(1)", "x = ║\ny").as_deref(), Some("foo(1)"));
        assert_eq!(found("x = ║\ny", "foo(1)", "x = ║\nz"), None);
    }

    #[test]
    fn typing_into_a_suggestion_leaves_the_rest_of_it() {
        assert_eq!(found("x = ║\ny", "foo(1)", "x = fo║\ny").as_deref(), Some("o(1)"));
        assert_eq!(found("x = ║\ny", "foo(1)", "x = foo(║)\ny").as_deref(), Some("1)"));
        assert_eq!(found("x = ║\ny", "foo(1)", "x = g║\ny"), None);
        assert_eq!(found("x = ║\ny", "foo(1)", "x = foo(1)║\ny"), None);
    }

    #[test]
    fn deleting_backwards_brings_the_deleted_text_back_into_the_suggestion() {
        assert_eq!(found("x = fo║\ny", "o(1)", "x = ║\ny").as_deref(), Some("foo(1)"));
        assert_eq!(found("x = 1\n║\ny", "z = 2", "x = 1║\ny"), None, "not across lines");
    }

    #[test]
    fn other_files_are_not_mixed_up_and_a_closed_file_is_forgotten() {
        let mut cache = ResultCache::default();
        let entry = Entry { path: "a".into(), text: "x".into(), offset: 1, suggested: vec!["y".to_owned()] };
        cache.insert(entry);
        assert_eq!(cache.find(Path::new("b"), "x", 1), None);
        cache.forget(Path::new("a"));
        assert_eq!(cache.find(Path::new("a"), "x", 1), None);
    }

    #[test]
    fn old_entries_make_room() {
        let mut cache = ResultCache::default();
        for idx in 0..MAX_ENTRIES + 5 {
            let text: Arc<str> = format!("{idx:4}").into();
            cache.insert(Entry { path: "a".into(), text, offset: 4, suggested: vec!["y".to_owned()] });
        }
        assert_eq!(cache.entries.len(), MAX_ENTRIES);
        assert_eq!(cache.find(Path::new("a"), "   0", 4), None);
    }
}
