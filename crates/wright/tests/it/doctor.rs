//! The doctor: what is missing has a hint, and the exit code says whether the rest is of use.

use crate::fixture::Surroundings;

#[test]
fn missing_models_are_named_with_what_to_do() {
    let run = Surroundings::new().run(&["doctor", "--json"]);
    assert_eq!(run.exit, 1, "{run:?}");
    let document = run.json();
    assert_eq!(document["is_usable"], false);
    let checks = document["checks"].as_array().unwrap();
    let find =
        |name: &str| checks.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("{name}: {document:#}"));
    assert_eq!(find("model")["state"], "missing");
    assert_eq!(find("model")["hint"], "Run `wright model pull qwen2.5-coder-1.5b`.");
    assert_eq!(find("sandbox")["state"], "works");
    let limits = find("  limits")["detail"].as_str().unwrap();
    assert!(limits.starts_with("memory"), "{limits}");
    assert_eq!(find("data")["state"], "works");
    assert!(
        find("git")["detail"].as_str().unwrap().starts_with("git version 2."),
        "git runs in the sandbox: {document:#}"
    );
    assert!(find("python3")["detail"].as_str().unwrap().starts_with("Python 3."), "{document:#}");
}

#[test]
fn a_remote_model_with_a_key_is_enough() {
    let surroundings = Surroundings::new();
    surroundings.configure("config.toml", "model = \"openai:x\"\ncomplete-model = \"openai:x\"\n");
    let mut command = surroundings.command(&["doctor"]);
    let run = crate::fixture::finish(command.env("OPENAI_API_KEY", "sk-0123456789"));
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains("openai:x, with a key; it was not asked anything"), "{run:?}");
    assert!(!run.stdout.contains("sk-0123456789"));
}
