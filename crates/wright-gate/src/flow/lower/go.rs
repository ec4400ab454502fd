//! Go.

use wright_text::Node;

use super::{Lowering, children, fields, integer, unescape};
use crate::flow::ir::{Arg, Case, Const, ExprId, ExprKind, Function, FunctionId, Param, Stmt};

/// Lowers a statement.
pub(super) fn statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    match node.kind() {
        "import_declaration" => import(lowering, node),
        "function_declaration" | "method_declaration" => {
            let id = function(lowering, node, false);
            out.push(Stmt::Function(id));
        }
        "short_var_declaration" | "assignment_statement" => assignment(lowering, node, out),
        "var_declaration" | "const_declaration" | "var_spec_list" => {
            for child in children(node) {
                declare(lowering, child, out);
            }
        }
        "if_statement" => {
            let start = body(lowering, node.child_by_field_name("initializer"));
            out.extend(start);
            let condition = field(lowering, node, "condition");
            let then = body(lowering, node.child_by_field_name("consequence"));
            let otherwise = body(lowering, node.child_by_field_name("alternative"));
            out.push(Stmt::If { condition, then, otherwise });
        }
        "for_statement" => repeat(lowering, node, out),
        "expression_switch_statement" | "type_switch_statement" | "select_statement" => {
            let start = body(lowering, node.child_by_field_name("initializer"));
            out.extend(start);
            out.push(switch(lowering, node));
        }
        "return_statement" => {
            let value = children(node).first().map(|it| expr(lowering, *it));
            out.push(Stmt::Return(value));
        }
        "break_statement" | "continue_statement" | "goto_statement" => out.push(Stmt::Jump),
        "block" | "statement_list" | "source_file" | "labeled_statement" | "ERROR" => {
            for child in children(node) {
                let statements = lowering.block(Some(child), statement);
                out.extend(statements);
            }
        }
        "package_clause" | "type_declaration" | "comment" | "empty_statement" => {}
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
    let specs =
        children(node).into_iter().flat_map(|it| if it.kind() == "import_spec_list" { children(it) } else { vec![it] });
    for spec in specs {
        let path = lowering.field_text(spec, "path").trim_matches(['"', '`']);
        let alias = lowering.field_text(spec, "name");
        // A last part like `v5` is a version, and `go-` and `.v2` are not part of the package's name.
        let parts: Vec<&str> = path.rsplit('/').collect();
        let is_version = |it: &str| it.len() < 4 && it.strip_prefix('v').is_some_and(|it| it.parse::<u8>().is_ok());
        let last = parts.iter().copied().find(|it| !is_version(it)).unwrap_or(path);
        let last = last.split('.').next().unwrap_or(last);
        let last = last.strip_prefix("go-").unwrap_or(last);
        let local = if alias.is_empty() { last } else { alias };
        lowering.program.imports.insert(local, path.to_owned());
    }
}

fn assignment<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let (Some(left), Some(right)) = (node.child_by_field_name("left"), node.child_by_field_name("right")) else {
        return;
    };
    let (targets, values) = (children(left), children(right));
    let operator = lowering.field_text(node, "operator");
    if let ([target], [value]) = (&targets[..], &values[..]) {
        let value = expr(lowering, *value);
        let target = expr(lowering, *target);
        out.push(match operator {
            "" | "=" | ":=" => Stmt::Assign { target, value },
            _ => Stmt::Augment { target, value, adds: operator == "+=" },
        });
        return;
    }
    let value = match &values[..] {
        [only] => expr(lowering, *only),
        _ => expr(lowering, right),
    };
    let target = expr(lowering, left);
    out.push(Stmt::Assign { target, value });
}

fn declare<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    if node.kind() == "var_spec_list" {
        for child in children(node) {
            declare(lowering, child, out);
        }
        return;
    }
    let names = fields(node, "name");
    let type_path = node.child_by_field_name("type").map(|it| type_path(lowering, it)).unwrap_or_default();
    let value = node.child_by_field_name("value");
    if let [name] = names[..] {
        let value = value.map(|it| if it.named_child_count() == 1 { it.named_child(0).unwrap_or(it) } else { it });
        let value = value.map(|it| expr(lowering, it));
        out.push(Stmt::Declare { name: lowering.text_of(name), type_path, value });
        return;
    }
    if let Some(value) = value {
        let value = expr(lowering, value);
        let parts = names.into_iter().map(|it| lowering.name(it)).collect();
        let target = lowering.push(ExprKind::Sequence(parts), node);
        out.push(Stmt::Assign { target, value });
    }
}

fn repeat<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let block = node.child_by_field_name("body");
    let head = children(node).into_iter().find(|it| Some(*it) != block);
    let (mut condition, mut each) = (None, None);
    match head {
        Some(head) if head.kind() == "range_clause" => {
            let left = head.child_by_field_name("left");
            // Of key and value, the value is the element.
            let target = left.map(children).and_then(|it| it.last().copied());
            let target = match target {
                Some(target) => expr(lowering, target),
                None => lowering.unknown(head),
            };
            each = Some((target, field(lowering, head, "right")));
        }
        Some(head) if head.kind() == "for_clause" => {
            let start = body(lowering, head.child_by_field_name("initializer"));
            out.extend(start);
            condition = head.child_by_field_name("condition").map(|it| expr(lowering, it));
        }
        Some(head) => condition = Some(expr(lowering, head)),
        None => {}
    }
    let body = body(lowering, block);
    out.push(Stmt::Loop { condition, each, body });
}

fn switch<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Stmt<'t> {
    let subject = node.child_by_field_name("value").map(|it| expr(lowering, it));
    let mut cases = Vec::new();
    for clause in children(node) {
        let is_default = clause.kind() == "default_case";
        if !is_default && !matches!(clause.kind(), "expression_case" | "type_case" | "communication_case") {
            continue;
        }
        let values = if clause.kind() == "expression_case" { clause.child_by_field_name("value") } else { None };
        let patterns = values.map(children).unwrap_or_default().into_iter().map(|it| expr(lowering, it)).collect();
        let body = lowering.block(Some(clause), |lowering, clause, out| {
            for child in children(clause).into_iter().filter(|it| Some(*it) != values && it.kind() == "statement_list")
            {
                let inner = lowering.block(Some(child), statement);
                out.extend(inner);
            }
        });
        cases.push(Case { patterns, guard: None, is_default, body, falls_through: false });
    }
    Stmt::Switch { subject, cases }
}

fn function<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, is_closure: bool) -> FunctionId {
    let mut params = Vec::new();
    for param in node.child_by_field_name("parameters").map(children).unwrap_or_default() {
        let type_path = param.child_by_field_name("type").map(|it| type_path(lowering, it)).unwrap_or_default();
        for name in fields(param, "name") {
            params.push(Param { name: lowering.text_of(name), type_path: type_path.clone(), ..Param::default() });
        }
    }
    let name = lowering.field_text(node, "name");
    let function = Function { name, params, range: node.byte_range(), is_closure, ..Function::default() };
    lowering.function(function, |lowering| body(lowering, node.child_by_field_name("body")))
}

/// `*http.Request` is `net/http.Request`.
fn type_path(lowering: &Lowering<'_>, node: Node<'_>) -> String {
    let text = lowering.text_of(node).trim_start_matches(['*', '[', ']', '.', ' ']);
    match text.split_once('.') {
        Some((package, name)) => {
            let package = lowering.program.imports.get(package).map_or(package, String::as_str);
            format!("{package}.{name}")
        }
        None => text.chars().take(80).collect(),
    }
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
        "identifier" | "field_identifier" | "package_identifier" | "type_identifier" => lowering.name(node),
        "int_literal" => match integer(lowering.text_of(node)) {
            Some(value) => lowering.push(ExprKind::Constant(Const::Int(value)), node),
            None => lowering.unknown(node),
        },
        "true" => lowering.push(ExprKind::Constant(Const::Bool(true)), node),
        "false" => lowering.push(ExprKind::Constant(Const::Bool(false)), node),
        "nil" => lowering.push(ExprKind::Constant(Const::Null), node),
        "interpreted_string_literal" | "raw_string_literal" => {
            let text = lowering.text_of(node);
            let inner = text.get(1..text.len().saturating_sub(1)).unwrap_or_default();
            let is_raw = node.kind() == "raw_string_literal";
            let inner = if is_raw { inner.to_owned() } else { unescape(inner) };
            lowering.string(&inner, node)
        }
        "selector_expression" => {
            let object = field(lowering, node, "operand");
            let name = lowering.field_text(node, "field");
            lowering.push(ExprKind::Member(object, name), node)
        }
        "qualified_type" => {
            let package = field(lowering, node, "package");
            let name = lowering.field_text(node, "name");
            lowering.push(ExprKind::Member(package, name), node)
        }
        "index_expression" => {
            let object = field(lowering, node, "operand");
            let index = field(lowering, node, "index");
            lowering.push(ExprKind::Index(object, index), node)
        }
        "slice_expression" => {
            let object = field(lowering, node, "operand");
            let start = node.child_by_field_name("start").map(|it| expr(lowering, it));
            let end = node.child_by_field_name("end").map(|it| expr(lowering, it));
            lowering.push(ExprKind::Slice(object, start, end), node)
        }
        "call_expression" => call(lowering, node),
        "type_conversion_expression" | "type_assertion_expression" => field(lowering, node, "operand"),
        "binary_expression" => lowering.binary(node, expr),
        "unary_expression" => {
            let inner = field(lowering, node, "operand");
            match lowering.field_text(node, "operator") {
                "!" => lowering.push(ExprKind::Not(inner), node),
                "-" => lowering.push(ExprKind::Negative(inner), node),
                _ => inner,
            }
        }
        "expression_list" => {
            let parts = children(node).into_iter().map(|it| expr(lowering, it)).collect();
            lowering.push(ExprKind::Sequence(parts), node)
        }
        "composite_literal" => composite(lowering, node),
        "literal_value" => literal_value(lowering, node),
        "literal_element" | "parenthesized_expression" => lowering.merge(node, expr),
        "func_literal" => {
            let id = function(lowering, node, true);
            lowering.push(ExprKind::Function(id), node)
        }
        "comment" => lowering.unknown(node),
        _ => lowering.merge(node, expr),
    }
}

fn call<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let callee = field(lowering, node, "function");
    let mut args = Vec::new();
    for argument in node.child_by_field_name("arguments").map(children).unwrap_or_default() {
        let is_spread = argument.kind() == "variadic_argument";
        args.push(Arg { name: None, value: expr(lowering, argument), is_spread });
    }
    lowering.call(callee, args, node)
}

/// `tls.Config{InsecureSkipVerify: true}` is a call with named arguments; a slice or a map is its elements.
fn composite<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let elements = node.child_by_field_name("body").map(children).unwrap_or_default();
    let named = node.child_by_field_name("type").filter(|it| matches!(it.kind(), "qualified_type" | "type_identifier"));
    let Some(named) = named else {
        return match node.child_by_field_name("body") {
            Some(body) => literal_value(lowering, body),
            None => lowering.unknown(node),
        };
    };
    let callee = expr(lowering, named);
    let mut args = Vec::new();
    for element in elements {
        let key = element.child_by_field_name("key").map(|it| lowering.text_of(it));
        let value = element.child_by_field_name("value").unwrap_or(element);
        args.push(Arg { name: key, value: expr(lowering, value), is_spread: false });
    }
    lowering.call(callee, args, node)
}

fn literal_value<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let elements = children(node);
    if elements.iter().any(|it| it.kind() == "keyed_element") {
        let mut pairs = Vec::new();
        for element in elements {
            let key = element.child_by_field_name("key").map(|it| expr(lowering, it));
            let value = element.child_by_field_name("value").unwrap_or(element);
            pairs.push((key, expr(lowering, value)));
        }
        return lowering.push(ExprKind::Mapping(pairs), node);
    }
    let parts = elements.into_iter().map(|it| expr(lowering, it)).collect();
    lowering.push(ExprKind::Sequence(parts), node)
}
