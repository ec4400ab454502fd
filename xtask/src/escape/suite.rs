//! Builds the tests that attack, and runs them as whoever calls, and as an ordinary user too when root calls.

use std::{
    fs::{self, File, Permissions},
    io::BufReader,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, ensure};
use cargo_metadata::Message;

use super::{Outcome, REPORT_VARIABLE, Row, Who};
use crate::workspace::Workspace;

/// Where tests lie. A crate takes part when one of them names the variable for the report.
const TESTS: &str = "tests/it";

/// What the name of every test of the suite begins with.
const ALL: &str = "escapes::";

/// The user that tests run as when root starts them: nobody.
const ORDINARY_USER: u32 = 65_534;

/// The crate whose tests want a copy of themselves that runs as root, to show that the mark does not count in a sandbox. The
/// copy does nothing but say who it is.
const WANTS_SETUID: &str = "wright-sandbox";
const SETUID_NAME: &str = "it-as-root";

/// Variables that ordinary users' tests get as well.
const PASSED_ON: [&str; 2] = ["CI", "WRIGHT_EXPECT_SANDBOX"];

/// What the tests said.
pub(super) struct Run {
    pub(super) rows: Vec<Row>,
    /// Test binaries that failed, by crate and user.
    pub(super) failures: Vec<String>,
}

/// A crate's integration tests, built.
struct Suite {
    package: String,
    folder: PathBuf,
    program: PathBuf,
}

impl Suite {
    fn has_tests(&self, filter: &str) -> Result<bool> {
        let list = Command::new(&self.program).args(["--list", filter]).current_dir(&self.folder).output();
        let list = list.with_context(|| format!("cannot list the tests of {}", self.package))?;
        Ok(String::from_utf8_lossy(&list.stdout).lines().any(|line| line.ends_with(": test")))
    }
}

/// Runs the tests of one case or family, or all.
pub(super) fn run(workspace: &Workspace, only: Option<&str>) -> Result<Run> {
    let place = Place::create()?;
    let filter = filter(only);
    let mut failures = Vec::new();
    for package in participants(workspace) {
        let suite = build(workspace, &package, Profile::Test)?;
        for who in users()? {
            let mut tests = place.command(&suite, who)?;
            // A crate may have one test for many cases, and may name its tests in its own way.
            let mut filters = [filter.as_str(), ALL].into_iter();
            let chosen = filters.find_map(|filter| match suite.has_tests(filter) {
                Ok(true) => Some(Ok(filter)),
                Ok(false) => None,
                Err(error) => Some(Err(error)),
            });
            tests.args(chosen.transpose()?).env(REPORT_VARIABLE, place.report());
            if !is_success(&mut tests)? {
                failures.push(format!("{package} as {}", who.name()));
            }
        }
    }
    let text = fs::read_to_string(place.report()).context("cannot read what the tests reported")?;
    let row = |line: &str| serde_json::from_str(line).with_context(|| format!("not a row: {line}"));
    let rows = text.lines().map(row).collect::<Result<_>>()?;
    Ok(Run { rows: unique(rows, only), failures })
}

/// Returns the rows that are asked for, each once: tests that run themselves again as somebody else report some twice. Of two
/// that differ the one that is worse counts.
fn unique(rows: Vec<Row>, only: Option<&str>) -> Vec<Row> {
    let mut unique: Vec<Row> = Vec::new();
    for row in rows.into_iter().filter(|row| only.is_none_or(|only| super::cases::is_in(&row.case, only))) {
        let is_same = |it: &&mut Row| (&it.case, &it.attack, it.who) == (&row.case, &row.attack, row.who);
        match unique.iter_mut().find(is_same) {
            Some(known) if row.result == Outcome::Through => *known = row,
            Some(_) => {}
            None => unique.push(row),
        }
    }
    unique
}

/// Measures the cost of a sandboxed command, as each user.
pub(super) fn measure_cost(workspace: &Workspace) -> Result<()> {
    let place = Place::create()?;
    let suite = build(workspace, WANTS_SETUID, Profile::Release)?;
    for who in users()? {
        println!("as {}:", who.name());
        let status = place.command(&suite, who)?.arg("cost").status().context("cannot start the measurement")?;
        ensure!(status.success(), "the measurement ended with {status}");
    }
    Ok(())
}

/// Returns the part of a test's name that chooses tests: they are named after their file and their case.
fn filter(only: Option<&str>) -> String {
    match only.map(str::to_lowercase) {
        None => ALL.to_owned(),
        Some(name) if name.ends_with(|c: char| c.is_ascii_digit()) => format!("escapes::{name}_"),
        Some(family) => format!("escapes::{family}"),
    }
}

fn participants(workspace: &Workspace) -> Vec<String> {
    let names = workspace.crates.iter().map(|it| it.name.clone());
    names.filter(|name| reports(&workspace.root.join("crates").join(name).join(TESTS))).collect()
}

/// Returns whether one of the files in a folder of tests names the variable.
fn reports(folder: &Path) -> bool {
    let names_variable = |path: &Path| fs::read_to_string(path).is_ok_and(|text| text.contains(REPORT_VARIABLE));
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|file| file.path()).any(|path| names_variable(&path))
}

/// Returns whoever calls, and an ordinary user if that is root.
fn users() -> Result<Vec<Who>> {
    let is_root = fs::metadata("/proc/self").context("cannot find out who calls")?.uid() == 0;
    Ok(if is_root { vec![Who::Root, Who::User] } else { vec![Who::User] })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    Test,
    Release,
}

fn build(workspace: &Workspace, package: &str, profile: Profile) -> Result<Suite> {
    let mut cargo = workspace.cargo();
    cargo.args(["test", "--package", package, "--test", "it", "--no-run", "--locked", "--message-format", "json"]);
    if profile == Profile::Release {
        cargo.arg("--release");
    }
    let mut cargo = cargo.stdout(Stdio::piped()).spawn().context("cannot start cargo")?;
    let output = cargo.stdout.take().context("cargo has no output")?;
    let mut program = None;
    for message in Message::parse_stream(BufReader::new(output)) {
        if let Message::CompilerArtifact(artifact) = message.context("cannot read what cargo says")?
            && let Some(executable) = artifact.executable
        {
            program = Some(PathBuf::from(executable));
        }
    }
    let status = cargo.wait().context("lost cargo")?;
    ensure!(status.success(), "the tests of {package} do not build");
    let folder = workspace.root.join("crates").join(package);
    Ok(Suite { package: package.to_owned(), folder, program: program.context("cargo built no test program")? })
}

fn is_success(tests: &mut Command) -> Result<bool> {
    // What tests say goes to stderr, so that stdout holds the table alone.
    let status = tests.stdout(std::io::stderr()).status().context("cannot start the tests")?;
    Ok(status.success())
}

/// A folder that every user can enter, with the programs and the report. It vanishes with this value.
struct Place {
    folder: PathBuf,
}

impl Place {
    fn create() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("wright-escape-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let place = Self { folder };
        fs::set_permissions(&place.folder, Permissions::from_mode(0o755))?;
        File::create(place.report())?.set_permissions(Permissions::from_mode(0o666))?;
        Ok(place)
    }

    fn report(&self) -> PathBuf {
        self.folder.join("rows.jsonl")
    }

    /// Returns the command that runs a suite's tests as `who`. A build folder may be closed to others, so they run a copy.
    fn command(&self, suite: &Suite, who: Who) -> Result<Command> {
        let is_root = users()?.contains(&Who::Root);
        if who == Who::Root || !is_root {
            let mut command = Command::new(&suite.program);
            command.current_dir(&suite.folder);
            return Ok(command);
        }
        let home = self.folder.join(&suite.package);
        fs::create_dir_all(&home)?;
        std::os::unix::fs::chown(&home, Some(ORDINARY_USER), Some(ORDINARY_USER))?;
        let program = self.folder.join(format!("{}-tests", suite.package)).join("it");
        copy_program(suite, &program)?;
        let mut command = Command::new(&program);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &home).current_dir(&home);
        command.envs(PASSED_ON.into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        command.uid(ORDINARY_USER).gid(ORDINARY_USER);
        Ok(command)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A folder that is left in the system's temporary one does no harm.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn copy_program(suite: &Suite, to: &Path) -> Result<()> {
    let folder = to.parent().context("a program lies in a folder")?;
    fs::create_dir_all(folder)?;
    fs::copy(&suite.program, to).context("cannot copy the tests")?;
    // Its tests link it to other places, which only its owner may do.
    std::os::unix::fs::chown(to, Some(ORDINARY_USER), Some(ORDINARY_USER))?;
    if suite.package == WANTS_SETUID {
        let marked = folder.join(SETUID_NAME);
        fs::copy(&suite.program, &marked)?;
        fs::set_permissions(&marked, Permissions::from_mode(0o4755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_that_was_reported_twice_counts_once_and_the_worse_one_counts() {
        let row = |case: &str, result| Row {
            case: case.to_owned(),
            attack: "reading".to_owned(),
            who: Who::User,
            level: String::new(),
            control: String::new(),
            result,
            detail: String::new(),
        };
        let (blocked, through) = (row("K1", Outcome::Blocked), row("K1", Outcome::Through));
        let rows = vec![blocked.clone(), through.clone(), blocked, row("G1", Outcome::Blocked)];
        assert_eq!(unique(rows, Some("K")), [through]);
    }

    #[test]
    fn a_case_chooses_its_own_tests_and_a_family_all_of_its_cases() {
        assert_eq!(filter(None), "escapes::");
        assert_eq!(filter(Some("K1")), "escapes::k1_");
        assert_eq!(filter(Some("K")), "escapes::k");
    }
}
