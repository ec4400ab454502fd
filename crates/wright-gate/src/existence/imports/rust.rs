//! The crates that Rust code names: in `use`, in `extern crate`, and at the head of paths in code and attributes.

use std::collections::HashSet;

use wright_text::Node;

use super::Import;
use crate::existence::nodes::{descend, named, words};

pub(super) fn imports(root: Node<'_>, text: &str) -> Vec<Import> {
    let own = own_names(root, text);
    let mut found: Vec<Import> = Vec::new();
    for node in descend(root) {
        match node.kind() {
            "use_declaration" => {
                let paths = node.child_by_field_name("argument").map(|it| heads(it, text)).unwrap_or_default();
                found.extend(paths.into_iter().map(|path| import(path, text)));
            }
            "extern_crate_declaration" => {
                found.extend(node.child_by_field_name("name").map(|name| import(name, text)));
            }
            "scoped_identifier" | "scoped_type_identifier" if is_outermost(node) && !is_in_use(node) => {
                found.push(import(node, text));
            }
            _ => {}
        }
    }
    found.retain(|it| is_crate_like(&it.module) && !own.contains(it.module.split("::").next().unwrap_or_default()));
    found
}

fn import(path: Node<'_>, text: &str) -> Import {
    let module: String = words(path, text).trim_start_matches("::").split_whitespace().collect();
    Import { module, range: path.byte_range(), is_optional: false }
}

/// Returns the paths of a `use` up to their braces.
fn heads<'t>(argument: Node<'t>, text: &str) -> Vec<Node<'t>> {
    const MAX_PATHS: usize = 200;
    let mut open = vec![argument];
    let mut found = Vec::new();
    while let Some(node) = open.pop().filter(|_| found.len() < MAX_PATHS) {
        match node.kind() {
            "scoped_use_list" => match node.child_by_field_name("path") {
                Some(path) => found.push(path),
                None => open.extend(node.child_by_field_name("list").map(named).unwrap_or_default().into_iter().rev()),
            },
            "use_list" => open.extend(named(node).into_iter().rev()),
            "use_as_clause" => open.extend(node.child_by_field_name("path")),
            "use_wildcard" => open.extend(named(node)),
            "identifier" | "scoped_identifier" if !words(node, text).is_empty() => found.push(node),
            _ => {}
        }
    }
    found
}

fn is_outermost(node: Node<'_>) -> bool {
    !node.parent().is_some_and(|it| matches!(it.kind(), "scoped_identifier" | "scoped_type_identifier"))
}

fn is_in_use(node: Node<'_>) -> bool {
    std::iter::successors(node.parent(), Node::parent).any(|it| it.kind() == "use_declaration")
}

fn is_crate_like(module: &str) -> bool {
    let first = module.split("::").next().unwrap_or_default();
    let is_word = first.starts_with(|it: char| it.is_ascii_lowercase())
        && first.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
    let is_type = matches!(
        first,
        "bool"
            | "char"
            | "str"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "f32"
            | "f64"
    );
    let is_tool = matches!(first, "rustfmt" | "clippy" | "diagnostic" | "miri" | "rust_analyzer");
    is_word && !is_type && !is_tool && !matches!(first, "crate" | "self" | "super")
}

/// Returns the names that the file itself gives to something: modules, items, what `use` brings in, generic parameters.
fn own_names<'t>(root: Node<'_>, text: &'t str) -> HashSet<&'t str> {
    let mut own = HashSet::new();
    for node in descend(root) {
        match node.kind() {
            "mod_item" | "function_item" | "enum_item" | "struct_item" | "trait_item" | "type_item" | "const_item"
            | "static_item" | "macro_definition" | "union_item" => {
                own.extend(node.child_by_field_name("name").map(|it| words(it, text)));
            }
            "use_as_clause" => own.extend(node.child_by_field_name("alias").map(|it| words(it, text))),
            // `use a::b;` makes `b` a name; a lone `use a;` names the crate itself.
            "scoped_identifier" if is_use_leaf(node) => {
                own.extend(node.child_by_field_name("name").map(|it| words(it, text)));
            }
            "identifier" if is_in_braces(node) => {
                own.insert(words(node, text));
            }
            _ => {}
        }
    }
    own
}

fn is_use_leaf(node: Node<'_>) -> bool {
    node.parent().is_some_and(|it| matches!(it.kind(), "use_declaration" | "use_list"))
}

fn is_in_braces(node: Node<'_>) -> bool {
    let Some(list) = node.parent().filter(|it| it.kind() == "use_list") else { return false };
    list.parent().is_some_and(|it| it.child_by_field_name("path").is_some())
}
