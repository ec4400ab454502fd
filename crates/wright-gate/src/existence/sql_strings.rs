//! SQL in the strings of a program, with what is put into them replaced by a placeholder.

use std::ops::Range;

use wright_text::{Language, Node};

use super::nodes::{descend, unquoted, words};
use crate::Source;

/// One statement in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlText {
    /// The statement.
    pub sql: String,
    /// Where it is written.
    pub range: Range<usize>,
    /// Whether parts of it are only known at run time.
    pub has_holes: bool,
}

const MAX_SQL: usize = 20_000;

/// Returns the statements of a text: all of it for a `.sql` file, its strings that begin like a statement elsewhere.
pub fn statements(source: &Source<'_>) -> Vec<SqlText> {
    if source.path.extension().is_some_and(|it| it == "sql") {
        return vec![SqlText { sql: source.text.to_owned(), range: 0..source.text.len(), has_holes: false }];
    }
    let (Some(tree), Some(language)) = (source.tree(), source.language) else { return Vec::new() };
    let mut found: Vec<SqlText> = Vec::new();
    for node in descend(tree.root()) {
        let is_literal = matches!(
            node.kind(),
            "string"
                | "string_literal"
                | "raw_string_literal"
                | "interpreted_string_literal"
                | "template_string"
                | "concatenated_string"
                | "text_block"
        );
        let is_inside = found.last().is_some_and(|it| it.range.contains(&node.start_byte()));
        if is_literal && !is_inside && !is_joined(node) {
            let (text, has_holes) = folded(node, source.text, language);
            if text.len() <= MAX_SQL && is_statement(&text) {
                found.push(SqlText { sql: text, range: node.byte_range(), has_holes });
            }
        }
    }
    found
}

/// Returns whether a literal is one part of a sum: the whole is then known to nobody.
fn is_joined(node: Node<'_>) -> bool {
    node.parent().is_some_and(|it| matches!(it.kind(), "binary_operator" | "binary_expression"))
}

/// Returns what a literal says, with `?` where something is put in.
fn folded(node: Node<'_>, text: &str, language: Language) -> (String, bool) {
    let mut said = String::new();
    let mut has_holes = false;
    let parts = if node.kind() == "concatenated_string" { super::nodes::named(node) } else { vec![node] };
    for part in parts {
        let literal = words(part, text);
        let start = part.start_byte();
        let mut here = String::new();
        let mut at = 0;
        for hole in descend(part).filter(|it| matches!(it.kind(), "interpolation" | "template_substitution")) {
            let (from, to) = (hole.start_byte() - start, hole.end_byte() - start);
            if from >= at {
                here.push_str(literal.get(at..from).unwrap_or_default());
                here.push('?');
                at = to;
                has_holes = true;
            }
        }
        here.push_str(literal.get(at..).unwrap_or_default());
        let inner = unquoted(&here);
        said.push_str(&if language == Language::Rust {
            inner.to_owned()
        } else {
            inner.replace("\\n", "\n").replace("\\\"", "\"")
        });
    }
    (said, has_holes)
}

fn is_statement(text: &str) -> bool {
    let upper: String = text.trim_start().chars().take(400).collect::<String>().to_uppercase();
    let mut tokens = upper.split_whitespace();
    let first = tokens.next().unwrap_or_default();
    let has = |word: &str| upper.split(|it: char| !it.is_alphanumeric()).any(|it| it == word);
    match first {
        "SELECT" => text.to_uppercase().contains("FROM"),
        "INSERT" | "REPLACE" => has("INTO"),
        "UPDATE" => has("SET"),
        "DELETE" => has("FROM"),
        "WITH" => has("AS") && text.to_uppercase().contains("SELECT"),
        _ => false,
    }
}

/// Returns a statement in which placeholders of drivers are values that a parser understands.
pub fn with_values(sql: &str) -> String {
    let bytes: Vec<char> = sql.chars().collect();
    let mut out = String::with_capacity(sql.len());
    let mut at = 0;
    let mut quote = None;
    while at < bytes.len() {
        let letter = bytes[at];
        let next = bytes.get(at + 1).copied().unwrap_or(' ');
        if quote == Some(letter) {
            quote = None;
        } else if quote.is_none() && matches!(letter, '\'' | '"' | '`') {
            quote = Some(letter);
        } else if quote.is_none() {
            let is_word = |it: char| it.is_alphanumeric() || it == '_';
            let skip = |from: usize| (from..bytes.len()).find(|at| !is_word(bytes[*at])).unwrap_or(bytes.len());
            let previous = at.checked_sub(1).map_or(' ', |it| bytes[it]);
            let end = match (letter, next) {
                ('%', 's' | 'd' | 'i') if !bytes.get(at + 2).is_some_and(|it| is_word(*it)) => Some(at + 2),
                ('%', '(') => bytes[at..].iter().position(|it| *it == ')').map(|it| at + it + 2),
                (':' | '@' | '$', first) if is_word(first) && previous != ':' && !is_word(previous) => {
                    Some(skip(at + 1))
                }
                ('?', _) => Some(skip(at + 1)),
                ('{', _) => bytes[at..].iter().take(80).position(|it| *it == '}').map(|it| at + it + 1),
                _ => None,
            };
            if let Some(end) = end {
                out.push_str("NULL");
                at = end;
                continue;
            }
        }
        out.push(letter);
        at += 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        statements(&Source::new(Path::new(path), text)).into_iter().map(|it| it.sql).collect()
    }

    #[test]
    fn statements_are_found_in_strings_of_every_language() {
        assert_eq!(
            found("a.py", "x = 'SELECT a FROM b'\ny = f'SELECT {c} FROM b'\nz = 'Select one of them'\n"),
            ["SELECT a FROM b", "SELECT ? FROM b"]
        );
        assert_eq!(found("a.py", "q('SELECT a '\n  'FROM b')\n"), ["SELECT a FROM b"]);
        assert_eq!(found("a.ts", "q(`UPDATE a SET b = ${c}`)"), ["UPDATE a SET b = ?"]);
        assert_eq!(found("a.rs", "fn f() { q(r#\"DELETE FROM a\"#); }"), ["DELETE FROM a"]);
        assert_eq!(
            found("a.go", "package p\nvar x = `INSERT INTO a (b) VALUES ($1)`\n"),
            ["INSERT INTO a (b) VALUES ($1)"]
        );
        assert_eq!(found("A.java", "class A { String x = \"SELECT a FROM b\"; }"), ["SELECT a FROM b"]);
    }

    #[test]
    fn a_part_of_a_sum_is_no_statement() {
        assert_eq!(found("a.py", "q('SELECT a FROM ' + name)\n"), Vec::<String>::new());
    }

    #[test]
    fn placeholders_of_drivers_become_values() {
        assert_eq!(
            with_values("a = %s AND b = :b AND c = $1 AND d = ? AND e = '%s' AND f::int = %(x)s"),
            "a = NULL AND b = NULL AND c = NULL AND d = NULL AND e = '%s' AND f::int = NULL"
        );
    }
}
