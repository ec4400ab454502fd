//! What every test needs: a work folder, the sandbox, a store, and a provider with written-down answers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::Value;
use tempfile::TempDir;
use wright_agent::Toolchains;
use wright_eval::{Deps, EvalError, Kind, Options, Report};
use wright_provider::Provider;
use wright_provider::replay::ScriptedProvider;
use wright_sandbox::{HelperCommand, Sandbox};
use wright_store::Store;

/// Runs evaluations in a folder that vanishes with it.
pub(crate) struct Bench {
    dir: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    /// Writes tasks and returns the options to run them.
    pub(crate) fn tasks(&self, tasks: &[Value]) -> Options {
        let lines: Vec<String> = tasks.iter().map(Value::to_string).collect();
        let path = self.path("tasks.jsonl");
        std::fs::write(&path, lines.join("\n") + "\n").unwrap();
        Options { output: Some(self.path("report.json")), compare_raw: true, ..Options::new(path) }
    }

    /// Runs an evaluation and returns the report with the names of the tasks in the order in which they were finished.
    pub(crate) fn run(
        &self,
        kind: Kind,
        options: &Options,
        provider: Arc<dyn Provider>,
    ) -> (Result<Report, EvalError>, Vec<String>) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let finished = Arc::new(Mutex::new(Vec::new()));
        let told = finished.clone();
        let report = runtime.block_on(async {
            let deps = Deps {
                provider,
                sandbox: sandbox().clone(),
                toolchains: toolchains(),
                store: Store::open(&self.path("store/store.db")).await.unwrap(),
                scratch: self.path("scratch"),
                progress: Arc::new(move |result, _| told.lock().unwrap().push(result.task_id.clone())),
            };
            wright_eval::run(&deps, kind, options).await
        });
        let finished = finished.lock().unwrap().clone();
        (report, finished)
    }

    /// Runs an evaluation that must come to its end.
    pub(crate) fn report(&self, kind: Kind, options: &Options, provider: ScriptedProvider) -> Report {
        self.run(kind, options, Arc::new(provider)).0.unwrap()
    }
}

pub(crate) fn sandbox() -> &'static Sandbox {
    static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
        let program = std::env::current_exe().unwrap();
        Sandbox::probe(HelperCommand { program, args: vec![crate::HELPER.to_owned()] }).unwrap()
    });
    &SANDBOX
}

/// What the shell of whoever runs the tests would find.
pub(crate) fn toolchains() -> Toolchains {
    let search_path = std::env::var_os("PATH").map(|it| std::env::split_paths(&it).collect()).unwrap_or_default();
    Toolchains { search_path, home: std::env::var_os("HOME").map(PathBuf::from) }
}

/// Returns whether a program is on the search path.
pub(crate) fn has(program: &str) -> bool {
    let Some(path) = std::env::var_os("PATH") else { return false };
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// Runs a command in a folder in the sandbox and returns its exit code and its output.
pub(crate) fn sandboxed(folder: &Path, argv: &[&str]) -> (wright_sandbox::Exit, String) {
    let toolchains = toolchains();
    let policy = wright_sandbox::Policy {
        read_only: toolchains.read_only(),
        ..wright_sandbox::Policy::new(folder.canonicalize().unwrap())
    };
    let command =
        wright_sandbox::Command { env: toolchains.env(), ..wright_sandbox::Command::new(argv.iter().copied()) };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let outcome = runtime.block_on(sandbox().run(&policy, &command)).unwrap();
    (outcome.exit, outcome.text())
}
