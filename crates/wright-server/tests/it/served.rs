//! A server with a model of the test's choice, for the length of one test.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use wright_provider::Provider;
use wright_server::{Address, Config, Models, Server};

/// A running server.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Served {
    /// Starts a server on a free port, with the same model for everything.
    pub(crate) async fn start(provider: Arc<dyn Provider>, config: Config) -> Self {
        let models = Models { complete: Arc::clone(&provider), chat: provider };
        let address = Address::Tcp("127.0.0.1:0".parse().unwrap());
        let server = Server::bind(&address, models, config).await.unwrap();
        let Address::Tcp(address) = *server.address() else { panic!("not a TCP address") };
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async { drop(stopped.await) }));
        Self { address, stop, running }
    }

    /// Tells the server to end, and waits until it has.
    pub(crate) async fn stop(self) {
        self.stop.send(()).unwrap();
        self.running.await.unwrap();
    }
}
