//! A conversation in the words that our providers know, made from what the two chat protocols of OpenAI say.

use serde::Deserialize;
use serde_json::Value;
use wright_provider::{Message, Priority, Prompt, Request, Role, Sampling};

use crate::error::ApiError;
use crate::tools::{self, Call, CallReader, Piece, Tool};

/// How many entries a conversation may have.
const MAX_TURNS: usize = 2_000;

/// How many functions may be offered to the model.
const MAX_TOOLS: usize = 128;

/// The system text of a conversation that has none and needs one.
const DEFAULT_SYSTEM: &str = "You are a helpful assistant.";

/// What a model is told that has to answer with JSON.
const JSON_ONLY: &str = "Answer with one JSON object and nothing else: no words around it, no code fence.";

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Standing instructions.
    System(String),
    /// What the user says.
    User(String),
    /// What the model said, and what it called.
    Assistant { text: String, calls: Vec<Call> },
    /// What a function returned.
    Returned(String),
}

/// What the model has to do with the functions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It may call some.
    Auto,
    /// It may call none.
    None,
    /// It has to call one.
    Required,
    /// It has to call this one.
    Named(String),
}

/// A conversation, and how its answer is to be read.
#[derive(Debug, Clone)]
pub(crate) struct Conversation {
    messages: Vec<Message>,
    prefill: String,
    /// Reads calls out of the answer, where functions are offered.
    reader: Option<CallReader>,
    is_json: bool,
}

/// Text, or parts of text.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(crate) enum Content {
    /// Text.
    Text(String),
    /// Parts, of which only text is taken.
    Parts(Vec<Part>),
}

/// One part of a content.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    refusal: Option<String>,
}

impl Content {
    /// Returns the text; images, sounds and files are an error.
    pub(crate) fn into_text(self, param: &'static str) -> Result<String, ApiError> {
        let parts = match self {
            Self::Text(text) => return Ok(text),
            Self::Parts(parts) => parts,
        };
        let mut text = String::new();
        for part in parts {
            match part.kind.as_str() {
                "text" | "input_text" | "output_text" => text.push_str(part.text.as_deref().unwrap_or_default()),
                "refusal" => text.push_str(part.refusal.as_deref().unwrap_or_default()),
                kind => return Err(ApiError::unsupported(param, format!("content of type {kind:?} cannot be read"))),
            }
        }
        Ok(text)
    }
}

impl Conversation {
    /// Returns the conversation as the model is shown it.
    pub(crate) fn new(
        turns: Vec<Turn>,
        tools: &[Tool],
        choice: &Choice,
        is_json: bool,
        param: &'static str,
    ) -> Result<Self, ApiError> {
        if !turns.iter().any(|it| !matches!(it, Turn::System(_))) || turns.len() > MAX_TURNS {
            let message = format!("{param} has no entry to answer, or more than {MAX_TURNS}");
            return Err(ApiError::invalid(param, message));
        }
        let offered = offered(tools, choice)?;
        let mut messages = to_messages(turns);
        if !offered.is_empty() {
            add_to_system(&mut messages, &tools::describe(&offered));
        }
        if is_json {
            add_to_system(&mut messages, JSON_ONLY);
        }
        let is_forced = matches!(choice, Choice::Required | Choice::Named(_));
        let (prefill, reader) = match (offered.is_empty(), is_forced) {
            (true, _) => (String::new(), None),
            (false, false) => (String::new(), Some(CallReader::new(&offered))),
            (false, true) => (tools::forced_prefill(), Some(CallReader::after_prefill(&offered))),
        };
        Ok(Self { messages, prefill, reader, is_json })
    }

    /// Returns the request to a provider.
    pub(crate) fn to_request(&self, sampling: Sampling) -> Request {
        let prompt = Prompt::Chat { messages: self.messages.clone(), prefill: self.prefill.clone() };
        Request::new(prompt, sampling, Priority::Chat)
    }

    /// Returns what reads one answer.
    pub(crate) fn reader(&self) -> AnswerReader {
        AnswerReader { calls: self.reader.clone(), json: self.is_json.then(String::new) }
    }
}

/// Reads one answer, piece by piece or whole.
#[derive(Debug, Clone)]
pub(crate) struct AnswerReader {
    calls: Option<CallReader>,
    /// The answer so far, where it has to be JSON and is told only once it is whole.
    json: Option<String>,
}

impl AnswerReader {
    /// Takes the next part of the answer.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Piece> {
        match (&mut self.calls, &mut self.json) {
            (Some(calls), _) => calls.push(text),
            (None, Some(json)) => {
                json.push_str(text);
                Vec::new()
            }
            (None, None) => vec![Piece::Text(text.to_owned())],
        }
    }

    /// Takes the end of the answer.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        match (&mut self.calls, &mut self.json) {
            (Some(calls), _) => calls.finish(),
            (None, Some(json)) => vec![Piece::Text(without_fence(json).to_owned())],
            (None, None) => Vec::new(),
        }
    }

    /// Reads a whole answer.
    pub(crate) fn read(mut self, text: &str) -> (String, Vec<Call>) {
        let mut said = String::new();
        let mut calls = Vec::new();
        for piece in self.push(text).into_iter().chain(self.finish()) {
            match piece {
                Piece::Text(text) => said.push_str(&text),
                Piece::Call(call) => calls.push(call),
            }
        }
        (said, calls)
    }
}

/// Returns the functions that the model is told of.
fn offered(tools: &[Tool], choice: &Choice) -> Result<Vec<Tool>, ApiError> {
    if tools.len() > MAX_TOOLS {
        return Err(ApiError::invalid("tools", format!("tools has more than {MAX_TOOLS} entries")));
    }
    let offered = match choice {
        Choice::None => Vec::new(),
        Choice::Auto | Choice::Required => tools.to_vec(),
        Choice::Named(name) => tools.iter().filter(|it| it.name == *name).cloned().collect(),
    };
    if offered.is_empty() && matches!(choice, Choice::Required | Choice::Named(_)) {
        return Err(ApiError::invalid("tool_choice", "tool_choice names a function that tools does not have"));
    }
    Ok(offered)
}

fn to_messages(turns: Vec<Turn>) -> Vec<Message> {
    let mut messages: Vec<Message> = Vec::new();
    let mut was_returned = false;
    for turn in turns {
        let is_returned = matches!(turn, Turn::Returned(_));
        let message = match turn {
            Turn::System(text) => Message::system(text),
            Turn::User(text) => Message::user(text),
            Turn::Assistant { text, calls } => {
                let parts = Some(text).filter(|it| !it.is_empty()).into_iter();
                Message::assistant(parts.chain(calls.iter().map(tools::render_call)).collect::<Vec<_>>().join("\n"))
            }
            Turn::Returned(text) => Message::user(tools::render_result(&text)),
        };
        match messages.last_mut() {
            // Templates have a single system text, and show the results of one turn together.
            Some(last) if last.role == Role::System && message.role == Role::System => {
                last.text = format!("{}\n\n{}", last.text, message.text);
            }
            Some(last) if was_returned && is_returned => last.text = format!("{}\n{}", last.text, message.text),
            _ => messages.push(message),
        }
        was_returned = is_returned;
    }
    messages
}

fn add_to_system(messages: &mut Vec<Message>, text: &str) {
    if messages.first().is_none_or(|it| it.role != Role::System) {
        messages.insert(0, Message::system(DEFAULT_SYSTEM));
    }
    messages[0].text = format!("{}\n\n{text}", messages[0].text);
}

/// Returns what is inside a code fence, when the whole text is one.
fn without_fence(text: &str) -> &str {
    let text = text.trim();
    let inside = text.strip_prefix("```").and_then(|it| it.strip_suffix("```"));
    inside.and_then(|it| it.split_once('\n')).map_or(text, |(_, inside)| inside.trim())
}

/// Reads `tool_choice` in either protocol's form.
pub(crate) fn read_choice(choice: Option<&Value>) -> Result<Choice, ApiError> {
    match choice {
        None | Some(Value::Null) => Ok(Choice::Auto),
        Some(Value::String(word)) if word == "auto" => Ok(Choice::Auto),
        Some(Value::String(word)) if word == "none" => Ok(Choice::None),
        Some(Value::String(word)) if word == "required" => Ok(Choice::Required),
        Some(value) => match value.pointer("/function/name").or_else(|| value.get("name")) {
            Some(Value::String(name)) => Ok(Choice::Named(name.clone())),
            _ => Err(ApiError::unsupported("tool_choice", "tool_choice is not auto, none, required or a function")),
        },
    }
}

/// Reads `response_format` or `text.format`: whether the answer has to be JSON.
pub(crate) fn read_format(param: &'static str, format: Option<&Value>) -> Result<bool, ApiError> {
    match format.and_then(|it| it.get("type")).and_then(Value::as_str) {
        None | Some("text") => Ok(false),
        Some("json_object") => Ok(true),
        Some(kind) => Err(ApiError::unsupported(param, format!("format {kind:?} is not text or json_object"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(name: &str) -> Tool {
        Tool { name: name.to_owned(), description: None, parameters: None }
    }

    fn messages(turns: Vec<Turn>, tools: &[Tool], choice: &Choice) -> Vec<(Role, String)> {
        let conversation = Conversation::new(turns, tools, choice, false, "messages").unwrap();
        conversation.messages.into_iter().map(|it| (it.role, it.text)).collect()
    }

    fn user(text: &str) -> Turn {
        Turn::User(text.to_owned())
    }

    #[test]
    fn calls_and_results_are_shown_in_the_form_the_model_knows() {
        let call = Call { name: "read".to_owned(), arguments: "{\"path\":\"a\"}".to_owned() };
        let turns = vec![
            user("hi"),
            Turn::Assistant { text: String::new(), calls: vec![call] },
            Turn::Returned("one".to_owned()),
            Turn::Returned("two".to_owned()),
        ];
        let shown = messages(turns, &[], &Choice::Auto);
        let expected = [
            (Role::User, "hi"),
            (Role::Assistant, "<tool_call>\n{\"name\": \"read\", \"arguments\": {\"path\":\"a\"}}\n</tool_call>"),
            (Role::User, "<tool_response>\none\n</tool_response>\n<tool_response>\ntwo\n</tool_response>"),
        ];
        assert_eq!(shown, expected.map(|(role, text)| (role, text.to_owned())));
    }

    #[test]
    fn system_texts_are_joined_and_functions_described_behind_them() {
        let turns = vec![Turn::System("a".to_owned()), Turn::System("b".to_owned()), user("hi")];
        let shown = messages(turns.clone(), &[tool("read"), tool("list")], &Choice::Named("list".to_owned()));
        assert!(shown[0].1.starts_with("a\n\nb\n\n# Tools\n"), "{shown:?}");
        assert!(shown[0].1.contains("\"list\"") && !shown[0].1.contains("\"read\""));
        assert_eq!(messages(turns, &[tool("read")], &Choice::None)[0].1, "a\n\nb");
    }

    #[test]
    fn a_conversation_without_anything_to_answer_is_refused() {
        for turns in [vec![], vec![Turn::System("a".to_owned())]] {
            assert!(Conversation::new(turns, &[], &Choice::Auto, false, "messages").is_err());
        }
        let missing = Choice::Named("x".to_owned());
        assert!(Conversation::new(vec![user("hi")], &[tool("read")], &missing, false, "messages").is_err());
    }

    #[test]
    fn json_is_told_without_its_fence() {
        let conversation = Conversation::new(vec![user("hi")], &[], &Choice::Auto, true, "messages").unwrap();
        assert_eq!(conversation.reader().read("```json\n{\"a\": 1}\n```"), ("{\"a\": 1}".to_owned(), Vec::new()));
        assert_eq!(conversation.reader().read(" {\"a\": 1}\n"), ("{\"a\": 1}".to_owned(), Vec::new()));
    }
}
