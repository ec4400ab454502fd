//! Where a request goes and in which dialect it is written.

use std::net::IpAddr;

use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ReasoningEffort};
use genai::resolver::{AuthData, Endpoint};
use genai::{Headers, ModelIden, ServiceTarget};
use reqwest::Url;
use serde_json::json;

use super::{RemoteConfig, Secret};
use crate::{Message, ModelSpec, ProviderError, Role, Sampling};

/// How many stop texts are sent; the most OpenAI takes. All of them are applied on our side as well.
const MAX_STOPS_SENT: usize = 4;

/// A wire protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAI's chat completions, which most other servers speak too.
    OpenAi,
    /// OpenAI's responses.
    OpenAiResponses,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own protocol.
    Ollama,
}

impl Dialect {
    fn parse(provider: &str) -> Result<Self, ProviderError> {
        match provider {
            "openai" => Ok(Self::OpenAi),
            "openai-responses" => Ok(Self::OpenAiResponses),
            "anthropic" => Ok(Self::Anthropic),
            "gemini" => Ok(Self::Gemini),
            "ollama" => Ok(Self::Ollama),
            _ => Err(configuration(format!(
                "provider {provider:?} is none of openai, openai-responses, anthropic, gemini, ollama"
            ))),
        }
    }

    fn adapter(self) -> AdapterKind {
        match self {
            Self::OpenAi => AdapterKind::OpenAI,
            Self::OpenAiResponses => AdapterKind::OpenAIResp,
            Self::Anthropic => AdapterKind::Anthropic,
            Self::Gemini => AdapterKind::Gemini,
            Self::Ollama => AdapterKind::Ollama,
        }
    }

    fn default_base_url(self) -> &'static str {
        match self {
            Self::OpenAi | Self::OpenAiResponses => "https://api.openai.com/v1/",
            Self::Anthropic => "https://api.anthropic.com/v1/",
            Self::Gemini => "https://generativelanguage.googleapis.com/v1beta/",
            Self::Ollama => "http://localhost:11434/",
        }
    }

    /// Returns the address of a streamed chat, relative to the base address.
    fn chat_path(self, model: &str) -> String {
        match self {
            Self::OpenAi => "chat/completions".to_owned(),
            Self::OpenAiResponses => "responses".to_owned(),
            Self::Anthropic => "messages".to_owned(),
            Self::Gemini => format!("models/{model}:streamGenerateContent?alt=sse"),
            Self::Ollama => "api/chat".to_owned(),
        }
    }
}

/// One model at one address.
pub(super) struct Target {
    dialect: Dialect,
    name: String,
    base_url: Url,
    key: Option<Secret>,
}

impl Target {
    /// Takes apart what the user configured, and refuses what can never work.
    pub(super) fn new(spec: &ModelSpec, config: &RemoteConfig) -> Result<Self, ProviderError> {
        let dialect = Dialect::parse(&spec.provider)?;
        let base_url = parse_base_url(config.base_url.as_deref().unwrap_or(dialect.default_base_url()))?;
        let key = config.key.clone().filter(|key| !key.expose().is_empty());
        if let Some(key) = &key {
            check_key(key)?;
        }
        if key.is_none() && config.base_url.is_none() && dialect != Dialect::Ollama {
            return Err(configuration(format!("no key for {spec}")));
        }
        Ok(Self { dialect, name: spec.name.clone(), base_url, key })
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn key(&self) -> Option<&Secret> {
        self.key.as_ref()
    }

    /// Returns whether the address is on this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let host = self.base_url.host_str().unwrap_or_default();
        let ip: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        host == "localhost" || ip.is_some_and(|ip| ip.is_loopback())
    }

    /// Returns whether what is sent is encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.base_url.scheme() == "https"
    }

    /// Returns the target in genai's terms. A bare model name must never be passed: genai would guess the provider.
    pub(super) fn service(&self) -> Result<ServiceTarget, ProviderError> {
        Ok(ServiceTarget {
            endpoint: Endpoint::from_owned(self.base_url.as_str()),
            auth: self.auth()?,
            model: ModelIden::new(self.dialect.adapter(), self.name.as_str()),
        })
    }

    /// Returns the key; without one, the whole address, because only then does genai leave the key's header out.
    fn auth(&self) -> Result<AuthData, ProviderError> {
        if let Some(key) = &self.key {
            return Ok(AuthData::from_single(key.expose()));
        }
        let mut url = self
            .base_url
            .join(&self.dialect.chat_path(&self.name))
            .map_err(|error| configuration(format!("model {:?} gives no address: {error}", self.name)))?;
        if url.query().is_none() {
            url.set_query(self.base_url.query());
        }
        Ok(AuthData::RequestOverride { url: url.into(), headers: Headers::default() })
    }

    /// Returns the options of one request. `is_plain` leaves out what some models refuse to be told.
    pub(super) fn options(&self, sampling: &Sampling, candidate_idx: u32, is_plain: bool) -> ChatOptions {
        let mut options = ChatOptions::default().with_capture_usage(true).with_max_tokens(sampling.max_tokens.max(1));
        if !is_plain {
            options = self.with_sampling(options, sampling, candidate_idx);
        }
        // Ollama needs no key, so genai sends none; one in front of a proxy may.
        if let (Dialect::Ollama, Some(key)) = (self.dialect, &self.key) {
            options = options.with_extra_headers(("Authorization", format!("Bearer {}", key.expose())));
        }
        if self.dialect == Dialect::OpenAi && ReasoningEffort::from_model_name(&self.name).0.is_some() {
            // genai reads `-high` and the like at the end of a name as an option and cuts it off.
            options = options.with_extra_body(json!({ "model": self.name, "reasoning_effort": null }));
        }
        options
    }

    fn with_sampling(&self, mut options: ChatOptions, sampling: &Sampling, candidate_idx: u32) -> ChatOptions {
        let is_greedy = candidate_idx == 0 && sampling.n_candidates > 1 && sampling.first_greedy;
        let temperature = if is_greedy { 0.0 } else { sampling.temperature };
        let max_temperature = if self.dialect == Dialect::Anthropic { 1.0 } else { 2.0 };
        options = options.with_temperature(decimal(temperature.clamp(0.0, max_temperature)));
        // Anthropic refuses a request that has both.
        if sampling.top_p < 1.0 && self.dialect != Dialect::Anthropic {
            options = options.with_top_p(decimal(sampling.top_p));
        }
        if matches!(self.dialect, Dialect::OpenAi | Dialect::Ollama | Dialect::Gemini) {
            // Gemini's seed is a signed 32-bit number.
            let seed = sampling.seed.wrapping_add(u64::from(candidate_idx)) & 0x7fff_ffff;
            options = options.with_seed(seed);
        }
        if self.dialect != Dialect::OpenAiResponses {
            let stops = sampling.stop.iter().filter(|stop| !stop.trim().is_empty()).take(MAX_STOPS_SENT);
            options = options.with_stop_sequences(stops.cloned().collect());
        }
        options
    }
}

/// Returns the conversation in genai's terms.
pub(super) fn chat_request(messages: &[Message]) -> ChatRequest {
    let to_wire = |message: &Message| match message.role {
        Role::System => ChatMessage::system(message.text.clone()),
        Role::User => ChatMessage::user(message.text.clone()),
        Role::Assistant => ChatMessage::assistant(message.text.clone()),
    };
    ChatRequest::from_messages(messages.iter().map(to_wire).collect())
}

/// Widens without the noise digits that `f64::from` would show on the wire.
fn decimal(value: f32) -> f64 {
    (f64::from(value) * 1e4).round() / 1e4
}

fn parse_base_url(text: &str) -> Result<Url, ProviderError> {
    let mut url =
        Url::parse(text.trim()).map_err(|error| configuration(format!("address {text:?} is not a URL: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(configuration(format!("address {text:?} is neither http nor https")));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(configuration("address contains a user name or password; only a key is supported".to_owned()));
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url.set_fragment(None);
    Ok(url)
}

/// Refuses a key that cannot be part of a header, without repeating it.
fn check_key(key: &Secret) -> Result<(), ProviderError> {
    if key.expose().chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        return Ok(());
    }
    Err(configuration("key contains characters that no key has, such as a line break".to_owned()))
}

fn configuration(message: String) -> ProviderError {
    ProviderError::Configuration { message }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(spec: &str, base_url: Option<&str>, key: Option<&str>) -> Result<Target, ProviderError> {
        let config = RemoteConfig {
            base_url: base_url.map(str::to_owned),
            key: key.map(Secret::new),
            ..RemoteConfig::default()
        };
        Target::new(&ModelSpec::parse(spec)?, &config)
    }

    fn refusal(spec: &str, base_url: Option<&str>, key: Option<&str>) -> String {
        target(spec, base_url, key).map(|target| target.name).unwrap_err().to_string()
    }

    fn keyless_url(spec: &str, base_url: &str) -> String {
        match target(spec, Some(base_url), None).unwrap().auth().unwrap() {
            AuthData::RequestOverride { url, .. } => url,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_base_address_works_with_and_without_its_last_slash() {
        for base_url in ["http://localhost:8080/v1", "http://localhost:8080/v1/"] {
            assert_eq!(keyless_url("openai:m", base_url), "http://localhost:8080/v1/chat/completions");
        }
    }

    #[test]
    fn each_dialect_has_its_own_path() {
        let url = |spec| keyless_url(spec, "http://[::1]:1/v1?x=1");
        assert_eq!(url("openai-responses:m"), "http://[::1]:1/v1/responses?x=1");
        assert_eq!(url("anthropic:m"), "http://[::1]:1/v1/messages?x=1");
        assert_eq!(url("gemini:m"), "http://[::1]:1/v1/models/m:streamGenerateContent?alt=sse");
        assert_eq!(keyless_url("ollama:m:7b", "http://localhost:1"), "http://localhost:1/api/chat");
    }

    #[test]
    fn what_can_never_work_is_refused_at_once() {
        assert_eq!(
            refusal("azure:m", None, None),
            "provider \"azure\" is none of openai, openai-responses, anthropic, gemini, ollama"
        );
        assert_eq!(refusal("openai:m", None, None), "no key for openai:m");
        assert_eq!(refusal("openai:m", None, Some(" ")), "no key for openai:m");
        assert_eq!(
            refusal("openai:m", Some("localhost"), None),
            "address \"localhost\" is not a URL: relative URL without a base"
        );
        assert_eq!(refusal("openai:m", Some("ftp://h/"), None), "address \"ftp://h/\" is neither http nor https");
        assert!(!refusal("openai:m", Some("http://u:hunter2@h/"), None).contains("hunter2"));
        assert!(!refusal("openai:m", None, Some("sk-1\nsk-2")).contains("sk-"));
    }

    #[test]
    fn only_addresses_of_this_machine_are_loopback() {
        let is_loopback = |url| target("openai:m", Some(url), None).unwrap().is_loopback();
        assert!(["http://localhost/", "http://127.0.0.2:1/v1", "http://[::1]/"].into_iter().all(is_loopback));
        assert!(!["http://localhost.example/", "http://10.0.0.1/"].into_iter().any(is_loopback));
    }

    #[test]
    fn the_first_of_several_candidates_is_greedy() {
        let target = target("openai:m", Some("http://localhost/"), None).unwrap();
        let sampling = Sampling { n_candidates: 2, temperature: 0.7, seed: 5, ..Sampling::greedy(9) };
        let told = |candidate_idx| {
            let options = target.options(&sampling, candidate_idx, false);
            (options.temperature, options.seed, options.max_tokens)
        };
        assert_eq!(told(0), (Some(0.0), Some(5), Some(9)));
        assert_eq!(told(1), (Some(0.7), Some(6), Some(9)));
        let alone = Sampling { n_candidates: 1, ..sampling };
        assert_eq!(target.options(&alone, 0, false).temperature, Some(0.7));
    }
}
