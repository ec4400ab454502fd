//! Which part of a text the peer is shown: about as many bytes as wanted around the cursor, cut at line ends.
//!
//! A part stays the same as long as the cursor is well inside it, and one that was left is taken again when the cursor
//! comes back. Cutting anew at each keystroke would move the beginning with every line and rob the peer of its cache.

use std::ops::Range;

/// How much is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    /// Bytes in all.
    pub(super) total: usize,
    /// The suffix has at most this many lines.
    pub(super) max_suffix_lines: usize,
}

/// The parts of one text that were shown so far.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    size: Size,
    /// Newest last.
    kept: Vec<Range<usize>>,
}

impl Windows {
    /// Returns windows of a size; none is cut yet.
    pub(super) fn new(size: Size) -> Self {
        Self { size, kept: Vec::new() }
    }

    /// Returns the part that is shown for a cursor.
    pub(super) fn around(&mut self, text: &str, offset: usize) -> Range<usize> {
        let fits = |it: &&Range<usize>| is_inside(it, text, offset, self.size.total);
        if let Some(window) = self.kept.iter().rev().find(fits) {
            return window.clone();
        }
        let window = cut(text, offset, self.size);
        self.kept.push(window.clone());
        window
    }

    /// Follows an edit of the text.
    pub(super) fn follow(&mut self, replaced: &Range<usize>, n_new: usize) {
        let moved = |at: usize, sticks_left: bool| {
            let is_before = at < replaced.start || at == replaced.start && sticks_left;
            if is_before { at } else { at.max(replaced.end) - replaced.len() + n_new }
        };
        for window in &mut self.kept {
            *window = moved(window.start, true)..moved(window.end, false);
        }
    }
}

/// Returns whether a cursor is so far inside a window that it need not be cut anew.
fn is_inside(window: &Range<usize>, text: &str, offset: usize, total: usize) -> bool {
    let margin = total / 6;
    let has_prefix = window.start == 0 || offset >= window.start + margin;
    let has_suffix = window.end == text.len() || offset + margin <= window.end;
    let is_within = window.start <= offset && offset <= window.end && window.end <= text.len();
    is_within && has_prefix && has_suffix && window.len() <= total + total / 4
}

/// Cuts a window: half before the cursor and half behind it, where there is that much.
fn cut(text: &str, offset: usize, size: Size) -> Range<usize> {
    let (before, after) = text.split_at(offset);
    let after = &after[..end_of_lines(after, size.max_suffix_lines)];
    let n_prefix = before.len().min((size.total / 2).max(size.total.saturating_sub(after.len())));
    let n_suffix = after.len().min(size.total.saturating_sub(n_prefix));
    let earliest = before.floor_char_boundary(before.len() - n_prefix);
    let starts_line = earliest == 0 || before[..earliest].ends_with('\n');
    let next_line = before[earliest..].find('\n').map(|it| earliest + it + 1);
    let start = if starts_line { earliest } else { next_line.unwrap_or(earliest) };
    let latest = after.floor_char_boundary(n_suffix);
    let is_whole = latest == after.len();
    let end = if is_whole { latest } else { after[..latest].rfind('\n').map_or(latest, |it| it + 1) };
    start..offset + end
}

/// Returns where the rest of the present line and the given number of further lines end.
fn end_of_lines(text: &str, n_lines: usize) -> usize {
    text.match_indices('\n').nth(n_lines).map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: usize = usize::MAX;

    fn text() -> String {
        (0..100).map(|it| format!("line {it:03}\n")).collect()
    }

    fn size(total: usize) -> Size {
        Size { total, max_suffix_lines: ALL }
    }

    #[test]
    fn half_is_before_the_cursor_and_lines_stay_whole() {
        let text = text();
        let window = Windows::new(size(180)).around(&text, 454);
        assert_eq!(window, 369..540);
        assert!(text[window.clone()].starts_with("line 041\n") && text[window].ends_with("line 059\n"));
    }

    #[test]
    fn what_one_side_lacks_the_other_side_gets() {
        let text = text();
        assert_eq!(Windows::new(size(180)).around(&text, 9), 0..180);
        assert_eq!(Windows::new(size(180)).around(&text, 900), 720..900);
        assert_eq!(Windows::new(size(5_000)).around(&text, 450), 0..900);
        let few = Size { total: 180, max_suffix_lines: 2 };
        assert_eq!(Windows::new(few).around(&text, 454), 297..477, "the prefix gets what the suffix may not have");
    }

    #[test]
    fn a_window_stays_while_the_cursor_is_well_inside_and_is_found_again() {
        let text = text();
        let mut windows = Windows::new(size(180));
        let first = windows.around(&text, 454);
        assert_eq!(windows.around(&text, 460), first);
        let second = windows.around(&text, 700);
        assert_ne!(second, first);
        assert_eq!(windows.around(&text, 450), first);
    }

    #[test]
    fn a_window_follows_edits() {
        let mut windows = Windows::new(size(180));
        let text = text();
        let first = windows.around(&text, 454);
        windows.follow(&(454..454), 3);
        assert_eq!(windows.around(&text, 457), first.start..first.end + 3);
        windows.follow(&(0..9), 0);
        assert_eq!(windows.around(&text, 448), first.start - 9..first.end - 6);
    }

    #[test]
    fn a_long_line_is_cut_between_characters() {
        let text = "é".repeat(500);
        let window = Windows::new(size(101)).around(&text, 500);
        assert!(text.is_char_boundary(window.start) && text.is_char_boundary(window.end));
        assert!(window.contains(&500));
    }
}
