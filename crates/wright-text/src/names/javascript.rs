//! How JavaScript and TypeScript bind names. Types are not asked for: there are too many that no file declares.

use std::borrow::Cow;

use tree_sitter::Node;

use super::Asked;
use super::rules::As::{Assign, Bind, BindOuter, Inert, Inherit};
use super::rules::ScopeKind::Function;
use super::rules::{As, Doubts, Remark, Site, Table};

pub(super) static TABLE: Table = Table {
    names: &["identifier", "type_identifier", "shorthand_property_identifier", "shorthand_property_identifier_pattern"],
    edges: &[
        ("function_declaration", "name", BindOuter),
        ("generator_function_declaration", "name", BindOuter),
        ("function_signature", "name", BindOuter),
        ("function_expression", "name", Bind),
        ("generator_function", "name", Bind),
        ("class_declaration", "name", Bind),
        ("abstract_class_declaration", "name", Bind),
        ("class", "name", Bind),
        ("enum_declaration", "name", Bind),
        ("internal_module", "name", Bind),
        ("module", "name", Bind),
        ("type_alias_declaration", "name", Bind),
        ("interface_declaration", "name", Bind),
        ("type_parameter", "name", Bind),
        ("variable_declarator", "name", Bind),
        ("formal_parameters", "", Bind),
        ("required_parameter", "pattern", Bind),
        ("required_parameter", "name", Bind),
        ("optional_parameter", "pattern", Bind),
        ("optional_parameter", "name", Bind),
        ("index_signature", "name", Bind),
        ("arrow_function", "parameter", Bind),
        ("catch_clause", "parameter", Bind),
        ("for_in_statement", "left", Bind),
        ("object_pattern", "", Inherit),
        ("array_pattern", "", Inherit),
        ("pair_pattern", "value", Inherit),
        ("assignment_pattern", "left", Inherit),
        ("object_assignment_pattern", "left", Inherit),
        ("rest_pattern", "", Inherit),
        ("import_clause", "", Bind),
        ("namespace_import", "", Bind),
        ("import_specifier", "alias", Bind),
        ("import_specifier", "name", Bind),
        ("import_require_clause", "", Bind),
        ("import_alias", "", Bind),
        ("namespace_export", "", Inert),
        ("export_specifier", "alias", Inert),
        ("assignment_expression", "left", Assign),
        ("jsx_namespace_name", "", Inert),
        ("nested_type_identifier", "module", Inert),
        ("asserts", "", Inert),
        ("type_predicate", "name", Inert),
    ],
    scopes: &[
        ("function_declaration", Function),
        ("generator_function_declaration", Function),
        ("function_expression", Function),
        ("generator_function", Function),
        ("arrow_function", Function),
        ("method_definition", Function),
        ("class_static_block", Function),
        ("function_signature", Function),
        ("method_signature", Function),
        ("abstract_method_signature", Function),
        ("call_signature", Function),
        ("construct_signature", Function),
        ("function_type", Function),
        ("constructor_type", Function),
    ],
    skipped: &["regex"],
    remarkable: &["with_statement", "comment"],
    remark,
    refine,
    is_certain: |_: Node<'_>, _: Asked<'_>| true,
    sees_class: false,
    builtins: include_str!("builtins/javascript.txt"),
};

/// Inside `with`, anything may be a name; linters are told of global names in comments.
fn remark<'t>(site: &Site<'_, 't>) -> Remark<'t> {
    if site.node.kind() == "with_statement" {
        return Remark::Doubt(Doubts { all: true, ..Doubts::default() });
    }
    let comment = site.own().trim_start_matches("/*").trim_start();
    let is_list = ["global ", "globals ", "exported "].iter().any(|it| comment.starts_with(it));
    if !is_list {
        return Remark::Nothing;
    }
    let words = comment.split(|it: char| !(it.is_alphanumeric() || it == '_' || it == '$'));
    Remark::Binds(words.skip(1).filter(|it| !it.is_empty()).map(Cow::Borrowed).collect())
}

fn refine(what: As, site: &Site<'_, '_>) -> As {
    let is_use = what == As::Use;
    let starts_lower = site.own().starts_with(|it: char| it.is_lowercase());
    match site.kind(0) {
        _ if site.node.kind() == "type_identifier" && is_use => Inert,
        "jsx_opening_element" | "jsx_closing_element" | "jsx_self_closing_element" if starts_lower => Inert,
        // `typeof x` is how one asks whether `x` exists.
        "unary_expression" if is_use && operator_of(site) == Some("typeof") => Inert,
        "export_specifier" if is_exported_from_elsewhere(site) => Inert,
        _ => what,
    }
}

fn operator_of<'t>(site: &Site<'_, 't>) -> Option<&'t str> {
    site.parent()?.child_by_field_name("operator").map(|it: Node<'t>| it.kind())
}

fn is_exported_from_elsewhere(site: &Site<'_, '_>) -> bool {
    let statement = site.around.iter().rev().find(|it| it.kind() == "export_statement");
    statement.is_some_and(|it| it.child_by_field_name("source").is_some())
}
