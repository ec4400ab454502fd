//! Which hosts may be reached, and how much may pass. Fixed before the first untrusted byte is read.

use std::time::Duration;

use super::host::HostName;

/// The ports of plain and encrypted HTTP.
const USUAL_PORTS: &[u16] = &[80, 443];

/// What a command may reach. An empty list allows nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EgressPolicy {
    /// The hosts, each by its exact name: a listed name says nothing about those above or below it.
    pub allowed: Vec<AllowedHost>,
    /// How many bytes may leave, over all requests of the command.
    pub max_bytes_up: u64,
    /// How many bytes may come back.
    pub max_bytes_down: u64,
    /// How long one connection may last.
    pub max_connection_time: Duration,
    /// Connections at one time; further ones wait.
    pub max_connections: usize,
}

impl EgressPolicy {
    /// Returns a policy for these hosts, with limits that fetching the dependencies of a project stays below.
    #[must_use]
    pub fn new(allowed: Vec<AllowedHost>) -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            allowed,
            max_bytes_up: 16 * MIB,
            max_bytes_down: 4096 * MIB,
            max_connection_time: Duration::from_secs(600),
            max_connections: 64,
        }
    }

    /// Says whether a request may go to `destination`, and where the host may lie.
    ///
    /// # Errors
    /// When the list is empty, or does not have the host, or not with this port.
    pub fn decide(&self, destination: &Destination) -> Result<Reach, EgressRefusal> {
        if self.allowed.is_empty() {
            return Err(EgressRefusal::NothingAllowed);
        }
        let mut of_host = self.allowed.iter().filter(|it| it.host == destination.host).peekable();
        if of_host.peek().is_none() {
            return Err(EgressRefusal::NotListed);
        }
        let found = of_host.find(|it| it.allows_port(destination.port));
        found.map(|it| it.reach).ok_or(EgressRefusal::Port { port: destination.port })
    }
}

/// One host on the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedHost {
    host: HostName,
    port: Option<u16>,
    reach: Reach,
}

impl AllowedHost {
    /// Reads `host`, which allows ports 80 and 443, or `host:port`, which allows that port alone.
    ///
    /// # Errors
    /// When it is no name, or the port is no number.
    pub fn parse(text: &str) -> Result<Self, EgressRefusal> {
        let (host, port) = split_port(text)?;
        Ok(Self { host: HostName::parse(host)?, port, reach: Reach::Public })
    }

    /// Returns the same host, which may lie in a private network, as a company's mirror does.
    #[must_use]
    pub fn in_private_network(self) -> Self {
        Self { reach: Reach::PrivateToo, ..self }
    }

    /// Returns the host's name.
    #[must_use]
    pub fn host(&self) -> &HostName {
        &self.host
    }

    fn allows_port(&self, port: u16) -> bool {
        self.port.map_or_else(|| USUAL_PORTS.contains(&port), |only| only == port)
    }
}

/// Where a host's address may lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// On the internet alone.
    Public,
    /// On the internet or in a private network. Never on this machine.
    PrivateToo,
}

/// Where a request wants to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The host.
    pub host: HostName,
    /// The port.
    pub port: u16,
}

impl Destination {
    /// Reads `host:port` as it comes from a program. Without a port, `default_port` is meant; without that, it is refused.
    ///
    /// # Errors
    /// When it is no name, or the port is no number.
    pub fn parse(text: &str, default_port: Option<u16>) -> Result<Self, EgressRefusal> {
        let (host, port) = split_port(text)?;
        let port = port.or(default_port).ok_or(EgressRefusal::Malformed { why: "no port" })?;
        Ok(Self { host: HostName::from_wire(host)?, port })
    }
}

fn split_port(text: &str) -> Result<(&str, Option<u16>), EgressRefusal> {
    let Some((host, port)) = text.split_once(':') else { return Ok((text, None)) };
    let is_plain = (1..=5).contains(&port.len()) && port.bytes().all(|it| it.is_ascii_digit());
    let number = port.parse().ok().filter(|&it: &u16| is_plain && it != 0);
    number.map(|it| (host, Some(it))).ok_or(EgressRefusal::Malformed { why: "the port" })
}

/// Why a request was refused or cut short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EgressRefusal {
    /// The request is not one that a proxy is sent.
    #[error("the request cannot be read: {why}")]
    Malformed {
        /// What is wrong.
        why: &'static str,
    },
    /// The host is not a name in plain form.
    #[error("not the name of a host: {why}")]
    NotAName {
        /// What is wrong.
        why: &'static str,
    },
    /// The list is empty.
    #[error("no host is allowed")]
    NothingAllowed,
    /// The host is not on the list.
    #[error("the host is not on the list")]
    NotListed,
    /// The port is not one that the list allows.
    #[error("port {port} is not allowed for this host")]
    Port {
        /// The port.
        port: u16,
    },
    /// The method is none of GET, HEAD and CONNECT.
    #[error("the method is not allowed")]
    Method,
    /// The name could not be resolved.
    #[error("the host's address cannot be found")]
    Unresolved,
    /// The name leads where no command is led.
    #[error("the host's address belongs to {what}")]
    Address {
        /// What has that address.
        what: &'static str,
    },
    /// The address did not answer.
    #[error("the host cannot be reached")]
    Unreachable,
    /// What came through the tunnel is not the beginning of an encrypted connection.
    #[error("the connection is not encrypted as it was announced")]
    NotEncrypted,
    /// The encrypted connection is for another host, or hides for which.
    #[error("the encrypted connection is for another host")]
    OtherHost,
    /// The bytes that the policy allows are used up.
    #[error("no bytes are left of the budget")]
    OverBudget,
    /// The connection lasted too long.
    #[error("the time is over")]
    TimeOver,
    /// One side closed the connection in the middle.
    #[error("the connection broke off")]
    BrokeOff,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decide(allowed: &[&str], target: &str) -> Result<Reach, EgressRefusal> {
        let allowed = allowed.iter().map(|it| AllowedHost::parse(it).unwrap()).collect();
        EgressPolicy::new(allowed).decide(&Destination::parse(target, None)?)
    }

    #[test]
    fn only_the_exact_host_with_its_ports_is_allowed() {
        let list = ["good.example", "Mirror.Example.:8443"];
        for target in ["good.example:443", "GOOD.example.:80", "mirror.example:8443"] {
            assert_eq!(decide(&list, target), Ok(Reach::Public), "{target}");
        }
        let not_listed = [
            "evil-good.example:443",
            "good.example.evil:443",
            "sub.good.example:443",
            "example:443",
            "xgood.example:443",
        ];
        for target in not_listed {
            assert_eq!(decide(&list, target), Err(EgressRefusal::NotListed), "{target}");
        }
        for (target, port) in [("good.example:22", 22), ("mirror.example:443", 443), ("good.example:8443", 8443)] {
            assert_eq!(decide(&list, target), Err(EgressRefusal::Port { port }), "{target}");
        }
        for target in [
            "good.example",
            "good.example:",
            "good.example:0",
            "good.example:+443",
            "good.example:99999",
            "good.example:443:1",
        ] {
            assert!(matches!(decide(&list, target), Err(EgressRefusal::Malformed { .. })), "{target}");
        }
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        assert_eq!(decide(&[], "good.example:443"), Err(EgressRefusal::NothingAllowed));
    }

    proptest! {
        #[test]
        fn no_target_but_the_listed_one_gets_through(target in "[a-zA-Z0-9.@:%\\-\\x00 ]{0,30}(good\\.example)?[a-z.:\\x00]{0,9}(:443)?") {
            if decide(&["good.example"], &target).is_ok() {
                let name = target.to_ascii_lowercase();
                let name = name.strip_suffix(":443").or(name.strip_suffix(":80")).unwrap();
                prop_assert_eq!(name.trim_end_matches('.'), "good.example");
            }
        }
    }
}
