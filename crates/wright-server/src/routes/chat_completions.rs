//! `POST /v1/chat/completions`, which most clients of models speak.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response, sse};
use serde::Deserialize;
use serde_json::{Value, json};
use wright_provider::{Completion, Event, StopReason};

use super::Shared;
use super::completions::StreamOptions;
use crate::answer::{self, finish_reason, new_id, now, usage_json};
use crate::body::JsonBody;
use crate::conversation::{AnswerReader, Choice, Content, Conversation, Turn, read_choice, read_format};
use crate::error::ApiError;
use crate::models::Purpose;
use crate::sampling::{self, Wishes};
use crate::sse::{Frames, data, done, respond};
use crate::tools::{Call, Piece, Tool};

/// The longest answer when the client names no length, in tokens.
pub(super) const DEFAULT_TOKENS: u32 = 2_048;

/// The body. Fields that are not here are ignored, except that those which would change what the answer means are refused.
#[derive(Deserialize)]
pub(super) struct Body {
    model: Option<String>,
    messages: Vec<WireMessage>,
    tools: Option<Vec<WireTool>>,
    tool_choice: Option<Value>,
    functions: Option<Value>,
    response_format: Option<Value>,
    max_tokens: Option<i64>,
    max_completion_tokens: Option<i64>,
    /// llama.cpp's name for it; 0 has the prompt read and nothing written.
    n_predict: Option<i64>,
    n: Option<i64>,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    logprobs: Option<bool>,
    #[serde(flatten)]
    wishes: Wishes,
}

#[derive(Deserialize)]
struct WireMessage {
    role: String,
    content: Option<Content>,
    tool_calls: Option<Vec<WireCall>>,
}

#[derive(Deserialize)]
struct WireCall {
    function: WireFunctionCall,
}

#[derive(Deserialize)]
struct WireFunctionCall {
    name: String,
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct WireTool {
    #[serde(rename = "type")]
    kind: Option<String>,
    function: Option<WireFunction>,
}

#[derive(Deserialize)]
struct WireFunction {
    name: String,
    description: Option<String>,
    parameters: Option<Value>,
}

/// Answers.
pub(super) async fn answer(
    State(shared): State<Arc<Shared>>,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response, ApiError> {
    refuse_unsupported(&body)?;
    let limit = shared.config.max_answer;
    let provider = shared.models.find(body.model.as_deref(), Purpose::Chat)?;
    let n_answers = sampling::n_answers("n", body.n)?;
    let asked_tokens = body.max_completion_tokens.or(body.max_tokens).or(body.n_predict);
    let sampling = body.wishes.clone().sampling(n_answers, sampling::max_tokens(asked_tokens, DEFAULT_TOKENS))?;
    let is_warming = sampling.max_tokens == 0;
    let wants_stream = body.stream == Some(true);
    let includes_usage = StreamOptions::includes_usage(body.stream_options);
    let conversation = conversation(body)?;
    let request = conversation.to_request(sampling);
    let (id, created, model) = (new_id("chatcmpl-"), now(), provider.model().to_owned());
    if is_warming {
        let timings = answer::warm(&*provider, request, limit).await?;
        let message = message_json("", &[]);
        let choices = vec![json!({ "index": 0, "message": message, "logprobs": null, "finish_reason": "length" })];
        let mut object = object(&id, "chat.completion", created, &model, &choices);
        object["usage"] = usage_json(timings.usage);
        return Ok(Json(object).into_response());
    }
    if wants_stream {
        let choices = (0..n_answers).map(|_| ChoiceState { reader: conversation.reader(), n_calls: 0 }).collect();
        let frames = ChatFrames { id, created, model, includes_usage, choices };
        return Ok(respond(answer::ask_within(&*provider, request, limit).await?, frames, limit));
    }
    let answer = answer::ask_whole(&*provider, request, limit).await?;
    let choice = |(idx, Completion { text, reason, .. }): (usize, Completion)| {
        let (said, calls) = conversation.reader().read(&text);
        let reason = if calls.is_empty() { finish_reason(reason) } else { "tool_calls" };
        json!({ "index": idx, "message": message_json(&said, &calls), "logprobs": null, "finish_reason": reason })
    };
    let choices: Vec<Value> = answer.completions.into_iter().enumerate().map(choice).collect();
    let mut object = object(&id, "chat.completion", created, &model, &choices);
    object["usage"] = usage_json(answer.timings.usage);
    object["timings"] = answer.timings.to_llama_json();
    Ok(Json(object).into_response())
}

fn refuse_unsupported(body: &Body) -> Result<(), ApiError> {
    if body.functions.as_ref().is_some_and(|it| !it.is_null()) {
        return Err(ApiError::unsupported("functions", "functions was replaced by tools"));
    }
    if body.logprobs == Some(true) {
        return Err(ApiError::unsupported("logprobs", "probabilities are not told (logprobs)"));
    }
    Ok(())
}

fn conversation(body: Body) -> Result<Conversation, ApiError> {
    let mut turns = Vec::new();
    for message in body.messages {
        turns.push(turn(message)?);
    }
    let mut tools = Vec::new();
    for tool in body.tools.unwrap_or_default() {
        tools.push(to_tool(tool)?);
    }
    let choice = if tools.is_empty() { Choice::Auto } else { read_choice(body.tool_choice.as_ref())? };
    let is_json = read_format("response_format", body.response_format.as_ref())?;
    Conversation::new(turns, &tools, &choice, is_json, "messages")
}

fn turn(message: WireMessage) -> Result<Turn, ApiError> {
    let text = message.content.map(|it| it.into_text("messages")).transpose()?.unwrap_or_default();
    match message.role.as_str() {
        "system" | "developer" => Ok(Turn::System(text)),
        "user" => Ok(Turn::User(text)),
        "assistant" => {
            let call = |it: WireCall| Call {
                name: it.function.name,
                arguments: it.function.arguments.unwrap_or_else(|| "{}".to_owned()),
            };
            let calls = message.tool_calls.unwrap_or_default().into_iter().map(call).collect();
            Ok(Turn::Assistant { text, calls })
        }
        "tool" | "function" => Ok(Turn::Returned(text)),
        role => Err(ApiError::invalid("messages", format!("messages has the unknown role {role:?}"))),
    }
}

fn to_tool(tool: WireTool) -> Result<Tool, ApiError> {
    match (tool.kind.as_deref(), tool.function) {
        (None | Some("function"), Some(WireFunction { name, description, parameters })) => {
            Ok(Tool { name, description, parameters })
        }
        (kind, _) => {
            let message = format!("tools has an entry of type {:?}; only functions are known", kind.unwrap_or("?"));
            Err(ApiError::unsupported("tools", message))
        }
    }
}

fn message_json(said: &str, calls: &[Call]) -> Value {
    if calls.is_empty() {
        return json!({ "role": "assistant", "content": said, "refusal": null });
    }
    let content = Some(said).filter(|it| !it.is_empty());
    let calls: Vec<Value> = calls.iter().map(call_json).collect();
    json!({ "role": "assistant", "content": content, "refusal": null, "tool_calls": calls })
}

fn call_json(call: &Call) -> Value {
    let function = json!({ "name": call.name, "arguments": call.arguments });
    json!({ "id": new_id("call_"), "type": "function", "function": function })
}

fn object(id: &str, kind: &str, created: u64, model: &str, choices: &[Value]) -> Value {
    json!({ "id": id, "object": kind, "created": created, "model": model, "choices": choices })
}

struct ChatFrames {
    id: String,
    created: u64,
    model: String,
    includes_usage: bool,
    choices: Vec<ChoiceState>,
}

/// One answer on its way.
struct ChoiceState {
    reader: AnswerReader,
    n_calls: usize,
}

impl ChatFrames {
    fn frame(&self, choices: &[Value]) -> Value {
        let mut object = object(&self.id, "chat.completion.chunk", self.created, &self.model, choices);
        if self.includes_usage {
            object["usage"] = Value::Null;
        }
        object
    }

    fn delta(&self, idx: usize, delta: &Value, finish_reason: Option<&str>) -> sse::Event {
        let choice = json!({ "index": idx, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
        data(&self.frame(&[choice]))
    }

    fn pieces(&mut self, idx: usize, pieces: Vec<Piece>) -> Vec<sse::Event> {
        let mut frames = Vec::new();
        for piece in pieces {
            let delta = match piece {
                Piece::Text(text) if text.is_empty() => continue,
                Piece::Text(text) => json!({ "content": text }),
                Piece::Call(call) => {
                    let mut call = call_json(&call);
                    call["index"] = json!(self.choices[idx].n_calls);
                    self.choices[idx].n_calls += 1;
                    json!({ "tool_calls": [call] })
                }
            };
            frames.push(self.delta(idx, &delta, None));
        }
        frames
    }

    fn stop(&mut self, idx: usize, reason: StopReason) -> Vec<sse::Event> {
        let rest = self.choices[idx].reader.finish();
        let mut frames = self.pieces(idx, rest);
        let reason = if self.choices[idx].n_calls > 0 { "tool_calls" } else { finish_reason(reason) };
        frames.push(self.delta(idx, &json!({}), Some(reason)));
        frames
    }
}

impl Frames for ChatFrames {
    fn opening(&mut self) -> Vec<sse::Event> {
        let begin = |idx| self.delta(idx, &json!({ "role": "assistant", "content": "" }), None);
        (0..self.choices.len()).map(begin).collect()
    }

    fn frames(&mut self, event: Event) -> Vec<sse::Event> {
        match event {
            // A provider that tells of more answers than were asked for is not passed on.
            Event::Text { candidate, .. } | Event::Stopped { candidate, .. }
                if candidate as usize >= self.choices.len() =>
            {
                Vec::new()
            }
            Event::Read(_) => Vec::new(),
            Event::Text { candidate, text } => {
                let idx = candidate as usize;
                let pieces = self.choices[idx].reader.push(&text);
                self.pieces(idx, pieces)
            }
            Event::Stopped { candidate, reason, .. } => self.stop(candidate as usize, reason),
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
