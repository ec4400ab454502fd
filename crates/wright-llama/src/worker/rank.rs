//! Where variants of a text part from it, in tokens, and what their scores are.
//!
//! Pure: it says at which positions the model's opinion is needed and turns the opinions into scores. Reading the text
//! is the business of `scheduler.rs`.

use std::collections::BTreeMap;

use super::model::Token;
use super::slots::shared_len;

/// What one reading of the original has to find out.
#[derive(Debug, PartialEq)]
pub(super) struct Comparison {
    /// What is read: the context and the original, up to the last place where a variant differs.
    pub(super) tokens: Vec<Token>,
    /// For each position whose logits are needed, the variants that part from the original after it.
    pub(super) partings: BTreeMap<usize, Vec<Parting>>,
    /// The score of each variant; 0 until its parting was seen.
    pub(super) scores: Vec<f32>,
}

/// Two tokens that could come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parting {
    variant: usize,
    variant_token: Token,
    original_token: Token,
}

impl Comparison {
    /// Prepares the comparison. `context` must not be empty; `end` is the token that ends a text, with which a text that
    /// is over is compared.
    pub(super) fn new(context: &[Token], original: &[Token], variants: &[Vec<Token>], end: Token) -> Self {
        let mut partings: BTreeMap<usize, Vec<Parting>> = BTreeMap::new();
        for (idx, variant) in variants.iter().enumerate() {
            let n_shared = shared_len(original, variant);
            let original_token = original.get(n_shared).copied().unwrap_or(end);
            let variant_token = variant.get(n_shared).copied().unwrap_or(end);
            if original_token != variant_token {
                let parting = Parting { variant: idx, variant_token, original_token };
                partings.entry(context.len() + n_shared - 1).or_default().push(parting);
            }
        }
        let n_needed = partings.last_key_value().map_or(0, |(&position, _)| position + 1);
        let tokens = context.iter().chain(original).copied().take(n_needed).collect();
        Self { tokens, partings, scores: vec![0.0; variants.len()] }
    }

    /// Returns how many tokens may come from a cache: those before the first position whose logits are needed.
    pub(super) fn max_reuse(&self) -> usize {
        self.partings.first_key_value().map_or(0, |(&position, _)| position)
    }

    /// Takes the logits after the token at `position`. The difference of two logits is the logarithm of the ratio of the
    /// two probabilities, so no sum over the vocabulary is needed.
    pub(super) fn see(&mut self, position: usize, logits: &[f32]) {
        for parting in self.partings.get(&position).into_iter().flatten() {
            self.scores[parting.variant] =
                logits[parting.variant_token as usize] - logits[parting.original_token as usize];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Token = 9;

    /// Logits in which token `n` has the logit `n`, at every position the comparison asks for.
    fn check(context: &[Token], original: &[Token], variants: &[&[Token]], n_read: usize, scores: &[f32]) {
        let variants: Vec<Vec<Token>> = variants.iter().map(|variant| variant.to_vec()).collect();
        let mut comparison = Comparison::new(context, original, &variants, END);
        assert_eq!(comparison.tokens.len(), n_read);
        let logits: Vec<f32> = (0..10).map(|token| token as f32).collect();
        for position in comparison.partings.keys().copied().collect::<Vec<_>>() {
            assert!(position < n_read && position >= comparison.max_reuse());
            comparison.see(position, &logits);
        }
        assert_eq!(comparison.scores, scores);
    }

    #[test]
    fn a_variant_is_scored_where_it_parts_from_the_original() {
        check(&[1, 2], &[3, 4, 5], &[&[3, 7, 5], &[6, 4, 5]], 3, &[3.0, 3.0]);
    }

    #[test]
    fn a_variant_equal_to_the_original_scores_zero_and_needs_no_reading() {
        check(&[1], &[3, 4], &[&[3, 4]], 0, &[0.0]);
    }

    #[test]
    fn a_variant_that_ends_early_is_scored_by_the_end_of_the_text() {
        check(&[1], &[3, 4], &[&[3]], 2, &[5.0]);
    }

    #[test]
    fn a_variant_that_goes_on_is_compared_with_the_end_of_the_text() {
        check(&[1], &[3, 4], &[&[3, 4, 2]], 3, &[-7.0]);
    }

    #[test]
    fn only_the_part_before_the_last_parting_is_read() {
        check(&[1], &[3, 4, 5, 6, 7], &[&[3, 5]], 2, &[1.0]);
    }
}
