//! What a tool said about one place, and what of it is a finding.

use std::path::{Path, PathBuf};

use super::NAME;
use crate::existence::first_party::package_of;
use crate::existence::installed::Installed;
use crate::existence::{Ecosystem, known};
use crate::{Confidence, Finding};

/// Why a name is thought not to exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// A module that cannot be found; whether its package is installed decides what it means.
    Module,
    /// A module does not have the member.
    Member,
    /// A value or a type does not have the attribute or method.
    Attribute,
    /// A function does not take the argument.
    Argument,
    /// Nothing binds the name.
    Name,
}

impl Absence {
    fn rule(self) -> &'static str {
        match self {
            Self::Module => "symbols/unknown-module",
            Self::Member => "symbols/unknown-member",
            Self::Attribute => "symbols/unknown-attribute",
            Self::Argument => "symbols/unknown-argument",
            Self::Name => "symbols/unknown-name",
        }
    }
}

/// One message of a tool that says that something does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// The file, as the tool names it.
    pub path: PathBuf,
    /// The line, counted from 1.
    pub line: usize,
    /// What it means.
    pub absence: Absence,
    /// The tool's code.
    pub code: String,
    /// The tool's words.
    pub message: String,
    /// The module that cannot be found, for [`Absence::Module`].
    pub module: Option<String>,
    /// Whether the tool saw all that the message rests on.
    pub is_sure: bool,
}

impl Diagnostic {
    /// Returns what the tool said; nothing of it is trusted to be short or printable.
    pub fn new(path: impl Into<PathBuf>, line: usize, absence: Absence, code: &str, message: &str) -> Self {
        const MAX_MESSAGE: usize = 400;
        let line_of_text = message.lines().next().unwrap_or_default();
        let message: String = line_of_text.chars().filter(|it| !it.is_control()).take(MAX_MESSAGE).collect();
        Self {
            path: path.into(),
            line,
            absence,
            code: code.chars().take(60).collect(),
            message,
            module: None,
            is_sure: true,
        }
    }

    /// Returns the diagnostic with the module that its message quotes first.
    #[must_use]
    pub fn about_module(mut self) -> Self {
        self.module = first_quoted(&self.message).map(str::to_owned);
        self
    }

    /// Returns the finding; `None` where the package is not installed, or the file is none of the tree's.
    pub(super) fn finding(&self, tree: &Path, origin: &str, installed: &Installed) -> Option<Finding> {
        if self.is_about_missing_package(installed) {
            return None;
        }
        let path = self.path.strip_prefix(tree).unwrap_or(&self.path);
        let path = path.strip_prefix(".").unwrap_or(path);
        let is_inside = path.components().all(|it| matches!(it, std::path::Component::Normal(_)));
        let finding = if self.is_sure {
            Finding::error(NAME, lowered(&self.message))
        } else {
            Finding::warning(NAME, lowered(&self.message))
        };
        let finding =
            finding.rule(self.absence.rule()).at(path, Some(self.line)).key(format!("{} {}", self.code, self.message));
        let finding = finding.evidence(format!("{origin} says so ({})", self.code));
        let finding = finding.confidence(if self.is_sure { Confidence::High } else { Confidence::Medium });
        is_inside.then(|| finding.hint("Look up what the installed version offers, and use that."))
    }

    fn is_about_missing_package(&self, installed: &Installed) -> bool {
        let Some(module) = self.module.as_deref().filter(|it| !it.starts_with('.')) else { return false };
        let Some(ecosystem) = wright_text::Language::from_path(&self.path).and_then(Ecosystem::of) else {
            return false;
        };
        let package = package_of(ecosystem, module);
        let is_own_language = ecosystem == Ecosystem::PyPi && known::is_python_module(&package, installed.python_minor);
        match ecosystem {
            Ecosystem::PyPi | Ecosystem::Npm => !is_own_language && !installed.has(ecosystem, &package),
            Ecosystem::Crates | Ecosystem::Go | Ecosystem::Maven => false,
        }
    }
}

/// Returns the files that import packages which are not installed: there, names may be invented unseen.
pub(super) fn missing_packages(
    diagnostics: &[Diagnostic],
    installed: &Installed,
    tree: &Path,
) -> Vec<(PathBuf, String)> {
    let missing = diagnostics.iter().filter(|it| it.is_about_missing_package(installed));
    let mut files: Vec<_> = missing
        .map(|it| {
            let path = it.path.strip_prefix(tree).unwrap_or(&it.path).to_path_buf();
            (path, format!("`{}` is not installed", it.module.as_deref().unwrap_or_default()))
        })
        .collect();
    files.dedup();
    files
}

/// Returns the first word in quotes of a message.
pub(super) fn first_quoted(message: &str) -> Option<&str> {
    let start = message.find(['`', '\'', '"'])?;
    let quote = message[start..].chars().next()?;
    let inner = &message[start + 1..];
    Some(&inner[..inner.find(quote)?])
}

fn lowered(message: &str) -> String {
    let message = message.trim_end_matches('.');
    let mut letters = message.chars();
    letters.next().map(|it| it.to_lowercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_is_not_installed_is_no_finding() {
        let at = |module: &str| {
            Diagnostic::new("a.py", 1, Absence::Module, "c", &format!("Cannot resolve `{module}`")).about_module()
        };
        let mut installed = Installed::default();
        installed.python_modules.insert("numpy".to_owned(), "numpy".to_owned());
        let rules =
            ["frob", "numpy.frob", "os.frob"].map(|it| at(it).finding(Path::new("/t"), "ty 1", &installed).is_some());
        assert_eq!(rules, [false, true, true]);
        let missing = missing_packages(&[at("frob")], &installed, Path::new("/t"));
        assert_eq!(missing, [(PathBuf::from("a.py"), "`frob` is not installed".to_owned())]);
    }

    #[test]
    fn a_file_outside_the_tree_is_no_finding() {
        let at = |path: &str| {
            Diagnostic::new(path, 1, Absence::Name, "c", "No `x`.").finding(
                Path::new("/t"),
                "ty 1",
                &Installed::default(),
            )
        };
        assert_eq!(at("/t/a.py").map(|it| it.to_string()).as_deref(), Some("a.py:1: no `x` [symbols/unknown-name]"));
        assert_eq!(at("/usr/lib/a.py"), None);
        assert_eq!(at("../a.py"), None);
    }
}
