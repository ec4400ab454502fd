//! The way from a hole to a checked suggestion. This file is the only one that knows `wright-complete`.

use std::time::Duration;

use wright_complete::{Options, Outcome, complete};
use wright_provider::{Provider, ProviderError};
use wright_text::Document;

use crate::answer::Timings;
use crate::hole::Hole;

/// Below this time limit there is no room for further candidates when the first is refused.
const MIN_TIME_FOR_RETRIES: Duration = Duration::from_millis(1_000);

/// What a client allows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    /// Hard cap on the length, in tokens.
    pub(crate) max_tokens: u32,
    /// How long predicting may take, when the client says it.
    pub(crate) max_predict: Option<Duration>,
    /// The seed of further candidates.
    pub(crate) seed: u64,
}

/// What came of a hole.
pub(crate) struct Suggested {
    /// The texts to offer, best first, or why there is none.
    pub(crate) texts: Result<Vec<String>, Withheld>,
    /// Tokens read and written, and how long that took.
    pub(crate) timings: Timings,
}

/// Why nothing is offered.
pub(crate) struct Withheld {
    /// A stable word.
    pub(crate) code: &'static str,
    /// The reason.
    pub(crate) detail: String,
}

/// Fills the hole with text that the gate has passed, or with nothing.
pub(crate) async fn suggest(
    provider: &dyn Provider,
    hole: &Hole,
    allowance: Allowance,
) -> Result<Suggested, ProviderError> {
    let defaults = Options::default();
    let has_time = allowance.max_predict.is_none_or(|it| it >= MIN_TIME_FOR_RETRIES);
    let options = Options {
        max_tokens: allowance.max_tokens.min(defaults.max_tokens),
        n_retries: if has_time { defaults.n_retries } else { 0 },
        seed: allowance.seed,
        ..defaults
    };
    let doc = Document::new(hole.path_or_guess(), 1, format!("{}{}", hole.prefix, hole.suffix));
    let Outcome { result, usage, first_token, predicting, .. } =
        complete(provider, &doc, hole.prefix.len(), options).await?;
    let texts = result.map(|it| vec![it.text]).map_err(|it| Withheld { code: it.code(), detail: it.to_string() });
    let prompt = first_token.unwrap_or(predicting);
    let timings = Timings { usage, prompt, predicted: predicting - prompt };
    Ok(Suggested { texts, timings })
}

/// Reads the prompt of the hole ahead of time, as [`suggest`] would show it.
pub(crate) async fn warm(provider: &dyn Provider, hole: &Hole) -> Result<Timings, ProviderError> {
    let allowance = Allowance { max_tokens: 1, max_predict: Some(Duration::ZERO), seed: 0 };
    Ok(suggest(provider, hole, allowance).await?.timings)
}
