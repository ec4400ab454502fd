//! Java.

use wright_text::Node;

use super::{Lowering, children, fields, integer, unescape};
use crate::flow::ir::{Arg, Case, Const, ExprId, ExprKind, Function, FunctionId, Param, Stmt};

/// Lowers a statement.
pub(super) fn statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    match node.kind() {
        "import_declaration" => import(lowering, node),
        "class_declaration" | "interface_declaration" | "enum_declaration" | "record_declaration" => {
            class(lowering, node, out);
        }
        "method_declaration" | "constructor_declaration" | "compact_constructor_declaration" => {
            let id = function(lowering, node, false);
            out.push(Stmt::Function(id));
        }
        "local_variable_declaration" | "field_declaration" | "constant_declaration" => declare(lowering, node, out),
        "if_statement" => {
            let condition = field(lowering, node, "condition");
            let then = body(lowering, node.child_by_field_name("consequence"));
            let otherwise = body(lowering, node.child_by_field_name("alternative"));
            out.push(Stmt::If { condition, then, otherwise });
        }
        "for_statement" => {
            let start = body(lowering, node.child_by_field_name("init"));
            out.extend(start);
            let condition = node.child_by_field_name("condition").map(|it| expr(lowering, it));
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition, each: None, body });
        }
        "enhanced_for_statement" => {
            let target = field(lowering, node, "name");
            let iterated = field(lowering, node, "value");
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition: None, each: Some((target, iterated)), body });
        }
        "while_statement" | "do_statement" => {
            let condition = Some(field(lowering, node, "condition"));
            let body = body(lowering, node.child_by_field_name("body"));
            out.push(Stmt::Loop { condition, each: None, body });
        }
        "try_statement" | "try_with_resources_statement" => attempt(lowering, node, out),
        "switch_expression" => out.push(switch(lowering, node)),
        "return_statement" => {
            let value = children(node).first().map(|it| expr(lowering, *it));
            out.push(Stmt::Return(value));
        }
        "throw_statement" => {
            let value = children(node).first().map(|it| expr(lowering, *it));
            out.push(Stmt::Leave(value));
        }
        "break_statement" | "continue_statement" => out.push(Stmt::Jump),
        "block"
        | "program"
        | "constructor_body"
        | "class_body"
        | "static_initializer"
        | "enum_body_declarations"
        | "ERROR" => {
            for child in children(node) {
                let statements = lowering.block(Some(child), statement);
                out.extend(statements);
            }
        }
        "labeled_statement" | "synchronized_statement" => {
            for child in children(node).into_iter().filter(|it| it.kind() != "identifier") {
                let statements = lowering.block(Some(child), statement);
                out.extend(statements);
            }
        }
        "expression_statement" => {
            for child in children(node) {
                expression_statement(lowering, child, out);
            }
        }
        "package_declaration" | "line_comment" | "block_comment" | "annotation_type_declaration" => {}
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
    for path in children(node).into_iter().filter(|it| it.kind() == "scoped_identifier") {
        let path = lowering.text_of(path);
        let name = path.rsplit('.').next().unwrap_or(path);
        lowering.program.imports.insert(name, path.to_owned());
    }
}

fn class<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let name = lowering.field_text(node, "name");
    let inner = body_of_class(lowering, name, node.child_by_field_name("body"));
    out.extend(inner);
}

/// Fields come first, because methods above them read them too.
fn body_of_class<'t>(lowering: &mut Lowering<'t>, name: &'t str, node: Option<Node<'t>>) -> Vec<Stmt<'t>> {
    let mut out = Vec::new();
    let Some(node) = node.filter(|_| lowering.depth < super::MAX_DEPTH) else { return out };
    lowering.depth += 1;
    lowering.class(name, |lowering| {
        let (fields, others): (Vec<_>, Vec<_>) =
            children(node).into_iter().partition(|it| it.kind() == "field_declaration");
        for member in fields.into_iter().chain(others) {
            statement(lowering, member, &mut out);
        }
    });
    lowering.depth -= 1;
    out
}

fn declare<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    let declared = node.child_by_field_name("type").map(|it| type_path(lowering, it)).unwrap_or_default();
    for declarator in fields(node, "declarator") {
        let name = lowering.field_text(declarator, "name");
        let value = declarator.child_by_field_name("value").map(|it| expr(lowering, it));
        out.push(Stmt::Declare { name, type_path: declared.clone(), value });
    }
}

fn attempt<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    for resource in node.child_by_field_name("resources").map(children).unwrap_or_default() {
        let name = lowering.field_text(resource, "name");
        let Some(value) = resource.child_by_field_name("value") else { continue };
        let value = Some(expr(lowering, value));
        let type_path = resource.child_by_field_name("type").map(|it| type_path(lowering, it)).unwrap_or_default();
        out.push(Stmt::Declare { name, type_path, value });
    }
    let tried = body(lowering, node.child_by_field_name("body"));
    let (mut handlers, mut last) = (Vec::new(), Vec::new());
    for clause in children(node) {
        match clause.kind() {
            "catch_clause" => handlers.push(body(lowering, clause.child_by_field_name("body"))),
            "finally_clause" => last = body(lowering, clause.named_child(0)),
            _ => {}
        }
    }
    out.push(Stmt::Try { body: tried, handlers, last });
}

fn switch<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> Stmt<'t> {
    let subject = node.child_by_field_name("condition").map(|it| expr(lowering, it));
    let mut cases = Vec::new();
    for group in node.child_by_field_name("body").map(children).unwrap_or_default() {
        let labels: Vec<Node<'t>> = children(group).into_iter().filter(|it| it.kind() == "switch_label").collect();
        let is_default = labels.iter().any(|it| lowering.text_of(*it).starts_with("default"));
        let patterns = labels.iter().flat_map(|it| children(*it)).collect::<Vec<_>>();
        let patterns = patterns.into_iter().map(|it| expr(lowering, it)).collect();
        let mut statements = lowering.block(Some(group), |lowering, group, out| {
            for child in children(group).into_iter().filter(|it| it.kind() != "switch_label") {
                let inner = lowering.block(Some(child), statement);
                out.extend(inner);
            }
        });
        let leaves = matches!(statements.last(), Some(Stmt::Jump));
        if leaves {
            statements.pop();
        }
        let falls_through = group.kind() == "switch_block_statement_group" && !leaves;
        cases.push(Case { patterns, guard: None, is_default, body: statements, falls_through });
    }
    Stmt::Switch { subject, cases }
}

fn expression_statement<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    if node.kind() != "assignment_expression" {
        statement(lowering, node, out);
        return;
    }
    let (target, value) = (field(lowering, node, "left"), field(lowering, node, "right"));
    out.push(match lowering.field_text(node, "operator") {
        "=" => Stmt::Assign { target, value },
        operator => Stmt::Augment { target, value, adds: operator == "+=" },
    });
}

fn function<'t>(lowering: &mut Lowering<'t>, node: Node<'t>, is_closure: bool) -> FunctionId {
    let mut params = Vec::new();
    let list = node.child_by_field_name("parameters");
    if let Some(only) = list.filter(|it| it.kind() == "identifier") {
        params.push(Param { name: lowering.text_of(only), ..Param::default() });
    }
    for param in list.map(children).unwrap_or_default() {
        let name =
            if param.kind() == "identifier" { lowering.text_of(param) } else { lowering.field_text(param, "name") };
        let type_path = param.child_by_field_name("type").map(|it| type_path(lowering, it)).unwrap_or_default();
        let modifiers = children(param).into_iter().filter(|it| it.kind() == "modifiers");
        let annotations = modifiers.map(|it| lowering.text_of(it)).collect();
        params.push(Param { name, type_path, annotations, ..Param::default() });
    }
    let modifiers = children(node).into_iter().find(|it| it.kind() == "modifiers").map(children).unwrap_or_default();
    let annotations = modifiers.into_iter().filter(|it| it.kind().ends_with("annotation"));
    let decorators = annotations.collect::<Vec<_>>().into_iter().map(|it| lowering.unknown(it)).collect();
    let name = lowering.field_text(node, "name");
    let function = Function { name, params, decorators, range: node.byte_range(), is_closure, ..Function::default() };
    lowering.function(function, |lowering| match node.child_by_field_name("body") {
        Some(block) if matches!(block.kind(), "block" | "constructor_body") => body(lowering, Some(block)),
        Some(value) => {
            let value = expr(lowering, value);
            vec![Stmt::Return(Some(value))]
        }
        None => Vec::new(),
    })
}

/// The imported name of a type, without its arguments.
fn type_path(lowering: &Lowering<'_>, node: Node<'_>) -> String {
    let text = lowering.text_of(node);
    let end = text.find(|it: char| !(it.is_alphanumeric() || it == '_' || it == '.')).unwrap_or(text.len());
    let name = &text[..end];
    if name == "var" {
        return String::new();
    }
    lowering.program.imports.get(name).cloned().unwrap_or_else(|| name.to_owned())
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
        "identifier" | "this" | "type_identifier" | "super" => lowering.name(node),
        "decimal_integer_literal" | "hex_integer_literal" | "octal_integer_literal" | "binary_integer_literal" => {
            match integer(lowering.text_of(node)) {
                Some(value) => lowering.push(ExprKind::Constant(Const::Int(value)), node),
                None => lowering.unknown(node),
            }
        }
        "true" => lowering.push(ExprKind::Constant(Const::Bool(true)), node),
        "false" => lowering.push(ExprKind::Constant(Const::Bool(false)), node),
        "null_literal" => lowering.push(ExprKind::Constant(Const::Null), node),
        "string_literal" | "character_literal" => {
            let text = lowering.text_of(node).trim_matches(if node.kind() == "string_literal" { '"' } else { '\'' });
            lowering.string(&unescape(text), node)
        }
        "field_access" | "scoped_identifier" | "scoped_type_identifier" => member(lowering, node),
        "array_access" => {
            let object = field(lowering, node, "array");
            let index = field(lowering, node, "index");
            lowering.push(ExprKind::Index(object, index), node)
        }
        "method_invocation" => {
            let name = lowering.field_text(node, "name");
            let callee = match node.child_by_field_name("object") {
                Some(object) => {
                    let object = expr(lowering, object);
                    lowering.push(ExprKind::Member(object, name), node)
                }
                None => lowering.push(ExprKind::Name(name), node),
            };
            call(lowering, callee, node)
        }
        "object_creation_expression" => {
            let made = field(lowering, node, "type");
            if let Some(class) = children(node).into_iter().find(|it| it.kind() == "class_body") {
                let members = body_of_class(lowering, "", Some(class));
                let members = lowering.push(ExprKind::Block(members), class);
                let callee = lowering.push(ExprKind::Member(made, "new"), node);
                let made = call(lowering, callee, node);
                return lowering.push(ExprKind::Merge(vec![made, members]), node);
            }
            let callee = lowering.push(ExprKind::Member(made, "new"), node);
            call(lowering, callee, node)
        }
        "generic_type" => match node.named_child(0) {
            Some(inner) => expr(lowering, inner),
            None => lowering.unknown(node),
        },
        "binary_expression" => lowering.binary(node, expr),
        "unary_expression" => {
            let inner = field(lowering, node, "operand");
            match lowering.field_text(node, "operator") {
                "!" => lowering.push(ExprKind::Not(inner), node),
                "-" => lowering.push(ExprKind::Negative(inner), node),
                _ => inner,
            }
        }
        "cast_expression" => field(lowering, node, "value"),
        "ternary_expression" => {
            let condition = field(lowering, node, "condition");
            let then = field(lowering, node, "consequence");
            let otherwise = field(lowering, node, "alternative");
            lowering.push(ExprKind::Conditional(condition, then, otherwise), node)
        }
        "assignment_expression" => {
            let (target, value) = (field(lowering, node, "left"), field(lowering, node, "right"));
            lowering.push(ExprKind::Assign(target, value), node)
        }
        "array_initializer" => {
            let parts = children(node).into_iter().map(|it| expr(lowering, it)).collect();
            lowering.push(ExprKind::Sequence(parts), node)
        }
        "array_creation_expression" => match node.child_by_field_name("value") {
            Some(value) => expr(lowering, value),
            None => lowering.unknown(node),
        },
        "lambda_expression" => {
            let id = function(lowering, node, true);
            lowering.push(ExprKind::Function(id), node)
        }
        "instanceof_expression" | "class_literal" | "line_comment" | "block_comment" => lowering.unknown(node),
        "switch_expression" | "block" => {
            let mut statements = Vec::new();
            statement(lowering, node, &mut statements);
            lowering.push(ExprKind::Block(statements), node)
        }
        _ => lowering.merge(node, expr),
    }
}

fn member<'t>(lowering: &mut Lowering<'t>, node: Node<'t>) -> ExprId {
    let parts = children(node);
    let [object, name] = parts[..] else { return lowering.merge(node, expr) };
    let object = expr(lowering, object);
    let name = lowering.text_of(name);
    lowering.push(ExprKind::Member(object, name), node)
}

fn call<'t>(lowering: &mut Lowering<'t>, callee: ExprId, node: Node<'t>) -> ExprId {
    let mut args = Vec::new();
    for argument in node.child_by_field_name("arguments").map(children).unwrap_or_default() {
        args.push(Arg { name: None, value: expr(lowering, argument), is_spread: false });
    }
    lowering.call(callee, args, node)
}
