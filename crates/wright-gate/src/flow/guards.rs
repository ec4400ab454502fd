//! What a condition says about the values it looks at, where it held and where it did not.

use super::analysis::{Analysis, Exit, both};
use super::ir::{Call, Case, Const, ExprId, ExprKind, Operator};
use super::rules::{ALL, category_bit};
use super::selector::{Argument, Site};
use super::state::State;
use super::value::Value;

impl<'p> Analysis<'p> {
    /// Takes in that a condition is true, or that it is false.
    pub(super) fn assume(&mut self, condition: ExprId, is_true: bool, state: &mut State<'p>) {
        let program = self.program;
        if self.depth >= super::analysis::MAX_DEPTH {
            return;
        }
        self.depth += 1;
        match program.kind(condition) {
            ExprKind::Not(inner) => self.assume(*inner, !is_true, state),
            ExprKind::Binary(Operator::And, left, right) if is_true => {
                self.assume(*left, true, state);
                self.assume(*right, true, state);
            }
            ExprKind::Binary(Operator::Or, left, right) if !is_true => {
                self.assume(*left, false, state);
                self.assume(*right, false, state);
            }
            ExprKind::Binary(operator @ (Operator::In | Operator::NotIn), left, right) => {
                let holds = is_true == (*operator == Operator::In);
                self.assume_contained(*left, *right, holds, state);
            }
            ExprKind::Binary(operator @ (Operator::Equal | Operator::NotEqual), left, right)
                if is_true == (*operator == Operator::Equal) =>
            {
                self.assume_equal(*left, *right, state);
            }
            ExprKind::Call(call) => self.assume_call(call, is_true, state),
            _ => {}
        }
        self.depth -= 1;
    }

    /// `key in container`: a member of a list that nobody outside wrote is as good as a constant.
    fn assume_contained(&mut self, key: ExprId, container: ExprId, holds: bool, state: &mut State<'p>) {
        let key_value = self.quietly(key, state);
        let container_value = self.quietly(container, state);
        if !holds {
            let denied = key_value.as_str().map(clean_without).unwrap_or(0);
            if denied != 0 {
                self.clean(&container_value, denied, state);
            }
        } else if container_value.whole_taint().is_empty() && !key_value.whole_taint().is_empty() {
            self.clean(&key_value, ALL, state);
        }
    }

    fn assume_equal(&mut self, left: ExprId, right: ExprId, state: &mut State<'p>) {
        let (left, right) = (self.quietly(left, state), self.quietly(right, state));
        for (value, other) in [(&left, &right), (&right, &left)] {
            let is_trusted = other.constant.is_some() && other.as_str() != Some("");
            if is_trusted && !value.taint.is_empty() {
                self.clean(value, ALL, state);
            }
        }
    }

    fn assume_call(&mut self, call: &'p Call<'p>, is_true: bool, state: &mut State<'p>) {
        let program = self.program;
        let args: Vec<Value> = call.args.iter().map(|it| self.quietly(it.value, state)).collect();
        let callee = self.quietly(call.callee, state);
        let (receiver, name) = match program.kind(call.callee) {
            ExprKind::Member(object, name) => (Some(self.quietly(*object, state)), *name),
            _ => (None, ""),
        };
        if let Some(receiver) = &receiver {
            self.assume_method(receiver, name, &args, is_true, state);
        }
        let rules = self.rules;
        let Some(path) = callee.path.as_deref().filter(|_| is_true) else { return };
        let arguments: Vec<Argument<'_>> = args
            .iter()
            .zip(&call.args)
            .map(|(value, arg)| Argument { name: arg.name, value: value.clone(), text: "", is_spread: arg.is_spread })
            .collect();
        let site = Site { receiver: None, args: &arguments, text: "" };
        let found = rules.validators.matching(path).find(|(it, _)| it.holds(&site));
        let Some((selector, idx)) = found else { return };
        let mask = rules.validator_masks[idx];
        let on_receiver = selector.args.contains(&super::selector::ArgName::Receiver);
        for value in args.iter().chain(receiver.iter().filter(|_| on_receiver)) {
            self.clean(value, mask, state);
        }
    }

    /// Methods of strings and lists that say something about their contents, in every language.
    fn assume_method(&mut self, receiver: &Value, name: &str, args: &[Value], is_true: bool, state: &mut State<'p>) {
        let Some(argument) = args.first() else { return };
        match name {
            "contains" | "includes" | "has" | "containsKey" | "indexOf" => {
                let is_allow_list = receiver.whole_taint().is_empty() && !argument.whole_taint().is_empty();
                if is_true && is_allow_list {
                    self.clean(argument, ALL, state);
                }
                let denied = argument.as_str().map(clean_without).unwrap_or(0);
                if !is_true && denied != 0 {
                    self.clean(receiver, denied, state);
                }
            }
            "equals" | "equalsIgnoreCase" if is_true && argument.constant.is_some() => self.clean(receiver, ALL, state),
            "startswith" | "startsWith" | "starts_with" | "is_relative_to"
                if is_true && argument.whole_taint().is_empty() =>
            {
                // Behind a prefix, `..` leads out again unless it has been resolved; a host that is given stays.
                let is_resolved = receiver.whole_taint().iter().all(|it| it.is_resolved);
                let names_host = argument.as_str().is_none_or(fixes_host);
                let mask = if is_resolved || name == "is_relative_to" { bits(&["path"]) } else { 0 };
                let mask = if names_host { mask | bits(&["redirect", "ssrf"]) } else { mask };
                self.clean(receiver, mask, state);
            }
            _ => {}
        }
    }

    /// Evaluates without noting anything: the condition itself has been read already.
    fn quietly(&mut self, id: ExprId, state: &State<'p>) -> Value {
        let n_hits = self.hits.len();
        let value = self.in_dead_code(|this| this.eval(id, &mut state.clone()));
        debug_assert!(self.hits.len() >= n_hits, "hits are only added");
        value
    }

    /// Marks a value as harmless, and every variable that depends on nothing else.
    fn clean(&mut self, value: &Value, categories: u32, state: &mut State<'p>) {
        let sources: Vec<usize> = value.whole_taint().iter().map(|it| it.source).collect();
        if sources.is_empty() || categories == 0 {
            return;
        }
        state.change(
            |it| {
                let taint = it.whole_taint();
                !taint.is_empty() && taint.iter().all(|it| sources.contains(&it.source))
            },
            |it| it.clean(categories),
        );
    }

    pub(super) fn switch(&mut self, subject: Option<ExprId>, cases: &'p [Case<'p>], state: &mut State<'p>) -> Exit {
        let subject_value = subject.map(|it| self.eval(it, state)).unwrap_or_default();
        let known = subject_value.constant.clone();
        let before = state.clone();
        let mut after: Option<(State<'p>, Exit)> = None;
        let mut carried: Option<State<'p>> = None;
        let mut is_decided = false;
        for case in cases {
            let patterns: Vec<Value> = case.patterns.iter().map(|it| self.quietly(*it, &before)).collect();
            let matches = self.case_matches(known.as_ref(), case, &patterns);
            let mut inner = before.clone();
            if (is_decided || matches == Some(false)) && carried.is_none() {
                self.in_dead_code(|this| this.block(&case.body, &mut inner));
                continue;
            }
            if let Some(carried) = carried.take() {
                inner.join(&carried);
            }
            if !case.is_default && patterns.iter().all(|it| it.constant.is_some()) && !patterns.is_empty() {
                self.clean(&subject_value, ALL, &mut inner);
            }
            if let Some(guard) = case.guard {
                self.eval(guard, &mut inner);
                self.assume(guard, true, &mut inner);
            }
            is_decided |= matches == Some(true) && case.guard.is_none();
            let exit = self.block(&case.body, &mut inner);
            if case.falls_through && exit == Exit::Next {
                carried = Some(inner.clone());
            }
            after = Some(match after {
                None => (inner, exit),
                Some((mut joined, before)) => {
                    let exit = both(&mut joined, before, inner, exit);
                    (joined, exit)
                }
            });
        }
        let is_complete = is_decided || cases.iter().any(|it| it.is_default);
        match after {
            Some((joined, exit)) if is_complete => {
                *state = joined;
                exit
            }
            Some((joined, exit)) => both(state, Exit::Next, joined, exit),
            None => Exit::Next,
        }
    }

    fn case_matches(&self, known: Option<&Const>, case: &Case<'p>, patterns: &[Value]) -> Option<bool> {
        let known = known?;
        if case.is_default {
            return Some(true);
        }
        let mut is_certain = true;
        for pattern in patterns {
            match &pattern.constant {
                Some(constant) if constant == known => return Some(true),
                Some(_) => {}
                None => is_certain = false,
            }
        }
        is_certain.then_some(false)
    }
}

/// What text without this string is harmless for.
pub(super) fn clean_without(denied: &str) -> u32 {
    match denied {
        ".." | "../" | "/.." | "..\\" => bits(&["path"]),
        "/" | "\\" => bits(&["path", "redirect"]),
        "'" => bits(&["sql", "xpath", "ldap", "code"]),
        "\"" => bits(&["xpath", "code"]),
        "<" | ">" => bits(&["xss"]),
        "\n" | "\r" | "\r\n" => bits(&["log", "header"]),
        ";" | "&" | "|" => bits(&["command"]),
        "(" | "*" => bits(&["ldap"]),
        "://" | "//" => bits(&["redirect", "ssrf"]),
        _ => 0,
    }
}

/// Returns whether a URL that begins like this has its host already.
pub(super) fn fixes_host(prefix: &str) -> bool {
    match prefix.split_once("://") {
        Some((_, rest)) => rest.contains('/'),
        None => prefix.starts_with('/') && !prefix.starts_with("//") && prefix.len() > 1,
    }
}

fn bits(names: &[&str]) -> u32 {
    names.iter().filter_map(|it| category_bit(it)).fold(0, |mask, bit| mask | bit)
}
