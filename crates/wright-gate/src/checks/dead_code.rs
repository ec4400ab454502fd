//! Code that never runs: statements behind an end, branches of a constant condition, and names that nothing reads.

mod unused_names;

use wright_text::Node;

use self::unused_names::Names;
use super::grammar::{Grammar, grammar, named_children, squeezed, text_of, walk};
use crate::{Finding, Source};

/// The check's name.
pub const NAME: &str = "dead-code";

const MAX_FINDINGS: usize = 200;

/// Reports what the text itself shows to be dead.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    let Some(tree) = source.tree() else { return Vec::new() };
    let language = tree.language();
    let table = grammar(language);
    let names = Names::of(source, language);
    let mut findings = Vec::new();
    walk(tree.root(), (), |node, ()| {
        if findings.len() < MAX_FINDINGS && node.is_named() {
            if table.blocks.contains(&node.kind()) {
                findings.extend(after_end(source, node, table));
            } else if table.conditions.contains(&node.kind()) {
                findings.extend(never_taken(source, node));
            }
            findings.extend(names.unused(node).map(|it| unread(source, it)));
        }
        Some(())
    });
    findings
}

fn unread(source: &Source<'_>, (name, rule, what): unused_names::Named<'_>) -> Finding {
    finding(source, name, rule, format!("nothing reads the {what} `{}`", text_of(name, source.text)))
}

fn finding(source: &Source<'_>, node: Node<'_>, rule: &'static str, message: String) -> Finding {
    let line_end = source.text[node.start_byte()..].find('\n').map_or(node.end_byte(), |it| node.start_byte() + it);
    let range = node.start_byte()..node.end_byte().min(line_end);
    Finding::warning(NAME, message)
        .rule(rule)
        .cwe(&[561_u16][..])
        .key(format!("{rule}:{}", squeezed(&source.text[range.clone()])))
        .within(source.path, source.span(range))
}

/// Reports the first statement behind one that always leaves the block.
fn after_end(source: &Source<'_>, block: Node<'_>, table: &Grammar) -> Option<Finding> {
    let statements = named_children(block);
    let at = statements.iter().position(|it| ends(*it, table))?;
    let next = *statements.get(at + 1)?;
    // `yield` behind `return` makes a generator; code under an attribute may not be compiled at all.
    let is_meant = table.declarations.contains(&next.kind())
        || statements[at + 1..]
            .iter()
            .any(|it| it.kind().starts_with("preproc") || it.kind() == "labeled_statement" || it.is_error())
        || at > 0 && statements[at - 1].kind() == "attribute_item"
        || source.text[next.byte_range()].trim_start().starts_with("yield");
    let hint = "Take it out, or take out what keeps it from running.";
    (!is_meant && !block.has_error()).then(|| {
        finding(source, next, "unreachable", "nothing gets here: the statement before leaves".to_owned()).hint(hint)
    })
}

fn ends(statement: Node<'_>, table: &Grammar) -> bool {
    let inner = if statement.kind() == "expression_statement" { statement.named_child(0) } else { Some(statement) };
    inner.is_some_and(|it| table.ends.contains(&it.kind()))
}

fn never_taken(source: &Source<'_>, node: Node<'_>) -> Option<Finding> {
    let condition = node.child_by_field_name("condition")?;
    let text = text_of(condition, source.text).trim_matches(['(', ')', ' ']);
    matches!(text, "false" | "False" | "0").then(|| {
        finding(source, node, "never-taken", format!("the condition is always `{text}`, so its branch never runs"))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        findings(&Source::new(Path::new(path), text))
            .into_iter()
            .map(|it| format!("{}:{}", it.rule, it.line.unwrap()))
            .collect()
    }

    #[test]
    fn what_stands_behind_an_end_is_unreachable_in_every_language() {
        for (path, text) in [
            ("a.py", "def f():\n    return 1\n    g()\n"),
            ("a.rs", "fn f() {\n    return;\n    g();\n}\n"),
            ("a.js", "function f() {\n  throw x;\n  g();\n}\n"),
            ("a.ts", "function f() {\n  return 1;\n  g();\n}\n"),
            ("a.go", "package a\nfunc f() { return\n g() }\n"),
            ("A.java", "class A { void f() { return;\n\n g(); } }\n"),
            ("a.cpp", "void f() { while (1) { break;\n\n g(); } }\n"),
        ] {
            let found = rules(path, text);
            assert!(
                found.iter().any(|it| it.starts_with("unreachable:3") || it == "unreachable:3"),
                "{path}: {found:?}"
            );
        }
    }

    #[test]
    fn what_only_looks_unreachable_is_not_reported() {
        for (path, text) in [
            ("a.py", "def f():\n    return\n    yield\n"),
            ("a.js", "function f() {\n  return g();\n  function g() {}\n}\nf();\n"),
            ("a.cpp", "int f(int x) { switch (x) { case 1: return 1; break; default: return 2; } }\n"),
            ("a.rs", "fn f() -> i32 {\n    #[cfg(a)]\n    return 1;\n    2\n}\n"),
            ("a.go", "package a\nfunc f() { goto end\nend:\n g() }\n"),
        ] {
            assert_eq!(rules(path, text), [""; 0], "{path}: {text}");
        }
    }

    #[test]
    fn a_branch_of_a_constant_condition_never_runs() {
        assert_eq!(rules("a.py", "if False:\n    f()\n"), ["never-taken:1"]);
        assert_eq!(rules("a.js", "if (false) { f(); }\n"), ["never-taken:1"]);
        assert_eq!(rules("a.py", "if TYPE_CHECKING:\n    f()\n"), [""; 0]);
    }

    #[test]
    fn names_that_nothing_reads_are_found_where_nobody_else_can_read_them() {
        assert_eq!(rules("a.py", "import os\nimport sys\nsys.exit()\n"), ["unused-import:1"]);
        assert_eq!(rules("a.py", "def f():\n    kept = 1\n    lost = 2\n    return kept\n"), ["unused-local:3"]);
        assert_eq!(rules("a.ts", "import { a, b } from 'x';\nexport const c = a;\n"), ["unused-import:1"]);
        assert_eq!(
            rules("A.java", "import x.Y;\nclass A { private void g() {} }\n"),
            ["unused-import:1", "unused-function:2"]
        );
        assert_eq!(rules("a.cpp", "static int g() { return 1; }\n"), ["unused-function:1"]);
    }

    #[test]
    fn what_others_may_read_is_not_reported() {
        for (path, text) in [
            ("pkg/__init__.py", "from .a import b\n"),
            ("a.py", "try:\n    import fast\nexcept ImportError:\n    pass\n"),
            ("a.py", "import readline  # noqa\n"),
            ("a.py", "x = 1\n"),
            ("a.js", "function g() {}\n"),
            ("a.h", "static int g() { return 1; }\n"),
        ] {
            assert_eq!(rules(path, text), [""; 0], "{path}: {text}");
        }
    }
}
