//! A change leaves the tests as demanding as they were.
//!
//! Whoever makes tests pass can do so by changing the tests. This check compares the tests of both sides, see
//! `crate::tampering`, and adds what decides about tests from elsewhere: `super::loosened_config` for configuration,
//! hooks and recorded output, [`super::special_casing`] for product code that knows its tests.

use std::collections::BTreeSet;
use std::path::Path;

use wright_repo::project::is_test_path;

use super::{loosened_config, special_casing};
use crate::change::{ChangeSet, FileDelta, Tree};
use crate::tampering::compare::{self, Sides};
use crate::tampering::inventory::{Helper, Inventory, MarkKind, TestCase};
use crate::tampering::matching::{self, Pairing};
use crate::tampering::product::Product;
use crate::tampering::report::Reporter;
use crate::{CheckReport, CheckStatus, Finding, MAX_PARSED_BYTES, Severity, Source};

/// The check's name.
pub const NAME: &str = "test-tampering";

/// Compares the tests of both sides of a change, and what decides about them.
pub fn report(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> CheckReport {
    let started = std::time::Instant::now();
    let mut findings = compared(change);
    findings.extend(loosened_config::findings(change));
    findings.extend(special_casing::findings(change, before, after));
    let (analysed, omitted): (Vec<_>, Vec<_>) = change.files.iter().partition(|it| is_readable(it));
    let omitted: Vec<_> =
        omitted.into_iter().map(|it| (it.path.clone(), "is no text, or too long".to_owned())).collect();
    CheckReport {
        status: if omitted.is_empty() { CheckStatus::Ran } else { CheckStatus::Partial(omitted) },
        analysed: analysed.into_iter().map(|it| it.path.clone()).collect(),
        duration: started.elapsed(),
        after: findings,
        ..CheckReport::ran(NAME)
    }
}

fn is_readable(file: &FileDelta) -> bool {
    use crate::change::Content;
    let is_short = |text: &str| text.len() <= MAX_PARSED_BYTES;
    let sides = [&file.before, &file.after];
    sides.into_iter().all(|it| match it {
        Content::Absent | Content::Link(_) => true,
        Content::Text(text) => is_short(text),
        Content::Binary(_) => false,
    })
}

fn compared(change: &ChangeSet) -> Vec<Finding> {
    let (mut before, mut after) = (Inventory::default(), Inventory::default());
    for file in change.files.iter().filter(|it| it.before != it.after || it.moved_from.is_some()) {
        // A moved file is matched under its new name.
        before.add(&Source::new(path_of_tests(file), file.text_before()));
        after.add(&Source::new(&file.path, file.text_after()));
    }
    let product = Product::of(change);
    let pairing = matching::pair(&before, &after);
    let sides = Sides { before: &before, after: &after, product: &product, gained: gained(&pairing) };
    let mut findings = Vec::new();
    let mut out = Reporter::new(NAME, &mut findings);
    for (old, new) in &pairing.pairs {
        compare::compare(old, new, &sides, &mut out);
    }
    removed(&pairing, &sides, &mut out);
    for test in &pairing.added {
        compare::judge_new(test, &after, &mut out);
    }
    helpers(&sides, &mut out);
    findings
}

/// A file that loses the name by which it is known as a test keeps its tests on the side before only.
fn path_of_tests(file: &FileDelta) -> &Path {
    if is_test_path(&file.path) { &file.path } else { file.path_before() }
}

/// Returns the demands that tests have beyond what the same tests had.
fn gained(pairing: &Pairing<'_>) -> BTreeSet<String> {
    let mut texts = BTreeSet::new();
    for (old, new) in &pairing.pairs {
        let had = |text: &str| old.facts.assertions.iter().any(|it| it.text == text);
        texts.extend(new.facts.effective().filter(|it| !had(&it.text)).map(|it| it.text.clone()));
    }
    let added = pairing.added.iter().flat_map(|it| it.facts.effective());
    texts.extend(added.map(|it| it.text.clone()));
    texts
}

fn removed(pairing: &Pairing<'_>, sides: &Sides<'_>, out: &mut Reporter<'_>) {
    for test in &pairing.removed {
        if matching::is_taken_up(test, pairing)
            || was_off(test)
            || test.facts.assertions.is_empty() && test.facts.calls.is_empty()
        {
            continue;
        }
        let retired = test.facts.words.keys().any(|word| sides.product.is_retired_from(word));
        let tests_what_is_gone = test.facts.words.keys().any(|word| sides.product.is_gone_from(word));
        let is_commented_out = sides.after.comments.contains(&test.name) && !sides.before.comments.contains(&test.name);
        let (severity, rule, message) = if is_commented_out {
            (Severity::Error, "test-commented-out", format!("the test `{}` is commented out", test.id))
        } else if tests_what_is_gone {
            let message = format!("the test `{}` is removed with what it tests", test.id);
            (Severity::Note, "test-removed", message)
        } else if let Some(successor) = matching::successor(test, pairing) {
            let message = format!("the test `{}` is replaced by `{}`, which is another test", test.id, successor.id);
            (Severity::Warning, "test-replaced", message)
        } else {
            let message = format!("the test `{}` is removed, or not found by the runner any more", test.id);
            (if retired { Severity::Warning } else { Severity::Error }, "test-removed", message)
        };
        out.add(severity, rule, test, message);
    }
}

/// A test that never ran is no loss.
fn was_off(test: &TestCase) -> bool {
    test.facts.marks.iter().any(|it| it.kind == MarkKind::Skip && !it.is_conditional)
}

/// Reports helpers of tests that demand less, and cases kept at the level of the file that are gone.
fn helpers(sides: &Sides<'_>, out: &mut Reporter<'_>) {
    for old in &sides.before.helpers {
        let is_overloaded =
            |all: &[Helper]| all.iter().filter(|it| it.name == old.name && it.path == old.path).count() > 1;
        if old.facts.assertions.is_empty()
            || is_overloaded(&sides.before.helpers)
            || is_overloaded(&sides.after.helpers)
        {
            continue;
        }
        let Some(new) = sides.after.helpers.iter().find(|it| it.name == old.name && it.path == old.path) else {
            continue;
        };
        let as_test = |helper: &Helper| TestCase {
            path: helper.path.clone(),
            id: helper.name.clone(),
            name: helper.name.clone(),
            line: helper.line,
            facts: helper.facts.clone(),
        };
        compare::compare(&as_test(old), &as_test(new), sides, out);
    }
}
