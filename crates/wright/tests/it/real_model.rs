//! The whole program on a real model. Without the model's file these tests fail on CI, and say so elsewhere.

use std::path::PathBuf;

use crate::fixture::{Project, Run, Surroundings};

const MODEL: &str = "local:qwen2.5-coder-0.5b";

/// Surroundings with the models of this machine, whose worker ends soon after its last request.
pub(crate) struct WithModel {
    pub(crate) surroundings: Surroundings,
    models: PathBuf,
}

impl WithModel {
    /// Returns nothing when the model is not here, which is a failure on CI.
    pub(crate) fn find() -> Option<Self> {
        let default = || std::env::home_dir().unwrap().join(".local/share/wright/models");
        let models = std::env::var_os("WRIGHT_MODELS").map_or_else(default, PathBuf::from);
        if !models.join("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf").is_file() {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "no model in {models:?}: run `wright model pull qwen2.5-coder-0.5b`"
            );
            eprintln!("not tried: no model in {models:?}; `wright model pull qwen2.5-coder-0.5b` fetches it");
            return None;
        }
        let surroundings = Surroundings::new();
        surroundings.configure("config.toml", &format!("model = \"{MODEL}\"\nidle-exit = \"5s\"\n"));
        Some(Self { surroundings, models })
    }

    pub(crate) fn command(&self, args: &[&str]) -> std::process::Command {
        self.with_models(self.surroundings.command(args))
    }

    pub(crate) fn with_models(&self, mut command: std::process::Command) -> std::process::Command {
        command.env("WRIGHT_MODELS", &self.models);
        command
    }

    fn run(&self, args: &[&str]) -> Run {
        crate::fixture::finish(&mut self.command(args))
    }
}

#[test]
fn real_model_mends_a_one_line_bug() {
    let Some(machine) = WithModel::find() else { return };
    let project = Project::with_bug();
    let root = project.root().to_string_lossy().into_owned();
    let run = machine.run(&["-C", &root, "fix", "--apply", "--time-limit", "3m", "--", "python3", "-m", "unittest"]);
    assert_eq!(run.exit, 0, "{run:?}");
    assert!(run.stdout.contains("applied: ") && run.stdout.contains("sandbox level"), "{run:?}");
    assert!(run.stderr.contains("\ntry "), "{run:?}");
    let again = machine.run(&["-C", &root, "fix", "--", "python3", "-m", "unittest"]);
    assert_eq!(again.exit, 2, "an applied patch is an uncommitted change: {again:?}");
    project.git(&["commit", "--all", "--quiet", "--message=fixed"]);
    let done = machine.run(&["-C", &root, "fix", "--", "python3", "-m", "unittest"]);
    assert_eq!(done.exit, 0, "{done:?}");
    assert!(done.stdout.starts_with("nothing to fix: "), "{done:?}");
}

#[test]
fn real_model_completes_a_line() {
    let Some(machine) = WithModel::find() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("adder.py");
    std::fs::write(&file, "def add(a, b):\n    return \n\n\nprint(add(1, 2))\n").unwrap();
    let position = format!("{}:2:12", file.display());
    let run = machine.run(&["complete", &position, "--json", "--explain"]);
    assert_eq!(run.exit, 0, "{run:?}");
    let document = run.json();
    assert!(document["suggestion"].as_str().is_some_and(|it| it.starts_with("a + b")), "{document}");
    assert!(
        document["reason"].is_null() && document["checks"].as_array().is_some_and(|it| !it.is_empty()),
        "{document}"
    );
    assert_eq!(document["range"]["start"]["line"], 2);
    assert!(document["explain"]["completions"].as_array().is_some_and(|it| !it.is_empty()), "{document}");
    let plain = machine.run(&["complete", &position]);
    assert_eq!(Some(plain.stdout.as_str()), document["suggestion"].as_str(), "the same text again");
}

#[test]
fn real_model_answers_and_the_doctor_is_content() {
    let Some(machine) = WithModel::find() else { return };
    let answer = machine.run(&[
        "ask",
        "Write a Python function that adds two numbers. Answer with code only.",
        "--max-tokens",
        "120",
    ]);
    assert_eq!(answer.exit, 0, "{answer:?}");
    assert!(answer.stdout.contains("def "), "{answer:?}");
    assert!(answer.stderr.contains("└ block 1"), "{answer:?}");
    let doctor = machine.run(&["doctor"]);
    assert_eq!(doctor.exit, 0, "{doctor:?}");
    assert!(doctor.stdout.contains("is loaded and counted"), "{doctor:?}");
}
