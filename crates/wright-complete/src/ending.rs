//! Where a completion ends.
//!
//! Small models seldom stop by themselves when they fill a hole: they type on, often repeating what follows the hole. So
//! the end is found here, from the syntax around the position and from the text after it. [`Ending::is_settled`] says,
//! while text still arrives, that more of it would change nothing; [`Ending::cuts`] then lists what the completion may be
//! cut down to, the likeliest first, and the gate has the last word.

use wright_provider::StopReason;

use crate::extent::{Extent, indent_width, next_line};
use crate::hole::Hole;

/// How many lines a completion may have where it has to be looked for.
const MAX_LINES: usize = 24;

/// How many lines are considered as the last one when nothing else fits.
const MAX_FURTHER_LINES: usize = 6;

/// How many characters, without blanks, make a repetition of the following text certain.
const CERTAIN_REPEAT: usize = 10;

/// How alike two lines are, from 0 to 1, that are taken for the same line.
const NEARLY: f64 = 0.7;

/// How far to look for the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The end of the line, whatever it opens.
    Single,
    /// The end of the line, unless it opens a block: soonest.
    Line,
    /// The natural end, several lines down if need be.
    Natural,
}

/// Finds the end of completions at one position.
#[derive(Debug, Clone)]
pub(crate) struct Ending<'a> {
    extent: Extent,
    reach: Reach,
    /// What the text around the position lacks.
    hole: &'a Hole,
    /// The text before the position.
    before: &'a str,
    /// The text after the position.
    after: &'a str,
}

impl<'a> Ending<'a> {
    /// Returns what finds the end between `before` and `after`, which lack what `hole` says.
    pub(crate) fn new(extent: Extent, reach: Reach, hole: &'a Hole, before: &'a str, after: &'a str) -> Self {
        Self { extent, reach, hole, before, after }
    }

    /// Returns whether what is written so far holds the end, so that the model need not go on.
    pub(crate) fn is_settled(&self, text: &str) -> bool {
        let Some(first) = first_line_end(text) else { return false };
        if n_lines(text) > MAX_LINES || self.repeats_certainly(text).is_some() || has_loop(text) {
            return true;
        }
        if self.is_several_lines() && self.hole.is_known() && self.whole(text).is_none() {
            return false;
        }
        match (self.extent, self.reach) {
            (_, Reach::Single) => true,
            (Extent::RestOfLine, Reach::Line | Reach::Natural)
            | (Extent::FreshLine | Extent::WithinLine, Reach::Line) => {
                let (line, rest) = text.split_at(first);
                !self.lacks_body(line) || is_body_over(rest, self.indent_of(line))
            }
            (Extent::FreshLine, Reach::Natural) => self.block_end(text).is_some(),
            (Extent::WithinLine, Reach::Natural) => self.meets_certainly(text).is_some(),
            (Extent::Block, Reach::Line | Reach::Natural) => self.block_end(text).is_some(),
        }
    }

    /// Returns what the text may be cut down to, the likeliest first.
    pub(crate) fn cuts(&self, text: &str, reason: StopReason) -> Vec<String> {
        let is_whole = reason == StopReason::EndOfText;
        let mut ends: Vec<usize> = Vec::new();
        let line_end = first_line_end(text).unwrap_or(text.len());
        let line_with_body = line_end + self.body_of_first_line(text, line_end);
        if self.reach == Reach::Single {
            ends.push(self.without_closers(text, line_end));
            ends.push(line_end);
        }
        match self.extent {
            _ if self.reach == Reach::Single => {}
            Extent::WithinLine => {
                ends.extend(self.meets_certainly(text));
                ends.extend(self.meets_rest_of_line(text));
                ends.extend(is_whole.then_some(text.len()));
                ends.push(self.without_overlap(&text[..line_end]));
                ends.push(line_end);
            }
            Extent::RestOfLine => {
                ends.extend((self.reach == Reach::Natural).then(|| self.repeats_certainly(text)).flatten());
                ends.push(self.without_closers(text, line_with_body));
                ends.push(line_with_body);
                ends.push(self.without_closers(text, line_end));
            }
            Extent::FreshLine => {
                if self.reach == Reach::Natural {
                    ends.extend(self.repeats_certainly(text));
                    ends.extend(self.whole(text));
                    ends.extend(self.repeats(text));
                    ends.extend(is_whole.then_some(text.len()));
                    ends.extend(self.nearly_repeats(text));
                    ends.extend(self.block_end(text));
                }
                ends.push(line_with_body);
                ends.push(line_end);
                if self.reach == Reach::Natural {
                    ends.extend(text.match_indices('\n').map(|(at, _)| at + 1).take(MAX_FURTHER_LINES));
                }
            }
            Extent::Block => {
                let block = self.block_end(text);
                let whole = if is_whole || block.is_some() { text.len() } else { last_whole_line(text) };
                let block = block.unwrap_or(whole);
                ends.extend(self.repeats(&text[..block]));
                ends.extend(self.whole(text));
                ends.push(block);
                ends.push(block + closing_line(&text[block..]));
                ends.extend(statement_ends(&text[..block]));
                ends.push(line_with_body);
            }
        }
        // What would make the code behind it unreachable comes last, and before it what leaves something missing.
        let is_several = self.is_several_lines();
        ends.sort_by_cached_key(|&end| {
            let cut = &text[..end];
            (self.cuts_off(cut), if is_several { self.hole.lacks(cut) } else { 0 })
        });
        let mut cuts: Vec<String> = Vec::new();
        for end in ends {
            let cut = self.fit(&text[..end]);
            if !cut.trim().is_empty() && !cuts.contains(&cut) {
                cuts.push(cut);
            }
        }
        cuts
    }

    /// Returns whether whole lines are expected, as many as belong here.
    fn is_several_lines(&self) -> bool {
        self.reach == Reach::Natural && matches!(self.extent, Extent::FreshLine | Extent::Block)
    }

    /// Returns the end of the first line with which the text brings everything that is missing; nothing where nothing is.
    fn whole(&self, text: &str) -> Option<usize> {
        if !self.is_several_lines() || !self.hole.is_known() {
            return None;
        }
        let ends = text.match_indices('\n').map(|(at, _)| at + 1);
        ends.filter(|&end| !text[..end].trim().is_empty()).find(|&end| self.hole.lacks(&text[..end]) == 0)
    }

    /// Ends the cut with a line break exactly where the text after it does not bring one.
    fn fit(&self, cut: &str) -> String {
        if self.extent == Extent::WithinLine {
            return cut.trim_end_matches(['\n', '\r']).to_owned();
        }
        let mut cut = cut.trim_end().to_owned();
        let is_line_start = self.before.is_empty() || self.before.ends_with('\n');
        let follows = self.after.split('\n').next().unwrap_or_default();
        if is_line_start && !follows.trim().is_empty() && !cut.is_empty() {
            cut.push('\n');
        }
        cut
    }

    /// Returns where the text begins to repeat what follows, when that is beyond doubt: a whole line of some length, with
    /// its line break.
    fn repeats_certainly(&self, text: &str) -> Option<usize> {
        self.repeat_from(text, CERTAIN_REPEAT)
    }

    /// Returns where the text begins to repeat what follows.
    fn repeats(&self, text: &str) -> Option<usize> {
        self.repeats_certainly(text).or_else(|| self.repeat_from(text, 1))
    }

    /// Returns the start of the first line, after the first, that is the next line of the text after the position and is
    /// indented like it. Short lines count only together with the ones after them, or at the end of the text.
    fn repeat_from(&self, text: &str, min_len: usize) -> Option<usize> {
        let next = next_line(self.after)?;
        let is_same = |line: &str| line.trim() == next.trim() && indent_width(line) == indent_width(next);
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let is_whole = line.ends_with('\n') || line.trim_end().len() >= next.trim_end().len();
            if start > 0 && is_whole && is_same(line) && visible_len(&text[start..], self.after) >= min_len {
                return Some(start);
            }
            start += line.len();
        }
        None
    }

    /// Returns the start of the first line, after the first, that differs from the next line of the text after the
    /// position in details only.
    fn nearly_repeats(&self, text: &str) -> Option<usize> {
        let next = next_line(self.after)?;
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let is_like = indent_width(line) == indent_width(next) && similarity(line.trim(), next.trim()) >= NEARLY;
            if start > 0 && line.ends_with('\n') && is_like {
                return Some(start);
            }
            start += line.len();
        }
        None
    }

    /// Returns whether the last line of the cut leaves the block (`return`, `break`) in which the text after it goes on.
    fn cuts_off(&self, cut: &str) -> bool {
        let Some(next) = next_line(self.after_line()) else { return false };
        let Some(last) = cut.lines().rfind(|line| !line.trim().is_empty()) else { return false };
        let word = last.trim_start().split(|it: char| !it.is_alphanumeric()).next().unwrap_or_default();
        let leaves = ["return", "break", "continue", "raise", "throw"].contains(&word);
        let indent = if last.len() == cut.trim_start_matches(['\n', '\r']).trim_end().len() {
            self.indent_of(last)
        } else {
            indent_width(last)
        };
        let closes = next.trim_start().starts_with(['}', ')', ']']);
        let continues = ["case", "default", "else", "elif", "except", "finally", "catch"];
        let is_other_branch = continues.iter().any(|word| next.trim_start().starts_with(word));
        leaves && !closes && !is_other_branch && indent_width(next) == indent
    }

    /// Returns where the text begins to type the rest of the line: within the first line when it is there, else where the
    /// rest ends a later line.
    fn meets_rest_of_line(&self, text: &str) -> Option<usize> {
        let rest = self.after.split('\n').next().unwrap_or_default().trim_end();
        if rest.trim().is_empty() {
            return None;
        }
        let n_visible = rest.chars().filter(|it| !it.is_whitespace()).count();
        let ends_line = |at: &usize| {
            let behind = &text[at + rest.len()..];
            behind.is_empty() || behind.trim_start_matches([' ', '\t', '\r']).starts_with('\n')
        };
        let places: Vec<usize> = text.match_indices(rest).map(|(at, _)| at).collect();
        let first_line = first_line_end(text).unwrap_or(text.len());
        let in_first_line = places.iter().copied().filter(|&at| at < first_line);
        in_first_line
            .clone()
            .find(ends_line)
            .or_else(|| in_first_line.clone().find(|_| n_visible >= 3))
            .or_else(|| places.iter().copied().filter(|_| n_visible >= 3).find(ends_line))
    }

    /// Returns where the text begins to type the rest of the line and what follows it, when that is beyond doubt.
    fn meets_certainly(&self, text: &str) -> Option<usize> {
        let rest = self.after.split('\n').next().unwrap_or_default().trim_end();
        if rest.trim().is_empty() {
            return None;
        }
        let is_certain = |at: &usize| {
            let ends_line = text[at + rest.len()..].trim_start_matches([' ', '\t', '\r']).starts_with('\n');
            ends_line && visible_len(&text[*at..], self.after) >= CERTAIN_REPEAT
        };
        text.match_indices(rest).map(|(at, _)| at).find(is_certain)
    }

    /// Returns the length of the line without what the rest of the line begins with; a single character may be meant
    /// twice, as in `))`.
    fn without_overlap(&self, line: &str) -> usize {
        let line = line.trim_end();
        let rest = self.after.split('\n').next().unwrap_or_default().trim_end();
        let is_overlap = |length: &usize| {
            line.is_char_boundary(line.len() - length) && rest.starts_with(&line[line.len() - length..])
        };
        let overlap = (3..=line.len().min(rest.len())).rev().find(is_overlap).unwrap_or(0);
        line.len() - overlap
    }

    /// Returns the end without the closing brackets that already stand after the position.
    fn without_closers(&self, text: &str, end: usize) -> usize {
        let rest = self.after.split('\n').next().unwrap_or_default().trim();
        let Some(closer) = rest.chars().next() else { return end };
        let Some(unmatched) = first_unmatched_closer(&text[..end]) else { return end };
        let is_the_same = text[unmatched..].starts_with(closer);
        if is_the_same { unmatched } else { end }
    }

    /// Returns the length of the body behind the first line, where that line opens a block without one.
    fn body_of_first_line(&self, text: &str, line_end: usize) -> usize {
        let (line, rest) = text.split_at(line_end);
        if !self.lacks_body(line) {
            return 0;
        }
        let indent = self.indent_of(line);
        let mut length = 0;
        for line in rest.split_inclusive('\n') {
            let is_body = line.trim().is_empty() || indent_width(line) > indent;
            let closes = indent_width(line) == indent && line.trim_start().starts_with(['}', ')', ']']);
            if !is_body && !closes {
                break;
            }
            length += line.len();
            if closes {
                break;
            }
        }
        length
    }

    /// Returns whether the line opens a block for which neither side has a body.
    fn lacks_body(&self, line: &str) -> bool {
        let indent = self.indent_of(line);
        let opens_block = line.trim_end().ends_with([':', '{']);
        opens_block && next_line(self.after_line()).is_none_or(|line| indent_width(line) <= indent)
    }

    /// Returns the shortest body of the block that the cut opens, where bodies are not asked for; else nothing.
    pub(crate) fn body_to_come(&self, cut: &str) -> String {
        let Some(line) = cut.lines().last().filter(|line| self.reach == Reach::Single && self.lacks_body(line)) else {
            return String::new();
        };
        let indent = " ".repeat(self.indent_of(line));
        let body = match (self.hole.is_indented, line.trim_end().chars().last()) {
            (true, Some(':')) => format!("\n{indent}    pass"),
            (false, Some('{')) => format!("\n{indent}}}"),
            _ => String::new(),
        };
        // A cut that is a whole line brings its line break already.
        if cut.ends_with('\n') { format!("{}\n", body.trim_start_matches('\n')) } else { body }
    }

    /// Returns what follows the line of the position.
    fn after_line(&self) -> &'a str {
        match self.extent {
            Extent::FreshLine => self.after,
            Extent::WithinLine | Extent::RestOfLine | Extent::Block => {
                self.after.split_once('\n').map_or("", |(_, rest)| rest)
            }
        }
    }

    /// Returns how far the line is indented that `line` is the end of.
    fn indent_of(&self, line: &str) -> usize {
        let start = self.before.rsplit('\n').next().unwrap_or_default();
        if start.trim().is_empty() {
            let blank = line.trim_start_matches(['\n', '\r']);
            indent_width(start) + indent_width(blank)
        } else {
            indent_width(start)
        }
    }

    /// Returns how deep the next line after the position stands, where indentation makes blocks and several lines are
    /// expected.
    fn next_indent(&self) -> usize {
        let counts = self.hole.is_indented && self.is_several_lines();
        let rest = if self.before.ends_with('\n') { self.after } else { self.after_line() };
        next_line(rest).filter(|_| counts).map_or(0, indent_width)
    }

    /// Returns how far the function around the position is indented, where nothing more of it follows: then the
    /// completion goes on to its end.
    fn function_indent(&self) -> Option<usize> {
        if !self.hole.is_indented || !self.is_several_lines() {
            return None;
        }
        let mut inner = usize::MAX;
        for line in self.before.lines().rev().filter(|line| !line.trim().is_empty()) {
            let indent = indent_width(line);
            let is_function = ["def ", "async def "].iter().any(|it| line.trim_start().starts_with(it));
            if indent < inner && is_function {
                return next_line(self.after).is_none_or(|line| indent_width(line) <= indent).then_some(indent);
            }
            inner = inner.min(indent);
        }
        None
    }

    /// Returns where the text leaves the block it begins in: before the first whole line that is indented less than its
    /// first line. Nothing while it has not.
    fn block_end(&self, text: &str) -> Option<usize> {
        let start = self.before.rsplit('\n').next().unwrap_or_default();
        let mut body_indent: Option<usize> = (!start.trim().is_empty()).then(|| indent_width(start) + 1);
        let next_indent = self.next_indent();
        let mut end = 0;
        for line in text.split_inclusive('\n') {
            let is_first = end == 0;
            let indent = indent_width(line) + if is_first { indent_width(start) } else { 0 };
            let is_blank = line.trim().is_empty();
            match body_indent {
                _ if is_blank || (is_first && !start.trim().is_empty()) => {}
                None => body_indent = Some(self.function_indent().map_or(indent, |it| it + 1)),
                // Where what follows stands deeper, another block has to come before it.
                Some(body) if indent < body && next_indent <= indent => return Some(end),
                Some(_) => {}
            }
            end += line.len();
        }
        None
    }
}

/// Returns the end of the first line that is not blank, behind its line break.
/// Returns where the first line that is not blank ends, with its line end; nothing while it may go on.
pub(crate) fn first_line_end(text: &str) -> Option<usize> {
    let blank = text.len() - text.trim_start_matches(['\n', '\r']).len();
    text[blank..].find('\n').map(|at| blank + at + 1)
}

fn n_lines(text: &str) -> usize {
    text.bytes().filter(|it| *it == b'\n').count()
}

/// Returns the length of the part that ends with a line break.
fn last_whole_line(text: &str) -> usize {
    text.rfind('\n').map_or(text.len(), |at| at + 1)
}

/// Returns whether the lines behind a block's opener have left the block.
fn is_body_over(rest: &str, indent: usize) -> bool {
    let mut lines = rest.split_inclusive('\n').filter(|line| !line.trim().is_empty());
    lines.any(|line| indent_width(line) <= indent)
}

/// Returns the length of the line at the start of `text` when it is only closing brackets.
fn closing_line(text: &str) -> usize {
    let line = text.split_inclusive('\n').next().unwrap_or_default();
    let closes = !line.trim().is_empty() && line.trim().chars().all(|it| "})];,".contains(it));
    if closes { line.len() } else { 0 }
}

/// Returns the ends of the lines from the last to the first: a body that was cut short may still stand without its end.
fn statement_ends(text: &str) -> impl Iterator<Item = usize> + '_ {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
    ends.into_iter().rev().take(6)
}

/// Returns whether the text has fallen into a loop: its last three lines are the same.
fn has_loop(text: &str) -> bool {
    let mut lines = text.lines().rev().skip(1).map(str::trim).filter(|line| !line.is_empty());
    let (Some(a), Some(b), Some(c)) = (lines.next(), lines.next(), lines.next()) else { return false };
    a == b && b == c && a.len() > 2
}

/// Returns how many characters two texts have in common at their beginning, when blanks do not count.
fn visible_len(a: &str, b: &str) -> usize {
    let (mut a, mut b) = (a.chars().filter(|it| !it.is_whitespace()), b.chars().filter(|it| !it.is_whitespace()));
    let mut n = 0;
    while let (Some(x), Some(y)) = (a.next(), b.next()) {
        if x != y {
            return n;
        }
        n += 1;
    }
    // One of them ended: as far as can be seen they are the same.
    if n > 0 { n.max(CERTAIN_REPEAT) } else { 0 }
}

/// Returns how alike two lines are: the share of words they have in common, in order at the beginning and at the end.
fn similarity(a: &str, b: &str) -> f64 {
    let words = |text: &str| -> Vec<String> {
        text.split_inclusive(|it: char| !it.is_alphanumeric() && it != '_').map(|it| it.trim().to_owned()).collect()
    };
    let (a, b) = (words(a), words(b));
    let n_start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let n_end = a[n_start..].iter().rev().zip(b[n_start..].iter().rev()).take_while(|(a, b)| a == b).count();
    2.0 * (n_start + n_end) as f64 / (a.len() + b.len()).max(1) as f64
}

/// Returns the first closing bracket that the text did not open.
fn first_unmatched_closer(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    let mut quote = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, it)) = chars.next() {
        match (quote, it) {
            (Some(_), '\\') => {
                chars.next();
            }
            (Some(end), _) => {
                if it == end {
                    quote = None;
                }
            }
            (None, '"' | '\'' | '`') => {
                // A quote that is not closed on its line is an apostrophe, a lifetime, or closes what stands before.
                let line = text[at + 1..].split('\n').next().unwrap_or_default();
                if line.contains(it) {
                    quote = Some(it);
                }
            }
            (None, '(' | '[' | '{') => open.push(it),
            (None, ')' | ']' | '}') => {
                if open.pop().is_none() {
                    return Some(at);
                }
            }
            (None, _) => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CURSOR: char = '║';

    /// Returns what the completion is cut down to, likeliest first.
    fn cuts(marked: &str, reach: Reach, text: &str, reason: StopReason) -> Vec<String> {
        let (before, after) = marked.split_once(CURSOR).unwrap();
        let hole = Hole { is_indented: true, ..Hole::default() };
        Ending::new(Extent::at(before, after), reach, &hole, before, after).cuts(text, reason)
    }

    fn first_cut(marked: &str, text: &str) -> String {
        cuts(marked, Reach::Natural, text, StopReason::MaxTokens).swap_remove(0)
    }

    /// Returns how much of the text is waited for.
    fn settled_at<'a>(marked: &str, reach: Reach, text: &'a str) -> Option<&'a str> {
        let (before, after) = marked.split_once(CURSOR).unwrap();
        let hole = Hole { is_indented: true, ..Hole::default() };
        let ending = Ending::new(Extent::at(before, after), reach, &hole, before, after);
        let ends = text.char_indices().map(|(at, it)| at + it.len_utf8());
        ends.map(|end| &text[..end]).find(|text| ending.is_settled(text))
    }

    #[test]
    fn a_line_ends_at_its_end() {
        assert_eq!(first_cut("x = ║\ny = 2\n", "f(1)\ny = 2\n"), "f(1)");
        assert_eq!(settled_at("x = ║\ny = 2\n", Reach::Line, "f(1)\ny = 2\n"), Some("f(1)\n"));
    }

    #[test]
    fn closing_brackets_that_are_there_are_not_typed_again() {
        assert_eq!(first_cut("foo(║)\n", "a, b)\nprint(x)"), "a, b");
        assert_eq!(first_cut("foo(║)\n", "bar(a), b)\n"), "bar(a), b");
        assert_eq!(first_cut("if (║) {\n  x();\n}\n", "a == b) {\n"), "a == b");
    }

    #[test]
    fn the_rest_of_the_line_is_not_typed_again() {
        assert_eq!(first_cut("area = ║ * height\n", "width * height\nprint(area)\n"), "width");
        assert_eq!(first_cut("f(║, b)\ng()\n", "a, b)\ng()\n"), "a");
    }

    #[test]
    fn a_hole_that_ends_within_a_later_line_is_filled() {
        let text = "range(3):\n    total += i\nreturn total\n";
        assert_eq!(first_cut("for i in ║ total\n", text), "range(3):\n    total += i\nreturn");
    }

    #[test]
    fn lines_end_where_the_text_repeats_what_follows() {
        let marked = "def f(x):\n    y = x\n║    return y * factor\n";
        let text = "    y += 1\n    y -= 2\n    return y * factor";
        assert_eq!(first_cut(marked, text), "    y += 1\n    y -= 2\n");
        assert_eq!(settled_at(marked, Reach::Natural, text), Some(text));
        assert_eq!(settled_at(marked, Reach::Line, text), Some("    y += 1\n"));
    }

    #[test]
    fn a_line_that_opens_a_block_brings_its_body() {
        let marked = "def f(x):\n    if x:\n        return 1\n║\n\nprint(f(1))\n";
        let text = "    else:\n        return 2\n\n\ndef g():\n    pass\n";
        assert_eq!(first_cut(marked, text), "    else:\n        return 2");
    }

    #[test]
    fn a_body_ends_where_its_indentation_does() {
        let text = "    y = x\n    return y\n\ndef g():\n    pass\n";
        assert_eq!(first_cut("def f(x):\n║\n\ndef h():\n    pass\n", text), "    y = x\n    return y");
        assert_eq!(settled_at("def f(x):\n║\n", Reach::Line, text), Some("    y = x\n    return y\n\nd"));
    }

    #[test]
    fn a_line_that_would_make_the_code_behind_it_unreachable_comes_last() {
        let marked = "def f(x):\n    if x:\n║        return 2\n";
        let text = "        return 1\n    else:\n        return 3\n";
        let cuts = cuts(marked, Reach::Natural, text, StopReason::MaxTokens);
        assert_eq!(cuts[0], "        return 1\n    else:\n");
    }

    #[test]
    fn a_completion_goes_on_until_what_follows_has_its_block() {
        let marked = "def f(s):\n    if not s:\n║        if letter:\n            return s\n";
        let text = "        return []\n    for letter in s:\n        if letter:\n            return s\n";
        assert_eq!(first_cut(marked, text), "        return []\n    for letter in s:\n");
        assert_eq!(settled_at(marked, Reach::Natural, text), Some(&text[..text.find("letter:").unwrap() + 7]));
    }

    #[test]
    fn a_function_is_written_to_its_end_where_nothing_of_it_follows() {
        let marked = "def f(x):\n    if x:\n        y = 1\n    else:\n║\n\nprint(f(1))\n";
        let text = "        y = 2\n    return y\n\nprint(f(2))\n";
        assert_eq!(first_cut(marked, text), "        y = 2\n    return y");
        assert_eq!(cuts(marked, Reach::Line, text, StopReason::MaxTokens)[0], "        y = 2");
    }

    #[test]
    fn a_completion_closes_the_braces_that_nothing_else_closes() {
        let (before, after) = ("fn f() {\n    for a in b {\n        if a {\n", "\n    a\n}\n");
        let hole = Hole { n_closed: 2, ..Hole::default() };
        let ending = Ending::new(Extent::at(before, after), Reach::Natural, &hole, before, after);
        let text = "            x();\n        }\n    }\n    b\n}\n";
        assert!(!ending.is_settled("            x();\n        }\n"));
        assert_eq!(ending.cuts(text, StopReason::MaxTokens)[0], "            x();\n        }\n    }");
    }

    #[test]
    fn a_hole_over_several_lines_ends_where_a_short_rest_and_the_lines_behind_it_begin() {
        let marked = "for j in ║ 0:\n    is_prime = False\n    break\n";
        let text = "range(2, i):\n    if i % j == 0:\n    is_prime = False\n";
        assert_eq!(first_cut(marked, text), "range(2, i):\n    if i % j ==");
    }

    #[test]
    fn a_single_line_stays_one() {
        assert_eq!(cuts("if x:║\n", Reach::Single, "\n    y = 1\n    z = 2\n", StopReason::MaxTokens), ["\n    y = 1"]);
    }

    #[test]
    fn a_loop_is_not_waited_for() {
        let text = "    x += 1\n".repeat(8);
        let seen = settled_at("def f(x):\n║\n", Reach::Natural, &text).unwrap();
        assert!(seen.len() < text.len());
    }
}
