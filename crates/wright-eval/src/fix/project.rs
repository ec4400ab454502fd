//! A task as the files of a small project with a test command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use wright_text::Language;

use crate::tasks::{Bug, Pack, QuixBugs};

const PYTHON_RUNNER: &str = include_str!("../python/run_tests.py");
const LOAD_TESTDATA: &str = include_str!("../python/load_testdata.py");
const JAVASCRIPT_RUNNER: &str = include_str!("../javascript/run_check.cjs");

/// Where the word lies that a runner prints when it came to its end.
pub(super) const TOKEN_FILE: &str = "token";

/// A task as a project.
#[derive(Debug, Clone)]
pub(super) struct Project {
    /// Every file.
    pub(super) files: BTreeMap<PathBuf, String>,
    /// The file with the bug.
    pub(super) source: PathBuf,
    /// What ends that file whatever stands in it, so that its tests are found.
    pub(super) tail: &'static str,
    /// Its language.
    pub(super) language: Language,
    /// The function with the bug.
    pub(super) function: String,
    /// What it should do, in words.
    pub(super) description: String,
    /// The command that tests the project, as a user would name it.
    pub(super) command: Vec<String>,
    /// The command that confirms a patch.
    pub(super) confirm: Vec<String>,
    /// How a run of that command shows that the tests passed.
    pub(super) proof: Proof,
    /// The programs that must be installed.
    pub(super) programs: &'static [&'static str],
}

/// How a run of the tests shows that they passed, beside its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Proof {
    /// The runner prints a word that the tested program cannot know; Python's limits hold.
    PythonToken,
    /// The runner, or the command after it, prints that word.
    Token,
    /// Cargo's report counts at least one test.
    CargoReport,
}

impl Project {
    /// Lays a task out as a project, or says why that cannot be done.
    pub(super) fn of(bug: &Bug) -> Result<Self, String> {
        match bug {
            Bug::QuixBugs(task) => Ok(quixbugs(task)),
            Bug::Pack(task) if !task.needs.is_empty() => Err(format!("needs {}", task.needs.join(", "))),
            Bug::Pack(task) => match task.language.as_str() {
                "python" => Ok(python(task)),
                "js" => Ok(javascript(task)),
                "rust" => Ok(rust(task)),
                "java" => Ok(java(task)),
                other => Err(format!("no grammar for {other}, so nothing can be spliced")),
            },
        }
    }

    /// Returns whether a file decides what passes.
    pub(super) fn is_test(&self, path: &Path) -> bool {
        path != self.source && self.files.contains_key(path)
    }
}

/// The layout of the original repository, with the tests in a folder of their own.
fn quixbugs(task: &QuixBugs) -> Project {
    let name = &task.name;
    let source = PathBuf::from(format!("python_programs/{name}.py"));
    let test = format!("tests/test_{name}.py");
    let mut files = files([
        ("python_programs/__init__.py", ""),
        ("tests/run_tests.py", PYTHON_RUNNER),
        ("tests/load_testdata.py", LOAD_TESTDATA),
        (test.as_str(), &task.test_file),
    ]);
    files.insert(source.clone(), format!("{}{}", docstring(&task.description), task.buggy_solution));
    if let Some(cases) = &task.json_testcases {
        files.insert("tests/cases.json".into(), cases.clone());
    }
    if let Some(node) = &task.node_py {
        files.insert("tests/node.py".into(), node.clone());
        if task.buggy_solution.contains("node import") {
            files.insert("python_programs/node.py".into(), node.clone());
        }
    }
    Project {
        files,
        source,
        tail: "",
        language: Language::Python,
        function: name.clone(),
        description: task.description.clone(),
        command: words(&["python3", "-B", "tests/run_tests.py", &test]),
        confirm: words(&["python3", "-B", "tests/run_tests.py", "--seconds", "6", "--token-file", TOKEN_FILE, &test]),
        proof: Proof::PythonToken,
        programs: &["python3"],
    }
}

/// Returns a description as the docstring of a module.
fn docstring(description: &str) -> String {
    if description.trim().is_empty() {
        return String::new();
    }
    let prefix = if description.contains('\\') { "r" } else { "" };
    let text = description.trim().replace("\"\"\"", "'''");
    format!("{prefix}\"\"\"\n{text}\n\"\"\"\n\n\n")
}

fn python(task: &Pack) -> Project {
    let check = format!("tests/check_{}.py", task.entry_point);
    let files = files([
        ("solution.py", format!("{}{}", task.declaration, task.buggy_solution).as_str()),
        ("tests/run_tests.py", PYTHON_RUNNER),
        (&check, &task.test),
    ]);
    let of = ["--script", &check, "--of", "solution"];
    Project {
        command: words(&[&["python3", "-B", "tests/run_tests.py"], of.as_slice()].concat()),
        confirm: words(
            &[&["python3", "-B", "tests/run_tests.py", "--seconds", "10", "--token-file", TOKEN_FILE], of.as_slice()]
                .concat(),
        ),
        proof: Proof::PythonToken,
        programs: &["python3"],
        ..project(task, files, "solution.py", Language::Python)
    }
}

fn javascript(task: &Pack) -> Project {
    let files = files([
        ("solution.js", format!("{}{}", task.declaration, task.buggy_solution).as_str()),
        ("tests/run_check.cjs", JAVASCRIPT_RUNNER),
        ("tests/check.js", &task.test),
    ]);
    let command = ["node", "tests/run_check.cjs", "solution.js", "tests/check.js"];
    Project {
        command: words(&command),
        confirm: words(&[command.as_slice(), &[TOKEN_FILE]].concat()),
        proof: Proof::Token,
        programs: &["node"],
        ..project(task, files, "solution.js", Language::JavaScript)
    }
}

fn rust(task: &Pack) -> Project {
    const MANIFEST: &str = "[package]\nname = \"task\"\nversion = \"0.0.0\"\nedition = \"2021\"\nautotests = false\n\n\
                            [lints.rust]\nwarnings = \"allow\"\n\n[workspace]\n";
    const LOCK: &str = "version = 3\n\n[[package]]\nname = \"task\"\nversion = \"0.0.0\"\n";
    const TAIL: &str = "\n\n#[cfg(test)]\n#[path = \"../tests/check.rs\"]\nmod check;\n";
    let declaration: String = task.declaration.split_inclusive('\n').filter(|it| !uses_crate(it)).collect();
    let files = files([
        ("Cargo.toml", MANIFEST),
        ("Cargo.lock", LOCK),
        (".gitignore", "/target\n"),
        ("src/lib.rs", format!("{declaration}{}{TAIL}", task.buggy_solution).as_str()),
        ("tests/check.rs", format!("use super::*;\n{}", task.test).as_str()),
    ]);
    Project {
        command: words(&["cargo", "test", "--offline", "--lib"]),
        confirm: words(&["cargo", "test", "--offline", "--lib"]),
        tail: TAIL,
        proof: Proof::CargoReport,
        programs: &["cargo"],
        ..project(task, files, "src/lib.rs", Language::Rust)
    }
}

/// The declarations name crates that almost no task uses; those that do say so in `needs`.
fn uses_crate(line: &str) -> bool {
    ["use rand::", "use regex::", "use md5"].iter().any(|it| line.starts_with(it))
}

fn java(task: &Pack) -> Project {
    const TEST: &str =
        "mkdir -p target && javac -nowarn -d target Solution.java tests/Main.java && java -ea -cp target Main";
    let imports: String = task.declaration.split_inclusive('\n').filter(|it| it.starts_with("import ")).collect();
    let files = files([
        (".gitignore", "/target\n"),
        ("Solution.java", format!("{}{}", task.declaration, task.buggy_solution).as_str()),
        ("tests/Main.java", format!("{imports}{}", task.test).as_str()),
    ]);
    // The word comes after the tests' exit code only: a program that ends the machine with code 0 would get it.
    let confirm = format!("word=$(cat {TOKEN_FILE}) && rm {TOKEN_FILE} && {TEST} && echo \"$word\"");
    Project {
        command: words(&["sh", "-c", TEST]),
        confirm: words(&["sh", "-c", &confirm]),
        proof: Proof::Token,
        programs: &["javac", "java"],
        ..project(task, files, "Solution.java", Language::Java)
    }
}

/// What all tasks of HumanEvalPack have in common; commands are filled in by the caller.
fn project(task: &Pack, files: BTreeMap<PathBuf, String>, source: &str, language: Language) -> Project {
    Project {
        files,
        source: source.into(),
        tail: "",
        language,
        function: task.entry_point.clone(),
        description: task.docstring.clone(),
        command: Vec::new(),
        confirm: Vec::new(),
        proof: Proof::Token,
        programs: &[],
    }
}

fn files<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> BTreeMap<PathBuf, String> {
    files.into_iter().map(|(path, text)| (path.into(), text.to_owned())).collect()
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use wright_repo::project as rules;

    use super::*;

    fn bug(language: &str, needs: &[&str]) -> Bug {
        Bug::Pack(Pack {
            language: language.to_owned(),
            entry_point: "f".to_owned(),
            docstring: String::new(),
            declaration: "use rand::Rng;\nfn f() {\n".to_owned(),
            buggy_solution: "}\n".to_owned(),
            test: "check(f)".to_owned(),
            needs: needs.iter().map(|it| (*it).to_owned()).collect(),
        })
    }

    #[test]
    fn a_description_is_a_docstring_whatever_it_contains() {
        assert_eq!(docstring("Adds.\nTwice \"\"\" quoted"), "\"\"\"\nAdds.\nTwice ''' quoted\n\"\"\"\n\n\n");
        assert_eq!(docstring("a \\d+ \""), "r\"\"\"\na \\d+ \"\n\"\"\"\n\n\n");
        assert_eq!(docstring(""), "");
    }

    #[test]
    fn everything_that_decides_is_protected() {
        for language in ["python", "js", "rust", "java"] {
            let project = Project::of(&bug(language, &[])).unwrap();
            let others = project.files.keys().filter(|it| **it != project.source && !it.ends_with(".gitignore"));
            for path in others {
                let is_protected = rules::is_test_path(path) || rules::is_protected_path(path).is_some();
                assert!(is_protected || path.ends_with("Cargo.lock"), "{path:?}");
            }
            assert!(!rules::is_test_path(&project.source));
        }
    }

    #[test]
    fn what_cannot_be_judged_is_said() {
        assert_eq!(Project::of(&bug("rust", &["rand"])).unwrap_err(), "needs rand");
        assert_eq!(Project::of(&bug("cpp", &[])).unwrap_err(), "no grammar for cpp, so nothing can be spliced");
    }

    #[test]
    fn crates_that_are_not_needed_are_left_out() {
        let project = Project::of(&bug("rust", &[])).unwrap();
        let text = &project.files[Path::new("src/lib.rs")];
        assert!(text.starts_with("fn f() {\n}\n"), "{text}");
    }
}
