//! Which slot of the KV cache a prompt takes, so that as little of it as possible is read again.
//!
//! Pure bookkeeping: it knows which tokens each slot's cells hold and decides; `scheduler.rs` moves the cells.

use super::llama::Token;

/// The slots of one context.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    clock: u64,
}

/// One lane of the cache.
#[derive(Debug, Default)]
struct Slot {
    /// The tokens whose cells are in the cache, from position 0.
    tokens: Vec<Token>,
    is_busy: bool,
    last_used: u64,
}

/// Where a prompt goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Placement {
    /// The slot, which is now busy.
    pub(super) slot: usize,
    /// The slot whose beginning is to be copied into an emptied `slot`; `None` when `slot` has it itself.
    pub(super) copy_from: Option<usize>,
    /// How many tokens of the prompt need not be read.
    pub(super) n_reused: usize,
}

impl Slots {
    /// Returns `n_slots` empty slots.
    pub(super) fn new(n_slots: usize) -> Self {
        Self { slots: (0..n_slots).map(|_| Slot::default()).collect(), clock: 0 }
    }

    /// Takes a slot for `prompt`, of which at most `max_reuse` tokens may come from the cache. Returns `None` when every
    /// slot is busy.
    pub(super) fn place(&mut self, prompt: &[Token], max_reuse: usize) -> Option<Placement> {
        let reusable = &prompt[..max_reuse.min(prompt.len())];
        let (source, n_shared) = self.longest_shared(reusable);
        let placement = if n_shared > 0 && self.may_overwrite(source, n_shared) {
            Placement { slot: source, copy_from: None, n_reused: n_shared }
        } else {
            let slot = self.least_recently_used(source)?;
            let copy_from = (n_shared > 0 && slot != source).then_some(source);
            Placement { slot, copy_from, n_reused: n_shared }
        };
        self.take(placement.slot, &reusable[..placement.n_reused]);
        Some(placement)
    }

    /// Notes that `tokens` were read into a slot after those it has.
    pub(super) fn extend(&mut self, slot: usize, tokens: &[Token]) {
        self.slots[slot].tokens.extend_from_slice(tokens);
    }

    /// Notes that a slot keeps only its first `n_tokens` tokens.
    pub(super) fn truncate(&mut self, slot: usize, n_tokens: usize) {
        self.slots[slot].tokens.truncate(n_tokens);
    }

    /// Gives a slot back; its tokens stay for the next prompt.
    pub(super) fn release(&mut self, slot: usize) {
        self.clock += 1;
        self.slots[slot].is_busy = false;
        self.slots[slot].last_used = self.clock;
    }

    /// Empties the idle slot that was not used for the longest time, and returns it.
    pub(super) fn evict(&mut self) -> Option<usize> {
        let slot = self
            .idle()
            .filter(|&idx| !self.slots[idx].tokens.is_empty())
            .min_by_key(|&idx| self.slots[idx].last_used)?;
        self.slots[slot].tokens.clear();
        Some(slot)
    }

    /// Returns how many tokens each slot holds.
    pub(super) fn lengths(&self) -> Vec<usize> {
        self.slots.iter().map(|slot| slot.tokens.len()).collect()
    }

    /// Returns the slot that shares the longest beginning with `prompt`, and how long that is. Idle slots win ties.
    fn longest_shared(&self, prompt: &[Token]) -> (usize, usize) {
        let shared = |idx: usize| shared_len(&self.slots[idx].tokens, prompt);
        (0..self.slots.len())
            .map(|idx| (idx, shared(idx)))
            .max_by_key(|&(idx, n_shared)| (n_shared, !self.slots[idx].is_busy, self.slots[idx].last_used))
            .unwrap_or((0, 0))
    }

    /// Returns whether a prompt that shares `n_shared` tokens may replace the rest of what the slot holds. Where it would
    /// lose more than it shares, it takes another slot: sharing cells costs nothing, reading them again does.
    fn may_overwrite(&self, slot: usize, n_shared: usize) -> bool {
        let n_lost = self.slots[slot].tokens.len() - n_shared;
        !self.slots[slot].is_busy && n_lost <= n_shared
    }

    /// Returns an idle slot to use instead of `source`: an empty one, or the one that was not used for the longest time.
    fn least_recently_used(&self, source: usize) -> Option<usize> {
        let rank = |&idx: &usize| {
            let slot = &self.slots[idx];
            (idx == source, !slot.tokens.is_empty(), slot.last_used)
        };
        self.idle().min_by_key(rank)
    }

    fn idle(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.slots.len()).filter(|&idx| !self.slots[idx].is_busy)
    }

    /// Marks a slot as busy with these tokens.
    fn take(&mut self, slot: usize, tokens: &[Token]) {
        let slot = &mut self.slots[slot];
        slot.tokens.clear();
        slot.tokens.extend_from_slice(tokens);
        slot.is_busy = true;
    }
}

/// Returns how many tokens two sequences have in common at their beginning.
pub(super) fn shared_len(a: &[Token], b: &[Token]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns tokens `from..to`.
    fn tokens(from: Token, to: Token) -> Vec<Token> {
        (from..to).collect()
    }

    /// Returns slots that hold these tokens and are idle, the first used longest ago.
    fn slots_with(contents: &[Vec<Token>]) -> Slots {
        let mut slots = Slots::new(contents.len());
        for (idx, content) in contents.iter().enumerate() {
            slots.take(idx, content);
            slots.release(idx);
        }
        slots
    }

    fn placed(slot: usize, copy_from: Option<usize>, n_reused: usize) -> Option<Placement> {
        Some(Placement { slot, copy_from, n_reused })
    }

    #[test]
    fn a_first_prompt_takes_an_empty_slot_and_reuses_nothing() {
        assert_eq!(Slots::new(4).place(&tokens(0, 10), 9), placed(0, None, 0));
    }

    #[test]
    fn a_grown_prompt_continues_in_its_own_slot() {
        let mut slots = slots_with(&[tokens(500, 600), tokens(0, 100)]);
        assert_eq!(slots.place(&tokens(0, 110), 109), placed(1, None, 100));
    }

    #[test]
    fn the_last_token_is_read_again_because_its_logits_are_needed() {
        let mut slots = slots_with(&[tokens(0, 100)]);
        assert_eq!(slots.place(&tokens(0, 100), 99), placed(0, None, 99));
        assert_eq!(slots.lengths(), [99]);
    }

    #[test]
    fn a_short_shared_beginning_does_not_cost_a_long_prompt_its_cells() {
        let mut slots = slots_with(&[tokens(0, 1000), Vec::new()]);
        let mut prompt = tokens(0, 50);
        prompt.extend(tokens(5000, 5100));
        assert_eq!(slots.place(&prompt, 149), placed(1, Some(0), 50));
        assert_eq!(slots.lengths(), [1000, 50]);
    }

    #[test]
    fn a_busy_slot_lends_its_beginning() {
        let mut slots = slots_with(&[tokens(0, 100), Vec::new()]);
        assert_eq!(slots.place(&tokens(0, 100), 99), placed(0, None, 99));
        assert_eq!(slots.place(&tokens(0, 120), 119), placed(1, Some(0), 99));
    }

    #[test]
    fn the_moving_hole_of_a_repair_keeps_its_growing_prefix() {
        let mut slots = Slots::new(4);
        let mut n_read = 0;
        for hole in 0..20 {
            let mut prompt = tokens(0, 300 + hole * 10);
            prompt.extend(tokens(9000 + hole * 10, 9200));
            let placement = slots.place(&prompt, prompt.len() - 1).unwrap();
            n_read += prompt.len() - placement.n_reused;
            slots.extend(placement.slot, &prompt[placement.n_reused..]);
            slots.release(placement.slot);
        }
        assert_eq!(n_read, 500 + (1..20).map(|hole| 10 + 200 - hole * 10).sum::<i32>() as usize);
    }

    #[test]
    fn the_least_recently_used_slot_is_taken_when_nothing_is_shared() {
        let mut slots = slots_with(&[tokens(0, 10), tokens(20, 30)]);
        assert_eq!(slots.place(&tokens(0, 12), 11), placed(0, None, 10));
        slots.release(0);
        assert_eq!(slots.place(&tokens(50, 60), 9), placed(1, None, 0));
    }

    #[test]
    fn nothing_is_placed_while_every_slot_is_busy() {
        let mut slots = slots_with(&[tokens(0, 10)]);
        assert!(slots.place(&tokens(0, 12), 11).is_some());
        assert_eq!(slots.place(&tokens(0, 12), 11), None);
    }

    #[test]
    fn eviction_empties_idle_slots_from_the_oldest_on() {
        let mut slots = slots_with(&[tokens(0, 10), tokens(20, 30), tokens(40, 50)]);
        assert!(slots.place(&tokens(20, 31), 10).is_some());
        assert_eq!([slots.evict(), slots.evict(), slots.evict()], [Some(0), Some(2), None]);
        assert_eq!(slots.lengths(), [0, 10, 0]);
    }
}
