//! Code that was turned into a comment instead of being taken out.
//!
//! The content of a comment is parsed in the file's own language. It counts as code when it parses without an error into
//! statements that prose never is: assignments, calls, definitions, imports.

use wright_text::{Language, Node, SyntaxTree};

use super::grammar::{grammar, is_comment, named_children, squeezed, walk};
use crate::{Confidence, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "commented-out-code";

/// Longer comments are texts.
const MAX_COMMENT: usize = 10_000;
const MAX_FINDINGS: usize = 200;
/// More comments than this are not parsed.
const MAX_PARSED: usize = 5_000;

/// Reports each run of comment lines that is code: a warning from three lines on, a note before.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    let Some(tree) = source.tree() else { return Vec::new() };
    let language = tree.language();
    let mut findings = Vec::new();
    for (range, content) in runs(source, tree).into_iter().take(MAX_PARSED) {
        if findings.len() >= MAX_FINDINGS {
            break;
        }
        let n_lines = content.lines().filter(|it| !it.trim().is_empty()).count();
        let n_statements = statements(language, &content);
        if n_statements == 0 || n_statements * 3 < n_lines {
            continue;
        }
        let severity = if n_lines >= 3 && n_statements >= 2 { Severity::Warning } else { Severity::Note };
        findings.push(
            Finding::new(NAME, severity, format!("{n_lines} lines of code are commented out"))
                .confidence(if n_lines >= 3 { Confidence::High } else { Confidence::Medium })
                .within(source.path, source.span(range))
                .key(squeezed(&content))
                .hint("Take it out; the history keeps it."),
        );
    }
    findings
}

/// Returns the comments with what they say; line comments that stand directly below each other are one.
fn runs(source: &Source<'_>, tree: &SyntaxTree) -> Vec<(std::ops::Range<usize>, String)> {
    let mut runs: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    walk(tree.root(), (), |node, ()| {
        if !is_comment(node) {
            return Some(());
        }
        let text = source.text.get(node.byte_range()).unwrap_or_default().trim_end();
        let is_alone = starts_line(source.text, node.start_byte());
        if let Some(said) = is_alone.then(|| said(text)).flatten() {
            match runs.last_mut() {
                Some((range, content))
                    if follows(source.text, range.end, node.start_byte()) && content.len() < MAX_COMMENT =>
                {
                    range.end = node.start_byte() + text.len();
                    content.push('\n');
                    content.push_str(&said);
                }
                _ => runs.push((node.start_byte()..node.start_byte() + text.len(), said)),
            }
        }
        None
    });
    runs.retain(|(_, content)| content.len() <= MAX_COMMENT && content.contains(['(', '=', '{', ';', ':']));
    runs
}

/// Returns whether nothing but indentation stands before a place in its line.
fn starts_line(text: &str, at: usize) -> bool {
    let before = text.as_bytes()[..at].iter().rev().find(|it| !matches!(it, b' ' | b'\t'));
    before.is_none_or(|it| *it == b'\n')
}

fn follows(text: &str, end: usize, start: usize) -> bool {
    text.get(end..start).is_some_and(|between| between.trim().is_empty() && between.matches('\n').count() == 1)
}

/// Returns what a comment says; `None` for documentation and for orders to tools.
fn said(comment: &str) -> Option<String> {
    let is_documentation = ["///", "//!", "/**", "/*!", "#!", "##"].iter().any(|it| comment.starts_with(it));
    if is_documentation {
        return None;
    }
    if let Some(block) = comment.strip_prefix("/*") {
        return Some(block.strip_suffix("*/").unwrap_or(block).to_owned());
    }
    let line = comment.strip_prefix("//").or_else(|| comment.strip_prefix('#'))?;
    Some(line.strip_prefix(' ').unwrap_or(line).to_owned())
}

/// Returns how many statements a text holds that prose never is; none when it does not parse.
fn statements(language: Language, content: &str) -> usize {
    let code = wright_text::dedent(content);
    if is_example(&code) {
        return 0;
    }
    [code.clone(), wrapped(language, &code)].iter().map(|code| count(language, code)).max().unwrap_or(0)
}

/// Returns whether a comment shows what a program would say, or is a table, an address or a label.
fn is_example(code: &str) -> bool {
    let first = code.trim_start();
    [">>>", "$ ", "http", "TODO", "FIXME", "XXX", "NOTE", "type:", "e.g", "i.e", "@"]
        .iter()
        .any(|it| first.starts_with(it))
}

/// Returns statements inside of a function, where a language allows none at the top.
fn wrapped(language: Language, code: &str) -> String {
    match language {
        Language::Rust => format!("fn f() {{\n{code}\n}}"),
        Language::Go => format!("package a\nfunc f() {{\n{code}\n}}"),
        Language::Java => format!("class A {{ void f() {{\n{code}\n}} }}"),
        Language::Cpp => format!("void f() {{\n{code}\n}}"),
        Language::Python | Language::JavaScript | Language::TypeScript | Language::Tsx => code.to_owned(),
    }
}

fn count(language: Language, code: &str) -> usize {
    let tree = SyntaxTree::parse(language, code);
    if tree.root().has_error() || tree.error_count() > 0 {
        return 0;
    }
    let needs_end = matches!(
        language,
        Language::JavaScript | Language::TypeScript | Language::Tsx | Language::Java | Language::Cpp | Language::Rust
    );
    // What was put around a statement is none itself.
    let n_around = usize::from(
        code.starts_with("fn f() {\n") || code.starts_with("package a\nfunc f()") || code.starts_with("void f() {\n"),
    ) + 2 * usize::from(code.starts_with("class A { void f() {\n"));
    let mut n_found: usize = 0;
    walk(tree.root(), (), |node, ()| {
        n_found += usize::from(is_statement(node, code, needs_end, language));
        Some(())
    });
    n_found.saturating_sub(n_around)
}

fn is_statement(node: Node<'_>, code: &str, needs_end: bool, language: Language) -> bool {
    let table = grammar(language);
    let kind = node.kind();
    let text = code.get(node.byte_range()).unwrap_or_default().trim_end();
    if kind == "expression_statement" {
        let inner = named_children(node).into_iter().next();
        let is_told = |it: &Node<'_>| {
            table.calls.contains(&it.kind()) || it.kind().contains("assignment") || it.kind() == "await"
        };
        return inner.is_some_and(|it| is_told(&it)) && (!needs_end || text.ends_with(';')) && !reads_as_prose(text);
    }
    let is_definition = node.is_named()
        && (table.functions.contains(&kind)
            && !kind.contains("lambda")
            && !kind.contains("closure")
            && !kind.contains("arrow")
            || table.conditions.contains(&kind)
            || table.loops.contains(&kind)
            || matches!(
                kind,
                "import_statement"
                    | "import_from_statement"
                    | "class_definition"
                    | "use_declaration"
                    | "import_declaration"
                    | "lexical_declaration"
                    | "variable_declaration"
                    | "let_declaration"
                    | "local_variable_declaration"
                    | "short_var_declaration"
                    | "assignment_statement"
                    | "declaration"
            ));
    is_definition && (!needs_end || text.ends_with([';', '}'])) && text.contains(['(', '=', '{', ':', '.'])
}

/// Returns whether a call is a remark: `foo (see below)`, `size(x)`.
fn reads_as_prose(text: &str) -> bool {
    text.contains(" (") || text.contains("...") || !text.contains(['=', '.', '"', '\'', ',', ';']) && text.len() < 12
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn severities(path: &str, text: &str) -> Vec<Severity> {
        findings(&Source::new(Path::new(path), text)).into_iter().map(|it| it.severity).collect()
    }

    #[test]
    fn lines_of_code_in_comments_are_found_in_every_language() {
        for (path, text) in [
            ("a.py", "# x = f(1)\n# for y in x:\n#     print(y, x)\ny = 1\n"),
            ("a.js", "// const x = f(1);\n// g(x, 2);\n// h.i(x);\nlet y;\n"),
            ("a.ts", "/*\nconst x = f(1);\ng(x, 2);\nh.i(x);\n*/\nlet y;\n"),
            ("a.rs", "// let x = f(1);\n// g(x, 2);\n// x.h();\nfn f() {}\n"),
            ("a.go", "package a\n\n// x := f(1)\n// g(x, 2)\n// x.h()\nvar y int\n"),
            ("A.java", "class A {\n// int x = f(1);\n// g(x, 2);\n// x.h();\n}\n"),
            ("a.cpp", "// int x = f(1);\n// g(x, 2);\n// x.h();\nint y;\n"),
        ] {
            assert_eq!(severities(path, text), [Severity::Warning], "{path}");
        }
    }

    #[test]
    fn one_line_is_a_note() {
        assert_eq!(severities("a.py", "# value = compute(1, 2)\n"), [Severity::Note]);
    }

    #[test]
    fn prose_documentation_and_orders_to_tools_are_left_alone() {
        for (path, text) in [
            ("a.py", "# This returns the value of x (see below).\nx = 1\n"),
            ("a.py", "# type: ignore\n# TODO: call f(x)\n# return the first one\nx = 1\n"),
            ("a.rs", "/// let x = f(1);\n/// g(x);\n/// x.h();\nfn f() {}\n"),
            ("a.js", "// if the user is new, then: show it\nlet y;\n"),
            ("a.js", "/** f(1); g(2); h(3); */\nlet y;\n"),
            ("a.go", "package a\n\n// f returns x.\nvar y int\n"),
            ("a.cpp", "// Copyright (c) 2020; all rights reserved\nint y;\n"),
        ] {
            assert_eq!(severities(path, text), [], "{path}: {text}");
        }
    }
}
