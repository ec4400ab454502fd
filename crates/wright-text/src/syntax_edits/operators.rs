//! Another operator, operands in another order, one operand alone, a condition the other way round.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::{Context, Level, level_of};
use crate::languages::Role;
use crate::outline::Slot;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for index in ctx.body.clone().filter(|index| ctx.slot(*index) != Slot::Inert) {
        match ctx.role(index) {
            Role::Binary => {
                replace_operators(ctx, out, index);
                move_limit(ctx, out, index);
                change_operands(ctx, out, index);
            }
            Role::Assign if assigns_constant(ctx, index) => {}
            Role::Assign | Role::Update | Role::Slice => replace_operators(ctx, out, index),
            Role::For if ctx.outline.tokens(index).any(|token| ctx.outline.field_name(token) == Some("operator")) => {
                replace_operators(ctx, out, index);
            }
            Role::Unary => drop_sign(ctx, out, index),
            _ => {}
        }
    }
    for index in ctx.values() {
        negate(ctx, out, index);
    }
}

fn siblings(ctx: &Context<'_>, operator: &str) -> impl Iterator<Item = &'static str> {
    let group = ctx.table.operators.iter().find(|group| group.first() == Some(&operator));
    let group = group.or_else(|| ctx.table.operators.iter().find(|group| group.contains(&operator)));
    group.copied().unwrap_or_default().iter().copied().filter(move |sibling| *sibling != operator)
}

fn replace_operators(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    for token in ctx.outline.tokens(index) {
        for sibling in siblings(ctx, ctx.text(token)) {
            out.replace(Kind::Operator, Tier::Slip, ctx.range(token), sibling);
        }
    }
}

/// Nobody adds an empty list or a truth value.
fn assigns_constant(ctx: &Context<'_>, index: usize) -> bool {
    ctx.outline.assignment(index).is_some_and(|assignment| {
        matches!(ctx.role(assignment.value), Role::Boolean | Role::Null) || ctx.is_fixed(assignment.value)
    })
}

/// Changes a comparison with a number in both respects: `len(x) == 0` to `len(x) <= 1`.
fn move_limit(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let parts: Vec<usize> = ctx.outline.parts(index).collect();
    let (Some(token), [left, right]) = (ctx.outline.operator(index), parts.as_slice()) else { return };
    let Ok(limit) = ctx.text(*right).parse::<i64>() else { return };
    if level_of(ctx.text(token)) != Level::Comparison {
        return;
    }
    for sibling in siblings(ctx, ctx.text(token)) {
        for limit in [limit.saturating_add(1), limit.saturating_sub(1)] {
            let code = format!("{} {sibling} {limit}", ctx.text(*left));
            out.replace(Kind::Operator, Tier::Omission, ctx.range(index), code);
        }
    }
}

fn change_operands(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let parts: Vec<usize> = ctx.outline.parts(index).collect();
    let (Some(token), [left, right]) = (ctx.outline.operator(index), parts.as_slice()) else { return };
    let operator = ctx.text(token);
    let order_counts = !matches!(operator, "*" | "&" | "|" | "^" | "==" | "!=" | "===" | "!==");
    let is_comparison = level_of(operator) == Level::Comparison && !matches!(operator, "in" | "not in");
    if order_counts && !is_comparison {
        let level = level_of(operator);
        let (a, b) = (ctx.grouped(*left, Level::Atom.min(above(level))), ctx.grouped(*right, level));
        out.replace(Kind::OperandOrder, Tier::Slip, ctx.range(index), format!("{b} {operator} {a}"));
    }
    if level_of(operator) != Level::Comparison {
        for operand in [*left, *right] {
            let code = ctx.fitted(index, ctx.text(operand), ctx.level(operand));
            out.replace(Kind::Operand, Tier::Slip, ctx.range(index), code);
        }
    }
}

/// The right operand must hold together more tightly than the left.
fn above(level: Level) -> Level {
    match level {
        Level::Lowest | Level::Or => Level::And,
        Level::And => Level::Not,
        Level::Not | Level::Comparison | Level::Bitwise => Level::Additive,
        Level::Additive => Level::Multiplicative,
        Level::Multiplicative => Level::Prefix,
        Level::Prefix | Level::Power | Level::Atom => Level::Atom,
    }
}

fn drop_sign(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let Some(operand) = ctx.outline.parts(index).next_back() else { return };
    if !ctx.text(index).starts_with(ctx.table.not.trim_end()) {
        let code = ctx.fitted(index, ctx.text(operand), ctx.level(operand));
        out.replace(Kind::Operand, Tier::Slip, ctx.range(index), code);
    }
}

fn negate(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let is_operand = ctx.slot(index) == Slot::Operand;
    let is_clause = |index| {
        is_operand && ctx.operator_around(index).is_some_and(|token| [ctx.table.and, ctx.table.or].contains(&token))
    };
    let tier = match ctx.slot(index) {
        Slot::Condition => Tier::Slip,
        Slot::Returned | Slot::Right => Tier::Omission,
        Slot::Argument => Tier::Guess,
        _ if is_clause(index) => Tier::Slip,
        _ => return,
    };
    let not = ctx.table.not;
    if ctx.role(index) == Role::Unary && ctx.text(index).starts_with(not.trim_end()) {
        let Some(operand) = ctx.outline.parts(index).next_back() else { return };
        let operand = ctx.outline.unwrapped(operand);
        let code = ctx.fitted(index, ctx.text(operand), ctx.level(operand));
        out.replace(Kind::Negation, Tier::Slip, ctx.range(index), code);
        return;
    }
    if matches!(ctx.role(index), Role::Binary | Role::Call | Role::Identifier | Role::Member | Role::Index) {
        let is_word = not.ends_with(' ');
        let code = format!("{not}{}", ctx.grouped(index, if is_word { Level::Not } else { Level::Atom }));
        let level = if is_word { Level::Not } else { Level::Prefix };
        out.replace(Kind::Negation, tier, ctx.range(index), ctx.fitted(index, &code, level));
    }
}
