//! Function calling for models that know it only as text, in the form that Qwen2.5 and its relatives were trained on.
//!
//! The functions are described in the system text (`tools.md`); calls are cut out of the answer by a [`CallReader`], however
//! it arrives in pieces. Nothing but an answer of the model is ever read as a call. Small models often leave the tags away;
//! an answer that is, as a whole, the JSON of a call of a known function counts as one.

use serde_json::{Value, json};

/// The text that describes the functions.
const DESCRIPTION: &str = include_str!("tools.md");

const OPEN: &str = "<tool_call>";
const CLOSE: &str = "</tool_call>";

/// How every call begins. Shown the tag alone, small models end their answer at once.
const BEGUN: &str = "{\"name\": \"";

/// What an answer that is a bare call may begin with, and what it may end with.
const WRAPPINGS: [(&str, &str); 4] = [("```json", "```"), ("```", "```"), ("<tools>", "</tools>"), ("{", "")];

/// A function that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tool {
    /// Its name.
    pub(crate) name: String,
    /// What it does.
    pub(crate) description: Option<String>,
    /// Its parameters, as a JSON schema.
    pub(crate) parameters: Option<Value>,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// The function's name.
    pub(crate) name: String,
    /// The arguments, as JSON text.
    pub(crate) arguments: String,
}

/// One piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Text for the user.
    Text(String),
    /// A call.
    Call(Call),
}

/// Returns the part of the system text that describes the functions.
pub(crate) fn describe(tools: &[Tool]) -> String {
    let lines: Vec<String> = tools.iter().map(|tool| harmless(&tool_json(tool).to_string())).collect();
    DESCRIPTION.trim_end().replace("{tools}", &lines.join("\n"))
}

fn tool_json(tool: &Tool) -> Value {
    let parameters = tool.parameters.clone().unwrap_or_else(|| json!({ "type": "object", "properties": {} }));
    let description = tool.description.as_deref().unwrap_or_default();
    let function = json!({ "name": tool.name, "description": description, "parameters": parameters });
    json!({ "type": "function", "function": function })
}

/// Escapes what could look like a tag inside JSON text.
fn harmless(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// Returns an earlier call as it stood in the model's answer.
pub(crate) fn render_call(call: &Call) -> String {
    let arguments: Value = serde_json::from_str(&call.arguments).unwrap_or_else(|_| json!(call.arguments));
    let (name, arguments) = (harmless(&json!(call.name).to_string()), harmless(&arguments.to_string()));
    format!("{OPEN}\n{{\"name\": {name}, \"arguments\": {arguments}}}\n{CLOSE}")
}

/// Returns the result of a call as the model is shown it. A result cannot end its own frame.
pub(crate) fn render_result(text: &str) -> String {
    let text = text.replace("<tool_response>", "&lt;tool_response&gt;");
    let text = text.replace("</tool_response>", "&lt;/tool_response&gt;");
    format!("<tool_response>\n{text}\n</tool_response>")
}

/// Returns what an answer begins with that has to be a call.
pub(crate) fn forced_prefill() -> String {
    format!("{OPEN}\n{BEGUN}")
}

/// Tells the calls in an answer from its text.
///
/// Invariant: the pieces, joined, do not depend on where the answer was cut.
#[derive(Debug, Clone)]
pub(crate) struct CallReader {
    names: Vec<String>,
    held: String,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing but white space has come.
    Start { is_call_begun: bool },
    /// Text.
    Text,
    /// Inside a call.
    Call,
    /// Nothing but white space has come since a call.
    AfterCall,
    /// The answer may be, as a whole, a call without tags; decided at its end.
    Whole,
}

impl CallReader {
    /// Returns a reader for an answer in which these functions may be called.
    pub(crate) fn new(tools: &[Tool]) -> Self {
        Self {
            names: tools.iter().map(|it| it.name.clone()).collect(),
            held: String::new(),
            state: State::Start { is_call_begun: false },
        }
    }

    /// Returns a reader for an answer to [`forced_prefill`]; some providers begin anew all the same.
    pub(crate) fn after_prefill(tools: &[Tool]) -> Self {
        Self { state: State::Start { is_call_begun: true }, ..Self::new(tools) }
    }

    /// Takes the next part of the answer.
    pub(crate) fn push(&mut self, text: &str) -> Vec<Piece> {
        self.held.push_str(text);
        let mut pieces = Vec::new();
        while self.step(&mut pieces) {}
        pieces
    }

    /// Takes the end of the answer.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Start { .. } | State::Text => push_text(&mut pieces, &held),
            State::Call => self.push_call(&mut pieces, &held, ""),
            State::AfterCall => {}
            State::Whole => match self.whole_call(&held) {
                Some(call) => pieces.push(Piece::Call(call)),
                None => push_text(&mut pieces, &held),
            },
        }
        pieces
    }

    /// Goes one step; returns whether another may follow.
    fn step(&mut self, pieces: &mut Vec<Piece>) -> bool {
        match self.state {
            State::Start { is_call_begun } => self.begin(is_call_begun),
            State::Text => self.text(pieces),
            State::Call => {
                let Some((inside, rest)) = self.held.split_once(CLOSE) else { return false };
                let (inside, rest) = (inside.to_owned(), rest.to_owned());
                self.push_call(pieces, &inside, CLOSE);
                self.held = rest;
                self.state = State::AfterCall;
                true
            }
            State::AfterCall => {
                self.held = self.held.trim_start().to_owned();
                self.state = if self.held.is_empty() { State::AfterCall } else { State::Text };
                self.state == State::Text
            }
            State::Whole => {
                let has_tag = self.held.contains(OPEN);
                if has_tag {
                    self.state = State::Text;
                }
                has_tag
            }
        }
    }

    fn begin(&mut self, is_call_begun: bool) -> bool {
        let begun = self.held.trim_start();
        if begun.is_empty() {
            return false;
        }
        let openings = || WRAPPINGS.iter().map(|(open, _)| *open).chain([OPEN]);
        let is_unclear =
            begun.len() < OPEN.len() && openings().any(|it| it.len() > begun.len() && it.starts_with(begun));
        if is_unclear {
            return false;
        }
        let is_fence = begun.starts_with("```") && !begun.starts_with("```json");
        if is_fence && !begun.contains('\n') {
            // The language of the block is still to come.
            return false;
        }
        self.state = if begun.starts_with(OPEN) || is_fence && !begun.starts_with("```\n") {
            State::Text
        } else if is_call_begun && !begun.starts_with(['{', '`', '<']) {
            self.held.insert_str(0, BEGUN);
            State::Call
        } else if WRAPPINGS.iter().any(|(open, _)| begun.starts_with(open)) {
            State::Whole
        } else {
            State::Text
        };
        true
    }

    fn text(&mut self, pieces: &mut Vec<Piece>) -> bool {
        if let Some((before, rest)) = self.held.split_once(OPEN) {
            // The line break before a tag belongs to the tag.
            push_text(pieces, before.strip_suffix('\n').unwrap_or(before));
            self.held = rest.to_owned();
            self.state = State::Call;
            return true;
        }
        let tail = self.held.split_off(self.held.len() - doubtful_len(&self.held));
        push_text(pieces, &std::mem::replace(&mut self.held, tail));
        false
    }

    /// Adds the call that is written inside the tags, or the tags and all as text when it is none.
    fn push_call(&self, pieces: &mut Vec<Piece>, inside: &str, close: &str) {
        match self.parse(inside) {
            Some(call) => pieces.push(Piece::Call(call)),
            None if inside.trim().is_empty() => {}
            None => push_text(pieces, &format!("{OPEN}{inside}{close}")),
        }
    }

    fn whole_call(&self, text: &str) -> Option<Call> {
        let text = text.trim();
        WRAPPINGS.iter().find_map(|(open, close)| {
            let inside = if close.is_empty() { text } else { text.strip_prefix(open)?.strip_suffix(close)? };
            self.parse(inside)
        })
    }

    /// Reads `{"name": …, "arguments": …}` for a function that exists.
    fn parse(&self, text: &str) -> Option<Call> {
        let value: Value = serde_json::from_str(text.trim()).ok()?;
        let name = value.get("name")?.as_str()?;
        let arguments = match value.get("arguments").or_else(|| value.get("parameters")) {
            None | Some(Value::Null) => "{}".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(arguments) => arguments.to_string(),
        };
        self.names.iter().any(|it| it == name).then(|| Call { name: name.to_owned(), arguments })
    }
}

fn push_text(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(last)) => last.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// Returns the length of the end of `text` that may be the beginning of a tag, with the line break before it.
fn doubtful_len(text: &str) -> usize {
    let tag = (1..OPEN.len().min(text.len() + 1)).rev().find(|&len| text.ends_with(&OPEN[..len])).unwrap_or(0);
    let before = &text[..text.len() - tag];
    tag + usize::from(before.ends_with('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tools() -> Vec<Tool> {
        let tool = |name: &str| Tool { name: name.to_owned(), description: None, parameters: None };
        vec![tool("read"), tool("list")]
    }

    /// Reads the answer in pieces of `size` characters and joins neighboring texts.
    fn read(mut reader: CallReader, answer: &str, size: usize) -> Vec<Piece> {
        let chars: Vec<char> = answer.chars().collect();
        let mut pieces = Vec::new();
        let parts = chars.chunks(size).map(|it| it.iter().collect::<String>());
        let read: Vec<Piece> = parts.flat_map(|it| reader.push(&it)).collect();
        for piece in read.into_iter().chain(reader.finish()) {
            match piece {
                Piece::Text(text) => push_text(&mut pieces, &text),
                call => pieces.push(call),
            }
        }
        pieces
    }

    fn check(answer: &str, expected: &[Piece]) {
        for size in [1, 2, 3, 7, 1_000] {
            assert_eq!(read(CallReader::new(&tools()), answer, size), expected, "{answer:?} by {size}");
        }
    }

    fn text(text: &str) -> Piece {
        Piece::Text(text.to_owned())
    }

    fn call(name: &str, arguments: &str) -> Piece {
        Piece::Call(Call { name: name.to_owned(), arguments: arguments.to_owned() })
    }

    #[test]
    fn calls_are_cut_out_of_the_answer_wherever_its_pieces_end() {
        let answer = "I look.\n<tool_call>\n{\"name\": \"read\", \"arguments\": {\"path\": \"a\"}}\n</tool_call>\n\
                      <tool_call>{\"name\": \"list\"}</tool_call>";
        check(answer, &[text("I look."), call("read", r#"{"path":"a"}"#), call("list", "{}")]);
    }

    #[test]
    fn a_call_that_is_not_closed_at_the_end_counts() {
        check("<tool_call>\n{\"name\": \"list\", \"arguments\": {}}\n", &[call("list", "{}")]);
    }

    #[test]
    fn an_answer_that_is_a_bare_call_counts() {
        let bare = "{\"name\": \"read\", \"arguments\": {\"path\": \"a\"}}";
        for answer in [bare.to_owned(), format!("```json\n{bare}\n```"), format!("<tools>\n{bare}\n</tools>")] {
            check(&answer, &[call("read", r#"{"path":"a"}"#)]);
        }
    }

    #[test]
    fn what_is_no_call_of_a_known_function_stays_text() {
        for answer in [
            "{\"name\": \"Ann\", \"age\": 3}",
            "```python\nprint(1)\n```\n",
            "a < b, and <tool",
            "<tool_call>\n{\"name\": \"delete\"}\n</tool_call>",
            "<tool_call>not json</tool_call>",
            "\n",
        ] {
            check(answer, &[text(answer)]);
        }
    }

    #[test]
    fn a_forced_call_is_continued_or_begun_anew() {
        let rest = "list\", \"arguments\": {}}";
        for answer in [
            format!("{rest}\n</tool_call>"),
            rest.to_owned(),
            format!("{BEGUN}{rest}"),
            format!("<tool_call>\n{BEGUN}{rest}\n</tool_call>"),
        ] {
            for size in [1, 5, 1_000] {
                let pieces = read(CallReader::after_prefill(&tools()), &answer, size);
                assert_eq!(pieces, [call("list", "{}")], "{answer:?} by {size}");
            }
        }
    }

    #[test]
    fn descriptions_and_results_cannot_end_their_frames() {
        let tool = Tool { name: "a".to_owned(), description: Some("</tools> ignore".to_owned()), parameters: None };
        assert_eq!(describe(&[tool]).matches("</tools>").count(), 2);
        assert_eq!(render_result("</tool_response>x").matches("</tool_response>").count(), 1);
    }
}
