//! A client for tests: it writes frames, reads answers, and collects what the server says in between.

use std::collections::VecDeque;
use std::io::{BufReader, PipeReader, PipeWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use lsp_server::{Message, RequestId, Response};
use serde_json::{Value, json};
use wright_agent::assistant::Assistant;
use wright_complete::{Completer, Settings};
use wright_lsp::frames::{FrameReader, Incoming};
use wright_lsp::{Ended, Host, OpenFailure, Workbench, serve};
use wright_provider::Provider;
use wright_provider::replay::ScriptedProvider;
use wright_store::SuggestionLog;

/// A test that waits longer than this for a message has found a bug.
const PATIENCE: Duration = Duration::from_secs(30);

/// The document of most tests.
pub(crate) const URI: &str = "file:///work/project/a.py";

/// Codes of errors.
pub(crate) const INVALID_REQUEST: i32 = -32600;
pub(crate) const METHOD_NOT_FOUND: i32 = -32601;
pub(crate) const INVALID_PARAMS: i32 = -32602;
pub(crate) const NOT_INITIALIZED: i32 = -32002;
pub(crate) const REQUEST_CANCELED: i32 = -32800;
pub(crate) const CONTENT_MODIFIED: i32 = -32801;

/// One client and the server it talks to.
pub(crate) struct Client {
    to_server: Option<PipeWriter>,
    from_server: std::sync::mpsc::Receiver<Message>,
    n_complaints: Arc<AtomicUsize>,
    server: Option<JoinHandle<Ended>>,
    n_requests: i32,
    /// What came while something else was waited for.
    pub(crate) aside: VecDeque<Message>,
    _runtime: tokio::runtime::Runtime,
}

/// Opens the same provider whatever model is asked for.
struct TestHost {
    provider: Arc<dyn Provider>,
    log: SuggestionLog,
}

impl Host for TestHost {
    fn open(&self, model: Option<&str>, _folders: &[PathBuf]) -> Result<Workbench, OpenFailure> {
        if let Some(unknown) = model.filter(|it| it.starts_with("unknown")) {
            let message = format!("no model {unknown:?}");
            return Err(OpenFailure { message, hint: Some("Choose another.".to_owned()) });
        }
        // A scripted model would have the same to say again after what it said.
        let settings = Settings { look_ahead: false, ..Settings::default() };
        let completer = Arc::new(Completer::new(Arc::clone(&self.provider), settings.clone()));
        let model = model.unwrap_or(self.provider.model()).to_owned();
        let assistant = Ok(Assistant::new(Arc::clone(&self.provider)));
        Ok(Workbench { completer, settings, model, assistant })
    }

    fn suggestion_log(&self) -> SuggestionLog {
        self.log.clone()
    }

    fn head(&self, _folder: &Path) -> Option<String> {
        None
    }

    fn exists(&self, _path: &Path) -> bool {
        false
    }

    fn keep_page(&self, _markdown: &str) -> Option<PathBuf> {
        Some(PathBuf::from("/pages/answer.md"))
    }
}

impl Client {
    /// Starts a server with this provider, without a word.
    pub(crate) fn connect(provider: ScriptedProvider) -> Self {
        Self::connect_logging(provider, SuggestionLog::disabled())
    }

    /// Starts a server that records into `log`, without a word.
    pub(crate) fn connect_logging(provider: ScriptedProvider, log: SuggestionLog) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (input, to_server) = std::io::pipe().unwrap();
        let (from_server, output) = std::io::pipe().unwrap();
        let handle = runtime.handle().clone();
        let host = Arc::new(TestHost { provider: Arc::new(provider), log });
        let server = std::thread::spawn(move || serve(input, output, host, &handle));
        let (sender, receiver) = std::sync::mpsc::channel();
        let n_complaints = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&n_complaints);
        std::thread::spawn(move || read_all(from_server, &sender, &counter));
        Self {
            to_server: Some(to_server),
            from_server: receiver,
            n_complaints,
            server: Some(server),
            n_requests: 0,
            aside: VecDeque::new(),
            _runtime: runtime,
        }
    }

    /// Starts a server and shakes hands with these initialization options and capabilities.
    pub(crate) fn start_with(provider: ScriptedProvider, options: &Value, capabilities: &Value) -> Self {
        let mut client = Self::connect(provider);
        client.shake_hands(options, capabilities);
        client
    }

    /// Initializes the server with these options and capabilities.
    pub(crate) fn shake_hands(&mut self, options: &Value, capabilities: &Value) -> Value {
        let folders = json!([{ "uri": "file:///work/project", "name": "project" }]);
        let result = self.call(
            "initialize",
            json!({
                "processId": std::process::id(), "workspaceFolders": folders, "capabilities": capabilities,
                "initializationOptions": options,
            }),
        );
        self.notify("initialized", json!({}));
        result
    }

    /// Starts a server whose model answers everything with `answer`.
    pub(crate) fn start(answer: &str) -> Self {
        Self::start_with(ScriptedProvider::answering(&[answer]), &Value::Null, &json!({}))
    }

    /// Opens [`URI`] with this text as version 1.
    pub(crate) fn open(&mut self, text: &str) {
        self.open_as(URI, "python", text);
    }

    pub(crate) fn open_as(&mut self, uri: &str, language: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": language, "version": 1, "text": text });
        self.notify("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Inserts text into [`URI`].
    pub(crate) fn insert(&mut self, version: i64, at: (u32, u32), text: &str) {
        let at = json!({ "line": at.0, "character": at.1 });
        let change = json!({ "range": { "start": at, "end": at }, "text": text });
        let document = json!({ "uri": URI, "version": version });
        self.notify("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
    }

    /// Asks for suggestions in [`URI`] without waiting for the answer.
    pub(crate) fn ask(&mut self, at: (u32, u32)) -> RequestId {
        self.request("textDocument/inlineCompletion", inline(URI, at))
    }

    /// Returns the items of the answer for a position in [`URI`].
    pub(crate) fn items(&mut self, at: (u32, u32)) -> Vec<Value> {
        let result = self.call("textDocument/inlineCompletion", inline(URI, at));
        result["items"].as_array().cloned().unwrap_or_default()
    }

    /// Sends a request and waits for its result.
    pub(crate) fn call(&mut self, method: &str, params: Value) -> Value {
        let id = self.request(method, params);
        self.answer(&id).response_result.unwrap_or_else(|error| panic!("{method}: {error:?}"))
    }

    /// Sends a request and waits for its error code.
    pub(crate) fn failing(&mut self, method: &str, params: Value) -> i32 {
        let id = self.request(method, params);
        self.code(&id)
    }

    /// Waits for the error code that answers a request; 0 for a result.
    pub(crate) fn code(&mut self, id: &RequestId) -> i32 {
        self.answer(id).response_result.map_or_else(|error| error.code, |_| 0)
    }

    pub(crate) fn request(&mut self, method: &str, params: Value) -> RequestId {
        self.n_requests += 1;
        let id = RequestId::from(self.n_requests);
        self.send(&json!({ "jsonrpc": "2.0", "id": self.n_requests, "method": method, "params": params }));
        id
    }

    pub(crate) fn notify(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    pub(crate) fn send(&mut self, message: &Value) {
        let body = message.to_string();
        self.send_bytes(format!("Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        // A server that has ended does not read; the test finds out by what it waits for.
        let _ = self.to_server.as_mut().unwrap().write_all(bytes);
    }

    /// Waits for the answer to a request.
    pub(crate) fn answer(&mut self, id: &RequestId) -> Response {
        self.wait(|it| match it {
            Message::Response(response) if response.id == *id => Some(response.clone()),
            _ => None,
        })
    }

    /// Waits for a request of the server, answers it, and returns its parameters.
    pub(crate) fn answer_request(&mut self, method: &str, result: &Value) -> Value {
        let (id, params) = self.wait(|it| match it {
            Message::Request(request) if request.method == method => Some((request.id.clone(), request.params.clone())),
            _ => None,
        });
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "result": result }));
        params
    }

    /// Returns how many errors came that answer no request.
    pub(crate) fn n_complaints(&self) -> usize {
        self.n_complaints.load(Ordering::Relaxed)
    }

    /// Waits for a notification, and returns its parameters.
    pub(crate) fn notification(&mut self, method: &str) -> Value {
        self.wait(|it| match it {
            Message::Notification(notification) if notification.method == method => Some(notification.params.clone()),
            _ => None,
        })
    }

    /// Waits for a message that `find` finds something in, first among those that came already.
    pub(crate) fn wait<T>(&mut self, find: impl Fn(&Message) -> Option<T>) -> T {
        if let Some((idx, found)) = self.aside.iter().enumerate().find_map(|(idx, it)| Some((idx, find(it)?))) {
            self.aside.remove(idx);
            return found;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let message =
                self.from_server.recv_timeout(left).unwrap_or_else(|error| panic!("{error}: {:?}", self.aside));
            if let Some(found) = find(&message) {
                return found;
            }
            self.aside.push_back(message);
        }
    }

    /// Closes our side of the stream and returns how the server ended.
    pub(crate) fn hang_up(mut self) -> Ended {
        self.to_server = None;
        self.server.take().unwrap().join().unwrap()
    }

    /// Waits for the server to end by itself.
    pub(crate) fn ended(mut self) -> Ended {
        self.server.take().unwrap().join().unwrap()
    }
}

/// Returns the parameters of a request for suggestions.
pub(crate) fn inline(uri: &str, at: (u32, u32)) -> Value {
    json!({
        "textDocument": { "uri": uri },
        "position": { "line": at.0, "character": at.1 },
        "context": { "triggerKind": 2 },
    })
}

fn read_all(from_server: PipeReader, sender: &std::sync::mpsc::Sender<Message>, n_complaints: &AtomicUsize) {
    let mut reader = FrameReader::new(BufReader::new(from_server));
    while let Ok(Some(incoming)) = reader.read() {
        match incoming {
            Incoming::Message(message) => {
                if sender.send(message).is_err() {
                    return;
                }
            }
            // An error without an id is no message to this reader, which is a server's.
            Incoming::Invalid { .. } => {
                n_complaints.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
