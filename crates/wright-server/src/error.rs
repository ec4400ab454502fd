//! What a client is told when its request is not answered: a status, and OpenAI's error object.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use wright_provider::ProviderError;

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    param: Option<&'static str>,
    retry_after: Option<Duration>,
    /// Further fields of the error object: numbers and hints.
    fields: Vec<(&'static str, Value)>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), param: None, retry_after: None, fields: Vec::new() }
    }

    /// Returns the error for a field whose value cannot be used.
    pub(crate) fn invalid(param: &'static str, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(StatusCode::BAD_REQUEST, "invalid_value", message) }
    }

    /// Returns the error for a field that this server does not have.
    pub(crate) fn unsupported(param: &'static str, message: impl Into<String>) -> Self {
        Self { param: Some(param), ..Self::new(StatusCode::BAD_REQUEST, "unsupported", message) }
    }

    /// Returns the error for a model that is not served.
    pub(crate) fn unknown_model(name: &str, known: &[&str]) -> Self {
        let message = format!("model {name:?} is not served here; the models are {}", known.join(", "));
        Self { param: Some("model"), ..Self::new(StatusCode::NOT_FOUND, "model_not_found", message) }
    }

    /// Returns the error for one request too many.
    pub(crate) fn busy(max_requests: usize) -> Self {
        let message = format!("{max_requests} requests are being answered, and no more are at a time");
        let error = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", message);
        Self { retry_after: Some(Duration::from_secs(1)), ..error }
    }

    /// Returns the error for an answer that takes too long.
    pub(crate) fn too_slow(limit: Duration) -> Self {
        let message = format!("no whole answer within {} s", limit.as_secs());
        Self::new(StatusCode::GATEWAY_TIMEOUT, "timeout", message)
    }

    #[must_use]
    fn with(mut self, field: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((field, value.into()));
        self
    }

    /// Returns the stable word for what went wrong.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Returns what went wrong, in words.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Returns OpenAI's error object.
    pub(crate) fn to_json(&self) -> Value {
        let mut error = json!({
            "message": self.message,
            "type": self.kind(),
            "param": self.param,
            "code": self.code,
        });
        for (name, value) in &self.fields {
            error[*name] = value.clone();
        }
        json!({ "error": error })
    }

    /// Returns the class of the error, as clients of OpenAI know it.
    fn kind(&self) -> &'static str {
        match self.status.as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            404 => "not_found_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "server_error",
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.to_json())).into_response();
        let headers = response.headers_mut();
        if let Some(wait) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<ProviderError> for ApiError {
    fn from(error: ProviderError) -> Self {
        let (status, code) = match &error {
            ProviderError::ContextExceeded { .. } => (StatusCode::BAD_REQUEST, "context_length_exceeded"),
            ProviderError::Unsupported { .. } => (StatusCode::BAD_REQUEST, "unsupported"),
            ProviderError::ModelMissing { .. } => (StatusCode::SERVICE_UNAVAILABLE, "model_missing"),
            ProviderError::Unreachable { .. } => (StatusCode::SERVICE_UNAVAILABLE, "unreachable"),
            ProviderError::Refused { status: 429, .. } => (StatusCode::TOO_MANY_REQUESTS, "too_many_requests"),
            ProviderError::Refused { .. } => (StatusCode::BAD_GATEWAY, "refused"),
            ProviderError::BrokeOff { .. } => (StatusCode::BAD_GATEWAY, "broke_off"),
            ProviderError::TimedOut { .. } => (StatusCode::GATEWAY_TIMEOUT, "timeout"),
            ProviderError::Configuration { .. } | ProviderError::NotRecorded { .. } => {
                (StatusCode::INTERNAL_SERVER_ERROR, "configuration")
            }
        };
        let mut told = Self::new(status, code, error.to_string());
        if let Some(hint) = error.hint() {
            told = told.with("hint", hint);
        }
        match error {
            ProviderError::ContextExceeded { prompt_tokens, max_tokens, context_window, .. } => {
                told.with("n_prompt_tokens", prompt_tokens).with("max_tokens", max_tokens).with("n_ctx", context_window)
            }
            ProviderError::Refused { status: 429, retry_after, .. } => {
                Self { retry_after: Some(retry_after.unwrap_or(Duration::from_secs(1))), ..told }
            }
            _ => told,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_that_does_not_fit_is_refused_with_the_numbers() {
        let error = ProviderError::ContextExceeded {
            model: "local:a".to_owned(),
            prompt_tokens: 9000,
            max_tokens: 128,
            context_window: 8192,
        };
        let told = ApiError::from(error);
        assert_eq!(told.status, StatusCode::BAD_REQUEST);
        let error = &told.to_json()["error"];
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["code"], "context_length_exceeded");
        assert_eq!((&error["n_prompt_tokens"], &error["n_ctx"]), (&json!(9000), &json!(8192)));
    }

    #[test]
    fn a_provider_that_is_overloaded_says_when_to_come_again() {
        let error = ProviderError::Refused {
            model: "openai:a".to_owned(),
            status: 429,
            message: "slow down".to_owned(),
            retry_after: Some(Duration::from_secs(7)),
        };
        let response = ApiError::from(error).into_response();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
    }
}
