//! Goes through a tree and collects what is bound and what is used, by scope.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use tree_sitter::Node;

use super::rules::{As, Doubts, Remark, Rules, ScopeKind, Site};
use super::starts_upper;
use crate::syntax::SyntaxTree;

/// The scope of the whole file.
const MODULE: usize = 0;

/// What a text binds and uses.
pub(super) struct Names<'t> {
    pub(super) uses: Vec<Use<'t>>,
    pub(super) doubts: Doubts,
    scopes: Vec<Scope<'t>>,
}

/// One use of a name.
#[derive(Clone, Debug)]
pub(super) struct Use<'t> {
    pub(super) name: &'t str,
    pub(super) range: Range<usize>,
    scope: usize,
}

struct Scope<'t> {
    kind: ScopeKind,
    parent: usize,
    names: HashSet<Cow<'t, str>>,
}

impl<'t> Names<'t> {
    /// Collects the names of a tree. With `judged` ranges, only functions that these reach are looked into, and a name
    /// that is assigned within them is not bound by that.
    pub(super) fn of(tree: &'t SyntaxTree, rules: &Rules, judged: Option<&[Range<usize>]>) -> Names<'t> {
        let module = Scope { kind: ScopeKind::Module, parent: MODULE, names: HashSet::new() };
        let names = Names { uses: Vec::new(), doubts: Doubts::default(), scopes: vec![module] };
        let mut walk = Walk { rules, text: tree.text(), judged, names, around: Vec::new(), frames: Vec::new() };
        walk.run(tree);
        walk.names
    }

    /// Returns whether a scope around a use binds its name, or the language does.
    pub(super) fn binds(&self, rules: &Rules, used: &Use<'_>) -> bool {
        let mut scope = used.scope;
        let mut is_direct = true;
        loop {
            let Scope { kind, parent, names } = &self.scopes[scope];
            let is_visible = *kind != ScopeKind::Class || is_direct || rules.table.sees_class;
            if is_visible && names.contains(used.name) {
                return true;
            }
            if scope == MODULE {
                return rules.is_builtin(used.name);
            }
            is_direct &= *kind != ScopeKind::Function;
            scope = *parent;
        }
    }

    /// Returns the names bound for the whole file.
    pub(super) fn module(&self) -> impl Iterator<Item = &str> {
        self.scopes[MODULE].names.iter().map(AsRef::as_ref)
    }

    /// Returns the names bound outside functions.
    pub(super) fn outside_functions(&self) -> impl Iterator<Item = &str> {
        let is_outside = |scope: usize| {
            let mut at = scope;
            while at != MODULE && self.scopes[at].kind == ScopeKind::Class {
                at = self.scopes[at].parent;
            }
            at == MODULE
        };
        let scopes = (0..self.scopes.len()).filter(move |it| is_outside(*it));
        scopes.flat_map(|it| self.scopes[it].names.iter().map(AsRef::as_ref))
    }

    /// Returns the names bound by functions for themselves.
    pub(super) fn inside_functions(&self) -> impl Iterator<Item = &str> {
        let scopes = self.scopes.iter().filter(|it| matches!(it.kind, ScopeKind::Function | ScopeKind::Block));
        scopes.flat_map(|it| it.names.iter().map(AsRef::as_ref))
    }
}

/// What is known about a node while its children are visited.
#[derive(Clone, Copy)]
struct Frame {
    kind: u16,
    what: As,
    /// The scope that names inside belong to, and the one around the node.
    inner: usize,
    outer: usize,
    /// Only the name of the node is of interest.
    is_pruned: bool,
}

struct Walk<'r, 't> {
    rules: &'r Rules,
    text: &'t str,
    judged: Option<&'r [Range<usize>]>,
    names: Names<'t>,
    around: Vec<Node<'t>>,
    frames: Vec<Frame>,
}

impl<'t> Walk<'_, 't> {
    fn run(&mut self, tree: &'t SyntaxTree) {
        let mut cursor = tree.tree().walk();
        loop {
            let node = cursor.node();
            let field = cursor.field_id().map(std::num::NonZero::get);
            if let Some(frame) = self.enter(node, field)
                && cursor.goto_first_child()
            {
                self.around.push(node);
                self.frames.push(frame);
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
                self.around.pop();
                self.frames.pop();
            }
        }
    }

    /// Takes note of a node, and returns what its children are to know; nothing when they are of no interest.
    fn enter(&mut self, node: Node<'t>, field: Option<u16>) -> Option<Frame> {
        let rule = self.rules.kind(node.kind_id());
        if !node.is_named() && node.child_count() == 0 {
            return None;
        }
        let (what, outer) = self.in_parent(field);
        let is_pruned = self.frames.last().is_some_and(|it| it.is_pruned);
        if rule.is_skipped || (is_pruned && what != As::BindOuter) {
            return None;
        }
        if rule.is_remarkable {
            self.remark(node, outer);
        }
        if rule.is_name {
            self.name(node, what);
            return None;
        }
        let inner = match rule.scope {
            Some(kind) => {
                self.names.scopes.push(Scope { kind, parent: outer, names: HashSet::new() });
                self.names.scopes.len() - 1
            }
            None => outer,
        };
        let is_pruned = rule.scope == Some(ScopeKind::Function) && !self.is_reached(node);
        Some(Frame { kind: node.kind_id(), what, inner, outer, is_pruned })
    }

    /// Returns what names are in a child of the current node, and the scope that is around it.
    fn in_parent(&self, field: Option<u16>) -> (As, usize) {
        let Some(parent) = self.frames.last() else { return (As::Use, MODULE) };
        let what = match self.rules.kind(parent.kind).child(field) {
            As::Inherit => parent.what,
            As::PathName if parent.what == As::Import => As::Import,
            As::PathName => As::Inert,
            As::PathHead if parent.what == As::Import => As::Inert,
            As::PathHead => As::Use,
            what => what,
        };
        (what, parent.inner)
    }

    fn is_reached(&self, node: Node<'_>) -> bool {
        let range = node.byte_range();
        self.judged.is_none_or(|judged| judged.iter().any(|it| it.start <= range.end && it.end >= range.start))
    }

    fn remark(&mut self, node: Node<'t>, scope: usize) {
        match (self.rules.table.remark)(&Site { node, text: self.text, around: &self.around }) {
            Remark::Nothing => {}
            Remark::Doubt(doubts) => self.names.doubts = self.names.doubts | doubts,
            Remark::Binds(names) => self.names.scopes[scope].names.extend(names),
        }
    }

    fn name(&mut self, node: Node<'t>, what: As) {
        let range = node.byte_range();
        let Some(name) = self.text.get(range.clone()).filter(|it| !it.is_empty()) else { return };
        let frame = self.frames.last().copied();
        let (inner, outer) = frame.map_or((MODULE, MODULE), |it| (it.inner, it.outer));
        let is_in_error = self.frames.iter().rev().take(2).any(|it| self.rules.kind(it.kind).is_error);
        let site = Site { node, text: self.text, around: &self.around };
        let what = if is_in_error { As::BindModule } else { (self.rules.table.refine)(what, &site) };
        let is_judged =
            self.judged.is_some_and(|it| it.iter().any(|it| it.start <= range.start && range.end <= it.end));
        let scope = match what {
            As::Use => None,
            As::Pattern => (!starts_upper(name)).then_some(inner),
            As::Bind | As::Import => Some(inner),
            As::BindOuter => Some(outer),
            As::BindFunction => Some(self.function(inner)),
            As::BindModule => Some(MODULE),
            As::Assign => (!is_judged).then_some(MODULE),
            As::Inert | As::Inherit | As::PathName | As::PathHead => return,
        };
        match scope {
            Some(scope) => {
                self.names.scopes[scope].names.insert(Cow::Borrowed(name));
            }
            None => self.names.uses.push(Use { name, range, scope: inner }),
        }
    }

    fn function(&self, mut scope: usize) -> usize {
        while self.names.scopes[scope].kind == ScopeKind::Block {
            scope = self.names.scopes[scope].parent;
        }
        scope
    }
}
