//! Values from outside that reach a place where they do harm, and functions that are used in an unsafe way.
//!
//! The rules are the files in `rules/`; `flow` applies them. Everything wrong with one text is reported,
//! whether or not a change made it so.

use super::RuleInfo;
use crate::{Finding, Source, flow};

/// The name of the check.
pub const NAME: &str = "injection";

/// Returns every place of a text that breaks a rule.
///
/// A value that certainly comes from a client gives an error; one that a caller may pass, a warning or a note.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    flow::findings(NAME, source)
}

/// Returns what is known about each rule, with its examples.
pub fn rules() -> Vec<RuleInfo> {
    flow::rules().iter().map(info).collect()
}

fn info(rule: &flow::Rule) -> RuleInfo {
    let mut explanation = format!("{}\n", rule.hint);
    for (what, examples) in [("Found", &rule.examples.bad), ("Not found", &rule.examples.good)] {
        for example in examples {
            explanation.push_str(&format!(
                "\n{what}:\n\n```{}\n{}\n```\n",
                rule.languages.join(" "),
                example.trim_end()
            ));
        }
    }
    RuleInfo {
        id: rule.id.clone(),
        check: NAME.to_owned(),
        severity: rule.severity,
        title: rule.title.clone(),
        explanation,
        cwe: rule.cwe.clone(),
    }
}
