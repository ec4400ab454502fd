//! Providers for tests and demonstrations: answers from a recording, the recorder that makes one, and answers written
//! down in the test itself.
//!
//! [`ReplayProvider`] is what the model `replay:PATH` means. A [`Recorder`] wraps any other provider and writes such a
//! file. A [`ScriptedProvider`] needs no file. None of them measures or imitates time.

mod recorder;
mod recording;
mod scripted;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Mutex;

use async_trait::async_trait;
use futures::{StreamExt, stream};

pub use self::recorder::Recorder;
use self::recording::{Exchange, Recording, digest_of_alternatives, digest_of_request, digest_of_text};
pub use self::scripted::{Answer, ScriptedProvider};
use crate::provider::nothing_written;
use crate::usage::estimate_tokens;
use crate::{Alternatives, Capabilities, CompletionStream, Provider, ProviderError, Request, Usage};

/// Answers from a recording.
///
/// The same request asked again gets the next answer recorded for it, and the last one from then on. A request that was
/// not recorded is an error that names its digest.
pub struct ReplayProvider {
    model: String,
    path: String,
    recording: Recording,
    /// How often each request was asked, by digest.
    n_asked: Mutex<HashMap<String, usize>>,
}

impl ReplayProvider {
    /// Opens the recording at `path`.
    pub fn open(path: &Path) -> Result<Self, ProviderError> {
        let path_text = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| ProviderError::Configuration {
            message: format!("recording {path_text:?} cannot be read: {error}"),
        })?;
        let recording = Recording::parse(&text).map_err(|problem| ProviderError::Configuration {
            message: format!("recording {path_text:?} {problem}"),
        })?;
        let model = format!("replay:{path_text}");
        Ok(Self { model, path: path_text, recording, n_asked: Mutex::default() })
    }

    fn exchange(&self, digest: &str) -> Result<&Exchange, ProviderError> {
        let recorded: Vec<&Exchange> =
            self.recording.exchanges.iter().filter(|exchange| exchange.digest == digest).collect();
        let mut n_asked = self.n_asked.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let count = n_asked.entry(digest.to_owned()).or_default();
        let exchange = recorded.get(*count).or(recorded.last()).copied();
        *count += 1;
        exchange.ok_or_else(|| self.not_recorded(digest))
    }

    fn not_recorded(&self, digest: &str) -> ProviderError {
        ProviderError::NotRecorded { digest: digest.to_owned(), path: self.path.clone() }
    }
}

#[async_trait]
impl Provider for ReplayProvider {
    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        self.recording.capabilities()
    }

    async fn complete(&self, request: Request) -> Result<CompletionStream, ProviderError> {
        if request.sampling.max_tokens == 0 {
            return Ok(nothing_written(Usage::default()));
        }
        let exchange = self.exchange(&digest_of_request(&request))?;
        let mut outcomes = exchange.outcomes();
        match outcomes.pop_front() {
            Some(Err(error)) => Err(error),
            first => Ok(stream::iter(first.into_iter().chain(outcomes)).boxed()),
        }
    }

    async fn rank(&self, alternatives: Alternatives) -> Result<Vec<f32>, ProviderError> {
        let digest = digest_of_alternatives(&alternatives);
        self.recording.ranks.get(&digest).cloned().ok_or_else(|| self.not_recorded(&digest))
    }

    async fn count_tokens(&self, text: &str) -> Result<usize, ProviderError> {
        let recorded = self.recording.token_counts.get(&digest_of_text(text)).copied();
        Ok(recorded.unwrap_or_else(|| estimate_tokens(text.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClientId, Event, Message, Priority, Prompt, Sampling, collect};

    fn ask(text: &str) -> Request {
        let prompt = Prompt::Chat { messages: vec![Message::user(text)], prefill: String::new() };
        Request::new(prompt, Sampling::greedy(50), Priority::Chat)
    }

    async fn text_of(provider: &impl Provider, question: &str) -> String {
        let stream = provider.complete(ask(question)).await.unwrap();
        collect(stream).await.unwrap().0.remove(0).text
    }

    /// Records what `scripted` says to `questions` and opens the recording.
    async fn replay_of(scripted: ScriptedProvider, questions: &[&str]) -> ReplayProvider {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/er/recording.json");
        let recorder = Recorder::new(scripted, &path);
        for question in questions {
            if let Ok(stream) = recorder.complete(ask(question)).await {
                stream.for_each(|_| std::future::ready(())).await;
            }
        }
        ReplayProvider::open(&path).unwrap()
    }

    async fn events_of(provider: &impl Provider, question: &str) -> Vec<String> {
        match provider.complete(ask(question)).await {
            Ok(stream) => stream.map(|event| format!("{event:?}")).collect().await,
            Err(error) => vec![format!("{error:?}")],
        }
    }

    #[tokio::test]
    async fn a_replay_repeats_the_recorded_events_one_by_one() {
        let script = || ScriptedProvider::new([Answer::texts(["a longer first candidate, in pieces", "second"])]);
        let replay = replay_of(script(), &["q"]).await;
        assert_eq!(events_of(&replay, "q").await, events_of(&script(), "q").await);
    }

    #[tokio::test]
    async fn a_recorded_failure_fails_again_at_the_same_place() {
        let failure = || ProviderError::Refused {
            model: "openai:m".to_owned(),
            status: 429,
            message: "slow down".to_owned(),
            retry_after: Some(std::time::Duration::from_secs(2)),
        };
        let script = || ScriptedProvider::new([Answer::broken_after("half an answer", 7), Answer::failure(failure())]);
        let replay = replay_of(script(), &["breaks", "refused"]).await;
        let original = script();
        assert_eq!(events_of(&replay, "breaks").await, events_of(&original, "breaks").await);
        assert_eq!(events_of(&replay, "refused").await, events_of(&original, "refused").await);
    }

    #[tokio::test]
    async fn the_same_request_gets_its_answers_in_order_and_then_the_last_again() {
        let script = ScriptedProvider::new([Answer::text("one"), Answer::text("two")]);
        let replay = replay_of(script, &["q", "q"]).await;
        let mut answers = Vec::new();
        for _ in 0..3 {
            answers.push(text_of(&replay, "q").await);
        }
        assert_eq!(answers, ["one", "two", "two"]);
    }

    #[tokio::test]
    async fn priority_does_not_matter_to_a_replay_but_sampling_does() {
        let replay = replay_of(ScriptedProvider::new([Answer::text("one")]), &["q"]).await;
        let urgent = Request { priority: Priority::Keystroke, ..ask("q") };
        assert!(replay.complete(urgent).await.is_ok());
        let other = Request { sampling: Sampling::greedy(51), ..ask("q") };
        let error = replay.complete(other).await.err().unwrap();
        assert!(matches!(error, ProviderError::NotRecorded { .. }), "{error}");
    }

    #[tokio::test]
    async fn reading_without_writing_is_neither_recorded_nor_missed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let recorder = Recorder::new(ScriptedProvider::new([Answer::text("one")]), &path);
        let warm = || Request { sampling: Sampling::greedy(0), ..ask("q") };
        let (completions, usage) = collect(recorder.complete(warm()).await.unwrap()).await.unwrap();
        assert_eq!((completions.len(), usage.completion_tokens), (0, 0));
        assert_eq!(text_of(&recorder, "q").await, "one", "the answer was not used up");
        let replay = ReplayProvider::open(&path).unwrap();
        assert!(replay.complete(warm()).await.is_ok());
    }

    #[tokio::test]
    async fn who_asks_and_for_what_does_not_matter_to_a_replay() {
        let replay = replay_of(ScriptedProvider::new([Answer::text("one")]), &["q"]).await;
        let asked = ask("q").from_client(ClientId(7)).in_scope("repository");
        assert!(replay.complete(asked).await.is_ok());
    }

    #[tokio::test]
    async fn what_a_cancelled_request_had_said_is_recorded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let recorder = Recorder::new(ScriptedProvider::new([Answer::text("a text of several pieces")]), &path);
        let mut stream = recorder.complete(ask("q")).await.unwrap();
        let seen = stream.next().await.unwrap().unwrap();
        drop(stream);
        let replay = ReplayProvider::open(&path).unwrap();
        let events: Vec<_> = replay.complete(ask("q")).await.unwrap().collect().await;
        assert_eq!(events.into_iter().collect::<Result<Vec<Event>, _>>().unwrap(), [seen]);
    }

    #[tokio::test]
    async fn ranks_token_counts_and_capabilities_are_recorded_too() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let capabilities = Capabilities { fills_in_the_middle: true, ranks: true, context_window: 4096 };
        let scripted = ScriptedProvider::new([])
            .with_capabilities(capabilities)
            .with_ranks(|alternatives| vec![0.5; alternatives.variants.len()])
            .with_token_counts(str::len);
        let recorder = Recorder::new(scripted, &path);
        let alternatives = Alternatives {
            context: String::new(),
            original: "a".to_owned(),
            variants: vec!["b".to_owned(), "c".to_owned()],
        };
        recorder.rank(alternatives.clone()).await.unwrap();
        recorder.count_tokens("seven..").await.unwrap();
        let replay = ReplayProvider::open(&path).unwrap();
        assert_eq!(replay.capabilities(), capabilities);
        assert_eq!(replay.rank(alternatives).await.unwrap(), [0.5, 0.5]);
        assert_eq!(replay.count_tokens("seven..").await.unwrap(), 7);
    }

    #[test]
    fn a_recording_that_cannot_be_used_says_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.json");
        let why = || ReplayProvider::open(&path).map(|replay| replay.path).unwrap_err().to_string();
        assert!(why().contains("cannot be read"), "{}", why());
        std::fs::write(&path, "{}").unwrap();
        assert!(why().contains("is not a recording"), "{}", why());
        std::fs::write(&path, r#"{"version": 99}"#).unwrap();
        assert!(why().contains("has version 99; this program reads version 1"), "{}", why());
    }
}
