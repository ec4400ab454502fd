//! What became of suggestions, as the client tells it, or as its changes show it: for the completer, and for the record.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::Value;
use url::Url;
use wright_complete::{Feedback, SuggestionId};
use wright_store::Event;

use crate::items::Offer;
use crate::open_document::{Changed, OpenDocument};
use crate::server::{Done, Server};
use crate::tracker::{Document, Moment, Source};

/// How often accepted suggestions are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often a repository is asked for its newest commit, while something that was accepted waits for one.
const HEAD_EVERY: Duration = Duration::from_secs(10);

/// How often what was typed is recorded.
const TYPED_EVERY: Duration = Duration::from_secs(30);

/// When what was done last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rounds {
    looked: Instant,
    head: Instant,
    typed: Instant,
}

impl Default for Rounds {
    fn default() -> Self {
        let now = Instant::now();
        Self { looked: now, head: now, typed: now }
    }
}

impl Server {
    pub(crate) fn did_show(&mut self, params: &Value) {
        let Some(id) = id_of_item(params) else { return };
        let events = self.tracker.shown(id, Moment::now());
        self.record(events);
        self.tell(id, Feedback::Shown);
    }

    pub(crate) fn did_partially_accept(&mut self, params: &Value) {
        let (Some(id), Some(n_units)) = (id_of_item(params), params["acceptedLength"].as_u64()) else { return };
        let Some(text) = self.tracker.text(id) else { return };
        let n_bytes = bytes_of_units(text, n_units);
        let events = self.tracker.partially_accepted(id, n_bytes, Moment::now());
        self.record(events);
        self.tell(id, Feedback::PartiallyAccepted(n_bytes));
    }

    pub(crate) fn dismissed(&mut self, params: &Value) {
        let Some(id) = suggestion_id(&params["id"]) else { return };
        let events = self.tracker.dismissed(id, Moment::now());
        self.record(events);
        self.tell(id, Feedback::Dismissed);
    }

    /// Notes that the client ran the command of a suggestion, whose id is the first argument.
    pub(crate) fn accepted(&mut self, arguments: &[Value]) {
        let Some(id) = arguments.first().and_then(suggestion_id) else { return };
        let text = self.tracker.document_of(id).and_then(|it| self.documents.get(it)).map(OpenDocument::text);
        let events = self.tracker.accepted(id, text, Moment::now());
        if !events.is_empty() {
            self.tell(id, Feedback::Accepted);
        }
        self.record(events);
    }

    /// Follows what is offered in an answer.
    pub(crate) fn track_answer(&mut self, source: &Source, offers: &[Offer]) {
        let Some(open) = self.documents.get(&source.uri) else { return };
        let events = self.tracker.answer(source, offers, open.text(), Moment::now());
        self.record(events);
    }

    /// Follows a change of a document.
    pub(crate) fn track_change(&mut self, uri: &Url, changed: &Changed) {
        let Some(open) = self.documents.get(uri) else { return };
        let repository = self.client.folder_of(open.path());
        let document = Document { uri, language: open.language(), repository, text: open.text() };
        let (taken, events) = self.tracker.changed(&document, &changed.edit, changed.n_deleted as u64, Moment::now());
        self.record(events);
        taken.into_iter().for_each(|it| self.tell(it, Feedback::Accepted));
    }

    /// Remembers what a document was when it was closed.
    pub(crate) fn track_close(&mut self, open: &OpenDocument) {
        let events = self.tracker.closed(open.uri(), open.text(), Moment::now());
        self.record(events);
    }

    /// Does what is due: looks at accepted suggestions, at new commits, at what was typed.
    pub(crate) fn track_time(&mut self) {
        let now = Moment::now();
        let is_due = |last: &mut Instant, every: Duration| {
            let is_due = now.instant.duration_since(*last) >= every;
            if is_due {
                *last = now.instant;
            }
            is_due
        };
        if is_due(&mut self.rounds.looked, LOOK_EVERY) {
            let documents = &self.documents;
            let events = self.tracker.look(|it| documents.get(it).map(OpenDocument::text), now);
            self.record(events);
        }
        if is_due(&mut self.rounds.typed, TYPED_EVERY) {
            self.record_typed();
        }
        let awaited = self.tracker.awaited_repositories();
        if !awaited.is_empty() && is_due(&mut self.rounds.head, HEAD_EVERY) {
            self.read_heads(awaited);
        }
    }

    pub(crate) fn record_typed(&mut self) {
        let events = self.tracker.take_typed(Moment::now());
        self.record(events);
    }

    fn read_heads(&self, repositories: Vec<PathBuf>) {
        let host = self.host.clone();
        self.work.aside(async move {
            let read = tokio::task::spawn_blocking(move || {
                let heads = repositories.into_iter().filter_map(|it| host.head(&it).map(|head| (it, head)));
                heads.collect::<Vec<_>>()
            });
            Done::Heads(read.await.unwrap_or_default())
        });
    }

    /// Compares the newest commits with those seen before.
    pub(crate) fn heads_read(&mut self, heads: Vec<(PathBuf, String)>) {
        for (repository, head) in heads {
            let before = self.heads.insert(repository.clone(), head.clone());
            if before.is_some_and(|it| it != head) {
                let documents = &self.documents;
                let events = self.tracker.committed(&repository, |it| documents.get(it).map(OpenDocument::text));
                self.record(events);
            }
        }
    }

    /// Records that nothing was shown.
    pub(crate) fn record_withheld(&self, uri: &Url, code: &str) {
        let language = self.documents.get(uri).map_or_else(String::new, |it| it.language().to_owned());
        let model = self.workbench.as_ref().map_or_else(|_| String::new(), |it| it.model.clone());
        self.record([Event::Withheld { at: Moment::now().utc, reason: code.to_owned(), language, model }]);
    }

    fn record(&self, events: impl IntoIterator<Item = Event>) {
        if self.settings.telemetry {
            events.into_iter().for_each(|it| self.log.record(it));
        }
    }

    fn tell(&self, id: SuggestionId, feedback: Feedback) {
        if let Ok(workbench) = &self.workbench {
            workbench.completer.feedback(id, feedback);
        }
    }
}

/// Reads an id, which clients hand back as they got it, or as a number.
fn suggestion_id(value: &Value) -> Option<SuggestionId> {
    let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
    Some(SuggestionId(number))
}

fn id_of_item(params: &Value) -> Option<SuggestionId> {
    suggestion_id(&params["item"]["command"]["arguments"][0])
}

/// Returns how many bytes of `text` its first UTF-16 units are; lengths are counted so whatever the positions are.
fn bytes_of_units(text: &str, n_units: u64) -> usize {
    let mut n_left = n_units;
    let taken = text.chars().take_while(|it| {
        let n_units = it.len_utf16() as u64;
        let fits = n_units <= n_left;
        n_left = n_left.saturating_sub(n_units);
        fits
    });
    taken.map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_counted_in_utf_16() {
        let bytes = |n| bytes_of_units("a\u{e9}\u{1f980}z", n);
        assert_eq!([bytes(0), bytes(1), bytes(2), bytes(3), bytes(4), bytes(5), bytes(99)], [0, 1, 3, 3, 7, 8, 8]);
    }
}
