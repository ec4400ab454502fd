//! Arguments in another order, too many or too few; another function; no call at all.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::Context;
use crate::languages::Role;
use crate::outline::Slot;

/// Up to how many arguments every pair is exchanged; beyond it only neighbors.
const MAX_ARGUMENTS_FOR_PAIRS: usize = 4;

/// How many functions or methods are tried instead of one.
const MAX_CALLEES: usize = 8;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for call in ctx.with_role(Role::Call) {
        let arguments = ctx.outline.arguments(call);
        reorder(ctx, out, &arguments);
        drop_arguments(ctx, out, &arguments);
        add_arguments(ctx, out, call, &arguments);
        replace_callee(ctx, out, call, arguments.len());
        unwrap_call(ctx, out, call, &arguments);
        vary_recursion(ctx, out, call, &arguments);
    }
    for index in ctx.body.clone().filter(|index| matches!(ctx.role(*index), Role::Index | Role::Member)) {
        unwrap_part(ctx, out, index);
    }
    for index in ctx.with_role(Role::Index) {
        swap_indexes(ctx, out, index);
    }
    for index in ctx.body.clone().filter(|index| matches!(ctx.role(*index), Role::Tuple | Role::List)) {
        reorder_elements(ctx, out, index);
    }
    for index in ctx.with_role(Role::Conditional) {
        branches(ctx, out, index);
    }
}

fn reorder(ctx: &Context<'_>, out: &mut Candidates<'_>, arguments: &[usize]) {
    for (first, a) in arguments.iter().enumerate() {
        for (second, b) in arguments.iter().enumerate().skip(first + 1) {
            if second == first + 1 || arguments.len() <= MAX_ARGUMENTS_FOR_PAIRS {
                out.swap(Kind::ArgumentOrder, Tier::Slip, ctx.range(*a), ctx.range(*b));
            }
        }
    }
    if let [a, b, c] = arguments {
        for order in [[b, c, a], [c, a, b]] {
            let texts = order.map(|index| ctx.text(*index).to_owned());
            let replacements = [*a, *b, *c].map(|index| ctx.range(index)).into_iter().zip(texts).collect();
            out.replace_all(Kind::ArgumentOrder, Tier::Omission, replacements);
        }
    }
}

fn drop_arguments(ctx: &Context<'_>, out: &mut Candidates<'_>, arguments: &[usize]) {
    for (place, argument) in arguments.iter().enumerate() {
        let range = ctx.range(*argument);
        let range = match (arguments.get(place + 1), place.checked_sub(1)) {
            (Some(next), _) => range.start..ctx.range(*next).start,
            (None, Some(previous)) => ctx.range(arguments[previous]).end..range.end,
            (None, None) => range,
        };
        out.replace(Kind::ExtraArgument, Tier::Slip, range, "");
    }
}

fn add_arguments(ctx: &Context<'_>, out: &mut Candidates<'_>, call: usize, arguments: &[usize]) {
    let list = ctx.outline.children(call).find(|child| ctx.role(*child) == Role::Arguments);
    let Some(list) = list.filter(|list| ctx.text(*list).starts_with('(') && ctx.text(*list).ends_with(')')) else {
        return;
    };
    let given: Vec<&str> = arguments.iter().map(|argument| ctx.text(*argument)).collect();
    let (start, end) = (ctx.range(list).start + 1, ctx.range(list).end - 1);
    let end = arguments.last().map_or(end, |last| ctx.range(*last).end);
    let constants = ["0", "1", "-1", ctx.table.truth];
    let variables = ctx.variables_at(call).filter(|variable| !given.contains(variable));
    for (place, value) in variables.chain(constants).enumerate() {
        let tier = if place < 4 { Tier::Omission } else { Tier::Guess };
        let appended = if given.is_empty() { value.to_owned() } else { format!(", {value}") };
        out.replace(Kind::MissingArgument, tier, end..end, appended);
        if !given.is_empty() && !constants.contains(&value) {
            out.replace(Kind::MissingArgument, Tier::Guess, start..start, format!("{value}, "));
        }
    }
}

fn replace_callee(ctx: &Context<'_>, out: &mut Candidates<'_>, call: usize, n_arguments: usize) {
    let Some(name) = ctx.outline.callee_name(call) else { return };
    let text = ctx.text(name);
    let group = ctx.table.confused.iter().find(|group| group.first() == Some(&text));
    let group = group.or_else(|| ctx.table.confused.iter().find(|group| group.contains(&text)));
    for other in group.copied().unwrap_or_default() {
        out.replace(Kind::Callee, Tier::Slip, ctx.range(name), *other);
    }
    if ctx.is_member_name(name) || ctx.outline.field(call, &["object"]).is_some() {
        let methods = ctx.methods.iter().filter(|(other, n)| *n == n_arguments && other != text);
        for (other, _) in methods.take(MAX_CALLEES) {
            out.replace(Kind::Callee, Tier::Omission, ctx.range(name), other);
        }
    } else {
        let callables = ctx.callables.iter().filter(|other| other.n_parameters == n_arguments && other.name != text);
        for other in callables.take(MAX_CALLEES) {
            out.replace(Kind::Callee, Tier::Slip, ctx.range(name), &other.name);
        }
    }
}

/// `f(x)` to `x`, and `x.f()` to `x`.
fn unwrap_call(ctx: &Context<'_>, out: &mut Candidates<'_>, call: usize, arguments: &[usize]) {
    if !ctx.slot(call).is_value() {
        return;
    }
    for argument in arguments.iter().take(3).filter(|argument| ctx.role(**argument) != Role::NamedArgument) {
        let code = ctx.fitted(call, ctx.text(*argument), ctx.level(*argument));
        out.replace(Kind::Unwrap, Tier::Slip, ctx.range(call), code);
    }
    let callee = ctx.outline.callee_name(call).and_then(|name| ctx.outline.parent(name));
    let object = callee.and_then(|callee| ctx.outline.parts(callee).next());
    if let Some(object) = object.filter(|object| ctx.slot(*object) == Slot::Object) {
        out.replace(Kind::Unwrap, Tier::Omission, ctx.range(call), ctx.text(object));
    }
}

/// Lets a recursive call go on with a smaller problem.
fn vary_recursion(ctx: &Context<'_>, out: &mut Candidates<'_>, call: usize, arguments: &[usize]) {
    let is_recursive = ctx.outline.callee_name(call).is_some_and(|name| ctx.text(name) == ctx.name);
    for argument in arguments.iter().filter(|_| is_recursive) {
        for template in ctx.table.slices {
            out.replace(Kind::Slice, Tier::Slip, ctx.range(*argument), ctx.filled(template, *argument, ""));
        }
    }
}

/// `a[i]` to `a`, and `a.b` to `a`.
fn unwrap_part(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    if let Some(object) = ctx.outline.parts(index).next().filter(|_| ctx.slot(index).is_value()) {
        out.replace(Kind::Unwrap, Tier::Omission, ctx.range(index), ctx.text(object));
    }
}

/// `a[i][j]` to `a[j][i]`.
fn swap_indexes(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let indexes: Vec<usize> = ctx.outline.parts(index).skip(1).collect();
    for pair in indexes.windows(2) {
        out.swap(Kind::ElementOrder, Tier::Slip, ctx.range(pair[0]), ctx.range(pair[1]));
    }
    let inner = ctx.outline.parts(index).next().filter(|object| ctx.role(*object) == Role::Index);
    let inner_index = inner.and_then(|inner| ctx.outline.parts(inner).nth(1));
    if let (Some(first), Some(second)) = (inner_index, indexes.first()) {
        out.swap(Kind::ElementOrder, Tier::Slip, ctx.range(first), ctx.range(*second));
    }
}

fn reorder_elements(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let elements: Vec<usize> = ctx.outline.parts(index).collect();
    for pair in elements.windows(2).take(MAX_ARGUMENTS_FOR_PAIRS) {
        out.swap(Kind::ElementOrder, Tier::Slip, ctx.range(pair[0]), ctx.range(pair[1]));
    }
}

fn branches(ctx: &Context<'_>, out: &mut Candidates<'_>, index: usize) {
    let branches: Vec<usize> = ctx.outline.parts(index).filter(|part| ctx.slot(*part) == Slot::Branch).collect();
    if let [a, b] = branches.as_slice() {
        out.swap(Kind::OperandOrder, Tier::Slip, ctx.range(*a), ctx.range(*b));
    }
    for branch in branches {
        let code = ctx.fitted(index, ctx.text(branch), ctx.level(branch));
        out.replace(Kind::Operand, Tier::Omission, ctx.range(index), code);
    }
}
