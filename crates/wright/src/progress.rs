//! What a task reports, as lines for a terminal.
//!
//! On a terminal a live line at the bottom says what is going on now. Everything worth keeping is a line of its own, the
//! same on a terminal and in a log. Answers of the model are shown one by one; syntax edits, of which there can be
//! thousands, are summed up after the first few.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use wright_agent::Event;
use wright_gate::{Finding, TestRun};

use crate::terminal::{Terminal, Tone, neutral, neutral_line};

/// How many syntax edits are shown before they are summed up.
const N_EDITS_SHOWN: usize = 6;

/// After how many further syntax edits a sum is shown.
const N_EDITS_PER_SUM: usize = 40;

/// How many failing tests are named.
const N_TESTS_NAMED: usize = 5;

/// How many places are named.
const N_PLACES_NAMED: usize = 4;

/// How many lines of a failure are shown.
const N_FAILURE_LINES: usize = 8;

/// Longest line that quotes something, in characters.
const MAX_QUOTE: usize = 160;

/// Shows a task while it runs, and remembers what it said about itself.
pub(crate) struct Progress {
    terminal: Arc<Terminal>,
    view: Mutex<View>,
}

/// What a task said when it started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Started {
    /// The task.
    pub(crate) task: String,
    /// The base commit.
    pub(crate) base: String,
    /// The test command.
    pub(crate) command: String,
}

impl Progress {
    /// Begins to show a task of the repository at `root`. With JSON on stdout nothing is shown.
    pub(crate) fn new(terminal: &Arc<Terminal>, root: PathBuf) -> Arc<Self> {
        if terminal.is_stderr_terminal() && !terminal.is_json() {
            terminal.set_live_line(Some(spinner()));
        }
        Arc::new(Self { terminal: Arc::clone(terminal), view: Mutex::new(View::new(root)) })
    }

    /// Shows an event.
    pub(crate) fn show(&self, event: &Event) {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = view.lines(event);
        if self.terminal.is_json() {
            return;
        }
        lines.iter().for_each(|line| self.terminal.say(line));
        self.terminal.set_live_message(&view.now);
    }

    /// Ends the live line, and shows what was still to be summed up.
    pub(crate) fn finish(&self) {
        let sum = self.view.lock().unwrap_or_else(PoisonError::into_inner).take_sum();
        self.terminal.set_live_line(None);
        if let Some(sum) = sum.filter(|_| !self.terminal.is_json()) {
            self.terminal.say(&sum);
        }
    }

    /// Returns what the task said when it started; nothing when it has not.
    pub(crate) fn started(&self) -> Option<Started> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).started.clone()
    }

    /// Returns the run of the tests before any change.
    pub(crate) fn baseline(&self) -> Option<TestRun> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner).baseline.clone()
    }
}

fn spinner() -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {elapsed:>4} {wide_msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// The lines of one task. Pure: events in, lines out.
struct View {
    root: PathBuf,
    started: Option<Started>,
    baseline: Option<TestRun>,
    /// What goes on now.
    now: String,
    asking: String,
    n_tried: usize,
    n_edits_shown: usize,
    n_edits_unsaid: usize,
}

impl View {
    fn new(root: PathBuf) -> Self {
        Self {
            root,
            started: None,
            baseline: None,
            now: "copying the base commit".to_owned(),
            asking: String::new(),
            n_tried: 0,
            n_edits_shown: 0,
            n_edits_unsaid: 0,
        }
    }

    /// Returns the lines that an event is worth.
    fn lines(&mut self, event: &Event) -> Vec<String> {
        let lines = match event {
            Event::Started { task, base, command, reason } => {
                self.started = Some(Started { task: task.clone(), base: base.clone(), command: command.clone() });
                self.now = "running the tests".to_owned();
                let short = base.get(..12).unwrap_or(base);
                vec![
                    headed("repository", &format!("{} at {short}", self.root.display())),
                    headed("tests", &format!("`{command}` ({reason})")),
                ]
            }
            Event::Fetching { client } => {
                self.now = format!("fetching dependencies with {client}");
                vec![headed("set-up", &format!("{client}: dependencies are missing; fetching them"))]
            }
            Event::Fetched { client, hosts } => {
                self.now = "running the tests".to_owned();
                vec![headed("", &format!("{client}: fetched from {}", hosts.join(", ")))]
            }
            Event::Baseline(run) => {
                self.baseline = Some(run.clone());
                baseline_lines(run)
            }
            Event::Localized(places) => {
                let named = places.iter().take(N_PLACES_NAMED);
                let texts =
                    named.map(|it| format!("{}:{} `{}` ({})", it.path.display(), it.line, it.function, it.reason));
                place_lines(&texts.collect::<Vec<_>>())
            }
            Event::Asking { what } => {
                self.asking = neutral(what).into_owned();
                Vec::new()
            }
            Event::Tried(tried) => {
                self.n_tried = tried.n;
                self.tried(&Attempt {
                    n: tried.n,
                    what: &tried.what,
                    findings: &tried.findings,
                    was_tested: tried.was_tested,
                })
            }
            Event::Progress { n_fixed, n_failing } => {
                let text = format!(
                    "a candidate mends {n_fixed} of the failing tests, {n_failing} still fail; going on from it"
                );
                self.with_sum(headed("progress", &text))
            }
            Event::Judging => {
                self.asking = "judging on a fresh copy".to_owned();
                self.with_sum(headed("judging", "the candidate passes; the gate runs the tests twice on a fresh copy"))
            }
        };
        if self.baseline.is_some() {
            self.now = format!("tried {} · {}", self.n_tried, self.asking);
        }
        lines
    }

    fn tried(&mut self, attempt: &Attempt<'_>) -> Vec<String> {
        let is_edit = attempt.what.starts_with("syntax edit");
        if is_edit && !attempt.has_passed() {
            if self.n_edits_shown >= N_EDITS_SHOWN {
                self.n_edits_unsaid += 1;
                let is_due = self.n_edits_unsaid >= N_EDITS_PER_SUM;
                return if is_due { self.take_sum().into_iter().collect() } else { Vec::new() };
            }
            self.n_edits_shown += 1;
        }
        self.with_sum(attempt.line())
    }

    fn with_sum(&mut self, line: String) -> Vec<String> {
        self.take_sum().into_iter().chain([line]).collect()
    }

    /// Returns the line that sums up the syntax edits since the last one, if there were any.
    fn take_sum(&mut self) -> Option<String> {
        let n = std::mem::take(&mut self.n_edits_unsaid);
        let plural = if n == 1 { "" } else { "s" };
        (n > 0)
            .then(|| format!("{:12}{}", "", Tone::Faint.err(&format!("… {n} more syntax edit{plural}, none passes"))))
    }
}

/// One candidate and what became of it.
struct Attempt<'a> {
    n: usize,
    what: &'a str,
    findings: &'a [Finding],
    was_tested: bool,
}

impl Attempt<'_> {
    fn has_passed(&self) -> bool {
        self.was_tested && self.findings.is_empty()
    }

    fn line(&self) -> String {
        let verdict = match self.findings.first() {
            None if self.has_passed() => Tone::Good.err("passes"),
            None => Tone::Note.err("not tested"),
            Some(finding) => format!("{} {}", Tone::Bad.err("refused:"), neutral_line(&shortened(&finding.message))),
        };
        let heading = format!("{:<11}", format!("try {}", self.n));
        format!("{} {} {verdict}", Tone::Strong.err(&heading), neutral_line(&shortened(self.what)))
    }
}

/// Returns a line with its heading in a column of its own. The rest is neutralized, the heading is ours.
fn headed(heading: &str, text: &str) -> String {
    format!("{} {}", Tone::Strong.err(&format!("{heading:<11}")), neutral_line(text))
}

fn baseline_lines(run: &TestRun) -> Vec<String> {
    let seconds = run.duration.as_secs_f64();
    let mut lines =
        vec![headed("baseline", &format!("{}, {seconds:.1} s, sandbox level {}", run.summary(), run.level))];
    if run.is_passing() {
        return lines;
    }
    let failed: Vec<&String> = run.report.iter().flat_map(|it| &it.failed).collect();
    for name in failed.iter().take(N_TESTS_NAMED) {
        lines.push(format!("{:12}{} {}", "", Tone::Bad.err("fails"), neutral_line(&shortened(name))));
    }
    if failed.len() > N_TESTS_NAMED {
        lines.push(format!("{:12}… and {} more", "", failed.len() - N_TESTS_NAMED));
    }
    lines.extend(
        telling_lines(&run.output).iter().map(|it| format!("{:12}{} {}", "", Tone::Faint.err("│"), neutral(it))),
    );
    lines
}

/// Returns the lines of a test run's output that say what went wrong: those that look like errors, or else the last.
fn telling_lines(output: &str) -> Vec<String> {
    const SIGNS: [&str; 8] = ["Error", "error:", "Exception", "assert", "panicked", "Expected", "expected", "left:"];
    let lines = || output.lines().map(str::trim_end).filter(|it| !it.trim().is_empty());
    let mut seen = std::collections::HashSet::new();
    let telling = lines().filter(|it| SIGNS.iter().any(|sign| it.contains(sign)) && seen.insert(*it));
    let mut chosen: Vec<&str> = telling.take(N_FAILURE_LINES).collect();
    if chosen.is_empty() {
        let all: Vec<&str> = lines().collect();
        chosen = all[all.len().saturating_sub(N_FAILURE_LINES)..].to_vec();
    }
    chosen.into_iter().map(shortened).collect()
}

fn place_lines(places: &[String]) -> Vec<String> {
    if places.is_empty() {
        return vec![headed("looking at", "nothing: the failure names no function of this repository")];
    }
    let heading = |idx| if idx == 0 { "looking at" } else { "" };
    places.iter().enumerate().map(|(idx, place)| headed(heading(idx), place)).collect()
}

fn shortened(text: &str) -> String {
    let text = text.trim_end();
    if text.chars().count() <= MAX_QUOTE {
        text.to_owned()
    } else {
        text.chars().take(MAX_QUOTE).chain(['…']).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the lines for candidates: what each is, and why it was refused.
    fn lines<'a>(attempts: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> Vec<String> {
        let mut view = View::new("/r".into());
        let mut lines = Vec::new();
        for (idx, (what, refusal)) in attempts.into_iter().enumerate() {
            let findings: Vec<Finding> = refusal.map(|it| Finding::error("tests", it)).into_iter().collect();
            lines.extend(view.tried(&Attempt { n: idx + 1, what, findings: &findings, was_tested: true }));
        }
        lines
    }

    #[test]
    fn answers_of_the_model_are_shown_one_by_one_with_the_reason_of_refusal() {
        let shown = lines([
            ("cloze: line 3: `a` -> `b`", Some("tests do not pass: 1 failed")),
            ("rewrite: `f` written anew", None),
        ]);
        assert_eq!(shown[0], "try 1       cloze: line 3: `a` -> `b` refused: tests do not pass: 1 failed");
        assert_eq!(shown[1], "try 2       rewrite: `f` written anew passes");
    }

    #[test]
    fn syntax_edits_are_summed_up_after_the_first_few() {
        let edits = std::iter::repeat_n(("syntax edit: line 1", Some("no")), 100);
        let shown = lines(edits.chain([("syntax edit: line 2", None)]));
        let sums: Vec<&String> = shown.iter().filter(|it| it.contains("more syntax edit")).collect();
        assert_eq!(shown.len(), N_EDITS_SHOWN + 3 + 1);
        assert!(sums[0].contains("40 more") && sums[2].contains("14 more"), "{sums:?}");
        assert!(shown.last().unwrap().ends_with("passes"));
    }

    #[test]
    fn text_of_models_and_tests_cannot_control_the_terminal() {
        let shown = lines([("cloze: \u{1b}[2J", Some("\u{1b}]0;x\u{7}"))]);
        assert!(!shown[0].contains('\u{1b}') && !shown[0].contains('\u{7}'), "{shown:?}");
    }

    #[test]
    fn a_name_with_a_line_break_stays_on_its_line() {
        let shown = lines([("cloze: a\nverified: yes", Some("b\nproposed: yes"))]);
        assert_eq!(shown, ["try 1       cloze: a␊verified: yes refused: b␊proposed: yes"]);
    }

    #[test]
    fn the_telling_lines_of_a_failure_are_found() {
        let output = "test_a ... ok\nTraceback\n  File x\nAssertionError: 3 != 4\n\nRan 2 tests\n";
        assert_eq!(telling_lines(output), ["AssertionError: 3 != 4"]);
        assert_eq!(telling_lines("make: no rule\nmake: stop\n"), ["make: no rule", "make: stop"]);
    }
}
