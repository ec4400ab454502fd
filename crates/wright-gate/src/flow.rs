//! Follows values through one file, from where they come in to where they do harm, and finds calls that are wrong as
//! they stand.
//!
//! The file is lowered to a small program that is the same for all languages; the analysis runs it without
//! knowing its inputs; [rules], which are data, say what is an input, what does harm and what prevents it. Nothing is read
//! but the text given, and code nested without end or written to be slow costs a bounded time.
//!
//! What it does not do: follow values between files, through fields that other methods set later, or through
//! reflection.

mod analysis;
mod calls;
mod evaluate;
mod fold;
mod guards;
mod ir;
mod lower;
mod matching;
mod rules;
mod selector;
mod state;
#[cfg(test)]
mod tests;
mod value;

use std::ops::Range;

use wright_text::SyntaxTree;

use self::analysis::{Analysis, Hit};
pub use self::rules::{Examples, Rule, rules};
use self::rules::{RuleSet, SourceKind, rule_set};
use crate::finding::Step;
use crate::{Confidence, Finding, Severity, Source};

/// Code in a key is not longer than this.
const MAX_KEY: usize = 200;

/// Returns every place of a text that breaks a rule. `check` is the name the findings carry.
pub(crate) fn findings(check: &'static str, source: &Source<'_>) -> Vec<Finding> {
    let (Some(tree), Some(rules)) = (source.tree(), source.language.and_then(rule_set)) else { return Vec::new() };
    let Some(program) = lower::lower(tree) else { return Vec::new() };
    let mut analysis = Analysis::new(&program, tree.text(), rules);
    let is_finished = analysis.run();
    let view = View { check, source, rules, sources: &analysis.sources };
    let mut findings: Vec<Finding> = analysis.hits.iter().map(|hit| view.finding(hit)).collect();
    findings.extend(view.by_text(tree));
    findings.sort_by_key(|it| (it.span, it.rule.clone()));
    if !is_finished {
        findings.push(view.unfinished());
    }
    findings
}

/// What a finding is made from.
struct View<'a> {
    check: &'static str,
    source: &'a Source<'a>,
    rules: &'static RuleSet,
    sources: &'a [analysis::Source],
}

impl View<'_> {
    fn finding(&self, hit: &Hit) -> Finding {
        let rule = self.rules.rules[hit.rule];
        let mut finding = self.base(rule, hit.range.clone());
        finding.symbol = Some(hit.symbol.clone()).filter(|it| !it.is_empty());
        let Some((id, origin)) = hit.source else { return finding };
        let source = &self.sources[id];
        (finding.severity, finding.confidence) = grade(rule, source.kind, origin.is_indirect);
        let line = self.source.span(source.range.start..source.range.start).line;
        let name = match source.kind {
            SourceKind::Parameter => "a parameter".to_owned(),
            _ => format!("`{}`", excerpt(&self.source.text[source.range.clone()], 60)),
        };
        finding.evidence = Some(format!("{name} of line {line} gets here; {}", source.kind.note()));
        let end = finding.line.unwrap_or(line);
        finding.trace =
            vec![Step { line, note: source.kind.note().to_owned() }, Step { line: end, note: rule.message.clone() }];
        finding
    }

    fn base(&self, rule: &'static Rule, range: Range<usize>) -> Finding {
        let key: String =
            self.source.text[range.clone()].chars().filter(|it| !it.is_whitespace()).take(MAX_KEY).collect();
        Finding::new(self.check, rule.severity, rule.message.as_str())
            .rule(rule.id.as_str())
            .confidence(rule.confidence)
            .cwe(rule.cwe.as_slice())
            .hint(rule.hint.as_str())
            .within(self.source.path, self.source.span(range))
            .key(key)
    }

    /// Returns what the regular expressions find in code; comments and strings that are not code are left out.
    fn by_text(&self, tree: &SyntaxTree) -> Vec<Finding> {
        let text = self.source.text;
        let places =
            self.rules.text.iter().flat_map(|(rule, regex)| regex.find_iter(text).map(|it| (*rule, it.range())));
        let in_code = places.filter(|(_, range)| tree.is_code(range.start));
        in_code.map(|(rule, range)| self.base(self.rules.rules[rule], range)).collect()
    }

    fn unfinished(&self) -> Finding {
        Finding::note(self.check, "the file is too large or too deep to be followed to its end")
            .at(self.source.path, None)
            .confidence(Confidence::High)
            .key("unfinished")
    }
}

/// A value that certainly comes from a client counts fully; any other as the rule says.
fn grade(rule: &Rule, kind: SourceKind, is_indirect: bool) -> (Severity, Confidence) {
    match kind {
        SourceKind::Web if is_indirect => (rule.severity.min(Severity::Warning), Confidence::Medium),
        SourceKind::Web => (rule.severity, rule.confidence),
        SourceKind::Arguments | SourceKind::Environment | SourceKind::Stdin | SourceKind::Stored => {
            (rule.parameters.unwrap_or(Severity::Warning).min(Severity::Warning), Confidence::Medium)
        }
        SourceKind::Parameter => (rule.parameters.unwrap_or(Severity::Note).min(Severity::Warning), Confidence::Low),
    }
}

fn excerpt(text: &str, max_chars: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= max_chars && line.len() == text.len() {
        return line.to_owned();
    }
    let start: String = line.chars().take(max_chars).collect();
    format!("{start}…")
}
