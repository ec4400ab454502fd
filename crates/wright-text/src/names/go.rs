//! How Go binds names. The other files of a package need no import, so without an index little is certain.

use std::borrow::Cow;

use tree_sitter::Node;

use super::Asked;
use super::rules::As::{Bind, BindOuter, Inert, Inherit};
use super::rules::ScopeKind::Function;
use super::rules::{As, Doubts, Remark, Site, Table};

pub(super) static TABLE: Table = Table {
    names: &["identifier", "type_identifier", "package_identifier"],
    edges: &[
        ("function_declaration", "name", BindOuter),
        ("parameter_declaration", "name", Bind),
        ("variadic_parameter_declaration", "name", Bind),
        ("type_parameter_declaration", "name", Bind),
        ("short_var_declaration", "left", Bind),
        ("expression_list", "", Inherit),
        ("var_spec", "name", Bind),
        ("const_spec", "name", Bind),
        ("range_clause", "left", Bind),
        ("receive_statement", "left", Bind),
        ("type_switch_statement", "alias", Bind),
        ("type_spec", "name", Bind),
        ("type_alias", "name", Bind),
        ("import_spec", "name", Bind),
        ("package_clause", "", Inert),
        ("keyed_element", "key", Inert),
        ("literal_element", "", Inherit),
        ("qualified_type", "name", Inert),
    ],
    scopes: &[("function_declaration", Function), ("method_declaration", Function), ("func_literal", Function)],
    skipped: &["comment"],
    remarkable: &["import_spec"],
    remark,
    refine: |what: As, _: &Site<'_, '_>| what,
    is_certain,
    sees_class: false,
    builtins: include_str!("builtins/go.txt"),
};

/// Packages of the standard library whose names are hardly ever those of variables in another file.
const PACKAGES: &[&str] = &[
    "bufio", "bytes", "context", "errors", "filepath", "fmt", "http", "ioutil", "json", "math", "os", "rand",
    "reflect", "regexp", "runtime", "sort", "strconv", "strings", "sync", "atomic", "time", "unicode", "utf8",
    "slices", "maps",
];

/// A package is called by the last part of its path, as a rule; every name that its path makes likely is bound.
fn remark<'t>(site: &Site<'_, 't>) -> Remark<'t> {
    let name = site.node.child_by_field_name("name");
    if name.is_some_and(|it| it.kind() == "dot") {
        return Remark::Doubt(Doubts { all: true, ..Doubts::default() });
    }
    let path = site.node.child_by_field_name("path").and_then(|it| site.text.get(it.byte_range()));
    let path = path.unwrap_or_default().trim_matches(['"', '`']);
    let parts = path.rsplit('/').take(2);
    let names = parts.flat_map(|part| {
        let unversioned = part.split(".v").next().unwrap_or(part);
        let short = unversioned.trim_start_matches("go-").trim_end_matches("-go").trim_end_matches(".go");
        let last = unversioned.rsplit(['-', '.']).next().unwrap_or(unversioned);
        let first = unversioned.split(['-', '.']).next().unwrap_or(unversioned);
        let joined = Cow::Owned(unversioned.replace(['-', '.'], ""));
        let underscored = Cow::Owned(unversioned.replace(['-', '.'], "_"));
        [
            Cow::Borrowed(unversioned),
            Cow::Borrowed(short),
            Cow::Borrowed(last),
            Cow::Borrowed(first),
            joined,
            underscored,
        ]
    });
    Remark::Binds(names.collect())
}

fn is_certain(node: Node<'_>, asked: Asked<'_>) -> bool {
    let is_package = PACKAGES.contains(&asked.name)
        && node.parent().is_some_and(|it| it.kind() == "selector_expression")
        && node.next_sibling().is_some();
    // A function or a type of another file may well share its name with a variable here.
    let is_called = node.parent().is_some_and(|it| it.kind() == "call_expression");
    let is_variable = node.kind() == "identifier" && !is_called;
    asked.has_index || (asked.is_local_elsewhere && is_variable) || is_package
}
