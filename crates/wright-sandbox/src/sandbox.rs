//! Starts the helper, tells it what to do, and turns its reports into an outcome.

use std::collections::BTreeMap;
use std::fs::{File, Permissions};
use std::io::{self, PipeReader, PipeWriter, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command as Process};
use tokio::time::timeout;

use crate::egress::{self, Egress, EgressRecord};
use crate::output::CappedOutput;
use crate::wire::{Action, Report, Spec};
use crate::{Command, Exit, Layer, LayerKind, LayerState, Level, Limits, Outcome, Policy, SandboxError};

/// How much longer than the wall clock limit the helper gets before it is killed itself.
const HELPER_GRACE: Duration = Duration::from_secs(15);

/// How long the helper may take to clean up after it was told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(12);

/// How the program runs itself as the helper, for example `wright internal sandbox-helper`. That invocation must call
/// [`crate::helper_main`] before it starts any thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelperCommand {
    /// The program's own file, as an absolute path.
    pub program: PathBuf,
    /// The arguments that make it the helper.
    pub args: Vec<String>,
}

/// A way to run untrusted commands, at the level this machine was found to reach. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    helper: HelperCommand,
    layers: Vec<LayerKind>,
    level: Level,
    report: Vec<Layer>,
}

/// What a run is given beside its policy.
#[derive(Debug, Default)]
struct Means<'a> {
    /// Where all of its output goes.
    whole: Option<File>,
    /// The socket of its egress proxy.
    egress: Option<&'a Path>,
}

impl Sandbox {
    /// Finds out what works here by building the whole sandbox and trying to break out of it. A layer that fails is noted,
    /// and the next try is made without it. Takes a few hundredths of a second; blocks.
    ///
    /// # Errors
    /// When the helper cannot be run at all. A machine that isolates nothing is not an error: its level is [`Level::E`].
    pub fn probe(helper: HelperCommand) -> Result<Self, SandboxError> {
        Self::probe_without(helper, &[])
    }

    /// Probes as if the kernel lacked some layers, to test what is said and refused then.
    ///
    /// # Errors
    /// As [`Sandbox::probe`].
    #[doc(hidden)]
    pub fn probe_without(helper: HelperCommand, missing: &[LayerKind]) -> Result<Self, SandboxError> {
        let mut layers = LayerKind::ALL.to_vec();
        let mut reasons = BTreeMap::new();
        let details = loop {
            match self_test(&helper, &layers, missing) {
                Ok(details) => break details,
                Err(SandboxError::Setup { layer: Some(layer), detail }) if layers.contains(&layer) => {
                    layers.retain(|&kept| kept != layer);
                    reasons.insert(layer, detail);
                }
                Err(error) => return Err(error),
            }
        };
        let level = Level::of(&layers);
        tracing::debug!(%level, ?layers, "probed the sandbox");
        let report = LayerKind::ALL.map(|kind| describe(kind, &details, &reasons)).to_vec();
        Ok(Self { shared: Arc::new(Shared { helper, layers, level, report }) })
    }

    /// Returns how strongly commands are isolated here.
    #[must_use]
    pub fn level(&self) -> Level {
        self.shared.level
    }

    /// Returns what was found out about each layer.
    #[must_use]
    pub fn report(&self) -> &[Layer] {
        &self.shared.report
    }

    /// Runs a command and waits for its end. No process of it is left afterwards, nor when the future is dropped: then the
    /// helper kills them in the background.
    ///
    /// # Errors
    /// When the policy or the command is invalid, the level is too low, or a layer cannot be built. The command was not run
    /// then, unless the error is [`SandboxError::Lost`] or [`SandboxError::Io`].
    pub async fn run(&self, policy: &Policy, command: &Command) -> Result<Outcome, SandboxError> {
        self.run_into(policy, command, Means::default()).await
    }

    /// Runs a command as [`Sandbox::run`] does, and writes all of its output to `whole` as it comes: also what the outcome
    /// leaves out. The limit at which a command that writes too much is killed stays the same.
    ///
    /// # Errors
    /// As [`Sandbox::run`], and when the file cannot be written.
    pub async fn run_keeping(&self, policy: &Policy, command: &Command, whole: File) -> Result<Outcome, SandboxError> {
        self.run_into(policy, command, Means { whole: Some(whole), egress: None }).await
    }

    /// Runs a command that may reach the hosts that `egress` lists, by its proxy and in no other way. Returns what was asked
    /// of the proxy as well. Everything else is as with [`Sandbox::run`].
    ///
    /// # Errors
    /// As [`Sandbox::run`]; and below level B, where the command has no network of its own.
    pub async fn run_with_egress(
        &self,
        policy: &Policy,
        command: &Command,
        egress: &Egress,
    ) -> Result<(Outcome, Vec<EgressRecord>), SandboxError> {
        self.require(Level::B)?;
        let proxy = egress.open()?;
        let mut command = command.clone();
        command.env.extend(egress::variables());
        let means = Means { whole: None, egress: Some(proxy.socket()) };
        let outcome = tokio::select! {
            outcome = self.run_into(policy, &command, means) => outcome?,
            never = proxy.serve() => match never {},
        };
        Ok((outcome, proxy.records()))
    }

    async fn run_into(&self, policy: &Policy, command: &Command, means: Means<'_>) -> Result<Outcome, SandboxError> {
        self.require(policy.minimum_level)?;
        policy.check()?;
        command.check()?;
        let mut spec = Spec::new(policy, &self.shared.layers, Action::from(command));
        spec.egress = means.egress.map(Path::to_owned);
        let start = Instant::now();
        let mut run = Run::start(&self.shared.helper, &spec, &policy.limits, means.whole).await?;
        let end = run.finish(&policy.limits).await?;
        Ok(Outcome {
            exit: end.exit,
            output_cut: run.output.is_cut(),
            output: with_notes(run.output, &end.notes),
            duration: start.elapsed(),
            level: self.shared.level,
        })
    }

    fn require(&self, minimum: Level) -> Result<(), SandboxError> {
        // Level E stands for "nothing is run", so it cannot be asked for either.
        let required = minimum.max(Level::D);
        if self.shared.level >= required {
            return Ok(());
        }
        let missing = self.shared.report.iter().filter(|layer| layer.state == LayerState::Missing);
        Err(SandboxError::LevelTooLow {
            reached: self.shared.level,
            required,
            missing: missing.map(|layer| layer.kind).collect(),
        })
    }
}

fn describe(kind: LayerKind, details: &BTreeMap<LayerKind, String>, reasons: &BTreeMap<LayerKind, String>) -> Layer {
    match details.get(&kind) {
        Some(detail) => Layer { kind, state: LayerState::Present, detail: detail.clone(), advice: None },
        None => Layer {
            kind,
            state: LayerState::Missing,
            detail: reasons.get(&kind).cloned().unwrap_or_else(|| "not tried".to_owned()),
            advice: Some(kind.advice()),
        },
    }
}

/// Builds a sandbox with the given layers around the self-test. Returns what it says about each.
fn self_test(
    helper: &HelperCommand,
    layers: &[LayerKind],
    missing: &[LayerKind],
) -> Result<BTreeMap<LayerKind, String>, SandboxError> {
    let dir = reachable_dir()?;
    let (tree, secret) = (dir.path().join("tree"), dir.path().join("secret"));
    std::fs::create_dir(&tree)?;
    std::fs::write(&secret, "must not be read")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    let policy = Policy { limits, ..Policy::new(tree) };
    let mut spec = Spec::new(&policy, layers, Action::SelfTest { secret, port });
    spec.simulate_missing = missing.iter().copied().map(Into::into).collect();
    run_self_test(helper, &spec)
}

/// Creates a folder that other users can enter, because root's commands run as one of them.
fn reachable_dir() -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("wright-probe-").permissions(Permissions::from_mode(0o755));
    builder.tempdir_in("/tmp").or_else(|_| builder.tempdir())
}

fn run_self_test(helper: &HelperCommand, spec: &Spec) -> Result<BTreeMap<LayerKind, String>, SandboxError> {
    let wires = Wires::new()?;
    let mut process = std::process::Command::new(&helper.program);
    process.args(&helper.args).env_clear().current_dir("/");
    process.stdin(OwnedFd::from(wires.theirs)).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = process.spawn().map_err(|source| cannot_start(helper, source))?;
    drop(process);
    let mut ours = wires.ours;
    ours.set_read_timeout(Some(Duration::from_secs(30)))?;
    let reports = ours.write_all(&encode(spec)?).and_then(|()| io::read_to_string(&mut ours));
    if reports.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    let mut built = BTreeMap::new();
    for line in reports?.lines() {
        match decode(line)? {
            Report::Built { layer, detail } => {
                built.insert(layer.into(), detail);
            }
            Report::Failed { layer, detail } => {
                return Err(SandboxError::Setup { layer: layer.map(Into::into), detail });
            }
            Report::Exited { code: 0 } => return Ok(built),
            Report::Exited { .. }
            | Report::Signaled { .. }
            | Report::WallClock
            | Report::NotRunnable { .. }
            | Report::Note { .. } => {}
        }
    }
    Err(SandboxError::Lost { detail: format!("the self-test did not end well ({status})") })
}

/// The channels to a helper: a socket for the spec and the reports, and a pipe for what the command writes.
struct Wires {
    ours: StdUnixStream,
    theirs: StdUnixStream,
    output: PipeReader,
    writer: PipeWriter,
}

impl Wires {
    fn new() -> io::Result<Self> {
        let (ours, theirs) = StdUnixStream::pair()?;
        let (output, writer) = io::pipe()?;
        Ok(Self { ours, theirs, output, writer })
    }
}

/// A helper at work.
struct Run {
    child: Child,
    reports: Lines<BufReader<UnixStream>>,
    pipe: Option<pipe::Receiver>,
    output: CappedOutput,
    /// Where every byte goes as well.
    whole: Option<File>,
}

/// What the helper said about the end.
#[derive(Default)]
struct Reported {
    exit: Option<Exit>,
    failure: Option<SandboxError>,
    notes: Vec<String>,
}

struct End {
    exit: Exit,
    notes: Vec<String>,
}

impl Run {
    async fn start(
        helper: &HelperCommand,
        spec: &Spec,
        limits: &Limits,
        whole: Option<File>,
    ) -> Result<Self, SandboxError> {
        let bytes = encode(spec)?;
        let wires = Wires::new()?;
        let mut process = Process::new(&helper.program);
        process.args(&helper.args).env_clear().current_dir("/").process_group(0);
        process.stdin(OwnedFd::from(wires.theirs));
        process.stdout(wires.writer.try_clone()?).stderr(wires.writer);
        // With a process namespace the kernel kills everything once the helper is dead. Without one the helper must live to
        // do it; it notices that the socket was closed.
        process.kill_on_drop(has_namespaces(spec));
        let child = process.spawn().map_err(|source| cannot_start(helper, source))?;
        drop(process);
        wires.ours.set_nonblocking(true)?;
        let mut socket = UnixStream::from_std(wires.ours)?;
        tokio::io::AsyncWriteExt::write_all(&mut socket, &bytes).await?;
        Ok(Self {
            child,
            reports: BufReader::new(socket).lines(),
            pipe: Some(pipe::Receiver::from_owned_fd(wires.output.into())?),
            output: CappedOutput::new(limits),
            whole,
        })
    }

    /// Reads output and reports until the helper is gone.
    async fn finish(&mut self, limits: &Limits) -> Result<End, SandboxError> {
        let max_output = limits.output_bytes.saturating_mul(Limits::MAX_OUTPUT_FACTOR);
        let patience = limits.wall.saturating_add(HELPER_GRACE);
        let Ok(reported) = timeout(patience, self.listen(max_output)).await else {
            self.child.kill().await?;
            return Err(SandboxError::Lost { detail: "it did not stop at the time limit".to_owned() });
        };
        let reported = reported?;
        if self.output.n_total() > max_output {
            self.stop().await?;
            return Ok(End { exit: Exit::OutputLimit, notes: reported.notes });
        }
        let status = self.child.wait().await?;
        if let Some(failure) = reported.failure {
            return Err(failure);
        }
        match reported.exit {
            Some(exit) => Ok(End { exit, notes: reported.notes }),
            None => Err(SandboxError::Lost { detail: format!("it ended without a report ({status})") }),
        }
    }

    /// Collects until both the output and the reports have ended, or there was too much output.
    async fn listen(&mut self, max_output: u64) -> io::Result<Reported> {
        let mut reported = Reported::default();
        let mut has_reports = true;
        let mut buffer = vec![0; 64 * 1024];
        while has_reports || self.pipe.is_some() {
            tokio::select! {
                line = self.reports.next_line(), if has_reports => match line? {
                    Some(line) => reported.take(decode(&line)?),
                    None => has_reports = false,
                },
                read = read_from(&mut self.pipe, &mut buffer) => match read? {
                    0 => self.pipe = None,
                    n_bytes => self.keep(&buffer[..n_bytes])?,
                },
            }
            if self.output.n_total() > max_output {
                break;
            }
        }
        Ok(reported)
    }

    fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.push(bytes);
        self.whole.as_mut().map_or(Ok(()), |whole| whole.write_all(bytes))
    }

    /// Hangs up, which makes the helper kill everything, and waits for it.
    async fn stop(&mut self) -> io::Result<()> {
        self.pipe = None;
        tokio::io::AsyncWriteExt::shutdown(self.reports.get_mut().get_mut()).await?;
        if timeout(STOP_PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

impl Reported {
    fn take(&mut self, report: Report) {
        match report {
            Report::Failed { layer, detail } => {
                let failure = SandboxError::Setup { layer: layer.map(Into::into), detail };
                self.failure.get_or_insert(failure);
            }
            Report::NotRunnable { code, detail } => {
                self.notes.push(detail);
                self.exit = Some(Exit::Code(code));
            }
            Report::Exited { code } => self.exit = Some(Exit::Code(code)),
            Report::Signaled { signal } => self.exit = Some(Exit::Signal(signal)),
            Report::WallClock => self.exit = Some(Exit::WallClock),
            Report::Note { text } => self.notes.push(text),
            Report::Built { .. } => {}
        }
    }
}

/// Reads from a pipe that may have ended; then nothing ever comes.
async fn read_from(pipe: &mut Option<pipe::Receiver>, buffer: &mut [u8]) -> io::Result<usize> {
    match pipe {
        Some(pipe) => pipe.read(buffer).await,
        None => std::future::pending().await,
    }
}

fn has_namespaces(spec: &Spec) -> bool {
    spec.layers.contains(&LayerKind::Namespaces.into())
}

fn cannot_start(helper: &HelperCommand, source: io::Error) -> SandboxError {
    SandboxError::Helper { program: helper.program.clone(), source }
}

/// Returns a spec as the helper reads it: a length and JSON.
fn encode(spec: &Spec) -> Result<Vec<u8>, SandboxError> {
    let json = serde_json::to_vec(spec).map_err(io::Error::from)?;
    let too_long = |_| SandboxError::InvalidCommand { reason: "it is too long".to_owned() };
    let length = u32::try_from(json.len()).map_err(too_long)?;
    let mut bytes = length.to_le_bytes().to_vec();
    bytes.extend(json);
    Ok(bytes)
}

fn decode(line: &str) -> io::Result<Report> {
    Ok(serde_json::from_str(line)?)
}

/// Puts the helper's notes below the output, each on its own line.
fn with_notes(output: CappedOutput, notes: &[String]) -> Vec<u8> {
    let mut bytes = output.into_bytes();
    for note in notes {
        if bytes.last().is_some_and(|&byte| byte != b'\n') {
            bytes.push(b'\n');
        }
        bytes.extend_from_slice(format!("[{note}]\n").as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_stands_on_its_own_line_below_the_output() {
        let check = |text: &str, expected: &str| {
            let mut output = CappedOutput::new(&Limits::default());
            output.push(text.as_bytes());
            let bytes = with_notes(output, &["stopped".to_owned()]);
            assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        };
        check("", "[stopped]\n");
        check("a", "a\n[stopped]\n");
        check("a\n", "a\n[stopped]\n");
    }

    #[test]
    fn the_first_failure_decides_whatever_is_said_later() {
        let mut reported = Reported::default();
        for detail in ["first", "second"] {
            reported.take(Report::Failed { layer: None, detail: detail.to_owned() });
        }
        reported.take(Report::Exited { code: 1 });
        let failure = reported.failure.unwrap().to_string();
        assert_eq!(failure, "failed to build the sandbox: first");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let helper = HelperCommand { program: PathBuf::from("/nowhere/wright"), args: Vec::new() };
        let error = Sandbox::probe(helper).unwrap_err().to_string();
        assert_eq!(
            error,
            "failed to start the sandbox helper \"/nowhere/wright\": No such file or directory (os error 2)"
        );
    }
}
