//! Follows the values of one program, statement by statement, and notes where they break a rule.
//!
//! Branches are followed both ways and joined, unless the condition is known; loops run twice; functions of the same file
//! are followed where they are called, and once more on their own, with whatever a caller may pass. Code that cannot run
//! is read too, because rules that need no data flow hold there as well. The work is bounded by [`MAX_STEPS`].

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::ir::{ExprId, FunctionId, Program, Stmt};
use super::rules::{RuleSet, SourceKind};
use super::state::State;
use super::value::{Origin, Taint, Value};

/// More expressions and statements are not looked at in one file.
const MAX_STEPS: usize = 600_000;
/// Functions that call functions are not followed any deeper.
pub(super) const MAX_CALLS: usize = 5;
/// Nesting of everything together, which bounds the stack.
pub(super) const MAX_DEPTH: usize = 200;

/// A place that breaks a rule.
#[derive(Debug)]
pub(super) struct Hit {
    pub(super) rule: usize,
    pub(super) range: Range<usize>,
    pub(super) symbol: String,
    /// Where the value comes from; `None` for rules without data flow.
    pub(super) source: Option<(usize, Origin)>,
}

/// Where a value enters.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) kind: SourceKind,
    pub(super) range: Range<usize>,
}

/// The analysis of one file.
pub(super) struct Analysis<'p> {
    pub(super) program: &'p Program<'p>,
    pub(super) text: &'p str,
    pub(super) rules: &'static RuleSet,
    pub(super) sources: Vec<Source>,
    source_ids: HashMap<(usize, usize), usize>,
    pub(super) hits: Vec<Hit>,
    seen: HashMap<(usize, usize, usize), usize>,
    steps: usize,
    pub(super) depth: usize,
    /// Above zero in code that cannot run.
    pub(super) dead: usize,
    pub(super) frames: Vec<Frame<'p>>,
    fields: HashMap<&'p str, Value>,
    /// Functions followed from a call with a value from outside.
    pub(super) entered: HashSet<FunctionId>,
}

/// One function that is being followed.
#[derive(Debug, Default)]
pub(super) struct Frame<'p> {
    pub(super) function: FunctionId,
    pub(super) is_handler: bool,
    returned: Option<Value>,
    /// States in which loops were left early, innermost last.
    jumps: Vec<Option<State<'p>>>,
}

/// How a list of statements ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Next,
    Left,
}

impl<'p> Analysis<'p> {
    pub(super) fn new(program: &'p Program<'p>, text: &'p str, rules: &'static RuleSet) -> Self {
        Self {
            program,
            text,
            rules,
            sources: Vec::new(),
            source_ids: HashMap::new(),
            hits: Vec::new(),
            seen: HashMap::new(),
            steps: 0,
            depth: 0,
            dead: 0,
            frames: Vec::new(),
            fields: HashMap::new(),
            entered: HashSet::new(),
        }
    }

    /// Follows the whole file. Returns whether it came to the end.
    pub(super) fn run(&mut self) -> bool {
        let mut state = State::default();
        self.frames.push(Frame::default());
        let program = self.program;
        self.block(&program.functions[0].body, &mut state);
        self.frames.pop();
        for id in 1..program.functions.len() {
            // What is nested in a function was followed there.
            if !program.functions[id].is_closure && !self.entered.contains(&id) {
                self.follow_alone(id, &State::inside(&state));
            }
        }
        self.steps < MAX_STEPS
    }

    /// Follows a function with whatever its caller may pass.
    pub(super) fn follow_alone(&mut self, id: FunctionId, around: &State<'p>) {
        let function = &self.program.functions[id];
        let is_handler = self.is_handler(id, around);
        let mut state = around.clone();
        for param in &function.params {
            let value = self.param_value(id, param, is_handler);
            self.bind(param, value, &mut state);
        }
        let class = function.class.unwrap_or_default();
        if let Some(own) = self.fields.get(class) {
            for name in ["self", "this"] {
                state.set(name, own.clone());
            }
        }
        self.enter(id, is_handler, &mut state);
        if let Some(own) = state.get("self").or_else(|| state.get("this")).filter(|it| it.items.is_some()) {
            self.fields.entry(class).or_default().join(own);
        }
    }

    /// Runs the body of a function and returns what it returns.
    pub(super) fn enter(&mut self, id: FunctionId, is_handler: bool, state: &mut State<'p>) -> Value {
        let program = self.program;
        self.entered.insert(id);
        self.frames.push(Frame { function: id, is_handler, ..Frame::default() });
        self.depth += 1;
        self.block(&program.functions[id].body, state);
        self.depth -= 1;
        self.frames.pop().and_then(|it| it.returned).unwrap_or_default()
    }

    /// Counts a step; `false` when there were too many or they are nested too deep.
    pub(super) fn step(&mut self) -> bool {
        self.steps += 1;
        self.steps < MAX_STEPS && self.depth < MAX_DEPTH
    }

    pub(super) fn block(&mut self, statements: &'p [Stmt<'p>], state: &mut State<'p>) -> Exit {
        for (idx, statement) in statements.iter().enumerate() {
            if !self.step() {
                return Exit::Next;
            }
            self.depth += 1;
            let exit = self.statement(statement, state);
            self.depth -= 1;
            if exit == Exit::Left {
                self.in_dead_code(|this| this.block(&statements[idx + 1..], &mut state.clone()));
                return Exit::Left;
            }
        }
        Exit::Next
    }

    pub(super) fn in_dead_code<R>(&mut self, run: impl FnOnce(&mut Self) -> R) -> R {
        self.dead += 1;
        let result = run(self);
        self.dead -= 1;
        result
    }

    fn statement(&mut self, statement: &'p Stmt<'p>, state: &mut State<'p>) -> Exit {
        match statement {
            Stmt::Expr(id) => {
                self.eval(*id, state);
            }
            Stmt::Assign { target, value } => {
                let value_now = self.eval(*value, state);
                self.assign(*target, value_now, Some(*value), state);
            }
            Stmt::Augment { target, value, adds } => self.augment(*target, *value, *adds, state),
            Stmt::Declare { name, type_path, value } => {
                let mut result = value.map(|it| self.eval(it, state)).unwrap_or_default();
                if !type_path.is_empty() && result.constant.is_none() {
                    result.path = Some(type_path.as_str().into());
                }
                self.assign_name(name, result, *value, state);
            }
            Stmt::If { condition, then, otherwise } => return self.branch(*condition, then, otherwise, state),
            Stmt::Loop { condition, each, body } => self.repeat(*condition, *each, body, state),
            Stmt::Switch { subject, cases } => return self.switch(*subject, cases, state),
            Stmt::Try { body, handlers, last } => return self.attempt(body, handlers, last, state),
            Stmt::Return(value) => {
                let result = value.map(|it| self.eval(it, state)).unwrap_or_default();
                self.returns(result, *value);
                return Exit::Left;
            }
            Stmt::Leave(value) => {
                value.map(|it| self.eval(it, state));
                return Exit::Left;
            }
            Stmt::Jump => {
                if let Some(exits) = self.frames.last_mut().and_then(|it| it.jumps.last_mut()) {
                    match exits {
                        Some(exits) => exits.join(state),
                        None => *exits = Some(state.clone()),
                    }
                }
                return Exit::Left;
            }
            Stmt::Assert(condition) => self.assume(*condition, true, state),
            Stmt::Function(id) => self.define(*id, state),
        }
        Exit::Next
    }

    fn returns(&mut self, value: Value, expr: Option<ExprId>) {
        let is_handler = self.frames.last().is_some_and(|it| it.is_handler);
        if let Some(expr) = expr.filter(|_| is_handler && self.dead == 0) {
            self.check_returned(&value, expr);
        }
        if let Some(frame) = self.frames.last_mut().filter(|_| self.dead == 0) {
            match &mut frame.returned {
                Some(returned) => returned.join(&value),
                None => frame.returned = Some(value),
            }
        }
    }

    fn define(&mut self, id: FunctionId, state: &mut State<'p>) {
        let function = &self.program.functions[id];
        for decorator in &function.decorators {
            self.eval(*decorator, state);
        }
        for default in function.params.iter().filter_map(|it| it.default) {
            self.eval(default, state);
        }
        if function.class.is_none() && !function.name.is_empty() {
            state
                .set(function.name, Value { function: Some(id), path: Some(function.name.into()), ..Value::default() });
        }
        // Inside a function, the variables around it are known only here.
        if self.frames.len() > 1 && self.frames.len() <= MAX_CALLS && !self.entered.contains(&id) {
            self.follow_alone(id, &state.clone());
        }
    }

    fn branch(
        &mut self,
        condition: ExprId,
        then: &'p [Stmt<'p>],
        otherwise: &'p [Stmt<'p>],
        state: &mut State<'p>,
    ) -> Exit {
        let known = self.eval(condition, state).constant.map(|it| it.is_true());
        let mut other = state.clone();
        match known {
            Some(true) => {
                self.in_dead_code(|this| this.block(otherwise, &mut other));
                self.block(then, state)
            }
            Some(false) => {
                self.in_dead_code(|this| this.block(then, &mut other));
                self.block(otherwise, state)
            }
            None => {
                self.assume(condition, true, state);
                let first = self.block(then, state);
                self.assume(condition, false, &mut other);
                let second = self.block(otherwise, &mut other);
                both(state, first, other, second)
            }
        }
    }

    fn repeat(
        &mut self,
        condition: Option<ExprId>,
        each: Option<(ExprId, ExprId)>,
        body: &'p [Stmt<'p>],
        state: &mut State<'p>,
    ) {
        if let Some(frame) = self.frames.last_mut() {
            frame.jumps.push(None);
        }
        let iterated = each.map(|(_, iterated)| self.eval(iterated, state));
        let before = state.clone();
        for _ in 0..2 {
            if let (Some((target, _)), Some(iterated)) = (each, &iterated) {
                self.assign(target, element_of(iterated), None, state);
            }
            if let Some(condition) = condition {
                self.eval(condition, state);
                self.assume(condition, true, state);
            }
            let exit = self.block(body, state);
            if exit == Exit::Left {
                *state = before.clone();
            }
            state.join(&before);
            if let Some(Some(jumped)) = self.frames.last().and_then(|it| it.jumps.last()) {
                state.join(jumped);
            }
        }
        if let Some(frame) = self.frames.last_mut() {
            frame.jumps.pop();
        }
    }

    fn attempt(
        &mut self,
        body: &'p [Stmt<'p>],
        handlers: &'p [Vec<Stmt<'p>>],
        last: &'p [Stmt<'p>],
        state: &mut State<'p>,
    ) -> Exit {
        let mut thrown = state.clone();
        let mut exit = self.block(body, state);
        thrown.join(state);
        for handler in handlers {
            let mut handled = thrown.clone();
            let handler_exit = self.block(handler, &mut handled);
            exit = both(state, exit, handled, handler_exit);
        }
        match self.block(last, state) {
            Exit::Left => Exit::Left,
            Exit::Next => exit,
        }
    }

    /// Returns the taint of a new source at a place; the same place is one source however often it is passed.
    pub(super) fn source_at(&mut self, kind: SourceKind, range: Range<usize>) -> Taint {
        let next = self.sources.len();
        let source = *self.source_ids.entry((range.start, range.end)).or_insert(next);
        if source == next {
            self.sources.push(Source { kind, range });
        }
        vec![Origin { source, clean: 0, is_indirect: false, is_resolved: false }]
    }

    /// Notes a place, once for each rule; the most certain source is kept.
    pub(super) fn hit(&mut self, rule: usize, range: Range<usize>, source: Option<(usize, Origin)>) {
        let rank = |source: Option<(usize, Origin)>| match source {
            Some((id, origin)) => (self.sources[id].kind != SourceKind::Web, origin.is_indirect),
            None => (false, false),
        };
        let key = (rule, range.start, range.end);
        if let Some(known) = self.seen.get(&key).copied() {
            if rank(source) < rank(self.hits[known].source) {
                self.hits[known].source = source;
            }
            return;
        }
        self.seen.insert(key, self.hits.len());
        let function = self.frames.last().map_or(0, |it| it.function);
        let symbol = self.program.functions[function].symbol.clone();
        self.hits.push(Hit { rule, range, symbol, source });
    }
}

/// Joins the states behind two ways, of which either may have left.
pub(super) fn both<'p>(state: &mut State<'p>, first: Exit, other: State<'p>, second: Exit) -> Exit {
    match (first, second) {
        (Exit::Next, Exit::Next) => state.join(&other),
        (Exit::Left, Exit::Next) => *state = other,
        (Exit::Next, Exit::Left) => {}
        (Exit::Left, Exit::Left) => return Exit::Left,
    }
    Exit::Next
}

/// Returns what a loop over a value sees.
pub(super) fn element_of(iterated: &Value) -> Value {
    let mut element = match &iterated.items {
        Some(items) if !items.entries.is_empty() || items.rest.is_some() => iterated.item(None).unwrap_or_default(),
        Some(_) | None => Value::default(),
    };
    super::value::merge_taint(&mut element.taint, &iterated.taint);
    element.is_fixed = element.is_one_of_constants();
    element.constant = None;
    element
}
