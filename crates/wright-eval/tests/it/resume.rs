//! A run that was ended goes on where it stopped.

use std::sync::Arc;

use serde_json::{Value, json};
use wright_eval::{EvalError, Kind, Options};
use wright_provider::ProviderError;
use wright_provider::replay::{Answer, ScriptedProvider};

use crate::Test;
use crate::bench::Bench;

pub(crate) const TESTS: &[Test] = &[
    ("a_run_that_was_ended_goes_on_with_the_next_task", "python3", a_run_that_was_ended_goes_on_with_the_next_task),
    (
        "an_answer_that_breaks_off_is_the_result_of_its_task_only",
        "python3",
        an_answer_that_breaks_off_is_the_result_of_its_task_only,
    ),
];

fn holes() -> Vec<Value> {
    let hole = |id: &str| json!({ "task_id": id, "language": "python", "prefix": "x = ", "suffix": "\n", "canonical_solution": "1" });
    ["a", "b", "c"].map(hole).to_vec()
}

fn options(bench: &Bench) -> Options {
    Options { compare_raw: false, ..bench.tasks(&holes()) }
}

fn solved_ids(file: &Value) -> Vec<&str> {
    file["results"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|it| it["solved"] == true)
        .filter_map(|it| it["task_id"].as_str())
        .collect()
}

fn a_run_that_was_ended_goes_on_with_the_next_task() {
    let bench = Bench::new();
    let options = options(&bench);
    let path = bench.path("report.json");
    let stored = || serde_json::from_str::<Value>(&std::fs::read_to_string(&path).unwrap()).unwrap();

    let gone = ProviderError::Unreachable { model: "m".to_owned(), message: "gone".to_owned() };
    let provider = ScriptedProvider::new([Answer::text("1"), Answer::failure(gone)]);
    let (report, finished) = bench.run(Kind::Complete, &options, Arc::new(provider));
    assert!(matches!(report, Err(EvalError::Provider(ProviderError::Unreachable { .. }))), "{report:?}");
    assert_eq!(finished, ["a"]);
    assert_eq!(solved_ids(&stored()), ["a"]);

    let provider = ScriptedProvider::new([Answer::text("1"), Answer::text("1")]);
    let (report, finished) = bench.run(Kind::Complete, &options, Arc::new(provider));
    assert_eq!(finished, ["b", "c"]);
    assert_eq!(stored(), report.unwrap().to_json());
    assert_eq!(solved_ids(&stored()), ["a", "b", "c"]);

    let (_, finished) = bench.run(Kind::Complete, &options, Arc::new(ScriptedProvider::new([])));
    assert!(finished.is_empty());
}

fn an_answer_that_breaks_off_is_the_result_of_its_task_only() {
    let bench = Bench::new();
    let provider = ScriptedProvider::new([Answer::broken_after("12345", 2), Answer::text("1"), Answer::text("1")]);
    let (report, finished) = bench.run(Kind::Complete, &options(&bench), Arc::new(provider));
    let report = report.unwrap();
    assert_eq!(finished, ["a", "b", "c"]);
    assert!(report.results[0].error.as_deref().is_some_and(|it| it.contains("broke off")), "{:?}", report.results[0]);
    assert_eq!(report.totals().solved, 2);
}
