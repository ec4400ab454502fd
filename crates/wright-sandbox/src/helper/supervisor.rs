//! The part of the helper that stays outside: it lets the sandbox be built, and ends it when the time is over or when the
//! program that asked for it is gone.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Gid, Mode, Uid, fchown, fstat};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, kill_process, pidfd_open,
    set_child_subreaper, set_dumpable_behavior, umask, waitpid,
};

use super::control::Control;
use super::groups::Group;
use super::identity::Identity;
use super::init::{self, Plan};
use super::layout::Layout;
use super::ownership::Ownership;
use super::processes::{Forked, fork_into, kill_descendants};
use super::refusal::{OrRefuse, Refusal};
use super::watch::too_much_memory;
use crate::wire::{Groups, NamespacesFrom, Report, Spec, WireLayer};

/// How long to keep killing what is left of a command before saying that it would not die.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// Namespaces that every sandbox is started in. The user namespace is added for callers that are not root; that of control
/// groups follows once the group is entered.
const NAMESPACES: libc::c_int =
    libc::CLONE_NEWNS | libc::CLONE_NEWPID | libc::CLONE_NEWNET | libc::CLONE_NEWIPC | libc::CLONE_NEWUTS;

/// Builds the sandbox, runs what the spec says, and returns when nothing of it is left.
pub(super) fn supervise(control: &mut Control, spec: &Spec) -> Result<(), Refusal> {
    umask(Mode::from_raw_mode(0o022));
    set_child_subreaper(Some(getpid())).or_refuse("become the parent of orphans")?;
    if spec.namespaces_from == NamespacesFrom::Bubblewrap {
        // The command is in the same namespaces as this process.
        set_dumpable_behavior(DumpableBehavior::NotDumpable).or_refuse("forbid being traced")?;
    }
    let identity = Identity::choose(spec)?;
    let layout = Layout::plan(spec, identity)?;
    let group = group(control, spec)?;
    let result = run(control, spec, identity, &layout, group.as_ref());
    let all_gone = kill_descendants(KILL_PATIENCE);
    let all_gone = group.is_none_or(Group::remove) && all_gone;
    layout.clean_up();
    let ownership = result?;
    if !all_gone {
        return Err(Refusal::new("some processes of the command cannot be killed"));
    }
    ownership.restore().or_refuse("give the tree back to its owner")
}

/// Makes the control group that the spec asks for.
fn group(control: &mut Control, spec: &Spec) -> Result<Option<Group>, Refusal> {
    match &spec.groups {
        Groups::Nowhere => Ok(None),
        Groups::In(parent) => Group::create(parent, &spec.limits).map(Some).or_refuse("make a control group"),
        Groups::Find => {
            let found = Group::create_anywhere(&spec.limits);
            let (parent, detail) = match &found {
                Ok(group) => (Some(group.parent().to_owned()), String::new()),
                Err(why) => (None, why.clone()),
            };
            control.send(&Report::Group { parent, detail });
            Ok(found.ok())
        }
    }
}

fn run(
    control: &mut Control,
    spec: &Spec,
    identity: Identity,
    layout: &Layout,
    group: Option<&Group>,
) -> Result<Ownership, Refusal> {
    let namespaces = namespaces(spec, identity)?;
    let ownership =
        Ownership::arrange(&layout.tree, identity, namespaces != 0).or_refuse("give the command access to the tree")?;
    if identity.is_dropped() {
        let_reopen_output(identity);
    }
    let (supervisor_lives, hold) = pipe_with(PipeFlags::CLOEXEC).or_refuse("create a pipe")?;
    match fork_into(namespaces).or_blame(WireLayer::Namespaces, "create the namespaces")? {
        Forked::Child => {
            drop(hold);
            let plan = Plan { spec, layout, identity };
            init::run(control, &plan, ownership.into_mount(), &supervisor_lives)
        }
        Forked::Parent(init) => {
            let deadline = Instant::now() + Duration::from_millis(spec.limits.wall_ms);
            let end = let_begin(init, group, &hold).and_then(|()| wait_for(init, control, deadline));
            let end = end.or_refuse("watch the sandbox");
            let _ = kill_process(init, Signal::KILL);
            let status = waitpid(Some(init), WaitOptions::empty());
            drop(hold);
            match end? {
                End::TimeOver => control.send(&Report::WallClock),
                End::Ended if was_killed(status) => report_killed(control, spec, group),
                End::Ended | End::HungUp => {}
            }
            Ok(ownership)
        }
    }
}

/// Puts the first process inside into its group, and lets it begin.
fn let_begin(init: Pid, group: Option<&Group>, hold: &OwnedFd) -> io::Result<()> {
    group.map_or(Ok(()), |group| group.add(init))?;
    rustix::io::write(hold, b"b")?;
    Ok(())
}

fn namespaces(spec: &Spec, identity: Identity) -> Result<libc::c_int, Refusal> {
    let layer = WireLayer::Namespaces;
    if !spec.layers.contains(&layer) || spec.namespaces_from == NamespacesFrom::Bubblewrap {
        return Ok(0);
    }
    if spec.simulate_missing.contains(&layer) {
        return Err(Refusal::of(layer, "missing on purpose"));
    }
    if identity.needs_user_namespace() {
        return Ok(NAMESPACES | libc::CLONE_NEWUSER);
    }
    Ok(NAMESPACES)
}

fn was_killed(status: rustix::io::Result<Option<(Pid, WaitStatus)>>) -> bool {
    matches!(status, Ok(Some((_, status))) if status.signaled())
}

/// Says that the sandbox itself was killed. Nothing inside can do that, and nothing outside should: its group, or the machine,
/// has no memory left, and the sandbox is the first to go.
fn report_killed(control: &mut Control, spec: &Spec, group: Option<&Group>) {
    let text = if group.is_some_and(Group::ran_out_of_memory) {
        too_much_memory(&spec.limits)
    } else {
        "stopped: the machine ran out of memory".to_owned()
    };
    control.send(&Report::Note { text });
    control.send(&Report::Signaled { signal: Signal::KILL.as_raw() });
}

/// Gives the output pipe to the command's user, so that programs can open `/dev/stdout` again.
fn let_reopen_output(identity: Identity) {
    for output in [rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let is_pipe = fstat(output).is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode).is_fifo());
        if is_pipe {
            let _ = fchown(output, Some(Uid::from_raw(identity.uid)), Some(Gid::from_raw(identity.gid)));
        }
    }
}

/// Why the supervisor stops waiting.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The init process ended.
    Ended,
    /// The time is over.
    TimeOver,
    /// Nobody is interested any more.
    HungUp,
}

fn wait_for(init: Pid, control: &Control, deadline: Instant) -> io::Result<End> {
    let init: OwnedFd = pidfd_open(init, PidfdFlags::empty())?;
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let timeout = Timespec::try_from(left.min(Duration::from_secs(3600))).map_err(io::Error::other)?;
        let mut watched = [
            PollFd::from_borrowed_fd(init.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(control.as_fd(), PollFlags::RDHUP),
        ];
        match poll(&mut watched, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let [ended, hung_up] = watched.map(|fd| !fd.revents().is_empty());
        if ended {
            return Ok(End::Ended);
        }
        if hung_up {
            return Ok(End::HungUp);
        }
        if Instant::now() >= deadline {
            return Ok(End::TimeOver);
        }
    }
}
