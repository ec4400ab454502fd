//! How Rust binds names.

use tree_sitter::Node;

use super::rules::As::{Bind, BindModule, BindOuter, Import, Inert, Inherit, PathHead, PathName, Pattern};
use super::rules::ScopeKind::{Class, Function};
use super::rules::{As, Doubts, Remark, Site, Table};
use super::{Asked, starts_upper};

pub(super) static TABLE: Table = Table {
    names: &["identifier", "type_identifier", "shorthand_field_identifier"],
    edges: &[
        ("function_item", "name", BindOuter),
        ("function_signature_item", "name", BindOuter),
        ("const_item", "name", Bind),
        ("static_item", "name", Bind),
        ("struct_item", "name", BindOuter),
        ("enum_item", "name", BindOuter),
        ("union_item", "name", BindOuter),
        ("trait_item", "name", BindOuter),
        ("type_item", "name", BindOuter),
        ("mod_item", "name", Bind),
        ("macro_definition", "name", Bind),
        ("enum_variant", "name", Inert),
        ("associated_type", "name", Inert),
        ("type_binding", "name", Inert),
        ("type_parameter", "name", Bind),
        ("const_parameter", "name", Bind),
        ("extern_crate_declaration", "name", Bind),
        ("extern_crate_declaration", "alias", Bind),
        ("use_declaration", "argument", Import),
        ("use_as_clause", "path", Inert),
        ("use_as_clause", "alias", Import),
        ("use_list", "", Inherit),
        // `use a::b::{self}` binds `b`.
        ("scoped_use_list", "path", Inherit),
        ("scoped_use_list", "list", Inherit),
        ("use_wildcard", "", Inert),
        ("scoped_identifier", "path", PathHead),
        ("scoped_identifier", "name", PathName),
        ("scoped_type_identifier", "path", PathHead),
        ("scoped_type_identifier", "name", PathName),
        ("parameter", "pattern", Pattern),
        ("variadic_parameter", "pattern", Pattern),
        ("closure_parameters", "", Pattern),
        ("let_declaration", "pattern", Pattern),
        ("let_condition", "pattern", Pattern),
        ("for_expression", "pattern", Pattern),
        ("match_arm", "pattern", Pattern),
        ("match_pattern", "condition", As::Use),
        ("match_pattern", "", Inherit),
        ("tuple_pattern", "", Inherit),
        ("slice_pattern", "", Inherit),
        ("or_pattern", "", Inherit),
        ("ref_pattern", "", Inherit),
        ("mut_pattern", "", Inherit),
        ("reference_pattern", "", Inherit),
        ("captured_pattern", "", Inherit),
        ("tuple_struct_pattern", "type", As::Use),
        ("tuple_struct_pattern", "", Inherit),
        ("struct_pattern", "type", As::Use),
        ("struct_pattern", "", Inherit),
        ("field_pattern", "name", Inherit),
        ("field_pattern", "pattern", Inherit),
        ("macro_invocation", "macro", Inert),
        ("label", "", Inert),
        ("lifetime", "", Inert),
        ("use_bounds", "", Inert),
        ("function_type", "parameters", As::Use),
    ],
    scopes: &[
        ("function_item", Function),
        ("function_signature_item", Function),
        ("closure_expression", Function),
        ("struct_item", Class),
        ("enum_item", Class),
        ("union_item", Class),
        ("trait_item", Class),
        ("impl_item", Class),
        ("type_item", Class),
    ],
    skipped: &[
        "line_comment",
        "block_comment",
        "attribute_item",
        "inner_attribute_item",
        "visibility_modifier",
        "macro_rule",
        "extern_modifier",
    ],
    remarkable: &["use_wildcard", "macro_invocation"],
    remark,
    refine,
    is_certain,
    sees_class: true,
    builtins: include_str!("builtins/rust.txt"),
};

/// Macros of the standard library whose arguments are expressions.
const EXPRESSION_MACROS: &[&str] = &[
    "println",
    "print",
    "eprintln",
    "eprint",
    "format",
    "write",
    "writeln",
    "panic",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "debug_assert_ne",
    "vec",
    "dbg",
    "todo",
    "unimplemented",
    "unreachable",
    "format_args",
];

fn remark<'t>(site: &Site<'_, 't>) -> Remark<'t> {
    let doubt = Remark::Doubt(Doubts { all: true, ..Doubts::default() });
    if site.node.kind() == "use_wildcard" {
        // The module around an inline one is in the same file.
        let is_inline = site.around.iter().any(|it| it.kind() == "mod_item");
        let is_own = is_inline && matches!(site.own().trim_end_matches("::*"), "super");
        return if is_own { Remark::Nothing } else { doubt };
    }
    if site.own().starts_with("include!") { doubt } else { Remark::Nothing }
}

fn refine(what: As, site: &Site<'_, '_>) -> As {
    if matches!(site.kind(0), "token_tree" | "token_repetition") {
        return in_tokens(site);
    }
    let defines = matches!(what, Bind | BindOuter);
    let is_member = site.kind(1) == "declaration_list" && matches!(site.kind(2), "impl_item" | "trait_item");
    let is_item = matches!(
        site.kind(0),
        "function_item" | "function_signature_item" | "const_item" | "type_item" | "static_item"
    );
    if defines && is_member && is_item { Inert } else { what }
}

/// What is given to a macro has no structure. Names are read where a macro is known to take expressions; anywhere else they
/// may be bound.
fn in_tokens(site: &Site<'_, '_>) -> As {
    let Some(at) = site.around.iter().rposition(|it| it.kind() == "macro_invocation") else { return Inert };
    let invocation = site.around[at];
    let name =
        invocation.child_by_field_name("macro").and_then(|it| site.text.get(it.byte_range())).unwrap_or_default();
    if !EXPRESSION_MACROS.contains(&name) {
        let is_in_function = site.around[..at].iter().any(|it| it.kind() == "function_item");
        return if is_in_function { Bind } else { BindModule };
    }
    let tokens = site.text.get(invocation.byte_range()).unwrap_or_default();
    let may_bind = ["|", "=>", "let ", "for ", "fn ", "{ use "].iter().any(|it| tokens.contains(it));
    let range = site.node.byte_range();
    let before = site.text.get(..range.start).unwrap_or_default().trim_end();
    let after = site.text.get(range.end..).unwrap_or_default().trim_start();
    let is_part = before.ends_with(['.', ':', '#', '$', '\'']);
    let is_label = after.starts_with([':', '=', '!']) && !after.starts_with("==") && !after.starts_with("!=");
    if may_bind || is_part || is_label || starts_upper(site.own()) { Inert } else { As::Use }
}

/// The first part of a path may be a crate or a module that only the build knows.
fn is_certain(node: Node<'_>, asked: Asked<'_>) -> bool {
    let is_path = node.parent().is_some_and(|it| matches!(it.kind(), "scoped_identifier" | "scoped_type_identifier"));
    !is_path || starts_upper(asked.name)
}
