//! `textDocument/inlineCompletion`: who may ask, what is asked, and what is shown of the answer.
//!
//! The only file besides `feedback.rs` that calls the completer for suggestions.

use std::time::{Duration, Instant};

use gen_lsp_types::{InlineCompletionList, InlineCompletionParams, InlineCompletionTriggerKind};
use lsp_server::{ErrorCode, RequestId};
use serde_json::Value;
use url::Url;
use wright_complete::{Ask, Outcome, Selected, Trigger};
use wright_store::SuggestionKind;

use crate::items::{self, Unfit};
use crate::open_document::OpenDocument;
use crate::positions;
use crate::reasons::Reason;
use crate::server::{Done, Server};
use crate::status::State;
use crate::tracker::Source;
use crate::work::Lane;

/// What was asked, kept until the answer is there.
pub(crate) struct Asked {
    pub(crate) uri: Url,
    pub(crate) version: i64,
    pub(crate) offset: usize,
    pub(crate) selected: Option<Selected>,
    pub(crate) since: Instant,
}

/// What the completer said: an outcome, or why the model could not be asked, with a hint.
pub(crate) struct Suggested {
    asked: Asked,
    result: Result<Outcome, (String, Option<String>)>,
}

impl Server {
    pub(crate) fn inline_completion(&mut self, id: RequestId, params: InlineCompletionParams) {
        let position = params.text_document_position_params;
        let uri = position.text_document.uri;
        if let Err(reason) = self.may_suggest(&uri) {
            return self.withhold(id, &uri, &reason);
        }
        let encoding = self.client.encoding();
        let (Some(open), Ok(workbench)) = (self.documents.get_mut(&uri), &self.workbench) else { return };
        let offset = open.offset(position.position, encoding);
        let selected = params
            .context
            .selected_completion_info
            .map(|it| Selected { range: positions::to_offsets(open.text(), it.range, encoding), text: it.text });
        let trigger = match params.context.trigger_kind {
            InlineCompletionTriggerKind::Invoked => Trigger::Invoked,
            InlineCompletionTriggerKind::Automatic | InlineCompletionTriggerKind::Custom(_) => Trigger::Automatic,
        };
        let ask = Ask { doc: open.document(), offset, trigger, selected: selected.clone() };
        let asked = Asked { uri: uri.clone(), version: open.version(), offset, selected, since: Instant::now() };
        let completer = workbench.completer.clone();
        let task = async move {
            let result = completer.suggest(ask).await.map_err(|it| (it.to_string(), it.hint()));
            Done::Suggested(Box::new(Suggested { asked, result }))
        };
        for replaced in self.work.start(id, Some(Lane::Inline(uri)), task) {
            self.out.refuse(replaced, ErrorCode::ContentModified, "a newer request for this document came");
        }
    }

    /// Answers with what the completer found, if the document is still the one it was found for.
    pub(crate) fn suggested(&mut self, id: RequestId, suggested: Suggested) {
        let Suggested { asked, result } = suggested;
        let outcome = match result {
            Ok(outcome) => outcome,
            Err((message, hint)) => return self.model_failed(id, &asked, &message, hint.as_deref()),
        };
        if matches!(self.status.state(), State::Error(_)) {
            self.status.set(State::Ready);
        }
        let Some(open) = self.documents.get(&asked.uri).filter(|it| it.version() == asked.version) else {
            return self.out.refuse(id, ErrorCode::ContentModified, "the document changed meanwhile");
        };
        let encoding = self.client.encoding();
        let mut offers = Vec::new();
        let mut is_unselected = false;
        for suggestion in outcome.result.iter().chain(&outcome.others) {
            match items::offer(suggestion, open.text(), asked.offset, asked.selected.as_ref()) {
                Ok(offer) => offers.push(offer),
                Err(Unfit::NotSelected) => is_unselected = true,
                Err(Unfit::Place) => tracing::debug!("a suggestion does not fit one line around the position"),
            }
        }
        let items = offers.iter().map(|it| items::item(it, open.text(), encoding)).collect();
        let source = Source {
            uri: asked.uri.clone(),
            kind: SuggestionKind::Inline,
            language: open.language().to_owned(),
            model: self.workbench.as_ref().map_or_else(|_| String::new(), |it| it.model.clone()),
            repository: self.client.folder_of(open.path()).map(Into::into),
            latency: asked.since.elapsed(),
            n_tokens: u32::try_from(outcome.usage.completion_tokens).unwrap_or(u32::MAX),
        };
        let path = open.path().to_owned();
        self.out.answer(id, InlineCompletionList { items });
        self.track_answer(&source, &offers);
        match &outcome.result {
            Err(withheld) => self.record_withheld(&asked.uri, withheld.code()),
            Ok(_) if offers.is_empty() && is_unselected => {
                self.reasons.note(&path, &Reason::NotSelected, asked.since.elapsed());
                self.record_withheld(&asked.uri, Reason::NotSelected.code());
            }
            Ok(_) => {}
        }
    }

    /// Returns why nothing may be suggested in a document.
    pub(crate) fn may_suggest(&self, uri: &Url) -> Result<(), Reason> {
        let open = self.documents.get(uri).filter(|_| !self.distrusted.contains(uri)).ok_or(Reason::NotInSync)?;
        if !open.is_small() {
            return Err(Reason::TooLarge { n_bytes: open.text().len_bytes() });
        }
        if self.settings.disabled_languages.iter().any(|it| it == open.language()) {
            return Err(Reason::DisabledLanguage);
        }
        if self.client.is_private(open.path()) {
            return Err(Reason::Outside);
        }
        self.workbench.as_ref().map(|_| ()).map_err(|it| Reason::NoModel(it.clone()))
    }

    /// Answers with nothing and notes why.
    pub(crate) fn withhold(&mut self, id: RequestId, uri: &Url, reason: &Reason) {
        let path = self.documents.get(uri).map_or_else(|| uri.path().into(), |it: &OpenDocument| it.path().to_owned());
        self.reasons.note(&path, reason, Duration::ZERO);
        self.record_withheld(uri, reason.code());
        self.out.answer(id, Value::Null);
    }

    fn model_failed(&mut self, id: RequestId, asked: &Asked, message: &str, hint: Option<&str>) {
        let hint = hint.map_or_else(String::new, |it| format!(". {it}"));
        let message = format!("{message}{hint}");
        self.status.set(State::Error(message.clone()));
        self.say(1, &format!("Wright suggests nothing: {message}"));
        let path = self.documents.get(&asked.uri).map_or_else(Default::default, |it| it.path().to_owned());
        let reason = Reason::Failed(message);
        self.record_withheld(&asked.uri, reason.code());
        self.reasons.note(&path, &reason, asked.since.elapsed());
        self.out.answer(id, Value::Null);
    }
}
