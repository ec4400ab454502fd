//! Product code does not know its tests.
//!
//! The cheapest way to pass a test is to answer its question by name: `if n == 7 { return 49 }`, or a look at whether a test
//! runner is there. Values count when they stand together in one visible assertion and the change adds them together to the
//! code; values that everybody writes, such as 0 and the empty string, never count alone.

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
        detection(file, &mut out);
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
        let results = rest.filter(|it| {
            matches!(it.kind, Kind::Number | Kind::Text) || matches!(it.text, "true" | "false" | "True" | "False")
        });
        let Some(result) = results.map(|it| it.text).find(|it| *it != token.text) else { continue };
        let (input, result) = (value(token.text), value(result));
        if !(is_trivial(&input) && is_trivial(&result)) && !is_trivial(&input) {
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

/// Reports code that asks whether tests are running, or answers without looking.
fn detection(file: &FileDelta, out: &mut Reporter<'_>) {
    let Some(language) = Language::from_path(&file.path) else { return };
    let (before, after) = (code_of(&file.path, file.text_before()), code_of(&file.path, file.text_after()));
    for (pattern, rule, message, severity) in patterns(language) {
        let pattern = pattern();
        let count = |text: &str| pattern.find_iter(text).count();
        if count(after) <= count(before) {
            continue;
        }
        let new = pattern.find_iter(after).find(|it| !before.contains(it.as_str())).or_else(|| pattern.find(after));
        let Some(found) = new else { continue };
        let line = after[..found.start()].matches('\n').count() + 1;
        let quoted = found.as_str().split_whitespace().collect::<Vec<_>>().join(" ");
        // Programs end themselves; libraries do not.
        let is_program = rule == "run-ended"
            && (file.path.iter().any(|it| matches!(it.to_str(), Some("bin" | "scripts" | "cmd" | "cli")))
                || regex!(r"(?i)main|cli|command|__main__|script|argv")
                    .is_match(&format!("{}\n{before}", file.path.display())));
        let severity = if is_program { Severity::Note } else { severity };
        out.at(severity, rule, &file.path, Some(line), None, format!("{message}: `{quoted}`"));
    }
}

type Detection = (fn() -> &'static regex::Regex, &'static str, &'static str, Severity);

fn patterns(language: Language) -> Vec<Detection> {
    const KNOWS: &str = "the code asks whether a test runner is there";
    const EQUAL: &str = "a comparison has one answer whatever it compares";
    const ENDS: &str = "the code can end the whole run as a success";
    match language {
        Language::Python => vec![
            (
                || {
                    regex!(
                        r#"PYTEST_CURRENT_TEST|PYTEST_XDIST_WORKER|["'](?:pytest|unittest|_pytest)["']\s+(?:not\s+)?in\s+sys\s*\.\s*modules|sys\s*\.\s*modules\s*(?:\.get\(|\[)\s*["'](?:pytest|unittest)|["'](?:pytest|unittest|py\.test)["']\s+in\s+sys\s*\.\s*argv"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r#"environ(?:\.get\(|\[)\s*["'](?:CI|TESTING|TEST_MODE|GITHUB_ACTIONS)["']|getenv\(\s*["'](?:CI|TESTING|TEST_MODE|GITHUB_ACTIONS)["']"#
                    )
                },
                "test-detected",
                "the code behaves otherwise where tests run",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"\binspect\s*\.\s*(?:stack|currentframe)\s*\(|\bsys\s*\.\s*_getframe\b|\btraceback\s*\.\s*extract_stack\b"
                    )
                },
                "caller-inspected",
                "the code looks at who calls it",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"def\s+__(?:eq|ne|bool|lt|gt|le|ge|contains)__\s*\([^)]*\)[^:]*:\s*(?:#[^\n]*\s*|'''[^']*'''\s*|\x22\x22\x22[^\x22]*\x22\x22\x22\s*)*return\s+(?:True|False|1)\s*(?:\n|$)"
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"\bos\s*\.\s*_exit\s*\(|\bsys\s*\.\s*exit\s*\(\s*0?\s*\)|raise\s+SystemExit(?:\(\s*0?\s*\))?\s*(?:\n|$)|(?:^|\n)\s*(?:exit|quit)\s*\(\s*0?\s*\)"
                    )
                },
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
        Language::JavaScript | Language::TypeScript | Language::Tsx => vec![
            (
                || {
                    regex!(
                        r#"JEST_WORKER_ID|VITEST_WORKER_ID|\bVITEST\b|\bMOCHA\w*\b|NODE_TEST_CONTEXT|typeof\s+(?:jest|describe|it|vi|expect)\s*[!=]==?|global(?:This)?\s*\.\s*(?:jest|describe|expect)\b|NODE_ENV['"\])]*\s*===?\s*['"]test['"]|env\s*\.\s*(?:CI|TESTING|TEST)\b"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"new\s+Error\s*\([^)]*\)\s*\.\s*stack\s*[!?]?\s*\.?\s*(?:\.includes|\.match|\.split|\.indexOf)|arguments\s*\.\s*callee|require\s*\.\s*main\s*\.\s*filename|module\s*\.\s*parent\s*\.\s*filename"
                    )
                },
                "caller-inspected",
                "the code looks at who calls it",
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"\b(?:equals|isEqual|eq)\s*\([^)]*\)\s*(?::\s*boolean\s*)?\{\s*return\s+true\s*;?\s*\}|\bequals\s*=\s*\([^)]*\)\s*=>\s*true\b|Symbol\s*\.\s*toPrimitive\s*\]|asymmetricMatch\s*\("
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || regex!(r"\bprocess\s*\.\s*(?:exit|reallyExit)\s*\(\s*0?\s*\)|\bprocess\s*\.\s*exitCode\s*=\s*0"),
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
        Language::Rust => vec![
            (
                || {
                    regex!(
                        r#"\bcfg!\s*\(\s*(?:not\s*\(\s*)?test\b|#\[\s*cfg\s*\(\s*not\s*\(\s*test\s*\)\s*\)\s*\]|(?:var|var_os|option_env!|env!)\s*\(\s*"(?:NEXTEST\w*|CI|RUST_TEST_\w+|CARGO_TARGET_TMPDIR)"|thread::current\(\)\s*\.\s*name\(\)"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"fn\s+(?:eq|ne)\s*\(\s*&self\s*,[^)]*\)\s*->\s*bool\s*\{\s*(?:true|false)\s*\}|fn\s+partial_cmp\s*\([^)]*\)[^{]*\{\s*Some\s*\(\s*(?:[\w:]*::)?Equal\s*\)\s*\}"
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (|| regex!(r"\bprocess\s*::\s*exit\s*\(\s*0\s*\)"), "run-ended", ENDS, Severity::Error),
        ],
        Language::Go => vec![
            (
                || {
                    regex!(
                        r#"\btesting\s*\.\s*Testing\s*\(\s*\)|flag\s*\.\s*Lookup\s*\(\s*"test\.|HasSuffix\s*\(\s*os\s*\.\s*Args\s*\[\s*0\s*\][^)]*\.test"|(?:Contains|HasPrefix|HasSuffix)\s*\(\s*(?:os\s*\.\s*Args|arg)[^)]*test|Getenv\s*\(\s*"(?:CI|TESTING|GO_TEST\w*|GO_ENV)"\s*\)"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || regex!(r#"\bruntime\s*\.\s*Callers?\s*\([^)]*\)[^\n]*(?:\n[^\n]*){0,4}_test"#),
                "caller-inspected",
                "the code looks at who calls it",
                Severity::Error,
            ),
            (
                || regex!(r"func\s*\([^)]*\)\s*(?:Equal|Equals|Is)\s*\([^)]*\)\s*bool\s*\{\s*return\s+true\s*\}"),
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || regex!(r"\bos\s*\.\s*Exit\s*\(\s*0\s*\)|\bruntime\s*\.\s*Goexit\s*\("),
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
        Language::Java => vec![
            (
                || {
                    regex!(
                        r#"Class\s*\.\s*forName\s*\(\s*"org\.(?:junit|testng)|getProperty\s*\(\s*"(?:surefire|org\.gradle\.test|test)[\w.]*"|getenv\s*\(\s*"(?:CI|TESTING|GITHUB_ACTIONS)"|contains\s*\(\s*"(?:org\.junit|junit|surefire|Test)"\s*\)"#
                    )
                },
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || regex!(r"getStackTrace\s*\(\s*\)|StackWalker\s*\.\s*getInstance"),
                "caller-inspected",
                "the code looks at who calls it",
                Severity::Warning,
            ),
            (
                || {
                    regex!(
                        r"boolean\s+equals\s*\([^)]*\)\s*\{\s*return\s+true\s*;\s*\}|int\s+compareTo\s*\([^)]*\)\s*\{\s*return\s+0\s*;\s*\}"
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || regex!(r"\bSystem\s*\.\s*exit\s*\(\s*0\s*\)|getRuntime\s*\(\s*\)\s*\.\s*halt\s*\("),
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
        Language::Cpp => vec![
            (
                || regex!(r#"getenv\s*\(\s*"(?:GTEST_\w+|CI|TESTING)"|\bGTEST_IS_|::testing::UnitTest"#),
                "test-detected",
                KNOWS,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"bool\s+operator\s*(?:==|!=)\s*\([^)]*\)\s*(?:const\s*)?(?:noexcept\s*)?\{\s*return\s+(?:true|false)\s*;\s*\}"
                    )
                },
                "equal-to-everything",
                EQUAL,
                Severity::Error,
            ),
            (
                || {
                    regex!(
                        r"(?:\bstd\s*::\s*|^|[^\w.>:])(?:_exit|_Exit|quick_exit|exit)\s*\(\s*(?:0|EXIT_SUCCESS)\s*\)"
                    )
                },
                "run-ended",
                ENDS,
                Severity::Error,
            ),
        ],
    }
}
