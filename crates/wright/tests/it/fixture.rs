//! What tests stand on: the program in surroundings of its own, and small git repositories.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

/// The surroundings of one test: data folder, configuration, and nothing of the caller's settings.
pub(crate) struct Surroundings {
    folder: TempDir,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Returns the JSON document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Surroundings {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("config/wright")).unwrap();
        Self { folder }
    }

    /// Returns the data folder.
    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes a file beside `config.toml`.
    pub(crate) fn configure(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join("config/wright").join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// Returns the program with these arguments, in these surroundings.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_wright"), args)
    }

    /// Returns any program in these surroundings.
    pub(crate) fn command_of(&self, program: &str, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        let is_setting =
            |name: &str| name.starts_with("WRIGHT_") || name.ends_with("_API_KEY") || name.starts_with("XDG_");
        for (name, _) in std::env::vars().filter(|(name, _)| is_setting(name)) {
            command.env_remove(name);
        }
        command
            .args(args)
            .env("WRIGHT_HOME", self.home())
            .env("XDG_CONFIG_HOME", self.folder.path().join("config"))
            .env("NO_COLOR", "1")
            .env("NO_PROXY", "127.0.0.1,localhost")
            .current_dir(self.folder.path());
        command
    }

    /// Runs the program in `dir`.
    pub(crate) fn run_in(&self, dir: &Path, args: &[&str]) -> Run {
        finish(self.command(args).current_dir(dir))
    }

    /// Runs the program.
    pub(crate) fn run(&self, args: &[&str]) -> Run {
        finish(&mut self.command(args))
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Run {
    let mut command = assert_cmd::Command::from_std(std::mem::replace(command, Command::new("true")));
    let output = command.output().unwrap();
    Run {
        exit: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A git repository with one commit.
pub(crate) struct Project {
    folder: TempDir,
}

impl Project {
    /// Makes a repository of these files.
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap() };
        for (path, text) in files {
            project.write(path, text);
        }
        project.git(&["init", "--quiet", "--initial-branch=main"]);
        project.git(&["add", "--all"]);
        project.git(&["commit", "--quiet", "--message=start"]);
        project
    }

    /// Returns a shop whose total is wrong, with one test that says so and one that passes.
    pub(crate) fn with_bug() -> Self {
        Self::new(&[("shop.py", SHOP), ("test_shop.py", TEST_SHOP)])
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Runs git in the repository and returns what it prints.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
        let run = finish(Command::new("git").args(identity).args(args).current_dir(self.root()));
        assert_eq!(run.exit, 0, "{run:?}");
        run.stdout
    }

    /// Returns every file of the folder, git's own included, with its bytes.
    pub(crate) fn bytes(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut found = BTreeMap::new();
        let mut folders = vec![self.root().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.insert(path.clone(), fs::read(&path).unwrap());
                }
            }
        }
        found
    }
}

/// A module with one bug: the discount is in percent.
pub(crate) const SHOP: &str = r#""""Totals of a shop."""


def total(prices, discount):
    """Returns the sum of the prices after a discount in percent."""
    result = 0
    for price in prices:
        result += price
    return result - result * discount / 10


def cheapest(prices):
    """Returns the lowest price."""
    return min(prices)
"#;

/// The right form of the function in [`SHOP`].
pub(crate) const RIGHT_TOTAL: &str = r#"def total(prices, discount):
    """Returns the sum of the prices after a discount in percent."""
    result = 0
    for price in prices:
        result += price
    return result - result * discount / 100
"#;

const TEST_SHOP: &str = r#"import unittest

from shop import cheapest, total


class ShopTest(unittest.TestCase):
    def test_total_takes_a_discount_in_percent(self):
        self.assertEqual(total([100, 100], 50), 100)

    def test_cheapest_is_the_lowest_price(self):
        self.assertEqual(cheapest([3, 1, 2]), 1)


if __name__ == "__main__":
    unittest.main()
"#;

/// Runs Python's own test runner, which every machine with Python has.
pub(crate) const TEST_COMMAND: [&str; 4] = ["--", "python3", "-m", "unittest"];
