//! Which test of the state before is which test after: by name, and where the name is gone, by what it does.
//!
//! A test that moved, was renamed, split, merged into a parametrized one, or written for another framework is still there.

use std::collections::{BTreeMap, BTreeSet};

use super::inventory::{Inventory, TestCase};

/// How alike two tests must be to be the same one under another name.
const ALIKE: f64 = 0.6;

/// How much of a test must be found in others for it to count as taken up by them.
const TAKEN_UP: f64 = 0.7;

/// Pairs of tests that are compared by content at most.
const MAX_COMPARISONS: usize = 40_000;

/// The tests of both sides, paired.
#[derive(Debug, Default)]
pub(crate) struct Pairing<'a> {
    pub(crate) pairs: Vec<(&'a TestCase, &'a TestCase)>,
    pub(crate) removed: Vec<&'a TestCase>,
    pub(crate) added: Vec<&'a TestCase>,
}

/// Pairs the tests of two inventories.
pub(crate) fn pair<'a>(before: &'a Inventory, after: &'a Inventory) -> Pairing<'a> {
    let mut pairing =
        Pairing { removed: before.tests.iter().collect(), added: after.tests.iter().collect(), ..Pairing::default() };
    take_equal(&mut pairing, |it| format!("{}\n{}", it.path.display(), it.id));
    take_equal(&mut pairing, |it| it.id.clone());
    take_equal(&mut pairing, |it| format!("{}\n{}", it.path.display(), it.name));
    take_alike(&mut pairing);
    pairing
}

fn take_equal(pairing: &mut Pairing<'_>, key: impl Fn(&TestCase) -> String) {
    let mut by_key: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, test) in pairing.added.iter().enumerate().rev() {
        by_key.entry(key(test)).or_default().push(index);
    }
    let mut taken = vec![false; pairing.added.len()];
    let pairs = &mut pairing.pairs;
    let added = &pairing.added;
    pairing.removed.retain(|test| {
        let Some(index) = by_key.get_mut(&key(test)).and_then(Vec::pop) else { return true };
        taken[index] = true;
        pairs.push((test, added[index]));
        false
    });
    let mut index = 0;
    pairing.added.retain(|_| {
        index += 1;
        !taken[index - 1]
    });
}

fn take_alike(pairing: &mut Pairing<'_>) {
    if pairing.removed.len() * pairing.added.len() > MAX_COMPARISONS {
        return;
    }
    let mut scores = Vec::new();
    for (old, before) in pairing.removed.iter().enumerate() {
        for (new, after) in pairing.added.iter().enumerate() {
            let score = similarity(before, after);
            if score >= ALIKE {
                scores.push((score, old, new));
            }
        }
    }
    scores.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
    let (mut old_taken, mut new_taken) = (vec![false; pairing.removed.len()], vec![false; pairing.added.len()]);
    for (_, old, new) in scores {
        if !old_taken[old] && !new_taken[new] {
            (old_taken[old], new_taken[new]) = (true, true);
            pairing.pairs.push((pairing.removed[old], pairing.added[new]));
        }
    }
    let mut old = old_taken.into_iter();
    pairing.removed.retain(|_| !old.next().unwrap_or(false));
    let mut new = new_taken.into_iter();
    pairing.added.retain(|_| !new.next().unwrap_or(false));
}

/// The share of the tokens that two tests have in common.
fn similarity(a: &TestCase, b: &TestCase) -> f64 {
    let common = shared(&a.facts.words, &b.facts.words);
    let total = a.facts.words.values().sum::<usize>() + b.facts.words.values().sum::<usize>();
    if total == 0 { 0.0 } else { 2.0 * as_float(common) / as_float(total) }
}

fn shared(a: &BTreeMap<String, usize>, b: &BTreeMap<String, usize>) -> usize {
    a.iter().map(|(word, count)| b.get(word).map_or(0, |it| (*it).min(*count))).sum()
}

fn as_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Says whether what a removed test does is done by tests that are new or have grown.
pub(crate) fn is_taken_up(removed: &TestCase, pairing: &Pairing<'_>) -> bool {
    if pairing.removed.len() * (pairing.pairs.len() + pairing.added.len()) > MAX_COMPARISONS {
        return false;
    }
    let words = &removed.facts.words;
    let demands = removed.facts.effective().count();
    let is_in = |gained: &BTreeMap<String, usize>| {
        let is_telling = |word: &str| word.len() > 2 || word.chars().all(|it| it.is_ascii_digit());
        let telling = words.keys().filter(|it| is_telling(it));
        let found = telling.clone().filter(|it| gained.contains_key(*it)).count();
        let total = telling.count();
        total > 0 && as_float(found) / as_float(total) >= TAKEN_UP
    };
    let is_again = |it: &&TestCase| similarity(removed, it) >= 0.9 && literals_in(words, &it.facts.words, 1.0);
    if pairing.pairs.iter().map(|it| it.1).any(|it| is_again(&it)) {
        return true;
    }
    let new = pairing.added.iter().any(|it| it.facts.effective().count() >= demands.min(1) && is_in(&it.facts.words));
    new || pairing.pairs.iter().any(|(before, after)| {
        let has_grown = after.facts.effective().count() > before.facts.effective().count()
            || after.facts.rows.len() > before.facts.rows.len();
        if !has_grown {
            return false;
        }
        let mut gained: BTreeMap<String, usize> = BTreeMap::new();
        for (word, count) in &after.facts.words {
            if *count > before.facts.words.get(word).copied().unwrap_or(0) {
                gained.insert(word.clone(), *count);
            }
        }
        // Names that both use are no news, but the inputs and results must be.
        is_in(&after.facts.words) && literals_in(words, &gained, 0.5)
    })
}

/// Says whether a share of the literals of a test is found elsewhere.
fn literals_in(words: &BTreeMap<String, usize>, gained: &BTreeMap<String, usize>, share: f64) -> bool {
    let is_literal =
        |it: &&String| it.starts_with(|first: char| first.is_ascii_digit() || matches!(first, '"' | '\'' | '`'));
    let literals: Vec<&String> = words.keys().filter(is_literal).collect();
    let found = literals.iter().filter(|it| gained.contains_key(**it)).count();
    as_float(found) >= share * as_float(literals.len())
}

/// Returns the new test that took a removed one's place: with a similar name, and as firm.
pub(crate) fn successor<'a>(removed: &TestCase, pairing: &Pairing<'a>) -> Option<&'a TestCase> {
    let firm = |it: &TestCase| it.facts.effective().map(|it| it.strength).max();
    let words = name_words(&removed.name);
    let is_successor = |it: &&TestCase| {
        let others = name_words(&it.name);
        let common = words.intersection(&others).count();
        it.path == removed.path && 2 * common >= words.union(&others).count() && firm(it) >= firm(removed)
    };
    pairing.added.iter().copied().find(|it| is_successor(it))
}

fn name_words(name: &str) -> BTreeSet<String> {
    let mut spaced = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        if letter.is_uppercase() || !letter.is_alphanumeric() {
            spaced.push(' ');
        }
        spaced.extend(letter.to_lowercase());
    }
    spaced
        .split(|it: char| !it.is_alphanumeric())
        .filter(|it| !it.is_empty() && *it != "test")
        .map(str::to_owned)
        .collect()
}
