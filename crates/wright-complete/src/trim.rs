//! Cutting a raw completion down to what belongs at the position.
//!
//! Small models seldom stop by themselves when they fill a hole: they type on, often repeating what follows the hole. So
//! the end is found here, from the syntax around the position and from the suffix.

use wright_provider::{Completion, StopReason};

use crate::Context;

/// How much is expected at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Text follows on the same line: fill the gap within it.
    WithinLine,
    /// Code of the same block follows or precedes: usually one line.
    Line,
    /// A block was opened and has no body yet: the body, until the indentation ends.
    Block,
}

impl Extent {
    /// Decides from the text before and after the position.
    pub(crate) fn at(before: &str, after: &str) -> Self {
        let rest_of_line = after.lines().next().unwrap_or_default();
        let start_of_line = before.rsplit('\n').next().unwrap_or_default();
        let is_line_start = start_of_line.trim().is_empty();
        // At the very start of a line the rest of it is the next line of code, not the end of this one.
        if !rest_of_line.trim().is_empty() && !start_of_line.is_empty() {
            return Self::WithinLine;
        }
        let opener = if is_line_start { before.trim_end() } else { before.trim_end_matches([' ', '\t']) };
        let opens_block = opener.ends_with([':', '{']) || opener.ends_with("\"\"\"") && opens_function(opener);
        if !opens_block {
            return Self::Line;
        }
        let opener_indent = indent_width(opener.rsplit('\n').next().unwrap_or_default());
        let has_body = next_line(after).is_some_and(|line| indent_width(line) > opener_indent);
        if has_body { Self::Line } else { Self::Block }
    }

    /// Returns the texts at which the model need not go on.
    pub(crate) fn stop_texts(self) -> Vec<String> {
        match self {
            Self::WithinLine => vec!["\n".to_owned()],
            Self::Line | Self::Block => Vec::new(),
        }
    }
}

/// Returns whether the text ends with a docstring that follows a function's head directly.
fn opens_function(text: &str) -> bool {
    let Some(body) = text.strip_suffix("\"\"\"") else { return false };
    body.rfind("\"\"\"").is_some_and(|start| body[..start].trim_end().ends_with(':'))
}

fn indent_width(line: &str) -> usize {
    line.chars().take_while(|it| it.is_whitespace()).map(|it| if it == '\t' { 4 } else { 1 }).sum()
}

fn next_line(text: &str) -> Option<&str> {
    text.lines().find(|it| !it.trim().is_empty())
}

/// Returns the part of `completion` that belongs at the position.
pub(crate) fn trim(completion: &Completion, context: &Context) -> String {
    let text = completion.text.as_str();
    match context.extent {
        Extent::WithinLine => within_line(text, &context.suffix),
        Extent::Line => lines(completion, context),
        Extent::Block => block(completion, context),
    }
}

/// Cuts at the line end, and where the rest of the line is typed again.
fn within_line(text: &str, suffix: &str) -> String {
    let text = text.split('\n').next().unwrap_or_default();
    let rest = suffix.split('\n').next().unwrap_or_default();
    without_overlap(text, rest).to_owned()
}

/// Removes from the end of `text` what `rest` begins with; a single character may be meant twice, as in `))`.
fn without_overlap<'a>(text: &'a str, rest: &str) -> &'a str {
    let rest = rest.trim_end();
    if rest.is_empty() {
        return text;
    }
    if rest.len() >= 3
        && let Some(found) = text.find(rest)
    {
        return &text[..found];
    }
    let is_overlap =
        |length: &usize| text.is_char_boundary(text.len() - length) && rest.starts_with(&text[text.len() - length..]);
    (3..=text.len().min(rest.len())).rev().find(is_overlap).map_or(text, |length| &text[..text.len() - length])
}

/// Takes the lines up to a natural end - the model stopped, or began to repeat what follows - or else the first line.
fn lines(completion: &Completion, context: &Context) -> String {
    let text = completion.text.as_str();
    let natural_end = repeats_at(text, &context.suffix)
        .or_else(|| (completion.reason == StopReason::EndOfText).then_some(text.len()));
    let end = match natural_end {
        Some(end) if !text[..end].trim().is_empty() => end,
        _ => end_of_first_line(text) + body_of_first_line(text, &context.suffix),
    };
    fit_line_end(&text[..end], context)
}

/// Returns the length of the body that follows the first line, where that line opens a block and the suffix has no body
/// for it: `else:` alone would be a syntax error.
fn body_of_first_line(text: &str, suffix: &str) -> usize {
    let (first, rest) = text.split_at(end_of_first_line(text));
    let indent = indent_width(first.trim_start_matches('\n'));
    let opens_block = first.trim_end().ends_with([':', '{']);
    let has_body = next_line(suffix).is_some_and(|line| indent_width(line) > indent);
    if !opens_block || has_body {
        return 0;
    }
    let is_body = |line: &&str| line.trim().is_empty() || indent_width(line) > indent;
    rest.split_inclusive('\n').take_while(is_body).map(str::len).sum()
}

/// Takes the lines up to the first one that is indented less than the first.
fn block(completion: &Completion, context: &Context) -> String {
    let text = completion.text.as_str();
    let starts_line = context.prefix.is_empty() || context.prefix.ends_with('\n');
    let mut end = 0;
    let mut body_indent = None;
    for line in text.split_inclusive('\n') {
        let is_first = end == 0;
        if !line.trim().is_empty() && (starts_line || !is_first) {
            let indent = indent_width(line);
            let closes = line.trim_start().starts_with(['}', ')', ']']);
            match body_indent {
                None => body_indent = Some(indent),
                Some(body) if indent < body && !closes => break,
                Some(_) => {}
            }
            if indent == 0 && closes {
                break;
            }
        }
        end += line.len();
    }
    let end = repeats_at(&text[..end], &context.suffix).unwrap_or(end);
    // A body that was cut at the token limit ends with half a line.
    let is_cut = completion.reason == StopReason::MaxTokens && end == text.len();
    let end = if is_cut { text[..end].rfind('\n').map_or(end, |it| it + 1) } else { end };
    fit_line_end(text[..end].trim_end(), context)
}

/// Returns where `text` begins to type what `suffix` begins with.
fn repeats_at(text: &str, suffix: &str) -> Option<usize> {
    let next = next_line(suffix)?.trim();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let is_whole = line.ends_with('\n') || line.trim().len() == next.len();
        if start > 0 && is_whole && line.trim() == next && next.len() >= 2 {
            return Some(start);
        }
        start += line.len();
    }
    None
}

fn end_of_first_line(text: &str) -> usize {
    let blank = text.len() - text.trim_start_matches('\n').len();
    text[blank..].find('\n').map_or(text.len(), |it| blank + it + 1)
}

/// Ends the text with a line break exactly where the suffix does not bring one.
fn fit_line_end(text: &str, context: &Context) -> String {
    let needs_break =
        !context.suffix.is_empty() && !context.suffix.starts_with('\n') && !context.suffix.starts_with("\r\n");
    let mut text = text.trim_end_matches(['\n', '\r', ' ', '\t']).to_owned();
    if needs_break && !text.is_empty() {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(marked: &str) -> Extent {
        let (before, after) = marked.split_once('║').unwrap();
        Extent::at(before, after)
    }

    #[test]
    fn the_syntax_around_a_position_decides_how_much_is_expected() {
        assert_eq!(extent("x = f(║)\n"), Extent::WithinLine);
        assert_eq!(extent("x = 1\n║\ny = 2\n"), Extent::Line);
        assert_eq!(extent("x = 1\n║y = 2\n"), Extent::Line);
        assert_eq!(extent("if x:\n║    y = 2\n"), Extent::Line);
        assert_eq!(extent("if x:\n║\nz = 1\n"), Extent::Block);
        assert_eq!(extent("fn f() {\n    ║\n}\n"), Extent::Block);
        assert_eq!(extent("def f():\n    \"\"\"Adds.\"\"\"\n    ║\n"), Extent::Block);
    }

    #[test]
    fn the_end_of_the_line_is_not_typed_twice() {
        assert_eq!(within_line("a, b)\nprint(x)", ")"), "a, b)");
        assert_eq!(within_line("a, b) + 1", ") + 1"), "a, b");
        assert_eq!(within_line("width * height", " * height"), "width");
    }
}
