//! Reads the body of a request: JSON, of limited size, within a limited time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use futures::StreamExt as _;
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// The longest body that is read, in bytes.
pub(crate) const MAX_BODY: usize = 8 << 20;

/// How much of a body beyond that is thrown away before the refusal is sent: a client that is cut off while it still
/// sends does not read why.
const MAX_DRAINED: usize = 4 * MAX_BODY;

/// How long a body may take to arrive.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// A value read from a JSON body.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        check_is_json(request.headers())?;
        let bytes = tokio::time::timeout(MAX_WAIT, read(request.into_body())).await.map_err(|_| {
            let message = format!("the body did not arrive within {} s", MAX_WAIT.as_secs());
            ApiError::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", message)
        })??;
        let value = serde_json::from_slice(&bytes).map_err(|error| {
            let message = format!("the body is not the JSON that this route takes: {error}");
            ApiError::new(StatusCode::BAD_REQUEST, "invalid_json", message)
        })?;
        Ok(Self(value))
    }
}

/// Refuses other types: a web page can send those without asking the server first.
fn check_is_json(headers: &HeaderMap) -> Result<(), ApiError> {
    let value = headers.get(header::CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let media_type = value.split(';').next().unwrap_or_default().trim();
    if media_type.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let message = "the body must be JSON, with the header \"Content-Type: application/json\"";
    Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "not_json", message))
}

async fn read(body: Body) -> Result<Vec<u8>, ApiError> {
    let mut bytes = Vec::new();
    let mut n_read = 0_usize;
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece: Bytes = piece
            .map_err(|_| ApiError::new(StatusCode::BAD_REQUEST, "body_broken", "the body broke off before its end"))?;
        n_read += piece.len();
        if n_read <= MAX_BODY {
            bytes.extend_from_slice(&piece);
        } else if n_read > MAX_DRAINED {
            break;
        }
    }
    if n_read > MAX_BODY {
        let message = format!("the body has more than {MAX_BODY} bytes");
        return Err(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", message));
    }
    Ok(bytes)
}
