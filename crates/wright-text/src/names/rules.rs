//! The tables that say which nodes of a grammar bind names and which use them, looked up by number.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::BitOr;
use std::sync::OnceLock;

use tree_sitter::Node;

use super::{Asked, cpp, go, java, javascript, python, rust};
use crate::languages::Language;

/// What a name is where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum As {
    /// Something bound is asked for.
    Use,
    /// Bound in the scope around it.
    Bind,
    /// Bound in the scope outside the node that it names.
    BindOuter,
    /// Bound in the nearest function, from inside a comprehension.
    BindFunction,
    /// Bound for the whole file.
    BindModule,
    /// Assigned without a declaration, which binds it for the whole file where no edit is judged, and asks for it there.
    Assign,
    /// In a pattern: bound, unless it is written like a constant.
    Pattern,
    /// In an import: bound.
    Import,
    /// The last part of a path: bound in an import, nothing elsewhere.
    PathName,
    /// The first part of a path: nothing in an import, used elsewhere.
    PathHead,
    /// No name of a value or type at all.
    Inert,
    /// What its parent is.
    Inherit,
}

/// What a scope belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Module,
    Function,
    Class,
    /// Part of the function around it, with names of its own.
    Block,
}

/// What cannot be known about a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doubts {
    /// Any name may exist.
    pub(super) all: bool,
    /// Any type may exist.
    pub(super) types: bool,
    /// Any member may exist.
    pub(super) members: bool,
}

impl BitOr for Doubts {
    type Output = Doubts;

    fn bitor(self, other: Doubts) -> Doubts {
        Doubts { all: self.all | other.all, types: self.types | other.types, members: self.members | other.members }
    }
}

/// What a node says beyond its names.
pub(super) enum Remark<'t> {
    Nothing,
    Doubt(Doubts),
    Binds(Vec<Cow<'t, str>>),
}

/// A node with what is around it, outermost first.
pub(super) struct Site<'s, 't> {
    pub(super) node: Node<'t>,
    pub(super) text: &'t str,
    pub(super) around: &'s [Node<'t>],
}

impl<'t> Site<'_, 't> {
    /// Returns the node's own text.
    pub(super) fn own(&self) -> &'t str {
        self.text.get(self.node.byte_range()).unwrap_or_default()
    }

    /// Returns the kind of an ancestor; 0 is the parent.
    pub(super) fn kind(&self, n_up: usize) -> &'t str {
        self.around.iter().rev().nth(n_up).map_or("", Node::kind)
    }

    pub(super) fn parent(&self) -> Option<Node<'t>> {
        self.around.last().copied()
    }

    /// Returns whether this is the first named child of its parent.
    pub(super) fn is_first(&self) -> bool {
        self.parent().and_then(|it| it.named_child(0)).is_some_and(|it| it.id() == self.node.id())
    }
}

/// What a language says about names, as written down.
pub(super) struct Table {
    /// Leaves that are names; each is a use unless something else is said.
    pub(super) names: &'static [&'static str],
    /// A node kind, a field (or nothing for every other child), and what names are there.
    pub(super) edges: &'static [(&'static str, &'static str, As)],
    pub(super) scopes: &'static [(&'static str, ScopeKind)],
    /// Nodes with nothing of interest inside.
    pub(super) skipped: &'static [&'static str],
    /// Nodes that [`Table::remark`] is asked about.
    pub(super) remarkable: &'static [&'static str],
    pub(super) remark: for<'t> fn(&Site<'_, 't>) -> Remark<'t>,
    /// Has the last word about a name.
    pub(super) refine: fn(As, &Site<'_, '_>) -> As,
    /// Whether a name that nothing binds is surely unknown.
    pub(super) is_certain: fn(Node<'_>, Asked<'_>) -> bool,
    /// Whether functions see the names of the class around them.
    pub(super) sees_class: bool,
    pub(super) builtins: &'static str,
}

/// A table with node kinds and fields as numbers.
pub(super) struct Rules {
    pub(super) table: &'static Table,
    kinds: Vec<KindRule>,
    builtins: HashSet<&'static str>,
    /// Words of the table that the grammar does not know.
    #[cfg_attr(not(test), expect(dead_code, reason = "asked by a test"))]
    pub(super) misspelled: Vec<&'static str>,
}

#[derive(Clone, Default)]
pub(super) struct KindRule {
    pub(super) is_name: bool,
    pub(super) is_skipped: bool,
    pub(super) is_remarkable: bool,
    pub(super) is_error: bool,
    pub(super) scope: Option<ScopeKind>,
    fields: Vec<(u16, As)>,
    any: Option<As>,
}

impl Rules {
    pub(super) fn kind(&self, id: u16) -> &KindRule {
        // The kind of errors is the largest number there is and has no entry of its own.
        self.kinds.get(usize::from(id)).unwrap_or(&self.kinds[self.kinds.len() - 1])
    }

    pub(super) fn is_builtin(&self, name: &str) -> bool {
        self.builtins.contains(name)
    }
}

impl KindRule {
    /// Returns what names are in a child.
    pub(super) fn child(&self, field: Option<u16>) -> As {
        let of_field = field.and_then(|field| self.fields.iter().find(|(id, _)| *id == field));
        of_field.map(|(_, what)| *what).or(self.any).unwrap_or(As::Use)
    }
}

/// Returns the rules of a language.
pub(super) fn rules(language: Language) -> &'static Rules {
    static RULES: [OnceLock<Rules>; Language::ALL.len()] = [const { OnceLock::new() }; Language::ALL.len()];
    RULES[language as usize].get_or_init(|| compile(language))
}

fn table(language: Language) -> &'static Table {
    match language {
        Language::Python => &python::TABLE,
        Language::Rust => &rust::TABLE,
        Language::JavaScript | Language::TypeScript | Language::Tsx => &javascript::TABLE,
        Language::Go => &go::TABLE,
        Language::Java => &java::TABLE,
        Language::Cpp => &cpp::TABLE,
    }
}

fn compile(language: Language) -> Rules {
    let table = table(language);
    let grammar = (language.table().grammar)();
    let mut kinds = vec![KindRule::default(); grammar.node_kind_count() + 1];
    let mut misspelled = Vec::new();
    // A kind may have several numbers, and only TypeScript with JSX has all kinds of the table that scripts share.
    let is_shared = matches!(language, Language::JavaScript | Language::TypeScript);
    let mut edit = |kind: &'static str, change: &dyn Fn(&mut KindRule)| {
        let ids = (0..grammar.node_kind_count()).filter(|id| {
            let id = u16::try_from(*id).unwrap_or(u16::MAX);
            grammar.node_kind_is_named(id) && grammar.node_kind_for_id(id) == Some(kind)
        });
        let ids: Vec<usize> = ids.collect();
        ids.iter().for_each(|id| change(&mut kinds[*id]));
        if ids.is_empty() && !is_shared {
            misspelled.push(kind);
        }
    };
    table.names.iter().for_each(|kind| edit(kind, &|rule| rule.is_name = true));
    table.skipped.iter().for_each(|kind| edit(kind, &|rule| rule.is_skipped = true));
    table.remarkable.iter().for_each(|kind| edit(kind, &|rule| rule.is_remarkable = true));
    table.scopes.iter().for_each(|(kind, scope)| edit(kind, &|rule| rule.scope = Some(*scope)));
    let mut wrong_fields = Vec::new();
    for (kind, field, what) in table.edges {
        if field.is_empty() {
            edit(kind, &|rule| rule.any = Some(*what));
        } else if let Some(id) = grammar.field_id_for_name(field) {
            edit(kind, &|rule| rule.fields.push((id.get(), *what)));
        } else if !is_shared {
            wrong_fields.push(*field);
        }
    }
    misspelled.extend(wrong_fields);
    if let Some(error) = kinds.last_mut() {
        error.is_error = true;
    }
    Rules { table, kinds, builtins: table.builtins.split_whitespace().collect(), misspelled }
}
