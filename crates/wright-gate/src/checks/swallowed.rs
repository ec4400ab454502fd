//! Failures that are caught and forgotten.
//!
//! A handler that takes every failure and does nothing hides the ones that nobody thought of. Reported are handlers that
//! are both broad and empty; one that says in a comment why it is empty, or takes one kind of failure, is somebody's
//! decision.

use wright_text::{Language, Node};

use crate::tampering::reach::handlers;
use crate::tampering::tokens::{Tokens, field, visit};
use crate::{Confidence, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "swallowed-errors";

/// Reports every broad and empty handler of a text.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    let (Some(language), Some(tree)) = (source.language, source.tree()) else { return Vec::new() };
    let tokens = Tokens::of(tree, source.text);
    let mut found = Vec::new();
    visit(tree.root(), |node, around| {
        if matches!(node.kind(), "try_statement" | "try_with_resources_statement") {
            let swallowed = handlers(node).filter(|it| is_empty(source.text, *it) && is_broad(language, &tokens, *it));
            found.extend(swallowed.map(|it| finding(source, language, &tokens, node, it, around)));
        }
        true
    });
    found
}

fn finding(
    source: &Source<'_>,
    language: Language,
    tokens: &Tokens<'_>,
    statement: Node<'_>,
    handler: Node<'_>,
    around: &[Node<'_>],
) -> Finding {
    // Scripts have one kind of handler for everything, so an empty one says less.
    let severity = if matches!(language, Language::Python | Language::Java | Language::Cpp) {
        Severity::Error
    } else {
        Severity::Warning
    };
    let guarded = field(statement, "body").map(|it| tokens.joined(tokens.within(it.byte_range()))).unwrap_or_default();
    let name = around.iter().rev().find_map(|it| field(*it, "name")).map(|it| source.text[it.byte_range()].to_owned());
    let finding = Finding::new(NAME, severity, "every failure is caught and forgotten here")
        .rule("swallowed-error")
        .cwe(&[390, 703][..])
        .confidence(Confidence::Medium)
        .within(source.path, source.span(handler.byte_range()))
        .key(format!("{} {guarded}", name.as_deref().unwrap_or_default()))
        .hint("Catch the one failure that is expected here, or say in a comment why every one may be ignored.");
    Finding { symbol: name, ..finding }
}

/// Says whether a handler does nothing, and does not say why either.
fn is_empty(text: &str, handler: Node<'_>) -> bool {
    let code = &text[handler.byte_range()];
    if code.contains('#') || code.contains("//") || code.contains("/*") || code.len() > 400 {
        return false;
    }
    let Some(body) = body_of(handler) else { return true };
    let mut cursor = body.walk();
    body.named_children(&mut cursor).all(|it| {
        let code = text[it.byte_range()].trim().trim_end_matches(';');
        matches!(code, "pass" | "..." | "continue" | "return" | "return None" | "return null" | "return undefined")
    })
}

fn body_of(handler: Node<'_>) -> Option<Node<'_>> {
    let last = u32::try_from(handler.named_child_count()).ok()?.checked_sub(1)?;
    field(handler, "body")
        .or_else(|| handler.named_child(last))
        .filter(|it| it.kind().contains("block") || it.kind() == "compound_statement")
}

fn is_broad(language: Language, tokens: &Tokens<'_>, handler: Node<'_>) -> bool {
    let body = body_of(handler).map_or(handler.end_byte(), |it| it.start_byte());
    let head = tokens.joined(tokens.within(handler.start_byte()..body));
    let has = |words: &[&str]| head.split(' ').any(|word| words.contains(&word));
    match language {
        Language::Python => head.trim_end_matches([' ', ':']) == "except" || has(&["Exception", "BaseException"]),
        Language::Java => has(&["Throwable", "Exception", "RuntimeException", "Error"]),
        Language::Cpp => head.contains("...") || head.contains(". . ."),
        _ => true,
    }
}
