//! Which files decide how strictly a change is judged, and a tree in which they are as before the change.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value as Json;
use toml::{Table, Value};

use super::{eslint, imports};
use crate::change::Tree;

/// Files that are nothing but a tool's configuration, by name.
const NAMES: &[&str] = &[
    "ruff.toml",
    ".ruff.toml",
    "mypy.ini",
    ".mypy.ini",
    "setup.cfg",
    "tox.ini",
    ".flake8",
    ".pylintrc",
    "ty.toml",
    "pyrightconfig.json",
    ".bandit",
    "bandit.yaml",
    "bandit.yml",
    ".eslintignore",
    ".oxlintrc.json",
    "oxlint.json",
    "biome.json",
    "biome.jsonc",
    "jsconfig.json",
    "clippy.toml",
    ".clippy.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
    "staticcheck.conf",
    ".shellcheckrc",
    "shellcheckrc",
    ".semgrep.yml",
    ".semgrep.yaml",
    "semgrep.yml",
    "semgrep.yaml",
    ".semgrepignore",
    ".gitleaks.toml",
    ".gitleaksignore",
];

/// Folders in which every file is configuration.
const FOLDERS: &[&str] = &[".cargo", ".semgrep"];

/// Tables of `pyproject.toml` that belong to tools that judge.
const PYTHON_TABLES: &[&str] =
    &["ruff", "mypy", "ty", "pyright", "basedpyright", "bandit", "pylint", "flake8", "black", "isort"];

/// Keys of `package.json` that belong to tools that judge.
const NODE_KEYS: &[&str] = &["eslintConfig", "eslintIgnore"];

/// More files than a configuration is made of.
const MAX_IMPORTED: usize = 100;

/// The state after a change, with every file and table that configures a judge as it was before the change.
pub struct JudgedTree<'a> {
    after: &'a dyn Tree,
    replaced: BTreeMap<PathBuf, Option<Arc<str>>>,
    paths: Vec<PathBuf>,
}

impl<'a> JudgedTree<'a> {
    /// Lays the configuration of `before` over `after`.
    pub fn new(before: &dyn Tree, after: &'a dyn Tree) -> Self {
        let mut replaced: BTreeMap<PathBuf, Option<Arc<str>>> = BTreeMap::new();
        let both: BTreeSet<&PathBuf> = before.paths().iter().chain(after.paths()).collect();
        for path in both.iter().filter(|path| is_configuration(path)) {
            let old = before.read(path);
            if old != after.read(path) {
                replaced.insert((*path).clone(), old);
            }
        }
        for path in imported_configuration(before) {
            let old = before.read(&path);
            if old != after.read(&path) {
                replaced.insert(path, old);
            }
        }
        for path in after.paths() {
            let Some(merge) = merge_of(path) else { continue };
            let (old, new) = (before.read(path), after.read(path));
            if old == new {
                continue;
            }
            if let Some(text) = new.and_then(|new| merge(old.as_deref(), &new)) {
                replaced.insert(path.clone(), Some(text.into()));
            }
        }
        let kept = after.paths().iter().filter(|path| !replaced.contains_key(*path));
        let restored = replaced.iter().filter(|(_, text)| text.is_some()).map(|(path, _)| path);
        let paths: BTreeSet<PathBuf> = kept.chain(restored).cloned().collect();
        Self { after, paths: paths.into_iter().collect(), replaced }
    }

    /// Returns the files that are not as the change has them.
    pub fn replaced(&self) -> impl Iterator<Item = &Path> {
        self.replaced.keys().map(PathBuf::as_path)
    }
}

impl Tree for JudgedTree<'_> {
    fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    fn read(&self, path: &Path) -> Option<Arc<str>> {
        match self.replaced.get(path) {
            Some(text) => text.clone(),
            None => self.after.read(path),
        }
    }
}

/// Returns whether a file is nothing but a judge's configuration.
pub(super) fn is_configuration(path: &Path) -> bool {
    let Some(name) = path.file_name().and_then(|it| it.to_str()) else { return false };
    let is_project = name.starts_with("tsconfig") && name.ends_with(".json");
    let in_folder = path
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .any(|it| FOLDERS.iter().any(|folder| it.as_os_str() == *folder));
    is_project || in_folder || NAMES.contains(&name) || eslint::CONFIGURATIONS.contains(&name)
}

/// Returns whether tools read their configuration from a file, alone or beside other things.
pub(super) fn has_configuration(path: &Path) -> bool {
    is_configuration(path) || merge_of(path).is_some()
}

/// Returns the files of the project that a configuration written as a program is made of.
fn imported_configuration(tree: &dyn Tree) -> BTreeSet<PathBuf> {
    let is_program = |path: &&PathBuf| {
        super::kind::is_script(path)
            && path.file_name().and_then(|it| it.to_str()).is_some_and(|it| eslint::CONFIGURATIONS.contains(&it))
    };
    let mut left: Vec<PathBuf> = tree.paths().iter().filter(is_program).cloned().collect();
    let mut found = BTreeSet::new();
    while let Some(path) = left.pop() {
        let Some(text) = tree.read(&path).filter(|_| found.len() < MAX_IMPORTED) else { continue };
        for imported in imports::relative_scripts(tree, &path, &text) {
            if found.insert(imported.clone()) {
                left.push(imported);
            }
        }
    }
    found
}

type Merge = fn(Option<&str>, &str) -> Option<String>;

/// Returns how a file that holds configuration beside other things is put together.
fn merge_of(path: &Path) -> Option<Merge> {
    match path.file_name()?.to_str()? {
        "pyproject.toml" => Some(pyproject),
        "Cargo.toml" => Some(cargo),
        "package.json" => Some(package_json),
        _ => None,
    }
}

fn pyproject(old: Option<&str>, new: &str) -> Option<String> {
    let old = old.and_then(|it| it.parse::<Table>().ok()).unwrap_or_default();
    let mut new: Table = new.parse().ok()?;
    let table = |owner: &Table| owner.get("tool").and_then(Value::as_table).cloned().unwrap_or_default();
    let (old_tools, mut tools) = (table(&old), table(&new));
    for name in PYTHON_TABLES {
        keep(&old_tools, &mut tools, name);
    }
    new.insert("tool".to_owned(), Value::Table(tools));
    toml::to_string(&new).ok()
}

fn cargo(old: Option<&str>, new: &str) -> Option<String> {
    let old = old.and_then(|it| it.parse::<Table>().ok()).unwrap_or_default();
    let mut new: Table = new.parse().ok()?;
    keep(&old, &mut new, "lints");
    let table = |owner: &Table| owner.get("workspace").and_then(Value::as_table).cloned();
    if let Some(mut workspace) = table(&new) {
        keep(&table(&old).unwrap_or_default(), &mut workspace, "lints");
        new.insert("workspace".to_owned(), Value::Table(workspace));
    }
    toml::to_string(&new).ok()
}

/// Makes `key` what it was.
fn keep(old: &Table, new: &mut Table, key: &str) {
    match old.get(key) {
        Some(value) => new.insert(key.to_owned(), value.clone()),
        None => new.remove(key),
    };
}

fn package_json(old: Option<&str>, new: &str) -> Option<String> {
    let old: Json = old.and_then(|it| serde_json::from_str(it).ok()).unwrap_or_default();
    let mut new: serde_json::Map<String, Json> = serde_json::from_str(new).ok()?;
    for key in NODE_KEYS {
        match old.get(*key) {
            Some(value) => new.insert((*key).to_owned(), value.clone()),
            None => new.remove(*key),
        };
    }
    serde_json::to_string_pretty(&new).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::MemoryTree;

    fn judged(before: &[(&str, &str)], after: &[(&str, &str)], path: &str) -> Option<String> {
        let tree = |files: &[(&str, &str)]| files.iter().map(|(path, text)| (*path, *text)).collect::<MemoryTree>();
        let (before, after) = (tree(before), tree(after));
        let judged = JudgedTree::new(&before, &after);
        assert_eq!(judged.read(Path::new(path)).is_some(), judged.paths().contains(&PathBuf::from(path)));
        judged.read(Path::new(path)).map(|it| it.to_string())
    }

    #[test]
    fn a_change_does_not_touch_its_own_judge() {
        let strict = [("ruff.toml", "select = [\"ALL\"]")];
        assert_eq!(
            judged(&strict, &[("ruff.toml", "select = []")], "ruff.toml").as_deref(),
            Some("select = [\"ALL\"]")
        );
        assert_eq!(judged(&strict, &[], "ruff.toml").as_deref(), Some("select = [\"ALL\"]"));
        assert_eq!(judged(&[], &[("sub/.eslintrc.json", "{}")], "sub/.eslintrc.json"), None);
        assert_eq!(judged(&[], &[(".cargo/config.toml", "x")], ".cargo/config.toml"), None);
        assert_eq!(judged(&[("a.py", "1")], &[("a.py", "2")], "a.py").as_deref(), Some("2"));
    }

    #[test]
    fn of_a_shared_file_only_the_judges_tables_stay() {
        let before = "[project]\nname = \"a\"\n[tool.ruff]\nline-length = 80\n";
        let after = "[project]\nname = \"b\"\n[tool.ruff]\nline-length = 200\n[tool.mypy]\nignore_errors = true\n[tool.other]\nx = 1\n";
        let text = judged(&[("pyproject.toml", before)], &[("pyproject.toml", after)], "pyproject.toml").unwrap();
        let expected: Table = "project.name = \"b\"\ntool.ruff.line-length = 80\ntool.other.x = 1".parse().unwrap();
        assert_eq!(text.parse::<Table>().unwrap(), expected);
        let before = "[package]\nname = \"a\"\n[lints.rust]\nunsafe_code = \"forbid\"\n";
        let text = judged(
            &[("Cargo.toml", before)],
            &[("Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\nb = \"1\"\n")],
            "Cargo.toml",
        )
        .unwrap();
        let expected: Table =
            "package.name = \"a\"\ndependencies.b = \"1\"\nlints.rust.unsafe_code = \"forbid\"".parse().unwrap();
        assert_eq!(text.parse::<Table>().unwrap(), expected);
        let text = judged(
            &[("package.json", r#"{"eslintConfig": {"root": true}}"#)],
            &[("package.json", r#"{"name": "a"}"#)],
            "package.json",
        )
        .unwrap();
        assert_eq!(
            serde_json::from_str::<Json>(&text).unwrap(),
            serde_json::json!({"name": "a", "eslintConfig": {"root": true}})
        );
    }

    #[test]
    fn the_files_that_a_configuration_imports_stay_too() {
        let before =
            [("eslint.config.js", "import rules from './lint/rules.js';"), ("lint/rules.js", "export default 1;")];
        let after =
            [("eslint.config.js", "import rules from './lint/rules.js';"), ("lint/rules.js", "export default 2;")];
        assert_eq!(judged(&before, &after, "lint/rules.js").as_deref(), Some("export default 1;"));
    }
}
