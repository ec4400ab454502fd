//! Asks the installed Python packages themselves: `oracle.py`, run by the project's own interpreter in the sandbox.
//!
//! It finds what type checkers cannot: members of compiled modules, keywords that a function only hands on, methods that
//! no class of any loaded module has. The repository's own modules are never imported, nor can the run see them.

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::diagnostic::{Absence, Diagnostic};
use super::{NAME, Setup, failed, find_program, run};
use crate::change::ChangeSet;
use crate::{CheckReport, CheckStatus, Finding, Tool};

const SCRIPT: &str = include_str!("oracle.py");

/// Answers that are longer are not read.
const MAX_ANSWER: u64 = 20_000_000;

/// Judges the changed Python files of both sides.
pub(super) async fn report(change: &ChangeSet, files: &[PathBuf], setup: &Setup<'_>) -> (CheckReport, Seen) {
    let mut seen = Seen::default();
    let python = super::environment_of(setup.installed).map(|it| it.join("bin/python")).filter(|it| it.is_file());
    let Some(python) = python.or_else(|| find_program(setup.programs, "python3")) else {
        return (CheckReport::not_run(NAME, "no interpreter of Python is installed"), seen);
    };
    let mut report = CheckReport::ran(NAME);
    report.analysed = files.to_vec();
    let texts = |after: bool| -> Vec<(PathBuf, String)> {
        let all = change.files.iter().filter(|it| files.contains(&it.path));
        let side = all.filter_map(|it| {
            let (path, content) = if after { (it.path.as_path(), &it.after) } else { (it.path_before(), &it.before) };
            Some((path.to_path_buf(), content.text()?.to_owned()))
        });
        side.collect()
    };
    let mut left_out = Vec::new();
    for (is_after, tree) in [(false, setup.before), (true, setup.after)] {
        match ask(&python, &texts(is_after), tree, setup).await {
            Ok(answer) => {
                report.tool = Some(Tool { name: "python".to_owned(), version: answer.version });
                if is_after {
                    report.after = answer.findings;
                    (left_out, seen) = (answer.skipped, answer.seen);
                } else {
                    report.before = answer.findings;
                }
            }
            Err(why) => return (failed(report, why), seen),
        }
    }
    report.analysed.retain(|it| !left_out.iter().any(|(path, _)| path == it));
    if !left_out.is_empty() {
        report.status = CheckStatus::Partial(left_out);
    }
    (report, seen)
}

/// Names that were found in the installed packages, with the line that uses each.
#[derive(Debug, Default)]
pub(super) struct Seen {
    names: HashSet<(PathBuf, usize, String)>,
}

impl Seen {
    /// Returns whether a finding calls a name absent that was found.
    pub(super) fn contradicts(&self, finding: &Finding) -> bool {
        let (Some(path), Some(line)) = (&finding.path, finding.line) else { return false };
        let quoted = finding.message.split(['`', '"']).skip(1).step_by(2);
        let mut names = quoted.map(|name| (path.clone(), line, name.to_owned()));
        names.any(|it| self.names.contains(&it))
    }
}

struct Answer {
    findings: Vec<Finding>,
    skipped: Vec<(PathBuf, String)>,
    seen: Seen,
    version: String,
}

async fn ask(python: &Path, files: &[(PathBuf, String)], tree: &Path, setup: &Setup<'_>) -> Result<Answer, String> {
    let repository = Repository::read(tree);
    let scratch = tempfile::tempdir().map_err(|it| format!("no folder for the question: {it}"))?;
    let files: Vec<_> =
        files.iter().map(|(path, text)| json!({"path": path.display().to_string(), "text": text})).collect();
    let packages: Vec<_> =
        setup.installed.folders.iter().filter(|it| it.ends_with("site-packages") || it.ends_with("python")).collect();
    let request = json!({
        "files": files,
        "own": repository.modules,
        "repository": repository.names,
        "modules": repository.imports,
        "paths": packages.iter().map(|it| it.display().to_string()).collect::<Vec<_>>(),
    });
    let write = |name: &str, text: &str| {
        std::fs::write(scratch.path().join(name), text).map_err(|it| format!("the question could not be written: {it}"))
    };
    write("oracle.py", SCRIPT)?;
    write("request.json", &request.to_string())?;
    let mut argv = vec![python.display().to_string(), "-I".to_owned()];
    argv.extend(["oracle.py", "request.json", "answer.json"].map(str::to_owned));
    let (said, _) = run(setup, scratch.path(), argv).await?;
    let answer_path = scratch.path().join("answer.json");
    let is_readable = answer_path.symlink_metadata().is_ok_and(|it| it.is_file() && it.len() <= MAX_ANSWER);
    if !is_readable {
        return Err(format!("the packages gave no answer: {}", super::last_line(&said)));
    }
    let text = wright_repo::read_regular(&answer_path, MAX_ANSWER).ok_or("the answer cannot be read")?;
    let text = String::from_utf8_lossy(&text);
    read(&text, setup).ok_or_else(|| "the answer of the packages cannot be read".to_owned())
}

fn read(text: &str, setup: &Setup<'_>) -> Option<Answer> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let version = answer.get("python")?.as_str()?.chars().take(20).collect::<String>();
    let versions = answer.get("versions")?;
    let found = answer.get("findings")?.as_array()?.iter().filter_map(|it| {
        let diagnostic = diagnostic(it)?;
        let owner = it.get("owner")?.as_str()?.split('.').next()?;
        let from = versions
            .get(owner)
            .and_then(Value::as_str)
            .map_or_else(|| format!("Python {version}"), |it| it.chars().take(80).collect());
        diagnostic.finding(Path::new(""), &format!("importing {from}"), setup.installed)
    });
    let skipped = answer.get("skipped")?.as_array()?.iter().filter_map(|it| {
        let reason = it.get("reason")?.as_str()?.chars().take(200).collect();
        Some((PathBuf::from(it.get("path")?.as_str()?), reason))
    });
    let names = answer.get("present")?.as_array()?.iter().filter_map(|it| {
        let line = usize::try_from(it.get(1)?.as_u64()?).ok()?;
        Some((PathBuf::from(it.get(0)?.as_str()?), line, it.get(2)?.as_str()?.to_owned()))
    });
    let seen = Seen { names: names.collect() };
    Some(Answer { findings: found.collect(), skipped: skipped.collect(), seen, version: version.clone() })
}

fn diagnostic(item: &Value) -> Option<Diagnostic> {
    let rule = item.get("rule")?.as_str()?;
    let absence = match rule {
        "module" | "submodule" => Absence::Module,
        "name" => Absence::Member,
        "attribute" | "method" => Absence::Attribute,
        "keyword" => Absence::Argument,
        _ => return None,
    };
    let line = usize::try_from(item.get("line")?.as_u64()?).ok()?;
    let path = item.get("path")?.as_str()?;
    let mut diagnostic = Diagnostic::new(path, line, absence, rule, item.get("message")?.as_str()?);
    diagnostic.is_sure = item.get("sure")?.as_bool()?;
    Some(if absence == Absence::Module { diagnostic.about_module() } else { diagnostic })
}

/// What the oracle must know of the repository without importing it.
#[derive(Default)]
struct Repository {
    modules: BTreeSet<String>,
    imports: BTreeSet<String>,
    names: BTreeSet<String>,
}

impl Repository {
    /// Reads the Python files of a tree: how they are named, what they import, and which names they give to something.
    fn read(tree: &Path) -> Self {
        const MAX_FILES: usize = 20_000;
        const MAX_BYTES: u64 = 1_000_000;
        let mut found = Self::default();
        let mut folders = vec![tree.to_path_buf()];
        let mut n_files = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
                let Ok(kind) = entry.file_type() else { continue };
                let name = entry.file_name().to_string_lossy().into_owned();
                let is_skipped = name.starts_with('.')
                    || matches!(name.as_str(), "node_modules" | "venv" | "site-packages" | "target");
                if kind.is_dir() && !is_skipped {
                    folders.push(entry.path());
                } else if kind.is_file() && name.ends_with(".py") && n_files < MAX_FILES {
                    n_files += 1;
                    let text = wright_repo::read_regular(&entry.path(), MAX_BYTES).unwrap_or_default();
                    let text = String::from_utf8_lossy(&text);
                    found.add(tree, &entry.path(), &text);
                }
            }
        }
        found
    }

    fn add(&mut self, tree: &Path, path: &Path, text: &str) {
        let inside = path.strip_prefix(tree).unwrap_or(path).with_extension("");
        self.modules.extend(inside.components().filter_map(|it| it.as_os_str().to_str()).map(str::to_owned));
        let is_name = |it: char| it.is_alphanumeric() || it == '_';
        for line in text.lines().map(str::trim_start) {
            if let Some(rest) = line.strip_prefix("import ").or_else(|| line.strip_prefix("from ")) {
                let module: String = rest.chars().take_while(|it| is_name(*it) || *it == '.').collect();
                self.imports.extend((!module.is_empty() && !module.starts_with('.')).then_some(module));
            }
            for word in ["def ", "class ", "self.", "cls."] {
                for (at, _) in line.match_indices(word) {
                    let name: String = line[at + word.len()..].chars().take_while(|it| is_name(*it)).collect();
                    self.names.insert(name);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_what_is_none_is_refused() {
        let item = json!({"path": "a.py", "line": 2, "rule": "keyword", "owner": "x", "message": "`x.f` takes no `y`", "sure": true});
        let found = diagnostic(&item).unwrap();
        assert_eq!((found.line, found.absence, found.is_sure), (2, Absence::Argument, true));
        assert_eq!(diagnostic(&json!({"rule": "other"})), None);
    }

    #[test]
    fn what_was_seen_is_not_called_absent() {
        let seen = Seen { names: [(PathBuf::from("a.py"), 3, "itn".to_owned())].into() };
        let at = |line: usize, message: &str| Finding::error(NAME, message).at("a.py", Some(line));
        assert!(seen.contradicts(&at(3, "module `tarfile` has no member `itn`")));
        assert!(!seen.contradicts(&at(4, "module `tarfile` has no member `itn`")));
        assert!(!seen.contradicts(&at(3, "module `tarfile` has no member `nti2`")));
    }

    #[test]
    fn names_that_the_repository_gives_are_known() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("pack")).unwrap();
        std::fs::write(
            root.path().join("pack/a.py"),
            "import os.path\nfrom .b import c\nclass A:\n    def frob(self):\n        self.x = 1\n",
        )
        .unwrap();
        let found = Repository::read(root.path());
        assert!(found.modules.contains("pack") && found.imports.contains("os.path") && found.imports.len() == 1);
        assert!(["A", "frob", "x"].iter().all(|it| found.names.contains(*it)));
    }
}
