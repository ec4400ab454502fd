//! Documents stay exactly as the client has them.
