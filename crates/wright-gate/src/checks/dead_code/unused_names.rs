//! Names that a text binds, that nothing in it reads, and that nothing outside of it can read.
//!
//! A name counts as read when its word stands anywhere else in the text, even in a comment: what is reported is certain.

use std::cell::Cell;
use std::collections::HashMap;
use std::path::Path;

use wright_text::{Language, Node};

use crate::Source;
use crate::checks::grammar::{text_of, word_counts};

/// How many names are looked at closely; the way up a tree is long.
const MAX_CANDIDATES: usize = 5_000;

/// What is known of all names of a text together.
pub(super) struct Names<'s> {
    text: &'s str,
    path: &'s Path,
    language: Language,
    counts: HashMap<&'s str, usize>,
    n_candidates: Cell<usize>,
    /// A module says what others may take from it.
    hands_on: bool,
    /// Locals are read without being named.
    reads_all: bool,
    /// In a script every function can be called from elsewhere.
    is_module: bool,
}

impl<'s> Names<'s> {
    pub(super) fn of(source: &Source<'s>, language: Language) -> Self {
        let has = |words: &[&str]| words.iter().any(|it| source.text.contains(it));
        Self {
            text: source.text,
            path: source.path,
            language,
            counts: word_counts(source.text),
            n_candidates: Cell::new(0),
            hands_on: has(&["__all__"]),
            reads_all: has(&["locals()", "eval(", "exec(", "vars()"]),
            is_module: has(&["export ", "import "]),
        }
    }

    /// Returns the names that a node binds and nothing reads.
    pub(super) fn unused<'t>(&self, node: Node<'t>) -> impl Iterator<Item = Named<'t>> + use<'t, '_, 's> {
        let bound = match self.language {
            Language::Python => python(self, node),
            Language::JavaScript | Language::TypeScript | Language::Tsx => javascript(self, node),
            Language::Java => java(self, node),
            Language::Cpp => cpp(self, node),
            // Their compilers say it.
            Language::Rust | Language::Go => Vec::new(),
        };
        bound.into_iter().filter(|(name, ..)| self.counts.get(text_of(*name, self.text)) == Some(&1))
    }

    /// Returns whether a name stands nowhere else, and may be looked at closely.
    fn is_alone(&self, name: Node<'_>) -> bool {
        let is_alone = self.counts.get(text_of(name, self.text)) == Some(&1);
        self.n_candidates.set(self.n_candidates.get() + usize::from(is_alone));
        is_alone && self.n_candidates.get() <= MAX_CANDIDATES
    }
}

/// A name, the rule it breaks, and what it names.
pub(super) type Named<'t> = (Node<'t>, &'static str, &'static str);

/// Names that nothing outside of a Python file can read: imports of a module, locals, and methods with two underscores.
fn python<'t>(names: &Names<'_>, node: Node<'t>) -> Vec<Named<'t>> {
    let name = |it: Node<'t>| text_of(it, names.text);
    let is_alone = |it: &Node<'t>| names.is_alone(*it);
    match node.kind() {
        "import_statement" | "import_from_statement" => {
            // A package hands its imports on; an import that is tried may be a probe, and a marked one is meant.
            let is_top = node.parent().is_some_and(|it| it.kind() == "module");
            let is_package =
                names.path.file_stem().is_some_and(|it| it == "__init__" || it == "conftest" || it == "compat");
            let line_end = names.text[node.end_byte()..].find('\n').map_or(names.text.len(), |it| node.end_byte() + it);
            // A module in front of an inner one hands on what that has.
            let from = node.child_by_field_name("module_name").map_or("", |it| name(it));
            let is_marked = names.text[node.end_byte()..line_end].contains('#');
            if !is_top || is_package || is_marked || from.starts_with(['.', '_']) || names.hands_on {
                return Vec::new();
            }
            imported(node).into_iter().map(|it| (it, "unused-import", "import")).collect()
        }
        "assignment" => {
            let left = node
                .child_by_field_name("left")
                .filter(|it| it.kind() == "identifier" && !name(*it).starts_with('_'))
                .filter(is_alone);
            if left.is_none() {
                return Vec::new();
            }
            let is_local = enclosing(node, &["function_definition", "class_definition"])
                .is_some_and(|it| it.kind() == "function_definition");
            let is_plain = node.child_by_field_name("type").is_none()
                && node.parent().is_some_and(|it| it.kind() == "expression_statement");
            left.filter(|_| is_local && is_plain && !names.reads_all)
                .map(|it| (it, "unused-local", "local"))
                .into_iter()
                .collect()
        }
        "function_definition" => {
            let method =
                node.child_by_field_name("name").filter(|it| name(*it).starts_with("__") && !name(*it).ends_with("__"));
            let in_class = enclosing(node, &["class_definition", "function_definition"])
                .is_some_and(|it| it.kind() == "class_definition");
            let is_decorated = node.parent().is_some_and(|it| it.kind() == "decorated_definition");
            method
                .filter(|_| in_class && !is_decorated)
                .map(|it| (it, "unused-function", "private method"))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the names that an import binds.
fn imported(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let items = node.children_by_field_name("name", &mut cursor);
    let bound = items.filter_map(|item| match item.kind() {
        "aliased_import" => item.child_by_field_name("alias"),
        // `import a.b` binds `a`, and runs `b` besides.
        "dotted_name" if item.named_child_count() == 1 => item.named_child(0),
        _ => None,
    });
    bound.collect()
}

fn enclosing<'t>(node: Node<'t>, kinds: &[&str]) -> Option<Node<'t>> {
    std::iter::successors(node.parent(), |it| it.parent()).take(200).find(|it| kinds.contains(&it.kind()))
}

fn javascript<'t>(names: &Names<'_>, node: Node<'t>) -> Vec<Named<'t>> {
    let name = node.child_by_field_name("name").filter(|it| it.kind() == "identifier");
    let own = match node.kind() {
        "import_specifier" => {
            let bound = node.child_by_field_name("alias").or(name);
            bound.map(|it| (it, "unused-import", "import"))
        }
        "import_clause" => {
            let default =
                node.named_child(0).filter(|it| it.kind() == "identifier" && text_of(*it, names.text) != "React");
            default.map(|it| (it, "unused-import", "import"))
        }
        "variable_declarator" => {
            let is_local = name.is_some_and(|it| names.is_alone(it)) && enclosing(node, &["statement_block"]).is_some();
            name.filter(|it| is_local && !text_of(*it, names.text).starts_with('_'))
                .map(|it| (it, "unused-local", "local"))
        }
        "function_declaration" => {
            let is_private = name.is_some_and(|it| names.is_alone(it))
                && node.parent().is_some_and(|it| it.kind() == "program" || it.kind() == "statement_block");
            name.filter(|_| is_private && names.is_module).map(|it| (it, "unused-function", "function"))
        }
        _ => None,
    };
    own.into_iter().collect()
}

fn java<'t>(names: &Names<'_>, node: Node<'t>) -> Vec<Named<'t>> {
    let name = node.child_by_field_name("name");
    let own = match node.kind() {
        "import_declaration" => {
            let path = node.named_child(0).and_then(|it| it.child_by_field_name("name"));
            let is_whole = text_of(node, names.text).contains('*') || text_of(node, names.text).contains("static");
            path.filter(|_| !is_whole).map(|it| (it, "unused-import", "import"))
        }
        "method_declaration" => {
            let before = name.map_or("", |it| &names.text[node.start_byte()..it.start_byte()]);
            let is_private = before.contains("private ") && !before.contains('@');
            let is_called_by_name = name.is_some_and(|it| {
                matches!(
                    text_of(it, names.text),
                    "readObject" | "writeObject" | "readResolve" | "writeReplace" | "readObjectNoData"
                )
            });
            name.filter(|_| is_private && !is_called_by_name).map(|it| (it, "unused-function", "private method"))
        }
        _ => None,
    };
    own.into_iter().collect()
}

fn cpp<'t>(names: &Names<'_>, node: Node<'t>) -> Vec<Named<'t>> {
    let is_header = names.path.extension().is_some_and(|it| it.to_string_lossy().starts_with('h'));
    if node.kind() != "function_definition" || is_header {
        return Vec::new();
    }
    let declarator = node.child_by_field_name("declarator").filter(|it| it.kind() == "function_declarator");
    let name = declarator.and_then(|it| it.child_by_field_name("declarator")).filter(|it| it.kind() == "identifier");
    let before = name.map_or("", |it| &names.text[node.start_byte()..it.start_byte()]);
    let is_static = before.starts_with("static ") && !before.contains("__attribute__") && !before.contains("[[");
    let is_alone = name.is_some_and(|it| names.is_alone(it)) && is_static;
    let is_file_level = is_alone && node.parent().is_some_and(|it| it.kind() == "translation_unit");
    name.filter(|_| is_file_level).map(|it| (it, "unused-function", "static function")).into_iter().collect()
}
