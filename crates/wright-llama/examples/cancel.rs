//! Measures how soon a request that nobody waits for any more is over, while it writes and while it still reads.
//!
//!   cancel WRIGHT MODELS [MODEL]
//!
//! WRIGHT is the program that serves as the worker, MODELS the folder with the weights. Prints the time from dropping the
//! stream until the worker says that it has no request, and how many tokens were written or read in that time.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement for the terminal, not a part of the product"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::StreamExt;
use wright_llama::{LocalConfig, LocalProvider, stop_worker};
use wright_provider::{Priority, Prompt, Provider, Request, Sampling};

/// How often each is measured.
const N_RUNS: usize = 40;

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let (Some(wright), Some(models)) = (args.next(), args.next()) else { panic!("cancel WRIGHT MODELS [MODEL]") };
    let model = args.next().unwrap_or_else(|| "qwen2.5-coder-0.5b".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let config = LocalConfig {
        worker_command: vec![wright, "internal".to_owned(), "model-worker".to_owned()],
        socket: folder.path().join("run/worker.sock"),
        models: PathBuf::from(models),
        threads: std::thread::available_parallelism().map_or(2, usize::from),
        context_tokens: 4096,
        states: None,
        idle_unload: Duration::from_secs(60),
        idle_exit: Duration::from_secs(20),
    };
    let socket = config.socket.clone();
    let provider = LocalProvider::new(config, &model);
    provider.count_tokens("load the model").await.unwrap();
    let writing: Vec<_> = runs(&provider, false).await;
    let reading: Vec<_> = runs(&provider, true).await;
    println!("| while it | p50 ms | p95 ms | longest ms | tokens meanwhile, at most |\n|---|---:|---:|---:|---:|");
    for (what, mut runs) in [("writes", writing), ("reads", reading)] {
        runs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let at = |share: f64| runs[((runs.len() - 1) as f64 * share).round() as usize].0;
        let n_tokens = runs.iter().map(|it| it.1).max().unwrap_or(0);
        println!("| {what} | {:.1} | {:.1} | {:.1} | {n_tokens} |", at(0.5), at(0.95), at(1.0));
    }
    stop_worker(&socket).await.unwrap();
}

/// Cancels requests and returns the milliseconds and the tokens until each was over.
async fn runs(provider: &LocalProvider, is_reading: bool) -> Vec<(f64, u64)> {
    let mut runs = Vec::new();
    for run in 0..N_RUNS {
        let n_lines = if is_reading { 200 } else { 4 };
        let lines: Vec<String> = (0..n_lines).map(|line| format!("value_{run}_{line} = compute({line})\n")).collect();
        let prompt = Prompt::Raw { text: lines.concat() };
        let request = Request::new(prompt, Sampling::greedy(512), Priority::Keystroke);
        let mut stream = provider.complete(request).await.unwrap();
        if is_reading {
            tokio::time::timeout(Duration::from_millis(300 + 10 * run as u64), stream.next()).await.ok();
        } else {
            for _ in 0..4 {
                stream.next().await.unwrap().unwrap();
            }
        }
        let before = n_tokens(provider).await.1;
        let dropped = Instant::now();
        drop(stream);
        loop {
            let (n_requests, after) = n_tokens(provider).await;
            if n_requests == 0 {
                runs.push((dropped.elapsed().as_secs_f64() * 1e3, after - before));
                break;
            }
        }
    }
    runs
}

/// Returns how many requests there are, and the tokens read and written so far.
async fn n_tokens(provider: &LocalProvider) -> (usize, u64) {
    let stats = provider.stats().await.unwrap().unwrap();
    let tokens = stats.models.iter().map(|it| it.prompt_tokens + it.completion_tokens).sum();
    (stats.n_requests, tokens)
}
