//! `textDocument/copilotInlineEdit`: the next place to edit, as clients of that server's extension ask for it.

use std::time::Instant;

use gen_lsp_types::Position;
use lsp_server::{ErrorCode, RequestId};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;
use wright_complete::NextEdit;
use wright_store::SuggestionKind;
use wright_text::Replacement;

use crate::items::{self, Offer};
use crate::open_document::OpenDocument;
use crate::positions;
use crate::reasons::Reason;
use crate::server::{Done, Server};
use crate::tracker::Source;
use crate::work::Lane;

/// Replacements that are closer together than this, in bytes, are shown as one.
const MAX_HULL: usize = 2_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NextEditParams {
    text_document: Identifier,
    position: Position,
}

#[derive(Deserialize)]
struct Identifier {
    uri: Url,
}

/// What was found, and for what.
pub(crate) struct Looked {
    uri: Url,
    version: i64,
    since: Instant,
    found: Result<Option<NextEdit>, String>,
}

impl Server {
    pub(crate) fn next_edit(&mut self, id: RequestId, params: NextEditParams) {
        let uri = params.text_document.uri;
        let encoding = self.client.encoding();
        if let Err(reason) = self.may_suggest(&uri) {
            return self.withhold(id, &uri, &reason);
        }
        let (Some(open), Ok(workbench)) = (self.documents.get_mut(&uri), &self.workbench) else { return };
        if !self.settings.next_edit {
            return self.out.answer(id, no_edits());
        }
        let offset = open.offset(params.position, encoding);
        let (doc, version, since) = (open.document(), open.version(), Instant::now());
        let completer = workbench.completer.clone();
        let of = uri.clone();
        let task = async move {
            let found = completer.next_edit(doc, offset).await.map_err(|it| it.to_string());
            Done::NextEdit(Box::new(Looked { uri: of, version, since, found }))
        };
        for replaced in self.work.start(id, Some(Lane::NextEdit(uri)), task) {
            self.out.refuse(replaced, ErrorCode::ContentModified, "a newer request for this document came");
        }
    }

    /// Answers with the place that was found, if its document is still the one it was found in.
    pub(crate) fn looked(&mut self, id: RequestId, looked: Looked) {
        let Looked { uri, version, since, found } = looked;
        let next = match found {
            Ok(Some(next)) => next,
            Ok(None) => return self.out.answer(id, no_edits()),
            Err(message) => return self.withhold(id, &uri, &Reason::Failed(message)),
        };
        let is_changed = self.documents.get(&uri).is_none_or(|it| it.version() != version);
        let Some(open) = self.documents.values().find(|it| it.path() == next.path).filter(|_| !is_changed) else {
            return self.out.refuse(id, ErrorCode::ContentModified, "the document changed meanwhile");
        };
        let encoding = self.client.encoding();
        let command = items::accepted_command(next.id);
        let document = json!({ "uri": open.uri(), "version": open.version() });
        let replacements = joined(open, next.edit.change().replacements());
        let edits: Vec<Value> = replacements
            .iter()
            .map(|it| {
                let range = positions::to_range(open.text(), it.range.clone(), encoding);
                json!({ "range": range, "textDocument": document, "text": it.text, "command": command })
            })
            .collect();
        let offers: Vec<Offer> =
            replacements.into_iter().take(1).map(|it| Offer { id: next.id, range: it.range, text: it.text }).collect();
        let source = Source {
            uri: open.uri().clone(),
            kind: SuggestionKind::NextEdit,
            language: open.language().to_owned(),
            model: self.workbench.as_ref().map_or_else(|_| String::new(), |it| it.model.clone()),
            repository: self.client.folder_of(open.path()).map(Into::into),
            latency: since.elapsed(),
            n_tokens: 0,
        };
        self.track_answer(&source, &offers);
        self.out.answer(id, json!({ "edits": edits }));
    }
}

fn no_edits() -> Value {
    json!({ "edits": [] })
}

/// Returns replacements that are near each other as one.
fn joined(open: &OpenDocument, replacements: &[Replacement]) -> Vec<Replacement> {
    let (Some(first), Some(last)) = (replacements.first(), replacements.last()) else { return Vec::new() };
    let hull = first.range.start..last.range.end;
    if hull.len() > MAX_HULL || hull.end > open.text().len_bytes() {
        return replacements.to_vec();
    }
    let mut text = String::new();
    let mut done = hull.start;
    for it in replacements {
        text.push_str(&open.text().byte_slice(done..it.range.start).to_string());
        text.push_str(&it.text);
        done = it.range.end;
    }
    vec![Replacement { range: hull, text }]
}
