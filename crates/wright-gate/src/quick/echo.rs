//! Refuses text that is there already: just below, just above, just deleted, or in the insertion itself again and again.
//!
//! Lines are compared without whitespace and only when they say something; a closing brace may well follow another.

use super::Found;
use super::trial::{Piece, Trial, squashed};

/// The code of an edit that types again what follows.
pub(super) const SUFFIX: &str = "echo-suffix";

/// The code of an edit that types again what stands above.
pub(super) const PREFIX: &str = "echo-prefix";

/// The code of an edit that types the same thing over and over.
pub(super) const REPETITION: &str = "repetition";

/// The code of an edit that brings back what the user deleted.
pub(super) const RESTORES_DELETED: &str = "restores-deleted";

/// A single line is an echo only when it has this many characters; shorter ones repeat in ordinary code.
const MIN_LINE_CHARS: usize = 10;

/// Lines compared at most.
const MAX_LINES: usize = 200;

/// Times that a line or a group of lines may follow itself before it counts as endless.
const MAX_REPEATS: usize = 3;

/// The longest group of lines looked at for repetition.
const MAX_PERIOD_LINES: usize = 6;

/// Refuses what equals a text that was deleted here.
pub(super) fn restores_deleted(trial: &Trial<'_>) -> Found {
    if trial.around.just_deleted.is_empty() {
        return None;
    }
    let deleted: Vec<_> = trial.around.just_deleted.iter().map(|it| squashed(it)).collect();
    let restored = trial.pieces.iter().find(|piece| {
        let inserted = squashed(trial.inserted(piece));
        !inserted.is_empty() && deleted.contains(&inserted)
    });
    let finding = |piece: &Piece| {
        trial.finding(RESTORES_DELETED, piece.inserted.start, "brings back what was deleted here a moment ago")
    };
    Some(restored.map(finding).into_iter().collect())
}

/// Refuses what equals the text that follows.
pub(super) fn suffix(trial: &Trial<'_>) -> Found {
    let echo = trial.pieces.iter().find(|piece| {
        let repeats_rest = repeats_rest_of_line(trial.inserted(piece), &trial.after[piece.inserted.end..]);
        let after = &trial.after;
        let is_echo = echoes_below(after, &trial.touched_lines(piece));
        let is_deletion = trial.inserted(piece).trim().is_empty();
        !is_deletion && (repeats_rest || is_echo && !echoes_below(trial.doc().text(), &trial.replaced_lines(piece)))
    });
    let finding = |piece: &Piece| trial.finding(SUFFIX, piece.inserted.start, "repeats the text that follows");
    Some(echo.map(finding).into_iter().collect())
}

/// Refuses what equals the lines directly above.
pub(super) fn prefix(trial: &Trial<'_>) -> Found {
    let echo = trial.pieces.iter().find(|piece| {
        !trial.inserted(piece).trim().is_empty()
            && echoes_above(&trial.after, &trial.touched_lines(piece))
            && !echoes_above(trial.doc().text(), &trial.replaced_lines(piece))
    });
    let finding = |piece: &Piece| trial.finding(PREFIX, piece.inserted.start, "repeats the lines above");
    Some(echo.map(finding).into_iter().collect())
}

/// Refuses lines, or parts of a line, that follow themselves without end.
pub(super) fn repetition(trial: &Trial<'_>) -> Found {
    let endless = trial.pieces.iter().find(|piece| {
        let text = trial.inserted(piece);
        let is_endless = repeats_lines(text) || text.lines().take(MAX_LINES).any(repeats_within);
        let removed = trial.removed(piece);
        is_endless && !(repeats_lines(removed) || removed.lines().take(MAX_LINES).any(repeats_within))
    });
    let finding = |piece: &Piece| trial.finding(REPETITION, piece.inserted.start, "repeats itself");
    Some(endless.map(finding).into_iter().collect())
}

/// Returns whether the last inserted line ends with what stands behind it on the same line.
fn repeats_rest_of_line(inserted: &str, following: &str) -> bool {
    let rest = following.lines().next().unwrap_or_default().trim();
    let last = inserted.lines().next_back().unwrap_or_default().trim_end();
    rest.chars().filter(|it| it.is_alphanumeric()).count() >= 3 && last.ends_with(rest)
}

fn echoes_below(text: &str, lines: &std::ops::Range<usize>) -> bool {
    let own = said_lines(&text[lines.clone()]).collect::<Vec<_>>();
    let below = said_lines(&text[lines.end..]).take(own.len().max(1)).collect::<Vec<_>>();
    let (Some(first), Some(next)) = (own.first(), below.first()) else { return false };
    let starts_the_same = first == next && is_telling(first);
    let is_all_there = own.len() <= below.len() && own.iter().zip(&below).all(|(a, b)| a == b);
    let is_formatted_anew = own.len() >= 2 && {
        let own = own.concat();
        below_text(&text[lines.end..], own.len()).starts_with(&own) && is_telling(&own)
    };
    starts_the_same || (own.len() >= 2 && is_all_there) || is_formatted_anew || overlaps(&own, &below)
}

/// Returns whether the end of one list of lines is the start of the other, by two lines or more.
fn overlaps(own: &[String], below: &[String]) -> bool {
    (2..=own.len().min(below.len())).any(|n| {
        let (tail, head) = (&own[own.len() - n..], &below[..n]);
        tail == head && tail.iter().any(|it| is_telling(it))
    })
}

fn below_text(text: &str, n_bytes: usize) -> String {
    let mut below = String::with_capacity(n_bytes + 4);
    for character in text.chars().filter(|it| !it.is_whitespace()) {
        if below.len() >= n_bytes {
            break;
        }
        below.push(character);
    }
    below
}

fn echoes_above(text: &str, lines: &std::ops::Range<usize>) -> bool {
    let own = said_lines(&text[lines.clone()]).collect::<Vec<_>>();
    let mut above = text[..lines.start].lines().rev().map(squashed).filter(|it| !it.is_empty());
    is_telling(&own.concat()) && own.iter().rev().all(|it| above.next().as_ref() == Some(it))
}

fn repeats_lines(text: &str) -> bool {
    let lines = said_lines(text).collect::<Vec<_>>();
    (1..=MAX_PERIOD_LINES).any(|period| {
        let mut n_same = 0;
        (period..lines.len()).any(|at| {
            n_same = if lines[at] == lines[at - period] { n_same + 1 } else { 0 };
            let is_endless = n_same >= period * (MAX_REPEATS - 1);
            is_endless && lines[at + 1 - period..=at].iter().any(|it| is_telling(it))
        })
    })
}

/// Returns whether a line ends in the same words six times.
fn repeats_within(line: &str) -> bool {
    const TIMES: usize = 6;
    let bytes = line.trim_end().as_bytes();
    let bytes = &bytes[bytes.len().saturating_sub(600)..];
    (8..=bytes.len() / TIMES).any(|period| {
        let tail = &bytes[bytes.len() - period * TIMES..];
        let n_letters = tail[..period].iter().filter(|it| it.is_ascii_alphabetic()).count();
        n_letters >= 5 && tail[period..] == tail[..tail.len() - period]
    })
}

/// Returns the lines that are not blank, without whitespace.
fn said_lines(text: &str) -> impl Iterator<Item = String> {
    text.lines().map(squashed).filter(|it| !it.is_empty()).take(MAX_LINES)
}

/// Returns whether a line without whitespace says enough to be recognized.
fn is_telling(line: &str) -> bool {
    let n_chars = line.chars().count();
    let n_letters = line.chars().filter(|it| it.is_alphabetic()).count();
    n_chars >= MIN_LINE_CHARS && n_letters >= 5
}

#[cfg(test)]
mod tests {
    use super::super::Surroundings;
    use super::super::trial::tests;
    use super::*;

    fn codes(marked: &str, insert: &str) -> Vec<&'static str> {
        tests::codes("notes.unknown", marked, insert, &Surroundings::default())
    }

    #[test]
    fn a_line_that_follows_is_an_echo_whatever_its_spacing() {
        assert_eq!(codes("a\n║\n  total = add(1, 2)\n", "total = add(1,2)"), [SUFFIX]);
        assert_eq!(codes("a\n║\n  total = add(1, 2)\n", "total = add(1,2)\nshow(total)"), [SUFFIX]);
        assert_eq!(codes("a\n║\ntotal = add(1,\n  2)\nend\n", "total =\n  add(1, 2)"), [SUFFIX]);
        assert_eq!(codes("a\n║\ntotal = 1\nshow(total)\n", "begin()\ntotal = 1\nshow(total)"), [SUFFIX]);
        assert_eq!(codes("{{\n║\n}\n", "}"), [""; 0], "a closer may follow a closer");
        assert_eq!(codes("x = 1\n║\n\nx = 2\n", "total = add(1, 2)"), [""; 0]);
    }

    #[test]
    fn the_rest_of_the_line_is_not_typed_again() {
        assert_eq!(codes("call(║first, second)\n", "zero, first, second)"), [SUFFIX]);
        assert_eq!(codes("call(║)\n", "first)"), ["brackets"]);
    }

    #[test]
    fn the_lines_above_are_not_typed_again() {
        assert_eq!(codes("total = add(1, 2)\n║\n", "total = add(1, 2)\n"), [PREFIX]);
        assert_eq!(codes("first = 1\nsecond = 2\n\n║", "first = 1\nsecond = 2\n"), [PREFIX]);
        assert_eq!(codes("0, 0, 0, 0, 0, 0,\n║\n", "0, 0, 0, 0, 0, 0,\n"), [""; 0], "numbers repeat");
    }

    #[test]
    fn a_replacement_that_leaves_an_echo_as_it_was_is_not_to_blame() {
        assert_eq!(codes("║call(value)║\ncall(value)\n", "call( value )"), [""; 0]);
        assert_eq!(codes("║call(other)║\ncall(value)\n", "call(value)"), [SUFFIX]);
    }

    #[test]
    fn what_repeats_without_end_is_refused() {
        assert_eq!(codes("║", "print(value)\nprint(value)\nprint(value)\n"), [REPETITION]);
        assert_eq!(codes("║", "first_step()\nsecond_step()\n".repeat(3).as_str()), [REPETITION]);
        assert_eq!(codes("║", &format!("x = {}", "value or ".repeat(7))), [REPETITION]);
        assert_eq!(codes("║", "[\n[\n[\n]\n]\n]\n"), [""; 0]);
        assert_eq!(codes("║", "print(value)\nprint(other)\nprint(value)\n"), [""; 0]);
    }

    #[test]
    fn what_was_deleted_does_not_come_back() {
        let around = Surroundings { just_deleted: &["  total = 1\n"], ..Surroundings::default() };
        assert_eq!(tests::codes("a.unknown", "x\n║", "total  = 1", &around), [RESTORES_DELETED]);
        assert_eq!(tests::codes("a.unknown", "x\n║", "total = 2", &around), [""; 0]);
    }
}
