//! `eval generate`: a program is compared with the reference on all inputs, whatever its examples said.

use serde_json::{Value, json};
use wright_eval::{Kind, Report};
use wright_provider::replay::{Answer, ScriptedProvider};

use crate::Test;
use crate::bench::Bench;

pub(crate) const TESTS: &[Test] = &[
    (
        "a_program_that_does_what_the_reference_does_is_solved",
        "python3",
        a_program_that_does_what_the_reference_does_is_solved,
    ),
    (
        "a_program_that_passes_its_examples_only_is_claimed_wrong",
        "python3",
        a_program_that_passes_its_examples_only_is_claimed_wrong,
    ),
    ("a_program_that_fails_its_examples_is_refused", "python3", a_program_that_fails_its_examples_is_refused),
    (
        "the_first_answer_that_passes_the_examples_is_taken",
        "python3",
        the_first_answer_that_passes_the_examples_is_taken,
    ),
    ("inputs_keep_their_size_and_kind", "python3", inputs_keep_their_size_and_kind),
    ("tuples_and_tolerances_of_mbpp_are_restored", "python3", tuples_and_tolerances_of_mbpp_are_restored),
];

fn humaneval() -> Value {
    let prompt = "\n\ndef helper(x):\n    return 2 * x\n\n\ndef root(x):\n    \"\"\" Returns the root.\n    >>> root(4)\n    2.0\n    \"\"\"\n";
    json!({
        "task_id": "HumanEval/900", "kind": "humaneval", "entry_point": "root", "prompt": prompt,
        "canonical_solution": "    return x ** 0.5\n", "plus_canonical": format!("{prompt}    return x ** 0.5\n"),
        "test": "\n\ndef check(candidate):\n    assert candidate(4) == 2.0\n    assert candidate(9) == 3.0\n",
        "plus_input": [[16], [2]], "plus_total": 2, "atol": 0,
    })
}

fn mbpp(number: u32, entry_point: &str, reference: &str, example: &str, inputs: &Value) -> Value {
    json!({
        "task_id": format!("Mbpp/{number}"), "kind": "mbpp", "entry_point": entry_point, "text": "Write it.",
        "prompt": format!("\"\"\"\nWrite it.\n{example}\n\"\"\"\n"), "canonical_solution": reference,
        "test_list": [example], "test_setup_code": "", "base_input": inputs, "plus_input": inputs, "atol": 0,
    })
}

fn generate(task: Value, first: &str, others: &str) -> Report {
    let bench = Bench::new();
    let options = bench.tasks(&[task]);
    let (first, others) = (format!("{first}\n```"), format!("{others}\n```"));
    let mut is_first = true;
    let provider = ScriptedProvider::from_fn(move |_| {
        let answer = if is_first { &first } else { &others };
        is_first = false;
        Answer::text(answer.clone())
    });
    bench.report(Kind::Generate, &options, provider)
}

fn a_program_that_does_what_the_reference_does_is_solved() {
    let report =
        generate(humaneval(), "import math\n\ndef root(x):\n    return math.sqrt(x) * helper(x) / (2 * x)", "");
    let result = &report.results[0];
    // The example runs without what stands above the function, the judge with it.
    assert!(result.tokens.completion > 0 && result.raw_solved == Some(true), "{result:#?}");
    let report = generate(humaneval(), "import math\n\ndef root(x):\n    return math.sqrt(x)", "");
    let result = &report.results[0];
    assert!(result.solved && result.claimed && !result.refused && result.raw_solved == Some(true), "{result:#?}");
    assert_eq!((result.candidates, result.reason.as_str()), (1, ""));
}

fn a_program_that_passes_its_examples_only_is_claimed_wrong() {
    let report = generate(humaneval(), "def root(x):\n    return 2.0 if x == 4 else 3.0", "");
    let result = &report.results[0];
    assert!(!result.solved && result.claimed && result.raw_solved == Some(false), "{result:#?}");
    assert!(result.reason.starts_with("further inputs: differs on [16]"), "{}", result.reason);
    assert_eq!(report.totals().claimed_wrong, 1);
}

fn a_program_that_fails_its_examples_is_refused() {
    let wrong = "def root(x):\n    return x";
    let report = generate(humaneval(), wrong, wrong);
    let result = &report.results[0];
    assert!(!result.solved && !result.claimed && result.refused, "{result:#?}");
    assert!(result.reason.starts_with("no answer passes the examples"), "{}", result.reason);
}

fn the_first_answer_that_passes_the_examples_is_taken() {
    let report = generate(humaneval(), "def root(x):\n    return x", "def root(x):\n    return x ** 0.5");
    let result = &report.results[0];
    assert_eq!((result.solved, result.raw_solved, result.candidates), (true, Some(false), 2), "{result:#?}");
}

fn inputs_keep_their_size_and_kind() {
    let bench = Bench::new();
    let reference = "def kind(x):\n    return type(x).__name__ + str(x)\n";
    let options = bench.tasks(&[mbpp(900, "kind", reference, "assert kind(1) == 'int1'", &json!([["SIZE"]]))]);
    let line = std::fs::read_to_string(&options.tasks).unwrap();
    let line = line.replacen("\"SIZE\"", "123456789012345678901234567890", 1).replacen("\"SIZE\"", "-Infinity", 1);
    std::fs::write(&options.tasks, line).unwrap();
    let program = "def kind(x):\n    assert x in (1, 123456789012345678901234567890, float('-inf'))\n    return type(x).__name__ + str(x)\n```";
    let report = bench.report(Kind::Generate, &options, ScriptedProvider::from_fn(move |_| Answer::text(program)));
    assert!(report.results[0].solved, "{:#?}", report.results);
}

fn tuples_and_tolerances_of_mbpp_are_restored() {
    let tuples = mbpp(
        2,
        "similar_elements",
        "def similar_elements(a, b):\n    return tuple(set(a) & set(b))\n",
        "assert set(similar_elements((3, 4), (4, 5))) == set((4,))",
        &json!([[[3, 4], [4, 5]]]),
    );
    let program =
        "def similar_elements(a, b):\n    assert isinstance(a, tuple)\n    return [it for it in a if it in b]";
    let result = generate(tuples, program, program).results.remove(0);
    assert!(result.solved, "{result:#?}");
    let floats = mbpp(900, "third", "def third(x):\n    return x / 3\n", "assert third(3) == 1", &json!([[1], [10]]));
    let program = "def third(x):\n    return x * 0.33333333333";
    let result =
        generate(floats, program, "def third(x):\n    return x * 0.333333333333 if x != 3 else 1").results.remove(0);
    assert!(result.solved, "{result:#?}");
}
