//! Open documents follow the client's, change by change.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;
use url::Url;
use wright_text::Edit;

use crate::open_document::{ContentChange, OpenDocument};
use crate::server::Server;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DidOpen {
    text_document: Opened,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Opened {
    uri: Url,
    #[serde(default)]
    language_id: String,
    #[serde(default)]
    version: i64,
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DidChange {
    text_document: Versioned,
    content_changes: Vec<ContentChange>,
}

#[derive(Deserialize)]
struct Versioned {
    uri: Url,
    /// Old clients may leave it out.
    version: Option<i64>,
}

impl Server {
    pub(crate) fn did_open(&mut self, params: Value) {
        let opened = match serde_json::from_value::<DidOpen>(params) {
            Ok(params) => params.text_document,
            Err(error) => return tracing::warn!(%error, "a document could not be opened"),
        };
        let Opened { uri, language_id, version, text } = opened;
        self.distrusted.remove(&uri);
        self.forget(&uri);
        let mut open = OpenDocument::new(uri.clone(), &language_id, version, &text);
        if let (Ok(workbench), true) = (&self.workbench, open.is_small()) {
            workbench.completer.open(open.document());
        }
        self.documents.insert(uri, open);
    }

    pub(crate) fn did_change(&mut self, params: Value) {
        let uri = uri_of(&params);
        let DidChange { text_document, content_changes } = match serde_json::from_value(params) {
            Ok(params) => params,
            Err(error) => {
                tracing::warn!(%error, "a change could not be read");
                self.distrusted.extend(uri);
                return;
            }
        };
        let encoding = self.client.encoding();
        let Some(open) = self.documents.get_mut(&text_document.uri) else {
            return tracing::warn!(uri = %text_document.uri, "a document changed that is not open");
        };
        if content_changes.iter().any(|it| it.range.is_none()) {
            // Whatever was missed before, this is the whole text.
            self.distrusted.remove(&text_document.uri);
        }
        let was_small = open.is_small();
        let version = text_document.version.unwrap_or(open.version() + 1);
        let changed = open.change(version, &content_changes, encoding);
        self.tell_completer(&text_document.uri, was_small, &changed.edit);
        self.track_change(&text_document.uri, &changed);
    }

    fn tell_completer(&mut self, uri: &Url, was_small: bool, edit: &Edit) {
        let (Some(open), Ok(workbench)) = (self.documents.get_mut(uri), &self.workbench) else { return };
        match (was_small, open.is_small()) {
            (true, true) => workbench.completer.change(open.document(), edit),
            (true, false) => workbench.completer.close(open.path()),
            (false, true) => workbench.completer.open(open.document()),
            (false, false) => {}
        }
    }

    pub(crate) fn did_close(&mut self, params: &Value) {
        if let Some(uri) = uri_of(params) {
            self.forget(&uri);
            self.distrusted.remove(&uri);
        }
    }

    pub(crate) fn did_focus(&mut self, params: &Value) {
        let Some(open) = uri_of(params).and_then(|it| self.documents.get_mut(&it)) else { return };
        if let (Ok(workbench), true) = (&self.workbench, open.is_small()) {
            let document = open.document();
            let end = document.text().len();
            workbench.completer.rest(&document, end);
        }
    }

    /// Tells a completer that is new of every open document.
    pub(crate) fn follow_open_documents(&mut self) {
        let Ok(workbench) = &self.workbench else { return };
        let small = self.documents.values_mut().filter(|it| it.is_small());
        small.for_each(|it| workbench.completer.open(Arc::clone(&it.document())));
    }

    fn forget(&mut self, uri: &Url) {
        let Some(open) = self.documents.remove(uri) else { return };
        self.track_close(&open);
        if let Ok(workbench) = &self.workbench {
            workbench.completer.close(open.path());
        }
    }
}

/// Returns the document that parameters are about.
fn uri_of(params: &Value) -> Option<Url> {
    Url::parse(params["textDocument"]["uri"].as_str()?).ok()
}
