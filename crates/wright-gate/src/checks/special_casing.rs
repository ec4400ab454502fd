//! Product code does not know its tests.
//!
//! The cheapest way to pass a test is to answer its question by name: `if n == 7 { return 49 }`, or a look at whether a test
//! runner is there. Values count when they stand together in one visible assertion and the change adds them together to the
//! code; values that everybody writes, such as 0 and the empty string, never count alone.

mod detection;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use wright_repo::project::is_test_path;
use wright_text::Language;

use crate::change::{ChangeSet, FileDelta, Tree};
use crate::tampering::inventory::Inventory;
use crate::tampering::marks::regex;
use crate::tampering::product::{code_of, is_product};
use crate::tampering::report::Reporter;
use crate::tampering::tokens::{Kind, Tokens};
use crate::{Finding, Severity, Source};

/// Files with tests that are read at most.
const MAX_TEST_FILES: usize = 300;

/// Bytes of tests that are read at most.
const MAX_TEST_BYTES: usize = 4_000_000;

/// Reports code of the change that recognizes tests or their inputs.
pub fn findings(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut out = Reporter::new(super::test_tampering::NAME, &mut findings);
    let files: Vec<&FileDelta> =
        change.files.iter().filter(|it| is_product(&it.path) && it.before != it.after).collect();
    for file in &files {
        detection::judge(file, &mut out);
    }
    let answers: Vec<(&FileDelta, Vec<Answer>)> =
        files.iter().map(|it| (*it, answers(it))).filter(|it| !it.1.is_empty()).collect();
    if answers.is_empty() {
        return findings;
    }
    let questions = questions(change, before, after);
    let mut out = Reporter::new(super::test_tampering::NAME, &mut findings);
    for (file, answers) in &answers {
        answered(file, answers, &questions, &mut out);
    }
    findings
}

/// A value that code compares with, and one that follows it closely.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Answer {
    line: usize,
    input: String,
    result: String,
    code: String,
}

/// The literals of one assertion.
type Question = BTreeSet<String>;

fn answered(file: &FileDelta, answers: &[Answer], questions: &[Question], out: &mut Reporter<'_>) {
    let is_known =
        |it: &&Answer| questions.iter().any(|question| question.contains(&it.input) && question.contains(&it.result));
    let known: Vec<&Answer> = answers.iter().filter(is_known).collect();
    let Some(first) = known.first() else { return };
    // A table that holds more than the tests ask is a table, not a list of their answers.
    let is_table = answers.len() >= 3 && 2 * known.len() <= answers.len();
    if is_table {
        return;
    }
    let message =
        format!("`{}` answers the tests' own inputs ({} of {} new cases)", first.code, known.len(), answers.len());
    out.at(Severity::Error, "answers-for-tests", &file.path, Some(first.line), None, message);
}

/// Returns the comparisons with a constant that a change adds, each with the constant that follows it.
fn answers(file: &FileDelta) -> Vec<Answer> {
    let language = Language::from_path(&file.path);
    let Some(language) = language else { return Vec::new() };
    let after = code_of(&file.path, file.text_after());
    let old: BTreeSet<&str> = file.text_before().lines().map(str::trim).collect();
    let source = Source::new(&file.path, after);
    let Some(tree) = source.tree().filter(|_| after.len() < crate::MAX_PARSED_BYTES) else { return Vec::new() };
    let tokens = Tokens::of(tree, after);
    let all = tokens.slice(tokens.within(0..after.len()));
    let mut starts = vec![0];
    starts.extend(after.match_indices('\n').map(|it| it.0 + 1));
    let line_of = |at: usize| starts.partition_point(|it| *it <= at);
    let text_of = |line: usize| after[starts[line - 1]..starts.get(line).copied().unwrap_or(after.len())].trim();
    let mut found = BTreeSet::new();
    for (index, token) in all.iter().enumerate() {
        if !matches!(token.kind, Kind::Number | Kind::Text) || !is_compared(language, all, index) {
            continue;
        }
        let line = line_of(token.start);
        if old.contains(text_of(line)) {
            continue;
        }
        let rest = all[index + 1..].iter().take(24).take_while(|it| line_of(it.start) <= line + 3);
        // Only what is given back answers; what is merely done under the condition does not.
        let answer = rest
            .skip_while(|it| !matches!(it.text, "return" | "=>" | "->" | ":" | "=" | "?" | "{" | ","))
            .collect::<Vec<_>>();
        let gives_back = answer.iter().any(|it| matches!(it.text, "return" | "=>" | "->" | "=" | "?"))
            || all.get(index + 1).is_some_and(|it| matches!(it.text, ":" | ","));
        let is_result = |it: &&&crate::tampering::tokens::Token<'_>| {
            matches!(it.kind, Kind::Number | Kind::Text) || matches!(it.text, "true" | "false" | "True" | "False")
        };
        let result = answer.iter().filter(is_result).map(|it| it.text).find(|it| *it != token.text);
        let Some(result) = result.filter(|_| gives_back) else { continue };
        let (input, result) = (value(token.text), value(result));
        if !is_trivial(&input) {
            found.insert(Answer { line, input, result, code: text_of(line).chars().take(100).collect() });
        }
    }
    found.into_iter().take(2_000).collect()
}

/// Says whether a constant is compared with, is a case of a choice, or is a key.
fn is_compared(language: Language, tokens: &[crate::tampering::tokens::Token<'_>], index: usize) -> bool {
    let at = |offset: isize| index.checked_add_signed(offset).and_then(|it| tokens.get(it)).map_or("", |it| it.text);
    let (before, after) = (at(-1), at(1));
    let is_equality = matches!(before, "==" | "===" | "is" | "case") || matches!(after, "==" | "===");
    let is_equals_call = before == "(" && matches!(at(-2), "equals" | "eq" | "equalsIgnoreCase");
    let is_member = matches!(before, "(" | "[" | "{" | ",")
        && tokens[..index].iter().rev().take(12).any(|it| matches!(it.text, "in" | "includes" | "contains"));
    let is_key = after == ":" && matches!(before, "{" | "," | "(")
        || after == "=>" && matches!(language, Language::Rust)
        || (after == "," && before == "(" && matches!(language, Language::Rust | Language::Java));
    let is_arm = matches!(after, "=>" | "->" | "|") || before == "|";
    let is_index = before == "[" && after == "]" && at(2) == "=";
    is_equality || is_equals_call || is_member || is_key || is_arm || is_index
}

fn value(text: &str) -> String {
    let text = text.trim_matches(['"', '\'', '`']);
    text.trim_end_matches("f64")
        .trim_end_matches(|it: char| matches!(it, 'L' | 'n') && text.starts_with(|first: char| first.is_ascii_digit()))
        .to_owned()
}

/// Says whether everybody writes a value.
fn is_trivial(value: &str) -> bool {
    matches!(
        value,
        "" | "0"
            | "1"
            | "2"
            | "-1"
            | "10"
            | "100"
            | "0.0"
            | "1.0"
            | " "
            | "\\n"
            | "true"
            | "false"
            | "True"
            | "False"
            | "null"
            | ","
            | "."
    )
}

/// Returns the literals of each assertion and case of the tests, those of the state before included.
fn questions(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> Vec<Question> {
    let mut texts: Vec<(&Path, Arc<str>)> = Vec::new();
    let mut budget = MAX_TEST_BYTES;
    let changed =
        change.files.iter().filter(|it| !is_product(&it.path) || it.path.extension().is_some_and(|it| it == "rs"));
    let changed = changed.flat_map(|it| {
        [(it.path.as_path(), Arc::from(it.text_before())), (it.path.as_path(), Arc::from(it.text_after()))]
    });
    let in_trees = [before, after].into_iter().flat_map(|tree| {
        let tests = tree.paths().iter().filter(|it| is_test_path(it)).take(MAX_TEST_FILES);
        tests.filter_map(move |path| Some((path.as_path(), tree.read(path)?)))
    });
    for (path, text) in changed.chain(in_trees) {
        if text.len() <= budget && !texts.iter().any(|it| it.1 == text) {
            budget -= text.len();
            texts.push((path, text));
        }
    }
    let mut inventory = Inventory::default();
    for (path, text) in &texts {
        inventory.add(&Source::new(path, text));
    }
    let literals = regex!(r#""(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|\b\d[\w.]*|\b(?:true|false|True|False)\b"#);
    let read = |text: &str| literals.find_iter(text).map(|it| value(it.as_str())).collect::<Question>();
    let tests = inventory.tests.iter();
    let asserted = tests.clone().flat_map(|it| &it.facts.assertions).map(|it| read(&it.text));
    asserted.chain(inventory.tests.iter().flat_map(|it| &it.facts.rows).map(|it| read(it))).collect()
}
