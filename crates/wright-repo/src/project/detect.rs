//! Finds out how a project is tested.
//!
//! Each kind of project is recognized by its own files and adds its commands; the one with the most test files comes first.
//! Projects in folders below the root count when the root does not cover them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::classify::runner_in;
use super::sources::{head, walk};
use super::{TestCommand, TestKind, is_test_path};

/// Looking at more files would not change what is found, only take longer.
const MAX_FILES: usize = 50_000;

/// How much of a manifest or a test is read.
const MAX_READ_BYTES: u64 = 256 * 1024;

/// Projects are not looked for in folders deeper than this.
const MAX_PROJECT_DEPTH: usize = 3;

/// The files of a project, by their paths from its root.
struct Files<'a> {
    root: &'a Path,
    paths: Vec<PathBuf>,
}

/// Lists the commands that run the tests of the project in `root`, the best one first.
///
/// The root should be the user's checkout rather than a copy, because the environment that holds a project's dependencies
/// is usually not part of the repository.
pub fn detect(root: &Path) -> Vec<TestCommand> {
    let paths =
        walk(root).take(MAX_FILES).filter_map(|entry| Some(entry.path().strip_prefix(root).ok()?.to_path_buf()));
    let mut paths: Vec<PathBuf> = paths.collect();
    let hidden = Path::new(".pytest.ini");
    if root.join(hidden).is_file() {
        paths.push(hidden.to_path_buf());
    }
    let files = Files { root, paths };
    let recognizers = [python, cargo, go, node, maven, gradle];
    let mut candidates: Vec<Candidate> = recognizers.iter().flat_map(|recognize| recognize(&files)).collect();
    // The sort is stable, so the order above decides between equals.
    candidates.sort_by_key(Candidate::rank);
    candidates.extend(make(&files));
    candidates.into_iter().map(|candidate| candidate.command).collect()
}

/// A command with what its place in the order depends on.
struct Candidate {
    command: TestCommand,
    n_tests: usize,
}

impl Candidate {
    fn new(argv: &[&str], kind: TestKind, dir: &Path, reason: String, n_tests: usize) -> Self {
        let argv = argv.iter().map(|&word| word.to_owned()).collect();
        Self { command: TestCommand { argv, kind, reason, dir: dir.to_path_buf() }, n_tests }
    }

    /// Commands for the whole project first, then those that run more tests.
    fn rank(&self) -> (usize, std::cmp::Reverse<usize>) {
        (self.command.dir.components().count(), std::cmp::Reverse(self.n_tests))
    }
}

impl Files<'_> {
    fn has(&self, path: &Path) -> bool {
        self.paths.iter().any(|known| known == path)
    }

    fn head(&self, path: &Path) -> String {
        head(self.root, path, MAX_READ_BYTES).unwrap_or_default()
    }

    /// Returns the folders that directly hold one of `names` and lie below no other folder that does.
    fn outermost(&self, names: &[&str]) -> Vec<PathBuf> {
        let mut outermost: Vec<PathBuf> = Vec::new();
        for folder in self.holding(names) {
            if !outermost.iter().any(|outer| folder.starts_with(outer)) {
                outermost.push(folder);
            }
        }
        outermost
    }

    /// Returns the folders that directly hold one of `names`, outer ones first.
    fn holding(&self, names: &[&str]) -> Vec<PathBuf> {
        let holders = self.paths.iter().filter(|path| names.iter().any(|name| path.ends_with(name)));
        let mut folders: Vec<PathBuf> = holders.filter_map(|path| path.parent().map(Path::to_path_buf)).collect();
        folders.retain(|folder| folder.components().count() <= MAX_PROJECT_DEPTH);
        folders.sort_by_key(|folder| (folder.components().count(), folder.clone()));
        folders.dedup();
        folders
    }

    /// Returns the test files below a folder whose name ends in one of `extensions`.
    fn tests<'a>(&'a self, folder: &'a Path, extensions: &'a [&str]) -> impl Iterator<Item = &'a Path> {
        let has_extension = |path: &Path| {
            path.extension().and_then(|found| found.to_str()).is_some_and(|found| extensions.contains(&found))
        };
        let below = self.paths.iter().filter(move |path| path.starts_with(folder));
        below.map(PathBuf::as_path).filter(move |path| has_extension(path) && is_test_path(path))
    }
}

fn python(files: &Files<'_>) -> Vec<Candidate> {
    let manifests = [
        "pyproject.toml",
        "setup.py",
        "setup.cfg",
        "pytest.ini",
        ".pytest.ini",
        "tox.ini",
        "conftest.py",
        "requirements.txt",
    ];
    let mut folders = files.outermost(&manifests);
    let tests: Vec<&Path> = files.tests(Path::new(""), &["py"]).filter(|path| is_python_test_file(path)).collect();
    let is_covered = |test: &&Path| folders.iter().any(|folder| test.starts_with(folder));
    // Tests that no manifest claims make the root a project, and so does a manifest in a folder of tests.
    let in_test_folder = folders.iter().any(|folder| is_test_path(&folder.join("x")));
    if !tests.iter().all(is_covered) || in_test_folder {
        folders = vec![PathBuf::new()];
    }
    folders.iter().flat_map(|folder| python_in(files, folder, &tests)).collect()
}

/// Says whether a test runner would collect a file, which it does not for fixtures and helpers.
fn is_python_test_file(path: &Path) -> bool {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy()).unwrap_or_default();
    stem.starts_with("test") || stem.ends_with("_test")
}

fn python_in(files: &Files<'_>, folder: &Path, tests: &[&Path]) -> Vec<Candidate> {
    let tests: Vec<&Path> = tests.iter().copied().filter(|path| path.starts_with(folder)).collect();
    let styles: Vec<PythonStyle> = tests.iter().map(|path| python_style(&files.head(path))).collect();
    let first = |style: PythonStyle| styles.iter().position(|&found| found == style).map(|test_idx| tests[test_idx]);
    let interpreter = interpreter(files, folder);
    let mut candidates = Vec::new();

    let configured = pytest_config(files, folder);
    let used = first(PythonStyle::Pytest).map(|path| format!("{} is written for pytest", path.display()));
    if let Some(reason) = configured.or(used) {
        let argv = [interpreter, "-m", "pytest"];
        candidates.push(Candidate::new(&argv, TestKind::Pytest, folder, reason, tests.len()));
    }
    if let Some(test) = first(PythonStyle::Unittest) {
        let n_tests = styles.iter().filter(|&&style| style == PythonStyle::Unittest).count();
        let reason = format!("{} uses unittest", test.display());
        let argv = unittest_argv(files, folder, interpreter, &tests);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        candidates.push(Candidate::new(&argv, TestKind::Unittest, folder, reason, n_tests));
    }
    // With both, pytest runs the others too.
    candidates
}

/// Returns the interpreter of the project's own environment where there is one.
fn interpreter(files: &Files<'_>, folder: &Path) -> &'static str {
    let own = [".venv/bin/python", "venv/bin/python"];
    let exists = |path: &&&str| files.root.join(folder).join(path).exists();
    own.iter().find(exists).copied().unwrap_or("python3")
}

fn pytest_config(files: &Files<'_>, folder: &Path) -> Option<String> {
    let signs = [
        ("pytest.ini", "", "exists"),
        (".pytest.ini", "", "exists"),
        ("pyproject.toml", "[tool.pytest", "has [tool.pytest]"),
        ("setup.cfg", "[tool:pytest]", "has [tool:pytest]"),
        ("tox.ini", "[pytest]", "has [pytest]"),
    ];
    for (name, sign, what) in signs {
        let path = folder.join(name);
        if files.has(&path) && files.head(&path).contains(sign) {
            return Some(format!("{} {what}", path.display()));
        }
    }
    let conftest = files.paths.iter().find(|path| path.starts_with(folder) && path.ends_with("conftest.py"))?;
    Some(format!("{} exists", conftest.display()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PythonStyle {
    Pytest,
    Unittest,
    Unknown,
}

fn python_style(text: &str) -> PythonStyle {
    let imports = |line: &str, module: &str| {
        let words = line.strip_prefix("import ").or_else(|| line.strip_prefix("from "));
        words.is_some_and(|words| words.split([' ', '.', ',']).any(|word| word == module))
    };
    let is_bare_test = |line: &str| line.starts_with("def test") || line.starts_with("async def test");
    let is_bare_class = |line: &str| line.starts_with("class Test") && (line.contains("()") || !line.contains('('));
    if text.lines().any(|line| imports(line.trim_start(), "pytest") || is_bare_test(line)) {
        return PythonStyle::Pytest;
    }
    if text.lines().any(|line| imports(line.trim_start(), "unittest") || line.contains("TestCase)")) {
        return PythonStyle::Unittest;
    }
    if text.lines().any(is_bare_class) { PythonStyle::Pytest } else { PythonStyle::Unknown }
}

/// Returns the command that makes `unittest` find the tests, which looks only into packages and at one pattern of names.
fn unittest_argv(files: &Files<'_>, folder: &Path, interpreter: &str, tests: &[&Path]) -> Vec<String> {
    let mut argv: Vec<String> = [interpreter, "-m", "unittest", "discover"].map(str::to_owned).to_vec();
    let is_package = |dir: &Path| dir == folder || files.has(&dir.join("__init__.py"));
    let first_folder = tests.first().and_then(|test| test.parent()).unwrap_or(folder);
    let way: Vec<&Path> = first_folder.ancestors().take_while(|dir| *dir != folder).collect();
    if !way.iter().all(|dir| is_package(dir)) {
        // The outermost folder that is no package has to be named; below it there may be packages again.
        let start = way.iter().find(|dir| !is_package(dir)).copied().unwrap_or(first_folder);
        let start = start.strip_prefix(folder).unwrap_or(start);
        argv.extend(["-s".to_owned(), start.display().to_string()]);
    }
    let is_default = |path: &&&Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("test"));
    if !tests.iter().any(|path| is_default(&path)) {
        argv.extend(["-p", "*_test.py"].map(str::to_owned));
    }
    argv
}

fn cargo(files: &Files<'_>) -> Vec<Candidate> {
    let command = |folder: &PathBuf| {
        let n_sources = files.tests(folder, &["rs"]).count();
        let reason = format!("{} exists", folder.join("Cargo.toml").display());
        Candidate::new(&["cargo", "test"], TestKind::Cargo, folder, reason, n_sources)
    };
    files.outermost(&["Cargo.toml"]).iter().map(command).collect()
}

fn go(files: &Files<'_>) -> Vec<Candidate> {
    // A module inside another is not covered by the outer one.
    let modules = files.holding(&["go.mod"]);
    let command = |folder: &PathBuf| {
        let n_tests = files.tests(folder, &["go"]).count();
        let reason = format!("{} exists", folder.join("go.mod").display());
        Candidate::new(&["go", "test", "./..."], TestKind::Go, folder, reason, n_tests)
    };
    modules.iter().map(command).collect()
}

const SCRIPT_EXTENSIONS: [&str; 8] = ["js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts"];

fn node(files: &Files<'_>) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for folder in files.holding(&["package.json"]) {
        let is_covered = candidates.iter().any(|outer| folder.starts_with(&outer.command.dir));
        if !is_covered {
            candidates.extend(npm_script(files, &folder));
        }
    }
    if candidates.is_empty() {
        candidates.extend(node_test(files));
    }
    candidates
}

fn npm_script(files: &Files<'_>, folder: &Path) -> Option<Candidate> {
    let path = folder.join("package.json");
    let manifest: serde_json::Value = serde_json::from_str(&files.head(&path)).ok()?;
    let script = manifest.get("scripts")?.get("test")?.as_str()?.trim();
    // What `npm init` writes when nobody answers.
    if script.is_empty() || script.contains("no test specified") {
        return None;
    }
    let n_tests = files.tests(folder, &SCRIPT_EXTENSIONS).count();
    let reason = format!("{} has the test script `{script}`", path.display());
    Some(Candidate::new(&["npm", "test"], TestKind::Npm(runner_in(script)), folder, reason, n_tests))
}

/// Returns `node --test` when there are files that it would run.
fn node_test(files: &Files<'_>) -> Option<Candidate> {
    let tests: Vec<&Path> = files.tests(Path::new(""), &["js", "mjs", "cjs"]).collect();
    let imports = |path: &&&Path| {
        let text = files.head(path);
        text.contains("'node:test'") || text.contains("\"node:test\"")
    };
    let first = tests.iter().find(imports)?;
    let reason = format!("{} imports node:test", first.display());
    Some(Candidate::new(&["node", "--test"], TestKind::Node, Path::new(""), reason, tests.len()))
}

fn maven(files: &Files<'_>) -> Vec<Candidate> {
    jvm(files, &["pom.xml"], TestKind::Maven, "mvnw", &["mvn", "-q", "test"])
}

fn gradle(files: &Files<'_>) -> Vec<Candidate> {
    let names = ["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"];
    jvm(files, &names, TestKind::Gradle, "gradlew", &["gradle", "test"])
}

fn jvm(files: &Files<'_>, names: &[&str], kind: TestKind, wrapper: &str, argv: &[&str]) -> Vec<Candidate> {
    let command = |folder: &PathBuf| {
        let manifest = names.iter().map(|name| folder.join(name)).find(|path| files.has(path))?;
        let own = format!("./{wrapper}");
        let program = if files.has(&folder.join(wrapper)) { own.as_str() } else { argv[0] };
        let words: Vec<&str> = [program].into_iter().chain(argv[1..].iter().copied()).collect();
        let n_tests = files.tests(folder, &["java", "kt"]).count();
        Some(Candidate::new(&words, kind, folder, format!("{} exists", manifest.display()), n_tests))
    };
    files.outermost(names).iter().filter_map(command).collect()
}

/// Returns the target of a makefile in the root. It comes last: what it runs cannot be read from its name.
fn make(files: &Files<'_>) -> Option<Candidate> {
    let names = ["GNUmakefile", "makefile", "Makefile"];
    let path = names.iter().map(Path::new).find(|path| files.has(path))?;
    let text = files.head(path);
    let targets: BTreeSet<&str> = text.lines().filter_map(target).collect();
    let target = ["test", "tests", "check"].into_iter().find(|name| targets.contains(name))?;
    let reason = format!("{} has the target `{target}`", path.display());
    Some(Candidate::new(&["make", target], TestKind::Make, Path::new(""), reason, 0))
}

fn target(line: &str) -> Option<&str> {
    let (name, rest) = line.split_once(':')?;
    let is_assignment = rest.starts_with('=') || name.contains('=');
    let is_name = !name.is_empty() && !name.starts_with(['\t', ' ', '#', '.']);
    (is_name && !is_assignment).then(|| name.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the files, detects, and compares each command as `dir: argv (kind)`.
    fn check(files: &[(&str, &str)], expected: &[&str]) -> Vec<TestCommand> {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let found = detect(folder.path());
        let lines: Vec<String> = found
            .iter()
            .map(|command| format!("{}: {} ({:?})", command.dir.display(), command.argv.join(" "), command.kind))
            .collect();
        assert_eq!(lines, expected, "{files:?}");
        found
    }

    const UNITTEST: &str = "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): pass\n";

    #[test]
    fn pytest_is_chosen_for_its_configuration() {
        let pytest = [": python3 -m pytest (Pytest)"];
        check(&[("pytest.ini", "[pytest]\n")], &pytest);
        check(&[("tox.ini", "[tox]\n[pytest]\n")], &pytest);
        check(&[("setup.cfg", "[tool:pytest]\n")], &pytest);
        check(&[("tests/conftest.py", ""), ("a.py", "")], &pytest);
        let found = check(&[("pyproject.toml", "[tool.pytest.ini_options]\n")], &pytest);
        assert_eq!(found[0].reason, "pyproject.toml has [tool.pytest]");
    }

    #[test]
    fn pytest_is_chosen_for_tests_that_are_written_for_it() {
        let pytest = [": python3 -m pytest (Pytest)"];
        check(&[("tests/test_a.py", "from pytest import raises\n")], &pytest);
        check(&[("a_test.py", "def test_a():\n    assert 1\n")], &pytest);
        let found = check(&[("test_a.py", "class TestA:\n    def test_a(self): pass\n")], &pytest);
        assert_eq!(found[0].reason, "test_a.py is written for pytest");
    }

    #[test]
    fn plain_unittest_is_called_so_that_it_finds_the_tests() {
        check(&[("test_a.py", UNITTEST)], &[": python3 -m unittest discover (Unittest)"]);
        check(&[("tests/test_a.py", UNITTEST)], &[": python3 -m unittest discover -s tests (Unittest)"]);
        check(
            &[("tests/__init__.py", ""), ("tests/test_a.py", UNITTEST)],
            &[": python3 -m unittest discover (Unittest)"],
        );
        check(&[("a_test.py", UNITTEST)], &[": python3 -m unittest discover -p *_test.py (Unittest)"]);
    }

    #[test]
    fn with_both_styles_pytest_comes_first() {
        let both = [("test_a.py", UNITTEST), ("test_b.py", "def test_b(): pass\n")];

        check(&both, &[": python3 -m pytest (Pytest)", ": python3 -m unittest discover (Unittest)"]);
    }

    #[test]
    fn the_environment_of_the_project_is_used() {
        check(
            &[("test_a.py", UNITTEST), (".venv/bin/python", "")],
            &[": .venv/bin/python -m unittest discover (Unittest)"],
        );
    }

    #[test]
    fn each_kind_of_project_is_recognized() {
        check(&[("Cargo.toml", ""), ("crates/a/Cargo.toml", "")], &[": cargo test (Cargo)"]);
        check(&[("go.mod", ""), ("sub/go.mod", "")], &[": go test ./... (Go)", "sub: go test ./... (Go)"]);
        check(&[("pom.xml", ""), ("a/pom.xml", "")], &[": mvn -q test (Maven)"]);
        check(&[("build.gradle.kts", ""), ("gradlew", "")], &[": ./gradlew test (Gradle)"]);
        check(&[("package.json", r#"{"scripts":{"test":"jest --ci"}}"#)], &[": npm test (Npm(Jest))"]);
        check(&[("test/a.test.mjs", "import test from 'node:test'\n")], &[": node --test (Node)"]);
        check(&[("Makefile", "X := 1\n.PHONY: test\ntest: build\n\ttrue\n")], &[": make test (Make)"]);
    }

    #[test]
    fn nothing_is_made_up() {
        check(&[], &[]);
        check(&[("README.md", "pytest"), ("src/app.py", "import unittest\n")], &[]);
        check(&[("package.json", r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#)], &[]);
        check(&[("package.json", "not json"), ("Makefile", "build:\n\ttrue\n")], &[]);
        check(&[("node_modules/x/package.json", r#"{"scripts":{"test":"jest"}}"#)], &[]);
    }

    #[test]
    fn the_kind_with_more_tests_comes_first_and_make_last() {
        let files = [
            ("Makefile", "test:\n\ttrue\n"),
            ("package.json", r#"{"scripts":{"test":"vitest run"}}"#),
            ("web/a.test.ts", ""),
            ("web/b.test.ts", ""),
            ("tests/test_a.py", "import pytest\n"),
        ];

        check(&files, &[": npm test (Npm(Vitest))", ": python3 -m pytest (Pytest)", ": make test (Make)"]);
    }

    #[test]
    fn projects_in_folders_are_found_where_the_root_is_none() {
        let files = [
            ("backend/pyproject.toml", "[tool.pytest.ini_options]\n"),
            ("backend/tests/test_a.py", "import pytest\n"),
            ("frontend/package.json", r#"{"scripts":{"test":"vitest"}}"#),
        ];

        check(&files, &["backend: python3 -m pytest (Pytest)", "frontend: npm test (Npm(Vitest))"]);
    }
}
