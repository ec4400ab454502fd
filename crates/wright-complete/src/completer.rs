//! The long-lived side of completion: open documents, what was suggested before, and what became of it.
//!
//! A front end keeps one [`Completer`] per process, tells it of every change, and asks it for suggestions. A request is
//! answered from an earlier result when one still holds, else by the request that is under way when what was typed since
//! agrees with what it has written, else by the model. What the model is shown depends on what it has read already: a
//! narrow context where the wide one would take too long, and the wide one is then read while nobody waits.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures::StreamExt;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use wright_gate::Verified;
use wright_gate::quick::{self, Judge, Surroundings};
use wright_provider::{ClientId, Priority, Provider, ProviderError, Request, Sampling};
use wright_repo::Neighbors;
use wright_text::{Document, Edit, Language};

use crate::attempt::{Attempt, Caller, Source};
use crate::cache::{Entry, ResultCache};
use crate::context::{self, Budget, Context};
use crate::ending::Ending;
use crate::extent::Extent;
use crate::flight::{self, Flight};
use crate::hole::Hole;
use crate::mood::Mood;
use crate::next_edit::{EditHistory, NextEditOptions, predict};
use crate::past::Past;
use crate::related::{Cited, Imported, related};
use crate::{Options, Outcome, Reach, Suggestion, SuggestionId, Withheld};

/// How many entries the log of outcomes keeps.
const MAX_LOG: usize = 200;

/// How many suggestions are remembered for what becomes of them.
const MAX_OFFERED: usize = 64;

/// Longest document in which something is suggested, in bytes.
const MAX_DOCUMENT: usize = 1 << 20;

/// How many tokens a second a model is taken to read until it was seen to, and the bounds of what is believed.
const FIRST_READ_RATE: f64 = 120.0;
const READ_RATES: (f64, f64) = (20.0, 20_000.0);

/// How many bytes of code a token stands for, cautiously.
const BYTES_PER_TOKEN: usize = 3;

/// How long a model on this machine may read before it writes, while someone types; what takes longer is read when nobody
/// waits.
const MAX_READ: Duration = Duration::from_millis(400);

/// How long such a model may write before its first line is shown alone.
const MAX_WRITE: Duration = Duration::from_millis(700);

/// The smallest context that is worth asking about, in tokens.
const MIN_NARROW: usize = 96;

/// How many further suggestions are looked for when the user asked for them.
const N_ALTERNATIVES: u32 = 2;

/// What a user can set.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How readily something is shown while someone types.
    pub eagerness: Eagerness,
    /// Whether more than one line may be suggested.
    pub multiline: bool,
    /// Whether the next place to edit is looked for.
    pub next_edit: bool,
    /// Names of languages, as `wright_text::Language::name` has them, in which nothing is suggested.
    pub disabled_languages: Vec<String>,
    /// Whether earlier suggestions may answer; off only to measure the model itself.
    pub result_cache: bool,
    /// Whether what follows a suggestion is asked for before the suggestion is taken.
    pub look_ahead: bool,
    /// How long reading a prompt may take before the first token is written; a longer one is cut down until it has been
    /// read while nobody waited. Nothing where reading costs no time to speak of, as at a remote provider.
    pub max_read: Option<Duration>,
    /// How long a suggestion of several lines is waited for while someone types, before its first line is shown alone. The
    /// other lines are offered once that one is taken. Nothing to wait for all of them.
    pub max_write: Option<Duration>,
    /// For which repository what was read is kept between runs: an opaque name.
    pub scope: Option<String>,
    /// How suggestions are made.
    pub options: Options,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            eagerness: Eagerness::Medium,
            multiline: true,
            next_edit: true,
            disabled_languages: Vec::new(),
            result_cache: true,
            look_ahead: true,
            max_read: None,
            max_write: None,
            scope: None,
            options: Options::default(),
        }
    }
}

impl Settings {
    /// Returns the settings for a model that runs on this machine, where both reading and writing take their time.
    pub fn on_this_machine() -> Self {
        Self { max_read: Some(MAX_READ), max_write: Some(MAX_WRITE), ..Self::default() }
    }
}

/// How readily something is shown while someone types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Eagerness {
    /// Only what the model is sure of, after a pause.
    Low,
    /// What the model is reasonably sure of.
    #[default]
    Medium,
    /// Whatever passes the gate.
    High,
}

/// A request for suggestions.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The document as it is now.
    pub doc: Arc<Document>,
    /// The position, in bytes.
    pub offset: usize,
    /// What made the editor ask.
    pub trigger: Trigger,
    /// The entry that is selected in the editor's own completion list.
    pub selected: Option<Selected>,
}

/// What made the editor ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The user typed or moved.
    Automatic,
    /// The user asked for suggestions, for several if there are.
    Invoked,
}

/// An entry of the editor's completion list; suggestions begin with its text and replace its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// What it replaces, in bytes.
    pub range: std::ops::Range<usize>,
    /// Its text.
    pub text: String,
}

/// What became of a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// It is on the screen.
    Shown,
    /// This many bytes of its text were taken, from the beginning.
    PartiallyAccepted(usize),
    /// It was taken whole.
    Accepted,
    /// It was refused by the user.
    Dismissed,
}

/// One line of the log that says what came of each request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEntry {
    /// When the request came.
    pub at: SystemTime,
    /// The document's file.
    pub path: PathBuf,
    /// `shown`, or the code of the reason why nothing was.
    pub code: &'static str,
    /// The reason in words; empty for a suggestion that was shown.
    pub detail: String,
    /// How long it took.
    pub took: Duration,
}

/// Makes suggestions for open documents. Clones share everything.
#[derive(Clone)]
pub struct Completer {
    provider: Arc<dyn Provider>,
    client: ClientId,
    state: Arc<Mutex<State>>,
}

struct State {
    settings: Settings,
    documents: HashMap<PathBuf, Open>,
    cache: ResultCache,
    mood: Mood,
    flight: Option<Flight>,
    /// What is read or asked while nobody waits.
    ahead: Option<AbortHandle>,
    warming: Option<AbortHandle>,
    /// Tokens read per second, as seen.
    read_rate: f64,
    offered: VecDeque<(SuggestionId, PathBuf, String)>,
    offered_edits: VecDeque<(SuggestionId, PathBuf, Edit)>,
    history: EditHistory,
    neighbors: Option<Arc<Neighbors>>,
    started: Instant,
    log: VecDeque<LogEntry>,
}

/// An open document.
struct Open {
    doc: Arc<Document>,
    past: Past,
    /// What the model was shown last, where there was time to read it and where there was not.
    wide: Option<Context>,
    narrow: Option<Context>,
    judge: Option<Arc<Judge>>,
    /// What it defines, for others, once somebody asked.
    cited: Option<Option<Arc<Cited>>>,
    imported: Imported,
}

impl Open {
    fn new(doc: Arc<Document>) -> Self {
        Self {
            doc,
            past: Past::default(),
            wide: None,
            narrow: None,
            judge: None,
            cited: None,
            imported: Imported::default(),
        }
    }
}

impl Completer {
    /// Returns a completer that asks `provider`.
    pub fn new(provider: Arc<dyn Provider>, settings: Settings) -> Self {
        let state = State {
            settings,
            documents: HashMap::new(),
            cache: ResultCache::default(),
            mood: Mood::default(),
            flight: None,
            ahead: None,
            warming: None,
            read_rate: FIRST_READ_RATE,
            offered: VecDeque::new(),
            offered_edits: VecDeque::new(),
            history: EditHistory::new(),
            neighbors: None,
            started: Instant::now(),
            log: VecDeque::new(),
        };
        Self { provider, client: client_id(), state: Arc::new(Mutex::new(state)) }
    }

    /// Changes the settings from the next request on.
    pub fn configure(&self, settings: Settings) {
        self.state().settings = settings;
    }

    /// Returns the settings.
    pub fn settings(&self) -> Settings {
        self.state().settings.clone()
    }

    /// Notes where the files are that open documents may import.
    pub fn look_around(&self, neighbors: Arc<Neighbors>) {
        self.state().neighbors = Some(neighbors);
    }

    /// Notes that a document is open.
    pub fn open(&self, doc: Arc<Document>) {
        self.state().documents.insert(doc.path.clone(), Open::new(Arc::clone(&doc)));
        self.read_imported(doc);
    }

    /// Reads what a document imports, on a thread of its own and only when that changed.
    fn read_imported(&self, doc: Arc<Document>) {
        let (Some(neighbors), Ok(runtime)) = (self.state().neighbors.clone(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let this = self.clone();
        runtime.spawn_blocking(move || {
            let Some(last) = this.state().documents.get(&doc.path).map(|it| it.imported.clone()) else { return };
            let imported = last.renewed(&neighbors, &doc.path, doc.text());
            if let Some(open) = this.state().documents.get_mut(&doc.path) {
                open.imported = imported;
            }
        });
    }

    /// Notes that a document became `doc` by `edit`, which fits the text before it.
    pub fn change(&self, doc: Arc<Document>, edit: &Edit) {
        let mut state = self.state();
        let open = state.documents.entry(doc.path.clone()).or_insert_with(|| Open::new(Arc::clone(&doc)));
        open.past.change(open.doc.text(), edit, doc.text(), Instant::now());
        let before = std::mem::replace(&mut open.doc, doc);
        open.cited = None;
        let at = state.started.elapsed();
        if is_readable(&before) {
            state.history.record(&before, edit, at);
        }
    }

    /// Notes that a document is closed.
    pub fn close(&self, path: &Path) {
        let mut state = self.state();
        state.documents.remove(path);
        state.cache.forget(path);
    }

    /// Notes that the user looks at a position and does nothing, so that its context can be read ahead of time.
    pub fn rest(&self, doc: &Arc<Document>, offset: usize) {
        let is_asked = self.state().flight.as_ref().is_some_and(|it| !it.is_over());
        if is_asked || context::is_secret_file(&doc.path) || !doc.text().is_char_boundary(offset) {
            return;
        }
        self.read_imported(Arc::clone(doc));
        let (wide, _) = self.contexts(doc, offset);
        self.warm(&wide);
    }

    /// Makes suggestions; dropping the future cancels the request unless the next one continues it.
    pub async fn suggest(&self, ask: Ask) -> Result<Outcome, ProviderError> {
        let (at, started) = (SystemTime::now(), Instant::now());
        let path = ask.doc.path.clone();
        let outcome = match ask.selected.clone() {
            None => self.answer(&ask).await?,
            Some(selected) => self.answer_selected(&ask, &selected).await?,
        };
        let (code, detail) = match &outcome.result {
            Ok(_) => ("shown", String::new()),
            Err(withheld) => (withheld.code(), withheld.to_string()),
        };
        tracing::debug!(code, detail, milliseconds = started.elapsed().as_millis(), "suggestion");
        self.note(LogEntry { at, path, code, detail, took: started.elapsed() });
        Ok(outcome)
    }

    /// Looks for the next place that needs an edit like the last ones.
    pub async fn next_edit(&self, doc: Arc<Document>, offset: usize) -> Result<Option<NextEdit>, ProviderError> {
        let (history, open, is_wanted) = {
            let state = self.state();
            let open: Vec<Arc<Document>> = state.documents.values().map(|it| Arc::clone(&it.doc)).collect();
            let others: Vec<_> = open.into_iter().filter(|it| it.path != doc.path && is_readable(it)).collect();
            (state.history.clone(), others, state.settings.next_edit && is_readable(&doc))
        };
        if !is_wanted || !doc.text().is_char_boundary(offset) {
            return Ok(None);
        }
        let open: Vec<&Document> = open.iter().map(|it| &**it).collect();
        let (surroundings, options) = (Surroundings::default(), NextEditOptions::default());
        let found = predict(&*self.provider, &doc, &history, offset, &open, &surroundings, options).await?;
        Ok(found.map(|it| {
            let id = SuggestionId::next();
            let mut state = self.state();
            state.offered_edits.push_back((id, it.path.clone(), it.edit.change().clone()));
            if state.offered_edits.len() > MAX_OFFERED {
                state.offered_edits.pop_front();
            }
            NextEdit { id, path: it.path, edit: it.edit, reason: it.reason.code() }
        }))
    }

    /// Returns the name of the innermost function at a position of an open document.
    pub fn function_at(&self, doc: &Document, offset: usize) -> Option<String> {
        self.judge(doc).syntax()?.function_at(offset).map(|it| it.name)
    }

    /// Notes what became of a suggestion.
    pub fn feedback(&self, id: SuggestionId, feedback: Feedback) {
        let now = Instant::now();
        let mut state = self.state();
        if let Some((_, path, edit)) = state.offered_edits.iter().find(|(offered, ..)| *offered == id).cloned()
            && feedback == Feedback::Dismissed
        {
            state.history.reject(&path, &edit);
        }
        let Some((_, path, text)) = state.offered.iter().find(|(offered, ..)| *offered == id).cloned() else { return };
        match feedback {
            Feedback::Shown => {}
            Feedback::Accepted | Feedback::PartiallyAccepted(_) => state.mood.accepted(now),
            Feedback::Dismissed => {
                state.mood.refused(now);
                state.cache.refuse(&path, &text);
            }
        }
    }

    /// Returns what came of the last requests, oldest first.
    pub fn log(&self) -> Vec<LogEntry> {
        self.state().log.iter().cloned().collect()
    }

    /// Answers a request from what is known, from the request under way, or by the model.
    async fn answer(&self, ask: &Ask) -> Result<Outcome, ProviderError> {
        if let Some(withheld) = self.refusal(ask) {
            return Ok(Outcome::withheld(withheld));
        }
        if !self.state().settings.result_cache {
            return self.ask_model(ask).await;
        }
        if let Some(outcome) = self.cached(ask, Source::Cache) {
            return Ok(outcome);
        }
        let flight = self.state().flight.clone();
        if let Some(flight) = flight
            && flight.leads_to(&ask.doc, ask.offset).await
            && let Some(outcome) = self.cached(ask, Source::Joined)
        {
            return Ok(outcome);
        }
        self.ask_model(ask).await
    }

    /// Answers a request while an entry of the editor's own list is selected: as if the entry had been taken already.
    async fn answer_selected(&self, ask: &Ask, selected: &Selected) -> Result<Outcome, ProviderError> {
        let insert = Edit::single(selected.range.clone(), selected.text.clone());
        let Ok(text) = insert.apply(ask.doc.text()) else { return Ok(Outcome::withheld(Withheld::Nothing)) };
        let doc = Arc::new(Document::new(ask.doc.path.clone(), ask.doc.version, text));
        let offset = selected.range.start + selected.text.len();
        let mut outcome = self.answer(&Ask { doc, offset, trigger: ask.trigger, selected: None }).await?;
        outcome.others.clear();
        if let Ok(suggestion) = &outcome.result {
            let text = format!("{}{}", selected.text, suggestion.text);
            let edit = Edit::single(selected.range.clone(), text.clone());
            outcome.result = match quick::judge(&ask.doc, edit, &Surroundings::default()) {
                Ok(edit) => Ok(Suggestion { id: suggestion.id, edit, text }),
                Err(findings) => Err(Withheld::Refused(findings)),
            };
        }
        Ok(outcome)
    }

    /// Returns why nothing is suggested at a position, whatever a model would say.
    fn refusal(&self, ask: &Ask) -> Option<Withheld> {
        let state = self.state();
        let (Some(before), Some(after)) = (ask.doc.text().get(..ask.offset), ask.doc.text().get(ask.offset..)) else {
            return Some(Withheld::Nothing);
        };
        let language = Language::from_path(&ask.doc.path).map(Language::name);
        let is_word = |it: char| it.is_alphanumeric() || it == '_';
        let is_mid_word = before.ends_with(is_word) && after.starts_with(is_word);
        let is_automatic = ask.trigger == Trigger::Automatic;
        let is_after_undo = state.documents.get(&ask.doc.path).is_some_and(|it| it.past.is_after_undo());
        if context::is_secret_file(&ask.doc.path) {
            Some(Withheld::SecretFile)
        } else if state.settings.disabled_languages.iter().any(|it| Some(it.as_str()) == language) {
            Some(Withheld::Disabled)
        } else if ask.doc.text().len() > MAX_DOCUMENT {
            Some(Withheld::TooLarge)
        } else if is_automatic && is_mid_word {
            Some(Withheld::MidWord)
        } else if is_automatic && is_after_undo {
            Some(Withheld::AfterUndo)
        } else {
            None
        }
    }

    /// Answers from an earlier result, when one holds here and the gate lets it through again.
    fn cached(&self, ask: &Ask, source: Source) -> Option<Outcome> {
        let found = self.state().cache.find(&ask.doc.path, ask.doc.text(), ask.offset)?;
        if found.is_empty() {
            return Some(Outcome { source, ..Outcome::withheld(Withheld::Nothing) });
        }
        let judge = self.judge(&ask.doc);
        let hole = Hole::unknown(&ask.doc);
        let (before, after) = ask.doc.text().split_at(ask.offset);
        // A line that was shown alone may open a block whose body is still to come.
        let ending = Ending::new(Extent::at(before, after), Reach::Single, &hole, before, after);
        let judged = found.into_iter().filter_map(|text| {
            let assumed = ending.body_to_come(&text);
            let edit = Edit::single(ask.offset..ask.offset, text.clone());
            let edit = judge.judge(edit, &Surroundings { assumed: &assumed, ..Surroundings::default() }).ok()?;
            Some(Suggestion { id: SuggestionId::next(), edit, text })
        });
        let mut suggestions: Vec<Suggestion> = judged.collect();
        if suggestions.is_empty() {
            return None;
        }
        suggestions.iter().for_each(|it| self.offer(&ask.doc.path, it));
        let first = suggestions.remove(0);
        Some(Outcome { result: Ok(first), others: suggestions, source, ..Outcome::withheld(Withheld::Nothing) })
    }

    /// Returns a judge of edits of the document, who need not do again what the last one did.
    fn judge(&self, doc: &Document) -> Arc<Judge> {
        let last = self.state().documents.get(&doc.path).and_then(|it| it.judge.clone());
        let judge = match last {
            Some(last) if last.doc().text() == doc.text() && last.doc().version == doc.version => return last,
            Some(last) => Arc::new(last.next(doc)),
            None => Arc::new(Judge::new(doc)),
        };
        if let Some(open) = self.state().documents.get_mut(&doc.path) {
            open.judge = Some(Arc::clone(&judge));
        }
        judge
    }

    /// Asks the model. The request goes on, for a moment, when nobody waits for it any more: the next keystroke may agree
    /// with what it writes.
    async fn ask_model(&self, ask: &Ask) -> Result<Outcome, ProviderError> {
        let pause = {
            let mut state = self.state();
            state.flight.take().inspect(Flight::cancel);
            state.ahead.take().inspect(AbortHandle::abort);
            state.mood.pause(state.settings.eagerness, Instant::now())
        };
        if ask.trigger == Trigger::Automatic && !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        let (context, wide) = self.readable_context(&ask.doc, ask.offset).await;
        let options = self.options(ask);
        let (progress, flight) = flight::begin(&ask.doc, ask.offset);
        let (answer, answered) = oneshot::channel();
        let this = self.clone();
        let doc = Arc::clone(&ask.doc);
        let (offset, trigger) = (ask.offset, ask.trigger);
        let task = tokio::spawn(async move {
            let caller = this.caller(Priority::Keystroke);
            let note = |text: &str| progress.note(text);
            let just_deleted = this.just_deleted(&doc.path);
            let attempt = Attempt::new(&*this.provider, &doc, offset, options, context).without(just_deleted);
            let attempt = attempt.judged_by(this.judge(&doc));
            let outcome = attempt.on_behalf_of(caller).reporting_to(&note).run().await;
            if let Ok(outcome) = &outcome {
                this.keep(&doc, offset, trigger, outcome);
            }
            drop(progress);
            if let (Some(wide), Ok(_)) = (&wide, &outcome) {
                this.warm(wide);
            }
            let _ = answer.send(outcome);
        });
        let goes_on = self.state().settings.result_cache;
        let flight = flight.of(task.abort_handle());
        let waiting = flight.waiting(goes_on);
        self.state().flight = Some(flight.clone());
        let outcome = tokio::select! {
            biased;
            // A request that was cancelled by a newer one has no answer.
            outcome = answered => outcome.unwrap_or_else(|_| Ok(Outcome::withheld(Withheld::Superseded))),
            suggestion = self.first_line(ask, options, &flight) => Ok(Outcome::showing(suggestion)),
        };
        waiting.end();
        outcome
    }

    /// Returns the first line of a suggestion whose other lines take too long; never, where there is none to show. The
    /// request goes on, so that the rest is there when the line is taken.
    async fn first_line(&self, ask: &Ask, options: Options, flight: &Flight) -> Suggestion {
        let max_write = self.settings().max_write;
        let is_wanted = ask.trigger == Trigger::Automatic && options.reach != Reach::Single;
        let Some(max_write) = max_write.filter(|_| is_wanted) else { return std::future::pending().await };
        tokio::time::sleep(max_write).await;
        let just_deleted = self.just_deleted(&ask.doc.path);
        let line = Attempt::new(&*self.provider, &ask.doc, ask.offset, options, Context::at(&ask.doc, ask.offset));
        let line = line.without(just_deleted).judged_by(self.judge(&ask.doc));
        let mut lines = flight.first_lines();
        let suggestion = loop {
            match lines.next().await.map(|it| line.first_line(&it)) {
                Some(Some(suggestion)) => break suggestion,
                Some(None) => {}
                None => std::future::pending().await,
            }
        };
        self.offer(&ask.doc.path, &suggestion);
        let (path, text) = (ask.doc.path.clone(), ask.doc.shared_text());
        self.state().cache.insert(Entry { path, text, offset: ask.offset, suggested: vec![suggestion.text.clone()] });
        suggestion
    }

    fn options(&self, ask: &Ask) -> Options {
        let state = self.state();
        let is_invoked = ask.trigger == Trigger::Invoked;
        let reach = match state.settings.eagerness {
            _ if !state.settings.multiline => Reach::Single,
            _ if is_invoked => Reach::Natural,
            Eagerness::High => Reach::Natural,
            Eagerness::Low | Eagerness::Medium => Reach::Line,
        };
        let n_alternatives = if is_invoked { N_ALTERNATIVES } else { 0 };
        let n_retries = match state.settings.eagerness {
            Eagerness::Low if !is_invoked => 0,
            Eagerness::Low | Eagerness::Medium | Eagerness::High => state.settings.options.n_retries,
        };
        Options { reach, n_retries, n_alternatives, ..state.settings.options }
    }

    fn caller(&self, priority: Priority) -> Caller {
        Caller { client: self.client, scope: self.state().settings.scope.clone(), priority }
    }

    fn just_deleted(&self, path: &Path) -> Vec<String> {
        self.state().documents.get(path).map(|it| it.past.just_deleted(Instant::now())).unwrap_or_default()
    }

    /// Returns what the model can be shown without a long wait, and what is to be read afterwards when that is not all.
    async fn readable_context(&self, doc: &Arc<Document>, offset: usize) -> (Context, Option<Context>) {
        let (wide, narrow) = self.contexts(doc, offset);
        let Some(narrow) = narrow else { return (wide, None) };
        let limit = self.state().read_limit().unwrap_or(usize::MAX);
        let cost = self.provider.cost(&wide.prompt()).await.unwrap_or_default();
        if cost.n_tokens.saturating_sub(cost.n_cached) <= limit { (wide, None) } else { (narrow, Some(wide)) }
    }

    /// Returns the wide context of a position, and the narrow one where that is less.
    fn contexts(&self, doc: &Arc<Document>, offset: usize) -> (Context, Option<Context>) {
        let mut state = self.state();
        let budget = state.settings.options.budget;
        let narrow_budget = state.read_limit().map(narrow_budget);
        let last = state.documents.get(&doc.path).and_then(|it| it.wide.clone());
        let wide = Context::around(doc, offset, budget, last.as_ref());
        // Snippets stay as they are while the prompt grows: other ones would have everything behind them read again.
        let snippets = match last {
            Some(last) if last.start == wide.start && last.suffix == wide.suffix => last.snippets,
            Some(_) | None => related(doc, offset, &state.files_for(doc), budget.snippets),
        };
        let wide = wide.with_snippets(snippets);
        let entry = state.documents.entry(doc.path.clone()).or_insert_with(|| Open::new(Arc::clone(doc)));
        entry.wide = Some(wide.clone());
        let is_larger = |narrow: Budget| wide.prefix.len() + wide.suffix.len() > narrow.prefix + narrow.suffix;
        let narrow = narrow_budget.filter(|it| is_larger(*it)).map(|budget| {
            let narrow = Context::around(doc, offset, budget, entry.narrow.as_ref());
            entry.narrow = Some(narrow.clone());
            narrow
        });
        (wide, narrow)
    }

    /// Has the model read a context while nobody waits, instead of the one it was reading.
    fn warm(&self, context: &Context) {
        let caller = self.caller(Priority::Background);
        let request = Request::new(context.prompt(), Sampling::greedy(0), caller.priority);
        let request = Request { client: caller.client, scope: caller.scope, ..request };
        let provider = Arc::clone(&self.provider);
        let task = tokio::spawn(async move {
            match provider.complete(request).await {
                Ok(mut answer) => while answer.next().await.is_some() {},
                Err(error) => tracing::debug!("cannot read ahead: {error}"),
            }
        });
        let last = self.state().warming.replace(task.abort_handle());
        last.inspect(AbortHandle::abort);
    }

    /// Keeps what came of a request to the model, and asks for what follows it.
    fn keep(&self, doc: &Arc<Document>, offset: usize, trigger: Trigger, outcome: &Outcome) {
        let is_settled = matches!(outcome.result, Ok(_) | Err(Withheld::Nothing | Withheld::Refused(_)));
        let suggestions: Vec<&Suggestion> = outcome.result.iter().chain(&outcome.others).collect();
        suggestions.iter().for_each(|it| self.offer(&doc.path, it));
        let suggested: Vec<String> = suggestions.iter().map(|it| it.text.clone()).collect();
        let looks_ahead = {
            let mut state = self.state();
            state.see_reading(outcome);
            if is_settled && state.settings.result_cache {
                let (path, text) = (doc.path.clone(), doc.shared_text());
                state.cache.insert(Entry { path, text, offset, suggested: suggested.clone() });
            }
            state.settings.look_ahead && state.settings.result_cache && trigger == Trigger::Automatic
        };
        if let (true, Some(text)) = (looks_ahead, suggested.first()) {
            self.look_ahead(doc, offset, text);
        }
    }

    /// Asks for what follows a suggestion before it is taken.
    fn look_ahead(&self, doc: &Arc<Document>, offset: usize, text: &str) {
        let Ok(taken) = Edit::single(offset..offset, text).apply(doc.text()) else { return };
        let doc = Arc::new(Document::new(doc.path.clone(), doc.version, taken));
        let offset = offset + text.len();
        let ask = Ask { doc: Arc::clone(&doc), offset, trigger: Trigger::Automatic, selected: None };
        let options = Options { n_retries: 0, ..self.options(&ask) };
        let this = self.clone();
        let task = tokio::spawn(async move {
            let (context, _) = this.readable_context(&doc, offset).await;
            let judge = this.state().documents.get(&doc.path).and_then(|it| it.judge.clone());
            let judge = judge.map_or_else(|| Judge::new(&doc), |last| last.next(&doc));
            let attempt = Attempt::new(&*this.provider, &doc, offset, options, context).judged_by(Arc::new(judge));
            let outcome = attempt.on_behalf_of(this.caller(Priority::Background)).run().await;
            if let Ok(Outcome { result: Ok(suggestion), .. }) = outcome {
                let (path, text) = (doc.path.clone(), doc.shared_text());
                this.state().cache.insert(Entry { path, text, offset, suggested: vec![suggestion.text] });
            }
        });
        let last = self.state().ahead.replace(task.abort_handle());
        last.inspect(AbortHandle::abort);
    }

    /// Remembers a suggestion for what becomes of it.
    fn offer(&self, path: &Path, suggestion: &Suggestion) {
        let mut state = self.state();
        state.offered.push_back((suggestion.id, path.to_owned(), suggestion.text.clone()));
        if state.offered.len() > MAX_OFFERED {
            state.offered.pop_front();
        }
    }

    fn note(&self, entry: LogEntry) {
        let mut state = self.state();
        state.log.push_back(entry);
        if state.log.len() > MAX_LOG {
            state.log.pop_front();
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns how many tokens may be read before the first one is written.
    fn read_limit(&self) -> Option<usize> {
        self.settings.max_read.map(|limit| ((self.read_rate * limit.as_secs_f64()) as usize).max(MIN_NARROW))
    }

    /// Returns what may be cited in a document: what other open documents define, then what the files it imports do.
    fn files_for(&mut self, doc: &Document) -> Vec<Arc<Cited>> {
        let mut files = Vec::new();
        let imported = self.documents.get(&doc.path).map(|it| it.imported.clone()).unwrap_or_default();
        for open in self.documents.values_mut().filter(|it| it.doc.path != doc.path) {
            let cited = open.cited.get_or_insert_with(|| Cited::of(&open.doc.path, open.doc.text()).map(Arc::new));
            files.extend(cited.clone());
        }
        let is_open = |cited: &Arc<Cited>| self.documents.keys().any(|path| path.ends_with(cited.path()));
        files.extend(imported.files().filter(|it| !is_open(it)));
        files
    }

    /// Learns how fast the model reads from a request that read enough to tell.
    fn see_reading(&mut self, outcome: &Outcome) {
        let (Some(first_token), usage) = (outcome.first_token, outcome.usage) else { return };
        let n_read = usage.prompt_tokens.saturating_sub(usage.cached_tokens);
        if n_read >= MIN_NARROW as u64 && !first_token.is_zero() {
            let seen = (n_read as f64 / first_token.as_secs_f64()).clamp(READ_RATES.0, READ_RATES.1);
            self.read_rate = 0.7 * self.read_rate + 0.3 * seen;
        }
    }
}

/// Returns whether a model may be shown the document.
fn is_readable(doc: &Document) -> bool {
    doc.text().len() <= MAX_DOCUMENT && !context::is_secret_file(&doc.path)
}

/// Returns how much may be shown when only so many tokens can be read.
fn narrow_budget(n_tokens: usize) -> Budget {
    let n_bytes = n_tokens * BYTES_PER_TOKEN;
    Budget { prefix: n_bytes * 2 / 3, suffix: n_bytes / 3, snippets: 0 }
}

/// Returns a name for this process that no other on the machine is likely to have.
fn client_id() -> ClientId {
    use std::hash::{BuildHasher, RandomState};
    ClientId(RandomState::new().hash_one(std::process::id()))
}

/// A checked edit at another place, offered to jump to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextEdit {
    /// Which one.
    pub id: SuggestionId,
    /// The file it is in.
    pub path: PathBuf,
    /// The edit, for the version of the document it was judged against.
    pub edit: Verified<Edit>,
    /// Why it is offered: a stable code such as `rename`.
    pub reason: &'static str,
}

#[cfg(test)]
mod tests {
    use wright_provider::Prompt;
    use wright_provider::replay::{Answer, ScriptedProvider};

    use super::*;

    const CURSOR: char = '║';

    /// An editor with one document.
    struct Editor {
        completer: Completer,
        provider: Arc<ScriptedProvider>,
        doc: Arc<Document>,
    }

    impl Editor {
        fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
            Self::with(ScriptedProvider::new(answers), Settings { look_ahead: false, ..Settings::default() })
        }

        fn with(provider: ScriptedProvider, settings: Settings) -> Self {
            let provider = Arc::new(provider);
            let completer = Completer::new(provider.clone(), settings);
            let doc = Arc::new(Document::new("a.py", 0, ""));
            completer.open(Arc::clone(&doc));
            Self { completer, provider, doc }
        }

        /// Makes the text what `marked` says, as one change, and returns the position.
        fn show(&mut self, marked: &str) -> usize {
            let text = marked.replace(CURSOR, "");
            let edit = Edit::between(self.doc.text(), &text);
            self.doc = Arc::new(Document::new("a.py", self.doc.version + 1, text));
            self.completer.change(Arc::clone(&self.doc), &edit);
            marked.find(CURSOR).unwrap()
        }

        fn ask(&mut self, marked: &str, trigger: Trigger) -> Ask {
            let offset = self.show(marked);
            Ask { doc: Arc::clone(&self.doc), offset, trigger, selected: None }
        }

        async fn outcome(&mut self, marked: &str) -> Outcome {
            let ask = self.ask(marked, Trigger::Automatic);
            self.completer.suggest(ask).await.unwrap()
        }

        /// Types and returns what is suggested, or the code of the reason why nothing is.
        async fn suggest(&mut self, marked: &str) -> Result<String, &'static str> {
            self.outcome(marked).await.result.map(|it| it.text).map_err(|it| it.code())
        }

        fn n_asked(&self) -> usize {
            self.provider.requests().len()
        }
    }

    /// Lets the other tasks of the test go on until something is so, or gives up.
    async fn until(is_so: impl Fn() -> bool) {
        for _ in 0..1_000 {
            if is_so() {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("waited in vain");
    }

    fn shown(text: &str) -> Result<String, &'static str> {
        Ok(text.to_owned())
    }

    #[tokio::test]
    async fn typing_into_a_suggestion_and_back_asks_the_model_once() {
        let mut editor = Editor::new([Answer::text("total + 1")]);
        assert_eq!(editor.suggest("total = 1\nx = ║\n").await, shown("total + 1"));
        assert_eq!(editor.suggest("total = 1\nx = t║\n").await, shown("otal + 1"));
        assert_eq!(editor.suggest("total = 1\nx = tot║\n").await, shown("al + 1"));
        assert_eq!(editor.suggest("total = 1\nx = to║\n").await, shown("tal + 1"));
        assert_eq!(editor.n_asked(), 1);
    }

    #[tokio::test]
    async fn the_model_is_shown_what_an_imported_file_defines() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shapes.py"), "def area(width, height):\n    return 1\n").unwrap();
        let provider = Arc::new(ScriptedProvider::answering(&["2, 3)"]));
        let completer = Completer::new(provider.clone(), Settings { look_ahead: false, ..Settings::default() });
        completer.look_around(Arc::new(Neighbors::around(folder.path()).unwrap()));
        let text = "from shapes import area\n\nprint(area(";
        let doc = Arc::new(Document::new(folder.path().join("a.py"), 1, text));
        completer.open(Arc::clone(&doc));
        while completer.state().documents[&doc.path].imported.files().count() == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ask = Ask { doc, offset: text.len(), trigger: Trigger::Automatic, selected: None };
        completer.suggest(ask).await.unwrap();
        let Prompt::FillInTheMiddle { prefix, .. } = &provider.requests()[0].prompt else { panic!("another prompt") };
        assert!(prefix.starts_with("# Path: shapes.py\n# def area(width, height):\n"), "{prefix}");
    }

    #[tokio::test]
    async fn the_first_line_is_shown_when_the_others_take_too_long() {
        let provider = ScriptedProvider::new([Answer::never_after("n > 1:\n        n -= 1\n")]);
        let settings = Settings { max_write: Some(Duration::from_millis(1)), ..Settings::default() };
        let mut editor = Editor::with(provider, settings);
        assert_eq!(editor.suggest("def f(n):\n    if ║\n    return n\n").await, shown("n > 1:"));
        // The line is known while it is typed, though its request has not ended.
        assert_eq!(editor.suggest("def f(n):\n    if n ║\n    return n\n").await, shown("> 1:"));
        assert_eq!(editor.n_asked(), 1);
    }

    #[tokio::test]
    async fn a_first_line_that_the_gate_refuses_is_not_shown_however_long_the_others_take() {
        let provider = ScriptedProvider::from_fn(|request| match request.sampling.n_candidates {
            1 => Answer::cut("n > (1:\n        n -= 1\n    return n\n"),
            _ => Answer::never_after("n > 2:\n        n -= 1\n"),
        });
        let settings = Settings { max_write: Some(Duration::from_millis(1)), ..Settings::default() };
        let mut editor = Editor::with(provider, settings);
        assert_eq!(editor.suggest("def f(n):\n    if ║\n    return n\n").await, shown("n > 2:"));
    }

    #[tokio::test]
    async fn typing_something_else_asks_again() {
        let mut editor = Editor::new([Answer::text("total + 1"), Answer::text("um([])")]);
        assert_eq!(editor.suggest("total = 1\nx = ║\n").await, shown("total + 1"));
        assert_eq!(editor.suggest("total = 1\nx = s║\n").await, shown("um([])"));
        assert_eq!(editor.n_asked(), 2);
    }

    #[tokio::test]
    async fn without_the_result_cache_every_keystroke_asks() {
        let settings = Settings { result_cache: false, ..Settings::default() };
        let mut editor = Editor::with(ScriptedProvider::new([Answer::text("1 + 1"), Answer::text("+ 1")]), settings);
        assert_eq!(editor.suggest("x = ║\n").await, shown("1 + 1"));
        assert_eq!(editor.suggest("x = 1 ║\n").await, shown("+ 1"));
        assert_eq!(editor.n_asked(), 2);
    }

    #[tokio::test]
    async fn nothing_is_suggested_where_it_would_only_disturb() {
        let mut editor = Editor::new([]);
        assert_eq!(editor.suggest("to║tal = 1\n").await, Err("mid-word"));
        editor.show("x = 1║\n");
        editor.show("x = 1 + 2 + 3║\n");
        assert_eq!(editor.suggest("x = 1║\n").await, Err("after-undo"));
        let settings = Settings { disabled_languages: vec!["python".to_owned()], ..Settings::default() };
        editor.completer.configure(settings);
        assert_eq!(editor.suggest("x = 1 ║\n").await, Err("disabled"));
        assert_eq!(editor.n_asked(), 0);
        let codes: Vec<&str> = editor.completer.log().iter().map(|it| it.code).collect();
        assert_eq!(codes, ["mid-word", "after-undo", "disabled"]);
    }

    #[tokio::test]
    async fn a_keystroke_that_agrees_waits_for_the_request_under_way() {
        let mut editor = Editor::new([Answer::text("total + 1")]);
        let first = editor.ask("total = 1\nx = ║\n", Trigger::Automatic);
        let second = editor.ask("total = 1\nx = t║\n", Trigger::Automatic);
        let (first, second) = tokio::join!(editor.completer.suggest(first), editor.completer.suggest(second));
        let texts = [first, second].map(|it| it.unwrap().result.map(|it| it.text).map_err(|it| it.code()));
        assert!(texts.contains(&shown("otal + 1")), "{texts:?}");
    }

    #[tokio::test]
    async fn an_abandoned_request_ends() {
        let mut editor = Editor::new([Answer::never(), Answer::text("2")]);
        let ask = editor.ask("x = ║\n", Trigger::Automatic);
        let waited = tokio::time::timeout(Duration::from_millis(20), editor.completer.suggest(ask)).await;
        assert!(waited.is_err());
        assert_eq!(editor.suggest("y = 1 + ║\n").await, shown("2"));
    }

    #[tokio::test]
    async fn what_follows_is_asked_for_before_the_suggestion_is_taken() {
        let answers = ScriptedProvider::new([Answer::text("1"), Answer::text("\ny = 2\n")]);
        let mut editor = Editor::with(answers, Settings::default());
        assert_eq!(editor.suggest("x = ║\n").await, shown("1"));
        let completer = editor.completer.clone();
        until(|| completer.state().cache.find(Path::new("a.py"), "x = 1\n", 5).is_some()).await;
        let outcome = editor.outcome("x = 1║\n").await;
        assert_eq!((outcome.result.unwrap().text.as_str(), outcome.source), ("\ny = 2", Source::Cache));
    }

    #[tokio::test]
    async fn a_suggestion_continues_the_entry_selected_in_the_editors_list() {
        let mut editor = Editor::new([Answer::text("(items)")]);
        let mut ask = editor.ask("items = []\nx = so║\n", Trigger::Automatic);
        ask.selected = Some(Selected { range: 15..17, text: "sorted".to_owned() });
        let suggestion = editor.completer.suggest(ask).await.unwrap().result.unwrap();
        assert_eq!(suggestion.text, "sorted(items)");
        assert_eq!(suggestion.edit.change().range(), 15..17);
    }

    #[tokio::test]
    async fn a_user_who_asks_gets_several_suggestions() {
        let mut editor = Editor::new([Answer::text("1"), Answer::texts(["2", "1"])]);
        let ask = editor.ask("x = ║\n", Trigger::Invoked);
        let outcome = editor.completer.suggest(ask).await.unwrap();
        let others: Vec<&str> = outcome.others.iter().map(|it| it.text.as_str()).collect();
        assert_eq!((outcome.result.unwrap().text.as_str(), others), ("1", vec!["2"]));
    }

    #[tokio::test]
    async fn a_refused_suggestion_does_not_come_back() {
        let mut editor = Editor::new([Answer::text("total + 1")]);
        let id = editor.outcome("total = 1\nx = ║\n").await.result.unwrap().id;
        editor.completer.feedback(id, Feedback::Dismissed);
        assert_eq!(editor.suggest("total = 1\nx = ║\n").await, Err("nothing"));
    }

    #[tokio::test]
    async fn a_long_context_is_narrowed_until_it_has_been_read() {
        let settings = Settings { max_read: Some(Duration::from_secs(1)), look_ahead: false, ..Settings::default() };
        let mut editor = Editor::with(ScriptedProvider::answering(&["1"]), settings);
        let text = format!("{}x = ║\n", "value = 1\n".repeat(300));
        let outcome = editor.outcome(&text).await;
        assert!(outcome.context.prefix.len() < 500, "{}", outcome.context.prefix.len());
        until(|| editor.n_asked() == 2).await;
        let reading = editor.provider.requests().into_iter().find(|it| it.sampling.max_tokens == 0).unwrap();
        assert_eq!(reading.priority, Priority::Background);
        assert!(
            matches!(reading.prompt, wright_provider::Prompt::FillInTheMiddle { prefix, .. } if prefix.len() > 2_000)
        );
    }
}
