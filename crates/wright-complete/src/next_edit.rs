//! The next edit: after a rename, a changed signature or a repeated change, the next place that needs it.
//!
//! [`EditHistory`] gathers keystrokes into hunks. [`by_rule`] compares the text before them with the text now and says
//! what no longer fits; each rule is a file, the most certain ones first. [`predict`] asks the rules, then, only where
//! something is provably unfinished, the model, and lets nothing through that the quick gate has not verified. Nothing
//! here moves a cursor or draws: the place to jump to is part of the answer.

mod awaits;
mod derives;
mod history;
mod imports;
mod members;
mod model;
mod rename;
mod repeat;
mod reshape;
mod scene;
mod signature;
mod spelling;

use std::ops::Range;
use std::path::PathBuf;

use wright_gate::Verified;
use wright_gate::quick::{Judge, Surroundings};
use wright_provider::{Provider, ProviderError};
use wright_text::{Document, Edit, Replacement};

pub use history::{EditHistory, RecentEdit};
use scene::Scene;

use crate::Trigger;

/// Why an edit is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// A keyword was misspelled.
    Misspelled,
    /// A name was changed where it is bound; this is a use of it.
    Renamed,
    /// A function's parameters changed; this is a call or its documentation.
    SignatureChanged,
    /// A function must now be awaited.
    MadeAsync,
    /// A field or variant was removed that is still used here.
    MemberRemoved,
    /// A field or variant was added that is missing here.
    MemberAdded,
    /// A type was given another shape; this uses the former one.
    TypeReshaped,
    /// A derived trait is needed by a type that has this one inside.
    DeriveNeeded,
    /// The same change was made to other places.
    Repeated,
    /// A name was used that is not imported yet.
    ImportNeeded,
    /// A word of a function's name was replaced; its body still says the former one.
    WordReplaced,
    /// Something is unfinished, and the model finished it.
    Unfinished,
}

impl Reason {
    /// Returns the stable code of the reason, for logs and editors.
    pub fn code(self) -> &'static str {
        match self {
            Self::Misspelled => "misspelled",
            Self::Renamed => "renamed",
            Self::SignatureChanged => "signature-changed",
            Self::MadeAsync => "made-async",
            Self::MemberRemoved => "member-removed",
            Self::MemberAdded => "member-added",
            Self::TypeReshaped => "type-reshaped",
            Self::DeriveNeeded => "derive-needed",
            Self::Repeated => "repeated",
            Self::ImportNeeded => "import-needed",
            Self::WordReplaced => "word-replaced",
            Self::Unfinished => "unfinished",
        }
    }
}

/// One place that a rule would change.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Site {
    pub(crate) path: PathBuf,
    pub(crate) range: Range<usize>,
    pub(crate) text: String,
    pub(crate) reason: Reason,
    pub(crate) confidence: f32,
}

/// An edit that a rule predicts; not judged yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// The file, which may be another open one.
    pub path: PathBuf,
    /// All replacements of one reason within one outermost definition.
    pub edit: Edit,
    /// Where to jump: the first changed byte nearest to where the person is.
    pub place: usize,
    /// Why.
    pub reason: Reason,
    /// How certain it is, up to 1.
    pub confidence: f32,
}

/// How next edits are made.
#[derive(Clone, Copy, Debug)]
pub struct NextEditOptions {
    /// Who asks.
    pub trigger: Trigger,
    /// A prediction that is less certain is not shown.
    pub min_confidence: f32,
    /// Whether the model is asked where no rule is certain.
    pub asks_model: bool,
    /// The mean log-probability per token below which the model's answer is not shown.
    pub min_logprob: f32,
    /// How many places the model is asked about at most.
    pub max_holes: usize,
    /// How much text on each side of a place the model is shown, in bytes.
    pub max_context: usize,
    /// Hard cap on each of the model's answers, in tokens.
    pub max_tokens: u32,
}

impl Default for NextEditOptions {
    fn default() -> Self {
        Self {
            trigger: Trigger::Automatic,
            min_confidence: 0.6,
            asks_model: true,
            min_logprob: -0.9,
            max_holes: 3,
            max_context: 2_000,
            max_tokens: 48,
        }
    }
}

/// A checked next edit.
#[derive(Clone, Debug, PartialEq)]
pub struct NextEdit {
    /// The file, which may be another open one.
    pub path: PathBuf,
    /// The edit.
    pub edit: Verified<Edit>,
    /// Where to jump.
    pub place: usize,
    /// Why.
    pub reason: Reason,
    /// How certain it is, up to 1.
    pub confidence: f32,
}

type Rule = fn(&Scene<'_>) -> Vec<Site>;

/// The rules, the most certain first.
const RULES: [Rule; 10] = [
    spelling::misspelled,
    rename::renamed,
    signature::changed,
    awaits::made_async,
    members::changed,
    reshape::reshaped,
    derives::needed,
    repeat::repeated,
    imports::needed,
    rename::word_replaced,
];

/// Returns what the rules predict, the best first: by the order of the rules, then by distance from `offset`.
///
/// All changes of one rule within one outermost definition are one prediction.
pub fn by_rule(doc: &Document, history: &EditHistory, offset: usize, open: &[&Document]) -> Vec<Prediction> {
    if history.edits().is_empty() || history.ended_with_undo() {
        return Vec::new();
    }
    let Some(scene) = Scene::new(doc, history, offset, open) else { return Vec::new() };
    let mut predictions = Vec::new();
    for rule in RULES {
        let sites = rule(&scene).into_iter().filter(|it| is_allowed(&scene, it)).collect();
        predictions.extend(grouped(&scene, sites));
    }
    predictions.retain(|it| !history.was_rejected(&it.path, &it.edit) && !takes_back(&scene, it));
    predictions
}

/// Returns the edit to offer next, or nothing.
///
/// The rules are asked first. Where none is certain, the model is asked to finish what is provably unfinished, in at most
/// [`NextEditOptions::max_holes`] places, and is believed only when its answer mends exactly that.
pub async fn predict(
    provider: &dyn Provider,
    doc: &Document,
    history: &EditHistory,
    offset: usize,
    open: &[&Document],
    surroundings: &Surroundings<'_>,
    options: NextEditOptions,
) -> Result<Option<NextEdit>, ProviderError> {
    if crate::context::is_secret_file(&doc.path) || history.ended_with_undo() {
        return Ok(None);
    }
    let bench = Bench { doc, open, history, surroundings };
    let ruled = by_rule(doc, history, offset, open).into_iter().filter(|it| it.confidence >= options.min_confidence);
    let (certain, likely): (Vec<_>, Vec<_>) = ruled.partition(|it| it.confidence >= CERTAIN);
    if let Some(found) = certain.into_iter().find_map(|it| bench.judge(it)) {
        return Ok(Some(found));
    }
    let found = by_model(provider, doc, history, offset, options).await?;
    if let Some(found) = found.and_then(|it| bench.judge(it)) {
        return Ok(Some(found));
    }
    Ok(likely.into_iter().find_map(|it| bench.judge(it)))
}

/// A rule that is less certain than this is shown after the model had its turn.
const CERTAIN: f32 = 0.7;

async fn by_model(
    provider: &dyn Provider,
    doc: &Document,
    history: &EditHistory,
    offset: usize,
    options: NextEditOptions,
) -> Result<Option<Prediction>, ProviderError> {
    let is_asked = options.trigger == Trigger::Invoked || !history.edits().is_empty();
    if !options.asks_model || !is_asked || !provider.capabilities().fills_in_the_middle {
        return Ok(None);
    }
    let Some(scene) = Scene::new(doc, history, offset, &[]) else { return Ok(None) };
    let found = model::finish(provider, &scene, options).await?;
    Ok(found.filter(|it| !history.was_rejected(&it.path, &it.edit)))
}

/// What predictions are judged with.
struct Bench<'a> {
    doc: &'a Document,
    open: &'a [&'a Document],
    history: &'a EditHistory,
    surroundings: &'a Surroundings<'a>,
}

impl Bench<'_> {
    /// Lets the quick gate judge a prediction against the document that it is for.
    fn judge(&self, prediction: Prediction) -> Option<NextEdit> {
        let Prediction { path, edit, place, reason, confidence } = prediction;
        let is_here = path == self.doc.path;
        let target = if is_here { self.doc } else { self.open.iter().copied().find(|it| it.path == path)? };
        let judge = Judge::new(target);
        let verified = self.judge_edit(&judge, &edit).map(|it| (it, place));
        // One place that the gate refuses must not hide the others.
        let one_by_one = || {
            let mut alone: Vec<&Replacement> =
                edit.replacements().iter().filter(|_| edit.replacements().len() > 1).collect();
            alone.sort_by_key(|it| it.range.start.abs_diff(place));
            let single = |it: &Replacement| Edit::single(it.range.clone(), it.text.as_str());
            alone.into_iter().find_map(|it| Some((self.judge_edit(&judge, &single(it))?, it.range.start)))
        };
        let (edit, place) = verified.or_else(one_by_one)?;
        Some(NextEdit { path, edit, place, reason, confidence })
    }

    /// A name that the person just typed elsewhere exists, whatever the file at hand says.
    fn judge_edit(&self, judge: &Judge, edit: &Edit) -> Option<Verified<Edit>> {
        let findings = match judge.judge(edit.clone(), self.surroundings) {
            Ok(verified) => return Some(verified),
            Err(findings) => findings,
        };
        if findings.iter().any(|it| it.code() != "unknown-name") {
            return None;
        }
        let mut names = self.surroundings.names.cloned().unwrap_or_default();
        let is_word = |it: char| it.is_alphanumeric() || it == '_';
        let typed = self.history.edits().iter().flat_map(|it| it.after.split(|it| !is_word(it)));
        typed.filter(|it| !it.is_empty()).for_each(|it| names.insert(it));
        let surroundings = Surroundings { names: Some(&names), ..*self.surroundings };
        judge.judge(edit.clone(), &surroundings).ok()
    }
}

/// A word that is being typed is left to the person, except for its spelling.
fn is_allowed(scene: &Scene<'_>, site: &Site) -> bool {
    let is_here = site.path == scene.doc.path;
    let is_word = |it: char| it.is_alphanumeric() || it == '_';
    let is_typed = is_here && site.range.end == scene.offset && scene.slice(&site.range).chars().all(is_word);
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let changes =
        !is_here || scene.text().get(site.range.clone()).is_some_and(|it| squeezed(it) != squeezed(&site.text));
    changes && (site.reason == Reason::Misspelled || site.range.is_empty() || !is_typed)
}

/// Makes one prediction of the sites in each outermost definition, the nearest first.
fn grouped(scene: &Scene<'_>, mut sites: Vec<Site>) -> Vec<Prediction> {
    sites.sort_by(|a, b| (&a.path, a.range.start, a.range.end).cmp(&(&b.path, b.range.start, b.range.end)));
    sites.dedup_by(|a, b| a.path == b.path && a.range.start < b.range.end.max(b.range.start + 1));
    let mut groups: Vec<(PathBuf, Range<usize>, Vec<Site>)> = Vec::new();
    for site in sites {
        let is_here = site.path == scene.doc.path;
        let unit = if is_here { scene.tree.unit_at(site.range.start) } else { 0..usize::MAX };
        match groups.last_mut() {
            Some((path, last, found)) if *path == site.path && last.start == unit.start => found.push(site),
            _ => groups.push((site.path.clone(), unit, vec![site])),
        }
    }
    let distance = |site: &Site| {
        let is_here = site.path == scene.doc.path;
        if is_here { site.range.start.abs_diff(scene.offset) } else { usize::MAX }
    };
    let nearest = |sites: &[Site]| sites.iter().map(distance).min().unwrap_or(usize::MAX);
    groups.sort_by_key(|(_, _, sites)| nearest(sites));
    let groups = groups.into_iter().filter_map(|(path, _, sites)| {
        let place = sites.iter().min_by_key(|it| distance(it))?.range.start;
        let (reason, confidence) = (sites[0].reason, sites.iter().map(|it| it.confidence).fold(1.0, f32::min));
        let replacements = sites.into_iter().map(|it| Replacement { range: it.range, text: it.text }).collect();
        Some(Prediction { path, edit: Edit::new(replacements).ok()?, place, reason, confidence })
    });
    groups.collect()
}

/// Returns whether a prediction would bring back lines that the person just changed.
fn takes_back(scene: &Scene<'_>, prediction: &Prediction) -> bool {
    if prediction.path != scene.doc.path || prediction.reason == Reason::Misspelled {
        return false;
    }
    let Ok(after) = prediction.edit.apply(scene.text()) else { return true };
    let back = |it: &&scene::Change| {
        let Some(place) = it.place.as_ref().filter(|place| !place.is_empty()) else { return false };
        let overlaps = prediction.edit.range().start < place.end && place.start < prediction.edit.range().end;
        overlaps && !it.before.trim().is_empty() && !scene.text().contains(&it.before) && after.contains(&it.before)
    };
    after == scene.before.text() || scene.changes.iter().any(|it| back(&it))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use wright_provider::replay::ScriptedProvider;

    use super::*;

    /// Makes one edit of `text` and returns what is predicted then.
    async fn next(
        path: &str,
        text: &str,
        old: &str,
        new: &str,
        provider: ScriptedProvider,
    ) -> Option<(String, Reason)> {
        let mut history = EditHistory::new();
        let at = text.find(old).unwrap();
        let edit = Edit::single(at..at + old.len(), new);
        history.record(&Document::new(path, 1, text), &edit, Duration::ZERO);
        let doc = Document::new(path, 2, edit.apply(text).unwrap());
        let options = NextEditOptions::default();
        let found = predict(&provider, &doc, &history, at + new.len(), &[], &Surroundings::default(), options)
            .await
            .unwrap()?;
        Some((found.edit.change().apply(doc.text()).unwrap(), found.reason))
    }

    #[tokio::test]
    async fn a_rule_answers_without_the_model() {
        let text = "def load(a):\n    return a\n\n\nload(1)\n";
        let found = next("a.py", text, "load", "read_all", ScriptedProvider::answering(&["never asked"])).await;
        assert_eq!(found, Some(("def read_all(a):\n    return a\n\n\nread_all(1)\n".to_owned(), Reason::Renamed)));
    }

    #[tokio::test]
    async fn nothing_is_predicted_where_bindings_are_not_read() {
        let text = "int load(int a) {\n    return a;\n}\n\nint b = load(1);\n";
        let found = next("a.cpp", text, "load", "read_all", ScriptedProvider::answering(&[])).await;
        assert_eq!(found, None);
    }

    #[tokio::test]
    async fn a_finished_edit_asks_nobody() {
        let text = "def load(a):\n    return a\n";
        let found = next("a.py", text, "return a", "return a + 1", ScriptedProvider::answering(&[])).await;
        assert_eq!(found, None);
    }

    #[tokio::test]
    async fn the_model_is_believed_when_its_answer_mends_what_is_broken() {
        let text = "from functools import cache\n\n\ndef slow(x):\n    return x\n";
        let mended = next("a.py", text, "\n\ndef", "\n\n@\ndef", ScriptedProvider::answering(&["cache\n"])).await;
        assert_eq!(mended.map(|it| it.1), Some(Reason::Unfinished));
        let worse = next("a.py", text, "\n\ndef", "\n\n@\ndef", ScriptedProvider::answering(&["(("])).await;
        assert_eq!(worse, None);
    }

    #[tokio::test]
    async fn a_secret_file_is_left_alone() {
        assert_eq!(next(".env", "A=1\nB=A\n", "A", "C", ScriptedProvider::answering(&["x"])).await, None);
    }

    #[test]
    fn what_was_rejected_is_not_offered_again() {
        let text = "def load(a):\n    return a\n\n\nload(1)\n";
        let edit = Edit::single(4..8, "read_all");
        let mut history = EditHistory::new();
        history.record(&Document::new("a.py", 1, text), &edit, Duration::ZERO);
        let doc = Document::new("a.py", 2, edit.apply(text).unwrap());
        let found = by_rule(&doc, &history, 0, &[]);
        assert_eq!(found.len(), 1);
        history.reject(&doc.path, &found[0].edit);
        assert!(by_rule(&doc, &history, 0, &[]).is_empty());
    }

    #[test]
    fn another_open_file_is_changed_too() {
        let text = "def load_rows(a):\n    return a\n";
        let edit = Edit::single(4..13, "read_rows");
        let mut history = EditHistory::new();
        history.record(&Document::new("a.py", 1, text), &edit, Duration::ZERO);
        let doc = Document::new("a.py", 2, edit.apply(text).unwrap());
        let other = Document::new("b.py", 1, "from a import load_rows\n\nload_rows(1)\n");
        let found = by_rule(&doc, &history, 0, &[&other]);
        assert_eq!(found[0].path, other.path);
        assert_eq!(found[0].edit.apply(other.text()).unwrap(), "from a import read_rows\n\nread_rows(1)\n");
    }
}
