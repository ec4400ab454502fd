//! What a change takes from its tests: one test against the same test after the change.

use std::collections::BTreeSet;

use super::assertion::{Assertion, Reach, Strength};
use super::inventory::{Facts, Inventory, Mark, MarkKind, TestCase};
use super::pairs;
use super::product::Product;
use super::report::Reporter;
use crate::Severity;

/// Error types that nearly everything is.
const BROAD: &[&str] =
    &["Exception", "BaseException", "Throwable", "Error", "RuntimeException", "StandardError", "exception"];

/// Compares one test with itself after the change.
pub(crate) fn compare(before: &TestCase, after: &TestCase, sides: &Sides<'_>, out: &mut Reporter<'_>) {
    let comparison = Comparison { before, after, sides };
    comparison.marks(out);
    comparison.assertions(out);
    comparison.rows(out);
    comparison.mocks(out);
    comparison.expectations(out);
    comparison.timeouts(out);
}

/// Both sides as a whole.
pub(crate) struct Sides<'a> {
    pub(crate) before: &'a Inventory,
    pub(crate) after: &'a Inventory,
    pub(crate) product: &'a Product,
    /// What all tests demand that demand more than before, as texts: where demands may have moved to.
    pub(crate) gained: BTreeSet<String>,
}

struct Comparison<'a> {
    before: &'a TestCase,
    after: &'a TestCase,
    sides: &'a Sides<'a>,
}

impl Comparison<'_> {
    fn marks(&self, out: &mut Reporter<'_>) {
        for mark in &self.after.facts.marks {
            let same_kind = |it: &&Mark| it.kind == mark.kind;
            let old = self.before.facts.marks.iter().filter(same_kind);
            // A condition that is dropped from a mark makes it a new one.
            if old.clone().any(|it| it.is_conditional <= mark.is_conditional)
                || old.clone().any(|it| it.text == mark.text)
            {
                continue;
            }
            let (rule, message) = match mark.kind {
                MarkKind::Skip => ("test-skipped", "is switched off"),
                MarkKind::ExpectedFailure => ("test-expected-to-fail", "is expected to fail"),
                MarkKind::Only => ("only-this-test", "is marked to run alone, so that no other test runs"),
                MarkKind::Retry => ("test-retried", "runs again until it passes"),
            };
            let is_soft = mark.is_conditional || mark.kind == MarkKind::Retry;
            let severity = if is_soft { Severity::Warning } else { Severity::Error };
            out.add(severity, rule, self.after, format!("the test {message}: `{}`", mark.text));
        }
    }

    fn assertions(&self, out: &mut Reporter<'_>) {
        let old = resolved(&self.before.facts, self.sides.before);
        let new = resolved(&self.after.facts, self.sides.after);
        let pairs = pairs::pair(&old, &new);
        for (old, new) in &pairs.changed {
            self.pair(old, new, out);
        }
        let left: Vec<&Assertion> = new.iter().filter(|it| it.is_effective()).collect();
        let is_there =
            |it: &&Assertion| self.sides.gained.contains(&it.text) || left.iter().any(|new| new.text == it.text);
        let lost: Vec<&Assertion> = pairs.lost.into_iter().filter(|it| !is_there(it)).collect();
        self.missing(&lost, &pairs.gained, left.len(), out);
        self.never_fails(&pairs.gained, out);
    }

    /// Reports assertions that have no counterpart.
    fn missing(&self, lost: &[&Assertion], gained: &[&Assertion], n_left: usize, out: &mut Reporter<'_>) {
        let lost: Vec<&&Assertion> = lost.iter().filter(|it| !self.sides.product.is_gone_from(&it.text)).collect();
        let Some(first) = lost.first() else { return };
        let example = shortened(&first.text);
        let is_telling = |it: &&&Assertion| it.strength >= Strength::Present;
        let n_strong_lost = lost.iter().copied().filter(is_telling).count();
        let n_strong_gained = gained.iter().filter(|it| it.is_effective()).filter(is_telling).count();
        let is_retired = lost.iter().all(|it| self.sides.product.is_retired_from(&it.text));
        if n_left == 0 {
            let message = format!("the test demands nothing any more; it had `{example}`");
            out.add(Severity::Error, "test-emptied", self.after, message);
        } else if n_strong_lost > n_strong_gained {
            let n_gone = n_strong_lost - n_strong_gained;
            let message = format!("{n_gone} of the test's assertions are gone, such as `{example}`");
            out.add(
                if is_retired { Severity::Warning } else { Severity::Error },
                "assertion-removed",
                self.after,
                message,
            );
        } else if n_strong_lost == 0 && gained.is_empty() {
            let message = format!("an assertion that nothing fails is gone: `{example}`");
            out.add(Severity::Note, "assertion-removed", self.after, message);
        } else {
            self.traded(&lost, gained, out);
        }
    }

    /// Reports assertions whose place is taken by others that demand less.
    fn traded(&self, lost: &[&&Assertion], gained: &[&Assertion], out: &mut Reporter<'_>) {
        let sorted = |mut strengths: Vec<Strength>| {
            strengths.sort_unstable_by(|a, b| b.cmp(a));
            strengths
        };
        let old = sorted(lost.iter().map(|it| it.strength).collect());
        let new = sorted(gained.iter().filter(|it| it.is_effective()).map(|it| it.strength).collect());
        let Some((old, new)) = old.iter().zip(&new).find(|(old, new)| new < old) else { return };
        let is_steep = *old >= Strength::Exact && *new <= Strength::Present;
        let message = format!("`{}` gave way to something weaker", shortened(&lost[0].text));
        out.add(if is_steep { Severity::Error } else { Severity::Warning }, "assertion-weakened", self.after, message);
    }

    /// Reports new assertions that cannot fail the test.
    fn never_fails(&self, gained: &[&Assertion], out: &mut Reporter<'_>) {
        for assertion in gained {
            let was_there =
                self.before.facts.assertions.iter().any(|it| it.text == assertion.text && it.reach == assertion.reach);
            if !was_there && assertion.strength == Strength::Nothing && !assertion.text.is_empty() {
                let message = format!("`{}` holds whatever the code does", shortened(&assertion.text));
                out.add(Severity::Warning, "tautology", self.after, message);
            }
        }
    }

    /// Reports what a pair of assertions about the same thing lost.
    fn pair(&self, old: &Assertion, new: &Assertion, out: &mut Reporter<'_>) {
        let (was, is) = (shortened(&old.text), shortened(&new.text));
        match &new.reach {
            Reach::Never(why) => {
                out.add(Severity::Error, "assertion-unreachable", self.after, format!("`{is}` {why}"));
                return;
            }
            Reach::Swallowed => {
                let message = format!("a failure of `{is}` is caught and forgotten");
                out.add(Severity::Error, "assertion-swallowed", self.after, message);
                return;
            }
            Reach::Sometimes if old.reach == Reach::Always && old.text == new.text => {
                out.add(
                    Severity::Warning,
                    "assertion-conditional",
                    self.after,
                    format!("`{is}` only runs under a condition now"),
                );
            }
            _ => {}
        }
        if new.strength == Strength::Nothing {
            out.add(Severity::Error, "tautology", self.after, format!("`{was}` became `{is}`, which always holds"));
        } else if new.strength < old.strength && !both_say_empty(old, new) {
            out.add(Severity::Error, "assertion-weakened", self.after, format!("`{was}` became the weaker `{is}`"));
        } else if is_looser(old.tolerance, new.tolerance) {
            out.add(Severity::Error, "tolerance-widened", self.after, format!("`{was}` became the looser `{is}`"));
        } else if let (Some(was), Some(is)) = (&old.exception, &new.exception)
            && is_broader(was, is)
        {
            let message = format!("the error that the code must end with became broader: `{was}`, now `{is}`");
            out.add(Severity::Error, "exception-widened", self.after, message);
        } else {
            self.expected_value(old, new, out);
        }
    }

    fn expected_value(&self, old: &Assertion, new: &Assertion, out: &mut Reporter<'_>) {
        let is_same_question = pairs::without_space(&old.subject) == pairs::without_space(&new.subject);
        if !is_same_question || old.literals == new.literals || old.expected == new.expected {
            return;
        }
        let (was, is) = (shortened(&old.text), shortened(&new.text));
        let severity = self.sides.product.severity_of_new_expectation(&old.literals, &new.literals);
        out.add(
            severity,
            "expectation-changed",
            self.after,
            format!("the expected value changed: `{was}`, now `{is}`"),
        );
    }

    fn rows(&self, out: &mut Reporter<'_>) {
        let (lost, gained) = difference(&self.before.facts.rows, &self.after.facts.rows);
        if lost.is_empty() {
            return;
        }
        let example = shortened(lost[0]);
        if lost.len() > gained.len() {
            if self.sides.product.is_gone_from(lost[0]) || self.has_other_demands() {
                return;
            }
            let message = format!("{} of the test's cases are gone, such as `{example}`", lost.len() - gained.len());
            out.add(Severity::Error, "cases-dropped", self.after, message);
            return;
        }
        let literals = |rows: &[&String]| rows.iter().flat_map(|it| literals_of(it)).collect::<Vec<_>>();
        let severity = self.sides.product.severity_of_new_expectation(&literals(&lost), &literals(&gained));
        let has_same_keys = lost.len() == gained.len() && first_literal(lost[0]) == first_literal(gained[0]);
        if has_same_keys {
            let message = format!("a case of the test changed: `{example}`, now `{}`", shortened(gained[0]));
            out.add(severity, "expectation-changed", self.after, message);
        }
    }

    /// Cases may have become assertions of their own.
    fn has_other_demands(&self) -> bool {
        self.after.facts.effective().count() > self.before.facts.effective().count() + 1
    }

    fn mocks(&self, out: &mut Reporter<'_>) {
        let new = self.after.facts.mocks.difference(&self.before.facts.mocks);
        for mock in new {
            let name = mock.rsplit(['.', '/', ' ']).next().unwrap_or(mock).trim_end_matches(')').trim();
            let module_is_under_test = (mock.starts_with("./") || mock.starts_with("../")) && self.tests_module(name);
            let is_called = self.before.facts.calls.contains(name) && !is_common(name);
            if is_called || module_is_under_test {
                let message = format!("the test replaces what it tests: `{mock}`");
                out.add(Severity::Error, "unit-under-test-mocked", self.after, message);
            }
        }
    }

    fn tests_module(&self, module: &str) -> bool {
        let stem = module.trim_end_matches(".js").trim_end_matches(".ts").to_lowercase();
        let file = self.after.path.file_name().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default();
        file.starts_with(&format!("{stem}.")) || self.before.facts.calls.iter().any(|it| it.to_lowercase() == stem)
    }

    fn expectations(&self, out: &mut Reporter<'_>) {
        for (name, new) in &self.after.facts.expectations {
            let old = self.before.facts.expectations.iter().find(|it| it.0 == *name);
            let Some((_, old)) = old.filter(|it| it.1 != *new) else { continue };
            if self.before.facts.expectations.iter().any(|it| it.1 == *new) {
                continue;
            }
            let severity = self.sides.product.severity_of_new_expectation(&literals_of(old), &literals_of(new));
            let message = format!("`{name}` changed: `{}`, now `{}`", shortened(old), shortened(new));
            out.add(severity, "expectation-changed", self.after, message);
        }
    }

    fn timeouts(&self, out: &mut Reporter<'_>) {
        let widest = |facts: &Facts| facts.timeouts.iter().copied().reduce(f64::max);
        let (Some(old), Some(new)) = (widest(&self.before.facts), widest(&self.after.facts)) else { return };
        if new > old {
            out.add(
                Severity::Warning,
                "timeout-raised",
                self.after,
                format!("the time limit grew from {old} to {new}"),
            );
        }
    }
}

/// Reports what is wrong with a test that is new.
pub(crate) fn judge_new(test: &TestCase, after: &Inventory, out: &mut Reporter<'_>) {
    let demands = resolved(&test.facts, after);
    if demands.iter().any(|it| it.strength == Strength::Nothing) {
        let message = "a new test demands something that always holds".to_owned();
        out.add(Severity::Note, "tautology", test, message);
    } else if demands.is_empty() && !test.facts.marks.iter().any(|it| it.kind == MarkKind::Skip) {
        out.add(Severity::Note, "test-without-assertion", test, "a new test demands nothing".to_owned());
    }
    if test.facts.marks.iter().any(|it| it.kind == MarkKind::Only) {
        let message = "a new test is marked to run alone, so that no other test runs".to_owned();
        out.add(Severity::Error, "only-this-test", test, message);
    }
}

/// Returns what a test demands, with what its helpers demand in its place.
fn resolved(facts: &Facts, inventory: &Inventory) -> Vec<Assertion> {
    let is_known = |name: &str| inventory.helper_names.contains(name);
    let is_helper_call = |it: &&Assertion| {
        let name = it
            .text
            .split([' ', '('])
            .find(|word| !matches!(*word, "self" | "." | "this" | "await"))
            .unwrap_or_default();
        is_known(name)
    };
    let mut found: Vec<Assertion> = facts.assertions.iter().filter(|it| !is_helper_call(it)).cloned().collect();
    for name in facts.calls.iter().filter(|it| is_known(it)) {
        found.extend(inventory.demands_of_helper(name));
    }
    found
}

/// `x == []` and `not x` are two ways to say that nothing is there.
fn both_say_empty(old: &Assertion, new: &Assertion) -> bool {
    let is_nothing = matches!(
        old.expected.as_str(),
        "[ ]" | "{ }" | "( )" | "\"\"" | "''" | "0" | "dict ( )" | "set ( )" | "false" | "False"
    );
    is_nothing && (new.text.starts_with("assert not ") || new.text.contains("( ! ") || new.text.contains("mpty"))
}

fn is_looser(old: Option<f64>, new: Option<f64>) -> bool {
    match (old, new) {
        (Some(old), Some(new)) => new > old * 1.001,
        (None, Some(new)) => new >= 0.05,
        _ => false,
    }
}

fn is_broader(old: &str, new: &str) -> bool {
    let words = |text: &str| {
        text.split([' ', ',', '.', '(', ')', ':']).filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>()
    };
    let (was, is) = (words(old), words(new));
    let became_broad =
        is.iter().any(|it| BROAD.contains(&it.as_str())) && !was.iter().any(|it| BROAD.contains(&it.as_str()));
    let lost_detail = is.len() < was.len() && is.iter().all(|it| was.contains(it));
    let more_kinds = !was.is_empty()
        && was.len() < is.len()
        && was.iter().all(|it| is.contains(it))
        && old != new
        && !new.contains('=')
        && !new.contains(['"', '\'']);
    became_broad || lost_detail || more_kinds
}

fn difference<'a>(before: &'a [String], after: &'a [String]) -> (Vec<&'a String>, Vec<&'a String>) {
    let mut gained: Vec<&String> = after.iter().collect();
    let mut lost = Vec::new();
    for row in before {
        match gained.iter().position(|it| *it == row) {
            Some(at) => drop(gained.remove(at)),
            None => lost.push(row),
        }
    }
    (lost, gained)
}

fn literals_of(text: &str) -> Vec<String> {
    let pattern = super::marks::regex!(r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\b\d[\w.]*"#);
    pattern.find_iter(text).map(|it| it.as_str().to_owned()).collect()
}

fn first_literal(text: &str) -> Option<String> {
    literals_of(text).into_iter().next()
}

fn is_common(name: &str) -> bool {
    matches!(
        name,
        "open"
            | "print"
            | "get"
            | "post"
            | "sleep"
            | "time"
            | "now"
            | "random"
            | "log"
            | "len"
            | "str"
            | "fetch"
            | "exit"
    )
}

fn shortened(text: &str) -> String {
    let text = text.split(" | ").next().unwrap_or(text);
    if text.chars().count() <= 100 {
        text.to_owned()
    } else {
        format!("{}…", text.chars().take(99).collect::<String>())
    }
}
