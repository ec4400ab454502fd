//! A terminal of our own, to see what a person would see.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Runs a command with stdout on a terminal and returns what the terminal received.
pub(crate) fn shown_on_terminal(command: &mut Command) -> String {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs: OwnedFd =
        rustix::fs::open(name.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    let mut child = command.stdin(Stdio::null()).stdout(theirs).stderr(Stdio::null()).spawn().unwrap();
    // The command holds the other end of the terminal as well, and reading would never end.
    command.stdout(Stdio::null());
    let mut received = Vec::new();
    // Once the last program has left the terminal, reading fails; what came before is there.
    let _ = File::from(ours).read_to_end(&mut received);
    child.wait().unwrap();
    String::from_utf8_lossy(&received).into_owned()
}
