//! Sees what a provider is asked and when it begins to answer, on behalf of a measurement of what is above it.
//!
//! Only requests on which a keystroke waits are seen; what is read and asked ahead of time in the background passes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use futures::StreamExt;
use wright_provider::{
    Alternatives, Capabilities, CompletionStream, Event, Priority, Prompt, PromptCost, Provider, ProviderError,
    Request, Usage,
};

/// What was seen since the last [`Watch::begin`].
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Seen {
    /// When the first text came.
    pub(super) first_text: Option<Instant>,
    /// How often the provider was asked.
    pub(super) n_requests: usize,
    /// How many of these requests were answered to their end. The others were given up, as enough was written.
    pub(super) n_finished: usize,
    /// How many of them said what they read before they wrote.
    pub(super) n_read: usize,
    /// What those read.
    pub(super) read: Usage,
    /// Tokens of the requests that were answered to their end.
    pub(super) usage: Usage,
    /// What was asked last.
    pub(super) prompt: Option<Prompt>,
    /// All text that came.
    pub(super) text: String,
}

impl Seen {
    /// Returns whether it is known how much of the prompts was read and how much a cache held.
    pub(super) fn is_read_known(&self) -> bool {
        self.n_finished == self.n_requests || self.n_read == self.n_requests
    }

    /// Returns what was read and written. Of requests that were given up it is what they said they read, or else the length
    /// of the last prompt, and the length of the text that came.
    pub(super) async fn tokens(&self, provider: &dyn Provider) -> Result<Usage, ProviderError> {
        if self.n_finished == self.n_requests {
            return Ok(self.usage);
        }
        let completion_tokens = provider.count_tokens(&self.text).await? as u64;
        if self.is_read_known() {
            return Ok(Usage { completion_tokens, ..self.read });
        }
        let prompt_tokens = match &self.prompt {
            Some(prompt) => provider.cost(prompt).await?.n_tokens as u64,
            None => 0,
        };
        Ok(Usage { prompt_tokens, cached_tokens: self.usage.cached_tokens, completion_tokens })
    }
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
        self.with(|seen| seen.clone())
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut Seen) -> T) -> T {
        use_it(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, event: &Event) {
        self.with(|seen| match event {
            Event::Text { text, .. } => {
                if !text.is_empty() {
                    seen.first_text.get_or_insert_with(Instant::now);
                }
                seen.text.push_str(text);
            }
            Event::Stopped { .. } => {}
            Event::Read(usage) => {
                seen.read += *usage;
                seen.n_read += 1;
            }
            Event::Finished(usage) => {
                seen.usage += *usage;
                seen.n_finished += 1;
            }
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
        if request.priority != Priority::Keystroke {
            return self.inner.complete(request).await;
        }
        self.with(|seen| {
            seen.n_requests += 1;
            seen.prompt = Some(request.prompt.clone());
        });
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

    async fn cost(&self, prompt: &Prompt) -> Result<PromptCost, ProviderError> {
        self.inner.cost(prompt).await
    }
}

#[cfg(test)]
mod tests {
    use wright_provider::replay::ScriptedProvider;
    use wright_provider::{Sampling, collect};

    use super::*;

    fn request(priority: Priority) -> Request {
        Request::new(Prompt::Raw { text: "count".to_owned() }, Sampling::greedy(9), priority)
    }

    #[tokio::test]
    async fn requests_their_first_text_and_their_tokens_are_seen() {
        let watch = Watch::new(Arc::new(ScriptedProvider::answering(&["one two three"])));
        assert_eq!(watch.seen(), Seen::default());
        let (_, usage) = collect(watch.complete(request(Priority::Keystroke)).await.unwrap()).await.unwrap();
        let seen = watch.seen();
        assert_eq!((seen.n_requests, seen.n_finished, seen.first_text.is_some()), (1, 1, true));
        assert_eq!(seen.tokens(&watch).await.unwrap(), usage);
        watch.begin();
        collect(watch.complete(request(Priority::Background)).await.unwrap()).await.unwrap();
        assert_eq!(watch.seen(), Seen::default(), "nobody waited");
    }

    #[tokio::test]
    async fn of_a_request_that_was_given_up_the_lengths_are_known() {
        let provider = ScriptedProvider::answering(&["one two three"]).with_token_counts(str::len);
        let watch = Watch::new(Arc::new(provider));
        let mut stream = watch.complete(request(Priority::Keystroke)).await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        drop(stream);
        let Event::Text { text, .. } = first else { panic!("{first:?}") };
        let tokens = watch.seen().tokens(&watch).await.unwrap();
        assert!(tokens.prompt_tokens > 0 && tokens.completion_tokens == text.len() as u64, "{tokens:?}");
    }

    #[tokio::test]
    async fn what_a_given_up_request_said_it_read_is_believed() {
        let provider = ScriptedProvider::answering(&[]).with_token_counts(str::len);
        let read = Usage { prompt_tokens: 500, cached_tokens: 498, completion_tokens: 0 };
        let seen = Seen { n_requests: 1, n_read: 1, read, text: "abc".to_owned(), ..Seen::default() };
        assert_eq!(seen.tokens(&provider).await.unwrap(), Usage { completion_tokens: 3, ..read });
    }
}
