//! Collects candidate edits and puts the most usual mistakes first.

use std::collections::HashMap;
use std::ops::Range;

use super::SyntaxEditKind;
use crate::edit::{Edit, Replacement};

/// How many candidates are kept per tier for each edit that is wanted: some will be refused, and a cut must be fair to
/// the end of a long function.
const N_CANDIDATES_PER_EDIT: usize = 8;

/// How usual a mistake is; an edit of an earlier tier comes before all edits of a later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Tier {
    /// Slips: an operator, an offset, an order, a name.
    Slip,
    /// Something left out or put in the wrong place.
    Omission,
    /// Worth trying when nothing else helped.
    Guess,
}

pub(super) struct Candidate {
    pub(super) edit: Edit,
    pub(super) kind: SyntaxEditKind,
    tier: Tier,
    /// How many candidates of the tier for the same place came before.
    rank: usize,
}

pub(super) struct Candidates<'t> {
    text: &'t str,
    max_per_tier: usize,
    found: Vec<Candidate>,
    n_by_tier: [usize; 3],
    n_by_place: HashMap<(Tier, usize, usize), usize>,
}

impl<'t> Candidates<'t> {
    pub(super) fn new(text: &'t str, max_edits: usize) -> Candidates<'t> {
        let max_per_tier = max_edits.saturating_mul(N_CANDIDATES_PER_EDIT);
        Candidates { text, max_per_tier, found: Vec::new(), n_by_tier: [0; 3], n_by_place: HashMap::new() }
    }

    /// Adds the replacement of one range, unless it changes nothing.
    pub(super) fn replace(&mut self, kind: SyntaxEditKind, tier: Tier, range: Range<usize>, text: impl Into<String>) {
        let text = text.into();
        if self.text.get(range.clone()) != Some(&text) {
            self.add(kind, tier, Edit::single(range, text));
        }
    }

    /// Adds the exchange of two ranges that do not overlap.
    pub(super) fn swap(&mut self, kind: SyntaxEditKind, tier: Tier, first: Range<usize>, second: Range<usize>) {
        let (Some(a), Some(b)) = (self.text.get(first.clone()), self.text.get(second.clone())) else { return };
        if a != b {
            self.replace_all(kind, tier, vec![(first, b.to_owned()), (second, a.to_owned())]);
        }
    }

    /// Adds several replacements that belong together.
    pub(super) fn replace_all(&mut self, kind: SyntaxEditKind, tier: Tier, replacements: Vec<(Range<usize>, String)>) {
        let mut replacements: Vec<Replacement> =
            replacements.into_iter().map(|(range, text)| Replacement { range, text }).collect();
        replacements.sort_by_key(|replacement| (replacement.range.start, replacement.range.end));
        if let Ok(edit) = Edit::new(replacements) {
            self.add(kind, tier, edit);
        }
    }

    fn add(&mut self, kind: SyntaxEditKind, tier: Tier, edit: Edit) {
        let n_in_tier = &mut self.n_by_tier[tier as usize];
        let fits = edit.replacements().iter().all(|replacement| self.text.get(replacement.range.clone()).is_some());
        if *n_in_tier >= self.max_per_tier || !fits {
            return;
        }
        *n_in_tier += 1;
        let range = edit.range();
        let n_before = self.n_by_place.entry((tier, range.start, range.end)).or_default();
        self.found.push(Candidate { edit, kind, tier, rank: *n_before });
        *n_before += 1;
    }

    /// Returns the candidates by tier; within a tier every place gives its first before any gives its second.
    pub(super) fn into_sorted(mut self) -> Vec<Candidate> {
        self.found.sort_by_key(|candidate| (candidate.tier, candidate.rank));
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_gives_its_first_candidate_before_any_gives_its_second() {
        let mut candidates = Candidates::new("ab", 10);
        candidates.replace(SyntaxEditKind::Variable, Tier::Omission, 0..1, "x");
        for text in ["x", "y"] {
            candidates.replace(SyntaxEditKind::Variable, Tier::Slip, 0..1, text);
        }
        candidates.replace(SyntaxEditKind::Variable, Tier::Slip, 1..2, "z");
        let texts: Vec<_> = candidates.into_sorted().iter().map(|found| found.edit.apply("ab").unwrap()).collect();
        assert_eq!(texts, ["xb", "az", "yb", "xb"]);
    }

    #[test]
    fn what_changes_nothing_or_cuts_a_character_is_not_kept() {
        let mut candidates = Candidates::new("é", 10);
        candidates.replace(SyntaxEditKind::Variable, Tier::Slip, 0..2, "é");
        candidates.replace(SyntaxEditKind::Variable, Tier::Slip, 0..1, "x");
        candidates.replace(SyntaxEditKind::Variable, Tier::Slip, 2..9, "x");
        assert!(candidates.into_sorted().is_empty());
    }
}
