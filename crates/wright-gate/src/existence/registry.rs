//! The question whether a package is registered, as a port: who answers it is the caller's choice.

use async_trait::async_trait;

use super::Ecosystem;

/// What a registry says about a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// The package exists.
    Known {
        /// The day of its first release, as `YYYY-MM-DD`, where the registry tells.
        first_release: Option<String>,
        /// How often it was fetched in the last month, where the registry tells.
        downloads: Option<u64>,
    },
    /// The registry has no such package.
    Absent,
    /// Nobody could be asked: why, as a lowercase fragment.
    Unknown(String),
}

/// Something that knows which packages exist.
#[async_trait]
pub trait PackageRegistry: Send + Sync {
    /// Returns what is known about a package. An answer that is not certain is [`Registered::Unknown`].
    async fn lookup(&self, ecosystem: Ecosystem, name: &str) -> Registered;
}

/// The registry that is not asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offline;

#[async_trait]
impl PackageRegistry for Offline {
    async fn lookup(&self, _: Ecosystem, _: &str) -> Registered {
        Registered::Unknown("the registry was not asked".to_owned())
    }
}
