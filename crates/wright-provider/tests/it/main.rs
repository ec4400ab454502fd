//! Conversations with a small server over a real socket.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod dialects;
mod failures;
mod server;
mod streaming;

use std::time::Duration;

use futures::StreamExt;
use wright_provider::remote::{RemoteConfig, RemoteProvider, Secret};
use wright_provider::{Event, Message, ModelSpec, Priority, Prompt, Provider, ProviderError, Request, Sampling};

use crate::server::Server;

/// The key that must not be seen again.
const KEY: &str = "sk-do-not-repeat-me";

/// Returns a provider for `spec` at `server`, with a key and one retry.
fn provider(spec: &str, server: &Server) -> RemoteProvider {
    provider_with(spec, RemoteConfig { key: Some(Secret::new(KEY)), retries: 1, ..config(server) })
}

fn provider_with(spec: &str, config: RemoteConfig) -> RemoteProvider {
    RemoteProvider::new(&ModelSpec::parse(spec).unwrap(), config).unwrap()
}

fn config(server: &Server) -> RemoteConfig {
    RemoteConfig {
        base_url: Some(server.base_url()),
        first_token_timeout: Duration::from_secs(20),
        between_tokens_timeout: Duration::from_secs(20),
        ..RemoteConfig::default()
    }
}

/// Returns a conversation of two messages.
fn ask(sampling: Sampling) -> Request {
    let messages = vec![Message::system("be brief"), Message::user("say hello")];
    Request::new(Prompt::Chat { messages, prefill: String::new() }, sampling, Priority::Chat)
}

/// Asks for up to 100 tokens, and returns everything that comes.
async fn outcomes(provider: &RemoteProvider) -> Vec<Result<Event, ProviderError>> {
    outcomes_of(provider, Sampling::greedy(100)).await
}

async fn outcomes_of(provider: &RemoteProvider, sampling: Sampling) -> Vec<Result<Event, ProviderError>> {
    match provider.complete(ask(sampling)).await {
        Ok(stream) => stream.collect().await,
        Err(error) => vec![Err(error)],
    }
}

/// Returns the text that came and the error at the end of it.
fn text_and_error(outcomes: Vec<Result<Event, ProviderError>>) -> (String, Option<ProviderError>) {
    let mut text = String::new();
    for outcome in outcomes {
        match outcome {
            Ok(Event::Text { text: more, .. }) => text.push_str(&more),
            Ok(Event::Read(_) | Event::Stopped { .. } | Event::Finished(_)) => {}
            Err(error) => return (text, Some(error)),
        }
    }
    (text, None)
}
