//! Takes a function out of what a model wrote and puts it in the place of the one that was asked about.

use wright_text::{Function, SyntaxTree, fenced_blocks, reindent};

/// Returns an answer with the fence that it was made to continue.
pub(crate) fn with_fence(answer: &str, prefill: &str) -> String {
    if answer.contains("```") { answer.to_owned() } else { format!("{prefill}{answer}") }
}

/// Returns the text of `tree` with the answer's form of `function`; `None` when the answer has no such function.
pub(crate) fn splice(tree: &SyntaxTree, function: &Function, answer: &str) -> Option<String> {
    let blocks = fenced_blocks(answer);
    let texts = blocks.iter().map(|it| it.text.as_str()).chain([answer]);
    let text = tree.text();
    for code in texts {
        let answered = SyntaxTree::parse(tree.language(), code);
        let Some(found) = answered.functions().into_iter().find(|it| it.name == function.name) else { continue };
        if !has_same_signature(tree, function, &answered, &found) {
            continue;
        }
        let new = reindent(&code[found.range.clone()], &found.indent, &function.indent);
        let new = new.trim_start_matches([' ', '\t']).trim_end();
        let range = function.range.clone();
        return Some(format!("{}{new}{}", &text[..range.start], &text[range.end..]));
    }
    None
}

fn has_same_signature(tree: &SyntaxTree, function: &Function, answered: &SyntaxTree, found: &Function) -> bool {
    let old = &tree.text()[function.signature.clone()];
    let new = &answered.text()[found.signature.clone()];
    let parameters = |text: &str| {
        let inside = text.split_once('(').map_or("", |it| it.1);
        let words = inside.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|it| !it.is_empty());
        words.map(str::to_owned).collect::<Vec<_>>()
    };
    // Type annotations may be added or dropped; what callers pass may not change.
    let (old, new) = (parameters(old), parameters(new));
    old == new || old.iter().all(|it| new.contains(it)) || new.iter().all(|it| old.contains(it))
}
