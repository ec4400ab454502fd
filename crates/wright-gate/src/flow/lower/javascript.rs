//! JavaScript and TypeScript.

use std::sync::Arc;

use wright_text::Node;

use super::{Lowering, children, integer, unescape};
use crate::flow::ir::{Arg, Case, Const, ExprId, ExprKind, Function, FunctionId, Param, Stmt};

/// Lowers a statement.
pub(super) fn statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    match node.kind() {
        "import_statement" => import(lowering, node),
        "lexical_declaration" | "variable_declaration" | "using_declaration" => {
            for declarator in children(node) {
                declare(lowering, declarator, out);
            }
        }
        "export_statement" => {
            for child in children(node) {
                let statements = lowering.block(Some(child), statement);
                out.extend(statements);
            }
        }
        "function_declaration" | "generator_function_declaration" => {
            let id = function(lowering, node, false);
            out.push(Stmt::Function(id));
        }
        "class_declaration" | "abstract_class_declaration" => class(lowering, node, out),
        "if_statement" => {
            let condition = field(lowering, node, "condition");
            let then = body(lowering, node.child_by_field_name("consequence"));
            let otherwise = body(lowering, node.child_by_field_name("alternative"));
            out.push(Stmt::If { condition, then, otherwise });
        }
        "for_statement" => {
            let start = body(lowering, node.child_by_field_name("initializer"));
            out.extend(start);
            let condition = node.child_by_field_name("condition").map(|it| expr(lowering, it));
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition, each: None, body });
        }
        "for_in_statement" => {
            let target = field(lowering, node, "left");
            let iterated = field(lowering, node, "right");
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition: None, each: Some((target, iterated)), body });
        }
        "while_statement" | "do_statement" => {
            let condition = Some(field(lowering, node, "condition"));
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition, each: None, body });
        }
        "try_statement" => {
            let tried = body(lowering, node.child_by_field_name("body"));
            let handler = node.child_by_field_name("handler").and_then(|it| it.child_by_field_name("body"));
            let handlers = handler.map(|it| body(lowering, Some(it))).into_iter().collect();
            let last = node.child_by_field_name("finalizer").and_then(|it| it.child_by_field_name("body"));
            let last = body(lowering, last);
            out.push(Stmt::Try { body: tried, handlers, last });
        }
        "switch_statement" => out.push(switch(lowering, node)),
        "return_statement" => {
            let value = children(node).first().map(|it| expr(lowering, *it));
            out.push(Stmt::Return(value));
        }
        "throw_statement" => {
            let value = children(node).first().map(|it| expr(lowering, *it));
            out.push(Stmt::Leave(value));
        }
        "break_statement" | "continue_statement" => out.push(Stmt::Jump),
        "statement_block" | "else_clause" | "program" | "ERROR" | "class_static_block" => {
            for child in children(node) {
                let statements = lowering.block(Some(child), statement);
                out.extend(statements);
            }
        }
        "labeled_statement" => {
            let statements = body(lowering, node.child_by_field_name("body"));
            out.extend(statements);
        }
        "expression_statement" => {
            for child in children(node) {
                expression_statement(lowering, child, out);
            }
        }
        "interface_declaration" | "type_alias_declaration" | "empty_statement" | "comment" | "hash_bang_line" => {}
        _ => {
            let value = expr(lowering, node);
            out.push(Stmt::Expr(value));
        }
    }
}

fn body<'t>(lowering: &mut Lowering<'t>, node: Option<Node<'t>>) -> Vec<Stmt<'t>> {
    lowering.block(node, statement)
}

fn import<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) {
    let source = node.child_by_field_name("source").map(|it| lowering.text_of(it)).unwrap_or_default();
    let module = source.trim_matches(['"', '\'', '`']);
    let module = module.strip_prefix("node:").unwrap_or(module);
    lowering.program.imports.entry("*").or_default().push_str(&format!(" {module}"));
    for part in children(node).into_iter().filter(|it| it.kind() == "import_clause").flat_map(children) {
        match part.kind() {
            "identifier" => drop(lowering.program.imports.insert(lowering.text_of(part), module.to_owned())),
            "namespace_import" => {
                for name in children(part) {
                    lowering.program.imports.insert(lowering.text_of(name), module.to_owned());
                }
            }
            _ => {
                for specifier in children(part) {
                    let name = lowering.field_text(specifier, "name");
                    let alias = lowering.field_text(specifier, "alias");
                    let local = if alias.is_empty() { name } else { alias };
                    lowering.program.imports.insert(local, format!("{module}.{name}"));
                }
            }
        }
    }
}

fn declare<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let Some(name) = node.child_by_field_name("name") else { return };
    let Some(value) = node.child_by_field_name("value") else { return };
    if let Some(id) = named_function(lowering, name, value) {
        out.push(Stmt::Function(id));
        return;
    }
    let value = expr(lowering, value);
    let target = expr(lowering, name);
    out.push(Stmt::Assign { target, value });
}

/// `const name = (…) => …` is a function like any other.
fn named_function<'t>(lowering: &mut Lowering<'t>, name: Node<'t>, value: Node<'t>) -> Option<FunctionId> {
    let is_function = matches!(value.kind(), "arrow_function" | "function_expression" | "generator_function");
    if !is_function || name.kind() != "identifier" {
        return None;
    }
    let name = lowering.text_of(name);
    let params = params(lowering, value);
    let made = Function { name, params, range: value.byte_range(), ..Function::default() };
    Some(lowering.function(made, |lowering| function_body(lowering, value)))
}

fn expression_statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    match node.kind() {
        "assignment_expression" => {
            let value = field(lowering, node, "right");
            let target = field(lowering, node, "left");
            out.push(Stmt::Assign { target, value });
        }
        "augmented_assignment_expression" => {
            let (target, value) = (field(lowering, node, "left"), field(lowering, node, "right"));
            let adds = lowering.field_text(node, "operator") == "+=";
            out.push(Stmt::Augment { target, value, adds });
        }
        "sequence_expression" => {
            for child in children(node) {
                let value = expr(lowering, child);
                out.push(Stmt::Expr(value));
            }
        }
        _ => {
            let value = expr(lowering, node);
            out.push(Stmt::Expr(value));
        }
    }
}

fn switch<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Stmt<'t> {
    let subject = node.child_by_field_name("value").map(|it| expr(lowering, it));
    let mut cases: Vec<Case<'t>> = Vec::new();
    for clause in node.child_by_field_name("body").map(children).unwrap_or_default() {
        let value = clause.child_by_field_name("value");
        let statements = lowering.block(Some(clause), |lowering, clause, out| {
            for child in children(clause).into_iter().filter(|it| Some(*it) != value) {
                let inner = lowering.block(Some(child), statement);
                out.extend(inner);
            }
        });
        let patterns = value.map(|it| expr(lowering, it)).into_iter().collect();
        let is_default = clause.kind() == "switch_default";
        cases.push(Case { patterns, guard: None, is_default, body: statements, falls_through: true });
    }
    // What leaves a case goes on behind the switch.
    for case in &mut cases {
        if matches!(case.body.last(), Some(Stmt::Jump)) {
            case.body.pop();
            case.falls_through = false;
        }
    }
    Stmt::Switch { subject, cases }
}

fn class<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let name = lowering.field_text(node, "name");
    let Some(inner) = node.child_by_field_name("body").filter(|_| lowering.depth < super::MAX_DEPTH) else { return };
    lowering.depth += 1;
    lowering.class(name, |lowering| {
        for member in children(inner) {
            match member.kind() {
                "method_definition" => {
                    let decorators = decorators(lowering, member);
                    let id = function(lowering, member, false);
                    lowering.program.functions[id].decorators = decorators;
                    out.push(Stmt::Function(id));
                }
                "field_definition" | "public_field_definition" => {
                    if let Some(value) = member.child_by_field_name("value") {
                        let value = expr(lowering, value);
                        out.push(Stmt::Expr(value));
                    }
                }
                _ => {}
            }
        }
    });
    lowering.depth -= 1;
}

/// TypeScript writes decorators in front of the method, as siblings.
fn decorators<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Vec<ExprId> {
    let mut found = Vec::new();
    let mut before = node.prev_named_sibling();
    while let Some(decorator) = before.filter(|it| it.kind() == "decorator") {
        found.push(lowering.merge(decorator, expr));
        before = decorator.prev_named_sibling();
    }
    found
}

fn function<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, is_closure: bool) -> FunctionId {
    let params = params(lowering, node);
    let name = lowering.field_text(node, "name");
    let function = Function { name, params, range: node.byte_range(), is_closure, ..Function::default() };
    lowering.function(function, |lowering| function_body(lowering, node))
}

fn function_body<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Vec<Stmt<'t>> {
    match node.child_by_field_name("body") {
        Some(block) if block.kind() == "statement_block" => body(lowering, Some(block)),
        Some(value) => {
            let value = expr(lowering, value);
            vec![Stmt::Return(Some(value))]
        }
        None => Vec::new(),
    }
}

fn params<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Vec<Param<'t>> {
    if let Some(only) = node.child_by_field_name("parameter") {
        return vec![Param { name: lowering.text_of(only), ..Param::default() }];
    }
    let mut params = Vec::new();
    for param in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
        let pattern =
            param.child_by_field_name("pattern").or_else(|| param.child_by_field_name("left")).unwrap_or(param);
        let default = param.child_by_field_name("value").or_else(|| param.child_by_field_name("right"));
        let default = default.map(|it| expr(lowering, it));
        let type_path = param.child_by_field_name("type").map(|it| type_name(lowering, it)).unwrap_or_default();
        let annotations =
            children(param).into_iter().filter(|it| it.kind() == "decorator").map(|it| lowering.text_of(it)).collect();
        let is_name = matches!(pattern.kind(), "identifier" | "this");
        let name = if is_name { lowering.text_of(pattern) } else { "" };
        let pattern = if is_name { None } else { Some(expr(lowering, pattern)) };
        // A pattern has a name too, so that what it takes apart has a source.
        let name = if pattern.is_some() { lowering.text_of(param) } else { name };
        params.push(Param { name, type_path, annotations, default, pattern });
    }
    params
}

fn type_name(lowering: &Lowering<'_>, node: Node<'_>) -> String {
    let text = lowering.text_of(node).trim_start_matches([':', ' ']);
    let end = text.find(|it: char| !(it.is_alphanumeric() || it == '_' || it == '.')).unwrap_or(text.len());
    text[..end].to_owned()
}

fn field<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, name: &str) -> ExprId {
    match node.child_by_field_name(name) {
        Some(child) => expr(lowering, child),
        None => lowering.unknown(node),
    }
}

/// Lowers an expression.
fn expr<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    lowering.deeper(node, expr_here)
}

fn expr_here<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    match node.kind() {
        "identifier" | "this" | "shorthand_property_identifier" | "shorthand_property_identifier_pattern" | "super" => {
            lowering.name(node)
        }
        "number" => match integer(lowering.text_of(node)) {
            Some(value) => lowering.push(ExprKind::Constant(Const::Int(value)), node),
            None => lowering.unknown(node),
        },
        "true" => lowering.push(ExprKind::Constant(Const::Bool(true)), node),
        "false" => lowering.push(ExprKind::Constant(Const::Bool(false)), node),
        "null" | "undefined" => lowering.push(ExprKind::Constant(Const::Null), node),
        "string" => {
            let text = lowering.text_of(node);
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
            lowering.string(&unescape(inner), node)
        }
        "regex" => {
            let pattern = lowering.field_text(node, "pattern");
            lowering.string(pattern, node)
        }
        "template_string" => template(lowering, node),
        "member_expression" => {
            let object = field(lowering, node, "object");
            let name = lowering.field_text(node, "property");
            lowering.push(ExprKind::Member(object, name), node)
        }
        "subscript_expression" => {
            let object = field(lowering, node, "object");
            let index = field(lowering, node, "index");
            lowering.push(ExprKind::Index(object, index), node)
        }
        "call_expression" => call(lowering, node, "function"),
        "new_expression" => call(lowering, node, "constructor"),
        "binary_expression" => lowering.binary(node, expr),
        "unary_expression" => unary(lowering, node),
        "ternary_expression" => {
            let condition = field(lowering, node, "condition");
            let then = field(lowering, node, "consequence");
            let otherwise = field(lowering, node, "alternative");
            lowering.push(ExprKind::Conditional(condition, then, otherwise), node)
        }
        "assignment_expression" | "assignment_pattern" | "object_assignment_pattern" => {
            let value = field(lowering, node, "right");
            let target = field(lowering, node, "left");
            lowering.push(ExprKind::Assign(target, value), node)
        }
        "array" | "array_pattern" => {
            let parts = children(node).into_iter().map(|it| expr(lowering, it)).collect();
            lowering.push(ExprKind::Sequence(parts), node)
        }
        "object" | "object_pattern" => object(lowering, node),
        "arrow_function" | "function_expression" | "generator_function" => {
            let id = function(lowering, node, true);
            lowering.push(ExprKind::Function(id), node)
        }
        "class" => {
            let mut statements = Vec::new();
            class(lowering, node, &mut statements);
            lowering.push(ExprKind::Block(statements), node)
        }
        "jsx_element" => jsx(lowering, node),
        "jsx_self_closing_element" => jsx_tag(lowering, node),
        "as_expression" | "satisfies_expression" | "non_null_expression" | "type_assertion" => {
            match children(node).into_iter().find(|it| !it.kind().contains("type")) {
                Some(inner) => expr(lowering, inner),
                None => lowering.unknown(node),
            }
        }
        "comment" | "type_arguments" | "type_annotation" => lowering.unknown(node),
        _ => lowering.merge(node, expr),
    }
}

fn template<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let mut pieces = Vec::new();
    for part in children(node) {
        if part.kind() == "template_substitution" {
            pieces.push(lowering.merge(part, expr));
        } else {
            let text = unescape(lowering.text_of(part));
            pieces.push(lowering.string(&text, part));
        }
    }
    lowering.push(ExprKind::Concat(pieces), node)
}

fn unary<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let inner = field(lowering, node, "argument");
    match lowering.field_text(node, "operator") {
        "!" => lowering.push(ExprKind::Not(inner), node),
        "-" => lowering.push(ExprKind::Negative(inner), node),
        // A number or a word of the language, whatever it was.
        "+" | "~" | "typeof" | "void" | "delete" => lowering.unknown(node),
        _ => inner,
    }
}

fn call<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, callee: &str) -> ExprId {
    let callee = field(lowering, node, callee);
    let mut args = Vec::new();
    for argument in node
        .child_by_field_name("arguments")
        .map(|it| match it.kind() {
            "template_string" => vec![it],
            _ => children(it),
        })
        .unwrap_or_default()
    {
        let is_spread = argument.kind() == "spread_element";
        args.push(Arg { name: None, value: expr(lowering, argument), is_spread });
    }
    lowering.call(callee, args, node)
}

fn object<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let mut pairs = Vec::new();
    for child in children(node) {
        match child.kind() {
            "pair" | "pair_pattern" => {
                let key = child.child_by_field_name("key");
                let key = match key {
                    Some(key) if matches!(key.kind(), "property_identifier" | "number") => {
                        let text = lowering.text_of(key);
                        lowering.string(text, key)
                    }
                    Some(key) => expr(lowering, key),
                    None => lowering.unknown(child),
                };
                let value = field(lowering, child, "value");
                pairs.push((Some(key), value));
            }
            "shorthand_property_identifier" | "shorthand_property_identifier_pattern" => {
                let text = lowering.text_of(child);
                let key = lowering.string(text, child);
                let value = lowering.name(child);
                pairs.push((Some(key), value));
            }
            "object_assignment_pattern" => {
                let text = child.child_by_field_name("left").map(|it| lowering.text_of(it)).unwrap_or_default();
                let key = lowering.push(ExprKind::Constant(Const::Str(Arc::from(text))), child);
                let value = expr(lowering, child);
                pairs.push((Some(key), value));
            }
            "method_definition" => {
                let id = function(lowering, child, true);
                let key = lowering.field_text(child, "name");
                let key = lowering.string(key, child);
                let value = lowering.push(ExprKind::Function(id), child);
                pairs.push((Some(key), value));
            }
            _ => {
                let rest = lowering.merge(child, expr);
                pairs.push((None, rest));
            }
        }
    }
    lowering.push(ExprKind::Mapping(pairs), node)
}

/// An element is a call of `jsx` with its attributes as named arguments.
fn jsx<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let mut parts = Vec::new();
    for child in children(node) {
        match child.kind() {
            "jsx_opening_element" => parts.push(jsx_tag(lowering, child)),
            "jsx_closing_element" | "jsx_text" => {}
            _ => parts.push(expr(lowering, child)),
        }
    }
    // React escapes what is between the tags, so nothing of it counts as the element's value.
    lowering.push(ExprKind::Sequence(parts), node)
}

fn jsx_tag<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let callee = lowering.push(ExprKind::Name("jsx"), node);
    let object = lowering.field_text(node, "name");
    let callee = lowering.push(ExprKind::Member(callee, object), node);
    let mut args = Vec::new();
    for attribute in super::fields(node, "attribute") {
        let parts = children(attribute);
        match (attribute.kind(), parts.as_slice()) {
            ("jsx_attribute", [name, value]) => {
                let name = Some(lowering.text_of(*name));
                args.push(Arg { name, value: expr(lowering, *value), is_spread: false });
            }
            ("jsx_attribute", _) => {}
            _ => args.push(Arg { name: None, value: lowering.merge(attribute, expr), is_spread: true }),
        }
    }
    lowering.call(callee, args, node)
}
