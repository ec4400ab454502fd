//! Python.

use std::sync::Arc;

use wright_text::Node;

use super::{Lowering, children, fields, integer, operator_of, unescape};
use crate::flow::ir::{Arg, Case, Const, ExprId, ExprKind, Function, FunctionId, Operator, Param, Stmt};

/// Lowers a statement.
pub(super) fn statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    match node.kind() {
        "expression_statement" => {
            for child in children(node) {
                expression_statement(lowering, child, out);
            }
        }
        "import_statement" | "import_from_statement" | "future_import_statement" => import(lowering, node),
        "if_statement" => {
            let alternatives = fields(node, "alternative");
            out.push(if_statement(lowering, node, &alternatives));
        }
        "for_statement" => {
            let target = field(lowering, node, "left");
            let iterated = field(lowering, node, "right");
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition: None, each: Some((target, iterated)), body });
            out.extend(body_of_else(lowering, node));
        }
        "while_statement" => {
            let condition = Some(field(lowering, node, "condition"));
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition, each: None, body });
            out.extend(body_of_else(lowering, node));
        }
        "try_statement" => out.push(try_statement(lowering, node)),
        "with_statement" => with_statement(lowering, node, out),
        "match_statement" => out.push(match_statement(lowering, node)),
        "return_statement" => {
            let value = children(node).first().map(|it| expr(lowering, *it));
            out.push(Stmt::Return(value));
        }
        "break_statement" | "continue_statement" => out.push(Stmt::Jump),
        "raise_statement" => {
            let value = children(node).first().map(|it| expr(lowering, *it));
            out.push(Stmt::Leave(value));
        }
        "assert_statement" => {
            if let Some(condition) = children(node).first() {
                let condition = expr(lowering, *condition);
                let name = lowering.push(ExprKind::Name("assert"), node);
                let call = lowering.call(name, vec![positional(condition)], node);
                out.push(Stmt::Expr(call));
                out.push(Stmt::Assert(condition));
            }
        }
        "delete_statement" | "global_statement" | "nonlocal_statement" | "pass_statement" | "comment" => {}
        "print_statement" | "exec_statement" => {
            let args = children(node).into_iter().map(|it| expr(lowering, it)).map(positional).collect();
            let name = if node.kind() == "print_statement" { "print" } else { "exec" };
            let name = lowering.push(ExprKind::Name(name), node);
            let call = lowering.call(name, args, node);
            out.push(Stmt::Expr(call));
        }
        "function_definition" => out.push(Stmt::Function(function(lowering, node, Vec::new()))),
        "class_definition" => class(lowering, node, out),
        "decorated_definition" => decorated(lowering, node, out),
        "block" | "module" | "ERROR" => {
            for child in children(node) {
                let statements = lowering.block(Some(child), statement);
                out.extend(statements);
            }
        }
        _ => {
            let value = expr(lowering, node);
            out.push(Stmt::Expr(value));
        }
    }
}

fn body<'t>(lowering: &mut Lowering<'t>, node: Option<Node<'t>>) -> Vec<Stmt<'t>> {
    lowering.block(node, statement)
}

fn body_of_else<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Vec<Stmt<'t>> {
    let otherwise = node.child_by_field_name("alternative").and_then(|it| it.child_by_field_name("body"));
    body(lowering, otherwise)
}

fn expression_statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    match node.kind() {
        "assignment" => {
            let Some(right) = node.child_by_field_name("right") else { return };
            // `a = b = value` nests to the right.
            let mut targets = vec![node];
            let mut value = right;
            while value.kind() == "assignment" && targets.len() < 16 {
                targets.push(value);
                let Some(next) = value.child_by_field_name("right") else { return };
                value = next;
            }
            let value = expr(lowering, value);
            for assignment in targets {
                let target = field(lowering, assignment, "left");
                out.push(Stmt::Assign { target, value });
            }
        }
        "augmented_assignment" => {
            let (target, value) = (field(lowering, node, "left"), field(lowering, node, "right"));
            let adds = lowering.field_text(node, "operator") == "+=";
            out.push(Stmt::Augment { target, value, adds });
        }
        _ => {
            let value = expr(lowering, node);
            out.push(Stmt::Expr(value));
        }
    }
}

fn import<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) {
    let module = node.child_by_field_name("module_name").map(|it| lowering.text_of(it).trim_start_matches('.'));
    for name in fields(node, "name") {
        let (path, alias) = match name.kind() {
            "aliased_import" => (lowering.field_text(name, "name"), lowering.field_text(name, "alias")),
            _ => (lowering.text_of(name), ""),
        };
        let (local, full) = match module {
            Some("") => (alias_or(alias, path), path.to_owned()),
            Some(module) => (alias_or(alias, path), format!("{module}.{path}")),
            None if alias.is_empty() => {
                let first = path.split('.').next().unwrap_or(path);
                (first, first.to_owned())
            }
            None => (alias, path.to_owned()),
        };
        lowering.program.imports.insert(local, full);
    }
    // Whether a module is used at all matters to a few rules, whatever was taken from it.
    if let Some(module) = module {
        lowering.program.imports.entry("*").or_default().push_str(&format!(" {module}"));
    }
}

fn alias_or<'t>(alias: &'t str, path: &'t str) -> &'t str {
    if alias.is_empty() { path } else { alias }
}

fn if_statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, rest: &[Node<'t>]) -> Stmt<'t> {
    let condition = field(lowering, node, "condition");
    let then = body(lowering, node.child_by_field_name("consequence"));
    let otherwise = match rest {
        [] => Vec::new(),
        [first, ..] if first.kind() == "else_clause" => body(lowering, first.child_by_field_name("body")),
        // A long chain of `elif` nests here; the depth counts it.
        [first, rest @ ..] => lowering.block(Some(*first), |lowering, first, out| {
            out.push(if_statement(lowering, first, rest));
        }),
    };
    Stmt::If { condition, then, otherwise }
}

fn try_statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Stmt<'t> {
    let mut tried = body(lowering, node.child_by_field_name("body"));
    let (mut handlers, mut last) = (Vec::new(), Vec::new());
    for child in children(node) {
        match child.kind() {
            "except_clause" => {
                let block = children(child).into_iter().find(|it| it.kind() == "block");
                handlers.push(body(lowering, block));
            }
            "else_clause" => tried.extend(body(lowering, child.child_by_field_name("body"))),
            "finally_clause" => {
                let block = children(child).into_iter().find(|it| it.kind() == "block");
                last = body(lowering, block);
            }
            _ => {}
        }
    }
    Stmt::Try { body: tried, handlers, last }
}

fn with_statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let clauses = children(node).into_iter().filter(|it| it.kind() == "with_clause");
    for item in clauses.flat_map(children) {
        let Some(value) = item.child_by_field_name("value") else { continue };
        if value.kind() != "as_pattern" {
            let value = expr(lowering, value);
            out.push(Stmt::Expr(value));
            continue;
        }
        let parts = children(value);
        let [value, target] = parts.as_slice() else { continue };
        let value = expr(lowering, *value);
        let target = target.named_child(0).unwrap_or(*target);
        let target = expr(lowering, target);
        out.push(Stmt::Assign { target, value });
    }
    let inner = body(lowering, node.child_by_field_name("body"));
    out.extend(inner);
}

fn match_statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Stmt<'t> {
    let subject = node.child_by_field_name("subject").map(|it| expr(lowering, it));
    let block = node.child_by_field_name("body").map(children).unwrap_or_default();
    let mut cases = Vec::new();
    for clause in block.into_iter().filter(|it| it.kind() == "case_clause") {
        let patterns: Vec<Node<'t>> = children(clause).into_iter().filter(|it| it.kind() == "case_pattern").collect();
        let is_default = patterns.iter().any(|it| is_wildcard(lowering.text_of(*it)));
        let alternatives = patterns.into_iter().flat_map(|it| match it.named_child(0) {
            Some(inner) if inner.kind() == "union_pattern" => children(inner),
            Some(inner) => vec![inner],
            None => Vec::new(),
        });
        let patterns = alternatives.collect::<Vec<_>>().into_iter().map(|it| expr(lowering, it)).collect();
        let guard = clause.child_by_field_name("guard").and_then(|it| it.named_child(0)).map(|it| expr(lowering, it));
        let body = body(lowering, clause.child_by_field_name("consequence"));
        cases.push(Case { patterns, guard, is_default, body, falls_through: false });
    }
    Stmt::Switch { subject, cases }
}

fn is_wildcard(pattern: &str) -> bool {
    !pattern.is_empty()
        && pattern.chars().all(|it| it.is_alphanumeric() || it == '_')
        && !pattern.starts_with(char::is_numeric)
}

fn decorated<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let decorators: Vec<ExprId> = children(node)
        .into_iter()
        .filter(|it| it.kind() == "decorator")
        .filter_map(|it| it.named_child(0))
        .map(|it| expr(lowering, it))
        .collect();
    let Some(definition) = node.child_by_field_name("definition") else { return };
    match definition.kind() {
        "function_definition" => out.push(Stmt::Function(function(lowering, definition, decorators))),
        "class_definition" => class(lowering, definition, out),
        _ => {}
    }
}

fn class<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let name = lowering.field_text(node, "name");
    let Some(inner) = node.child_by_field_name("body").filter(|_| lowering.depth < super::MAX_DEPTH) else { return };
    lowering.depth += 1;
    lowering.class(name, |lowering| {
        for child in children(inner) {
            statement(lowering, child, out);
        }
    });
    lowering.depth -= 1;
}

fn function<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, decorators: Vec<ExprId>) -> FunctionId {
    let params = params(lowering, node.child_by_field_name("parameters"));
    let function = Function {
        name: lowering.field_text(node, "name"),
        params,
        decorators,
        range: node.byte_range(),
        ..Function::default()
    };
    lowering.function(function, |lowering| body(lowering, node.child_by_field_name("body")))
}

fn params<'t>(lowering: &mut Lowering<'t>, node: Option<Node<'t>>) -> Vec<Param<'t>> {
    let mut params = Vec::new();
    for param in node.map(children).unwrap_or_default() {
        let name = match param.kind() {
            "identifier" => param,
            _ => match param.child_by_field_name("name").or_else(|| param.named_child(0)) {
                Some(name) => name,
                None => continue,
            },
        };
        let name = if name.kind() == "identifier" { name } else { name.named_child(0).unwrap_or(name) };
        let type_path = param.child_by_field_name("type").map(|it| type_path(lowering, it)).unwrap_or_default();
        let default = param.child_by_field_name("value").map(|it| expr(lowering, it));
        params.push(Param { name: lowering.text_of(name), type_path, default, ..Param::default() });
    }
    params
}

fn type_path(lowering: &Lowering<'_>, node: Node<'_>) -> String {
    let text = lowering.text_of(node);
    let end = text.find(|it: char| !(it.is_alphanumeric() || it == '_' || it == '.')).unwrap_or(text.len());
    let (first, rest) = text[..end].split_once('.').unwrap_or((&text[..end], ""));
    let first = lowering.program.imports.get(first).map_or(first, String::as_str);
    if rest.is_empty() { first.to_owned() } else { format!("{first}.{rest}") }
}

fn field<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, name: &str) -> ExprId {
    match node.child_by_field_name(name) {
        Some(child) => expr(lowering, child),
        None => lowering.unknown(node),
    }
}

fn positional<'t>(value: ExprId) -> Arg<'t> {
    Arg { name: None, value, is_spread: false }
}

/// Lowers an expression.
fn expr<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    lowering.deeper(node, expr_here)
}

fn expr_here<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    match node.kind() {
        "identifier" => lowering.name(node),
        "integer" => match integer(lowering.text_of(node)) {
            Some(value) => lowering.push(ExprKind::Constant(Const::Int(value)), node),
            None => lowering.unknown(node),
        },
        "true" => lowering.push(ExprKind::Constant(Const::Bool(true)), node),
        "false" => lowering.push(ExprKind::Constant(Const::Bool(false)), node),
        "none" => lowering.push(ExprKind::Constant(Const::Null), node),
        "string" => string(lowering, node),
        "concatenated_string" => {
            let parts = children(node).into_iter().map(|it| expr(lowering, it)).collect();
            lowering.push(ExprKind::Concat(parts), node)
        }
        "attribute" => {
            let object = field(lowering, node, "object");
            let name = lowering.field_text(node, "attribute");
            lowering.push(ExprKind::Member(object, name), node)
        }
        "dotted_name" => dotted_name(lowering, node),
        "subscript" => subscript(lowering, node),
        "call" => call(lowering, node),
        "binary_operator" => lowering.binary(node, expr),
        "boolean_operator" => lowering.binary(node, expr),
        "comparison_operator" => comparison(lowering, node),
        "not_operator" => {
            let inner = field(lowering, node, "argument");
            lowering.push(ExprKind::Not(inner), node)
        }
        "unary_operator" => {
            let inner = field(lowering, node, "argument");
            let is_minus = lowering.field_text(node, "operator") == "-";
            if is_minus { lowering.push(ExprKind::Negative(inner), node) } else { inner }
        }
        "conditional_expression" => {
            let parts: Vec<ExprId> = children(node).into_iter().map(|it| expr(lowering, it)).collect();
            match parts[..] {
                [then, condition, otherwise] => lowering.push(ExprKind::Conditional(condition, then, otherwise), node),
                _ => lowering.push(ExprKind::Merge(parts), node),
            }
        }
        "list" | "tuple" | "set" | "expression_list" | "pattern_list" | "tuple_pattern" | "list_pattern" => {
            let parts = children(node).into_iter().map(|it| expr(lowering, it)).collect();
            lowering.push(ExprKind::Sequence(parts), node)
        }
        "dictionary" => dictionary(lowering, node),
        "lambda" => {
            let params = params(lowering, node.child_by_field_name("parameters"));
            let function = Function { params, range: node.byte_range(), is_closure: true, ..Function::default() };
            let id = lowering.function(function, |lowering| {
                let value = field(lowering, node, "body");
                vec![Stmt::Return(Some(value))]
            });
            lowering.push(ExprKind::Function(id), node)
        }
        "named_expression" => {
            let (target, value) = (field(lowering, node, "name"), field(lowering, node, "value"));
            lowering.push(ExprKind::Assign(target, value), node)
        }
        "list_comprehension" | "set_comprehension" | "generator_expression" | "dictionary_comprehension" => {
            comprehension(lowering, node)
        }
        "function_definition" | "class_definition" | "comment" => lowering.unknown(node),
        _ => lowering.merge(node, expr),
    }
}

fn dotted_name<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let mut parts = children(node).into_iter();
    let Some(first) = parts.next() else { return lowering.unknown(node) };
    let mut id = lowering.name(first);
    for part in parts {
        let name = lowering.text_of(part);
        id = lowering.push_at(ExprKind::Member(id, name), node.start_byte()..part.end_byte());
    }
    id
}

fn string<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let parts = children(node);
    let start = parts.first().map_or("", |it| lowering.text_of(*it));
    let is_raw = start.contains(['r', 'R']);
    let text = |lowering: &Lowering<'t>, it: Node<'t>| {
        let text = lowering.text_of(it);
        if is_raw { text.to_owned() } else { unescape(text) }
    };
    if !parts.iter().any(|it| it.kind() == "interpolation") {
        let content: String =
            parts.iter().filter(|it| it.kind() == "string_content").map(|it| text(lowering, *it)).collect();
        return lowering.push(ExprKind::Constant(Const::Str(Arc::from(content))), node);
    }
    let mut pieces = Vec::new();
    for part in parts {
        match part.kind() {
            "string_content" => {
                let content = text(lowering, part);
                pieces.push(lowering.string(&content, part));
            }
            "interpolation" => {
                let inner = part.child_by_field_name("expression").or_else(|| part.named_child(0));
                pieces.extend(inner.map(|it| expr(lowering, it)));
            }
            _ => {}
        }
    }
    lowering.push(ExprKind::Concat(pieces), node)
}

fn subscript<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let object = field(lowering, node, "value");
    let indexes = fields(node, "subscript");
    let [index] = indexes[..] else {
        let index = lowering.unknown(node);
        return lowering.push(ExprKind::Index(object, index), node);
    };
    if index.kind() != "slice" {
        let index = expr(lowering, index);
        return lowering.push(ExprKind::Index(object, index), node);
    }
    let colon = (0..index.child_count()).filter_map(|at| index.child(at)).find(|it| it.kind() == ":");
    let colon = colon.map_or(index.end_byte(), |it| it.start_byte());
    let bounds = children(index);
    let lower = bounds.iter().find(|it| it.end_byte() <= colon).map(|it| expr(lowering, *it));
    let upper = bounds.iter().find(|it| it.start_byte() > colon).map(|it| expr(lowering, *it));
    lowering.push(ExprKind::Slice(object, lower, upper), node)
}

fn call<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let callee = field(lowering, node, "function");
    let Some(arguments) = node.child_by_field_name("arguments") else { return callee };
    if arguments.kind() != "argument_list" {
        let value = expr(lowering, arguments);
        return lowering.call(callee, vec![positional(value)], node);
    }
    let mut args = Vec::new();
    for argument in children(arguments) {
        args.push(match argument.kind() {
            "keyword_argument" => {
                let name = Some(lowering.field_text(argument, "name"));
                let value = field(lowering, argument, "value");
                Arg { name, value, is_spread: false }
            }
            "list_splat" | "dictionary_splat" => {
                let value = lowering.merge(argument, expr);
                Arg { name: (argument.kind() == "dictionary_splat").then_some("**"), value, is_spread: true }
            }
            _ => positional(expr(lowering, argument)),
        });
    }
    lowering.call(callee, args, node)
}

fn comparison<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let operands = children(node);
    let operators: Vec<&str> = {
        let mut cursor = node.walk();
        node.children_by_field_name("operators", &mut cursor).map(|it| lowering.text_of(it)).collect()
    };
    let values: Vec<ExprId> = operands.iter().map(|it| expr(lowering, *it)).collect();
    let mut result = None;
    for (idx, pair) in values.windows(2).enumerate() {
        let operator = operators.get(idx).map_or(Operator::Other, |it| operator_of(it));
        let compared = lowering.push(ExprKind::Binary(operator, pair[0], pair[1]), node);
        result = Some(match result {
            Some(before) => lowering.push(ExprKind::Binary(Operator::And, before, compared), node),
            None => compared,
        });
    }
    result.unwrap_or_else(|| lowering.unknown(node))
}

fn dictionary<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let mut pairs = Vec::new();
    for child in children(node) {
        if child.kind() == "pair" {
            let key = field(lowering, child, "key");
            pairs.push((Some(key), field(lowering, child, "value")));
        } else {
            let rest = lowering.merge(child, expr);
            pairs.push((None, rest));
        }
    }
    lowering.push(ExprKind::Mapping(pairs), node)
}

fn comprehension<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let (mut clauses, mut conditions) = (Vec::new(), Vec::new());
    for child in children(node) {
        match child.kind() {
            "for_in_clause" => clauses.push((field(lowering, child, "left"), field(lowering, child, "right"))),
            "if_clause" => conditions.extend(child.named_child(0).map(|it| expr(lowering, it))),
            _ => {}
        }
    }
    let element = match node.child_by_field_name("body") {
        Some(pair) if pair.kind() == "pair" => lowering.merge(pair, expr),
        Some(element) => expr(lowering, element),
        None => lowering.unknown(node),
    };
    lowering.push(ExprKind::Comprehension { clauses, conditions, element }, node)
}
