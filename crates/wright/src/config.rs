//! The configuration file, `config.toml`. Every key is also a flag of the command that uses it, with the same name.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use wright_sandbox::Level;

use crate::environment::{Environment, path_variable};
use crate::report::Failure;
use crate::time_limit::TimeLimit;

/// What the user has configured; `None` leaves the default.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Config {
    /// The model of `fix` and `ask`, as `PROVIDER:NAME`.
    pub(crate) model: Option<String>,
    /// The model of `complete`.
    pub(crate) complete_model: Option<String>,
    /// The address of a remote model.
    pub(crate) base_url: Option<String>,
    /// How long a task may take.
    pub(crate) time_limit: Option<TimeLimit>,
    /// How long one run of the tests may take.
    pub(crate) test_time_limit: Option<TimeLimit>,
    /// How many candidates a task may try.
    pub(crate) candidates: Option<usize>,
    /// The weakest sandbox level that is accepted.
    pub(crate) minimum_level: Option<MinimumLevel>,
    /// Whether dependencies that are missing are fetched before a task.
    pub(crate) setup: Option<bool>,
    /// Hosts that they may be fetched from, beside those that the package clients ask for by themselves.
    pub(crate) setup_hosts: Vec<String>,
    /// Hosts that may lie in a private network.
    pub(crate) setup_private_hosts: Vec<String>,
    /// The package clients' settings, which they may read while they fetch.
    pub(crate) setup_files: Vec<PathBuf>,
    /// Whether what becomes of suggestions is recorded, on this machine.
    pub(crate) telemetry: Option<bool>,
    /// Threads of the model worker.
    pub(crate) threads: Option<usize>,
    /// Tokens that prompt and answer may have together on the model worker.
    pub(crate) context_tokens: Option<usize>,
    /// After how long without use the worker unloads a model.
    pub(crate) idle_unload: Option<TimeLimit>,
    /// After how long without use the worker ends.
    pub(crate) idle_exit: Option<TimeLimit>,
}

/// A sandbox level that may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(crate) enum MinimumLevel {
    /// Namespaces, Landlock and the system call filter.
    A,
    /// Namespaces and the system call filter.
    B,
    /// Namespaces from an installed bubblewrap, Landlock and the system call filter.
    C,
    /// Landlock and the system call filter.
    D,
}

impl From<MinimumLevel> for Level {
    fn from(level: MinimumLevel) -> Self {
        match level {
            MinimumLevel::A => Self::A,
            MinimumLevel::B => Self::B,
            MinimumLevel::C => Self::C,
            MinimumLevel::D => Self::D,
        }
    }
}

/// Returns where the configuration file is: `WRIGHT_CONFIG`, or `config.toml` in the configuration folder.
pub(crate) fn path(environment: &Environment) -> PathBuf {
    let chosen = path_variable("WRIGHT_CONFIG").map(|it| environment.dir.join(it));
    chosen.unwrap_or_else(|| environment.config_folder.join("config.toml"))
}

/// Returns whether what becomes of suggestions may be recorded: `WRIGHT_TELEMETRY`, then the configuration, then yes. It never
/// leaves this machine. A value that is not understood means no.
pub(crate) fn allows_telemetry(config: &Config, variable: Option<&str>) -> bool {
    match variable {
        Some(value) => matches!(value.to_ascii_lowercase().as_str(), "1" | "true" | "on" | "yes"),
        None => config.telemetry.unwrap_or(true),
    }
}

/// Reads the configuration file; a missing one is an empty one, unless `WRIGHT_CONFIG` names it.
pub(crate) fn load(environment: &Environment) -> Result<Config, Failure> {
    let path = path(environment);
    match std::fs::read_to_string(&path) {
        Ok(text) => parse(&text, &path),
        Err(error) if error.kind() == ErrorKind::NotFound && path_variable("WRIGHT_CONFIG").is_none() => {
            Ok(Config::default())
        }
        Err(error) => Err(Failure::usage(format!("failed to read the configuration {path:?}: {error}"))),
    }
}

fn parse(text: &str, path: &Path) -> Result<Config, Failure> {
    parse_as(text, path, "`wright --help` says where the file lies and names its keys.")
}

/// Reads keys from TOML. What is wrong with it is named with its line; `hint` says where the keys are listed.
pub(crate) fn parse_as<T: serde::de::DeserializeOwned>(text: &str, path: &Path, hint: &str) -> Result<T, Failure> {
    toml::from_str(text).map_err(|error| {
        let line = error.span().map(|it| text[..it.start.min(text.len())].matches('\n').count() + 1);
        let place = line.map_or_else(|| path.display().to_string(), |line| format!("{}:{line}", path.display()));
        let message = error.message().trim().replace('\n', " ");
        Failure::usage(format!("failed to read the configuration {place}: {message}")).hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(text: &str) -> Result<Config, String> {
        parse(text, Path::new("/c/config.toml")).map_err(|it| it.to_string())
    }

    #[test]
    fn keys_are_written_like_flags() {
        let config =
            check("complete-model = \"local:a\"\ntime-limit = \"2m\"\ntest-time-limit = 5\nminimum-level = \"A\"\n")
                .unwrap();
        assert_eq!(config.complete_model.as_deref(), Some("local:a"));
        assert_eq!(config.time_limit, Some(TimeLimit(Duration::from_secs(120))));
        assert_eq!(config.test_time_limit, Some(TimeLimit(Duration::from_secs(5))));
        assert_eq!(config.minimum_level, Some(MinimumLevel::A));
    }

    #[test]
    fn what_may_be_fetched_is_a_list_of_hosts_and_of_files() {
        let text = "setup = true\nsetup-hosts = [\"a.example\"]\nsetup-private-hosts = [\"b.example:8443\"]\n\
                    setup-files = [\"~/.npmrc\"]\nminimum-level = \"C\"\n";
        let config = check(text).unwrap();
        assert_eq!((config.setup, config.minimum_level), (Some(true), Some(MinimumLevel::C)));
        assert_eq!(
            (config.setup_hosts, config.setup_private_hosts),
            (vec!["a.example".into()], vec!["b.example:8443".into()])
        );
        assert_eq!(config.setup_files, [PathBuf::from("~/.npmrc")]);
    }

    #[test]
    fn telemetry_is_off_when_the_variable_or_else_the_file_says_so() {
        let [unset, on, off] = ["", "telemetry = true", "telemetry = false"].map(|text| check(text).unwrap());
        let table = [
            (&unset, None, true),
            (&off, None, false),
            (&off, Some("1"), true),
            (&on, Some("0"), false),
            (&on, Some("false"), false),
            (&on, Some("nope"), false),
        ];
        for (config, variable, expected) in table {
            assert_eq!(allows_telemetry(config, variable), expected, "{:?} {variable:?}", config.telemetry);
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let message = check("model = \"local:a\"\nmodle = \"x\"\n").unwrap_err();
        assert!(message.contains("/c/config.toml:2") && message.contains("modle"), "{message}");
        assert!(check("time-limit = \"soon\"\n").unwrap_err().contains("/c/config.toml:1"));
    }
}
