//! What the checks on the shape of code need to know of each grammar, and walks over a tree that cannot overflow the stack.

use wright_text::{Language, Node};

/// The node kinds of one grammar, by what they are to the checks.
pub(crate) struct Grammar {
    /// Definitions of functions, and function expressions.
    pub(crate) functions: &'static [&'static str],
    pub(crate) conditions: &'static [&'static str],
    /// Further branches of a condition, where the grammar makes them nodes.
    pub(crate) else_branches: &'static [&'static str],
    pub(crate) conditional_values: &'static [&'static str],
    pub(crate) loops: &'static [&'static str],
    pub(crate) switches: &'static [&'static str],
    pub(crate) cases: &'static [&'static str],
    pub(crate) handlers: &'static [&'static str],
    pub(crate) binaries: &'static [&'static str],
    /// What directly holds statements.
    pub(crate) blocks: &'static [&'static str],
    /// After these nothing in the same block is reached.
    pub(crate) ends: &'static [&'static str],
    /// What may follow an end: it is not run where it stands.
    pub(crate) declarations: &'static [&'static str],
    pub(crate) parameters: &'static [&'static str],
    pub(crate) calls: &'static [&'static str],
}

/// Returns the table of a language.
pub(crate) fn grammar(language: Language) -> &'static Grammar {
    match language {
        Language::Python => &PYTHON,
        Language::Rust => &RUST,
        Language::JavaScript | Language::TypeScript | Language::Tsx => &JAVASCRIPT,
        Language::Go => &GO,
        Language::Java => &JAVA,
        Language::Cpp => &CPP,
    }
}

static PYTHON: Grammar = Grammar {
    functions: &["function_definition", "lambda"],
    conditions: &["if_statement"],
    else_branches: &["elif_clause", "else_clause"],
    conditional_values: &["conditional_expression"],
    loops: &["for_statement", "while_statement"],
    switches: &["match_statement"],
    cases: &["case_clause"],
    handlers: &["except_clause"],
    binaries: &["boolean_operator"],
    blocks: &["block", "module"],
    ends: &["return_statement", "raise_statement", "break_statement", "continue_statement"],
    declarations: &[],
    parameters: &["parameters"],
    calls: &["call"],
};

static RUST: Grammar = Grammar {
    functions: &["function_item", "closure_expression"],
    conditions: &["if_expression"],
    else_branches: &["else_clause"],
    conditional_values: &[],
    loops: &["for_expression", "while_expression", "loop_expression"],
    switches: &["match_expression"],
    cases: &["match_arm"],
    handlers: &[],
    binaries: &["binary_expression"],
    blocks: &["block"],
    ends: &["return_expression", "break_expression", "continue_expression"],
    declarations: &[
        "function_item",
        "use_declaration",
        "struct_item",
        "enum_item",
        "impl_item",
        "const_item",
        "static_item",
        "type_item",
        "trait_item",
        "macro_definition",
        "attribute_item",
        "mod_item",
    ],
    parameters: &["parameters"],
    calls: &["call_expression"],
};

static JAVASCRIPT: Grammar = Grammar {
    functions: &[
        "function_declaration",
        "generator_function_declaration",
        "method_definition",
        "function_expression",
        "generator_function",
        "arrow_function",
    ],
    conditions: &["if_statement"],
    else_branches: &["else_clause"],
    conditional_values: &["ternary_expression"],
    loops: &["for_statement", "for_in_statement", "while_statement", "do_statement"],
    switches: &["switch_statement"],
    cases: &["switch_case"],
    handlers: &["catch_clause"],
    binaries: &["binary_expression"],
    blocks: &["statement_block", "program"],
    ends: &["return_statement", "throw_statement", "break_statement", "continue_statement"],
    declarations: &[
        "function_declaration",
        "generator_function_declaration",
        "class_declaration",
        "variable_declaration",
    ],
    parameters: &["formal_parameters"],
    calls: &["call_expression"],
};

static GO: Grammar = Grammar {
    functions: &["function_declaration", "method_declaration", "func_literal"],
    conditions: &["if_statement"],
    else_branches: &[],
    conditional_values: &[],
    loops: &["for_statement"],
    switches: &["expression_switch_statement", "type_switch_statement", "select_statement"],
    cases: &["expression_case", "type_case", "communication_case"],
    handlers: &[],
    binaries: &["binary_expression"],
    blocks: &["block", "statement_list"],
    ends: &["return_statement", "break_statement", "continue_statement", "goto_statement"],
    declarations: &["labeled_statement", "empty_statement"],
    parameters: &["parameter_list"],
    calls: &["call_expression"],
};

static JAVA: Grammar = Grammar {
    functions: &["method_declaration", "constructor_declaration", "lambda_expression"],
    conditions: &["if_statement"],
    else_branches: &[],
    conditional_values: &["ternary_expression"],
    loops: &["for_statement", "enhanced_for_statement", "while_statement", "do_statement"],
    switches: &["switch_expression"],
    cases: &["switch_label"],
    handlers: &["catch_clause"],
    binaries: &["binary_expression"],
    blocks: &["block"],
    ends: &["return_statement", "throw_statement", "break_statement", "continue_statement"],
    declarations: &["class_declaration"],
    parameters: &["formal_parameters"],
    calls: &["method_invocation"],
};

static CPP: Grammar = Grammar {
    functions: &["function_definition", "lambda_expression"],
    conditions: &["if_statement"],
    else_branches: &["else_clause"],
    conditional_values: &["conditional_expression"],
    loops: &["for_statement", "for_range_loop", "while_statement", "do_statement"],
    switches: &["switch_statement"],
    cases: &["case_statement"],
    handlers: &["catch_clause"],
    binaries: &["binary_expression"],
    blocks: &["compound_statement"],
    ends: &["return_statement", "throw_statement", "break_statement", "continue_statement", "goto_statement"],
    declarations: &[
        "labeled_statement",
        "case_statement",
        "break_statement",
        "preproc_if",
        "preproc_ifdef",
        "preproc_else",
        "preproc_call",
    ],
    parameters: &["parameter_list"],
    calls: &["call_expression"],
};

/// Calls `visit` with every node below and including `root` in source order, and with the value that its parent got.
///
/// A loop over a stack, so that deeply nested code cannot overflow ours.
pub(crate) fn walk<'t, T: Copy>(root: Node<'t>, start: T, mut visit: impl FnMut(Node<'t>, T) -> Option<T>) {
    let mut stack = vec![(root, start)];
    let mut cursor = root.walk();
    while let Some((node, state)) = stack.pop() {
        let Some(state) = visit(node, state) else { continue };
        let first = stack.len();
        stack.extend(node.children(&mut cursor).map(|child| (child, state)));
        stack[first..].reverse();
    }
}

/// Returns the text of a node.
pub(crate) fn text_of<'s>(node: Node<'_>, text: &'s str) -> &'s str {
    text.get(node.byte_range()).unwrap_or_default()
}

/// Returns whether a node is a comment.
pub(crate) fn is_comment(node: Node<'_>) -> bool {
    node.kind().ends_with("comment")
}

/// Returns the named children that are no comments.
pub(crate) fn named_children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|it| !is_comment(*it)).collect()
}

/// Returns the start of a text without white space, which stays the same when the code is moved or reformatted.
pub(crate) fn squeezed(text: &str) -> String {
    const MAX_CHARS: usize = 300;
    text.chars().filter(|it| !it.is_whitespace()).take(MAX_CHARS).collect()
}

/// Counts how often each word stands in a text, code and comments alike.
pub(crate) fn word_counts(text: &str) -> std::collections::HashMap<&str, usize> {
    let mut counts = std::collections::HashMap::new();
    for word in text.split(|it: char| !it.is_alphanumeric() && it != '_' && it != '$').filter(|it| !it.is_empty()) {
        *counts.entry(word).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_kind_of_a_table_exists_in_its_grammar() {
        for language in Language::ALL {
            let tree = wright_text::SyntaxTree::parse(language, "");
            let known = tree.root().language();
            let table = grammar(language);
            let lists = [
                table.functions,
                table.conditions,
                table.else_branches,
                table.conditional_values,
                table.loops,
                table.switches,
                table.cases,
                table.handlers,
                table.binaries,
                table.blocks,
                table.ends,
                table.declarations,
                table.parameters,
                table.calls,
            ];
            let unknown: Vec<_> =
                lists.concat().into_iter().filter(|kind| known.id_for_node_kind(kind, true) == 0).collect();
            assert!(unknown.is_empty(), "{language:?} does not know {unknown:?}");
        }
    }
}
