//! The tokens of a text, taken from the leaves of its syntax tree, with their brackets matched.
//!
//! Assertions are spelled as calls, macros, operators and chains, each grammar with its own node kinds. As tokens they look
//! alike, so that one table of words serves every language. Comments are no tokens, and a string is one token.

use std::ops::Range;

use wright_text::{Language, Node, SyntaxTree};

/// Nodes below this depth are not looked at: no test is written that deep.
pub(crate) const MAX_DEPTH: usize = 300;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A name or a keyword.
    Word,
    /// A number.
    Number,
    /// A string or a character.
    Text,
    /// Anything else.
    Symbol,
}

/// One token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind,
    pub(crate) text: &'t str,
    pub(crate) start: usize,
}

/// All tokens of a text.
#[derive(Debug)]
pub(crate) struct Tokens<'t> {
    list: Vec<Token<'t>>,
    /// For an opening bracket, the index of the one that closes it.
    close: Vec<usize>,
}

/// One name of a chain such as `expect(x).not.toBe(1)`, with its arguments as ranges of tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link<'t> {
    pub(crate) name: &'t str,
    pub(crate) arguments: Option<Vec<Range<usize>>>,
}

impl<'t> Tokens<'t> {
    /// Takes the tokens of a tree.
    pub(crate) fn of(tree: &SyntaxTree, text: &'t str) -> Self {
        let mut list = Vec::new();
        visit(tree.root(), |node, _| take(node, text, &mut list));
        let close = matched(&list);
        Self { list, close }
    }

    /// Returns the indexes of the tokens inside a range of bytes.
    pub(crate) fn within(&self, bytes: Range<usize>) -> Range<usize> {
        let first = self.list.partition_point(|it| it.start < bytes.start);
        first..self.list.partition_point(|it| it.start < bytes.end).max(first)
    }

    /// Returns the tokens of a range of indexes.
    pub(crate) fn slice(&self, range: Range<usize>) -> &[Token<'t>] {
        &self.list[range]
    }

    /// Returns the tokens of a range with one space between them.
    pub(crate) fn joined(&self, range: Range<usize>) -> String {
        let words: Vec<&str> = self.slice(range).iter().map(|it| it.text).collect();
        words.join(" ")
    }

    /// Returns the texts of the strings and numbers of a range.
    pub(crate) fn literals(&self, range: Range<usize>) -> Vec<String> {
        let is_constant = |it: &&Token<'_>| {
            matches!(it.kind, Kind::Number | Kind::Text)
                || matches!(it.text, "True" | "False" | "None" | "true" | "false" | "null" | "nil" | "undefined")
        };
        self.slice(range).iter().filter(is_constant).map(|it| it.text.to_owned()).collect()
    }

    /// Returns the index behind the bracket group that starts at `index`, or the next index where none does.
    fn after(&self, index: usize, end: usize) -> usize {
        let close = self.close[index];
        if close > index && close < end { close + 1 } else { index + 1 }
    }

    /// Returns the indexes of the tokens of a range that are in no bracket group of it.
    pub(crate) fn top_level(&self, range: Range<usize>) -> Vec<usize> {
        let mut found = Vec::new();
        let mut index = range.start;
        while index < range.end {
            found.push(index);
            index = self.after(index, range.end);
        }
        found
    }

    /// Splits a range at the top-level tokens that `is_separator` accepts; a trailing separator adds nothing.
    pub(crate) fn split(&self, range: Range<usize>, is_separator: impl Fn(&Token<'t>) -> bool) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut start = range.start;
        for index in self.top_level(range.clone()) {
            if is_separator(&self.list[index]) {
                parts.push(start..index);
                start = index + 1;
            }
        }
        if start < range.end || parts.is_empty() {
            parts.push(start..range.end);
        }
        parts.retain(|it| !it.is_empty());
        parts
    }

    /// Takes parentheses off that enclose a whole range.
    pub(crate) fn unwrapped(&self, mut range: Range<usize>) -> Range<usize> {
        while range.len() >= 2 && self.list[range.start].text == "(" && self.close[range.start] == range.end - 1 {
            range = range.start + 1..range.end - 1;
        }
        range
    }

    /// Reads a range as a chain of names and calls, as far as it is one.
    pub(crate) fn chain(&self, range: Range<usize>) -> Vec<Link<'t>> {
        let mut links: Vec<Link<'t>> = Vec::new();
        let mut index = range.start;
        while index < range.end {
            let token = &self.list[index];
            match token.text {
                "(" | "[" | "{" => {
                    let close = self.after(index, range.end) - 1;
                    match links.last_mut() {
                        Some(link) if close > index => {
                            let inside = self.split(index + 1..close, |it| it.text == ",");
                            link.arguments.get_or_insert_default().extend(inside);
                        }
                        // A literal or a parenthesized value begins the chain.
                        _ => links.push(Link { name: token.text, arguments: None }),
                    }
                    index = close.max(index);
                }
                "." | "::" | "->" | "?." | "!" | "?" | "await" | "new" | "template" => {}
                "<" => index = self.behind_types(index, range.end),
                text if matches!(token.kind, Kind::Word | Kind::Text | Kind::Number) => {
                    links.push(Link { name: text, arguments: None });
                }
                _ => break,
            }
            index += 1;
        }
        links
    }

    /// Returns the index of the `>` that ends type arguments, or the end where it is a comparison.
    fn behind_types(&self, start: usize, end: usize) -> usize {
        let mut depth = 0usize;
        for index in start..end.min(start + 40) {
            match self.list[index].text {
                "<" => depth += 1,
                ">" if depth == 1 => return index,
                ">" => depth -= 1,
                ">>" if depth <= 2 => return index,
                _ => {}
            }
        }
        end
    }
}

/// Visits the nodes below `root` and itself in source order; `enter` gets the nodes around, outermost first, and says
/// whether to go inside.
pub(crate) fn visit<'n>(root: Node<'n>, mut enter: impl FnMut(Node<'n>, &[Node<'n>]) -> bool) {
    let mut cursor = root.walk();
    let mut around: Vec<Node<'n>> = Vec::new();
    loop {
        let node = cursor.node();
        let goes_inside = enter(node, &around) && around.len() < MAX_DEPTH;
        if goes_inside && cursor.goto_first_child() {
            around.push(node);
            continue;
        }
        loop {
            if around.is_empty() {
                return;
            }
            if cursor.goto_next_sibling() {
                break;
            }
            cursor.goto_parent();
            around.pop();
        }
    }
}

/// Takes a leaf or a string as a token; says whether to go inside the node.
fn take<'t>(node: Node<'_>, text: &'t str, list: &mut Vec<Token<'t>>) -> bool {
    if node.kind().contains("comment") {
        return false;
    }
    let is_string = is_string(node.kind());
    if !is_string && node.child_count() > 0 {
        return true;
    }
    let text = text[node.byte_range()].trim();
    if !text.is_empty() {
        list.push(Token { kind: kind_of(is_string, text), text, start: node.start_byte() });
    }
    false
}

/// Says whether a node kind is a string or a character, in any of the grammars.
pub(crate) fn is_string(kind: &str) -> bool {
    matches!(
        kind,
        "string"
            | "string_literal"
            | "raw_string_literal"
            | "interpreted_string_literal"
            | "rune_literal"
            | "char_literal"
            | "character_literal"
            | "template_string"
            | "regex"
    )
}

fn kind_of(is_string: bool, text: &str) -> Kind {
    let first = text.chars().next().unwrap_or(' ');
    match first {
        _ if is_string => Kind::Text,
        '0'..='9' => Kind::Number,
        '.' if text.len() > 1 && text.as_bytes()[1].is_ascii_digit() => Kind::Number,
        '_' | '$' | '@' => Kind::Word,
        _ if first.is_alphabetic() => Kind::Word,
        _ => Kind::Symbol,
    }
}

fn matched(list: &[Token<'_>]) -> Vec<usize> {
    let mut close: Vec<usize> = (0..list.len()).collect();
    let mut open: Vec<usize> = Vec::new();
    for (index, token) in list.iter().enumerate() {
        match token.text {
            "(" | "[" | "{" | "${" | "#{" => open.push(index),
            ")" | "]" | "}" => {
                if let Some(start) = open.pop() {
                    close[start] = index;
                }
            }
            _ => {}
        }
    }
    close
}

/// Returns the child of a node in a field, where the grammar has it.
pub(crate) fn field<'n>(node: Node<'n>, name: &str) -> Option<Node<'n>> {
    node.child_by_field_name(name)
}

/// Says whether the tokens of the languages put a comma behind the last argument of a call, or braces around a block.
pub(crate) fn is_script(language: Language) -> bool {
    matches!(language, Language::JavaScript | Language::TypeScript | Language::Tsx)
}
