//! Suggestions as the protocol has them. To be an item, a suggestion must replace text of one line around the position.

use std::ops::Range;

use gen_lsp_types::{Command, InlineCompletionItem, InsertText};
use ropey::Rope;
use serde_json::json;
use wright_complete::{Selected, Suggestion, SuggestionId};

use crate::positions::{self, Encoding};

/// The command that reports an accepted suggestion.
pub(crate) const ACCEPTED: &str = "wright.accepted";

/// A suggestion as one insertion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Which one.
    pub(crate) id: SuggestionId,
    /// The bytes that it replaces.
    pub(crate) range: Range<usize>,
    /// The text that comes in their place.
    pub(crate) text: String,
}

/// Why a suggestion cannot be an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// It reaches over a line ending, or is not around the position.
    Place,
    /// It does not continue the entry that is selected in the editor's list.
    NotSelected,
}

/// Returns a suggestion for `at` as one insertion.
pub(crate) fn offer(
    suggestion: &Suggestion,
    text: &Rope,
    at: usize,
    selected: Option<&Selected>,
) -> Result<Offer, Unfit> {
    let edit = suggestion.edit.change();
    let mut range = edit.range();
    if let Some(selected) = selected {
        range = range.start.min(selected.range.start)..range.end.max(selected.range.end);
    }
    let fits = range.start <= at && at <= range.end && range.end <= text.len_bytes();
    if !fits || text.byte_to_line(range.start) != text.byte_to_line(range.end) {
        return Err(Unfit::Place);
    }
    let mut inserted = String::new();
    let mut done = range.start;
    for it in edit.replacements() {
        inserted.push_str(&text.byte_slice(done..it.range.start).to_string());
        inserted.push_str(&it.text);
        done = it.range.end;
    }
    inserted.push_str(&text.byte_slice(done..range.end).to_string());
    match selected {
        Some(selected) if selected.range != range || !inserted.starts_with(&selected.text) => Err(Unfit::NotSelected),
        _ => Ok(Offer { id: suggestion.id, range, text: inserted }),
    }
}

/// Returns an offer as an item.
pub(crate) fn item(offer: &Offer, text: &Rope, encoding: Encoding) -> InlineCompletionItem {
    let replaced = text.byte_slice(offer.range.clone()).to_string();
    // A client shows an item only if what it replaces begins its filter text.
    let filter_text = (!offer.text.starts_with(&replaced)).then_some(replaced);
    InlineCompletionItem {
        insert_text: InsertText::String(offer.text.clone()),
        filter_text,
        range: Some(positions::to_range(text, offer.range.clone(), encoding)),
        command: Some(accepted_command(offer.id)),
    }
}

/// Returns the command that an editor runs after it inserted a suggestion.
pub(crate) fn accepted_command(id: SuggestionId) -> Command {
    Command {
        title: "Accept the suggestion".to_owned(),
        tooltip: None,
        command: ACCEPTED.to_owned(),
        arguments: Some(vec![json!(id.0.to_string())]),
    }
}
