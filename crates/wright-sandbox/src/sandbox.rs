//! Starts the helper, tells it what to do, and turns its reports into an outcome.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command as Process};
use tokio::time::timeout;

use crate::egress::{self, Egress, EgressRecord};
use crate::launcher::{HelperCommand, Launch, Wires, cannot_start, decode};
use crate::output::CappedOutput;
use crate::probe::{self, Found, Pretense};
use crate::wire::{Action, Groups, Report, Spec};
use crate::{Command, Exit, Layer, LayerKind, LayerState, Level, LimitKeeper, Limits, Outcome, Policy, SandboxError};

/// How much longer than the wall clock limit the helper gets before it is killed itself.
const HELPER_GRACE: Duration = Duration::from_secs(15);

/// How long the helper may take to clean up after it was told to stop.
const STOP_PATIENCE: Duration = Duration::from_secs(12);

/// A way to run untrusted commands, at the level this machine was found to reach. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sandbox {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    helper: HelperCommand,
    found: Found,
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
        Self::probe_pretending(helper, &Pretense::default())
    }

    /// Probes as if the machine were another one, to test what is said, done and refused then.
    ///
    /// # Errors
    /// As [`Sandbox::probe`].
    #[doc(hidden)]
    pub fn probe_pretending(helper: HelperCommand, pretense: &Pretense) -> Result<Self, SandboxError> {
        let found = probe::probe(&helper, pretense)?;
        Ok(Self { shared: Arc::new(Shared { helper, found }) })
    }

    /// Returns how strongly commands are isolated here.
    #[must_use]
    pub fn level(&self) -> Level {
        self.shared.found.level
    }

    /// Returns what was found out about each layer.
    #[must_use]
    pub fn report(&self) -> &[Layer] {
        &self.shared.found.report
    }

    /// Returns what keeps the limits of a command as a whole here.
    #[must_use]
    pub fn limits(&self) -> &LimitKeeper {
        &self.shared.found.limits
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
        let found = &self.shared.found;
        let mut spec = Spec::new(policy, &found.layers, Action::from(command));
        spec.egress = means.egress.map(Path::to_owned);
        if let LimitKeeper::ControlGroup(parent) = &found.limits {
            spec.groups = Groups::In(parent.clone());
        }
        let start = Instant::now();
        let launch = Launch::new(&self.shared.helper, found.bubblewrap.as_ref(), spec)?;
        let mut run = Run::start(self, launch, &policy.limits, means.whole).await?;
        let end = run.finish(&policy.limits).await?;
        Ok(Outcome {
            exit: end.exit,
            output_cut: run.output.is_cut(),
            output: with_notes(run.output, &end.notes),
            duration: start.elapsed(),
            level: found.level,
        })
    }

    fn require(&self, minimum: Level) -> Result<(), SandboxError> {
        // Level E stands for "nothing is run", so it cannot be asked for either.
        let required = minimum.max(Level::D);
        let found = &self.shared.found;
        if found.level >= required {
            return Ok(());
        }
        // What bubblewrap makes is there, and yet it is what is missing for more than level C.
        let is_missing = |it: &&Layer| {
            it.state == LayerState::Missing || it.kind == LayerKind::Namespaces && found.level == Level::C
        };
        let missing = found.report.iter().filter(is_missing).map(|layer| layer.kind).collect();
        Err(SandboxError::LevelTooLow { reached: found.level, required, missing })
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
    /// What the helper needs as long as it runs.
    _keep: Option<tempfile::TempDir>,
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
        sandbox: &Sandbox,
        launch: Launch,
        limits: &Limits,
        whole: Option<File>,
    ) -> Result<Self, SandboxError> {
        let wires = Wires::new()?;
        let mut process = Process::from(launch.process);
        process.process_group(0).stdin(OwnedFd::from(wires.theirs));
        process.stdout(wires.writer.try_clone()?).stderr(wires.writer);
        // With a process namespace the kernel kills everything once the helper is dead. Without one the helper must live to
        // do it; it notices that the socket was closed.
        process.kill_on_drop(sandbox.shared.found.layers.contains(&LayerKind::Namespaces));
        let child = process.spawn().map_err(|source| cannot_start(&sandbox.shared.helper, source))?;
        drop(process);
        wires.ours.set_nonblocking(true)?;
        let mut socket = UnixStream::from_std(wires.ours)?;
        tokio::io::AsyncWriteExt::write_all(&mut socket, &launch.spec).await?;
        Ok(Self {
            child,
            reports: BufReader::new(socket).lines(),
            pipe: Some(pipe::Receiver::from_owned_fd(wires.output.into())?),
            output: CappedOutput::new(limits),
            whole,
            _keep: launch.keep,
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
            Report::Built { .. } | Report::Group { .. } => {}
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
    use std::path::PathBuf;

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
