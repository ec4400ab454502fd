//! What a project says about tasks in it: `.wright.toml`, as it was committed.
//!
//! Whoever writes to a repository writes this file, so it can only take away from what the user allows: every key makes
//! something stricter, and a key that could not is none. Anything else in it is an error rather than ignored, because somebody
//! expected it to count.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use wright_agent::fix::Request;
use wright_agent::setup::SetupConfiguration;
use wright_repo::{FileMode, Repository};
use wright_sandbox::Level;

use crate::config::{self, MinimumLevel};
use crate::report::Failure;
use crate::time_limit::TimeLimit;

/// The file, at the root of the repository.
const FILE: &str = ".wright.toml";

/// The largest file that is read.
const MAX_BYTES: u64 = 64 * 1024;

/// What a project asks for.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct ProjectConfig {
    /// The weakest sandbox level that is accepted.
    minimum_level: Option<MinimumLevel>,
    /// How long a task may take.
    time_limit: Option<TimeLimit>,
    /// How long one run of the tests may take.
    test_time_limit: Option<TimeLimit>,
    /// How many candidates a task may try.
    candidates: Option<usize>,
    /// Whether dependencies may be fetched; only `false` means something.
    setup: Option<bool>,
    /// The only hosts that they may be fetched from.
    setup_hosts: Option<Vec<String>>,
}

impl ProjectConfig {
    /// Reads the file of the commit that is checked out; a missing one asks for nothing.
    pub(crate) fn load(repo: &Repository) -> Result<Self, Failure> {
        let head = repo.head()?;
        let Some(file) = repo.tracked_files(&head)?.into_iter().find(|it| it.path == Path::new(FILE)) else {
            return Ok(Self::default());
        };
        if file.mode == FileMode::Symlink || file.size > MAX_BYTES {
            return Err(refused("it is a link, or too large"));
        }
        let bytes = repo.read_file(&head, &file.path)?;
        let text = String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8"))?;
        parse(&text)
    }

    /// Makes a request stricter.
    pub(crate) fn narrow(&self, request: &mut Request) {
        let shorter = |ours: Duration, theirs: Option<TimeLimit>| theirs.map_or(ours, |it| ours.min(it.0));
        request.minimum_level = request.minimum_level.max(self.minimum_level.map_or(Level::D, Level::from));
        request.time_limit = shorter(request.time_limit, self.time_limit);
        request.test_time_limit = shorter(request.test_time_limit, self.test_time_limit);
        request.max_candidates = request.max_candidates.min(self.candidates.unwrap_or(usize::MAX));
    }

    /// Makes what may be fetched less, or nothing.
    pub(crate) fn narrow_setup(&self, allowed: Option<SetupConfiguration>) -> Option<SetupConfiguration> {
        let mut allowed = allowed.filter(|_| self.setup != Some(false))?;
        allowed.only_hosts.clone_from(&self.setup_hosts);
        Some(allowed)
    }
}

fn parse(text: &str) -> Result<ProjectConfig, Failure> {
    const HINT: &str = "A project may set minimum-level, time-limit, test-time-limit, candidates, setup and setup-hosts, and \
                        only make them stricter.";
    config::parse_as(text, Path::new(FILE), HINT)
}

fn refused(why: &str) -> Failure {
    Failure::usage(format!("failed to read the project's {FILE}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> Request {
        Request {
            max_candidates: 50,
            time_limit: Duration::from_secs(100),
            test_time_limit: Duration::from_secs(10),
            minimum_level: Level::B,
            ..Request::default()
        }
    }

    fn narrowed(text: &str) -> (usize, u64, u64, Level) {
        let mut request = request();
        parse(text).unwrap().narrow(&mut request);
        let seconds = [request.time_limit, request.test_time_limit].map(|it| it.as_secs());
        (request.max_candidates, seconds[0], seconds[1], request.minimum_level)
    }

    #[test]
    fn a_project_can_ask_for_less_and_never_for_more() {
        assert_eq!(narrowed(""), (50, 100, 10, Level::B));
        let strict = "candidates = 5\ntime-limit = 60\ntest-time-limit = 2\nminimum-level = \"A\"\n";
        assert_eq!(narrowed(strict), (5, 60, 2, Level::A));
        let loose = "candidates = 5000\ntime-limit = \"9h\"\ntest-time-limit = 9000\nminimum-level = \"D\"\n";
        assert_eq!(narrowed(loose), (50, 100, 10, Level::B));
    }

    #[test]
    fn a_project_can_turn_fetching_off_and_not_on() {
        let setup = |text: &str, allowed| parse(text).unwrap().narrow_setup(allowed);
        let users = SetupConfiguration { hosts: vec!["a.example".to_owned()], ..SetupConfiguration::default() };
        assert_eq!(setup("setup = true\nsetup-hosts = [\"evil.example\"]\n", None), None);
        assert_eq!(setup("setup = false\n", Some(users.clone())), None);
        let narrowed = setup("setup-hosts = [\"b.example\"]\n", Some(users.clone())).unwrap();
        assert_eq!((narrowed.hosts, narrowed.only_hosts), (users.hosts, Some(vec!["b.example".to_owned()])));
    }

    #[test]
    fn keys_that_would_loosen_something_are_none() {
        for text in
            ["base-url = \"http://evil.example\"\n", "setup-files = [\"/etc/passwd\"]\n", "model = \"openai:x\"\n"]
        {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(".wright.toml:1") && message.contains("unknown field"), "{message}");
        }
    }
}
