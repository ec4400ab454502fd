//! The report of an evaluation: what is kept in the file, what is counted, and going on after an interruption.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::tasks::Task;
use crate::{EvalError, Kind, Options, table};

/// The format's name and version. Later versions may add fields; a reader refuses versions it does not know.
pub const SCHEMA: &str = "wright.eval/1";

/// The result of one task, as it stands in the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TaskResult {
    /// The task, by the name it has in its set.
    pub task_id: String,
    /// The file it comes from, with the folder around it.
    pub set: String,
    /// Whether the task's own tests pass with the result that was offered.
    pub solved: bool,
    /// Whether the result was offered as one that passes its tests or examples.
    pub claimed: bool,
    /// Whether nothing was offered, or the result was offered as failing its examples.
    pub refused: bool,
    /// Whether the task could not be judged here; it is counted apart.
    #[serde(default)]
    pub skipped: bool,
    /// Why it is not solved; empty when it is.
    pub reason: String,
    /// How long it took, judging aside.
    pub seconds: f64,
    /// What the model read and wrote for it, the comparison aside.
    pub tokens: TokenCounts,
    /// Candidates that were considered.
    pub candidates: usize,
    /// How often tests or examples ran for it, judging aside.
    pub test_runs: usize,
    /// What went wrong around the task, if something did. Such a task is tried again when the run is resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether the model's first answer, unchecked, solves the task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_solved: Option<bool>,
    /// Whether a suggestion was shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<bool>,
    /// Whether the first suggestion that was withheld would have been right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld_right: Option<bool>,
    /// Whether the file parses with the suggestion, by the language's own parser where one can be asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parses: Option<bool>,
    /// Whether the suggestion is the reference, white space at the ends aside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_match: Option<bool>,
    /// How close the suggestion is to the reference, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edit_similarity: Option<f64>,
}

/// Tokens read and written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCounts {
    /// Tokens of all prompts.
    pub prompt: u64,
    /// Tokens of all prompts that a cache held.
    pub cached: u64,
    /// Tokens of all completions.
    pub completion: u64,
}

impl From<wright_provider::Usage> for TokenCounts {
    fn from(usage: wright_provider::Usage) -> Self {
        Self { prompt: usage.prompt_tokens, cached: usage.cached_tokens, completion: usage.completion_tokens }
    }
}

impl TaskResult {
    /// Returns the result of a task that cannot be judged on this machine or with this version.
    pub(crate) fn skipped(reason: impl Into<String>) -> Self {
        Self { skipped: true, reason: reason.into(), ..Self::default() }
    }

    /// Returns the result of a task that something around it ended.
    pub(crate) fn failed(error: &EvalError, elapsed: Duration) -> Self {
        let message = error.to_string();
        Self { reason: message.clone(), error: Some(message), seconds: seconds(elapsed), ..Self::default() }
    }
}

/// What all results add up to. Skipped tasks count nowhere but in [`Totals::skipped`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Totals {
    /// Tasks selected, whether or not they are done.
    pub selected: usize,
    /// Tasks judged.
    pub tasks: usize,
    /// Tasks solved.
    pub solved: usize,
    /// Results offered as checked that the task's own tests refuse.
    pub claimed_wrong: usize,
    /// Tasks for which nothing was offered, or a result that was said to fail.
    pub refused: usize,
    /// Tasks that could not be judged.
    pub skipped: usize,
    /// Suggestions shown.
    pub shown: usize,
    /// Suggestions withheld.
    pub withheld: usize,
    /// Of these, the ones whose first candidate was right.
    pub withheld_right: usize,
    /// Suggestions shown with which the file does not parse.
    pub unparsable_shown: usize,
    /// Tasks that the model's first answer solves, where that was compared.
    pub raw_solved: usize,
    /// Time of all tasks.
    pub seconds: f64,
    /// Tokens of all tasks.
    pub tokens: TokenCounts,
}

impl Totals {
    /// Returns the share of judged tasks that are solved; nothing when there are none.
    pub fn pass_rate(&self) -> Option<f64> {
        share(self.solved, self.tasks)
    }

    /// Returns the share of judged tasks that the model's first answer solves.
    pub fn raw_pass_rate(&self) -> Option<f64> {
        share(self.raw_solved, self.tasks)
    }
}

/// Middle values over the judged tasks; nothing where there are no values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Medians {
    /// Time of a task.
    pub seconds: Option<f64>,
    /// Time of a solved task.
    pub seconds_solved: Option<f64>,
    /// Candidates of a task.
    pub candidates: Option<f64>,
    /// Tokens the model wrote for a task.
    pub completion_tokens: Option<f64>,
}

/// The settings that decide which earlier results may be kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOptions {
    /// The file or folder of tasks, as named.
    pub tasks: String,
    /// How many tasks at most.
    pub limit: Option<usize>,
    /// Whether the model's first answer was judged too.
    pub compare_raw: bool,
    /// How long one task could take.
    pub time_limit_seconds: f64,
    /// How many candidates one task could use.
    pub candidates: usize,
}

impl RunOptions {
    fn of(options: &Options) -> Self {
        Self {
            tasks: options.tasks.display().to_string(),
            limit: options.limit,
            compare_raw: options.compare_raw,
            time_limit_seconds: options.time_limit.as_secs_f64(),
            candidates: options.candidates,
        }
    }

    /// Returns whether a task gives the same result under both. Which tasks are selected makes no difference to each.
    fn is_comparable(&self, other: &Self) -> bool {
        let chosen = Self { tasks: self.tasks.clone(), limit: self.limit, ..other.clone() };
        *self == chosen
    }
}

/// A report, finished or under way.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// What was measured: `fix`, `complete` or `generate`.
    pub kind: String,
    /// The model, as `PROVIDER:NAME`.
    pub model: String,
    /// The seed.
    pub seed: u64,
    /// The settings.
    pub options: RunOptions,
    /// How many tasks were selected.
    pub n_selected: usize,
    /// The results so far, in the order of the tasks.
    pub results: Vec<TaskResult>,
    output: Option<PathBuf>,
}

/// The parts of a report file that are read back.
#[derive(Deserialize)]
struct Stored {
    schema: String,
    kind: String,
    model: String,
    seed: u64,
    options: RunOptions,
    results: Vec<TaskResult>,
}

impl Report {
    /// Starts a report, with the results that the file at [`Options::output`] holds already where they may be kept.
    pub(crate) fn start(kind: Kind, model: &str, options: &Options, tasks: &[Task]) -> Result<Self, EvalError> {
        let mut report = Self {
            kind: kind.name().to_owned(),
            model: model.to_owned(),
            seed: options.seed,
            options: RunOptions::of(options),
            n_selected: tasks.len(),
            results: Vec::new(),
            output: options.output.clone(),
        };
        let Some(stored) = options.output.as_deref().map(read).transpose()?.flatten() else { return Ok(report) };
        let is_same = stored.kind == report.kind && stored.model == report.model && stored.seed == report.seed;
        if options.resume && is_same && stored.options.is_comparable(&report.options) {
            let is_wanted = |it: &TaskResult| it.error.is_none() && tasks.iter().any(|task| is_of(it, task));
            report.results = stored.results.into_iter().filter(is_wanted).collect();
        }
        Ok(report)
    }

    /// Returns whether the task is done.
    pub(crate) fn has(&self, task: &Task) -> bool {
        self.results.iter().any(|it| is_of(it, task))
    }

    /// Adds the result of the next task.
    pub(crate) fn add(&mut self, result: TaskResult) {
        self.results.push(result);
    }

    /// Returns the result that was added last.
    pub(crate) fn last(&self) -> &TaskResult {
        self.results.last().expect("a result was added")
    }

    /// Writes the report where it belongs, if anywhere.
    pub(crate) fn save(&self) -> Result<(), EvalError> {
        match &self.output {
            Some(path) => write_whole(path, &format!("{:#}\n", self.to_json())),
            None => Ok(()),
        }
    }

    /// Returns what the results add up to.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals { selected: self.n_selected, ..Totals::default() };
        for result in &self.results {
            if result.skipped {
                totals.skipped += 1;
                continue;
            }
            totals.tasks += 1;
            totals.solved += usize::from(result.solved);
            totals.claimed_wrong += usize::from(result.claimed && !result.solved);
            totals.refused += usize::from(result.refused);
            totals.shown += usize::from(result.shown == Some(true));
            totals.withheld += usize::from(result.shown == Some(false));
            totals.withheld_right += usize::from(result.withheld_right == Some(true));
            totals.unparsable_shown += usize::from(result.shown == Some(true) && result.parses == Some(false));
            totals.raw_solved += usize::from(result.raw_solved == Some(true));
            totals.seconds += result.seconds;
            totals.tokens.prompt += result.tokens.prompt;
            totals.tokens.cached += result.tokens.cached;
            totals.tokens.completion += result.tokens.completion;
        }
        totals.seconds = rounded(totals.seconds);
        totals
    }

    /// Returns the middle values.
    pub fn medians(&self) -> Medians {
        let judged: Vec<&TaskResult> = self.results.iter().filter(|it| !it.skipped).collect();
        let of = |value: fn(&TaskResult) -> f64| median(judged.iter().map(|it| value(it)).collect());
        Medians {
            seconds: of(|it| it.seconds),
            seconds_solved: median(judged.iter().filter(|it| it.solved).map(|it| it.seconds).collect()),
            candidates: of(|it| it.candidates as f64),
            completion_tokens: of(|it| it.tokens.completion as f64),
        }
    }

    /// Returns the report as it stands in the file.
    pub fn to_json(&self) -> Value {
        let totals = self.totals();
        let medians = self.medians();
        let raw_pass_rate = totals.raw_pass_rate().filter(|_| self.options.compare_raw);
        json!({
            "schema": SCHEMA, "kind": self.kind, "model": self.model, "seed": self.seed, "options": self.options,
            "selected": totals.selected, "tasks": totals.tasks, "solved": totals.solved,
            "claimed_wrong": totals.claimed_wrong, "refused": totals.refused, "skipped": totals.skipped,
            "seconds": totals.seconds, "tokens": totals.tokens,
            "pass_rate": totals.pass_rate(), "raw_pass_rate": raw_pass_rate,
            "shown": totals.shown, "withheld": totals.withheld,
            "withheld_right": totals.withheld_right, "unparsable_shown": totals.unparsable_shown,
            "medians": {
                "seconds": medians.seconds, "seconds_solved": medians.seconds_solved,
                "candidates": medians.candidates, "completion_tokens": medians.completion_tokens,
            },
            "results": self.results,
        })
    }

    /// Returns the report as plain text: a line per task where there are not too many, and the totals.
    pub fn table(&self) -> String {
        table::render(self)
    }
}

fn is_of(result: &TaskResult, task: &Task) -> bool {
    result.task_id == task.id && result.set == task.set
}

/// Writes a file. A reader sees the old file or the new one, never half of one.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<(), EvalError> {
    let failed = |source| EvalError::Output { path: path.to_owned(), source };
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".wright-eval-").tempfile_in(folder).map_err(failed)?;
    std::io::Write::write_all(&mut file, text.as_bytes()).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

/// Reads an earlier report; nothing when there is none. A file that is no report is not overwritten.
fn read(path: &Path) -> Result<Option<Stored>, EvalError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(EvalError::Output { path: path.to_owned(), source }),
    };
    let not_a_report = |message: String| EvalError::NotAReport { path: path.to_owned(), message };
    let stored: Stored = serde_json::from_str(&text).map_err(|error| not_a_report(error.to_string()))?;
    if stored.schema != SCHEMA {
        return Err(not_a_report(format!("schema {:?}, expected {SCHEMA:?}", stored.schema)));
    }
    Ok(Some(stored))
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(rounded(values[middle])),
        _ => Some(rounded(f64::midpoint(values[middle - 1], values[middle]))),
    }
}

fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| (part as f64 / whole as f64 * 10_000.0).round() / 10_000.0)
}

/// Returns a time in seconds, to the millisecond.
pub(crate) fn seconds(duration: Duration) -> f64 {
    rounded(duration.as_secs_f64())
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks;

    const HOLES: &str = "{\"task_id\":\"a\",\"language\":\"python\",\"prefix\":\"x = \",\"suffix\":\"\\n\",\"canonical_solution\":\"1\"}\n{\"task_id\":\"b\",\"language\":\"python\",\"prefix\":\"x = \",\"suffix\":\"\\n\",\"canonical_solution\":\"1\"}\n";

    fn result(task_id: &str, solved: bool) -> TaskResult {
        let tokens = TokenCounts { prompt: 10, cached: 4, completion: 3 };
        TaskResult {
            task_id: task_id.to_owned(),
            set: "set/tasks.jsonl".to_owned(),
            solved,
            claimed: true,
            seconds: 1.5,
            tokens,
            candidates: 2,
            test_runs: 1,
            raw_solved: Some(false),
            shown: Some(true),
            parses: Some(solved),
            ..TaskResult::default()
        }
    }

    fn setting() -> (tempfile::TempDir, Options, Vec<Task>) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("set")).unwrap();
        let path = dir.path().join("set/tasks.jsonl");
        std::fs::write(&path, HOLES).unwrap();
        let tasks = tasks::load(&path, Kind::Complete, None).unwrap();
        let options =
            Options { output: Some(dir.path().join("report.json")), compare_raw: true, ..Options::new("set") };
        (dir, options, tasks)
    }

    fn start(options: &Options, tasks: &[Task]) -> Report {
        Report::start(Kind::Complete, "scripted:test", options, tasks).unwrap()
    }

    #[test]
    fn the_file_names_everything_that_was_counted() {
        let (_dir, options, tasks) = setting();
        let mut report = start(&options, &tasks);
        report.add(result("a", true));
        report.add(TaskResult { reason: "differs".to_owned(), ..result("b", false) });
        report.add(TaskResult { task_id: "c".to_owned(), ..TaskResult::skipped("no grammar for C++") });
        report.save().unwrap();
        let file: Value = serde_json::from_str(&std::fs::read_to_string(options.output.unwrap()).unwrap()).unwrap();
        let row = |id: &str, solved: bool, reason: &str| {
            json!({ "task_id": id, "set": "set/tasks.jsonl", "solved": solved, "claimed": true, "refused": false, "skipped": false,
                "reason": reason, "seconds": 1.5, "tokens": { "prompt": 10, "cached": 4, "completion": 3 }, "candidates": 2,
                "test_runs": 1, "raw_solved": false, "shown": true, "parses": solved })
        };
        let skipped = json!({ "task_id": "c", "set": "", "solved": false, "claimed": false, "refused": false, "skipped": true,
            "reason": "no grammar for C++", "seconds": 0.0, "tokens": { "prompt": 0, "cached": 0, "completion": 0 },
            "candidates": 0, "test_runs": 0 });
        let expected = json!({
            "schema": "wright.eval/1", "kind": "complete", "model": "scripted:test", "seed": 0,
            "options": { "tasks": "set", "limit": null, "compare_raw": true, "time_limit_seconds": 120.0, "candidates": 2000 },
            "selected": 2, "tasks": 2, "solved": 1, "claimed_wrong": 1, "refused": 0, "skipped": 1, "seconds": 3.0,
            "tokens": { "prompt": 20, "cached": 8, "completion": 6 }, "pass_rate": 0.5, "raw_pass_rate": 0.0,
            "shown": 2, "withheld": 0, "withheld_right": 0, "unparsable_shown": 1,
            "medians": { "seconds": 1.5, "seconds_solved": 1.5, "candidates": 2.0, "completion_tokens": 3.0 },
            "results": [row("a", true, ""), row("b", false, "differs"), skipped],
        });
        assert_eq!(file, expected);
    }

    #[test]
    fn the_table_has_a_line_for_each_task_and_the_totals() {
        let (_dir, options, tasks) = setting();
        let mut report = start(&options, &tasks);
        report.add(TaskResult { raw_solved: Some(true), ..result("first", true) });
        report.add(TaskResult { reason: "wrong\u{1b}[31m\nsecond line".to_owned(), ..result("b", false) });
        let expected = "\
eval complete with scripted:test, seed 0

task   result         raw   seconds  candidates   tokens  reason
first  solved         yes       1.5           2       13
b      claimed wrong  no        1.5           2       13  wrong [31m

tasks                 2 of 2
solved                1 of 2 (50.0 %)
solved by raw model   1 of 2 (50.0 %)
claimed wrong         1
refused               0
suggestions           2 shown, 0 withheld (0 of them right), 1 shown do not parse
seconds               3.0, median 1.5, median of solved 1.5
tokens                20 read, 8 of them cached, 6 written
";
        assert_eq!(report.table(), expected);
    }

    #[test]
    fn results_of_the_same_run_are_kept_and_errors_are_tried_again() {
        let (_dir, options, tasks) = setting();
        let mut report = start(&options, &tasks);
        report.add(result("a", true));
        report.add(TaskResult { error: Some("answer broke off".to_owned()), ..result("b", false) });
        report.save().unwrap();
        let resumed = start(&options, &tasks);
        assert_eq!(resumed.results, [result("a", true)]);
        assert!(resumed.has(&tasks[0]) && !resumed.has(&tasks[1]));
    }

    #[test]
    fn results_of_another_run_are_not_kept() {
        let (_dir, options, tasks) = setting();
        let mut report = start(&options, &tasks);
        report.add(result("a", true));
        report.save().unwrap();
        let others = [
            Options { seed: 1, ..options.clone() },
            Options { candidates: 5, ..options.clone() },
            Options { compare_raw: false, ..options.clone() },
            Options { resume: false, ..options.clone() },
        ];
        for other in others {
            assert_eq!(start(&other, &tasks).results, [], "{other:?}");
        }
        assert_eq!(Report::start(Kind::Complete, "scripted:other", &options, &tasks).unwrap().results, []);
        let fewer = Options { limit: Some(1), ..options };
        assert_eq!(start(&fewer, &tasks).results.len(), 1);
    }

    #[test]
    fn a_file_that_is_no_report_is_left_alone() {
        let (_dir, options, tasks) = setting();
        let path = options.output.clone().unwrap();
        for text in [
            "my notes",
            "{\"schema\":\"wright.eval/9\",\"kind\":\"fix\",\"model\":\"m\",\"seed\":0,\"options\":{\"tasks\":\"\",\"limit\":null,\"compare_raw\":false,\"time_limit_seconds\":1,\"candidates\":1},\"results\":[]}",
        ] {
            std::fs::write(&path, text).unwrap();
            let error = Report::start(Kind::Complete, "m", &options, &tasks).unwrap_err();
            assert!(matches!(error, EvalError::NotAReport { .. }), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
    }

    #[test]
    fn the_median_lies_between_the_two_middle_values() {
        assert_eq!(median(vec![]), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }
}
