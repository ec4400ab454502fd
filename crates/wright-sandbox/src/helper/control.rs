//! The helper's end of the conversation with the sandbox.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;

use rustix::io::fcntl_dupfd_cloexec;
use rustix::stdio::{dup2_stdin, stdin};

use crate::wire::{MAX_SPEC_BYTES, Report, Spec, VERSION};

/// The socket over which the spec came and the reports go. It closes itself when the command is executed.
pub(super) struct Control {
    socket: UnixStream,
}

impl Control {
    /// Takes the socket off stdin, which becomes `/dev/null`, closes everything else that was inherited, and reads the spec.
    pub(super) fn open() -> io::Result<(Self, Spec)> {
        close_inherited()?;
        let mut socket = UnixStream::from(fcntl_dupfd_cloexec(stdin(), 3)?);
        dup2_stdin(File::open("/dev/null")?)?;
        let spec = read_spec(&mut socket)?;
        Ok((Self { socket }, spec))
    }

    /// Says something to the sandbox. It may be gone, in which case nobody is left to be told.
    pub(super) fn send(&mut self, report: &Report) {
        let Ok(mut line) = serde_json::to_vec(report) else {
            return;
        };
        line.push(b'\n');
        let _ = self.socket.write_all(&line);
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn read_spec(socket: &mut UnixStream) -> io::Result<Spec> {
    let mut length = [0; 4];
    socket.read_exact(&mut length)?;
    let length = u32::from_le_bytes(length);
    if length > MAX_SPEC_BYTES {
        return Err(io::Error::other("the spec is too long"));
    }
    let mut bytes = vec![0; length as usize];
    socket.read_exact(&mut bytes)?;
    let spec: Spec = serde_json::from_slice(&bytes)?;
    if spec.version != VERSION {
        return Err(io::Error::other("the spec is of another version"));
    }
    Ok(spec)
}

/// Closes every file above stderr. What the launcher leaked must not reach the command.
fn close_inherited() -> io::Result<()> {
    // SAFETY: the helper has just started and owns no file above 2, so nothing that is still in use is closed.
    let result = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
