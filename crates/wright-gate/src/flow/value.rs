//! What is known about a value: a constant, where it came from, which name of a library it stands for, what it contains.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use super::ir::{Const, FunctionId};

/// A value does not remember more sources than this.
const MAX_ORIGINS: usize = 6;
/// A container does not tell more elements apart than this.
const MAX_ITEMS: usize = 64;
/// Paths do not grow beyond this, however long a chain of calls is.
const MAX_PATH: usize = 160;
/// Elements of elements of elements are not told apart any deeper.
const MAX_NESTING: usize = 6;

/// One source that a value depends on, and what has been done to it since.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) source: usize,
    /// The categories for which it has been made harmless, as bits.
    pub(crate) clean: u32,
    /// It went through a function that we cannot see.
    pub(crate) is_indirect: bool,
    /// It is a path or an address from which `..` has been resolved.
    pub(crate) is_resolved: bool,
}

/// What a value may depend on.
pub(crate) type Taint = Vec<Origin>;

/// What is known about a value. The default is a value of which nothing is known, and that no one outside controls.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Value {
    pub(crate) constant: Option<Const>,
    pub(crate) taint: Taint,
    /// What it stands for: `subprocess.run`, `sqlite3.connect().cursor`.
    pub(crate) path: Option<Arc<str>>,
    pub(crate) items: Option<Rc<Items>>,
    /// A string put together from pieces of which at least one is not constant.
    pub(crate) is_built: bool,
    /// One of several constants; which of them is not known.
    pub(crate) is_fixed: bool,
    /// The constant that a built string begins with.
    pub(crate) prefix: Option<Arc<str>>,
    pub(crate) function: Option<FunctionId>,
}

/// Elements by index, entries by key, attributes by name.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Items {
    pub(crate) entries: BTreeMap<Const, Value>,
    /// What the entries are that no constant names.
    pub(crate) rest: Option<Box<Value>>,
    /// The number of elements of a list, while it is known.
    pub(crate) length: Option<usize>,
}

impl Value {
    pub(crate) fn constant(constant: Const) -> Self {
        Self { constant: Some(constant), ..Self::default() }
    }

    pub(crate) fn text(text: &str) -> Self {
        Self::constant(Const::Str(Arc::from(text)))
    }

    pub(crate) fn path(path: &str) -> Self {
        Self { path: Some(Arc::from(path)), ..Self::default() }
    }

    pub(crate) fn of_taint(taint: Taint) -> Self {
        Self { taint, ..Self::default() }
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        self.constant.as_ref().and_then(Const::as_str)
    }

    /// Returns whether the program itself says what it is.
    pub(crate) fn is_one_of_constants(&self) -> bool {
        self.constant.is_some() || self.is_fixed
    }

    /// Returns what it and everything in it depends on.
    pub(crate) fn whole_taint(&self) -> Taint {
        let mut taint = self.taint.clone();
        self.add_item_taint(&mut taint, 0);
        taint
    }

    fn add_item_taint(&self, taint: &mut Taint, nesting: usize) {
        let Some(items) = self.items.as_ref().filter(|_| nesting < MAX_NESTING) else { return };
        for value in items.entries.values().chain(items.rest.as_deref()) {
            merge_taint(taint, &value.taint);
            value.add_item_taint(taint, nesting + 1);
        }
    }

    /// Takes in another value that it may be instead.
    pub(crate) fn join(&mut self, other: &Value) {
        self.join_at(other, 0);
    }

    fn join_at(&mut self, other: &Value, nesting: usize) {
        if self == other {
            return;
        }
        self.is_fixed = self.is_one_of_constants() && other.is_one_of_constants();
        self.is_built |= other.is_built;
        if self.constant != other.constant {
            self.constant = None;
        }
        if self.prefix != other.prefix {
            self.prefix = None;
        }
        merge_taint(&mut self.taint, &other.taint);
        if self.path.is_none() {
            self.path.clone_from(&other.path);
        }
        self.function = self.function.or(other.function);
        match (&mut self.items, &other.items) {
            (_, None) => {}
            (mine @ None, theirs) => mine.clone_from(theirs),
            (Some(mine), Some(theirs)) if nesting < MAX_NESTING => {
                if !Rc::ptr_eq(mine, theirs) {
                    Rc::make_mut(mine).join(theirs, nesting + 1);
                }
            }
            (Some(_), Some(_)) => {}
        }
    }

    /// Returns the value under a key; a known container that lacks the key gives what else may be in it.
    pub(crate) fn item(&self, key: Option<&Const>) -> Option<Value> {
        let items = self.items.as_ref()?;
        let Some(key) = key else { return Some(items.any()) };
        let key = match (key, items.length) {
            (Const::Int(at), Some(length)) if *at < 0 => Const::Int(at + i64::try_from(length).ok()?),
            _ => key.clone(),
        };
        let known = items.entries.get(&key).cloned();
        known.or_else(|| items.rest.as_deref().cloned())
    }

    /// Stores a value under a key; `None` is a key that is not known.
    pub(crate) fn put(&mut self, key: Option<Const>, value: Value) {
        self.constant = None;
        let items = Rc::make_mut(self.items.get_or_insert_default());
        match key.filter(|key| items.entries.len() < MAX_ITEMS || items.entries.contains_key(key)) {
            Some(key) => drop(items.entries.insert(key, value)),
            None => items.put_anywhere(&value),
        }
    }

    /// Adds an element at the end.
    pub(crate) fn push(&mut self, value: Value) {
        self.constant = None;
        let items = Rc::make_mut(self.items.get_or_insert_default());
        match items.length {
            Some(length) if length < MAX_ITEMS => {
                items.entries.insert(index(length), value);
                items.length = Some(length + 1);
            }
            Some(_) | None => items.put_anywhere(&value),
        }
    }

    /// Takes an element out; later ones move up.
    pub(crate) fn remove(&mut self, at: Option<i64>) -> Option<Value> {
        let items = Rc::make_mut(self.items.as_mut()?);
        let length = items.length?;
        let at = match at.unwrap_or(-1) {
            at if at < 0 => length.checked_sub(usize::try_from(-at).ok()?)?,
            at => usize::try_from(at).ok().filter(|at| *at < length)?,
        };
        let removed = items.entries.remove(&index(at));
        for from in at + 1..length {
            if let Some(value) = items.entries.remove(&index(from)) {
                items.entries.insert(index(from - 1), value);
            }
        }
        items.length = Some(length - 1);
        removed
    }

    /// Returns the path of a member.
    pub(crate) fn member_path(&self, name: &str) -> Option<Arc<str>> {
        let path = self.path.as_deref().filter(|it| it.len() + name.len() < MAX_PATH)?;
        Some(Arc::from(format!("{path}.{name}")))
    }

    /// Marks every source in it, elements included, as harmless for these categories.
    pub(crate) fn clean(&mut self, categories: u32) {
        self.change_origins(&|origin| origin.clean |= categories, 0);
    }

    /// Applies a change to every origin in it.
    pub(crate) fn change_origins(&mut self, change: &dyn Fn(&mut Origin), nesting: usize) {
        self.taint.iter_mut().for_each(change);
        let Some(items) = self.items.as_mut().filter(|_| nesting < MAX_NESTING) else { return };
        let items = Rc::make_mut(items);
        for value in items.entries.values_mut().chain(items.rest.as_deref_mut()) {
            value.change_origins(change, nesting + 1);
        }
    }
}

impl Items {
    fn put_anywhere(&mut self, value: &Value) {
        self.length = None;
        match &mut self.rest {
            Some(rest) => rest.join_at(value, MAX_NESTING),
            None => self.rest = Some(Box::new(value.clone())),
        }
    }

    fn join(&mut self, other: &Items, nesting: usize) {
        for (key, value) in &other.entries {
            let has_room = self.entries.len() < MAX_ITEMS;
            match self.entries.get_mut(key) {
                Some(mine) => mine.join_at(value, nesting),
                None if has_room => drop(self.entries.insert(key.clone(), value.clone())),
                None => self.put_anywhere(value),
            }
        }
        if let Some(rest) = &other.rest {
            self.put_anywhere(rest);
        }
        if self.length != other.length {
            self.length = None;
        }
    }

    fn any(&self) -> Value {
        let mut values = self.entries.values().chain(self.rest.as_deref());
        let mut result = values.next().cloned().unwrap_or_default();
        for value in values {
            result.join(value);
        }
        result
    }
}

/// Adds origins to others; of two ways from one source the less harmless counts.
pub(crate) fn merge_taint(taint: &mut Taint, more: &[Origin]) {
    for origin in more {
        let has_room = taint.len() < MAX_ORIGINS;
        match taint.iter_mut().find(|it| it.source == origin.source) {
            Some(known) => {
                known.clean &= origin.clean;
                known.is_indirect &= origin.is_indirect;
                known.is_resolved &= origin.is_resolved;
            }
            None if has_room => taint.push(*origin),
            None => {}
        }
    }
}

fn index(at: usize) -> Const {
    Const::Int(i64::try_from(at).unwrap_or(i64::MAX))
}
