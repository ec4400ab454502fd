//! A condition with one more clause, another condition, `if` and `while` mistaken for each other.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::{Context, Level, level_of};
use crate::languages::Role;
use crate::outline::Slot;

/// How many variables guard one condition.
const MAX_GUARDS: usize = 6;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for condition in ctx.conditions() {
        replace_endless(ctx, out, condition);
        guard_against_null(ctx, out, condition);
        guard_with_variables(ctx, out, condition);
        replace_condition(ctx, out, condition);
    }
    for index in ctx.body.clone() {
        exchange_keywords(ctx, out, index);
    }
}

/// `while True` to `while queue`.
fn replace_endless(ctx: &Context<'_>, out: &mut Candidates<'_>, condition: usize) {
    if ctx.text(condition) != ctx.table.truth {
        return;
    }
    let collections = ctx.collections.iter().map(String::as_str);
    for variable in collections.chain(ctx.variables_at(condition)) {
        for template in ctx.table.is_not_empty {
            let code = template.replace("{v}", variable);
            out.replace(Kind::Condition, Tier::Slip, ctx.range(condition), code);
        }
    }
}

/// `x.next is None` to `x is None or x.next is None`, for each object whose member is used.
fn guard_against_null(ctx: &Context<'_>, out: &mut Candidates<'_>, condition: usize) {
    let mut objects: Vec<&str> = Vec::new();
    for index in ctx.outline.subtree(condition) {
        let is_plain = matches!(ctx.role(index), Role::Identifier | Role::Member);
        let is_dereferenced = matches!(ctx.slot(index), Slot::Object | Slot::Indexed);
        if is_plain && is_dereferenced && !objects.contains(&ctx.text(index)) {
            objects.push(ctx.text(index));
        }
    }
    for object in objects {
        let guards = [(ctx.table.is_not_null, ctx.table.and), (ctx.table.is_null, ctx.table.or)];
        for (template, operator) in guards {
            if let Some(template) = template {
                prepend(ctx, out, condition, &template.replace("{v}", object), operator, Tier::Slip);
            }
        }
    }
}

fn guard_with_variables(ctx: &Context<'_>, out: &mut Candidates<'_>, condition: usize) {
    for variable in ctx.variables_at(condition).take(MAX_GUARDS) {
        for template in ctx.table.is_not_empty {
            append(ctx, out, condition, &template.replace("{v}", variable), ctx.table.and);
            append(ctx, out, condition, &template.replace("{v}", variable), ctx.table.or);
        }
        for template in ctx.table.is_empty {
            append(ctx, out, condition, &template.replace("{v}", variable), ctx.table.or);
            append(ctx, out, condition, &template.replace("{v}", variable), ctx.table.and);
        }
        let first = ctx.table.is_not_empty.first().map(|template| template.replace("{v}", variable));
        if let Some(clause) = first {
            prepend(ctx, out, condition, &clause, ctx.table.and, Tier::Guess);
        }
    }
    combine_with_others(ctx, out, condition);
}

fn combine_with_others(ctx: &Context<'_>, out: &mut Candidates<'_>, condition: usize) {
    let others = ctx.conditions().filter(|other| ctx.text(*other) != ctx.text(condition));
    for other in others.filter(|other| ctx.role(*other) == Role::Binary).take(MAX_GUARDS) {
        for operator in [ctx.table.and, ctx.table.or] {
            append(ctx, out, condition, &ctx.grouped(other, Level::Comparison), operator);
        }
    }
}

fn append(ctx: &Context<'_>, out: &mut Candidates<'_>, condition: usize, clause: &str, operator: &str) {
    let code = format!("{} {operator} {clause}", ctx.grouped(condition, level_of(operator)));
    out.replace(Kind::Guard, Tier::Omission, ctx.range(condition), ctx.fitted(condition, &code, level_of(operator)));
}

fn prepend(ctx: &Context<'_>, out: &mut Candidates<'_>, condition: usize, clause: &str, operator: &str, tier: Tier) {
    let code = format!("{clause} {operator} {}", ctx.grouped(condition, level_of(operator)));
    out.replace(Kind::Guard, tier, ctx.range(condition), ctx.fitted(condition, &code, level_of(operator)));
}

fn replace_condition(ctx: &Context<'_>, out: &mut Candidates<'_>, condition: usize) {
    for constant in [ctx.table.truth, ctx.table.falsehood] {
        out.replace(Kind::Condition, Tier::Omission, ctx.range(condition), constant);
    }
    for variable in ctx.variables_at(condition) {
        for template in ctx.table.is_not_empty.iter().chain(ctx.table.is_empty) {
            let code = template.replace("{v}", variable);
            out.replace(Kind::Condition, Tier::Guess, ctx.range(condition), code);
        }
    }
}

fn exchange_keywords(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let Some(keyword) = ctx.outline.tokens(index).next() else { return };
    let loops = if ctx.table.name == "go" { &["for"] } else { &["while"] };
    let others: &[&str] = match (ctx.role(index), ctx.text(keyword)) {
        (Role::If, "if") => loops,
        (Role::If, "elif") | (Role::While, "while") => &["if"],
        (Role::Jump, "break") => &["continue", "return"],
        (Role::Jump, "continue") => &["break", "return"],
        _ => return,
    };
    for other in others {
        out.replace(Kind::Keyword, Tier::Omission, ctx.range(keyword), *other);
    }
}
