//! Statements that come: a copy of another, an update that was forgotten, a guard around a statement.

use super::SyntaxEditKind as Kind;
use super::candidates::{Candidates, Tier};
use super::context::Context;
use crate::languages::Role;
use crate::outline::Slot;
use crate::syntax::holds_block;

/// The longest statement that is copied.
const MAX_COPIED_BYTES: usize = 80;

/// How many places one statement is copied to, the nearest first.
const MAX_PLACES: usize = 6;

/// How many collections get an element, and how many variables are put in or assigned.
const MAX_COLLECTIONS: usize = 4;
const MAX_VARIABLES: usize = 6;

/// A place between statements.
#[derive(Clone, Copy)]
enum Place {
    Before(usize),
    After(usize),
}

pub(super) fn collect(ctx: &Context<'_>, out: &mut Candidates<'_>) {
    for place in block_ends(ctx) {
        put_into_collections(ctx, out, place);
        leave_loop(ctx, out, place);
    }
    for place in places_in_loops(ctx) {
        update_variables(ctx, out, place);
    }
    for statement in ctx.statements() {
        copy_statement(ctx, out, statement);
        guard_statement(ctx, out, statement);
    }
}

/// Returns the start and the end of each block, and what follows a statement with a block; the end lies before a statement
/// that leaves the block.
fn block_ends(ctx: &Context<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    for block in ctx.blocks() {
        let statements = ctx.outline.statements(block);
        let code = statements.iter().copied().find(|statement| !ctx.is_docstring(*statement));
        if let (Some(first), Some(last)) = (code, statements.last().copied()) {
            places.push(if ctx.ends_block(last) { Place::Before(last) } else { Place::After(last) });
            places.push(Place::Before(first));
            let inner = statements.iter().filter(|statement| **statement != last);
            places.extend(inner.filter(|inner| holds_block(&ctx.outline, **inner)).map(|inner| Place::After(*inner)));
        }
    }
    places
}

/// Returns every place between statements inside a loop.
fn places_in_loops(ctx: &Context<'_>) -> Vec<Place> {
    let mut places = Vec::new();
    for block in ctx.blocks().filter(|block| ctx.is_in_loop(*block)) {
        let statements = ctx.outline.statements(block);
        places.extend(statements.iter().map(|statement| Place::Before(*statement)));
        places.extend(statements.last().filter(|last| !ctx.ends_block(**last)).map(|last| Place::After(*last)));
    }
    places
}

fn insert(ctx: &Context<'_>, out: &mut Candidates<'_>, place: Place, code: &str) {
    let (range, code) = match place {
        Place::Before(statement) => ctx.insertion_before(statement, code),
        Place::After(statement) => ctx.insertion_after(statement, code),
    };
    out.replace(Kind::InsertedStatement, Tier::Guess, range, code);
}

fn statement_at(place: Place) -> usize {
    match place {
        Place::Before(statement) | Place::After(statement) => statement,
    }
}

fn put_into_collections(ctx: &Context<'_>, out: &mut Candidates<'_>, place: Place) {
    for collection in ctx.collections.iter().take(MAX_COLLECTIONS) {
        let variables = ctx.variables_at(statement_at(place)).filter(|variable| variable != collection);
        for variable in variables.take(MAX_VARIABLES) {
            for template in ctx.table.insertions {
                insert(ctx, out, place, &template.replace("{t}", collection).replace("{v}", variable));
            }
        }
    }
}

fn leave_loop(ctx: &Context<'_>, out: &mut Candidates<'_>, place: Place) {
    if let Place::After(statement) = place
        && ctx.is_in_loop(statement)
    {
        for keyword in ["break", "continue"] {
            insert(ctx, out, place, &format!("{keyword}{}", ctx.table.statement_end));
        }
    }
}

fn update_variables(ctx: &Context<'_>, out: &mut Candidates<'_>, place: Place) {
    let end = ctx.table.statement_end;
    let variables: Vec<&str> = ctx.variables_at(statement_at(place)).take(MAX_VARIABLES).collect();
    for target in variables.iter().filter(|target| !ctx.collections.iter().any(|collection| collection == **target)) {
        for operator in ["+=", "-="] {
            insert(ctx, out, place, &format!("{target} {operator} 1{end}"));
        }
        for value in variables.iter().filter(|value| *value != target) {
            insert(ctx, out, place, &format!("{target} = {value}{end}"));
        }
    }
}

fn copy_statement(ctx: &Context<'_>, out: &mut Candidates<'_>, statement: usize) {
    let is_copied = matches!(ctx.role(statement), Role::ExpressionStatement | Role::Assign | Role::Update)
        && ctx.range(statement).len() <= MAX_COPIED_BYTES
        && !ctx.is_docstring(statement)
        && !ctx.ends_block(statement)
        && !holds_block(&ctx.outline, statement);
    if !is_copied {
        return;
    }
    let here = ctx.range(statement).start;
    let mut places = block_ends(ctx);
    places.sort_by_key(|place| ctx.range(statement_at(*place)).start.abs_diff(here));
    for place in places.into_iter().filter(|place| statement_at(*place) != statement).take(MAX_PLACES) {
        insert(ctx, out, place, ctx.text(statement));
    }
}

/// Runs a statement only when the objects whose members it uses exist.
fn guard_statement(ctx: &Context<'_>, out: &mut Candidates<'_>, statement: usize) {
    let is_guarded = matches!(ctx.role(statement), Role::ExpressionStatement | Role::Assign | Role::Return)
        && ctx.lines_of(statement).is_some()
        && !ctx.text(statement).contains('\n')
        && !ctx.is_docstring(statement);
    let Some(template) = ctx.table.is_not_null.filter(|_| is_guarded) else { return };
    let mut objects: Vec<&str> = Vec::new();
    for index in ctx.outline.subtree(statement) {
        let is_object = ctx.slot(index) == Slot::Object && matches!(ctx.role(index), Role::Identifier | Role::Member);
        if is_object && !objects.contains(&ctx.text(index)) && !matches!(ctx.text(index), "self" | "this") {
            objects.push(ctx.text(index));
        }
    }
    let range = ctx.range(statement);
    let indent = ctx.indent_at(range.start);
    for object in objects.into_iter().take(MAX_VARIABLES) {
        let code = ctx.if_statement(&template.replace("{v}", object), ctx.text(statement), indent);
        out.replace(Kind::Guard, Tier::Guess, range.clone(), code.replace('\n', ctx.newline));
    }
}
