//! What went wrong with a request, in our words, without the key, and whether asking again may help.

use std::error::Error as _;
use std::time::Duration;

use genai::Error as WireError;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::Secret;
use crate::ProviderError;

/// The longest message taken over from a server, in characters.
const MAX_MESSAGE_CHARS: usize = 300;

/// An error, and whether asking again may help.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) error: ProviderError,
    pub(super) is_transient: bool,
}

/// Knows the names that errors mention, and the one they must not.
pub(super) struct Explainer {
    pub(super) model: String,
    pub(super) key: Option<Secret>,
}

impl Explainer {
    /// Explains an error of the wire.
    pub(super) fn explain(&self, error: WireError) -> Failure {
        match error {
            WireError::WebStream { error, .. } => self.explain_transport(error),
            WireError::HttpError { status, body, headers, .. } => self.refused(status.as_u16(), &body, &headers),
            WireError::ChatResponse { body, .. } => {
                self.refused(status_in_stream(&body), &body.to_string(), &HeaderMap::new())
            }
            WireError::StreamParse { serde_error, .. } => {
                self.no_answer(&format!("the answer is not in the expected format: {serde_error}"))
            }
            other => self.configuration(&other.to_string()),
        }
    }

    /// Explains that the server sent something, but nothing that could be an answer.
    pub(super) fn not_an_answer(&self) -> Failure {
        self.no_answer("something answered, but not with a model's event stream")
    }

    /// Explains that the provider cut its own answer.
    pub(super) fn filtered(&self) -> Failure {
        Failure { error: self.broke_off("the provider's content filter stopped it"), is_transient: false }
    }

    /// Explains that nothing came within `limit`.
    pub(super) fn timed_out(&self, limit: Duration) -> Failure {
        Failure { error: ProviderError::TimedOut { model: self.model.clone(), limit }, is_transient: false }
    }

    /// Explains that the request could not be made.
    pub(super) fn configuration(&self, message: &str) -> Failure {
        Failure { error: ProviderError::Configuration { message: self.clean(message) }, is_transient: false }
    }

    /// Returns the error for an answer of which a part was already used.
    pub(super) fn broke_off(&self, message: &str) -> ProviderError {
        ProviderError::BrokeOff { model: self.model.clone(), message: self.clean(message) }
    }

    /// Returns the same failure as it is reported after the answer began.
    pub(super) fn in_the_middle(&self, failure: Failure) -> ProviderError {
        match failure.error {
            ProviderError::Refused { message, .. }
            | ProviderError::Unreachable { message, .. }
            | ProviderError::Configuration { message } => self.broke_off(&message),
            other => other,
        }
    }

    fn explain_transport(&self, error: genai::BoxError) -> Failure {
        let error = match error.downcast::<WireError>() {
            Ok(error) => return self.explain(*error),
            Err(error) => error,
        };
        match error.downcast::<reqwest::Error>() {
            Ok(error) if error.is_builder() => self.configuration(&chain(&error.without_url())),
            Ok(error) => self.unreachable(&chain(&error.without_url()), true),
            Err(error) => self.no_answer(&error.to_string()),
        }
    }

    fn no_answer(&self, message: &str) -> Failure {
        Failure { error: self.broke_off(message), is_transient: false }
    }

    fn unreachable(&self, message: &str, is_transient: bool) -> Failure {
        let error = ProviderError::Unreachable { model: self.model.clone(), message: self.clean(message) };
        Failure { error, is_transient }
    }

    fn refused(&self, status: u16, body: &str, headers: &HeaderMap) -> Failure {
        let message = self.clean(&message_in(body));
        let retry_after = retry_after(headers);
        let error = ProviderError::Refused { model: self.model.clone(), status, message, retry_after };
        Failure { error, is_transient: status == 429 || status >= 500 }
    }

    /// Returns `text` without the key, on one line and shortened.
    fn clean(&self, text: &str) -> String {
        let text = self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.redact(text));
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(MAX_MESSAGE_CHARS) {
            Some((end, _)) => format!("{}…", &line[..end]),
            None => line,
        }
    }
}

/// Returns the error and what caused it, each said once.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let words = cause.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        source = cause.source();
    }
    text
}

/// Returns the sentence inside the JSON that providers wrap their errors in; anything else as it is.
fn message_in(body: &str) -> String {
    let Ok(json) = serde_json::from_str::<Value>(body) else { return body.to_owned() };
    // Some servers answer with a list of one error.
    let json = json.get(0).unwrap_or(&json);
    ["/error/message", "/message", "/error", "/detail"]
        .iter()
        .find_map(|path| json.pointer(path).and_then(Value::as_str))
        .map_or_else(|| body.to_owned(), str::to_owned)
}

/// Returns the HTTP status that an error sent inside a stream stands for.
fn status_in_stream(body: &Value) -> u16 {
    let error = body.get("error").unwrap_or(body);
    let code = error.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let kind = error.get("type").and_then(Value::as_str).unwrap_or_default();
    match (code, kind) {
        (Some(code @ 400..600), _) => code,
        (_, "invalid_request_error") => 400,
        (_, "authentication_error") => 401,
        (_, "rate_limit_error") => 429,
        (_, "overloaded_error") => 529,
        _ => 500,
    }
}

/// Returns how long the server asks us to wait. A date instead of a number of seconds is not understood.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms").map(|ms| ms / 1e3).or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn explainer() -> Explainer {
        Explainer { model: "openai:m".to_owned(), key: Some(Secret::new("sk-secret")) }
    }

    fn refusal(status: u16, body: &str) -> (String, bool) {
        let failure = explainer().refused(status, body, &HeaderMap::new());
        (failure.error.to_string(), failure.is_transient)
    }

    #[test]
    fn the_servers_sentence_is_taken_out_of_its_wrapping() {
        let expected = ("\"openai:m\" answered with status 404: no such model".to_owned(), false);
        assert_eq!(refusal(404, r#"{"error":{"message":"no such\nmodel","code":1}}"#), expected);
        assert_eq!(refusal(404, r#"{"error":"no such model"}"#), expected);
        assert_eq!(refusal(404, r#"[{"error":{"message":"no such model"}}]"#), expected);
        assert_eq!(refusal(404, "no such model"), expected);
    }

    #[test]
    fn an_echoed_key_is_redacted_before_the_message_is_shortened() {
        let (text, _) = refusal(401, &format!("{}sk-secret{}", "x".repeat(295), "y".repeat(99)));
        assert!(text.ends_with("x[key]…"), "{text}");
    }

    #[test]
    fn only_overload_and_server_errors_are_worth_another_try() {
        let worth = |status| refusal(status, "").1;
        assert_eq!([400, 401, 404, 429, 500, 503, 529].map(worth), [false, false, false, true, true, true, true]);
    }

    #[test]
    fn errors_inside_a_stream_get_the_status_they_stand_for() {
        assert_eq!(status_in_stream(&json!({ "code": 429, "message": "slow down" })), 429);
        assert_eq!(status_in_stream(&json!({ "type": "error", "error": { "type": "overloaded_error" } })), 529);
        assert_eq!(status_in_stream(&json!("boom")), 500);
    }

    #[test]
    fn the_time_to_wait_is_read_in_seconds_or_milliseconds() {
        let read = |name: &'static str, value: &'static str| {
            retry_after(&HeaderMap::from_iter([(name.parse().unwrap(), value.parse().unwrap())]))
        };
        assert_eq!(read("retry-after", "2"), Some(Duration::from_secs(2)));
        assert_eq!(read("retry-after-ms", "250"), Some(Duration::from_millis(250)));
        assert_eq!(read("retry-after", "-1"), None);
        assert_eq!(read("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }
}
