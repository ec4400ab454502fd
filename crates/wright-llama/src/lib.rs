//! Runs open-weight models on this machine: a catalogue of pinned models, a downloader, a worker process, and the
//! [`LocalProvider`] that asks it.
//!
//! The worker is a child process because inference is foreign code: a crash there ends a worker and not an editor. One
//! worker serves every front end of a user over a private socket, so that the weights are in memory once and all of them
//! share one KV cache. [`worker_main`] is the worker's whole life; [`client`] starts it and talks to it; [`protocol`] is
//! what they say to each other.
//!
//! This crate does not decide what a model is asked and does not judge what it answers. To follow a request, start at
//! [`client::LocalProvider`], then read `worker/scheduler.rs`.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this crate starts the worker and the package client"
)]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod catalogue;

pub mod models;

pub mod tune;

pub mod download;

pub mod protocol;

pub mod client;

mod worker;

pub use catalogue::{CatalogueModel, Purpose, Recommendation, recommend};
pub use client::{LocalConfig, LocalProvider, ModelStats, WorkerStats, stop_worker, worker_stats};
pub use download::{DownloadError, Progress, PullOptions, Pulled, Source, SourceFailure, Stage, pull};
pub use models::{ModelError, ModelFile, ModelFolder};
pub use tune::{Layout, TuneError, TuneProgress, Tuning, tune};
pub use worker::{WorkerConfig, tuner_main, worker_main};
