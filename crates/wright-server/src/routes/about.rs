//! What a client asks before it asks for text: whether the server lives, and what it serves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Shared;

/// `GET /health`.
pub(super) async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /v1/models`.
pub(super) async fn models(State(shared): State<Arc<Shared>>) -> Json<Value> {
    Json(shared.models.to_json())
}

/// `GET /props`: what llama.cpp's clients look up, of the model that completes.
pub(super) async fn props(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let model = &shared.models.complete;
    Json(json!({
        "model_alias": model.model(),
        "model_path": model.model(),
        "total_slots": shared.config.max_requests,
        "default_generation_settings": { "n_ctx": model.capabilities().context_window, "params": {} },
        "modalities": { "vision": false, "audio": false },
        "chat_template": "",
        "build_info": concat!("wright ", env!("CARGO_PKG_VERSION")),
        "is_sleeping": false,
    }))
}

/// `GET /slots`: one entry for each request that can be worked on.
pub(super) async fn slots(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let n_slots = shared.config.max_requests;
    let n_busy = n_slots - shared.places.available_permits().min(n_slots);
    let n_ctx = shared.models.complete.capabilities().context_window;
    let slot = |id| json!({ "id": id, "n_ctx": n_ctx, "is_processing": id < n_busy });
    Json((0..n_slots).map(slot).collect())
}
