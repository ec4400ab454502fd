//! Assertions that are spelled as a condition: `if got != want { t.Errorf(…) }`.
//!
//! Go has no other way without a library; people write it elsewhere too. What the condition denies is what is demanded.

use std::ops::Range;

use wright_text::{Language, Node};

use super::assertion::{self, Piece};
use super::tokens::{Tokens, field};

/// Reads an `if` whose body does nothing but fail the test.
pub(super) fn pieces(language: Language, tokens: &Tokens<'_>, text: &str, node: Node<'_>) -> Vec<Piece> {
    let (Some(condition), Some(body)) = (field(node, "condition"), field(node, "consequence")) else {
        return Vec::new();
    };
    if !fails(language, text, body) {
        return Vec::new();
    }
    let range = tokens.unwrapped(tokens.within(condition.byte_range()));
    let parts = tokens.split(range, |it| matches!(it.text, "||" | "or"));
    parts.into_iter().map(|it| assertion::denied(tokens, tokens.unwrapped(it))).collect()
}

fn fails(language: Language, text: &str, body: Node<'_>) -> bool {
    let mut block = body;
    if let Some(list) = body.named_child(0).filter(|it| it.kind() == "statement_list") {
        block = list;
    }
    let mut cursor = block.walk();
    let statements: Vec<Range<usize>> = block.named_children(&mut cursor).take(12).map(|it| it.byte_range()).collect();
    let starts: &[&str] = match language {
        Language::Go => {
            &["t.Error", "t.Fatal", "t.Fail", "b.Fatal", "b.Error", "tb.Fatal", "f.Fatal", "log.Fatal", "panic("]
        }
        Language::Python => &["self.fail(", "pytest.fail(", "raise AssertionError"],
        Language::Rust => &["panic!("],
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            &["throw ", "assert.fail(", "done(new ", "fail("]
        }
        Language::Java => &["fail(", "throw new AssertionError", "Assert.fail(", "Assertions.fail("],
        Language::Cpp => &["FAIL(", "ADD_FAILURE(", "abort(", "std::abort("],
    };
    statements.into_iter().any(|it| starts.iter().any(|start| text[it.clone()].starts_with(start)))
}
