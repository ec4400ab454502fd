//! The report as plain text.

use std::fmt::Write as _;

use crate::{Report, TaskResult};

/// A longer run is shown by its totals only; the file has every task.
const MAX_ROWS: usize = 60;

/// How much of a reason fits beside the figures.
const MAX_REASON: usize = 60;

/// Renders the report.
pub(crate) fn render(report: &Report) -> String {
    let mut text = format!("eval {} with {}, seed {}\n\n", report.kind, report.model, report.seed);
    if report.results.len() <= MAX_ROWS {
        rows(&mut text, report);
        text.push('\n');
    }
    totals(&mut text, report);
    text
}

fn rows(text: &mut String, report: &Report) {
    let width = report.results.iter().map(|it| it.task_id.chars().count()).max().unwrap_or(0).max("task".len());
    let has_raw = report.options.compare_raw;
    let raw = |word: &str| if has_raw { format!("{word:<5}") } else { String::new() };
    line(
        text,
        &format!(
            "{:<width$}  {:<13}  {}{:>8}  {:>10}  {:>7}  reason",
            "task",
            "result",
            raw("raw"),
            "seconds",
            "candidates",
            "tokens"
        ),
    );
    for it in &report.results {
        let raw = raw(it.raw_solved.map_or("-", |solved| if solved { "yes" } else { "no" }));
        let tokens = it.tokens.prompt + it.tokens.completion;
        let reason = one_line(&it.reason);
        let word = word(it);
        line(
            text,
            &format!(
                "{:<width$}  {word:<13}  {raw}{:>8.1}  {:>10}  {tokens:>7}  {reason}",
                it.task_id, it.seconds, it.candidates
            ),
        );
    }
}

fn line(text: &mut String, line: &str) {
    text.push_str(line.trim_end());
    text.push('\n');
}

fn word(result: &TaskResult) -> &'static str {
    match result {
        TaskResult { skipped: true, .. } => "skipped",
        TaskResult { solved: true, .. } => "solved",
        TaskResult { error: Some(_), .. } => "error",
        TaskResult { claimed: true, .. } => "claimed wrong",
        TaskResult { refused: true, .. } => "refused",
        _ => "not solved",
    }
}

fn one_line(reason: &str) -> String {
    let first = reason.lines().next().unwrap_or_default();
    let printable = first.chars().map(|it| if it.is_control() { ' ' } else { it });
    let mut shown: String = printable.clone().take(MAX_REASON).collect();
    if printable.count() > MAX_REASON {
        shown.push('…');
    }
    shown
}

fn totals(text: &mut String, report: &Report) {
    let totals = report.totals();
    let medians = report.medians();
    let percent = |rate: Option<f64>| rate.map_or("-".to_owned(), |it| format!("{:.1} %", it * 100.0));
    let number = |value: Option<f64>| value.map_or("-".to_owned(), |it| format!("{it:.1}"));
    let mut add = |name: &str, value: String| {
        let _ = writeln!(text, "{name:<22}{value}");
    };
    add("tasks", format!("{} of {}", totals.tasks + totals.skipped, totals.selected));
    add("solved", format!("{} of {} ({})", totals.solved, totals.tasks, percent(totals.pass_rate())));
    if report.options.compare_raw {
        add(
            "solved by raw model",
            format!("{} of {} ({})", totals.raw_solved, totals.tasks, percent(totals.raw_pass_rate())),
        );
    }
    add("claimed wrong", totals.claimed_wrong.to_string());
    add("refused", totals.refused.to_string());
    if totals.skipped > 0 {
        add("skipped", totals.skipped.to_string());
    }
    if totals.shown + totals.withheld > 0 {
        add(
            "suggestions",
            format!(
                "{} shown, {} withheld ({} of them right), {} shown do not parse",
                totals.shown, totals.withheld, totals.withheld_right, totals.unparsable_shown
            ),
        );
    }
    add(
        "seconds",
        format!(
            "{:.1}, median {}, median of solved {}",
            totals.seconds,
            number(medians.seconds),
            number(medians.seconds_solved)
        ),
    );
    let tokens = totals.tokens;
    add("tokens", format!("{} read, {} of them cached, {} written", tokens.prompt, tokens.cached, tokens.completion));
}
