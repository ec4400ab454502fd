//! A parsed text and the questions the rest of the program asks of it: functions, statements, expressions, names, errors.
//!
//! Broken code is no error here: it parses into a tree that knows where it is broken. Walks are loops over the tree's
//! cursor or over a flat outline, so deeply nested code cannot overflow the stack.

use std::ops::Range;
use std::sync::Arc;

use tree_sitter::{InputEdit, Node, Parser, Point, Tree};

use crate::document::LineIndex;
use crate::edit::{Edit, EditError};
use crate::indent::indent_of;
use crate::languages::{Language, Role};
use crate::outline::{Outline, Slot};
use crate::python_errors::{MAX_DEPTH, python_errors};

/// The longest sub-expression that [`SyntaxTree::expressions`] names.
const MAX_EXPRESSION_BYTES: usize = 200;

/// The longest piece of code that a [`SyntaxError`] quotes.
const MAX_QUOTED_CHARS: usize = 40;

/// Holds a text and its syntax tree.
#[derive(Clone, Debug)]
pub struct SyntaxTree {
    language: Language,
    text: Arc<str>,
    tree: Tree,
}

/// One place where a text does not follow the grammar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The bytes that do not fit; empty where something is missing.
    pub range: Range<usize>,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
}

/// One definition of a function or method, with a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The name, as it is called.
    pub name: String,
    /// The name behind those of the classes, modules and functions around it, joined by dots.
    pub qualified_name: String,
    /// The whole definition, with decorators and attributes.
    pub range: Range<usize>,
    /// From the first word of the definition (`def`, `pub fn`, `const f =`) up to the body: through the colon in Python, up
    /// to but not including the brace elsewhere.
    pub signature: Range<usize>,
    /// The body: the statements in Python, from brace to brace elsewhere.
    pub body: Range<usize>,
    /// The line on which `range` starts, from 1.
    pub first_line: usize,
    /// The line on which `range` ends, from 1.
    pub last_line: usize,
    /// The whitespace at the start of the first line.
    pub indent: String,
}

impl SyntaxTree {
    /// Parses a text; broken code gives a tree with errors.
    pub fn parse(language: Language, text: impl Into<Arc<str>>) -> SyntaxTree {
        let text = text.into();
        let tree = parser(language).parse(text.as_bytes(), None);
        let tree = tree.expect("a parser that has a language and no time limit always gives a tree");
        SyntaxTree { language, text, tree }
    }

    /// Returns the tree of the text after an edit. Only what the edit reaches is parsed anew.
    pub fn edited(&self, edit: &Edit) -> Result<SyntaxTree, EditError> {
        let text: Arc<str> = edit.apply(&self.text)?.into();
        let mut old = self.tree.clone();
        let lines = LineIndex::new(&self.text);
        // From the last to the first, so that offsets into the old text stay right.
        for replacement in edit.replacements().iter().rev() {
            old.edit(&input_edit(&self.text, &lines, &replacement.range, &replacement.text));
        }
        let tree = parser(self.language).parse(text.as_bytes(), Some(&old));
        let tree = tree.expect("a parser that has a language and no time limit always gives a tree");
        Ok(SyntaxTree { language: self.language, text, tree })
    }

    /// Returns whether a byte offset is in code: neither inside a string nor inside a comment.
    pub fn is_code(&self, offset: usize) -> bool {
        let roles = self.language.roles();
        let mut node = self.tree.root_node().descendant_for_byte_range(offset, offset);
        while let Some(here) = node {
            let role = roles.get(usize::from(here.kind_id())).copied().unwrap_or(Role::Other);
            let is_inside = here.start_byte() < offset || role == Role::Comment;
            // Code is back inside the braces of a formatted string.
            if matches!(here.kind(), "interpolation" | "template_substitution" | "string_interpolation") && is_inside {
                return true;
            }
            let is_text = matches!(role, Role::String | Role::Comment) || here.kind() == "template_string";
            if is_inside && is_text && offset < here.end_byte() {
                return false;
            }
            node = here.parent();
        }
        true
    }

    /// Returns the text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the language.
    pub fn language(&self) -> Language {
        self.language
    }

    /// Returns the root as the parser made it, for rules that speak of a grammar's own node kinds.
    pub fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// Returns how many places do not follow the grammar.
    pub fn error_count(&self) -> usize {
        if self.is_judged_by_python() { python_errors(&self.text).len() } else { count_errors(&self.tree) }
    }

    /// Returns the places that do not follow the grammar, in source order.
    pub fn errors(&self) -> Vec<SyntaxError> {
        if self.is_judged_by_python() {
            return python_errors(&self.text);
        }
        let lines = LineIndex::new(&self.text);
        error_nodes(&self.tree).into_iter().map(|node| self.error_at(node, &lines)).collect()
    }

    /// Returns the definitions of functions and methods in source order, nested ones included.
    pub fn functions(&self) -> Vec<Function> {
        let outline = self.outline();
        let lines = LineIndex::new(&self.text);
        (0..outline.len()).filter_map(|index| function_at_entry(&outline, &lines, index)).collect()
    }

    /// Returns the innermost function that holds a byte offset.
    pub fn function_at(&self, offset: usize) -> Option<Function> {
        // What stands at the top of the file holds whole functions, so that nothing else need be looked at.
        let root = self.tree.root_node();
        let innermost = root.descendant_for_byte_range(offset, offset)?;
        let outer = std::iter::successors(Some(innermost), Node::parent);
        let top = outer.take_while(|node| *node != root).last()?;
        let outline = Outline::of(self.language, top, &self.text);
        let lines = LineIndex::new(&self.text);
        let functions = (0..outline.len()).filter_map(|index| function_at_entry(&outline, &lines, index));
        functions.filter(|it| it.range.contains(&offset)).min_by_key(|it| it.range.len())
    }

    /// Returns the statements of a function that are worth writing anew, in source order: those without statements inside
    /// as a whole, and the heads of the others (`if x > 0:`, `for (…) {`).
    pub fn statements(&self, function: &Function) -> Vec<Range<usize>> {
        let outline = self.outline();
        let Some(entry) = function_entry(&outline, function) else { return Vec::new() };
        let mut ranges = Vec::new();
        for index in outline.subtree(entry).filter(|index| within(&outline, *index, &function.body)) {
            ranges.extend(statement_range(&outline, index));
        }
        sorted_ranges(ranges)
    }

    /// Returns the sub-expressions of a function that are worth writing anew, in source order: conditions, arguments,
    /// right-hand sides, returned values, indexes, operands; none longer than 200 bytes.
    pub fn expressions(&self, function: &Function) -> Vec<Range<usize>> {
        let outline = self.outline();
        let Some(entry) = function_entry(&outline, function) else { return Vec::new() };
        let inside = outline.subtree(entry).filter(|index| within(&outline, *index, &function.body));
        let values = inside.filter(|index| outline.slot(*index).is_value() && outline.slot(*index) != Slot::Object);
        let ranges = values.map(|index| outline.range(outline.unwrapped(index)));
        sorted_ranges(ranges.filter(|range| (1..=MAX_EXPRESSION_BYTES).contains(&range.len())).collect())
    }

    /// Returns the names used in a range, in source order, of values as well as members and types.
    pub fn identifiers(&self, range: Range<usize>) -> Vec<(Range<usize>, &str)> {
        let roles = self.language.roles();
        let mut found = Vec::new();
        let mut cursor = self.tree.walk();
        walk(&mut cursor, |node| {
            let role = roles.get(usize::from(node.kind_id())).copied().unwrap_or(Role::Other);
            let bytes = node.byte_range();
            let is_name = matches!(role, Role::Identifier | Role::FieldName | Role::TypeName);
            if is_name && bytes.start >= range.start && bytes.end <= range.end && !bytes.is_empty() {
                found.push((bytes.clone(), &self.text[bytes.clone()]));
            }
            bytes.start < range.end && bytes.end > range.start
        });
        found
    }

    /// Returns the statements that import, as written.
    pub fn imports(&self) -> Vec<String> {
        let outline = self.outline();
        let imports = (0..outline.len()).filter(|index| outline.role(*index) == Role::Import);
        imports.map(|index| outline.text(index).trim_end().to_owned()).collect()
    }

    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn outline(&self) -> Outline<'_> {
        Outline::of(self.language, self.tree.root_node(), &self.text)
    }

    fn is_judged_by_python(&self) -> bool {
        self.language == Language::Python && depth(&self.tree) <= MAX_DEPTH
    }

    fn error_at(&self, node: Node<'_>, lines: &LineIndex) -> SyntaxError {
        let range = node.byte_range();
        let place = lines.line_column(&self.text, range.start);
        let message = if node.is_missing() {
            format!("missing `{}`", node.kind())
        } else {
            let line = self.text[range.clone()].lines().next().unwrap_or_default();
            format!("unexpected `{}`", line.chars().take(MAX_QUOTED_CHARS).collect::<String>().trim_end())
        };
        SyntaxError { range, line: place.line, column: place.column, message }
    }
}

/// Makes a parser for a language.
pub(crate) fn parser(language: Language) -> Parser {
    let mut parser = Parser::new();
    let grammar = (language.table().grammar)();
    parser.set_language(&grammar).expect("the grammars are built for this version of the parser");
    parser
}

/// Says to the parser what an edit does, in bytes and in lines and columns of bytes.
fn input_edit(text: &str, lines: &LineIndex, range: &Range<usize>, inserted: &str) -> InputEdit {
    let point = |offset: usize| {
        let line = lines.line(offset);
        let start = lines.line_range(text, line).map_or(0, |range| range.start);
        Point { row: line - 1, column: offset - start }
    };
    let start = point(range.start);
    let n_newlines = inserted.bytes().filter(|byte| *byte == b'\n').count();
    let last_line = inserted.rsplit('\n').next().map_or(0, str::len);
    let column = if n_newlines == 0 { start.column + inserted.len() } else { last_line };
    InputEdit {
        start_byte: range.start,
        old_end_byte: range.end,
        new_end_byte: range.start + inserted.len(),
        start_position: start,
        old_end_position: point(range.end),
        new_end_position: Point { row: start.row + n_newlines, column },
    }
}

/// Counts the places of a tree that do not follow the grammar, looking only where there are some.
pub(crate) fn count_errors(tree: &Tree) -> usize {
    error_nodes(tree).len()
}

/// Returns how deep the tree is.
fn depth(tree: &Tree) -> usize {
    let mut cursor = tree.walk();
    let (mut deepest, mut here) = (0, 0);
    loop {
        if cursor.goto_first_child() {
            here += 1;
            deepest = deepest.max(here);
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return deepest;
            }
            here -= 1;
        }
    }
}

fn error_nodes(tree: &Tree) -> Vec<Node<'_>> {
    let mut found = Vec::new();
    walk(&mut tree.walk(), |node| {
        if node.is_error() || node.is_missing() {
            found.push(node);
        }
        node.has_error()
    });
    found
}

/// Visits nodes in source order; `visit` says whether to go inside.
fn walk<'t>(cursor: &mut tree_sitter::TreeCursor<'t>, mut visit: impl FnMut(Node<'t>) -> bool) {
    loop {
        if visit(cursor.node()) && cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                return;
            }
        }
    }
}

/// Returns the entry of the outline that defines a function.
pub(crate) fn function_entry(outline: &Outline<'_>, function: &Function) -> Option<usize> {
    let defines = |index: &usize| {
        matches!(outline.role(*index), Role::Function | Role::Closure)
            && body_of(outline, *index).is_some_and(|body| outline.range(body) == function.body)
    };
    (0..outline.len()).find(defines)
}

/// Returns the entry of a function's body.
pub(crate) fn body_of(outline: &Outline<'_>, function: usize) -> Option<usize> {
    outline.field(function, &["body"])
}

/// Returns the entry that gives a function its name, and the entry of the whole definition.
pub(crate) fn naming_of(outline: &Outline<'_>, function: usize) -> Option<(usize, usize)> {
    match outline.role(function) {
        Role::Function => {
            let name = outline.field(function, &["name"]).or_else(|| declarators(outline, function).last())?;
            Some((name, function))
        }
        Role::Closure => naming_of_closure(outline, function),
        _ => None,
    }
}

/// Returns what is wrapped around the name of a function where its type is spelled around it (`int *A::f(int x)`),
/// outermost first; the last one is the name.
pub(crate) fn declarators<'o>(outline: &'o Outline<'_>, function: usize) -> impl Iterator<Item = usize> + 'o {
    let inner = |at: &usize| match outline.node(*at).kind() {
        "operator_cast" => None,
        "reference_declarator" | "parenthesized_declarator" | "attributed_declarator" => outline.parts(*at).next_back(),
        _ => outline.field(*at, &["declarator", "name"]),
    };
    std::iter::successors(outline.field(function, &["declarator"]), inner)
}

/// A function expression is a definition when all that happens to it is that it gets a name.
fn naming_of_closure(outline: &Outline<'_>, closure: usize) -> Option<(usize, usize)> {
    let binding = outline.parent(closure)?;
    let is_value = matches!(outline.field_name(closure), Some("value" | "right"));
    let binds = matches!(outline.node(binding).kind(), "variable_declarator" | "pair" | "field_definition")
        || matches!(outline.node(binding).kind(), "public_field_definition" | "assignment_expression");
    if !is_value || !binds {
        return None;
    }
    let target = outline.field(binding, &["name", "key", "property", "left"])?;
    let name = if outline.role(target) == Role::Member { outline.member_name(target)? } else { target };
    let is_name = matches!(outline.role(name), Role::Identifier | Role::FieldName);
    let statement = outline.parent(binding).filter(|parent| {
        let wraps = matches!(outline.role(*parent), Role::Simple | Role::ExpressionStatement);
        wraps && outline.parts(*parent).count() == 1
    });
    is_name.then_some((name, statement.unwrap_or(binding)))
}

fn function_at_entry(outline: &Outline<'_>, lines: &LineIndex, index: usize) -> Option<Function> {
    let (name, definition) = naming_of(outline, index)?;
    let body = body_of(outline, index)?;
    let name_text = outline.text(name);
    if name_text.is_empty() || outline.range(body).is_empty() {
        return None;
    }
    let range = with_attributes(outline, definition);
    let first_line = lines.line(range.start);
    let line_start = outline.text[..range.start].rfind('\n').map_or(0, |newline| newline + 1);
    Some(Function {
        name: name_text.to_owned(),
        qualified_name: qualified_name(outline, index, name),
        signature: outline.range(definition).start..signature_end(outline, body),
        body: outline.range(body),
        first_line,
        last_line: lines.line(range.end.saturating_sub(1).max(range.start)),
        indent: indent_of(&outline.text[line_start..range.start]).to_owned(),
        range,
    })
}

fn with_attributes(outline: &Outline<'_>, definition: usize) -> Range<usize> {
    let range = outline.range(definition);
    let Some(parent) = outline.parent(definition) else { return range };
    if outline.role(parent) == Role::Decorated {
        return outline.range(parent);
    }
    let before: Vec<usize> = outline.parts(parent).take_while(|sibling| *sibling < definition).collect();
    let attributes = before.iter().rev().take_while(|sibling| outline.role(**sibling) == Role::Attribute);
    attributes.last().map_or(range.start, |first| outline.range(*first).start)..range.end
}

/// Comments may stand between the last token of a signature and the body; they belong to neither.
fn signature_end(outline: &Outline<'_>, body: usize) -> usize {
    let Some(parent) = outline.parent(body) else { return outline.range(body).start };
    let before = outline.children(parent).take_while(|sibling| *sibling < body);
    let code = before.filter(|sibling| outline.role(*sibling) != Role::Comment);
    code.last().map_or(outline.range(body).start, |last| outline.range(last).end)
}

fn qualified_name(outline: &Outline<'_>, function: usize, name: usize) -> String {
    let mut names = vec![outline.text(name)];
    let path = outline.ancestors(name).take_while(|ancestor| outline.role(*ancestor) == Role::Path);
    let scopes = path.filter_map(|path| outline.field(path, &["scope"]));
    names.extend(scopes.map(|scope| outline.text(type_name(outline, scope))));
    if let Some(receiver) = outline.field(function, &["receiver"]) {
        let types = outline.subtree(receiver).filter(|index| outline.role(*index) == Role::TypeName);
        names.extend(types.map(|index| outline.text(index)).next());
    }
    for ancestor in outline.ancestors(function) {
        let name = match outline.role(ancestor) {
            Role::Function | Role::Closure => naming_of(outline, ancestor).map(|(name, _)| name),
            Role::Class => outline.field(ancestor, &["type", "name"]).map(|name| type_name(outline, name)),
            _ => None,
        };
        names.extend(name.map(|name| outline.text(name)));
    }
    names.reverse();
    names.join(".")
}

/// Finds `Stack` in `Stack<T>`.
fn type_name(outline: &Outline<'_>, index: usize) -> usize {
    let is_name = |index: &usize| matches!(outline.role(*index), Role::TypeName | Role::Identifier);
    outline.subtree(index).find(is_name).unwrap_or(index)
}

fn within(outline: &Outline<'_>, index: usize, body: &Range<usize>) -> bool {
    let range = outline.range(index);
    body.start <= range.start && range.end <= body.end
}

fn statement_range(outline: &Outline<'_>, index: usize) -> Option<Range<usize>> {
    let head = head_of(outline, index);
    if head.is_some() {
        return head.filter(|head| !head.is_empty());
    }
    let is_code = !matches!(outline.role(index), Role::Token | Role::Comment | Role::Block | Role::Braces | Role::Case);
    let range = outline.range(index);
    (is_code && is_statement(outline, index) && !holds_block(outline, index) && !range.is_empty()).then_some(range)
}

/// Returns whether an entry stands where a statement does.
pub(crate) fn is_statement(outline: &Outline<'_>, index: usize) -> bool {
    let Some(parent) = outline.parent(index) else { return false };
    let is_only_statement = matches!(outline.role(parent), Role::If | Role::While | Role::For)
        && matches!(outline.field_name(index), Some("consequence" | "body" | "alternative"));
    let is_else = outline.node(parent).kind() == "else_clause";
    let is_code = !matches!(outline.role(index), Role::Token | Role::Comment | Role::Other);
    outline.is_block_statement(index) || ((is_only_statement || is_else) && is_code)
}

/// Returns whether statements stand somewhere inside, other than in a function expression.
pub(crate) fn holds_block(outline: &Outline<'_>, index: usize) -> bool {
    let mut next = index + 1;
    while next < outline.subtree(index).end {
        match outline.role(next) {
            Role::Block | Role::Braces | Role::Case => return true,
            Role::Closure => next = outline.subtree(next).end,
            _ => next += 1,
        }
    }
    false
}

/// Returns the head of a statement with a block: up to the colon or through the brace. There is none for entries without
/// a block, and an empty one where the head is only a keyword.
fn head_of(outline: &Outline<'_>, index: usize) -> Option<Range<usize>> {
    let is_definition = matches!(outline.role(index), Role::Function | Role::Closure | Role::Class | Role::Braces);
    let block = outline.children(index).find(|child| matches!(outline.role(*child), Role::Block | Role::Braces))?;
    if is_definition || outline.is_block(index) {
        return None;
    }
    let start = outline.range(index).start;
    let has_code = outline.parts(index).any(|part| part < block);
    if !has_code {
        return Some(start..start);
    }
    let opens_with_brace = outline.text(block).starts_with('{');
    let end = if opens_with_brace { outline.range(block).start + 1 } else { signature_end(outline, block) };
    Some(start..end)
}

fn sorted_ranges(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.sort_by_key(|range| (range.start, range.end));
    ranges.dedup();
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(language: Language, text: &str) -> SyntaxTree {
        SyntaxTree::parse(language, text)
    }

    fn names(language: Language, text: &str) -> Vec<String> {
        parse(language, text).functions().into_iter().map(|function| function.qualified_name).collect()
    }

    fn texts(tree: &SyntaxTree, ranges: &[Range<usize>]) -> Vec<String> {
        ranges.iter().map(|range| tree.text()[range.clone()].to_owned()).collect()
    }

    fn statements(language: Language, text: &str) -> Vec<String> {
        let tree = parse(language, text);
        texts(&tree, &tree.statements(&tree.functions()[0]))
    }

    #[test]
    fn functions_are_named_by_what_is_around_them() {
        let python = "class A:\n    def f(self):\n        def g(): pass\n        return g\n\ndef h(): pass\n";
        assert_eq!(names(Language::Python, python), ["A.f", "A.f.g", "h"]);
        let rust = "mod m { impl<T> S<T> { fn f() {} } impl D for E { fn g() {} } }\ntrait T { fn a(); fn b() {} }\nfn c() { fn d() {} }";
        assert_eq!(names(Language::Rust, rust), ["m.S.f", "m.E.g", "T.b", "c", "c.d"]);
        let javascript = "function f() {}\nclass A { g() {} h = (x) => x; }\nconst i = () => { };\nexports.j = function () {};\nconst o = { k() {}, l: function () {} };\nxs.map(x => x);";
        assert_eq!(names(Language::JavaScript, javascript), ["f", "A.g", "A.h", "i", "j", "k", "l"]);
        let typescript = "namespace N { export class A<T> { private f(a: T): void {} } }\nfunction g(): number;\nfunction g() { return 1 }";
        assert_eq!(names(Language::TypeScript, typescript), ["N.A.f", "g"]);
        let go = "package p\nfunc f() {}\nfunc (s *Stack[T]) g(x int) {}\n";
        assert_eq!(names(Language::Go, go), ["f", "Stack.g"]);
        let java = "class A<T> { A() {} void f() {} abstract void g(); class B { int h() { return 1; } } }";
        assert_eq!(names(Language::Java, java), ["A.A", "A.f", "A.B.h"]);
        let cpp = "namespace N { template <class T> class A { A() : x(1) {} ~A() {} int *f(int a) { return 0; } void g(); int x; }; }\ntemplate <class T> T &B<T>::C::h() { return x; }\nbool operator<(A a, A b) { return 1; }\nint main() {}";
        assert_eq!(names(Language::Cpp, cpp), ["N.A.A", "N.A.~A", "N.A.f", "B.C.h", "operator<", "main"]);
    }

    #[test]
    fn the_parts_of_a_function_are_told_apart() {
        let text = "class A:\n    @property\n    @cached(1)\n    def f(self, a=1) -> int:  # note\n        # more\n        x = a\n        return x\n\nz = 1\n";
        let tree = parse(Language::Python, text);
        let function = &tree.functions()[0];
        assert_eq!(&text[function.signature.clone()], "def f(self, a=1) -> int:");
        assert_eq!(&text[function.body.clone()], "x = a\n        return x");
        assert!(text[function.range.clone()].starts_with("@property"));
        assert_eq!((function.first_line, function.last_line), (2, 7));
        assert_eq!(function.indent, "    ");
    }

    #[test]
    fn attributes_and_declarations_belong_to_a_function() {
        let rust = "struct S;\n\n/// Doc.\n#[test]\n#[ignore]\npub fn f(a: i32) -> i32 {\n    a\n}\n";
        let tree = parse(Language::Rust, rust);
        let function = &tree.functions()[0];
        assert!(rust[function.range.clone()].starts_with("#[test]\n#[ignore]\npub fn"));
        assert_eq!(&rust[function.signature.clone()], "pub fn f(a: i32) -> i32");
        assert_eq!(&rust[function.body.clone()], "{\n    a\n}");
        let javascript = "const f = async (a) => {\n  return a;\n};\n";
        let tree = parse(Language::JavaScript, javascript);
        let function = &tree.functions()[0];
        assert_eq!(&javascript[function.range.clone()], javascript.trim_end());
        assert_eq!(&javascript[function.signature.clone()], "const f = async (a) =>");
        let cpp = "template <class T>\nT f(T a) const // why\n{\n    return a;\n}\n";
        let tree = parse(Language::Cpp, cpp);
        let function = &tree.functions()[0];
        assert_eq!(&cpp[function.range.clone()], cpp.trim_end());
        assert_eq!(&cpp[function.signature.clone()], "T f(T a) const");
        assert_eq!(&cpp[function.body.clone()], "{\n    return a;\n}");
    }

    #[test]
    fn the_innermost_function_is_found() {
        let text = "def f():\n    def g():\n        return 1\n    return g\n\nx = 1\n";
        let tree = parse(Language::Python, text);
        let at = |needle: &str| tree.function_at(text.find(needle).unwrap()).map(|function| function.qualified_name);
        assert_eq!(at("return 1").as_deref(), Some("f.g"));
        assert_eq!(at("return g").as_deref(), Some("f"));
        assert_eq!(at("x = 1"), None);
    }

    #[test]
    fn statements_are_whole_or_heads() {
        let python = "def f(a):\n    x = [\n        1]\n    if a > 1:  # why\n        return x\n    elif a:\n        pass\n    else:\n        x += 1\n    for i in a:\n        g(i)\n    try:\n        y = 1\n    except E:\n        raise\n";
        assert_eq!(
            statements(Language::Python, python),
            [
                "x = [\n        1]",
                "if a > 1:",
                "return x",
                "elif a:",
                "pass",
                "x += 1",
                "for i in a:",
                "g(i)",
                "y = 1",
                "except E:",
                "raise"
            ]
        );
        let java = "class A { int f(int a) { int x = 1; if (a > 1) { return x; } else if (a < 0) x++; for (int i = 0; i < a; i++) { g(i); } switch (a) { case 1: h(); break; } return 0; } }";
        assert_eq!(
            statements(Language::Java, java),
            [
                "int x = 1;",
                "if (a > 1) {",
                "return x;",
                "if (a < 0) x++;",
                "x++;",
                "for (int i = 0; i < a; i++) {",
                "g(i);",
                "h();",
                "break;",
                "return 0;"
            ]
        );
        let cpp = "int f(int a) { int x = 1; if (a > 1) { return x; } else if (a < 0) x++; for (int i = 0; i < a; i++) { g(i); } for (const auto &y : ys) z += y; switch (a) { case 1: h(); break; } try { k(); } catch (const E &e) { throw; } return 0; }";
        assert_eq!(
            statements(Language::Cpp, cpp),
            [
                "int x = 1;",
                "if (a > 1) {",
                "return x;",
                "if (a < 0) x++;",
                "x++;",
                "for (int i = 0; i < a; i++) {",
                "g(i);",
                "for (const auto &y : ys) z += y;",
                "z += y;",
                "switch (a) {",
                "h();",
                "break;",
                "k();",
                "catch (const E &e) {",
                "throw;",
                "return 0;"
            ]
        );
        let rust =
            "fn f(a: i32) -> i32 { let x = 1; if a > 1 { return x; } for i in 0..a { g(i); } while x < a { h() } x }";
        assert_eq!(
            statements(Language::Rust, rust),
            ["let x = 1;", "if a > 1 {", "return x;", "for i in 0..a {", "g(i);", "while x < a {", "h()", "x"]
        );
        let go = "package p\nfunc f(a int) int {\n\tx := 1\n\tif a > 1 {\n\t\treturn x\n\t}\n\tfor i := range a {\n\t\tg(i)\n\t}\n\treturn 0\n}\n";
        assert_eq!(
            statements(Language::Go, go),
            ["x := 1", "if a > 1 {", "return x", "for i := range a {", "g(i)", "return 0"]
        );
        let javascript =
            "function f(a) { const x = 1; if (a) return x; while (a) { a--; } return xs.map(x => { return x; }); }";
        assert_eq!(
            statements(Language::JavaScript, javascript),
            [
                "const x = 1;",
                "if (a) return x;",
                "return x;",
                "while (a) {",
                "a--;",
                "return xs.map(x => { return x; });",
                "return x;"
            ]
        );
    }

    #[test]
    fn expressions_are_those_that_decide_something() {
        let text = "def f(a, b):\n    if a > 1:\n        return g(a, b + 1)\n    x = a[b]\n";
        let tree = parse(Language::Python, text);
        assert_eq!(
            texts(&tree, &tree.expressions(&tree.functions()[0])),
            ["a", "a > 1", "1", "g(a, b + 1)", "a", "b", "b + 1", "1", "a", "a[b]", "b"]
        );
    }

    #[test]
    fn expressions_of_cpp_are_free_of_their_brackets() {
        let text = "int f(int a) { if (a > 1) return v[a + 1]; int x = g(a, p->q); while (auto y = h()) {} }";
        let tree = parse(Language::Cpp, text);
        let found = texts(&tree, &tree.expressions(&tree.functions()[0]));
        for expected in ["a > 1", "v[a + 1]", "a + 1", "g(a, p->q)", "p->q"] {
            assert!(found.iter().any(|it| it == expected), "{expected} is not in {found:?}");
        }
        assert!(found.iter().all(|it| !it.starts_with(['(', '[']) && !it.starts_with("auto")), "{found:?}");
    }

    #[test]
    fn long_expressions_are_left_out() {
        let text = format!("def f():\n    return [{}]\n", "1, ".repeat(100));
        let tree = parse(Language::Python, text.as_str());
        let ranges = tree.expressions(&tree.functions()[0]);
        assert!(!ranges.is_empty() && ranges.iter().all(|range| range.len() <= MAX_EXPRESSION_BYTES));
    }

    #[test]
    fn names_are_found_in_a_range() {
        let text = "x = a.b(c)\ny = d\n";
        let tree = parse(Language::Python, text);
        let names: Vec<&str> = tree.identifiers(0..10).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["x", "a", "b", "c"]);
        let tree = parse(Language::Cpp, "std::map<K, int> x = a->b(c::d);");
        let names: Vec<&str> = tree.identifiers(0..32).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["std", "map", "K", "int", "x", "a", "b", "c", "d"]);
    }

    #[test]
    fn imports_are_listed_as_written() {
        assert_eq!(
            parse(Language::Python, "import os\nfrom a import (b,\n  c)\nx = 1\n").imports(),
            ["import os", "from a import (b,\n  c)"]
        );
        assert_eq!(parse(Language::Rust, "use a::{b, c};\nfn f() {}").imports(), ["use a::{b, c};"]);
        assert_eq!(
            parse(Language::Java, "package p;\nimport java.util.*;\n").imports(),
            ["package p;", "import java.util.*;"]
        );
        assert_eq!(
            parse(Language::Cpp, "#include <a>\n#include \"b.h\"\nusing namespace std;\nint x;\n").imports(),
            ["#include <a>", "#include \"b.h\"", "using namespace std;"]
        );
    }

    #[test]
    fn errors_say_what_and_where() {
        let tree = parse(Language::Java, "class A {\n  int x = 1\n}\n");
        assert_eq!(tree.error_count(), 1);
        assert_eq!(
            tree.errors(),
            [SyntaxError { range: 21..21, line: 2, column: 12, message: "missing `;`".to_owned() }]
        );
        let tree = parse(Language::Python, "x = 1\ny = = 2\n");
        let error = &tree.errors()[0];
        assert_eq!((error.line, error.message.as_str()), (2, "expected an expression"));
        assert_eq!(parse(Language::Python, "x = 1\n").error_count(), 0);
        let tree = parse(Language::Cpp, "int f() {\n  return 1\n}\n");
        assert_eq!(
            tree.errors(),
            [SyntaxError { range: 20..20, line: 2, column: 11, message: "missing `;`".to_owned() }]
        );
    }

    #[test]
    fn a_tree_after_an_edit_is_the_tree_of_the_edited_text() {
        let text = "def f(a):\n    s = 'é'\n    return a\n\n\ndef g():\n    pass\n";
        let before = parse(Language::Python, text);
        let replace = |range: Range<usize>, text: &str| crate::Replacement { range, text: text.to_owned() };
        let edit = Edit::new(vec![replace(14..14, "if a:\n        "), replace(31..32, "(a +\n  1)")]).unwrap();
        let after = before.edited(&edit).unwrap();
        let fresh = parse(Language::Python, after.text());
        assert_eq!(after.tree().root_node().to_sexp(), fresh.tree().root_node().to_sexp());
        assert!(before.edited(&Edit::single(0..999, "")).is_err());
    }

    #[test]
    fn strings_and_comments_are_not_code() {
        let text = "x = f\"a {b} c\"  # d\ny = 'e'\n";
        let tree = parse(Language::Python, text);
        let at = |needle: &str| tree.is_code(text.find(needle).unwrap());
        assert_eq!(["x", "a", "b}", " c", "d", "y", "e"].map(at), [true, false, true, false, false, true, false]);
        let text = "#define X 1\nauto s = R\"(ab)\"; char c = 'd'; // e\nint f;\n";
        let tree = parse(Language::Cpp, text);
        let at = |needle: &str| tree.is_code(text.find(needle).unwrap());
        assert_eq!(["X 1", "ab", "d'", "// e", "e\n", "f"].map(at), [true, false, false, false, false, true]);
    }

    #[test]
    fn deep_nesting_does_not_overflow_the_stack() {
        let depth = 20_000;
        for text in [format!("x = {}1{}", "(".repeat(depth), ")".repeat(depth)), "[".repeat(depth)] {
            let tree = parse(Language::Python, text.as_str());
            assert_eq!(tree.error_count(), tree.errors().len());
            assert!(tree.functions().is_empty());
            assert!(tree.identifiers(0..text.len()).len() < 2);
        }
        let nested = format!("function f() {{ {} }}", "if (a) {".repeat(3_000));
        let tree = parse(Language::JavaScript, nested.as_str());
        assert!(tree.error_count() > 0);
        for function in tree.functions() {
            tree.statements(&function);
        }
    }
}
