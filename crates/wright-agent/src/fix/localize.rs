//! From a failing test run to the functions that may be at fault.
//!
//! Evidence, strongest first: stack frames outside the tests, names that the failing tests use, names in the failure's
//! text, and functions that the suspects call. The model is not asked: what the runner printed is better evidence.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use wright_gate::TestRun;
use wright_repo::{Worktree, project};
use wright_text::{Function, Language, SyntaxTree};

use crate::event::Place;

/// How many source files are parsed at most; a larger repository is narrowed down by the names in the failure first.
const MAX_FILES: usize = 2_000;

/// Returns the functions that may be at fault, likeliest first.
pub(crate) fn localize(tree: &Worktree, run: &TestRun) -> Vec<Place> {
    let files = Files::read(tree);
    let frames = frames(&run.output, tree.root(), &files);
    let mut scores = Scores::default();
    score_frames(&mut scores, &files, &frames);
    score_names(&mut scores, &files, &frames, run);
    score_callees(&mut scores, &files);
    scores.into_places()
}

/// The parsed sources of a tree.
struct Files {
    sources: BTreeMap<PathBuf, Parsed>,
    tests: BTreeMap<PathBuf, Parsed>,
}

struct Parsed {
    tree: SyntaxTree,
    functions: Vec<Function>,
}

impl Files {
    fn read(tree: &Worktree) -> Self {
        let mut files = Self { sources: BTreeMap::new(), tests: BTreeMap::new() };
        // A tree that cannot be opened has no places to look at; what is done with it next says why.
        for path in tree.source_files(MAX_FILES).unwrap_or_default() {
            let Some(language) = Language::from_path(&path) else { continue };
            let Ok(text) = tree.read(&path) else { continue };
            let parsed = SyntaxTree::parse(language, text);
            let functions = parsed.functions();
            let parsed = Parsed { tree: parsed, functions };
            let group = if project::is_test_path(&path) { &mut files.tests } else { &mut files.sources };
            group.insert(path, parsed);
        }
        files
    }

    fn contains(&self, path: &Path) -> bool {
        self.sources.contains_key(path) || self.tests.contains_key(path)
    }
}

/// One line of code that a stack trace or a compiler names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Frame {
    path: PathBuf,
    line: usize,
}

/// Finds the places in the repository that the output names, in the order in which they appear.
fn frames(output: &str, root: &Path, files: &Files) -> Vec<Frame> {
    static PLACE: LazyLock<Regex> = LazyLock::new(|| {
        let extension = r"(?:py|rs|js|mjs|cjs|jsx|ts|mts|cts|tsx|go|java)";
        let pattern = format!(r#"([\w@%+~./\\-]+\.{extension})(?:", line |[:(])(\d+)"#);
        Regex::new(&pattern).expect("the pattern is a constant")
    });
    let mut found = Vec::new();
    for place in PLACE.captures_iter(output) {
        let Ok(line) = place[2].parse() else { continue };
        let Some(path) = resolve(&place[1], root, files) else { continue };
        found.push(Frame { path, line });
    }
    found
}

/// Maps a printed path to a file of the tree: absolute, relative, or by its last components where only one file fits.
fn resolve(printed: &str, root: &Path, files: &Files) -> Option<PathBuf> {
    let printed = printed.trim_start_matches("file://");
    let path = Path::new(printed);
    let relative = path.strip_prefix(root).unwrap_or(path);
    let relative = relative.strip_prefix("./").unwrap_or(relative);
    if files.contains(relative) {
        return Some(relative.to_owned());
    }
    if relative.is_absolute() {
        return None;
    }
    let mut fitting = files.sources.keys().chain(files.tests.keys()).filter(|it| it.ends_with(relative));
    let only = fitting.next()?;
    fitting.next().is_none().then(|| only.clone())
}

/// What speaks for each function, by file and index.
#[derive(Default)]
struct Scores {
    places: HashMap<(PathBuf, String), Place>,
}

impl Scores {
    fn add(&mut self, path: &Path, function: &Function, score: f64, reason: &str) {
        let key = (path.to_owned(), function.qualified_name.clone());
        let place = self.places.entry(key).or_insert_with(|| Place {
            path: path.to_owned(),
            function: function.qualified_name.clone(),
            line: function.first_line,
            score: 0.0,
            reason: String::new(),
        });
        place.score += score;
        if !place.reason.split(", ").any(|it| it == reason) {
            let separator = if place.reason.is_empty() { "" } else { ", " };
            place.reason = format!("{}{separator}{reason}", place.reason);
        }
    }

    fn into_places(self) -> Vec<Place> {
        let mut places: Vec<Place> = self.places.into_values().collect();
        places.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| (&a.path, a.line).cmp(&(&b.path, b.line))));
        places
    }
}

fn score_frames(scores: &mut Scores, files: &Files, frames: &[Frame]) {
    let in_sources: Vec<&Frame> = frames.iter().filter(|it| files.sources.contains_key(&it.path)).collect();
    let n_frames = in_sources.len() as f64;
    for (idx, frame) in in_sources.iter().enumerate() {
        let parsed = &files.sources[&frame.path];
        let Some(function) = innermost(&parsed.functions, frame.line) else { continue };
        // The deepest frame of a trace comes last; every frame counts, the deeper ones a little more.
        let depth = (idx as f64 + 1.0) / n_frames;
        scores.add(&frame.path, function, (6.0 + 4.0 * depth) / n_frames.sqrt(), "in the stack trace");
    }
}

fn innermost(functions: &[Function], line: usize) -> Option<&Function> {
    let around = functions.iter().filter(|it| (it.first_line..=it.last_line).contains(&line));
    around.min_by_key(|it| it.last_line - it.first_line)
}

/// Scores functions whose name the failing tests, or the failure's text, contain. A name that many functions share says
/// little about each.
fn score_names(scores: &mut Scores, files: &Files, frames: &[Frame], run: &TestRun) {
    let by_name = functions_by_name(files);
    let mut add = |names: &HashSet<&str>, weight: f64, reason: &str| {
        for name in names {
            let Some(defined) = by_name.get(name) else { continue };
            for (path, function) in defined {
                scores.add(path, function, weight / defined.len() as f64, reason);
            }
        }
    };
    add(&names_in_failing_tests(files, frames, run), 4.0, "used by the failing test");
    let words: HashSet<&str> = run.output.split(|it: char| !it.is_alphanumeric() && it != '_').collect();
    add(&words, 1.0, "named in the output");
    let test_words: HashSet<String> = failing_words(run);
    add(&test_words.iter().map(String::as_str).collect(), 2.0, "named like the failing test");
}

fn functions_by_name(files: &Files) -> HashMap<&str, Vec<(&PathBuf, &Function)>> {
    let mut by_name: HashMap<&str, Vec<_>> = HashMap::new();
    for (path, parsed) in &files.sources {
        for function in &parsed.functions {
            by_name.entry(function.name.as_str()).or_default().push((path, function));
        }
    }
    by_name
}

/// Returns the names used in the failing tests: the test functions by name or by stack frame; all tests when neither is known.
fn names_in_failing_tests<'a>(files: &'a Files, frames: &[Frame], run: &TestRun) -> HashSet<&'a str> {
    let failed: Vec<&str> = run.report.iter().flat_map(|it| it.failed.iter().map(String::as_str)).collect();
    let is_failing = |path: &Path, function: &Function| {
        let is_named = failed.iter().any(|name| last_word(name).is_some_and(|it| it == function.name));
        let lines = function.first_line..=function.last_line;
        is_named || frames.iter().any(|it| it.path == path && lines.contains(&it.line))
    };
    let mut names = HashSet::new();
    // In Rust and in some scripts, tests live beside the code they test.
    for (path, parsed) in files.tests.iter().chain(&files.sources) {
        for function in parsed.functions.iter().filter(|it| is_failing(path, it)) {
            if files.sources.contains_key(path) && !looks_like_test(function) {
                continue;
            }
            names.extend(parsed.tree.identifiers(function.range.clone()).into_iter().map(|(_, name)| name));
        }
    }
    if names.is_empty() {
        for parsed in files.tests.values() {
            let whole = 0..parsed.tree.text().len();
            names.extend(parsed.tree.identifiers(whole).into_iter().map(|(_, name)| name));
        }
    }
    names
}

fn looks_like_test(function: &Function) -> bool {
    function.name.starts_with("test") || function.qualified_name.contains("test")
}

/// Returns the function's name out of a test's id, such as `test_a` in `t.py::T::test_a[1-2]`, `a::b::test_a`, `test_a (t.T.test_a)`.
fn last_word(id: &str) -> Option<&str> {
    let id = id.split(['[', ' ']).next()?;
    id.rsplit([':', '.', '#', '/']).next()
}

/// Returns what the failing tests' names say: `test_parse_line` speaks of `parse_line`.
fn failing_words(run: &TestRun) -> HashSet<String> {
    let failed = run.report.iter().flat_map(|it| it.failed.iter());
    failed
        .filter_map(|it| last_word(it))
        .map(|it| it.trim_start_matches("test_").trim_start_matches("Test").to_owned())
        .collect()
}

/// Passes part of a suspect's score on to what it calls: the frame that fails is often not the one at fault.
fn score_callees(scores: &mut Scores, files: &Files) {
    let by_name = functions_by_name(files);
    let suspects: Vec<Place> = scores.places.values().cloned().collect();
    for suspect in suspects {
        let Some(parsed) = files.sources.get(&suspect.path) else { continue };
        let Some(function) = parsed.functions.iter().find(|it| it.qualified_name == suspect.function) else { continue };
        let called: HashSet<&str> =
            parsed.tree.identifiers(function.body.clone()).into_iter().map(|(_, name)| name).collect();
        for name in called.into_iter().filter(|it| *it != function.name) {
            let Some(defined) = by_name.get(name) else { continue };
            for (path, callee) in defined {
                let share = suspect.score * 0.4 / defined.len() as f64;
                scores.add(path, callee, share, &format!("used by `{}`", suspect.function));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_is_taken_out_of_every_kind_of_test_id() {
        let ids = ["t.py::T::test_a[1-2]", "a::b::test_a", "test_a (t.T.test_a)", "com.x.T#test_a"];
        for id in ids {
            assert_eq!(last_word(id), Some("test_a"), "{id}");
        }
    }
}
