//! One more or one less; a variable more or less.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::{Context, Level, level_of};
use crate::languages::Role;
use crate::outline::Slot;

/// How many variables are added to or subtracted from one expression.
const MAX_OFFSETS: usize = 8;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for index in ctx.values() {
        if let Some(tier) = tier_of(ctx, index) {
            add_one(ctx, out, index, tier);
            add_variable(ctx, out, index);
            square(ctx, out, index);
        }
    }
}

/// Returns how usual it is to be off by one in a place, or nothing where no number can stand.
fn tier_of(ctx: &Context<'_>, index: usize) -> Option<Tier> {
    let is_numeric = match ctx.role(index) {
        Role::Identifier | Role::Member | Role::Call | Role::Index => true,
        Role::Binary => {
            matches!(ctx.level(index), Level::Additive | Level::Multiplicative | Level::Power | Level::Bitwise)
        }
        _ => false,
    };
    if !is_numeric || ctx.is_fixed(index) {
        return None;
    }
    match ctx.slot(index) {
        Slot::Index | Slot::Bound | Slot::Argument => Some(Tier::Slip),
        Slot::Operand => tier_of_operand(ctx, index),
        Slot::Element if is_in_index(ctx, index) => Some(Tier::Slip),
        Slot::Returned | Slot::Right | Slot::Branch | Slot::Element => Some(Tier::Omission),
        _ => None,
    }
}

fn tier_of_operand(ctx: &Context<'_>, index: usize) -> Option<Tier> {
    let operator = ctx.operator_around(index)?;
    match level_of(operator) {
        Level::Comparison if !matches!(operator, "in" | "not in" | "is" | "is not") => Some(Tier::Slip),
        Level::Additive | Level::Multiplicative | Level::Power | Level::Bitwise => Some(Tier::Omission),
        _ => None,
    }
}

fn is_in_index(ctx: &Context<'_>, index: usize) -> bool {
    ctx.outline.parent(index).is_some_and(|tuple| ctx.slot(tuple) == Slot::Index)
}

fn add_one(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize, tier: Tier) {
    for offset in ["+ 1", "- 1"] {
        let code = format!("{} {offset}", ctx.grouped(index, Level::Additive));
        out.replace(Kind::OffByOne, tier, ctx.range(index), ctx.fitted(index, &code, Level::Additive));
    }
}

fn add_variable(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    if ctx.slot(index) == Slot::Operand && ctx.role(index) == Role::Identifier {
        return;
    }
    for variable in ctx.variables_at(index).take(MAX_OFFSETS) {
        for operator in ["-", "+"] {
            let code = format!("{} {operator} {variable}", ctx.grouped(index, Level::Additive));
            out.replace(Kind::Offset, Tier::Guess, ctx.range(index), ctx.fitted(index, &code, Level::Additive));
        }
    }
}

fn square(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let is_short = ctx.range(index).len() <= 20;
    if is_short && matches!(ctx.role(index), Role::Identifier | Role::Member | Role::Index) {
        for template in ctx.table.square {
            out.replace(Kind::Wrap, Tier::Guess, ctx.range(index), ctx.filled(template, index, ""));
        }
    }
}
