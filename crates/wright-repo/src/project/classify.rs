//! Recognizes the test runner in a command that a person gave.

use super::{NpmRunner, TestKind};

/// Programs that run the command that follows them, with the number of words of their own.
const WRAPPERS: [&[&str]; 15] = [
    &["uv", "run"],
    &["poetry", "run"],
    &["pipenv", "run"],
    &["pdm", "run"],
    &["hatch", "run"],
    &["rye", "run"],
    &["pixi", "run"],
    &["bundle", "exec"],
    &["pnpm", "exec"],
    &["npm", "exec"],
    &["yarn", "exec"],
    &["npx"],
    &["bunx"],
    &["env"],
    &["time"],
];

/// Names what a command runs the tests with; [`TestKind::Custom`] when nothing is recognized.
pub fn classify(argv: &[String]) -> TestKind {
    let words: Vec<&str> = argv.iter().map(String::as_str).collect();
    let words = unwrapped(&words);
    let Some((program, arguments)) = words.split_first() else { return TestKind::Custom };
    let program = program_name(program);
    match program.as_str() {
        "pytest" | "py.test" => TestKind::Pytest,
        "coverage" => coverage(arguments),
        _ if is_python(&program) => python(arguments),
        "cargo" => cargo(arguments),
        "go" if arguments.first() == Some(&"test") => TestKind::Go,
        "gotestsum" => TestKind::Go,
        "mvn" | "mvnw" | "mvnd" => TestKind::Maven,
        "gradle" | "gradlew" => TestKind::Gradle,
        "make" | "gmake" => TestKind::Make,
        "node" if arguments.contains(&"--test") => TestKind::Node,
        "npm" | "pnpm" | "yarn" | "bun" if runs_a_script(arguments) => TestKind::Npm(NpmRunner::Other),
        "jest" | "vitest" | "mocha" => TestKind::Npm(runner_in(&program)),
        "yarn" | "pnpm" => classify_rest(arguments),
        _ => TestKind::Custom,
    }
}

/// Names the runner that a script of a `package.json` starts.
pub(super) fn runner_in(script: &str) -> NpmRunner {
    let is_separator = |letter: char| !(letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.'));
    let words: Vec<&str> = script.split(is_separator).filter(|word| !word.is_empty()).collect();
    let starts = |name: &str| words.iter().any(|word| *word == name || word.strip_suffix(".js") == Some(name));
    if starts("vitest") {
        NpmRunner::Vitest
    } else if starts("jest") || script.contains("react-scripts test") {
        NpmRunner::Jest
    } else if starts("mocha") {
        NpmRunner::Mocha
    } else if starts("node") && words.contains(&"--test") {
        NpmRunner::NodeTest
    } else {
        NpmRunner::Other
    }
}

/// Removes what stands before the command proper: variables and programs that only run others.
fn unwrapped<'a>(mut words: &'a [&'a str]) -> &'a [&'a str] {
    loop {
        let is_variable = words.first().is_some_and(|word| is_assignment(word));
        let wrapper = WRAPPERS.iter().find(|wrapper| starts_with(words, wrapper));
        let n_own_words = match wrapper {
            Some(wrapper) => wrapper.len() + n_options(&words[wrapper.len()..]),
            None if is_variable => 1,
            None if words.first() == Some(&"timeout") => 2 + n_options(&words[1..]),
            None => return words,
        };
        words = words.get(n_own_words..).unwrap_or_default();
    }
}

fn starts_with(words: &[&str], wrapper: &[&str]) -> bool {
    words.len() >= wrapper.len() && program_name(words[0]) == wrapper[0] && words[1..wrapper.len()] == wrapper[1..]
}

fn n_options(words: &[&str]) -> usize {
    words.iter().take_while(|word| word.starts_with('-')).count()
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        let is_start = |letter: char| letter.is_ascii_alphabetic() || letter == '_';
        name.starts_with(is_start) && name.chars().all(|letter| is_start(letter) || letter.is_ascii_digit())
    })
}

/// Returns the last part of a program's path, without the endings that Windows adds.
fn program_name(word: &str) -> String {
    let name = word.rsplit(['/', '\\']).next().unwrap_or(word).to_ascii_lowercase();
    let endings = [".exe", ".cmd", ".bat"];
    endings.iter().find_map(|ending| name.strip_suffix(ending)).map(str::to_owned).unwrap_or(name)
}

fn is_python(program: &str) -> bool {
    let version = program.strip_prefix("python").or_else(|| program.strip_prefix("pypy"));
    program == "py" || version.is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn python(arguments: &[&str]) -> TestKind {
    // Options that take a value of their own are `-W` and `-X`; the module ends python's part of the line.
    let mut rest = arguments;
    while let Some((word, after)) = rest.split_first() {
        rest = match *word {
            "-m" => return module(after),
            "-W" | "-X" => after.get(1..).unwrap_or_default(),
            _ if word.starts_with("-m") => return module_named(&word[2..], after),
            _ if word.starts_with('-') => after,
            _ => return TestKind::Custom,
        };
    }
    TestKind::Custom
}

fn module(words: &[&str]) -> TestKind {
    words.split_first().map_or(TestKind::Custom, |(name, rest)| module_named(name, rest))
}

fn module_named(name: &str, rest: &[&str]) -> TestKind {
    match name {
        "pytest" => TestKind::Pytest,
        "unittest" => TestKind::Unittest,
        "coverage" => coverage(rest),
        _ => TestKind::Custom,
    }
}

fn coverage(arguments: &[&str]) -> TestKind {
    match arguments.split_first() {
        Some((&"run", rest)) => python(rest),
        _ => TestKind::Custom,
    }
}

fn cargo(arguments: &[&str]) -> TestKind {
    let mut words = arguments.iter().filter(|word| !word.starts_with(['+', '-']));
    match words.next() {
        Some(&("test" | "t" | "nextest")) => TestKind::Cargo,
        _ => TestKind::Custom,
    }
}

fn runs_a_script(arguments: &[&str]) -> bool {
    let mut words = arguments.iter().filter(|word| !word.starts_with('-'));
    let is_test = |word: &&str| word.starts_with("test");
    match words.next() {
        Some(&("run" | "run-script")) => words.next().is_some_and(is_test),
        Some(&("t" | "tst")) => true,
        Some(word) => is_test(word),
        None => false,
    }
}

fn classify_rest(arguments: &[&str]) -> TestKind {
    let rest: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    classify(&rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: TestKind) {
        let argv: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(classify(&argv), expected, "{line}");
    }

    #[test]
    fn python_runners_are_recognized() {
        for line in [
            "pytest -x",
            "python3 -m pytest -x",
            "/usr/bin/python3.12 -W error -m pytest",
            ".venv/bin/pytest tests",
            "uv run pytest",
            "poetry run python -m pytest",
            "uv run --frozen pytest -q",
            "PYTHONPATH=src python -mpytest",
            "env A=1 B=2 pytest",
            "timeout 60 pytest",
            "coverage run -m pytest",
            "python3 -m coverage run --branch -m pytest",
        ] {
            check(line, TestKind::Pytest);
        }
        check("python3 -m unittest discover -s tests", TestKind::Unittest);
        check("python -X dev -m unittest", TestKind::Unittest);
    }

    #[test]
    fn other_runners_are_recognized() {
        check("cargo test", TestKind::Cargo);
        check("cargo +nightly --locked nextest run", TestKind::Cargo);
        check("go test ./...", TestKind::Go);
        check("node --test", TestKind::Node);
        check("npm test", TestKind::Npm(NpmRunner::Other));
        check("npm run test:unit", TestKind::Npm(NpmRunner::Other));
        check("npx jest --ci", TestKind::Npm(NpmRunner::Jest));
        check("pnpm exec vitest run", TestKind::Npm(NpmRunner::Vitest));
        check("yarn mocha", TestKind::Npm(NpmRunner::Mocha));
        check("node_modules/.bin/mocha", TestKind::Npm(NpmRunner::Mocha));
        check("./gradlew test", TestKind::Gradle);
        check("./mvnw -q test", TestKind::Maven);
        check("make check", TestKind::Make);
    }

    #[test]
    fn a_command_that_only_mentions_a_runner_is_custom() {
        for line in [
            "",
            "env",
            "bash -c pytest",
            "python3 tests/run.py -m pytest",
            "cargo build",
            "npm run build",
            "go vet",
            "echo pytest",
        ] {
            check(line, TestKind::Custom);
        }
    }

    #[test]
    fn the_runner_of_a_script_is_named() {
        assert_eq!(runner_in("NODE_OPTIONS=x jest --ci"), NpmRunner::Jest);
        assert_eq!(runner_in("vitest run && tsc"), NpmRunner::Vitest);
        assert_eq!(runner_in("node --experimental-vm-modules node_modules/jest/bin/jest.js"), NpmRunner::Jest);
        assert_eq!(runner_in("c8 mocha"), NpmRunner::Mocha);
        assert_eq!(runner_in("node --test test/"), NpmRunner::NodeTest);
        assert_eq!(runner_in("tap"), NpmRunner::Other);
    }
}
