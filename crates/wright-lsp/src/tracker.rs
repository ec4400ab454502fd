//! Follows suggestions through every change of their documents: what became of each, and what of it is still there later.
//!
//! It takes what happened and returns the events to record, which hold counts and no text. It knows no client: the calls
//! are the same whether an editor reports what it shows or is silent, in which case acceptance is seen in the changes.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use ropey::Rope;
use url::Url;
use wright_complete::SuggestionId;
use wright_store::{Event, KeptAfter, NewSuggestion, Outcome, SuggestionKind, Typed};
use wright_text::{Edit, Replacement};

use crate::items::Offer;
use crate::kept_share::{kept_share, n_visible_chars};

/// How many suggestions are remembered.
const MAX_OFFERED: usize = 256;

/// How many accepted suggestions are followed at once.
const MAX_FOLLOWED: usize = 512;

/// An accepted suggestion is followed no longer than this while it waits for a commit.
const MAX_WAIT_FOR_COMMIT: Duration = Duration::from_secs(12 * 3600);

/// A change that brings more visible characters than this at once was not typed: it was pasted, or another tool made it.
const MAX_TYPED_AT_ONCE: u64 = 4;

/// How far from where it should be an accepted text is looked for, in bytes.
const SEARCHED: usize = 2_000;

/// A point in time, by both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// For durations.
    pub(crate) instant: Instant,
    /// For the record.
    pub(crate) utc: DateTime<Utc>,
}

impl Moment {
    pub(crate) fn now() -> Self {
        Self { instant: Instant::now(), utc: Utc::now() }
    }
}

/// What all suggestions of one answer share.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) uri: Url,
    pub(crate) kind: SuggestionKind,
    pub(crate) language: String,
    pub(crate) model: String,
    pub(crate) repository: Option<PathBuf>,
    pub(crate) latency: Duration,
    pub(crate) n_tokens: u32,
}

/// Suggestions and what became of them.
#[derive(Default)]
pub(crate) struct Tracker {
    offered: VecDeque<Offered>,
    followed: Vec<Followed>,
    typed: HashMap<(String, Option<PathBuf>), Typed>,
    /// Whether the client reports what it shows. Until it does, what is answered counts as shown.
    reports_shown: bool,
}

#[derive(Debug, Clone)]
struct Offered {
    offer: Offer,
    source: Source,
    record: wright_store::SuggestionId,
    /// Where the text goes, or as much of it as is there already.
    place: Range<usize>,
    /// What is there until it is taken.
    replaced: String,
    shown: Option<Instant>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Open,
    Gone,
    Accepted,
}

/// An accepted suggestion.
#[derive(Debug)]
struct Followed {
    record: wright_store::SuggestionId,
    uri: Url,
    repository: Option<PathBuf>,
    text: String,
    place: Range<usize>,
    since: Instant,
    n_looks: usize,
    is_committed: bool,
    /// What was there when the document was closed.
    last_seen: Option<String>,
}

impl Tracker {
    /// Notes an answer to a request in a document. Suggestions that do not go on with what was offered before replace it.
    pub(crate) fn answer(&mut self, source: &Source, offers: &[Offer], text: &Rope, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        let mut continued = Vec::new();
        let mut new = Vec::new();
        for (idx, offer) in offers.iter().enumerate() {
            let earlier = self.open_in(&source.uri).find(|it| it.is_continued_by(offer, text));
            let (record, shown) = match earlier {
                Some(earlier) => (earlier.record, earlier.shown),
                None => (wright_store::SuggestionId::unique(), None),
            };
            continued.push(record);
            let mut offered = Offered {
                offer: offer.clone(),
                source: source.clone(),
                record,
                place: offer.range.clone(),
                replaced: slice(text, &offer.range),
                shown,
                fate: Fate::Open,
            };
            if idx == 0 && !self.reports_shown {
                events.extend(offered.show(now));
            }
            new.push(offered);
        }
        let is_replaced =
            |it: &Offered| it.fate == Fate::Open && it.source.uri == source.uri && it.source.kind == source.kind;
        for earlier in self.offered.iter_mut().filter(|it| is_replaced(it)) {
            earlier.fate = Fate::Gone;
            if !continued.contains(&earlier.record) {
                events.extend(earlier.outcome(Outcome::Superseded, now));
            }
        }
        self.offered.extend(new);
        while self.offered.len() > MAX_OFFERED {
            self.offered.pop_front();
        }
        events
    }

    /// Returns the text that a suggestion inserts.
    pub(crate) fn text(&self, id: SuggestionId) -> Option<&str> {
        self.find(id).map(|it| it.offer.text.as_str())
    }

    /// Returns the document that a suggestion is for.
    pub(crate) fn document_of(&self, id: SuggestionId) -> Option<&Url> {
        self.find(id).map(|it| &it.source.uri)
    }

    /// Notes that the client shows a suggestion.
    pub(crate) fn shown(&mut self, id: SuggestionId, now: Moment) -> Vec<Event> {
        self.reports_shown = true;
        self.find_mut(id).and_then(|it| it.show(now)).into_iter().collect()
    }

    /// Notes that a suggestion was taken whole.
    pub(crate) fn accepted(&mut self, id: SuggestionId, text: Option<&Rope>, now: Moment) -> Vec<Event> {
        let Some(offered) = self.find_mut(id).filter(|it| it.fate != Fate::Accepted) else { return Vec::new() };
        offered.fate = Fate::Accepted;
        let mut events: Vec<Event> = offered.show(now).into_iter().collect();
        events.extend(offered.outcome(Outcome::Accepted, now));
        if let Some(text) = text {
            offered.look_around(text);
        }
        let whole = offered.offer.text.clone();
        let followed = offered.follow(whole, now);
        self.follow(followed);
        events
    }

    /// Notes that the first bytes of a suggestion were taken.
    pub(crate) fn partially_accepted(&mut self, id: SuggestionId, n_bytes: usize, now: Moment) -> Vec<Event> {
        let Some(offered) = self.find_mut(id).filter(|it| it.fate == Fate::Open) else { return Vec::new() };
        let Some(taken) = offered.offer.text.get(..n_bytes).map(str::to_owned) else { return Vec::new() };
        let mut events: Vec<Event> = offered.show(now).into_iter().collect();
        events.extend(offered.outcome(Outcome::PartiallyAccepted { n_chars: n_chars(&taken) }, now));
        let followed = offered.follow(taken, now);
        self.follow(followed);
        events
    }

    /// Notes that the user refused a suggestion.
    pub(crate) fn dismissed(&mut self, id: SuggestionId, now: Moment) -> Vec<Event> {
        let Some(offered) = self.find_mut(id).filter(|it| it.fate == Fate::Open) else { return Vec::new() };
        offered.fate = Fate::Gone;
        offered.outcome(Outcome::Dismissed, now).into_iter().collect()
    }

    /// Follows a change: `edit` turned the text of a document into `text`. Returns the suggestions that were taken by it, for
    /// clients that do not say so, and the events.
    pub(crate) fn changed(
        &mut self,
        document: &Document<'_>,
        edit: &Edit,
        n_deleted: u64,
        now: Moment,
    ) -> (Vec<SuggestionId>, Vec<Event>) {
        self.count(document, edit, n_deleted);
        let mut events = Vec::new();
        let mut taken = Vec::new();
        for followed in self.followed.iter_mut().filter(|it| it.uri == *document.uri && it.last_seen.is_none()) {
            move_place(&mut followed.place, edit, followed.text.len());
        }
        let open = self.offered.iter_mut().filter(|it| it.fate == Fate::Open && it.source.uri == *document.uri);
        for offered in open {
            move_place(&mut offered.place, edit, offered.offer.text.len());
            let present = slice(document.text, &offered.place);
            if present == offered.offer.text && inserts_end_of(edit, &present) {
                taken.push(offered.offer.id);
            } else if !offered.offer.text.starts_with(&present) && present != offered.replaced {
                offered.fate = Fate::Gone;
                events.extend(offered.outcome(Outcome::Superseded, now));
            }
        }
        for id in &taken {
            events.extend(self.accepted(*id, None, now));
        }
        (taken, events)
    }

    /// Notes that a document is closed; `text` is what it was last.
    pub(crate) fn closed(&mut self, uri: &Url, text: &Rope, now: Moment) -> Vec<Event> {
        for followed in self.followed.iter_mut().filter(|it| it.uri == *uri && it.last_seen.is_none()) {
            followed.last_seen = Some(slice(text, &followed.place));
        }
        let mut events = Vec::new();
        for offered in self.offered.iter_mut().filter(|it| it.source.uri == *uri && it.fate == Fate::Open) {
            offered.fate = Fate::Gone;
            events.extend(offered.outcome(Outcome::Superseded, now));
        }
        events
    }

    /// Returns what is to be recorded by now about accepted suggestions.
    pub(crate) fn look<'a>(&mut self, text_of: impl Fn(&Url) -> Option<&'a Rope>, now: Moment) -> Vec<Event> {
        let mut events = Vec::new();
        for followed in &mut self.followed {
            let age = now.instant.duration_since(followed.since);
            while let Some(after) = KeptAfter::ALL.get(followed.n_looks).filter(|it| it.duration() <= age) {
                followed.n_looks += 1;
                let (share, n_chars) = followed.kept(text_of(&followed.uri));
                events.push(Event::Kept { id: followed.record, after: *after, share, n_chars });
            }
        }
        self.followed.retain(|it| {
            let is_looked_at = it.n_looks == KeptAfter::ALL.len();
            let waits = !it.is_committed && now.instant.duration_since(it.since) < MAX_WAIT_FOR_COMMIT;
            !is_looked_at || waits
        });
        events
    }

    /// Notes that a repository has a new commit.
    pub(crate) fn committed<'a>(
        &mut self,
        repository: &Path,
        text_of: impl Fn(&Url) -> Option<&'a Rope>,
    ) -> Vec<Event> {
        let mut events = Vec::new();
        let waiting =
            self.followed.iter_mut().filter(|it| !it.is_committed && it.repository.as_deref() == Some(repository));
        for followed in waiting {
            followed.is_committed = true;
            let (_, n_chars) = followed.kept(text_of(&followed.uri));
            events.push(Event::Committed { id: followed.record, n_chars });
        }
        events
    }

    /// Returns the repositories in which accepted suggestions wait for a commit.
    pub(crate) fn awaited_repositories(&self) -> Vec<PathBuf> {
        let mut awaited: Vec<PathBuf> =
            self.followed.iter().filter(|it| !it.is_committed).filter_map(|it| it.repository.clone()).collect();
        awaited.sort();
        awaited.dedup();
        awaited
    }

    /// Returns what was typed since the last call.
    pub(crate) fn take_typed(&mut self, now: Moment) -> Vec<Event> {
        let typed = std::mem::take(&mut self.typed);
        let events = typed.into_iter().map(|((language, repository), typed)| Event::Typed {
            at: now.utc,
            language,
            repository,
            typed,
        });
        events.collect()
    }

    /// Counts the characters of a change by who wrote them. What we suggested is counted where it is accepted.
    fn count(&mut self, document: &Document<'_>, edit: &Edit, n_deleted: u64) {
        let mut typed = Typed { n_chars_deleted: n_deleted, ..Typed::default() };
        for replacement in edit.replacements() {
            let n_visible = n_visible_chars(&replacement.text);
            if self.is_ours(document.uri, replacement) {
                continue;
            }
            let n_chars = replacement.text.chars().count() as u64;
            if n_visible <= MAX_TYPED_AT_ONCE {
                typed.n_chars_typed += n_chars;
            } else {
                typed.n_chars_pasted += n_chars;
            }
        }
        let sum =
            self.typed.entry((document.language.to_owned(), document.repository.map(Path::to_owned))).or_default();
        sum.n_chars_typed += typed.n_chars_typed;
        sum.n_chars_pasted += typed.n_chars_pasted;
        sum.n_chars_deleted += typed.n_chars_deleted;
    }

    /// Returns whether a replacement puts in what was suggested there, all of it or the next words.
    fn is_ours(&self, uri: &Url, replacement: &Replacement) -> bool {
        let is_more_than_a_key = replacement.text.chars().count() >= 2;
        let is_in = |text: &str, place: &Range<usize>| {
            let touches = replacement.range.start <= place.end && replacement.range.end >= place.start;
            touches
                && (text.ends_with(&replacement.text)
                    || text[text.floor_char_boundary(place.len())..].starts_with(&replacement.text))
        };
        let is_offered = self.open_in(uri).any(|it| is_in(&it.offer.text, &it.place));
        let is_accepted = || {
            self.followed
                .iter()
                .any(|it| it.uri == *uri && it.place.len() < it.text.len() && is_in(&it.text, &it.place))
        };
        is_more_than_a_key && (is_offered || is_accepted())
    }

    fn follow(&mut self, followed: Followed) {
        self.followed.retain(|it| it.record != followed.record);
        if self.followed.len() < MAX_FOLLOWED {
            self.followed.push(followed);
        }
    }

    fn open_in(&self, uri: &Url) -> impl Iterator<Item = &Offered> {
        self.offered.iter().filter(move |it| it.fate == Fate::Open && it.source.uri == *uri)
    }

    fn find(&self, id: SuggestionId) -> Option<&Offered> {
        self.offered.iter().rev().find(|it| it.offer.id == id)
    }

    fn find_mut(&mut self, id: SuggestionId) -> Option<&mut Offered> {
        self.offered.iter_mut().rev().find(|it| it.offer.id == id)
    }
}

/// A document that changed.
pub(crate) struct Document<'a> {
    pub(crate) uri: &'a Url,
    pub(crate) language: &'a str,
    pub(crate) repository: Option<&'a Path>,
    /// After the change.
    pub(crate) text: &'a Rope,
}

impl Offered {
    /// Returns the event of being shown, the first time.
    fn show(&mut self, now: Moment) -> Option<Event> {
        if self.shown.is_some() {
            return None;
        }
        self.shown = Some(now.instant);
        Some(Event::Shown(NewSuggestion {
            id: self.record,
            kind: self.source.kind,
            language: self.source.language.clone(),
            model: self.source.model.clone(),
            repository: self.source.repository.clone(),
            at: now.utc,
            n_chars: n_chars(&self.offer.text),
            n_lines: u32::try_from(self.offer.text.lines().count()).unwrap_or(u32::MAX),
            n_tokens: self.source.n_tokens,
            latency: self.source.latency,
        }))
    }

    /// Returns the event of an outcome. What was never shown has none.
    fn outcome(&self, outcome: Outcome, now: Moment) -> Option<Event> {
        let shown = self.shown?;
        Some(Event::Outcome { id: self.record, outcome, shown_for: Some(now.instant.duration_since(shown)) })
    }

    /// Returns whether a new offer leads to the same text as this one, because the user typed what it says.
    fn is_continued_by(&self, offer: &Offer, text: &Rope) -> bool {
        let hull = self.place.start.min(offer.range.start)..self.place.end.max(offer.range.end);
        let result = |place: &Range<usize>, inserted: &str| {
            format!("{}{inserted}{}", slice(text, &(hull.start..place.start)), slice(text, &(place.end..hull.end)))
        };
        // Far apart cannot be the same, and need not be written down to be compared.
        hull.len() <= SEARCHED && result(&self.place, &self.offer.text) == result(&offer.range, &offer.text)
    }

    /// Finds the accepted text, where the client put it in some other way than a suggestion is put in.
    fn look_around(&mut self, text: &Rope) {
        if slice(text, &self.place) == self.offer.text {
            return;
        }
        let start = text.byte_to_char(self.place.start.saturating_sub(SEARCHED).min(text.len_bytes()));
        let end = text.byte_to_char((self.place.end + SEARCHED).min(text.len_bytes()));
        let around = text.slice(start..end).to_string();
        if let Some(at) = around.find(&self.offer.text) {
            let start = text.char_to_byte(start) + at;
            self.place = start..start + self.offer.text.len();
        }
    }

    fn follow(&self, text: String, now: Moment) -> Followed {
        Followed {
            record: self.record,
            uri: self.source.uri.clone(),
            repository: self.source.repository.clone(),
            text,
            place: self.place.clone(),
            since: now.instant,
            n_looks: 0,
            is_committed: false,
            last_seen: None,
        }
    }
}

impl Followed {
    /// Returns which share of the text is still there, and how many of its characters that is.
    fn kept(&self, document: Option<&Rope>) -> (f32, u32) {
        let present = match (&self.last_seen, document) {
            (Some(present), _) => present.clone(),
            (None, Some(document)) => slice(document, &self.place),
            (None, None) => String::new(),
        };
        let share = kept_share(&self.text, &present);
        (share, (share * n_chars(&self.text) as f32).round() as u32)
    }
}

/// Moves a place by an edit. While less than `n_wanted` bytes are there, what is put in at its end belongs to it.
fn move_place(place: &mut Range<usize>, edit: &Edit, n_wanted: usize) {
    let mut n_added = 0;
    let mut n_removed = 0;
    for it in edit.replacements() {
        let (start, end) = (it.range.start + n_added - n_removed, it.range.end + n_added - n_removed);
        let n_new = it.text.len();
        n_added += n_new;
        n_removed += it.range.len();
        let is_growing = place.len() < n_wanted;
        let is_at_end = start == end && start == place.end && is_growing;
        if is_at_end {
            place.end += n_new;
        } else if end <= place.start {
            let length = place.len();
            place.start = place.start + n_new - (end - start);
            place.end = place.start + length;
        } else if start < place.end {
            place.start = place.start.min(start);
            place.end = if end > place.end { start + n_new } else { place.end + n_new - (end - start) };
        }
    }
}

/// Returns whether an edit puts in, in one piece of more than one character, the end of `text`.
fn inserts_end_of(edit: &Edit, text: &str) -> bool {
    edit.replacements().iter().any(|it| it.text.chars().count() >= 2 && text.ends_with(&it.text))
}

fn slice(text: &Rope, range: &Range<usize>) -> String {
    let end = range.end.min(text.len_bytes());
    let start = range.start.min(end);
    text.get_byte_slice(start..end).map(|it| it.to_string()).unwrap_or_default()
}

fn n_chars(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document in which one suggestion is offered.
    struct Editor {
        tracker: Tracker,
        uri: Url,
        text: Rope,
        now: Moment,
        next_id: u64,
    }

    impl Editor {
        fn new(text: &str) -> Self {
            let uri = Url::parse("untitled:a").unwrap();
            Self { tracker: Tracker::default(), uri, text: Rope::from_str(text), now: Moment::now(), next_id: 0 }
        }

        fn source(&self) -> Source {
            Source {
                uri: self.uri.clone(),
                kind: SuggestionKind::Inline,
                language: "python".to_owned(),
                model: "scripted:test".to_owned(),
                repository: Some(PathBuf::from("/p")),
                latency: Duration::from_millis(20),
                n_tokens: 3,
            }
        }

        /// Offers a text at a position and returns its id and the words for the events.
        fn offer(&mut self, at: usize, text: &str) -> (SuggestionId, Vec<String>) {
            self.next_id += 1;
            let id = SuggestionId(self.next_id);
            let offer = Offer { id, range: at..at, text: text.to_owned() };
            let events = self.tracker.answer(&self.source(), &[offer], &self.text, self.now);
            (id, words(&events))
        }

        /// Makes a change and returns the words for the events.
        fn change(&mut self, range: Range<usize>, text: &str) -> Vec<String> {
            let edit = Edit::single(range, text);
            let n_deleted = edit.range().len() as u64;
            self.text = Rope::from_str(&edit.apply(&self.text.to_string()).unwrap());
            let repository = Path::new("/p");
            let document =
                Document { uri: &self.uri, language: "python", repository: Some(repository), text: &self.text };
            words(&self.tracker.changed(&document, &edit, n_deleted, self.now).1)
        }

        fn wait(&mut self, seconds: u64) -> Vec<String> {
            self.now.instant += Duration::from_secs(seconds);
            let text = &self.text;
            words(&self.tracker.look(|_| Some(text), self.now))
        }

        fn typed(&mut self) -> Option<Typed> {
            self.tracker.take_typed(self.now).into_iter().find_map(|it| match it {
                Event::Typed { typed, .. } => Some(typed),
                _ => None,
            })
        }
    }

    fn words(events: &[Event]) -> Vec<String> {
        let word = |event: &Event| match event {
            Event::Shown(_) => "shown".to_owned(),
            Event::Outcome { outcome, .. } => format!("{outcome:?}").to_lowercase(),
            Event::Kept { after, n_chars, .. } => format!("{n_chars} kept for {}", after.duration().as_secs()),
            Event::Committed { n_chars, .. } => format!("{n_chars} committed"),
            Event::Typed { .. } => "typed".to_owned(),
            Event::Withheld { .. } => "withheld".to_owned(),
        };
        events.iter().map(word).collect()
    }

    #[test]
    fn typing_what_is_suggested_is_no_new_suggestion() {
        let mut editor = Editor::new("x = ");
        assert_eq!(editor.offer(4, "a + b").1, ["shown"]);
        assert_eq!(editor.change(4..4, "a"), Vec::<String>::new());
        let (id, events) = editor.offer(5, " + b");
        assert_eq!(events, Vec::<String>::new());
        assert_eq!(editor.typed().unwrap().n_chars_typed, 1);
        assert_eq!(words(&editor.tracker.accepted(id, None, editor.now)), ["accepted"]);
    }

    #[test]
    fn typing_something_else_makes_it_superseded() {
        let mut editor = Editor::new("x = ");
        editor.offer(4, "a + b");
        assert_eq!(editor.change(4..4, "z"), ["superseded"]);
        assert_eq!(editor.offer(5, "()").1, ["shown"]);
        assert_eq!(editor.offer(5, "[]").1, ["shown", "superseded"]);
    }

    #[test]
    fn a_client_that_does_not_say_so_is_seen_to_accept() {
        let mut editor = Editor::new("x = \ny = 1\n");
        let (id, _) = editor.offer(4, "a + b");
        assert_eq!(editor.change(4..4, "a + b"), ["accepted"]);
        assert_eq!(words(&editor.tracker.accepted(id, None, editor.now)), Vec::<String>::new(), "once is enough");
        assert_eq!(editor.typed(), Some(Typed::default()), "it was not typed");
    }

    #[test]
    fn what_is_accepted_is_followed_through_later_changes() {
        let mut editor = Editor::new("x = \ny = 1\n");
        editor.offer(4, "alpha + beta");
        editor.change(4..4, "alpha + beta");
        assert_eq!(editor.wait(15), ["12 kept for 15"]);
        editor.change(0..0, "import os\n");
        let beta = editor.text.to_string().find("beta").unwrap();
        editor.change(beta..beta + 4, "gamma()");
        assert_eq!(editor.wait(15), ["7 kept for 30"]);
        let whole = 0..editor.text.len_bytes();
        editor.change(whole, "");
        assert_eq!(editor.wait(600), ["0 kept for 120", "0 kept for 300", "0 kept for 600"]);
    }

    #[test]
    fn a_commit_counts_what_is_left_once() {
        let mut editor = Editor::new("x = ");
        editor.offer(4, "alpha + beta");
        editor.change(4..4, "alpha + beta");
        assert_eq!(editor.tracker.awaited_repositories(), [PathBuf::from("/p")]);
        let text = editor.text.clone();
        let commit = |editor: &mut Editor| words(&editor.tracker.committed(Path::new("/p"), |_| Some(&text)));
        assert_eq!(commit(&mut editor), ["12 committed"]);
        assert_eq!(commit(&mut editor), Vec::<String>::new());
        assert!(editor.tracker.awaited_repositories().is_empty());
    }

    #[test]
    fn an_acceptance_that_is_reported_before_the_change_is_followed_too() {
        let mut editor = Editor::new("x = \n");
        let (id, _) = editor.offer(4, "a + b");
        let text = editor.text.clone();
        assert_eq!(words(&editor.tracker.accepted(id, Some(&text), editor.now)), ["accepted"]);
        editor.change(4..4, "a + b");
        assert_eq!(editor.typed(), Some(Typed::default()));
        assert_eq!(editor.wait(20), ["5 kept for 15"]);
    }

    #[test]
    fn words_that_are_taken_one_by_one_are_counted() {
        let mut editor = Editor::new("x = \n");
        let (id, _) = editor.offer(4, "alpha + beta");
        editor.change(4..4, "alpha");
        let events = editor.tracker.partially_accepted(id, 5, editor.now);
        assert_eq!(words(&events), ["partiallyaccepted { n_chars: 5 }"]);
        assert_eq!(editor.typed(), Some(Typed::default()));
        assert_eq!(editor.wait(20), ["5 kept for 15"]);
    }

    #[test]
    fn a_client_that_reports_what_it_shows_is_believed() {
        let mut editor = Editor::new("x = ");
        let (id, _) = editor.offer(4, "a");
        editor.tracker.shown(id, editor.now);
        editor.change(4..4, "zz");
        assert_eq!(editor.offer(6, "b").1, Vec::<String>::new());
        assert_eq!(editor.change(6..6, "y"), Vec::<String>::new(), "what nobody saw was not refused");
    }

    #[test]
    fn keys_are_typed_and_blocks_are_pasted() {
        let mut editor = Editor::new("");
        editor.change(0..0, "i");
        editor.change(1..1, "\n        ");
        editor.change(0..1, "");
        editor.change(0..0, "a whole line of code\n");
        let typed = Typed { n_chars_typed: 10, n_chars_pasted: 21, n_chars_deleted: 1 };
        assert_eq!(editor.typed(), Some(typed));
    }

    #[test]
    fn a_place_moves_with_the_text() {
        let moved = |place: Range<usize>, edit: Range<usize>, n_new: usize, n_wanted: usize| {
            let mut place = place;
            move_place(&mut place, &Edit::single(edit, "x".repeat(n_new)), n_wanted);
            place
        };
        assert_eq!(moved(5..8, 0..2, 1, 0), 4..7, "before");
        assert_eq!(moved(5..8, 9..9, 4, 0), 5..8, "behind");
        assert_eq!(moved(5..8, 6..7, 3, 0), 5..10, "inside");
        assert_eq!(moved(5..8, 3..6, 0, 0), 3..5, "over the beginning");
        assert_eq!(moved(5..8, 7..12, 2, 0), 5..9, "over the end");
        assert_eq!(moved(5..5, 5..5, 3, 9), 5..8, "it grows while something is missing");
        assert_eq!(moved(5..8, 8..8, 3, 3), 5..8, "and no longer");
    }
}
