//! The long-lived side of completion: open documents, what was suggested before, and what became of it.
//!
//! A front end keeps one [`Completer`] per process, tells it of every change, and asks it for suggestions.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use wright_gate::Verified;
use wright_provider::{Provider, ProviderError};
use wright_text::{Document, Edit};

use crate::{Options, Outcome, SuggestionId, Withheld, complete};

/// How many entries the log of outcomes keeps.
const MAX_LOG: usize = 200;

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
            options: Options::default(),
        }
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

/// Makes suggestions for open documents.
pub struct Completer {
    provider: Arc<dyn Provider>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    settings: Settings,
    log: std::collections::VecDeque<LogEntry>,
}

impl Completer {
    /// Returns a completer that asks `provider`.
    pub fn new(provider: Arc<dyn Provider>, settings: Settings) -> Self {
        Self { provider, state: Mutex::new(State { settings, ..State::default() }) }
    }

    /// Changes the settings from the next request on.
    pub fn configure(&self, settings: Settings) {
        self.state().settings = settings;
    }

    /// Notes that a document is open.
    pub fn open(&self, _doc: Arc<Document>) {}

    /// Notes that a document became `doc` by `edit`, which fits the text before it.
    pub fn change(&self, _doc: Arc<Document>, _edit: &Edit) {}

    /// Notes that a document is closed.
    pub fn close(&self, _path: &Path) {}

    /// Notes that the user looks at a position and does nothing, so that its context can be read ahead of time.
    pub fn rest(&self, _doc: Arc<Document>, _offset: usize) {}

    /// Makes suggestions; dropping the future cancels the request unless the next one continues it.
    pub async fn suggest(&self, ask: Ask) -> Result<Outcome, ProviderError> {
        let (at, started) = (SystemTime::now(), Instant::now());
        let options = self.state().settings.options;
        let outcome = complete(&*self.provider, &ask.doc, ask.offset, options).await?;
        self.note(LogEntry {
            at,
            path: ask.doc.path.clone(),
            code: outcome.result.as_ref().map_or_else(Withheld::code, |_| "shown"),
            detail: outcome.result.as_ref().map_or_else(Withheld::to_string, |_| String::new()),
            took: started.elapsed(),
        });
        Ok(outcome)
    }

    /// Looks for the next place that needs an edit like the last ones.
    pub async fn next_edit(&self, _doc: Arc<Document>, _offset: usize) -> Result<Option<NextEdit>, ProviderError> {
        Ok(None)
    }

    /// Notes what became of a suggestion.
    pub fn feedback(&self, _id: SuggestionId, _feedback: Feedback) {}

    /// Returns what came of the last requests, oldest first.
    pub fn log(&self) -> Vec<LogEntry> {
        self.state().log.iter().cloned().collect()
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
