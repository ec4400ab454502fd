//! The syntax errors of Python, as Python sees them.
//!
//! A tree-sitter grammar is made to get through broken code, and accepts much that Python refuses: a block without a body,
//! an indentation that fits no block. What is shown to a user must run, so Python's errors come from Ruff's parser, which
//! follows the language's own.

use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use crate::document::LineIndex;
use crate::syntax::SyntaxError;

/// Nesting beyond this is not handed to a parser that descends by recursion.
pub(crate) const MAX_DEPTH: usize = 400;

/// Returns the places where Python refuses `text`, in source order.
pub(crate) fn python_errors(text: &str) -> Vec<SyntaxError> {
    let parsed = parse_unchecked(text, ParseOptions::from(Mode::Module));
    let lines = LineIndex::new(text);
    let errors = parsed.errors().iter().map(|it| {
        let range = it.location.start().to_usize()..it.location.end().to_usize();
        let place = lines.line_column(text, range.start);
        SyntaxError { range, line: place.line, column: place.column, message: fragment(&it.error.to_string()) }
    });
    errors.collect()
}

/// Turns a sentence into the lowercase fragment that our messages are.
fn fragment(message: &str) -> String {
    let mut chars = message.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use crate::{Language, SyntaxTree};

    #[test]
    fn what_python_refuses_is_an_error_though_the_grammar_accepts_it() {
        let broken = ["if x:\ny = 1\n", "def f():\n    x = 1\n      y = 2\n", "for x in y:\n", "x = 1\n    y = 2\n"];
        for text in broken {
            assert!(SyntaxTree::parse(Language::Python, text).error_count() > 0, "{text}");
        }
        let whole = ["match x:\n    case 1:\n        pass\n", "def f(*, a=1): ...\n", "print(f\"{x!r:>{n}}\")\n", ""];
        for text in whole {
            assert_eq!(SyntaxTree::parse(Language::Python, text).error_count(), 0, "{text}");
        }
    }
}
