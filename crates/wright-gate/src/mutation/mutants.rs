//! Chooses small edits to the lines that a change writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use wright_text::syntax_edits::{self, Scope, SyntaxEdit, SyntaxEditKind};
use wright_text::{Edit, SyntaxTree};

use crate::Source;
use crate::change::{ChangeSet, FileDelta};
use crate::tampering::marks::regex;
use crate::tampering::product::{code_of, is_product};

/// Edits of one function that are looked at.
const MAX_EDITS: usize = 1_500;

/// Functions of one file that are looked at.
const MAX_FUNCTIONS: usize = 200;

/// Mutants of one line.
const MAX_PER_LINE: usize = 3;

/// What mutation may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MutationLimits {
    /// How many mutants are tried.
    pub max_mutants: usize,
    /// After how long no further one is begun.
    pub max_time: Duration,
}

impl Default for MutationLimits {
    fn default() -> Self {
        Self { max_mutants: 20, max_time: Duration::from_secs(300) }
    }
}

/// One edit that a test should notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mutant {
    /// The file.
    pub path: PathBuf,
    /// The first line it changes, from 1.
    pub line: usize,
    /// Which operator made it.
    pub kind: SyntaxEditKind,
    /// What it does to the changed text.
    pub edit: Edit,
    /// The lines as the change has them.
    pub before: String,
    /// The same lines with the mutation.
    pub after: String,
}

/// Returns mutants of the lines that a change writes in product code, spread over files and lines.
pub fn mutants(change: &ChangeSet, limits: &MutationLimits) -> Vec<Mutant> {
    let per_file: Vec<Vec<Mutant>> = change.files.iter().filter(|it| is_product(&it.path)).map(of_file).collect();
    let mut queues: Vec<_> = per_file.into_iter().map(Vec::into_iter).collect();
    let mut chosen = Vec::new();
    // One of each file in turn, so that a large file does not take all.
    while chosen.len() < limits.max_mutants {
        let round: Vec<Mutant> = queues.iter_mut().filter_map(Iterator::next).collect();
        if round.is_empty() {
            break;
        }
        chosen.extend(round);
    }
    chosen.truncate(limits.max_mutants);
    chosen
}

/// Returns the mutants of a file, the first of each line before the second of any.
fn of_file(file: &FileDelta) -> Vec<Mutant> {
    let text = code_of(&file.path, file.text_after());
    let lines = changed_lines(file.text_before(), text);
    let source = Source::new(&file.path, text);
    let Some(tree) = source.tree().filter(|_| !lines.is_empty()) else { return Vec::new() };
    let mut by_line: BTreeMap<usize, Vec<Mutant>> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for function in tree.functions().into_iter().take(MAX_FUNCTIONS) {
        if lines.range(function.first_line..=function.last_line).next().is_none() {
            continue;
        }
        for edit in syntax_edits::generate(tree, &function, &Scope { max_edits: MAX_EDITS }) {
            let Some(mutant) = mutant(file, tree, &lines, edit) else { continue };
            let same_line = by_line.entry(mutant.line).or_default();
            if same_line.iter().all(|it| it.kind != mutant.kind) && seen.insert((mutant.line, mutant.after.clone())) {
                same_line.push(mutant);
            }
        }
    }
    for same_line in by_line.values_mut() {
        same_line.sort_by_key(|it| rank(it.kind));
    }
    let nth = |index: usize| by_line.values().filter_map(move |it| it.get(index)).cloned().collect::<Vec<_>>();
    (0..MAX_PER_LINE).flat_map(nth).collect()
}

/// Returns the numbers of the lines that one text has more often than the other.
fn changed_lines(before: &str, after: &str) -> BTreeSet<usize> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in before.lines() {
        *counts.entry(line.trim()).or_default() += 1;
    }
    let mut changed = BTreeSet::new();
    for (index, line) in after.lines().enumerate() {
        match counts.get_mut(line.trim()) {
            Some(count) if *count > 0 => *count -= 1,
            _ => drop(changed.insert(index + 1)),
        }
    }
    changed
}

fn mutant(file: &FileDelta, tree: &SyntaxTree, lines: &BTreeSet<usize>, edit: SyntaxEdit) -> Option<Mutant> {
    let text = tree.text();
    let [replacement] = edit.edit.replacements() else { return None };
    let old = text.get(edit.range.clone())?;
    if !is_mutation(edit.kind, old, &replacement.text) {
        return None;
    }
    let first = text[..edit.range.start].matches('\n').count() + 1;
    // A whole line ends where the next one begins.
    let last = first + old.trim_end_matches('\n').matches('\n').count();
    let is_changed = (first..=last).all(|line| lines.contains(&line));
    let start = text[..edit.range.start].rfind('\n').map_or(0, |at| at + 1);
    let is_whole = old.ends_with('\n');
    let line_end = text[edit.range.end..].find('\n').map_or(text.len(), |at| edit.range.end + at);
    let (before, tail) = if is_whole {
        (text[start..edit.range.end].trim_end_matches('\n'), "")
    } else {
        (&text[start..line_end], &text[edit.range.end..line_end])
    };
    if !is_changed || before.len() > 400 || is_spared(before) {
        return None;
    }
    let after = format!("{}{}{tail}", &text[start..edit.range.start], replacement.text);
    let (before, after) = (before.to_owned(), after.trim_end_matches('\n').to_owned());
    Some(Mutant { path: file.path.clone(), line: first, kind: edit.kind, edit: edit.edit, before, after })
}

/// Says whether an edit is one of the classic operators: negation, boundary, arithmetic, constant, returned value, deletion.
fn is_mutation(kind: SyntaxEditKind, old: &str, new: &str) -> bool {
    match kind {
        SyntaxEditKind::Negation | SyntaxEditKind::OffByOne => true,
        SyntaxEditKind::Operator => is_classic_operator(old.trim(), new.trim()),
        SyntaxEditKind::Constant => old.trim() != new.trim() && !new.contains(['(', '[', '{']) && new.trim() != "None",
        SyntaxEditKind::ReturnValue => !new.contains(['(', '[']),
        SyntaxEditKind::DeletedStatement => old.trim().len() > 1 && old.matches('\n').count() <= 1,
        _ => false,
    }
}

fn is_classic_operator(old: &str, new: &str) -> bool {
    let pairs = [
        ("<", "<="),
        (">", ">="),
        ("==", "!="),
        ("===", "!=="),
        ("+", "-"),
        ("*", "/"),
        ("and", "or"),
        ("&&", "||"),
        ("+=", "-="),
        ("in", "not in"),
        ("is", "is not"),
        ("%", "*"),
    ];
    pairs.iter().any(|(a, b)| (old, new) == (*a, *b) || (old, new) == (*b, *a))
}

/// Says whether no test need notice that a line changes: it logs, asserts, documents, imports or only declares.
fn is_spared(line: &str) -> bool {
    let pattern = regex!(
        r#"(?i)^\s*(?:#|//|/\*|\*|"""|'''|import\b|from\b|use\b|package\b|assert\w*!?\b|debug_assert|@|#\[|type\b|interface\b)|\b(?:log(?:ger|ging)?|console|tracing|slog|println|eprintln|print|warnings?|klog|zap)\s*[.!(:]|^\s*(?:debug|info|warn|error|trace)!\("#
    );
    pattern.is_match(line)
}

/// The order in which operators are tried on one line: what changes most first.
fn rank(kind: SyntaxEditKind) -> usize {
    let order = [
        SyntaxEditKind::Negation,
        SyntaxEditKind::Operator,
        SyntaxEditKind::ReturnValue,
        SyntaxEditKind::DeletedStatement,
        SyntaxEditKind::OffByOne,
        SyntaxEditKind::Constant,
    ];
    order.iter().position(|it| *it == kind).unwrap_or(order.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Content;

    fn delta(path: &str, before: &str, after: &str) -> FileDelta {
        let content = |text: &str| Content::Text(text.into());
        FileDelta { path: path.into(), moved_from: None, before: content(before), after: content(after) }
    }

    fn of(path: &str, before: &str, after: &str) -> Vec<String> {
        let limits = MutationLimits { max_mutants: 40, ..MutationLimits::default() };
        let found = mutants(&ChangeSet { files: vec![delta(path, before, after)] }, &limits);
        for mutant in &found {
            let mutated = mutant.edit.apply(after).unwrap();
            assert_ne!(mutated, after);
            assert!(mutated.contains(mutant.after.trim_end()), "{mutant:?}");
        }
        found.into_iter().map(|it| format!("{}: {}", it.line, it.after.trim())).collect()
    }

    #[test]
    fn changed_lines_are_broken_in_every_language() {
        let script = "(a < b) {\n    return a + b\n  }\n  return b\n}\n";
        let java =
            "class A {\n  int f(int a, int b) {\n    if (a < b) {\n      return a + b;\n    }\n    return b;\n  }\n}\n";
        let cases = [
            ("a.py", "def f(a, b):\n    if a < b:\n        return a + b\n    return b\n".to_owned()),
            ("a.js", format!("function f(a, b) {{\n  if {script}")),
            ("a.ts", format!("function f(a: number, b: number) {{\n  if {script}")),
            ("a.tsx", format!("function f(a: number, b: number) {{\n  if {script}")),
            (
                "a.rs",
                "fn f(a: i32, b: i32) -> i32 {\n    if a < b {\n        return a + b;\n    }\n    b\n}\n".to_owned(),
            ),
            (
                "a.go",
                "package a\n\nfunc f(a, b int) int {\n\tif a < b {\n\t\treturn a + b\n\t}\n\treturn b\n}\n".to_owned(),
            ),
            ("A.java", java.to_owned()),
            ("a.cpp", "int f(int a, int b) {\n  if (a < b) {\n    return a + b;\n  }\n  return b;\n}\n".to_owned()),
        ];
        for (path, text) in cases {
            let found = of(path, "", &text);
            assert!(found.iter().any(|it| it.contains("a <= b")), "{path}: {found:#?}");
            assert!(found.iter().any(|it| it.contains("a - b")), "{path}: {found:#?}");
        }
    }

    #[test]
    fn lines_that_the_change_does_not_write_are_left_alone() {
        let before = "def f(a):\n    if a > 1:\n        return 5\n    return a\n";
        let found = of("a.py", before, &before.replace('5', "6"));
        assert!(!found.is_empty());
        assert!(found.iter().all(|it| it.starts_with("3: ")), "{found:?}");
    }

    #[test]
    fn tests_logs_assertions_and_documentation_are_left_alone() {
        let text = "def f(a):\n    \"\"\"Adds 1.\"\"\"\n    logging.info('a %d', 1)\n    assert a != 1\n    print(2)\n";
        assert_eq!(of("a.py", "", text), Vec::<String>::new());
        assert_eq!(of("tests/test_a.py", "", "def f(a, b):\n    return a < b\n"), Vec::<String>::new());
    }

    #[test]
    fn the_number_of_mutants_is_limited_and_spread_over_lines() {
        let text: String = (0..50).map(|n| format!("def f{n}(a, b):\n    return a < b + {n}\n\n")).collect();
        let limits = MutationLimits { max_mutants: 7, ..MutationLimits::default() };
        let found = mutants(&ChangeSet { files: vec![delta("a.py", "", &text)] }, &limits);
        let lines: BTreeSet<usize> = found.iter().map(|it| it.line).collect();
        assert_eq!((found.len(), lines.len()), (7, 7));
    }
}
