//! Protected paths: files that decide what runs, outside the sandbox and without anybody asking, once they are there.
//!
//! Continuous integration, git hooks, editor tasks, build scripts, the settings of package managers and of coding agents:
//! whoever changes one of them executes code on another machine, or on this one after the sandbox is gone. A change to
//! such a file needs a person's named approval, see [`Approvals`].
//!
//! Names are compared as the most careless file system would: without case and invisible letters, with full-width forms
//! narrowed, dots and spaces at the end dropped, `name::$DATA` and `back\slash` understood, at every depth, and whether the
//! file exists or not. Deleting a file, and renaming it away or into place, changes it too.
//!
//! This module reports facts; the gate decides. The list itself is in `protected/names.rs`.

mod manifest;
mod names;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wright_text::FileChange;

use crate::path_rules::folded;
use crate::worktree::{Changes, Omission};

/// What makes a file protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// It decides which tests run, and how.
    TestSetup,
    /// It runs when the project is built, installed or tested.
    Build,
    /// It decides what continuous integration runs.
    Ci,
    /// It changes how git treats the files.
    Git,
    /// Git or a hook manager runs it.
    Hook,
    /// It can make an editor, or a language server started by one, run commands.
    Editor,
    /// It instructs or configures a coding agent, ours included.
    Agent,
    /// It configures a package manager or its downloads.
    Packages,
    /// It is run or read when someone enters the folder.
    Shell,
    /// It is run whenever an interpreter starts.
    Startup,
    /// It decides what a container is built from and runs.
    Container,
    /// A linter or formatter executes it.
    Formatter,
    /// It may be the short name of a protected file on another file system.
    ShortName,
    /// It is a symbolic link, new or led elsewhere.
    Link,
    /// It became executable, or stopped being so.
    Mode,
    /// It is a commit of another repository, or a repository inside this one.
    Submodule,
    /// It is neither text nor a file of ordinary size, so nobody can read what changed.
    Unreadable,
}

impl Rule {
    /// Returns the stable name of the rule, for JSON and for tests.
    pub fn code(self) -> &'static str {
        match self {
            Self::TestSetup => "test-setup",
            Self::Build => "build",
            Self::Ci => "ci",
            Self::Git => "git",
            Self::Hook => "hook",
            Self::Editor => "editor",
            Self::Agent => "agent",
            Self::Packages => "packages",
            Self::Shell => "shell",
            Self::Startup => "startup",
            Self::Container => "container",
            Self::Formatter => "formatter",
            Self::ShortName => "short-name",
            Self::Link => "link",
            Self::Mode => "mode",
            Self::Submodule => "submodule",
            Self::Unreadable => "unreadable",
        }
    }

    /// Says why a person has to look, as a phrase that follows the path.
    pub fn why(self) -> &'static str {
        match self {
            Self::TestSetup => "decides which tests run and how",
            Self::Build => "runs code when the project is built, installed or tested",
            Self::Ci => "decides what continuous integration runs",
            Self::Git => "changes how git treats the files",
            Self::Hook => "is run by git or by a hook manager",
            Self::Editor => "can make an editor run commands",
            Self::Agent => "instructs or configures a coding agent",
            Self::Packages => "configures a package manager or its downloads",
            Self::Shell => "is run or read when someone enters the folder",
            Self::Startup => "is run whenever an interpreter starts",
            Self::Container => "decides what a container is built from and runs",
            Self::Formatter => "is executed by a linter or a formatter",
            Self::ShortName => "may be another name of a protected file on some file systems",
            Self::Link => "is a symbolic link that leads somewhere new",
            Self::Mode => "changes whether the file can be executed",
            Self::Submodule => "is another repository",
            Self::Unreadable => "cannot be read as text, so nobody sees what changes",
        }
    }
}

/// A change that needs a person's named approval.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtectedChange {
    /// The file.
    pub path: PathBuf,
    /// What makes it protected.
    pub rule: Rule,
}

impl ProtectedChange {
    /// Says why a person has to look, as a phrase that follows the path.
    pub fn why(&self) -> &'static str {
        self.rule.why()
    }
}

/// The protected paths that a person has approved a change to, each by its name.
///
/// A folder approves nothing but itself: whoever says `.github` has not read what will be below it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvals(BTreeSet<PathBuf>);

impl Approvals {
    /// Approves nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Approves changes to exactly these files, relative to the root of the repository.
    pub fn of(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> Self {
        Self(paths.into_iter().map(Into::into).collect())
    }

    /// Says whether a change to the file is approved. Only the exact name counts, in its own spelling.
    pub fn allow(&self, path: &Path) -> bool {
        self.0.contains(path)
    }
}

/// Returns the rule that protects a path, whatever the file holds.
pub fn rule_for(path: &Path) -> Option<Rule> {
    let names = plain_names(path);
    let (name, folders) = names.split_last()?;
    names.iter().find_map(|name| names::folder(name)).or_else(|| names::file(folders, name)).or_else(|| {
        // Last, because a name with a rule of its own says more.
        names.iter().any(|name| is_short_name(name)).then_some(Rule::ShortName)
    })
}

/// Returns the rule that protects a file from one change.
///
/// Where a file holds both what runs and what does not, only the former counts: a new version number in `package.json` is
/// no protected change, a new script is.
pub fn rule_for_change(path: &Path, before: Option<&str>, after: Option<&str>) -> Option<Rule> {
    let rule = rule_for(path)?;
    let name = plain_names(path).pop()?;
    // A manifest in a protected folder stays protected: then the rule is that of the folder.
    let is_manifest = rule == Rule::Build && name == "package.json";
    let is_harmless = is_manifest && after.is_some_and(|after| !manifest::changes_what_runs(before, after));
    (!is_harmless).then_some(rule)
}

/// Lists the protected files among some changes, in the order of their paths.
pub fn protected_files<'a>(files: impl IntoIterator<Item = (&'a PathBuf, &'a FileChange)>) -> Vec<ProtectedChange> {
    let found = files.into_iter().filter(|(_, change)| change.before != change.after).filter_map(|(path, change)| {
        let rule = rule_for_change(path, change.before.as_deref(), change.after.as_deref())?;
        Some(ProtectedChange { path: path.clone(), rule })
    });
    let mut found: Vec<ProtectedChange> = found.collect();
    found.sort();
    found
}

/// Lists everything in a worktree's changes that needs a person's named approval, in the order of the paths.
pub fn protected_changes(changes: &Changes) -> Vec<ProtectedChange> {
    let omitted = changes.omitted.iter().map(|omitted| {
        let rule = rule_for(&omitted.path).unwrap_or(match omitted.reason {
            Omission::Link => Rule::Link,
            Omission::ModeChanged => Rule::Mode,
            Omission::UnsafePath => Rule::Git,
            Omission::NestedRepository => Rule::Submodule,
            Omission::NotText | Omission::TooLarge | Omission::NotAFile | Omission::SharedFile | Omission::TooDeep => {
                Rule::Unreadable
            }
        });
        ProtectedChange { path: omitted.path.clone(), rule }
    });
    let mut found: Vec<ProtectedChange> = protected_files(&changes.patch.files).into_iter().chain(omitted).collect();
    found.sort();
    found.dedup_by(|a, b| a.path == b.path);
    found
}

/// Returns the names of a path as a careless system would see them.
fn plain_names(path: &Path) -> Vec<String> {
    let whole = path.to_string_lossy();
    whole.split(['/', '\\']).filter(|name| !name.is_empty()).map(plain_name).collect()
}

fn plain_name(name: &str) -> String {
    let name = folded(name);
    // NTFS reads `name:stream:type`, and drops dots and spaces at the end of what is before it.
    let before_stream = name.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    if before_stream.is_empty() { name } else { before_stream.to_owned() }
}

/// Recognizes names such as `github~1` or `packag~1.jso`, which FAT and NTFS give to longer ones.
fn is_short_name(name: &str) -> bool {
    let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
    let Some((letters, number)) = stem.rsplit_once('~') else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && !letters.is_empty() && stem.len() <= 8 && extension.len() <= 3 && !extension.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::worktree::Omitted;

    #[test]
    fn other_spellings_of_a_protected_name_are_that_name() {
        for path in [
            ".GitHub/Workflows/ci.yml",
            "CONFTEST.PY",
            "agents.MD.",
            "agents.md . .",
            "\u{ff43}onftest.py",
            ".g\u{200b}itattributes",
            "pyte\u{17f}t.ini",
            ".vscode::$INDEX_ALLOCATION/tasks.json",
            "conftest.py::$DATA",
            "conftest.py:hidden",
            "GITHUB~1/workflows/ci.yml",
            "PACKAG~1.JSO",
            "a/b/c/d/.claude/settings.json",
            ".github\\workflows\\ci.yml",
            ".c\u{fe0f}laude/x",
            ".c\u{e0041}laude/x",
            "\u{fb01}x/.vscode/tasks.json",
            ".ﬂeet/run.json",
        ] {
            assert!(rule_for(Path::new(path)).is_some(), "{path:?}");
        }
        for path in ["a~b", "notes~", "file.txt~1", "draft~12345678.txt", "a:b", "::", "src/x.rs~"] {
            assert_eq!(rule_for(Path::new(path)), None, "{path:?}");
        }
    }

    #[test]
    fn only_what_runs_in_a_package_json_needs_a_person() {
        let before = r#"{"name": "a", "version": "1", "scripts": {"test": "node --test"}}"#;
        let rule = |after: Option<&str>| rule_for_change(Path::new("web/package.json"), Some(before), after);

        assert_eq!(rule(Some(r#"{"name": "a", "version": "2", "scripts": {"test": "node --test"}}"#)), None);
        assert!(rule(Some(r#"{"name": "a", "version": "1", "scripts": {"test": "true"}}"#)).is_some());
        assert!(rule(Some("{")).is_some());
        assert!(rule(None).is_some());
    }

    #[test]
    fn an_approval_covers_one_file_and_nothing_below_a_folder() {
        let approvals = Approvals::of([".github", "Makefile"]);

        assert!(approvals.allow(Path::new("Makefile")));
        for path in [".github/workflows/ci.yml", "makefile", "sub/Makefile", "./Makefile/x"] {
            assert!(!approvals.allow(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn links_modes_and_what_nobody_can_read_are_listed_with_the_files() {
        let omitted = |path: &str, reason| Omitted { path: path.into(), reason, is_tracked: false };
        let mut changes = Changes::default();
        let change = |before: Option<&str>, after: Option<&str>| FileChange {
            before: before.map(str::to_owned),
            after: after.map(str::to_owned),
        };
        changes.patch.files.insert("src/a.rs".into(), change(None, Some("a")));
        changes.patch.files.insert(".github/ci.yml".into(), change(Some("a"), None));
        changes.patch.files.insert("Makefile".into(), change(Some("same"), Some("same")));
        changes.omitted.push(omitted("link", Omission::Link));
        changes.omitted.push(omitted("run.sh", Omission::ModeChanged));
        changes.omitted.push(omitted("blob", Omission::NotText));
        changes.omitted.push(omitted(".husky/run", Omission::ModeChanged));

        let found: Vec<(String, &str)> =
            protected_changes(&changes).iter().map(|it| (it.path.display().to_string(), it.rule.code())).collect();

        let expected = [
            (".github/ci.yml", "ci"),
            (".husky/run", "hook"),
            ("blob", "unreadable"),
            ("link", "link"),
            ("run.sh", "mode"),
        ];
        assert_eq!(found, expected.map(|(path, rule)| (path.to_owned(), rule)));
    }
}
