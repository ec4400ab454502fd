//! Reading benchmark files: JSON lines, one task each, in the formats of known sets.
//!
//! A format is recognized by the fields of a line, not by the name of its file. To add one, add its fields here and a way to
//! judge it in `fix`, `complete` or `generate`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::{EvalError, Kind};

/// One task.
#[derive(Debug, Clone)]
pub(crate) struct Task {
    /// Its name in the set.
    pub(crate) id: String,
    /// The file it comes from, with the folder around it.
    pub(crate) set: String,
    /// What is asked.
    pub(crate) body: Body,
}

/// What is asked, by kind of evaluation.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// A program to mend.
    Fix(Box<Bug>),
    /// A hole to fill.
    Complete(Box<Hole>),
    /// A function to write.
    Generate(Box<Problem>),
}

/// A program to mend.
#[derive(Debug, Clone)]
pub(crate) enum Bug {
    /// A module of QuixBugs with its pytest file.
    QuixBugs(QuixBugs),
    /// A function of HumanEvalPack with its test program.
    Pack(Pack),
}

/// A task of QuixBugs.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct QuixBugs {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) description: String,
    pub(crate) buggy_solution: String,
    pub(crate) test_file: String,
    pub(crate) json_testcases: Option<String>,
    pub(crate) node_py: Option<String>,
}

/// A task of HumanEvalPack.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Pack {
    pub(crate) language: String,
    pub(crate) entry_point: String,
    #[serde(default)]
    pub(crate) docstring: String,
    pub(crate) declaration: String,
    pub(crate) buggy_solution: String,
    pub(crate) test: String,
    #[serde(default)]
    pub(crate) needs: Vec<String>,
}

/// A program with a hole, from any of the infilling sets.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Hole {
    pub(crate) language: String,
    pub(crate) prefix: String,
    pub(crate) suffix: String,
    pub(crate) canonical_solution: String,
    /// `api` for calls whose named arguments may stand in any order.
    #[serde(default)]
    pub(crate) kind: String,
    /// Python: defines `check`, which is called with the entry point.
    #[serde(default)]
    pub(crate) test: Option<String>,
    #[serde(default)]
    pub(crate) entry_point: Option<String>,
    /// Text that makes a test program when it follows the program.
    #[serde(default)]
    pub(crate) tests: Option<String>,
    /// Inputs of a whole program, with the outputs that are accepted.
    #[serde(default)]
    pub(crate) unit_tests: Vec<Sample>,
}

/// One input of a program.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sample {
    pub(crate) input: String,
    pub(crate) output: Vec<String>,
}

/// A function to write, of HumanEval or MBPP.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Problem {
    pub(crate) kind: String,
    pub(crate) entry_point: String,
    pub(crate) prompt: String,
    /// The whole line, which the judge reads for itself: its inputs hold numbers that only Python keeps as they are.
    #[serde(skip)]
    pub(crate) line: String,
}

/// Reads the tasks at a path. With a limit, they are taken from several files in turn, so that each file counts.
pub(crate) fn load(path: &Path, kind: Kind, limit: Option<usize>) -> Result<Vec<Task>, EvalError> {
    let files = files(path)?;
    let mut per_file: Vec<std::vec::IntoIter<Task>> = Vec::new();
    for file in &files {
        per_file.push(load_file(file, kind)?.into_iter());
    }
    let limit = limit.unwrap_or(usize::MAX);
    let mut tasks = Vec::new();
    while tasks.len() < limit {
        let round: Vec<Task> = per_file.iter_mut().filter_map(Iterator::next).collect();
        if round.is_empty() {
            break;
        }
        tasks.extend(round);
    }
    tasks.truncate(limit);
    if tasks.is_empty() {
        return Err(EvalError::NoTasks { path: path.to_owned() });
    }
    Ok(tasks)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let failed = |source| EvalError::Tasks { path: path.to_owned(), source };
    if !std::fs::metadata(path).map_err(failed)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|it| it == "jsonl") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn load_file(path: &Path, kind: Kind) -> Result<Vec<Task>, EvalError> {
    let text = std::fs::read_to_string(path).map_err(|source| EvalError::Tasks { path: path.to_owned(), source })?;
    let set = set_name(path);
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut tasks = Vec::new();
    for (idx, line) in lines {
        let failed = |message: String| EvalError::Line { path: path.to_owned(), line: idx + 1, message };
        let value = parse(line).map_err(|error| failed(error.to_string()))?;
        let Some(id) = value["task_id"].as_str().map(str::to_owned) else {
            return Err(failed("no `task_id` that is a text".to_owned()));
        };
        let body = body(kind, value, line).map_err(|error| failed(error.to_string()))?;
        let Some(body) = body else {
            return Err(EvalError::UnknownFormat { path: path.to_owned(), kind: kind.name(), known: known(kind) });
        };
        tasks.push(Task { id, set: set.clone(), body });
    }
    Ok(tasks)
}

/// Parses a line that Python has written, whose JSON knows numbers that are not finite.
fn parse(line: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(line).or_else(|error| serde_json::from_str(&without_infinities(line)).map_err(|_| error))
}

/// Replaces `NaN`, `Infinity` and `-Infinity` outside of texts.
fn without_infinities(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    let mut is_in_text = false;
    while let Some(next) = rest.chars().next() {
        let infinity = ["-Infinity", "Infinity", "NaN"].into_iter().find(|it| !is_in_text && rest.starts_with(it));
        let length = match (next, infinity) {
            (_, Some(word)) => {
                text.push_str("null");
                rest = &rest[word.len()..];
                continue;
            }
            ('\\', None) => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
            _ => next.len_utf8(),
        };
        is_in_text ^= next == '"';
        text.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    text
}

fn set_name(path: &Path) -> String {
    let parts: Vec<_> = path.components().rev().take(2).collect();
    parts.into_iter().rev().collect::<PathBuf>().display().to_string()
}

/// Reads a task by the fields that tell the formats apart; nothing when they are those of no format.
fn body(kind: Kind, value: Value, line: &str) -> Result<Option<Body>, serde_json::Error> {
    let has = |fields: &[&str]| fields.iter().all(|it| value.get(*it).is_some());
    let is_quixbugs = has(&["buggy_solution", "test_file"]);
    let is_pack = has(&["buggy_solution", "declaration", "test"]);
    let is_hole = has(&["prefix", "suffix", "canonical_solution"]);
    let is_problem = matches!(value["kind"].as_str(), Some("humaneval" | "mbpp")) && has(&["prompt", "entry_point"]);
    let body = match kind {
        Kind::Fix if is_quixbugs => Body::Fix(Box::new(Bug::QuixBugs(serde_json::from_value(value)?))),
        Kind::Fix if is_pack => Body::Fix(Box::new(Bug::Pack(serde_json::from_value(value)?))),
        Kind::Complete if is_hole => Body::Complete(Box::new(serde_json::from_value(value)?)),
        Kind::Generate if is_problem => {
            Body::Generate(Box::new(Problem { line: line.to_owned(), ..serde_json::from_value(value)? }))
        }
        Kind::Fix | Kind::Complete | Kind::Generate => return Ok(None),
    };
    Ok(Some(body))
}

fn known(kind: Kind) -> &'static str {
    match kind {
        Kind::Fix => "QuixBugs (buggy_solution, test_file), HumanEvalPack (declaration, buggy_solution, test)",
        Kind::Complete => {
            "prefix, suffix and canonical_solution, with `test` and `entry_point` (HumanEval infilling), `tests` (HumanEval \
             infilling in other languages), `unit_tests` (SAFIM), or none of them (CrossCodeEval, SAFIM api)"
        }
        Kind::Generate => "HumanEval and MBPP (kind, prompt, entry_point, canonical_solution, plus_input)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOLE: &str =
        r#"{"task_id":"t/1","language":"python","prefix":"x = ","suffix":"\n","canonical_solution":"1"}"#;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        dir
    }

    fn error(dir: &tempfile::TempDir, kind: Kind) -> String {
        let text = load(dir.path(), kind, None).unwrap_err().to_string();
        text.replace(&dir.path().display().to_string(), "DIR")
    }

    #[test]
    fn a_limit_takes_from_each_file_in_turn() {
        let other = HOLE.replace("t/", "u/");
        let three = format!("{HOLE}\n\n{HOLE}\n{HOLE}\n");
        let dir = folder(&[("b.jsonl", &three), ("a.jsonl", &other), ("notes.txt", "not a task")]);
        let ids =
            |limit| load(dir.path(), Kind::Complete, limit).unwrap().into_iter().map(|it| it.id).collect::<Vec<_>>();
        assert_eq!(ids(None), ["u/1", "t/1", "t/1", "t/1"]);
        assert_eq!(ids(Some(3)), ["u/1", "t/1", "t/1"]);
    }

    #[test]
    fn a_broken_line_is_named_with_its_file() {
        let dir = folder(&[("a.jsonl", &format!("{HOLE}\n{{\"task_id\": }}\n"))]);
        assert_eq!(error(&dir, Kind::Complete), "DIR/a.jsonl:2: expected value at line 1 column 13");
        let dir = folder(&[("a.jsonl", "{\"prefix\": 1}")]);
        assert_eq!(error(&dir, Kind::Complete), "DIR/a.jsonl:1: no `task_id` that is a text");
        let dir = folder(&[("a.jsonl", &HOLE.replace("\"x = \"", "7"))]);
        assert_eq!(error(&dir, Kind::Complete), "DIR/a.jsonl:1: invalid type: integer `7`, expected a string");
    }

    #[test]
    fn numbers_that_are_not_finite_are_read() {
        let line = HOLE.replace("\"language\"", "\"input\":[NaN,[-Infinity,\"a\\\"NaN\\\\\",Infinity]],\"language\"");
        let value = parse(&line).unwrap();
        assert_eq!(value["input"], serde_json::json!([null, [null, "a\"NaN\\", null]]));
        assert!(parse("{\"a\": Nan}").is_err());
    }

    #[test]
    fn tasks_of_another_kind_are_refused_with_the_known_formats() {
        let dir = folder(&[("a.jsonl", HOLE)]);
        assert_eq!(
            error(&dir, Kind::Fix),
            "\"DIR/a.jsonl\" holds no tasks for `eval fix`; known formats: QuixBugs (buggy_solution, test_file), HumanEvalPack \
             (declaration, buggy_solution, test)"
        );
        assert_eq!(error(&folder(&[("a.txt", HOLE)]), Kind::Fix), "no tasks in \"DIR\"");
    }
}
