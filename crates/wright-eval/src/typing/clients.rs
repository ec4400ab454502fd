//! Several editors at once on one worker: whether they are served alike, and whether they throw away each other's cache.

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::passes::{Bench, Scenario};
use super::report::TypingReport;
use super::sample::{Sample, Side};
use super::stats;
use super::trace::Trace;
use crate::EvalError;

/// What was measured with several clients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clients {
    /// The context, in tokens.
    pub context: usize,
    /// Which repetition, from 0.
    pub run: usize,
    /// The clients, one after the other.
    pub alone: Vec<Client>,
    /// The same clients at once.
    pub together: Vec<Client>,
    /// Prompt tokens that the worker read while one after the other typed; opening the documents is not part of it.
    pub worker_evaluated_alone: Option<u64>,
    /// The same for all at once.
    pub worker_evaluated_together: Option<u64>,
}

/// One client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Client {
    /// Its document.
    pub document: String,
    /// What it measured.
    pub samples: Vec<Sample>,
}

impl Client {
    /// Returns the time that half, or another share, of its keystrokes did not exceed.
    pub fn percentile(&self, share: f64) -> Option<f64> {
        let times: Vec<f64> = self.samples.iter().filter(|it| it.counts()).map(|it| it.complete_ms).collect();
        stats::percentile(&times, share)
    }
}

impl Clients {
    /// Returns how much longer the slowest client's p95 is than the fastest one's.
    pub fn unfairness(&self) -> Option<f64> {
        let p95: Vec<f64> = self.together.iter().filter_map(|it| it.percentile(0.95)).collect();
        Some(stats::percentile(&p95, 1.0)? / stats::percentile(&p95, 0.0)?)
    }

    /// Returns how many times the tokens of one client alone are read for each keystroke when all type at once. The worker
    /// knows best, as it counts what was given up.
    pub fn rereading(&self) -> Option<f64> {
        let by_worker = self.worker_evaluated_together.zip(self.worker_evaluated_alone);
        let (together, alone) = match by_worker {
            Some((together, alone)) => (together as f64, alone as f64),
            None => (evaluated(&self.together)?, evaluated(&self.alone)?),
        };
        Some(together / alone.max(1.0))
    }
}

/// Returns the prompt tokens read for each keystroke.
pub(super) fn evaluated(clients: &[Client]) -> Option<f64> {
    let samples = clients.iter().flat_map(|it| &it.samples).filter(|it| it.counts());
    stats::mean(&samples.filter_map(|it| Some(it.evaluated_tokens? as f64)).collect::<Vec<_>>())
}

/// Measures each context once.
pub(super) async fn measure(
    bench: &Bench<'_>,
    traces: &[Trace],
    run: usize,
    report: &mut TypingReport,
) -> Result<(), EvalError> {
    let documents: Vec<Trace> = (0..bench.options.n_clients).map(|it| traces[it % traces.len()].variant(it)).collect();
    for &context in &bench.options.contexts {
        let scenarios = bench.scenarios(&documents, context).await?;
        let worker = &bench.deps.worker;
        worker.forget().await?;
        let (alone, worker_evaluated_alone) = one_by_one(bench, &scenarios).await?;
        worker.forget().await?;
        let (together, worker_evaluated_together) = at_once(bench, &scenarios).await?;
        let measured = Clients { context, run, alone, together, worker_evaluated_alone, worker_evaluated_together };
        let unfairness = measured.unfairness().map_or("-".to_owned(), |it| format!("{it:.2}"));
        (bench.deps.progress)(&format!(
            "{context:>5} {} clients, slowest p95 {unfairness} times the fastest",
            scenarios.len()
        ));
        report.clients.push(measured);
        report.save()?;
    }
    Ok(())
}

type Measured = (Vec<Client>, Option<u64>);

async fn one_by_one(bench: &Bench<'_>, scenarios: &[Scenario<'_>]) -> Result<Measured, EvalError> {
    let mut clients = Vec::new();
    let mut total = Some(0);
    for scenario in scenarios {
        let ours = bench.open_ours(scenario, Side::Product).await?;
        let before = bench.deps.worker.evaluated_tokens().await;
        let samples = bench.type_at(ours, scenario.trace, None).await?;
        let evaluated = since(before, bench.deps.worker.evaluated_tokens().await);
        total = total.zip(evaluated).map(|(total, evaluated)| total + evaluated);
        clients.push(client(scenario, samples));
    }
    Ok((clients, total))
}

async fn at_once(bench: &Bench<'_>, scenarios: &[Scenario<'_>]) -> Result<Measured, EvalError> {
    let mut opened = Vec::new();
    for scenario in scenarios {
        opened.push(bench.open_ours(scenario, Side::Product).await?);
    }
    let before = bench.deps.worker.evaluated_tokens().await;
    let typing = opened.into_iter().zip(scenarios).map(|(ours, scenario)| async move {
        Ok::<Client, EvalError>(client(scenario, bench.type_at(ours, scenario.trace, None).await?))
    });
    let clients = try_join_all(typing).await?;
    Ok((clients, since(before, bench.deps.worker.evaluated_tokens().await)))
}

fn client(scenario: &Scenario<'_>, samples: Vec<Sample>) -> Client {
    Client { document: scenario.trace.path.display().to_string(), samples }
}

fn since(before: Option<u64>, after: Option<u64>) -> Option<u64> {
    after?.checked_sub(before?)
}
