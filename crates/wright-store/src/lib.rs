//! wright-store
