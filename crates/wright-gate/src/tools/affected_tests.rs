//! Which tests can notice a change: those that import what it touches, through however many files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use wright_repo::project;
use wright_text::Language;

use super::imports::{self, FileIndex, MAX_READ_BYTES};
use crate::change::{ChangeSet, Tree};

/// The tests to run for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The files, in order; `None` where only all tests together can tell.
    pub files: Option<Vec<PathBuf>>,
    /// Why, as a lowercase fragment.
    pub reason: String,
}

/// Files that no test looks at.
const SILENT: &[&str] = &["md", "rst", "adoc"];

/// Returns the tests of a tree that can reach what a change touches. Wherever that cannot be told, all of them.
pub fn affected_tests(change: &ChangeSet, tree: &dyn Tree) -> Selection {
    let touched: BTreeSet<PathBuf> = change
        .files
        .iter()
        .flat_map(|it| [it.path.clone(), it.path_before().to_owned()])
        .filter(|it| !is_silent(it))
        .collect();
    if let Some(path) = touched.iter().find(|path| family(path).is_none()) {
        return Selection { files: None, reason: format!("any test may read {}", path.display()) };
    }
    let graph = Graph::new(tree, &touched);
    let reached = graph.reached(&touched);
    let tests: Vec<PathBuf> = reached.iter().filter(|path| graph.is_test(path)).cloned().collect();
    if tests.is_empty() && !touched.is_empty() {
        return Selection { files: None, reason: "no test is known to reach what the change touches".to_owned() };
    }
    let reason = format!("{} of {} test files reach what the change touches", tests.len(), graph.n_tests());
    Selection { files: Some(tests), reason }
}

fn is_silent(path: &Path) -> bool {
    let is_documentation = path.extension().and_then(|it| it.to_str()).is_some_and(|it| SILENT.contains(&it));
    is_documentation || path.file_name().is_some_and(|it| it == ".gitignore" || it == "LICENSE")
}

/// Languages whose files import each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    Python,
    Script,
    Rust,
    Go,
    Java,
}

fn family(path: &Path) -> Option<Family> {
    // These run before any test is looked at.
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let is_setup =
        ["setup.py", "noxfile.py", "build.rs"].contains(&name) || name.contains(".config.") || name.contains(".setup.");
    if is_setup {
        return None;
    }
    match Language::from_path(path)?.name() {
        "python" => Some(Family::Python),
        "javascript" | "typescript" | "tsx" | "jsx" => Some(Family::Script),
        "rust" => Some(Family::Rust),
        "go" => Some(Family::Go),
        "java" => Some(Family::Java),
        _ => None,
    }
}

/// What imports what, the wrong way round: from a file to those that would notice it.
struct Graph {
    importers: BTreeMap<PathBuf, BTreeSet<PathBuf>>,
    tests: BTreeSet<PathBuf>,
    /// Files that may import anything.
    unsure: BTreeSet<PathBuf>,
}

impl Graph {
    fn new(tree: &dyn Tree, touched: &BTreeSet<PathBuf>) -> Self {
        let families: BTreeSet<Family> = touched.iter().filter_map(|it| family(it)).collect();
        let sources: Vec<&Path> = tree
            .paths()
            .iter()
            .map(PathBuf::as_path)
            .filter(|it| family(it).is_some_and(|it| families.contains(&it)))
            .collect();
        // What a change deletes is imported still, by what it forgot.
        let all: BTreeSet<&Path> = sources.iter().copied().chain(touched.iter().map(PathBuf::as_path)).collect();
        let reader = Reader {
            index: FileIndex::new(all.iter().copied()),
            packages: node_packages(tree),
            crates: crates(tree),
            module: go_module(tree),
            all: all.iter().map(|it| (*it).to_owned()).collect(),
        };
        let mut graph = Self { importers: BTreeMap::new(), tests: BTreeSet::new(), unsure: BTreeSet::new() };
        for path in sources {
            graph.add(path, tree, &reader);
        }
        graph
    }

    fn add(&mut self, path: &Path, tree: &dyn Tree, reader: &Reader<'_>) {
        let text = tree.read(path).filter(|it| it.len() <= MAX_READ_BYTES);
        let Some((text, family)) = text.zip(family(path)) else {
            self.unsure.insert(path.to_owned());
            return;
        };
        if is_test(path, &text, family) {
            self.tests.insert(path.to_owned());
        }
        let is_dynamic = match family {
            Family::Python => imports::python_is_dynamic(&text),
            Family::Script => imports::script_is_dynamic(&text),
            Family::Rust | Family::Go | Family::Java => false,
        };
        if is_dynamic {
            self.unsure.insert(path.to_owned());
        }
        for imported in reader.imported(path, &text, family) {
            self.importers.entry(imported).or_default().insert(path.to_owned());
        }
    }

    /// Returns everything that notices one of these files, with the files themselves.
    fn reached(&self, touched: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let mut reached = touched.clone();
        reached.extend(self.unsure.iter().filter(|_| !touched.is_empty()).cloned());
        let mut left: Vec<PathBuf> = reached.iter().cloned().collect();
        while let Some(path) = left.pop() {
            for importer in self.importers.get(&path).into_iter().flatten() {
                if reached.insert(importer.clone()) {
                    left.push(importer.clone());
                }
            }
        }
        reached
    }

    fn is_test(&self, path: &Path) -> bool {
        self.tests.contains(path)
    }

    fn n_tests(&self) -> usize {
        self.tests.len()
    }
}

fn is_test(path: &Path, text: &str, family: Family) -> bool {
    let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
    let is_helper = name == "conftest.py" || name == "__init__.py" || name == "mod.rs";
    match family {
        Family::Rust => text.contains("#[test]") || text.contains("::test]") || text.contains("proptest!"),
        Family::Python | Family::Script | Family::Go | Family::Java => project::is_test_path(path) && !is_helper,
    }
}

/// What import lines are resolved with.
struct Reader<'t> {
    index: FileIndex<'t>,
    packages: Vec<(String, PathBuf)>,
    crates: Vec<Crate>,
    module: Option<String>,
    all: Vec<PathBuf>,
}

impl Reader<'_> {
    fn imported(&self, path: &Path, text: &str, family: Family) -> BTreeSet<PathBuf> {
        match family {
            Family::Python => {
                let mut imported = imports::python(path, text, &self.index);
                // Every test below a folder runs with the fixtures of that folder.
                let above = path.ancestors().skip(1).map(|folder| folder.join("conftest.py"));
                imported.extend(above.filter(|it| it != path && self.all.binary_search(it).is_ok()));
                imported
            }
            Family::Script => imports::script(path, text, &self.index, &self.packages),
            Family::Rust => self.of_crate(path),
            Family::Go => self.of_package(path, text),
            Family::Java => self.of_classes(path, text),
        }
    }

    /// A crate is compiled as one, and notices everything in the crates it names.
    fn of_crate(&self, path: &Path) -> BTreeSet<PathBuf> {
        let Some(own) = self.crate_of(path) else { return self.all.iter().cloned().collect() };
        let is_noticed = |other: &&PathBuf| {
            self.crate_of(other).is_some_and(|it| it.folder == own.folder || own.needs.contains(&it.name))
        };
        self.all.iter().filter(is_noticed).cloned().collect()
    }

    fn crate_of(&self, path: &Path) -> Option<&Crate> {
        self.crates.iter().filter(|it| path.starts_with(&it.folder)).max_by_key(|it| it.folder.components().count())
    }

    /// A package is a folder.
    fn of_package(&self, path: &Path, text: &str) -> BTreeSet<PathBuf> {
        let module = self.module.as_deref().unwrap_or_default();
        let quoted = text.split('"').skip(1).step_by(2);
        let folders = quoted.filter_map(|it| Some(PathBuf::from(it.strip_prefix(module)?.trim_start_matches('/'))));
        let folders: BTreeSet<PathBuf> = folders.chain(path.parent().map(Path::to_owned)).collect();
        self.all.iter().filter(|it| it.parent().is_some_and(|folder| folders.contains(folder))).cloned().collect()
    }

    /// A class is noticed wherever its name is written.
    fn of_classes(&self, path: &Path, text: &str) -> BTreeSet<PathBuf> {
        let words: BTreeSet<&str> = text.split(|it: char| !(it.is_alphanumeric() || it == '_')).collect();
        let is_named = |other: &&PathBuf| {
            *other != path && other.file_stem().and_then(|it| it.to_str()).is_some_and(|it| words.contains(it))
        };
        self.all.iter().filter(is_named).cloned().collect()
    }
}

/// A package of Rust: where it is, what it is called, and which packages it names.
struct Crate {
    folder: PathBuf,
    name: String,
    needs: BTreeSet<String>,
}

fn crates(tree: &dyn Tree) -> Vec<Crate> {
    let manifests = tree.paths().iter().filter(|path| path.ends_with("Cargo.toml"));
    let mut crates: Vec<Crate> = manifests.filter_map(|path| read_crate(path, &tree.read(path)?)).collect();
    // A crate notices what those it names notice.
    let mut grown = true;
    while grown {
        grown = false;
        for at in 0..crates.len() {
            let needs = &crates[at].needs;
            let more: BTreeSet<String> =
                crates.iter().filter(|it| needs.contains(&it.name)).flat_map(|it| it.needs.iter().cloned()).collect();
            let n_before = crates[at].needs.len();
            crates[at].needs.extend(more);
            grown |= crates[at].needs.len() > n_before;
        }
    }
    crates
}

fn read_crate(path: &Path, text: &str) -> Option<Crate> {
    let manifest: toml::Table = text.parse().ok()?;
    let name = manifest.get("package")?.get("name")?.as_str()?.to_owned();
    let tables = ["dependencies", "dev-dependencies", "build-dependencies"]
        .iter()
        .filter_map(|it| manifest.get(*it)?.as_table());
    let needs = tables
        .flatten()
        .map(|(key, entry)| entry.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned());
    Some(Crate { folder: path.parent()?.to_owned(), name, needs: needs.collect() })
}

fn node_packages(tree: &dyn Tree) -> Vec<(String, PathBuf)> {
    let manifests = tree.paths().iter().filter(|path| path.ends_with("package.json"));
    let package = |path: &PathBuf| {
        let manifest: serde_json::Value = serde_json::from_str(&tree.read(path)?).ok()?;
        Some((manifest.get("name")?.as_str()?.to_owned(), path.parent()?.to_owned()))
    };
    manifests.filter_map(package).collect()
}

fn go_module(tree: &dyn Tree) -> Option<String> {
    let text = tree.read(Path::new("go.mod"))?;
    text.lines().find_map(|line| line.trim().strip_prefix("module ")).map(|it| it.trim().to_owned())
}

#[cfg(test)]
mod tests;
