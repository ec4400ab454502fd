//! Fetches what a project depends on, before a session begins: the one run of a task that has a way out.
//!
//! ```text
//!   1 ask     the client, in an empty folder of ours: which hosts does it want?      proxy: those it named so far
//!   2 fetch   the client, in a folder that holds the project's manifests alone       proxy: those hosts
//!   3 work    everything else, with what was fetched                                 no way out
//! ```
//!
//! No model takes part, and nothing that a model wrote is there. Where packages come from is the user's decision: the hosts
//! are those that the user's own client asks for when nobody else tells it anything, and those that the user names. Settings
//! that a repository brings along are not copied, so a repository cannot add a host; one that it names all the same, in a
//! manifest or a lock file, is refused by the proxy. The clients' settings, which may hold a token for a mirror, are readable
//! in steps 1 and 2 alone, and packages get no chance to run code there ([`Client::runs_project_code`]).

mod client;
mod manifests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use wright_sandbox::egress::{AllowedHost, Egress, EgressPolicy, EgressRecord, EgressRefusal};
use wright_sandbox::{Command, Exit, Level, Limits, Outcome, Policy, Sandbox, SandboxError};
use wright_text::neutral_line;

pub use client::{CLIENT_VARIABLES, Client};

use crate::Toolchains;
use crate::boundary::{Action, Decision, Taint};

/// How often a client is asked which host comes next: an index names where its files are, and that is where it ends.
const MAX_QUESTIONS: usize = 4;

/// How long one question may take.
const QUESTION_PATIENCE: Duration = Duration::from_secs(60);

/// The folder in the set-up's tree that holds what was fetched.
const FETCHED: &str = "fetched";

/// What the user allows, from the user's own configuration: `setup-hosts`, `setup-private-hosts` and `setup-files`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SetupConfiguration {
    /// `setup-hosts`: hosts beside those that the client asks for, as `host` or `host:port`.
    pub hosts: Vec<String>,
    /// `setup-private-hosts`: hosts that may lie in a private network, as a company's mirror does.
    pub private_hosts: Vec<String>,
    /// `setup-hosts` of the project: where it is given, no other hosts are allowed, whoever asks for them. It takes away from
    /// the above and adds nothing.
    pub only_hosts: Option<Vec<String>>,
    /// `setup-files`: the clients' settings, by absolute paths. Clients that run the project's code do not see them.
    pub files: Vec<PathBuf>,
    /// Those of [`CLIENT_VARIABLES`] that the user has set. Clients that run the project's code do not see them.
    pub variables: Vec<(String, String)>,
}

/// Why nothing was fetched.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The session has read text of others, so a person must agree.
    #[error("a person must agree to this: {shown}")]
    NeedsPerson {
        /// What exactly would happen.
        shown: String,
    },
    /// A host of the configuration is none.
    #[error("cannot allow {host:?}: {refusal}")]
    Host {
        /// What the configuration says.
        host: String,
        /// What is wrong with it.
        refusal: EgressRefusal,
    },
    /// The manifests could not be copied.
    #[error("cannot copy the manifests: {what}")]
    Manifests {
        /// What went wrong.
        what: String,
    },
    /// The client did not succeed.
    #[error("{client} could not fetch the dependencies ({end}): {detail}")]
    Failed {
        /// The client.
        client: &'static str,
        /// How it ended.
        end: String,
        /// The hosts that it could not be led to, and why; or else the last line of what it printed.
        detail: String,
        /// What it printed.
        output: String,
        /// Hosts that it was refused.
        refused: Vec<String>,
    },
    /// The sandbox refused to run it.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl SetupError {
    /// Returns what to try next, as a sentence.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NeedsPerson { .. } => Some("Fetch the dependencies before the task begins.".to_owned()),
            Self::Host { .. } => Some("Write `host` or `host:port`, without a scheme and without a path.".to_owned()),
            Self::Failed { refused, .. } if !refused.is_empty() => Some(format!(
                "If you trust them, add these hosts to `setup-hosts` in your configuration: {}.",
                refused.join(", ")
            )),
            Self::Sandbox(error) => error.hint().map(str::to_owned),
            Self::Failed { .. } | Self::Manifests { .. } => None,
        }
    }
}

/// What was fetched, for the runs that follow without a way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The client that fetched it.
    pub client: Client,
    /// The folder that later commands may read.
    pub folder: PathBuf,
    /// Variables by which later commands find it.
    pub env: Vec<(String, String)>,
    /// The folder whose programs later commands find first.
    pub programs: Option<PathBuf>,
    /// The folder that belongs into a copy of the project, under its name there.
    pub linked: Option<(&'static str, PathBuf)>,
    /// What was asked of the proxy.
    pub requests: Vec<EgressRecord>,
}

impl Prepared {
    /// Adds to a command's variables what leads it to what was fetched. It wins over what they say already.
    pub fn add_to(&self, env: &mut Vec<(String, String)>) {
        env.retain(|(name, _)| !self.env.iter().any(|(ours, _)| ours == name));
        env.extend(self.env.iter().cloned());
        let Some(programs) = &self.programs else { return };
        let programs = programs.display();
        match env.iter_mut().find(|(name, _)| name == "PATH") {
            Some((_, path)) => *path = format!("{programs}:{path}"),
            None => env.push(("PATH".to_owned(), format!("{programs}:/usr/local/bin:/usr/bin:/bin"))),
        }
    }
}

/// What a set-up works with.
#[derive(Clone)]
pub struct Setup<'a> {
    /// Where commands run.
    pub sandbox: &'a Sandbox,
    /// What commands may read.
    pub toolchains: &'a Toolchains,
    /// What the user allows.
    pub configuration: &'a SetupConfiguration,
    /// How a policy becomes a way out: [`Egress::new`] but for tests.
    pub egress: &'a (dyn Fn(EgressPolicy) -> Egress + Sync),
    /// How long fetching may take.
    pub time_limit: Duration,
}

impl Setup<'_> {
    /// Fetches what the project in `project`, a copy of the base commit, needs of one client. `folder` must be empty; it holds
    /// the result.
    ///
    /// # Errors
    /// When the session is tainted, the client fails, or something cannot be written.
    pub async fn fetch(
        &self,
        client: Client,
        project: &Path,
        folder: &Path,
        taint: &Taint,
    ) -> Result<Prepared, SetupError> {
        // A tainted session may not even ask.
        let allowed = if taint.is_tainted() {
            self.configured()?
        } else {
            self.hosts_of(client, &folder.join("question")).await?
        };
        let allowed = self.narrowed(allowed)?;
        let argv = self.with_settings(client, client.fetch());
        let hosts: Vec<String> = allowed.iter().map(|it| it.host().to_string()).collect();
        if let Decision::NeedsPerson(shown) = taint.decide(&Action::Network { hosts, argv: argv.clone() }) {
            return Err(SetupError::NeedsPerson { shown });
        }
        let tree = folder.join("tree");
        manifests::copy(client, project, &tree).map_err(|error| SetupError::Manifests { what: error.to_string() })?;
        let (outcome, requests) = self.run(client, &tree, argv, allowed, self.time_limit).await?;
        if !outcome.is_success() {
            return Err(failure(client, &outcome, &requests));
        }
        let fetched = tree.join(FETCHED);
        let env = client.offline_variables(&tree, &fetched);
        let programs = client.programs(&tree, &fetched).filter(|it| it.is_dir());
        let linked = client.linked_folder().map(|it| (it, tree.join(it))).filter(|(_, folder)| folder.is_dir());
        Ok(Prepared { client, folder: tree, env, programs, linked, requests })
    }

    /// Returns whether everything is there already that the project needs of a client. Found out without a way out, and with
    /// the manifests alone, in `scratch`, which must be empty.
    ///
    /// # Errors
    /// When the manifests cannot be copied or the sandbox refuses.
    pub async fn is_satisfied(&self, client: Client, project: &Path, scratch: &Path) -> Result<bool, SetupError> {
        if client.installed_folders().iter().any(|it| project.join(it).is_dir()) {
            return Ok(true);
        }
        let Some(argv) = client.check() else { return Ok(false) };
        manifests::copy(client, project, scratch).map_err(|error| SetupError::Manifests { what: error.to_string() })?;
        let limits = Limits { wall: self.time_limit, cpu: self.time_limit, ..Limits::default() };
        let policy = Policy { read_only: self.toolchains.read_only(), limits, ..Policy::new(scratch) };
        let command = Command { argv, env: self.toolchains.env(), ..Command::default() };
        Ok(self.sandbox.run(&policy, &command).await?.is_success())
    }

    /// Returns a command that finds the user's settings. Clients that run the project's code do not see them.
    fn with_settings(&self, client: Client, argv: Vec<String>) -> Vec<String> {
        if client.runs_project_code() { argv } else { client.with_settings(argv, &self.configuration.files) }
    }

    /// Returns the hosts that the client asks for by itself, with those that the user names. The client works in an empty
    /// folder of ours: nothing of the project can answer in its place.
    ///
    /// # Errors
    /// When the user's configuration names no host, or the sandbox refuses.
    pub async fn hosts_of(&self, client: Client, scratch: &Path) -> Result<Vec<AllowedHost>, SetupError> {
        let mut allowed = self.configured()?;
        let Some(argv) = client.question().map(|argv| self.with_settings(client, argv)) else { return Ok(allowed) };
        client.write_question(scratch).map_err(|error| SetupError::Manifests { what: error.to_string() })?;
        for _ in 0..MAX_QUESTIONS {
            let (_, requests) = self.run(client, scratch, argv.clone(), allowed.clone(), QUESTION_PATIENCE).await?;
            let before = allowed.len();
            for host in refused_hosts(&requests) {
                let found = self.allowed_host(&host)?;
                if !allowed.contains(&found) {
                    allowed.push(found);
                }
            }
            if allowed.len() == before {
                break;
            }
        }
        Ok(allowed)
    }

    /// Leaves only the hosts that the project accepts.
    fn narrowed(&self, mut allowed: Vec<AllowedHost>) -> Result<Vec<AllowedHost>, SetupError> {
        let Some(only) = &self.configuration.only_hosts else { return Ok(allowed) };
        let only: Vec<AllowedHost> = only.iter().map(|it| self.allowed_host(it)).collect::<Result<_, _>>()?;
        allowed.retain(|it| only.iter().any(|other| other.host() == it.host()));
        Ok(allowed)
    }

    fn configured(&self) -> Result<Vec<AllowedHost>, SetupError> {
        let configuration = self.configuration;
        configuration.hosts.iter().chain(&configuration.private_hosts).map(|it| self.allowed_host(it)).collect()
    }

    fn allowed_host(&self, text: &str) -> Result<AllowedHost, SetupError> {
        let read = |text: &str| {
            AllowedHost::parse(text).map_err(|refusal| SetupError::Host { host: text.to_owned(), refusal })
        };
        let host = read(text)?;
        for private in &self.configuration.private_hosts {
            if read(private)?.host() == host.host() {
                return Ok(host.in_private_network());
            }
        }
        Ok(host)
    }

    async fn run(
        &self,
        client: Client,
        tree: &Path,
        argv: Vec<String>,
        allowed: Vec<AllowedHost>,
        time_limit: Duration,
    ) -> Result<(Outcome, Vec<EgressRecord>), SetupError> {
        let mut read_only = self.toolchains.read_only();
        let mut env: Vec<(String, String)> =
            self.toolchains.env().into_iter().filter(|(name, _)| !client::is_about_offline(name)).collect();
        env.extend(client.fetch_variables(&tree.join(FETCHED)));
        if !client.runs_project_code() {
            read_only.extend(self.configuration.files.iter().filter(|it| it.is_file()).cloned());
            env.extend(client.settings_variables(&self.configuration.files));
            let known = |name: &str| CLIENT_VARIABLES.contains(&name);
            env.extend(self.configuration.variables.iter().filter(|(name, _)| known(name)).cloned());
        }
        let policy = Policy {
            tree: tree.to_owned(),
            read_only,
            limits: Limits { wall: time_limit, cpu: time_limit, ..Limits::default() },
            minimum_level: Level::B,
        };
        let command = Command { argv, env, ..Command::default() };
        let egress = (self.egress)(EgressPolicy::new(allowed));
        Ok(self.sandbox.run_with_egress(&policy, &command, &egress).await?)
    }
}

fn failure(client: Client, outcome: &Outcome, requests: &[EgressRecord]) -> SetupError {
    let end = match outcome.exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("killed by signal {signal}"),
        Exit::WallClock => "stopped at the time limit".to_owned(),
        Exit::OutputLimit => "stopped at the output limit".to_owned(),
    };
    let refused = refused_hosts(requests).into_iter().collect();
    let output = outcome.text();
    let detail = dead_ends(requests).unwrap_or_else(|| neutral_line(last_line(&output)).into_owned());
    SetupError::Failed { client: client.name(), end, detail, output, refused }
}

/// Says which hosts nothing could be fetched from although they are on the list.
fn dead_ends(requests: &[EgressRecord]) -> Option<String> {
    let is_dead_end = |it: &&EgressRefusal| {
        matches!(it, EgressRefusal::Address { .. } | EgressRefusal::Unresolved | EgressRefusal::Unreachable)
    };
    let said = |it: &EgressRecord| {
        let refusal = it.refusal.as_ref().filter(is_dead_end)?;
        Some(format!("{}: {refusal}", neutral_line(&it.target)))
    };
    let said: BTreeSet<String> = requests.iter().filter_map(said).collect();
    (!said.is_empty()).then(|| said.into_iter().collect::<Vec<_>>().join(", "))
}

fn last_line(output: &str) -> &str {
    output.lines().rev().find(|it| !it.trim().is_empty()).unwrap_or("it printed nothing")
}

/// Returns the hosts that were asked for and are not on the list, as `host` or `host:port`.
fn refused_hosts(requests: &[EgressRecord]) -> BTreeSet<String> {
    let is_new = |it: &&EgressRecord| {
        matches!(
            it.refusal,
            Some(EgressRefusal::NotListed | EgressRefusal::NothingAllowed | EgressRefusal::Port { .. })
        )
    };
    let refused = requests.iter().filter(is_new).filter_map(|it| {
        let authority = it.target.strip_prefix("http://").unwrap_or(&it.target).split(['/', '?']).next()?;
        let host = authority.strip_suffix(":443").or(authority.strip_suffix(":80")).unwrap_or(authority);
        AllowedHost::parse(host).is_ok().then(|| host.to_ascii_lowercase())
    });
    refused.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_leads_nowhere_is_named_with_the_reason() {
        let record = |target: &str, refusal| EgressRecord {
            method: "CONNECT".to_owned(),
            target: target.to_owned(),
            refusal,
            bytes_up: 0,
            bytes_down: 0,
        };
        let private = EgressRefusal::Address { what: "a private network" };
        let requests =
            [record("b.example:443", Some(private)), record("a.example:443", Some(EgressRefusal::NotListed))];
        let expected = "b.example:443: the host's address belongs to a private network";
        assert_eq!(dead_ends(&requests).as_deref(), Some(expected));
        assert_eq!(dead_ends(&requests[1..]), None);
    }

    #[test]
    fn what_was_fetched_wins_over_what_the_machine_has() {
        let prepared = Prepared {
            client: Client::Cargo,
            folder: PathBuf::from("/s"),
            env: vec![("CARGO_HOME".to_owned(), "/s/fetched/cargo".to_owned())],
            programs: Some(PathBuf::from("/s/bin")),
            linked: None,
            requests: Vec::new(),
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut env = vec![pair("PATH", "/usr/bin"), pair("CARGO_HOME", "/home/u/.cargo"), pair("A", "1")];
        prepared.add_to(&mut env);
        assert_eq!(env, [pair("PATH", "/s/bin:/usr/bin"), pair("A", "1"), pair("CARGO_HOME", "/s/fetched/cargo")]);
    }

    #[test]
    fn hosts_that_were_refused_are_read_from_what_was_asked() {
        let record = |target: &str, refusal| EgressRecord {
            method: "GET".to_owned(),
            target: target.to_owned(),
            refusal,
            bytes_up: 0,
            bytes_down: 0,
        };
        let requests = [
            record("Index.example:443", Some(EgressRefusal::NothingAllowed)),
            record("http://files.example:8080/a", Some(EgressRefusal::NotListed)),
            record("http://127.0.0.1/a", Some(EgressRefusal::NotAName { why: "" })),
            record("http://down.example/a", Some(EgressRefusal::Unreachable)),
            record("http://fine.example/a", None),
        ];
        let hosts: Vec<String> = refused_hosts(&requests).into_iter().collect();
        assert_eq!(hosts, ["files.example:8080", "index.example"]);
    }
}
