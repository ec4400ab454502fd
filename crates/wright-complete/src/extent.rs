//! How much is expected at a position, decided from the text around it.

/// How much is expected at a position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Extent {
    /// Code follows on the same line: fill the gap before it.
    WithinLine,
    /// The line has begun, and nothing but closing brackets and the like follows on it: finish the line.
    RestOfLine,
    /// The line is empty, inside code that is already there: usually one line, sometimes several.
    #[default]
    FreshLine,
    /// A block was opened and has no body yet: the body, until the indentation ends.
    Block,
}

impl Extent {
    /// Decides from the text before and after the position.
    pub(crate) fn at(before: &str, after: &str) -> Self {
        let rest_of_line = after.split('\n').next().unwrap_or_default();
        let start_of_line = before.rsplit('\n').next().unwrap_or_default();
        // At the very start of a line the rest of it is the next line of code, not the end of this one.
        let is_between_lines = start_of_line.is_empty();
        if !is_between_lines && !is_inert(rest_of_line) {
            return Self::WithinLine;
        }
        if opens_body(before, after) {
            return Self::Block;
        }
        if start_of_line.trim().is_empty() && (is_between_lines || rest_of_line.trim().is_empty()) {
            Self::FreshLine
        } else {
            Self::RestOfLine
        }
    }
}

/// Returns whether the rest of a line is only what an editor closes by itself: brackets and quotes, and a last
/// punctuation mark.
pub(crate) fn is_inert(rest: &str) -> bool {
    let rest = rest.trim().trim_start_matches([')', ']', '}', '>', '"', '\'', '`']).trim_start();
    let rest = rest.strip_prefix([':', '{', ';', ',']).unwrap_or(rest);
    rest.trim().is_empty()
}

/// Returns whether the text before a position ends by opening a block for which the text after it has no body.
fn opens_body(before: &str, after: &str) -> bool {
    let start_of_line = before.rsplit('\n').next().unwrap_or_default();
    let is_line_start = start_of_line.trim().is_empty();
    let opener = if is_line_start { before.trim_end() } else { before.trim_end_matches([' ', '\t']) };
    let opens_block = opener.ends_with([':', '{']) || ends_with_docstring(opener);
    if !opens_block {
        return false;
    }
    let opener_indent = indent_width(opener.rsplit('\n').next().unwrap_or_default());
    next_line(after).is_none_or(|line| indent_width(line) <= opener_indent)
}

/// Returns whether the text ends with a docstring that follows a function's head directly.
fn ends_with_docstring(text: &str) -> bool {
    ["\"\"\"", "'''"].into_iter().any(|quotes| {
        let Some(body) = text.strip_suffix(quotes) else { return false };
        body.rfind(quotes).is_some_and(|start| body[..start].trim_end().ends_with(':'))
    })
}

/// Returns how far a line is indented; a tab counts as four.
pub(crate) fn indent_width(line: &str) -> usize {
    line.chars().take_while(|it| it.is_whitespace()).map(|it| if it == '\t' { 4 } else { 1 }).sum()
}

/// Returns the first line that is not blank.
pub(crate) fn next_line(text: &str) -> Option<&str> {
    text.lines().find(|it| !it.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(marked: &str) -> Extent {
        let (before, after) = marked.split_once('║').unwrap();
        Extent::at(before, after)
    }

    #[test]
    fn the_text_around_a_position_decides_how_much_is_expected() {
        assert_eq!(extent("x = ║ + 1\n"), Extent::WithinLine);
        assert_eq!(extent("x = f(║)\n"), Extent::RestOfLine);
        assert_eq!(extent("if (║) {\n"), Extent::RestOfLine);
        assert_eq!(extent("x = ║\n"), Extent::RestOfLine);
        assert_eq!(extent("x = 1\n║\ny = 2\n"), Extent::FreshLine);
        assert_eq!(extent("x = 1\n║y = 2\n"), Extent::FreshLine);
        assert_eq!(extent("if x:\n    ║\n    y = 2\n"), Extent::FreshLine);
        assert_eq!(extent("if x:\n║    y = 2\n"), Extent::FreshLine);
        assert_eq!(extent("if x:\n║\nz = 1\n"), Extent::Block);
        assert_eq!(extent("fn f() {\n    ║\n}\n"), Extent::Block);
        assert_eq!(extent("def f():\n    \"\"\"Adds.\"\"\"\n    ║\n"), Extent::Block);
    }
}
