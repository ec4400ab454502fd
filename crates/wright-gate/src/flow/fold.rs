//! Calculates what can be known before the program runs.

use std::sync::Arc;

use super::ir::{Const, Operator};

/// Longer strings are not built.
const MAX_TEXT: usize = 4_096;

/// Returns the sum or the concatenation.
pub(crate) fn add(left: &Const, right: &Const) -> Option<Const> {
    match (left, right) {
        (Const::Int(left), Const::Int(right)) => left.checked_add(*right).map(Const::Int),
        (Const::Str(left), Const::Str(right)) if left.len() + right.len() <= MAX_TEXT => {
            Some(Const::Str(Arc::from(format!("{left}{right}"))))
        }
        _ => None,
    }
}

/// Returns the value of two operands.
pub(crate) fn binary(operator: Operator, left: &Const, right: &Const) -> Option<Const> {
    let ints = match (left, right) {
        (Const::Int(left), Const::Int(right)) => Some((*left, *right)),
        _ => None,
    };
    match operator {
        Operator::And => Some(if left.is_true() { right.clone() } else { left.clone() }),
        Operator::Or => Some(if left.is_true() { left.clone() } else { right.clone() }),
        Operator::Equal => Some(Const::Bool(left == right)),
        Operator::NotEqual => Some(Const::Bool(left != right)),
        Operator::Less => ints.map(|(left, right)| Const::Bool(left < right)),
        Operator::LessOrEqual => ints.map(|(left, right)| Const::Bool(left <= right)),
        Operator::Greater => ints.map(|(left, right)| Const::Bool(left > right)),
        Operator::GreaterOrEqual => ints.map(|(left, right)| Const::Bool(left >= right)),
        Operator::In => Some(Const::Bool(right.as_str()?.contains(left.as_str()?))),
        Operator::NotIn => Some(Const::Bool(!right.as_str()?.contains(left.as_str()?))),
        Operator::Subtract => ints.and_then(|(left, right)| left.checked_sub(right)).map(Const::Int),
        Operator::Multiply => ints.and_then(|(left, right)| left.checked_mul(right)).map(Const::Int),
        // The exact quotient only: languages disagree on everything else.
        Operator::Divide | Operator::FloorDivide => ints
            .filter(|(left, right)| *right != 0 && left.checked_rem(*right) == Some(0))
            .and_then(|(left, right)| left.checked_div(right))
            .map(Const::Int),
        Operator::Remainder => {
            ints.filter(|(left, _)| *left >= 0).and_then(|(left, right)| left.checked_rem(right)).map(Const::Int)
        }
        Operator::BitAnd => ints.map(|(left, right)| Const::Int(left & right)),
        Operator::BitOr => ints.map(|(left, right)| Const::Int(left | right)),
        Operator::Other => None,
    }
}

/// Returns the character at an index.
pub(crate) fn character(text: &str, at: i64) -> Option<Const> {
    let found = if at >= 0 {
        text.chars().nth(usize::try_from(at).ok()?)
    } else {
        text.chars().rev().nth(usize::try_from(-(at + 1)).ok()?)
    };
    found.map(|it| Const::Str(Arc::from(it.to_string())))
}

/// Returns what a method of a constant string gives.
pub(crate) fn method(text: &str, name: &str, args: &[Option<&Const>]) -> Option<Const> {
    let string = |text: String| Some(Const::Str(Arc::from(text)));
    let first = args.first().copied().flatten();
    match (name, args.len()) {
        ("upper" | "toUpperCase", 0) => string(text.to_uppercase()),
        ("lower" | "toLowerCase", 0) => string(text.to_lowercase()),
        ("strip" | "trim", 0) => string(text.trim().to_owned()),
        ("encode" | "decode" | "toString" | "to_string" | "to_owned" | "as_str" | "into" | "clone", _) => {
            string(text.to_owned())
        }
        ("startswith" | "startsWith" | "starts_with", 1) => Some(Const::Bool(text.starts_with(first?.as_str()?))),
        ("endswith" | "endsWith" | "ends_with", 1) => Some(Const::Bool(text.ends_with(first?.as_str()?))),
        ("contains" | "includes", 1) => Some(Const::Bool(text.contains(first?.as_str()?))),
        ("equals", 1) => Some(Const::Bool(text == first?.as_str()?)),
        ("length", 0) => i64::try_from(text.chars().count()).ok().map(Const::Int),
        ("charAt", 1) => match first? {
            Const::Int(at) => character(text, *at),
            _ => None,
        },
        ("concat", 1) => add(&Const::Str(Arc::from(text)), first?),
        _ => None,
    }
}
