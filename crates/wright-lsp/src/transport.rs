//! The threads around the loop: one reads the client's bytes, one writes ours.

use std::io::{BufReader, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};

use crate::frames::{self, FrameReader, Incoming, Outgoing};
use crate::host::Host;
use crate::outbox::Outbox;
use crate::server::Server;

/// So many messages may wait for the loop; then the client has to.
const MAX_WAITING: usize = 256;

/// How long the last messages may take to be written.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The client said so, in the order that the protocol prescribes.
    InOrder,
    /// The client went away, or said `exit` without `shutdown`.
    Abandoned,
}

/// Serves one client until it leaves. Blocks the calling thread; work that waits runs on `runtime`.
///
/// When this returns, the thread that reads may still hang in `input`.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    host: Arc<dyn Host>,
    runtime: &tokio::runtime::Handle,
) -> Ended {
    let (to_loop, from_client) = bounded(MAX_WAITING);
    let (to_client, from_loop) = unbounded();
    let (written, all_written) = bounded::<()>(0);
    std::thread::spawn(move || read(input, &to_loop));
    std::thread::spawn(move || {
        write(output, &from_loop);
        drop(written);
    });
    // What the completer does while nobody waits runs there too.
    let _entered = runtime.enter();
    let ended = Server::new(host, Outbox::new(to_client), runtime.clone()).run(&from_client);
    // The server with its outbox is gone, so the writer ends after the last message. A client that does not read must not
    // keep us.
    let _ = all_written.recv_timeout(LAST_WRITES);
    ended
}

/// Reads until the stream ends; the loop sees the end as a closed channel.
fn read(input: impl Read, to_loop: &Sender<Incoming>) {
    let mut reader = FrameReader::new(BufReader::with_capacity(64 << 10, input));
    loop {
        match reader.read() {
            Ok(Some(incoming)) => {
                if to_loop.send(incoming).is_err() {
                    return;
                }
            }
            Ok(None) => return,
            Err(error) => {
                tracing::info!(%error, "the client's stream broke");
                return;
            }
        }
    }
}

/// Writes until the loop ends or the stream breaks; the loop sees the latter as a closed channel.
fn write(mut output: impl Write, from_loop: &Receiver<Outgoing>) {
    for outgoing in from_loop {
        if let Err(error) = frames::write(&mut output, &outgoing) {
            tracing::info!(%error, "the client reads no more");
            return;
        }
    }
}
