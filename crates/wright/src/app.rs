//! What commands work with: the surroundings, the configuration, and doors to everything that must be opened first.

use std::path::PathBuf;
use std::sync::Arc;

use wright_agent::Toolchains;
use wright_llama::ModelFolder;
use wright_sandbox::{HelperCommand, Level, Sandbox};
use wright_store::Store;

use crate::config::{self, Config};
use crate::environment::{Environment, variable};
use crate::home::Home;
use crate::report::Failure;
use crate::terminal::Terminal;

/// One run of the program.
pub(crate) struct App {
    /// Variables and folders.
    pub(crate) environment: Environment,
    /// Where this program's data is.
    pub(crate) home: Home,
    /// What the user has configured.
    pub(crate) config: Config,
    /// Stdout and stderr.
    pub(crate) terminal: Arc<Terminal>,
}

impl App {
    /// Reads the surroundings and the configuration.
    pub(crate) fn open(environment: Environment, terminal: Arc<Terminal>) -> Result<Self, Failure> {
        let config = config::load(&environment)?;
        let home = Home::find(&environment);
        Ok(Self { environment, home, config, terminal })
    }

    /// Opens the database, creating it when it is missing.
    pub(crate) async fn store(&self) -> Result<Store, Failure> {
        self.home.private_folder("")?;
        Ok(Store::open(&self.home.store()).await?)
    }

    /// Returns whether what becomes of suggestions is recorded, into the database that [`Home::suggestions`] names.
    pub(crate) fn records_suggestions(&self) -> bool {
        config::allows_telemetry(&self.config, variable("WRIGHT_TELEMETRY").as_deref())
    }

    /// Finds out how commands can be isolated here.
    pub(crate) async fn sandbox(&self) -> Result<Sandbox, Failure> {
        let program = self.environment.program.clone();
        let helper = HelperCommand { program, args: vec!["internal".to_owned(), "sandbox-helper".to_owned()] };
        let probed = tokio::task::spawn_blocking(move || Sandbox::probe(helper)).await;
        Ok(probed.map_err(|error| Failure::usage(format!("failed to probe the sandbox: {error}")))??)
    }

    /// Returns the weakest isolation that is accepted.
    pub(crate) fn minimum_level(&self) -> Level {
        self.config.minimum_level.map_or(Level::D, Level::from)
    }

    /// Returns what commands in the sandbox may read.
    pub(crate) fn toolchains(&self) -> Toolchains {
        let environment = &self.environment;
        Toolchains { search_path: environment.search_path.clone(), home: Some(environment.user_home.clone()) }
    }

    /// Returns the folder of models.
    pub(crate) fn models(&self) -> ModelFolder {
        ModelFolder::new(self.home.models())
    }

    /// Returns the absolute form of a path that the user gave.
    pub(crate) fn absolute(&self, path: impl Into<PathBuf>) -> PathBuf {
        self.environment.dir.join(path.into())
    }
}
