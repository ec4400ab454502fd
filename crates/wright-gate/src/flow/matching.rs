//! Compares calls, assignments and returned values with the rules.

use std::ops::Range;

use super::analysis::Analysis;
use super::guards::fixes_host;
use super::ir::{Const, ExprId, FunctionId};
use super::rules::{SourceKind, category_bit};
use super::selector::{Argument, PathSet, Selector, Site};
use super::state::State;
use super::value::{Origin, Taint, Value};

impl<'p> Analysis<'p> {
    /// Notes a call that is wrong as it stands.
    pub(super) fn check_calls(&mut self, path: &str, site: &Site<'_>, range: Range<usize>) {
        let rules = self.rules;
        for (selector, rule) in rules.calls.matching(path) {
            if selector.holds(site) && !self.is_made_harmless(rule, selector, site) {
                self.hit(rule, range.clone(), None);
            }
        }
    }

    /// Returns whether what a call is given does come from outside, but was made harmless for what the rule is about.
    fn is_made_harmless(&self, rule: usize, selector: &Selector, site: &Site<'_>) -> bool {
        let bit = self.rules.rules[rule].category.as_deref().and_then(category_bit).unwrap_or(0);
        let taint: Taint = selector.selected(site).into_iter().flat_map(|it| it.value.whole_taint()).collect();
        bit != 0 && !taint.is_empty() && taint.iter().all(|it| it.clean & bit != 0)
    }

    /// Notes arguments from outside that do harm here.
    pub(super) fn check_sinks(&mut self, path: &str, site: &Site<'_>, range: Range<usize>) {
        let rules = self.rules;
        self.check_reached(&rules.sinks, path, site, range);
    }

    fn check_reached(&mut self, sinks: &'static PathSet, path: &str, site: &Site<'_>, range: Range<usize>) {
        if self.dead > 0 {
            return;
        }
        for (selector, rule) in sinks.matching(path) {
            if !selector.holds(site) {
                continue;
            }
            if let Some(source) = self.worst_argument(rule, selector, site) {
                self.hit(rule, range.clone(), Some(source));
            }
        }
    }

    fn worst_argument(&self, rule: usize, selector: &Selector, site: &Site<'_>) -> Option<(usize, Origin)> {
        let arguments = selector.selected(site);
        let sources = arguments.into_iter().filter_map(|it| self.worst(rule, &it.value));
        sources.min_by_key(|(source, origin)| (self.sources[*source].kind != SourceKind::Web, origin.is_indirect))
    }

    /// Returns the most certain source that a value carries into a rule.
    fn worst(&self, rule: usize, value: &Value) -> Option<(usize, Origin)> {
        let rule = self.rules.rules[rule];
        let category = rule.category.as_deref().unwrap_or_default();
        let bit = category_bit(category).unwrap_or(0);
        if matches!(category, "redirect" | "ssrf") && value.prefix.as_deref().is_some_and(fixes_host) {
            return None;
        }
        let harmful = harmful_taint(category, value).into_iter().filter(|it| it.clean & bit == 0);
        let counted = harmful.filter(|it| self.sources[it.source].kind == SourceKind::Web || rule.parameters.is_some());
        let worst = counted.min_by_key(|it| (self.sources[it.source].kind != SourceKind::Web, it.is_indirect));
        worst.map(|it| (it.source, it))
    }

    /// Notes an assignment to a member or an element that is wrong, or that a value from outside must not reach.
    pub(super) fn check_assignment(
        &mut self,
        target: ExprId,
        value: &Value,
        from: Option<ExprId>,
        state: &mut State<'p>,
    ) {
        let range = self.program.range(target);
        let text = from.map(|it| &self.text[self.program.range(it)]).unwrap_or_default();
        let Some((path, key)) = self.target_path(target, state) else { return };
        let argument = |value, text| Argument { name: None, value, text, is_spread: false };
        let args = [argument(value.clone(), text), argument(key, "")];
        self.check_assigned(&path, &args, range);
    }

    fn target_path(&mut self, target: ExprId, state: &mut State<'p>) -> Option<(String, Value)> {
        use super::ir::ExprKind;
        let program = self.program;
        let mut key = Value::default();
        let (object, name) = match program.kind(target) {
            ExprKind::Member(object, name) => (*object, (*name).to_owned()),
            ExprKind::Index(object, index) => {
                let index = self.eval(*index, state);
                let name = index.as_str().unwrap_or("[]").to_owned();
                key = index;
                (*object, name)
            }
            _ => return None,
        };
        let object_value = self.eval(object, state);
        let object_path = object_value.path.as_deref().map_or_else(|| "?".to_owned(), str::to_owned);
        Some((format!("{object_path}.{name}"), key))
    }

    pub(super) fn check_assigned(&mut self, path: &str, args: &[Argument<'_>], range: Range<usize>) {
        let rules = self.rules;
        let site = Site { receiver: None, args, text: path };
        for (selector, rule) in rules.assignments.matching(path) {
            if selector.holds(&site) {
                self.hit(rule, range.clone(), None);
            }
        }
        self.check_reached(&rules.assigned, path, &site, range);
    }

    /// Notes what a request handler returns.
    pub(super) fn check_returned(&mut self, value: &Value, expr: ExprId) {
        let imported = self.program.imports.get("*").map(String::as_str).unwrap_or_default();
        let rules = self.rules;
        for (rule, modules) in &rules.returned {
            // A mapping or a list is sent as JSON.
            if value.items.is_some() || !modules.is_match(imported) {
                continue;
            }
            if let Some(source) = self.worst(*rule, value) {
                self.hit(*rule, self.program.range(expr), Some(source));
            }
        }
    }

    /// Returns whether a framework calls the function for a client.
    pub(super) fn is_handler(&self, id: FunctionId, _around: &State<'p>) -> bool {
        let decorators = &self.program.functions[id].decorators;
        let texts = decorators.iter().map(|it| &self.text[self.program.range(*it)]);
        texts.into_iter().any(|text| self.rules.handler_decorators.iter().any(|it| it.is_match(text)))
    }
}

/// Returns what of a value does harm: of a list of arguments to a command only the program and a script for a shell.
fn harmful_taint(category: &str, value: &Value) -> Taint {
    let Some(items) = value.items.as_ref().filter(|it| it.length.is_some()) else { return value.whole_taint() };
    // Of a response given as a tuple the first element is the page.
    let counts_first = matches!(category, "command" | "xss");
    if !counts_first {
        return value.whole_taint();
    }
    let is_script = items.entries.values().any(|it| matches!(it.as_str(), Some("-c" | "/c" | "/C" | "-Command")));
    if is_script {
        return value.whole_taint();
    }
    items.entries.get(&Const::Int(0)).map(Value::whole_taint).unwrap_or_default()
}
