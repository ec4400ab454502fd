//! Finds out what works on this machine: by building the whole sandbox and trying to break out of it.

use std::collections::BTreeMap;
use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;

use crate::bubblewrap::Bubblewrap;
use crate::launcher::{HelperCommand, Launch, Wires, cannot_start, decode};
use crate::wire::{Action, Groups, Report, Spec};
use crate::{Layer, LayerKind, LayerState, Level, LimitKeeper, Limits, Policy, SandboxError};

/// How long the helper may take for its self-test.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often it is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What tests make the probe believe about the machine.
#[doc(hidden)]
#[derive(Debug, Clone, Default)]
pub struct Pretense {
    /// Layers that fail on purpose. A bubblewrap can still make namespaces.
    pub missing: Vec<LayerKind>,
    /// Programs that are not looked for.
    pub is_without_bubblewrap: bool,
    /// The place where control groups can be made.
    pub groups_in: Option<PathBuf>,
}

/// What works here.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) layers: Vec<LayerKind>,
    pub(crate) level: Level,
    pub(crate) report: Vec<Layer>,
    /// What makes the namespaces, where the helper may not.
    pub(crate) bubblewrap: Option<Bubblewrap>,
    pub(crate) limits: LimitKeeper,
}

/// What a self-test said.
struct Tested {
    details: BTreeMap<LayerKind, String>,
    limits: LimitKeeper,
}

/// Builds every layer; one that fails is noted, and the next try is made without it.
pub(crate) fn probe(helper: &HelperCommand, pretense: &Pretense) -> Result<Found, SandboxError> {
    let own = probe_own(helper, pretense)?;
    let lacks_namespaces_alone = own.level == Level::D;
    // Root inside a bubblewrap is root outside, whatever its capabilities.
    let is_root = rustix::process::geteuid().is_root();
    if !lacks_namespaces_alone || is_root || pretense.is_without_bubblewrap {
        return Ok(own);
    }
    Ok(match Bubblewrap::find() {
        Some(bubblewrap) => with_bubblewrap(helper, own, bubblewrap, pretense),
        None => own,
    })
}

fn probe_own(helper: &HelperCommand, pretense: &Pretense) -> Result<Found, SandboxError> {
    let mut layers = LayerKind::ALL.to_vec();
    let mut reasons = BTreeMap::new();
    let tested = loop {
        match self_test(helper, None, &layers, pretense) {
            Ok(tested) => break tested,
            Err(SandboxError::Setup { layer: Some(layer), detail }) if layers.contains(&layer) => {
                layers.retain(|&kept| kept != layer);
                reasons.insert(layer, detail);
            }
            Err(error) => return Err(error),
        }
    };
    let level = Level::of(&layers);
    tracing::debug!(%level, ?layers, "probed the sandbox");
    let report = LayerKind::ALL.map(|kind| describe(kind, &tested.details, &reasons)).to_vec();
    Ok(Found { layers, level, report, bubblewrap: None, limits: tested.limits })
}

/// Tries namespaces from a bubblewrap. All other layers stand already; should one of them fail in there, nothing is gained.
fn with_bubblewrap(helper: &HelperCommand, own: Found, bubblewrap: Bubblewrap, pretense: &Pretense) -> Found {
    let program = bubblewrap.program().display().to_string();
    let is_namespaces = |layer: &&mut Layer| layer.kind == LayerKind::Namespaces;
    let mut report = own.report.clone();
    let tested = self_test(helper, Some(&bubblewrap), &LayerKind::ALL, pretense);
    tracing::debug!(is_usable = tested.is_ok(), program, "tried a bubblewrap");
    match tested {
        Ok(mut tested) => {
            if let Some(layer) = report.iter_mut().find(is_namespaces) {
                let seen = tested.details.remove(&layer.kind).unwrap_or_default();
                let refused = std::mem::take(&mut layer.detail);
                layer.detail = format!("{seen}, made by {program}; not by us: {refused}");
                layer.state = LayerState::Present;
            }
            let layers = LayerKind::ALL.to_vec();
            Found { layers, level: Level::C, report, bubblewrap: Some(bubblewrap), limits: tested.limits }
        }
        Err(error) => {
            if let Some(layer) = report.iter_mut().find(is_namespaces) {
                layer.detail = format!("{}; nor by {program}: {error}", layer.detail);
            }
            Found { report, ..own }
        }
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
    bubblewrap: Option<&Bubblewrap>,
    layers: &[LayerKind],
    pretense: &Pretense,
) -> Result<Tested, SandboxError> {
    let dir = reachable_dir()?;
    let (tree, secret) = (dir.path().join("tree"), dir.path().join("secret"));
    std::fs::create_dir(&tree)?;
    std::fs::write(&secret, "must not be read")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let port = listener.local_addr()?.port();
    let limits = Limits { wall: Duration::from_secs(20), ..Limits::default() };
    let policy = Policy { limits, ..Policy::new(tree) };
    let mut spec = Spec::new(&policy, layers, Action::SelfTest { secret, port });
    spec.simulate_missing = pretense.missing.iter().copied().map(Into::into).collect();
    if bubblewrap.is_none() {
        spec.groups = pretense.groups_in.clone().map_or(Groups::Find, Groups::In);
    }
    let limits = match (&spec.groups, bubblewrap) {
        (Groups::In(parent), _) => LimitKeeper::ControlGroup(parent.clone()),
        (_, Some(_)) => LimitKeeper::Watcher { why: "they cannot be made from inside of a bubblewrap".to_owned() },
        (_, None) => LimitKeeper::Watcher { why: "not tried".to_owned() },
    };
    let details = BTreeMap::new();
    run_self_test(helper, Launch::new(helper, bubblewrap, spec)?, Tested { details, limits })
}

/// Creates a folder that other users can enter, because root's commands run as one of them.
fn reachable_dir() -> io::Result<tempfile::TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix("wright-probe-").permissions(Permissions::from_mode(0o755));
    builder.tempdir_in("/tmp").or_else(|_| builder.tempdir())
}

/// Reads what the helper says until it is gone. A process that a failed bubblewrap left behind is not waited for.
fn read_reports(ours: &mut UnixStream, child: &mut Child) -> io::Result<String> {
    ours.set_read_timeout(Some(LOOK_EVERY))?;
    let give_up_at = Instant::now() + PATIENCE;
    let (mut reports, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let is_over = child.try_wait()?.is_some();
        match ours.read(&mut buffer) {
            Ok(0) => break,
            Ok(n_bytes) => reports.extend_from_slice(&buffer[..n_bytes]),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                if is_over {
                    break;
                }
                if Instant::now() >= give_up_at {
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(String::from_utf8_lossy(&reports).into_owned())
}

fn run_self_test(helper: &HelperCommand, launch: Launch, mut tested: Tested) -> Result<Tested, SandboxError> {
    let wires = Wires::new()?;
    let Launch { mut process, spec, keep } = launch;
    process.stdin(OwnedFd::from(wires.theirs)).stdout(Stdio::null()).stderr(wires.writer);
    let mut child = process.spawn().map_err(|source| cannot_start(helper, source))?;
    drop(process);
    let mut ours = wires.ours;
    let reports = ours.write_all(&spec).and_then(|()| read_reports(&mut ours, &mut child));
    if reports.is_err() {
        child.kill()?;
    }
    let status = child.wait()?;
    drop(keep);
    for line in reports.unwrap_or_default().lines() {
        match decode(line)? {
            Report::Built { layer, detail } => {
                tested.details.insert(layer.into(), detail);
            }
            Report::Group { parent, detail } => {
                let watcher = LimitKeeper::Watcher { why: detail };
                tested.limits = parent.map_or(watcher, LimitKeeper::ControlGroup);
            }
            Report::Failed { layer, detail } => {
                return Err(SandboxError::Setup { layer: layer.map(Into::into), detail });
            }
            Report::Exited { code: 0 } => return Ok(tested),
            Report::Exited { .. }
            | Report::Signaled { .. }
            | Report::WallClock
            | Report::NotRunnable { .. }
            | Report::Note { .. } => {}
        }
    }
    // Whoever is left may hold the other end open, so this waits for nobody.
    rustix::fs::fcntl_setfl(&wires.output, OFlags::NONBLOCK).map_err(io::Error::from)?;
    let mut said = [0; 4096];
    let n_bytes = (&wires.output).read(&mut said).unwrap_or_default();
    let said = String::from_utf8_lossy(&said[..n_bytes]);
    let said = said.lines().last().map_or_else(String::new, |line| format!(": {line}"));
    Err(SandboxError::Lost { detail: format!("the self-test did not end well ({status}){said}") })
}
