//! Filling holes in programs: what the suggestion is worth, and what the model's raw completion would have been worth.

mod program;

use std::time::Instant;

use wright_complete::{Outcome, complete};
use wright_provider::{Priority, Request, Sampling, collect};
use wright_text::Document;

use crate::similarity::edit_similarity;
use crate::tasks::Hole;
use crate::trial::Trials;
use crate::{Deps, EvalError, Options, TaskResult, report};
use program::{Judgement, extension, judge, programs};

/// Fills the hole and judges what would have been shown.
pub(crate) async fn solve(
    deps: &Deps,
    trials: &Trials<'_>,
    options: &Options,
    hole: &Hole,
) -> Result<TaskResult, EvalError> {
    let Some(extension) = extension(hole) else {
        return Ok(TaskResult::skipped(format!("nothing here judges {}", hole.language)));
    };
    if let Some(reason) = trials.missing(programs(hole)).await? {
        return Ok(TaskResult::skipped(reason));
    }
    let started = Instant::now();
    let doc = Document::new(format!("task.{extension}"), 1, format!("{}{}", hole.prefix, hole.suffix));
    let settings = settings(options);
    let asked = complete(deps.provider.as_ref(), &doc, hole.prefix.len(), settings);
    let Ok(outcome) = tokio::time::timeout(options.time_limit, asked).await else {
        let seconds = report::seconds(started.elapsed());
        let reason = "time limit reached".to_owned();
        return Ok(TaskResult { refused: true, shown: Some(false), reason, seconds, ..TaskResult::default() });
    };
    let outcome = outcome?;
    let mut result = result(trials, hole, &outcome).await?;
    result.seconds = report::seconds(outcome.predicting);
    if options.compare_raw {
        let raw = raw(deps, &outcome, settings.max_tokens).await?;
        result.raw_solved = Some(match &outcome.result {
            Ok(suggestion) if suggestion.text == raw => result.solved,
            Ok(_) | Err(_) => judge(trials, hole, &raw).await?.is_passing,
        });
    }
    Ok(result)
}

fn settings(options: &Options) -> wright_complete::Options {
    let usual = wright_complete::Options::default();
    let n_retries = u32::try_from(options.candidates).unwrap_or(u32::MAX).min(usual.n_retries);
    wright_complete::Options { n_retries, seed: options.seed, ..usual }
}

async fn result(trials: &Trials<'_>, hole: &Hole, outcome: &Outcome) -> Result<TaskResult, EvalError> {
    let spent = TaskResult { tokens: outcome.usage.into(), candidates: outcome.raw.len(), ..TaskResult::default() };
    let suggestion = match &outcome.result {
        Ok(suggestion) => suggestion,
        Err(withheld) => {
            let reason = withheld.to_string();
            let withheld_right = match outcome.refused.first() {
                Some(text) => Some(judge(trials, hole, text).await?.is_passing),
                None => None,
            };
            return Ok(TaskResult { refused: true, shown: Some(false), withheld_right, reason, ..spent });
        }
    };
    let Judgement { is_passing, parses, reason } = judge(trials, hole, &suggestion.text).await?;
    Ok(TaskResult {
        solved: is_passing,
        reason,
        shown: Some(true),
        parses,
        exact_match: Some(suggestion.text.trim() == hole.canonical_solution.trim()),
        edit_similarity: Some(edit_similarity(&suggestion.text, &hole.canonical_solution)),
        ..spent
    })
}

/// Returns the model's likeliest completion as it is, of the same length and from the same prompt.
async fn raw(deps: &Deps, outcome: &Outcome, max_tokens: u32) -> Result<String, EvalError> {
    let request = Request::new(outcome.context.prompt(), Sampling::greedy(max_tokens), Priority::Background);
    let (completions, _) = collect(deps.provider.complete(request).await?).await?;
    Ok(completions.into_iter().next().map(|it| it.text).unwrap_or_default())
}
