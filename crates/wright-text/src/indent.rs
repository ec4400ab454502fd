//! Moves code to another indentation.
//!
//! Lines are moved as they are: the inside of a string over several lines moves too.

/// Returns the text with `from_indent` replaced by `to_indent` at the start of each line.
///
/// A line that does not start with `from_indent` loses what it has in common with it. Blank lines become empty; line
/// endings stay.
pub fn reindent(text: &str, from_indent: &str, to_indent: &str) -> String {
    let mut result = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            result.push_str(line.trim_start_matches([' ', '\t']));
            continue;
        }
        let n_common = line.bytes().zip(from_indent.bytes()).take_while(|(a, b)| a == b).count();
        let n_removed = n_common.min(line.len() - line.trim_start_matches([' ', '\t']).len());
        result.push_str(to_indent);
        result.push_str(&line[n_removed..]);
    }
    result
}

/// Returns the text without the indentation that all of its lines share; blank lines do not count and become empty.
pub fn dedent(text: &str) -> String {
    reindent(text, common_indent(text), "")
}

/// Returns the whitespace that every line which is not blank starts with.
pub fn common_indent(text: &str) -> &str {
    let indents = text.lines().filter(|line| !line.trim().is_empty()).map(indent_of);
    indents.reduce(|a, b| &a[..a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count()]).unwrap_or("")
}

/// Returns the whitespace at the start of a line.
pub(crate) fn indent_of(line: &str) -> &str {
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_shape_of_the_code_stays() {
        assert_eq!(reindent("    if x:\n        y\n\n    z", "    ", "\t"), "\tif x:\n\t    y\n\n\tz");
    }

    #[test]
    fn a_line_with_less_indentation_loses_what_it_has() {
        assert_eq!(reindent("    a\n  b\nc\n", "    ", ""), "a\nb\nc\n");
    }

    #[test]
    fn line_endings_stay() {
        assert_eq!(reindent("  a\r\n  \r\n  b\r\n", "  ", "    "), "    a\r\n\r\n    b\r\n");
    }

    #[test]
    fn dedent_removes_what_all_lines_share() {
        assert_eq!(dedent("    a\n      b\n\n    c\n"), "a\n  b\n\nc\n");
        assert_eq!(dedent("\ta\n    b\n"), "\ta\n    b\n");
        assert_eq!(dedent(""), "");
    }

    proptest! {
        #[test]
        fn moving_there_and_back_changes_nothing(lines in prop::collection::vec("( {0,4}[a-z]{1,4})?", 0..6)) {
            let text = lines.join("\n");
            let moved = reindent(&text, "", "\t  ");
            prop_assert_eq!(reindent(&moved, "\t  ", ""), text);
        }
    }
}
