//! Opens the address, takes connections, and ends them in good order.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::address::{Address, Connection, Listener};
use crate::config::Config;
use crate::guard::Guard;
use crate::models::Models;
use crate::routes::{self, Shared};

/// How many clients may be connected; more wait.
const MAX_CONNECTIONS: usize = 256;

/// How long the header of a request may take, and a connection without a request stay open.
const MAX_HEADER_WAIT: Duration = Duration::from_secs(30);

/// How many headers a request may have.
const MAX_HEADERS: usize = 64;

/// How much of a connection is buffered, which bounds the header, in bytes.
const MAX_BUFFER: usize = 64 << 10;

/// How long requests under way may take to end after the server was told to stop.
const GRACE: Duration = Duration::from_secs(5);

/// How long taking connections pauses after it failed, as it does while there are too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// An HTTP server whose address is open.
pub struct Server {
    listener: Listener,
    address: Address,
    router: Router,
}

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be opened.
    #[error("listen on {address}: {source}")]
    Bind {
        /// The address.
        address: Address,
        /// What the system said.
        source: io::Error,
    },
    /// Others than this machine could connect, and no token is set.
    #[error("listen on {address}: other machines can reach it, and no token is set")]
    NeedsToken {
        /// The address.
        address: Address,
    },
}

impl ServerError {
    /// Returns what to try next, as a sentence.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Bind { .. } => "Choose another port with `--listen`, or port 0 for a free one.",
            Self::NeedsToken { .. } => "Listen on 127.0.0.1, or name a file that holds a token with `--token-file`.",
        }
    }
}

impl Server {
    /// Opens the address. Nothing is answered before [`Server::run`].
    pub async fn bind(address: &Address, models: Models, config: Config) -> Result<Self, ServerError> {
        if !address.is_local() && config.token.is_none() {
            return Err(ServerError::NeedsToken { address: address.clone() });
        }
        let fail = |source| ServerError::Bind { address: address.clone(), source };
        let listener = Listener::bind(address).await.map_err(fail)?;
        let address = listener.address().map_err(fail)?;
        let guard = Guard::new(&address, &config);
        let router = routes::router(Arc::new(Shared::new(models, config, guard)));
        Ok(Self { listener, address, router })
    }

    /// Returns the address, with the port that was taken.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Answers until `stop` completes, then lets requests under way end, for some seconds.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
        let graceful = GracefulShutdown::new();
        // Connections that are left when this value goes are aborted.
        let mut connections = JoinSet::new();
        tokio::pin!(stop);
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await;
                (place, self.listener.accept().await)
            };
            let (place, connection) = tokio::select! {
                next = next => next,
                () = &mut stop => break,
            };
            while connections.try_join_next().is_some() {}
            match connection {
                Ok(connection) => {
                    let serving = graceful.watch(serve(connection, self.router.clone()));
                    connections.spawn(async move {
                        if let Err(error) = serving.await {
                            tracing::debug!(%error, "connection ended");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "connection not taken");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        drop(self.listener);
        if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests under way were cut off");
        }
    }
}

/// Returns the conversation on one connection. A client that goes away ends what is done for it: half-closed connections
/// are closed.
fn serve(
    connection: Box<dyn Connection>,
    router: Router,
) -> http1::Connection<TokioIo<Box<dyn Connection>>, TowerToHyperService<Router>> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(MAX_HEADER_WAIT)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_BUFFER)
        .half_close(false);
    http.serve_connection(TokioIo::new(connection), TowerToHyperService::new(router))
}
