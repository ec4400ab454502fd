//! What the compiler of Java says about names of the JDK and of the repository.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use wright_text::Language;

use super::Judge;
use super::diagnostic::{Absence, Diagnostic};

/// javac, on the changed files, with the repository's sources beside them and without annotation processors.
pub const JUDGE: Judge =
    Judge { name: "javac", languages: &[Language::Java], program: "javac", version: &["-version"], arguments, parse };

fn arguments(files: &[PathBuf], _: Option<&Path>) -> Vec<String> {
    let fixed = ["-proc:none", "-Xdiags:compact", "-XDrawDiagnostics", "-Xmaxerrs", "1000", "-d", ".wright-javac"];
    let mut argv: Vec<String> = fixed.map(str::to_owned).to_vec();
    argv.extend(["-sourcepath".to_owned(), "src/main/java:src/test/java:src:.".to_owned()]);
    argv.extend(files.iter().map(|it| it.display().to_string()));
    argv
}

/// Reads raw diagnostics, whose words do not depend on the language of the machine:
/// `A.java:3:9: compiler.err.cant.resolve.location.args: kindname.method, frob, …`.
fn parse(output: &str) -> Option<Vec<Diagnostic>> {
    static LINE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(\S+\.java):(\d+):\d+: compiler\.err\.([a-z.]+): (.*)$").expect("it is tested"));
    let items: Vec<_> = output.lines().filter_map(|line| LINE.captures(line)).collect();
    // Without its packages a file is full of unknown names that are not invented.
    let is_blind = |path: &str| items.iter().any(|it| &it[1] == path && &it[3] == "doesnt.exist");
    let read = |it: &regex::Captures<'_>| {
        let absence = match &it[3] {
            "cant.resolve.location.args" | "cant.resolve.args" => Absence::Attribute,
            "cant.resolve" | "cant.resolve.location" => Absence::Name,
            _ => return None,
        };
        let words: Vec<_> = it[4].split(", ").collect();
        let kind = words.first()?.trim_start_matches("kindname.");
        let name = words.get(1)?;
        let message = format!("no {kind} named `{name}`");
        (!is_blind(&it[1])).then(|| Diagnostic::new(&it[1], it[2].parse().unwrap_or(1), absence, &it[3], &message))
    };
    let judged_nothing = output.contains("error: no source files") || output.contains("error: invalid flag");
    (!judged_nothing).then(|| items.iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_names_are_read_where_the_packages_are_there() {
        let output = "A.java:3:9: compiler.err.cant.resolve.location.args: kindname.method, frob, , java.lang.String, (x)\n\
                      B.java:1:11: compiler.err.doesnt.exist: org.x\nB.java:4:2: compiler.err.cant.resolve: kindname.class, X, , \n";
        let found = parse(output).unwrap();
        let wanted =
            Diagnostic::new("A.java", 3, Absence::Attribute, "cant.resolve.location.args", "no method named `frob`");
        assert_eq!(found, [wanted]);
    }
}
