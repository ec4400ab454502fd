//! Code that never runs: statements behind an end, branches of a constant condition, and names that nothing reads.

use std::collections::HashMap;

use wright_text::{Language, Node};

use super::grammar::{Grammar, grammar, named_children, squeezed, text_of, walk, word_counts};
use crate::{Finding, Source};

/// The check's name.
pub const NAME: &str = "dead-code";

const MAX_FINDINGS: usize = 200;

/// Reports what the text itself shows to be dead.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    let Some(tree) = source.tree() else { return Vec::new() };
    let language = tree.language();
    let table = grammar(language);
    let counts = word_counts(source.text);
    let mut findings = Vec::new();
    walk(tree.root(), (), |node, ()| {
        if findings.len() < MAX_FINDINGS && node.is_named() {
            if table.blocks.contains(&node.kind()) {
                findings.extend(after_end(source, node, table));
            } else if table.conditions.contains(&node.kind()) {
                findings.extend(never_taken(source, node));
            }
            findings.extend(unused(source, node, language, &counts));
        }
        Some(())
    });
    findings
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

fn unused(source: &Source<'_>, node: Node<'_>, language: Language, counts: &HashMap<&str, usize>) -> Vec<Finding> {
    let named = match language {
        Language::Python => python(source, node),
        Language::JavaScript | Language::TypeScript | Language::Tsx => javascript(source, node),
        Language::Java => java(source, node),
        Language::Cpp => cpp(source, node),
        Language::Rust | Language::Go => Vec::new(),
    };
    let is_alone = |name: &Node<'_>| counts.get(text_of(*name, source.text)) == Some(&1);
    let alone = named.into_iter().filter(|(name, ..)| is_alone(name));
    alone
        .map(|(name, rule, what)| {
            finding(source, name, rule, format!("nothing reads the {what} `{}`", text_of(name, source.text)))
        })
        .collect()
}

type Named<'t> = (Node<'t>, &'static str, &'static str);

/// Names that nothing outside of a Python file can read: imports of a module, locals, and methods with two underscores.
fn python<'t>(source: &Source<'_>, node: Node<'t>) -> Vec<Named<'t>> {
    let name = |it: Node<'t>| text_of(it, source.text);
    match node.kind() {
        "import_statement" | "import_from_statement" => {
            // A package hands its imports on; an import that is tried may be a probe, and a marked one is meant.
            let is_top = node.parent().is_some_and(|it| it.kind() == "module");
            let is_package =
                source.path.file_stem().is_some_and(|it| it == "__init__" || it == "conftest" || it == "compat");
            let line_end =
                source.text[node.end_byte()..].find('\n').map_or(source.text.len(), |it| node.end_byte() + it);
            // A module in front of an inner one hands on what that has.
            let from = node.child_by_field_name("module_name").map_or("", |it| name(it));
            let is_marked = source.text[node.end_byte()..line_end].contains('#');
            if !is_top || is_package || is_marked || from.starts_with(['.', '_']) || source.text.contains("__all__") {
                return Vec::new();
            }
            imported(node).into_iter().map(|it| (it, "unused-import", "import")).collect()
        }
        "assignment" => {
            let left =
                node.child_by_field_name("left").filter(|it| it.kind() == "identifier" && !name(*it).starts_with('_'));
            let is_local = enclosing(node, &["function_definition", "class_definition"])
                .is_some_and(|it| it.kind() == "function_definition");
            let is_plain = node.child_by_field_name("type").is_none()
                && node.parent().is_some_and(|it| it.kind() == "expression_statement");
            let reads_all = ["locals()", "eval(", "exec(", "vars()"].iter().any(|it| source.text.contains(it));
            left.filter(|_| is_local && is_plain && !reads_all)
                .map(|it| (it, "unused-local", "local"))
                .into_iter()
                .collect()
        }
        "function_definition" => {
            let method =
                node.child_by_field_name("name").filter(|it| name(*it).starts_with("__") && !name(*it).ends_with("__"));
            let in_class = enclosing(node, &["class_definition", "function_definition"])
                .is_some_and(|it| it.kind() == "class_definition");
            let is_decorated = node.parent().is_some_and(|it| it.kind() == "decorated_definition");
            method
                .filter(|_| in_class && !is_decorated)
                .map(|it| (it, "unused-function", "private method"))
                .into_iter()
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the names that an import binds.
fn imported(node: Node<'_>) -> Vec<Node<'_>> {
    let mut cursor = node.walk();
    let items = node.children_by_field_name("name", &mut cursor);
    let bound = items.filter_map(|item| match item.kind() {
        "aliased_import" => item.child_by_field_name("alias"),
        // `import a.b` binds `a`, and runs `b` besides.
        "dotted_name" if item.named_child_count() == 1 => item.named_child(0),
        _ => None,
    });
    bound.collect()
}

fn enclosing<'t>(node: Node<'t>, kinds: &[&str]) -> Option<Node<'t>> {
    std::iter::successors(node.parent(), |it| it.parent()).take(200).find(|it| kinds.contains(&it.kind()))
}

fn javascript<'t>(source: &Source<'_>, node: Node<'t>) -> Vec<Named<'t>> {
    let name = node.child_by_field_name("name").filter(|it| it.kind() == "identifier");
    let is_module = source.text.contains("export ") || source.text.contains("import ");
    let own = match node.kind() {
        "import_specifier" => {
            let bound = node.child_by_field_name("alias").or(name);
            bound.map(|it| (it, "unused-import", "import"))
        }
        "import_clause" => {
            let default =
                node.named_child(0).filter(|it| it.kind() == "identifier" && text_of(*it, source.text) != "React");
            default.map(|it| (it, "unused-import", "import"))
        }
        "variable_declarator" => {
            let is_local = enclosing(node, &["statement_block"]).is_some();
            name.filter(|it| is_local && !text_of(*it, source.text).starts_with('_'))
                .map(|it| (it, "unused-local", "local"))
        }
        "function_declaration" => {
            let is_private = node.parent().is_some_and(|it| it.kind() == "program" || it.kind() == "statement_block");
            name.filter(|_| is_private && is_module).map(|it| (it, "unused-function", "function"))
        }
        _ => None,
    };
    own.into_iter().collect()
}

fn java<'t>(source: &Source<'_>, node: Node<'t>) -> Vec<Named<'t>> {
    let name = node.child_by_field_name("name");
    let own = match node.kind() {
        "import_declaration" => {
            let path = node.named_child(0).and_then(|it| it.child_by_field_name("name"));
            let is_whole = text_of(node, source.text).contains('*') || text_of(node, source.text).contains("static");
            path.filter(|_| !is_whole).map(|it| (it, "unused-import", "import"))
        }
        "method_declaration" => {
            let before = name.map_or("", |it| &source.text[node.start_byte()..it.start_byte()]);
            let is_private = before.contains("private ") && !before.contains('@');
            let is_called_by_name = name.is_some_and(|it| {
                matches!(
                    text_of(it, source.text),
                    "readObject" | "writeObject" | "readResolve" | "writeReplace" | "readObjectNoData"
                )
            });
            name.filter(|_| is_private && !is_called_by_name).map(|it| (it, "unused-function", "private method"))
        }
        _ => None,
    };
    own.into_iter().collect()
}

fn cpp<'t>(source: &Source<'_>, node: Node<'t>) -> Vec<Named<'t>> {
    let is_file_level = node.parent().is_some_and(|it| it.kind() == "translation_unit");
    let is_header = source.path.extension().is_some_and(|it| it.to_string_lossy().starts_with('h'));
    if node.kind() != "function_definition" || !is_file_level || is_header {
        return Vec::new();
    }
    let declarator = node.child_by_field_name("declarator").filter(|it| it.kind() == "function_declarator");
    let name = declarator.and_then(|it| it.child_by_field_name("declarator")).filter(|it| it.kind() == "identifier");
    let before = name.map_or("", |it| &source.text[node.start_byte()..it.start_byte()]);
    let is_static = before.starts_with("static ") && !before.contains("__attribute__") && !before.contains("[[");
    name.filter(|_| is_static).map(|it| (it, "unused-function", "static function")).into_iter().collect()
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
