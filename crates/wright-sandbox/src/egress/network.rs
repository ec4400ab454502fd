//! What the proxy needs of a network, so that tests can have one of their own.

use std::io;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::host::HostName;

/// A network: names have addresses, and addresses can be connected to.
#[async_trait]
pub trait Network: Send + Sync {
    /// Returns the addresses of a host.
    async fn resolve(&self, host: &HostName) -> io::Result<Vec<IpAddr>>;

    /// Connects to exactly this address.
    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream>;
}

/// This machine's network.
#[derive(Debug, Clone, Copy)]
pub struct HostNetwork;

#[async_trait]
impl Network for HostNetwork {
    async fn resolve(&self, host: &HostName) -> io::Result<Vec<IpAddr>> {
        // The dot at the end keeps the resolver from trying the name below the machine's own domains.
        let absolute = format!("{host}.");
        let found = tokio::net::lookup_host((absolute.as_str(), 0)).await?;
        Ok(found.map(|it| it.ip()).collect())
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(address).await
    }
}
