//! Which assertion of a test before a change is which one after it.

use std::collections::BTreeSet;

use super::assertion::{Assertion, Reach};

/// Assertions of one test that are compared by content at most.
const MAX_COMPARED: usize = 300;

/// The assertions of both sides of one test, paired.
#[derive(Debug, Default)]
pub(super) struct Pairs<'a> {
    /// Those that differ and are about the same thing.
    pub(super) changed: Vec<(&'a Assertion, &'a Assertion)>,
    pub(super) lost: Vec<&'a Assertion>,
    pub(super) gained: Vec<&'a Assertion>,
}

/// Pairs assertions: equal ones first, then the closest ones, wherever they stand.
pub(super) fn pair<'a>(old: &'a [Assertion], new: &'a [Assertion]) -> Pairs<'a> {
    let mut lost: Vec<&Assertion> = old.iter().filter(|it| it.is_effective()).collect();
    let mut gained: Vec<&Assertion> = new.iter().collect();
    drop_equal(&mut lost, &mut gained);
    let mut scores = Vec::new();
    for (old, before) in lost.iter().enumerate().take(MAX_COMPARED) {
        for (new, after) in gained.iter().enumerate().take(MAX_COMPARED) {
            let score = closeness(before, after);
            if score > 0.0 {
                scores.push((score, old, new));
            }
        }
    }
    scores.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut old_taken, mut new_taken) = (vec![false; lost.len()], vec![false; gained.len()]);
    let mut changed = Vec::new();
    for (_, old, new) in scores {
        if !old_taken[old] && !new_taken[new] {
            (old_taken[old], new_taken[new]) = (true, true);
            changed.push((lost[old], gained[new]));
        }
    }
    let left = |all: Vec<&'a Assertion>, taken: Vec<bool>| {
        all.into_iter().zip(taken).filter(|it| !it.1).map(|it| it.0).collect::<Vec<_>>()
    };
    Pairs { changed, lost: left(lost, old_taken), gained: left(gained, new_taken) }
}

/// Takes out what is on both sides, with the same reach.
fn drop_equal(lost: &mut Vec<&Assertion>, gained: &mut Vec<&Assertion>) {
    lost.retain(|old| {
        let is_same = |new: &&Assertion| new.text == old.text && (new.reach == old.reach || new.reach == Reach::Always);
        gained.iter().position(is_same).map(|at| gained.swap_remove(at)).is_none()
    });
}

fn closeness(old: &Assertion, new: &Assertion) -> f64 {
    let has_subject = !old.subject.is_empty();
    let is_same_subject = has_subject && without_space(&new.subject) == without_space(&old.subject);
    let is_within = has_subject && new.subject.len() > 2 && contains_words(&old.text, &new.subject);
    let both_fail = old.exception.is_some() && new.exception.is_some();
    let shared = overlap(&old.text, &new.text);
    match (new.text == old.text, is_same_subject, both_fail, is_within) {
        (true, _, _, _) => 5.0,
        (_, true, _, _) => 3.0 + shared,
        (_, _, true, _) => 2.0 + shared,
        (_, _, _, true) => 1.0 + shared,
        _ if shared >= 0.5 => shared,
        _ => 0.0,
    }
}

/// The share of words that two texts have in common.
fn overlap(a: &str, b: &str) -> f64 {
    let (a, b) = (words(a), words(b));
    let count = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    count(a.intersection(&b).count()) / count(a.union(&b).count().max(1))
}

fn words(text: &str) -> BTreeSet<&str> {
    text.split(' ').filter(|it| it.len() > 1).collect()
}

fn contains_words(text: &str, part: &str) -> bool {
    format!(" {text} ").contains(&format!(" {part} "))
}

/// Returns a text without the spaces between its tokens.
pub(super) fn without_space(text: &str) -> String {
    text.replace(' ', "")
}
