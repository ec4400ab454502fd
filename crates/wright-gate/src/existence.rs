//! What exists: packages, modules, routes, tables. The checks ask here before they call a name invented.
//!
//! Evidence is taken in a fixed order, the strongest first: the language's own modules, the repository, its manifests and
//! lock files, what is installed, lists of well-known names. A registry is asked last, and only where the user allows it.
//!
//! Everything but [`installed`] and [`clients`] takes values and returns values.

pub mod client_calls;
pub mod clients;
pub mod commands;
pub mod ddl;
mod ecosystem;
pub mod first_party;
pub mod imports;
pub mod installed;
pub mod known;
pub mod manifests;
pub(crate) mod nodes;
pub mod openapi;
pub mod registry;
pub mod routes;
pub mod sql_strings;

pub use ecosystem::{Ecosystem, is_command_file};
pub use registry::{Offline, PackageRegistry, Registered};
