//! What became of suggestions, as the client tells it: shown, accepted, taken in part, dismissed.

use std::collections::VecDeque;

use gen_lsp_types::ExecuteCommandParams;
use lsp_server::{ErrorCode, RequestId};
use serde_json::Value;
use wright_complete::{Feedback, SuggestionId};

use crate::items::{ACCEPTED, Offer};
use crate::server::Server;

/// The command of another server with which some clients report acceptance whatever the item says.
const ACCEPTED_BY_CUSTOM: &str = "github.copilot.didAcceptCompletionItem";

/// How many suggestions are remembered.
const MAX_OFFERS: usize = 256;

/// The last suggestions that were offered.
#[derive(Default)]
pub(crate) struct Offers {
    offers: VecDeque<Offer>,
}

impl Offers {
    pub(crate) fn add(&mut self, offer: Offer) {
        self.offers.retain(|it| it.id != offer.id);
        self.offers.push_back(offer);
        if self.offers.len() > MAX_OFFERS {
            self.offers.pop_front();
        }
    }

    pub(crate) fn find(&self, id: SuggestionId) -> Option<&Offer> {
        self.offers.iter().rev().find(|it| it.id == id)
    }
}

impl Server {
    pub(crate) fn execute_command(&mut self, id: RequestId, params: ExecuteCommandParams) {
        let arguments = params.arguments.unwrap_or_default();
        match params.command.as_str() {
            ACCEPTED | ACCEPTED_BY_CUSTOM => {
                if let Some(suggestion) = arguments.first().and_then(suggestion_id) {
                    self.report(suggestion, Feedback::Accepted);
                }
                self.out.answer(id, Value::Null);
            }
            other => self.out.refuse(id, ErrorCode::InvalidParams, format!("unknown command {other:?}")),
        }
    }

    pub(crate) fn did_show(&mut self, params: &Value) {
        if let Some(id) = id_of_item(params) {
            self.report(id, Feedback::Shown);
        }
    }

    pub(crate) fn did_partially_accept(&mut self, params: &Value) {
        let (Some(id), Some(n_units)) = (id_of_item(params), params["acceptedLength"].as_u64()) else { return };
        let Some(offer) = self.offers.find(id) else { return };
        let n_bytes = bytes_of_units(&offer.text, n_units);
        self.report(id, Feedback::PartiallyAccepted(n_bytes));
    }

    pub(crate) fn dismissed(&mut self, params: &Value) {
        if let Some(id) = suggestion_id(&params["id"]) {
            self.report(id, Feedback::Dismissed);
        }
    }

    fn report(&mut self, id: SuggestionId, feedback: Feedback) {
        if let (Ok(workbench), Some(_)) = (&self.workbench, self.offers.find(id)) {
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
