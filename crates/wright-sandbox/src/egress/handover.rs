//! Hands a listener from inside the sandbox's network to the host, over a unix socket that only this user can reach.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener as StdTcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use tokio::net::{TcpListener, UnixListener};

use super::PORT;

/// How long a helper may take between connecting and handing over.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a listener is handed in.
pub(super) struct Handover {
    _dir: tempfile::TempDir,
    socket: PathBuf,
    listener: UnixListener,
}

impl Handover {
    /// Opens the socket in a folder of its own that only this user can enter.
    pub(super) fn open() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("wright-egress-").permissions(mode(0o700)).tempdir()?;
        let socket = dir.path().join("socket");
        let listener = UnixListener::bind(&socket)?;
        std::fs::set_permissions(&socket, mode(0o600))?;
        Ok(Self { _dir: dir, socket, listener })
    }

    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits for the listener. Only this user's processes are listened to.
    pub(super) async fn receive(&self) -> io::Result<TcpListener> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            if stream.peer_cred()?.uid() != rustix::process::geteuid().as_raw() {
                continue;
            }
            let stream = stream.into_std()?;
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            let received = tokio::task::spawn_blocking(move || take_file(&stream)).await;
            let listener = StdTcpListener::from(received.map_err(io::Error::other)??);
            listener.set_nonblocking(true)?;
            return TcpListener::from_std(listener);
        }
    }
}

fn mode(mode: u32) -> std::fs::Permissions {
    std::fs::Permissions::from_mode(mode)
}

fn take_file(stream: &StdUnixStream) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(stream, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    let files = control.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    files.flatten().next().ok_or_else(|| io::Error::other("no file was handed over"))
}

/// Opens the proxy's port in the network of this process and hands the listener to `socket`. Called by the helper, before it
/// leaves the host's file system and gives up its user.
pub(crate) fn offer(socket: &Path) -> io::Result<()> {
    let listener = StdTcpListener::bind((Ipv4Addr::LOCALHOST, PORT))?;
    let stream = StdUnixStream::connect(socket)?;
    let files = [listener.as_fd()];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&files)) {
        return Err(io::Error::other("no room for a file"));
    }
    sendmsg(&stream, &[IoSlice::new(b"l")], &mut control, SendFlags::NOSIGNAL)?;
    Ok(())
}
