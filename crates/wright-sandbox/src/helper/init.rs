//! The first process inside: it builds the root, gives up every right, starts the command and reaps what it leaves.
//!
//! Inside a process namespace it is process 1, so its end is the end of everything in there. It is not confined by Landlock
//! and the filter, because the command is and must not be able to touch it: it cannot be traced, and has nothing to steal.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType, socket};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, pidfd_open, set_child_subreaper,
    set_dumpable_behavior, set_parent_process_death_signal, setsid, wait,
};
use rustix::thread::set_no_new_privs;

use super::control::Control;
use super::identity::Identity;
use super::launch;
use super::layout::Layout;
use super::processes::{Forked, exit_now, fork_into};
use super::refusal::{OrRefuse, Refusal};
use super::root;
use super::watch::Watcher;
use crate::wire::{NamespacesFrom, Report, Spec, WireLayer};

/// How often the use of memory and disk is looked at.
const WATCH_EVERY: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// What the processes inside need to know.
pub(super) struct Plan<'a> {
    pub(super) spec: &'a Spec,
    pub(super) layout: &'a Layout,
    pub(super) identity: Identity,
}

/// Runs the sandbox from the inside and ends with it. `supervisor_lives` carries a byte once this process may begin, and
/// closes when the supervisor is gone.
pub(super) fn run(control: &mut Control, plan: &Plan<'_>, tree: Option<OwnedFd>, supervisor_lives: &OwnedFd) -> ! {
    let result = build(plan, tree, supervisor_lives).and_then(|()| start_and_wait(control, plan));
    match result {
        Ok(()) => exit_now(0),
        Err(refusal) => {
            control.send(&refusal.into());
            exit_now(1)
        }
    }
}

fn build(plan: &Plan<'_>, tree: Option<OwnedFd>, supervisor_lives: &OwnedFd) -> Result<(), Refusal> {
    wait_for_word(supervisor_lives).or_refuse("wait for the supervisor")?;
    prefer_for_memory_shortage();
    setsid().or_refuse("start a session")?;
    if plan.layout.has_fresh_root && plan.spec.namespaces_from == NamespacesFrom::Helper {
        let layer = WireLayer::Namespaces;
        hide_groups().or_blame(layer, "create a cgroup namespace")?;
        if plan.identity.needs_user_namespace() {
            plan.identity.map_to_itself().or_blame(layer, "map the user id")?;
        }
        raise_loopback().or_blame(layer, "bring up the loopback network")?;
        if let Some(socket) = &plan.spec.egress {
            crate::egress::offer(socket).or_blame(layer, "hand over the egress proxy's listener")?;
        }
        root::enter(plan.layout, plan.identity, tree, plan.spec.limits.scratch_bytes)?;
    }
    set_no_new_privs(true).or_blame(WireLayer::Seccomp, "rule out new privileges")?;
    plan.identity.assume()?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable).or_refuse("forbid being traced")?;
    set_child_subreaper(Some(getpid())).or_refuse("become the parent of orphans")?;
    die_with(supervisor_lives).or_refuse("tie the sandbox to its supervisor")
}

/// Waits until the supervisor has put this process where it belongs.
fn wait_for_word(supervisor_lives: &OwnedFd) -> io::Result<()> {
    if rustix::io::retry_on_intr(|| rustix::io::read(supervisor_lives, &mut [0]))? == 1 {
        return Ok(());
    }
    Err(io::Error::other("the supervisor is gone"))
}

/// Makes the control group that this process is in look like the topmost one. That has to be done in the group, which is why
/// this namespace is not made together with the others.
fn hide_groups() -> io::Result<()> {
    // SAFETY: the call takes a number, and changes what this process's own group is called.
    let result = unsafe { libc::unshare(libc::CLONE_NEWCGROUP) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Makes this process the kernel's first choice when memory runs out. Best effort: it protects the host's other programs.
fn prefer_for_memory_shortage() {
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
}

/// Asks for a signal at the supervisor's end, and ends at once if it came too early for that. Changing the user forgets the
/// request, so this comes last.
fn die_with(supervisor_lives: &OwnedFd) -> io::Result<()> {
    set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut watched = [PollFd::from_borrowed_fd(supervisor_lives.as_fd(), PollFlags::IN)];
    poll(&mut watched, Some(&Timespec::default()))?;
    if watched[0].revents().is_empty() {
        return Ok(());
    }
    Err(io::Error::other("the supervisor is gone"))
}

/// Brings up the only network device of a new network namespace.
fn raise_loopback() -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None)?;
    // SAFETY: an `ifreq` is plain numbers, for which all zeros is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request is a whole `ifreq` that lives until the call returns.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn start_and_wait(control: &mut Control, plan: &Plan<'_>) -> Result<(), Refusal> {
    let watcher = Watcher::new(&plan.spec.limits, plan.layout);
    match fork_into(0).or_refuse("start a process for the command")? {
        Forked::Child => launch::run(control, plan),
        Forked::Parent(command) => {
            let report = wait_for(command, control, &watcher).or_refuse("wait for the command")?;
            control.send(&report);
            Ok(())
        }
    }
}

/// Reaps whatever ends, until the command itself does or it uses too much.
fn wait_for(command: Pid, control: &mut Control, watcher: &Watcher) -> io::Result<Report> {
    let ended = pidfd_open(command, PidfdFlags::empty())?;
    loop {
        let mut watched = [PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN)];
        match poll(&mut watched, Some(&WATCH_EVERY)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        while let Some((pid, status)) = wait(WaitOptions::NOHANG)? {
            if pid == command {
                return Ok(report(status));
            }
        }
        if let Some(text) = watcher.overuse() {
            control.send(&Report::Note { text });
            return Ok(Report::Signaled { signal: Signal::KILL.as_raw() });
        }
    }
}

fn report(status: WaitStatus) -> Report {
    match status.terminating_signal() {
        Some(signal) => Report::Signaled { signal },
        None => Report::Exited { code: status.exit_status().unwrap_or(-1) },
    }
}
