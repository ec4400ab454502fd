//! Which model a command uses, and how it is reached.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use wright_llama::catalogue::{self, CATALOGUE};
use wright_llama::{LocalConfig, LocalProvider, ModelError};
use wright_provider::remote::{RemoteConfig, RemoteProvider};
use wright_provider::replay::ReplayProvider;
use wright_provider::{ModelSpec, Provider, ProviderError};

use crate::app::App;
use crate::environment::variable;
use crate::keys;
use crate::machine::Machine;
use crate::report::Failure;

/// The model of `fix` and `ask` when nothing else is chosen.
pub(crate) const DEFAULT_MODEL: &str = "local:qwen2.5-coder-1.5b";

/// The model of `complete` when nothing else is chosen: the smallest wait.
pub(crate) const DEFAULT_COMPLETE_MODEL: &str = "local:qwen2.5-coder-0.5b";

/// Prompt and answer together may have this many tokens on the local worker.
const DEFAULT_CONTEXT_TOKENS: usize = 8_192;

/// A model that was not used for this long is unloaded.
const DEFAULT_IDLE_UNLOAD: Duration = Duration::from_secs(600);

/// A worker that was not used for this long ends.
const DEFAULT_IDLE_EXIT: Duration = Duration::from_secs(1_800);

/// The flags that choose a model.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ModelArgs {
    /// Use this model
    ///
    /// PROVIDER is `local` (a model on this machine, see `wright model list`), `openai` (or any server that speaks its
    /// protocol, with --base-url), `openai-responses`, `anthropic`, `gemini`, `ollama`, or `replay` with the path of a
    /// recording. Also: WRIGHT_MODEL, or `model` in the configuration. Keys are read from WRIGHT_API_KEY, or from
    /// OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, or from `keys.toml` beside the configuration.
    #[arg(long, value_name = "PROVIDER:NAME")]
    pub(crate) model: Option<String>,

    /// Reach the model at this address
    ///
    /// Up to and including the version, as in http://localhost:8080/v1. Also: WRIGHT_BASE_URL, or `base-url` in the
    /// configuration.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
}

/// What a model is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Fixing, asking, generating.
    Agent,
    /// Completing at a position.
    Complete,
}

/// A model and its address, chosen together: an address belongs to the model beside which it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    model: String,
    base_url: Option<String>,
}

/// Opens the model that the flags, the environment or the configuration choose. No connection is made.
pub(crate) fn open(app: &App, args: &ModelArgs, purpose: Purpose) -> Result<Arc<dyn Provider>, Failure> {
    let choice = choose(app, args, purpose)?;
    let spec = ModelSpec::parse(&choice.model)?;
    match spec.provider.as_str() {
        "local" => open_local(app, &spec.name),
        "replay" => Ok(Arc::new(ReplayProvider::open(&app.environment.dir.join(&spec.name))?)),
        _ => open_remote(app, &spec, choice.base_url),
    }
}

/// Returns the name of the model that [`open`] would open.
pub(crate) fn chosen_model(app: &App, purpose: Purpose) -> Result<String, Failure> {
    Ok(choose(app, &ModelArgs::default(), purpose)?.model)
}

fn choose(app: &App, args: &ModelArgs, purpose: Purpose) -> Result<Choice, Failure> {
    let from_environment = variable("WRIGHT_MODEL");
    let is_from_file = args.model.is_none() && from_environment.is_none();
    let config = &app.config;
    let (in_file, default) = match purpose {
        Purpose::Agent => (&config.model, DEFAULT_MODEL),
        Purpose::Complete => (&config.complete_model, DEFAULT_COMPLETE_MODEL),
    };
    let model =
        args.model.clone().or(from_environment).or_else(|| in_file.clone()).unwrap_or_else(|| default.to_owned());
    let is_local = model.starts_with("local:") || model.starts_with("replay:");
    if is_local {
        return match &args.base_url {
            Some(url) => {
                Err(Failure::usage(format!("--base-url {url:?} does not go with {model:?}, which is on this machine"))
                    .hint("Name the server's model as well, for example `--model openai:NAME`."))
            }
            None => Ok(Choice { model, base_url: None }),
        };
    }
    let in_file = is_from_file.then(|| config.base_url.clone()).flatten();
    let base_url = args.base_url.clone().or_else(|| variable("WRIGHT_BASE_URL")).or(in_file);
    Ok(Choice { model, base_url })
}

fn open_remote(app: &App, spec: &ModelSpec, base_url: Option<String>) -> Result<Arc<dyn Provider>, Failure> {
    if !["openai", "openai-responses", "anthropic", "gemini", "ollama"].contains(&spec.provider.as_str()) {
        return Err(Failure::usage(format!("unknown provider {:?} in model \"{spec}\"", spec.provider))
            .hint("The providers are local, openai, openai-responses, anthropic, gemini, ollama and replay."));
    }
    let key = keys::find(&spec.provider, &app.environment.config_folder)?;
    let is_key_missing = key.is_none() && base_url.is_none() && spec.provider != "ollama";
    if is_key_missing {
        let usual = keys::usual_variable(&spec.provider).unwrap_or("WRIGHT_API_KEY");
        return Err(Failure::usage(format!("no key for \"{spec}\""))
            .hint(format!("Set {usual} or WRIGHT_API_KEY, or name a server that needs none with --base-url.")));
    }
    let config = RemoteConfig { base_url, key, ..RemoteConfig::default() };
    match RemoteProvider::new(spec, config) {
        Ok(provider) => Ok(Arc::new(provider)),
        Err(ProviderError::Configuration { message }) => {
            Err(Failure::usage(message).hint("An address looks like http://localhost:8080/v1."))
        }
        Err(error) => Err(error.into()),
    }
}

fn open_local(app: &App, id: &str) -> Result<Arc<dyn Provider>, Failure> {
    match app.models().path_of(id) {
        Ok(_) => Ok(Arc::new(LocalProvider::new(local_config(app)?, id))),
        Err(ModelError::Missing { .. }) if catalogue::find(id).is_some() => {
            Err(ProviderError::ModelMissing { id: id.to_owned() }.into())
        }
        Err(ModelError::Missing { .. }) => Err(unknown_model(id, app.home.models())),
        Err(error) => Err(error.into()),
    }
}

/// Returns the failure for an id that is neither in the catalogue nor in the folder.
pub(crate) fn unknown_model(id: &str, folder: &Path) -> Failure {
    let known: Vec<&str> = CATALOGUE.iter().map(|it| it.id).collect();
    let hint = format!("Models to pull: {}. A model of your own goes to {}.", known.join(", "), folder.display());
    Failure::usage(format!("there is no local model {id:?}")).hint(hint)
}

/// Returns how the model worker is started and reached.
pub(crate) fn local_config(app: &App) -> Result<LocalConfig, Failure> {
    let program = app.environment.program.to_string_lossy().into_owned();
    let config = &app.config;
    Ok(LocalConfig {
        worker_command: vec![program, "internal".to_owned(), "model-worker".to_owned()],
        socket: app.home.socket()?,
        models: app.home.models().to_owned(),
        threads: config.threads.unwrap_or_else(|| Machine::read().n_cores),
        context_tokens: config.context_tokens.unwrap_or(DEFAULT_CONTEXT_TOKENS),
        states: Some(app.home.private_folder("states")?),
        idle_unload: config.idle_unload.map_or(DEFAULT_IDLE_UNLOAD, |it| it.0),
        idle_exit: config.idle_exit.map_or(DEFAULT_IDLE_EXIT, |it| it.0),
    })
}
