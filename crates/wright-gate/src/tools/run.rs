//! Runs the tools that have something to say about a change, on both of its sides.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use wright_sandbox::{Command, Level, Limits, Policy, Sandbox};

use super::copy::Copy;
use super::findings::findings;
use super::judge::{JudgedTree, has_configuration};
use super::kind::{Start, ToolKind};
use super::output::{Capture, Reading};
use super::{ALL, cache, find};
use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, CheckStatus, Tool, hex_digest};

/// Longest list of installed packages that tells one set of them from another.
const MAX_LIST_BYTES: u64 = 64 << 20;

/// What tools get, and where they are found.
#[derive(Debug, Clone)]
pub struct ToolSetup {
    /// Variables for the tools; they see no others. `PATH` is where programs are looked for.
    pub env: Vec<(String, String)>,
    /// Folders that the tools may read, such as toolchains.
    pub read_only: Vec<PathBuf>,
    /// The user's checkout, whose installed packages are used.
    pub checkout: Option<PathBuf>,
    /// The folders of installed packages below the checkout: `node_modules`, `.venv`.
    pub installed: Vec<PathBuf>,
    /// What one run may use; a tool that needs less time gets less.
    pub limits: Limits,
    /// The weakest isolation that is accepted.
    pub minimum_level: Level,
    /// Where results are kept, if they are.
    pub cache: Option<PathBuf>,
    /// Where copies of the two states are laid.
    pub scratch: PathBuf,
}

/// What happens while tools run.
#[derive(Debug, Clone, Copy)]
pub enum Progress<'a> {
    /// This tool begins.
    Started(&'a str),
    /// This is what came of it.
    Finished(&'a CheckReport),
}

/// What came of all tools.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ToolReports {
    /// One account for each tool that ran, or that the project asks for.
    pub reports: Vec<CheckReport>,
    /// Tools that could have looked at the change, are not installed, and that nobody asked for.
    pub missing: Vec<&'static str>,
}

/// Runs every tool that can judge a touched file, one after the other, on both states at a time.
///
/// A tool that the project asks for and that cannot run is reported as not run. How strict the tools are is read from
/// `before`.
pub async fn run_tools(
    sandbox: &Sandbox,
    setup: &ToolSetup,
    change: &ChangeSet,
    before: &dyn Tree,
    after: &dyn Tree,
    mut progress: impl FnMut(Progress<'_>) + Send,
) -> ToolReports {
    let judged = JudgedTree::new(before, after);
    let states = [State::new(before), State::new(&judged)];
    let mut all = ToolReports::default();
    for kind in ALL {
        let is_touched = |path: &Path| (kind.reads)(path);
        if !change.files.iter().any(|it| is_touched(&it.path) || is_touched(it.path_before())) {
            continue;
        }
        let asked = (kind.asked)(&judged);
        if asked.is_none() && kind.scope.needs_asking() {
            continue;
        }
        let Some(program) = find::program(setup, kind.program) else {
            match &asked {
                Some(asked) => all.reports.push(missing(kind, asked)),
                None => all.missing.push(kind.name),
            }
            continue;
        };
        let run = Run { sandbox, setup, kind, program, asked, change, cache_version: String::new() };
        progress(Progress::Started(kind.name));
        if let Some(report) = run.report(&states).await {
            progress(Progress::Finished(&report));
            all.reports.push(report);
        }
    }
    all
}

fn missing(kind: &ToolKind, asked: &str) -> CheckReport {
    CheckReport::not_run(
        kind.name,
        format!("{asked} asks for {}, which is not installed; {}", kind.name, lowercase(kind.install)),
    )
}

/// Makes a sentence a fragment.
fn lowercase(sentence: &str) -> String {
    let mut letters = sentence.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

/// One side of the change, with the copy that tools which only read share.
struct State<'t> {
    tree: &'t dyn Tree,
    copy: tokio::sync::Mutex<Option<Copy>>,
}

impl<'t> State<'t> {
    fn new(tree: &'t dyn Tree) -> Self {
        Self { tree, copy: tokio::sync::Mutex::new(None) }
    }
}

/// One tool on one change.
struct Run<'a> {
    sandbox: &'a Sandbox,
    setup: &'a ToolSetup,
    kind: &'a ToolKind,
    program: PathBuf,
    asked: Option<String>,
    change: &'a ChangeSet,
    cache_version: String,
}

/// What came of one side.
struct Side {
    reading: Reading,
    files: Vec<PathBuf>,
}

impl Run<'_> {
    async fn report(mut self, states: &[State<'_>; 2]) -> Option<CheckReport> {
        let started = Instant::now();
        let failed =
            |reason: String| CheckReport { status: CheckStatus::Failed(reason), ..CheckReport::ran(self.kind.name) };
        let version = match self.version(&states[1]).await {
            Ok(version) => version,
            Err(reason) => return Some(failed(reason)),
        };
        self.cache_version.clone_from(&version);
        let (before, after) = tokio::join!(self.side(&states[0], Age::Before), self.side(&states[1], Age::After));
        let tool = Some(Tool { name: self.kind.name.to_owned(), version });
        let duration = started.elapsed();
        let report = CheckReport { tool, duration, ..CheckReport::ran(self.kind.name) };
        let (before, after) = match (before, after) {
            (Ok(before), Ok(after)) => (before, after),
            (_, Err(Stop::Unfit(reason))) | (Err(Stop::Unfit(reason)), _) => {
                let status = CheckStatus::NotRun(reason);
                // What nobody asked for and does not fit is nothing to report.
                return self.asked.is_some().then_some(CheckReport { status, ..report });
            }
            (_, Err(Stop::Failed(reason))) => {
                return Some(CheckReport { status: CheckStatus::Failed(reason), ..report });
            }
            (Err(Stop::Failed(reason)), _) => {
                let reason = format!("on the state before the change: {reason}");
                return Some(CheckReport { status: CheckStatus::Failed(reason), ..report });
            }
        };
        Some(self.joined(report, states, before, after))
    }

    fn joined(&self, mut report: CheckReport, states: &[State<'_>; 2], before: Side, after: Side) -> CheckReport {
        let findings = |side: &Side, state: &State<'_>| {
            findings(self.kind, &side.reading.diagnostics, state.tree, self.asked.is_some())
        };
        (report.before, report.after) = (findings(&before, &states[0]), findings(&after, &states[1]));
        let of_before =
            before.reading.skipped.into_iter().map(|(path, reason)| (path, format!("{reason} (before the change)")));
        let mut skipped = after.reading.skipped;
        // A file that was not looked at before the change has findings that cannot be told from new ones.
        skipped.extend(of_before.filter(|(path, _)| after.files.contains(path)).collect::<Vec<_>>());
        skipped.sort();
        skipped.dedup_by(|a, b| a.0 == b.0);
        report.analysed = after.files.into_iter().filter(|path| !skipped.iter().any(|it| it.0 == *path)).collect();
        if !skipped.is_empty() {
            report.status = CheckStatus::Partial(skipped);
        }
        report
    }

    async fn version(&self, state: &State<'_>) -> Result<String, String> {
        let key = hex_digest(format!("version {}", find::fingerprint(&self.program)).as_bytes());
        let known = self.setup.cache.as_deref().and_then(|folder| cache::load(folder, &key));
        let capture = match known {
            Some(capture) => capture,
            None => {
                let empty = crate::change::MemoryTree::default();
                let copy = Copy::lay(&empty, &self.setup.scratch, &[])
                    .map_err(|error| format!("no copy could be laid: {error}"))?;
                let start =
                    Start { tree: state.tree, files: &[], out: copy.root(), python: None, asked: None, installed: &[] };
                let arguments = self.kind.version.iter().map(|it| (*it).to_owned()).collect();
                let capture = self.run(&copy, "version", arguments, (self.kind.env)(&start)).await?;
                capture.expect_code(&[0])?;
                if let Some(folder) = &self.setup.cache {
                    cache::store(folder, &key, &capture);
                }
                capture
            }
        };
        let said = [capture.stdout, capture.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        version_in(&said.concat()).ok_or_else(|| "does not say its version".to_owned())
    }

    async fn side(&self, state: &State<'_>, age: Age) -> Result<Side, Stop> {
        let files = self.files(state.tree, age);
        let has_work = if self.kind.scope.is_files() {
            !files.is_empty()
        } else {
            state.tree.paths().iter().any(|it| (self.kind.reads)(it))
        };
        if !has_work {
            return Ok(Side { reading: Reading::default(), files });
        }
        let names: Vec<String> = files.iter().map(|it| format!("./{}", it.display())).collect();
        let python = find::python(self.setup);
        let installed: Vec<PathBuf> = self.installed().into_iter().map(|(relative, _)| relative).collect();
        let start = Start {
            tree: state.tree,
            files: &names,
            out: Path::new(""),
            python: python.as_deref(),
            asked: self.asked.as_deref(),
            installed: &installed,
        };
        if let Some(reason) = (self.kind.unfit)(&start) {
            return Err(Stop::Unfit(reason));
        }
        let key = self.key(&start);
        let known = self.setup.cache.as_deref().and_then(|folder| cache::load(folder, &key));
        let capture = match known {
            Some(capture) => capture,
            None => {
                let capture = self.capture(state, start).await.map_err(Stop::Failed)?;
                if let Some(folder) = &self.setup.cache {
                    cache::store(folder, &key, &capture);
                }
                capture
            }
        };
        let reading = (self.kind.read)(&capture).map_err(Stop::Failed)?;
        Ok(Side { reading, files })
    }

    /// Returns the touched files of one side that the tool can judge.
    fn files(&self, tree: &dyn Tree, age: Age) -> Vec<PathBuf> {
        let touched = self.change.files.iter().map(|it| match age {
            Age::Before => it.path_before(),
            Age::After => &it.path,
        });
        let ours =
            touched.filter(|path| (self.kind.reads)(path) && tree.paths().binary_search(&(*path).to_owned()).is_ok());
        let mut files: Vec<PathBuf> = ours.map(Path::to_owned).collect();
        files.sort();
        files.dedup();
        files
    }

    /// Returns the installed packages, each with its place relative to the project.
    fn installed(&self) -> Vec<(PathBuf, PathBuf)> {
        let Some(checkout) = &self.setup.checkout else { return Vec::new() };
        let folders = self.setup.installed.iter().filter(|folder| folder.is_dir());
        folders.filter_map(|folder| Some((folder.strip_prefix(checkout).ok()?.to_owned(), folder.clone()))).collect()
    }

    /// Returns the words that name everything a run depends on.
    fn key(&self, start: &Start<'_>) -> String {
        let mut words = format!("{} {}\n{:?}\n", self.kind.name, self.cache_version, (self.kind.arguments)(start));
        let relevant = start.tree.paths().iter().filter(|path| (self.kind.reads)(path) || has_configuration(path));
        for path in relevant {
            let text = start.tree.read(path).unwrap_or_default();
            let _ = writeln!(words, "{} {}", hex_digest(text.as_bytes()), path.display());
        }
        for (relative, folder) in self.installed() {
            let _ = writeln!(words, "{} {}", relative.display(), packages_in(&folder));
        }
        let _ = writeln!(words, "{:?} {:?} {:?}", self.setup.env, self.setup.read_only, start.python);
        hex_digest(words.as_bytes())
    }

    async fn capture(&self, state: &State<'_>, start: Start<'_>) -> Result<Capture, String> {
        let lay = || {
            let copy = Copy::lay(state.tree, &self.setup.scratch, &self.installed());
            copy.map_err(|error| format!("no copy could be laid: {error}"))
        };
        let mut own = None;
        let mut shared = None;
        let copy: &Copy = if self.kind.writes {
            own.insert(lay()?)
        } else {
            let shared = shared.insert(state.copy.lock().await);
            if shared.is_none() {
                **shared = Some(lay()?);
            }
            shared.as_ref().ok_or("no copy could be laid")?
        };
        let out = copy.root().join("out").join(self.kind.name);
        let start = Start { out: &out, ..start };
        self.run(copy, self.kind.name, (self.kind.arguments)(&start), (self.kind.env)(&start)).await
    }

    /// Runs the program in a copy. Its streams go to files, as the sandbox keeps only so much of them, and mixed.
    async fn run(
        &self,
        copy: &Copy,
        out_name: &str,
        arguments: Vec<String>,
        env: Vec<(String, String)>,
    ) -> Result<Capture, String> {
        const REDIRECT: &str = r#"out=$1; err=$2; shift 2; exec "$@" >"$out" 2>"$err""#;
        let out = copy.out(out_name).map_err(|error| format!("no place for its output: {error}"))?;
        let file = |name: &str| out.join(name).to_string_lossy().into_owned();
        let mut argv: Vec<String> = ["/bin/sh", "-c", REDIRECT, "sh"].map(str::to_owned).to_vec();
        argv.extend([file("stdout"), file("stderr"), self.program.to_string_lossy().into_owned()]);
        argv.extend(arguments);
        let mut variables = self.setup.env.clone();
        variables.retain(|(name, _)| !env.iter().any(|(ours, _)| ours == name));
        variables.extend(env);
        let command = Command { argv, dir: PathBuf::from("project"), env: variables };
        let outcome = self.sandbox.run(&self.policy(copy), &command).await.map_err(|error| error.to_string())?;
        let stdout = copy.read_out(out_name, "stdout")?;
        let stderr = copy.read_out(out_name, "stderr").unwrap_or_default();
        Ok(Capture { exit: outcome.exit, stdout, stderr, project: copy.project() })
    }

    fn policy(&self, copy: &Copy) -> Policy {
        let mut read_only = self.setup.read_only.clone();
        read_only.extend(self.setup.installed.iter().cloned());
        if !self.kind.writes {
            read_only.push(copy.project());
        }
        let limits = Limits { wall: self.setup.limits.wall.min(self.kind.wall), ..self.setup.limits.clone() };
        Policy { tree: copy.root().to_owned(), read_only, limits, minimum_level: self.setup.minimum_level }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Age {
    Before,
    After,
}

/// Why one side was not looked at.
enum Stop {
    Unfit(String),
    Failed(String),
}

/// Returns the first word that looks like a version.
fn version_in(text: &str) -> Option<String> {
    let words = text.split(|it: char| it.is_whitespace() || matches!(it, ',' | '(' | ')'));
    let is_version = |word: &&str| {
        let number = word.trim_start_matches("go").trim_start_matches('v');
        number.starts_with(|it: char| it.is_ascii_digit()) && number.contains('.')
    };
    words.filter(|word| word.len() <= 60).find(is_version).map(|it| it.trim_start_matches('v').to_owned())
}

/// Returns what tells one set of installed packages from another: the names, which hold the versions in a Python
/// environment, and the list that npm keeps.
fn packages_in(folder: &Path) -> String {
    let list = wright_repo::read_regular(&folder.join(".package-lock.json"), MAX_LIST_BYTES)
        .map(|it| hex_digest(&it))
        .unwrap_or_default();
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(folder).into_iter().flatten().filter_map(|it| Some(it.ok()?.path())).collect();
        entries.sort();
        entries
    };
    let pythons = entries(&folder.join("lib")).into_iter().flat_map(|it| entries(&it.join("site-packages")));
    let names: Vec<PathBuf> = entries(folder).into_iter().chain(pythons).collect();
    format!("{list} {}", hex_digest(format!("{names:?}").as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_found_in_what_tools_say() {
        let cases = [
            ("ruff 0.17.6", Some("0.17.6")),
            ("mypy 2.4.1 (compiled: yes)", Some("2.4.1")),
            ("v10.15.0\n", Some("10.15.0")),
            ("Version: 1.94.0", Some("1.94.0")),
            ("go version go1.22.1 linux/amd64", Some("go1.22.1")),
            ("ShellCheck - shell script analysis tool\nversion: 0.11.0\n", Some("0.11.0")),
            ("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", Some("1.95.0")),
            ("javac 17.0.9", Some("17.0.9")),
            ("nothing", None),
        ];
        for (said, version) in cases {
            assert_eq!(version_in(said).as_deref(), version, "{said}");
        }
    }

    #[test]
    fn a_tool_that_the_project_asks_for_is_missed_with_how_to_get_it() {
        let report = missing(&super::super::ruff::KIND, "ruff.toml");
        let reason = "ruff.toml asks for ruff, which is not installed; install it with `pip install ruff`";
        assert_eq!(report.status, CheckStatus::NotRun(reason.to_owned()));
    }
}
