//! What the families of edits need to know about a function: its outline, the names in scope, and how to write code that
//! fits where it is put.

use std::ops::Range;

use crate::indent::indent_of;
use crate::languages::{LanguageTable, Role};
use crate::outline::{Outline, Slot};
use crate::syntax::{Function, SyntaxTree, body_of, declarators, function_entry, naming_of};

/// How many variables are tried in one place.
pub(super) const MAX_VARIABLES: usize = 10;

/// How many names are remembered of a kind.
const MAX_NAMES: usize = 30;

/// The longest expression that counts as a name (`self.items`).
const MAX_MEMBER_BYTES: usize = 40;

/// How tightly code holds together; looser code needs parentheses inside tighter code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Lowest,
    Or,
    And,
    Not,
    Comparison,
    /// Languages disagree about bitwise operators, so they always get parentheses.
    Bitwise,
    Additive,
    Multiplicative,
    Prefix,
    Power,
    Atom,
}

/// A function or method that can be called by name.
pub(super) struct Callable {
    pub(super) name: String,
    pub(super) n_parameters: usize,
}

pub(super) struct Context<'t> {
    pub(super) outline: Outline<'t>,
    pub(super) table: &'static LanguageTable,
    /// The name of the function.
    pub(super) name: String,
    /// The entries of the function's body.
    pub(super) body: Range<usize>,
    /// The parameters, without the receiver.
    pub(super) parameters: Vec<String>,
    /// Variables that hold several values, as far as one can see.
    pub(super) collections: Vec<String>,
    /// The functions of the file.
    pub(super) callables: Vec<Callable>,
    /// Names of members that are not called, and of those that are.
    pub(super) fields: Vec<String>,
    pub(super) methods: Vec<(String, usize)>,
    /// Members that are used like variables: `self.items`.
    pub(super) members: Vec<String>,
    pub(super) newline: &'static str,
    /// One level of indentation.
    pub(super) unit: String,
    /// The variables visible in each function, by its entry.
    variables: Vec<(usize, Vec<String>)>,
}

impl<'t> Context<'t> {
    pub(super) fn new(tree: &'t SyntaxTree, function: &Function) -> Option<Context<'t>> {
        tree.text().get(function.range.clone())?;
        let outline = tree.outline();
        let entry = function_entry(&outline, function)?;
        let body = body_of(&outline, entry)?;
        let text = tree.text();
        let mut context = Context {
            table: outline.table,
            name: function.name.clone(),
            body: outline.subtree(body),
            parameters: parameters_of(&outline, entry),
            collections: Vec::new(),
            callables: callables(&outline),
            fields: Vec::new(),
            methods: Vec::new(),
            members: Vec::new(),
            newline: if text.contains("\r\n") { "\r\n" } else { "\n" },
            unit: unit_of_indentation(&outline, body, function),
            variables: Vec::new(),
            outline,
        };
        context.find_variables(entry);
        context.find_members();
        context.find_collections();
        Some(context)
    }

    pub(super) fn text(&self, index: usize) -> &'t str {
        self.outline.text(index)
    }

    pub(super) fn range(&self, index: usize) -> Range<usize> {
        self.outline.range(index)
    }

    pub(super) fn role(&self, index: usize) -> Role {
        self.outline.role(index)
    }

    pub(super) fn slot(&self, index: usize) -> Slot {
        self.outline.slot(index)
    }

    /// Returns the entries of the body with a role.
    pub(super) fn with_role(&self, role: Role) -> impl Iterator<Item = usize> {
        self.body.clone().filter(move |index| self.role(*index) == role && self.slot(*index) != Slot::Inert)
    }

    /// Returns the entries of the body that stand where a value does.
    pub(super) fn values(&self) -> impl Iterator<Item = usize> {
        self.body.clone().filter(|index| self.slot(*index).is_value() && self.is_expression(*index))
    }

    /// Returns the conditions of the body, without their parentheses.
    pub(super) fn conditions(&self) -> impl Iterator<Item = usize> {
        self.values().filter(|index| self.slot(*index) == Slot::Condition && self.role(*index) != Role::Parenthesized)
    }

    fn is_expression(&self, index: usize) -> bool {
        let is_syntax = matches!(self.role(index), Role::Token | Role::Comment | Role::Slice | Role::NamedArgument);
        let is_list_of_one = self.role(index) == Role::Tuple && self.outline.unwrapped(index) != index;
        !is_syntax && !is_list_of_one && !self.range(index).is_empty()
    }

    /// Returns the variables visible in an entry, parameters first, without the one that stands there.
    pub(super) fn variables_at(&self, index: usize) -> impl Iterator<Item = &str> {
        let here = self.text(index);
        let variables = self.scope_of(index).iter().map(String::as_str).filter(move |variable| *variable != here);
        variables.take(MAX_VARIABLES)
    }

    fn scope_of(&self, index: usize) -> &[String] {
        let visible_in = |function: usize| self.variables.iter().find(|(entry, _)| *entry == function);
        let scope = self.outline.ancestors(index).find_map(visible_in).or(self.variables.first());
        scope.map(|(_, variables)| variables.as_slice()).unwrap_or_default()
    }

    /// Returns how tightly the code of an entry holds together.
    pub(super) fn level(&self, index: usize) -> Level {
        match self.role(index) {
            Role::Binary => self.outline.operator(index).map_or(Level::Lowest, |token| level_of(self.text(token))),
            Role::Unary if self.text(index).starts_with("not") => Level::Not,
            Role::Unary => Level::Prefix,
            Role::Conditional | Role::Closure | Role::Assign | Role::Yield | Role::Slice => Level::Lowest,
            Role::Declare | Role::LetCondition | Role::Return | Role::NamedArgument => Level::Lowest,
            Role::Tuple if !self.text(index).starts_with(['(', '[']) => Level::Lowest,
            Role::Other => self.level_of_other(index),
            _ => Level::Atom,
        }
    }

    fn level_of_other(&self, index: usize) -> Level {
        match self.outline.node(index).kind() {
            "await" | "await_expression" | "reference_expression" => Level::Prefix,
            "type_cast_expression" | "cast_expression" | "as_expression" => Level::Comparison,
            _ if self.text(index).contains([' ', '\n']) => Level::Lowest,
            _ => Level::Atom,
        }
    }

    /// Returns the code of an entry, in parentheses if it is looser than `level`.
    pub(super) fn grouped(&self, index: usize, level: Level) -> String {
        group(self.text(index), self.level(index) >= level && self.level(index) != Level::Bitwise)
    }

    /// Returns code, in parentheses if it needs them in the place of an entry.
    pub(super) fn fitted(&self, index: usize, code: &str, level: Level) -> String {
        group(code, self.fits(index, level))
    }

    fn fits(&self, index: usize, level: Level) -> bool {
        let Some(parent) = self.outline.parent(index) else { return false };
        match (self.slot(index), self.role(parent)) {
            (_, Role::Parenthesized) => true,
            (Slot::Operand, Role::Binary) => self.fits_operand(index, parent, level),
            (Slot::UnaryOperand, _) if self.text(parent).starts_with("not") => level >= Level::Not,
            (Slot::Bound, _) => level >= Level::Additive,
            (slot, _) => slot.is_delimited() || level == Level::Atom,
        }
    }

    fn fits_operand(&self, index: usize, parent: usize, level: Level) -> bool {
        let around = self.level(parent);
        let is_first = self.outline.parts(parent).next() == Some(index);
        let is_clear = around != Level::Bitwise && level != Level::Bitwise;
        let is_chain_of_comparisons = around == Level::Comparison;
        is_clear && (level > around || (level == around && is_first && !is_chain_of_comparisons))
    }

    /// Fills a template with an expression (`{x}`, `{a}`) and fits the result where the expression stands.
    pub(super) fn filled(&self, template: &str, index: usize, variable: &str) -> String {
        let code = template
            .replace("{x}", self.text(index))
            .replace("{a}", &self.grouped(index, Level::Atom))
            .replace("{v}", variable);
        self.fitted(index, &code, level_of_template(template))
    }

    /// Returns the indentation of the line an offset is on.
    pub(super) fn indent_at(&self, offset: usize) -> &'t str {
        indent_of(&self.outline.text[self.line_start(offset)..])
    }

    fn line_start(&self, offset: usize) -> usize {
        self.outline.text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Returns the lines of a statement, line ending included, when nothing else but a comment is on them.
    pub(super) fn lines_of(&self, statement: usize) -> Option<Range<usize>> {
        let text = self.outline.text;
        let range = self.range(statement);
        let start = self.line_start(range.start);
        let end = text[range.end..].find('\n').map_or(text.len(), |newline| range.end + newline + 1);
        let after = text[range.end..end].trim().trim_start_matches(';').trim_start();
        let is_alone = after.is_empty() || after.starts_with(self.table.line_comment);
        (text[start..range.start].trim().is_empty() && is_alone).then_some(start..end)
    }

    /// Returns the replacement that puts a statement on its own line before another.
    pub(super) fn insertion_before(&self, statement: usize, code: &str) -> (Range<usize>, String) {
        let start = self.range(statement).start;
        let code = code.replace('\n', self.newline);
        match self.lines_of(statement) {
            Some(lines) => (lines.start..lines.start, format!("{}{code}{}", self.indent_at(start), self.newline)),
            None => (start..start, format!("{code}{}", self.separator())),
        }
    }

    /// Returns the replacement that puts a statement on its own line after another.
    pub(super) fn insertion_after(&self, statement: usize, code: &str) -> (Range<usize>, String) {
        let range = self.range(statement);
        let code = code.replace('\n', self.newline);
        match self.lines_of(statement) {
            Some(lines) if self.outline.text[lines.clone()].ends_with('\n') => {
                (lines.end..lines.end, format!("{}{code}{}", self.indent_at(range.start), self.newline))
            }
            Some(lines) => (lines.end..lines.end, format!("{}{}{code}", self.newline, self.indent_at(range.start))),
            None => (range.end..range.end, format!("{}{code}", self.separator())),
        }
    }

    fn separator(&self) -> &'static str {
        if self.table.statement_end.is_empty() { "; " } else { " " }
    }

    /// Returns an `if` around a statement, to be put at an indentation.
    pub(super) fn if_statement(&self, condition: &str, statement: &str, indent: &str) -> String {
        let template = self.table.if_statement.replace("{i}", indent).replace("{u}", &self.unit);
        template.replace("{c}", condition).replace("{s}", statement)
    }

    /// Returns whether an entry is a value that nobody computes with: an empty collection, or the object of the method.
    pub(super) fn is_fixed(&self, index: usize) -> bool {
        self.table.empty_lists.contains(&self.text(index)) || matches!(self.text(index), "self" | "cls" | "this")
    }

    /// Returns the operator of the expression around an entry, seen through parentheses.
    pub(super) fn operator_around(&self, index: usize) -> Option<&'t str> {
        let around = self.outline.ancestors(index).find(|ancestor| self.role(*ancestor) != Role::Parenthesized)?;
        self.outline.operator(around).map(|token| self.text(token))
    }

    /// Returns the blocks of the body, the body itself first.
    pub(super) fn blocks(&self) -> impl Iterator<Item = usize> {
        self.body.clone().filter(|index| self.outline.is_block(*index))
    }

    /// Returns the statements of the body that stand directly in a block.
    pub(super) fn statements(&self) -> impl Iterator<Item = usize> {
        self.body.clone().filter(|index| self.outline.is_block_statement(*index))
    }

    /// Returns whether a loop of this function surrounds an entry.
    pub(super) fn is_in_loop(&self, index: usize) -> bool {
        let inside = self.outline.ancestors(index).take_while(|ancestor| self.body.contains(ancestor));
        inside
            .take_while(|ancestor| !matches!(self.role(*ancestor), Role::Function | Role::Closure))
            .any(|ancestor| matches!(self.role(ancestor), Role::While | Role::For))
    }

    /// Returns the values that are returned or are the value of the function.
    pub(super) fn returned(&self) -> impl Iterator<Item = usize> {
        self.values().filter(|index| self.slot(*index) == Slot::Returned && self.role(*index) != Role::Parenthesized)
    }

    /// Returns whether an entry only holds the documentation of the function.
    pub(super) fn is_docstring(&self, statement: usize) -> bool {
        let mut parts = self.outline.parts(statement);
        self.role(statement) == Role::ExpressionStatement
            && parts.next().is_some_and(|part| self.role(part) == Role::String)
    }

    /// Returns whether nothing after a statement in its block is reached.
    pub(super) fn ends_block(&self, statement: usize) -> bool {
        let is_value = self.slot(statement) == Slot::Returned;
        let inner = if self.role(statement) == Role::ExpressionStatement {
            self.outline.parts(statement).next().unwrap_or(statement)
        } else {
            statement
        };
        let is_raise = matches!(self.outline.node(statement).kind(), "raise_statement" | "throw_statement");
        is_value || is_raise || matches!(self.role(inner), Role::Return | Role::Jump)
    }

    fn find_variables(&mut self, entry: usize) {
        let outline = &self.outline;
        let is_function = |index: &usize| naming_of(outline, *index).is_some();
        let around: Vec<usize> = outline.ancestors(entry).collect();
        let mut outer = Vec::new();
        for ancestor in &around {
            let is_class_with_bare_names = outline.role(*ancestor) == Role::Class && !self.table.indented_blocks;
            let is_file = outline.parent(*ancestor).is_none();
            if is_function(ancestor) || is_class_with_bare_names || is_file {
                add_bound_names(outline, *ancestor, &mut outer);
            }
        }
        let mut variables = Vec::new();
        let nested = self.body.clone().filter(is_function);
        for function in std::iter::once(entry).chain(nested) {
            let mut names = Vec::new();
            add_bound_names(outline, function, &mut names);
            for ancestor in outline.ancestors(function).take_while(|ancestor| *ancestor >= entry) {
                if is_function(&ancestor) {
                    add_bound_names(outline, ancestor, &mut names);
                }
            }
            add_new(&mut names, outer.iter().cloned());
            variables.push((function, names));
        }
        self.variables = variables;
    }

    fn find_members(&mut self) {
        let (mut fields, mut methods, mut members) = (Vec::new(), Vec::new(), Vec::new());
        let everywhere = self.body.clone().chain(0..self.outline.len());
        for index in everywhere.filter(|index| matches!(self.role(*index), Role::Member | Role::Call)) {
            if self.role(index) == Role::Call {
                let name = self.outline.callee_name(index).filter(|name| self.is_method_name(*name));
                let n_arguments = self.outline.arguments(index).len();
                methods.extend(name.map(|name| (self.text(name).to_owned(), n_arguments)));
            } else if self.slot(index) != Slot::Callee {
                fields.extend(self.outline.member_name(index).map(|name| self.text(name).to_owned()));
                let text = self.text(index);
                let is_short = text.len() <= MAX_MEMBER_BYTES && !text.contains(['(', '[', '\n']);
                if is_short && self.body.contains(&index) {
                    members.push(text.to_owned());
                }
            }
        }
        add_new(&mut self.fields, fields);
        add_new(&mut self.members, members);
        for method in methods {
            if !self.methods.contains(&method) && self.methods.len() < MAX_NAMES {
                self.methods.push(method);
            }
        }
    }

    fn is_method_name(&self, name: usize) -> bool {
        let call = self.outline.parent(name);
        self.is_member_name(name) || call.is_some_and(|call| self.outline.field(call, &["object"]).is_some())
    }

    /// Returns whether an entry is the `b` of `a.b`.
    pub(super) fn is_member_name(&self, index: usize) -> bool {
        let member = self.outline.parent(index).filter(|parent| self.role(*parent) == Role::Member);
        member.is_some_and(|member| self.outline.parts(member).next() != Some(index))
    }

    fn find_collections(&mut self) {
        let visible: Vec<String> = self.variables.iter().flat_map(|(_, names)| names.iter().cloned()).collect();
        let known =
            |name: &str| visible.iter().any(|variable| variable == name) || self.members.iter().any(|m| m == name);
        let mut found = Vec::new();
        for index in 0..self.outline.len() {
            let name = self.collection_by_value(index).or_else(|| self.collection_by_method(index));
            found.extend(name.filter(|name| known(name)).map(str::to_owned));
        }
        add_new(&mut self.collections, found);
    }

    fn collection_by_value(&self, index: usize) -> Option<&'t str> {
        let assignment = self.outline.assignment(index).filter(|assignment| assignment.is_plain)?;
        let value = assignment.value;
        let is_constructed = self.role(value) == Role::Call && {
            let callee = self.text(value);
            self.table.collection_constructors.iter().any(|name| {
                let callee = callee.strip_prefix("new ").unwrap_or(callee);
                callee.strip_prefix(name).is_some_and(|rest| rest.starts_with(['(', '<', ':']))
            })
        };
        let is_collection = is_constructed || matches!(self.role(value), Role::List | Role::Map | Role::Comprehension);
        is_collection.then(|| self.text(assignment.target))
    }

    fn collection_by_method(&self, index: usize) -> Option<&'t str> {
        if self.role(index) != Role::Call {
            return None;
        }
        let name = self.outline.callee_name(index)?;
        let parent = self.outline.parent(name)?;
        let object = self.outline.parts(parent).next().filter(|object| *object != name)?;
        self.table.collection_methods.contains(&self.text(name)).then(|| self.text(object))
    }
}

fn group(code: &str, fits: bool) -> String {
    if fits { code.to_owned() } else { format!("({code})") }
}

/// Returns how tightly an operator holds its operands together.
pub(super) fn level_of(operator: &str) -> Level {
    match operator {
        "or" | "||" | "??" => Level::Or,
        "and" | "&&" => Level::And,
        "+" | "-" => Level::Additive,
        "*" | "/" | "//" | "%" | "@" => Level::Multiplicative,
        "**" => Level::Power,
        "&" | "|" | "^" | "<<" | ">>" | ">>>" | "&^" => Level::Bitwise,
        _ => Level::Comparison,
    }
}

fn level_of_template(template: &str) -> Level {
    let has = |operator: &str| template.contains(operator);
    if has(" == ") || has(" != ") || has(" > ") || has(" is ") || has(" === ") {
        Level::Comparison
    } else if template.starts_with("not ") {
        Level::Not
    } else if has(" + ") || has(" - ") && !has("(") {
        Level::Additive
    } else if has(" ** ") || has(" * ") {
        Level::Multiplicative
    } else if template.starts_with(['!', '&', '*', '-']) {
        Level::Prefix
    } else {
        Level::Atom
    }
}

fn add_new(names: &mut Vec<String>, new: impl IntoIterator<Item = String>) {
    for name in new {
        if names.len() < MAX_NAMES && !names.contains(&name) {
            names.push(name);
        }
    }
}

/// Adds the names that a function, a class or a file introduces, without those of the functions inside.
fn add_bound_names(outline: &Outline<'_>, scope: usize, names: &mut Vec<String>) {
    let mut found = Vec::new();
    let mut index = scope;
    while index < outline.subtree(scope).end {
        if index != scope && naming_of(outline, index).is_some() {
            index = outline.subtree(index).end;
            continue;
        }
        let kind = outline.node(index).kind();
        for (_, field) in outline.table.binders.iter().filter(|(binder, _)| *binder == kind) {
            names_bound_by(outline, index, field, &mut found);
        }
        index += 1;
    }
    let is_ordinary = |name: &String| !matches!(name.as_str(), "self" | "cls" | "_" | "this" | "");
    add_new(names, found.into_iter().filter(is_ordinary));
}

fn names_bound_by(outline: &Outline<'_>, binder: usize, field: &str, found: &mut Vec<String>) {
    let is_name = |index: usize| outline.role(index) == Role::Identifier || is_shorthand(outline, index);
    if field.is_empty() {
        found.extend(outline.parts(binder).filter(|part| is_name(*part)).map(|part| outline.text(part).to_owned()));
        return;
    }
    for part in outline.parts(binder).filter(|part| outline.field_name(*part) == Some(field)) {
        let mut index = part;
        while index < outline.subtree(part).end {
            let is_use =
                matches!(outline.role(index), Role::Member | Role::Index | Role::Type | Role::Path | Role::Call);
            // A declaration with a value is a binder of its own.
            if is_use || outline.role(index) == Role::Declare || outline.field_name(index) == Some("type") {
                index = outline.subtree(index).end;
                continue;
            }
            if is_name(index) {
                found.push(outline.text(index).to_owned());
            }
            index += 1;
        }
    }
}

fn is_shorthand(outline: &Outline<'_>, index: usize) -> bool {
    outline.node(index).kind() == "shorthand_property_identifier_pattern"
}

fn parameters_of(outline: &Outline<'_>, function: usize) -> Vec<String> {
    let declared = || declarators(outline, function).filter_map(|at| outline.field(at, &["parameters"])).last();
    let parameters = outline.field(function, &["parameters", "parameter"]).or_else(declared);
    let Some(parameters) = parameters else { return Vec::new() };
    let mut found = Vec::new();
    for index in outline.subtree(parameters) {
        let kind = outline.node(index).kind();
        for (_, field) in outline.table.binders.iter().filter(|(binder, _)| *binder == kind) {
            names_bound_by(outline, index, field, &mut found);
        }
    }
    let mut names = Vec::new();
    add_new(&mut names, found.into_iter().filter(|name| !matches!(name.as_str(), "self" | "cls" | "this")));
    names
}

fn callables(outline: &Outline<'_>) -> Vec<Callable> {
    let mut found: Vec<Callable> = Vec::new();
    for index in 0..outline.len() {
        let Some((name, _)) = naming_of(outline, index) else { continue };
        let name = outline.text(name);
        if found.len() < MAX_NAMES && !found.iter().any(|callable| callable.name == name) && !name.starts_with("__") {
            found.push(Callable { name: name.to_owned(), n_parameters: parameters_of(outline, index).len() });
        }
    }
    found
}

fn unit_of_indentation(outline: &Outline<'_>, body: usize, function: &Function) -> String {
    let is_statement = |index: &usize| outline.is_block_statement(*index);
    let indents = outline.subtree(body).filter(is_statement).map(|statement| {
        let start = outline.range(statement).start;
        let line_start = outline.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        indent_of(&outline.text[line_start..])
    });
    let unit = indents.filter_map(|indent| indent.strip_prefix(function.indent.as_str())).find(|unit| !unit.is_empty());
    unit.unwrap_or(if outline.table.name == "go" { "\t" } else { "    " }).to_owned()
}
