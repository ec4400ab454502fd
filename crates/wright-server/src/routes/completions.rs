//! `POST /v1/completions`, OpenAI's oldest route, which editors use to fill holes.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response, sse};
use serde::Deserialize;
use serde_json::{Value, json};
use wright_provider::{Completion, Event, Priority, Prompt, Provider, Request, Sampling, Usage};

use super::native::events_of;
use super::{Shared, asks_checked};
use crate::answer::{self, finish_reason, has_text, new_id, now, usage_json};
use crate::body::JsonBody;
use crate::checked::Withheld;
use crate::config::{Checked, Config};
use crate::error::ApiError;
use crate::filling::{Filled, Filling};
use crate::fim;
use crate::hole::Hole;
use crate::models::Purpose;
use crate::sampling::{self, Wishes};
use crate::shaped::Cut;
use crate::sse::{Frames, data, done, respond, respond_at_once};

/// The longest answer when the client names no length, in tokens.
const DEFAULT_TOKENS: u32 = 128;

/// How many prompts one request may have.
const MAX_PROMPTS: usize = 8;

/// The body. Fields that are not here are ignored, except that those which would change what the answer means are refused.
#[derive(Deserialize)]
pub(super) struct Body {
    model: Option<String>,
    prompt: Value,
    suffix: Option<String>,
    max_tokens: Option<i64>,
    n: Option<i64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    echo: Option<bool>,
    logprobs: Option<Value>,
    best_of: Option<i64>,
    checked: Option<bool>,
    #[serde(flatten)]
    wishes: Wishes,
}

/// How a stream is written.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
pub(super) struct StreamOptions {
    include_usage: Option<bool>,
}

impl StreamOptions {
    /// Returns whether the usage is told in a frame of its own.
    pub(super) fn includes_usage(options: Option<Self>) -> bool {
        options.unwrap_or_default().include_usage == Some(true)
    }
}

/// What is done with one prompt.
enum Work {
    /// Its hole is filled.
    Fill(Box<Hole>),
    /// It is continued.
    Continue(String),
}

/// Answers.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, ApiError> {
    refuse_unsupported(&body)?;
    let is_checked =
        asks_checked(body.checked, &headers, uri.query())?.unwrap_or(shared.config.checked == Checked::All);
    let provider = shared.models.find(body.model.as_deref(), Purpose::Complete)?;
    let n_answers = sampling::n_answers("n", body.n)?;
    let sampling = body.wishes.sampling(n_answers, sampling::max_tokens(body.max_tokens, DEFAULT_TOKENS))?;
    let mut works = Vec::new();
    for prompt in prompts(body.prompt)? {
        works.push(work(prompt, body.suffix.as_deref())?);
    }
    let asking = Asking { provider, sampling, is_checked, config: &shared.config };
    if body.stream != Some(true) {
        return asking.whole(works).await;
    }
    let [work] = <[Work; 1]>::try_from(works)
        .map_err(|_| ApiError::unsupported("stream", "several prompts cannot be answered in one stream"))?;
    asking.stream(work, StreamOptions::includes_usage(body.stream_options)).await
}

fn refuse_unsupported(body: &Body) -> Result<(), ApiError> {
    if body.echo == Some(true) {
        return Err(ApiError::unsupported("echo", "the prompt is not repeated in the answer (echo)"));
    }
    if body.logprobs.as_ref().is_some_and(|it| !it.is_null() && *it != json!(false)) {
        return Err(ApiError::unsupported("logprobs", "probabilities are not told (logprobs)"));
    }
    if body.best_of.is_some_and(|it| it != body.n.unwrap_or(1)) {
        return Err(ApiError::unsupported("best_of", "no more answers are written than are told (best_of)"));
    }
    Ok(())
}

/// Returns the prompts; lists of tokens are refused, because they are those of another model.
fn prompts(prompt: Value) -> Result<Vec<String>, ApiError> {
    let refuse = || ApiError::invalid("prompt", format!("prompt is not a text or a list of 1 to {MAX_PROMPTS} texts"));
    match prompt {
        Value::String(text) => Ok(vec![text]),
        Value::Array(texts) if (1..=MAX_PROMPTS).contains(&texts.len()) => {
            texts.into_iter().map(|it| if let Value::String(text) = it { Ok(text) } else { Err(refuse()) }).collect()
        }
        _ => Err(refuse()),
    }
}

fn work(prompt: String, suffix: Option<&str>) -> Result<Work, ApiError> {
    if let Some(suffix) = suffix.filter(|it| !it.is_empty()) {
        return Ok(Work::Fill(Box::new(Hole { prefix: prompt, suffix: suffix.to_owned(), ..Hole::default() })));
    }
    Ok(match fim::take_apart(&prompt)? {
        Some(hole) => Work::Fill(Box::new(hole)),
        None => Work::Continue(prompt),
    })
}

/// How the prompts of one request are answered.
struct Asking<'a> {
    provider: Arc<dyn Provider>,
    sampling: Sampling,
    is_checked: bool,
    config: &'a Config,
}

impl Asking<'_> {
    async fn whole(&self, works: Vec<Work>) -> Result<Response, ApiError> {
        let mut choices = Vec::new();
        let mut usage = Usage::default();
        let mut withheld = None;
        for work in works {
            let filled = match work {
                Work::Fill(hole) if self.is_checked => self.filling(*hole).checked(self.config).await?,
                Work::Fill(hole) => self.filling(*hole).raw(self.config).await?,
                Work::Continue(text) => {
                    let answer = answer::ask_whole(&*self.provider, self.request(text), self.config.max_answer).await?;
                    Filled { completions: answer.completions, timings: answer.timings, withheld: None }
                }
            };
            usage += filled.timings.usage;
            withheld = withheld.or(filled.withheld);
            for Completion { text, reason, .. } in filled.completions {
                choices.push(choice(choices.len(), &text, Some(finish_reason(reason))));
            }
        }
        let mut object = object(&new_id("cmpl-"), now(), self.provider.model(), &choices);
        object["usage"] = usage_json(usage);
        add_note(&mut object, withheld.as_ref());
        Ok(Json(object).into_response())
    }

    async fn stream(&self, work: Work, includes_usage: bool) -> Result<Response, ApiError> {
        let limit = self.config.max_answer;
        let frames = TextFrames {
            id: new_id("cmpl-"),
            created: now(),
            model: self.provider.model().to_owned(),
            includes_usage,
            withheld: None,
        };
        match work {
            Work::Fill(hole) if self.is_checked => {
                let Filled { completions, timings, withheld } = self.filling(*hole).checked(self.config).await?;
                let events = events_of(completions, timings.usage);
                Ok(respond_at_once(events, TextFrames { withheld, ..frames }))
            }
            Work::Fill(hole) => Ok(respond(self.filling(*hole).stream(self.config).await?, frames, limit)),
            Work::Continue(text) => {
                let answer = answer::ask_within(&*self.provider, self.request(text), limit).await?;
                Ok(respond(answer, frames, limit))
            }
        }
    }

    fn filling(&self, hole: Hole) -> Filling {
        let (provider, sampling) = (Arc::clone(&self.provider), self.sampling.clone());
        Filling { provider, hole, sampling, cut: Cut::default() }
    }

    fn request(&self, text: String) -> Request {
        Request::new(Prompt::Raw { text }, self.sampling.clone(), Priority::Chat)
    }
}

fn object(id: &str, created: u64, model: &str, choices: &[Value]) -> Value {
    json!({ "id": id, "object": "text_completion", "created": created, "model": model, "choices": choices })
}

fn choice(idx: usize, text: &str, finish_reason: Option<&str>) -> Value {
    json!({ "index": idx, "text": text, "logprobs": null, "finish_reason": finish_reason })
}

/// Says why the text is empty.
fn add_note(object: &mut Value, withheld: Option<&Withheld>) {
    if let Some(withheld) = withheld {
        object["wright"] = json!({ "withheld": withheld.code, "detail": withheld.detail });
    }
}

struct TextFrames {
    id: String,
    created: u64,
    model: String,
    includes_usage: bool,
    withheld: Option<Withheld>,
}

impl TextFrames {
    fn frame(&self, choices: &[Value]) -> Value {
        let mut object = object(&self.id, self.created, &self.model, choices);
        if self.includes_usage {
            object["usage"] = Value::Null;
        }
        object
    }
}

impl Frames for TextFrames {
    fn opening(&mut self) -> Vec<sse::Event> {
        Vec::new()
    }

    fn frames(&mut self, event: Event) -> Vec<sse::Event> {
        match event {
            ref it @ Event::Text { candidate, ref text } if has_text(it) => {
                vec![data(&self.frame(&[choice(candidate as usize, text, None)]))]
            }
            Event::Read(_) | Event::Text { .. } => Vec::new(),
            Event::Stopped { candidate, reason, .. } => {
                let mut last = self.frame(&[choice(candidate as usize, "", Some(finish_reason(reason)))]);
                add_note(&mut last, self.withheld.as_ref());
                vec![data(&last)]
            }
            Event::Finished(usage) => {
                let mut frames = Vec::new();
                if self.includes_usage {
                    let mut last = self.frame(&[]);
                    last["usage"] = usage_json(usage);
                    frames.push(data(&last));
                }
                frames.push(done());
                frames
            }
        }
    }

    fn failed(&mut self, error: &ApiError) -> Vec<sse::Event> {
        vec![data(&error.to_json())]
    }
}
