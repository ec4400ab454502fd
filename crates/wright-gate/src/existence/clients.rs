//! Asks registries through the user's own package clients, in the sandbox, with the way out that the caller grants.

use std::path::PathBuf;

use async_trait::async_trait;
use wright_sandbox::egress::Egress;
use wright_sandbox::{Command, Exit, Level, Limits, Policy, Sandbox};

use super::{Ecosystem, PackageRegistry, Registered};

/// The registries as the user's own clients reach them. Making one is the user's consent to ask.
pub struct Clients {
    /// Where the clients run.
    pub sandbox: Sandbox,
    /// The hosts that they may reach.
    pub egress: Egress,
    /// An empty folder that the clients may write to.
    pub scratch: PathBuf,
    /// The clients' own programs and caches.
    pub read_only: Vec<PathBuf>,
    /// Variables that tell the clients where packages come from.
    pub variables: Vec<(String, String)>,
}

#[async_trait]
impl PackageRegistry for Clients {
    async fn lookup(&self, ecosystem: Ecosystem, name: &str) -> Registered {
        let Some(argv) = question(ecosystem, name) else {
            return Registered::Unknown(format!("no client can be asked about `{}`", name.escape_debug()));
        };
        let limits = Limits { wall: std::time::Duration::from_secs(30), ..Limits::default() };
        let policy =
            Policy { tree: self.scratch.clone(), read_only: self.read_only.clone(), limits, minimum_level: Level::B };
        let command = Command { argv, dir: PathBuf::new(), env: self.variables.clone() };
        match self.sandbox.run_with_egress(&policy, &command, &self.egress).await {
            Ok((outcome, _)) => answer(ecosystem, name, outcome.exit, &outcome.text()),
            Err(error) => Registered::Unknown(format!("the package client did not run: {error}")),
        }
    }
}

/// Returns the command that asks about a name. `None` for a name that no registry takes: it never reaches a command line.
fn question(ecosystem: Ecosystem, name: &str) -> Option<Vec<String>> {
    if !ecosystem.is_name(name) || name.starts_with('-') {
        return None;
    }
    let words: Vec<&str> = match ecosystem {
        Ecosystem::PyPi => vec!["python3", "-m", "pip", "index", "versions", "--disable-pip-version-check", name],
        Ecosystem::Npm => vec!["npm", "view", name, "time", "--json"],
        Ecosystem::Crates => vec!["cargo", "info", "--registry", "crates-io", name],
        Ecosystem::Go => vec!["go", "list", "-m", "-versions", name],
        Ecosystem::Maven => return None,
    };
    Some(words.into_iter().map(str::to_owned).collect())
}

/// Reads a client's answer. What is not clearly a yes or a no is unknown: a refused connection is no answer about a name.
fn answer(ecosystem: Ecosystem, name: &str, exit: Exit, text: &str) -> Registered {
    let known = |first_release| Registered::Known { first_release, downloads: None };
    let is_absent = match ecosystem {
        Ecosystem::PyPi => {
            text.contains("No matching distribution found")
                && !text.contains("connection")
                && !text.contains("Retrying")
        }
        Ecosystem::Npm => text.contains("E404"),
        Ecosystem::Crates => text.contains("could not find `") || text.contains("not found in registry"),
        Ecosystem::Go => text.contains("404 Not Found") || text.contains("410 Gone"),
        Ecosystem::Maven => false,
    };
    match exit {
        Exit::Code(0) if ecosystem == Ecosystem::Npm => known(created(text)),
        Exit::Code(0) if text.contains(name) => known(None),
        Exit::Code(127) => Registered::Unknown("the package client is not installed".to_owned()),
        Exit::Code(_) if is_absent => Registered::Absent,
        _ => Registered::Unknown("the package client could not reach the registry".to_owned()),
    }
}

fn created(text: &str) -> Option<String> {
    let json = &text[text.find('{')?..];
    let mut values = serde_json::Deserializer::from_str(json).into_iter::<serde_json::Value>();
    let day = values.next()?.ok()?.get("created")?.as_str()?.get(..10)?.to_owned();
    Some(day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_be_an_option_or_a_path_is_never_asked_about() {
        for name in ["--index-url=x", "../a", "a b", "a;b", ""] {
            assert_eq!(question(Ecosystem::PyPi, name), None, "{name}");
        }
        assert!(question(Ecosystem::Npm, "@types/node").is_some());
    }

    #[test]
    fn answers_of_clients_are_yes_no_or_unknown() {
        let npm = answer(Ecosystem::Npm, "a", Exit::Code(0), "npm warn x\n{\"created\": \"2011-02-03T00:00:00Z\"}");
        assert_eq!(npm, Registered::Known { first_release: Some("2011-02-03".to_owned()), downloads: None });
        assert_eq!(answer(Ecosystem::Npm, "a", Exit::Code(1), "npm error code E404"), Registered::Absent);
        let absent = "ERROR: No matching distribution found for a";
        assert_eq!(answer(Ecosystem::PyPi, "a", Exit::Code(1), absent), Registered::Absent);
        let refused = format!("WARNING: Retrying after connection broken\n{absent}");
        assert!(matches!(answer(Ecosystem::PyPi, "a", Exit::Code(1), &refused), Registered::Unknown(_)));
        assert!(matches!(answer(Ecosystem::Crates, "a", Exit::Code(127), ""), Registered::Unknown(_)));
        assert!(matches!(answer(Ecosystem::Go, "a", Exit::WallClock, ""), Registered::Unknown(_)));
    }
}
