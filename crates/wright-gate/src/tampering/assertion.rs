//! What one assertion demands: of what, how strictly, and which value it expects.
//!
//! An assertion is read from tokens. [`words`](super::words) knows what its verb demands; boolean conditions are taken
//! apart here, so that `assert a == 1 and b` is an exact and a weak demand in every language.

use std::ops::Range;

use wright_text::Language;

use super::tokens::{Kind, Link, Tokens};
use super::words::{self, Demand};

/// How much an assertion demands. Ordered: a later one implies more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// It holds whatever the code does.
    Nothing,
    /// The code ends without an error.
    NoFailure,
    /// The value is there, is true, or has a type.
    Present,
    /// The value is in a range, near another, contains or matches something, or is not another; the code fails somehow.
    Partial,
    /// The value is one value; the code fails in one way.
    Exact,
}

/// Why an assertion does not count although it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It runs whenever the test does.
    Always,
    /// It runs under a condition.
    Sometimes,
    /// It never runs; why, as a fragment.
    Never(&'static str),
    /// It runs and its failure is caught.
    Swallowed,
}

/// One demand of a test.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Assertion {
    /// Its tokens, which make it the same one when it moves or is laid out anew.
    pub(crate) text: String,
    /// What is looked at.
    pub(crate) subject: String,
    /// What it should be.
    pub(crate) expected: String,
    /// The literals of what it should be.
    pub(crate) literals: Vec<String>,
    pub(crate) strength: Strength,
    /// How far off a number may be; larger is looser.
    pub(crate) tolerance: Option<f64>,
    /// The error that the code should end with, where that is the demand.
    pub(crate) exception: Option<String>,
    pub(crate) reach: Reach,
    /// Its bytes.
    pub(crate) range: Range<usize>,
}

/// A demand before it has a place.
#[derive(Debug, Clone, Default)]
pub(super) struct Piece {
    subject: Range<usize>,
    expected: Range<usize>,
    strength: Option<Strength>,
    tolerance: Option<f64>,
    exception: Option<String>,
}

/// Reads the demands of a call, macro or chain; none where it is no assertion.
pub(super) fn of_call(language: Language, tokens: &Tokens<'_>, range: Range<usize>) -> Vec<Piece> {
    let links = tokens.chain(range);
    // `expect` takes a value out of its wrapper in Rust.
    let chained = (language != Language::Rust).then(|| fluent(tokens, &links)).flatten();
    chained.or_else(|| plain(tokens, &links)).unwrap_or_default()
}

/// Gives a demand its texts.
pub(super) fn finished(tokens: &Tokens<'_>, range: &Range<usize>, bytes: Range<usize>, piece: Piece) -> Assertion {
    Assertion {
        text: format!("{} | {}", tokens.joined(range.clone()), tokens.joined(piece.expected.clone())),
        subject: tokens.joined(piece.subject),
        expected: tokens.joined(piece.expected.clone()),
        literals: tokens.literals(piece.expected),
        strength: piece.strength.unwrap_or(Strength::Exact),
        tolerance: piece.tolerance,
        exception: piece.exception,
        reach: Reach::Always,
        range: bytes,
    }
}

/// `expect(x).not.toBe(1)`, `assertThat(x).isNotNull().hasSize(3)`, `request(app).get("/").expect(200)`.
fn fluent(tokens: &Tokens<'_>, links: &[Link<'_>]) -> Option<Vec<Piece>> {
    let start = links.iter().position(|it| words::opens_chain(it.name) && it.arguments.is_some())?;
    let arguments = links[start].arguments.clone().unwrap_or_default();
    // A chain that something else begins demands through its own word, as HTTP clients for tests do.
    if start > 0 && links[start].name == "expect" && links[..start].iter().any(|it| it.arguments.is_some()) {
        return Some(links[start..].iter().filter(|it| it.name == "expect").map(expectation).collect());
    }
    if start > 0 && !matches!(links[start - 1].name, "Assertions" | "chai" | "assert" | "Truth" | "self" | "vitest") {
        return None;
    }
    // The matcher may also be the second argument.
    if links.len() == start + 1 {
        let matcher = arguments.get(1).map(|it| of_matcher(tokens, &arguments[0], it));
        let pieces = matcher.unwrap_or_else(|| {
            let strength = Some(Strength::Nothing);
            vec![Piece { subject: arguments.first().cloned().unwrap_or_default(), strength, ..Piece::default() }]
        });
        return Some(pieces);
    }
    let subject = arguments.first().cloned().unwrap_or_default();
    let is_negated = links[start + 1..].iter().any(|it| matches!(it.name, "not" | "never"));
    let demands = links[start + 1..].iter().filter_map(|link| Some((link, words::demand(link.name)?)));
    let pieces = demands.map(|(link, demand)| {
        let expected = link.arguments.clone().unwrap_or_default();
        let mut piece = demanded(tokens, &demand, Some(subject.clone()), &expected);
        if is_negated {
            piece.strength = piece.strength.map(negated);
        }
        piece
    });
    let pieces: Vec<Piece> = pieces.collect();
    // A chain whose words nobody knows is somebody's own matcher, and taken as strict.
    let unknown = || vec![Piece { subject: subject.clone(), strength: Some(Strength::Exact), ..Piece::default() }];
    Some(if pieces.is_empty() { unknown() } else { pieces })
}

fn expectation(link: &Link<'_>) -> Piece {
    let arguments = link.arguments.clone().unwrap_or_default();
    let expected = arguments.first().map_or(0..0, |first| first.start..arguments.last().map_or(first.end, |it| it.end));
    Piece { expected, strength: Some(Strength::Exact), ..Piece::default() }
}

fn of_matcher(tokens: &Tokens<'_>, subject: &Range<usize>, matcher: &Range<usize>) -> Vec<Piece> {
    let links = tokens.chain(matcher.clone());
    let demand = links.last().and_then(|it| words::demand(it.name)).unwrap_or(Demand::Is(Strength::Exact));
    let strength = match demand {
        Demand::Is(strength) | Demand::Near(strength) => strength,
        _ => Strength::Exact,
    };
    let strength =
        if links.iter().any(|it| matches!(it.name, "not" | "Not" | "is_not")) { negated(strength) } else { strength };
    vec![Piece { subject: subject.clone(), expected: matcher.clone(), strength: Some(strength), ..Piece::default() }]
}

/// `assertEqual(a, b)`, `assert_eq!(a, b)`, `assert.Equal(t, a, b)`, `EXPECT_EQ(a, b)`.
fn plain(tokens: &Tokens<'_>, links: &[Link<'_>]) -> Option<Vec<Piece>> {
    let last = links.last()?;
    let mut arguments = last.arguments.clone()?;
    let owner = links.len().checked_sub(2).map(|at| links[at].name);
    if !words::asserts(owner, last.name) {
        return None;
    }
    // Go passes the test itself first.
    let is_test_handle =
        |it: &Range<usize>| matches!(tokens.joined(it.clone()).as_str(), "t" | "tb" | "b" | "s . T ( )");
    if arguments.first().is_some_and(is_test_handle) {
        arguments.remove(0);
    }
    let demand = words::demand(last.name).unwrap_or(Demand::Is(Strength::Exact));
    Some(match demand {
        Demand::Condition => condition(tokens, arguments.first().cloned().unwrap_or_default()),
        // What is denied of a constant holds whatever the code does.
        Demand::Denial if arguments.first().is_some_and(|it| is_literal(tokens, it)) => {
            vec![Piece { strength: Some(Strength::Nothing), ..Piece::default() }]
        }
        Demand::Denial => vec![Piece {
            strength: condition(tokens, arguments.first()?.clone()).first().and_then(|it| it.strength).map(negated),
            subject: arguments.first()?.clone(),
            ..Piece::default()
        }],
        // What a mock was called with is expected as a whole.
        demand if last.name.to_lowercase().contains("call") => vec![demanded(tokens, &demand, Some(0..0), &arguments)],
        demand => vec![demanded(tokens, &demand, None, &arguments)],
    })
}

fn demanded(tokens: &Tokens<'_>, demand: &Demand, subject: Option<Range<usize>>, arguments: &[Range<usize>]) -> Piece {
    let all =
        |from: usize| arguments.get(from).map_or(0..0, |it| it.start..arguments.last().map_or(it.end, |it| it.end));
    match demand {
        Demand::Fails => Piece {
            exception: Some(all(0)).map(|range| exception(tokens, arguments, range)),
            subject: subject.unwrap_or_default(),
            strength: Some(if arguments.is_empty() { Strength::Partial } else { Strength::Exact }),
            ..Piece::default()
        },
        Demand::Is(strength) | Demand::Near(strength) => {
            let first_literal = arguments.first().is_some_and(|it| is_literal(tokens, it));
            let (looked_at, expected) = match subject {
                Some(subject) => (subject, all(0)),
                // Some libraries take what is expected first.
                None if arguments.len() > 1 && first_literal => (arguments[1].clone(), arguments[0].clone()),
                // What follows is a message, or how far off the value may be.
                None if arguments.len() > 1 => (arguments[0].clone(), arguments[1].clone()),
                None => (all(0).start..arguments.first().map_or(0, |it| it.end), all(1)),
            };
            let (looked_at, expected) =
                if looked_at.start > looked_at.end { (0..0, expected) } else { (looked_at, expected) };
            let is_same =
                arguments.len() > 1 && tokens.joined(arguments[0].clone()) == tokens.joined(arguments[1].clone());
            let is_constant = is_literal(tokens, &looked_at) && (expected.is_empty() || is_literal(tokens, &expected));
            let is_tautology = (is_same && *strength == Strength::Exact) || (is_constant && !looked_at.is_empty());
            let strength = if is_tautology { Strength::Nothing } else { near(tokens, &expected, *strength) };
            let tolerance = match demand {
                Demand::Near(_) => words::tolerance(tokens, arguments),
                _ if arguments.len() == 3 && is_literal(tokens, &arguments[2]) => words::tolerance(tokens, arguments),
                _ => approximate(tokens, &expected),
            };
            Piece { subject: looked_at, expected, strength: Some(strength), tolerance, ..Piece::default() }
        }
        Demand::Condition | Demand::Denial => {
            Piece { subject: all(0), strength: Some(Strength::Present), ..Piece::default() }
        }
    }
}

/// The error's type and what is demanded of its message, without the code that should fail.
fn exception(tokens: &Tokens<'_>, arguments: &[Range<usize>], all: Range<usize>) -> String {
    let is_code = |it: &Range<usize>| {
        tokens.slice(it.clone()).iter().any(|it| matches!(it.text, "=>" | "->" | "lambda" | "func"))
    };
    let kept = arguments.iter().filter(|it| !is_code(it)).take(2);
    let words: Vec<String> = kept.map(|it| tokens.joined(it.clone())).collect();
    if words.is_empty() && !all.is_empty() { String::new() } else { words.join(" , ") }
}

/// Takes a condition apart.
pub(super) fn condition(tokens: &Tokens<'_>, range: Range<usize>) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut open = vec![tokens.unwrapped(range)];
    while let Some(range) = open.pop() {
        let parts = tokens.split(range.clone(), |it| matches!(it.text, "and" | "&&"));
        if parts.len() > 1 && found.len() < 50 {
            open.extend(parts.into_iter().rev().map(|it| tokens.unwrapped(it)));
            continue;
        }
        let either = tokens.split(range.clone(), |it| matches!(it.text, "or" | "||"));
        if either.len() > 1 {
            let strengths = either.iter().map(|it| clause(tokens, tokens.unwrapped(it.clone())).strength);
            let weakest = strengths.flatten().min().unwrap_or(Strength::Present).min(Strength::Present);
            found.push(Piece { subject: range, strength: Some(weakest), ..Piece::default() });
        } else {
            found.push(clause(tokens, range));
        }
    }
    found
}

fn clause(tokens: &Tokens<'_>, range: Range<usize>) -> Piece {
    let slice = tokens.slice(range.clone());
    let weak = |strength| Piece { subject: range.clone(), strength: Some(strength), ..Piece::default() };
    if slice.first().is_some_and(|it| matches!(it.text, "not" | "!")) {
        let inner = clause_of(tokens, &tokens.unwrapped(range.start + 1..range.end));
        return Piece { strength: inner.strength.map(negated), ..inner };
    }
    if is_literal(tokens, &range) {
        let is_failure = matches!(slice.first().map(|it| it.text), Some("False" | "false" | "0"));
        // `assert False` marks a place that should not be reached.
        return weak(if is_failure { Strength::Exact } else { Strength::Nothing });
    }
    clause_of(tokens, &range)
}

/// A clause without a negation in front.
fn clause_of(tokens: &Tokens<'_>, range: &Range<usize>) -> Piece {
    let operator =
        tokens.top_level(range.clone()).into_iter().find(|at| *at > range.start && is_comparison(tokens, *at));
    let Some(at) = operator else { return bare(tokens, range) };
    let operator = tokens.slice(at..at + 1)[0].text;
    let next = tokens.slice(at + 1..range.end).first().map(|it| it.text);
    let is_negated_pair = matches!((operator, next), ("is", Some("not")) | ("not", Some("in")));
    let (left, right) = (range.start..at, at + 1 + usize::from(is_negated_pair)..range.end);
    let (subject, expected) =
        if is_literal(tokens, &left) && !is_literal(tokens, &right) { (right, left) } else { (left, right) };
    let expected_text = tokens.joined(expected.clone());
    let is_null = matches!(expected_text.as_str(), "None" | "null" | "nil" | "undefined" | "nullptr");
    let is_zero = expected_text == "0" || expected_text == "0.0";
    let strength = match operator {
        _ if tokens.joined(subject.clone()) == expected_text => {
            if matches!(operator, "==" | "===" | "is" | ">=" | "<=") { Strength::Nothing } else { Strength::Partial }
        }
        _ if is_literal(tokens, &subject) && is_literal(tokens, &expected) => Strength::Nothing,
        "is" if is_negated_pair && is_null => Strength::Present,
        "!=" | "!==" if is_null => Strength::Present,
        "==" | "===" => near(tokens, &expected, Strength::Exact),
        "is" if !is_negated_pair => Strength::Exact,
        ">" | ">=" if is_zero => Strength::Present,
        "instanceof" => Strength::Present,
        _ => Strength::Partial,
    };
    let is_distance =
        tokens.slice(subject.clone()).iter().take(4).any(|it| it.text.contains("abs") || it.text == "fabs");
    let tolerance = if is_distance && matches!(operator, "<" | "<=") {
        words::number(&expected_text)
    } else {
        approximate(tokens, &expected)
    };
    Piece { subject, expected, strength: Some(strength), tolerance, exception: None }
}

fn bare(tokens: &Tokens<'_>, range: &Range<usize>) -> Piece {
    let slice = tokens.slice(range.clone());
    let compares_inside = slice.iter().any(|it| {
        matches!(
            it.text,
            "==" | "==="
                | "equals"
                | "Equal"
                | "matches"
                | "DeepEqual"
                | "startswith"
                | "starts_with"
                | "endswith"
                | "ends_with"
                | "contains"
                | "includes"
        )
    });
    let strength = if is_literal(tokens, range) {
        Strength::Nothing
    } else if compares_inside {
        Strength::Partial
    } else {
        Strength::Present
    };
    Piece { subject: range.clone(), strength: Some(strength), ..Piece::default() }
}

fn is_comparison(tokens: &Tokens<'_>, at: usize) -> bool {
    let token = &tokens.slice(at..at + 1)[0];
    token.kind != Kind::Text
        && matches!(
            token.text,
            "==" | "==="
                | "!="
                | "!=="
                | "<"
                | "<="
                | ">"
                | ">="
                | "is"
                | "in"
                | "not"
                | "instanceof"
                | "is not"
                | "not in"
        )
}

fn near(tokens: &Tokens<'_>, expected: &Range<usize>, strength: Strength) -> Strength {
    let slice = tokens.slice(expected.clone());
    let anything = ["ANY", "anything", "any", "Anything"];
    if slice.iter().any(|it| anything.contains(&it.text)) && slice.len() <= 6 {
        return strength.min(Strength::Present);
    }
    if slice.iter().any(|it| words::is_approximation(it.text)) { strength.min(Strength::Partial) } else { strength }
}

fn approximate(tokens: &Tokens<'_>, expected: &Range<usize>) -> Option<f64> {
    let slice = tokens.slice(expected.clone());
    slice.iter().any(|it| words::is_approximation(it.text)).then(|| {
        let links = tokens.chain(expected.clone());
        let arguments = links.into_iter().find(|it| words::is_approximation(it.name)).and_then(|it| it.arguments);
        words::tolerance(tokens, &arguments.unwrap_or_default()).unwrap_or(words::DEFAULT_TOLERANCE)
    })
}

/// Says whether a range is one constant.
pub(super) fn is_literal(tokens: &Tokens<'_>, range: &Range<usize>) -> bool {
    let range = tokens.unwrapped(range.clone());
    let slice = tokens.slice(range);
    let is_sign = |text: &str| matches!(text, "-" | "+");
    match slice {
        [one] => {
            matches!(one.kind, Kind::Number | Kind::Text)
                || matches!(
                    one.text,
                    "True" | "False" | "None" | "true" | "false" | "null" | "nil" | "undefined" | "nullptr"
                )
        }
        [sign, one] => is_sign(sign.text) && one.kind == Kind::Number,
        _ => false,
    }
}

fn negated(strength: Strength) -> Strength {
    match strength {
        // Whoever denies what always holds says that the place is not reached.
        Strength::Nothing => Strength::Exact,
        Strength::NoFailure | Strength::Present => Strength::Present,
        Strength::Partial | Strength::Exact => Strength::Partial,
    }
}

/// Reads what is demanded where a test fails if a clause holds.
pub(super) fn denied(tokens: &Tokens<'_>, range: Range<usize>) -> Piece {
    let slice = tokens.slice(range.clone());
    if slice.first().is_some_and(|it| matches!(it.text, "!" | "not")) {
        let inner = clause(tokens, tokens.unwrapped(range.start + 1..range.end));
        let is_equality =
            slice.iter().any(|it| matches!(it.text, "DeepEqual" | "Equal" | "equals" | "Equals" | "EqualFold" | "Is"));
        return if is_equality { Piece { strength: Some(Strength::Exact), ..inner } } else { inner };
    }
    let piece = clause(tokens, range.clone());
    let operator = tokens.top_level(range).into_iter().find(|at| is_comparison(tokens, *at));
    let operator = operator.map(|at| tokens.slice(at..at + 1)[0].text);
    let expected = tokens.joined(piece.expected.clone());
    let is_null = matches!(expected.as_str(), "nil" | "null" | "None" | "undefined");
    let is_error = tokens.slice(piece.subject.clone()).iter().any(|it| it.text.to_lowercase().starts_with("err"));
    let strength = match operator {
        Some("!=" | "!==") if is_null && is_error => Strength::NoFailure,
        Some("!=" | "!==") => Strength::Exact,
        Some("==" | "===") if is_null => Strength::Present,
        Some(_) => Strength::Partial,
        None => Strength::Present,
    };
    Piece { strength: Some(strength), ..piece }
}
