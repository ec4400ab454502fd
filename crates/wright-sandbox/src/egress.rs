//! The one way out of the sandbox, closed unless someone asks for it: a proxy that lets through the hosts on a list.
//!
//! ```text
//!   command ──► 127.0.0.1:3128 inside ──(the listener's file, handed out)──► proxy on the host ──► a listed host
//! ```
//!
//! The helper opens the listener in the sandbox's own network and hands it to the host, so nothing of the host's is put
//! into the sandbox, and no program has to run in there. [`EgressPolicy::decide`] and what lies below it are pure:
//! [`HostName`] reads a name strictly, [`scope_of`] sorts addresses, `hello` reads which server a client means to talk to.
//! A session reads one request, decides, resolves the name once, and connects to exactly the address that it judged.
//!
//! Invariant: an empty list allows nothing.
//!
//! What it cannot do: look into encrypted traffic. A listed host that serves other people's content can be talked to about
//! all of it, so list package registries, not hosts of files in general.

mod address;
mod handover;
mod hello;
mod host;
mod network;
mod policy;
mod request;
mod session;

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub use address::{AddressScope, scope_of};
pub(crate) use handover::offer;
pub use host::HostName;
pub use network::{HostNetwork, Network};
pub use policy::{AllowedHost, Destination, EgressPolicy, EgressRefusal, Reach};

use handover::Handover;
use session::Shared;

/// Where the proxy is found inside. The sandbox has a network of its own, so the port is always free.
pub(crate) const PORT: u16 = 3128;

/// What a command asked of the proxy and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressRecord {
    /// The request's method; empty when the request could not be read.
    pub method: String,
    /// Where it wanted to go, as it was written, with everything unprintable escaped.
    pub target: String,
    /// Why it was refused or cut short; nothing when it was let through.
    pub refusal: Option<EgressRefusal>,
    /// Bytes that left.
    pub bytes_up: u64,
    /// Bytes that came back.
    pub bytes_down: u64,
}

/// What a command is given to reach the outside.
#[derive(Clone)]
pub struct Egress {
    policy: EgressPolicy,
    network: Arc<dyn Network>,
}

impl Egress {
    /// Returns the way out that `policy` describes, over this machine's network.
    #[must_use]
    pub fn new(policy: EgressPolicy) -> Self {
        Self::over(policy, Arc::new(HostNetwork))
    }

    /// Returns the way out that `policy` describes, over another network, as tests have one.
    #[must_use]
    pub fn over(policy: EgressPolicy, network: Arc<dyn Network>) -> Self {
        Self { policy, network }
    }

    /// Opens the place where a helper hands in its listener.
    pub(crate) fn open(&self) -> std::io::Result<Proxy> {
        Ok(Proxy {
            handover: Handover::open()?,
            shared: Arc::new(Shared::new(self.policy.clone(), Arc::clone(&self.network))),
        })
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("policy", &self.policy).finish_non_exhaustive()
    }
}

/// The proxy of one command. It ends when it is dropped.
pub(crate) struct Proxy {
    handover: Handover,
    shared: Arc<Shared>,
}

impl Proxy {
    /// Returns where the helper hands in its listener.
    pub(crate) fn socket(&self) -> &Path {
        self.handover.socket()
    }

    /// Waits for the listener and serves it until this future is dropped.
    pub(crate) async fn serve(&self) -> Infallible {
        match self.handover.receive().await {
            Ok(listener) => self.accept(listener).await,
            Err(error) => {
                // The helper could not hand it over either and reports why; the command then never runs.
                tracing::debug!(%error, "no listener was handed over");
                std::future::pending().await
            }
        }
    }

    async fn accept(&self, listener: TcpListener) -> Infallible {
        let mut sessions = JoinSet::new();
        let places = Arc::new(Semaphore::new(self.shared.policy.max_connections));
        loop {
            while sessions.try_join_next().is_some() {}
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { std::future::pending().await };
            match listener.accept().await {
                Ok((client, _)) => {
                    let shared = Arc::clone(&self.shared);
                    sessions.spawn(async move {
                        session::serve(client, &shared).await;
                        drop(place);
                    });
                }
                // Out of files, or the client is gone already: the next one may fare better.
                Err(error) => {
                    tracing::debug!(%error, "a connection could not be accepted");
                    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                }
            }
        }
    }

    /// Returns what was asked so far, in the order in which the requests ended.
    pub(crate) fn records(&self) -> Vec<EgressRecord> {
        self.shared.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns the variables by which programs find the proxy.
pub(crate) fn variables() -> Vec<(String, String)> {
    let url = format!("http://127.0.0.1:{PORT}");
    let names = [
        "HTTP_PROXY",
        "http_proxy",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "npm_config_proxy",
        "npm_config_https_proxy",
        "PIP_PROXY",
        "CARGO_HTTP_PROXY",
    ];
    let proxies = names.map(|name| (name.to_owned(), url.clone()));
    let java = format!(
        "-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort={PORT} -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort={PORT} \
         -Dhttp.nonProxyHosts= -Daether.connector.http.useSystemProperties=true"
    );
    let others = [("NO_PROXY", String::new()), ("no_proxy", String::new()), ("JAVA_TOOL_OPTIONS", java)];
    proxies.into_iter().chain(others.map(|(name, value)| (name.to_owned(), value))).collect()
}

/// Where sessions leave their records.
type Records = Mutex<Vec<EgressRecord>>;
