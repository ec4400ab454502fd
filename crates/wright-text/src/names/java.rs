//! How Java binds names. Classes of the same package need no import, and members may be inherited: both are in doubt.

use tree_sitter::Node;

use super::rules::As::{Bind, BindOuter, Import, Inert, PathHead, PathName};
use super::rules::ScopeKind::{Class, Function};
use super::rules::{As, Doubts, Remark, Site, Table};
use super::{Asked, ancestors, is_screaming, starts_upper};

pub(super) static TABLE: Table = Table {
    names: &["identifier", "type_identifier"],
    edges: &[
        ("class_declaration", "name", BindOuter),
        ("interface_declaration", "name", BindOuter),
        ("enum_declaration", "name", BindOuter),
        ("record_declaration", "name", BindOuter),
        ("annotation_type_declaration", "name", BindOuter),
        ("method_declaration", "name", BindOuter),
        ("constructor_declaration", "name", Inert),
        ("compact_constructor_declaration", "name", Inert),
        ("annotation_type_element_declaration", "name", Inert),
        ("variable_declarator", "name", Bind),
        ("formal_parameter", "name", Bind),
        ("catch_formal_parameter", "name", Bind),
        ("enhanced_for_statement", "name", Bind),
        ("resource", "name", Bind),
        ("lambda_expression", "parameters", Bind),
        ("inferred_parameters", "", Bind),
        ("instanceof_expression", "name", Bind),
        ("type_pattern", "", Bind),
        ("record_pattern_component", "", Bind),
        ("record_pattern", "", Inert),
        ("enum_constant", "name", Bind),
        ("type_parameter", "", Bind),
        ("import_declaration", "", Import),
        ("field_access", "field", Inert),
        ("scoped_identifier", "scope", PathHead),
        ("scoped_identifier", "name", PathName),
        ("annotation", "name", Inert),
        ("marker_annotation", "name", Inert),
        ("element_value_pair", "key", Inert),
        ("break_statement", "", Inert),
        ("continue_statement", "", Inert),
        ("labeled_statement", "", Inert),
        // A constant of the enum that is switched over stands alone.
        ("switch_label", "", Inert),
        ("receiver_parameter", "", Inert),
    ],
    scopes: &[
        ("class_declaration", Class),
        ("interface_declaration", Class),
        ("enum_declaration", Class),
        ("record_declaration", Class),
        ("annotation_type_declaration", Class),
        ("class_body", Class),
        ("interface_body", Class),
        ("enum_body", Class),
        ("annotation_type_body", Class),
        ("method_declaration", Function),
        ("constructor_declaration", Function),
        ("compact_constructor_declaration", Function),
        ("static_initializer", Function),
        ("lambda_expression", Function),
    ],
    skipped: &["line_comment", "block_comment", "package_declaration", "module_declaration"],
    remarkable: &["asterisk"],
    remark,
    refine,
    is_certain,
    sees_class: true,
    builtins: include_str!("builtins/java.txt"),
};

/// `import a.*` brings types, `import static a.B.*` members as well.
fn remark<'t>(site: &Site<'_, 't>) -> Remark<'t> {
    let import = site.parent().and_then(|it| site.text.get(it.byte_range())).unwrap_or_default();
    let members = import.split_whitespace().nth(1) == Some("static");
    Remark::Doubt(Doubts { types: true, members, all: false })
}

fn refine(what: As, site: &Site<'_, '_>) -> As {
    let before = site.text.get(..site.node.start_byte()).unwrap_or_default().trim_end();
    let is_part = before.ends_with('.') || before.ends_with("::");
    if what == As::Use && is_part { Inert } else { what }
}

fn is_certain(node: Node<'_>, asked: Asked<'_>) -> bool {
    let is_type = node.kind() == "type_identifier" || (starts_upper(asked.name) && !is_screaming(asked.name));
    if is_type {
        return asked.has_index && !asked.doubts.types;
    }
    !asked.doubts.members && !may_inherit(node)
}

/// Returns whether a class around a node may have members that are not written in it.
fn may_inherit(node: Node<'_>) -> bool {
    ancestors(node).any(|it| match it.kind() {
        "class_declaration" | "enum_declaration" | "record_declaration" | "interface_declaration" => {
            let extends = ["superclass", "interfaces"].iter().any(|field| it.child_by_field_name(field).is_some());
            let mut cursor = it.walk();
            let may_be_generated = it.children(&mut cursor).any(|child| match child.kind() {
                "extends_interfaces" => true,
                "modifiers" => child.named_child_count() > 0,
                _ => false,
            });
            extends || may_be_generated
        }
        // An anonymous class.
        "object_creation_expression" => {
            let mut cursor = it.walk();
            it.children(&mut cursor).any(|child| child.kind() == "class_body")
        }
        _ => false,
    })
}
