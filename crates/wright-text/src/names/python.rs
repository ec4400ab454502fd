//! How Python binds names.

use tree_sitter::Node;

use super::Asked;
use super::rules::As::{Bind, BindFunction, BindModule, BindOuter, Inert, Inherit};
use super::rules::ScopeKind::{Block, Class, Function};
use super::rules::{As, Doubts, Remark, Site, Table};

pub(super) static TABLE: Table = Table {
    names: &["identifier"],
    edges: &[
        ("function_definition", "name", BindOuter),
        ("function_definition", "type_parameters", Bind),
        ("class_definition", "name", BindOuter),
        ("class_definition", "type_parameters", Bind),
        ("type_parameter", "", Inherit),
        ("type", "", Inherit),
        ("type_alias_statement", "left", Bind),
        ("parameters", "", Bind),
        ("lambda_parameters", "", Bind),
        ("default_parameter", "name", Bind),
        ("typed_parameter", "type", As::Use),
        ("typed_parameter", "", Bind),
        ("typed_default_parameter", "name", Bind),
        ("list_splat_pattern", "", Inherit),
        ("dictionary_splat_pattern", "", Inherit),
        ("tuple_pattern", "", Inherit),
        ("list_pattern", "", Inherit),
        ("pattern_list", "", Inherit),
        ("assignment", "left", Bind),
        ("for_statement", "left", Bind),
        ("for_in_clause", "left", Bind),
        ("as_pattern", "alias", Bind),
        ("as_pattern_target", "", Inherit),
        ("except_clause", "alias", Bind),
        ("named_expression", "name", BindFunction),
        ("attribute", "attribute", Inert),
        ("keyword_argument", "name", Inert),
        ("global_statement", "", BindModule),
        ("nonlocal_statement", "", Inert),
        ("import_statement", "name", Bind),
        ("import_from_statement", "module_name", Inert),
        ("import_from_statement", "name", Bind),
        ("future_import_statement", "", Inert),
        ("aliased_import", "name", Inert),
        ("aliased_import", "alias", Bind),
        ("relative_import", "", Inert),
        ("dotted_name", "", Inherit),
        ("case_pattern", "", Bind),
        ("union_pattern", "", Bind),
        ("splat_pattern", "", Bind),
        ("class_pattern", "", As::Use),
        ("keyword_pattern", "", Bind),
        ("dict_pattern", "key", As::Use),
        ("dict_pattern", "", Bind),
    ],
    scopes: &[
        ("function_definition", Function),
        ("lambda", Function),
        ("class_definition", Class),
        ("list_comprehension", Block),
        ("set_comprehension", Block),
        ("dictionary_comprehension", Block),
        ("generator_expression", Block),
    ],
    skipped: &["comment"],
    remarkable: &["wildcard_import", "call"],
    remark,
    refine,
    is_certain: |_: Node<'_>, _: Asked<'_>| true,
    sees_class: false,
    builtins: include_str!("builtins/python.txt"),
};

/// Anything may come out of a star import, and code that is run or put into the file's own names may bind anything.
fn remark<'t>(site: &Site<'_, 't>) -> Remark<'t> {
    let n_arguments = || site.node.child_by_field_name("arguments").map_or(0, |it| it.named_child_count());
    let runs_here = || site.own().starts_with("exec(") && n_arguments() < 2;
    let writes_names = || site.own() == "globals()" && matches!(site.kind(0), "subscript" | "attribute");
    if site.node.kind() == "wildcard_import" || runs_here() || writes_names() {
        return Remark::Doubt(Doubts { all: true, ..Doubts::default() });
    }
    Remark::Nothing
}

/// The first part of a dotted name is what counts; in a pattern, a dotted name is a value and a plain one is bound.
fn refine(what: As, site: &Site<'_, '_>) -> As {
    if site.kind(0) != "dotted_name" {
        return what;
    }
    if !site.is_first() {
        return Inert;
    }
    let is_plain = site.parent().is_some_and(|it| it.named_child_count() == 1);
    match site.kind(1) {
        "import_statement" => what,
        "case_pattern" | "union_pattern" | "keyword_pattern" | "dict_pattern" if !is_plain => As::Use,
        _ => what,
    }
}
