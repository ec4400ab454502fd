//! `wright doctor`: what works on this machine, what does not, and what to do about it.
//!
//! Things are tried, not guessed: programs are started in the sandbox, the store is opened, the model answers a question.

use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use wright_llama::{LocalProvider, ModelError, recommend};
use wright_provider::{ModelSpec, Provider};
use wright_sandbox::{Command, LayerState, Level, LimitKeeper, Limits, Policy, Sandbox};

use crate::app::App;
use crate::environment::path_variable;
use crate::exit_code::ExitCode;
use crate::keys;
use crate::machine::{Machine, size};
use crate::provider::{self, Purpose};
use crate::report::Failure;
use crate::terminal::{Tone, neutral};

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright doctor
  wright doctor --json

Exit codes: 0 everything that is needed works; 1 something that is needed is missing.";

/// Programs whose version is worth knowing, with the argument that prints it. Only git is needed.
const PROGRAMS: &[(&str, &str)] = &[
    ("git", "--version"),
    ("python3", "--version"),
    ("cargo", "--version"),
    ("node", "--version"),
    ("go", "version"),
    ("java", "-version"),
];

/// Where systems keep the certificates of authorities.
const CERTIFICATES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Less free space than this is worth a word.
const LITTLE_SPACE: u64 = 2 << 30;

/// Arguments of `wright doctor`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Check {
    name: String,
    state: State,
    detail: String,
    hint: Option<String>,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It works.
    Works,
    /// It does not, and not everything needs it.
    Limited,
    /// It does not, and nothing works well without it.
    Missing,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::Limited => "limited",
            Self::Missing => "missing",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Works => Tone::Good,
            Self::Limited => Tone::Note,
            Self::Missing => Tone::Bad,
        }
    }
}

impl Check {
    fn new(name: impl Into<String>, state: State, detail: impl Into<String>) -> Self {
        Self { name: name.into(), state, detail: detail.into(), hint: None }
    }

    fn works(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(name, State::Works, detail)
    }

    fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Turns a failure into a check that did not work.
    fn failed(name: impl Into<String>, state: State, failure: &Failure) -> Self {
        Self { name: name.into(), state, detail: failure.to_string(), hint: failure.advice().map(str::to_owned) }
    }

    fn to_json(&self) -> Value {
        json!({ "name": self.name, "state": self.state.name(), "detail": self.detail, "hint": self.hint })
    }
}

/// Looks at everything and shows it.
pub(crate) async fn run(app: &App, _args: &Args) -> Result<ExitCode, Failure> {
    let mut checks = vec![machine_check()];
    checks.extend(sandbox_checks(app).await);
    checks.push(data_check(app).await);
    checks.push(space_check(app.home.data()));
    checks.extend(model_checks(app).await?);
    checks.push(certificates_check());
    let is_usable = checks.iter().all(|it| it.state != State::Missing);
    if app.terminal.is_json() {
        let checks: Vec<Value> = checks.iter().map(Check::to_json).collect();
        app.terminal.json(&json!({ "schema": "wright.doctor/1", "version": env!("CARGO_PKG_VERSION"), "is_usable": is_usable, "checks": checks }));
    } else {
        checks.iter().for_each(|it| show(app, it));
    }
    Ok(if is_usable { ExitCode::Done } else { ExitCode::Refused })
}

fn show(app: &App, check: &Check) {
    let state = check.state.tone().out(&format!("{:<8}", check.state.name()));
    app.terminal.line(&format!("{state} {:<12} {}", neutral(&check.name), neutral(&check.detail)));
    if let Some(hint) = &check.hint {
        app.terminal.line(&format!("{:22}{} {}", "", Tone::Note.out("hint:"), neutral(hint)));
    }
}

fn machine_check() -> Check {
    let machine = Machine::read();
    let recommendation = recommend(machine.memory_bytes, machine.n_cores);
    let detail = format!(
        "{} of memory, {} cores; recommended: {} for questions and repairs, {} for completion",
        size(machine.memory_bytes),
        machine.n_cores,
        recommendation.chat,
        recommendation.completion
    );
    Check::works("machine", detail)
}

async fn sandbox_checks(app: &App) -> Vec<Check> {
    let sandbox = match app.sandbox().await {
        Ok(sandbox) => sandbox,
        Err(failure) => return vec![Check::failed("sandbox", State::Missing, &failure)],
    };
    let level = sandbox.level();
    let minimum = app.minimum_level();
    let state = if level >= minimum && level > Level::E { State::Works } else { State::Missing };
    let mut checks =
        vec![Check::new("sandbox", state, format!("level {level} (A is the strongest; {minimum} is required)"))];
    for layer in sandbox.report() {
        let state = match layer.state {
            LayerState::Present => State::Works,
            LayerState::Missing => State::Limited,
        };
        let mut check = Check::new(format!("  {}", layer.kind), state, layer.detail.clone());
        check.hint = layer.advice.map(str::to_owned);
        checks.push(check);
    }
    checks.push(limits_check(sandbox.limits()));
    checks.extend(program_checks(app, &sandbox).await);
    checks
}

/// Says what keeps the limits of a command as a whole.
fn limits_check(limits: &LimitKeeper) -> Check {
    let state = match limits {
        LimitKeeper::ControlGroup(_) => State::Works,
        LimitKeeper::Watcher { .. } => State::Limited,
    };
    let mut check = Check::new("  limits", state, limits.to_string());
    check.hint = limits.advice().map(str::to_owned);
    check
}

/// Starts each program that is on the search path inside the sandbox, as tests would find it.
async fn program_checks(app: &App, sandbox: &Sandbox) -> Vec<Check> {
    let name = format!("run/doctor-{}", std::process::id());
    let tree = match app.home.private_folder(&name) {
        Ok(tree) => tree,
        Err(failure) => return vec![Check::failed("programs", State::Missing, &failure)],
    };
    let checks =
        join_all(PROGRAMS.iter().map(|(name, argument)| program_check(app, sandbox, &tree, name, argument))).await;
    // The folder is empty and ours; leaving it behind would do no harm.
    let _ = std::fs::remove_dir_all(&tree);
    checks
}

async fn program_check(app: &App, sandbox: &Sandbox, tree: &Path, name: &str, argument: &str) -> Check {
    let without = if name == "git" { State::Missing } else { State::Limited };
    let Some(found) = app.environment.find_program(name) else {
        return Check::new(name, without, "not found in PATH")
            .hint(format!("Install {name} if your projects need it."));
    };
    let toolchains = app.toolchains();
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    let policy = Policy { limits, read_only: toolchains.read_only(), ..Policy::new(tree) };
    let command = Command { env: toolchains.env(), ..Command::new([name, argument]) };
    match sandbox.run(&policy, &command).await {
        Ok(outcome) if outcome.is_success() => Check::works(name, first_line(&outcome.text())),
        Ok(outcome) => {
            let detail = format!("{} does not start in the sandbox: {}", found.display(), first_line(&outcome.text()));
            Check::new(name, State::Limited, detail)
                .hint("Tests that need it cannot run; install it for the whole system.")
        }
        Err(error) => Check::new(name, State::Limited, format!("{} was not tried: {error}", found.display())),
    }
}

fn first_line(text: &str) -> String {
    text.lines().map(str::trim).find(|it| !it.is_empty()).unwrap_or("no output").to_owned()
}

async fn data_check(app: &App) -> Check {
    match app.store().await {
        Ok(_) => Check::works("data", format!("{} can be written", app.home.data().display())),
        Err(failure) => Check::failed("data", State::Missing, &failure),
    }
}

fn space_check(folder: &Path) -> Check {
    let Some(existing) = folder.ancestors().find(|it| it.exists()) else {
        return Check::new("disk", State::Limited, "there is no such disk");
    };
    match rustix::fs::statvfs(existing) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let check = Check::works("disk", format!("{} free at {}", size(free), existing.display()));
            if free >= LITTLE_SPACE {
                return check;
            }
            Check {
                state: State::Limited,
                ..check.hint("Models need up to 2 GiB, and each task needs room for copies of the repository.")
            }
        }
        Err(error) => Check::new("disk", State::Limited, format!("cannot be measured: {error}")),
    }
}

async fn model_checks(app: &App) -> Result<Vec<Check>, Failure> {
    let mut checks = Vec::new();
    let mut seen = Vec::new();
    for (purpose, name) in [(Purpose::Agent, "model"), (Purpose::Complete, "completion")] {
        let model = provider::chosen_model(app, purpose)?;
        let mut check = match ModelSpec::parse(&model) {
            Ok(spec) if spec.provider == "local" => local_model_check(app, &spec.name),
            Ok(spec) => remote_model_check(app, &spec),
            Err(error) => Check::failed("", State::Missing, &error.into()),
        };
        check.name = name.to_owned();
        if check.state == State::Works && model.starts_with("local:") {
            seen.push(model);
        }
        checks.push(check);
    }
    // The smallest answers soonest; all of them run on the same worker.
    if let Some(model) = seen.last() {
        checks.push(worker_check(app, model).await);
    }
    Ok(checks)
}

fn local_model_check(app: &App, id: &str) -> Check {
    match app.models().path_of(id) {
        Ok(path) => {
            let bytes = std::fs::metadata(&path).map_or(0, |it| it.len());
            Check::works("", format!("local:{id}, {} in {}", size(bytes), app.home.models().display()))
        }
        Err(error @ ModelError::Missing { .. }) => Check::new("", State::Missing, error.to_string()).hint(error.hint()),
        Err(error) => Check::new("", State::Missing, error.to_string()).hint(error.hint()),
    }
}

/// Looks at a remote model without asking it anything: this command opens no connection.
fn remote_model_check(app: &App, spec: &ModelSpec) -> Check {
    match keys::find(&spec.provider, &app.environment.config_folder) {
        Ok(Some(_)) => Check::works("", format!("{spec}, with a key; it was not asked anything")),
        Ok(None) if app.config.base_url.is_some() || spec.provider == "ollama" || spec.provider == "replay" => {
            Check::works("", format!("{spec}, without a key; it was not asked anything"))
        }
        Ok(None) => Check::new("", State::Missing, format!("{spec} has no key"))
            .hint("Set WRIGHT_API_KEY or the provider's usual variable."),
        Err(failure) => Check::failed("", State::Missing, &failure),
    }
}

/// Lets the worker answer something, which starts it when it does not run.
async fn worker_check(app: &App, model: &str) -> Check {
    let config = match provider::local_config(app) {
        Ok(config) => config,
        Err(failure) => return Check::failed("worker", State::Missing, &failure),
    };
    let provider = LocalProvider::new(config, model.trim_start_matches("local:"));
    match provider.count_tokens("def f(x):\n    return x\n").await {
        Ok(n_tokens) => {
            let pid =
                provider.stats().await.ok().flatten().map_or_else(String::new, |it| format!(", process {}", it.pid));
            Check::works("worker", format!("{model} is loaded and counted {n_tokens} tokens{pid}"))
        }
        Err(error) => Check::failed("worker", State::Missing, &error.into()),
    }
}

fn certificates_check() -> Check {
    let chosen = path_variable("SSL_CERT_FILE").filter(|it| it.is_file());
    let found = chosen.or_else(|| CERTIFICATES.iter().map(Into::into).find(|it: &std::path::PathBuf| it.is_file()));
    match found {
        Some(path) => Check::works("certificates", format!("{}, for remote models", path.display())),
        None => Check::new("certificates", State::Limited, "no certificates of authorities were found")
            .hint("Install ca-certificates if you use remote models."),
    }
}
