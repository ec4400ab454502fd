//! This binary as a launcher in a terminal of its own, with an attack on that terminal in a sandbox or in none.

use std::io;
use std::process::ExitCode;

use wright_sandbox::{Command, Exit, Policy};

use crate::escapes::ReachableProgram;
use crate::{ATTACK, Tree, attacks, run, sandbox};

/// The first argument of this binary in this part.
pub(crate) const ARGUMENT: &str = "in-terminal";

/// The second argument: where the attack takes place.
pub(crate) const INSIDE: &str = "inside";
pub(crate) const OUTSIDE: &str = "outside";

/// Takes a terminal and carries the attack out.
pub(crate) fn run_in_terminal(args: &[String]) -> ExitCode {
    if let Err(error) = take_terminal() {
        println!("stopped: no terminal: {error}");
        return ExitCode::from(attacks::STOPPED);
    }
    match args.split_first() {
        Some((place, attack)) if place == INSIDE => attack_inside(attack),
        Some((_, attack)) => attacks::run(attack),
        None => ExitCode::from(attacks::UNKNOWN),
    }
}

fn attack_inside(attack: &[String]) -> ExitCode {
    let (tree, program) = (Tree::new(), ReachableProgram::new());
    let words = [program.path().display().to_string(), ATTACK.to_owned()].into_iter().chain(attack.iter().cloned());
    let policy = Policy { read_only: vec![program.path()], ..tree.policy() };
    let outcome = run(sandbox(), &policy, &Command::new(words));
    print!("{}", outcome.text());
    match outcome.exit {
        Exit::Code(code) => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
        Exit::Signal(_) | Exit::WallClock | Exit::OutputLimit => ExitCode::from(attacks::STOPPED),
    }
}

/// Opens a terminal, and makes it the one of this process and its children.
fn take_terminal() -> io::Result<()> {
    let (mut leader, mut follower) = (0, 0);
    let null = std::ptr::null_mut();
    // SAFETY: two numbers are filled in; the other arguments may be null.
    let opened = unsafe { libc::openpty(&raw mut leader, &raw mut follower, null, null.cast(), null.cast()) };
    // SAFETY: plain numbers.
    let taken = opened == 0 && unsafe { libc::setsid() >= 0 && libc::ioctl(follower, libc::TIOCSCTTY, 0) == 0 };
    if taken { Ok(()) } else { Err(io::Error::last_os_error()) }
}
