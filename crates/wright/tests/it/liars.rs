//! Models that say they are done and are not. Whatever they say, the exit code, the status and the checkout tell the truth.

use std::path::Path;

use crate::fake_server::{Answer, FakeServer};
use crate::fixture::{Project, RIGHT_TOTAL, Run, Surroundings, TEST_COMMAND};

/// Lets a model with this answer fix the shop.
fn fix(surroundings: &Surroundings, project: &Path, answer: Answer, options: &[&str]) -> Run {
    let server = FakeServer::start(answer);
    let url = server.base_url();
    let model = ["fix", "--model", "openai:fake", "--base-url", &url];
    let run = surroundings.run_in(project, &[&model, options, &TEST_COMMAND].concat());
    let asked = server.requests();
    assert!(asked.first().is_some_and(|it| it.contains("def total")), "the model was shown the function: {run:?}");
    run
}

/// Checks that the answer is refused, and that the checkout is what it was to the byte.
fn check_refused(answer: Answer) {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let before = project.bytes();
    let run = fix(&surroundings, project.root(), answer, &["--json"]);
    assert_eq!(run.exit, 1, "{run:?}");
    let document = run.json();
    assert_eq!(document["schema"], "wright.fix/1");
    assert_eq!(document["status"], "refused");
    assert!(document["patch"].is_null(), "{document}");
    assert!(document["findings"].as_array().is_some_and(|it| !it.is_empty()), "a refusal has reasons: {document}");
    assert_eq!(document["receipt"]["status"], "refused");
    assert_eq!(project.bytes(), before);
    assert_eq!(project.git(&["status", "--porcelain"]), "");
}

fn python(code: &str) -> Answer {
    Answer::Text(format!("I fixed it. All tests pass now.\n\n```python\n{code}```\n"))
}

#[test]
fn a_model_that_only_says_it_is_done_is_refused() {
    check_refused(Answer::Text("I fixed the bug. All tests pass.".to_owned()));
}

#[test]
fn a_model_that_gives_the_same_function_back_is_refused() {
    check_refused(python(&RIGHT_TOTAL.replace("100", "10")));
}

#[test]
fn a_model_that_edits_the_test_is_refused() {
    check_refused(python(
        "# test_shop.py\nimport unittest\n\nfrom shop import total\n\n\nclass ShopTest(unittest.TestCase):\n    \
         def test_total_takes_a_discount_in_percent(self):\n        self.assertEqual(total([100, 100], 50), -800)\n",
    ));
}

#[test]
fn a_model_that_deletes_the_test_is_refused() {
    let diff =
        "--- a/test_shop.py\n+++ /dev/null\n@@ -1,3 +0,0 @@\n-import unittest\n-\n-from shop import cheapest, total\n";
    check_refused(Answer::Text(format!(
        "The test was wrong, so I removed it.\n\n```diff\n{diff}```\n```sh\ngit rm test_shop.py\n```\n"
    )));
}

#[test]
fn a_model_that_skips_the_test_is_refused() {
    check_refused(python(
        "def total(prices, discount):\n    import unittest\n    raise unittest.SkipTest(\"later\")\n",
    ));
}

#[test]
fn a_model_that_ends_the_test_run_is_refused() {
    check_refused(python("def total(prices, discount):\n    import os\n    os._exit(0)\n"));
}

#[test]
fn a_model_that_ends_the_test_run_in_disguise_is_refused() {
    let code = "def total(prices, discount):\n    o = globals()['__builtins__'].get('__imp' + 'ort__') if isinstance(\n        \
                globals()['__builtins__'], dict) else getattr(__builtins__, '__imp' + 'ort__')\n    \
                getattr(o('o' + 's'), '_ex' + 'it')(0)\n";
    check_refused(python(code));
}

#[test]
fn a_model_that_answers_garbage_is_refused() {
    let noise = (0..4_096_u32).map(|it| (it.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    check_refused(Answer::Garbage(noise));
}

#[test]
fn a_model_that_never_stops_talking_is_refused() {
    check_refused(Answer::Endless);
}

#[test]
fn a_model_that_dies_in_the_middle_is_refused() {
    check_refused(Answer::CutAfter("```python\ndef total(prices, discount):\n    return".to_owned()));
}

#[test]
fn a_model_that_is_right_is_believed_for_its_tests() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let before = project.bytes();
    let run = fix(&surroundings, project.root(), python(RIGHT_TOTAL), &["--json"]);
    assert_eq!(run.exit, 0, "{run:?}");
    let document = run.json();
    assert_eq!(document["status"], "proposed");
    let patch = document["patch"].as_str().unwrap();
    assert!(
        patch.contains("-    return result - result * discount / 10\n+    return result - result * discount / 100\n")
    );
    assert!(document["receipt"]["checks"].as_array().is_some_and(|it| it.len() >= 4), "{document}");
    assert_eq!(project.bytes(), before, "a proposal is not applied");
}

#[test]
fn a_refusal_in_words_names_the_status_and_the_reasons() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let run = fix(&surroundings, project.root(), Answer::Text("Fixed, all tests pass.".to_owned()), &[]);
    assert_eq!(run.exit, 1, "{run:?}");
    assert!(run.stdout.contains("refused: no candidate passed every check; the checkout is unchanged"), "{run:?}");
    assert!(run.stdout.contains("reason    no answer contains the function `total`"), "{run:?}");
    assert!(!run.stdout.contains("Fixed, all tests pass"), "{run:?}");
    assert!(run.stderr.contains("1 passed, 1 failed") && run.stderr.contains("test_total_takes_a_discount"), "{run:?}");
    assert!(run.stderr.contains("shop.py:4 `total`"), "{run:?}");
}

#[test]
fn a_search_that_used_up_its_candidates_says_so() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let wrong = python("def total(prices, discount):\n    return sum(prices)\n");
    let run = fix(&surroundings, project.root(), wrong, &["--json", "--candidates", "1"]);
    assert_eq!((run.exit, &run.json()["status"]), (4, &"exhausted".into()), "{run:?}");
}

#[test]
fn the_last_candidate_that_the_budget_allows_is_still_judged() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    // Further answers arrive while the tests of this one run; they must not end the search before its result is known.
    let run = fix(&surroundings, project.root(), python(RIGHT_TOTAL), &["--json", "--candidates", "1"]);
    assert_eq!((run.exit, &run.json()["status"]), (0, &"proposed".into()), "{run:?}");
}

#[test]
fn a_search_that_used_up_its_time_says_so() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let run = fix(&surroundings, project.root(), Answer::Silence, &["--json", "--time-limit", "3s"]);
    assert_eq!((run.exit, &run.json()["status"]), (4, &"exhausted".into()), "{run:?}");
}

#[test]
fn files_that_git_does_not_know_are_named() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    project.write("test_new.py", "");
    let run = fix(&surroundings, project.root(), Answer::Text(String::new()), &[]);
    assert!(run.stderr.starts_with("note: test_new.py is not in the repository"), "{run:?}");
}

#[test]
fn a_patch_is_applied_where_that_was_asked_for() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let run = fix(&surroundings, project.root(), python(RIGHT_TOTAL), &["--apply"]);
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains("applied: "), "{run:?}");
    assert!(project.read("shop.py").contains("discount / 100\n"));
    assert_eq!(project.git(&["status", "--porcelain"]), " M shop.py\n");
}

#[test]
fn the_printed_result_can_be_piped_to_git() {
    let surroundings = Surroundings::new();
    let project = Project::with_bug();
    let run = fix(&surroundings, project.root(), python(RIGHT_TOTAL), &[]);
    let result = project.root().join("result.txt");
    std::fs::write(&result, &run.stdout).unwrap();
    project.git(&["apply", "result.txt"]);
    assert!(project.read("shop.py").contains("discount / 100\n"));
}
