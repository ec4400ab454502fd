//! `POST /v1/responses`, OpenAI's newest route: items go in, items come out, and a stream has a name for each event.
//!
//! Nothing is stored, so a client sends the whole conversation each time.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response, sse};
use serde::Deserialize;
use serde_json::{Value, json};
use wright_provider::{Event, StopReason, Usage};

use super::Shared;
use super::chat_completions::DEFAULT_TOKENS;
use crate::answer::{self, new_id, now};
use crate::body::JsonBody;
use crate::conversation::{AnswerReader, Choice, Content, Conversation, Turn, read_choice, read_format};
use crate::error::ApiError;
use crate::models::Purpose;
use crate::sampling::{self, Wishes};
use crate::sse::{Frames, respond, typed};
use crate::tools::{Call, Piece, Tool};

/// The body. Fields that are not here are ignored, except that those which would change what the answer means are refused.
#[derive(Deserialize)]
pub(super) struct Body {
    model: Option<String>,
    input: Input,
    instructions: Option<String>,
    tools: Option<Vec<WireTool>>,
    tool_choice: Option<Value>,
    text: Option<Value>,
    max_output_tokens: Option<i64>,
    stream: Option<bool>,
    previous_response_id: Option<Value>,
    conversation: Option<Value>,
    background: Option<bool>,
    #[serde(flatten)]
    wishes: Wishes,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    Text(String),
    Items(Vec<Item>),
}

/// One item of the input, of any type.
#[derive(Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<String>,
    content: Option<Content>,
    name: Option<String>,
    arguments: Option<String>,
    output: Option<Content>,
}

#[derive(Deserialize)]
struct WireTool {
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
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
    let sampling =
        body.wishes.clone().sampling(1, sampling::max_tokens(body.max_output_tokens, DEFAULT_TOKENS).max(1))?;
    let head = Head {
        id: new_id("resp_"),
        created: now(),
        model: provider.model().to_owned(),
        temperature: sampling.temperature,
        top_p: sampling.top_p,
        max_tokens: sampling.max_tokens,
        instructions: body.instructions.clone(),
    };
    let wants_stream = body.stream == Some(true);
    let conversation = conversation(body)?;
    let request = conversation.to_request(sampling);
    let reader = conversation.reader();
    if wants_stream {
        let answer = answer::ask_within(&*provider, request, limit).await?;
        return Ok(respond(answer, ResponseFrames::new(head, reader), limit));
    }
    let answer = answer::ask_whole(&*provider, request, limit).await?;
    let mut output = Vec::new();
    let mut reason = StopReason::EndOfText;
    for completion in answer.completions {
        let (said, calls) = reader.clone().read(&completion.text);
        reason = completion.reason;
        if !said.is_empty() || calls.is_empty() {
            output.push(message_item(&new_id("msg_"), &said, "completed"));
        }
        output.extend(calls.iter().map(|it| call_item(&new_id("fc_"), &new_id("call_"), it, "completed")));
    }
    Ok(Json(head.ended(&output, reason, answer.timings.usage)).into_response())
}

fn refuse_unsupported(body: &Body) -> Result<(), ApiError> {
    let is_set = |value: &Option<Value>| value.as_ref().is_some_and(|it| !it.is_null());
    if is_set(&body.previous_response_id) {
        let message = "no response is stored here (previous_response_id); send the whole conversation as input";
        return Err(ApiError::unsupported("previous_response_id", message));
    }
    if is_set(&body.conversation) {
        let message = "no conversation is stored here (conversation); send all of it as input";
        return Err(ApiError::unsupported("conversation", message));
    }
    if body.background == Some(true) {
        return Err(ApiError::unsupported("background", "responses are not made in the background"));
    }
    Ok(())
}

fn conversation(body: Body) -> Result<Conversation, ApiError> {
    let mut turns: Vec<Turn> = body.instructions.map(Turn::System).into_iter().collect();
    match body.input {
        Input::Text(text) => turns.push(Turn::User(text)),
        Input::Items(items) => {
            for item in items {
                add_item(&mut turns, item)?;
            }
        }
    }
    let mut tools = Vec::new();
    for tool in body.tools.unwrap_or_default() {
        tools.push(to_tool(tool)?);
    }
    let choice = if tools.is_empty() { Choice::Auto } else { read_choice(body.tool_choice.as_ref())? };
    let is_json = read_format("text", body.text.as_ref().and_then(|it| it.get("format")))?;
    Conversation::new(turns, &tools, &choice, is_json, "input")
}

fn add_item(turns: &mut Vec<Turn>, item: Item) -> Result<(), ApiError> {
    let text = |content: Option<Content>| content.map_or_else(|| Ok(String::new()), |it| it.into_text("input"));
    let missing = |field: &str| ApiError::invalid("input", format!("input has an item without {field}"));
    match item.kind.as_deref() {
        None | Some("message") => {
            let said = text(item.content)?;
            turns.push(match item.role.as_deref().ok_or_else(|| missing("role"))? {
                "system" | "developer" => Turn::System(said),
                "user" => Turn::User(said),
                "assistant" => Turn::Assistant { text: said, calls: Vec::new() },
                role => return Err(ApiError::invalid("input", format!("input has the unknown role {role:?}"))),
            });
        }
        Some("function_call") => {
            let name = item.name.ok_or_else(|| missing("name"))?;
            let call = Call { name, arguments: item.arguments.unwrap_or_else(|| "{}".to_owned()) };
            // Calls are part of what the assistant said.
            match turns.last_mut() {
                Some(Turn::Assistant { calls, .. }) => calls.push(call),
                _ => turns.push(Turn::Assistant { text: String::new(), calls: vec![call] }),
            }
        }
        Some("function_call_output") => turns.push(Turn::Returned(text(item.output)?)),
        // What another model thought is for that model.
        Some("reasoning") => {}
        Some(kind) => {
            return Err(ApiError::unsupported("input", format!("input has an item of the unknown type {kind:?}")));
        }
    }
    Ok(())
}

fn to_tool(tool: WireTool) -> Result<Tool, ApiError> {
    match (tool.kind.as_str(), tool.name) {
        ("function", Some(name)) => Ok(Tool { name, description: tool.description, parameters: tool.parameters }),
        (kind, _) => {
            let message = format!("tools has an entry of type {kind:?}; only functions with a name are known");
            Err(ApiError::unsupported("tools", message))
        }
    }
}

/// What every form of a response says.
struct Head {
    id: String,
    created: u64,
    model: String,
    temperature: f32,
    top_p: f32,
    max_tokens: u32,
    instructions: Option<String>,
}

impl Head {
    fn to_json(&self, status: &str, output: &[Value]) -> Value {
        json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": null,
            "incomplete_details": null,
            "instructions": self.instructions,
            "max_output_tokens": self.max_tokens,
            "model": self.model,
            "output": output,
            "parallel_tool_calls": true,
            "previous_response_id": null,
            "store": false,
            "temperature": answer::rounded(self.temperature),
            "text": { "format": { "type": "text" } },
            "tool_choice": "auto",
            "tools": [],
            "top_p": answer::rounded(self.top_p),
            "truncation": "disabled",
            "usage": null,
            "metadata": {},
        })
    }

    /// Returns the response at its end.
    fn ended(&self, output: &[Value], reason: StopReason, usage: Usage) -> Value {
        let is_cut = reason == StopReason::MaxTokens;
        let mut object = self.to_json(if is_cut { "incomplete" } else { "completed" }, output);
        if is_cut {
            object["incomplete_details"] = json!({ "reason": "max_output_tokens" });
        }
        object["usage"] = json!({
            "input_tokens": usage.prompt_tokens,
            "input_tokens_details": { "cached_tokens": usage.cached_tokens },
            "output_tokens": usage.completion_tokens,
            "output_tokens_details": { "reasoning_tokens": 0 },
            "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        });
        object
    }
}

fn message_item(id: &str, text: &str, status: &str) -> Value {
    let content = if status == "completed" { vec![text_part(text)] } else { Vec::new() };
    json!({ "id": id, "type": "message", "role": "assistant", "status": status, "content": content })
}

fn text_part(text: &str) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": [] })
}

fn call_item(id: &str, call_id: &str, call: &Call, status: &str) -> Value {
    json!({
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": call_id,
        "name": call.name,
        "arguments": call.arguments,
    })
}

struct ResponseFrames {
    head: Head,
    reader: AnswerReader,
    output: Vec<Value>,
    /// The message that is being told, by id, with its text so far.
    open: Option<(String, String)>,
    reason: StopReason,
    n_frames: u64,
}

impl ResponseFrames {
    fn new(head: Head, reader: AnswerReader) -> Self {
        Self { head, reader, output: Vec::new(), open: None, reason: StopReason::EndOfText, n_frames: 0 }
    }

    /// Returns a frame with its number.
    fn frame(&mut self, mut value: Value) -> sse::Event {
        value["sequence_number"] = json!(self.n_frames);
        self.n_frames += 1;
        typed(&value)
    }

    fn pieces(&mut self, pieces: Vec<Piece>) -> Vec<sse::Event> {
        let mut frames = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) if text.is_empty() => {}
                Piece::Text(text) => frames.extend(self.text(&text)),
                Piece::Call(call) => {
                    frames.extend(self.close());
                    frames.extend(self.call(&call));
                }
            }
        }
        frames
    }

    fn text(&mut self, delta: &str) -> Vec<sse::Event> {
        let mut frames = if self.open.is_none() { self.begin_message() } else { Vec::new() };
        let idx = self.output.len();
        if let Some((id, text)) = &mut self.open {
            text.push_str(delta);
            let value = json!({
                "type": "response.output_text.delta",
                "item_id": id,
                "output_index": idx,
                "content_index": 0,
                "delta": delta,
                "logprobs": [],
            });
            frames.push(self.frame(value));
        }
        frames
    }

    fn begin_message(&mut self) -> Vec<sse::Event> {
        let (id, idx) = (new_id("msg_"), self.output.len());
        let item = message_item(&id, "", "in_progress");
        let added = json!({ "type": "response.output_item.added", "output_index": idx, "item": item });
        let part = json!({
            "type": "response.content_part.added",
            "item_id": id,
            "output_index": idx,
            "content_index": 0,
            "part": text_part(""),
        });
        self.open = Some((id, String::new()));
        vec![self.frame(added), self.frame(part)]
    }

    /// Ends the message that is being told.
    fn close(&mut self) -> Vec<sse::Event> {
        let Some((id, text)) = self.open.take() else { return Vec::new() };
        let idx = self.output.len();
        let place = json!({ "item_id": id, "output_index": idx, "content_index": 0 });
        let with = |kind: &str, field: &str, value: Value| {
            let mut frame = place.clone();
            frame["type"] = json!(kind);
            frame[field] = value;
            frame
        };
        let mut done = with("response.output_text.done", "text", json!(text));
        done["logprobs"] = json!([]);
        let part = with("response.content_part.done", "part", text_part(&text));
        let item = message_item(&id, &text, "completed");
        self.output.push(item.clone());
        let ended = json!({ "type": "response.output_item.done", "output_index": idx, "item": item });
        vec![self.frame(done), self.frame(part), self.frame(ended)]
    }

    fn call(&mut self, call: &Call) -> Vec<sse::Event> {
        let (id, call_id, idx) = (new_id("fc_"), new_id("call_"), self.output.len());
        let begun = Call { name: call.name.clone(), arguments: String::new() };
        let item = call_item(&id, &call_id, call, "completed");
        self.output.push(item.clone());
        let values = [
            json!({
                "type": "response.output_item.added",
                "output_index": idx,
                "item": call_item(&id, &call_id, &begun, "in_progress"),
            }),
            json!({
                "type": "response.function_call_arguments.delta",
                "item_id": id,
                "output_index": idx,
                "delta": call.arguments,
            }),
            json!({
                "type": "response.function_call_arguments.done",
                "item_id": id,
                "output_index": idx,
                "name": call.name,
                "arguments": call.arguments,
            }),
            json!({ "type": "response.output_item.done", "output_index": idx, "item": item }),
        ];
        values.into_iter().map(|it| self.frame(it)).collect()
    }

    /// Ends what is told, with an empty message where nothing was.
    fn end(&mut self) -> Vec<sse::Event> {
        let rest = self.reader.finish();
        let mut frames = self.pieces(rest);
        if self.open.is_none() && self.output.is_empty() {
            frames.extend(self.begin_message());
        }
        frames.extend(self.close());
        frames
    }
}

impl Frames for ResponseFrames {
    fn opening(&mut self) -> Vec<sse::Event> {
        let response = self.head.to_json("in_progress", &[]);
        let created = json!({ "type": "response.created", "response": response });
        let begun = json!({ "type": "response.in_progress", "response": response });
        vec![self.frame(created), self.frame(begun)]
    }

    fn frames(&mut self, event: Event) -> Vec<sse::Event> {
        match event {
            Event::Text { candidate: 0, text } => {
                let pieces = self.reader.push(&text);
                self.pieces(pieces)
            }
            Event::Stopped { candidate: 0, reason, .. } => {
                self.reason = reason;
                Vec::new()
            }
            // One answer was asked for.
            Event::Read(_) | Event::Text { .. } | Event::Stopped { .. } => Vec::new(),
            Event::Finished(usage) => {
                let mut frames = self.end();
                let response = self.head.ended(&self.output, self.reason, usage);
                let kind = if self.reason == StopReason::MaxTokens { "incomplete" } else { "completed" };
                let ended = json!({ "type": format!("response.{kind}"), "response": response });
                frames.push(self.frame(ended));
                frames
            }
        }
    }

    fn failed(&mut self, error: &ApiError) -> Vec<sse::Event> {
        let mut response = self.head.to_json("failed", &self.output);
        response["error"] = json!({ "code": error.code(), "message": error.message() });
        let failed = json!({ "type": "response.failed", "response": response });
        vec![self.frame(failed)]
    }
}
