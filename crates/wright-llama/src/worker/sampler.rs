//! Picks a token from the model's logits.
//!
//! Deterministic: the same seed and the same logits pick the same token, on every machine and in every release.

use super::model::Token;

/// How many of the likeliest tokens are considered at all.
const TOP_K: usize = 40;

/// Picks the tokens of one completion.
#[derive(Debug)]
pub(super) struct Sampler {
    temperature: f32,
    top_p: f32,
    random: SplitMix64,
}

/// A picked token.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Picked {
    /// The token.
    pub(super) token: Token,
    /// Its natural-log probability at temperature 1, among the tokens that were allowed.
    pub(super) logprob: f32,
}

impl Sampler {
    /// Returns the sampler for candidate `candidate` of a request.
    pub(super) fn new(sampling: &wright_provider::Sampling, candidate: u32) -> Self {
        let is_greedy_first = candidate == 0 && sampling.first_greedy && sampling.n_candidates > 1;
        let temperature = if is_greedy_first { 0.0 } else { sampling.temperature };
        let random = SplitMix64 { state: sampling.seed.wrapping_add(u64::from(candidate)) };
        Self { temperature, top_p: sampling.top_p, random }
    }

    /// Picks a token; with `allowed`, only among those.
    pub(super) fn pick(&mut self, logits: &[f32], allowed: Option<&[Token]>) -> Picked {
        let best = match allowed {
            None => likeliest(logits.iter().copied().enumerate()),
            Some(tokens) => likeliest(tokens.iter().map(|&token| (token as usize, logits[token as usize]))),
        };
        let log_total = match allowed {
            None => log_sum_exp(logits.iter().copied(), best[0].1),
            Some(tokens) => log_sum_exp(tokens.iter().map(|&token| logits[token as usize]), best[0].1),
        };
        let (idx, logit) = self.choose(&best);
        Picked { token: idx as Token, logprob: logit - log_total }
    }

    /// Chooses one of the likeliest tokens, which come in falling order.
    fn choose(&mut self, best: &[(usize, f32)]) -> (usize, f32) {
        if self.temperature <= 0.0 {
            return best[0];
        }
        let weights: Vec<f32> = best.iter().map(|&(_, logit)| ((logit - best[0].1) / self.temperature).exp()).collect();
        let kept = nucleus(&weights, self.top_p);
        let total: f32 = weights[..kept].iter().sum();
        let mut remaining = self.random.next_unit() * total;
        for (&entry, weight) in best[..kept].iter().zip(&weights) {
            remaining -= weight;
            if remaining < 0.0 {
                return entry;
            }
        }
        best[kept - 1]
    }
}

/// Returns how many of the weights, in falling order, make up the share `top_p` of their sum; at least one.
fn nucleus(weights: &[f32], top_p: f32) -> usize {
    let limit = weights.iter().sum::<f32>() * top_p;
    let mut sum = 0.0;
    for (idx, weight) in weights.iter().enumerate() {
        sum += weight;
        if sum >= limit {
            return idx + 1;
        }
    }
    weights.len()
}

/// Returns the likeliest tokens in falling order, the smaller id first among equals; one at least.
fn likeliest(logits: impl Iterator<Item = (usize, f32)>) -> Vec<(usize, f32)> {
    let mut best: Vec<(usize, f32)> = Vec::with_capacity(TOP_K + 1);
    let mut worst = f32::NEG_INFINITY;
    for (idx, logit) in logits {
        if best.len() == TOP_K && logit <= worst {
            continue;
        }
        let at = best.partition_point(|&(_, other)| other >= logit);
        best.insert(at, (idx, logit));
        best.truncate(TOP_K);
        worst = best[best.len() - 1].1;
    }
    if best.is_empty() {
        best.push((0, 0.0));
    }
    best
}

/// Returns the logarithm of the sum of the exponentials, given the largest value.
fn log_sum_exp(values: impl Iterator<Item = f32>, max: f32) -> f32 {
    max + values.map(|value| (value - max).exp()).sum::<f32>().ln()
}

/// The generator of Steele, Lea and Flood. Written out because a generator of a library may change between releases,
/// and the same seed must give the same text.
#[derive(Debug)]
struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number from 0 up to and without 1.
    fn next_unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u32 << 24) as f32
    }
}

#[cfg(test)]
mod tests {
    use wright_provider::Sampling;

    use super::*;

    fn sampling(temperature: f32, top_p: f32) -> Sampling {
        Sampling { n_candidates: 4, temperature, first_greedy: true, top_p, ..Sampling::greedy(1) }
    }

    fn picks(sampling: &Sampling, candidate: u32, logits: &[f32], n: usize) -> Vec<Token> {
        let mut sampler = Sampler::new(sampling, candidate);
        (0..n).map(|_| sampler.pick(logits, None).token).collect()
    }

    #[test]
    fn temperature_zero_picks_the_likeliest_token() {
        assert_eq!(picks(&sampling(0.0, 1.0), 1, &[0.0, 3.0, 2.0], 5), [1; 5]);
    }

    #[test]
    fn the_first_candidate_of_several_is_greedy() {
        assert_eq!(picks(&sampling(2.0, 1.0), 0, &[1.0, 1.1], 20), [1; 20]);
        assert!(picks(&sampling(2.0, 1.0), 1, &[1.0, 1.1], 20).contains(&0));
    }

    #[test]
    fn a_single_candidate_is_sampled_even_when_the_first_should_be_greedy() {
        let single = Sampling { n_candidates: 1, ..sampling(2.0, 1.0) };
        assert!(picks(&single, 0, &[1.0, 1.1], 20).contains(&0));
    }

    #[test]
    fn the_same_seed_picks_the_same_tokens_and_candidates_differ() {
        let logits: Vec<f32> = (0..30).map(|idx| (idx % 7) as f32 * 0.3).collect();
        let sampling = sampling(1.0, 1.0);
        assert_eq!(picks(&sampling, 1, &logits, 30), picks(&sampling, 1, &logits, 30));
        assert_ne!(picks(&sampling, 1, &logits, 30), picks(&sampling, 2, &logits, 30));
    }

    #[test]
    fn a_small_top_p_leaves_only_the_likeliest() {
        assert_eq!(picks(&sampling(1.0, 0.5), 1, &[0.0, 5.0, 1.0], 20), [1; 20]);
    }

    #[test]
    fn tokens_are_drawn_as_often_as_they_are_likely() {
        let drawn = picks(&sampling(1.0, 1.0), 1, &[0.0, 3.0_f32.ln()], 4000);
        let share = drawn.iter().filter(|&&token| token == 1).count() as f32 / 4000.0;
        assert!((share - 0.75).abs() < 0.03, "{share}");
    }

    #[test]
    fn only_allowed_tokens_are_picked_and_their_probability_is_among_those() {
        let mut sampler = Sampler::new(&sampling(0.0, 1.0), 0);
        let picked = sampler.pick(&[9.0, 1.0, 1.0], Some(&[1, 2]));
        assert_eq!(picked.token, 1);
        assert!((picked.logprob - 0.5_f32.ln()).abs() < 1e-5, "{picked:?}");
    }

    #[test]
    fn the_logprob_is_the_one_at_temperature_one() {
        let mut sampler = Sampler::new(&sampling(0.0, 1.0), 0);
        let picked = sampler.pick(&[0.0, 3.0_f32.ln()], None);
        assert!((picked.logprob - 0.75_f32.ln()).abs() < 1e-5, "{picked:?}");
    }

    #[test]
    fn only_the_top_tokens_are_considered_and_in_falling_order() {
        let best = likeliest((0..1000).map(|idx| (idx, ((idx * 37) % 1000) as f32)));
        let logits: Vec<f32> = best.iter().map(|&(_, logit)| logit).collect();
        assert_eq!(logits, (960..1000).rev().map(|logit| logit as f32).collect::<Vec<_>>());
    }
}
