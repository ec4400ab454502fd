//! `eval complete`: suggestions are judged by tests, by the language's own parser, and beside the model's raw completion.

use serde_json::{Value, json};
use wright_eval::{Kind, Report, TaskResult};
use wright_provider::Prompt;
use wright_provider::replay::{Answer, ScriptedProvider};

use crate::Test;
use crate::bench::Bench;

pub(crate) const TESTS: &[Test] = &[
    ("a_suggestion_that_passes_the_tests_is_solved", "python3", a_suggestion_that_passes_the_tests_is_solved),
    ("the_raw_completion_is_judged_as_it_is", "python3", the_raw_completion_is_judged_as_it_is),
    (
        "the_raw_completion_within_a_line_is_not_stopped_at_its_end",
        "python3",
        the_raw_completion_within_a_line_is_not_stopped_at_its_end,
    ),
    ("a_suggestion_that_fails_the_tests_is_not_solved", "python3", a_suggestion_that_fails_the_tests_is_not_solved),
    ("a_program_that_ends_early_does_not_pass", "python3", a_program_that_ends_early_does_not_pass),
    ("a_withheld_suggestion_is_counted_with_its_reason", "python3", a_withheld_suggestion_is_counted_with_its_reason),
    ("a_program_is_judged_by_its_samples", "python3", a_program_is_judged_by_its_samples),
    ("without_tests_the_reference_decides", "python3", without_tests_the_reference_decides),
    ("a_javascript_hole_is_judged_by_node", "node", a_javascript_hole_is_judged_by_node),
    ("a_rust_hole_is_judged_by_its_tests", "rustc", a_rust_hole_is_judged_by_its_tests),
    ("a_java_hole_is_judged_by_its_tests", "javac", a_java_hole_is_judged_by_its_tests),
    ("a_java_program_is_judged_by_its_samples", "javac", a_java_program_is_judged_by_its_samples),
    ("a_cpp_hole_is_judged_by_its_tests", "g++", a_cpp_hole_is_judged_by_its_tests),
    ("a_cpp_program_is_judged_by_its_samples", "g++", a_cpp_program_is_judged_by_its_samples),
    (
        "a_language_without_a_grammar_is_judged_by_the_reference",
        "sh",
        a_language_without_a_grammar_is_judged_by_the_reference,
    ),
    ("a_language_that_nothing_judges_is_skipped", "sh", a_language_that_nothing_judges_is_skipped),
];

/// A hole where `║` stands, whose reference is the text in `canonical`.
fn hole(language: &str, marked: &str, canonical: &str, judged_by: &Value) -> Value {
    let (prefix, suffix) = marked.split_once('║').unwrap();
    let mut task = json!({
        "task_id": "Made/1", "language": language, "kind": "single-line",
        "prefix": prefix, "suffix": suffix, "canonical_solution": canonical,
    });
    for (name, value) in judged_by.as_object().unwrap() {
        task[name] = value.clone();
    }
    task
}

fn fill(task: Value, completion: &str) -> Report {
    let bench = Bench::new();
    let options = bench.tasks(&[task]);
    let completion = completion.to_owned();
    bench.report(Kind::Complete, &options, ScriptedProvider::from_fn(move |_| Answer::text(completion.clone())))
}

fn double(completion: &str) -> TaskResult {
    let test =
        "\n\nMETADATA = {}\n\n\ndef check(candidate):\n    assert candidate(2) == 4\n    assert candidate(0) == 0\n\n";
    let judged_by = json!({ "test": test, "entry_point": "double" });
    let marked = "def double(x):\n    \"\"\"Doubles.\"\"\"\n    y = x\n║    return y\n";
    fill(hole("python", marked, "    y = 2 * x\n", &judged_by), completion).results.remove(0)
}

fn a_suggestion_that_passes_the_tests_is_solved() {
    let result = double("    y = 2 * x\n");
    assert!(result.solved && !result.refused && !result.claimed, "{result:#?}");
    let seen = (result.shown, result.parses, result.exact_match, result.raw_solved);
    assert_eq!(seen, (Some(true), Some(true), Some(true), Some(true)));
    assert_eq!((result.edit_similarity, result.candidates), (Some(1.0), 1));
    let result = double("    y += x\n");
    assert_eq!((result.solved, result.exact_match), (true, Some(false)));
    assert!(result.edit_similarity.is_some_and(|it| it > 0.5 && it < 1.0), "{result:#?}");
}

fn the_raw_completion_is_judged_as_it_is() {
    let result = double("    y = 2 * x\n    return y\n\nx = (\n");
    assert_eq!((result.solved, result.raw_solved), (true, Some(false)), "{result:#?}");
}

fn the_raw_completion_within_a_line_is_not_stopped_at_its_end() {
    let bench = Bench::new();
    let judged_by = json!({ "test": "def check(f):\n    assert f(2) == 4\n", "entry_point": "f" });
    let options = bench.tasks(&[hole("python", "def f(x):\n    return ║(x)\n", "(lambda it: 2 * it)", &judged_by)]);
    let answer = "(lambda it: 2 * it)\n    return";
    let provider = ScriptedProvider::from_fn(move |request| {
        assert!(matches!(&request.prompt, Prompt::FillInTheMiddle { prefix, .. } if prefix.ends_with("return ")));
        Answer::cut(answer)
    });
    let result = bench.report(Kind::Complete, &options, provider).results.remove(0);
    assert_eq!((result.solved, result.raw_solved), (true, Some(false)), "{result:#?}");
}

fn a_suggestion_that_fails_the_tests_is_not_solved() {
    let result = double("    y = 3 * x\n");
    assert_eq!((result.solved, result.shown, result.raw_solved), (false, Some(true), Some(false)));
    assert!(result.reason.contains("AssertionError"), "{}", result.reason);
}

fn a_program_that_ends_early_does_not_pass() {
    let result = double("    raise SystemExit(0)\n");
    assert_eq!((result.solved, result.reason.as_str()), (false, "ended early"));
}

fn a_withheld_suggestion_is_counted_with_its_reason() {
    let judged_by = json!({ "test": "def check(f):\n    pass\n", "entry_point": "f" });
    let report = fill(hole("python", "def f(x):\n    return ║\n", "x", &judged_by), "(x");
    let result = &report.results[0];
    assert_eq!((result.shown, result.refused, result.parses), (Some(false), true, None), "{result:#?}");
    assert!(result.reason.contains("refused"), "{}", result.reason);
    let json = report.to_json();
    assert_eq!((&json["shown"], &json["withheld"], &json["unparsable_shown"]), (&json!(0), &json!(1), &json!(0)));
    assert!(result.candidates > 1);
}

fn a_program_is_judged_by_its_samples() {
    let samples = json!({ "unit_tests": [
        { "input": "2 3", "output": ["5\n"] }, { "input": "1 1\n", "output": ["0", "2"] },
    ] });
    let task = || hole("python", "a, b = map(int, input().split())\n║\nprint(c)\n", "c = a + b", &samples);
    assert!(fill(task(), "c = a + b").results[0].solved);
    let result = fill(task(), "c = 5").results.remove(0);
    assert_eq!((result.solved, result.parses, result.reason.as_str()), (false, Some(true), "sample 2: wrong output"));
    let result = fill(task(), "c = a // 0").results.remove(0);
    assert!(result.reason.starts_with("sample 1: ZeroDivisionError"), "{}", result.reason);
}

fn without_tests_the_reference_decides() {
    let context = json!({ "crossfile_context": [{ "file": "b.py", "text": "x = 1" }] });
    let task = || hole("python", "import a\nx = a.║\n", "load(1, size=2)", &context);
    assert!(fill(task(), "load(1,size = 2)").results[0].solved);
    let result = fill(task(), "load(1, size=3)").results.remove(0);
    assert_eq!((result.solved, result.reason.as_str()), (false, "differs from the reference"));
    let api = || {
        hole("python", "import a\nx = ║\n", "a.load(1, size=2, depth=3)", &json!({ "kind": "api", "unit_tests": [] }))
    };
    assert!(fill(api(), "a.load(1, depth=3, size=2)").results[0].solved);
    assert!(!fill(api(), "a.load(1, depth=2, size=3)").results[0].solved);
}

fn a_javascript_hole_is_judged_by_node() {
    let tests = json!({ "tests": "const assert = require('node:assert');\nassert.deepEqual(double(2), 4);\nconsole.assert(double(1) === 2);" });
    let task = || hole("js", "function double(x){\n    var y = x;\n║\n    return y;\n}", "    y = 2 * x;", &tests);
    let result = fill(task(), "    y = 2 * x;").results.remove(0);
    assert_eq!((result.solved, result.parses), (true, Some(true)), "{result:#?}");
    let result = fill(task(), "    y = x + 2;").results.remove(0);
    assert_eq!((result.solved, result.raw_solved), (false, Some(false)), "{result:#?}");
    assert!(!fill(task(), "    process.exit(0);").results[0].solved);
}

fn a_rust_hole_is_judged_by_its_tests() {
    let tests = json!({ "tests": "\n#[cfg(test)]\nmod tests {\n    use super::*;\n    #[test]\n    fn doubles() {\n        assert_eq!(double(2), 4);\n    }\n}\n" });
    let task = || {
        hole(
            "rust",
            "fn main(){}\n\nfn double(x: i32) -> i32 {\n    let y = x;\n║\n    z\n}\n",
            "    let z = 2 * y;",
            &tests,
        )
    };
    assert!(fill(task(), "    let z = 2 * y;").results[0].solved);
    assert!(!fill(task(), "    let z = 3 * y;").results[0].solved);
    let result = fill(task(), "    let w = 2 * y;").results.remove(0);
    assert!(result.reason.starts_with("does not compile: error"), "{}", result.reason);
}

fn a_java_hole_is_judged_by_its_tests() {
    let tests = json!({ "tests": "    }\n    public static void main(String[] args) {\n        assert(twice((2l)) == (4l));\n    }\n\n}\n" });
    let marked = "import java.util.*;\nimport org.javatuples.*;\nclass Problem {\n    public static long twice(long n) {\n        long m = n;\n║\n        return m;\n    }\n}";
    let task = || hole("java", marked, "        m = 2 * n;", &tests);
    let result = fill(task(), "        m = 2 * n;").results.remove(0);
    assert!(result.solved, "{result:#?}");
    assert!(!fill(task(), "        m = 3 * n;").results[0].solved);
}

fn a_java_program_is_judged_by_its_samples() {
    let samples = json!({ "unit_tests": [{ "input": "2 3", "output": ["5"] }, { "input": "1 1", "output": ["2"] }] });
    let marked = "package a;\nimport java.util.*;\nclass Other {}\npublic class Adder {\n    public static void main(String[] args) {\n        Scanner in = new Scanner(System.in);\n        int a = in.nextInt(), b = in.nextInt();\n        ║\n        System.out.println(c);\n    }\n}\n";
    let task = || hole("java", marked, "int c = a + b;", &samples);
    let result = fill(task(), "int c = a + b;").results.remove(0);
    assert!(result.solved, "{result:#?}");
    assert_eq!(fill(task(), "int c = 5;").results[0].reason, "sample 2: wrong output");
}

fn a_cpp_hole_is_judged_by_its_tests() {
    let tests = json!({ "tests": "#undef NDEBUG\n#include <cassert>\nint main() {\n    assert(twice(2) == 4);\n}\n" });
    let marked = "#include <string>\nusing namespace std;\nint twice(int n) {\n    int m = n;\n║\n    return k;\n}\n";
    let task = || hole("cpp", marked, "    int k = 2 * m;", &tests);
    let result = fill(task(), "    int k = 2 * m;").results.remove(0);
    assert!(result.solved, "{result:#?}");
    let result = fill(task(), "    int k = 3 * m;").results.remove(0);
    assert!(!result.solved && result.reason.contains("twice(2) == 4"), "{result:#?}");
    let result = fill(task(), "    int j = 2 * m;").results.remove(0);
    assert!(result.reason.starts_with("does not compile: "), "{}", result.reason);
    assert_eq!(fill(task(), "    int k = 2 * (m;").results[0].shown, Some(false), "brackets are checked");
}

fn a_cpp_program_is_judged_by_its_samples() {
    let samples = json!({ "unit_tests": [{ "input": "2 3", "output": ["5"] }, { "input": "1 1", "output": ["2"] }] });
    let marked = "#include <iostream>\nusing namespace std;\nint main() {\n    int a, b;\n    cin >> a >> b;\n    ║\n    cout << c << endl;\n}\n";
    let task = || hole("cpp", marked, "int c = a + b;", &samples);
    let result = fill(task(), "int c = a + b;").results.remove(0);
    assert!(result.solved, "{result:#?}");
    assert_eq!(fill(task(), "int c = 5;").results[0].reason, "sample 2: wrong output");
}

fn a_language_without_a_grammar_is_judged_by_the_reference() {
    let marked = "class A {\n    void F(string path) {\n        var text = ║;\n    }\n}\n";
    let task = || hole("csharp", marked, "File.ReadAllText(path)", &json!({ "kind": "api", "unit_tests": [] }));
    let result = fill(task(), "File.ReadAllText(path)").results.remove(0);
    assert!(result.solved && !result.skipped, "{result:#?}");
    assert_eq!(fill(task(), "File.ReadAllLines(path)").results[0].reason, "differs from the reference");
    assert_eq!(fill(task(), "File.ReadAllText(path").results[0].shown, Some(false), "brackets are checked");
}

fn a_language_that_nothing_judges_is_skipped() {
    let report = fill(hole("csharp", "int F() { ║ }", "return 0;", &json!({ "tests": "" })), "return 0;");
    let result = &report.results[0];
    assert_eq!((result.skipped, result.reason.as_str()), (true, "nothing here judges csharp"));
    assert_eq!(report.to_json()["tasks"], 0);
}
