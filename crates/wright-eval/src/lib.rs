//! wright-eval
