//! What the type checkers of Python say: ty, pyright, mypy.

use std::path::{Path, PathBuf};

use serde_json::Value;
use wright_text::Language;

use super::Judge;
use super::diagnostic::{Absence, Diagnostic};

/// ty.
pub const TY: Judge = Judge {
    name: "ty",
    languages: &[Language::Python],
    program: "ty",
    version: &["--version"],
    arguments: ty_arguments,
    parse: ty,
};

/// pyright.
pub const PYRIGHT: Judge = Judge {
    name: "pyright",
    languages: &[Language::Python],
    program: "pyright",
    version: &["--version"],
    arguments: pyright_arguments,
    parse: pyright,
};

/// mypy.
pub const MYPY: Judge = Judge {
    name: "mypy",
    languages: &[Language::Python],
    program: "mypy",
    version: &["--version"],
    arguments: mypy_arguments,
    parse: mypy,
};

fn words(fixed: &[&str], files: &[PathBuf]) -> Vec<String> {
    let files = files.iter().map(|it| it.display().to_string());
    fixed.iter().map(|it| (*it).to_owned()).chain(files).collect()
}

fn ty_arguments(_: &[PathBuf], environment: Option<&Path>) -> Vec<String> {
    let mut argv = words(&["check", "--output-format", "gitlab", "--exit-zero", "--no-progress"], &[]);
    argv.extend(environment.into_iter().flat_map(|it| ["--python".to_owned(), it.display().to_string()]));
    argv
}

fn ty(output: &str) -> Option<Vec<Diagnostic>> {
    let items = json_in(output, '[')?;
    let read = |item: &Value| {
        let code = item.get("check_name")?.as_str()?;
        let absence = match code {
            "unresolved-import" | "import-not-found" => Absence::Module,
            "missing-module-member" | "unresolved-global" => Absence::Member,
            "unresolved-attribute" | "missing-attribute" => Absence::Attribute,
            "unknown-argument" => Absence::Argument,
            "unresolved-reference" => Absence::Name,
            _ => return None,
        };
        let path = item.pointer("/location/path")?.as_str()?;
        let line = item
            .pointer("/location/positions/begin/line")
            .or_else(|| item.pointer("/location/lines/begin"))?
            .as_u64()?;
        let words = item.get("description")?.as_str()?;
        let words = words.strip_prefix(code).map_or(words, |it| it.trim_start_matches(": "));
        Some(diagnostic(path, line, absence, code, words))
    };
    Some(items.as_array()?.iter().filter_map(read).collect())
}

fn pyright_arguments(files: &[PathBuf], environment: Option<&Path>) -> Vec<String> {
    let mut argv = words(&["--outputjson"], &[]);
    let python = environment.map(|it| it.join("bin/python").display().to_string());
    argv.extend(python.into_iter().flat_map(|it| ["--pythonpath".to_owned(), it]));
    argv.extend(words(&[], files));
    argv
}

fn pyright(output: &str) -> Option<Vec<Diagnostic>> {
    let root = json_in(output, '{')?;
    let read = |item: &Value| {
        let code = item.get("rule")?.as_str()?;
        let words = item.get("message")?.as_str()?;
        let absence = match code {
            "reportMissingImports" => Absence::Module,
            "reportAttributeAccessIssue" if words.contains("unknown import symbol") => Absence::Member,
            "reportAttributeAccessIssue" => Absence::Attribute,
            "reportCallIssue" if words.starts_with("No parameter named") => Absence::Argument,
            "reportUndefinedVariable" => Absence::Name,
            _ => return None,
        };
        let line = item.pointer("/range/start/line")?.as_u64()? + 1;
        Some(diagnostic(item.get("file")?.as_str()?, line, absence, code, words))
    };
    Some(root.get("generalDiagnostics")?.as_array()?.iter().filter_map(read).collect())
}

fn mypy_arguments(files: &[PathBuf], environment: Option<&Path>) -> Vec<String> {
    // The settings of the repository may name plugins, which are code.
    let mut argv = words(&["--output", "json", "--check-untyped-defs", "--config-file=", "--cache-dir=/dev/null"], &[]);
    let python = environment.map(|it| it.join("bin/python").display().to_string());
    argv.extend(python.into_iter().flat_map(|it| ["--python-executable".to_owned(), it]));
    argv.extend(words(&[], files));
    argv
}

fn mypy(output: &str) -> Option<Vec<Diagnostic>> {
    let read = |line: &str| {
        let item: Value = serde_json::from_str(line).ok()?;
        let code = item.get("code")?.as_str()?;
        let words = item.get("message")?.as_str()?;
        let absence = match code {
            "import-not-found" => Absence::Module,
            "attr-defined" if words.starts_with("Module ") => Absence::Member,
            "attr-defined" => Absence::Attribute,
            "call-arg" if words.starts_with("Unexpected keyword argument") => Absence::Argument,
            "name-defined" => Absence::Name,
            _ => return None,
        };
        Some(diagnostic(item.get("file")?.as_str()?, item.get("line")?.as_u64()?, absence, code, words))
    };
    let is_answer =
        output.trim().is_empty() || output.lines().any(|it| it.starts_with('{')) || output.contains("Success");
    is_answer.then(|| output.lines().filter_map(read).collect())
}

fn diagnostic(path: &str, line: u64, absence: Absence, code: &str, words: &str) -> Diagnostic {
    let diagnostic = Diagnostic::new(path, usize::try_from(line).unwrap_or(1), absence, code, words);
    if absence == Absence::Module { diagnostic.about_module() } else { diagnostic }
}

/// Returns the first JSON value of an output in which other words may stand before and after it.
fn json_in(output: &str, opening: char) -> Option<Value> {
    let starts = output.match_indices(opening).filter(|(at, _)| *at == 0 || output[..*at].ends_with('\n'));
    starts.take(20).find_map(|(at, _)| serde_json::Deserializer::from_str(&output[at..]).into_iter().next()?.ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(found: Option<Vec<Diagnostic>>) -> Vec<String> {
        found
            .unwrap()
            .iter()
            .map(|it| format!("{}:{} {:?} {}", it.path.display(), it.line, it.absence, it.message))
            .collect()
    }

    #[test]
    fn ty_is_read_for_the_codes_of_absence_only() {
        let item = |code: &str, words: &str| {
            format!(
                "{{\"check_name\":\"{code}\",\"description\":\"{code}: {words}\",\"location\":{{\"path\":\"a.py\",\
                 \"positions\":{{\"begin\":{{\"line\":3,\"column\":1}}}}}}}}"
            )
        };
        let output =
            format!("note\n[{},{}]\n", item("missing-attribute", "no `x`"), item("invalid-argument-type", "y"));
        assert_eq!(lines(ty(&output)), ["a.py:3 Attribute no `x`"]);
        assert_eq!(ty("error: no such option"), None);
    }

    #[test]
    fn pyright_and_mypy_are_read() {
        let output = "{\"generalDiagnostics\":[{\"file\":\"/t/a.py\",\"rule\":\"reportCallIssue\",\"message\":\"No parameter named \\\"x\\\"\",\
                      \"range\":{\"start\":{\"line\":4}}},{\"rule\":\"reportOther\"}]}";
        assert_eq!(lines(pyright(output)), ["/t/a.py:5 Argument No parameter named \"x\""]);
        let output = "{\"file\":\"a.py\",\"line\":2,\"code\":\"attr-defined\",\"message\":\"Module \\\"os\\\" has no attribute \\\"x\\\"\"}\n";
        assert_eq!(lines(mypy(output)), ["a.py:2 Member Module \"os\" has no attribute \"x\""]);
    }
}
