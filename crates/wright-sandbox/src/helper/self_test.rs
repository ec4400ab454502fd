//! Tries, from inside, what must not work. A wall counts only after something ran into it.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use rustix::process::geteuid;
use rustix::thread::{capabilities, no_new_privs};

use super::control::Control;
use super::init::Plan;
use super::landlock;
use super::refusal::{OrRefuse, Refusal};
use crate::wire::{NamespacesFrom, Report, WireLayer};

/// How long a connection may take that should be refused at once.
const CONNECT_PATIENCE: Duration = Duration::from_millis(500);

/// Checks every layer that was built, and says what was found about each.
pub(super) fn run(control: &mut Control, plan: &Plan<'_>, secret: &Path, port: u16) -> Result<(), Refusal> {
    fs::write(plan.layout.tree.join("self-test"), "written from inside")
        .or_blame(WireLayer::Identity, "write into the tree")?;
    for &layer in &plan.spec.layers {
        let detail = match layer {
            WireLayer::Namespaces => check_namespaces(plan.spec.namespaces_from, secret, port)?,
            WireLayer::Identity => check_identity()?,
            WireLayer::Landlock => check_landlock(secret)?,
            WireLayer::Seccomp => check_filter()?,
        };
        control.send(&Report::Built { layer, detail });
    }
    Ok(())
}

fn check_namespaces(from: NamespacesFrom, secret: &Path, port: u16) -> Result<String, Refusal> {
    let layer = WireLayer::Namespaces;
    if fs::read(secret).is_ok() {
        return Err(Refusal::of(layer, "a file outside the tree is readable"));
    }
    let host = SocketAddr::from(([127, 0, 0, 1], port));
    if TcpStream::connect_timeout(&host, CONNECT_PATIENCE).is_ok() {
        return Err(Refusal::of(layer, "the host's network is reachable"));
    }
    let n_processes = fs::read_dir("/proc").or_blame(layer, "list the processes")?;
    let n_processes = n_processes
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()))
        .count();
    let n_own = match from {
        NamespacesFrom::Helper => 2,
        // There the supervisor is inside as well.
        NamespacesFrom::Bubblewrap => 3,
    };
    if n_processes > n_own {
        return Err(Refusal::of(layer, "processes of the host are visible"));
    }
    Ok("own mounts, processes, network and host name".to_owned())
}

fn check_identity() -> Result<String, Refusal> {
    let layer = WireLayer::Identity;
    let uid = geteuid().as_raw();
    if uid == 0 {
        return Err(Refusal::of(layer, "the user id is still 0"));
    }
    let held = capabilities(None).or_blame(layer, "read the capabilities")?;
    if !(held.effective | held.permitted | held.inheritable).is_empty() {
        return Err(Refusal::of(layer, "capabilities are left"));
    }
    if !no_new_privs().or_blame(layer, "read `no_new_privs`")? {
        return Err(Refusal::of(layer, "new privileges can be gained"));
    }
    Ok("an ordinary user without capabilities".to_owned())
}

fn check_landlock(secret: &Path) -> Result<String, Refusal> {
    match fs::read(secret) {
        Ok(_) => Err(Refusal::of(WireLayer::Landlock, "a file outside the tree is readable")),
        Err(_) => Ok(landlock::describe()),
    }
}

/// Tries the socket that no namespace holds back.
fn check_filter() -> Result<String, Refusal> {
    // SAFETY: the call takes plain numbers. A socket that should not exist is closed when this process ends.
    let socket = unsafe { libc::socket(libc::AF_VSOCK, libc::SOCK_STREAM, 0) };
    let is_denied = socket < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EPERM);
    if is_denied {
        Ok("system calls are filtered".to_owned())
    } else {
        Err(Refusal::of(WireLayer::Seccomp, "a denied system call was not denied"))
    }
}
