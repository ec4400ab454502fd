//! What a text defines for others: functions, types and their members, constants; each with its signature.
//!
//! What a grammar calls a definition is data, one table per language. What functions define inside themselves is left
//! out: nobody else can use it.

use std::ops::Range;

use tree_sitter::Node;

use crate::Language;
use crate::syntax::SyntaxTree;

/// Longest signature that is told, in bytes; more is data, not a signature.
const MAX_SIGNATURE: usize = 240;

/// One definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// The name by which it is used.
    pub name: String,
    /// What it is.
    pub kind: DefinitionKind,
    /// The name of the type or module around it.
    pub container: Option<String>,
    /// All of it, without what stands before it such as decorators.
    pub range: Range<usize>,
    /// Its name.
    pub name_range: Range<usize>,
    /// How it is used, on one line: the text up to its body.
    pub signature: String,
}

/// What is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefinitionKind {
    /// A function, or a method where there is a container.
    Function,
    /// A class, structure, interface, trait, enumeration or another name of a type.
    Type,
    /// A constant or variable outside of functions, or a field or member where there is a container.
    Value,
    /// A module or namespace.
    Module,
    /// A macro.
    Macro,
}

impl SyntaxTree {
    /// Returns what the text defines for others, in source order.
    pub fn definitions(&self) -> Vec<Definition> {
        let table = table(self.language());
        let mut found = Vec::new();
        let mut open: Vec<(Node<'_>, Option<usize>)> = vec![(self.root(), None)];
        let mut containers: Vec<String> = Vec::new();
        while let Some((node, container)) = open.pop() {
            let rule = table.iter().find(|it| it.node == node.kind());
            let mut inner = container;
            if let Some(rule) = rule {
                if let Some(name) = name_of(node, rule) {
                    let text = &self.text()[name.byte_range()];
                    if rule.kind.is_none() || rule.holds {
                        containers.push(text.to_owned());
                        inner = Some(containers.len() - 1);
                    }
                    if let Some(kind) = rule.kind {
                        found.push(self.definition(node, name, kind, container.map(|it| containers[it].clone())));
                    }
                }
                if !rule.holds {
                    continue;
                }
            }
            let mut cursor = node.walk();
            let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
            open.extend(children.into_iter().rev().map(|it| (it, inner)));
        }
        found
    }

    fn definition(
        &self,
        node: Node<'_>,
        name: Node<'_>,
        kind: DefinitionKind,
        container: Option<String>,
    ) -> Definition {
        let receiver = node.child_by_field_name("receiver").and_then(|it| last_type_name(it));
        let container = receiver.map(|it| self.text()[it.byte_range()].to_owned()).or(container);
        let value = |field| node.child_by_field_name(field);
        let body = value("body").or_else(|| value("value").filter(|it| it.child_by_field_name("body").is_some()));
        let end = body.map_or(node.end_byte(), |it| match it.child_by_field_name("body") {
            Some(inner) if it.kind() != "block" => inner.start_byte(),
            _ => it.start_byte(),
        });
        let mut signature = String::new();
        for word in self.text()[node.start_byte()..end.max(node.start_byte())].split_whitespace() {
            if signature.len() + word.len() > MAX_SIGNATURE {
                signature.push_str(" …");
                break;
            }
            if !signature.is_empty() {
                signature.push(' ');
            }
            signature.push_str(word);
        }
        let signature = signature.trim_end_matches(['{', ' ']).to_owned();
        let name_range = name.byte_range();
        Definition {
            name: self.text()[name_range.clone()].to_owned(),
            kind,
            container,
            range: node.byte_range(),
            name_range,
            signature,
        }
    }
}

/// How a grammar spells a kind of definition.
struct Rule {
    node: &'static str,
    /// The field that holds the name; several from outside to inside.
    name: &'static [&'static str],
    /// What it defines; nothing where it only holds definitions, such as `impl`.
    kind: Option<DefinitionKind>,
    /// Whether what stands inside is defined for others too.
    holds: bool,
}

const fn leaf(node: &'static str, kind: DefinitionKind) -> Rule {
    Rule { node, name: &["name"], kind: Some(kind), holds: false }
}

const fn holder(node: &'static str, kind: DefinitionKind) -> Rule {
    Rule { node, name: &["name"], kind: Some(kind), holds: true }
}

const fn named(node: &'static str, name: &'static [&'static str], kind: DefinitionKind) -> Rule {
    Rule { node, name, kind: Some(kind), holds: false }
}

use DefinitionKind::{Function, Macro, Module, Type, Value};

const PYTHON: &[Rule] = &[
    leaf("function_definition", Function),
    holder("class_definition", Type),
    named("assignment", &["left"], Value),
    named("type_alias_statement", &["left"], Type),
];

const RUST: &[Rule] = &[
    leaf("function_item", Function),
    leaf("function_signature_item", Function),
    holder("struct_item", Type),
    holder("enum_item", Type),
    holder("union_item", Type),
    holder("trait_item", Type),
    leaf("type_item", Type),
    leaf("associated_type", Type),
    leaf("const_item", Value),
    leaf("static_item", Value),
    leaf("enum_variant", Value),
    leaf("field_declaration", Value),
    holder("mod_item", Module),
    leaf("macro_definition", Macro),
    Rule { node: "impl_item", name: &["type"], kind: None, holds: true },
];

const JAVASCRIPT: &[Rule] = &[
    leaf("function_declaration", Function),
    leaf("generator_function_declaration", Function),
    leaf("function_signature", Function),
    holder("class_declaration", Type),
    holder("abstract_class_declaration", Type),
    holder("interface_declaration", Type),
    holder("enum_declaration", Type),
    holder("internal_module", Module),
    leaf("type_alias_declaration", Type),
    leaf("method_definition", Function),
    leaf("method_signature", Function),
    leaf("abstract_method_signature", Function),
    leaf("public_field_definition", Value),
    named("field_definition", &["property"], Value),
    leaf("property_signature", Value),
    leaf("variable_declarator", Value),
    leaf("enum_assignment", Value),
];

const GO: &[Rule] = &[
    leaf("function_declaration", Function),
    leaf("method_declaration", Function),
    leaf("method_elem", Function),
    holder("type_spec", Type),
    leaf("type_alias", Type),
    leaf("const_spec", Value),
    leaf("var_spec", Value),
    leaf("field_declaration", Value),
];

const JAVA: &[Rule] = &[
    leaf("method_declaration", Function),
    leaf("constructor_declaration", Function),
    holder("class_declaration", Type),
    holder("interface_declaration", Type),
    holder("enum_declaration", Type),
    holder("record_declaration", Type),
    holder("annotation_type_declaration", Type),
    named("field_declaration", &["declarator", "name"], Value),
    leaf("enum_constant", Value),
];

const CPP: &[Rule] = &[
    named("function_definition", &["declarator"], Function),
    named("declaration", &["declarator"], Function),
    named("field_declaration", &["declarator"], Value),
    holder("class_specifier", Type),
    holder("struct_specifier", Type),
    holder("enum_specifier", Type),
    holder("namespace_definition", Module),
    leaf("alias_declaration", Type),
    named("type_definition", &["declarator"], Type),
    leaf("enumerator", Value),
    leaf("preproc_def", Macro),
    leaf("preproc_function_def", Macro),
];

fn table(language: Language) -> &'static [Rule] {
    match language {
        Language::Python => PYTHON,
        Language::Rust => RUST,
        Language::JavaScript | Language::TypeScript | Language::Tsx => JAVASCRIPT,
        Language::Go => GO,
        Language::Java => JAVA,
        Language::Cpp => CPP,
    }
}

/// Returns the node that names a definition: the field's, and where that is no name yet, the one it leads to.
fn name_of<'t>(node: Node<'t>, rule: &Rule) -> Option<Node<'t>> {
    let mut name = node;
    for field in rule.name {
        name = name.child_by_field_name(field)?;
    }
    // A declarator in C++ and a generic type in Rust wrap the name.
    for _ in 0..8 {
        if is_name(name.kind()) {
            return Some(name);
        }
        let inner = ["declarator", "name", "type"].iter().find_map(|field| name.child_by_field_name(field));
        name = inner?;
    }
    None
}

fn is_name(kind: &str) -> bool {
    kind.ends_with("identifier") && !kind.starts_with("scoped") && !kind.starts_with("qualified")
}

/// Returns the type a method of Go belongs to.
fn last_type_name(receiver: Node<'_>) -> Option<Node<'_>> {
    let mut open = vec![receiver];
    while let Some(node) = open.pop() {
        if node.kind() == "type_identifier" {
            return Some(node);
        }
        let mut cursor = node.walk();
        let children: Vec<Node<'_>> = node.named_children(&mut cursor).collect();
        open.extend(children.into_iter().rev());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists `container.name: signature` of each definition.
    fn listed(language: Language, text: &str) -> Vec<String> {
        let line = |it: Definition| match it.container {
            Some(container) => format!("{container}.{}: {}", it.name, it.signature),
            None => format!("{}: {}", it.name, it.signature),
        };
        SyntaxTree::parse(language, text).definitions().into_iter().map(line).collect()
    }

    #[test]
    fn python_defines_functions_classes_their_members_and_constants() {
        let text = "LIMIT = 3\n\n@cached\ndef area(width: int,\n         height: int) -> int:\n    inner = 1\n    return 1\n\nclass Box(Base):\n    size = 0\n    def open(self, key):\n        pass\n";
        let expected = [
            "LIMIT: LIMIT = 3",
            "area: def area(width: int, height: int) -> int:",
            "Box: class Box(Base):",
            "Box.size: size = 0",
            "Box.open: def open(self, key):",
        ];
        assert_eq!(listed(Language::Python, text), expected);
    }

    #[test]
    fn rust_defines_items_and_those_of_impls() {
        let text = "pub struct A<T> { pub b: T }\nimpl<T> A<T> {\n    pub fn new(b: T) -> Self { Self { b } }\n}\nmod m { pub const C: u8 = 1; }\nmacro_rules! q { () => {} }\n";
        let expected = [
            "A: pub struct A<T>",
            "A.b: pub b: T",
            "A.new: pub fn new(b: T) -> Self",
            "m: mod m",
            "m.C: pub const C: u8 = 1;",
            "q: macro_rules! q { () => {} }",
        ];
        assert_eq!(listed(Language::Rust, text), expected);
    }

    #[test]
    fn typescript_defines_what_is_exported_and_the_members_of_types() {
        let text = "export interface Job { id: string; run(n: number): void }\nexport class Box { private n = 1; open(key: Key): Lid { return null } }\nexport const area = (w: number) => w * w;\nexport type Id = string;\n";
        let expected = [
            "Job: interface Job",
            "Job.id: id: string",
            "Job.run: run(n: number): void",
            "Box: class Box",
            "Box.n: private n = 1",
            "Box.open: open(key: Key): Lid",
            "area: area = (w: number) =>",
            "Id: type Id = string;",
        ];
        assert_eq!(listed(Language::TypeScript, text), expected);
    }

    #[test]
    fn go_java_and_cpp_define_methods_of_their_types() {
        let go = "type Box struct { n int }\nfunc (b *Box) Open(key string) error { return nil }\nconst Max = 3\n";
        assert_eq!(
            listed(Language::Go, go),
            [
                "Box: Box struct { n int }",
                "Box.n: n int",
                "Box.Open: func (b *Box) Open(key string) error",
                "Max: Max = 3"
            ]
        );
        let java = "class Box { int n; Box(int n) {} Lid open(Key key) { return null; } }";
        assert_eq!(
            listed(Language::Java, java),
            ["Box: class Box", "Box.n: int n;", "Box.Box: Box(int n)", "Box.open: Lid open(Key key)"]
        );
        let cpp =
            "namespace n {\nclass Box {\n  int size;\n  int open(int key) { return 1; }\n};\nint area(int w);\n}\n";
        assert_eq!(
            listed(Language::Cpp, cpp),
            [
                "n: namespace n",
                "n.Box: class Box",
                "Box.size: int size;",
                "Box.open: int open(int key)",
                "n.area: int area(int w);"
            ]
        );
    }

    #[test]
    fn deep_nesting_and_broken_code_are_no_trouble() {
        let deep = format!("class A:\n{}", "(".repeat(20_000));
        assert!(SyntaxTree::parse(Language::Python, deep).definitions().len() <= 1);
        let _ = SyntaxTree::parse(Language::Cpp, "class { int f( ; struct".to_owned()).definitions();
    }
}
