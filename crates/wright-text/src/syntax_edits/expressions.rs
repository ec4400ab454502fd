//! Another expression of the function, an expression inside a call, a part of a sequence, a list with one element more.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::{Context, Level};
use crate::languages::Role;
use crate::outline::Slot;

/// The longest expression that is copied to another place.
const MAX_COPIED_BYTES: usize = 60;

/// How many expressions are tried in one place, the nearest first.
const MAX_COPIES: usize = 6;

/// How many variables bound a slice or extend a list.
const MAX_VARIABLES: usize = 6;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    let pool = pool(ctx);
    for index in ctx.body.clone().filter(|index| takes_copies(ctx, *index)) {
        copy_expressions(ctx, out, index, &pool);
    }
    for index in ctx.values() {
        slice(ctx, out, index);
        wrap(ctx, out, index);
        extend_list(ctx, out, index);
    }
    for index in ctx.body.clone() {
        accumulate(ctx, out, index);
    }
}

/// Returns the expressions of the function that say more than a name or a constant, each once.
fn pool(ctx: &Context<'_>) -> Vec<usize> {
    let mut texts = std::collections::HashSet::new();
    let is_rich =
        |role| matches!(role, Role::Call | Role::Member | Role::Index | Role::Binary | Role::Unary | Role::Tuple);
    let values = ctx.values().filter(|index| is_rich(ctx.role(*index)) || ctx.slot(*index) == Slot::Condition);
    values.filter(|index| ctx.range(*index).len() <= MAX_COPIED_BYTES && texts.insert(ctx.text(*index))).collect()
}

fn takes_copies(ctx: &Context<'_>, index: usize) -> bool {
    let is_target = ctx.slot(index) == Slot::Target && matches!(ctx.role(index), Role::Index | Role::Member);
    let is_value = ctx.slot(index).is_value() && !matches!(ctx.role(index), Role::Token | Role::Comment);
    is_target || is_value
}

fn copy_expressions(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize, pool: &[usize]) {
    let here = ctx.range(index).start;
    let mut near: Vec<usize> = pool.iter().copied().filter(|copy| suits(ctx, index, *copy)).collect();
    near.sort_by_key(|copy| ctx.range(*copy).start.abs_diff(here));
    let tier = if ctx.role(index) == Role::Identifier { Tier::Guess } else { Tier::Omission };
    for copy in near.into_iter().take(MAX_COPIES) {
        let code = ctx.fitted(index, ctx.text(copy), ctx.level(copy));
        out.replace(Kind::Expression, tier, ctx.range(index), code);
    }
}

/// Conditions replace conditions; other expressions those of their kind, or a name that occurs in them.
fn suits(ctx: &Context<'_>, index: usize, copy: usize) -> bool {
    let is_condition = |index| ctx.slot(index) == Slot::Condition;
    if ctx.text(index) == ctx.text(copy) || is_condition(index) != is_condition(copy) {
        return false;
    }
    let names_it = || {
        let mut inside = ctx.outline.subtree(copy).skip(1);
        inside.any(|part| ctx.role(part) == Role::Identifier && ctx.text(part) == ctx.text(index))
    };
    is_condition(index)
        || ctx.role(index) == ctx.role(copy)
        || (ctx.role(index) == Role::Identifier
            && !matches!(ctx.slot(index), Slot::Object | Slot::Indexed)
            && names_it())
}

/// Returns whether an expression may stand for a sequence.
fn may_be_sequence(ctx: &Context<'_>, index: usize) -> bool {
    matches!(ctx.role(index), Role::Identifier | Role::Member | Role::Call | Role::Index)
        && !ctx.is_fixed(index)
        && ctx.range(index).len() <= MAX_COPIED_BYTES
}

fn is_arithmetic(ctx: &Context<'_>, index: usize) -> bool {
    ctx.role(index) == Role::Binary && ctx.level(index) >= Level::Additive
}

fn slice(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let tier = match ctx.slot(index) {
        Slot::Iterable | Slot::Argument => Tier::Omission,
        Slot::Returned | Slot::Right | Slot::Operand => Tier::Guess,
        _ => return,
    };
    if !may_be_sequence(ctx, index) {
        return;
    }
    for template in ctx.table.slices {
        out.replace(Kind::Slice, tier, ctx.range(index), ctx.filled(template, index, ""));
    }
    let is_place_of_sequence = matches!(ctx.slot(index), Slot::Iterable | Slot::Argument | Slot::Right);
    for variable in ctx.variables_at(index).take(MAX_VARIABLES).filter(|_| is_place_of_sequence) {
        for template in ctx.table.slices_by {
            let tier = if ctx.slot(index) == Slot::Iterable { tier } else { Tier::Guess };
            out.replace(Kind::Slice, tier, ctx.range(index), ctx.filled(template, index, variable));
        }
    }
}

fn wrap(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let takes_call =
        matches!(ctx.slot(index), Slot::Argument | Slot::Returned | Slot::Right | Slot::Iterable | Slot::Operand);
    let is_value = may_be_sequence(ctx, index) || is_arithmetic(ctx, index);
    if !takes_call || !is_value || ctx.range(index).len() > MAX_COPIED_BYTES {
        return;
    }
    let own = ctx.callables.iter().filter(|callable| callable.n_parameters == 1).take(MAX_COPIES);
    for callable in own {
        let code = format!("{}({})", callable.name, ctx.text(index));
        out.replace(Kind::Wrap, Tier::Omission, ctx.range(index), code);
    }
    for template in ctx.table.wrappers {
        out.replace(Kind::Wrap, Tier::Guess, ctx.range(index), ctx.filled(template, index, ""));
    }
}

/// `f(x)` to `[y] + f(x)` and to `y + f(x)`.
fn extend_list(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let is_list = matches!(ctx.role(index), Role::Call | Role::Comprehension | Role::List | Role::Identifier)
        || is_arithmetic(ctx, index);
    if !is_list || ctx.is_fixed(index) || !matches!(ctx.slot(index), Slot::Returned | Slot::Right) {
        return;
    }
    for variable in ctx.variables_at(index).take(MAX_VARIABLES) {
        for template in ctx.table.extended_lists.iter().chain(&["{v} + {x}", "{x} + {v}"]) {
            let code = ctx.filled(template, index, variable);
            out.replace(Kind::ListElement, Tier::Omission, ctx.range(index), code);
        }
    }
}

/// `best = x` to `best = max(best, x)`.
fn accumulate(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let Some(assignment) = ctx.outline.assignment(index).filter(|assignment| assignment.is_plain) else { return };
    let (target, value) = (assignment.target, assignment.value);
    let is_existing =
        ctx.role(index) == Role::Assign || assignment.operator.is_some_and(|token| ctx.text(token) == ":=");
    if !is_existing
        || ctx.is_fixed(value)
        || matches!(ctx.role(value), Role::Tuple | Role::String | Role::Null | Role::Boolean)
    {
        return;
    }
    for template in ctx.table.accumulations {
        let template = template.replace("{t}", ctx.text(target));
        out.replace(Kind::Accumulation, Tier::Omission, ctx.range(value), ctx.filled(&template, value, ""));
    }
}
