//! What the compiler of Go says, through `go test`, which compiles tests too; no test is run.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use wright_text::Language;

use super::Judge;
use super::diagnostic::{Absence, Diagnostic};

/// go test, told to report every error and to run nothing.
pub const JUDGE: Judge =
    Judge { name: "go test", languages: &[Language::Go], program: "go", version: &["version"], arguments, parse };

fn arguments(_: &[PathBuf], _: Option<&Path>) -> Vec<String> {
    ["test", "-run=^$", "-vet=off", "-gcflags=-e", "./..."].map(str::to_owned).to_vec()
}

fn parse(output: &str) -> Option<Vec<Diagnostic>> {
    static LINE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(?:vet: )?(\S+\.go):(\d+):(?:\d+:)? (.*)$").expect("it is tested"));
    let read = |line: &str| {
        let it = LINE.captures(line)?;
        let words = &it[3];
        let absence = if words.contains("is not in std")
            || words.contains("no required module provides")
            || words.contains("cannot find package")
        {
            Absence::Module
        } else if words.contains("unknown field") {
            Absence::Argument
        } else if words.contains("undefined (type") || words.contains("has no field or method") {
            Absence::Attribute
        } else if words.starts_with("undefined: ") {
            if words.contains('.') { Absence::Member } else { Absence::Name }
        } else {
            return None;
        };
        Some(Diagnostic::new(&it[1], it[2].parse().ok()?, absence, "go", words))
    };
    let judged_nothing = output.contains("go: cannot find main module") || output.contains("matched no packages");
    (!judged_nothing).then(|| output.lines().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_names_are_read_and_others_are_not() {
        let output = "# m\nvet: ./a.go:5:6: undefined: strings.Frob\n./a.go:6:4: x.Frob undefined (type X has no field or method Frob)\n\
                      ./a.go:7:2: declared and not used: y\na.go:3:8: package strings/utils is not in std\n";
        let found: Vec<_> = parse(output).unwrap().into_iter().map(|it| (it.line, it.absence)).collect();
        assert_eq!(found, [(5, Absence::Member), (6, Absence::Attribute), (3, Absence::Module)]);
        assert_eq!(parse("go: cannot find main module, but found .git"), None);
    }
}
