//! Functions that are hard to follow: cognitive and cyclomatic complexity, length, nesting, parameters.
//!
//! Cognitive complexity follows the published definition (G. Ann Campbell, "Cognitive Complexity", SonarSource): one for each
//! break in the flow, one more for each level it is nested in, one for each run of the same logical operator. Cyclomatic
//! complexity is the number of decisions and one.

use std::collections::HashMap;
use std::path::PathBuf;

use wright_text::{Function, Language, Node};

use super::grammar::{Grammar, grammar, text_of, walk};
use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, CheckStatus, Finding, Source};

/// The check's name.
pub const NAME: &str = "complexity";

/// Above this a function is hard to follow wherever it stands.
const MAX_COGNITIVE: usize = 60;
/// Up to this a function is no problem whatever its neighbors are like; the usual default.
const FINE_COGNITIVE: usize = 15;
const MAX_LINES: usize = 250;
const MAX_NESTING: usize = 7;
const MAX_PARAMETERS: usize = 12;
/// How many files a norm is taken from.
const MAX_NORM_FILES: usize = 300;
/// A text with more functions is made by a program.
const MAX_FUNCTIONS: usize = 5_000;
/// Functions within functions beyond this depth are not measured one by one.
const MAX_DEPTH: usize = 20;

/// How hard one function is to follow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Complexity {
    /// Breaks in the flow, weighed by nesting.
    pub cognitive: usize,
    /// Decisions, and one.
    pub cyclomatic: usize,
    /// The deepest level of control structures.
    pub nesting: usize,
    /// Lines from the first to the last.
    pub lines: usize,
    /// Parameters.
    pub parameters: usize,
}

/// Returns every named function of a text with its complexity, in source order; `None` where they cannot be measured.
pub fn functions(source: &Source<'_>) -> Option<Vec<(Function, Complexity)>> {
    let tree = source.tree()?;
    let language = tree.language();
    let mut definitions = HashMap::new();
    walk(tree.root(), (), |node, ()| {
        if grammar(language).functions.contains(&node.kind())
            && let Some(body) = node.child_by_field_name("body")
        {
            definitions.entry(body.start_byte()).or_insert(node);
        }
        Some(())
    });
    if definitions.len() > MAX_FUNCTIONS {
        return None;
    }
    let mut open: Vec<usize> = Vec::new();
    let measured = tree.functions().into_iter().filter_map(|function| {
        open.retain(|end| *end > function.range.start);
        open.push(function.range.end);
        let node = definitions.get(&function.body.start).filter(|_| open.len() <= MAX_DEPTH)?;
        let complexity = measure(*node, &function, source.text, language);
        Some((function, complexity))
    });
    Some(measured.collect())
}

/// Reports the functions that are hard to follow wherever they stand.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (function, it) in functions(source).unwrap_or_default() {
        let limits = [
            ("cognitive", it.cognitive, MAX_COGNITIVE, "cognitive complexity"),
            ("length", it.lines, MAX_LINES, "length in lines"),
            ("nesting", it.nesting, MAX_NESTING, "nesting"),
            ("parameters", it.parameters, MAX_PARAMETERS, "number of parameters"),
        ];
        for (rule, value, max, what) in limits.into_iter().filter(|(_, value, max, _)| value > max) {
            // The key holds how far beyond, in steps, so that a function that grows further is found anew.
            let key = format!("{}:{rule}:{}", function.qualified_name, value / max);
            findings.push(place(source, &function, rule, &format!("{what} {value}, above {max}")).key(key));
        }
    }
    findings
}

/// Reports the functions that a change makes hard to follow, measured by what this repository is used to.
pub fn report(change: &ChangeSet, before: &dyn Tree) -> CheckReport {
    let mut report = CheckReport::ran(NAME);
    let mut norms = HashMap::new();
    let mut left_out = Vec::new();
    for file in &change.files {
        let Some(after) = file.after.text() else { continue };
        let source = Source::new(&file.path, after);
        let Some(language) = source.language else { continue };
        let Some(measured) = functions(&source) else {
            left_out.push((file.path.clone(), "too long or too many functions".to_owned()));
            continue;
        };
        let norm = *norms.entry(language).or_insert_with(|| norm(before, language));
        let old = functions(&Source::new(file.path_before(), file.text_before())).unwrap_or_default();
        let was = |name: &str| old.iter().filter(|(it, _)| it.qualified_name == name).map(|(_, it)| it.cognitive).max();
        for (function, it) in measured {
            let least = was(&function.qualified_name).unwrap_or(0).max(norm).max(FINE_COGNITIVE);
            if it.cognitive > least {
                let message = format!("cognitive complexity {}, where this repository is used to {norm}", it.cognitive);
                let key = format!("{}:grown", function.qualified_name);
                report.after.push(place(&source, &function, "grown", &message).key(key));
            }
        }
        report.analysed.push(file.path.clone());
    }
    if !left_out.is_empty() {
        report.status = CheckStatus::Partial(left_out);
    }
    report
}

/// Returns the cognitive complexity that nineteen of twenty functions of a language stay below.
pub fn norm(tree: &dyn Tree, language: Language) -> usize {
    let paths: Vec<&PathBuf> = tree.paths().iter().filter(|it| Language::from_path(it) == Some(language)).collect();
    let step = paths.len().div_ceil(MAX_NORM_FILES).max(1);
    let texts = paths.into_iter().step_by(step).filter_map(|path| Some((path, tree.read(path)?)));
    let measured = |(path, text): (&PathBuf, std::sync::Arc<str>)| {
        functions(&Source::new(path, &text))
            .unwrap_or_default()
            .into_iter()
            .map(|(_, it)| it.cognitive)
            .collect::<Vec<_>>()
    };
    let mut all: Vec<usize> = texts.flat_map(measured).collect();
    all.sort_unstable();
    all.get(all.len() * 19 / 20).copied().unwrap_or(FINE_COGNITIVE)
}

fn place(source: &Source<'_>, function: &Function, rule: &'static str, message: &str) -> Finding {
    let mut finding = Finding::note(NAME, format!("`{}` is hard to follow: {message}", function.name))
        .rule(rule)
        .cwe(&[1121_u16][..])
        .within(source.path, source.span(function.signature.clone()))
        .hint("Give its parts names of their own.");
    finding.symbol = Some(function.qualified_name.clone());
    finding
}

fn measure(node: Node<'_>, function: &Function, text: &str, language: Language) -> Complexity {
    let table = grammar(language);
    let mut it =
        Complexity { cyclomatic: 1, lines: function.last_line - function.first_line + 1, ..Complexity::default() };
    walk(node, 0_usize, |here, nesting| {
        if here.id() == node.id() {
            return Some(nesting);
        }
        let step = step(here, nesting, text, table);
        it.cognitive += step.cognitive;
        it.cyclomatic += step.cyclomatic;
        it.nesting = it.nesting.max(step.nesting);
        Some(step.nesting)
    });
    it.parameters = parameters(node, table);
    it
}

/// What one node adds, and how deep its children are.
struct Step {
    cognitive: usize,
    cyclomatic: usize,
    nesting: usize,
}

fn step(node: Node<'_>, nesting: usize, text: &str, table: &Grammar) -> Step {
    let kind = node.kind();
    let is = |kinds: &[&str]| node.is_named() && kinds.contains(&kind);
    let nested = |cyclomatic| Step { cognitive: 1 + nesting, cyclomatic, nesting: nesting + 1 };
    let same = |cognitive, cyclomatic| Step { cognitive, cyclomatic, nesting };
    if is(table.conditions) {
        let branch = own_else(node, table);
        // `else if` goes on with what was begun.
        return if is_else_if(node, table) {
            same(1 + branch, 1)
        } else {
            Step { cognitive: 1 + nesting + branch, ..nested(1) }
        };
    }
    if is(table.else_branches) {
        let goes_on = node.named_child(0).is_some_and(|it| table.conditions.contains(&it.kind()));
        let cyclomatic = usize::from(kind == "elif_clause");
        // Its statements are as deep as those of the condition, which has counted its level already.
        return if goes_on { same(0, 0) } else { same(1, cyclomatic) };
    }
    if is(table.loops) || is(table.handlers) || is(table.conditional_values) {
        return nested(1);
    }
    if is(table.switches) {
        return nested(0);
    }
    if is(table.cases) {
        return same(0, 1);
    }
    if is(table.functions) {
        return Step { cognitive: 0, cyclomatic: 0, nesting: nesting + 1 };
    }
    if is(table.binaries) {
        return logical(node, text, table).map_or(same(0, 0), |is_new| same(usize::from(is_new), 1));
    }
    let jumps_far = is(table.ends)
        && (kind.starts_with("goto") || (kind.starts_with("break") || kind.starts_with("continue")) && has_label(node));
    same(usize::from(jumps_far), 0)
}

/// Returns 1 for a plain `else` in grammars where it is only a field of the condition.
fn own_else(node: Node<'_>, table: &Grammar) -> usize {
    let alternative = if table.else_branches.is_empty() { node.child_by_field_name("alternative") } else { None };
    usize::from(alternative.is_some_and(|it| !table.conditions.contains(&it.kind())))
}

fn is_else_if(node: Node<'_>, table: &Grammar) -> bool {
    let Some(parent) = node.parent() else { return false };
    let is_alternative = parent.child_by_field_name("alternative").is_some_and(|it| it.id() == node.id());
    table.else_branches.contains(&parent.kind()) || table.conditions.contains(&parent.kind()) && is_alternative
}

/// Returns whether a logical operator begins a run of its kind; `None` for other operators.
fn logical(node: Node<'_>, text: &str, table: &Grammar) -> Option<bool> {
    let operator = |it: Node<'_>| it.child_by_field_name("operator").map(|it| text_of(it, text));
    let own = operator(node).filter(|it| matches!(*it, "&&" | "||" | "and" | "or" | "??"))?;
    let above = node.parent().filter(|it| table.binaries.contains(&it.kind())).and_then(operator);
    Some(above != Some(own))
}

fn has_label(node: Node<'_>) -> bool {
    let child = node.named_child(0);
    child.is_some_and(|it| matches!(it.kind(), "label" | "statement_identifier" | "label_name" | "identifier"))
}

fn parameters(node: Node<'_>, table: &Grammar) -> usize {
    let declared = || node.child_by_field_name("declarator").and_then(|it| parameter_list(it, table));
    let list = node.child_by_field_name("parameters").or_else(|| parameter_list(node, table)).or_else(declared);
    list.map_or(0, |it| super::grammar::named_children(it).len())
}

fn parameter_list<'t>(node: Node<'t>, table: &Grammar) -> Option<Node<'t>> {
    let mut cursor = node.walk();
    node.children(&mut cursor).find(|child| table.parameters.contains(&child.kind()))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::change::{Content, FileDelta, MemoryTree};

    fn cognitive(path: &str, text: &str) -> Vec<usize> {
        functions(&Source::new(Path::new(path), text)).unwrap().into_iter().map(|(_, it)| it.cognitive).collect()
    }

    /// The examples of the definition: two loops, a condition and a jump; a switch; a chain of conditions.
    #[test]
    fn the_definition_s_own_examples_count_as_it_says() {
        let primes = "class A { int f(int max) { int total = 0; OUT: for (int i = 1; i <= max; ++i) { for (int j = 2; j < i; ++j) { if (i % j == 0) { continue OUT; } } total += i; } return total; } }";
        assert_eq!(cognitive("A.java", primes), [7]);
        let words = "class A { String f(int n) { switch (n) { case 1: return \"one\"; case 2: return \"two\"; default: return \"lots\"; } } }";
        assert_eq!(cognitive("A.java", words), [1]);
        let logic = "function f(a, b, c, d, e, g) { if (a && b && c || d || e && g) { return 1; } }";
        assert_eq!(cognitive("a.js", logic), [4]);
    }

    #[test]
    fn a_chain_of_conditions_counts_alike_in_every_language() {
        for (path, text) in [
            (
                "a.py",
                "def f(a, b):\n    if a:\n        if b:\n            return 1\n    elif b:\n        return 2\n    else:\n        while a:\n            pass\n",
            ),
            ("a.rs", "fn f(a: bool, b: bool) { if a { if b { return } } else if b { return } else { while a {} } }"),
            (
                "a.js",
                "function f(a, b) { if (a) { if (b) { return 1; } } else if (b) { return 2; } else { while (a) {} } }",
            ),
            (
                "a.ts",
                "function f(a: X, b: X) { if (a) { if (b) { return 1; } } else if (b) { return 2; } else { while (a) {} } }",
            ),
            (
                "a.go",
                "package a\nfunc f(a, b bool) { if a { if b { return } } else if b { return } else { for a {} } }",
            ),
            (
                "A.java",
                "class A { void f(boolean a, boolean b) { if (a) { if (b) { return; } } else if (b) { return; } else { while (a) {} } } }",
            ),
            (
                "a.cpp",
                "void f(bool a, bool b) { if (a) { if (b) { return; } } else if (b) { return; } else { while (a) {} } }",
            ),
        ] {
            // One for `if`, two for the nested one, one for each branch after it, two for the loop in the last.
            assert_eq!(cognitive(path, text), [7], "{path}");
        }
    }

    #[test]
    fn parameters_nesting_and_cyclomatic_complexity_are_counted() {
        let text = "def f(a, b, c=1, *rest):\n    for x in a:\n        if x and b:\n            pass\n";
        let (_, it) = functions(&Source::new(Path::new("a.py"), text)).unwrap().remove(0);
        assert_eq!((it.parameters, it.nesting, it.cyclomatic, it.lines), (4, 2, 4, 4));
    }

    #[test]
    fn a_function_that_outgrows_its_repository_is_found_and_one_that_stays_is_not() {
        let deep = |n: usize| {
            format!("def f(a):\n{}    return 1\n", "    if a:\n        if a:\n            return 2\n".repeat(n))
        };
        let tree: MemoryTree = [("a.py", deep(1))].into_iter().collect();
        let rules = |before: String, after: String| {
            let file = FileDelta {
                path: "a.py".into(),
                moved_from: None,
                before: Content::Text(before.into()),
                after: Content::Text(after.into()),
            };
            report(&ChangeSet { files: vec![file] }, &tree).after.len()
        };
        assert_eq!(rules(deep(1), deep(8)), 1);
        assert_eq!(rules(deep(8), deep(8)), 0);
        assert_eq!(rules(deep(1), deep(2)), 0);
    }
}
