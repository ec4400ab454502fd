//! Why the helper will not run the command: the layer, the step, and what the system said.

use std::fmt::Display;

use crate::wire::{Report, WireLayer};

/// A layer could not be built. The command is not run.
#[derive(Debug)]
pub(super) struct Refusal {
    layer: Option<WireLayer>,
    detail: String,
}

impl Refusal {
    /// Returns a refusal that no single layer is to blame for.
    pub(super) fn new(detail: impl Into<String>) -> Self {
        Self { layer: None, detail: detail.into() }
    }

    /// Returns a refusal because of a layer.
    pub(super) fn of(layer: WireLayer, detail: impl Into<String>) -> Self {
        Self { layer: Some(layer), detail: detail.into() }
    }
}

impl From<Refusal> for Report {
    fn from(refusal: Refusal) -> Self {
        Self::Failed { layer: refusal.layer, detail: refusal.detail }
    }
}

/// Turns an error into a refusal by naming the step, and the layer if there is one.
pub(super) trait OrRefuse<T> {
    /// Refuses without blaming a layer.
    fn or_refuse(self, step: &str) -> Result<T, Refusal>;
    /// Refuses because of `layer`.
    fn or_blame(self, layer: WireLayer, step: &str) -> Result<T, Refusal>;
}

impl<T, E: Display> OrRefuse<T> for Result<T, E> {
    fn or_refuse(self, step: &str) -> Result<T, Refusal> {
        self.map_err(|error| Refusal::new(format!("{step}: {error}")))
    }

    fn or_blame(self, layer: WireLayer, step: &str) -> Result<T, Refusal> {
        self.map_err(|error| Refusal::of(layer, format!("{step}: {error}")))
    }
}
