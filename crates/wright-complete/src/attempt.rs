//! One request for a suggestion, from the document to the gate, without memory of earlier ones.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures::StreamExt;
use wright_gate::quick::{Judge, Surroundings};
use wright_provider::{
    ClientId, Completion, Event, Priority, Provider, ProviderError, Request, Sampling, StopReason, Usage,
};
use wright_text::{Document, Edit};

use crate::context::{self, Budget, Context};
use crate::ending::{Ending, Reach};
use crate::extent::Extent;
use crate::hole::Hole;
use crate::related::{Imported, related};
use crate::suggestion::{Suggestion, SuggestionId, Withheld};

/// How suggestions are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// How much the model may be shown.
    pub budget: Budget,
    /// Hard cap on the length of a suggestion, in tokens.
    pub max_tokens: u32,
    /// How far to look for the end of a suggestion.
    pub reach: Reach,
    /// How many further candidates are sampled when the first is refused.
    pub n_retries: u32,
    /// How many further suggestions are looked for when there is one.
    pub n_alternatives: u32,
    /// The seed of those candidates.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        let budget = Budget { prefix: 6_000, suffix: 2_000, snippets: 1_600 };
        Self { budget, max_tokens: 128, reach: Reach::Natural, n_retries: 2, n_alternatives: 0, seed: 0 }
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
    /// Every completion of the model, before its end was found, in order.
    pub raw: Vec<String>,
    /// What would have been shown of each of them that the gate refused.
    pub refused: Vec<String>,
    /// Tokens read and written.
    pub usage: Usage,
    /// Time until the first token; nothing where none was written.
    pub first_token: Option<Duration>,
    /// Time the model took.
    pub predicting: Duration,
    /// Where the answer comes from.
    pub source: Source,
}

/// Where an answer comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The model was asked.
    Model,
    /// An earlier result still holds.
    Cache,
    /// An earlier request was under way to it.
    Joined,
}

impl Outcome {
    /// Returns the outcome of a request that no model was asked for.
    pub(crate) fn withheld(reason: Withheld) -> Self {
        Self::of(Err(reason))
    }

    /// Returns the outcome that shows a suggestion whose request has not ended.
    pub(crate) fn showing(suggestion: Suggestion) -> Self {
        Self::of(Ok(suggestion))
    }

    fn of(result: Result<Suggestion, Withheld>) -> Self {
        Self {
            result,
            others: Vec::new(),
            context: Context::default(),
            raw: Vec::new(),
            refused: Vec::new(),
            usage: Usage::default(),
            first_token: None,
            predicting: Duration::ZERO,
            source: Source::Model,
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
    complete_with(provider, doc, offset, &Imported::default(), options).await
}

/// Does the same, and shows the model what the document may use of the files that it imports.
pub async fn complete_with(
    provider: &dyn Provider,
    doc: &Document,
    offset: usize,
    imported: &Imported,
    options: Options,
) -> Result<Outcome, ProviderError> {
    let files: Vec<_> = imported.files().collect();
    let snippets = related(doc, offset, &files, options.budget.snippets);
    let context = Context::around(doc, offset, options.budget, None).with_snippets(snippets);
    Attempt::new(provider, doc, offset, options, context).run().await
}

/// On whose behalf a model is asked.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) client: ClientId,
    pub(crate) scope: Option<String>,
    pub(crate) priority: Priority,
}

impl Default for Caller {
    fn default() -> Self {
        Self { client: ClientId::default(), scope: None, priority: Priority::Keystroke }
    }
}

/// One request for a suggestion, while it is worked on.
pub(crate) struct Attempt<'a> {
    provider: &'a dyn Provider,
    doc: &'a Document,
    offset: usize,
    options: Options,
    context: Context,
    hole: OnceLock<Hole>,
    judge: Arc<Judge>,
    caller: Caller,
    just_deleted: Vec<String>,
    progress: Option<&'a (dyn Fn(&str) + Send + Sync)>,
    started: Instant,
    first_token: Option<Duration>,
    raw: Vec<String>,
    refused: Vec<String>,
    usage: Usage,
}

impl<'a> Attempt<'a> {
    /// Returns the request for `offset` in `doc`, of which the model is shown `context`.
    pub(crate) fn new(
        provider: &'a dyn Provider,
        doc: &'a Document,
        offset: usize,
        options: Options,
        context: Context,
    ) -> Self {
        Self {
            provider,
            doc,
            offset,
            options,
            context,
            hole: OnceLock::new(),
            judge: Arc::new(Judge::new(doc)),
            caller: Caller::default(),
            just_deleted: Vec::new(),
            progress: None,
            started: Instant::now(),
            first_token: None,
            raw: Vec::new(),
            refused: Vec::new(),
            usage: Usage::default(),
        }
    }

    /// Says on whose behalf the model is asked.
    pub(crate) fn on_behalf_of(self, caller: Caller) -> Self {
        Self { caller, ..self }
    }

    /// Has the suggestions judged by `judge`, who knows the document.
    pub(crate) fn judged_by(self, judge: Arc<Judge>) -> Self {
        Self { judge, ..self }
    }

    /// Says what the user deleted a moment ago and does not want back.
    pub(crate) fn without(self, just_deleted: Vec<String>) -> Self {
        Self { just_deleted, ..self }
    }

    /// Calls `progress` with the likeliest completion as far as it is written.
    pub(crate) fn reporting_to(self, progress: &'a (dyn Fn(&str) + Send + Sync)) -> Self {
        Self { progress: Some(progress), ..self }
    }

    /// Asks the model until the gate lets a candidate through.
    pub(crate) async fn run(mut self) -> Result<Outcome, ProviderError> {
        let result = self.suggest().await?;
        let others = match &result {
            Ok(suggestion) if self.options.n_alternatives > 0 => self.alternatives(&suggestion.text.clone()).await?,
            Ok(_) | Err(_) => Vec::new(),
        };
        let Self { context, raw, refused, usage, first_token, started, .. } = self;
        let predicting = started.elapsed();
        Ok(Outcome { result, others, context, raw, refused, usage, first_token, predicting, source: Source::Model })
    }

    async fn suggest(&mut self) -> Result<Result<Suggestion, Withheld>, ProviderError> {
        if context::is_secret_file(&self.doc.path) {
            return Ok(Err(Withheld::SecretFile));
        }
        let mut withheld = Withheld::Nothing;
        for sampling in self.samplings() {
            for completion in self.ask(sampling, Wants::One).await? {
                match self.judge(&completion) {
                    Ok(suggestion) => return Ok(Ok(suggestion)),
                    Err(reason) => {
                        self.refused.extend(self.ending().cuts(&completion.text, completion.reason).into_iter().next());
                        if withheld == Withheld::Nothing {
                            withheld = reason;
                        }
                    }
                }
            }
        }
        Ok(Err(withheld))
    }

    fn samplings(&self) -> Vec<Sampling> {
        let greedy = Sampling::greedy(self.options.max_tokens);
        if self.options.n_retries == 0 {
            return vec![greedy];
        }
        vec![greedy, self.varied(self.options.n_retries)]
    }

    /// Returns a sampling of several completions that differ.
    fn varied(&self, n_candidates: u32) -> Sampling {
        let greedy = Sampling::greedy(self.options.max_tokens);
        let seed = self.options.seed;
        Sampling { n_candidates, temperature: 0.6, first_greedy: false, top_p: 0.95, seed, ..greedy }
    }

    /// Returns further suggestions than the first.
    async fn alternatives(&mut self, first: &str) -> Result<Vec<Suggestion>, ProviderError> {
        let mut found: Vec<Suggestion> = Vec::new();
        for completion in self.ask(self.varied(self.options.n_alternatives), Wants::All).await? {
            if let Ok(suggestion) = self.judge(&completion)
                && suggestion.text != first
                && found.iter().all(|it| it.text != suggestion.text)
            {
                found.push(suggestion);
            }
        }
        Ok(found)
    }

    /// Asks the model, and stops listening as soon as every candidate holds its end, or one of several is good.
    async fn ask(&mut self, sampling: Sampling, wants: Wants) -> Result<Vec<Completion>, ProviderError> {
        let n_candidates = sampling.n_candidates.max(1) as usize;
        let request = Request::new(self.context.prompt(), sampling, self.caller.priority);
        let request = Request { client: self.caller.client, scope: self.caller.scope.clone(), ..request };
        let mut stream = self.provider.complete(request).await?;
        let mut candidates = vec![Candidate::default(); n_candidates];
        // Of a request that is not waited for to its end, only what was read is known for certain.
        let mut read: Option<Usage> = None;
        let mut usage = Usage::default();
        while let Some(event) = stream.next().await {
            match event? {
                Event::Read(usage) => read = Some(usage),
                Event::Text { candidate, text } => {
                    read.iter_mut().for_each(|it| it.completion_tokens += 1);
                    self.first_token.get_or_insert_with(|| self.started.elapsed());
                    if let Some(it) = candidates.get_mut(candidate as usize) {
                        it.text.push_str(&text);
                        if let (0, Some(progress)) = (candidate, self.progress) {
                            progress(&it.text);
                        }
                        it.is_over |= self.ending().is_settled(&it.text);
                    }
                }
                Event::Stopped { candidate, reason, mean_logprob } => {
                    if let Some(it) = candidates.get_mut(candidate as usize) {
                        it.stopped = Some((reason, mean_logprob));
                        it.is_over = true;
                    }
                }
                Event::Finished(total) => {
                    usage = total;
                    read = None;
                }
            }
            let is_enough = candidates.iter().all(|it| it.is_over) && candidates.iter().any(|it| it.stopped.is_none());
            if is_enough || wants == Wants::One && self.has_passing(&mut candidates) {
                break;
            }
        }
        self.usage += read.unwrap_or(usage);
        let completions: Vec<Completion> = candidates.into_iter().map(Candidate::into_completion).collect();
        self.raw.extend(completions.iter().map(|it| it.text.clone()));
        Ok(completions)
    }

    /// Returns what finds the end of a completion.
    fn ending(&self) -> Ending<'_> {
        let (before, after) = self.doc.text().split_at(self.offset);
        Ending::new(self.context.extent, self.options.reach, self.hole(), before, after)
    }

    /// Returns what the code around the position lacks; only completions of several whole lines have to know.
    fn hole(&self) -> &Hole {
        let is_asked =
            self.options.reach == Reach::Natural && matches!(self.context.extent, Extent::FreshLine | Extent::Block);
        self.hole.get_or_init(|| {
            let tree = if is_asked { self.judge.syntax() } else { None };
            tree.map_or_else(|| Hole::unknown(self.doc), |tree| Hole::of(tree, self.offset))
        })
    }

    /// Returns whether one of several candidates is over and good. Each is judged once.
    fn has_passing(&self, candidates: &mut [Candidate]) -> bool {
        if candidates.len() < 2 {
            return false;
        }
        candidates.iter_mut().filter(|it| it.is_over && !it.is_judged).any(|it| {
            it.is_judged = true;
            self.judge(&it.clone().into_completion()).is_ok()
        })
    }

    /// Returns the first line of what is written so far, when it is whole and the gate lets it through alone.
    pub(crate) fn first_line(&self, text: &str) -> Option<Suggestion> {
        let (before, after) = self.doc.text().split_at(self.offset);
        let ending = Ending::new(self.context.extent, Reach::Single, self.hole(), before, after);
        let line = Completion { text: text.to_owned(), reason: StopReason::MaxTokens, mean_logprob: 0.0 };
        self.judge_cuts(&ending, &line).ok()
    }

    /// Returns the likeliest cut of the completion that the gate lets through.
    fn judge(&self, completion: &Completion) -> Result<Suggestion, Withheld> {
        self.judge_cuts(&self.ending(), completion)
    }

    fn judge_cuts(&self, ending: &Ending<'_>, completion: &Completion) -> Result<Suggestion, Withheld> {
        let just_deleted: Vec<&str> = self.just_deleted.iter().map(String::as_str).collect();
        let mut withheld = Withheld::Nothing;
        for text in ending.cuts(&completion.text, completion.reason) {
            let assumed = ending.body_to_come(&text);
            let surroundings =
                Surroundings { just_deleted: &just_deleted, assumed: &assumed, ..Surroundings::default() };
            match self.judge.judge(Edit::single(self.offset..self.offset, text.clone()), &surroundings) {
                Ok(edit) => return Ok(Suggestion { id: SuggestionId::next(), edit, text }),
                Err(findings) if withheld == Withheld::Nothing => withheld = Withheld::Refused(findings),
                Err(_) => {}
            }
        }
        Err(withheld)
    }
}

/// How many good candidates are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wants {
    One,
    All,
}

/// A completion while it is written.
#[derive(Debug, Clone, Default)]
struct Candidate {
    text: String,
    is_over: bool,
    is_judged: bool,
    stopped: Option<(StopReason, f32)>,
}

impl Candidate {
    /// A completion that was not waited for to the end counts as cut.
    fn into_completion(self) -> Completion {
        let (reason, mean_logprob) = self.stopped.unwrap_or((StopReason::MaxTokens, 0.0));
        Completion { text: self.text, reason, mean_logprob }
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
    async fn a_single_line_may_open_a_block_whose_body_is_still_to_come() {
        for (path, marked, line) in [
            ("a.py", "def f(x):\n    y = x\n    ║\n    return y\n", "if x > 1:"),
            ("a.py", "def f(x):\n    y = x\n    if x ║\n    return y\n", "> 1:"),
            ("a.py", "def f(x):\n    i║\n", "f x:"),
            ("a.rs", "fn f(x: u8) -> u8 {\n    ║\n    x\n}\n", "if x > 1 {"),
        ] {
            let offset = marked.find(CURSOR).unwrap();
            let doc = Document::new(path, 1, marked.replace(CURSOR, ""));
            let provider = ScriptedProvider::new([Answer::cut(format!("{line}\n        y = 2\n"))]);
            let options = Options { reach: Reach::Single, n_retries: 0, ..Options::default() };
            let outcome = complete(&provider, &doc, offset, options).await.unwrap();
            assert_eq!(outcome.result.map(|it| it.text).map_err(|it| it.to_string()), Ok(line.to_owned()), "{marked}");
        }
    }

    #[tokio::test]
    async fn text_that_does_not_parse_is_withheld_and_the_next_candidate_offered() {
        let text = "def f(x):\n    return ║\n";
        assert_eq!(suggest("a.py", text, &["(x", "x + 1"]).await, Ok("x + 1".to_owned()));
        assert_eq!(suggest("a.py", text, &["(x", "x + (1"]).await, Err("refused".to_owned()));
    }

    #[tokio::test]
    async fn a_secret_file_is_never_shown_to_the_model() {
        assert_eq!(suggest(".env", "KEY=║", &["1"]).await, Err("secret-file".to_owned()));
    }
}
