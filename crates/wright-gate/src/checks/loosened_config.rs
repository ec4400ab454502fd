//! A change leaves what decides about its tests as strict as it was.
//!
//! Configuration, pipelines, hooks of test runners, recorded output and comments that silence a tool are compared line by
//! line: formats differ, the words do not. A line that moves within the change, or is only laid out anew, is neither added
//! nor removed.

mod hooks;
mod lines;
mod recorded;
mod settings;
mod silenced;
mod steps;

use crate::Finding;
use crate::change::ChangeSet;
use crate::tampering::product::Product;
use crate::tampering::report::Reporter;
use lines::Lines;

/// Reports what a change loosens outside of the tests themselves.
pub fn findings(change: &ChangeSet) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut out = Reporter::new(super::test_tampering::NAME, &mut findings);
    let product = Product::of(change);
    let files: Vec<Lines<'_>> = change.files.iter().filter(|it| it.before != it.after).map(Lines::of).collect();
    for file in &files {
        settings::judge(file, &mut out);
        hooks::judge(file, &mut out);
        silenced::judge(file, &mut out);
        recorded::judge(file, &product, &mut out);
    }
    steps::judge(&files, &mut out);
    findings
}
