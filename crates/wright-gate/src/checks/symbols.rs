//! Every function, attribute, keyword and type that a change names exists in the installed version.
//!
//! The type checkers and compilers that the project has judge both sides, in the sandbox and without network, and only what
//! the change adds counts. Of what they say, a closed list of codes is taken: those that mean "there is no such name".
//! Python is asked a second time, by [`oracle`]: what the packages themselves say when they are imported.
//!
//! A package that is not installed hides its names. That is no finding here; the report says that the file was left out.

pub mod cargo;
pub mod diagnostic;
pub mod go;
pub mod javac;
pub mod oracle;
pub mod python;
pub mod tsc;

use std::path::{Path, PathBuf};
use std::time::Duration;

use wright_sandbox::{Command, Exit, Level, Limits, Policy, Sandbox};
use wright_text::Language;

use crate::change::ChangeSet;
use crate::existence::installed::Installed;
use crate::{CheckReport, CheckStatus, Finding, Tool};
use diagnostic::Diagnostic;

/// The check's name.
pub const NAME: &str = "symbols";

/// What the judges need: where they run, and what they may read.
pub struct Setup<'a> {
    /// Where the tools run.
    pub sandbox: &'a Sandbox,
    /// A copy of the tree before the change, which tools may write to.
    pub before: &'a Path,
    /// A copy of the tree after the change, which tools may write to.
    pub after: &'a Path,
    /// Folders that may hold programs: the project's own environments first, then those of `PATH`.
    pub programs: &'a [PathBuf],
    /// Toolchains, environments and caches that the tools may read.
    pub read_only: &'a [PathBuf],
    /// Variables for the tools.
    pub variables: &'a [(String, String)],
    /// What is installed for the project.
    pub installed: &'a Installed,
    /// What one run may use.
    pub limits: Limits,
    /// The weakest isolation that is accepted.
    pub minimum_level: Level,
}

/// A tool that says which names do not exist.
pub struct Judge {
    /// Its name.
    pub name: &'static str,
    /// The languages that it reads.
    pub languages: &'static [Language],
    /// The program that is looked for.
    pub program: &'static str,
    /// The words that make it tell its version.
    pub version: &'static [&'static str],
    /// Returns its arguments, given the changed files of its languages and the environment of Python.
    pub arguments: fn(&[PathBuf], Option<&Path>) -> Vec<String>,
    /// Reads its answer; `None` for an answer that is none.
    pub parse: fn(&str) -> Option<Vec<Diagnostic>>,
}

/// The tools of each language, the preferred first: the first that is found judges.
pub const JUDGES: &[&[Judge]] =
    &[&[python::TY, python::PYRIGHT, python::MYPY], &[tsc::JUDGE], &[cargo::JUDGE], &[go::JUDGE], &[javac::JUDGE]];

/// Runs the judges of every language that the change touches.
pub async fn reports(change: &ChangeSet, setup: &Setup<'_>) -> Vec<CheckReport> {
    let mut reports = Vec::new();
    let python = files_of(change, &[Language::Python]);
    let mut seen = oracle::Seen::default();
    if !python.is_empty() {
        let (report, present) = oracle::report(change, &python, setup).await;
        reports.push(report);
        seen = present;
    }
    for judges in JUDGES {
        let files = files_of(change, judges[0].languages);
        if !files.is_empty() {
            let mut report = judged(judges, &files, setup).await;
            // Stubs leave out what the installed version has; what was seen there is not absent.
            report.after.retain(|it| !seen.contradicts(it));
            reports.push(report);
        }
    }
    reports
}

fn files_of(change: &ChangeSet, languages: &[Language]) -> Vec<PathBuf> {
    let is_of = |path: &Path| Language::from_path(path).is_some_and(|it| languages.contains(&it));
    let files = change.files.iter().filter(|it| it.after.text().is_some());
    files.map(|it| it.path.clone()).filter(|it| is_of(it)).collect()
}

async fn judged(judges: &[Judge], files: &[PathBuf], setup: &Setup<'_>) -> CheckReport {
    let found = judges.iter().find_map(|judge| Some((judge, find_program(setup.programs, judge.program)?)));
    let Some((judge, program)) = found else {
        let names: Vec<_> = judges.iter().map(|it| it.name).collect();
        return CheckReport::not_run(NAME, format!("none of {} is installed", names.join(", ")));
    };
    let environment = environment_of(setup.installed);
    let mut report = CheckReport::ran(NAME);
    let version = version(judge, &program, setup).await;
    report.tool = Some(Tool { name: judge.name.to_owned(), version: version.clone() });
    let mut argv = vec![program.display().to_string()];
    argv.extend((judge.arguments)(files, environment.as_deref()));
    let mut sides = Vec::new();
    for tree in [setup.before, setup.after] {
        // A file that is new is in one of the trees only, and no tool takes a missing one well.
        let argv: Vec<String> = argv
            .iter()
            .filter(|word| !files.iter().any(|it| it.as_os_str() == word.as_str()) || tree.join(word).exists())
            .cloned()
            .collect();
        match run(setup, tree, argv).await {
            Ok((text, duration)) => {
                report.duration += duration;
                match (judge.parse)(&text) {
                    Some(diagnostics) => sides.push(diagnostics),
                    None => {
                        return failed(
                            report,
                            format!("{} gave no answer that can be read: {}", judge.name, last_line(&text)),
                        );
                    }
                }
            }
            Err(why) => return failed(report, why),
        }
    }
    let origin = format!("{} {version}", judge.name);
    let findings = |diagnostics: &[Diagnostic], tree: &Path| -> Vec<Finding> {
        diagnostics.iter().filter_map(|it| it.finding(tree, &origin, setup.installed)).collect()
    };
    report.before = findings(&sides[0], setup.before);
    report.after = findings(&sides[1], setup.after);
    report.analysed = files.to_vec();
    let missing = diagnostic::missing_packages(&sides[1], setup.installed, setup.after);
    if !missing.is_empty() {
        report.status = CheckStatus::Partial(missing);
    }
    report
}

fn failed(report: CheckReport, why: String) -> CheckReport {
    CheckReport { status: CheckStatus::Failed(why), ..report }
}

fn last_line(text: &str) -> String {
    let line = text.lines().rev().find(|it| !it.trim().is_empty()).unwrap_or_default();
    line.chars().take(200).collect::<String>().escape_debug().to_string()
}

/// Returns the first program of a name in a list of folders.
pub fn find_program(folders: &[PathBuf], name: &str) -> Option<PathBuf> {
    folders.iter().map(|it| it.join(name)).find(|it| it.is_file())
}

/// Returns the folder of the Python environment that packages were read from.
fn environment_of(installed: &Installed) -> Option<PathBuf> {
    let site = installed.folders.iter().find(|it| it.ends_with("site-packages"))?;
    site.ancestors().nth(3).filter(|it| it.join("pyvenv.cfg").is_file()).map(Path::to_path_buf)
}

async fn version(judge: &Judge, program: &Path, setup: &Setup<'_>) -> String {
    let mut argv = vec![program.display().to_string()];
    argv.extend(judge.version.iter().map(|it| (*it).to_owned()));
    let text = run(setup, setup.after, argv).await.map(|it| it.0).unwrap_or_default();
    let is_version = |word: &&str| word.starts_with(|it: char| it.is_ascii_digit()) && word.contains('.');
    let words = text.split(|it: char| it.is_whitespace() || it == ',').map(|it| it.trim_start_matches(['v', 'g', 'o']));
    let found = words.into_iter().find(|it| is_version(it)).unwrap_or("of unknown version");
    found.chars().take(40).collect()
}

/// Runs one tool in one tree and returns what it said, however it ended: these tools fail when they find something.
async fn run(setup: &Setup<'_>, tree: &Path, argv: Vec<String>) -> Result<(String, Duration), String> {
    let name = argv.first().cloned().unwrap_or_default();
    let policy = Policy {
        tree: tree.to_owned(),
        read_only: setup.read_only.to_vec(),
        limits: setup.limits.clone(),
        minimum_level: setup.minimum_level,
    };
    let command = Command { argv, dir: PathBuf::new(), env: setup.variables.to_vec() };
    let outcome = setup.sandbox.run(&policy, &command).await.map_err(|it| it.to_string())?;
    match outcome.exit {
        Exit::Code(126 | 127) => Err(format!("{name:?} cannot be run")),
        Exit::Code(_) if outcome.output_cut => Err(format!("{name:?} said more than is kept")),
        Exit::Code(_) => Ok((outcome.text(), outcome.duration)),
        Exit::Signal(signal) => Err(format!("{name:?} was killed by signal {signal}")),
        Exit::WallClock => Err(format!("{name:?} was stopped at the time limit")),
        Exit::OutputLimit => Err(format!("{name:?} was stopped at the output limit")),
    }
}
