//! A keystroke becomes a suggestion: gather context, fill in the middle, trim, gate.
//!
//! [`complete`] is the whole path. It shows one suggestion that the quick gate verified, or nothing and the reason. It has
//! no tools and no worktree; what takes longer than a moment belongs to `wright-agent`.
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

mod completer;
mod context;
mod trim;

use std::time::{Duration, Instant};

use wright_gate::{Finding, Verified, quick};
use wright_provider::{
    Completion, FimOrder, Priority, Prompt, Provider, ProviderError, Request, Sampling, Usage, collect,
};
use wright_text::{Document, Edit};

pub use completer::{
    Ask, Completer, Eagerness, Feedback, LogEntry, NextEdit, Selected, Settings, SuggestionId, Trigger,
};
pub use context::{Context, Section};
pub use trim::Extent;

/// How suggestions are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How much of the document before the position may be shown to the model, in bytes.
    pub max_prefix: usize,
    /// How much after it, in bytes.
    pub max_suffix: usize,
    /// Hard cap on the length of a suggestion, in tokens.
    pub max_tokens: u32,
    /// How many further candidates are sampled when the first is refused.
    pub n_retries: u32,
    /// The seed of those candidates.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { max_prefix: 6_000, max_suffix: 2_000, max_tokens: 96, n_retries: 3, seed: 0 }
    }
}

/// What came of a request for a suggestion.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The suggestion, or why there is none.
    pub result: Result<Suggestion, Withheld>,
    /// Further suggestions to cycle through; only where they were asked for.
    pub others: Vec<Suggestion>,
    /// What the model was shown.
    pub context: Context,
    /// Every completion of the model, before trimming, in order.
    pub raw: Vec<String>,
    /// Tokens read and written.
    pub usage: Usage,
    /// Time the model took.
    pub predicting: Duration,
}

/// A checked edit to offer at the position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// Which one of this process.
    pub id: SuggestionId,
    /// The edit, which inserts [`Suggestion::text`].
    pub edit: Verified<Edit>,
    /// The text that is inserted.
    pub text: String,
}

/// Why nothing is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withheld {
    /// The file holds secrets by its name.
    SecretFile,
    /// The model had nothing to say here.
    Nothing,
    /// The gate refused every candidate; these are the findings of the first.
    Refused(Vec<Finding>),
}

impl Withheld {
    /// Returns the stable code of the reason, for logs and `--json`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::SecretFile => "secret-file",
            Self::Nothing => "nothing",
            Self::Refused(_) => "refused",
        }
    }
}

impl std::fmt::Display for Withheld {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SecretFile => f.write_str("files like this hold secrets, so the model is not shown any of it"),
            Self::Nothing => f.write_str("the model had nothing to add here"),
            Self::Refused(findings) => match findings.first() {
                Some(finding) => write!(f, "every candidate was refused: {finding}"),
                None => f.write_str("every candidate was refused"),
            },
        }
    }
}

/// Makes one suggestion for `offset` in `doc`.
///
/// The likeliest completion comes first; only when the gate refuses it are others sampled. A prompt is laid out with the
/// suffix first, so that the next keystroke costs the new tokens only.
pub async fn complete(
    provider: &dyn Provider,
    doc: &Document,
    offset: usize,
    options: Options,
) -> Result<Outcome, ProviderError> {
    let context = Context::around(doc, offset, options.max_prefix, options.max_suffix);
    let mut attempt = Attempt { provider, doc, offset, options, context, raw: Vec::new(), usage: Usage::default() };
    let started = Instant::now();
    let result = attempt.run().await?;
    let Attempt { context, raw, usage, .. } = attempt;
    Ok(Outcome { result, others: Vec::new(), context, raw, usage, predicting: started.elapsed() })
}

/// One request for a suggestion, while it is worked on.
struct Attempt<'a> {
    provider: &'a dyn Provider,
    doc: &'a Document,
    offset: usize,
    options: Options,
    context: Context,
    raw: Vec<String>,
    usage: Usage,
}

impl Attempt<'_> {
    async fn run(&mut self) -> Result<Result<Suggestion, Withheld>, ProviderError> {
        if context::is_secret_file(&self.doc.path) {
            return Ok(Err(Withheld::SecretFile));
        }
        let mut withheld = Withheld::Nothing;
        for sampling in self.samplings() {
            for completion in self.ask(sampling).await? {
                match self.judge(&completion) {
                    Ok(suggestion) => return Ok(Ok(suggestion)),
                    Err(reason) if withheld == Withheld::Nothing => withheld = reason,
                    Err(_) => {}
                }
            }
        }
        Ok(Err(withheld))
    }

    fn samplings(&self) -> Vec<Sampling> {
        let greedy = Sampling { stop: self.context.extent.stop_texts(), ..Sampling::greedy(self.options.max_tokens) };
        if self.options.n_retries == 0 {
            return vec![greedy];
        }
        let retries = Sampling {
            n_candidates: self.options.n_retries,
            temperature: 0.6,
            first_greedy: false,
            top_p: 0.95,
            seed: self.options.seed,
            ..greedy.clone()
        };
        vec![greedy, retries]
    }

    async fn ask(&mut self, sampling: Sampling) -> Result<Vec<Completion>, ProviderError> {
        let prompt = Prompt::FillInTheMiddle {
            prefix: self.context.prefix.clone(),
            suffix: self.context.suffix.clone(),
            order: FimOrder::SuffixFirst,
        };
        let request = Request::new(prompt, sampling, Priority::Keystroke);
        let (completions, usage) = collect(self.provider.complete(request).await?).await?;
        self.usage += usage;
        self.raw.extend(completions.iter().map(|it| it.text.clone()));
        Ok(completions)
    }

    fn judge(&self, completion: &Completion) -> Result<Suggestion, Withheld> {
        let text = trim::trim(completion, &self.context);
        if text.trim().is_empty() {
            return Err(Withheld::Nothing);
        }
        let edit = Edit::single(self.offset..self.offset, text.clone());
        match quick::judge(self.doc, edit) {
            Ok(edit) => Ok(Suggestion { id: SuggestionId::next(), edit, text }),
            Err(findings) => Err(Withheld::Refused(findings)),
        }
    }
}

#[cfg(test)]
mod tests {
    use wright_provider::replay::{Answer, ScriptedProvider};

    use super::*;

    const CURSOR: char = '║';

    async fn suggest(path: &str, marked: &str, answers: &[&str]) -> Result<String, String> {
        suggest_from(path, marked, ScriptedProvider::answering(answers)).await
    }

    async fn suggest_from(path: &str, marked: &str, provider: ScriptedProvider) -> Result<String, String> {
        let offset = marked.find(CURSOR).unwrap();
        let doc = Document::new(path, 1, marked.replace(CURSOR, ""));
        let outcome = complete(&provider, &doc, offset, Options::default()).await.unwrap();
        outcome.result.map(|it| it.text).map_err(|it| it.code().to_owned())
    }

    #[tokio::test]
    async fn the_first_line_is_offered_where_code_follows() {
        let text = "def f(x):\n    y = x\n║    return y\n";
        let endless = Answer::cut("    y += 1\n    z = 3\n    print(z)");
        let shown = suggest_from("a.py", text, ScriptedProvider::new([endless])).await;
        assert_eq!(shown, Ok("    y += 1\n".to_owned()));
    }

    #[tokio::test]
    async fn a_line_that_opens_a_block_brings_its_body() {
        let text = "def f(x):\n    if x:\n        return 1\n║\n\nprint(f(1))\n";
        let endless = Answer::cut("    else:\n        return 2\n\n\ndef g():\n    pass\n");
        let shown = suggest_from("a.py", text, ScriptedProvider::new([endless])).await;
        assert_eq!(shown, Ok("    else:\n        return 2".to_owned()));
    }

    #[tokio::test]
    async fn what_already_follows_is_cut() {
        let text = "def f(x):\n    y = x\n║    return y\n";
        let shown = suggest("a.py", text, &["    y += 1\n    return y\n"]).await;
        assert_eq!(shown, Ok("    y += 1\n".to_owned()));
    }

    #[tokio::test]
    async fn a_body_is_offered_whole_where_there_is_none() {
        let text = "def f(x):\n║\n\ndef g():\n    pass\n";
        let shown = suggest("a.py", text, &["    y = x\n    return y\n\ndef g():\n    pass\n"]).await;
        assert_eq!(shown, Ok("    y = x\n    return y".to_owned()));
    }

    #[tokio::test]
    async fn text_that_does_not_parse_is_withheld_and_the_next_candidate_offered() {
        let text = "def f(x):\n    return ║\n";
        assert_eq!(suggest("a.py", text, &["(x", "x + (1", "x + 1", "x"]).await, Ok("x + 1".to_owned()));
        assert_eq!(suggest("a.py", text, &["(x", "(x", "(x", "(x"]).await, Err("refused".to_owned()));
    }

    #[tokio::test]
    async fn a_secret_file_is_never_shown_to_the_model() {
        assert_eq!(suggest(".env", "KEY=║", &["1"]).await, Err("secret-file".to_owned()));
    }
}
