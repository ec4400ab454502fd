//! The local worker as a [`Provider`]: connects to it, starts it when nobody listens, and turns its answers into events.
//!
//! Each request has a connection of its own; dropping the stream closes it, and the worker stops within a decode step.
//! What the two say to each other is in [`crate::protocol`].

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio_util::codec::{FramedRead, LinesCodec};
use wright_provider::{
    Alternatives, Capabilities, CompletionStream, Event, Prompt, PromptCost, Provider, ProviderError, Request,
};

use crate::catalogue;
use crate::protocol::{Answer, Ask, Line, MAX_MESSAGE_BYTES, WireError, WireModelStats, WireStats, event_of, rank_ask};
use crate::worker::WorkerConfig;

/// How long a worker may take until it listens.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How often a starting worker is looked at.
const START_TICK: Duration = Duration::from_millis(20);

/// How long a worker that found another one is waited for before the next one is started.
const RETRY_TICK: Duration = Duration::from_millis(200);

/// How much of the worker's log is shown when it does not start.
const LOG_TAIL_BYTES: usize = 2000;

/// A log that is longer than this is started anew with the next worker.
const MAX_LOG_BYTES: u64 = 1 << 20;

/// How many tokens of a prompt are read before the worker looks for something more urgent.
const PREFILL_TOKENS: usize = 64;

/// How the threads of a worker wait for each other: they spin for about ten microseconds, as long as most waits are, and
/// then sleep. Where a machine's cores are busy, threads that spin longer take the time from those they wait for; without
/// spinning, every operation pays for waking up. `evals/completion/engine.md` has the figures.
pub(crate) const WAITING: [(&str, &str); 3] =
    [("OMP_WAIT_POLICY", "passive"), ("GOMP_SPINCOUNT", "500"), ("KMP_BLOCKTIME", "0")];

/// How the local worker is started and reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalConfig {
    /// The program and arguments that run [`crate::worker_main`]; the worker's configuration follows as one more argument,
    /// in JSON.
    pub worker_command: Vec<String>,
    /// Where the worker listens.
    pub socket: PathBuf,
    /// The folder of models.
    pub models: PathBuf,
    /// Threads that compute; the number of physical cores is best.
    pub threads: usize,
    /// Prompt and completion together may have this many tokens.
    pub context_tokens: usize,
    /// A private folder where what was read for a repository is kept between runs; nothing is kept without one.
    pub states: Option<PathBuf>,
    /// A model that was not used for this long is unloaded.
    pub idle_unload: Duration,
    /// A worker that was not used for this long ends.
    pub idle_exit: Duration,
}

/// A model of the local worker.
#[derive(Debug, Clone)]
pub struct LocalProvider {
    config: LocalConfig,
    id: String,
    /// `local:` and the id.
    model: String,
}

/// What the worker is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkerStats {
    /// The worker's process id.
    pub pid: u32,
    /// Requests that are queued or being answered.
    pub n_requests: usize,
    /// The models in memory.
    pub models: Vec<ModelStats>,
}

/// What one loaded model is doing.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelStats {
    /// The model's id.
    pub id: String,
    /// Prompt and completion together may have this many tokens.
    pub context_window: usize,
    /// Tokens kept in each slot.
    pub slots: Vec<usize>,
    /// Tokens of prompts that were read.
    pub prompt_tokens: u64,
    /// Tokens of prompts that a slot held already.
    pub cached_tokens: u64,
    /// Tokens that were written.
    pub completion_tokens: u64,
    /// Prompt tokens read per second.
    pub read_per_second: f64,
    /// Tokens written per second.
    pub written_per_second: f64,
}

impl LocalProvider {
    /// Returns the provider for model `model_id`. Nothing is started or loaded before the first request.
    pub fn new(config: LocalConfig, model_id: &str) -> Self {
        Self { config, id: model_id.to_owned(), model: format!("local:{model_id}") }
    }

    /// Returns what the worker is doing; `None` when no worker runs.
    pub async fn stats(&self) -> Result<Option<WorkerStats>, ProviderError> {
        worker_stats(&self.config.socket).await
    }

    /// Sends a request and returns the connection once the worker has accepted it. A connection that closes before that
    /// belonged to a worker that was just ending, and another one is started, once.
    async fn ask(&self, ask: Ask) -> Result<Connection, ProviderError> {
        let mut connection = self.connect().await?;
        let message = match connection.send_and_accept(&ask).await {
            Ok(()) => return Ok(connection),
            Err(AskError::Refused(error)) => return Err(error.into_provider_error(&self.model, &self.id)),
            Err(AskError::Closed(message)) => message,
        };
        tracing::debug!("the model worker closed the connection ({message}), starting another");
        let mut connection = self.connect().await?;
        match connection.send_and_accept(&ask).await {
            Ok(()) => Ok(connection),
            Err(AskError::Refused(error)) => Err(error.into_provider_error(&self.model, &self.id)),
            Err(AskError::Closed(message)) => {
                Err(self.unreachable(format!("the model worker closed the connection: {message}")))
            }
        }
    }

    /// Sends a request that has one answer, and returns that.
    async fn ask_once(&self, ask: Ask) -> Result<Answer, ProviderError> {
        let mut connection = self.ask(ask).await?;
        match connection.next_answer().await {
            Ok(Answer::Error { error }) => Err(error.into_provider_error(&self.model, &self.id)),
            Ok(answer) => Ok(answer),
            Err(message) => Err(self.broke_off(message)),
        }
    }

    /// Connects to the worker, starting one when nobody listens.
    async fn connect(&self) -> Result<Connection, ProviderError> {
        if let Ok(stream) = UnixStream::connect(&self.config.socket).await {
            return Ok(Connection::new(stream));
        }
        self.start_worker().await.map_err(|message| self.unreachable(message))
    }

    /// Starts a worker and connects to it.
    async fn start_worker(&self) -> Result<Connection, String> {
        let log = log_path(&self.config.socket);
        let mut child = spawn_worker(&self.config, &log)?;
        let started = Instant::now();
        loop {
            if let Ok(stream) = UnixStream::connect(&self.config.socket).await {
                reap_when_it_ends(child);
                return Ok(Connection::new(stream));
            }
            match child.try_wait() {
                // Another worker has the lock. It will listen soon, or it was just ending and a new one is needed.
                Ok(Some(status)) if status.success() => {
                    tokio::time::sleep(RETRY_TICK).await;
                    child = spawn_worker(&self.config, &log)?;
                }
                Ok(Some(status)) => {
                    return Err(format!("the model worker ended at its start ({status}): {}", tail(&log)));
                }
                Ok(None) => {}
                Err(error) => return Err(format!("cannot watch the model worker: {error}")),
            }
            if started.elapsed() > START_LIMIT {
                reap_when_it_ends(child);
                let seconds = START_LIMIT.as_secs();
                return Err(format!("the model worker does not listen after {seconds} s: {}", tail(&log)));
            }
            tokio::time::sleep(START_TICK).await;
        }
    }

    fn unreachable(&self, message: String) -> ProviderError {
        ProviderError::Unreachable { model: self.model.clone(), message }
    }

    fn broke_off(&self, message: String) -> ProviderError {
        ProviderError::BrokeOff { model: self.model.clone(), message }
    }

    fn unexpected(&self, answer: &Answer) -> ProviderError {
        self.broke_off(format!("unexpected answer of the model worker: {answer:?}"))
    }
}

#[async_trait]
impl Provider for LocalProvider {
    fn model(&self) -> &str {
        &self.model
    }

    fn capabilities(&self) -> Capabilities {
        let trained = catalogue::find(&self.id).map_or(usize::MAX, |model| model.max_context);
        Capabilities { fills_in_the_middle: true, ranks: true, context_window: self.config.context_tokens.min(trained) }
    }

    async fn complete(&self, request: Request) -> Result<CompletionStream, ProviderError> {
        let ask = Ask::Complete {
            model: self.id.clone(),
            prompt: request.prompt.into(),
            sampling: request.sampling.into(),
            priority: request.priority.into(),
            client: request.client.0,
            scope: request.scope,
        };
        let connection = self.ask(ask).await?;
        events(connection, self.clone()).await
    }

    async fn rank(&self, alternatives: Alternatives) -> Result<Vec<f32>, ProviderError> {
        match self.ask_once(rank_ask(&self.id, alternatives)).await? {
            Answer::Ranked { scores } => Ok(scores),
            answer => Err(self.unexpected(&answer)),
        }
    }

    /// A worker that does not run is not started for it.
    async fn cost(&self, prompt: &Prompt) -> Result<PromptCost, ProviderError> {
        let Ok(stream) = UnixStream::connect(&self.config.socket).await else {
            return Ok(PromptCost::estimate(prompt));
        };
        let mut connection = Connection::new(stream);
        let ask = Ask::Cost { model: self.id.clone(), prompt: prompt.clone().into() };
        let answer = match connection.send_and_accept(&ask).await {
            Ok(()) => connection.next_answer().await.map_err(|message| self.broke_off(message))?,
            Err(AskError::Refused(error)) => Answer::Error { error },
            // The worker was just ending, and its cache with it.
            Err(AskError::Closed(_)) => return Ok(PromptCost::estimate(prompt)),
        };
        match answer {
            Answer::Cost { tokens, cached } => Ok(PromptCost { n_tokens: tokens, n_cached: cached }),
            Answer::Error { error } => Err(error.into_provider_error(&self.model, &self.id)),
            answer => Err(self.unexpected(&answer)),
        }
    }

    async fn count_tokens(&self, text: &str) -> Result<usize, ProviderError> {
        let ask = Ask::CountTokens { model: self.id.clone(), text: text.to_owned() };
        match self.ask_once(ask).await? {
            Answer::Counted { tokens } => Ok(tokens),
            answer => Err(self.unexpected(&answer)),
        }
    }
}

/// Returns the stream of a completion's events. Waits for the first answer, so that a request that is refused fails here
/// and not in the middle of a stream.
async fn events(mut connection: Connection, provider: LocalProvider) -> Result<CompletionStream, ProviderError> {
    let first = event(&provider, connection.next_answer().await)?;
    let state = Some((connection, provider));
    let is_only = matches!(first, Event::Finished(_));
    let rest = futures::stream::unfold(state.filter(|_| !is_only), |state| async move {
        let (mut connection, provider) = state?;
        let event = event(&provider, connection.next_answer().await);
        let is_last = matches!(event, Ok(Event::Finished(_)) | Err(_));
        Some((event, (!is_last).then_some((connection, provider))))
    });
    Ok(Box::pin(futures::stream::iter([Ok(first)]).chain(rest)))
}

/// Turns an answer to a completion into an event.
fn event(provider: &LocalProvider, answer: Result<Answer, String>) -> Result<Event, ProviderError> {
    match answer {
        Ok(Answer::Error { error }) => Err(error.into_provider_error(&provider.model, &provider.id)),
        Ok(answer) => event_of(answer.clone()).ok_or_else(|| provider.unexpected(&answer)),
        Err(message) => Err(provider.broke_off(message)),
    }
}

/// Returns what the worker at `socket` is doing; `None` when no worker listens there.
pub async fn worker_stats(socket: &Path) -> Result<Option<WorkerStats>, ProviderError> {
    let Ok(stream) = UnixStream::connect(socket).await else { return Ok(None) };
    match Connection::new(stream).exchange(&Ask::Stats).await {
        Ok(Answer::Stats(stats)) => Ok(Some(stats.into())),
        Ok(Answer::Error { error }) => Err(error.into_provider_error("local", "local")),
        Ok(answer) => Err(broke_off(format!("unexpected answer of the model worker: {answer:?}"))),
        Err(message) => Err(broke_off(message)),
    }
}

/// Ends the worker at `socket`, and returns whether there was one. Returns once it has gone.
pub async fn stop_worker(socket: &Path) -> Result<bool, ProviderError> {
    let Ok(stream) = UnixStream::connect(socket).await else { return Ok(false) };
    let mut connection = Connection::new(stream);
    connection.send(&Ask::Shutdown).await.map_err(|error| broke_off(error.to_string()))?;
    // The worker closes the connection when it ends; until then there may be answers.
    while connection.next_answer().await.is_ok() {}
    Ok(true)
}

fn broke_off(message: String) -> ProviderError {
    ProviderError::BrokeOff { model: "local".to_owned(), message }
}

/// One connection to the worker.
struct Connection {
    lines: FramedRead<OwnedReadHalf, LinesCodec>,
    writer: OwnedWriteHalf,
}

/// Why a request was not accepted.
enum AskError {
    /// The worker said why.
    Refused(WireError),
    /// The connection closed.
    Closed(String),
}

/// The id of the only request of a connection.
const REQUEST_ID: u64 = 1;

impl Connection {
    fn new(stream: UnixStream) -> Self {
        let (reader, writer) = stream.into_split();
        let lines = FramedRead::new(reader, LinesCodec::new_with_max_length(MAX_MESSAGE_BYTES));
        Self { lines, writer }
    }

    async fn send(&mut self, ask: &Ask) -> io::Result<()> {
        self.writer.write_all(Line::new(REQUEST_ID, ask.clone()).to_json().as_bytes()).await
    }

    /// Sends a request and waits until the worker has it.
    async fn send_and_accept(&mut self, ask: &Ask) -> Result<(), AskError> {
        self.send(ask).await.map_err(|error| AskError::Closed(error.to_string()))?;
        match self.next_answer().await {
            Ok(Answer::Accepted) => Ok(()),
            Ok(Answer::Error { error }) => Err(AskError::Refused(error)),
            Ok(answer) => {
                Err(AskError::Refused(WireError::Failed { message: format!("unexpected answer {answer:?}") }))
            }
            Err(message) => Err(AskError::Closed(message)),
        }
    }

    /// Sends a request that is answered at once.
    async fn exchange(&mut self, ask: &Ask) -> Result<Answer, String> {
        self.send(ask).await.map_err(|error| error.to_string())?;
        self.next_answer().await
    }

    /// Returns the next answer, or why there is none.
    async fn next_answer(&mut self) -> Result<Answer, String> {
        let line = match self.lines.next().await {
            Some(Ok(line)) => line,
            Some(Err(error)) => return Err(format!("cannot read from the model worker: {error}")),
            None => return Err("the model worker ended".to_owned()),
        };
        match Line::<Answer>::parse(&line) {
            Ok(line) => Ok(line.body),
            Err((_, error)) => Err(format!("cannot understand the model worker: {error:?}")),
        }
    }
}

/// Returns the path of the log that belongs to a socket.
fn log_path(socket: &Path) -> PathBuf {
    socket.with_extension("log")
}

/// Starts the worker as a process of its own that outlives this one.
fn spawn_worker(config: &LocalConfig, log: &Path) -> Result<Child, String> {
    let (program, arguments) =
        config.worker_command.split_first().ok_or("no command to start the model worker with")?;
    let output = open_log(log).map_err(|error| format!("cannot write {}: {error}", log.display()))?;
    let errors = output.try_clone().map_err(|error| error.to_string())?;
    let worker = WorkerConfig {
        socket: config.socket.clone(),
        models: config.models.clone(),
        threads: config.threads,
        context_tokens: config.context_tokens,
        prefill_tokens: PREFILL_TOKENS,
        states: config.states.clone(),
        idle_unload_seconds: config.idle_unload.as_secs(),
        idle_exit_seconds: config.idle_exit.as_secs(),
    };
    Command::new(program)
        .args(arguments)
        .arg(worker.to_json()?)
        .envs(WAITING)
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|error| format!("cannot start {program:?}: {error}"))
}

/// Opens the worker's log, in a private folder.
fn open_log(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    let is_long = fs::metadata(path).is_ok_and(|metadata| metadata.len() > MAX_LOG_BYTES);
    File::options().create(true).append(!is_long).write(true).truncate(is_long).open(path)
}

/// Waits for the worker on a thread of its own, so that it does not stay a zombie while this process lives.
fn reap_when_it_ends(mut child: Child) {
    std::thread::spawn(move || child.wait());
}

/// Returns the end of the log.
fn tail(log: &Path) -> String {
    let text = fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let start = text.len().saturating_sub(LOG_TAIL_BYTES);
    let start = (start..=text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    let tail = text[start..].trim();
    if tail.is_empty() { format!("{} is empty", log.display()) } else { tail.to_owned() }
}

impl From<WireStats> for WorkerStats {
    fn from(stats: WireStats) -> Self {
        let models = stats.models.into_iter().map(ModelStats::from).collect();
        Self { pid: stats.pid, n_requests: stats.n_requests, models }
    }
}

impl From<WireModelStats> for ModelStats {
    fn from(stats: WireModelStats) -> Self {
        Self {
            id: stats.id,
            context_window: stats.context_window,
            slots: stats.slots,
            prompt_tokens: stats.prompt_tokens,
            cached_tokens: stats.cached_tokens,
            completion_tokens: stats.completion_tokens,
            read_per_second: stats.read_per_second,
            written_per_second: stats.written_per_second,
        }
    }
}
