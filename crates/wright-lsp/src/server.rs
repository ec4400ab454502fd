//! The loop: one event after the other, and who handles it.

use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select};
use gen_lsp_types::{
    ChangeNotifications, CodeActionKind, CodeActionOptions, CodeActionProvider, ExecuteCommandOptions,
    InlineCompletionProvider, Save, ServerCapabilities, TextDocumentSync, TextDocumentSyncKind,
    TextDocumentSyncOptions, WorkDoneProgressOptions, WorkspaceFoldersServerCapabilities, WorkspaceOptions,
};
use lsp_server::{ErrorCode, Message, Notification, Request, RequestId, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;
use wright_store::SuggestionLog;

use crate::actions::{CommandDone, EXPLAIN, FIX, WRITE_TEST};
use crate::client::Client;
use crate::feedback::Rounds;
use crate::frames::Incoming;
use crate::host::{Host, Workbench};
use crate::inline::Suggested;
use crate::items::ACCEPTED;
use crate::next_edit::Looked;
use crate::open_document::OpenDocument;
use crate::outbox::Outbox;
use crate::reasons::Reasons;
use crate::settings::ClientSettings;
use crate::status::{State, Status};
use crate::tracker::Tracker;
use crate::transport::Ended;
use crate::work::{Finished, Work};

/// How often the loop looks at the clock while nothing happens.
const IDLE_TICK: Duration = Duration::from_secs(1);

/// How often it does while a task runs, so that the editor hears of it.
const BUSY_TICK: Duration = Duration::from_millis(50);

/// What is said of a panic.
const BUG: &str = "this is a bug in wright; it goes on";

/// Everything that can wake the server.
enum Event {
    /// The client sent something.
    Received(Incoming),
    /// The client's stream ended.
    ClientGone,
    /// A task ended.
    Done(Finished<Done>),
    /// Time passed.
    Tick,
}

/// What a task found.
pub(crate) enum Done {
    /// Suggestions at a position.
    Suggested(Box<Suggested>),
    /// The next place to edit.
    NextEdit(Box<Looked>),
    /// What can be done at a place.
    Actions(Vec<Value>),
    /// What a command asked for.
    Command(Box<CommandDone>),
    /// The newest commits of repositories.
    Heads(Vec<(PathBuf, String)>),
}

/// How far the conversation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    BeforeInitialize,
    Running,
    ShutDown,
}

/// A question of ours that the client has not answered.
pub(crate) enum Question {
    /// What are the settings?
    Settings,
    /// Was the edit applied that this command led to?
    Applied(RequestId),
}

/// One conversation with one client.
pub(crate) struct Server {
    pub(crate) host: Arc<dyn Host>,
    pub(crate) out: Outbox,
    pub(crate) work: Work<Done>,
    pub(crate) client: Client,
    pub(crate) settings: ClientSettings,
    /// The model, or why there is none.
    pub(crate) workbench: Result<Workbench, String>,
    pub(crate) documents: HashMap<Url, OpenDocument>,
    /// Documents of which a change could not be read.
    pub(crate) distrusted: HashSet<Url>,
    pub(crate) reasons: Reasons,
    pub(crate) status: Status,
    pub(crate) questions: HashMap<RequestId, Question>,
    pub(crate) tracker: Tracker,
    pub(crate) log: SuggestionLog,
    pub(crate) rounds: Rounds,
    /// The newest commits that were seen.
    pub(crate) heads: HashMap<PathBuf, String>,
    /// Under which token the progress of a request is shown.
    pub(crate) progress: HashMap<RequestId, Value>,
    pub(crate) n_tokens: u64,
    /// Messages that were shown once and need not be shown again.
    said: HashSet<String>,
    phase: Phase,
    last_parent_check: Instant,
}

impl Server {
    pub(crate) fn new(host: Arc<dyn Host>, out: Outbox, runtime: tokio::runtime::Handle) -> Self {
        Self {
            log: host.suggestion_log(),
            host,
            out,
            work: Work::new(runtime),
            client: Client::default(),
            settings: ClientSettings::default(),
            workbench: Err("no model was opened yet".to_owned()),
            documents: HashMap::new(),
            distrusted: HashSet::new(),
            reasons: Reasons::default(),
            status: Status::new(),
            questions: HashMap::new(),
            tracker: Tracker::default(),
            rounds: Rounds::default(),
            heads: HashMap::new(),
            progress: HashMap::new(),
            n_tokens: 0,
            said: HashSet::new(),
            phase: Phase::BeforeInitialize,
            last_parent_check: Instant::now(),
        }
    }

    /// Handles events until the conversation ends.
    pub(crate) fn run(mut self, from_client: &Receiver<Incoming>) -> Ended {
        loop {
            let event = self.next(from_client);
            let received = Instant::now();
            if let Some(ended) = self.handle(event) {
                self.work.cancel_all();
                self.record_typed();
                return ended;
            }
            if self.phase == Phase::Running {
                self.track_time();
                let news = self.status.news(self.work.busy_since(), Instant::now());
                if let Some(params) = news {
                    self.out.notify("wright/status", params);
                }
            }
            let took = received.elapsed();
            if took > Duration::from_millis(5) {
                tracing::debug!(?took, "an event kept the loop");
            }
        }
    }

    fn next(&self, from_client: &Receiver<Incoming>) -> Event {
        let tick = if self.work.busy_since().is_some() { BUSY_TICK } else { IDLE_TICK };
        select! {
            recv(from_client) -> incoming => incoming.map_or(Event::ClientGone, Event::Received),
            // The server holds a sender, so this channel is never closed.
            recv(self.work.results) -> finished => finished.map_or(Event::Tick, Event::Done),
            default(tick) => Event::Tick,
        }
    }

    fn handle(&mut self, event: Event) -> Option<Ended> {
        match event {
            Event::Received(incoming) => self.received(incoming),
            Event::ClientGone if self.phase == Phase::ShutDown => Some(Ended::InOrder),
            Event::ClientGone => Some(Ended::Abandoned),
            Event::Done(finished) => {
                self.finished(finished);
                None
            }
            Event::Tick => self.tick(),
        }
    }

    fn tick(&mut self) -> Option<Ended> {
        if self.out.is_closed() {
            return Some(Ended::Abandoned);
        }
        if self.last_parent_check.elapsed() >= IDLE_TICK {
            self.last_parent_check = Instant::now();
            if self.client.process_id.is_some_and(|it| !is_alive(it)) {
                tracing::info!("the client's process is gone");
                return Some(Ended::Abandoned);
            }
        }
        None
    }

    fn received(&mut self, incoming: Incoming) -> Option<Ended> {
        match incoming {
            Incoming::Invalid { id: Some(id), code, what } => self.out.refuse(id, code, what),
            Incoming::Invalid { id: None, code, what } => self.out.complain(code, what),
            Incoming::Message(Message::Request(request)) => self.requested(request),
            Incoming::Message(Message::Notification(it)) if it.method == "exit" => {
                return Some(if self.phase == Phase::ShutDown { Ended::InOrder } else { Ended::Abandoned });
            }
            Incoming::Message(Message::Notification(notification)) => self.notified(notification),
            Incoming::Message(Message::Response(response)) => self.answered(response),
        }
        None
    }

    fn requested(&mut self, request: Request) {
        let id = request.id.clone();
        if self.work.has(&id) {
            self.out.refuse(id, ErrorCode::InvalidRequest, "a request with this id is being worked on");
            return;
        }
        match (self.phase, request.method.as_str()) {
            (Phase::BeforeInitialize, "initialize") => self.initialize(id, &request.params),
            (Phase::BeforeInitialize, _) => {
                self.out.refuse(id, ErrorCode::ServerNotInitialized, "`initialize` comes first");
            }
            (Phase::Running, "initialize") => self.out.refuse(id, ErrorCode::InvalidRequest, "initialized already"),
            (Phase::Running, _) => {
                let handled = std::panic::catch_unwind(AssertUnwindSafe(|| self.dispatch(request)));
                if handled.is_err() {
                    self.out.refuse(id, ErrorCode::InternalError, BUG);
                }
            }
            (Phase::ShutDown, _) => self.out.refuse(id, ErrorCode::InvalidRequest, "the server was shut down"),
        }
    }

    fn dispatch(&mut self, request: Request) {
        let Request { id, method, params } = request;
        match method.as_str() {
            "shutdown" => self.shut_down(id),
            "textDocument/inlineCompletion" => self.with(id, params, Self::inline_completion),
            "textDocument/copilotInlineEdit" => self.with(id, params, Self::next_edit),
            "textDocument/codeAction" => self.with(id, params, Self::code_action),
            "workspace/executeCommand" => self.with(id, params, Self::execute_command),
            "wright/log" => {
                let log = self.workbench.as_ref().map(|it| it.completer.log()).unwrap_or_default();
                let entries = self.reasons.to_json(&log);
                self.out.answer(id, entries);
            }
            _ => self.out.refuse(id, ErrorCode::MethodNotFound, format!("unknown method {method:?}")),
        }
    }

    fn notified(&mut self, notification: Notification) {
        if self.phase != Phase::Running {
            return;
        }
        let method = notification.method.clone();
        if std::panic::catch_unwind(AssertUnwindSafe(|| self.follow(notification))).is_err() {
            tracing::error!(method, "a notification hit a bug");
        }
    }

    fn follow(&mut self, notification: Notification) {
        let Notification { method, params } = notification;
        match method.as_str() {
            "initialized" => self.initialized(),
            "$/cancelRequest" => self.cancel(&params["id"]),
            "textDocument/didOpen" => self.did_open(params),
            "textDocument/didChange" => self.did_change(params),
            "textDocument/didClose" => self.did_close(&params),
            "textDocument/didFocus" => self.did_focus(&params),
            "textDocument/didShowCompletion" | "textDocument/didShowInlineEdit" => self.did_show(&params),
            "textDocument/didPartiallyAcceptCompletion" => self.did_partially_accept(&params),
            "wright/dismissed" => self.dismissed(&params),
            "workspace/didChangeConfiguration" => self.did_change_configuration(&params),
            "window/workDoneProgress/cancel" => self.cancel_progress(&params["token"]),
            "workspace/didChangeWorkspaceFolders" => self.client.change_folders(&params),
            _ => {}
        }
    }

    fn answered(&mut self, response: Response) {
        let Some(question) = self.questions.remove(&response.id) else { return };
        match question {
            Question::Settings => match response.response_result {
                Ok(values) => self.configure(&values[0]),
                Err(error) => tracing::info!(error.message, "the client has no settings"),
            },
            Question::Applied(id) => self.applied(id, response),
        }
    }

    fn finished(&mut self, finished: Finished<Done>) {
        match self.work.take(finished) {
            None | Some((None, None)) => {}
            Some((Some(id), None)) => {
                self.end_progress(&id);
                self.out.refuse(id, ErrorCode::InternalError, BUG);
            }
            Some((id, Some(done))) => {
                let answered = id.clone();
                if std::panic::catch_unwind(AssertUnwindSafe(|| self.done(id, done))).is_err()
                    && let Some(id) = answered
                {
                    self.out.refuse(id, ErrorCode::InternalError, BUG);
                }
            }
        }
    }

    fn done(&mut self, id: Option<RequestId>, done: Done) {
        match (done, id) {
            (Done::Suggested(suggested), Some(id)) => self.suggested(id, *suggested),
            (Done::NextEdit(looked), Some(id)) => self.looked(id, *looked),
            (Done::Actions(actions), Some(id)) => self.out.answer(id, actions),
            (Done::Command(done), Some(id)) => self.command_done(id, *done),
            (Done::Heads(heads), _) => self.heads_read(heads),
            (Done::Suggested(_) | Done::NextEdit(_) | Done::Actions(_) | Done::Command(_), None) => {}
        }
    }

    fn initialize(&mut self, id: RequestId, params: &Value) {
        self.client = Client::read(params);
        // A process in another container cannot be watched; its stream can.
        self.client.process_id = self.client.process_id.filter(|it| is_alive(*it));
        let options = &params["initializationOptions"]["wright"];
        self.phase = Phase::Running;
        self.out.answer(
            id,
            json!({
                "capabilities": capabilities(&self.client),
                "serverInfo": { "name": "wright", "version": env!("CARGO_PKG_VERSION") },
            }),
        );
        let (settings, problems) = ClientSettings::default().merged(options);
        self.settings = settings;
        self.open_model();
        self.warn_of(&problems);
    }

    fn initialized(&mut self) {
        if self.client.has_configuration && self.settings == ClientSettings::default() {
            self.ask_for_settings();
        }
    }

    fn shut_down(&mut self, id: RequestId) {
        for id in self.work.cancel_all() {
            self.end_progress(&id);
            self.out.refuse(id, ErrorCode::RequestCanceled, "the server shuts down");
        }
        self.phase = Phase::ShutDown;
        self.out.answer(id, Value::Null);
    }

    fn cancel(&mut self, id: &Value) {
        let Ok(id) = serde_json::from_value::<RequestId>(id.clone()) else { return };
        if self.work.cancel(&id) {
            self.end_progress(&id);
            self.out.refuse(id, ErrorCode::RequestCanceled, "canceled");
        }
    }

    fn did_change_configuration(&mut self, params: &Value) {
        let settings = &params["settings"];
        if settings.is_null() && self.client.has_configuration {
            return self.ask_for_settings();
        }
        self.configure(&settings["wright"].clone());
    }

    fn ask_for_settings(&mut self) {
        let id = self.out.request("workspace/configuration", json!({ "items": [{ "section": "wright" }] }));
        self.questions.insert(id, Question::Settings);
    }

    fn configure(&mut self, value: &Value) {
        let (settings, problems) = self.settings.merged(value);
        let has_other_model = settings.model != self.settings.model;
        self.settings = settings;
        if has_other_model {
            self.open_model();
        } else {
            self.configure_completer();
        }
        self.warn_of(&problems);
    }

    fn open_model(&mut self) {
        match self.host.open(self.settings.model.as_deref(), &self.client.folders) {
            Ok(workbench) => {
                self.status.set_model(&workbench.model);
                self.status.set(State::Ready);
                self.workbench = Ok(workbench);
                self.configure_completer();
                self.follow_open_documents();
            }
            Err(failure) => {
                let message = failure.in_full();
                self.status.set(State::Error(message.clone()));
                self.say(1, &format!("Wright suggests nothing: {message}"));
                self.workbench = Err(message);
            }
        }
    }

    fn configure_completer(&mut self) {
        let Ok(workbench) = &self.workbench else { return };
        workbench.completer.configure(wright_complete::Settings {
            eagerness: self.settings.eagerness,
            multiline: self.settings.multiline,
            next_edit: self.settings.next_edit,
            disabled_languages: self.settings.disabled_languages.clone(),
            ..workbench.settings.clone()
        });
    }

    /// Says once what is wrong with the settings, and shows that something is for as long as it is.
    fn warn_of(&mut self, problems: &[String]) {
        let message = format!("Wright ignores a part of its settings: {}", problems.join("; "));
        match self.status.state() {
            State::Warning(_) if problems.is_empty() => self.status.set(State::Ready),
            State::Warning(_) | State::Ready if !problems.is_empty() => {
                self.status.set(State::Warning(message.clone()));
            }
            State::Starting | State::Ready | State::Warning(_) | State::Error(_) => {}
        }
        if !problems.is_empty() {
            self.say(2, &message);
        }
    }

    /// Shows a message, of kind 1 (error) to 4 (log), unless the same one was shown before.
    pub(crate) fn say(&mut self, kind: u8, message: &str) {
        if self.said.insert(message.to_owned()) {
            self.say_again(kind, message);
        }
    }

    /// Shows a message, whether or not it was shown before.
    pub(crate) fn say_again(&mut self, kind: u8, message: &str) {
        self.out.notify("window/showMessage", json!({ "type": kind, "message": message }));
    }

    /// Reads the parameters of a request and handles it, or says what is wrong with them.
    fn with<P: DeserializeOwned>(&mut self, id: RequestId, params: Value, handle: fn(&mut Self, RequestId, P)) {
        match serde_json::from_value(params) {
            Ok(params) => handle(self, id, params),
            Err(error) => self.out.refuse(id, ErrorCode::InvalidParams, format!("cannot read the parameters: {error}")),
        }
    }
}

fn capabilities(client: &Client) -> ServerCapabilities {
    ServerCapabilities {
        position_encoding: Some(client.encoding().kind()),
        text_document_sync: Some(TextDocumentSync::Options(TextDocumentSyncOptions {
            open_close: Some(true),
            change: Some(TextDocumentSyncKind::Incremental),
            save: Some(Save::Bool(true)),
            ..TextDocumentSyncOptions::default()
        })),
        inline_completion_provider: Some(InlineCompletionProvider::Bool(true)),
        execute_command_provider: Some(ExecuteCommandOptions {
            commands: [ACCEPTED, EXPLAIN, FIX, WRITE_TEST].map(str::to_owned).to_vec(),
            work_done_progress_options: WorkDoneProgressOptions { work_done_progress: Some(true) },
        }),
        code_action_provider: Some(CodeActionProvider::CodeActionOptions(CodeActionOptions {
            code_action_kinds: Some(vec![CodeActionKind::QuickFix, CodeActionKind::Refactor]),
            ..CodeActionOptions::default()
        })),
        workspace: Some(WorkspaceOptions {
            workspace_folders: Some(WorkspaceFoldersServerCapabilities {
                supported: Some(true),
                change_notifications: Some(ChangeNotifications::Bool(true)),
            }),
            ..WorkspaceOptions::default()
        }),
        ..ServerCapabilities::default()
    }
}

/// Returns whether a process exists, whoever owns it.
fn is_alive(process_id: i32) -> bool {
    let Some(process_id) = rustix::process::Pid::from_raw(process_id) else { return false };
    rustix::process::test_kill_process(process_id) != Err(rustix::io::Errno::SRCH)
}
