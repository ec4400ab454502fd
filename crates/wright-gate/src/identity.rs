//! What makes a finding the same one after its lines were moved or its file was reformatted: the function around it, and
//! the code it is about without layout.

use std::collections::HashMap;
use std::ops::Range;

use wright_text::Function;

use crate::checks::no_secrets;
use crate::{Finding, Source};

/// The longest code that serves as a key; of longer code, the line does.
const MAX_KEY_BYTES: usize = 2_000;

/// The most lines of code that serve as a key: what is longer changes for other reasons.
const MAX_KEY_LINES: usize = 10;

/// Gives each finding in a text the symbol and the key that its check left out.
///
/// A finding about a secret gets a digest for a key, so that the secret goes nowhere.
pub(crate) fn complete(source: &Source<'_>, findings: &mut [Finding]) {
    let needs_symbol = findings.iter().any(|it| it.symbol.is_none() && it.line.is_some());
    let functions = if needs_symbol { source.tree().map(|it| it.functions()) } else { None };
    for finding in findings {
        if let (None, Some(line), Some(functions)) = (&finding.symbol, finding.line, &functions) {
            finding.symbol = innermost(functions, line).map(|it| it.qualified_name.clone());
        }
        if finding.key.is_empty() {
            let code = code_of(source, finding).unwrap_or_default();
            finding.key = match is_secret(finding) {
                true => crate::hex_digest(code.as_bytes()),
                false => normalized(code),
            };
        }
    }
}

/// Says whether the code of a finding must not be shown or stored.
pub(crate) fn is_secret(finding: &Finding) -> bool {
    finding.check == no_secrets::NAME || is_digest(&finding.key)
}

/// Says whether a key is a digest, which is the same or is not.
pub(crate) fn is_digest(key: &str) -> bool {
    key.len() >= 32 && key.bytes().all(|it| it.is_ascii_hexdigit())
}

fn innermost(functions: &[Function], line: usize) -> Option<&Function> {
    let around = functions.iter().filter(|it| (it.first_line..=it.last_line).contains(&line));
    around.min_by_key(|it| it.range.len())
}

/// Returns the code that a finding is about.
fn code_of<'a>(source: &Source<'a>, finding: &Finding) -> Option<&'a str> {
    let short = |range: Range<usize>| {
        let code = source.text.get(range)?;
        (code.len() <= MAX_KEY_BYTES && code.lines().count() <= MAX_KEY_LINES && !code.trim().is_empty())
            .then_some(code)
    };
    if let Some(code) = finding.span.and_then(|it| short(it.start..it.end)) {
        return Some(code);
    }
    let line = line_range(source.text, finding.line?)?;
    statement_at(source, line.clone()).and_then(short).or_else(|| source.text.get(line))
}

/// What holds statements, in the words of all grammars: its first statement begins where it does.
const HOLDS_STATEMENTS: [&str; 10] = [
    "block",
    "class_body",
    "compound_statement",
    "declaration_list",
    "field_declaration_list",
    "program",
    "statement_block",
    "statement_list",
    "switch_block_statement_group",
    "ERROR",
];

/// Returns the whole of what begins on a line, so that breaking it into lines makes no difference.
fn statement_at(source: &Source<'_>, line: Range<usize>) -> Option<Range<usize>> {
    let text = source.text.get(line.clone())?;
    let start = line.start + (text.len() - text.trim_start().len());
    let root = source.tree()?.root();
    let mut node = root.descendant_for_byte_range(start, start)?;
    let is_statement_part = |it: &wright_text::Node<'_>| {
        it.start_byte() == start && it.id() != root.id() && !HOLDS_STATEMENTS.contains(&it.kind())
    };
    while let Some(parent) = node.parent().filter(is_statement_part) {
        node = parent;
    }
    Some(node.byte_range())
}

/// Returns the bytes of a line, counted from 1, without its end.
pub(crate) fn line_range(text: &str, line: usize) -> Option<Range<usize>> {
    let mut start = 0;
    for (idx, content) in text.split_inclusive('\n').enumerate() {
        if idx + 1 == line {
            return Some(start..start + content.trim_end_matches(['\n', '\r']).len());
        }
        start += content.len();
    }
    None
}

/// Returns code as formatters leave it alone: without spaces that mean nothing, closing commas and semicolons, and with one
/// kind of quotes.
pub(crate) fn normalized(code: &str) -> String {
    let mut text = String::with_capacity(code.len());
    let mut is_apart = false;
    for character in code.chars() {
        if character.is_whitespace() {
            is_apart = true;
            continue;
        }
        if is_apart && is_word(character) && text.chars().next_back().is_some_and(is_word) {
            text.push(' ');
        }
        is_apart = false;
        if matches!(character, ')' | ']' | '}') && text.ends_with(',') {
            text.pop();
        }
        text.push(if character == '\'' { '"' } else { character });
    }
    text.truncate(text.trim_end_matches([';', ',']).len());
    text
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// Returns code with its names numbered in the order they come, so that renaming them makes no difference.
pub(crate) fn anonymous(key: &str) -> String {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut text = String::with_capacity(key.len());
    for token in tokens(key) {
        if token.starts_with(|it: char| it.is_alphabetic() || it == '_') {
            let next = numbers.len();
            let number = *numbers.entry(token).or_insert(next);
            text.push_str(&format!("\u{1}{number}"));
        } else {
            text.push_str(token);
        }
    }
    text
}

/// Returns how alike two keys are, from 0 to 1: the share of their tokens that both have.
pub(crate) fn similarity(a: &str, b: &str) -> f64 {
    let (a, b) = (tokens(a), tokens(b));
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for token in &a {
        *counts.entry(token).or_default() += 1;
    }
    let mut n_shared = 0;
    for token in &b {
        if let Some(count) = counts.get_mut(token).filter(|it| **it > 0) {
            *count -= 1;
            n_shared += 1;
        }
    }
    2.0 * f64::from(n_shared) / (a.len() + b.len()).max(1) as f64
}

/// Splits a key into names, numbers and single signs.
fn tokens(key: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = key;
    while let Some(first) = rest.chars().next() {
        let end = if is_word(first) { rest.find(|it| !is_word(it)).unwrap_or(rest.len()) } else { first.len_utf8() };
        if first != ' ' {
            tokens.push(&rest[..end]);
        }
        rest = &rest[end..];
    }
    tokens
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn what_a_formatter_changes_makes_no_difference() {
        let table = [
            ("f( a,\n   b,\n)", "f(a, b)"),
            ("return  'x' ;", "return \"x\""),
            ("a = [1,\n 2,\n ]", "a=[1, 2]"),
            ("let x=1", "let  x = 1;"),
        ];
        for (a, b) in table {
            assert_eq!(normalized(a), normalized(b));
        }
        assert_ne!(normalized("return x"), normalized("returnx"));
    }

    #[test]
    fn names_count_only_by_where_they_come_again() {
        assert_eq!(anonymous("cur.execute(sql+x)"), anonymous("cursor.execute(q+name)"));
        assert_ne!(anonymous("f(a,a)"), anonymous("f(a,b)"));
    }

    #[test]
    fn a_finding_without_a_key_gets_the_statement_on_its_line() {
        let text = "def f(x):\n    run(\n        x,\n        shell=True,\n    )\n";
        let source = Source::new(Path::new("a.py"), text);
        let mut findings = [Finding::error("c", "m").at("a.py", Some(2))];
        complete(&source, &mut findings);
        assert_eq!(findings[0].key, "run(x,shell=True)");
        assert_eq!(findings[0].symbol.as_deref(), Some("f"));
    }

    #[test]
    fn the_key_of_a_secret_is_a_digest() {
        let source = Source::new(Path::new("a.py"), "key = 'hunter2'\n");
        let mut findings = [Finding::error(no_secrets::NAME, "m").at("a.py", Some(1))];
        complete(&source, &mut findings);
        assert!(is_digest(&findings[0].key), "{:?}", findings[0].key);
    }
}
