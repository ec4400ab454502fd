//! The other side of the process boundary: the program that builds the sandbox and becomes the command.
//!
//! ```text
//!   wright ──spawn──► supervisor ──clone──► init (pid 1 inside) ──fork──► launch ──exec──► the command
//!   reads reports      kills on time,        builds the root, gives        Landlock, system call filter,
//!   and the output     hang-up               up its rights, reaps          limits
//! ```
//!
//! The supervisor stays in the host's namespaces and is never confined. It starts with an empty environment, because init's
//! `/proc/1/environ` would otherwise show the launcher's to whoever is inside. The policy comes over stdin. All of it runs
//! on one thread: each step after a fork may use the allocator and the standard library only for that reason.
//!
//! At level C all of it is started inside of a bubblewrap, and the supervisor is process 1 there.

mod control;
mod groups;
mod identity;
mod init;
mod landlock;
mod launch;
pub(crate) mod layout;
mod mounts;
mod ownership;
pub(crate) mod processes;
mod refusal;
mod rlimits;
mod root;
mod seccomp;
mod self_test;
mod supervisor;
mod watch;

use std::process::ExitCode;

use control::Control;

/// Runs the helper process: reads what to do from stdin, builds the sandbox, runs the command and reports how it ended.
///
/// Call it first thing in `main`, before any thread is started. Whatever happened was reported over stdin; the exit code
/// only tells a person who started it by hand that something is wrong.
#[must_use]
pub fn helper_main() -> ExitCode {
    let Ok((mut control, spec)) = Control::open() else {
        return ExitCode::from(2);
    };
    match supervisor::supervise(&mut control, &spec) {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            control.send(&refusal.into());
            ExitCode::from(1)
        }
    }
}
