//! What an expression may be.

use std::rc::Rc;
use std::sync::Arc;

use super::analysis::{Analysis, element_of};
use super::fold;
use super::ir::{Const, ExprId, ExprKind, Operator, Param, Stmt};
use super::rules::SourceKind;
use super::selector::{Argument, Site};
use super::state::State;
use super::value::{Items, Value, merge_taint};

impl<'p> Analysis<'p> {
    /// Returns what an expression may be, and notes what is wrong in it.
    pub(super) fn eval(&mut self, id: ExprId, state: &mut State<'p>) -> Value {
        if !self.step() {
            return Value::default();
        }
        self.depth += 1;
        let value = self.eval_here(id, state);
        self.depth -= 1;
        value
    }

    fn eval_here(&mut self, id: ExprId, state: &mut State<'p>) -> Value {
        let program = self.program;
        match program.kind(id) {
            ExprKind::Unknown => Value::default(),
            ExprKind::Constant(constant) => Value::constant(constant.clone()),
            ExprKind::Name(name) => self.name(name, id, state),
            ExprKind::Member(object, name) => {
                let object = self.eval(*object, state);
                let value = member(&object, name);
                self.with_source(value, id)
            }
            ExprKind::Index(object, index) => self.index(id, *object, *index, state),
            ExprKind::Slice(object, lower, upper) => {
                let mut value = self.eval(*object, state);
                let bounds = [lower, upper].map(|it| it.map(|it| self.eval(it, state)));
                value.constant = slice(&value, &bounds);
                if bounds.iter().flatten().any(|it| it.constant != Some(Const::Int(0))) {
                    value.prefix = None;
                }
                if let Some(items) = value.items.take() {
                    value.items = Some(Rc::new(Items {
                        rest: Some(Box::new(
                            Value { items: Some(items), ..Value::default() }.item(None).unwrap_or_default(),
                        )),
                        ..Items::default()
                    }));
                }
                value
            }
            ExprKind::Call(call) => self.call(id, call, state),
            ExprKind::Add(parts) => {
                let parts: Vec<Value> = parts.iter().map(|it| self.eval(*it, state)).collect();
                sum(&parts)
            }
            ExprKind::Concat(parts) => {
                let parts: Vec<Value> = parts.iter().map(|it| self.eval(*it, state)).collect();
                concat(&parts)
            }
            ExprKind::Binary(operator, left, right) => self.binary(id, *operator, *left, *right, state),
            ExprKind::Not(inner) => {
                let inner = self.eval(*inner, state);
                inner.constant.map(|it| Value::constant(Const::Bool(!it.is_true()))).unwrap_or_default()
            }
            ExprKind::Negative(inner) => {
                let inner = self.eval(*inner, state);
                match inner.constant {
                    Some(Const::Int(value)) => Value::constant(Const::Int(value.wrapping_neg())),
                    _ => Value::of_taint(inner.taint),
                }
            }
            ExprKind::Sequence(parts) => {
                let mut items = Items { length: Some(0), ..Items::default() };
                let mut list = Value::default();
                for part in parts {
                    let part = self.eval(*part, state);
                    list.items.get_or_insert_with(|| Rc::new(std::mem::take(&mut items)));
                    list.push(part);
                }
                list.items.get_or_insert_with(|| Rc::new(items));
                list
            }
            ExprKind::Mapping(pairs) => self.mapping(pairs, state),
            ExprKind::Conditional(condition, then, otherwise) => self.conditional(*condition, *then, *otherwise, state),
            ExprKind::Assign(target, value) => {
                let value_now = self.eval(*value, state);
                self.assign(*target, value_now.clone(), Some(*value), state);
                value_now
            }
            ExprKind::Function(function) => {
                // One that no call takes is followed where it is made.
                if !self.entered.contains(function) {
                    self.follow_alone(*function, &state.clone());
                }
                Value { function: Some(*function), ..Value::default() }
            }
            ExprKind::Comprehension { clauses, conditions, element } => {
                let mut inner = state.clone();
                for (target, iterated) in clauses {
                    let iterated = self.eval(*iterated, &mut inner);
                    self.assign(*target, element_of(&iterated), None, &mut inner);
                }
                for condition in conditions {
                    self.eval(*condition, &mut inner);
                    self.assume(*condition, true, &mut inner);
                }
                let element = self.eval(*element, &mut inner);
                Value {
                    items: Some(Rc::new(Items { rest: Some(Box::new(element)), ..Items::default() })),
                    ..Value::default()
                }
            }
            ExprKind::Merge(parts) => {
                let mut result = Value::default();
                for part in parts {
                    let part = self.eval(*part, state);
                    merge_taint(&mut result.taint, &part.whole_taint());
                }
                result
            }
            ExprKind::Block(statements) => self.block_value(statements, state),
        }
    }

    fn block_value(&mut self, statements: &'p [Stmt<'p>], state: &mut State<'p>) -> Value {
        let Some((Stmt::Expr(last), before)) = statements.split_last() else {
            self.block(statements, state);
            return Value::default();
        };
        self.block(before, state);
        self.eval(*last, state)
    }

    fn name(&mut self, name: &'p str, id: ExprId, state: &State<'p>) -> Value {
        if let Some(value) = state.get(name) {
            return value.clone();
        }
        let path = self.program.imports.get(name).map_or(name, String::as_str);
        self.with_source(Value::path(path), id)
    }

    /// Adds the taint of a source, if the path is one, and notes a name that is wrong to use.
    pub(super) fn with_source(&mut self, mut value: Value, id: ExprId) -> Value {
        let Some(path) = value.path.clone() else { return value };
        let rules = self.rules;
        if !value.taint.is_empty() && rules.harmless.contains(&path) {
            value.taint.clear();
        }
        let found = rules.sources.matching(&path).next().map(|(_, idx)| rules.source_kinds[idx]);
        if let Some(kind) = found.filter(|_| value.taint.is_empty()) {
            let taint = self.source_at(kind, self.program.range(id));
            merge_taint(&mut value.taint, &taint);
        }
        if !rules.references.is_empty() {
            for (_, rule) in rules.references.matching(&path) {
                self.hit(rule, self.program.range(id), None);
            }
        }
        value
    }

    fn index(&mut self, id: ExprId, object: ExprId, index: ExprId, state: &mut State<'p>) -> Value {
        let object = self.eval(object, state);
        let index = self.eval(index, state);
        if let (Some(text), Some(Const::Int(at))) = (object.as_str(), &index.constant) {
            return fold::character(text, *at).map(Value::constant).unwrap_or_default();
        }
        let mut value = match object.item(index.constant.as_ref()) {
            Some(value) => value,
            None => Value { path: index.as_str().and_then(|it| object.member_path(it)), ..Value::default() },
        };
        merge_taint(&mut value.taint, &object.taint);
        self.with_source(value, id)
    }

    fn mapping(&mut self, pairs: &[(Option<ExprId>, ExprId)], state: &mut State<'p>) -> Value {
        let mut mapping = Value { items: Some(Rc::default()), ..Value::default() };
        for (key, value) in pairs {
            let key = key.map(|it| self.eval(it, state));
            let value = self.eval(*value, state);
            match key {
                Some(key) => {
                    merge_taint(&mut mapping.taint, &key.taint);
                    mapping.put(key.constant, value);
                }
                None => mapping.join(&value),
            }
        }
        mapping
    }

    fn conditional(&mut self, condition: ExprId, then: ExprId, otherwise: ExprId, state: &mut State<'p>) -> Value {
        let known = self.eval(condition, state).constant.map(|it| it.is_true());
        let (mut first, mut second) = (state.clone(), state.clone());
        match known {
            Some(is_true) => {
                let (live, dead) = if is_true { (then, otherwise) } else { (otherwise, then) };
                self.in_dead_code(|this| this.eval(dead, &mut second));
                self.eval(live, state)
            }
            None => {
                self.assume(condition, true, &mut first);
                self.assume(condition, false, &mut second);
                let mut value = self.eval(then, &mut first);
                value.join(&self.eval(otherwise, &mut second));
                first.join(&second);
                *state = first;
                value
            }
        }
    }

    fn binary(&mut self, id: ExprId, operator: Operator, left: ExprId, right: ExprId, state: &mut State<'p>) -> Value {
        let left_value = self.eval(left, state);
        let right_value = if matches!(operator, Operator::And | Operator::Or) {
            let mut then = state.clone();
            self.assume(left, operator == Operator::And, &mut then);
            self.eval(right, &mut then)
        } else {
            self.eval(right, state)
        };
        if let (Some(left), Some(right)) = (&left_value.constant, &right_value.constant) {
            return fold::binary(operator, left, right).map(Value::constant).unwrap_or_default();
        }
        match operator {
            Operator::Equal | Operator::NotEqual => {
                self.compared(id, left, &left_value, right, &right_value);
                Value::default()
            }
            Operator::And | Operator::Or => {
                // A condition of constants that fold to false is false, whatever the rest is.
                let decides = left_value.constant.as_ref().filter(|it| it.is_true() == (operator == Operator::Or));
                if let Some(constant) = decides {
                    return Value::constant(constant.clone());
                }
                let mut value = left_value;
                value.join(&right_value);
                value
            }
            Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => Value::default(),
            Operator::In | Operator::NotIn => contained(operator, &left_value, &right_value),
            // `"%s" % value`, and `folder / name` for paths.
            Operator::Remainder if left_value.as_str().is_some() || left_value.is_built => {
                concat(&[left_value, right_value])
            }
            Operator::Divide => {
                let mut value = concat(&[left_value.clone(), right_value]);
                value.path = left_value.path;
                value
            }
            Operator::Subtract
            | Operator::Multiply
            | Operator::FloorDivide
            | Operator::Remainder
            | Operator::BitAnd
            | Operator::BitOr
            | Operator::Other => {
                let mut value = Value::of_taint(left_value.whole_taint());
                merge_taint(&mut value.taint, &right_value.whole_taint());
                value.items = left_value.items.or(right_value.items);
                value
            }
        }
    }

    /// Notes a comparison that is wrong as it stands; rules name it `$equal`.
    fn compared(&mut self, id: ExprId, left: ExprId, left_value: &Value, right: ExprId, right_value: &Value) {
        let argument = |expr: ExprId, value: &Value| Argument {
            name: None,
            value: value.clone(),
            text: &self.text[self.program.range(expr)],
            is_spread: false,
        };
        let args = [argument(left, left_value), argument(right, right_value)];
        let path = if args[0].text == args[1].text && args[0].text.len() > 2 { "$equal.self" } else { "$equal" };
        let site = Site { receiver: None, args: &args, text: &self.text[self.program.range(id)] };
        self.check_calls(path, &site, self.program.range(id));
    }

    /// Stores a value where an assignment says.
    pub(super) fn assign(&mut self, target: ExprId, value: Value, from: Option<ExprId>, state: &mut State<'p>) {
        let program = self.program;
        match program.kind(target) {
            ExprKind::Name(name) => self.assign_name(name, value, from, state),
            ExprKind::Member(..) | ExprKind::Index(..) => {
                self.check_assignment(target, &value, from, state);
                if let Some((root, keys)) = self.place(target, state) {
                    state.put(root, &keys, value);
                }
            }
            ExprKind::Sequence(targets) => {
                for (at, target) in targets.iter().enumerate() {
                    let key = i64::try_from(at).ok().map(Const::Int);
                    let element = value.item(key.as_ref()).unwrap_or_else(|| Value {
                        taint: value.taint.clone(),
                        // Of `value, err := f()` the first is what `f` is about.
                        path: value.path.clone().filter(|_| at == 0),
                        ..Value::default()
                    });
                    self.assign(*target, element, from, state);
                }
            }
            ExprKind::Mapping(pairs) => {
                for (key, target) in pairs {
                    let key = key.and_then(|it| match program.kind(it) {
                        ExprKind::Constant(Const::Str(key)) => Some(Arc::clone(key)),
                        _ => None,
                    });
                    let element = match &key {
                        Some(key) => {
                            let element = member(&value, key);
                            self.with_source(element, *target)
                        }
                        None => value.clone(),
                    };
                    self.assign(*target, element, None, state);
                }
            }
            ExprKind::Merge(parts) => {
                for part in parts {
                    self.assign(*part, value.clone(), from, state);
                }
            }
            // A name that may be missing, with its default.
            ExprKind::Assign(inner, default) => {
                let mut value = value;
                value.join(&self.eval(*default, state));
                self.assign(*inner, value, None, state);
            }
            _ => {
                self.eval(target, state);
            }
        }
    }

    pub(super) fn assign_name(&mut self, name: &'p str, value: Value, from: Option<ExprId>, state: &mut State<'p>) {
        if let Some(from) = from {
            let args = [Argument { name: None, value, text: &self.text[self.program.range(from)], is_spread: false }];
            self.check_assigned(name, &args, self.program.range(from));
            let [Argument { value, .. }] = args;
            state.set(name, value);
        } else {
            state.set(name, value);
        }
    }

    pub(super) fn augment(&mut self, target: ExprId, value: ExprId, adds: bool, state: &mut State<'p>) {
        let before = self.eval(target, state);
        let value_now = self.eval(value, state);
        let result = if adds && before.items.is_some() {
            let mut list = before;
            list.put(None, element_of(&value_now));
            list
        } else if adds {
            sum(&[before, value_now])
        } else {
            concat(&[before, value_now])
        };
        self.assign(target, result, Some(value), state);
    }

    /// Returns the variable and the keys below it that an expression means.
    pub(super) fn place(&mut self, id: ExprId, state: &mut State<'p>) -> Option<(&'p str, Vec<Option<Const>>)> {
        let program = self.program;
        let mut keys = Vec::new();
        let mut current = id;
        loop {
            current = match program.kind(current) {
                ExprKind::Name(name) => {
                    keys.reverse();
                    return Some((name, keys));
                }
                ExprKind::Member(object, name) => {
                    keys.push(Some(Const::Str(Arc::from(*name))));
                    *object
                }
                ExprKind::Index(object, index) => {
                    keys.push(self.eval(*index, state).constant);
                    *object
                }
                _ => return None,
            };
            if keys.len() > 4 {
                return None;
            }
        }
    }

    /// Returns what a parameter is when nobody has called yet.
    pub(super) fn param_value(&mut self, function: usize, param: &Param<'p>, is_handler: bool) -> Value {
        let model = &self.rules.model;
        if let Some(path) = model.parameter_names.get(param.name) {
            return Value::path(path);
        }
        let mut value = Value::path(if param.type_path.is_empty() { param.name } else { &param.type_path });
        let kind = self.param_kind(param, is_handler);
        let last_type = param.type_path.rsplit('.').next().unwrap_or_default();
        let is_harmless = model.harmless_parameters.iter().any(|it| it == param.name)
            || model.harmless_types.iter().any(|it| it == last_type);
        if !is_harmless && !param.name.is_empty() {
            // A parameter has no place of its own in the program: a byte of its function stands for it.
            let function = &self.program.functions[function];
            let at = function.params.iter().position(|it| it.name == param.name).unwrap_or(0);
            let start = (function.range.start + at).min(function.range.end);
            value.taint = self.source_at(kind, start..function.range.end);
        }
        value
    }

    fn param_kind(&self, param: &Param<'p>, is_handler: bool) -> SourceKind {
        let written = format!("{} {}", param.annotations.join(" "), param.type_path);
        let is_web = is_handler || self.rules.handler_parameters.iter().any(|it| it.is_match(&written));
        if is_web { SourceKind::Web } else { SourceKind::Parameter }
    }

    /// Gives a parameter its value.
    pub(super) fn bind(&mut self, param: &Param<'p>, value: Value, state: &mut State<'p>) {
        match param.pattern {
            Some(pattern) => self.assign(pattern, value, None, state),
            None if !param.name.is_empty() => state.set(param.name, value),
            None => {}
        }
    }
}

/// Returns a member of a value.
pub(super) fn member(object: &Value, name: &str) -> Value {
    let known = object.items.as_ref().and_then(|items| items.entries.get(&Const::Str(Arc::from(name))).cloned());
    let mut value = known.unwrap_or_else(|| Value { path: object.member_path(name), ..Value::default() });
    merge_taint(&mut value.taint, &object.taint);
    value
}

/// Returns what `+` gives: a number, a list or a string.
pub(super) fn sum(parts: &[Value]) -> Value {
    let constants: Option<Vec<&Const>> = parts.iter().map(|it| it.constant.as_ref()).collect();
    if let Some([first, rest @ ..]) = constants.as_deref() {
        let total = rest.iter().try_fold((*first).clone(), |total, it| fold::add(&total, it));
        if let Some(total) = total {
            return Value::constant(total);
        }
    }
    let is_text = |it: &Value| it.as_str().is_some() || it.is_built;
    let mut value = concat(parts);
    value.is_built = !value.is_fixed && parts.iter().any(is_text);
    if let Some(list) = parts.iter().find(|it| it.items.is_some()) {
        value.items.clone_from(&list.items);
        for part in parts.iter().filter(|it| !std::ptr::eq(*it, list)) {
            value.put(None, element_of(part));
        }
    }
    value
}

/// Returns the string made of pieces.
pub(super) fn concat(parts: &[Value]) -> Value {
    let constants: Option<Vec<&str>> = parts.iter().map(Value::as_str).collect();
    if let Some(constants) = constants.filter(|it| it.iter().map(|it| it.len()).sum::<usize>() < 4_096) {
        return Value::text(&constants.concat());
    }
    let is_fixed = parts.iter().all(Value::is_one_of_constants);
    let mut value = Value { is_built: !is_fixed, is_fixed, ..Value::default() };
    let mut prefix = String::new();
    for part in parts {
        match part.constant.as_ref() {
            Some(Const::Str(text)) => prefix.push_str(text),
            Some(Const::Int(number)) => prefix.push_str(&number.to_string()),
            Some(Const::Null | Const::Bool(_)) => break,
            None => {
                prefix.push_str(part.prefix.as_deref().unwrap_or_default());
                break;
            }
        }
    }
    for part in parts {
        merge_taint(&mut value.taint, &part.whole_taint());
    }
    value.prefix = Some(prefix).filter(|it| !it.is_empty()).map(Arc::from);
    value
}

fn slice(value: &Value, bounds: &[Option<Value>; 2]) -> Option<Const> {
    let text: Vec<char> = value.as_str()?.chars().collect();
    let bound = |bound: &Option<Value>, missing: usize| match bound {
        None => Some(missing),
        Some(Value { constant: Some(Const::Int(at)), .. }) if *at >= 0 => usize::try_from(*at).ok(),
        Some(Value { constant: Some(Const::Int(at)), .. }) => {
            Some(text.len().saturating_sub(usize::try_from(at.unsigned_abs()).ok()?))
        }
        Some(_) => None,
    };
    let (from, to) = (bound(&bounds[0], 0)?.min(text.len()), bound(&bounds[1], text.len())?.min(text.len()));
    Some(Const::Str(Arc::from(text.get(from..to.max(from))?.iter().collect::<String>())))
}

/// Decides `key in container` for a container of constants.
fn contained(operator: Operator, key: &Value, container: &Value) -> Value {
    let decide = || {
        let key = key.constant.as_ref()?;
        let items = container.items.as_ref().filter(|it| it.rest.is_none())?;
        items.length?;
        let constants: Option<Vec<&Const>> = items.entries.values().map(|it| it.constant.as_ref()).collect();
        Some(constants?.contains(&key) == (operator == Operator::In))
    };
    decide().map(|it| Value::constant(Const::Bool(it))).unwrap_or_default()
}
