//! What the compiler of Rust says, through cargo.

use std::path::{Path, PathBuf};

use serde_json::Value;
use wright_text::Language;

use super::Judge;
use super::diagnostic::{Absence, Diagnostic};

/// cargo check. It runs build scripts and procedural macros, which is why it runs in the sandbox only.
pub const JUDGE: Judge = Judge {
    name: "cargo check",
    languages: &[Language::Rust],
    program: "cargo",
    version: &["--version"],
    arguments,
    parse,
};

fn arguments(_: &[PathBuf], _: Option<&Path>) -> Vec<String> {
    let words =
        ["check", "--workspace", "--all-targets", "--offline", "--keep-going", "--quiet", "--message-format=json"];
    words.map(str::to_owned).to_vec()
}

fn parse(output: &str) -> Option<Vec<Diagnostic>> {
    let mut has_answer = false;
    let mut found = Vec::new();
    for line in output.lines().filter(|it| it.starts_with('{')) {
        let Ok(item) = serde_json::from_str::<Value>(line) else { continue };
        has_answer |= item.get("reason").is_some();
        found.extend(item.get("message").and_then(diagnostic));
    }
    has_answer.then_some(found)
}

fn diagnostic(message: &Value) -> Option<Diagnostic> {
    let code = message.pointer("/code/code")?.as_str()?;
    let words = message.get("message")?.as_str()?;
    let absence = match code {
        "E0432" | "E0433" => Absence::Member,
        "E0425" | "E0412" | "E0405" | "E0407" | "E0531" => Absence::Name,
        "E0599" | "E0609" | "E0610" | "E0576" => Absence::Attribute,
        "E0560" | "E0559" | "E0026" => Absence::Argument,
        _ => return None,
    };
    let spans = message.get("spans")?.as_array()?;
    let span = spans.iter().find(|it| it.get("is_primary").and_then(Value::as_bool) == Some(true))?;
    let line = usize::try_from(span.get("line_start")?.as_u64()?).ok()?;
    Some(Diagnostic::new(span.get("file_name")?.as_str()?, line, absence, code, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_about_names_are_read_and_others_are_not() {
        let message = |code: &str| {
            format!(
                "{{\"reason\":\"compiler-message\",\"message\":{{\"code\":{{\"code\":\"{code}\"}},\"message\":\"no method named `x`\",\
                 \"spans\":[{{\"is_primary\":true,\"line_start\":7,\"file_name\":\"src/a.rs\"}}]}}}}"
            )
        };
        let found = parse(&format!("{}\n{}\n", message("E0599"), message("E0308"))).unwrap();
        assert_eq!(found, [Diagnostic::new("src/a.rs", 7, Absence::Attribute, "E0599", "no method named `x`")]);
        assert_eq!(parse("error: could not find `Cargo.toml`"), None);
    }
}
