//! Writes down what another provider answers.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::{StreamExt, stream};

use super::recording::{Exchange, Recording, digest_of_alternatives, digest_of_text};
use crate::{
    Alternatives, Capabilities, CompletionStream, Event, Prompt, PromptCost, Provider, ProviderError, Request,
};

/// Wraps a provider and writes a recording of what it answers.
///
/// The file is replaced as a whole each time an answer ends, so it is complete whenever the program stops. A file that
/// was there before is overwritten by the first answer. A recording that cannot be written is an error of the answer.
pub struct Recorder<P> {
    inner: P,
    tape: Arc<Tape>,
}

impl<P: Provider> Recorder<P> {
    /// Returns a recorder of `inner` that writes to `path`.
    pub fn new(inner: P, path: impl Into<PathBuf>) -> Self {
        let recording = Mutex::new(Recording::new(inner.model(), inner.capabilities()));
        let tape = Arc::new(Tape { path: path.into(), recording });
        Self { inner, tape }
    }
}

#[async_trait]
impl<P: Provider> Provider for Recorder<P> {
    fn model(&self) -> &str {
        self.inner.model()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn complete(&self, request: Request) -> Result<CompletionStream, ProviderError> {
        if request.sampling.max_tokens == 0 {
            // Nothing is said that a replay could say again.
            return self.inner.complete(request).await;
        }
        let mut take = Take { exchange: Some(Exchange::new(&request)), tape: Arc::clone(&self.tape) };
        let answer = match self.inner.complete(request).await {
            Ok(answer) => answer,
            Err(error) => return Err(take.record_failure(error)),
        };
        let recorded = stream::unfold((answer, take), |(mut answer, mut take)| async move {
            let outcome = answer.next().await?;
            Some((take.record(outcome), (answer, take)))
        });
        Ok(recorded.boxed())
    }

    async fn cost(&self, prompt: &Prompt) -> Result<PromptCost, ProviderError> {
        self.inner.cost(prompt).await
    }

    async fn rank(&self, alternatives: Alternatives) -> Result<Vec<f32>, ProviderError> {
        let digest = digest_of_alternatives(&alternatives);
        let ranks = self.inner.rank(alternatives).await?;
        let told = ranks.clone();
        self.tape.add(|recording| recording.ranks.insert(digest, told))?;
        Ok(ranks)
    }

    async fn count_tokens(&self, text: &str) -> Result<usize, ProviderError> {
        let n_tokens = self.inner.count_tokens(text).await?;
        self.tape.add(|recording| recording.token_counts.insert(digest_of_text(text), n_tokens))?;
        Ok(n_tokens)
    }
}

/// The file and what is in it.
struct Tape {
    path: PathBuf,
    recording: Mutex<Recording>,
}

impl Tape {
    /// Adds to the recording and writes it.
    fn add<T>(&self, change: impl FnOnce(&mut Recording) -> T) -> Result<(), ProviderError> {
        let mut recording = self.recording.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut recording);
        // The lock is held while writing, so that an older state cannot replace a newer one.
        replace(&self.path, &recording.to_text()).map_err(|error| ProviderError::Configuration {
            message: format!("recording {:?} cannot be written: {error}", self.path.display().to_string()),
        })
    }
}

/// One answer on its way to the tape.
struct Take {
    /// `None` once it is on the tape.
    exchange: Option<Exchange>,
    tape: Arc<Tape>,
}

impl Take {
    /// Notes what came, writes the exchange if it was the last, and passes it on.
    fn record(&mut self, outcome: Result<Event, ProviderError>) -> Result<Event, ProviderError> {
        let event = outcome.map_err(|error| self.record_failure(error))?;
        if let Some(exchange) = &mut self.exchange {
            exchange.push(&event);
        }
        if matches!(event, Event::Finished(_)) {
            self.finish()?;
        }
        Ok(event)
    }

    /// Notes that there was no answer at all, and returns the error to report.
    fn record_failure(&mut self, error: ProviderError) -> ProviderError {
        if let Some(exchange) = &mut self.exchange {
            exchange.push_error(&error);
        }
        self.finish().err().unwrap_or(error)
    }

    fn finish(&mut self) -> Result<(), ProviderError> {
        let Some(exchange) = self.exchange.take() else { return Ok(()) };
        self.tape.add(|recording| recording.exchanges.push(exchange))
    }
}

impl Drop for Take {
    /// Records a cancelled answer. Nobody is left to be told of an error, so it goes to the log.
    fn drop(&mut self) {
        if let Err(error) = self.finish() {
            tracing::warn!(%error, "cancelled answer not recorded");
        }
    }
}

/// Replaces the file at `path`, whole or not at all.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".part");
    std::fs::write(&unfinished, text)?;
    std::fs::rename(&unfinished, path)
}
