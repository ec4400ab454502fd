//! Fills a hole as a client wants it: checked, or raw; whole, or as a stream.

use std::sync::Arc;
use std::time::Duration;

use wright_provider::{Completion, CompletionStream, Priority, Provider, Request, Sampling, StopReason};
use wright_text::Language;

use crate::answer::{self, Timings};
use crate::checked::{self, Allowance, Withheld};
use crate::config::Config;
use crate::error::ApiError;
use crate::hole::Hole;
use crate::shaped::{Cut, Shaped};
use crate::snippets;

/// How much text on each side of the hole is checked, in bytes. Parsing more takes longer than someone who types waits.
const MAX_CHECKED_SIDE: usize = 128 << 10;

/// A hole, and how it is to be filled.
pub(crate) struct Filling {
    pub(crate) provider: Arc<dyn Provider>,
    pub(crate) hole: Hole,
    pub(crate) sampling: Sampling,
    pub(crate) cut: Cut,
}

/// What the hole was filled with.
pub(crate) struct Filled {
    /// The texts, best first; one at least.
    pub(crate) completions: Vec<Completion>,
    /// What was read and written, and how long that took.
    pub(crate) timings: Timings,
    /// Why the text is empty, where the gate or an earlier check withheld it.
    pub(crate) withheld: Option<Withheld>,
}

impl Filling {
    /// Fills the hole with what the model says.
    pub(crate) async fn raw(&self, config: &Config) -> Result<Filled, ApiError> {
        let shaped = self.shaped(config, Priority::Keystroke);
        let answer = answer::ask_whole(&shaped, self.request(), config.max_answer).await?;
        Ok(Filled { completions: answer.completions, timings: answer.timings, withheld: None })
    }

    /// Fills the hole with what the model says, piece by piece.
    pub(crate) async fn stream(&self, config: &Config) -> Result<CompletionStream, ApiError> {
        answer::ask_within(&self.shaped(config, Priority::Keystroke), self.request(), config.max_answer).await
    }

    /// Fills the hole with text that the gate has passed, or with nothing.
    pub(crate) async fn checked(&self, config: &Config) -> Result<Filled, ApiError> {
        let limit = config.max_answer;
        let allowance = Allowance {
            max_tokens: self.sampling.max_tokens,
            max_predict: self.cut.max_predict,
            seed: self.sampling.seed,
        };
        let mut shaped = self.shaped(config, Priority::Keystroke);
        shaped.stop.clone_from(&self.sampling.stop);
        let hole = self.near_hole();
        let suggested = tokio::time::timeout(limit, checked::suggest(&shaped, &hole, allowance));
        let suggested = suggested.await.map_err(|_| ApiError::too_slow(limit))??;
        let (texts, withheld) = match suggested.texts {
            Ok(texts) => (texts, None),
            Err(withheld) => (vec![String::new()], Some(withheld)),
        };
        let n_wanted = self.sampling.n_candidates.max(1) as usize;
        let completion = |text| Completion { text, reason: StopReason::EndOfText, mean_logprob: 0.0 };
        let completions = texts.into_iter().take(n_wanted).map(completion).collect();
        let timings = shaped.complete_usage(suggested.timings).await;
        Ok(Filled { completions, timings, withheld })
    }

    /// Has the prompt read, so that the next request with this beginning is answered sooner.
    ///
    /// A prompt begins with the suffix. Where there is neither suffix nor prefix, nothing of a later prompt is known yet.
    pub(crate) async fn warm(&self, config: &Config, is_checked: bool) -> Result<Timings, ApiError> {
        if self.hole.prefix.is_empty() && self.hole.suffix.is_empty() {
            return Ok(Timings::default());
        }
        // Nobody waits for it, and someone may wait for the model.
        let shaped = self.shaped(config, Priority::Background);
        if !is_checked {
            return answer::warm(&shaped, self.request(), config.max_answer).await;
        }
        let limit = config.max_answer;
        let hole = self.near_hole();
        let timings = tokio::time::timeout(limit, checked::warm(&shaped, &hole));
        let mut timings = shaped.complete_usage(timings.await.map_err(|_| ApiError::too_slow(limit))??).await;
        timings.usage.completion_tokens = 0;
        Ok(timings)
    }

    /// Returns how many snippets are shown of those that were sent.
    pub(crate) fn n_snippets_shown(&self, config: &Config) -> usize {
        snippets::shown(&self.hole, config.max_snippets).len()
    }

    fn request(&self) -> Request {
        Request::new(self.hole.to_prompt(), self.sampling.clone(), Priority::Keystroke)
    }

    fn shaped(&self, config: &Config, priority: Priority) -> Shaped<'_> {
        let language = Language::from_path(&self.hole.path_or_guess());
        let context = snippets::render(&snippets::shown(&self.hole, config.max_snippets), language);
        let mut shaped = Shaped::new(&*self.provider, context);
        shaped.cut = self.cut;
        shaped.priority = priority;
        shaped
    }

    /// Returns the hole with as much text around it as is checked, without the snippets.
    fn near_hole(&self) -> Hole {
        let Hole { prefix, suffix, .. } = &self.hole;
        let start = prefix.ceil_char_boundary(prefix.len().saturating_sub(MAX_CHECKED_SIDE));
        let end = suffix.floor_char_boundary(MAX_CHECKED_SIDE);
        Hole {
            path: self.hole.path.clone(),
            prefix: prefix[start..].to_owned(),
            suffix: suffix[..end].to_owned(),
            snippets: Vec::new(),
        }
    }
}

/// Returns how an answer is cut, as llama.cpp's clients ask for it.
pub(crate) fn cut(t_max_predict_ms: Option<f64>, n_indent: Option<i64>) -> Cut {
    let milliseconds = t_max_predict_ms.filter(|it| it.is_finite() && *it > 0.0);
    Cut {
        max_predict: milliseconds.and_then(|it| Duration::try_from_secs_f64(it / 1e3).ok()),
        min_indent: n_indent.and_then(|it| usize::try_from(it).ok()).unwrap_or(0),
    }
}
