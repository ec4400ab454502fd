//! Judging a program whose hole was filled, in each language of the sets.

use serde_json::json;
use wright_sandbox::Limits;
use wright_text::{Language, SyntaxTree};

use crate::EvalError;
use crate::similarity::{as_long_as, is_match};
use crate::tasks::{Hole, Sample};
use crate::trial::{Trials, compiled_limits, last_words, python_limits};

const JUDGE_PYTHON: &str = include_str!("../python/judge_program.py");

/// Builds `program` of `program.cpp`.
const CPP_COMPILER: &str = "g++ -std=c++17 -w -O1 -o program program.cpp";

/// Exit code of our own scripts for a program that does not parse or compile.
const NOT_BUILT: i32 = 71;

/// Processor time of a program whose compiler may take longer, in seconds.
const MAX_SECONDS: u32 = 10;

/// What is known about a filled program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Whether the tests pass or, where there are none, the text is the reference.
    pub(super) is_passing: bool,
    /// Whether it parses; nothing where no parser but our own could be asked, or where the reference does not parse either.
    pub(super) parses: Option<bool>,
    /// Why it does not pass; empty when it does.
    pub(super) reason: String,
}

impl Judgement {
    fn new(is_passing: bool, parses: Option<bool>, reason: impl FnOnce() -> String) -> Self {
        let reason = if is_passing { String::new() } else { reason() };
        Self { is_passing, parses, reason }
    }
}

/// Returns the extension of a task's file; nothing where the task cannot be judged.
pub(super) fn extension(hole: &Hole) -> Option<&'static str> {
    match hole.language.as_str() {
        "python" => Some("py"),
        "js" => Some("js"),
        "java" => Some("java"),
        "rust" => Some("rs"),
        "cpp" => Some("cpp"),
        // No compiler is asked for, so only the reference can decide.
        "csharp" if !has_tests(hole) => Some("cs"),
        _ => None,
    }
}

fn has_tests(hole: &Hole) -> bool {
    hole.tests.is_some() || !hole.unit_tests.is_empty()
}

/// Returns the programs that judging a task needs.
pub(super) fn programs(hole: &Hole) -> &'static [&'static str] {
    let has_tests = has_tests(hole);
    match hole.language.as_str() {
        "python" => &["python3"],
        "js" => &["node"],
        "java" if has_tests => &["javac", "java"],
        "rust" if has_tests => &["rustc"],
        "cpp" if has_tests => &["g++"],
        _ => &[],
    }
}

/// Judges the program with `middle` in its hole.
pub(super) async fn judge(trials: &Trials<'_>, hole: &Hole, middle: &str) -> Result<Judgement, EvalError> {
    let program = format!("{}{middle}{}", hole.prefix, hole.suffix);
    match (hole.language.as_str(), &hole.tests) {
        ("python", _) => python(trials, hole, middle, &program).await,
        ("js", Some(tests)) => javascript(trials, &program, tests).await,
        ("java", Some(tests)) => java(trials, &program, tests).await,
        ("java", None) if !hole.unit_tests.is_empty() => java_samples(trials, &program, &hole.unit_tests).await,
        ("rust", Some(tests)) => rust(trials, &program, tests).await,
        ("cpp", Some(tests)) => cpp(trials, &program, tests).await,
        ("cpp", None) if !hole.unit_tests.is_empty() => cpp_samples(trials, &program, &hole.unit_tests).await,
        _ => Ok(reference(hole, middle)),
    }
}

fn reference(hole: &Hole, middle: &str) -> Judgement {
    Judgement::new(is_match(middle, &hole.canonical_solution), None, || "differs from the reference".to_owned())
}

async fn python(trials: &Trials<'_>, hole: &Hole, middle: &str, program: &str) -> Result<Judgement, EvalError> {
    let token = trials.token();
    let test = hole.test.as_ref().map(|test| match &hole.entry_point {
        Some(entry_point) => format!("{test}\ncheck({entry_point})\n"),
        None => test.clone(),
    });
    let test = test.or_else(|| hole.tests.clone());
    let is_call = hole.kind == "api";
    let original = format!("{}{}{}", hole.prefix, hole.canonical_solution, hole.suffix);
    let job = json!({
        "program": program, "original": original, "test": test, "token": token,
        "answer": is_call.then(|| as_long_as(middle, &hole.canonical_solution)),
        "reference": is_call.then_some(&hole.canonical_solution),
    });
    let folder = trials.folder([("job.json", job.to_string().as_str()), ("judge.py", JUDGE_PYTHON)])?;
    let outcome = trials.run(folder.path(), &["python3", "-B", "judge.py"], python_limits()).await?;
    let text = outcome.text();
    let says = |word: &str| text.lines().any(|line| line == format!("{token} {word}"));
    let parses = match (says("parses"), says("does-not-parse")) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        (false, false) => None,
    };
    if test.is_some() {
        let is_passing = says("passed") && outcome.is_success();
        let ended_early = || if outcome.is_success() { "ended early".to_owned() } else { last_words(&outcome) };
        return Ok(Judgement::new(is_passing, parses, ended_early));
    }
    if !hole.unit_tests.is_empty() {
        let run = format!("ulimit -t {MAX_SECONDS}; exec python3 -B program.py");
        let failure =
            failing_sample(trials, &[("program.py", program)], &run, &hole.unit_tests, python_limits()).await?;
        return Ok(Judgement::new(failure.is_none(), parses, || failure.unwrap_or_default()));
    }
    let by_text = reference(hole, middle);
    let is_passing = by_text.is_passing || says("same-call");
    Ok(Judgement::new(is_passing, parses, || by_text.reason))
}

/// Runs a program on each sample, after one command that builds it where there is one in `run` before its last part.
async fn failing_sample(
    trials: &Trials<'_>,
    files: &[(&str, &str)],
    run: &str,
    samples: &[Sample],
    limits: Limits,
) -> Result<Option<String>, EvalError> {
    let folder = trials.folder(files.iter().copied())?;
    let script = format!("({run}) < input 2> errors");
    for (idx, sample) in samples.iter().enumerate() {
        crate::trial::write(&folder.path().join("input"), &format!("{}\n", sample.input))?;
        let outcome = trials.run(folder.path(), &["sh", "-c", &script], limits.clone()).await?;
        if !outcome.is_success() {
            let errors = std::fs::read_to_string(folder.path().join("errors")).unwrap_or_default();
            let last = errors.lines().rev().find(|it| !it.trim().is_empty());
            return Ok(Some(format!(
                "sample {}: {}",
                idx + 1,
                last.map_or_else(|| last_words(&outcome), str::to_owned)
            )));
        }
        let printed = outcome.text();
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        if !sample.output.iter().any(|it| words(it) == words(&printed)) {
            return Ok(Some(format!("sample {}: wrong output", idx + 1)));
        }
    }
    Ok(None)
}

async fn javascript(trials: &Trials<'_>, program: &str, tests: &str) -> Result<Judgement, EvalError> {
    const PRELUDE: &str = "process.on('exit', () => { if (!globalThis.isFinished) process.exitCode = 1; });\n\
                           console.assert = (it, ...words) => { if (!it) throw new Error(words.join(' ')); };\n";
    let token = trials.token();
    let end = format!("\n;globalThis.isFinished = true; console.log(\"\\n{token}\");\n");
    let whole = format!("{PRELUDE}{program}\n{tests}{end}");
    let script = format!(
        "node --check program.js > parse 2>&1 || exit {NOT_BUILT}; ulimit -t {MAX_SECONDS}; exec node whole.js"
    );
    let folder = trials.folder([("program.js", program), ("whole.js", &whole)])?;
    let outcome = trials.run(folder.path(), &["sh", "-c", &script], compiled_limits()).await?;
    let parses = outcome.exit != wright_sandbox::Exit::Code(NOT_BUILT);
    let is_passing = outcome.is_success() && outcome.text().trim_end().ends_with(&token);
    let why = || match outcome.text().lines().find(|it| it.contains("Error")) {
        _ if !parses => "does not parse".to_owned(),
        Some(line) => line.trim().to_owned(),
        None => last_words(&outcome),
    };
    Ok(Judgement::new(is_passing, Some(parses), why))
}

async fn rust(trials: &Trials<'_>, program: &str, tests: &str) -> Result<Judgement, EvalError> {
    let script = format!(
        "rustc --test --edition 2021 -A warnings -C debuginfo=0 -C overflow-checks=on -o tests main.rs || exit {NOT_BUILT}; \
         ulimit -t {MAX_SECONDS}; exec ./tests --test-threads=1"
    );
    let folder = trials.folder([("main.rs", format!("{program}\n{tests}"))])?;
    let outcome = trials.run(folder.path(), &["sh", "-c", &script], compiled_limits()).await?;
    let text = outcome.text();
    let mut counts = text.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split(' ').next());
    let has_passed = counts.any(|it| it.parse::<usize>().is_ok_and(|n| n > 0));
    let why = || match outcome.exit {
        wright_sandbox::Exit::Code(NOT_BUILT) => format!("does not compile: {}", first_error(&text)),
        _ => last_words(&outcome),
    };
    Ok(Judgement::new(outcome.is_success() && has_passed, None, why))
}

/// The tests of these tasks are a `main` after the program.
async fn cpp(trials: &Trials<'_>, program: &str, tests: &str) -> Result<Judgement, EvalError> {
    let script = format!("{CPP_COMPILER} || exit {NOT_BUILT}; ulimit -t {MAX_SECONDS}; exec ./program");
    let folder = trials.folder([("program.cpp", format!("{program}\n{tests}"))])?;
    let outcome = trials.run(folder.path(), &["sh", "-c", &script], compiled_limits()).await?;
    let why = || match outcome.exit {
        wright_sandbox::Exit::Code(NOT_BUILT) => format!("does not compile: {}", first_error(&outcome.text())),
        _ => last_words(&outcome),
    };
    Ok(Judgement::new(outcome.is_success(), None, why))
}

async fn cpp_samples(trials: &Trials<'_>, program: &str, samples: &[Sample]) -> Result<Judgement, EvalError> {
    let build = format!("test -e program || {CPP_COMPILER}");
    let run = format!("({build}) || exit {NOT_BUILT}; ulimit -t {MAX_SECONDS}; exec ./program");
    let failure = failing_sample(trials, &[("program.cpp", program)], &run, samples, compiled_limits()).await?;
    Ok(Judgement::new(failure.is_none(), None, || failure.unwrap_or_default()))
}

fn first_error(text: &str) -> String {
    text.lines().find(|it| it.contains("error")).unwrap_or_default().trim().to_owned()
}

/// The tests of these tasks go on inside the last class, so its closing braces are taken off.
async fn java(trials: &Trials<'_>, program: &str, tests: &str) -> Result<Judgement, EvalError> {
    let open = program.trim_end().strip_suffix('}').map_or(program, str::trim_end);
    let open = open.strip_suffix('}').unwrap_or(open);
    let text = java_file(&format!("{open}\n{tests}"));
    let run = format!(
        "javac -nowarn -d . Program.java || exit {NOT_BUILT}; ulimit -t {MAX_SECONDS}; exec java -ea -Xss64m -cp . Problem"
    );
    let folder = trials.folder([("Program.java", text)])?;
    let outcome = trials.run(folder.path(), &["sh", "-c", &run], compiled_limits()).await?;
    let why = || match outcome.exit {
        wright_sandbox::Exit::Code(NOT_BUILT) => format!("does not compile: {}", first_error(&outcome.text())),
        _ => last_words(&outcome),
    };
    Ok(Judgement::new(outcome.is_success(), None, why))
}

async fn java_samples(trials: &Trials<'_>, program: &str, samples: &[Sample]) -> Result<Judgement, EvalError> {
    let Some(class) = main_class(program) else {
        return Ok(Judgement::new(false, None, || "no class with a `main`".to_owned()));
    };
    let build = "test -e built || (javac -nowarn -d . Program.java && touch built)";
    let run = format!("({build}) || exit {NOT_BUILT}; ulimit -t {MAX_SECONDS}; exec java -Xss64m -cp . {class}");
    let text = java_file(program);
    let failure = failing_sample(trials, &[("Program.java", &text)], &run, samples, compiled_limits()).await?;
    Ok(Judgement::new(failure.is_none(), None, || failure.unwrap_or_default()))
}

/// Returns a program that compiles under any file name: a public class would ask for its own, a package for a folder, and
/// one library that most programs import without using it is not there.
fn java_file(program: &str) -> String {
    const TUPLES: [&str; 5] = ["Unit", "Pair", "Triplet", "Quartet", "Quintet"];
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let uses_tuples = program.split(|it| !is_word(it)).any(|it| TUPLES.contains(&it));
    let keep = |line: &&str| {
        let line = line.trim();
        !(line.starts_with("package ") || line.starts_with("import org.javatuples") && !uses_tuples)
    };
    let lines: Vec<String> = program.lines().filter(keep).map(without_public_class).collect();
    lines.join("\n") + "\n"
}

fn without_public_class(line: &str) -> String {
    let Some(rest) = line.trim_start().strip_prefix("public ") else { return line.to_owned() };
    let mut words = rest.split_whitespace().skip_while(|it| ["final", "abstract", "strictfp"].contains(it));
    let is_type = matches!(words.next(), Some("class" | "interface" | "enum"));
    if is_type { rest.to_owned() } else { line.to_owned() }
}

/// Returns the outermost class that has a `main`.
fn main_class(program: &str) -> Option<String> {
    let functions = SyntaxTree::parse(Language::Java, program).functions();
    let main =
        functions.iter().filter(|it| it.name == "main").find(|it| program[it.range.clone()].contains("static"))?;
    main.qualified_name.split('.').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_java_program_compiles_under_any_file_name() {
        let program =
            "package a.b;\nimport org.javatuples.*;\npublic final class A {\n    public int f() { return 1; }\n}";
        assert_eq!(java_file(program), "final class A {\n    public int f() { return 1; }\n}\n");
        assert!(java_file("import org.javatuples.*;\nclass A { Pair<A, A> p; }").contains("javatuples"));
    }

    #[test]
    fn the_class_with_the_main_function_is_run() {
        let program =
            "class Helper { void main() {} }\npublic class Solver {\n    public static void main(String[] a) {}\n}\n";
        assert_eq!(main_class(program).as_deref(), Some("Solver"));
        assert_eq!(main_class("class A {}"), None);
    }
}
