//! Where the tests of a text are, in the words of each language's frameworks.
//!
//! A test is a function with a name or an attribute that a runner looks for, or a call such as `it("…", () => …)`. Every
//! other function of a file is a helper: tests may demand things through it.

use std::ops::Range;

use wright_text::{Language, Node};

use super::inventory::Found;
use super::tokens::{Link, Tokens, field, is_script, visit};

/// What is in a text.
#[derive(Debug, Default)]
pub(crate) struct Discovered<'n> {
    pub(crate) tests: Vec<Found<'n>>,
    pub(crate) helpers: Vec<Found<'n>>,
    pub(crate) comments: String,
}

/// Finds the tests and the helpers of a text.
pub(crate) fn discover<'n>(language: Language, root: Node<'n>, text: &str, tokens: &Tokens<'_>) -> Discovered<'n> {
    let finder = Finder { language, text, tokens, file_heads: file_heads(language, root, text) };
    let mut found = Discovered::default();
    visit(root, |node, around| {
        if node.kind().contains("comment") {
            found.comments.push_str(&text[node.byte_range()]);
            found.comments.push('\n');
            return false;
        }
        if let Some(test) = finder.test(node, around) {
            found.tests.push(test);
            return false;
        }
        if let Some(helper) = finder.helper(node) {
            found.helpers.push(helper);
        }
        true
    });
    found
}

struct Finder<'a, 't> {
    language: Language,
    text: &'a str,
    tokens: &'a Tokens<'t>,
    file_heads: Vec<Range<usize>>,
}

impl Finder<'_, '_> {
    fn test<'n>(&self, node: Node<'n>, around: &[Node<'n>]) -> Option<Found<'n>> {
        match self.language {
            Language::Python => self.python(node, around),
            Language::Rust => self.rust(node, around),
            Language::Go => self.go(node),
            Language::Java => self.java(node, around),
            Language::Cpp => self.cpp(node),
            Language::JavaScript | Language::TypeScript | Language::Tsx => self.script(node, around),
        }
    }

    fn name_of(&self, node: Node<'_>) -> Option<&str> {
        Some(&self.text[field(node, "name")?.byte_range()])
    }

    fn python<'n>(&self, node: Node<'n>, around: &[Node<'n>]) -> Option<Found<'n>> {
        let name = self.name_of(node).filter(|it| node.kind() == "function_definition" && it.starts_with("test"))?;
        if around.iter().any(|it| it.kind() == "function_definition") {
            return None;
        }
        let outer = around.last().filter(|it| it.kind() == "decorated_definition").copied().unwrap_or(node);
        let classes = around.iter().filter(|it| it.kind() == "class_definition");
        let groups = classes.clone().filter_map(|it| self.name_of(*it)).map(str::to_owned).collect();
        let mut heads: Vec<_> = self.file_heads.clone();
        let decorated = around.iter().filter(|it| it.kind() == "decorated_definition");
        heads.extend(decorated.flat_map(|it| children(*it, "decorator")));
        heads.extend(classes.filter_map(|it| field(*it, "body")).flat_map(|it| switches(it, self.text)));
        Some(Found {
            name: name.to_owned(),
            groups,
            range: outer.byte_range(),
            node,
            body: field(node, "body")?,
            heads,
        })
    }

    fn rust<'n>(&self, node: Node<'n>, around: &[Node<'n>]) -> Option<Found<'n>> {
        if node.kind() != "function_item" {
            return None;
        }
        let heads = attributes(node);
        let is_test = heads.iter().any(|it| {
            let text = self.text[it.clone()].trim_start_matches(['#', '[', ' ']);
            let path = text.split(['(', ']', ' ']).next().unwrap_or_default();
            matches!(
                path.rsplit("::").next(),
                Some(
                    "test" | "rstest" | "test_case" | "quickcheck" | "wasm_bindgen_test" | "property_test" | "test_log"
                )
            )
        });
        let name = self.name_of(node).filter(|_| is_test)?.to_owned();
        let groups = around
            .iter()
            .filter(|it| it.kind() == "mod_item")
            .filter_map(|it| self.name_of(*it))
            .map(str::to_owned)
            .collect();
        let start = heads.first().map_or(node.start_byte(), |it| it.start);
        let modules = around.iter().filter(|it| it.kind() == "mod_item");
        let outer = modules.clone().flat_map(|it| attributes(*it));
        let heads = [self.file_heads.clone(), outer.collect(), heads].concat();
        Some(Found { name, groups, range: start..node.end_byte(), node, body: field(node, "body")?, heads })
    }

    fn go<'n>(&self, node: Node<'n>) -> Option<Found<'n>> {
        if !matches!(node.kind(), "function_declaration" | "method_declaration") {
            return None;
        }
        let name = self.name_of(node)?;
        let is_named = ["Test", "Fuzz", "Example"].iter().any(|prefix| {
            name.strip_prefix(prefix).is_some_and(|rest| !rest.starts_with(char::is_lowercase)) && name != "TestMain"
        });
        let head = self.text[node.start_byte()..field(node, "body")?.start_byte()].to_owned();
        let takes_test =
            head.contains("testing.T") || head.contains("testing.F") || node.kind() == "method_declaration";
        (is_named && (takes_test || name.starts_with("Example"))).then(|| Found {
            name: name.to_owned(),
            groups: Vec::new(),
            range: node.byte_range(),
            node,
            body: field(node, "body").unwrap_or(node),
            heads: self.file_heads.clone(),
        })
    }

    fn java<'n>(&self, node: Node<'n>, around: &[Node<'n>]) -> Option<Found<'n>> {
        if node.kind() != "method_declaration" {
            return None;
        }
        let name = self.name_of(node)?;
        let is_marked = annotations(node).iter().any(|it| {
            let word: String =
                self.text[it.clone()].chars().skip(1).take_while(|it| it.is_alphanumeric() || *it == '.').collect();
            let word = word.rsplit('.').next().unwrap_or_default();
            word == "Test"
                || word == "Theory"
                || word == "Property"
                || word == "TestFactory"
                || word == "TestTemplate"
                || (word.ends_with("Test") && !word.is_empty())
        });
        let classes = around.iter().filter(|it| it.kind() == "class_declaration");
        let is_old_style = name.starts_with("test")
            && classes
                .clone()
                .any(|it| field(*it, "superclass").is_some_and(|it| self.text[it.byte_range()].contains("TestCase")));
        if !is_marked && !is_old_style {
            return None;
        }
        let groups = classes.clone().filter_map(|it| self.name_of(*it)).map(str::to_owned).collect();
        let mut heads = annotations(node);
        heads.extend(classes.flat_map(|it| annotations(*it)));
        Some(Found { name: name.to_owned(), groups, range: node.byte_range(), node, body: field(node, "body")?, heads })
    }

    fn cpp<'n>(&self, node: Node<'n>) -> Option<Found<'n>> {
        let named = |words: Vec<String>, range: Range<usize>, body: Node<'n>| {
            let name = words.last()?.clone();
            let groups = words[..words.len() - 1].to_vec();
            Some(Found {
                name,
                groups,
                range: range.clone(),
                node: body,
                body,
                heads: std::iter::once(range.start..body.start_byte()).collect(),
            })
        };
        if node.kind() == "function_definition" {
            let declarator = field(node, "declarator").filter(|it| it.kind() == "function_declarator")?;
            let links = self.tokens.chain(self.tokens.within(declarator.byte_range()));
            let [Link { name, arguments: Some(arguments) }] = links.as_slice() else { return None };
            let is_test =
                matches!(*name, "TEST" | "TEST_F" | "TEST_P" | "TYPED_TEST" | "TYPED_TEST_P" | "BOOST_AUTO_TEST_CASE");
            let words = arguments.iter().map(|it| self.tokens.joined(it.clone())).collect();
            return is_test.then(|| named(words, node.byte_range(), field(node, "body")?)).flatten();
        }
        let body = node
            .next_named_sibling()
            .filter(|it| node.kind() == "expression_statement" && it.kind() == "compound_statement")?;
        let links = self.tokens.chain(self.tokens.within(node.byte_range()));
        let [Link { name, arguments: Some(arguments) }, ..] = links.as_slice() else { return None };
        if !matches!(*name, "TEST_CASE" | "SCENARIO" | "TEST_CASE_METHOD" | "TEMPLATE_TEST_CASE") {
            return None;
        }
        let word = arguments.iter().map(|it| self.tokens.joined(it.clone())).find(|it| it.starts_with('"'))?;
        named(vec![word.trim_matches('"').to_owned()], node.start_byte()..body.end_byte(), body)
    }

    fn script<'n>(&self, node: Node<'n>, around: &[Node<'n>]) -> Option<Found<'n>> {
        let name = self.script_call(node, &["it", "test", "specify", "xit", "fit", "xtest", "xspecify", "Deno"])?;
        let body = callback(node);
        let is_announced = self.text[node.byte_range()].split('(').next().is_some_and(|it| it.contains("todo"));
        if body.is_none() && !is_announced {
            return None;
        }
        let groups = around.iter().filter_map(|it| self.script_call(*it, GROUPS)).collect();
        let mut heads: Vec<Range<usize>> = around
            .iter()
            .filter(|it| self.script_call(**it, GROUPS).is_some())
            .map(|it| it.start_byte()..callback(*it).map_or(it.start_byte(), |body| body.start_byte()))
            .collect();
        let body = body.unwrap_or(node);
        heads.push(node.start_byte()..body.start_byte().max(node.start_byte()));
        heads.push(body.end_byte()..node.end_byte());
        Some(Found { name, groups, range: node.byte_range(), node, body, heads })
    }

    /// Returns the title of a call such as `it.only("title", …)`.
    fn script_call(&self, node: Node<'_>, roots: &[&str]) -> Option<String> {
        if node.kind() != "call_expression" {
            return None;
        }
        let arguments = field(node, "arguments")?;
        let head = self.tokens.within(node.start_byte()..arguments.start_byte());
        let first = self.tokens.slice(head).first()?;
        let title = arguments.named_child(0)?;
        let is_title = matches!(title.kind(), "string" | "template_string");
        let is_named = roots.contains(&first.text) && is_title;
        is_named.then(|| self.text[title.byte_range()].trim_matches(['"', '\'', '`']).to_owned())
    }

    fn helper<'n>(&self, node: Node<'n>) -> Option<Found<'n>> {
        let (name, body) = match node.kind() {
            "function_definition"
            | "function_item"
            | "function_declaration"
            | "method_declaration"
            | "method_definition" => {
                let name = field(node, "name").or_else(|| declared(node))?;
                (name, field(node, "body")?)
            }
            "variable_declarator" if is_script(self.language) => {
                let value =
                    field(node, "value").filter(|it| matches!(it.kind(), "arrow_function" | "function_expression"))?;
                (field(node, "name")?, field(value, "body")?)
            }
            _ => return None,
        };
        let name = self.text[name.byte_range()].to_owned();
        Some(Found { name, groups: Vec::new(), range: node.byte_range(), node, body, heads: Vec::new() })
    }
}

const GROUPS: &[&str] = &["describe", "context", "suite", "xdescribe", "fdescribe", "xcontext", "xsuite", "ddescribe"];

/// Returns the innermost name of a C++ declarator.
fn declared(node: Node<'_>) -> Option<Node<'_>> {
    let mut here = field(node, "declarator")?;
    for _ in 0..10 {
        match field(here, "declarator") {
            Some(inner) => here = inner,
            None => break,
        }
    }
    Some(here)
}

/// Returns the body of the last function among the arguments of a call.
fn callback(node: Node<'_>) -> Option<Node<'_>> {
    let arguments = field(node, "arguments")?;
    let count = u32::try_from(arguments.named_child_count()).unwrap_or(u32::MAX).min(8);
    let mut functions = (0..count)
        .filter_map(|at| arguments.named_child(at))
        .filter(|it| matches!(it.kind(), "arrow_function" | "function_expression" | "function" | "generator_function"));
    functions.next_back().and_then(|it| field(it, "body"))
}

/// Returns the ranges of the children of a kind.
fn children(node: Node<'_>, kind: &str) -> Vec<Range<usize>> {
    let mut cursor = node.walk();
    let found = node.named_children(&mut cursor).filter(|it| it.kind() == kind).map(|it| it.byte_range());
    found.collect()
}

/// Returns the attributes in front of a Rust item.
fn attributes(node: Node<'_>) -> Vec<Range<usize>> {
    let before = std::iter::successors(node.prev_sibling(), Node::prev_sibling);
    let attached = before.take_while(|it| it.kind() == "attribute_item" || it.kind().contains("comment"));
    let mut found: Vec<_> =
        attached.take(40).filter(|it| it.kind() == "attribute_item").map(|it| it.byte_range()).collect();
    found.reverse();
    found
}

/// Returns the annotations of a Java declaration.
fn annotations(node: Node<'_>) -> Vec<Range<usize>> {
    let Some(modifiers) = node.named_child(0).filter(|it| it.kind() == "modifiers") else { return Vec::new() };
    [children(modifiers, "annotation"), children(modifiers, "marker_annotation")].concat()
}

/// Returns the statements that switch all tests of a Python module or class off.
fn switches(block: Node<'_>, text: &str) -> Vec<Range<usize>> {
    let statements = children(block, "expression_statement");
    let is_switch = |it: &Range<usize>| {
        let text = &text[it.clone()];
        text.starts_with("pytestmark") || text.starts_with("__test__") || text.starts_with("pytest.skip(")
    };
    statements.into_iter().filter(is_switch).collect()
}

fn file_heads(language: Language, root: Node<'_>, text: &str) -> Vec<Range<usize>> {
    match language {
        Language::Python => switches(root, text),
        Language::Rust => children(root, "inner_attribute_item"),
        Language::Go => {
            let comments = children(root, "comment");
            comments.into_iter().take(20).filter(|it| text[it.clone()].starts_with("//go:build")).collect()
        }
        _ => Vec::new(),
    }
}
