//! A syntax tree as a flat list in source order, with roles instead of node kinds.
//!
//! A list cannot overflow the stack however deep the code nests, and a parent is one look-up away. Each entry also has a
//! [`Slot`]: what the surrounding code uses it for.

use std::ops::Range;

use tree_sitter::Node;

use crate::languages::{Language, LanguageTable, Role};

/// What an entry is used for by the code around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    /// Nothing that is known.
    Other,
    /// Nothing that may be replaced by a value: types, names of definitions, labels, paths, imports.
    Inert,
    /// Decides about a branch or a loop.
    Condition,
    /// Given to a call.
    Argument,
    /// Called.
    Callee,
    /// The object of a member or of a method.
    Object,
    /// What is indexed or sliced.
    Indexed,
    /// Between the brackets of an index.
    Index,
    /// One end of a slice or range.
    Bound,
    /// The right-hand side of an assignment.
    Right,
    /// The left-hand side of an assignment.
    Target,
    /// Returned or yielded.
    Returned,
    /// What a loop goes over.
    Iterable,
    /// The variable of a loop.
    LoopVariable,
    /// On one side of a binary operator.
    Operand,
    /// After a unary operator.
    UnaryOperand,
    /// In a tuple or a list.
    Element,
    /// A value chosen by a condition.
    Branch,
}

impl Slot {
    /// Returns whether a whole expression stands here that may be replaced by another.
    pub(crate) fn is_value(self) -> bool {
        !matches!(self, Slot::Other | Slot::Inert | Slot::Callee | Slot::Target | Slot::LoopVariable)
    }

    /// Returns whether any expression fits without parentheses.
    pub(crate) fn is_delimited(self) -> bool {
        use Slot::{Argument, Branch, Condition, Element, Index, Iterable, Returned, Right};
        matches!(self, Argument | Branch | Condition | Element | Index | Iterable | Returned | Right)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Entry<'t> {
    pub(crate) node: Node<'t>,
    pub(crate) role: Role,
    pub(crate) slot: Slot,
    pub(crate) field: Option<&'t str>,
    pub(crate) parent: Option<usize>,
    /// The index after the last descendant.
    pub(crate) end: usize,
}

pub(crate) struct Outline<'t> {
    pub(crate) text: &'t str,
    pub(crate) table: &'static LanguageTable,
    entries: Vec<Entry<'t>>,
}

impl<'t> Outline<'t> {
    /// Returns the outline of a node and all in it.
    pub(crate) fn of(language: Language, root: Node<'t>, text: &'t str) -> Outline<'t> {
        let table = language.table();
        let mut outline = Outline { text, table, entries: flatten(language.roles(), root) };
        for index in 0..outline.len() {
            outline.entries[index].slot = outline.slot_of(index);
        }
        outline
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn node(&self, index: usize) -> Node<'t> {
        self.entries[index].node
    }

    pub(crate) fn role(&self, index: usize) -> Role {
        self.entries[index].role
    }

    pub(crate) fn slot(&self, index: usize) -> Slot {
        self.entries[index].slot
    }

    pub(crate) fn field_name(&self, index: usize) -> Option<&'t str> {
        self.entries[index].field
    }

    pub(crate) fn parent(&self, index: usize) -> Option<usize> {
        self.entries[index].parent
    }

    /// Returns the entries from this one to its last descendant.
    pub(crate) fn subtree(&self, index: usize) -> Range<usize> {
        index..self.entries[index].end
    }

    pub(crate) fn range(&self, index: usize) -> Range<usize> {
        self.entries[index].node.byte_range()
    }

    pub(crate) fn text(&self, index: usize) -> &'t str {
        &self.text[self.range(index)]
    }

    pub(crate) fn ancestors(&self, index: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.parent(index), |index| self.parent(*index))
    }

    pub(crate) fn children(&self, index: usize) -> impl DoubleEndedIterator<Item = usize> + use<> {
        let end = self.entries[index].end;
        let mut children = Vec::new();
        let mut next = index + 1;
        while next < end {
            children.push(next);
            next = self.entries[next].end;
        }
        children.into_iter()
    }

    /// Returns the children that are neither tokens nor comments.
    pub(crate) fn parts(&self, index: usize) -> impl DoubleEndedIterator<Item = usize> {
        self.children(index).filter(|child| !matches!(self.role(*child), Role::Token | Role::Comment))
    }

    pub(crate) fn tokens(&self, index: usize) -> impl DoubleEndedIterator<Item = usize> {
        self.children(index).filter(|child| self.role(*child) == Role::Token)
    }

    /// Returns the part in one of the named fields.
    pub(crate) fn field(&self, index: usize, names: &[&str]) -> Option<usize> {
        self.parts(index).find(|child| self.field_name(*child).is_some_and(|field| names.contains(&field)))
    }

    /// Returns the token of a binary, unary or assigning expression.
    pub(crate) fn operator(&self, index: usize) -> Option<usize> {
        self.tokens(index).find(|token| !matches!(self.text(*token), "(" | ")" | ":"))
    }

    /// Returns the expression inside any parentheses and lists of one.
    pub(crate) fn unwrapped(&self, index: usize) -> usize {
        let mut index = index;
        loop {
            let only = self.only_part(index);
            match (self.role(index), only) {
                (Role::Parenthesized, Some(inner)) => index = inner,
                (Role::Tuple, Some(inner)) if self.tokens(index).next().is_none() => index = inner,
                _ => return index,
            }
        }
    }

    fn only_part(&self, index: usize) -> Option<usize> {
        let mut parts = self.parts(index);
        parts.next().filter(|_| parts.next().is_none())
    }

    /// Returns whether statements stand directly inside.
    pub(crate) fn is_block(&self, index: usize) -> bool {
        matches!(self.role(index), Role::Block | Role::Case)
    }

    /// Returns the statements directly inside a block.
    pub(crate) fn statements(&self, block: usize) -> Vec<usize> {
        self.children(block).filter(|child| self.is_block_statement(*child)).collect()
    }

    /// Returns whether an entry is a statement directly inside a block.
    pub(crate) fn is_block_statement(&self, index: usize) -> bool {
        let Some(parent) = self.parent(index).filter(|parent| self.is_block(*parent)) else { return false };
        let is_code = !matches!(self.role(index), Role::Token | Role::Comment | Role::Attribute);
        is_code && (self.role(parent) != Role::Case || self.is_case_statement(index))
    }

    fn is_case_statement(&self, part: usize) -> bool {
        self.field_name(part) == Some("body") || self.node(part).kind().ends_with("_statement") || self.is_braced(part)
    }

    fn is_braced(&self, part: usize) -> bool {
        matches!(self.role(part), Role::Block | Role::Simple)
    }

    /// Returns the arguments of a call.
    pub(crate) fn arguments(&self, call: usize) -> Vec<usize> {
        let arguments = self.children(call).find(|child| self.role(*child) == Role::Arguments);
        arguments.map(|arguments| self.parts(arguments).collect()).unwrap_or_default()
    }

    /// Returns the entry that names what a call calls: `f` in `f(x)` and in `a.f(x)`.
    pub(crate) fn callee_name(&self, call: usize) -> Option<usize> {
        let callee = self.parts(call).rfind(|part| self.slot(*part) == Slot::Callee)?;
        match self.role(callee) {
            Role::Identifier | Role::FieldName => Some(callee),
            Role::Member => self.member_name(callee),
            _ => None,
        }
    }

    /// Returns the name of a member: `b` in `a.b`.
    pub(crate) fn member_name(&self, member: usize) -> Option<usize> {
        self.parts(member).last().filter(|name| matches!(self.role(*name), Role::Identifier | Role::FieldName))
    }

    /// Returns the target and the value of an assignment or declaration, and whether it assigns through an operator.
    pub(crate) fn assignment(&self, index: usize) -> Option<Assignment> {
        if !matches!(self.role(index), Role::Assign | Role::Declare) {
            return None;
        }
        let target = self.field(index, &["left", "name", "pattern", "declarator"])?;
        let value = self.field(index, &["right", "value"])?;
        let operator = self.operator_of_assignment(index);
        let is_plain = operator.is_none_or(|operator| matches!(self.text(operator), "=" | ":="));
        Some(Assignment { target: self.unwrapped(target), value: self.unwrapped(value), operator, is_plain })
    }

    fn operator_of_assignment(&self, index: usize) -> Option<usize> {
        self.tokens(index).find(|token| self.text(*token).ends_with('='))
    }

    fn slot_of(&self, index: usize) -> Slot {
        let Some(parent) = self.parent(index) else { return Slot::Other };
        if matches!(self.role(index), Role::Token | Role::Comment) {
            return Slot::Other;
        }
        if self.slot(parent) == Slot::Inert {
            return Slot::Inert;
        }
        if matches!(self.role(index), Role::Type | Role::Path | Role::Import | Role::Attribute | Role::Parameters) {
            return if self.is_called(index, parent) { Slot::Callee } else { Slot::Inert };
        }
        let field = self.field_name(index);
        match self.role(parent) {
            Role::Arguments => Slot::Argument,
            Role::NamedArgument | Role::Function | Role::Class if field == Some("name") => Slot::Inert,
            Role::Function if field == Some("declarator") => Slot::Inert,
            Role::NamedArgument => Slot::Argument,
            Role::Closure => self.slot_in_closure(index, field),
            Role::Call => self.slot_in_call(field),
            Role::Member => {
                if self.is_first_part(index, parent) {
                    Slot::Object
                } else {
                    Slot::Other
                }
            }
            Role::Index => {
                if self.is_first_part(index, parent) {
                    Slot::Indexed
                } else {
                    Slot::Index
                }
            }
            Role::Slice => {
                if field == Some("operand") {
                    Slot::Indexed
                } else {
                    Slot::Bound
                }
            }
            Role::Assign | Role::Declare => self.slot_in_assignment(field),
            Role::Return | Role::Yield => Slot::Returned,
            Role::Binary => Slot::Operand,
            Role::Unary | Role::Update => Slot::UnaryOperand,
            Role::If | Role::While | Role::Filter => self.slot_in_condition(index, parent, field),
            Role::For | Role::ForClause => self.slot_in_loop(index, field),
            Role::Conditional => self.slot_in_conditional(index, parent, field),
            Role::Parenthesized => self.slot(parent),
            Role::Tuple if self.tokens(parent).next().is_none() => self.slot(parent),
            Role::Tuple if matches!(self.slot(parent), Slot::Target | Slot::LoopVariable) => self.slot(parent),
            Role::Tuple | Role::List => Slot::Element,
            Role::Block if self.is_tail(index, parent) => Slot::Returned,
            _ if field == Some("macro") || field == Some("type") => Slot::Inert,
            _ => Slot::Other,
        }
    }

    fn is_called(&self, index: usize, parent: usize) -> bool {
        self.role(parent) == Role::Call && matches!(self.field_name(index), Some("function" | "constructor" | "type"))
    }

    fn is_first_part(&self, index: usize, parent: usize) -> bool {
        self.parts(parent).next() == Some(index)
    }

    fn slot_in_closure(&self, index: usize, field: Option<&str>) -> Slot {
        let is_expression = field == Some("body") && !matches!(self.role(index), Role::Block | Role::Braces);
        match field {
            Some("parameters" | "parameter" | "name") => Slot::Inert,
            _ if is_expression => Slot::Returned,
            _ => Slot::Other,
        }
    }

    fn slot_in_call(&self, field: Option<&str>) -> Slot {
        match field {
            Some("function" | "constructor" | "name" | "type") => Slot::Callee,
            Some("object") => Slot::Object,
            _ => Slot::Other,
        }
    }

    fn slot_in_assignment(&self, field: Option<&str>) -> Slot {
        match field {
            Some("left" | "name" | "pattern" | "declarator") => Slot::Target,
            Some("right" | "value") => Slot::Right,
            Some("type") => Slot::Inert,
            _ => Slot::Other,
        }
    }

    fn slot_in_condition(&self, index: usize, parent: usize, field: Option<&str>) -> Slot {
        let is_bare_filter = self.role(parent) == Role::Filter && field.is_none() && !self.table.tail_expressions;
        // C++: `while (auto x = f())`.
        let is_declaration = field == Some("condition") && self.role(self.unwrapped(index)) == Role::Simple;
        if self.role(index) == Role::LetCondition || is_declaration {
            Slot::Other
        } else if field == Some("condition") || is_bare_filter {
            Slot::Condition
        } else {
            Slot::Other
        }
    }

    fn slot_in_loop(&self, index: usize, field: Option<&str>) -> Slot {
        let is_clause = matches!(self.role(index), Role::Block | Role::Braces | Role::ForClause);
        match field {
            Some("condition") => Slot::Condition,
            Some("left" | "name" | "pattern" | "declarator") => Slot::LoopVariable,
            Some("right" | "value") => Slot::Iterable,
            Some("type") => Slot::Inert,
            // Go: `for condition { … }`.
            None if !is_clause => Slot::Condition,
            _ => Slot::Other,
        }
    }

    fn slot_in_conditional(&self, index: usize, parent: usize, field: Option<&str>) -> Slot {
        let is_condition = match field {
            Some(field) => field == "condition",
            // Python: `a if condition else b`.
            None => self.parts(parent).nth(1) == Some(index),
        };
        if is_condition { Slot::Condition } else { Slot::Branch }
    }

    /// Returns whether an entry is the value of a block, which ends with it.
    fn is_tail(&self, index: usize, block: usize) -> bool {
        let is_value = !matches!(
            self.role(index),
            Role::ExpressionStatement | Role::Declare | Role::Simple | Role::Function | Role::Class | Role::Compound
        ) && !matches!(self.role(index), Role::If | Role::While | Role::For | Role::Return | Role::Jump);
        self.table.tail_expressions && is_value && self.parts(block).next_back() == Some(index)
    }
}

/// The pieces of an assignment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Assignment {
    pub(crate) target: usize,
    pub(crate) value: usize,
    pub(crate) operator: Option<usize>,
    pub(crate) is_plain: bool,
}

fn flatten<'t>(roles: &[Role], root: Node<'t>) -> Vec<Entry<'t>> {
    let mut entries: Vec<Entry<'t>> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    let mut cursor = root.walk();
    loop {
        let node = cursor.node();
        let role = if node.is_error() { Role::Other } else { role_of(roles, node) };
        let parent = open.last().copied();
        entries.push(Entry { node, role, slot: Slot::Other, field: cursor.field_name(), parent, end: 0 });
        open.push(entries.len() - 1);
        if cursor.goto_first_child() {
            continue;
        }
        loop {
            let n_entries = entries.len();
            if let Some(done) = open.pop() {
                entries[done].end = n_entries;
            }
            if cursor.goto_next_sibling() {
                break;
            }
            if !cursor.goto_parent() {
                return entries;
            }
        }
    }
}

fn role_of(roles: &[Role], node: Node<'_>) -> Role {
    roles.get(usize::from(node.kind_id())).copied().unwrap_or(Role::Other)
}
