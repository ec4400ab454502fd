//! The worker process: listens on a private socket, hands requests to the scheduler, and passes its answers back.
//!
//! Connections are served by tasks on one thread; the scheduler has a thread of its own, because a decode blocks it. A
//! lock beside the socket makes sure that there is one worker per socket, and a stale socket of a killed worker is
//! replaced.

mod costs;

mod fair;

mod fim;

mod job;

mod llama;

mod loaded;

mod measure;

mod model;

mod pace;

mod prompt;

mod quantize;

mod rank;

mod sampler;

mod saved;

mod scheduler;

mod slots;

mod text;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::io::AsyncWriteExt;
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};
use wright_provider::{ClientId, Priority, Prompt, PromptCost};

use crate::protocol::{Answer, Ask, Line, MAX_MESSAGE_BYTES, WireError};
use job::{Job, JobKey, Reply, Work};
pub(crate) use measure::TrialTask;
pub use measure::tuner_main;
use scheduler::{Command, Mailbox, Scheduler, Shared};
use slots::Owner;

/// The priority a worker asks for; below zero is before other programs.
const PRIORITY: i32 = -5;

/// How a worker runs. The first front end that needs a worker decides it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerConfig {
    /// Where it listens. The folder is created, and must be private when it exists.
    pub socket: PathBuf,
    /// The folder of models.
    pub models: PathBuf,
    /// Threads that compute; the number of physical cores is best.
    pub threads: usize,
    /// Prompt and completion together may have this many tokens.
    pub context_tokens: usize,
    /// How many tokens of a prompt are read before the worker looks for something more urgent.
    pub prefill_tokens: usize,
    /// A private folder where what was read for a scope is kept between runs; nothing is kept without one. It is created
    /// when it is missing.
    #[serde(default)]
    pub states: Option<PathBuf>,
    /// A model that was not used for this many seconds is unloaded.
    pub idle_unload_seconds: u64,
    /// A worker that was not used for this many seconds ends.
    pub idle_exit_seconds: u64,
}

impl WorkerConfig {
    /// Reads the configuration from the JSON that [`WorkerConfig::to_json`] wrote.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    /// Writes the configuration as JSON, to be passed as an argument.
    pub fn to_json(&self) -> Result<String, String> {
        serde_json::to_string(self).map_err(|error| error.to_string())
    }

    fn idle_unload(&self) -> Duration {
        Duration::from_secs(self.idle_unload_seconds)
    }

    fn idle_exit(&self) -> Duration {
        Duration::from_secs(self.idle_exit_seconds)
    }
}

/// Runs a worker until it was idle for long enough or is told to end. Its standard error is its log.
pub fn worker_main(config: WorkerConfig) -> ExitCode {
    match serve(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The client that started this worker shows the end of the log when no socket appears.
            let _ = writeln!(io::stderr(), "model worker: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns the path of the lock that belongs to a socket.
fn lock_path(socket: &Path) -> PathBuf {
    socket.with_extension("lock")
}

fn serve(config: WorkerConfig) -> io::Result<()> {
    leave_terminal();
    hurry();
    prepare_folder(&config.socket)?;
    let Some(_lock) = take_lock(&lock_path(&config.socket))? else {
        return Ok(());
    };
    let socket = config.socket.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(listen(config));
    let _ = fs::remove_file(&socket);
    result
}

/// Leaves the terminal's session, so that closing the terminal does not end the worker.
fn leave_terminal() {
    let _ = rustix::process::setsid();
}

/// Asks to be served before other programs. That fails for no reason that matters: most users may not raise a priority.
fn hurry() {
    let _ = rustix::process::setpriority_process(None, PRIORITY);
    // Where the kernel groups processes by session, a process's own priority counts inside its group only.
    let _ = fs::write("/proc/self/autogroup", PRIORITY.to_string());
}

/// Creates the socket's folder for its owner alone, or checks that it is so.
fn prepare_folder(socket: &Path) -> io::Result<()> {
    let folder = socket.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.ok_or_else(|| io::Error::other(format!("socket {} has no folder", socket.display())))?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let metadata = fs::metadata(folder)?;
    if metadata.uid() != rustix::process::getuid().as_raw() {
        return Err(io::Error::other(format!("folder {} belongs to someone else", folder.display())));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(io::Error::other(format!("folder {} is open to others", folder.display())));
    }
    Ok(())
}

/// Takes the lock of the only worker; `None` when another worker has it.
fn take_lock(path: &Path) -> io::Result<Option<File>> {
    let lock = File::options().create(true).truncate(false).write(true).open(path)?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Accepts connections until the scheduler ends.
async fn listen(config: WorkerConfig) -> io::Result<()> {
    match fs::remove_file(&config.socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(&config.socket)?;
    fs::set_permissions(&config.socket, fs::Permissions::from_mode(0o600))?;
    let (mailbox, mut ended) = start_scheduler(config)?;
    let mut n_connections = 0;
    loop {
        tokio::select! {
            _ = &mut ended => return Ok(()),
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                n_connections += 1;
                tokio::spawn(serve_connection(n_connections, stream, mailbox.clone()));
            }
        }
    }
}

/// Starts the scheduler on its own thread. The receiver resolves when it ends, also by a panic.
fn start_scheduler(config: WorkerConfig) -> io::Result<(Mailbox, oneshot::Receiver<()>)> {
    let (commands, received) = std::sync::mpsc::channel();
    let mailbox = Mailbox::new(commands, Arc::new(Shared::default()));
    let scheduler_mailbox = mailbox.clone();
    let (alive, ended) = oneshot::channel::<()>();
    std::thread::Builder::new().name("scheduler".to_owned()).spawn(move || {
        let _alive = alive;
        Scheduler::new(config, received, scheduler_mailbox).run();
    })?;
    Ok((mailbox, ended))
}

/// Reads requests from a connection until it closes; then everything it asked for is cancelled.
async fn serve_connection(connection: u64, stream: UnixStream, mailbox: Mailbox) {
    mailbox.shared().n_connections.fetch_add(1, Ordering::SeqCst);
    let (reader, writer) = stream.into_split();
    let (lines, to_write) = unbounded_channel();
    let writing = tokio::spawn(write_lines(writer, to_write));
    let mut received = FramedRead::new(reader, LinesCodec::new_with_max_length(MAX_MESSAGE_BYTES));
    while let Some(line) = received.next().await {
        match line {
            Ok(line) => take_line(connection, &line, &lines, &mailbox),
            Err(error) => refuse_line(&error, &lines),
        }
    }
    mailbox.send(Command::Disconnect(connection));
    mailbox.shared().n_connections.fetch_sub(1, Ordering::SeqCst);
    drop(lines);
    // What was answered to a client that only closed its own direction still reaches it.
    let _ = writing.await;
}

/// Writes answers in the order they were given.
async fn write_lines(mut writer: OwnedWriteHalf, mut lines: UnboundedReceiver<String>) {
    while let Some(line) = lines.recv().await {
        if writer.write_all(line.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Answers a line that could not be read at all.
fn refuse_line(error: &LinesCodecError, lines: &UnboundedSender<String>) {
    let message = match error {
        LinesCodecError::MaxLineLengthExceeded => format!("a line is longer than {MAX_MESSAGE_BYTES} bytes"),
        LinesCodecError::Io(error) => error.to_string(),
    };
    Reply { id: 0, lines: lines.clone() }.fail(WireError::Malformed { message });
}

/// Answers what a prompt would cost without asking the scheduler, which may be in the middle of a decode.
fn answer_cost(model: String, prompt: Prompt, reply: Reply, mailbox: Mailbox) {
    tokio::task::spawn_blocking(move || match mailbox.shared().costs.of(&model, &prompt) {
        Ok(PromptCost { n_tokens, n_cached }) => reply.send(Answer::Cost { tokens: n_tokens, cached: n_cached }),
        Err(error) => reply.fail(error),
    });
}

/// Does what one line asks.
fn take_line(connection: u64, line: &str, lines: &UnboundedSender<String>, mailbox: &Mailbox) {
    let reply = |id| Reply { id, lines: lines.clone() };
    let Line { id, body, .. } = match Line::<Ask>::parse(line) {
        Ok(line) => line,
        Err((id, error)) => return reply(id).fail(error),
    };
    let key = JobKey { connection, id };
    let submit = |model: String, priority: Priority, owner: Owner, work: Work| {
        reply(id).send(Answer::Accepted);
        let job = Job { key, model, priority, owner, reply: reply(id), work, plan: None, run: None };
        mailbox.send(Command::Submit(Box::new(job)));
    };
    match body {
        Ask::Complete { model, prompt, sampling, priority, client, scope } => {
            let owner = Owner { client: ClientId(client), scope };
            submit(model, priority.into(), owner, Work::Complete { prompt: prompt.into(), sampling: sampling.into() });
        }
        Ask::Rank { model, context, original, variants, priority } => {
            submit(model, priority.into(), Owner::default(), Work::Rank { context, original, variants });
        }
        Ask::CountTokens { model, text } => {
            submit(model, Priority::Chat, Owner::default(), Work::CountTokens { text });
        }
        Ask::Cost { model, prompt } => {
            reply(id).send(Answer::Accepted);
            answer_cost(model, prompt.into(), reply(id), mailbox.clone());
        }
        Ask::Cancel { target } => mailbox.send(Command::Cancel(JobKey { connection, id: target })),
        Ask::Stats => mailbox.send(Command::Stats(reply(id))),
        Ask::Shutdown => {
            reply(id).send(Answer::Ending);
            mailbox.send(Command::Shutdown);
        }
    }
}
