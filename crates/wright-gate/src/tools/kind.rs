//! What is known about a tool: how it is found, started, configured and read.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::output::{Capture, Reading};
use crate::change::Tree;

/// One tool.
pub struct ToolKind {
    /// Its name, which is the name of its check as well.
    pub name: &'static str,
    /// What its program may be called.
    pub program: &'static str,
    /// The arguments that make it say its version.
    pub version: &'static [&'static str],
    /// How a person gets it, as a sentence.
    pub install: &'static str,
    /// How long one run may take.
    pub wall: Duration,
    /// What it looks at.
    pub scope: Scope,
    /// Whether it must be able to write into the copy it works on.
    pub writes: bool,
    /// Returns whether it can judge a file.
    pub reads: fn(&Path) -> bool,
    /// Returns what in a project asks for it; such a tool is missed when it is not there.
    pub asked: fn(&dyn Tree) -> Option<String>,
    /// Returns why it cannot judge this project, if it cannot.
    pub unfit: fn(&Start<'_>) -> Option<String>,
    /// Returns its arguments.
    pub arguments: fn(&Start<'_>) -> Vec<String>,
    /// Returns the variables it needs.
    pub env: fn(&Start<'_>) -> Vec<(String, String)>,
    /// Reads what it wrote.
    pub read: fn(&Capture) -> Result<Reading, String>,
}

/// What a tool looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The files that it is given: what it says about one does not depend on the others.
    Files,
    /// The project: a change in one file can be a problem in another.
    Project,
    /// The project, and nothing at all unless the project asks for it, because it would not know how.
    ConfiguredProject,
    /// The files that it is given, and nothing at all unless the project asks for it.
    ConfiguredFiles,
}

impl Scope {
    /// Returns whether the tool runs only where a project asks for it.
    pub(super) fn needs_asking(self) -> bool {
        matches!(self, Self::ConfiguredProject | Self::ConfiguredFiles)
    }

    /// Returns whether the tool looks at nothing but the files it is given.
    pub(super) fn is_files(self) -> bool {
        matches!(self, Self::Files | Self::ConfiguredFiles)
    }
}

/// One run, as the tool's file sees it.
pub struct Start<'a> {
    /// The state that is looked at.
    pub tree: &'a dyn Tree,
    /// The touched files that it can judge, each with `./` before it, so that none reads as an option.
    pub files: &'a [String],
    /// The folder for what it writes.
    pub out: &'a Path,
    /// The interpreter that knows the project's packages.
    pub python: Option<&'a Path>,
    /// What asks for the tool.
    pub asked: Option<&'a str>,
    /// The project's installed packages that are at hand, relative to the project.
    pub installed: &'a [PathBuf],
}

/// Returns a list of arguments.
pub(super) fn words<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

/// Returns whether a path has one of the endings.
pub(super) fn has_ending(path: &Path, endings: &[&str]) -> bool {
    path.extension().and_then(|it| it.to_str()).is_some_and(|it| endings.contains(&it))
}

/// Returns the first file of a tree with one of these names.
pub(super) fn file_named(tree: &dyn Tree, names: &[&str]) -> Option<String> {
    let is_named = |path: &&PathBuf| path.file_name().and_then(|it| it.to_str()).is_some_and(|it| names.contains(&it));
    let nearest = tree.paths().iter().filter(is_named).min_by_key(|it| it.components().count())?;
    Some(nearest.display().to_string())
}

/// Returns the `pyproject.toml` that has a table of a tool.
pub(super) fn pyproject_table(tree: &dyn Tree, tool: &str) -> Option<String> {
    let has_table = |path: &&PathBuf| {
        path.ends_with("pyproject.toml")
            && tree.read(path).is_some_and(|text| {
                let headers = text.lines().filter_map(|line| line.trim().strip_prefix("[tool."));
                headers.map(|it| it.trim_start_matches('[')).any(|it| it.split(['.', ']']).next() == Some(tool))
            })
    };
    let path = tree.paths().iter().find(has_table)?;
    Some(format!("[tool.{tool}] in {}", path.display()))
}

/// Fits every project.
pub(super) fn fits(_: &Start<'_>) -> Option<String> {
    None
}

/// Needs no variables.
pub(super) fn no_env(_: &Start<'_>) -> Vec<(String, String)> {
    Vec::new()
}

/// Returns the variables of a list.
pub(super) fn variables<const N: usize>(list: [(&str, String); N]) -> Vec<(String, String)> {
    list.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

pub(super) fn is_python(path: &Path) -> bool {
    has_ending(path, &["py", "pyi"])
}

pub(super) fn is_script(path: &Path) -> bool {
    has_ending(path, &["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"])
}
