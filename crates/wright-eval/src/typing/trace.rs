//! Recorded typing: a text, and what someone did to it key by key, with the pauses between.
//!
//! The files are described in `evals/completion/README.md`. A trace is checked as a whole when it is read: every event is
//! applied once, so that a replay cannot fail in the middle of a measurement.

use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use wright_text::Edit;

use crate::EvalError;

/// The format's name and version. A reader refuses versions it does not know.
const SCHEMA: &str = "wright.typing/1";

/// Hard cap on the size of a trace or a text, in bytes.
const MAX_FILE: u64 = 1_000_000;

/// Hard cap on the events of a trace.
const MAX_EVENTS: usize = 10_000;

/// Hard cap on a pause; longer ones are cut in a replay.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// Recorded typing in one text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Trace {
    /// The language's name.
    pub(super) language: String,
    /// How the text was typed: `typed`, `corrected`, `jumped` or `pasted`.
    pub(super) manner: String,
    /// The name of the document.
    pub(super) path: PathBuf,
    /// The text before the first event.
    pub(super) text: String,
    /// Where the cursor is before the first event.
    pub(super) start: usize,
    /// What was done, in order.
    pub(super) events: Vec<Event>,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// How long nothing was done before it.
    pub(super) pause: Duration,
    /// What was done.
    pub(super) action: Action,
}

/// What was done to a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Action {
    /// A text came in, by a key, by the clipboard, or as a new line with its indentation.
    Insert {
        /// Where.
        at: usize,
        /// What.
        text: String,
    },
    /// A range went.
    Delete(Range<usize>),
    /// The cursor went elsewhere.
    Move(usize),
}

impl Action {
    /// Returns the edit that it makes, if any.
    pub(super) fn edit(&self) -> Option<Edit> {
        match self {
            Self::Insert { at, text } => Some(Edit::single(*at..*at, text.clone())),
            Self::Delete(range) => Some(Edit::single(range.clone(), String::new())),
            Self::Move(_) => None,
        }
    }

    /// Returns where the cursor is afterwards.
    pub(super) fn cursor(&self) -> usize {
        match self {
            Self::Insert { at, text } => at + text.len(),
            Self::Delete(range) => range.start,
            Self::Move(to) => *to,
        }
    }

    /// Returns whether more than one key's worth comes in at once.
    fn is_paste(&self) -> bool {
        match self {
            Self::Insert { text, .. } => text.trim().chars().count() > 1,
            Self::Delete(_) | Self::Move(_) => false,
        }
    }

    /// Returns what is wrong with it for a text, if anything.
    fn problem(&self, text: &str) -> Option<String> {
        let range = match self {
            Self::Insert { at, .. } => *at..*at,
            Self::Delete(range) => range.clone(),
            Self::Move(to) => *to..*to,
        };
        problem_of(text, &range)
    }
}

/// A trace while it is replayed.
#[derive(Debug, Clone)]
pub(super) struct Replay<'t> {
    trace: &'t Trace,
    /// The text now.
    pub(super) text: String,
    /// Where the cursor is now.
    pub(super) offset: usize,
    next: usize,
}

/// One event of a replay, after it was applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Applied {
    /// How long nothing was done before it.
    pub(super) pause: Duration,
    /// The edit that was made; none when only the cursor moved.
    pub(super) edit: Option<Edit>,
    /// Whether it follows a jump or is a paste: what costs most.
    pub(super) is_turn: bool,
}

impl<'t> Replay<'t> {
    /// Starts before the first event.
    pub(super) fn new(trace: &'t Trace) -> Self {
        Self { trace, text: trace.text.clone(), offset: trace.start, next: 0 }
    }

    /// Applies the next event; returns nothing after the last one.
    pub(super) fn advance(&mut self) -> Option<Applied> {
        let event = self.trace.events.get(self.next)?;
        let follows_jump =
            self.next.checked_sub(1).is_some_and(|it| matches!(self.trace.events[it].action, Action::Move(_)));
        self.next += 1;
        apply(&mut self.text, &event.action);
        self.offset = event.action.cursor();
        let is_turn = follows_jump || event.action.is_paste();
        Some(Applied { pause: event.pause, edit: event.action.edit(), is_turn })
    }
}

impl Trace {
    /// Returns the same typing in a text whose frequent names differ, so that nothing read for one helps with another.
    ///
    /// The last character of each such name becomes the `number`th letter, so that offsets stay what they are.
    pub(super) fn variant(&self, number: usize) -> Self {
        let letter = char::from(b'A' + u8::try_from(number % 26).unwrap_or(0));
        let text = rename(&self.text, &frequent_names(&self.text), letter);
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let extension = self.path.extension().unwrap_or_default().to_string_lossy();
        Self { path: format!("{stem}_{number}.{extension}").into(), text, ..self.clone() }
    }
}

/// How many names a variant changes.
const N_RENAMED: usize = 12;

/// Returns the most frequent words of six letters or more, in the order of their frequency.
fn frequent_names(text: &str) -> Vec<&str> {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for word in words(text).filter(|it| it.len() >= 6 && it.bytes().all(|byte| byte.is_ascii_lowercase())) {
        *counts.entry(word).or_default() += 1;
    }
    let mut names: Vec<(&str, usize)> = counts.into_iter().collect();
    names.sort_by_key(|&(name, count)| (std::cmp::Reverse(count), name));
    let is_name =
        |name: &&str| !["return", "public", "private", "export", "import", "struct", "default"].contains(name);
    names.into_iter().map(|(name, _)| name).filter(is_name).take(N_RENAMED).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|it: char| !it.is_ascii_alphanumeric() && it != '_').filter(|it| !it.is_empty())
}

fn rename(text: &str, names: &[&str], letter: char) -> String {
    let mut renamed = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_';
        let end = rest.find(|it: char| !is_word(it)).unwrap_or(rest.len());
        let (word, other) = rest.split_at(end);
        if names.contains(&word) {
            renamed.push_str(&word[..word.len() - 1]);
            renamed.push(letter);
        } else {
            renamed.push_str(word);
        }
        let next = other.find(is_word).unwrap_or(other.len());
        renamed.push_str(&other[..next]);
        rest = &other[next..];
    }
    renamed
}

/// Reads every trace of a folder, in the order of the file names.
pub(super) fn load(folder: &Path) -> Result<Vec<Trace>, EvalError> {
    let wrong = |message: String| EvalError::Trace { path: folder.to_owned(), message };
    let failed = |error: io::Error| wrong(error.to_string());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|it| it == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() {
        return Err(wrong("there are no traces in it".to_owned()));
    }
    paths.iter().map(|path| load_file(path)).collect()
}

fn load_file(path: &Path) -> Result<Trace, EvalError> {
    let wrong = |message: String| EvalError::Trace { path: path.to_owned(), message };
    let wire: WireTrace = serde_json::from_str(&read(path)?).map_err(|error| wrong(error.to_string()))?;
    if wire.schema != SCHEMA {
        return Err(wrong(format!("the format is {:?}, and this version reads {SCHEMA}", wire.schema)));
    }
    // A trace names a file beside it and nothing else.
    let is_plain = Path::new(&wire.source).file_name().is_some_and(|it| it == wire.source.as_str());
    if !is_plain {
        return Err(wrong(format!("the source {:?} is not the name of a file beside the trace", wire.source)));
    }
    let source = read(&path.with_file_name(&wire.source))?;
    trace_of(wire, source).map_err(wrong)
}

fn read(path: &Path) -> Result<String, EvalError> {
    let wrong = |message: String| EvalError::Trace { path: path.to_owned(), message };
    let failed = |error: io::Error| wrong(error.to_string());
    if fs::metadata(path).map_err(failed)?.len() > MAX_FILE {
        return Err(wrong(format!("it has more than {MAX_FILE} bytes")));
    }
    fs::read_to_string(path).map_err(failed)
}

/// A trace as it stands in its file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireTrace {
    schema: String,
    language: String,
    manner: String,
    source: String,
    cut: WireRange,
    events: Vec<WireEvent>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireRange {
    start: usize,
    end: usize,
}

#[derive(Deserialize)]
struct WireEvent {
    pause_ms: u64,
    #[serde(flatten)]
    action: WireAction,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum WireAction {
    Insert { at: usize, text: String },
    Delete(WireRange),
    Move(usize),
}

impl From<WireEvent> for Event {
    fn from(wire: WireEvent) -> Self {
        let action = match wire.action {
            WireAction::Insert { at, text } => Action::Insert { at, text },
            WireAction::Delete(range) => Action::Delete(range.start..range.end),
            WireAction::Move(to) => Action::Move(to),
        };
        Self { pause: Duration::from_millis(wire.pause_ms).min(MAX_PAUSE), action }
    }
}

fn trace_of(wire: WireTrace, source: String) -> Result<Trace, String> {
    let cut = wire.cut.start..wire.cut.end;
    if let Some(problem) = problem_of(&source, &cut) {
        return Err(format!("the cut: {problem}"));
    }
    if wire.events.is_empty() || wire.events.len() > MAX_EVENTS {
        return Err(format!("it has {} events; from 1 to {MAX_EVENTS} are read", wire.events.len()));
    }
    let mut text = source;
    text.replace_range(cut.clone(), "");
    let trace = Trace {
        language: wire.language,
        manner: wire.manner,
        path: wire.source.into(),
        text,
        start: cut.start,
        events: wire.events.into_iter().map(Event::from).collect(),
    };
    check(&trace)?;
    Ok(trace)
}

/// Applies every event once.
fn check(trace: &Trace) -> Result<(), String> {
    let mut text = trace.text.clone();
    for (idx, event) in trace.events.iter().enumerate() {
        if let Some(problem) = event.action.problem(&text) {
            return Err(format!("event {}: {problem}", idx + 1));
        }
        apply(&mut text, &event.action);
        if text.len() as u64 > MAX_FILE {
            return Err(format!("event {}: the text has more than {MAX_FILE} bytes", idx + 1));
        }
    }
    Ok(())
}

fn problem_of(text: &str, range: &Range<usize>) -> Option<String> {
    let Range { start, end } = *range;
    if start > end {
        return Some(format!("the range {start}..{end} ends before it starts"));
    }
    if end > text.len() {
        return Some(format!("offset {end} is beyond the text, which has {} bytes", text.len()));
    }
    let within = [start, end].into_iter().find(|&it| !text.is_char_boundary(it))?;
    Some(format!("offset {within} is inside a character"))
}

/// Applies what was checked for the text.
fn apply(text: &mut String, action: &Action) {
    match action {
        Action::Insert { at, text: new } => text.insert_str(*at, new),
        Action::Delete(range) => text.replace_range(range.clone(), ""),
        Action::Move(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn trace(source: &str, cut: (usize, usize), events: &Value) -> Result<Trace, String> {
        let value = json!({
            "schema": SCHEMA, "language": "python", "manner": "typed", "source": "a.py",
            "cut": { "start": cut.0, "end": cut.1 }, "events": events,
        });
        trace_of(serde_json::from_value(value).map_err(|error| error.to_string())?, source.to_owned())
    }

    #[test]
    fn a_replay_applies_each_event_and_knows_what_costs_most() {
        let events = json!([
            { "pause_ms": 100, "insert": { "at": 4, "text": "1" } },
            { "pause_ms": 100, "move": 0 },
            { "pause_ms": 70, "insert": { "at": 0, "text": "x" } },
            { "pause_ms": 70, "delete": { "start": 0, "end": 1 } },
            { "pause_ms": 70, "insert": { "at": 0, "text": "b = 2\nc = 3\n" } },
            { "pause_ms": 70, "insert": { "at": 12, "text": "\n    " } },
        ]);
        let trace = trace("a = 9\n", (4, 5), &events).unwrap();
        let mut replay = Replay::new(&trace);
        let mut seen = Vec::new();
        while let Some(applied) = replay.advance() {
            seen.push((replay.text.clone(), replay.offset, applied.edit.is_some(), applied.is_turn));
        }
        let expected = [
            ("a = 1\n", 5, true, false),
            ("a = 1\n", 0, false, false),
            ("xa = 1\n", 1, true, true),
            ("a = 1\n", 0, true, false),
            ("b = 2\nc = 3\na = 1\n", 12, true, true),
            ("b = 2\nc = 3\n\n    a = 1\n", 17, true, false),
        ];
        assert_eq!(seen, expected.map(|(text, at, edits, turns)| (text.to_owned(), at, edits, turns)));
    }

    #[test]
    fn events_that_do_not_fit_the_text_are_named() {
        let table = [
            (json!([{ "pause_ms": 1, "insert": { "at": 7, "text": "x" } }]), "event 1: offset 7 is beyond"),
            (json!([{ "pause_ms": 1, "move": 1 }]), "event 1: offset 1 is inside a character"),
            (json!([{ "pause_ms": 1, "delete": { "start": 3, "end": 2 } }]), "event 1: the range 3..2 ends before"),
            (
                json!([{ "pause_ms": 1, "delete": { "start": 0, "end": 3 } }, { "pause_ms": 1, "move": 1 }]),
                "event 2: offset 1 is beyond",
            ),
            (json!([]), "it has 0 events"),
            (json!([{ "pause_ms": 1, "jump": 1 }]), "no variant of enum"),
        ];
        for (events, expected) in table {
            let message = trace("é\n", (0, 0), &events).unwrap_err();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn a_cut_must_fit_the_source() {
        let events = json!([{ "pause_ms": 1, "move": 0 }]);
        assert!(trace("é\n", (0, 1), &events).unwrap_err().starts_with("the cut: offset 1 is inside a character"));
        assert!(trace("é\n", (0, 9), &events).unwrap_err().starts_with("the cut: offset 9 is beyond the text"));
    }

    #[test]
    fn a_trace_reaches_no_file_but_one_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.json");
        let write = |schema: &str, source: &str| {
            let value = json!({
                "schema": schema, "language": "x", "manner": "typed", "source": source,
                "cut": { "start": 0, "end": 0 }, "events": [],
            });
            fs::write(&path, value.to_string()).unwrap();
            load(folder.path()).unwrap_err().to_string()
        };
        for source in ["../a.py", "/etc/passwd", "x/a.py", "..", ""] {
            assert!(write(SCHEMA, source).contains("is not the name of a file beside the trace"), "{source}");
        }
        assert!(write("wright.typing/9", "a.py").contains("this version reads wright.typing/1"));
    }

    #[test]
    fn a_variant_has_other_names_at_the_same_offsets() {
        let trace = trace("ledger = 1\nprint(ledger)\n", (9, 9), &json!([{ "pause_ms": 1, "move": 0 }])).unwrap();
        let variant = trace.variant(2);
        assert_eq!((variant.text.as_str(), variant.path), ("ledgeC = 1\nprint(ledgeC)\n", PathBuf::from("a_2.py")));
    }

    #[test]
    fn the_traces_of_the_project_are_sound() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evals/completion/typing");
        let traces = load(&folder).unwrap();
        let manners: Vec<&str> = traces.iter().map(|it| it.manner.as_str()).collect();
        assert_eq!(manners, ["corrected", "jumped", "pasted", "typed"].repeat(3));
        for trace in traces {
            let n_keystrokes = trace.events.iter().filter(|it| it.action.edit().is_some()).count();
            assert!((30..=60).contains(&n_keystrokes), "{} {}: {n_keystrokes}", trace.language, trace.manner);
        }
    }
}
