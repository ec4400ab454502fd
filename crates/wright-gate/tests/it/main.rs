//! What the gate makes of whole changes, as data.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod tampering;
