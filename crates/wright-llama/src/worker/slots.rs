//! Which slot of the KV cache a prompt takes, so that as little of it as possible is read again.
//!
//! Pure bookkeeping: it knows which tokens each slot's cells hold and decides; `scheduler.rs` moves the cells. What has to
//! make room belongs to the client that holds most, so that nobody's work drives out everybody else's.

use std::cmp::Reverse;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use wright_provider::ClientId;

use super::model::Token;

/// A client's slots are no longer protected from others' when it was away for this long.
const STALE_AFTER: Duration = Duration::from_secs(600);

/// The slots of a model, which the scheduler changes and others look at.
pub(super) type SharedSlots = Arc<Mutex<Slots>>;

/// For whom a prompt is read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Owner {
    /// Who asks.
    pub(super) client: ClientId,
    /// What its reading is saved for.
    pub(super) scope: Option<String>,
}

/// The slots of one context.
#[derive(Debug)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    clock: u64,
    started: Instant,
}

/// One lane of the cache.
#[derive(Debug, Default)]
struct Slot {
    /// The tokens whose cells are in the cache, from position 0.
    tokens: Vec<Token>,
    is_busy: bool,
    owner: Owner,
    /// Counts up with every use of any slot.
    last_used: u64,
    /// The time of the last use, since the slots were made.
    last_used_at: Duration,
    /// Whether what it holds was saved, or came from there.
    is_saved: bool,
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
        Self { slots: (0..n_slots).map(|_| Slot::default()).collect(), clock: 0, started: Instant::now() }
    }

    /// Takes a slot for `prompt`, of which at most `max_reuse` tokens may come from the cache. Returns `None` when every
    /// slot is busy.
    pub(super) fn place(&mut self, prompt: &[Token], max_reuse: usize, owner: &Owner) -> Option<Placement> {
        let reusable = &prompt[..max_reuse.min(prompt.len())];
        let (source, n_shared) = self.longest_shared(reusable);
        let placement = if n_shared > 0 && self.may_overwrite(source, n_shared) {
            Placement { slot: source, copy_from: None, n_reused: n_shared }
        } else {
            let slot = self.most_dispensable(Some(source), owner.client)?;
            let copy_from = (n_shared > 0 && slot != source).then_some(source);
            Placement { slot, copy_from, n_reused: n_shared }
        };
        self.take(placement.slot, &reusable[..placement.n_reused], owner);
        Some(placement)
    }

    /// Returns how many tokens at the beginning of `prompt` some slot holds.
    pub(super) fn n_shared(&self, prompt: &[Token]) -> usize {
        self.longest_shared(prompt).1
    }

    /// Returns whether a slot holds all of `prompt`, which then counts as used just now.
    pub(super) fn touch(&mut self, prompt: &[Token]) -> bool {
        let (slot, n_shared) = self.longest_shared(prompt);
        let is_held = n_shared == prompt.len();
        if is_held {
            self.note_use(slot);
        }
        is_held
    }

    /// Empties an idle slot for tokens that come from elsewhere, and returns it.
    pub(super) fn vacate(&mut self, client: ClientId) -> Option<usize> {
        let slot = self.most_dispensable(None, client)?;
        self.slots[slot].tokens.clear();
        Some(slot)
    }

    /// Notes that a slot was filled with saved tokens.
    pub(super) fn fill(&mut self, slot: usize, tokens: Vec<Token>, owner: &Owner) {
        let slot_state = &mut self.slots[slot];
        slot_state.tokens = tokens;
        slot_state.owner = owner.clone();
        slot_state.is_saved = true;
        self.note_use(slot);
    }

    /// Returns, for each scope in which something new was read, its idle slots from the last used on: at most `n_each`,
    /// with at least `min_tokens` tokens.
    pub(super) fn unsaved(&self, n_each: usize, min_tokens: usize) -> Vec<(String, Vec<usize>)> {
        let is_worth_it = |idx: &usize| self.slots[*idx].tokens.len() >= min_tokens;
        let mut scopes: Vec<&String> = self.slots.iter().filter_map(|slot| slot.owner.scope.as_ref()).collect();
        scopes.sort();
        scopes.dedup();
        let of_scope = |scope: &String| {
            let mut slots: Vec<usize> = self
                .idle()
                .filter(is_worth_it)
                .filter(|&idx| self.slots[idx].owner.scope.as_ref() == Some(scope))
                .collect();
            slots.sort_by_key(|&idx| Reverse(self.slots[idx].last_used));
            slots.truncate(n_each);
            slots
        };
        scopes
            .into_iter()
            .map(|scope| (scope.clone(), of_scope(scope)))
            .filter(|(_, slots)| slots.iter().any(|&idx| !self.slots[idx].is_saved))
            .collect()
    }

    /// Returns the tokens of a slot that is being saved, and notes that it is.
    pub(super) fn saved_tokens(&mut self, slot: usize) -> Vec<Token> {
        self.slots[slot].is_saved = true;
        self.slots[slot].tokens.clone()
    }

    /// Notes that `tokens` were read into a slot after those it has.
    pub(super) fn extend(&mut self, slot: usize, tokens: &[Token]) {
        self.slots[slot].tokens.extend_from_slice(tokens);
        self.slots[slot].is_saved = false;
    }

    /// Notes that a slot keeps only its first `n_tokens` tokens.
    pub(super) fn truncate(&mut self, slot: usize, n_tokens: usize) {
        self.slots[slot].tokens.truncate(n_tokens);
    }

    /// Gives a slot back; its tokens stay for the next prompt.
    pub(super) fn release(&mut self, slot: usize) {
        self.slots[slot].is_busy = false;
        self.note_use(slot);
    }

    /// Empties an idle slot to free its cells, and returns it: one of nobody who was here lately, or one of the client
    /// that has most cells; among those, the one that was not used for the longest time.
    pub(super) fn evict(&mut self) -> Option<usize> {
        let slot = self.idle().filter(|&idx| !self.slots[idx].tokens.is_empty()).min_by_key(|&idx| {
            let slot = &self.slots[idx];
            (self.is_fresh(slot), Reverse(self.n_cells_of(slot.owner.client)), slot.last_used)
        })?;
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

    /// Returns an idle slot that a prompt of `client` may take, rather not `source`: an empty one, one of nobody who was
    /// here lately, or one of the client that holds most, counting what is being asked for; among those, the one that was
    /// not used for the longest time.
    fn most_dispensable(&self, source: Option<usize>, client: ClientId) -> Option<usize> {
        self.idle().min_by_key(|&idx| {
            let slot = &self.slots[idx];
            let n_held = self.n_slots_of(slot.owner.client) + usize::from(slot.owner.client == client);
            (Some(idx) == source, !slot.tokens.is_empty(), self.is_fresh(slot), Reverse(n_held), slot.last_used)
        })
    }

    fn n_slots_of(&self, client: ClientId) -> usize {
        self.slots.iter().filter(|slot| slot.owner.client == client && !slot.tokens.is_empty()).count()
    }

    fn n_cells_of(&self, client: ClientId) -> usize {
        self.slots.iter().filter(|slot| slot.owner.client == client).map(|slot| slot.tokens.len()).sum()
    }

    fn is_fresh(&self, slot: &Slot) -> bool {
        self.started.elapsed().saturating_sub(slot.last_used_at) < STALE_AFTER
    }

    fn note_use(&mut self, slot: usize) {
        self.clock += 1;
        self.slots[slot].last_used = self.clock;
        self.slots[slot].last_used_at = self.started.elapsed();
    }

    fn idle(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.slots.len()).filter(|&idx| !self.slots[idx].is_busy)
    }

    /// Marks a slot as busy with these tokens.
    fn take(&mut self, slot: usize, tokens: &[Token], owner: &Owner) {
        let slot = &mut self.slots[slot];
        slot.owner = owner.clone();
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

    fn owner(client: u64) -> Owner {
        Owner { client: ClientId(client), scope: None }
    }

    /// Returns slots that hold these tokens and are idle, the first used longest ago.
    fn slots_with(contents: &[Vec<Token>]) -> Slots {
        let mut slots = Slots::new(contents.len());
        for (idx, content) in contents.iter().enumerate() {
            slots.take(idx, content, &owner(0));
            slots.release(idx);
        }
        slots
    }

    fn placed(slot: usize, copy_from: Option<usize>, n_reused: usize) -> Option<Placement> {
        Some(Placement { slot, copy_from, n_reused })
    }

    #[test]
    fn a_first_prompt_takes_an_empty_slot_and_reuses_nothing() {
        assert_eq!(Slots::new(4).place(&tokens(0, 10), 9, &owner(0)), placed(0, None, 0));
    }

    #[test]
    fn a_grown_prompt_continues_in_its_own_slot() {
        let mut slots = slots_with(&[tokens(500, 600), tokens(0, 100)]);
        assert_eq!(slots.place(&tokens(0, 110), 109, &owner(0)), placed(1, None, 100));
    }

    #[test]
    fn the_last_token_is_read_again_because_its_logits_are_needed() {
        let mut slots = slots_with(&[tokens(0, 100)]);
        assert_eq!(slots.place(&tokens(0, 100), 99, &owner(0)), placed(0, None, 99));
        assert_eq!(slots.lengths(), [99]);
    }

    #[test]
    fn a_short_shared_beginning_does_not_cost_a_long_prompt_its_cells() {
        let mut slots = slots_with(&[tokens(0, 1000), Vec::new()]);
        let mut prompt = tokens(0, 50);
        prompt.extend(tokens(5000, 5100));
        assert_eq!(slots.place(&prompt, 149, &owner(0)), placed(1, Some(0), 50));
        assert_eq!(slots.lengths(), [1000, 50]);
    }

    #[test]
    fn a_busy_slot_lends_its_beginning() {
        let mut slots = slots_with(&[tokens(0, 100), Vec::new()]);
        assert_eq!(slots.place(&tokens(0, 100), 99, &owner(0)), placed(0, None, 99));
        assert_eq!(slots.place(&tokens(0, 120), 119, &owner(0)), placed(1, Some(0), 99));
    }

    #[test]
    fn the_moving_hole_of_a_repair_keeps_its_growing_prefix() {
        let mut slots = Slots::new(4);
        let mut n_read = 0;
        for hole in 0..20 {
            let mut prompt = tokens(0, 300 + hole * 10);
            prompt.extend(tokens(9000 + hole * 10, 9200));
            let placement = slots.place(&prompt, prompt.len() - 1, &owner(0)).unwrap();
            n_read += prompt.len() - placement.n_reused;
            slots.extend(placement.slot, &prompt[placement.n_reused..]);
            slots.release(placement.slot);
        }
        assert_eq!(n_read, 500 + (1..20).map(|hole| 10 + 200 - hole * 10).sum::<i32>() as usize);
    }

    #[test]
    fn the_least_recently_used_slot_is_taken_when_nothing_is_shared() {
        let mut slots = slots_with(&[tokens(0, 10), tokens(20, 30)]);
        assert_eq!(slots.place(&tokens(0, 12), 11, &owner(0)), placed(0, None, 10));
        slots.release(0);
        assert_eq!(slots.place(&tokens(50, 60), 9, &owner(0)), placed(1, None, 0));
    }

    #[test]
    fn nothing_is_placed_while_every_slot_is_busy() {
        let mut slots = slots_with(&[tokens(0, 10)]);
        assert!(slots.place(&tokens(0, 12), 11, &owner(0)).is_some());
        assert_eq!(slots.place(&tokens(0, 12), 11, &owner(0)), None);
    }

    #[test]
    fn eviction_empties_idle_slots_from_the_oldest_on() {
        let mut slots = slots_with(&[tokens(0, 10), tokens(20, 30), tokens(40, 50)]);
        assert!(slots.place(&tokens(20, 31), 10, &owner(0)).is_some());
        assert_eq!([slots.evict(), slots.evict(), slots.evict()], [Some(0), Some(2), None]);
        assert_eq!(slots.lengths(), [0, 10, 0]);
    }

    /// Lets each client in turn read a prompt of ten tokens that nobody else has.
    fn fill_in_turn(slots: &mut Slots, clients: &[u64]) {
        for (idx, &client) in clients.iter().enumerate() {
            let from = 1000 * (idx as Token + 1);
            let placement = slots.place(&tokens(from, from + 10), 9, &owner(client)).unwrap();
            slots.extend(placement.slot, &tokens(from, from + 10));
            slots.release(placement.slot);
        }
    }

    #[test]
    fn a_client_that_holds_most_makes_room_for_another() {
        let mut slots = Slots::new(4);
        fill_in_turn(&mut slots, &[1, 2, 2, 2]);
        assert_eq!(slots.place(&tokens(0, 10), 9, &owner(3)), placed(1, None, 0), "not the older slot of client 1");
    }

    #[test]
    fn a_client_with_many_prompts_drives_out_its_own() {
        let mut slots = Slots::new(16);
        fill_in_turn(&mut slots, &[1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7]);
        for prompt in 0..30 {
            let from = 90_000 + prompt * 100;
            let placement = slots.place(&tokens(from, from + 10), 9, &owner(8)).unwrap();
            slots.release(placement.slot);
            slots.truncate(placement.slot, 0);
            slots.extend(placement.slot, &tokens(from, from + 10));
        }
        let n_kept = (1..=14).filter(|idx| slots.n_shared(&tokens(1000 * idx, 1000 * idx + 10)) == 10).count();
        assert_eq!(n_kept, 14);
    }

    #[test]
    fn cells_are_freed_by_the_client_that_has_most_of_them() {
        let mut slots = slots_with(&[tokens(0, 10), Vec::new(), Vec::new()]);
        for (from, to) in [(100, 150), (200, 210)] {
            let placement = slots.place(&tokens(from, to), 9, &owner(2)).unwrap();
            slots.extend(placement.slot, &tokens(from, to));
            slots.release(placement.slot);
        }
        assert_eq!([slots.evict(), slots.evict(), slots.evict()], [Some(1), Some(0), Some(2)]);
    }

    #[test]
    fn a_prompt_that_is_held_is_touched_and_loses_nothing() {
        let mut slots = slots_with(&[tokens(0, 100), tokens(200, 300)]);
        assert!(slots.touch(&tokens(0, 60)));
        assert!(!slots.touch(&tokens(0, 101)));
        assert_eq!(slots.lengths(), [100, 100]);
        assert_eq!(slots.place(&tokens(500, 510), 9, &owner(0)), placed(1, None, 0), "slot 0 was used later");
    }

    #[test]
    fn a_text_that_got_shorter_keeps_its_beginning() {
        let mut slots = slots_with(&[tokens(0, 100)]);
        assert_eq!(slots.place(&tokens(0, 95), 94, &owner(0)), placed(0, None, 94));
    }

    #[test]
    fn what_was_read_in_a_scope_is_saved_once_the_last_used_first() {
        let mut slots = Slots::new(4);
        let scoped = Owner { client: ClientId(1), scope: Some("repository".to_owned()) };
        for from in [1000, 2000, 3000] {
            let placement = slots.place(&tokens(from, from + 300), 299, &scoped).unwrap();
            slots.extend(placement.slot, &tokens(from, from + 300));
            slots.release(placement.slot);
        }
        assert_eq!(slots.unsaved(2, 256), [("repository".to_owned(), vec![2, 1])]);
        assert_eq!(slots.unsaved(2, 301), []);
        assert_eq!(slots.saved_tokens(2), tokens(3000, 3300));
        assert_eq!(slots.unsaved(1, 256), [], "the last used one is saved");
        slots.extend(2, &tokens(0, 1));
        assert_eq!(slots.unsaved(1, 256), [("repository".to_owned(), vec![2])]);
    }
}
