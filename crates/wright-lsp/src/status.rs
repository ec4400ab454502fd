//! What the editor shows of the server in its status bar. A keystroke must not make it flicker.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Work shorter than this is not shown.
const BUSY_AFTER: Duration = Duration::from_millis(200);

/// How the server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// A model is being opened.
    Starting,
    /// Everything works.
    Ready,
    /// Something works less well than it could.
    Warning(String),
    /// Nothing can be suggested.
    Error(String),
}

/// Decides what to tell the editor, and when.
pub(crate) struct Status {
    state: State,
    model: String,
    shown: Option<Value>,
    was_busy: bool,
}

impl Status {
    pub(crate) fn new() -> Self {
        Self { state: State::Starting, model: String::new(), shown: None, was_busy: false }
    }

    pub(crate) fn set(&mut self, state: State) {
        self.state = state;
    }

    pub(crate) fn set_model(&mut self, model: &str) {
        model.clone_into(&mut self.model);
    }

    /// Returns what the state was last set to.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Returns the parameters of the next `wright/status`, if the editor has something new to show.
    pub(crate) fn news(&mut self, busy_since: Option<Instant>, now: Instant) -> Option<Value> {
        let is_busy = busy_since.is_some_and(|it| now.duration_since(it) >= BUSY_AFTER);
        self.was_busy |= is_busy;
        let (name, message) = match &self.state {
            State::Starting => ("starting", ""),
            State::Error(message) => ("error", message.as_str()),
            State::Warning(message) if !is_busy => ("warning", message.as_str()),
            State::Warning(_) | State::Ready if is_busy => ("busy", ""),
            State::Warning(_) | State::Ready if self.was_busy => ("idle", ""),
            State::Warning(_) | State::Ready => ("ready", ""),
        };
        let params = json!({ "state": name, "message": message, "model": self.model });
        if self.shown.as_ref() == Some(&params) {
            return None;
        }
        self.shown = Some(params.clone());
        Some(params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_work_that_takes_a_while_is_shown() {
        let mut status = Status::new();
        let start = Instant::now();
        let state = |status: &mut Status, busy_since: Option<Instant>, after_ms: u64| {
            let news = status.news(busy_since, start + Duration::from_millis(after_ms));
            news.map(|it| it["state"].as_str().unwrap().to_owned())
        };
        assert_eq!(state(&mut status, None, 0).as_deref(), Some("starting"));
        status.set(State::Ready);
        assert_eq!(state(&mut status, None, 0).as_deref(), Some("ready"));
        assert_eq!(state(&mut status, Some(start), 50), None);
        assert_eq!(state(&mut status, Some(start), 500).as_deref(), Some("busy"));
        assert_eq!(state(&mut status, Some(start), 600), None);
        assert_eq!(state(&mut status, None, 700).as_deref(), Some("idle"));
        status.set(State::Error("gone".to_owned()));
        assert_eq!(state(&mut status, Some(start), 900).as_deref(), Some("error"));
    }
}
