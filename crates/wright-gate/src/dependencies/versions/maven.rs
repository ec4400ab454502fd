//! The order of Maven's versions, by the rules of its reference: a version is a sequence of tokens, each with the separator
//! before it; empty ends are cut off; the shorter one is padded.

use std::cmp::Ordering;

/// Longer texts are no versions.
const MAX_LENGTH: usize = 256;

/// Words that come before a release, in their order; the release itself is the empty word.
const QUALIFIERS: [&str; 7] = ["alpha", "beta", "milestone", "rc", "snapshot", "", "sp"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Dot,
    Hyphen,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    /// Digits without leading zeros, as they may be longer than any integer.
    Number(String),
    Qualifier(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Token {
    separator: Separator,
    value: Value,
}

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (tokens(a)?, tokens(b)?);
    let padding = |other: &Token| Token {
        separator: other.separator,
        value: match other.separator {
            Separator::Dot if matches!(other.value, Value::Number(_)) => Value::Number(String::new()),
            Separator::Dot | Separator::Hyphen => Value::Qualifier(String::new()),
        },
    };
    for at in 0..a.len().max(b.len()) {
        let order = match (a.get(at), b.get(at)) {
            (Some(a), Some(b)) => order(a, b),
            (Some(a), None) => order(a, &padding(a)),
            (None, Some(b)) => order(&padding(b), b),
            (None, None) => Ordering::Equal,
        };
        if order != Ordering::Equal {
            return Some(order);
        }
    }
    Some(Ordering::Equal)
}

fn order(a: &Token, b: &Token) -> Ordering {
    match (&a.value, &b.value) {
        (Value::Qualifier(a), Value::Qualifier(b)) => rank(a).cmp(&rank(b)),
        (Value::Qualifier(_), Value::Number(_)) => Ordering::Less,
        (Value::Number(_), Value::Qualifier(_)) => Ordering::Greater,
        (Value::Number(x), Value::Number(y)) => match (a.separator, b.separator) {
            (Separator::Hyphen, Separator::Dot) => Ordering::Less,
            (Separator::Dot, Separator::Hyphen) => Ordering::Greater,
            (Separator::Dot, Separator::Dot) | (Separator::Hyphen, Separator::Hyphen) => {
                x.len().cmp(&y.len()).then_with(|| x.cmp(y))
            }
        },
    }
}

/// Words that are not in the list come after it, in the order of the alphabet.
fn rank(word: &str) -> (usize, &str) {
    QUALIFIERS.iter().position(|it| *it == word).map_or((QUALIFIERS.len(), word), |at| (at, ""))
}

fn tokens(text: &str) -> Option<Vec<Token>> {
    let text = text.trim().to_ascii_lowercase();
    if text.is_empty() || text.len() > MAX_LENGTH {
        return None;
    }
    Some(trimmed(split(&text)))
}

fn split(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut separator = Separator::Dot;
    let mut word = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next_separator = match letter {
            '.' => Some(Separator::Dot),
            '-' | '_' => Some(Separator::Hyphen),
            _ => None,
        };
        if let Some(next) = next_separator {
            tokens.push(token(separator, &word, false));
            word.clear();
            separator = next;
            continue;
        }
        word.push(letter);
        let turns = letters
            .peek()
            .is_some_and(|next| !matches!(next, '.' | '-' | '_') && next.is_ascii_digit() != letter.is_ascii_digit());
        if turns {
            let before_number = !letter.is_ascii_digit();
            tokens.push(token(separator, &word, before_number));
            word.clear();
            separator = Separator::Hyphen;
        }
    }
    tokens.push(token(separator, &word, false));
    tokens
}

fn token(separator: Separator, word: &str, before_number: bool) -> Token {
    let value = match word {
        "" => Value::Number(String::new()),
        _ if word.bytes().all(|it| it.is_ascii_digit()) => Value::Number(word.trim_start_matches('0').to_owned()),
        "a" if before_number => Value::Qualifier("alpha".to_owned()),
        "b" if before_number => Value::Qualifier("beta".to_owned()),
        "m" if before_number => Value::Qualifier("milestone".to_owned()),
        "cr" => Value::Qualifier("rc".to_owned()),
        "final" | "ga" | "release" => Value::Qualifier(String::new()),
        _ => Value::Qualifier(word.to_owned()),
    };
    // A word begins a part of its own, whatever stands before it.
    let separator = if matches!(value, Value::Qualifier(_)) { Separator::Hyphen } else { separator };
    Token { separator, value }
}

/// Cuts empty tokens off the end, and off what stands before each hyphen.
fn trimmed(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::new();
    for token in tokens {
        if token.separator == Separator::Hyphen {
            cut(&mut kept);
        }
        kept.push(token);
    }
    cut(&mut kept);
    kept
}

fn cut(tokens: &mut Vec<Token>) {
    let is_empty =
        |token: &Token| matches!(&token.value, Value::Number(text) | Value::Qualifier(text) if text.is_empty());
    while tokens.last().is_some_and(is_empty) {
        tokens.pop();
    }
}
