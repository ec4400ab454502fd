//! Sees what a provider is asked and when it begins to answer, on behalf of a measurement of what is above it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures::StreamExt;
use wright_provider::{Alternatives, Capabilities, CompletionStream, Event, Provider, ProviderError, Request, Usage};

/// What was seen since the last [`Watch::begin`].
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Seen {
    /// How often the provider was asked.
    pub(super) n_requests: usize,
    /// When the first text came.
    pub(super) first_text: Option<Instant>,
    /// Tokens of the requests that were answered to their end.
    pub(super) usage: Usage,
}

/// A provider, and what is seen of it.
#[derive(Clone)]
pub(super) struct Watch {
    inner: Arc<dyn Provider>,
    seen: Arc<Mutex<Seen>>,
}

impl Watch {
    /// Watches a provider.
    pub(super) fn new(inner: Arc<dyn Provider>) -> Self {
        Self { inner, seen: Arc::default() }
    }

    /// Forgets what was seen.
    pub(super) fn begin(&self) {
        self.with(|seen| *seen = Seen::default());
    }

    /// Returns what was seen.
    pub(super) fn seen(&self) -> Seen {
        self.with(|seen| *seen)
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Seen) -> T) -> T {
        use_it(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, event: &Event) {
        self.with(|seen| match event {
            Event::Text { text, .. } if !text.is_empty() => {
                seen.first_text.get_or_insert_with(Instant::now);
            }
            Event::Text { .. } | Event::Stopped { .. } => {}
            Event::Finished(usage) => seen.usage += *usage,
        });
    }
}

#[async_trait]
impl Provider for Watch {
    fn model(&self) -> &str {
        self.inner.model()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn complete(&self, request: Request) -> Result<CompletionStream, ProviderError> {
        self.with(|seen| seen.n_requests += 1);
        let watch = self.clone();
        let stream = self.inner.complete(request).await?;
        Ok(stream.inspect(move |event| event.iter().for_each(|it| watch.note(it))).boxed())
    }

    async fn rank(&self, alternatives: Alternatives) -> Result<Vec<f32>, ProviderError> {
        self.inner.rank(alternatives).await
    }

    async fn count_tokens(&self, text: &str) -> Result<usize, ProviderError> {
        self.inner.count_tokens(text).await
    }
}

#[cfg(test)]
mod tests {
    use wright_provider::replay::ScriptedProvider;
    use wright_provider::{Priority, Prompt, Sampling, collect};

    use super::*;

    #[tokio::test]
    async fn requests_their_first_text_and_their_tokens_are_seen() {
        let watch = Watch::new(Arc::new(ScriptedProvider::answering(&["one two three"])));
        let prompt = Prompt::Raw { text: "count".to_owned() };
        let request = Request { prompt, sampling: Sampling::greedy(9), priority: Priority::Keystroke };
        assert_eq!(watch.seen(), Seen::default());
        let (_, usage) = collect(watch.complete(request).await.unwrap()).await.unwrap();
        let seen = watch.seen();
        assert_eq!((seen.n_requests, seen.first_text.is_some(), seen.usage), (1, true, usage));
        watch.begin();
        assert_eq!(watch.seen(), Seen::default());
    }
}
