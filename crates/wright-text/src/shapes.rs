//! The shape of a program as values: signatures and calls, types and their members, literals that fill members, matches
//! over variants, and where a name is bound.
//!
//! This is what it takes to see that one place no longer fits another. Ranges are bytes of the tree's text. Broken code
//! gives what can be read of it.

use std::ops::Range;

use crate::languages::{Language, Role};
use crate::outline::Outline;
use crate::syntax::{SyntaxTree, body_of, naming_of};

/// The head of a function or method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The name.
    pub name: Range<usize>,
    /// The whole definition, with its body.
    pub definition: Range<usize>,
    /// The parameters, from parenthesis to parenthesis.
    pub list: Range<usize>,
    /// The parameters in order, without the receiver.
    pub parameters: Vec<Parameter>,
    /// The type of what is returned, where it is stated.
    pub returns: Option<Range<usize>>,
    /// The body.
    pub body: Range<usize>,
    /// Whether it must be awaited.
    pub is_async: bool,
    /// The name of the type whose method it is.
    pub owner: Option<String>,
}

/// One parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// The name.
    pub name: Range<usize>,
    /// Name, type and default.
    pub range: Range<usize>,
    /// The type, where it is stated.
    pub kind: Option<Range<usize>>,
    /// Whether a call may leave it out.
    pub is_optional: bool,
}

/// One call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The whole call.
    pub range: Range<usize>,
    /// The name that is called.
    pub callee: Range<usize>,
    /// The arguments, from parenthesis to parenthesis.
    pub list: Range<usize>,
    /// The arguments in order.
    pub arguments: Vec<Argument>,
    /// Whether `await` is there already.
    pub is_awaited: bool,
}

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// All of it.
    pub range: Range<usize>,
    /// Its name, where it is given by name.
    pub name: Option<Range<usize>>,
    /// Whether it stands for any number of arguments.
    pub is_spread: bool,
}

/// What sort of type it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeKind {
    /// Has all of its members at once.
    Record,
    /// Is one of its members.
    Enum,
}

/// A type and its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeShape {
    /// The name.
    pub name: Range<usize>,
    /// The whole definition.
    pub definition: Range<usize>,
    /// What sort of type it is.
    pub kind: TypeKind,
    /// Fields or variants, in order.
    pub members: Vec<Member>,
    /// The names of methods, where they are defined inside.
    pub methods: Vec<String>,
    /// What it inherits from.
    pub bases: Vec<String>,
}

/// A field or a variant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name.
    pub name: Range<usize>,
    /// All of it, without the separator.
    pub range: Range<usize>,
    /// The type of a field, or what a variant carries.
    pub kind: Option<Range<usize>>,
}

/// A literal that fills the members of a named type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordLiteral {
    /// The whole literal.
    pub range: Range<usize>,
    /// The type's name, as written.
    pub type_name: String,
    /// The filled members in order: name and whole entry.
    pub entries: Vec<(String, Range<usize>)>,
    /// Whether the rest comes from elsewhere (`..base`).
    pub has_rest: bool,
}

/// A choice by pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// The whole of it.
    pub range: Range<usize>,
    /// The arms in order: pattern, and the whole arm.
    pub arms: Vec<(Range<usize>, Range<usize>)>,
}

/// What a name is bound as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// A function or method.
    Function,
    /// A type.
    Type,
    /// A field, a variant or another member.
    Member,
    /// A parameter.
    Parameter,
    /// A variable or a constant.
    Variable,
    /// A name from another file.
    Import,
}

/// One name in the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'t> {
    /// Where it is.
    pub range: Range<usize>,
    /// The name.
    pub text: &'t str,
    /// Whether it is bound here, and as what.
    pub binding: Option<Binding>,
    /// Where the binding holds; the whole text for a name that is only used.
    pub scope: Range<usize>,
    /// Whether it is the member of something (`a.name`), the key of an entry or the name of an argument.
    pub is_member: bool,
    /// Whether it names an argument.
    pub is_argument_name: bool,
}

impl SyntaxTree {
    /// Returns the heads of functions and methods that have a body, in source order.
    pub fn signatures(&self) -> Vec<Signature> {
        let outline = self.outline();
        (0..outline.len()).filter_map(|index| signature_at(&outline, index)).collect()
    }

    /// Returns the calls in source order.
    pub fn calls(&self) -> Vec<Call> {
        let outline = self.outline();
        let calls = (0..outline.len()).filter(|index| outline.role(*index) == Role::Call);
        calls.filter_map(|index| call_at(&outline, index)).collect()
    }

    /// Returns the types that are defined, with their members.
    pub fn type_shapes(&self) -> Vec<TypeShape> {
        let outline = self.outline();
        (0..outline.len()).filter_map(|index| type_at(&outline, index)).collect()
    }

    /// Returns the literals that fill the members of a named type.
    pub fn record_literals(&self) -> Vec<RecordLiteral> {
        let outline = self.outline();
        (0..outline.len()).filter_map(|index| literal_at(&outline, index)).collect()
    }

    /// Returns the choices by pattern.
    pub fn matches(&self) -> Vec<Match> {
        let outline = self.outline();
        let matches = (0..outline.len()).filter(|it| outline.node(*it).kind() == "match_expression");
        matches.filter_map(|index| match_at(&outline, index)).collect()
    }

    /// Returns every name in the code, in source order.
    pub fn names(&self) -> Vec<Name<'_>> {
        let outline = self.outline();
        let is_name = |index: &usize| is_name(&outline, *index);
        (0..outline.len()).filter(is_name).map(|index| name_at(&outline, index)).collect()
    }

    /// Returns the outermost definition or statement that holds a byte offset, and the whole text where there is none.
    pub fn unit_at(&self, offset: usize) -> Range<usize> {
        let outline = self.outline();
        let top = outline.children(0);
        let holds = |it: &usize| outline.range(*it).start <= offset && offset <= outline.range(*it).end;
        top.into_iter().find(holds).map_or(0..self.text().len(), |it| outline.range(it))
    }

    /// Returns the statements directly inside a body.
    pub fn statements_of(&self, body: &Range<usize>) -> Vec<Range<usize>> {
        let outline = self.outline();
        let within = |it: &usize| outline.is_block(*it) && outline.range(*it).start >= body.start;
        let block = (0..outline.len()).filter(within).find(|it| outline.range(*it).end <= body.end);
        block.map_or_else(Vec::new, |it| outline.statements(it).into_iter().map(|it| outline.range(it)).collect())
    }

    /// Returns the innermost function, closures included, that holds a range.
    pub fn function_scope(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let outline = self.outline();
        let holds = |it: &usize| {
            matches!(outline.role(*it), Role::Function | Role::Closure) && contains(&outline.range(*it), range)
        };
        (0..outline.len()).filter(holds).map(|it| outline.range(it)).min_by_key(Range::len)
    }
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

fn is_name(outline: &Outline<'_>, index: usize) -> bool {
    let is_leaf = outline.subtree(index).len() == 1;
    let role = outline.role(index);
    let by_kind = matches!(
        outline.node(index).kind(),
        "property_identifier"
            | "shorthand_property_identifier"
            | "shorthand_property_identifier_pattern"
            | "package_identifier"
    );
    is_leaf
        && (by_kind || matches!(role, Role::Identifier | Role::FieldName | Role::TypeName))
        && !outline.text(index).is_empty()
}

fn name_at<'t>(outline: &Outline<'t>, index: usize) -> Name<'t> {
    let whole = 0..outline.text.len();
    let bound = binding_of(outline, index);
    let (binding, scope) = bound.map_or((None, whole), |(binding, scope)| (Some(binding), scope));
    let parent = outline.parent(index);
    let field = outline.field_name(index);
    let parent_kind = parent.map_or("", |it| outline.node(it).kind());
    let is_after_dot =
        parent.is_some_and(|it| outline.role(it) == Role::Member && outline.member_name(it) == Some(index));
    let is_called_member = parent_kind == "method_invocation" && field == Some("name") && {
        parent.is_some_and(|it| outline.field(it, &["object"]).is_some())
    };
    let is_argument_name = parent_kind == "keyword_argument" && field == Some("name");
    let is_key = field == Some("key") || parent_kind == "field_initializer" && field == Some("field");
    let is_field_kind =
        matches!(outline.role(index), Role::FieldName) || outline.node(index).kind() == "property_identifier";
    Name {
        range: outline.range(index),
        text: outline.text(index),
        binding,
        scope,
        is_member: is_after_dot || is_called_member || is_argument_name || is_key || is_field_kind,
        is_argument_name,
    }
}

/// Returns what a name is bound as where it stands, and where that holds.
fn binding_of(outline: &Outline<'_>, index: usize) -> Option<(Binding, Range<usize>)> {
    let whole = 0..outline.text.len();
    let parent = outline.parent(index)?;
    let field = outline.field_name(index);
    let kind = outline.node(parent).kind();
    if is_definition_name(outline, index, parent) {
        let binding = if outline.role(parent) == Role::Function
            || kind == "function_signature_item"
            || kind == "method_signature"
        {
            Binding::Function
        } else if is_type_kind(kind) {
            Binding::Type
        } else {
            Binding::Member
        };
        return Some((binding, whole));
    }
    if is_member_definition(kind, field) || is_class_level(outline, index) {
        return Some((Binding::Member, whole));
    }
    if outline.ancestors(index).any(|it| outline.role(it) == Role::Import) {
        let is_alias = field == Some("alias")
            || !outline.ancestors(index).take(2).any(|it| outline.field(it, &["alias"]).is_some());
        return is_alias.then_some((Binding::Import, whole));
    }
    let binder = binder_above(outline, index)?;
    let scope = scope_of(outline, binder);
    let is_parameter = outline.ancestors(index).take(4).any(|it| outline.role(it) == Role::Parameters)
        || outline.role(parent) == Role::Closure;
    Some((if is_parameter { Binding::Parameter } else { Binding::Variable }, scope))
}

fn is_type_kind(kind: &str) -> bool {
    matches!(
        kind,
        "class_definition" | "class_declaration" | "interface_declaration" | "enum_declaration" | "record_declaration"
    ) || matches!(
        kind,
        "struct_item" | "enum_item" | "trait_item" | "type_item" | "union_item" | "type_spec" | "type_alias"
    ) || matches!(kind, "type_alias_declaration" | "abstract_class_declaration")
}

fn is_definition_name(outline: &Outline<'_>, index: usize, parent: usize) -> bool {
    let kind = outline.node(parent).kind();
    let defines = outline.role(parent) == Role::Function
        || matches!(
            kind,
            "function_signature_item" | "method_signature" | "abstract_method_signature" | "function_signature"
        )
        || is_type_kind(kind);
    defines && outline.field_name(index) == Some("name")
}

fn is_member_definition(kind: &str, field: Option<&str>) -> bool {
    let by_name = matches!(kind, "field_declaration" | "enum_variant" | "property_signature" | "enum_constant")
        || matches!(kind, "public_field_definition" | "field_definition" | "enum_assignment");
    by_name && matches!(field, Some("name" | "property"))
}

/// Python: `name: type` and `name = value` directly in a class. Java: a declarator of a field.
fn is_class_level(outline: &Outline<'_>, index: usize) -> bool {
    let mut above = outline.ancestors(index).map(|it| outline.node(it).kind());
    let (first, second) = (above.next().unwrap_or(""), above.next().unwrap_or(""));
    let (third, fourth) = (above.next().unwrap_or(""), above.next().unwrap_or(""));
    let field = outline.field_name(index);
    first == "assignment"
        && field == Some("left")
        && second == "expression_statement"
        && third == "block"
        && fourth == "class_definition"
        || first == "variable_declarator" && field == Some("name") && second == "field_declaration"
}

/// Returns the node that introduces a name: the language's table says which fields of which nodes do.
fn binder_above(outline: &Outline<'_>, index: usize) -> Option<usize> {
    let mut below = index;
    for above in outline.ancestors(index).take(4) {
        let kind = outline.node(above).kind();
        let field = outline.field_name(below).unwrap_or("");
        let names = |binder: &&(&str, &str)| {
            binder.0 == kind && (binder.1 == field || binder.1.is_empty() && is_plain(outline, below))
        };
        if outline.table.binders.iter().find(names).is_some() {
            return Some(above);
        }
        let passes =
            matches!(
                kind,
                "mut_pattern" | "tuple_pattern" | "pattern_list" | "expression_list" | "tuple" | "ref_pattern"
            ) || matches!(
                kind,
                "object_pattern" | "array_pattern" | "reference_pattern" | "captured_pattern" | "list_pattern"
            ) || matches!(kind, "tuple_struct_pattern" | "match_pattern" | "typed_parameter" | "as_pattern_target");
        if !passes || outline.field_name(below) == Some("type") {
            return None;
        }
        below = above;
    }
    None
}

/// A default or a type inside a parameter binds nothing.
fn is_plain(outline: &Outline<'_>, index: usize) -> bool {
    !matches!(outline.field_name(index), Some("type" | "value")) && !matches!(outline.role(index), Role::Type)
}

/// A parameter holds in its function; another variable in the function around it, or in the block where blocks count.
fn scope_of(outline: &Outline<'_>, binder: usize) -> Range<usize> {
    let counts_blocks = !matches!(outline.node(0).kind(), "module");
    for above in outline.ancestors(binder) {
        let role = outline.role(above);
        if matches!(role, Role::Function | Role::Closure) {
            return outline.range(above);
        }
        let is_block = matches!(role, Role::Block | Role::Braces) && above != 0;
        let is_loop = matches!(role, Role::For) || outline.node(above).kind() == "match_arm";
        let is_pattern_owner = is_loop && outline.range(binder).start > outline.range(above).start;
        let is_constant = matches!(outline.node(binder).kind(), "parameter" | "formal_parameter");
        if counts_blocks && (is_block || is_pattern_owner) && !is_constant {
            return outline.range(above);
        }
    }
    if matches!(outline.role(binder), Role::For) || outline.node(binder).kind() == "match_arm" {
        return outline.range(binder);
    }
    0..outline.text.len()
}

fn signature_at(outline: &Outline<'_>, index: usize) -> Option<Signature> {
    let (name, definition) = naming_of(outline, index)?;
    let body = body_of(outline, index)?;
    let list = outline.field(index, &["parameters"])?;
    let range = outline.range(index);
    let head = &outline.text[range.start..outline.range(list).start];
    let before_parameters = outline.text[outline.range(definition).start..outline.range(list).start].split_whitespace();
    let is_async = head.split_whitespace().chain(before_parameters).any(|it| it == "async" || it.ends_with("async"));
    let owner = owner_of(outline, index);
    Some(Signature {
        name: outline.range(name),
        definition: outline.range(definition),
        list: outline.range(list),
        parameters: outline.parts(list).flat_map(|it| parameters_at(outline, it)).collect(),
        returns: outline.field(index, &["return_type", "result", "type"]).map(|it| outline.range(it)),
        body: outline.range(body),
        is_async,
        owner,
    })
}

fn owner_of(outline: &Outline<'_>, function: usize) -> Option<String> {
    if let Some(receiver) = outline.field(function, &["receiver"]) {
        let types = outline.subtree(receiver).filter(|it| outline.role(*it) == Role::TypeName);
        return types.map(|it| outline.text(it).to_owned()).next();
    }
    let mut above = outline.ancestors(function).take_while(|it| !matches!(outline.role(*it), Role::Function));
    let class = above.find(|it| outline.role(*it) == Role::Class || is_type_kind(outline.node(*it).kind()))?;
    let name = outline.field(class, &["type", "name"])?;
    Some(outline.text(name).to_owned())
}

fn parameters_at(outline: &Outline<'_>, index: usize) -> Vec<Parameter> {
    let kind = outline.node(index).kind();
    let range = outline.range(index);
    if matches!(kind, "self_parameter" | "receiver_parameter") || matches!(outline.text(index), "self" | "cls") {
        return Vec::new();
    }
    let type_range = outline.field(index, &["type"]).map(|it| without_colon(outline, it));
    let is_optional = outline.field(index, &["value", "right"]).is_some()
        || matches!(kind, "optional_parameter" | "list_splat_pattern" | "dictionary_splat_pattern" | "rest_pattern")
        || kind.contains("variadic")
        || kind.contains("spread");
    if kind == "parameter_declaration" {
        let names = outline.parts(index).filter(|it| outline.field_name(*it) == Some("name"));
        let parameter = |name: usize| Parameter {
            name: outline.range(name),
            range: range.clone(),
            kind: type_range.clone(),
            is_optional,
        };
        return names.map(parameter).collect();
    }
    let names = outline.subtree(index).filter(|it| is_name(outline, *it));
    let names = names.filter(|it| type_range.as_ref().is_none_or(|kind| !contains(kind, &outline.range(*it))));
    let first = names.map(|it| outline.range(it)).next();
    first.map(|name| Parameter { name, range, kind: type_range, is_optional }).into_iter().collect()
}

/// TypeScript counts the colon as part of the type.
fn without_colon(outline: &Outline<'_>, index: usize) -> Range<usize> {
    let range = outline.range(index);
    let text = &outline.text[range.clone()];
    let rest = text.strip_prefix(':').map_or(text, str::trim_start);
    range.end - rest.len()..range.end
}

fn call_at(outline: &Outline<'_>, index: usize) -> Option<Call> {
    let callee = match outline.node(index).kind() {
        "method_invocation" => outline.field(index, &["name"])?,
        "object_creation_expression" => outline.field(index, &["type"])?,
        "new_expression" => outline.field(index, &["constructor"])?,
        _ => {
            let function = outline.field(index, &["function"])?;
            outline.subtree(function).rfind(|it| is_name(outline, *it))?
        }
    };
    let list = outline.children(index).find(|it| outline.role(*it) == Role::Arguments)?;
    let argument = |it: usize| Argument {
        range: outline.range(it),
        name: (outline.role(it) == Role::NamedArgument)
            .then(|| outline.field(it, &["name"]))
            .flatten()
            .map(|it| outline.range(it)),
        is_spread: matches!(
            outline.node(it).kind(),
            "list_splat" | "dictionary_splat" | "spread_element" | "variadic_argument"
        ),
    };
    let awaits = |it: usize| matches!(outline.node(it).kind(), "await" | "await_expression");
    Some(Call {
        range: outline.range(index),
        callee: outline.range(callee),
        list: outline.range(list),
        arguments: outline.parts(list).map(argument).collect(),
        is_awaited: outline.parent(index).is_some_and(awaits),
    })
}

fn type_at(outline: &Outline<'_>, index: usize) -> Option<TypeShape> {
    let kind = outline.node(index).kind();
    if !is_type_kind(kind) {
        return None;
    }
    let name = outline.field(index, &["name"])?;
    let type_kind = if kind.starts_with("enum") { TypeKind::Enum } else { TypeKind::Record };
    let members = outline.subtree(index).skip(1).filter(|it| is_own_member(outline, index, *it));
    let methods = outline.subtree(index).skip(1).filter(|it| outline.role(*it) == Role::Function);
    let methods = methods.filter_map(|it| outline.field(it, &["name"])).map(|it| outline.text(it).to_owned());
    let is_heritage = |it: &usize| {
        let named = matches!(outline.node(*it).kind(), "class_heritage" | "superclass");
        named || outline.field_name(*it) == Some("superclasses")
    };
    let heritage = outline.children(index).find(is_heritage);
    let bases = heritage.map_or_else(Vec::new, |it| outline.subtree(it).filter(|it| is_name(outline, *it)).collect());
    Some(TypeShape {
        name: outline.range(name),
        definition: outline.range(index),
        kind: type_kind,
        members: members.flat_map(|it| members_at(outline, it)).collect(),
        methods: methods.collect(),
        bases: bases.into_iter().map(|it| outline.text(it).to_owned()).collect(),
    })
}

fn is_own_member(outline: &Outline<'_>, owner: usize, index: usize) -> bool {
    let kind = outline.node(index).kind();
    let is_member = is_member_definition(kind, Some("name"))
        || kind == "assignment" && outline.field(index, &["left"]).is_some_and(|it| is_class_level(outline, it));
    let nearest = outline.ancestors(index).find(|it| is_type_kind(outline.node(*it).kind()));
    is_member && nearest == Some(owner)
}

fn members_at(outline: &Outline<'_>, index: usize) -> Vec<Member> {
    let declarator = outline.field(index, &["declarator"]);
    let names: Vec<usize> = match declarator.and_then(|it| outline.field(it, &["name"])) {
        Some(name) => vec![name],
        None => {
            let is_name = |it: &usize| matches!(outline.field_name(*it), Some("name" | "left" | "property"));
            outline.parts(index).filter(is_name).collect()
        }
    };
    let kind = outline.field(index, &["type", "body"]).map(|it| without_colon(outline, it));
    let member = |name: usize| Member { name: outline.range(name), range: outline.range(index), kind: kind.clone() };
    names.into_iter().map(member).collect()
}

fn literal_at(outline: &Outline<'_>, index: usize) -> Option<RecordLiteral> {
    let kind = outline.node(index).kind();
    if !matches!(kind, "struct_expression" | "composite_literal") {
        return None;
    }
    let type_name = outline.field(index, &["name", "type"])?;
    let body = outline.field(index, &["body"])?;
    let mut entries = Vec::new();
    let mut has_rest = false;
    for part in outline.parts(body) {
        match outline.node(part).kind() {
            "base_field_initializer" => has_rest = true,
            "field_initializer" | "shorthand_field_initializer" | "keyed_element" => {
                let name = outline.subtree(part).find(|it| is_name(outline, *it))?;
                entries.push((outline.text(name).to_owned(), outline.range(part)));
            }
            _ => return None,
        }
    }
    Some(RecordLiteral {
        range: outline.range(index),
        type_name: outline.text(type_name).to_owned(),
        entries,
        has_rest,
    })
}

fn match_at(outline: &Outline<'_>, index: usize) -> Option<Match> {
    let body = outline.field(index, &["body"])?;
    let arms = outline.parts(body).filter(|it| outline.node(*it).kind() == "match_arm");
    let arm = |it: usize| Some((outline.range(outline.field(it, &["pattern"])?), outline.range(it)));
    Some(Match { range: outline.range(index), arms: arms.filter_map(arm).collect() })
}

/// Returns the names that a language has by itself and that are never imported, where that is known.
pub fn is_keyword(language: Language, word: &str) -> bool {
    keywords(language).contains(&word)
}

/// Returns the words that start statements and definitions.
pub fn keywords(language: Language) -> &'static [&'static str] {
    match language {
        Language::Python => &[
            "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del", "elif", "else",
            "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "not", "or", "pass",
            "raise", "return", "try", "while", "with", "yield", "None", "True", "False", "nonlocal",
        ],
        Language::Rust => &[
            "as", "async", "await", "break", "const", "continue", "else", "enum", "extern", "fn", "for", "if", "impl",
            "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "self", "static", "struct",
            "super", "trait", "type", "unsafe", "use", "where", "while",
        ],
        Language::Go => &[
            "break",
            "case",
            "chan",
            "const",
            "continue",
            "default",
            "defer",
            "else",
            "fallthrough",
            "for",
            "func",
            "go",
            "if",
            "import",
            "interface",
            "map",
            "package",
            "range",
            "return",
            "select",
            "struct",
            "switch",
            "type",
            "var",
        ],
        Language::Java => &[
            "abstract",
            "assert",
            "boolean",
            "break",
            "case",
            "catch",
            "class",
            "continue",
            "default",
            "do",
            "else",
            "enum",
            "extends",
            "final",
            "finally",
            "for",
            "if",
            "implements",
            "import",
            "instanceof",
            "interface",
            "new",
            "package",
            "private",
            "protected",
            "public",
            "return",
            "static",
            "super",
            "switch",
            "this",
            "throw",
            "throws",
            "try",
            "void",
            "while",
        ],
        Language::Cpp => &[
            "alignas",
            "alignof",
            "auto",
            "bool",
            "break",
            "case",
            "catch",
            "char",
            "class",
            "const",
            "const_cast",
            "constexpr",
            "continue",
            "decltype",
            "default",
            "delete",
            "do",
            "double",
            "dynamic_cast",
            "else",
            "enum",
            "explicit",
            "extern",
            "false",
            "float",
            "for",
            "friend",
            "goto",
            "if",
            "inline",
            "int",
            "long",
            "mutable",
            "namespace",
            "new",
            "noexcept",
            "nullptr",
            "operator",
            "private",
            "protected",
            "public",
            "register",
            "reinterpret_cast",
            "return",
            "short",
            "signed",
            "sizeof",
            "static",
            "static_assert",
            "static_cast",
            "struct",
            "switch",
            "template",
            "this",
            "throw",
            "true",
            "try",
            "typedef",
            "typename",
            "union",
            "unsigned",
            "using",
            "virtual",
            "void",
            "volatile",
            "while",
        ],
        Language::JavaScript | Language::TypeScript | Language::Tsx => &[
            "async",
            "await",
            "break",
            "case",
            "catch",
            "class",
            "const",
            "continue",
            "default",
            "delete",
            "else",
            "enum",
            "export",
            "extends",
            "finally",
            "for",
            "function",
            "if",
            "implements",
            "import",
            "in",
            "instanceof",
            "interface",
            "let",
            "new",
            "of",
            "private",
            "protected",
            "public",
            "return",
            "static",
            "super",
            "switch",
            "this",
            "throw",
            "try",
            "type",
            "typeof",
            "var",
            "void",
            "while",
            "yield",
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(language: Language, text: &str) -> SyntaxTree {
        SyntaxTree::parse(language, text)
    }

    fn bound(language: Language, text: &str, name: &str) -> Vec<(Option<Binding>, String)> {
        let tree = parse(language, text);
        let names = tree.names().into_iter().filter(|it| it.text == name);
        names.map(|it| (it.binding, text[it.scope].to_owned())).collect()
    }

    #[test]
    fn parameters_are_read_in_every_language() {
        for (language, text) in [
            (Language::Python, "class A:\n    def f(self, a, b: int = 1):\n        pass\n"),
            (Language::Rust, "impl A { fn f(&self, a: u8, b: Option<u8>) {} }"),
            (Language::Go, "package p\nfunc (x *A) f(a, b int) {}\n"),
            (Language::TypeScript, "class A { f(a: string, b?: number): void {} }"),
            (Language::JavaScript, "const f = (a, b = 1) => { return a; };"),
            (Language::Java, "class A { void f(int a, String b) {} }"),
        ] {
            let tree = parse(language, text);
            let signatures = tree.signatures();
            let names: Vec<_> = signatures[0].parameters.iter().map(|it| &text[it.name.clone()]).collect();
            assert_eq!(names, ["a", "b"], "{language:?}");
            assert_eq!(&text[signatures[0].name.clone()], "f");
        }
    }

    #[test]
    fn members_are_read_in_every_language() {
        for (language, text) in [
            (Language::Python, "class A:\n    a: int\n    b: str = ''\n"),
            (Language::Rust, "struct A { a: u8, pub b: u8 }"),
            (Language::Rust, "enum A { a, b(u8) }"),
            (Language::Go, "package p\ntype A struct {\n\ta int\n\tb string\n}\n"),
            (Language::TypeScript, "interface A { a: string; b?: number }"),
            (Language::Java, "class A { private int a; String b = null; }"),
        ] {
            let tree = parse(language, text);
            let shapes = tree.type_shapes();
            let names: Vec<_> = shapes[0].members.iter().map(|it| &text[it.name.clone()]).collect();
            assert_eq!(names, ["a", "b"], "{language:?}");
        }
    }

    #[test]
    fn a_type_knows_what_it_inherits_from() {
        for (language, text) in [
            (Language::Python, "class A(B):\n    pass\n"),
            (Language::TypeScript, "class A extends B {}"),
            (Language::JavaScript, "class A extends B {}"),
            (Language::Java, "class A extends B {}"),
        ] {
            assert_eq!(parse(language, text).type_shapes()[0].bases, ["B"], "{language:?}");
        }
    }

    #[test]
    fn a_binding_knows_what_it_is_and_where_it_holds() {
        let text = "def f(a):\n    return a\n";
        let found = bound(Language::Python, text, "a");
        assert_eq!(found[0], (Some(Binding::Parameter), text.trim_end().to_owned()));
        assert_eq!(found[1].0, None);
        let found = bound(Language::Rust, "fn f() { let mut s = 1; s += 1; }", "s");
        assert_eq!(found[0], (Some(Binding::Variable), "{ let mut s = 1; s += 1; }".to_owned()));
        assert_eq!(bound(Language::Go, "package p\ntype A struct {\n\tb int\n}\n", "b")[0].0, Some(Binding::Member));
        assert_eq!(bound(Language::Python, "import numpy as np\n", "np")[0].0, Some(Binding::Import));
    }

    #[test]
    fn calls_and_literals_are_taken_apart() {
        let text = "async function g() { await f(1, x); }";
        let calls = parse(Language::TypeScript, text).calls();
        assert_eq!((calls.len(), calls[0].arguments.len(), calls[0].is_awaited), (1, 2, true));
        let literals = parse(Language::Go, "package p\nvar a = &A{b: 1, c: 2}\n").record_literals();
        let names: Vec<_> = literals[0].entries.iter().map(|it| it.0.as_str()).collect();
        assert_eq!((literals[0].type_name.as_str(), names), ("A", vec!["b", "c"]));
    }
}
