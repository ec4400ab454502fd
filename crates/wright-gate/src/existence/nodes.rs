//! Walks over raw syntax nodes that cannot overflow the stack, and the few questions several checks ask of a node.

use wright_text::Node;

/// Returns a node and all below it, in source order.
pub(crate) fn descend(root: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    let mut cursor = root.walk();
    let mut next = Some(root);
    std::iter::from_fn(move || {
        let here = next?;
        next = advance(&mut cursor);
        Some(here)
    })
}

fn advance<'a>(cursor: &mut wright_text::TreeCursor<'a>) -> Option<Node<'a>> {
    if cursor.goto_first_child() {
        return Some(cursor.node());
    }
    loop {
        if cursor.goto_next_sibling() {
            return Some(cursor.node());
        }
        if !cursor.goto_parent() {
            return None;
        }
    }
}

/// Returns the text of a node.
pub(crate) fn words<'t>(node: Node<'_>, text: &'t str) -> &'t str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// Returns the named children of a node.
pub(crate) fn named(node: Node<'_>) -> Vec<Node<'_>> {
    (0..node.named_child_count()).filter_map(|index| node.named_child(u32::try_from(index).ok()?)).collect()
}

/// Returns what a string literal says, where nothing is put into it: without quotes, escapes left as they are.
pub(crate) fn plain_string<'t>(node: Node<'_>, text: &'t str) -> Option<&'t str> {
    let is_string = matches!(
        node.kind(),
        "string"
            | "string_literal"
            | "raw_string_literal"
            | "interpreted_string_literal"
            | "template_string"
            | "text_block"
    );
    let has_holes =
        descend(node).any(|it| matches!(it.kind(), "interpolation" | "template_substitution" | "string_interpolation"));
    if !is_string || has_holes { None } else { Some(unquoted(words(node, text))) }
}

/// Returns the text between the quotes of a literal, whatever stands before them.
pub(crate) fn unquoted(literal: &str) -> &str {
    let Some(at) = literal.find(['"', '\'', '`']) else { return literal };
    let body = literal[at..].trim_end_matches('#');
    for quote in ["\"\"\"", "'''", "\"", "'", "`"] {
        if let Some(inner) = body.strip_prefix(quote).and_then(|it| it.strip_suffix(quote)) {
            return inner;
        }
    }
    literal
}
