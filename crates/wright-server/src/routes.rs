//! The routes, and what every request passes before it reaches one: the guard and the limits.

mod about;

mod native;

mod completions;

mod chat_completions;

mod responses;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Config;
use crate::error::ApiError;
use crate::guard::Guard;
use crate::models::Models;

/// The header with which a client asks for checked, or for raw, suggestions.
const CHECKED_HEADER: &str = "wright-checked";

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) models: Models,
    pub(crate) config: Config,
    guard: Guard,
    places: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(models: Models, config: Config, guard: Guard) -> Self {
        let places = Arc::new(Semaphore::new(config.max_requests));
        Self { models, config, guard, places }
    }
}

/// Returns the routes behind the guard.
pub(crate) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/health", get(about::health))
        .route("/v1/health", get(about::health))
        .route("/props", get(about::props))
        .route("/slots", get(about::slots))
        .route("/v1/models", get(about::models))
        .route("/models", get(about::models))
        .route("/infill", post(native::infill))
        .route("/completion", post(native::completion))
        .route("/completions", post(native::completion))
        .route("/v1/completions", post(completions::answer))
        .route("/v1/chat/completions", post(chat_completions::answer))
        .route("/chat/completions", post(chat_completions::answer))
        .route("/v1/responses", post(responses::answer))
        .route("/responses", post(responses::answer))
        .fallback(no_route)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), protect))
        .with_state(shared)
}

async fn no_route(request: Request) -> ApiError {
    let message = format!("there is nothing at {:?}", request.uri().path());
    ApiError::new(StatusCode::NOT_FOUND, "no_route", message)
}

async fn wrong_method(request: Request) -> ApiError {
    let message = format!("{:?} does not answer {}", request.uri().path(), request.method());
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "wrong_method", message)
}

/// Lets a request through, or answers it here.
async fn protect(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let origin = match shared.guard.admit(request.uri(), request.headers()) {
        Ok(origin) => origin,
        Err(error) => return harden(error.into_response()),
    };
    let response = match &origin {
        Some(_) if request.method() == Method::OPTIONS => preflight(request.headers()),
        _ => pass(&shared, request, next).await.unwrap_or_else(ApiError::into_response),
    };
    let mut response = harden(response);
    if let Some(origin) = origin.and_then(|it| HeaderValue::from_str(&it).ok()) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("origin"));
    }
    response
}

/// Answers a browser that asks whether a page of an allowed origin may send its request. It carries no token yet.
fn preflight(asked: &HeaderMap) -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    if let Some(names) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names.clone());
    }
    response
}

/// Checks the token, takes a place among the requests that are worked on, and goes on to the route.
async fn pass(shared: &Shared, request: Request, next: Next) -> Result<Response, ApiError> {
    shared.guard.check_token(request.headers())?;
    if request.method() != Method::POST {
        return Ok(next.run(request).await);
    }
    let place = Arc::clone(&shared.places).try_acquire_owned();
    let place = place.map_err(|_| ApiError::busy(shared.config.max_requests))?;
    let response = next.run(request).await;
    Ok(response.map(|body| Body::new(Held { body, _place: place })))
}

/// Says what browsers must not do with an answer.
fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin"));
    response
}

/// The body of an answer, which keeps the request's place until it has been sent.
struct Held {
    body: Body,
    _place: OwnedSemaphorePermit,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Returns whether a client asks for checked or raw suggestions: in the body, the header or the query, in this order.
fn asks_checked(in_body: Option<bool>, headers: &HeaderMap, query: Option<&str>) -> Result<Option<bool>, ApiError> {
    let in_header = headers.get(CHECKED_HEADER).map(|it| it.to_str().unwrap_or("?"));
    let in_query = || {
        let pairs = query.unwrap_or_default().split('&').filter_map(|it| it.split_once('='));
        pairs.filter(|(name, _)| *name == CHECKED_HEADER).map(|(_, value)| value).next_back()
    };
    match (in_body, in_header.or_else(in_query)) {
        (Some(is_checked), _) => Ok(Some(is_checked)),
        (None, None) => Ok(None),
        (None, Some("true")) => Ok(Some(true)),
        (None, Some("false")) => Ok(Some(false)),
        (None, Some(other)) => {
            let message = format!("{CHECKED_HEADER} is {other:?}, not true or false");
            Err(ApiError::invalid(CHECKED_HEADER, message))
        }
    }
}
