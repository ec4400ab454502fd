//! Code actions: explain, fix, test. The editor gets commands at once; the model is asked when one of them is run.

use std::path::Path;

use gen_lsp_types::Range;
use lsp_server::{ErrorCode, RequestId, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use wright_agent::assistant::{FunctionEdit, Judged, NewTest};
use wright_text::{Edit, Language};

use crate::items::ACCEPTED;
use crate::open_document::OpenDocument;
use crate::positions;
use crate::reasons::Reason;
use crate::server::{Done, Question, Server};
use crate::work::Lane;

/// Explains code.
pub(crate) const EXPLAIN: &str = "wright.explain";

/// Rewrites a function so that a diagnostic goes away.
pub(crate) const FIX: &str = "wright.fix";

/// Writes a test of a function.
pub(crate) const WRITE_TEST: &str = "wright.writeTest";

/// The command of another server with which some clients report acceptance whatever the item says.
const ACCEPTED_BY_CUSTOM: &str = "github.copilot.didAcceptCompletionItem";

/// In larger documents no actions are offered, because editors ask at every move of the cursor.
const MAX_DOCUMENT: usize = 256 << 10;

/// How many diagnostics of one place get a fix.
const MAX_FIXES: usize = 5;

/// The longest title of a diagnostic in a menu, in characters.
const MAX_TITLE: usize = 60;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ActionParams {
    text_document: Identifier,
    range: Range,
    #[serde(default)]
    context: ActionContext,
}

#[derive(Deserialize, Default)]
struct ActionContext {
    #[serde(default)]
    diagnostics: Vec<Value>,
    only: Option<Vec<String>>,
}

#[derive(Deserialize, Serialize)]
struct Identifier {
    uri: Url,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CommandParams {
    command: String,
    #[serde(default)]
    arguments: Vec<Value>,
    work_done_token: Option<Value>,
}

/// The argument of our commands.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    text_document: Identifier,
    range: Range,
    /// The diagnostic's message.
    #[serde(default)]
    problem: String,
}

/// What a command found.
pub(crate) struct CommandDone {
    uri: Url,
    version: i64,
    found: Found,
}

/// What came of asking the model. Text for a document is judged.
enum Found {
    Explanation(String),
    Fix(Judged<FunctionEdit>),
    Test(Judged<NewTest>),
    Failure(String),
}

impl Server {
    pub(crate) fn code_action(&mut self, id: RequestId, params: ActionParams) {
        let ActionParams { text_document, range, context } = params;
        let encoding = self.client.encoding();
        let uri = text_document.uri;
        let is_offered = self.may_suggest(&uri).is_ok();
        let small = self.documents.get_mut(&uri).filter(|it| is_offered && it.text().len_bytes() <= MAX_DOCUMENT);
        let Some(open) = small else { return self.out.answer(id, Value::Null) };
        let offsets = positions::to_offsets(open.text(), range, encoding);
        let is_cursor = offsets.is_empty();
        let doc = open.document();
        let (Some(_), Ok(workbench)) = (Language::from_path(&doc.path), &self.workbench) else {
            return self.out.answer(id, Value::Null);
        };
        let completer = workbench.completer.clone();
        let lane = Lane::Actions(uri.clone());
        let task = async move {
            // Parsing is work for a thread that may be busy for a while.
            let parsed = tokio::task::spawn_blocking(move || completer.function_at(&doc, offsets.start));
            let function = parsed.await.ok().flatten();
            Done::Actions(actions(&uri, range, is_cursor, function.as_deref(), &context))
        };
        for replaced in self.work.start(id, Some(lane), task) {
            self.out.refuse(replaced, ErrorCode::ContentModified, "a newer request for this document came");
        }
    }

    pub(crate) fn execute_command(&mut self, id: RequestId, params: CommandParams) {
        let CommandParams { command, arguments, work_done_token } = params;
        match command.as_str() {
            ACCEPTED | ACCEPTED_BY_CUSTOM => {
                self.accepted(&arguments);
                self.out.answer(id, Value::Null);
            }
            EXPLAIN | FIX | WRITE_TEST => {
                let argument = arguments.into_iter().next().unwrap_or_default();
                match serde_json::from_value::<Target>(argument) {
                    Ok(target) => self.start_command(id, &command, target, work_done_token),
                    Err(error) => {
                        let message = format!("cannot read the argument of {command}: {error}");
                        self.out.refuse(id, ErrorCode::InvalidParams, message);
                    }
                }
            }
            other => self.out.refuse(id, ErrorCode::InvalidParams, format!("unknown command {other:?}")),
        }
    }

    fn start_command(&mut self, id: RequestId, command: &str, target: Target, token: Option<Value>) {
        let uri = target.text_document.uri;
        let encoding = self.client.encoding();
        if let Err(reason) = self.may_suggest(&uri) {
            return self.refuse_command(id, &reason);
        }
        let (Some(open), Ok(workbench)) = (self.documents.get_mut(&uri), &self.workbench) else { return };
        let assistant = match &workbench.assistant {
            Ok(assistant) => assistant.clone(),
            Err(failure) => {
                let reason = Reason::NoModel(failure.to_string());
                return self.refuse_command(id, &reason);
            }
        };
        let range = positions::to_offsets(open.text(), target.range, encoding);
        let (doc, version) = (open.document(), open.version());
        let root = self.client.folder_of(open.path()).map(Path::to_owned);
        let host = self.host.clone();
        let (kind, problem) = (command.to_owned(), target.problem);
        let of = uri.clone();
        let task = async move {
            let asked = match kind.as_str() {
                EXPLAIN => assistant.explain(&doc, range).await.map(Found::Explanation),
                FIX => assistant.fix(&doc, range.start, &problem).await.map(Found::Fix),
                _ => {
                    let exists = |path: &Path| host.exists(path);
                    assistant.write_test(&doc, range.start, root.as_deref(), &exists).await.map(Found::Test)
                }
            };
            let found = asked.unwrap_or_else(|error| {
                let hint = error.hint().map_or_else(String::new, |it| format!(". {it}"));
                Found::Failure(format!("{error}{hint}"))
            });
            Done::Command(Box::new(CommandDone { uri: of, version, found }))
        };
        self.begin_progress(&id, title(command), token);
        self.work.start(id, None, task);
    }

    fn refuse_command(&mut self, id: RequestId, reason: &Reason) {
        self.say_again(2, &format!("Wright cannot help here: {reason}"));
        self.out.answer(id, Value::Null);
    }

    /// Shows what a command found, or has it applied.
    pub(crate) fn command_done(&mut self, id: RequestId, done: CommandDone) {
        self.end_progress(&id);
        let CommandDone { uri, version, found } = done;
        match found {
            Found::Explanation(text) => {
                self.show_text(&text);
                self.out.answer(id, Value::Null);
            }
            Found::Failure(message) => {
                self.say_again(1, &format!("Wright could not do it: {message}"));
                self.out.answer(id, Value::Null);
            }
            Found::Fix(Ok(fix)) => {
                self.apply(id, &uri, version, &format!("Fix `{}`", fix.name), fix.edit.change());
            }
            Found::Test(Ok(test)) => {
                let label = format!("Test `{}`", test.name);
                let is_same = self.documents.get(&uri).is_some_and(|it| it.path() == test.path);
                if is_same {
                    self.apply(id, &uri, version, &label, test.edit.change());
                } else {
                    self.create(id, &test.path, &label, test.edit.change());
                }
            }
            Found::Fix(Err(findings)) | Found::Test(Err(findings)) => {
                let why = findings.first().map_or_else(|| "the model had no answer".to_owned(), ToString::to_string);
                self.say_again(2, &format!("Wright has nothing that passes its checks: {why}"));
                self.out.answer(id, Value::Null);
            }
        }
    }

    /// Has the client apply a verified edit, if the document is still the one it was judged against.
    fn apply(&mut self, id: RequestId, uri: &Url, version: i64, label: &str, edit: &Edit) {
        let Some(open) = self.documents.get(uri).filter(|it| it.version() == version) else {
            self.say_again(2, "Wright changed nothing: you edited the file meanwhile. Ask again.");
            return self.out.answer(id, Value::Null);
        };
        let edits = text_edits(open, edit, self.client.encoding());
        let workspace_edit = if self.client.changes_versions {
            let document = json!({ "uri": uri, "version": version });
            json!({ "documentChanges": [{ "textDocument": document, "edits": edits }] })
        } else {
            json!({ "changes": { uri.as_str(): edits } })
        };
        self.ask_to_apply(id, label, &workspace_edit);
    }

    /// Has the client make a file; an untitled document where it cannot.
    fn create(&mut self, id: RequestId, path: &Path, label: &str, edit: &Edit) {
        let text: String = edit.replacements().iter().map(|it| it.text.as_str()).collect();
        let uri = Url::from_file_path(path).ok().filter(|_| self.client.creates_files && self.client.changes_versions);
        let Some(uri) = uri else {
            self.show_text(&format!("# {}\n\n```\n{text}```\n", path.display()));
            return self.out.answer(id, Value::Null);
        };
        let start = json!({ "line": 0, "character": 0 });
        let insert = json!({ "range": { "start": start, "end": start }, "newText": text });
        let changes = json!([
            { "kind": "create", "uri": uri, "options": { "overwrite": false, "ignoreIfExists": false } },
            { "textDocument": { "uri": uri, "version": null }, "edits": [insert] },
        ]);
        self.ask_to_apply(id, label, &json!({ "documentChanges": changes }));
        if self.client.shows_documents {
            self.out.request("window/showDocument", json!({ "uri": uri, "takeFocus": true }));
        }
    }

    fn ask_to_apply(&mut self, id: RequestId, label: &str, edit: &Value) {
        if !self.client.applies_edits {
            self.say_again(2, "This editor applies no edits that a language server asks for.");
            return self.out.answer(id, Value::Null);
        }
        let asked = self.out.request("workspace/applyEdit", json!({ "label": label, "edit": edit }));
        self.questions.insert(asked, Question::Applied(id));
    }

    /// Answers a command after the client said what became of its edit.
    pub(crate) fn applied(&mut self, id: RequestId, response: Response) {
        let is_applied = response.response_result.is_ok_and(|it| it["applied"] == true);
        if !is_applied {
            self.say_again(2, "The editor did not apply the edit.");
        }
        self.out.answer(id, Value::Null);
    }

    /// Shows Markdown: as a document where the client can, else as a message.
    fn show_text(&mut self, markdown: &str) {
        let file = self.client.shows_documents.then(|| self.host.keep_page(markdown)).flatten();
        match file.and_then(|it| Url::from_file_path(it).ok()) {
            Some(uri) => {
                self.out.request("window/showDocument", json!({ "uri": uri, "takeFocus": true }));
            }
            None => self.say_again(3, markdown.trim()),
        }
    }
}

/// Returns the actions for a place.
fn actions(uri: &Url, range: Range, is_cursor: bool, function: Option<&str>, context: &ActionContext) -> Vec<Value> {
    let is_wanted = |kind: &str| match &context.only {
        None => true,
        Some(only) => only.iter().any(|it| it.is_empty() || kind == it || kind.starts_with(&format!("{it}."))),
    };
    let target =
        |range: Range, problem: &str| json!({ "textDocument": { "uri": uri }, "range": range, "problem": problem });
    let action = |title: &str, kind: &str, command: &str, argument: Value| json!({ "title": title, "kind": kind, "command": { "title": title, "command": command, "arguments": [argument] } });
    let mut actions = Vec::new();
    if let (Some(_), true) = (function, is_wanted("quickfix")) {
        for diagnostic in context.diagnostics.iter().take(MAX_FIXES) {
            let Some(message) = message_of(diagnostic) else { continue };
            let place = serde_json::from_value(diagnostic["range"].clone()).unwrap_or(range);
            let title = format!("Fix with Wright: {}", shortened(&message));
            let mut fix = action(&title, "quickfix", FIX, target(place, &message));
            fix["diagnostics"] = json!([diagnostic]);
            actions.push(fix);
        }
    }
    if !is_wanted("refactor") {
        return actions;
    }
    match function {
        Some(name) if is_cursor => {
            actions.push(action(&format!("Explain `{name}` with Wright"), "refactor", EXPLAIN, target(range, "")));
        }
        None if is_cursor => {}
        Some(_) | None => {
            actions.push(action("Explain the selection with Wright", "refactor", EXPLAIN, target(range, "")));
        }
    }
    if let Some(name) = function.filter(|it| !it.starts_with("test_") && !it.starts_with("Test")) {
        let title = format!("Write a test for `{name}` with Wright");
        actions.push(action(&title, "refactor", WRITE_TEST, target(range, "")));
    }
    actions
}

/// Returns a diagnostic's message, which newer clients may send as markup.
fn message_of(diagnostic: &Value) -> Option<String> {
    let message = &diagnostic["message"];
    message.as_str().or_else(|| message["value"].as_str()).map(str::to_owned)
}

fn shortened(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let end = line.char_indices().nth(MAX_TITLE).map_or(line.len(), |it| it.0);
    if end < line.len() { format!("{}…", &line[..end]) } else { line.to_owned() }
}

fn title(command: &str) -> &'static str {
    match command {
        EXPLAIN => "Explaining",
        FIX => "Fixing",
        _ => "Writing a test",
    }
}

/// Returns an edit as the protocol has it.
fn text_edits(open: &OpenDocument, edit: &Edit, encoding: positions::Encoding) -> Vec<Value> {
    let edits = edit
        .replacements()
        .iter()
        .map(|it| json!({ "range": positions::to_range(open.text(), it.range.clone(), encoding), "newText": it.text }));
    edits.collect()
}
