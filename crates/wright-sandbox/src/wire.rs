//! What the sandbox and its helper say to each other over the helper's stdin, which is a socket.
//!
//! One [`Spec`] goes in, as a length and JSON. [`Report`]s come out, one JSON line each, until the socket closes. Both ends
//! are the same program, so the version only guards against a file that was replaced while it was running.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{Command, LayerKind, Policy};

/// The version of this format.
pub(crate) const VERSION: u32 = 3;

/// The largest spec the helper reads.
pub(crate) const MAX_SPEC_BYTES: u32 = 16 * 1024 * 1024;

/// Everything the helper needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Spec {
    pub(crate) version: u32,
    /// The layers to build. Failing to build one of them ends the helper.
    pub(crate) layers: Vec<WireLayer>,
    /// Who makes the namespaces, where there are any.
    pub(crate) namespaces_from: NamespacesFrom,
    /// Where a control group is made.
    pub(crate) groups: Groups,
    /// Processes of the command's user outside that count against its limit, where they do and the helper cannot see them.
    pub(crate) n_processes_outside: u64,
    /// Layers that fail on purpose, for tests.
    pub(crate) simulate_missing: Vec<WireLayer>,
    pub(crate) tree: PathBuf,
    pub(crate) read_only: Vec<PathBuf>,
    pub(crate) limits: WireLimits,
    /// Where to hand in the listener of the egress proxy; nothing where there is no way out.
    #[serde(default)]
    pub(crate) egress: Option<PathBuf>,
    pub(crate) action: Action,
}

impl Spec {
    /// Returns the spec that runs `command` under `policy` with the given layers.
    pub(crate) fn new(policy: &Policy, layers: &[LayerKind], action: Action) -> Self {
        let limits = &policy.limits;
        Self {
            version: VERSION,
            layers: layers.iter().copied().map(WireLayer::from).collect(),
            namespaces_from: NamespacesFrom::Helper,
            groups: Groups::Nowhere,
            n_processes_outside: 0,
            simulate_missing: Vec::new(),
            tree: policy.tree.clone(),
            read_only: policy.read_only.clone(),
            limits: WireLimits {
                wall_ms: u64::try_from(limits.wall.as_millis()).unwrap_or(u64::MAX),
                cpu_s: limits.cpu.as_secs().max(1),
                memory_bytes: limits.memory_bytes,
                scratch_bytes: limits.scratch_bytes,
                free_disk_bytes: limits.free_disk_bytes,
                free_inodes: limits.free_inodes,
                file_bytes: limits.file_bytes,
                processes: limits.processes,
                open_files: limits.open_files,
            },
            egress: None,
            action,
        }
    }
}

/// What to do once the layers stand.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Action {
    /// Run a command.
    Run { argv: Vec<String>, dir: PathBuf, env: Vec<(String, String)> },
    /// Try what must fail: read a secret file and reach a listener of the host.
    SelfTest { secret: PathBuf, port: u16 },
}

impl From<&Command> for Action {
    fn from(command: &Command) -> Self {
        Self::Run { argv: command.argv.clone(), dir: command.dir.clone(), env: command.env.clone() }
    }
}

/// Who makes the namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NamespacesFrom {
    /// The helper.
    Helper,
    /// A bubblewrap, inside of which the helper was started.
    Bubblewrap,
}

/// Where the helper makes a control group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Groups {
    /// Nowhere.
    Nowhere,
    /// In the nearest place that allows it, and says where that is.
    Find,
    /// In this one, or it refuses to run the command.
    In(PathBuf),
}

/// [`crate::Limits`] as numbers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct WireLimits {
    pub(crate) wall_ms: u64,
    pub(crate) cpu_s: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) scratch_bytes: u64,
    pub(crate) free_disk_bytes: u64,
    pub(crate) free_inodes: u64,
    pub(crate) file_bytes: u64,
    pub(crate) processes: u64,
    pub(crate) open_files: u64,
}

/// [`LayerKind`] by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WireLayer {
    Namespaces,
    Identity,
    Landlock,
    Seccomp,
}

impl From<LayerKind> for WireLayer {
    fn from(layer: LayerKind) -> Self {
        match layer {
            LayerKind::Namespaces => Self::Namespaces,
            LayerKind::Identity => Self::Identity,
            LayerKind::Landlock => Self::Landlock,
            LayerKind::Seccomp => Self::Seccomp,
        }
    }
}

impl From<WireLayer> for LayerKind {
    fn from(layer: WireLayer) -> Self {
        match layer {
            WireLayer::Namespaces => Self::Namespaces,
            WireLayer::Identity => Self::Identity,
            WireLayer::Landlock => Self::Landlock,
            WireLayer::Seccomp => Self::Seccomp,
        }
    }
}

/// One line from the helper. The first `Failed` decides; otherwise the last way of ending does.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    /// A layer stands. Sent by the self-test only.
    Built { layer: WireLayer, detail: String },
    /// A control group can be made in this place, or why in none. Sent when it was to be found.
    Group { parent: Option<PathBuf>, detail: String },
    /// The sandbox could not be built, or did not hold. The command was not run.
    Failed { layer: Option<WireLayer>, detail: String },
    /// The program could not be executed.
    NotRunnable { code: i32, detail: String },
    /// The command ended by itself.
    Exited { code: i32 },
    /// A signal ended the command.
    Signaled { signal: i32 },
    /// The command's time was over.
    WallClock,
    /// A sentence for the end of the output.
    Note { text: String },
}
