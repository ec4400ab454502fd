//! What a call may give, and what it changes.

use std::ops::Range;
use std::sync::Arc;

use super::analysis::{Analysis, MAX_CALLS, element_of};
use super::evaluate::concat;
use super::fold;
use super::guards::clean_without;
use super::ir::{Call, Const, ExprId, ExprKind, FunctionId};
use super::rules::{ALL, category_bit};
use super::selector::{Argument, Site};
use super::state::State;
use super::value::{Taint, Value, merge_taint};

impl<'p> Analysis<'p> {
    pub(super) fn call(&mut self, id: ExprId, call: &'p Call<'p>, state: &mut State<'p>) -> Value {
        let program = self.program;
        let text = self.text;
        let (receiver, name, callee) = match program.kind(call.callee) {
            ExprKind::Member(object, name) => {
                let receiver = self.eval(*object, state);
                let value = super::evaluate::member(&receiver, name);
                let value = self.with_source(value, call.callee);
                (Some((*object, receiver)), *name, value)
            }
            _ => (None, "", self.eval(call.callee, state)),
        };
        let is_handler_call = callee.path.as_deref().is_some_and(|it| self.rules.handler_calls.contains(it));
        let mut closures = Vec::new();
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            let value = match program.kind(arg.value) {
                ExprKind::Function(function) => {
                    closures.push(*function);
                    Value { function: Some(*function), ..Value::default() }
                }
                _ => self.eval(arg.value, state),
            };
            args.push(Argument {
                name: arg.name,
                value,
                text: &text[program.range(arg.value)],
                is_spread: arg.is_spread,
            });
        }
        for closure in closures {
            let given = receiver.as_ref().map(|(_, it)| element_of(it)).filter(|it| !it.taint.is_empty());
            self.follow_closure(closure, given.as_ref(), is_handler_call, state);
        }
        let receiver_argument = receiver.as_ref().map(|(object, value)| Argument {
            name: None,
            value: value.clone(),
            text: &text[program.range(*object)],
            is_spread: false,
        });
        let range = program.range(id);
        if let Some(path) = callee.path.as_deref() {
            let site = Site { receiver: receiver_argument.as_ref(), args: &args, text: &text[range.clone()] };
            self.check_calls(path, &site, range.clone());
            self.check_sinks(path, &site, range.clone());
        }
        if let Some(module) = required(&callee, &args) {
            return module;
        }
        if let Some(value) = self.modeled(name, receiver.as_ref(), &args, state) {
            return value;
        }
        if let Some(function) = self.local_function(&callee, receiver.as_ref().map(|it| it.0), name) {
            let known = self.follow_call(function, &args, state);
            if let Some(value) = known {
                return value;
            }
        }
        let result = self.result(&callee, receiver.as_ref(), &args, range);
        self.with_source(result, id)
    }

    /// Follows a function expression where it is passed on: it may change the variables around it.
    fn follow_closure(&mut self, id: FunctionId, given: Option<&Value>, is_handler_call: bool, state: &mut State<'p>) {
        let function = &self.program.functions[id];
        let mut inner = state.clone();
        for (at, param) in function.params.iter().enumerate() {
            let named = self.rules.model.parameter_names.contains_key(param.name) || !param.type_path.is_empty();
            let value = match given {
                _ if is_handler_call && at == 0 && !named => Value::path("$request"),
                _ if named => self.param_value(id, param, false),
                Some(given) => given.clone(),
                None => Value::path(param.name),
            };
            self.bind(param, value, &mut inner);
        }
        self.enter(id, is_handler_call, &mut inner);
        state.join(&inner);
    }

    fn local_function(&self, callee: &Value, receiver: Option<ExprId>, name: &str) -> Option<FunctionId> {
        if callee.function.is_some() {
            return callee.function;
        }
        // Methods of the same class, and of no other: the type of another receiver is not known.
        let is_own = match receiver.map(|it| self.program.kind(it)) {
            Some(ExprKind::Name(name)) => matches!(*name, "self" | "this" | "cls" | "Self"),
            Some(_) => false,
            None => callee.path.is_some() && !name.is_empty(),
        };
        let wanted = if name.is_empty() { callee.path.as_deref()? } else { name };
        if !is_own && !name.is_empty() {
            return None;
        }
        let functions = self.program.functions.iter().enumerate();
        functions.skip(1).find(|(_, it)| it.name == wanted && !it.is_closure).map(|(id, _)| id)
    }

    /// Follows a function of this file with these arguments; `None` when it is not worth it or goes too deep.
    fn follow_call(&mut self, id: FunctionId, args: &[Argument<'_>], state: &State<'p>) -> Option<Value> {
        if self.frames.len() > MAX_CALLS || self.frames.iter().any(|it| it.function == id) {
            return None;
        }
        let function = &self.program.functions[id];
        let params = &function.params;
        let skip = usize::from(params.first().is_some_and(|it| matches!(it.name, "self" | "cls")));
        let mut inner = if function.is_closure { state.clone() } else { State::inside(&state.flattened()) };
        let is_entered = self.entered.contains(&id);
        for (at, param) in params.iter().enumerate().skip(skip) {
            let by_name = args.iter().find(|it| it.name == Some(param.name));
            let by_position = || args.iter().filter(|it| it.name.is_none()).nth(at - skip);
            let value = match by_name.or_else(by_position) {
                Some(arg) => arg.value.clone(),
                None => param.default.map(|it| self.eval(it, &mut inner)).unwrap_or_default(),
            };
            self.bind(param, value, &mut inner);
        }
        let value = self.enter(id, false, &mut inner);
        // It is still to be followed with whatever other callers may pass.
        if !is_entered && !function.is_closure {
            self.entered.remove(&id);
        }
        Some(value)
    }

    /// Returns what methods of strings, lists and mappings give, where that is known exactly.
    fn modeled(
        &mut self,
        name: &str,
        receiver: Option<&(ExprId, Value)>,
        args: &[Argument<'_>],
        state: &mut State<'p>,
    ) -> Option<Value> {
        let (object, value) = receiver?;
        if let Some(text) = value.as_str() {
            if let "format" | "formatted" = name {
                let pieces: Vec<Value> =
                    std::iter::once(value).chain(args.iter().map(|it| &it.value)).cloned().collect();
                return Some(concat(&pieces));
            }
            let constants: Vec<Option<&Const>> = args.iter().map(|it| it.value.constant.as_ref()).collect();
            if let Some(folded) = fold::method(text, name, &constants) {
                return Some(Value::constant(folded));
            }
        }
        let first = args.first().map(|it| &it.value);
        match (name, args.len()) {
            ("append" | "add" | "push" | "addLast", 1) if value.items.is_some() => {
                let mut list = value.clone();
                list.push(first?.clone());
                self.store(*object, list, state);
                Some(Value::default())
            }
            ("pop" | "remove" | "shift", 0 | 1) if value.items.as_ref().is_some_and(|it| it.length.is_some()) => {
                let at = match first.map(|it| it.constant.as_ref()) {
                    None if name == "shift" => Some(0),
                    None => None,
                    Some(Some(Const::Int(at))) => Some(*at),
                    Some(_) => return None,
                };
                let mut list = value.clone();
                let removed = list.remove(at);
                self.store(*object, list, state);
                removed
            }
            ("set" | "put" | "setdefault" | "setAttribute", 2 | 3) => {
                let (new, keys) = args.split_last()?;
                let mut mapping = value.clone();
                mapping.put(joined_key(keys), new.value.clone());
                self.store(*object, mapping, state);
                Some(Value::default())
            }
            ("get" | "getOrDefault" | "getAttribute", 1..=3) if value.items.is_some() => {
                let n_keys = if name == "getOrDefault" { 1 } else { args.len() };
                let key = joined_key(&args[..n_keys]);
                let found = value.item(key.as_ref()).or_else(|| value.item(first?.constant.as_ref()));
                let mut found = found.unwrap_or_default();
                merge_taint(&mut found.taint, &value.taint);
                Some(found)
            }
            ("size", 0) => i64::try_from(value.items.as_ref()?.length?).ok().map(|it| Value::constant(Const::Int(it))),
            _ => self.stored(name, *object, value, args, state),
        }
    }

    /// Handles methods that only keep their arguments: builders, buffers, lists that are not known exactly.
    fn stored(
        &mut self,
        name: &str,
        object: ExprId,
        value: &Value,
        args: &[Argument<'_>],
        state: &mut State<'p>,
    ) -> Option<Value> {
        if !self.rules.model.storing.iter().any(|it| it == name) {
            return None;
        }
        let mut result = value.clone();
        result.constant = None;
        result.is_built |= args.iter().any(|it| it.value.as_str().is_some() || it.value.is_built);
        for argument in args {
            merge_taint(&mut result.taint, &argument.value.whole_taint());
        }
        self.store(object, result.clone(), state);
        Some(result)
    }

    /// Puts a changed object back where it came from; through a chain of calls it is the object they began with.
    fn store(&mut self, object: ExprId, value: Value, state: &mut State<'p>) {
        let mut root = object;
        while let ExprKind::Call(call) = self.program.kind(root) {
            let ExprKind::Member(inner, _) = self.program.kind(call.callee) else { return };
            root = *inner;
        }
        if let Some((name, keys)) = self.place(root, state)
            && state.get(name).is_some()
        {
            state.put(name, &keys, value);
        }
    }

    /// Returns the result of a function that we cannot see.
    fn result(
        &mut self,
        callee: &Value,
        receiver: Option<&(ExprId, Value)>,
        args: &[Argument<'_>],
        range: Range<usize>,
    ) -> Value {
        let rules = self.rules;
        let path = callee.path.as_deref().unwrap_or_default();
        let site = Site { receiver: None, args, text: &self.text[range] };
        let is_transparent = rules.transparent.matching(path).any(|(it, _)| it.holds(&site));
        let mut taint: Taint = Vec::new();
        for argument in args {
            merge_taint(&mut taint, &argument.value.whole_taint());
        }
        if !is_transparent {
            taint.iter_mut().for_each(|it| it.is_indirect = true);
        }
        if let Some((_, receiver)) = receiver {
            merge_taint(&mut taint, &receiver.whole_taint());
        }
        merge_taint(&mut taint, &callee.taint);
        let clean = rules.sanitizers.matching(path).filter(|(it, _)| it.holds(&site));
        let clean = clean.fold(replaced(path, args), |mask, (_, idx)| mask | rules.sanitizer_masks[idx]);
        if clean == ALL {
            taint.clear();
        }
        let is_resolved = rules.resolving.contains(path);
        for origin in &mut taint {
            origin.clean |= clean;
            origin.is_resolved |= is_resolved;
        }
        let mut value = Value::of_taint(taint);
        if is_transparent {
            value.constant = args.first().filter(|_| args.len() == 1).and_then(|it| it.value.constant.clone());
            value.prefix = args.first().and_then(|it| prefix_of(&it.value));
            value.is_built = args.iter().any(|it| it.value.is_built)
                || (args.len() > 1 && args[0].value.as_str().is_some() && value.constant.is_none());
        } else if let Some((_, receiver)) = receiver {
            value.is_built = receiver.is_built;
        }
        if !path.is_empty() && path.len() < 160 {
            value.path = Some(Arc::from(format!("{path}()")));
        }
        value
    }
}

/// The constant text in front of the first place that is filled in.
fn prefix_of(value: &Value) -> Option<Arc<str>> {
    let text = value.as_str().or(value.prefix.as_deref())?;
    let end = text.find(['%', '{']).unwrap_or(text.len());
    Some(Arc::from(&text[..end])).filter(|it: &Arc<str>| !it.is_empty())
}

/// `require("node:fs")` is the module.
fn required(callee: &Value, args: &[Argument<'_>]) -> Option<Value> {
    let module = args.first().filter(|_| callee.path.as_deref() == Some("require"))?.value.as_str()?;
    Some(Value::path(module.strip_prefix("node:").unwrap_or(module)))
}

/// What a string is harmless for when every occurrence of a character in it is replaced. Taking `../` out once is not
/// enough: what is left may contain it again.
fn replaced(path: &str, args: &[Argument<'_>]) -> u32 {
    let is_replacement = matches!(path.rsplit('.').next(), Some("replace" | "replaceAll" | "ReplaceAll"));
    let removed = args.iter().filter_map(|it| it.value.as_str()).find(|it| !it.is_empty());
    let category = category_bit("path").unwrap_or(0);
    removed.filter(|_| is_replacement).map_or(0, |it| clean_without(it) & !category)
}

fn joined_key(keys: &[Argument<'_>]) -> Option<Const> {
    match keys {
        [only] => only.value.constant.clone(),
        _ => {
            let texts: Option<Vec<&str>> = keys.iter().map(|it| it.value.as_str()).collect();
            texts.map(|it| Const::Str(Arc::from(it.join("\0"))))
        }
    }
}
