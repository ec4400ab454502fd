//! What Python code imports.

use wright_text::Node;

use super::Import;
use crate::existence::nodes::{descend, named, plain_string, words};

pub(super) fn imports(root: Node<'_>, text: &str) -> Vec<Import> {
    let mut found = Vec::new();
    for node in descend(root) {
        match node.kind() {
            "import_statement" => {
                let names = named(node).into_iter().map(|it| it.child_by_field_name("name").unwrap_or(it));
                found.extend(names.map(|name| import(node, name, words(name, text))));
            }
            "import_from_statement" => {
                let module = node.child_by_field_name("module_name").filter(|it| it.kind() == "dotted_name");
                found.extend(module.map(|name| import(node, name, words(name, text))));
            }
            "call" => found.extend(by_name(node, text)),
            _ => {}
        }
    }
    found
}

fn by_name(call: Node<'_>, text: &str) -> Option<Import> {
    let function = words(call.child_by_field_name("function")?, text);
    let first = call.child_by_field_name("arguments")?.named_child(0)?;
    let name = plain_string(first, text).filter(|it| !it.starts_with('.') && !it.is_empty())?;
    let is_import = matches!(function, "importlib.import_module" | "import_module" | "__import__");
    is_import.then(|| import(call, first, name))
}

fn import(statement: Node<'_>, name: Node<'_>, module: &str) -> Import {
    let module = module.split_whitespace().collect();
    Import { module, range: name.byte_range(), is_optional: is_guarded(statement) }
}

/// Returns whether a statement stands in the body of a `try` that catches the failure of an import.
fn is_guarded(statement: Node<'_>) -> bool {
    let mut here = statement;
    while let Some(parent) = here.parent() {
        let is_body = parent.child_by_field_name("body").is_some_and(|it| it == here);
        if parent.kind() == "try_statement" && is_body {
            return true;
        }
        here = parent;
    }
    false
}
