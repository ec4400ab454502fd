//! Running programs of tasks in the sandbox, each in a fresh folder.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tempfile::TempDir;
use wright_sandbox::{Command, Exit, Level, Limits, Outcome, Policy};

use crate::{Deps, EvalError};

const MIB: u64 = 1024 * 1024;

/// Runs what tasks bring with them.
pub(crate) struct Trials<'a> {
    deps: &'a Deps,
    /// Which programs this machine has, as far as it was asked.
    installed: Mutex<HashMap<String, bool>>,
    tokens: RandomState,
    n_tokens: Mutex<u64>,
}

impl<'a> Trials<'a> {
    /// Prepares the work folder.
    pub(crate) fn new(deps: &'a Deps) -> Result<Self, EvalError> {
        let folder = &deps.scratch;
        std::fs::create_dir_all(folder).map_err(|source| EvalError::Io { path: folder.clone(), source })?;
        Ok(Self { deps, installed: Mutex::default(), tokens: RandomState::new(), n_tokens: Mutex::default() })
    }

    /// Returns a fresh folder with these files, which is removed when it is dropped.
    pub(crate) fn folder<P: AsRef<Path>, T: AsRef<str>>(
        &self,
        files: impl IntoIterator<Item = (P, T)>,
    ) -> Result<TempDir, EvalError> {
        let root = &self.deps.scratch;
        let made = tempfile::Builder::new().prefix("trial-").tempdir_in(root);
        let folder = made.map_err(|source| EvalError::Io { path: root.clone(), source })?;
        for (path, text) in files {
            write(&folder.path().join(path), text.as_ref())?;
        }
        Ok(folder)
    }

    /// Runs a command in a folder.
    pub(crate) async fn run(&self, folder: &Path, argv: &[&str], limits: Limits) -> Result<Outcome, EvalError> {
        self.run_with(folder, argv, limits, &[]).await
    }

    /// Runs a command in a folder with further variables.
    pub(crate) async fn run_with(
        &self,
        folder: &Path,
        argv: &[&str],
        limits: Limits,
        variables: &[(&str, &str)],
    ) -> Result<Outcome, EvalError> {
        let mut env = self.deps.toolchains.env();
        // Sets of texts have the same order in every run.
        env.push(("PYTHONHASHSEED".to_owned(), "0".to_owned()));
        env.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let policy = Policy {
            tree: folder.to_owned(),
            read_only: self.deps.toolchains.read_only(),
            limits,
            minimum_level: Level::D,
        };
        let argv = argv.iter().map(|it| (*it).to_owned()).collect();
        let command = Command { argv, dir: PathBuf::new(), env };
        Ok(self.deps.sandbox.run(&policy, &command).await?)
    }

    /// Returns why a language's programs cannot be run here, if so.
    pub(crate) async fn missing(&self, programs: &[&str]) -> Result<Option<String>, EvalError> {
        for program in programs {
            if !self.is_installed(program).await? {
                return Ok(Some(format!("`{program}` is not installed")));
            }
        }
        Ok(None)
    }

    async fn is_installed(&self, program: &str) -> Result<bool, EvalError> {
        let known = self.installed.lock().unwrap_or_else(PoisonError::into_inner).get(program).copied();
        if let Some(known) = known {
            return Ok(known);
        }
        let folder = self.folder([("empty", "")])?;
        let outcome = self.run(folder.path(), &[program, "--version"], compiled_limits()).await?;
        let is_installed = outcome.exit == Exit::Code(0);
        self.installed.lock().unwrap_or_else(PoisonError::into_inner).insert(program.to_owned(), is_installed);
        Ok(is_installed)
    }

    /// Returns a word that no program can guess, by which a judging script shows that it came to its end.
    pub(crate) fn token(&self) -> String {
        let mut n_tokens = self.n_tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *n_tokens += 1;
        format!("token-{:016x}", self.tokens.hash_one(*n_tokens))
    }
}

/// Writes a file and the folders around it.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), EvalError> {
    let failed = |source| EvalError::Io { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::write(path, text).map_err(failed)
}

/// What one Python program may use.
pub(crate) fn python_limits() -> Limits {
    limits(1024 * MIB, Duration::from_secs(10))
}

/// What a compiler or a JavaScript or Java machine may use. Programs limit their own time further.
pub(crate) fn compiled_limits() -> Limits {
    limits(4096 * MIB, Duration::from_secs(90))
}

/// Time is counted in processor time, so that a busy machine changes no verdict; the clock is the last resort.
fn limits(memory_bytes: u64, cpu: Duration) -> Limits {
    Limits { wall: cpu * 6, cpu, memory_bytes, file_bytes: 64 * MIB, output_bytes: MIB, ..Limits::default() }
}

/// Returns the last lines of what a program printed, for a reason.
pub(crate) fn last_words(outcome: &Outcome) -> String {
    let text = outcome.text();
    let last = text.lines().rev().map(str::trim).find(|it| !it.is_empty()).unwrap_or_default();
    let words: String = last.chars().take(200).collect();
    match outcome.exit {
        Exit::WallClock => "stopped at the time limit".to_owned(),
        Exit::Signal(24) => "stopped at the limit of processor time".to_owned(),
        Exit::OutputLimit => "stopped at the output limit".to_owned(),
        Exit::Signal(signal) => format!("killed by signal {signal}: {words}"),
        Exit::Code(_) if words.is_empty() => "ended without a word".to_owned(),
        Exit::Code(_) => words,
    }
}
