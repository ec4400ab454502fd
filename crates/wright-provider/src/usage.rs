//! What a request cost, in tokens and in money.

use std::ops::AddAssign;

/// Tokens read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Tokens of the prompt.
    pub prompt_tokens: u64,
    /// Tokens of the prompt that were not read again because a cache held them.
    pub cached_tokens: u64,
    /// Tokens of all completions.
    pub completion_tokens: u64,
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.prompt_tokens += other.prompt_tokens;
        self.cached_tokens += other.cached_tokens;
        self.completion_tokens += other.completion_tokens;
    }
}

/// What a million tokens cost, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// A million prompt tokens.
    pub prompt: f64,
    /// A million prompt tokens that were cached.
    pub cached: f64,
    /// A million completion tokens.
    pub completion: f64,
}

impl Price {
    /// Returns the cost of `usage` in US dollars.
    pub fn cost(&self, usage: Usage) -> f64 {
        let fresh = usage.prompt_tokens.saturating_sub(usage.cached_tokens);
        (fresh as f64 * self.prompt
            + usage.cached_tokens as f64 * self.cached
            + usage.completion_tokens as f64 * self.completion)
            / 1e6
    }
}

/// Returns an estimate of how many tokens `n_bytes` of source code or prose are, rather too many than too few.
pub(crate) fn estimate_tokens(n_bytes: usize) -> usize {
    // Source code has about 3.6 characters per token.
    n_bytes.div_ceil(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cached_prompt_tokens_cost_their_own_price() {
        let price = Price { prompt: 2.0, cached: 0.5, completion: 8.0 };
        let usage = Usage { prompt_tokens: 1_000_000, cached_tokens: 400_000, completion_tokens: 250_000 };
        assert!((price.cost(usage) - (1.2 + 0.2 + 2.0)).abs() < 1e-9);
    }
}
