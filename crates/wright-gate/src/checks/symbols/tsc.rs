//! What the compiler of TypeScript says.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;
use wright_text::Language;

use super::Judge;
use super::diagnostic::{Absence, Diagnostic};

/// tsc, version 5 or 7.
pub const JUDGE: Judge = Judge {
    name: "tsc",
    languages: &[Language::TypeScript, Language::Tsx, Language::JavaScript],
    program: "tsc",
    version: &["--version"],
    arguments,
    parse,
};

fn arguments(_: &[PathBuf], _: Option<&Path>) -> Vec<String> {
    ["--noEmit", "--pretty", "false", "--skipLibCheck", "--incremental", "false"].map(str::to_owned).to_vec()
}

fn parse(output: &str) -> Option<Vec<Diagnostic>> {
    static LINE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^(.+?)\((\d+),\d+\): error (TS\d+): (.*)$").expect("it is tested"));
    let read = |line: &str| {
        let it = LINE.captures(line)?;
        let absence = match &it[3] {
            "TS2307" => Absence::Module,
            "TS2305" | "TS2614" | "TS2724" | "TS2694" => Absence::Member,
            "TS2339" | "TS2551" => Absence::Attribute,
            "TS2353" | "TS2561" => Absence::Argument,
            "TS2304" | "TS2552" | "TS2503" => Absence::Name,
            _ => return None,
        };
        let diagnostic = Diagnostic::new(&it[1], it[2].parse().ok()?, absence, &it[3], &it[4]);
        Some(if absence == Absence::Module { diagnostic.about_module() } else { diagnostic })
    };
    // Without a project the compiler prints its help and judges nothing.
    let judged_nothing =
        output.contains("error TS5") || output.contains("error TS18003") || output.contains("COMMON COMMANDS");
    (!judged_nothing).then(|| output.lines().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_names_are_read_and_others_are_not() {
        let output = "src/a.ts(3,5): error TS2551: Property 'x' does not exist on type 'Y'. Did you mean 'z'?\n\
                      src/a.ts(4,1): error TS2322: Type 'a' is not assignable to type 'b'.\n\
                      src/b.ts(1,15): error TS2307: Cannot find module './c' or its corresponding type declarations.\n";
        let found = parse(output).unwrap();
        let shown: Vec<_> = found.iter().map(|it| (it.line, it.absence, it.module.as_deref())).collect();
        assert_eq!(shown, [(3, Absence::Attribute, None), (1, Absence::Module, Some("./c"))]);
        assert_eq!(parse("error TS5058: The specified path does not exist: 'x'."), None);
    }
}
