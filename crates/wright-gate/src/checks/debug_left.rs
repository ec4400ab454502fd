//! What somebody put in to watch a program run, and forgot.
//!
//! Calls that stop a program for a debugger have no other use. Prints have many, so they count only in a file that is no
//! program or test and that has a log to write to.

use wright_text::{Language, Node};

use super::grammar::{squeezed, text_of, walk};
use crate::{Confidence, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "debug-left";

const MAX_FINDINGS: usize = 100;
/// A file that prints more often than this prints on purpose.
const MAX_STRAY_PRINTS: usize = 3;

/// Reports stops for a debugger as warnings, and stray prints as notes.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    let Some(tree) = source.tree() else { return Vec::new() };
    let language = tree.language();
    let mut stops = Vec::new();
    let mut prints = Vec::new();
    walk(tree.root(), (), |node, ()| {
        if !node.is_named() || stops.len() >= MAX_FINDINGS {
            return Some(());
        }
        if is_stop(node, source.text, language) {
            stops.push(finding(source, node, Severity::Warning, "debugger", "a stop for a debugger is left in"));
            return None;
        }
        if is_print(node, source.text, language) {
            prints.push(
                finding(source, node, Severity::Note, "print", "a print that looks forgotten")
                    .confidence(Confidence::Low),
            );
        }
        Some(())
    });
    if prints.len() <= MAX_STRAY_PRINTS && has_log(source.text, language) && !prints_on_purpose(source) {
        stops.append(&mut prints);
    }
    stops
}

fn finding(source: &Source<'_>, node: Node<'_>, severity: Severity, rule: &'static str, message: &str) -> Finding {
    let line_end = source.text[node.start_byte()..].find('\n').map_or(node.end_byte(), |it| node.start_byte() + it);
    let range = node.start_byte()..node.end_byte().min(line_end);
    Finding::new(NAME, severity, message)
        .rule(rule)
        .cwe(&[489_u16][..])
        .key(squeezed(&source.text[range.clone()]))
        .within(source.path, source.span(range))
        .hint("Take it out before others run it.")
}

fn is_stop(node: Node<'_>, text: &str, language: Language) -> bool {
    let called = callee(node, text);
    match language {
        Language::Python => {
            let is_import = node.kind() == "import_statement"
                && matches!(text_of(node, text), "import pdb" | "import ipdb" | "import pudb");
            is_import
                || node.kind() == "call"
                    && matches!(
                        called,
                        "breakpoint" | "pdb.set_trace" | "ipdb.set_trace" | "pudb.set_trace" | "pdb.post_mortem"
                    )
        }
        Language::JavaScript | Language::TypeScript | Language::Tsx => node.kind() == "debugger_statement",
        Language::Rust => node.kind() == "macro_invocation" && text_of(node, text).starts_with("dbg!"),
        Language::Go => node.kind() == "call_expression" && called == "runtime.Breakpoint",
        Language::Cpp => {
            node.kind() == "call_expression" && matches!(called, "__debugbreak" | "DebugBreak" | "__builtin_debugtrap")
        }
        Language::Java => false,
    }
}

fn is_print(node: Node<'_>, text: &str, language: Language) -> bool {
    let called = callee(node, text);
    match language {
        Language::Python => node.kind() == "call" && matches!(called, "print" | "pprint" | "pprint.pprint"),
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            node.kind() == "call_expression"
                && matches!(called, "console.log" | "console.debug" | "console.dir" | "console.trace")
        }
        Language::Rust => {
            node.kind() == "macro_invocation"
                && (text_of(node, text).starts_with("println!") || text_of(node, text).starts_with("eprintln!"))
        }
        Language::Go => node.kind() == "call_expression" && matches!(called, "fmt.Println" | "fmt.Printf" | "println"),
        Language::Java => {
            node.kind() == "method_invocation"
                && (text_of(node, text).starts_with("System.out.print")
                    || text_of(node, text).starts_with("System.err.print"))
        }
        Language::Cpp => node.kind() == "call_expression" && called == "printf",
    }
}

fn callee<'s>(node: Node<'_>, text: &'s str) -> &'s str {
    node.child_by_field_name("function").map_or("", |it| text_of(it, text))
}

/// Returns whether a file writes to a log, so that a print is not its way to speak.
fn has_log(text: &str, language: Language) -> bool {
    let marks: &[&str] = match language {
        Language::Python => &["import logging", "getLogger(", "logger.", "log."],
        Language::JavaScript | Language::TypeScript | Language::Tsx => {
            &["logger.", "winston", "pino", "log4js", "log."]
        }
        Language::Rust => &["tracing::", "log::", "info!(", "debug!(", "warn!("],
        Language::Go => &["log.", "slog.", "zap.", "logger."],
        Language::Java => &["Logger ", "LOGGER.", "log.", "logger."],
        Language::Cpp => &["LOG(", "spdlog::", "log_", "syslog("],
    };
    marks.iter().any(|it| text.contains(it))
}

/// Returns whether a file is a program, a script or a test.
fn prints_on_purpose(source: &Source<'_>) -> bool {
    let path = source.path.to_string_lossy().to_ascii_lowercase();
    let is_place = path.split(['/', '\\', '.', '_', '-']).any(|it| {
        matches!(
            it,
            "test"
                | "tests"
                | "spec"
                | "script"
                | "scripts"
                | "example"
                | "examples"
                | "bench"
                | "benches"
                | "benchmark"
                | "bin"
                | "cli"
                | "main"
                | "build"
                | "tool"
                | "tools"
                | "demo"
                | "cmd"
                | "setup"
                | "print"
                | "console"
                | "docs"
        )
    });
    is_place
        || ["__main__", "fn main(", "func main(", "void main(", "int main(", "#!/", "argparse", "process.argv"]
            .iter()
            .any(|it| source.text.contains(it))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        findings(&Source::new(Path::new(path), text)).into_iter().map(|it| it.rule.to_string()).collect()
    }

    #[test]
    fn a_stop_for_a_debugger_is_found_in_every_language_that_has_one() {
        for (path, text) in [
            ("a.py", "import pdb\n"),
            ("a.py", "def f():\n    breakpoint()\n"),
            ("a.js", "function f() { debugger; }"),
            ("a.tsx", "function f() { debugger; return <a/>; }"),
            ("a.rs", "fn f() { dbg!(1); }"),
            ("a.go", "package a\nfunc f() { runtime.Breakpoint() }"),
            ("a.cpp", "void f() { __debugbreak(); }"),
        ] {
            assert_eq!(rules(path, text), ["debugger"], "{path}");
        }
    }

    #[test]
    fn a_print_counts_only_beside_a_log() {
        let log = "import logging\nlog = logging.getLogger()\n";
        assert_eq!(rules("a.py", &format!("{log}print('here')\n")), ["print"]);
        assert_eq!(rules("a.py", "print('here')\n"), [""; 0]);
        assert_eq!(rules("tests/a.py", &format!("{log}print('here')\n")), [""; 0]);
        assert_eq!(rules("a.py", &format!("{log}{}", "print('here')\n".repeat(9))), [""; 0]);
        assert_eq!(rules("a.js", "// debugger\nlet s = 'debugger';\n"), [""; 0]);
    }
}
