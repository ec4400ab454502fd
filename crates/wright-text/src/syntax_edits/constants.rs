//! Another constant, a constant where a variable should be, another value to start from.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::Context;
use crate::languages::Role;
use crate::outline::Slot;

/// How many variables take the place of one constant.
const MAX_VARIABLES: usize = 8;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for index in ctx.body.clone().filter(|index| ctx.slot(*index) != Slot::Inert) {
        match ctx.role(index) {
            Role::Integer => integers(ctx, out, index),
            Role::Float => others_of(ctx, out, index, &["0.0", "1.0", "0.5", "-1.0"], Tier::Omission),
            Role::Boolean => others_of(ctx, out, index, &[ctx.table.truth, ctx.table.falsehood], Tier::Slip),
            Role::Null => others_of(ctx, out, index, ctx.table.return_constants, Tier::Omission),
            Role::String => strings(ctx, out, index),
            Role::List | Role::Map | Role::Call => empty_lists(ctx, out, index),
            Role::Assign | Role::Declare => initial_values(ctx, out, index),
            _ => {}
        }
    }
}

fn others_of(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize, constants: &[&str], tier: Tier) {
    for constant in constants {
        out.replace(Kind::Constant, tier, ctx.range(index), *constant);
    }
}

fn integers(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let range = ctx.range(index);
    if let Ok(value) = ctx.text(index).replace('_', "").parse::<i64>() {
        for neighbor in [value.saturating_add(1), value.saturating_sub(1)] {
            out.replace(Kind::OffByOne, Tier::Slip, range.clone(), neighbor.to_string());
        }
    }
    for constant in ["0", "1", "-1", "2"] {
        out.replace(Kind::Constant, Tier::Slip, range.clone(), constant);
    }
    for variable in ctx.variables_at(index).take(MAX_VARIABLES) {
        out.replace(Kind::Variable, Tier::Omission, range.clone(), variable);
    }
}

fn strings(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let is_documentation = ctx.outline.parent(index).is_some_and(|parent| ctx.is_docstring(parent));
    if is_documentation {
        return;
    }
    let is_empty = ctx.table.empty_strings.contains(&ctx.text(index)) || matches!(ctx.text(index), "\"\"" | "\" \"");
    others_of(ctx, out, index, ctx.table.empty_strings, if is_empty { Tier::Slip } else { Tier::Guess });
    for variable in ctx.variables_at(index).take(MAX_VARIABLES) {
        out.replace(Kind::Variable, Tier::Guess, ctx.range(index), variable);
    }
}

fn empty_lists(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    if !ctx.table.empty_lists.contains(&ctx.text(index)) {
        return;
    }
    others_of(ctx, out, index, ctx.table.empty_lists, Tier::Slip);
    if ctx.text(index) == "[]" {
        for variable in ctx.variables_at(index).take(MAX_VARIABLES) {
            out.replace(Kind::ListElement, Tier::Omission, ctx.range(index), format!("[{variable}]"));
        }
    }
}

fn initial_values(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let Some(assignment) = ctx.outline.assignment(index).filter(|assignment| assignment.is_plain) else { return };
    let value = assignment.value;
    let is_constant =
        matches!(ctx.role(value), Role::Integer | Role::Float | Role::Boolean | Role::Null | Role::String)
            || ctx.table.empty_lists.contains(&ctx.text(value));
    if !is_constant {
        return;
    }
    for constant in ctx.table.return_constants.iter().chain(ctx.table.empty_lists) {
        out.replace(Kind::InitialValue, Tier::Omission, ctx.range(value), *constant);
    }
    for variable in ctx.variables_at(value).filter(|variable| *variable != ctx.text(assignment.target)) {
        out.replace(Kind::InitialValue, Tier::Omission, ctx.range(value), variable);
        for template in ctx.table.slices.iter().filter(|template| template.ends_with("[0]")) {
            let first = template.replace("{a}", variable);
            out.replace(Kind::InitialValue, Tier::Guess, ctx.range(value), first);
        }
    }
}
