//! From syntax trees to [`Program`]s: what all languages share. One file per language says how its grammar is spelled.
//!
//! Code nested deeper than [`MAX_DEPTH`] becomes [`ExprKind::Unknown`]; a hostile file costs no stack.

mod go;
mod java;
mod javascript;
mod python;
mod rust;

use std::ops::Range;
use std::sync::Arc;

use wright_text::{Language, Node, SyntaxTree};

use super::ir::{Arg, Call, Const, Expr, ExprId, ExprKind, Function, FunctionId, Operator, Program, Stmt};

/// Deeper code is not looked into.
const MAX_DEPTH: usize = 120;

/// Returns the program of a tree; `None` for a language without data flow.
pub(crate) fn lower<'t>(tree: &'t SyntaxTree) -> Option<Program<'t>> {
    let language = tree.language();
    if language == Language::Cpp {
        return None;
    }
    let mut lowering =
        Lowering { text: tree.text(), program: Program::default(), depth: 0, names: Vec::new(), class: None };
    lowering.program.functions.push(Function { range: 0..tree.text().len(), ..Function::default() });
    let mut body = Vec::new();
    for child in children(tree.root()) {
        statement(language, &mut lowering, child, &mut body);
    }
    lowering.program.functions[0].body = body;
    Some(lowering.program)
}

fn statement<'t>(language: Language, lowering: &mut Lowering<'t>, node: Node<'t>, out: &mut Vec<Stmt<'t>>) {
    match language {
        Language::Python => python::statement(lowering, node, out),
        Language::JavaScript | Language::TypeScript | Language::Tsx => javascript::statement(lowering, node, out),
        Language::Go => go::statement(lowering, node, out),
        Language::Java => java::statement(lowering, node, out),
        Language::Rust => rust::statement(lowering, node, out),
        Language::Cpp => {}
    }
}

/// What is known while a tree is walked.
struct Lowering<'t> {
    text: &'t str,
    program: Program<'t>,
    depth: usize,
    /// Names of the classes and functions around.
    names: Vec<&'t str>,
    class: Option<&'t str>,
}

impl<'t> Lowering<'t> {
    fn text_of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or_default()
    }

    fn field_text(&self, node: Node<'_>, field: &str) -> &'t str {
        node.child_by_field_name(field).map_or("", |it| self.text_of(it))
    }

    fn push(&mut self, kind: ExprKind<'t>, node: Node<'_>) -> ExprId {
        self.push_at(kind, node.byte_range())
    }

    fn push_at(&mut self, kind: ExprKind<'t>, range: Range<usize>) -> ExprId {
        self.program.exprs.push(Expr { kind, range });
        self.program.exprs.len() - 1
    }

    fn string(&mut self, text: &str, node: Node<'_>) -> ExprId {
        self.push(ExprKind::Constant(Const::Str(Arc::from(text))), node)
    }

    fn unknown(&mut self, node: Node<'_>) -> ExprId {
        self.push(ExprKind::Unknown, node)
    }

    fn name(&mut self, node: Node<'_>) -> ExprId {
        let text = self.text_of(node);
        self.push(ExprKind::Name(text), node)
    }

    /// Walks one level down with `walk`, or gives up where the code is too deep.
    fn deeper(&mut self, node: Node<'t>, walk: impl FnOnce(&mut Self, Node<'t>) -> ExprId) -> ExprId {
        if self.depth >= MAX_DEPTH {
            return self.unknown(node);
        }
        self.depth += 1;
        let id = walk(self, node);
        self.depth -= 1;
        id
    }

    /// Lowers statements with `walk`, or none where the code is too deep.
    fn block(
        &mut self,
        node: Option<Node<'t>>,
        walk: impl Fn(&mut Self, Node<'t>, &mut Vec<Stmt<'t>>),
    ) -> Vec<Stmt<'t>> {
        let mut body = Vec::new();
        let Some(node) = node.filter(|_| self.depth < MAX_DEPTH) else { return body };
        self.depth += 1;
        walk(self, node, &mut body);
        self.depth -= 1;
        body
    }

    fn call(&mut self, callee: ExprId, args: Vec<Arg<'t>>, node: Node<'_>) -> ExprId {
        self.push(ExprKind::Call(Call { callee, args }), node)
    }

    /// Lowers a function whose body `walk` lowers. Invariant: the names around it are as before afterwards.
    fn function(&mut self, mut function: Function<'t>, walk: impl FnOnce(&mut Self) -> Vec<Stmt<'t>>) -> FunctionId {
        self.names.push(function.name);
        function.symbol = self.names.iter().filter(|it| !it.is_empty()).copied().collect::<Vec<_>>().join(".");
        function.class = self.class;
        let id = self.program.functions.len();
        self.program.functions.push(function);
        let class = self.class.take();
        let body = walk(self);
        self.class = class;
        self.program.functions[id].body = body;
        self.names.pop();
        id
    }

    /// Lowers the body of a class with `walk`.
    fn class(&mut self, name: &'t str, walk: impl FnOnce(&mut Self)) {
        self.names.push(name);
        let outer = self.class.replace(name);
        walk(self);
        self.class = outer;
        self.names.pop();
    }

    /// Flattens `a + b + c`, which the grammars nest to the left, without recursion.
    fn operands(&self, node: Node<'t>, operator: &str) -> Vec<Node<'t>> {
        let mut reversed = Vec::new();
        let mut current = node;
        loop {
            let (left, right) = (current.child_by_field_name("left"), current.child_by_field_name("right"));
            let (Some(left), Some(right)) = (left, right) else { break };
            reversed.push(right);
            if left.kind() != node.kind() || self.field_text(left, "operator") != operator {
                reversed.push(left);
                break;
            }
            current = left;
        }
        reversed.reverse();
        reversed
    }

    /// Lowers a node with operands `left` and `right` and an `operator`.
    fn binary(&mut self, node: Node<'t>, lower: fn(&mut Self, Node<'t>) -> ExprId) -> ExprId {
        let operator = self.field_text(node, "operator");
        if operator == "+" {
            let parts = self.operands(node, "+").into_iter().map(|it| lower(self, it)).collect();
            return self.push(ExprKind::Add(parts), node);
        }
        let left = node.child_by_field_name("left").map(|it| lower(self, it));
        let right = node.child_by_field_name("right").map(|it| lower(self, it));
        match (left, right) {
            (Some(left), Some(right)) => self.push(ExprKind::Binary(operator_of(operator), left, right), node),
            (one, other) => self.push(ExprKind::Merge(one.into_iter().chain(other).collect()), node),
        }
    }

    /// Any of the named children, for what has no shape of its own.
    fn merge(&mut self, node: Node<'t>, lower: fn(&mut Self, Node<'t>) -> ExprId) -> ExprId {
        let parts: Vec<ExprId> = children(node).into_iter().map(|it| lower(self, it)).collect();
        match parts.as_slice() {
            [only] => *only,
            _ => self.push(ExprKind::Merge(parts), node),
        }
    }
}

/// Returns the named children without comments.
fn children(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    node.named_children(&mut cursor).filter(|it| !it.is_extra()).collect()
}

/// Returns the children of a field.
fn fields<'t>(node: Node<'t>, field: &str) -> Vec<Node<'t>> {
    let mut cursor = node.walk();
    node.children_by_field_name(field, &mut cursor).filter(Node::is_named).collect()
}

fn operator_of(text: &str) -> Operator {
    match text {
        "and" | "&&" => Operator::And,
        "or" | "||" | "??" => Operator::Or,
        "==" | "===" | "is" => Operator::Equal,
        "!=" | "!==" | "is not" | "<>" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "in" => Operator::In,
        "not in" => Operator::NotIn,
        "-" => Operator::Subtract,
        "*" => Operator::Multiply,
        "/" => Operator::Divide,
        "//" => Operator::FloorDivide,
        "%" => Operator::Remainder,
        "&" => Operator::BitAnd,
        "|" => Operator::BitOr,
        _ => Operator::Other,
    }
}

/// Reads an integer literal of any of the languages.
fn integer(text: &str) -> Option<i64> {
    let digits = text.replace('_', "");
    let lower = digits.to_ascii_lowercase();
    if let Some(hex) = lower.strip_prefix("0x") {
        return i64::from_str_radix(hex.trim_end_matches('l'), 16).ok();
    }
    if let Some(octal) = lower.strip_prefix("0o") {
        return i64::from_str_radix(octal, 8).ok();
    }
    if let Some(binary) = lower.strip_prefix("0b") {
        return i64::from_str_radix(binary, 2).ok();
    }
    // C's octal, which Go, Java and old JavaScript still read.
    if lower.len() > 1 && lower.starts_with('0') && lower.bytes().all(|it| it.is_ascii_digit()) {
        return i64::from_str_radix(&lower, 8).ok();
    }
    let end = lower.find(|it: char| !it.is_ascii_digit()).unwrap_or(lower.len());
    let is_suffix = matches!(
        &lower[end..],
        "" | "l" | "n" | "i8" | "u8" | "i16" | "u16" | "i32" | "u32" | "i64" | "u64" | "usize" | "isize"
    );
    if is_suffix { lower[..end].parse().ok() } else { None }
}

/// Undoes the escapes of a string literal that matter to paths, queries and patterns.
fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(it) = chars.next() {
        if it != '\\' {
            result.push(it);
            continue;
        }
        match chars.next() {
            Some('n') => result.push('\n'),
            Some('t') => result.push('\t'),
            Some('r') => result.push('\r'),
            Some('0') => result.push('\0'),
            Some('\n') | None => {}
            Some(other @ ('\\' | '\'' | '"' | '`' | '/')) => result.push(other),
            Some(other) => result.extend(['\\', other]),
        }
    }
    result
}
