//! Which model answers a request.

use std::sync::Arc;

use serde_json::{Value, json};
use wright_provider::Provider;

use crate::error::ApiError;

/// The name under which every route offers its own default, so that a client's settings need not change with the model.
const DEFAULT_NAME: &str = "wright";

/// The models that are served; both may be the same.
#[derive(Clone)]
pub struct Models {
    /// Fills holes and continues text.
    pub complete: Arc<dyn Provider>,
    /// Answers conversations.
    pub chat: Arc<dyn Provider>,
}

/// What a model is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Complete,
    Chat,
}

impl Models {
    /// Returns the model that a client names: with or without its provider, and the default where it names none.
    pub(crate) fn find(&self, name: Option<&str>, purpose: Purpose) -> Result<Arc<dyn Provider>, ApiError> {
        let default = match purpose {
            Purpose::Complete => &self.complete,
            Purpose::Chat => &self.chat,
        };
        let Some(name) = name.filter(|it| !it.is_empty() && *it != DEFAULT_NAME) else {
            return Ok(Arc::clone(default));
        };
        let is_named = |provider: &&Arc<dyn Provider>| {
            let model = provider.model();
            model == name || model.split_once(':').is_some_and(|(_, short)| short == name)
        };
        let found = [default, &self.complete, &self.chat].into_iter().find(is_named);
        found.cloned().ok_or_else(|| ApiError::unknown_model(name, &self.names()))
    }

    /// Returns the list for `/v1/models`.
    pub(crate) fn to_json(&self) -> Value {
        let models = self.distinct().into_iter().map(|it| {
            let n_ctx = it.capabilities().context_window;
            let meta = json!({ "n_ctx_train": n_ctx, "n_ctx": n_ctx });
            json!({ "id": it.model(), "object": "model", "created": 0, "owned_by": "wright", "meta": meta })
        });
        json!({ "object": "list", "data": models.collect::<Vec<_>>() })
    }

    fn names(&self) -> Vec<&str> {
        self.distinct().into_iter().map(|it| it.model()).collect()
    }

    fn distinct(&self) -> Vec<&Arc<dyn Provider>> {
        let mut models = vec![&self.complete];
        if self.chat.model() != self.complete.model() {
            models.push(&self.chat);
        }
        models
    }
}
