//! llama.cpp's own routes, `/infill` and `/completion`, as llama.vim and llama.vscode use them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse as _, Response, sse};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use wright_provider::{Completion, Event, Priority, Prompt, Provider, Request, Sampling, StopReason, Usage};

use super::{Shared, asks_checked};
use crate::answer::{self, Clock, Timings, has_text};
use crate::body::JsonBody;
use crate::checked::Withheld;
use crate::config::Checked;
use crate::error::ApiError;
use crate::filling::{self, Filled, Filling};
use crate::fim;
use crate::hole::Hole;
use crate::models::Purpose;
use crate::sampling::{self, Texts, Wishes};
use crate::snippets::Snippet;
use crate::sse::{Frames, data, respond, respond_at_once};

/// The longest answer when the client names no length, in tokens.
const DEFAULT_PREDICT: u32 = 128;

/// The body of `POST /infill`. Fields that are not here are ignored.
#[derive(Deserialize)]
pub(super) struct Infill {
    model: Option<String>,
    input_prefix: Option<String>,
    input_suffix: Option<String>,
    input_extra: Option<Vec<Snippet>>,
    /// The current line before the hole; it follows the prefix.
    prompt: Option<String>,
    /// The file's path. llama.cpp does not have it; it tells the gate the language.
    filename: Option<String>,
    /// Whether the answer is checked; llama.cpp does not have it.
    checked: Option<bool>,
    #[serde(flatten)]
    common: Common,
}

/// The body of `POST /completion`.
#[derive(Deserialize)]
pub(super) struct Completing {
    model: Option<String>,
    prompt: Texts,
    checked: Option<bool>,
    #[serde(flatten)]
    common: Common,
}

#[derive(Deserialize)]
struct Common {
    n_predict: Option<i64>,
    n_indent: Option<i64>,
    n_cmpl: Option<i64>,
    t_max_predict_ms: Option<f64>,
    stream: Option<bool>,
    response_fields: Option<Vec<String>>,
    #[serde(flatten)]
    wishes: Wishes,
}

/// `POST /infill`.
pub(super) async fn infill(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Infill>,
) -> Result<Response, ApiError> {
    let Infill { model, input_prefix, input_suffix, input_extra, prompt, filename, checked, common } = body;
    let is_checked = asks_checked(checked, &headers, uri.query())?.unwrap_or(shared.config.checked != Checked::None);
    let hole = Hole {
        path: filename.filter(|it| !it.is_empty()).map(Into::into),
        prefix: input_prefix.unwrap_or_default() + &prompt.unwrap_or_default(),
        suffix: input_suffix.unwrap_or_default(),
        snippets: input_extra.unwrap_or_default(),
    };
    let provider = shared.models.find(model.as_deref(), Purpose::Complete)?;
    fill(&shared, provider, hole, common, is_checked).await
}

/// `POST /completion`: continues a text, or fills the hole of a prompt that carries a model's markers.
pub(super) async fn completion(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    JsonBody(body): JsonBody<Completing>,
) -> Result<Response, ApiError> {
    let Completing { model, prompt, checked, common } = body;
    let is_checked = asks_checked(checked, &headers, uri.query())?.unwrap_or(shared.config.checked == Checked::All);
    let [prompt] = <[String; 1]>::try_from(prompt.into_vec())
        .map_err(|_| ApiError::unsupported("prompt", "prompt is not one text"))?;
    let provider = shared.models.find(model.as_deref(), Purpose::Complete)?;
    match fim::take_apart(&prompt)? {
        Some(hole) => fill(&shared, provider, hole, common, is_checked).await,
        None => continue_text(&shared, provider, prompt, common).await,
    }
}

async fn fill(
    shared: &Shared,
    provider: Arc<dyn Provider>,
    hole: Hole,
    common: Common,
    is_checked: bool,
) -> Result<Response, ApiError> {
    let config = &shared.config;
    let wants_stream = common.stream == Some(true);
    let cut = filling::cut(common.t_max_predict_ms, common.n_indent);
    let (sampling, reply) = read(common, &*provider)?;
    let n_given = hole.snippets.len();
    let filling = Filling { provider, hole, sampling, cut };
    let reply = Reply { snippets: Some((filling.n_snippets_shown(config), n_given)), is_checked, ..reply };
    if filling.sampling.max_tokens == 0 {
        let timings = filling.warm(config, is_checked).await?;
        return Ok(Json(reply.whole(0, "", StopReason::MaxTokens, timings, None)).into_response());
    }
    match (is_checked, wants_stream) {
        (false, true) => {
            let clock = Clock::start();
            Ok(respond(filling.stream(config).await?, NativeFrames::new(reply, clock), config.max_answer))
        }
        (false, false) => Ok(reply.all(&filling.raw(config).await?)),
        (true, false) => Ok(reply.all(&filling.checked(config).await?)),
        (true, true) => {
            let clock = Clock::start();
            let Filled { completions, timings, withheld } = filling.checked(config).await?;
            let frames = NativeFrames { withheld, ..NativeFrames::new(reply, clock) };
            Ok(respond_at_once(events_of(completions, timings.usage), frames))
        }
    }
}

async fn continue_text(
    shared: &Shared,
    provider: Arc<dyn Provider>,
    text: String,
    common: Common,
) -> Result<Response, ApiError> {
    let limit = shared.config.max_answer;
    let wants_stream = common.stream == Some(true);
    let (sampling, reply) = read(common, &*provider)?;
    let is_warming = sampling.max_tokens == 0;
    let request = Request::new(Prompt::Raw { text }, sampling, Priority::Chat);
    if is_warming {
        let timings = answer::warm(&*provider, request, limit).await?;
        return Ok(Json(reply.whole(0, "", StopReason::MaxTokens, timings, None)).into_response());
    }
    if wants_stream {
        let clock = Clock::start();
        let answer = answer::ask_within(&*provider, request, limit).await?;
        return Ok(respond(answer, NativeFrames::new(reply, clock), limit));
    }
    let answer = answer::ask_whole(&*provider, request, limit).await?;
    Ok(reply.all(&Filled { completions: answer.completions, timings: answer.timings, withheld: None }))
}

/// Returns the events of an answer that is whole already.
pub(super) fn events_of(completions: Vec<Completion>, usage: Usage) -> Vec<Event> {
    let mut events = Vec::new();
    for (candidate, Completion { text, reason, mean_logprob }) in (0..).zip(completions) {
        events.push(Event::Text { candidate, text });
        events.push(Event::Stopped { candidate, reason, mean_logprob });
    }
    events.push(Event::Finished(usage));
    events
}

fn read(common: Common, provider: &dyn Provider) -> Result<(Sampling, Reply), ApiError> {
    let n_answers = sampling::n_answers("n_cmpl", common.n_cmpl)?;
    let max_tokens = sampling::max_tokens(common.n_predict, DEFAULT_PREDICT);
    let sampling = common.wishes.sampling(n_answers, max_tokens)?;
    let reply = Reply {
        model: provider.model().to_owned(),
        settings: json!({
            "n_ctx": provider.capabilities().context_window,
            "n_predict": max_tokens,
            "temperature": answer::rounded(sampling.temperature),
            "top_p": answer::rounded(sampling.top_p),
            "seed": sampling.seed,
            "stop": sampling.stop,
        }),
        fields: common.response_fields.unwrap_or_default(),
        is_checked: false,
        snippets: None,
    };
    Ok((sampling, reply))
}

/// What answers say besides the text.
struct Reply {
    model: String,
    settings: Value,
    /// The fields that the client wants; empty for all of them.
    fields: Vec<String>,
    is_checked: bool,
    /// How many snippets are shown, of how many.
    snippets: Option<(usize, usize)>,
}

impl Reply {
    /// Returns one object, or a list of them when several texts were asked for and found.
    fn all(&self, filled: &Filled) -> Response {
        let whole = |(idx, it): (usize, &Completion)| {
            self.whole(idx, &it.text, it.reason, filled.timings, filled.withheld.as_ref())
        };
        let mut objects: Vec<Value> = filled.completions.iter().enumerate().map(whole).collect();
        match objects.len() {
            1 => Json(objects.remove(0)).into_response(),
            _ => Json(objects).into_response(),
        }
    }

    fn whole(
        &self,
        idx: usize,
        text: &str,
        reason: StopReason,
        timings: Timings,
        withheld: Option<&Withheld>,
    ) -> Value {
        let object = json!({
            "index": idx,
            "content": text,
            "tokens": [],
            "id_slot": 0,
            "stop": true,
            "stop_type": stop_type(reason),
            "stopping_word": "",
            "model": self.model,
            "tokens_predicted": timings.usage.completion_tokens,
            "tokens_evaluated": timings.usage.prompt_tokens,
            "tokens_cached": timings.usage.cached_tokens,
            "truncated": false,
            "has_new_line": text.contains('\n'),
            "generation_settings": self.settings,
            "timings": timings.to_llama_json(),
        });
        let mut object = if self.fields.is_empty() { object } else { chosen(&object, &self.fields) };
        if let Some(note) = self.note(withheld) {
            object["wright"] = note;
        }
        object
    }

    /// Returns what llama.cpp does not say. A client that chooses its fields is told only why it gets no text.
    fn note(&self, withheld: Option<&Withheld>) -> Option<Value> {
        let mut note = Map::new();
        if let Some(withheld) = withheld {
            note.insert("withheld".to_owned(), json!(withheld.code));
            note.insert("detail".to_owned(), json!(withheld.detail));
        }
        if self.fields.is_empty() {
            note.insert("checked".to_owned(), json!(self.is_checked));
            if let Some((n_shown, n_given)) = self.snippets {
                note.insert("snippets".to_owned(), json!({ "given": n_given, "shown": n_shown }));
            }
        }
        (!note.is_empty()).then_some(Value::Object(note))
    }
}

/// Returns the fields under their whole paths, as llama.cpp does: `timings/prompt_n` stays one name.
fn chosen(object: &Value, fields: &[String]) -> Value {
    let found = fields.iter().filter_map(|field| {
        let value = field.split('/').try_fold(object, |value, name| value.get(name))?;
        Some((field.clone(), value.clone()))
    });
    Value::Object(found.collect())
}

fn stop_type(reason: StopReason) -> &'static str {
    match reason {
        StopReason::EndOfText => "eos",
        StopReason::StopText => "word",
        StopReason::MaxTokens => "limit",
    }
}

/// The frames of llama.cpp's stream: pieces, and a last one with the numbers for each answer.
struct NativeFrames {
    reply: Reply,
    clock: Clock,
    n_pieces: u64,
    ended: Vec<(usize, StopReason)>,
    withheld: Option<Withheld>,
}

impl NativeFrames {
    fn new(reply: Reply, clock: Clock) -> Self {
        Self { reply, clock, n_pieces: 0, ended: Vec::new(), withheld: None }
    }
}

impl Frames for NativeFrames {
    fn opening(&mut self) -> Vec<sse::Event> {
        Vec::new()
    }

    fn frames(&mut self, event: Event) -> Vec<sse::Event> {
        match event {
            ref it @ Event::Text { candidate, ref text } if has_text(it) => {
                self.clock.first_text();
                self.n_pieces += 1;
                vec![data(&json!({
                    "index": candidate,
                    "content": text,
                    "tokens": [],
                    "id_slot": 0,
                    "stop": false,
                    "tokens_predicted": self.n_pieces,
                }))]
            }
            Event::Read(_) | Event::Text { .. } => Vec::new(),
            Event::Stopped { candidate, reason, .. } => {
                self.ended.push((candidate as usize, reason));
                Vec::new()
            }
            Event::Finished(usage) => {
                let timings = self.clock.stop(usage);
                let last = |(idx, reason): &(usize, StopReason)| {
                    data(&self.reply.whole(*idx, "", *reason, timings, self.withheld.as_ref()))
                };
                self.ended.iter().map(last).collect()
            }
        }
    }

    fn failed(&mut self, error: &ApiError) -> Vec<sse::Event> {
        vec![data(&error.to_json())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_fields_keep_their_paths_as_names() {
        let object = json!({ "content": "x", "timings": { "prompt_n": 3 } });
        let fields = ["content", "timings/prompt_n", "timings/none", ""].map(str::to_owned);
        assert_eq!(chosen(&object, &fields), json!({ "content": "x", "timings/prompt_n": 3 }));
    }
}
