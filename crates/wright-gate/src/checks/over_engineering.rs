//! Layers that do nothing: functions that only hand their parameters on, factories of one class, handlers that swallow
//! everything, and interfaces that one class implements.
//!
//! Each may be right, so all are notes.

use std::collections::BTreeMap;

use wright_text::{Language, Node};

use super::grammar::{grammar, is_comment, named_children, squeezed, text_of, walk};
use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, Confidence, Finding, Source};

/// The check's name.
pub const NAME: &str = "over-engineering";

const MAX_FINDINGS: usize = 100;
/// How many files are read for implementations.
const MAX_FILES: usize = 5_000;

/// Reports what the text itself shows: pass-through functions, swallowed failures, factories with one product.
pub fn findings(source: &Source<'_>) -> Vec<Finding> {
    let Some(tree) = source.tree() else { return Vec::new() };
    let language = tree.language();
    let mut findings = Vec::new();
    walk(tree.root(), (), |node, ()| {
        if node.is_named() && findings.len() < MAX_FINDINGS {
            findings.extend(pass_through(source, node, language));
            findings.extend(swallowed(source, node, language));
            findings.extend(factory(source, node));
        }
        Some(())
    });
    findings
}

/// Reports the interfaces that a change adds and that one class implements, in a repository that has few such pairs.
pub fn report(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> CheckReport {
    let mut report = CheckReport::ran(NAME);
    let mut added = Vec::new();
    for file in &change.files {
        let Some(text) = file.after.text() else { continue };
        let source = Source::new(&file.path, text);
        let old = interfaces(&Source::new(file.path_before(), file.text_before()));
        let new = interfaces(&source).into_iter().filter(|(name, _)| !old.iter().any(|(it, _)| it == name));
        added.extend(new.map(|(name, range)| (name, source.span(range), file.path.clone())));
        report.analysed.push(file.path.clone());
    }
    if added.is_empty() {
        return report;
    }
    if is_used_to_pairs(before) {
        return report;
    }
    let counts = implementations(after);
    for (name, span, path) in added {
        if counts.get(&name) == Some(&1) {
            report.after.push(
                Finding::note(NAME, format!("`{name}` has one implementation"))
                    .rule("one-implementation")
                    .confidence(Confidence::Medium)
                    .within(path, span)
                    .key(name)
                    .hint("Use the class itself until there is a second one."),
            );
        }
    }
    report
}

/// Returns whether a repository has an interface for every class, so that one more follows its custom.
fn is_used_to_pairs(tree: &dyn Tree) -> bool {
    let counts = implementations(tree);
    let n_single = counts.values().filter(|it| **it == 1).count();
    counts.len() >= 4 && n_single * 2 > counts.len()
}

/// Returns how many classes of a repository name each interface as what they implement.
fn implementations(tree: &dyn Tree) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let mut declared = std::collections::BTreeSet::new();
    let paths = tree.paths().iter().filter(|it| Language::from_path(it).is_some()).take(MAX_FILES);
    for path in paths {
        let Some(text) = tree.read(path) else { continue };
        let source = Source::new(path, &text);
        declared.extend(interfaces(&source).into_iter().map(|(name, _)| name));
        for name in implemented(&source) {
            *counts.entry(name).or_insert(0) += 1;
        }
    }
    counts.retain(|name, _| declared.contains(name));
    counts
}

/// Returns the interfaces, traits and abstract classes that a text declares, with the places of their names.
fn interfaces(source: &Source<'_>) -> Vec<(String, std::ops::Range<usize>)> {
    let Some(tree) = source.tree() else { return Vec::new() };
    let mut found = Vec::new();
    walk(tree.root(), (), |node, ()| {
        let is_abstract_python = node.kind() == "class_definition"
            && node.child_by_field_name("superclasses").is_some_and(|it| text_of(it, source.text).contains("ABC"));
        let is_interface = match tree.language() {
            Language::TypeScript | Language::Tsx => node.kind() == "abstract_class_declaration",
            Language::Java => node.kind() == "interface_declaration",
            Language::Rust => node.kind() == "trait_item",
            Language::Python => is_abstract_python,
            Language::JavaScript | Language::Go | Language::Cpp => false,
        };
        if let Some(name) = node.child_by_field_name("name").filter(|_| is_interface) {
            found.push((text_of(name, source.text).to_owned(), name.byte_range()));
        }
        Some(())
    });
    found
}

/// Returns the names behind `implements`, `extends`, `impl … for` and in the list of base classes.
fn implemented(source: &Source<'_>) -> Vec<String> {
    let Some(tree) = source.tree() else { return Vec::new() };
    let mut found = Vec::new();
    let mut add = |node: Node<'_>| {
        let bare = text_of(node, source.text).split(['<', '[']).next().unwrap_or_default();
        found.push(bare.rsplit([':', '.', ' ']).next().unwrap_or_default().to_owned());
    };
    walk(tree.root(), (), |node, ()| {
        match node.kind() {
            "impl_item" => node.child_by_field_name("trait").into_iter().for_each(&mut add),
            "argument_list" if node.parent().is_some_and(|it| it.kind() == "class_definition") => {
                named_children(node).into_iter().for_each(&mut add);
            }
            "super_interfaces" | "implements_clause" | "extends_clause" | "superclass" => {
                let lists = named_children(node).into_iter();
                let names = lists.flat_map(|it| if it.kind() == "type_list" { named_children(it) } else { vec![it] });
                names.for_each(&mut add);
            }
            _ => {}
        }
        Some(())
    });
    found
}

/// Reports a free function whose only statement calls another with the same parameters in the same order.
fn pass_through(source: &Source<'_>, node: Node<'_>, language: Language) -> Option<Finding> {
    let table = grammar(language);
    let is_free =
        matches!(node.kind(), "function_definition" | "function_item" | "function_declaration") && is_top(node);
    let body = node.child_by_field_name("body").filter(|_| is_free)?;
    let mut statements = named_children(body);
    if let [only] = statements[..]
        && only.kind() == "statement_list"
    {
        statements = named_children(only);
    }
    let [statement] = statements[..] else { return None };
    let mut inner = statement;
    while matches!(inner.kind(), "return_statement" | "expression_statement" | "expression_list" | "return_expression")
    {
        inner = inner.named_child(0)?;
    }
    if !table.calls.contains(&inner.kind()) || has_comment(body) {
        return None;
    }
    let names = |list: Option<Node<'_>>| {
        let names = list.map(named_children).unwrap_or_default().into_iter().map(|it| {
            let name = it
                .child_by_field_name("name")
                .or_else(|| it.child_by_field_name("pattern"))
                .or_else(|| it.child_by_field_name("declarator"));
            text_of(name.unwrap_or(it), source.text).to_owned()
        });
        names.collect::<Vec<_>>()
    };
    let parameters = node
        .child_by_field_name("parameters")
        .or_else(|| node.child_by_field_name("declarator")?.child_by_field_name("parameters"));
    let (given, taken) = (names(inner.child_by_field_name("arguments")), names(parameters));
    let called = inner.child_by_field_name("function").map_or("", |it| text_of(it, source.text));
    let name = node
        .child_by_field_name("name")
        .or_else(|| node.child_by_field_name("declarator")?.child_by_field_name("declarator"))?;
    let is_plain = !called.is_empty()
        && called.chars().all(|it| it.is_alphanumeric() || it == '_')
        && called.starts_with(char::is_lowercase);
    (taken.len() >= 2 && given == taken && is_plain && called != text_of(name, source.text)).then(|| {
        note(
            source,
            name,
            "pass-through",
            format!("`{}` only calls `{called}` with what it was given", text_of(name, source.text)),
        )
    })
}

fn is_top(node: Node<'_>) -> bool {
    node.parent().is_some_and(|it| matches!(it.kind(), "module" | "program" | "source_file" | "translation_unit"))
}

fn has_comment(node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor).any(is_comment)
}

/// Reports a handler that takes every failure and does nothing with it.
fn swallowed(source: &Source<'_>, node: Node<'_>, language: Language) -> Option<Finding> {
    if !grammar(language).handlers.contains(&node.kind()) {
        return None;
    }
    let mut cursor = node.walk();
    let body =
        node.child_by_field_name("body").or_else(|| node.children(&mut cursor).find(|it| it.kind() == "block"))?;
    let is_empty = named_children(body).iter().all(|it| it.kind() == "pass_statement")
        && !text_of(node, source.text).contains(['#'])
        && !has_comment(body);
    let head = source.text[node.start_byte()..body.start_byte()].trim();
    let is_all = match language {
        Language::Python => {
            matches!(head.trim_end_matches(':').trim(), "except" | "except Exception" | "except BaseException")
        }
        Language::Java => ["Exception ", "Throwable "].iter().any(|it| head.contains(&format!("({it}"))),
        Language::Cpp => head.contains("..."),
        _ => true,
    };
    (is_empty && is_all).then(|| note(source, node, "swallowed", "every failure is taken and none is told".to_owned()))
}

/// Reports a class named a factory that has one method, which makes one thing.
fn factory(source: &Source<'_>, node: Node<'_>) -> Option<Finding> {
    let is_class = matches!(node.kind(), "class_definition" | "class_declaration");
    let name =
        node.child_by_field_name("name").filter(|it| is_class && text_of(*it, source.text).ends_with("Factory"))?;
    let members = named_children(node.child_by_field_name("body")?);
    let [method] = members[..] else { return None };
    let statements = named_children(method.child_by_field_name("body")?);
    let [statement] = statements[..] else { return None };
    let made = statement.named_child(0).filter(|_| statement.kind() == "return_statement")?;
    let text = text_of(made, source.text).trim_start_matches("new ");
    let is_made = text.starts_with(char::is_uppercase)
        && text.contains('(')
        && node.child_by_field_name("superclasses").is_none();
    is_made.then(|| {
        note(source, name, "needless-factory", format!("`{}` makes one thing in one way", text_of(name, source.text)))
    })
}

fn note(source: &Source<'_>, node: Node<'_>, rule: &'static str, message: String) -> Finding {
    let line_end = source.text[node.start_byte()..].find('\n').map_or(node.end_byte(), |it| node.start_byte() + it);
    Finding::note(NAME, message)
        .rule(rule)
        .confidence(Confidence::Medium)
        .key(format!("{rule}:{}", squeezed(text_of(node, source.text))))
        .within(source.path, source.span(node.start_byte()..node.end_byte().min(line_end)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::change::{Content, FileDelta, MemoryTree};

    fn rules(path: &str, text: &str) -> Vec<String> {
        findings(&Source::new(Path::new(path), text)).into_iter().map(|it| it.rule.to_string()).collect()
    }

    #[test]
    fn a_function_that_only_hands_on_is_found_in_every_language() {
        for (path, text) in [
            ("a.py", "def f(a, b):\n    return g(a, b)\n"),
            ("a.rs", "fn f(a: u8, b: u8) -> u8 {\n    g(a, b)\n}\n"),
            ("a.js", "function f(a, b) { return g(a, b); }\n"),
            ("a.ts", "function f(a: A, b: B) { return g(a, b); }\n"),
            ("a.go", "package a\nfunc f(a int, b int) int { return g(a, b) }\n"),
            ("a.cpp", "int f(int a, int b) { return g(a, b); }\n"),
        ] {
            assert_eq!(rules(path, text), ["pass-through"], "{path}");
        }
        assert_eq!(rules("a.py", "def f(a, b):\n    return g(b, a)\n"), [""; 0]);
        assert_eq!(rules("a.py", "def f(a, b):\n    return G(a, b)\n"), [""; 0]);
    }

    #[test]
    fn swallowed_failures_and_needless_factories_are_found() {
        assert_eq!(rules("a.py", "try:\n    f()\nexcept Exception:\n    pass\n"), ["swallowed"]);
        assert_eq!(rules("a.js", "try { f(); } catch (e) {}\n"), ["swallowed"]);
        assert_eq!(rules("A.java", "class A { void f() { try { g(); } catch (Exception e) {} } }"), ["swallowed"]);
        assert_eq!(rules("a.py", "try:\n    f()\nexcept KeyError:\n    pass\n"), [""; 0]);
        assert_eq!(rules("a.js", "try { f(); } catch (e) { /* best effort */ }\n"), [""; 0]);
        assert_eq!(
            rules("a.py", "class CarFactory:\n    def make(self):\n        return Car()\n"),
            ["needless-factory"]
        );
    }

    #[test]
    fn an_interface_with_one_implementation_is_found_when_a_change_adds_it() {
        let text = "trait Store { fn get(&self); }\nstruct Disk;\nimpl Store for Disk { fn get(&self) {} }\n";
        let rules = |text: &str| {
            let file = FileDelta {
                path: "a.rs".into(),
                moved_from: None,
                before: Content::Absent,
                after: Content::Text(text.into()),
            };
            let after: MemoryTree = [("a.rs", text)].into_iter().collect();
            report(&ChangeSet { files: vec![file] }, &MemoryTree::default(), &after).after.len()
        };
        assert_eq!(rules(text), 1);
        assert_eq!(rules(&format!("{text}struct Memory;\nimpl Store for Memory {{ fn get(&self) {{}} }}\n")), 0);
    }
}
