//! Compares code by what it says rather than how it is laid out.

use crate::languages::{Language, Role};
use crate::outline::Outline;
use crate::syntax::SyntaxTree;

/// Returns whether two texts are the same code once comments and layout are ignored.
pub fn same_code(language: Language, a: &str, b: &str) -> bool {
    a == b || normalized(language, a) == normalized(language, b)
}

/// Returns the tokens of a text, one statement per line, without comments.
///
/// Two texts with equal results are the same code. Where blocks are marked by indentation they are marked by braces here,
/// so that moving a statement out of a block makes a difference.
pub fn normalized(language: Language, text: &str) -> String {
    let tree = SyntaxTree::parse(language, text);
    let outline = tree.outline();
    let mut writer = Writer { outline: &outline, result: String::with_capacity(text.len()), position: 0 };
    writer.write();
    writer.result
}

struct Writer<'o, 't> {
    outline: &'o Outline<'t>,
    result: String,
    position: usize,
}

impl Writer<'_, '_> {
    fn write(&mut self) {
        let mut open_blocks: Vec<usize> = Vec::new();
        let mut open_statements: Vec<usize> = Vec::new();
        let mut index = 0;
        while index < self.outline.len() {
            self.close(index, &mut open_statements, &mut open_blocks);
            let subtree = self.outline.subtree(index);
            if self.is_statement(index) {
                open_statements.push(subtree.end);
            }
            if self.is_indented_block(index) {
                self.word("{\n");
                open_blocks.push(subtree.end);
            }
            index = self.write_entry(index);
        }
        self.close(usize::MAX, &mut open_statements, &mut open_blocks);
        self.gap(self.outline.text.len());
    }

    fn write_entry(&mut self, index: usize) -> usize {
        let (role, range, subtree) = (self.outline.role(index), self.outline.range(index), self.outline.subtree(index));
        if role == Role::Comment {
            self.gap(range.start);
            self.position = self.position.max(range.end);
            return subtree.end;
        }
        let is_leaf = subtree.len() == 1;
        if !is_leaf && role != Role::String {
            return index + 1;
        }
        self.gap(range.start);
        self.position = self.position.max(range.end);
        if !self.is_optional_semicolon(index) {
            self.word(self.outline.text(index));
        }
        subtree.end
    }

    fn close(&mut self, index: usize, open_statements: &mut Vec<usize>, open_blocks: &mut Vec<usize>) {
        while open_statements.pop_if(|end| *end <= index).is_some() {
            self.end_line();
        }
        while open_blocks.pop_if(|end| *end <= index).is_some() {
            self.end_line();
            self.word("}\n");
        }
    }

    fn is_statement(&self, index: usize) -> bool {
        self.outline.is_block_statement(index)
    }

    fn is_indented_block(&self, index: usize) -> bool {
        let is_file = self.outline.parent(index).is_none();
        self.outline.table.indented_blocks && self.outline.role(index) == Role::Block && !is_file
    }

    /// A semicolon that ends a statement, not one inside the head of a loop.
    fn is_optional_semicolon(&self, index: usize) -> bool {
        let ends_statement =
            |parent: usize| self.outline.subtree(parent).end == index + 1 && self.outline.is_block_statement(parent);
        let parent = self.outline.parent(index);
        self.outline.table.optional_semicolons
            && self.outline.text(index) == ";"
            && parent.is_none_or(|parent| self.outline.is_block(parent) || ends_statement(parent))
    }

    /// Writes code that the grammar has no node for.
    fn gap(&mut self, until: usize) {
        if let Some(text) = self.outline.text.get(self.position..until) {
            for word in text.split_whitespace() {
                self.word(word);
            }
        }
    }

    fn word(&mut self, word: &str) {
        // Some grammars make a token of the end of a line.
        if word.trim().is_empty() {
            return;
        }
        if !self.result.is_empty() && !self.result.ends_with('\n') {
            self.result.push(' ');
        }
        self.result.push_str(word);
    }

    fn end_line(&mut self) {
        if !self.result.is_empty() && !self.result.ends_with('\n') {
            self.result.push('\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(language: Language, a: &str, b: &str) {
        assert_eq!(normalized(language, a), normalized(language, b), "{language:?}");
        assert!(same_code(language, a, b));
    }

    fn different(language: Language, a: &str, b: &str) {
        assert!(!same_code(language, a, b), "{language:?}: {a:?} and {b:?} gave {:?}", normalized(language, a));
    }

    #[test]
    fn layout_and_comments_do_not_count() {
        same(Language::Python, "def f(a,b):\n  return a+b # sum\n", "def f(a, b):\n\n    # add\n    return a + b");
        same(Language::Rust, "fn f()->i32{1}", "/* one */ fn f() -> i32 {\n    1\n}\n");
        same(Language::JavaScript, "function f() { return 1 }", "function f() {\n  return 1; // one\n}");
        same(Language::TypeScript, "let a: number=1", "let a: number = 1;");
        same(Language::Go, "func f() { g(); h() }", "func f() {\n\tg()\n\th()\n}");
        same(Language::Java, "class A{int x=1;}", "class A {\n  int x = 1; // one\n}");
        same(Language::Cpp, "#include <a>\nint f(){return 1;}", "#include <a>\n\nint f() {\n  return 1; // one\n}\n");
        same(Language::Python, "a = 1; b = 2", "a = 1\nb = 2\n");
        same(Language::Python, "a = 1 + \\\n  2", "a = 1 + 2");
    }

    #[test]
    fn the_place_of_a_statement_counts() {
        different(Language::Python, "if a:\n    b\n    c\n", "if a:\n    b\nc\n");
        different(Language::JavaScript, "function f() { return x }", "function f() { return\nx }");
        different(Language::Rust, "fn f() { g() }", "fn f() { g(); }");
        different(Language::JavaScript, "for (;;) {}", "for (;) {}");
    }

    #[test]
    fn the_inside_of_a_string_counts() {
        different(Language::Python, "x = ' '", "x = ''");
        different(Language::Python, "x = 'a\\n b'", "x = 'a\\nb'");
        different(Language::Rust, "let x = \"a  b\";", "let x = \"a b\";");
        different(Language::Java, "String s = \"a \";", "String s = \"a\";");
        different(Language::Cpp, "auto s = \"a \";", "auto s = \"a\";");
        different(Language::JavaScript, "x = `a ${b} c`", "x = `a ${b}c`");
    }

    proptest! {
        #[test]
        fn any_text_can_be_compared(text in "[a-z(){}:;=+'\"#/\\\\ \n\té]{0,60}") {
            for language in Language::ALL {
                let spaced = format!("\n{text}\n");
                prop_assert!(same_code(language, &text, &text));
                normalized(language, &spaced);
            }
        }
    }
}
