//! Asks the model for candidates, the most promising question first.
//!
//! Three sources, each suited to a small model: a *hole* in place of a suspicious line or expression, filled in the middle
//! several ways; *syntax edits* made by rule and ranked by how likely the model finds them; the function *rewritten*. A
//! provider that only chats is asked for rewrites.
//!
//! The questions wait in a priority queue. Ranking comes first, because it also tells which lines the model finds odd: the
//! holes are asked for in that order.

use std::collections::BinaryHeap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::Digest as _;
use tokio::sync::mpsc;
use wright_gate::{Finding, TestRun};
use wright_provider::{
    Alternatives, Completion, FimOrder, Message, Priority, Prompt, Provider, ProviderError, Request as ModelRequest,
    Sampling, collect,
};
use wright_repo::Worktree;
use wright_text::syntax_edits::{self, Scope};
use wright_text::{Function, Language, SyntaxTree, reindent};

use super::candidate::{Candidate, Source};
use super::search::ModelSpending;
use super::{Deps, Request};
use crate::boundary::{fill, quoted, quoted_output};
use crate::event::Place;
use crate::spliced::{splice, with_fence};
use crate::{Event, Reporter};

/// How much of the file before the function the model is shown, in bytes.
const MAX_CONTEXT: usize = 1_600;

/// How much of the test output the model is shown, in bytes.
const MAX_FAILURE: usize = 1_200;

/// Functions longer than this are not asked for as a whole, in bytes: a small model loses the thread.
const MAX_REWRITE: usize = 6_000;

/// Edits that the model finds less likely than e^-16 times the original are noise.
const MIN_RANK: f32 = -16.0;

/// How many edits of one function are ranked at most.
const MAX_EDITS: usize = 3_000;

/// How many answers each hole gets.
const N_PER_HOLE: u32 = 4;

/// Tokens that an answer may have where one line is expected.
const MAX_LINE_TOKENS: u32 = 48;

/// Something for the search to work with.
pub(super) enum Batch {
    /// The model filled in or wrote these.
    FromModel(Vec<Candidate>),
    /// These were made by rule; the likeliest first.
    Ranked(Vec<Candidate>),
    /// The model could not be asked.
    Trouble(Box<Finding>),
    /// Nothing follows.
    Finished,
}

/// The batches of a running proposer. Dropping it stops the proposer and cancels what the model is doing.
pub(super) struct Proposals {
    batches: mpsc::Receiver<Result<Batch, ProviderError>>,
    /// Whether everything was received.
    pub(super) is_finished: bool,
    /// The error that ended the proposing, when it did.
    pub(super) fatal: Option<ProviderError>,
    _task: AbortOnDrop,
}

/// Aborts a task when the one who waits for it goes away.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Proposals {
    /// Waits for the next batch.
    pub(super) async fn next(&mut self) -> Batch {
        match self.batches.recv().await {
            Some(Ok(batch)) => batch,
            Some(Err(error)) => {
                let finding = Finding::error("model", error.to_string());
                self.fatal = Some(error);
                Batch::Trouble(Box::new(finding))
            }
            None => {
                self.is_finished = true;
                Batch::Finished
            }
        }
    }
}

/// One question to the model. The smaller the key, the sooner it is asked.
#[derive(Debug, Clone)]
struct Question {
    key: f64,
    suspect: usize,
    kind: QuestionKind,
}

#[derive(Debug, Clone)]
enum QuestionKind {
    Rank,
    Hole { range: Range<usize>, kind: HoleKind },
    Rewrite(Sampling),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HoleKind {
    Statement,
    Expression,
    Insertion,
}

impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Question {}

impl PartialOrd for Question {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Question {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        other.key.total_cmp(&self.key)
    }
}

/// A function under suspicion.
struct Suspect {
    path: PathBuf,
    name: String,
    tree: SyntaxTree,
    function: Function,
    /// The part of the file before the function that the model is shown.
    context: String,
}

/// Asks the questions.
pub(super) struct Proposer {
    provider: Arc<dyn Provider>,
    reporter: Reporter,
    seed: u64,
    suspects: Vec<Arc<Suspect>>,
    failure: String,
    questions: BinaryHeap<Question>,
    spending: Arc<Mutex<ModelSpending>>,
}

impl Proposer {
    pub(super) fn new(
        deps: &Deps,
        request: &Request,
        tree: &Worktree,
        places: &[Place],
        run: &TestRun,
        spending: Arc<Mutex<ModelSpending>>,
    ) -> Self {
        let suspects: Vec<Arc<Suspect>> =
            places.iter().filter_map(|place| suspect(tree, place)).map(Arc::new).collect();
        let mut proposer = Self {
            provider: Arc::clone(&deps.provider),
            reporter: Arc::clone(&deps.reporter),
            seed: request.seed,
            suspects,
            failure: quoted_output(&telling_part(&run.output)),
            questions: BinaryHeap::new(),
            spending,
        };
        proposer.first_questions();
        proposer
    }

    /// Starts asking in the background.
    pub(super) fn spawn(self) -> Proposals {
        // One batch ahead: the model is not to run far past the candidate that ends the search.
        let (sender, batches) = mpsc::channel(2);
        let task = tokio::spawn(self.run(sender));
        Proposals { batches, is_finished: false, fatal: None, _task: AbortOnDrop(task) }
    }

    async fn run(mut self, sender: mpsc::Sender<Result<Batch, ProviderError>>) {
        let mut n_failures = 0;
        while let Some(question) = self.questions.pop() {
            match self.ask(&question).await {
                Ok(batch) => {
                    n_failures = 0;
                    if sender.send(Ok(batch)).await.is_err() {
                        return;
                    }
                }
                Err(error) => {
                    n_failures += 1;
                    // A broken connection may be mended; a wrong address, key or name is not.
                    let is_final = !matches!(error, ProviderError::BrokeOff { .. } | ProviderError::TimedOut { .. });
                    let is_too_large = matches!(error, ProviderError::ContextExceeded { .. });
                    if n_failures >= 3 || (is_final && !is_too_large) {
                        sender.send(Err(error)).await.ok();
                        return;
                    }
                    let finding = Finding::error("model", error.to_string());
                    if sender.send(Ok(Batch::Trouble(Box::new(finding)))).await.is_err() {
                        return;
                    }
                }
            }
        }
    }

    fn first_questions(&mut self) {
        let capabilities = self.provider.capabilities();
        for suspect in 0..self.suspects.len() {
            let place = suspect as f64;
            let mut add = |key: f64, kind| self.questions.push(Question { key, suspect, kind });
            if capabilities.ranks {
                add(place * 3.0, QuestionKind::Rank);
            }
            if self.suspects[suspect].function.range.len() <= MAX_REWRITE {
                let can_do_more = capabilities.fills_in_the_middle;
                let length = self.suspects[suspect].function.range.len();
                let [first, further] = rewrites(self.seed, length, can_do_more);
                add(if can_do_more { 9.0 } else { 0.0 } + place * 8.0, QuestionKind::Rewrite(first));
                for round in 0..2_u32 {
                    let sampling = Sampling { seed: further.seed + u64::from(round) * 1_000, ..further.clone() };
                    let wait = if can_do_more { 24.0 } else { 2.0 };
                    add(wait + f64::from(round) * 30.0 + place * 12.0, QuestionKind::Rewrite(sampling));
                }
            }
            if capabilities.fills_in_the_middle && !capabilities.ranks {
                let holes = holes(&self.suspects[suspect], &|_| 0.0);
                self.questions.extend(holes.into_iter().map(|it| Question { suspect, ..it }));
            }
        }
    }

    async fn ask(&mut self, question: &Question) -> Result<Batch, ProviderError> {
        match &question.kind {
            QuestionKind::Rank => self.rank(question.suspect).await,
            QuestionKind::Hole { range, kind } => self.fill(question.suspect, range.clone(), *kind).await,
            QuestionKind::Rewrite(sampling) => self.rewrite(question.suspect, sampling.clone()).await,
        }
    }

    /// Ranks all syntax edits of a function in one reading, and lines up its holes by what the reading found odd.
    async fn rank(&mut self, idx: usize) -> Result<Batch, ProviderError> {
        let suspect = Arc::clone(&self.suspects[idx]);
        self.say(format!("reading `{}`", suspect.name));
        let (tree, function) = (&suspect.tree, &suspect.function);
        let edits = syntax_edits::generate(tree, function, &Scope { max_edits: MAX_EDITS });
        let range = function.range.clone();
        let mut variants = Vec::with_capacity(edits.len());
        let mut files = Vec::with_capacity(edits.len());
        for edit in &edits {
            let Ok(text) = edit.edit.apply(tree.text()) else { continue };
            let end = range.end + text.len() - tree.text().len();
            let Some(variant) = text.get(range.start..end) else { continue };
            variants.push(variant.to_owned());
            files.push((edit, text));
        }
        let alternatives =
            Alternatives { context: suspect.context.clone(), original: tree.text()[range].to_owned(), variants };
        let reading = format!("{}{}", alternatives.context, alternatives.original);
        self.note_prompt(&reading);
        let ranks = self.provider.rank(alternatives).await?;
        let n_tokens = self.provider.count_tokens(&reading).await?;
        self.spending.lock().unwrap_or_else(PoisonError::into_inner).usage.prompt_tokens += n_tokens as u64;
        let mut ranked: Vec<(f32, Range<usize>, Candidate)> = Vec::new();
        for (rank, (edit, text)) in ranks.iter().zip(files) {
            let what = describe(&suspect, edit.range.clone(), &text);
            let candidate = Candidate { source: Source::SyntaxEdit, path: suspect.path.clone(), text, what };
            ranked.push((*rank, edit.range.clone(), candidate));
        }
        ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
        let oddness = |hole: &Range<usize>| {
            let inside = ranked.iter().filter(|(_, range, _)| range.start < hole.end && hole.start < range.end);
            inside.map(|(rank, ..)| f64::from(*rank)).next().unwrap_or(f64::from(MIN_RANK))
        };
        let holes = holes(&suspect, &oddness);
        self.questions.extend(holes.into_iter().map(|it| Question {
            suspect: idx,
            key: it.key + idx as f64 * 4.0,
            ..it
        }));
        Ok(Batch::Ranked(ranked.into_iter().filter(|it| it.0 > MIN_RANK).map(|it| it.2).collect()))
    }

    /// Masks a range of the function and lets the model fill it several ways.
    async fn fill(&mut self, idx: usize, range: Range<usize>, kind: HoleKind) -> Result<Batch, ProviderError> {
        let suspect = Arc::clone(&self.suspects[idx]);
        let text = suspect.tree.text();
        let line = text[..range.start].matches('\n').count() + 1;
        self.say(format!("filling line {line} of `{}`", suspect.name));
        let is_one_line = !text[range.clone()].contains('\n');
        let stop = if is_one_line { vec!["\n".to_owned()] } else { Vec::new() };
        let spare = u32::try_from(range.len() / 2).unwrap_or(MAX_LINE_TOKENS);
        let sampling = Sampling {
            n_candidates: N_PER_HOLE,
            temperature: 0.9,
            first_greedy: true,
            top_p: 0.95,
            seed: self.seed.wrapping_add(range.start as u64),
            max_tokens: if is_one_line { MAX_LINE_TOKENS } else { (MAX_LINE_TOKENS + spare).min(256) },
            stop,
        };
        let insertion_indent = if kind == HoleKind::Insertion { indent_at(text, range.start) } else { "" };
        let prefix =
            format!("{}{}{insertion_indent}", suspect.context, &text[suspect.function.range.start..range.start]);
        let line_break = if kind == HoleKind::Insertion { "\n" } else { "" };
        let suffix = format!("{line_break}{}", &text[range.end..suspect.function.range.end]);
        let prompt = Prompt::FillInTheMiddle { prefix, suffix: suffix.clone(), order: FimOrder::PrefixFirst };
        let completions = self.complete(prompt, sampling).await?;
        let candidates = completions.iter().filter_map(|completion| {
            let filled = filled(completion, &suffix)?;
            let new = format!("{}{insertion_indent}{filled}{line_break}{}", &text[..range.start], &text[range.end..]);
            let what = describe(&suspect, range.clone(), &new);
            Some(Candidate { source: Source::Cloze, path: suspect.path.clone(), text: new, what })
        });
        Ok(Batch::FromModel(candidates.collect()))
    }

    /// Asks for the whole function, corrected.
    async fn rewrite(&mut self, idx: usize, sampling: Sampling) -> Result<Batch, ProviderError> {
        let suspect = Arc::clone(&self.suspects[idx]);
        self.say(format!(
            "rewriting `{}`, {} time{}",
            suspect.name,
            sampling.n_candidates,
            if sampling.n_candidates == 1 { "" } else { "s" }
        ));
        let language = suspect.tree.language();
        let function = &suspect.tree.text()[suspect.function.range.clone()];
        let function = quoted(reindent(function, &suspect.function.indent, "").trim_end());
        let name = language.name().to_lowercase();
        let values = [("language", name.as_str()), ("function", &function.text), ("failure", &self.failure)];
        let question = fill(include_str!("rewrite.md"), &values);
        let prefill = format!("```{}\n", language.name().to_lowercase());
        let messages =
            vec![Message::system("You are a careful programmer. Answer with code only."), Message::user(question)];
        let completions = self.complete(Prompt::Chat { messages, prefill: prefill.clone() }, sampling).await?;
        let what = format!("`{}` written anew", suspect.name);
        let texts = completions
            .iter()
            .map(|it| function.restore(&with_fence(&it.text, &prefill)))
            .filter_map(|it| splice(&suspect.tree, &suspect.function, &it));
        let candidates: Vec<Candidate> = texts
            .map(|text| Candidate { source: Source::Rewrite, path: suspect.path.clone(), text, what: what.clone() })
            .collect();
        if candidates.is_empty() {
            let message = format!("no answer contains the function `{}` with its parameters", suspect.name);
            return Ok(Batch::Trouble(Box::new(Finding::error("answer", message))));
        }
        Ok(Batch::FromModel(candidates))
    }

    async fn complete(&mut self, prompt: Prompt, sampling: Sampling) -> Result<Vec<Completion>, ProviderError> {
        self.note_prompt(&format!("{prompt:?}"));
        let request = ModelRequest::new(prompt, sampling, Priority::Background);
        let (completions, usage) = collect(self.provider.complete(request).await?).await?;
        self.spending.lock().unwrap_or_else(PoisonError::into_inner).usage += usage;
        Ok(completions)
    }

    fn note_prompt(&self, prompt: &str) {
        let mut spending = self.spending.lock().unwrap_or_else(PoisonError::into_inner);
        spending.calls += 1;
        spending.prompts.update(prompt.as_bytes());
    }

    fn say(&self, what: String) {
        (self.reporter)(Event::Asking { what });
    }
}

fn suspect(tree: &Worktree, place: &Place) -> Option<Suspect> {
    let language = Language::from_path(&place.path)?;
    let parsed = SyntaxTree::parse(language, tree.read(&place.path).ok()?);
    let functions = parsed.functions();
    let function =
        functions.into_iter().find(|it| it.qualified_name == place.function && it.first_line == place.line)?;
    let context = context_before(parsed.text(), function.range.start);
    Some(Suspect { path: place.path.clone(), name: place.function.clone(), tree: parsed, function, context })
}

/// Returns the text before the function, from the start of a line, within the budget.
fn context_before(text: &str, start: usize) -> String {
    let line_start = text[..start].rfind('\n').map_or(0, |it| it + 1);
    let before = &text[..line_start];
    let cut = text.ceil_char_boundary(before.len().saturating_sub(MAX_CONTEXT));
    let from = if cut == 0 { 0 } else { before[cut..].find('\n').map_or(before.len(), |it| cut + it + 1) };
    format!("{}{}", &before[from..], &text[line_start..start])
}

/// Returns the two ways to ask for a whole function: once greedily, then several samples.
fn rewrites(seed: u64, length: usize, can_continue: bool) -> [Sampling; 2] {
    let max_tokens = u32::try_from(length / 2 + 128).unwrap_or(u32::MAX).min(2_048);
    // An answer that goes on inside the fence ends with it. One that opens its own fence would end before it began.
    let stop = if can_continue { vec!["\n```".to_owned()] } else { Vec::new() };
    let greedy = Sampling { stop, seed, ..Sampling::greedy(max_tokens) };
    let sampled = Sampling { n_candidates: 3, temperature: 0.8, first_greedy: false, top_p: 0.95, ..greedy.clone() };
    [greedy, sampled]
}

/// Returns the holes of a function as questions. `oddness` says how much likelier the model finds the best edit of a range.
fn holes(suspect: &Suspect, oddness: &dyn Fn(&Range<usize>) -> f64) -> Vec<Question> {
    let (tree, function) = (&suspect.tree, &suspect.function);
    let statements = tree.statements(function);
    let mut odd_first: Vec<&Range<usize>> = statements.iter().collect();
    odd_first.sort_by(|a, b| oddness(b).total_cmp(&oddness(a)));
    let hole = |key: f64, range: &Range<usize>, kind| Question {
        key,
        suspect: 0,
        kind: QuestionKind::Hole { range: range.clone(), kind },
    };
    let lines = odd_first.iter().enumerate().map(|(n, range)| hole(n as f64 + 1.0, range, HoleKind::Statement));
    let reachable = statements.iter().filter(|it| !follows_an_exit(tree.text(), line_start(tree.text(), it.start)));
    let starts = reachable.map(|it| line_start(tree.text(), it.start)).map(|it| it..it);
    let insertions = starts.enumerate().map(|(n, at)| hole(n as f64 * 1.5 + 6.0, &at, HoleKind::Insertion));
    let mut expressions = tree.expressions(function);
    expressions.sort_by(|a, b| oddness(b).total_cmp(&oddness(a)));
    let expressions =
        expressions.iter().enumerate().map(|(n, range)| hole(n as f64 * 1.2 + 10.0, range, HoleKind::Expression));
    lines.chain(insertions).chain(expressions).collect()
}

/// Returns whether a line put in at `line_start` could never run: the line before leaves the same block.
fn follows_an_exit(text: &str, line_start: usize) -> bool {
    let Some(previous) = text[..line_start].lines().rev().find(|it| !it.trim().is_empty()) else { return false };
    let word = previous.trim_start().split(|it: char| !it.is_alphanumeric()).next().unwrap_or_default();
    let leaves = matches!(word, "return" | "raise" | "throw" | "break" | "continue");
    let indent = previous.len() - previous.trim_start().len();
    leaves && indent == indent_at(text, line_start).len()
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |it| it + 1)
}

fn indent_at(text: &str, line_start: usize) -> &str {
    let line = &text[line_start..];
    let end = line.find(|it: char| it != ' ' && it != '\t').unwrap_or(line.len());
    &line[..end]
}

/// Returns what the model put in the hole, cut where it began to type what follows.
fn filled(completion: &Completion, suffix: &str) -> Option<String> {
    let text = completion.text.trim_end();
    let rest = suffix.lines().next().unwrap_or_default().trim();
    let next = suffix.lines().skip(1).find(|it| !it.trim().is_empty()).unwrap_or_default().trim_end();
    let mut end = text.len();
    if rest.len() >= 2
        && let Some(found) = text.find(rest)
    {
        end = end.min(found);
    }
    if next.len() >= 4
        && let Some(found) = text.find(&format!("\n{next}"))
    {
        end = end.min(found);
    }
    let text = text[..end].trim_end();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Returns the answer with the fence it was to continue, unless it opened one of its own.
/// Returns the changed line before and after, for a person.
fn describe(suspect: &Suspect, range: Range<usize>, new: &str) -> String {
    let old = suspect.tree.text();
    let start = line_start(old, range.start);
    let line = old[..start].matches('\n').count() + 1;
    let first_line = |text: &str| text.lines().next().unwrap_or_default().trim().to_owned();
    let (before, after) = (first_line(&old[start..]), first_line(new.get(start..).unwrap_or_default()));
    let n_lines = |text: &str| text.matches('\n').count();
    if n_lines(new) > n_lines(old) && range.is_empty() {
        return format!("line {line}: insert `{after}`");
    }
    if n_lines(new) < n_lines(old) && !before.is_empty() && before != after {
        return format!("line {line}: without `{before}`");
    }
    format!("line {line}: `{before}` -> `{after}`")
}

/// Returns the part of the test output that says what went wrong: the end, from the start of a line.
fn telling_part(output: &str) -> String {
    let output = output.trim_end();
    let cut = output.ceil_char_boundary(output.len().saturating_sub(MAX_FAILURE));
    let from = if cut == 0 { 0 } else { output[cut..].find('\n').map_or(cut, |it| cut + it + 1) };
    output[from..].replace("```", "'''")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn suspect_in(text: &str) -> Suspect {
        let tree = SyntaxTree::parse(Language::Python, text);
        let function = tree.functions().remove(0);
        let name = function.name.clone();
        Suspect { path: PathBuf::from("a.py"), name, tree, function, context: String::new() }
    }

    #[test]
    fn a_rewritten_function_is_spliced_only_with_its_name_and_parameters() {
        let suspect = suspect_in("import x\n\ndef f(a, b):\n    return a\n\nprint(f(1, 2))\n");
        let answer =
            |code: &str| splice(&suspect.tree, &suspect.function, &format!("Here:\n```python\n{code}\n```\nDone."));
        let spliced = answer("def f(a: int, b: int):\n    return b");
        assert_eq!(spliced.as_deref(), Some("import x\n\ndef f(a: int, b: int):\n    return b\n\nprint(f(1, 2))\n"));
        assert_eq!(answer("def g(a, b):\n    return b"), None);
        assert_eq!(answer("def f(c):\n    return c"), None);
        assert_eq!(splice(&suspect.tree, &suspect.function, "fixed, all tests pass"), None);
    }

    #[test]
    fn an_insertion_that_could_never_run_is_not_asked_for() {
        let text = "def f(a):\n    if a:\n        return 1\n    b = 2\n    return b\n";
        assert!(!follows_an_exit(text, text.find("    b = 2").unwrap()), "another block");
        let dead = "def f(a):\n    return 1\n    b = 2\n";
        assert!(follows_an_exit(dead, dead.find("    b = 2").unwrap()));
    }

    #[test]
    fn a_candidate_is_described_by_what_it_does() {
        let suspect = suspect_in("def f(a):\n    x = a\n    return x\n");
        let text = suspect.tree.text();
        let at = text.find("    return").unwrap();
        let inserted = text.replace("    return", "    x += 1\n    return");
        assert_eq!(describe(&suspect, at..at, &inserted), "line 3: insert `x += 1`");
        let range = text.find("x = a").unwrap()..text.find("x = a").unwrap() + 5;
        assert_eq!(describe(&suspect, range.clone(), &text.replace("x = a", "x = -a")), "line 2: `x = a` -> `x = -a`");
        assert_eq!(describe(&suspect, range, &text.replace("    x = a\n", "")), "line 2: without `x = a`");
    }
}
