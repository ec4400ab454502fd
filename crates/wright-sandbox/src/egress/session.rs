//! One connection to the proxy: read a request, decide, connect, relay, record.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::address::{AddressScope, scope_of};
use super::hello::Hello;
use super::network::Network;
use super::policy::{Destination, EgressPolicy, EgressRefusal, Reach};
use super::request::{Asked, MAX_HEAD, ProxyRequest, parse};
use super::{EgressRecord, Records};

/// How long a client may take for its request, and for the beginning of its encrypted connection.
const REQUEST_PATIENCE: Duration = Duration::from_secs(30);

/// How long finding and reaching a host may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);

/// How much is relayed at a time.
const CHUNK: usize = 32 * 1024;

/// The most records that are kept; a command that makes more requests is told apart by the log.
const MAX_RECORDS: usize = 10_000;

/// What all sessions of a command share.
pub(super) struct Shared {
    pub(super) policy: EgressPolicy,
    pub(super) network: Arc<dyn Network>,
    pub(super) records: Records,
    up: Budget,
    down: Budget,
}

impl Shared {
    pub(super) fn new(policy: EgressPolicy, network: Arc<dyn Network>) -> Self {
        let (up, down) = (Budget::new(policy.max_bytes_up), Budget::new(policy.max_bytes_down));
        Self { policy, network, records: Mutex::default(), up, down }
    }

    fn record(&self, record: EgressRecord) {
        let verdict = record.refusal.map_or_else(|| "allowed".to_owned(), |it| it.to_string());
        tracing::info!(
            method = record.method,
            target = record.target,
            verdict,
            up = record.bytes_up,
            down = record.bytes_down,
            "egress"
        );
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        if records.len() < MAX_RECORDS {
            records.push(record);
        }
    }
}

/// Bytes that may still pass in one direction.
struct Budget(AtomicU64);

impl Budget {
    fn new(n_bytes: u64) -> Self {
        Self(AtomicU64::new(n_bytes))
    }

    /// Takes bytes off. When there are not as many left, none are taken and nothing passes any more.
    fn take(&self, n_bytes: usize) -> Result<(), EgressRefusal> {
        let n_bytes = n_bytes as u64;
        let left = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n_bytes));
        if left.is_err() {
            self.0.store(0, Ordering::Relaxed);
            return Err(EgressRefusal::OverBudget);
        }
        Ok(())
    }

    fn is_spent(&self) -> bool {
        self.0.load(Ordering::Relaxed) == 0
    }
}

/// What has passed in a session so far, whichever way it ends.
#[derive(Default)]
struct Progress {
    asked: Asked,
    up: AtomicU64,
    down: AtomicU64,
}

/// Serves one connection to its end and records it.
pub(super) async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut client: S, shared: &Shared) {
    let mut progress = Progress::default();
    let end = match timeout(shared.policy.max_connection_time, exchange(&mut client, shared, &mut progress)).await {
        Ok(end) => end,
        Err(_) => Err(EgressRefusal::TimeOver),
    };
    let Progress { asked, up, down } = progress;
    let (bytes_up, bytes_down) = (up.into_inner(), down.into_inner());
    let refusal = end.err();
    if let Some(refusal) = refusal.filter(|_| bytes_down == 0) {
        // Best effort: in a tunnel, or when the client is gone, nobody reads this.
        let _ = timeout(Duration::from_secs(5), client.write_all(&answer(refusal))).await;
        let _ = client.shutdown().await;
    }
    // A connection that was opened and closed asked for nothing.
    let is_silent = asked == Asked::default() && refusal == Some(EgressRefusal::BrokeOff);
    if !is_silent {
        shared.record(EgressRecord { method: asked.method, target: asked.target, refusal, bytes_up, bytes_down });
    }
}

fn answer(refusal: EgressRefusal) -> Vec<u8> {
    let status = match refusal {
        EgressRefusal::Malformed { .. } | EgressRefusal::NotAName { .. } => "400 Bad Request",
        EgressRefusal::Method => "405 Method Not Allowed",
        EgressRefusal::Unresolved | EgressRefusal::Unreachable | EgressRefusal::BrokeOff => "502 Bad Gateway",
        EgressRefusal::TimeOver => "504 Gateway Timeout",
        _ => "403 Forbidden",
    };
    let text = format!("wright egress proxy: {refusal}\n");
    let n_bytes = text.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {n_bytes}\r\nConnection: close\r\n\r\n{text}"
    )
    .into_bytes()
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    shared: &Shared,
    progress: &mut Progress,
) -> Result<(), EgressRefusal> {
    let read = timeout(REQUEST_PATIENCE, read_request(client, &mut progress.asked)).await;
    let (request, rest) = read.map_err(|_| EgressRefusal::TimeOver)??;
    if shared.up.is_spent() || shared.down.is_spent() {
        return Err(EgressRefusal::OverBudget);
    }
    match request {
        ProxyRequest::Plain { .. } if !rest.is_empty() => Err(EgressRefusal::Malformed { why: "it has a body" }),
        ProxyRequest::Plain { destination, head } => {
            let mut server = connect(shared, &destination).await?;
            send(&mut server, &head, &shared.up, &progress.up).await?;
            pump(&mut server, client, &shared.down, &progress.down).await
        }
        ProxyRequest::Tunnel(destination) => {
            let server = connect(shared, &destination).await?;
            let opened = client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            opened.map_err(|_| EgressRefusal::BrokeOff)?;
            tunnel(client, server, &destination, rest, shared, progress).await
        }
    }
}

async fn read_request<S: AsyncRead + Unpin>(
    client: &mut S,
    asked: &mut Asked,
) -> Result<(ProxyRequest, Vec<u8>), EgressRefusal> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        let mut chunk = [0; 4096];
        let room = (MAX_HEAD + 1 - bytes.len()).min(chunk.len());
        match client.read(&mut chunk[..room]).await {
            Ok(n_bytes) if n_bytes > 0 => bytes.extend_from_slice(&chunk[..n_bytes]),
            _ => return Err(EgressRefusal::BrokeOff),
        }
        if let Some((request, n_read)) = parse(&bytes, asked)? {
            return Ok((request, bytes.split_off(n_read)));
        }
        if bytes.len() > MAX_HEAD {
            return Err(EgressRefusal::Malformed { why: "it is too long" });
        }
    }
}

/// Finds the host and connects to it. The name is resolved once, every address is judged, and what was judged is connected
/// to: a name that changes its mind in between changes nothing.
async fn connect(shared: &Shared, destination: &Destination) -> Result<TcpStream, EgressRefusal> {
    let reach = shared.policy.decide(destination)?;
    let attempt = async {
        let resolved = shared.network.resolve(&destination.host).await;
        let addresses = resolved.map_err(|_| EgressRefusal::Unresolved)?;
        if addresses.is_empty() {
            return Err(EgressRefusal::Unresolved);
        }
        // One bad address among good ones is no accident either.
        addresses.iter().try_for_each(|it| judge(scope_of(*it), reach))?;
        for address in addresses {
            if let Ok(stream) = shared.network.connect(SocketAddr::new(address, destination.port)).await {
                return Ok(stream);
            }
        }
        Err(EgressRefusal::Unreachable)
    };
    timeout(CONNECT_PATIENCE, attempt).await.unwrap_or(Err(EgressRefusal::Unreachable))
}

fn judge(scope: AddressScope, reach: Reach) -> Result<(), EgressRefusal> {
    match (scope, reach) {
        (AddressScope::Public, _) | (AddressScope::Private, Reach::PrivateToo) => Ok(()),
        (AddressScope::Private, Reach::Public) => Err(EgressRefusal::Address { what: "a private network" }),
        (AddressScope::Never(what), _) => Err(EgressRefusal::Address { what }),
    }
}

/// Checks for whom the encrypted connection is before the first byte of it leaves, then relays.
async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
    mut server: TcpStream,
    destination: &Destination,
    rest: Vec<u8>,
    shared: &Shared,
    progress: &Progress,
) -> Result<(), EgressRefusal> {
    let reading = timeout(REQUEST_PATIENCE, read_hello(client, rest)).await;
    let (name, hello) = reading.map_err(|_| EgressRefusal::TimeOver)??;
    if name != destination.host {
        return Err(EgressRefusal::OtherHost);
    }
    send(&mut server, &hello.into_bytes(), &shared.up, &progress.up).await?;
    let (mut from_client, mut to_client) = tokio::io::split(client);
    let (mut from_server, mut to_server) = server.split();
    let up = pump(&mut from_client, &mut to_server, &shared.up, &progress.up);
    let down = pump(&mut from_server, &mut to_client, &shared.down, &progress.down);
    tokio::try_join!(up, down).map(drop)
}

async fn read_hello<S: AsyncRead + Unpin>(
    client: &mut S,
    rest: Vec<u8>,
) -> Result<(super::HostName, Hello), EgressRefusal> {
    let mut hello = Hello::default();
    let mut bytes = rest;
    loop {
        if let Some(name) = hello.push(&bytes)? {
            return Ok((name, hello));
        }
        bytes.resize(4096, 0);
        match client.read(&mut bytes).await {
            Ok(n_bytes) if n_bytes > 0 => bytes.truncate(n_bytes),
            _ => return Err(EgressRefusal::BrokeOff),
        }
    }
}

async fn send<W: AsyncWrite + Unpin>(
    to: &mut W,
    bytes: &[u8],
    budget: &Budget,
    passed: &AtomicU64,
) -> Result<(), EgressRefusal> {
    budget.take(bytes.len())?;
    to.write_all(bytes).await.map_err(|_| EgressRefusal::BrokeOff)?;
    passed.fetch_add(bytes.len() as u64, Ordering::Relaxed);
    Ok(())
}

/// Relays one direction until it ends.
async fn pump<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    from: &mut R,
    to: &mut W,
    budget: &Budget,
    passed: &AtomicU64,
) -> Result<(), EgressRefusal> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let n_bytes = from.read(&mut chunk).await.map_err(|_| EgressRefusal::BrokeOff)?;
        if n_bytes == 0 {
            // The other side may be gone already.
            let _ = to.shutdown().await;
            return Ok(());
        }
        send(to, &chunk[..n_bytes], budget, passed).await?;
    }
}
