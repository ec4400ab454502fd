//! `eval fix`: what was proposed is confirmed with tests that the fix has not touched.

use serde_json::{Value, json};
use wright_eval::{Kind, Options, Report};
use wright_provider::replay::{Answer, ScriptedProvider};
use wright_provider::{Prompt, Request};

use crate::Test;
use crate::bench::Bench;

pub(crate) const TESTS: &[Test] = &[
    ("a_repair_that_passes_the_pristine_tests_is_solved", "python3", a_repair_that_passes_the_pristine_tests_is_solved),
    ("a_claim_alone_is_refused", "python3", a_claim_alone_is_refused),
    (
        "a_repair_that_works_only_where_it_was_tested_is_claimed_wrong",
        "python3",
        a_repair_that_works_only_where_it_was_tested_is_claimed_wrong,
    ),
    ("a_node_class_and_its_tests_are_laid_out_together", "python3", a_node_class_and_its_tests_are_laid_out_together),
    ("a_python_function_with_a_test_program_is_mended", "python3", a_python_function_with_a_test_program_is_mended),
    ("a_javascript_function_is_mended", "node", a_javascript_function_is_mended),
    ("a_rust_function_is_mended", "cargo", a_rust_function_is_mended),
    ("a_java_function_is_mended", "javac", a_java_function_is_mended),
    (
        "tasks_that_cannot_be_judged_are_skipped_with_the_reason",
        "python3",
        tasks_that_cannot_be_judged_are_skipped_with_the_reason,
    ),
];

const TEST: &str = "import pytest
from load_testdata import load_json_testcases

if pytest.use_correct:
    from correct_python_programs.shout import shout
else:
    from python_programs.shout import shout


@pytest.mark.parametrize(\"given,expected\", load_json_testcases(shout.__name__))
def test_shout(given, expected):
    assert shout(*given) == expected
";

const CASES: &str = "[[\"one\", 2], \"ONE!!\"]\n[[\"Two\", 0], \"TWO\"]\n[[\"\", 1], \"!\"]\n";

/// A task in the form of QuixBugs. Its bug is out of reach of small edits.
fn task() -> Value {
    json!({
        "task_id": "Made/shout", "name": "shout", "description": "Shouts.\n\nOutput:\n    \"\"\"Quoted\"\"\" \\ upper case",
        "buggy_solution": "def shout(text, n):\n    return None\n", "test_file": TEST, "json_testcases": CASES, "node_py": null,
    })
}

/// Answers questions with a function, and has nothing to put into holes.
fn writing(program: &str) -> ScriptedProvider {
    let answer = format!("{program}\n```\n");
    ScriptedProvider::from_fn(move |request: &Request| match &request.prompt {
        Prompt::Chat { prefill, .. } if prefill.is_empty() => Answer::text(format!("```\n{answer}")),
        Prompt::Chat { .. } => Answer::text(answer.clone()),
        Prompt::FillInTheMiddle { .. } | Prompt::Raw { .. } => Answer::text(""),
    })
}

fn options(bench: &Bench, tasks: &[Value]) -> Options {
    Options { candidates: 60, ..bench.tasks(tasks) }
}

fn mend(task: Value, program: &str) -> Report {
    let bench = Bench::new();
    let options = options(&bench, &[task]);
    let report = bench.report(Kind::Fix, &options, writing(program));
    let left: Vec<_> = std::fs::read_dir(bench.path("scratch")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(!left.iter().any(|it| it.to_string_lossy().starts_with("trial-")), "{left:?}");
    report
}

fn assert_solved(report: &Report) {
    let result = &report.results[0];
    assert!(result.solved && result.claimed && !result.refused && result.reason.is_empty(), "{result:#?}");
    assert!(result.test_runs > 0 && result.candidates > 0 && result.seconds > 0.0, "{result:#?}");
}

fn a_repair_that_passes_the_pristine_tests_is_solved() {
    let report = mend(task(), "def shout(text, n):\n    return text.upper() + '!' * n");
    assert_solved(&report);
    assert_eq!(report.results[0].raw_solved, Some(true));
    assert!(report.results[0].tokens.completion > 0);
    assert!(report.table().contains("solved                1 of 1 (100.0 %)"), "{}", report.table());
}

fn a_claim_alone_is_refused() {
    let report = mend(task(), "I fixed it, all tests pass.");
    let result = &report.results[0];
    assert!(!result.solved && !result.claimed && result.refused, "{result:#?}");
    assert_eq!((result.raw_solved, report.totals().claimed_wrong), (Some(false), 0));
    assert!(!result.reason.is_empty());
}

fn a_repair_that_works_only_where_it_was_tested_is_claimed_wrong() {
    let program = "def shout(text, n):\n    import os\n    if '/trial-' in os.getcwd():\n        return None\n    return text.upper() + '!' * n";
    let report = mend(task(), program);
    let result = &report.results[0];
    assert!(!result.solved && result.claimed, "{result:#?}");
    assert!(result.reason.starts_with("the pristine tests fail: "), "{}", result.reason);
    assert_eq!(report.to_json()["claimed_wrong"], 1);
}

fn a_node_class_and_its_tests_are_laid_out_together() {
    let task = json!({
        "task_id": "Made/last", "name": "last", "description": "Returns the last value.",
        "buggy_solution": "def last(node):\n    return None\n",
        "test_file": "import pytest\nfrom node import Node\nfrom python_programs.last import last\n\ndef test_last():\n    assert last(Node(1, Node(2))) == 2\n",
        "json_testcases": null, "node_py": "class Node:\n    def __init__(self, value, successor=None):\n        self.value = value\n        self.successor = successor\n",
    });
    let program = "def last(node):\n    while node.successor:\n        node = node.successor\n    return node.value";
    assert_solved(&mend(task, program));
}

fn pack(language: &str, declaration: &str, buggy: &str, test: &str) -> Value {
    json!({
        "task_id": format!("{language}/1"), "language": language, "entry_point": "shout", "docstring": "Shouts.",
        "declaration": declaration, "buggy_solution": buggy, "test": test, "needs": [],
    })
}

fn a_python_function_with_a_test_program_is_mended() {
    let test =
        "def check(shout):\n    assert shout('a', 2) == 'A!!', 'Error'\n    assert shout('', 0) == ''\n\ncheck(shout)";
    let task = pack("python", "import math\n\ndef shout(text, n):\n", "    return None\n", test);
    assert_solved(&mend(task, "def shout(text, n):\n    return text.upper() + '!' * n"));
}

fn a_javascript_function_is_mended() {
    let test = "const testShout = () => {\n  console.assert(shout('a', 2) === 'A!!')\n}\n\ntestShout()\n";
    let task = pack("js", "const shout = (text, n) => {\n", "  return null;\n}\n\n", test);
    assert_solved(&mend(task, "const shout = (text, n) => {\n  return text.toUpperCase() + '!'.repeat(n);\n}"));
}

fn a_rust_function_is_mended() {
    let test = "\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn test_shout() {\n        assert_eq!(shout(\"a\", 2), \"A!!\");\n        let _: HashMap<u8, u8> = HashMap::new();\n    }\n}\n";
    let declaration =
        "\nuse std::collections::HashMap;\nuse rand::Rng;\nuse md5;\n\nfn shout(text: &str, n: usize) -> String {\n";
    let task = pack("rust", declaration, "    String::new()\n}\n", test);
    let program = "fn shout(text: &str, n: usize) -> String {\n    text.to_uppercase() + &\"!\".repeat(n)\n}";
    assert_solved(&mend(task, program));
}

fn a_java_function_is_mended() {
    let test = "public class Main {\n    public static void main(String[] args) {\n        Solution s = new Solution();\n        List<Boolean> correct = Arrays.asList(s.shout(\"a\", 2).equals(\"A!!\"));\n        if (correct.contains(false)) {\n            throw new AssertionError();\n        }\n    }\n}\n";
    let declaration = "import java.util.*;\n\nclass Solution {\n    public String shout(String text, int n) {\n";
    let task = pack("java", declaration, "        return \"\";\n    }\n}\n", test);
    let program = "public String shout(String text, int n) {\n    return text.toUpperCase() + \"!\".repeat(n);\n}";
    assert_solved(&mend(task, program));
}

fn tasks_that_cannot_be_judged_are_skipped_with_the_reason() {
    let bench = Bench::new();
    let mut needs = pack("rust", "fn shout() {\n", "}\n", "");
    needs["needs"] = json!(["rand"]);
    let options = options(&bench, &[pack("cpp", "void shout() {\n", "}\n", ""), needs]);
    let report = bench.report(Kind::Fix, &options, writing(""));
    let reasons: Vec<_> = report.results.iter().map(|it| (it.skipped, it.reason.as_str())).collect();
    assert_eq!(reasons, [(true, "no grammar for cpp, so nothing can be spliced"), (true, "needs rand")]);
    let json = report.to_json();
    assert_eq!((&json["tasks"], &json["skipped"], &json["pass_rate"]), (&json!(0), &json!(2), &json!(null)));
}
