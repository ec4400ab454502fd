//! Attacks that must get through outside and must be stopped inside, each with the number of its case.
//!
//! The tables below are the escape suite: the same rows run as root and as an ordinary user, and a row whose attack cannot
//! be tried outside says why. What became of each is recorded ([`crate::record`]), so that nothing is left out silently.

mod commands;
mod kernel;
mod resources;
mod trust;

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{self, Stdio};
use std::time::Duration;
use std::{fs, thread};

use libtest_mimic::Trial;
use wright_sandbox::{Command, Exit, Level, Limits, Policy, Sandbox};

use crate::attacks::{STOPPED, THROUGH, UNKNOWN};
use crate::host::{Host, SECRET};
use crate::metronome::Metronome;
use crate::record::{self, Row};
use crate::terminal;
use crate::{ATTACK, Test, Tree, expected_level, find, leave_out, sandbox, this_program, trial};

/// One way in which a command may try to get out.
pub(crate) struct Attempt {
    /// The number of the case that it belongs to, as docs/security.md lists them.
    pub(crate) case: &'static str,
    /// What is attempted.
    pub(crate) what: &'static str,
    pub(crate) attack: Attack,
    pub(crate) control: Control,
    pub(crate) holds: Holds,
}

/// How it is attempted. In every word a name such as `$secret` stands for something of the host.
pub(crate) enum Attack {
    /// By this program, which says by its exit code whether it got through.
    Own(&'static [&'static str]),
    /// By this program, with limits that it would exceed. They are counted from what is there.
    Limited(&'static [&'static str], fn(&Scene<'_>) -> Limits),
    /// By a shell script that needs some programs. It got through if it showed the secret or changed the host.
    Script(&'static [&'static str], &'static str),
    /// In several steps. Returns whether it got through.
    Staged(fn(&Scene<'_>) -> bool),
}

/// What the same attack does where there is no sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    /// It gets through: the test would notice if the sandbox did nothing.
    Works,
    /// It gets through if the tests run as root.
    WorksAsRoot,
    /// It is tried. Whether it gets through depends on the machine.
    Tried,
    /// It is not tried, for this reason.
    Omitted(&'static str),
}

/// Where an attack is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    /// At every level that runs commands.
    EveryLevel,
    /// Only with namespaces. At level D this is open, and documented.
    Namespaces,
}

/// Returns a row for an attack by this program.
const fn own(
    case: &'static str,
    what: &'static str,
    words: &'static [&'static str],
    control: Control,
    holds: Holds,
) -> Attempt {
    Attempt { case, what, attack: Attack::Own(words), control, holds }
}

/// Returns a row for a script, which shows or changes something outside without a sandbox.
const fn script(case: &'static str, what: &'static str, needs: &'static [&'static str], text: &'static str) -> Attempt {
    Attempt { case, what, attack: Attack::Script(needs, text), control: Control::Works, holds: Holds::EveryLevel }
}

/// Returns every row of the suite.
pub(crate) fn attempts() -> impl Iterator<Item = &'static Attempt> {
    [kernel::ATTEMPTS, resources::ATTEMPTS, commands::ATTEMPTS, trust::ATTEMPTS].into_iter().flatten()
}

/// One test per row.
pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    attempts().map(|attempt| {
        let words: String = attempt.what.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        let name = format!("escapes::{}_{words}_is_stopped", attempt.case.to_lowercase());
        trial(name, || check(attempt))
    })
}

pub(crate) const TESTS: &[Test] = &[("this_machine_reaches_the_level_that_is_expected_of_it", || {
    let sandbox = sandbox();
    eprintln!("sandbox level {}: {:?}", sandbox.level(), sandbox.report());
    if let Some(expected) = expected_level() {
        assert!(sandbox.level() >= expected, "level {} of {expected}: {:?}", sandbox.level(), sandbox.report());
    }
})];

/// Tries an attack outside and inside, records both, and fails if it was not stopped.
fn check(attempt: &Attempt) {
    let level = sandbox().level();
    let row = |control: String, result, detail: &str| {
        let (case, attack) = (attempt.case, attempt.what);
        record::write(&Row { case, attack, level: level.to_string(), control, result, detail: detail.to_owned() });
    };
    if let Some(missing) = attempt.missing_program() {
        row(String::new(), "not tried", &format!("{missing} is missing"));
        return leave_out(attempt.what, missing);
    }
    let control = attempt.control_outside();
    if level == Level::E || (level == Level::D && attempt.holds == Holds::Namespaces) {
        assert!(expected_level().is_none_or(|expected| level >= expected), "level {level}");
        let reason = format!("open at level {level}");
        eprintln!("{}: {reason}", attempt.what);
        return row(control, "not applicable", &reason);
    }
    let metronome = Metronome::start();
    let seen = attempt.seen(&Scene::inside(sandbox()));
    let late = metronome.stop();
    match &seen {
        Ok(how) => row(control, "blocked", how),
        Err(how) => row(control, "through", how),
    }
    assert!(seen.is_ok(), "{}: {seen:?}", attempt.what);
    assert!(late < Duration::from_secs(1), "{}: a timer of the host was late by {late:?}", attempt.what);
}

/// Runs an attack inside and asserts that it was stopped.
pub(crate) fn assert_stopped(sandbox: &Sandbox, attempt: &Attempt) {
    if attempt.missing_program().is_none() {
        let seen = attempt.seen(&Scene::inside(sandbox));
        assert!(seen.is_ok(), "{}: {seen:?}", attempt.what);
    }
}

impl Attempt {
    fn missing_program(&self) -> Option<&'static str> {
        match self.attack {
            Attack::Script(needs, _) => needs.iter().copied().find(|program| find(program).is_none()),
            Attack::Own(_) | Attack::Limited(..) | Attack::Staged(_) => None,
        }
    }

    /// Tries the attack without a sandbox. Returns whether it got through, in words, and fails if it had to.
    fn control_outside(&self) -> String {
        let is_root = rustix::process::geteuid().is_root();
        let must_work = match self.control {
            Control::Works => true,
            Control::WorksAsRoot => is_root,
            Control::Tried => false,
            Control::Omitted(reason) => return format!("not possible here: {reason}"),
        };
        match self.seen(&Scene::outside()) {
            Err(_) => "succeeds".to_owned(),
            Ok(how) if must_work => panic!("{} is stopped without a sandbox: {how}", self.what),
            Ok(how) => format!("not possible here: {how}"),
        }
    }

    /// Carries the attack out. `Ok` says how it was stopped, `Err` how it got through.
    fn seen(&self, scene: &Scene<'_>) -> Result<String, String> {
        let end = match self.attack {
            Attack::Own(words) => scene.attack(words, &Limits::default()),
            Attack::Limited(words, limits) => scene.attack(words, &limits(scene)),
            Attack::Script(_, text) => scene.script(text),
            Attack::Staged(steps) if steps(scene) => return Err("it got through".to_owned()),
            Attack::Staged(_) => return Ok("no step of it worked".to_owned()),
        };
        scene.judge(&end)
    }
}

/// Where an attack takes place: a tree of its own, in a sandbox or in none.
pub(crate) struct Scene<'a> {
    sandbox: Option<&'a Sandbox>,
    pub(crate) tree: Tree,
    /// What attacks on the file system leave behind.
    planted: PathBuf,
}

/// How an attack ended.
pub(crate) struct End {
    /// The exit code, if it ended by itself.
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
    /// How it ended otherwise.
    pub(crate) how: String,
}

impl<'a> Scene<'a> {
    fn inside(sandbox: &'a Sandbox) -> Self {
        Self::new(Some(sandbox))
    }

    fn outside() -> Self {
        Self::new(None)
    }

    fn new(sandbox: Option<&'a Sandbox>) -> Self {
        let tree = Tree::new();
        let name = tree.path().file_name().map(|name| name.to_string_lossy().into_owned());
        Self { sandbox, tree, planted: Host::get().file(&name.unwrap_or_default()) }
    }

    /// Returns whether there is a sandbox around the scene.
    pub(crate) fn is_inside(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Runs this program as an attacker.
    fn attack(&self, words: &[&str], limits: &Limits) -> End {
        let program = ReachableProgram::new();
        let setuid = words.contains(&"$setuid").then(|| Host::get().setuid_program());
        let read_only: Vec<PathBuf> = [program.path()].into_iter().chain(setuid).collect();
        let words = [program.path().display().to_string(), ATTACK.to_owned()]
            .into_iter()
            .chain(words.iter().map(|word| self.resolve(word)));
        let words: Vec<String> = words.collect();
        // A program that was just copied cannot be started while another thread forks. What did not start proves nothing.
        let mut ends = (0..50).map(|_| self.run_with(words.clone(), read_only.clone(), limits));
        let is_busy = |text: &str| text.contains("Text file busy");
        ends.find(|end| !(is_busy(&end.how) || is_busy(&end.text) && end.text.contains("[cannot run"))).unwrap()
    }

    /// Runs a script in which names of the host's things are replaced.
    pub(crate) fn script(&self, text: &str) -> End {
        self.run(vec!["sh".to_owned(), "-c".to_owned(), self.resolve(text)], Vec::new())
    }

    /// Runs a command with parts of the tree protected from it.
    pub(crate) fn run(&self, words: Vec<String>, read_only: Vec<PathBuf>) -> End {
        self.run_with(words, read_only, &Limits::default())
    }

    /// Runs a command with variables of its own, and only inside: outside it is not run at all.
    pub(crate) fn run_with_variables(&self, words: &[&str], variables: &[(&str, &str)]) -> End {
        let env = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let command = Command { env, ..Command::new(words.iter().copied()) };
        let sandbox = self.sandbox.unwrap_or_else(|| sandbox());
        End::inside(&self.tree.policy(), sandbox, &command)
    }

    /// Runs an attack of this program from a launcher that has a terminal, as a person's has.
    pub(crate) fn in_terminal(&self, words: &[&str]) -> End {
        let place = if self.sandbox.is_some() { terminal::INSIDE } else { terminal::OUTSIDE };
        let program = [this_program().display().to_string(), terminal::ARGUMENT.to_owned(), place.to_owned()];
        self.run_outside(&program.into_iter().chain(words.iter().map(|&word| word.to_owned())).collect::<Vec<_>>())
    }

    /// Returns how many bytes and files the disk of the tree has room for.
    pub(crate) fn free(&self) -> (u64, u64) {
        let disk = rustix::fs::statvfs(self.tree.path()).unwrap();
        (disk.f_bavail * disk.f_frsize, disk.f_favail)
    }

    fn run_with(&self, words: Vec<String>, read_only: Vec<PathBuf>, limits: &Limits) -> End {
        match self.sandbox {
            Some(sandbox) => {
                let policy = Policy { read_only, limits: limits.clone(), ..self.tree.policy() };
                End::inside(&policy, sandbox, &Command::new(words))
            }
            None => self.run_outside(&words),
        }
    }

    fn run_outside(&self, words: &[String]) -> End {
        let mut command = process::Command::new(&words[0]);
        command.args(&words[1..]).current_dir(self.tree.path()).stdin(Stdio::null());
        command.env("TMPDIR", self.tree.path()).env("HOME", self.tree.path());
        match command.output() {
            Ok(output) => End {
                code: output.status.code(),
                text: String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned(),
                how: output.status.signal().map_or_else(String::new, |signal| format!("signal {signal}")),
            },
            Err(error) => End { code: None, text: String::new(), how: error.to_string() },
        }
    }

    /// Replaces the names of the host's things.
    pub(crate) fn resolve(&self, text: &str) -> String {
        Host::get().resolve(&text.replace("$outside", &self.planted.display().to_string()))
    }

    /// Says how an attack was stopped (`Ok`), or by what it shows that it was not (`Err`).
    fn judge(&self, end: &End) -> Result<String, String> {
        if end.text.contains("[cannot run") {
            return Err(format!("it was not started: {}", end.text));
        }
        if end.code == Some(i32::from(UNKNOWN)) {
            return Err(format!("there is no such attack: {}", end.text));
        }
        if end.code == Some(i32::from(THROUGH)) {
            return Err("it said that it got through".to_owned());
        }
        if self.planted.exists() {
            let _ = fs::remove_file(&self.planted);
            return Err("it changed the host".to_owned());
        }
        if end.text.contains(SECRET) {
            return Err("it showed the secret".to_owned());
        }
        if is_alive(&self.tree.file("beat")) {
            return Err("it outlived its command".to_owned());
        }
        if let Some(left) = self.sandbox.and_then(|_| left_behind(&self.tree.path())) {
            return Err(format!("it left something behind: {left}"));
        }
        Ok(self.how_stopped(end))
    }

    fn how_stopped(&self, end: &End) -> String {
        let said = end.text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        let said: String = said.trim_start_matches("stopped: ").chars().take(120).collect();
        match end.code {
            Some(code) if code == i32::from(STOPPED) => said,
            Some(code) => format!("exit code {code}: {said}"),
            None => format!("{}: {said}", end.how),
        }
    }
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.planted);
    }
}

impl End {
    fn inside(policy: &Policy, sandbox: &Sandbox, command: &Command) -> Self {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        match runtime.block_on(sandbox.run(policy, command)) {
            Ok(outcome) => Self {
                code: match outcome.exit {
                    Exit::Code(code) => Some(code),
                    Exit::Signal(_) | Exit::WallClock | Exit::OutputLimit => None,
                },
                text: outcome.text(),
                how: format!("{:?}", outcome.exit),
            },
            Err(error) => Self { code: None, text: String::new(), how: format!("refused: {error}") },
        }
    }
}

/// Returns a mount of a tree, or a process that works in it.
fn left_behind(tree: &Path) -> Option<String> {
    let name = tree.display().to_string();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    if let Some(mount) = mounts.lines().find(|line| line.contains(&name)) {
        return Some(mount.to_owned());
    }
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|process| process.path());
    let mut inside =
        processes.filter(|process| fs::read_link(process.join("cwd")).is_ok_and(|dir| dir.starts_with(tree)));
    inside.next().map(|process| process.display().to_string())
}

/// Returns whether somebody still writes to a file.
fn is_alive(beat: &Path) -> bool {
    let read = || {
        let mut bytes = Vec::new();
        fs::File::open(beat).and_then(|mut file| file.read_to_end(&mut bytes)).ok().map(|_| bytes)
    };
    let Some(before) = read() else {
        return false;
    };
    thread::sleep(Duration::from_millis(300));
    read().is_some_and(|now| now != before)
}

/// This program where every user can get at it: a build folder may lie in a home folder that is closed to others, and not
/// every level of isolation shows the command another way there.
pub(crate) struct ReachableProgram {
    folder: Tree,
}

impl ReachableProgram {
    pub(crate) fn new() -> Self {
        let folder = Tree::new();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let copy = folder.file("it");
        fs::hard_link(this_program(), &copy).or_else(|_| fs::copy(this_program(), &copy).map(drop)).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.file("it")
    }
}
