//! The variables at one point of a program.

use std::collections::HashMap;
use std::rc::Rc;

use super::ir::Const;
use super::value::Value;

/// Values by name. Copies are cheap until one of them changes.
#[derive(Debug, Clone, Default)]
pub(crate) struct State<'t> {
    locals: Rc<HashMap<&'t str, Value>>,
    /// What code outside of the function has left.
    outer: Rc<HashMap<&'t str, Value>>,
}

impl<'t> State<'t> {
    /// Returns the state in which a function starts.
    pub(crate) fn inside(outer: &State<'t>) -> Self {
        Self { locals: Rc::default(), outer: Rc::clone(&outer.locals) }
    }

    /// Returns the state whose variables a function called from here may see: those outside, if any.
    pub(crate) fn flattened(&self) -> State<'t> {
        if self.outer.is_empty() { self.clone() } else { Self { locals: Rc::clone(&self.outer), outer: Rc::default() } }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.locals.get(name).or_else(|| self.outer.get(name))
    }

    pub(crate) fn set(&mut self, name: &'t str, value: Value) {
        Rc::make_mut(&mut self.locals).insert(name, value);
    }

    /// Stores a value in an element of a variable: `name[keys[0]][keys[1]]…`.
    pub(crate) fn put(&mut self, name: &'t str, keys: &[Option<Const>], value: Value) {
        let mut root = self.get(name).cloned().unwrap_or_default();
        put_at(&mut root, keys, value);
        self.set(name, root);
    }

    /// Takes in what the variables may be instead.
    pub(crate) fn join(&mut self, other: &State<'t>) {
        if Rc::ptr_eq(&self.locals, &other.locals) {
            return;
        }
        let outer = Rc::clone(&self.outer);
        let locals = Rc::make_mut(&mut self.locals);
        for (name, value) in other.locals.iter() {
            match locals.get_mut(name) {
                Some(mine) => mine.join(value),
                None => {
                    let mut joined = value.clone();
                    if let Some(before) = outer.get(name) {
                        joined.join(before);
                    }
                    locals.insert(name, joined);
                }
            }
        }
    }

    /// Applies a change to every variable that `select` picks.
    pub(crate) fn change(&mut self, select: impl Fn(&Value) -> bool, change: impl Fn(&mut Value)) {
        let names: Vec<&'t str> =
            self.locals.iter().filter(|(_, value)| select(value)).map(|(name, _)| *name).collect();
        if names.is_empty() {
            return;
        }
        let locals = Rc::make_mut(&mut self.locals);
        for name in names {
            locals.get_mut(name).into_iter().for_each(&change);
        }
    }
}

fn put_at(value: &mut Value, keys: &[Option<Const>], new: Value) {
    match keys {
        [] => *value = new,
        [key] => value.put(key.clone(), new),
        [key, rest @ ..] => {
            let mut inner = value.item(key.as_ref()).unwrap_or_default();
            put_at(&mut inner, rest, new);
            value.put(key.clone(), inner);
        }
    }
}
