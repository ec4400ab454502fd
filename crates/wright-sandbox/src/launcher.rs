//! Starts the helper's process, by itself or inside of a bubblewrap, and speaks its language.

use std::io::{self, PipeReader, PipeWriter};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use crate::SandboxError;
use crate::bubblewrap::Bubblewrap;
use crate::helper::processes::n_threads_of;
use crate::wire::{NamespacesFrom, Report, Spec};

/// How the program runs itself as the helper, for example `wright internal sandbox-helper`. That invocation must call
/// [`crate::helper_main`] before it starts any thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelperCommand {
    /// The program's own file, as an absolute path.
    pub program: PathBuf,
    /// The arguments that make it the helper.
    pub args: Vec<String>,
}

/// The process of a helper that is yet to be started.
pub(crate) struct Launch {
    pub(crate) process: Command,
    /// What to tell it.
    pub(crate) spec: Vec<u8>,
    /// A folder that has to exist as long as it runs.
    pub(crate) keep: Option<tempfile::TempDir>,
}

impl Launch {
    /// Prepares the helper for `spec`, with an empty environment.
    pub(crate) fn new(
        helper: &HelperCommand,
        bubblewrap: Option<&Bubblewrap>,
        mut spec: Spec,
    ) -> Result<Self, SandboxError> {
        let Some(bubblewrap) = bubblewrap else {
            let mut process = Command::new(&helper.program);
            process.args(&helper.args).env_clear().current_dir("/");
            return Ok(Self { process, spec: encode(&spec)?, keep: None });
        };
        spec.namespaces_from = NamespacesFrom::Bubblewrap;
        if bubblewrap.shares_process_limit() {
            spec.n_processes_outside = n_threads_of(rustix::process::geteuid().as_raw());
        }
        let wrapped = bubblewrap.wrap(helper, &spec)?;
        Ok(Self { process: wrapped.process, spec: encode(&spec)?, keep: Some(wrapped.etc) })
    }
}

/// The channels to a helper: a socket for the spec and the reports, and a pipe for what the command writes.
pub(crate) struct Wires {
    pub(crate) ours: UnixStream,
    pub(crate) theirs: UnixStream,
    pub(crate) output: PipeReader,
    pub(crate) writer: PipeWriter,
}

impl Wires {
    pub(crate) fn new() -> io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let (output, writer) = io::pipe()?;
        Ok(Self { ours, theirs, output, writer })
    }
}

/// Returns the error of a helper that could not be started.
pub(crate) fn cannot_start(helper: &HelperCommand, source: io::Error) -> SandboxError {
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

/// Reads one line from the helper.
pub(crate) fn decode(line: &str) -> io::Result<Report> {
    Ok(serde_json::from_str(line)?)
}
