//! Limits that the kernel keeps for each process.

use rustix::process::{Resource, Rlimit, setrlimit};

use super::identity::Identity;
use super::processes::n_threads_of;
use super::refusal::{OrRefuse, Refusal};
use crate::wire::WireLimits;

/// Memory that may be locked; enough for key stores and tests of locking.
const MAX_LOCKED_BYTES: u64 = 8 * 1024 * 1024;

/// Sets the limits for good: the hard limit equals the soft one.
///
/// Memory is limited by what can be written (`RLIMIT_DATA`), not by addresses: Node, Java and Go reserve far more addresses
/// than they ever use.
pub(super) fn apply(limits: &WireLimits, n_processes_already: u64) -> Result<(), Refusal> {
    let table = [
        (Resource::Cpu, limits.cpu_s),
        (Resource::Data, limits.memory_bytes),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Nproc, limits.processes.saturating_add(n_processes_already)),
        (Resource::Nofile, limits.open_files),
        (Resource::Memlock, MAX_LOCKED_BYTES),
        (Resource::Core, 0),
        (Resource::Rtprio, 0),
    ];
    for (resource, value) in table {
        set(resource, value).or_refuse(&format!("limit {resource:?}"))?;
    }
    Ok(())
}

/// Returns how many processes the kernel already counts for the command's user. None, if the id is its own; none, if it has a
/// user namespace of its own, which is counted apart; `n_outside`, if it has one only perhaps.
pub(super) fn processes_already(identity: Identity, has_namespaces: bool, n_outside: u64) -> u64 {
    if identity.is_dropped() || has_namespaces {
        return n_outside;
    }
    n_threads_of(identity.uid)
}

/// Sets a limit, or keeps a stricter one that was inherited.
fn set(resource: Resource, value: u64) -> rustix::io::Result<()> {
    let inherited = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let value = value.min(inherited);
    setrlimit(resource, Rlimit { current: Some(value), maximum: Some(value) })
}
