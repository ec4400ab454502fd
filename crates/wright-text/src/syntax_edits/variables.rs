//! Another variable in scope, another member of the same object.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::Context;
use crate::languages::Role;
use crate::outline::Slot;

/// How many members are tried in one place.
const MAX_MEMBERS: usize = 6;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for index in ctx.with_role(Role::Identifier) {
        let is_definition = ctx.outline.field_name(index) == Some("macro");
        if ctx.slot(index) == Slot::Callee || ctx.is_member_name(index) || is_definition || ctx.is_fixed(index) {
            continue;
        }
        replace_variable(ctx, out, index);
    }
    for index in ctx.with_role(Role::Member).filter(|index| ctx.slot(*index) != Slot::Callee) {
        replace_member(ctx, out, index);
    }
}

fn replace_variable(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    for variable in ctx.variables_at(index) {
        out.replace(Kind::Variable, Tier::Slip, ctx.range(index), variable);
    }
    if !ctx.slot(index).is_value() {
        return;
    }
    for member in ctx.members.iter().take(MAX_MEMBERS) {
        out.replace(Kind::Variable, Tier::Omission, ctx.range(index), member);
    }
    for constant in ["0", "1"].iter().filter(|_| ctx.slot(index) != Slot::Object) {
        out.replace(Kind::Constant, Tier::Guess, ctx.range(index), *constant);
    }
    if !matches!(ctx.slot(index), Slot::Object | Slot::Indexed) {
        for field in ctx.fields.iter().take(MAX_MEMBERS) {
            out.replace(Kind::Field, Tier::Guess, ctx.range(index), format!("{}.{field}", ctx.text(index)));
        }
    }
}

fn replace_member(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    if let Some(name) = ctx.outline.member_name(index) {
        for field in ctx.fields.iter().take(MAX_MEMBERS) {
            out.replace(Kind::Field, Tier::Slip, ctx.range(name), field);
        }
    }
    for variable in ctx.variables_at(index).chain(ctx.members.iter().map(String::as_str).take(MAX_MEMBERS)) {
        out.replace(Kind::Variable, Tier::Omission, ctx.range(index), variable);
    }
}
