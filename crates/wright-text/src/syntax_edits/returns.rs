//! Something else is returned or yielded, or nothing, or earlier.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::Context;
use crate::languages::Role;
use crate::outline::Slot;

/// How many parameters get a base case.
const MAX_PARAMETERS: usize = 4;

/// How many returned values of the function are tried elsewhere.
const MAX_RETURNED: usize = 4;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for index in ctx.returned() {
        replace_value(ctx, out, index);
        replace_truth(ctx, out, index);
    }
    for index in ctx.body.clone() {
        match ctx.role(index) {
            Role::ExpressionStatement => add_return(ctx, out, index),
            Role::Return => drop_return(ctx, out, index),
            Role::Yield => change_yield(ctx, out, index),
            _ => {}
        }
    }
    return_at_end(ctx, out);
    base_cases(ctx, out);
}

fn replace_value(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    for constant in ctx.table.return_constants {
        out.replace(Kind::ReturnValue, Tier::Omission, ctx.range(index), *constant);
    }
    let variables = ctx.variables_at(index).chain(ctx.members.iter().map(String::as_str).take(MAX_RETURNED));
    for variable in variables {
        out.replace(Kind::ReturnValue, Tier::Omission, ctx.range(index), variable);
    }
}

/// `return True` to `return depth == 0`.
fn replace_truth(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    if ctx.role(index) != Role::Boolean {
        return;
    }
    for variable in ctx.variables_at(index) {
        let comparisons = ["{v} == 0", "{v} > 0", "{v} != 0"].iter();
        for template in comparisons.chain(ctx.table.is_empty).chain(ctx.table.is_not_empty) {
            let code = template.replace("{v}", variable);
            out.replace(Kind::ReturnValue, Tier::Omission, ctx.range(index), code);
        }
    }
    for condition in ctx.conditions().filter(|condition| ctx.role(*condition) == Role::Binary).take(MAX_RETURNED) {
        out.replace(Kind::ReturnValue, Tier::Omission, ctx.range(index), ctx.text(condition));
    }
}

fn add_return(ctx: &Context<'_>, out: &mut Candidates<'_>, statement: usize) {
    let Some(value) = ctx.outline.parts(statement).next() else { return };
    let start = ctx.range(statement).start;
    if matches!(ctx.role(value), Role::Call | Role::Identifier | Role::Binary) {
        out.replace(Kind::ReturnStatement, Tier::Slip, start..start, "return ");
    } else if let Some(assignment) = ctx.outline.assignment(value) {
        let value = assignment.value;
        let code = format!("return {}{}", ctx.text(value), ctx.table.statement_end);
        out.replace(Kind::ReturnStatement, Tier::Guess, ctx.range(statement), code);
    }
}

fn drop_return(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let Some(value) = ctx.outline.parts(index).next() else { return };
    let keyword = ctx.range(index).start..ctx.range(value).start;
    if ctx.role(ctx.outline.unwrapped(value)) == Role::Call {
        out.replace(Kind::ReturnStatement, Tier::Omission, keyword.clone(), "");
    }
    if ctx.table.yield_all.is_some() {
        out.replace(Kind::Yield, Tier::Guess, keyword, "yield ");
    }
}

/// `yield x` to `yield from x`, and back, and to `return x`.
fn change_yield(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let (Some((one, all)), Some(value)) = (ctx.table.yield_all, ctx.outline.parts(index).next()) else { return };
    let keyword = ctx.range(index).start..ctx.range(value).start;
    for other in [one, all] {
        out.replace(Kind::Yield, Tier::Slip, keyword.clone(), format!("{other} "));
    }
    out.replace(Kind::Yield, Tier::Omission, keyword, "return ");
}

fn return_at_end(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    let Some(last) = ctx.blocks().next().and_then(|block| ctx.outline.statements(block).last().copied()) else {
        return;
    };
    if ctx.ends_block(last) {
        return;
    }
    let constants = [ctx.table.truth, ctx.table.falsehood, "0"];
    let values =
        ctx.variables_at(last).chain(constants).chain(ctx.members.iter().map(String::as_str).take(MAX_RETURNED));
    for value in values {
        let (range, code) = ctx.insertion_after(last, &format!("return {value}{}", ctx.table.statement_end));
        out.replace(Kind::ReturnStatement, Tier::Omission, range, code);
    }
}

fn base_cases(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    let statements = ctx.blocks().next().map(|block| ctx.outline.statements(block)).unwrap_or_default();
    let Some(first) = statements.into_iter().find(|statement| !ctx.is_docstring(*statement)) else { return };
    let returned = returned_texts(ctx);
    let indent = ctx.indent_at(ctx.range(first).start);
    for parameter in ctx.parameters.iter().take(MAX_PARAMETERS) {
        let templates = ctx.table.is_empty.iter().copied().chain(ctx.table.is_null);
        let conditions: Vec<String> = templates.map(|template| template.replace("{v}", parameter)).collect();
        for value in values_for(ctx, parameter, &returned) {
            let statement = if value.is_empty() { "return".to_owned() } else { format!("return {value}") };
            for condition in &conditions {
                let statement = format!("{statement}{}", ctx.table.statement_end);
                let code = ctx.if_statement(condition, &statement, indent);
                let (range, code) = ctx.insertion_before(first, &code);
                out.replace(Kind::BaseCase, Tier::Omission, range, code);
            }
        }
    }
}

fn returned_texts<'t>(ctx: &Context<'t>) -> Vec<&'t str> {
    let mut texts: Vec<&str> = Vec::new();
    for index in ctx.returned().filter(|index| ctx.slot(*index) == Slot::Returned && ctx.range(*index).len() <= 40) {
        if !texts.contains(&ctx.text(index)) {
            texts.push(ctx.text(index));
        }
    }
    texts
}

/// A function that returns nothing returns nothing early either.
fn values_for<'c>(ctx: &'c Context<'_>, parameter: &'c str, returned: &[&'c str]) -> Vec<&'c str> {
    if returned.is_empty() {
        return vec![""];
    }
    let constants = ctx.table.return_constants.iter().copied();
    std::iter::once(parameter).chain(returned.iter().copied().take(MAX_RETURNED)).chain(constants).collect()
}
