//! The escape suite, as far as git, files and trust files go: what a hostile tree tries, and what the host makes of it.
//!
//! Each row has a control twin: the same trick against the plain way of doing things, which must work, because a trick that
//! never works proves nothing. Where this machine cannot show that, the row says why, and is counted apart.
//!
//! With `WRIGHT_ESCAPE_REPORT` set, each row adds one line of JSON to the file of that name. As root the rows run a second
//! time as an ordinary user.

mod files;
mod git;
mod trust;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;

/// The user id of nobody.
const NOBODY: u32 = 65_534;

/// One trick.
pub(crate) struct Row {
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// Plays the trick, first on us and then on the plain way.
    pub(crate) play: fn() -> Played,
}

/// What came of a trick.
pub(crate) struct Played {
    pub(crate) control: Control,
    /// What went wrong with us; empty when the trick was blocked.
    pub(crate) through: Vec<String>,
}

/// Whether the trick works on the plain way of doing things.
pub(crate) enum Control {
    Succeeds,
    Fails(String),
    NotPossibleHere(String),
}

impl Control {
    /// Says that the trick must work, and what it is that must.
    pub(crate) fn expect(succeeds: bool, what: &str) -> Self {
        if succeeds { Self::Succeeds } else { Self::Fails(what.to_owned()) }
    }

    /// Joins the controls of one row: all of them must succeed.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Succeeds, other) => other,
            (Self::Fails(a), Self::Fails(b)) => Self::Fails(format!("{a}; {b}")),
            (this, _) => this,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Succeeds => "succeeds".to_owned(),
            Self::Fails(what) => format!("fails: {what}"),
            Self::NotPossibleHere(why) => format!("not possible here: {why}"),
        }
    }
}

/// Gathers what a trick got through with.
#[derive(Default)]
pub(crate) struct Through(Vec<String>);

impl Through {
    /// Notes `what` unless the trick was blocked.
    pub(crate) fn unless(&mut self, is_blocked: bool, what: impl Into<String>) {
        if !is_blocked {
            self.0.push(what.into());
        }
    }

    pub(crate) fn with(self, control: Control) -> Played {
        Played { control, through: self.0 }
    }
}

#[test]
fn no_git_trick_of_a_tree_reaches_the_host() {
    run(git::ROWS, "no_git_trick_of_a_tree_reaches_the_host");
}

#[test]
fn no_file_of_a_tree_leads_the_host_out_of_it() {
    run(files::ROWS, "no_file_of_a_tree_leads_the_host_out_of_it");
}

#[test]
fn no_trust_file_changes_without_a_named_approval() {
    run(trust::ROWS, "no_trust_file_changes_without_a_named_approval");
}

fn run(rows: &[Row], test: &str) {
    let is_root = rustix::process::geteuid().is_root();
    let report = std::env::var_os("WRIGHT_ESCAPE_REPORT").map(PathBuf::from);
    let who = if is_root { "root" } else { "user" };
    let failed: Vec<String> = rows.iter().filter_map(|row| play(row, who, report.as_deref())).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
    if is_root {
        run_as_nobody(test, report.as_deref(), rows.len());
    }
}

/// Plays one trick, reports it, and returns what to fail with.
fn play(row: &Row, who: &str, report: Option<&Path>) -> Option<String> {
    let played = (row.play)();
    let (control, is_blocked) = (played.control.text(), played.through.is_empty());
    let result = if is_blocked { "blocked" } else { "through" };
    let line = json!({ "id": row.id, "who": who, "control": control, "result": result, "title": row.title });
    if let Some(report) = report {
        append(report, &format!("{line}\n"));
    }
    let is_proved = !matches!(played.control, Control::Fails(_));
    (!is_blocked || !is_proved).then(|| format!("{line} {}", played.through.join("; ")))
}

/// Appends whole lines in one write, because several test processes do this at once.
fn append(report: &Path, lines: &str) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(report).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
}

/// Runs the same test as an ordinary user, in a folder of that user's.
fn run_as_nobody(test: &str, report: Option<&Path>, n_rows: usize) {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("it");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).unwrap();
    let lines = folder.path().join("report");
    let mut child = Command::new(&program);
    child.args(["--exact", &format!("escapes::{test}")]).current_dir("/").env_clear();
    child.env("PATH", "/usr/bin:/bin").env("TMPDIR", folder.path()).env("HOME", folder.path());
    child.env("WRIGHT_ESCAPE_REPORT", &lines).uid(NOBODY).gid(NOBODY);
    let output = child.output().unwrap();
    let lines = std::fs::read_to_string(&lines).unwrap_or_default();
    if let Some(report) = report {
        append(report, &lines);
    }
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "as an ordinary user: {said}");
    assert_eq!(lines.lines().count(), n_rows, "as an ordinary user: {said}");
}
