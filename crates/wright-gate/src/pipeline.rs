//! Runs the checks over a change: those in memory in parallel, then those that run programs. What they say together is
//! decided in [`crate::assessment`].
//!
//! A check that panics has failed, and says so; it does not take the others down.

use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::cache::{Cache, CacheKey};
use crate::change::{ChangeSet, Content, FileDelta, Tree};
use crate::checks::{Change, ChangeCheck, StaticCheck, TextCheck, ToolCheck, ToolInput};
use crate::identity::complete;
use crate::{CheckReport, CheckStatus, Finding, MAX_PARSED_BYTES, Source, checks};

/// More threads do not help: most changes touch a handful of files.
const MAX_THREADS: usize = 16;

/// The checks that run.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    /// Those that compare the two sides of one file.
    pub statics: &'a [StaticCheck],
    /// Those that read one text.
    pub text: &'a [TextCheck],
    /// Those that look at the change as a whole.
    pub change: &'a [ChangeCheck],
    /// Those that run programs.
    pub tools: &'a [ToolCheck],
}

impl Checks<'static> {
    /// Returns all checks there are.
    pub fn all() -> Self {
        Self { statics: checks::STATIC, text: checks::TEXT, change: checks::CHANGE, tools: checks::TOOLS }
    }
}

impl Checks<'_> {
    /// Returns the names of all of them.
    pub fn names(&self) -> Vec<&'static str> {
        let names = self.statics.iter().map(|it| it.name).chain(self.text.iter().map(|it| it.name));
        names.chain(self.change.iter().map(|it| it.name)).chain(self.tools.iter().map(|it| it.name)).collect()
    }
}

/// What is judged.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The change.
    pub change: &'a ChangeSet,
    /// The repository before.
    pub before: &'a dyn Tree,
    /// The repository after.
    pub after: &'a dyn Tree,
}

/// How the checks are run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// Only the checks of these names; all where there are none.
    pub only: &'a [String],
    /// Where results are kept.
    pub cache: Option<&'a Cache>,
}

impl Options<'_> {
    fn wants(&self, check: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|it| it == check)
    }
}

/// Runs the checks that need nothing but memory. Blocks until they are done.
pub fn run_in_memory(subject: Subject<'_>, checks: Checks<'_>, options: Options<'_>) -> Vec<CheckReport> {
    let statics: Vec<&StaticCheck> = checks.statics.iter().filter(|it| options.wants(it.name)).collect();
    let text: Vec<&TextCheck> = checks.text.iter().filter(|it| options.wants(it.name)).collect();
    let change: Vec<&ChangeCheck> = checks.change.iter().filter(|it| options.wants(it.name)).collect();
    let mut jobs: Vec<Job<'_>> = change.iter().map(|it| Job::Change(it)).collect();
    jobs.extend(statics.iter().map(|it| Job::Static(it)));
    for file in subject.change.files.iter().filter(|_| !text.is_empty()) {
        jobs.extend([Job::Text(file, Side::Before), Job::Text(file, Side::After)]);
    }
    let results = in_parallel(&jobs, |job| match job {
        Job::Change(check) => {
            vec![guarded(check.name, || (check.report)(subject.change, subject.before, subject.after))]
        }
        Job::Static(check) => vec![guarded(check.name, || static_report(check, subject.change))],
        Job::Text(file, side) => text_reports(&text, file, *side, options.cache),
    });
    let names = statics.iter().map(|it| it.name).chain(text.iter().map(|it| it.name));
    joined(names.chain(change.iter().map(|it| it.name)).collect(), results.into_iter().flatten())
}

/// Runs the checks that run programs, one after the other: each uses the machine as it sees fit.
pub async fn run_tools(checks: Checks<'_>, options: Options<'_>, input: ToolInput<'_>) -> Vec<CheckReport> {
    let mut reports = Vec::new();
    for check in checks.tools.iter().filter(|it| options.wants(it.name)) {
        reports.extend((check.run)(input).await);
    }
    reports
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

enum Job<'a> {
    Change(&'a ChangeCheck),
    Static(&'a StaticCheck),
    Text(&'a FileDelta, Side),
}

/// Does each job, on as many threads as the machine has; the results are in the order of the jobs.
fn in_parallel<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from).min(MAX_THREADS).min(jobs.len());
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(jobs.len())));
    let take_jobs = || {
        loop {
            let idx = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(idx) else { return };
            let result = work(job);
            results.lock().unwrap_or_else(PoisonError::into_inner).push((idx, result));
        }
    };
    std::thread::scope(|scope| {
        // This thread works too.
        (1..n_threads).for_each(|_| drop(scope.spawn(take_jobs)));
        take_jobs();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(idx, _)| *idx);
    results.into_iter().map(|(_, result)| result).collect()
}

/// Gives the account of a check with the time it took; one that panics has failed.
fn guarded(check: &'static str, run: impl FnOnce() -> CheckReport) -> CheckReport {
    let started = Instant::now();
    let mut report = std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let words =
            panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let status = CheckStatus::Failed(format!("it crashed: {}", words.unwrap_or("no message")));
        CheckReport { status, ..CheckReport::ran(check) }
    });
    report.duration = report.duration.max(started.elapsed());
    report
}

/// Gives the account of a check that compares by itself.
fn static_report(check: &StaticCheck, change: &ChangeSet) -> CheckReport {
    let mut report = CheckReport::ran(check.name);
    let mut left_out = Vec::new();
    let goes_by_name = check.name == checks::protected_paths::NAME;
    for file in &change.files {
        match unread(file).filter(|_| !goes_by_name) {
            Some(reason) => left_out.push((file.path.clone(), reason)),
            None => report.analysed.push(file.path.clone()),
        }
        let sides = Change { path: &file.path, before: file.text_before(), after: file.text_after() };
        report.after.extend((check.check)(sides));
        if let Some(from) = &file.moved_from {
            let gone = Change { path: from, before: file.text_before(), after: "" };
            report.after.extend((check.check)(gone));
        }
    }
    set_left_out(&mut report, left_out);
    report
}

/// Runs the text checks over one side of a file, or takes what they said about the same text before.
fn text_reports(checks: &[&TextCheck], file: &FileDelta, side: Side, cache: Option<&Cache>) -> Vec<CheckReport> {
    let (path, content) = match side {
        Side::Before => (file.path_before(), &file.before),
        Side::After => (file.path.as_path(), &file.after),
    };
    let names: Vec<&'static str> = checks.iter().map(|it| it.name).collect();
    let reason = unread_side(path, content);
    let Some(text) = content.text() else {
        let empty = names.iter().map(|name| {
            let mut report = CheckReport::ran(name);
            set_left_out(&mut report, reason.iter().map(|it| (path.to_path_buf(), it.clone())).collect());
            report
        });
        return empty.collect();
    };
    let key = cache.map(|_| CacheKey::of(&names, path, text));
    let kept = cache.zip(key.as_ref()).and_then(|(cache, key)| cache.get(key, &names));
    let is_kept = kept.is_some();
    let mut reports: Vec<CheckReport> = match kept {
        Some(findings) => split(&names, findings),
        None => {
            let source = Source::new(path, text);
            checks.iter().map(|it| guarded(it.name, || text_report(it, &source))).collect()
        }
    };
    let is_whole = reports.iter().all(|it| it.status == CheckStatus::Ran);
    if let (Some(cache), Some(key), true) = (cache, &key, is_whole && !is_kept) {
        let findings: Vec<Finding> = reports.iter().flat_map(|it| it.after.iter().cloned()).collect();
        cache.put(key, &findings);
    }
    for report in &mut reports {
        match side {
            Side::Before => report.before = std::mem::take(&mut report.after),
            Side::After => report.analysed.push(path.to_path_buf()),
        }
        if let Some(reason) = reason.clone().filter(|_| report.status == CheckStatus::Ran) {
            set_left_out(report, vec![(path.to_path_buf(), reason)]);
        }
    }
    reports
}

fn text_report(check: &TextCheck, source: &Source<'_>) -> CheckReport {
    let mut findings = (check.findings)(source);
    complete(source, &mut findings);
    CheckReport { after: findings, ..CheckReport::ran(check.name) }
}

fn split(names: &[&'static str], findings: Vec<Finding>) -> Vec<CheckReport> {
    let mut reports: Vec<CheckReport> = names.iter().map(|name| CheckReport::ran(name)).collect();
    for finding in findings {
        if let Some(report) = reports.iter_mut().find(|it| it.check == finding.check) {
            report.after.push(finding);
        }
    }
    reports
}

/// Says why a check that reads text cannot read what a file has become, if it cannot.
fn unread(file: &FileDelta) -> Option<String> {
    unread_side(&file.path, &file.after).or_else(|| unread_side(file.path_before(), &file.before))
}

fn unread_side(path: &Path, content: &Content) -> Option<String> {
    match content {
        Content::Absent => None,
        Content::Text(text) if text.len() <= MAX_PARSED_BYTES => None,
        Content::Text(_) => wright_text::Language::from_path(path).map(|_| "it is too long to be parsed".to_owned()),
        Content::Binary(size) => Some(format!("it is no text or too long ({size} bytes)")),
        Content::Link(_) => Some("it is a link".to_owned()),
    }
}

fn set_left_out(report: &mut CheckReport, left_out: Vec<(PathBuf, String)>) {
    if !left_out.is_empty() {
        report.status = CheckStatus::Partial(left_out);
    }
}

/// Joins the accounts of each check, in the order of the names.
fn joined(names: Vec<&'static str>, reports: impl Iterator<Item = CheckReport>) -> Vec<CheckReport> {
    let mut all: Vec<CheckReport> = names.into_iter().map(CheckReport::ran).collect();
    for report in reports {
        match all.iter_mut().find(|it| it.check == report.check) {
            Some(whole) => add(whole, report),
            None => all.push(report),
        }
    }
    for report in &mut all {
        let unique: BTreeSet<PathBuf> = report.analysed.drain(..).collect();
        report.analysed = unique.into_iter().collect();
    }
    all
}

fn add(whole: &mut CheckReport, part: CheckReport) {
    whole.tool = whole.tool.take().or(part.tool);
    whole.analysed.extend(part.analysed);
    whole.duration += part.duration;
    whole.before.extend(part.before);
    whole.after.extend(part.after);
    whole.status = match (std::mem::replace(&mut whole.status, CheckStatus::Ran), part.status) {
        (CheckStatus::Failed(reason), _) | (_, CheckStatus::Failed(reason)) => CheckStatus::Failed(reason),
        (CheckStatus::NotRun(reason), _) | (_, CheckStatus::NotRun(reason)) => CheckStatus::NotRun(reason),
        (CheckStatus::Partial(mut a), CheckStatus::Partial(b)) => {
            a.extend(b);
            a.sort();
            a.dedup();
            CheckStatus::Partial(a)
        }
        (CheckStatus::Partial(some), CheckStatus::Ran) | (CheckStatus::Ran, CheckStatus::Partial(some)) => {
            CheckStatus::Partial(some)
        }
        (CheckStatus::Ran, CheckStatus::Ran) => CheckStatus::Ran,
    };
}

/// Returns the account of what could not be looked at by any check.
pub fn left_out_report(omitted: &[(PathBuf, &'static str)]) -> CheckReport {
    let mut report = CheckReport::ran("files");
    report.after = omitted.iter().map(|(path, reason)| unusable(path, reason)).collect();
    set_left_out(&mut report, omitted.iter().map(|(path, reason)| (path.clone(), (*reason).to_owned())).collect());
    report.duration = Duration::ZERO;
    report
}

fn unusable(path: &Path, reason: &str) -> Finding {
    Finding::error("files", format!("no check can look at this: {reason}"))
        .at(path, None)
        .key(path.to_string_lossy().into_owned())
        .hint("Rename it, or leave it out of the change.")
}

#[cfg(test)]
#[path = "pipeline/tests.rs"]
mod tests;
