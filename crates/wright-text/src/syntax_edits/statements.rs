//! Statements that go, change places, or move into or out of a block.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::Context;
use crate::indent::reindent;
use crate::languages::Role;
use crate::syntax::holds_block;

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for block in ctx.blocks() {
        let statements = ctx.outline.statements(block);
        let code: Vec<usize> = statements.iter().copied().filter(|statement| !ctx.is_docstring(*statement)).collect();
        for (place, statement) in code.iter().enumerate() {
            delete(ctx, out, *statement, statements.len());
            unwrap_block(ctx, out, *statement);
            move_out(ctx, out, *statement, block, statements.len());
            if let Some(next) = code.get(place + 1) {
                out.swap(Kind::StatementOrder, Tier::Omission, ctx.range(*statement), ctx.range(*next));
                move_in(ctx, out, *statement, *next, statements.len());
            }
        }
    }
}

fn delete(ctx: &Context<'_>, out: &mut Candidates<'_>, statement: usize, n_statements: usize) {
    let tier = if holds_block(&ctx.outline, statement) { Tier::Omission } else { Tier::Slip };
    let is_only = n_statements == 1 && !ctx.table.empty_statement.is_empty();
    let (range, code) = match ctx.lines_of(statement) {
        _ if is_only => (ctx.range(statement), ctx.table.empty_statement),
        Some(lines) => (lines, ""),
        None => (ctx.range(statement), ctx.table.empty_statement),
    };
    out.replace(Kind::DeletedStatement, tier, range, code);
}

/// Leaves the statements of a block without the condition or loop around them.
fn unwrap_block(ctx: &Context<'_>, out: &mut Candidates<'_>, statement: usize) {
    let blocks = blocks_of(ctx, statement);
    let [block] = blocks.as_slice() else { return };
    let Some(lines) = ctx.lines_of(statement) else { return };
    let inner = ctx.outline.statements(*block);
    let (Some(first), Some(last)) = (inner.first(), inner.last()) else { return };
    let (Some(first), Some(last)) = (ctx.lines_of(*first), ctx.lines_of(*last)) else { return };
    let from = ctx.indent_at(first.start);
    let code = reindent(&ctx.outline.text[first.start..last.end], from, ctx.indent_at(lines.start));
    out.replace(Kind::DeletedStatement, Tier::Omission, lines, code);
}

/// Returns the blocks that belong to a statement itself, not to the statements inside.
fn blocks_of(ctx: &Context<'_>, statement: usize) -> Vec<usize> {
    let inside = ctx.outline.subtree(statement).skip(1).filter(|index| ctx.outline.is_block(*index));
    let owner = |block: usize| ctx.outline.ancestors(block).find(|ancestor| ctx.outline.is_block_statement(*ancestor));
    inside.filter(|block| owner(*block) == Some(statement) && !is_definition(ctx, *block)).collect()
}

fn is_definition(ctx: &Context<'_>, block: usize) -> bool {
    let mut around = ctx.outline.ancestors(block).take_while(|ancestor| !ctx.outline.is_block(*ancestor));
    around.any(|ancestor| matches!(ctx.role(ancestor), Role::Function | Role::Closure | Role::Class))
}

fn moved(ctx: &Context<'_>, statement: usize, indent: &str) -> Option<(std::ops::Range<usize>, String)> {
    let lines = ctx.lines_of(statement)?;
    let code = &ctx.outline.text[lines.clone()];
    code.ends_with('\n').then(|| (lines.clone(), reindent(code, ctx.indent_at(lines.start), indent)))
}

/// Moves a statement behind, or in front of, the statement whose block it is in.
fn move_out(ctx: &Context<'_>, out: &mut Candidates<'_>, statement: usize, block: usize, n_statements: usize) {
    let owner = ctx.outline.ancestors(block).find(|ancestor| ctx.outline.is_block_statement(*ancestor));
    let Some(owner) = owner.filter(|owner| ctx.body.contains(owner) && n_statements > 1 && !is_definition(ctx, block))
    else {
        return;
    };
    let Some(around) = ctx.lines_of(owner) else { return };
    let Some((lines, code)) = moved(ctx, statement, ctx.indent_at(around.start)) else { return };
    for (place, tier) in [(around.end, Tier::Slip), (around.start, Tier::Omission)] {
        let replacements = vec![(lines.clone(), String::new()), (place..place, code.clone())];
        out.replace_all(Kind::MovedStatement, tier, replacements);
    }
}

/// Moves the second of two statements into the blocks of the first, and the first into those of the second.
fn move_in(ctx: &Context<'_>, out: &mut Candidates<'_>, first: usize, second: usize, n_statements: usize) {
    if n_statements < 2 {
        return;
    }
    for block in blocks_of(ctx, first) {
        let last = ctx.outline.statements(block).last().copied();
        if let Some(place) = last.and_then(|last| ctx.lines_of(last)).filter(|place| ends_line(ctx, place.end)) {
            let indent = ctx.indent_at(place.start);
            if let Some((lines, code)) = moved(ctx, second, indent) {
                let replacements = vec![(place.end..place.end, code), (lines, String::new())];
                out.replace_all(Kind::MovedStatement, Tier::Slip, replacements);
            }
        }
    }
    for block in blocks_of(ctx, second) {
        let start = ctx.outline.statements(block).first().copied();
        if let Some(place) = start.and_then(|start| ctx.lines_of(start))
            && let Some((lines, code)) = moved(ctx, first, ctx.indent_at(place.start))
        {
            let replacements = vec![(lines, String::new()), (place.start..place.start, code)];
            out.replace_all(Kind::MovedStatement, Tier::Omission, replacements);
        }
    }
}

fn ends_line(ctx: &Context<'_>, offset: usize) -> bool {
    ctx.outline.text[..offset].ends_with('\n')
}
