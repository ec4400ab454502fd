//! A program in the few shapes that data flow needs, the same for every language.
//!
//! Expressions live in one list and name each other by index, so that nothing here is nested deeper than the statements
//! are. What a language has and this lacks becomes [`ExprKind::Merge`]: a value that may be any of its parts. See
//! [`lower`](super::lower) for where it comes from.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// The index of an expression in [`Program::exprs`].
pub(crate) type ExprId = usize;
/// The index of a function in [`Program::functions`].
pub(crate) type FunctionId = usize;

/// One file.
#[derive(Debug, Default)]
pub(crate) struct Program<'t> {
    pub(crate) exprs: Vec<Expr<'t>>,
    /// The first is the code outside of functions.
    pub(crate) functions: Vec<Function<'t>>,
    /// What a name at the top stands for: `sp` for `subprocess`.
    pub(crate) imports: HashMap<&'t str, String>,
}

impl<'t> Program<'t> {
    pub(crate) fn kind(&self, id: ExprId) -> &ExprKind<'t> {
        &self.exprs[id].kind
    }

    pub(crate) fn range(&self, id: ExprId) -> Range<usize> {
        self.exprs[id].range.clone()
    }
}

#[derive(Debug)]
pub(crate) struct Expr<'t> {
    pub(crate) kind: ExprKind<'t>,
    pub(crate) range: Range<usize>,
}

#[derive(Debug)]
pub(crate) enum ExprKind<'t> {
    /// Something that carries nothing worth following.
    Unknown,
    Constant(Const),
    Name(&'t str),
    Member(ExprId, &'t str),
    Index(ExprId, ExprId),
    Slice(ExprId, Option<ExprId>, Option<ExprId>),
    Call(Call<'t>),
    /// Operands of one `+`, however many.
    Add(Vec<ExprId>),
    /// Pieces of one string: an f-string, a template, the arguments of a formatting macro.
    Concat(Vec<ExprId>),
    Binary(Operator, ExprId, ExprId),
    Not(ExprId),
    Negative(ExprId),
    Sequence(Vec<ExprId>),
    /// Pairs; a key of `None` takes over another mapping.
    Mapping(Vec<(Option<ExprId>, ExprId)>),
    Conditional(ExprId, ExprId, ExprId),
    Assign(ExprId, ExprId),
    Function(FunctionId),
    /// A loop that builds a list: clauses of target and iterated value, conditions, and the element.
    Comprehension {
        clauses: Vec<(ExprId, ExprId)>,
        conditions: Vec<ExprId>,
        element: ExprId,
    },
    /// Any of its parts.
    Merge(Vec<ExprId>),
    /// Statements whose last expression is the value.
    Block(Vec<Stmt<'t>>),
}

#[derive(Debug)]
pub(crate) struct Call<'t> {
    pub(crate) callee: ExprId,
    pub(crate) args: Vec<Arg<'t>>,
}

#[derive(Debug)]
pub(crate) struct Arg<'t> {
    pub(crate) name: Option<&'t str>,
    pub(crate) value: ExprId,
    /// `*rest`, `...rest`.
    pub(crate) is_spread: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    And,
    Or,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Remainder,
    BitAnd,
    BitOr,
    Other,
}

/// A value that is known before the program runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Const {
    Null,
    Bool(bool),
    Int(i64),
    Str(Arc<str>),
}

impl Const {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Const::Str(text) => Some(text),
            Const::Null | Const::Bool(_) | Const::Int(_) => None,
        }
    }

    pub(crate) fn is_true(&self) -> bool {
        match self {
            Const::Null => false,
            Const::Bool(it) => *it,
            Const::Int(it) => *it != 0,
            Const::Str(it) => !it.is_empty(),
        }
    }
}

#[derive(Debug)]
pub(crate) enum Stmt<'t> {
    Expr(ExprId),
    Assign {
        target: ExprId,
        value: ExprId,
    },
    /// `target op= value`; `None` stands for any operator but `+`.
    Augment {
        target: ExprId,
        value: ExprId,
        adds: bool,
    },
    /// `Type name = value` and the like: a name with a declared type.
    Declare {
        name: &'t str,
        type_path: String,
        value: Option<ExprId>,
    },
    If {
        condition: ExprId,
        then: Vec<Stmt<'t>>,
        otherwise: Vec<Stmt<'t>>,
    },
    Loop {
        condition: Option<ExprId>,
        each: Option<(ExprId, ExprId)>,
        body: Vec<Stmt<'t>>,
    },
    Switch {
        subject: Option<ExprId>,
        cases: Vec<Case<'t>>,
    },
    Try {
        body: Vec<Stmt<'t>>,
        handlers: Vec<Vec<Stmt<'t>>>,
        last: Vec<Stmt<'t>>,
    },
    Return(Option<ExprId>),
    /// `raise`, `throw`: what follows in this block does not run.
    Leave(Option<ExprId>),
    /// `break`, `continue`: the same, but what follows the loop does.
    Jump,
    /// What an assertion promises afterwards.
    Assert(ExprId),
    Function(FunctionId),
}

#[derive(Debug)]
pub(crate) struct Case<'t> {
    /// Values that select it; none for the default.
    pub(crate) patterns: Vec<ExprId>,
    pub(crate) guard: Option<ExprId>,
    pub(crate) is_default: bool,
    pub(crate) body: Vec<Stmt<'t>>,
    /// It runs into the next one when nothing leaves it.
    pub(crate) falls_through: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Function<'t> {
    pub(crate) name: &'t str,
    /// Its name after those of the classes and functions around it.
    pub(crate) symbol: String,
    pub(crate) class: Option<&'t str>,
    pub(crate) params: Vec<Param<'t>>,
    /// Decorators, annotations and attributes, as they are called.
    pub(crate) decorators: Vec<ExprId>,
    pub(crate) body: Vec<Stmt<'t>>,
    pub(crate) range: Range<usize>,
    /// A function expression, which runs where it is written, as far as we know.
    pub(crate) is_closure: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Param<'t> {
    pub(crate) name: &'t str,
    /// The declared type, as a qualified path; empty without one.
    pub(crate) type_path: String,
    /// Annotations in front of it.
    pub(crate) annotations: Vec<&'t str>,
    pub(crate) default: Option<ExprId>,
    /// A pattern that takes the argument apart.
    pub(crate) pattern: Option<ExprId>,
}
