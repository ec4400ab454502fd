//! Suggestions: positions and files that cannot be used. What a suggestion is worth is measured with real models.

use crate::fixture::Surroundings;

#[test]
fn a_model_that_cannot_fill_in_the_middle_is_refused_with_a_hint() {
    let surroundings = Surroundings::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.py"), "x = \n").unwrap();
    let args = ["complete", "a.py:1:5", "--model", "openai:fake", "--base-url", "http://127.0.0.1:9/v1", "--json"];
    let run = surroundings.run_in(folder.path(), &args);
    assert_eq!(run.exit, 2, "{run:?}");
    assert_eq!(run.json()["error"], "\"openai:fake\" does not support filling in the middle");
}

#[test]
fn a_secret_file_is_not_shown_to_any_model() {
    let surroundings = Surroundings::new();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".env"), "KEY=\n").unwrap();
    let args = ["complete", ".env:1:5", "--model", "openai:fake", "--base-url", "http://127.0.0.1:9/v1"];
    let run = surroundings.run_in(folder.path(), &args);
    assert_eq!((run.exit, run.stdout.as_str()), (1, ""), "{run:?}");
    assert!(run.stderr.starts_with("nothing shown: files like this hold secrets"), "{run:?}");
}
