//! Rust.

use wright_text::Node;

use super::{Lowering, children, integer, unescape};
use crate::flow::ir::{Arg, Case, Const, ExprId, ExprKind, Function, FunctionId, Param, Stmt};

/// Lowers a statement.
pub(super) fn statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    match node.kind() {
        "use_declaration" => {
            if let Some(argument) = node.child_by_field_name("argument") {
                import(lowering, argument, "", 0);
            }
        }
        "function_item" => {
            let id = function(lowering, node, false);
            out.push(Stmt::Function(id));
        }
        "impl_item" | "trait_item" | "mod_item" => {
            let name = lowering.field_text(node, if node.kind() == "impl_item" { "type" } else { "name" });
            let Some(inner) = node.child_by_field_name("body").filter(|_| lowering.depth < super::MAX_DEPTH) else {
                return;
            };
            lowering.depth += 1;
            lowering.class(name, |lowering| {
                for child in children(inner) {
                    statement(lowering, child, out);
                }
            });
            lowering.depth -= 1;
        }
        "let_declaration" | "const_item" | "static_item" => declare(lowering, node, out),
        "expression_statement" => {
            for child in children(node) {
                statement(lowering, child, out);
            }
        }
        "assignment_expression" | "compound_assignment_expr" => {
            let (target, value) = (field(lowering, node, "left"), field(lowering, node, "right"));
            out.push(match lowering.field_text(node, "operator") {
                "" | "=" => Stmt::Assign { target, value },
                operator => Stmt::Augment { target, value, adds: operator == "+=" },
            });
        }
        "if_expression" => {
            let condition = field(lowering, node, "condition");
            let then = body(lowering, node.child_by_field_name("consequence"));
            let otherwise = body(lowering, node.child_by_field_name("alternative"));
            out.push(Stmt::If { condition, then, otherwise });
        }
        "for_expression" => {
            let target = field(lowering, node, "pattern");
            let iterated = field(lowering, node, "value");
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition: None, each: Some((target, iterated)), body });
        }
        "while_expression" | "loop_expression" => {
            let condition = node.child_by_field_name("condition").map(|it| expr(lowering, it));
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition, each: None, body });
        }
        "match_expression" => out.push(switch(lowering, node)),
        "return_expression" => {
            let value = children(node).first().map(|it| expr(lowering, *it));
            out.push(Stmt::Return(value));
        }
        "break_expression" | "continue_expression" => out.push(Stmt::Jump),
        "block" | "unsafe_block" | "else_clause" | "source_file" | "async_block" | "ERROR" | "declaration_list" => {
            for child in children(node) {
                let statements = lowering.block(Some(child), statement);
                out.extend(statements);
            }
        }
        "struct_item"
        | "enum_item"
        | "type_item"
        | "attribute_item"
        | "inner_attribute_item"
        | "macro_definition"
        | "line_comment"
        | "block_comment"
        | "empty_statement"
        | "extern_crate_declaration" => {}
        _ => {
            let value = expr(lowering, node);
            out.push(Stmt::Expr(value));
        }
    }
}

fn body<'t>(lowering: &mut Lowering<'t>, node: Option<Node<'t>>) -> Vec<Stmt<'t>> {
    lowering.block(node, statement)
}

/// Reads `a::{b, c as d}` with what stands before it.
fn import<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, before: &str, depth: usize) {
    if depth > 16 {
        return;
    }
    let joined = |path: &str| {
        let path = path.replace("::", ".");
        if before.is_empty() { path } else { format!("{before}.{path}") }
    };
    match node.kind() {
        "use_as_clause" => {
            let path = joined(lowering.field_text(node, "path"));
            lowering.program.imports.insert(lowering.field_text(node, "alias"), path);
        }
        "scoped_use_list" => {
            let path = joined(lowering.field_text(node, "path"));
            for item in node.child_by_field_name("list").map(children).unwrap_or_default() {
                import(lowering, item, &path, depth + 1);
            }
        }
        "use_list" => {
            for item in children(node) {
                import(lowering, item, before, depth + 1);
            }
        }
        "identifier" | "scoped_identifier" => {
            let text = lowering.text_of(node);
            let name = text.rsplit("::").next().unwrap_or(text);
            lowering.program.imports.insert(name, joined(text));
        }
        _ => {}
    }
}

fn declare<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let Some(pattern) = node.child_by_field_name("pattern").or_else(|| node.child_by_field_name("name")) else {
        return;
    };
    let Some(value) = node.child_by_field_name("value") else { return };
    let value = expr(lowering, value);
    let target = expr(lowering, pattern);
    out.push(Stmt::Assign { target, value });
}

fn switch<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Stmt<'t> {
    let subject = node.child_by_field_name("value").map(|it| expr(lowering, it));
    let mut cases = Vec::new();
    for arm in node.child_by_field_name("body").map(children).unwrap_or_default() {
        if arm.kind() != "match_arm" {
            continue;
        }
        let pattern = arm.child_by_field_name("pattern");
        let guard = pattern.and_then(|it| it.child_by_field_name("condition")).map(|it| expr(lowering, it));
        let pattern = pattern.and_then(|it| it.named_child(0));
        let is_default = pattern.is_none_or(|it| it.kind() == "identifier");
        let literals =
            pattern.map(|it| if it.kind() == "or_pattern" { children(it) } else { vec![it] }).unwrap_or_default();
        let patterns =
            if is_default { Vec::new() } else { literals.into_iter().map(|it| expr(lowering, it)).collect() };
        let body = body(lowering, arm.child_by_field_name("value"));
        cases.push(Case { patterns, guard, is_default, body, falls_through: false });
    }
    Stmt::Switch { subject, cases }
}

fn function<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, is_closure: bool) -> FunctionId {
    let mut params = Vec::new();
    for param in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
        let pattern = param.child_by_field_name("pattern").unwrap_or(param);
        let written = param.child_by_field_name("type").map_or("", |it| lowering.text_of(it));
        let type_path = written.trim_start_matches(['&', ' ']).trim_start_matches("mut ").replace("::", ".");
        let end =
            type_path.find(|it: char| !(it.is_alphanumeric() || it == '_' || it == '.')).unwrap_or(type_path.len());
        let type_path = type_path[..end].to_owned();
        let is_name = matches!(pattern.kind(), "identifier" | "self_parameter" | "self");
        let name = if pattern.kind() == "self_parameter" { "self" } else { lowering.text_of(pattern) };
        let pattern = if is_name { None } else { Some(expr(lowering, pattern)) };
        params.push(Param { name, type_path, annotations: vec![written], pattern, ..Param::default() });
    }
    let name = lowering.field_text(node, "name");
    let decorators = attributes(lowering, node);
    let function = Function { name, params, decorators, range: node.byte_range(), is_closure, ..Function::default() };
    lowering.function(function, |lowering| {
        let mut statements = body(lowering, node.child_by_field_name("body"));
        // The last expression is what the function returns.
        if let Some(Stmt::Expr(last)) = statements.last() {
            let last = *last;
            statements.pop();
            statements.push(Stmt::Return(Some(last)));
        }
        statements
    })
}

fn attributes<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Vec<ExprId> {
    let mut found = Vec::new();
    let mut before = node.prev_named_sibling();
    while let Some(attribute) = before.filter(|it| it.kind() == "attribute_item") {
        found.push(lowering.unknown(attribute));
        before = attribute.prev_named_sibling();
    }
    found
}

fn field<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, name: &str) -> ExprId {
    match node.child_by_field_name(name) {
        Some(child) => expr(lowering, child),
        None => lowering.unknown(node),
    }
}

/// Lowers an expression or a pattern.
fn expr<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    lowering.deeper(node, expr_here)
}

fn expr_here<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    match node.kind() {
        "identifier"
        | "self"
        | "type_identifier"
        | "field_identifier"
        | "shorthand_field_identifier"
        | "primitive_type" => lowering.name(node),
        "integer_literal" => match integer(lowering.text_of(node)) {
            Some(value) => lowering.push(ExprKind::Constant(Const::Int(value)), node),
            None => lowering.unknown(node),
        },
        "boolean_literal" => {
            let is_true = lowering.text_of(node) == "true";
            lowering.push(ExprKind::Constant(Const::Bool(is_true)), node)
        }
        "string_literal" | "char_literal" | "raw_string_literal" => {
            let content: String = children(node).iter().map(|it| lowering.text_of(*it)).collect();
            let content = if node.kind() == "raw_string_literal" { content } else { unescape(&content) };
            lowering.string(&content, node)
        }
        "scoped_identifier" | "scoped_type_identifier" => {
            let name = lowering.field_text(node, "name");
            match node.child_by_field_name("path") {
                Some(path) => {
                    let path = expr(lowering, path);
                    lowering.push(ExprKind::Member(path, name), node)
                }
                None => lowering.push(ExprKind::Name(name), node),
            }
        }
        "generic_function" => field(lowering, node, "function"),
        "generic_type" | "generic_type_with_turbofish" => field(lowering, node, "type"),
        "field_expression" => {
            let object = field(lowering, node, "value");
            let name = lowering.field_text(node, "field");
            lowering.push(ExprKind::Member(object, name), node)
        }
        "index_expression" => {
            let parts: Vec<ExprId> = children(node).into_iter().map(|it| expr(lowering, it)).collect();
            match parts[..] {
                [object, index] => lowering.push(ExprKind::Index(object, index), node),
                _ => lowering.push(ExprKind::Merge(parts), node),
            }
        }
        "call_expression" => {
            let callee = field(lowering, node, "function");
            let arguments = node.child_by_field_name("arguments").map(children).unwrap_or_default();
            let mut args = Vec::new();
            for argument in arguments {
                args.push(positional(expr(lowering, argument)));
            }
            lowering.call(callee, args, node)
        }
        "macro_invocation" => macro_call(lowering, node),
        "binary_expression" => lowering.binary(node, expr),
        "unary_expression" => {
            let inner = node.named_child(0).map(|it| expr(lowering, it));
            match (inner, lowering.text_of(node).chars().next()) {
                (Some(inner), Some('!')) => lowering.push(ExprKind::Not(inner), node),
                (Some(inner), Some('-')) => lowering.push(ExprKind::Negative(inner), node),
                (Some(inner), _) => inner,
                (None, _) => lowering.unknown(node),
            }
        }
        "array_expression" | "tuple_expression" | "tuple_pattern" | "slice_pattern" => {
            let parts = children(node).into_iter().map(|it| expr(lowering, it)).collect();
            lowering.push(ExprKind::Sequence(parts), node)
        }
        // `Path(name)` and `Some(name)` as patterns hand on what is inside.
        "tuple_struct_pattern" => {
            let inner = children(node).into_iter().skip(1).map(|it| expr(lowering, it)).collect();
            lowering.push(ExprKind::Merge(inner), node)
        }
        "struct_expression" => {
            let callee = field(lowering, node, "name");
            let mut args = Vec::new();
            for part in node.child_by_field_name("body").map(children).unwrap_or_default() {
                let name = part.child_by_field_name("field").map(|it| lowering.text_of(it));
                let value = part.child_by_field_name("value").or_else(|| part.named_child(0)).unwrap_or(part);
                args.push(Arg { name, value: expr(lowering, value), is_spread: false });
            }
            lowering.call(callee, args, node)
        }
        "closure_expression" => {
            let id = closure(lowering, node);
            lowering.push(ExprKind::Function(id), node)
        }
        "assignment_expression" => {
            let (target, value) = (field(lowering, node, "left"), field(lowering, node, "right"));
            lowering.push(ExprKind::Assign(target, value), node)
        }
        "let_condition" => {
            let (target, value) = (field(lowering, node, "pattern"), field(lowering, node, "value"));
            let assigned = lowering.push(ExprKind::Assign(target, value), node);
            // Whether the pattern fits is not known.
            lowering.push(ExprKind::Merge(vec![assigned]), node)
        }
        "type_cast_expression" | "reference_expression" => field(lowering, node, "value"),
        "block"
        | "unsafe_block"
        | "if_expression"
        | "match_expression"
        | "for_expression"
        | "while_expression"
        | "loop_expression"
        | "return_expression"
        | "break_expression"
        | "continue_expression"
        | "async_block"
        | "compound_assignment_expr" => block(lowering, node),
        "line_comment" | "block_comment" | "type_arguments" | "lifetime" => lowering.unknown(node),
        _ => lowering.merge(node, expr),
    }
}

fn block<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let mut statements = Vec::new();
    statement(lowering, node, &mut statements);
    lowering.push(ExprKind::Block(statements), node)
}

fn closure<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> FunctionId {
    let mut params = Vec::new();
    for param in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
        params.push(Param { name: lowering.text_of(param), ..Param::default() });
    }
    let function = Function { params, range: node.byte_range(), is_closure: true, ..Function::default() };
    lowering.function(function, |lowering| {
        let value = field(lowering, node, "body");
        vec![Stmt::Return(Some(value))]
    })
}

fn positional<'t>(value: ExprId) -> Arg<'t> {
    Arg { name: None, value, is_spread: false }
}

/// The grammar gives the arguments of a macro as tokens: names, literals and commas.
fn macro_call<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let callee = field(lowering, node, "macro");
    let callee = lowering.push(ExprKind::Member(callee, "!"), node);
    let tree = children(node).into_iter().find(|it| it.kind() == "token_tree");
    let mut args = Vec::new();
    for token in tree.map(children).unwrap_or_default() {
        let value = token_value(lowering, token, 0);
        args.extend(value.map(positional));
        if token.kind() == "string_literal" {
            captured(lowering, token, &mut args);
        }
    }
    lowering.call(callee, args, node)
}

fn token_value<'t>(lowering: &mut Lowering<'t>, token: Node<'t>, depth: usize) -> Option<ExprId> {
    match token.kind() {
        "identifier" | "self" | "string_literal" | "raw_string_literal" | "integer_literal" => {
            Some(expr(lowering, token))
        }
        "token_tree" if depth < 8 => {
            let parts: Vec<ExprId> =
                children(token).into_iter().filter_map(|it| token_value(lowering, it, depth + 1)).collect();
            Some(lowering.push(ExprKind::Merge(parts), token))
        }
        _ => None,
    }
}

/// `"{name}"` uses a variable.
fn captured<'t>(lowering: &mut Lowering<'t>, token: Node<'t>, args: &mut Vec<Arg<'t>>) {
    for piece in lowering.text_of(token).split('{').skip(1) {
        let end = piece.find(|it: char| !(it.is_alphanumeric() || it == '_')).unwrap_or(0);
        let is_name = piece.starts_with(|it: char| it.is_alphabetic() || it == '_');
        if is_name && piece[end..].starts_with(['}', ':']) {
            let name = lowering.push(ExprKind::Name(&piece[..end]), token);
            args.push(positional(name));
        }
    }
}
