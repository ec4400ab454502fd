//! The figures in a terminal: lines of text, with bars where the terminal can show them.

use chrono::NaiveDate;
use wright_store::{Figures, Group, KeptAfter};

use super::summary::{Summary, after, number, percent, reasons};
use crate::environment::variable;
use crate::terminal::{Tone, neutral};

/// How many characters the longest bar has.
const BAR_WIDTH: usize = 20;

/// How many days or weeks are shown in one line.
const MAX_LEVELS: i32 = 62;

/// How many reasons are listed.
const MAX_REASONS: usize = 10;

/// How many characters of a group's name are shown.
const MAX_KEY_CHARS: usize = 32;

/// What bars are drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// Block characters.
    Blocks,
    /// What every terminal has.
    Ascii,
}

impl Marks {
    /// Finds out whether the user's terminal shows block characters: whether the locale is one of UTF-8.
    pub(super) fn of_terminal() -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default();
        let locale = locale.to_ascii_lowercase();
        let is_utf8 = locale.contains("utf-8") || locale.contains("utf8");
        let is_dumb = variable("TERM").is_some_and(|it| it == "dumb");
        if is_utf8 && !is_dumb { Self::Blocks } else { Self::Ascii }
    }

    /// Returns a bar for a share.
    fn bar(self, share: f64) -> String {
        let n_eighths = (share.clamp(0.0, 1.0) * (BAR_WIDTH * 8) as f64).round() as usize;
        match self {
            Self::Blocks => {
                let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][n_eighths % 8];
                format!("{}{rest}", "█".repeat(n_eighths / 8))
            }
            Self::Ascii => "#".repeat((n_eighths + 4) / 8),
        }
    }

    /// Returns the character that stands for a share in a line of them.
    fn level(self, share: Option<f64>) -> char {
        let levels = match self {
            Self::Blocks => ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Self::Ascii => ['_', '.', ':', '-', '=', '+', '*', '#'],
        };
        share.map_or(' ', |it| levels[((it.clamp(0.0, 1.0) * 8.0) as usize).min(7)])
    }
}

/// Returns the figures of everything.
pub(super) fn overview(summary: &Summary, marks: Marks) -> Vec<String> {
    let total = &summary.total;
    let mut lines = vec![Tone::Strong.out(&format!("Suggestions {}", summary.span())), String::new()];
    lines.extend(counts(total, marks));
    lines.extend(over_time(summary, marks));
    lines.extend(retention(total));
    lines.extend(withheld(total, marks));
    lines
}

fn counts(total: &Figures, marks: Marks) -> Vec<String> {
    let rate = total.acceptance_rate();
    let glimpsed = match total.n_glimpsed {
        0 => String::new(),
        n => format!("  ({} more for less than 250 ms)", number(n)),
    };
    let mut lines = vec![
        row("shown", &number(total.n_shown), &glimpsed),
        row("accepted", &percent(rate), &format!("  {}", marks.bar(rate.unwrap_or(0.0)))),
        row(
            "",
            "",
            &format!("  {} in whole, {} in part", number(total.n_accepted), number(total.n_partially_accepted)),
        ),
    ];
    let share = total.share_written();
    if let Some(typed) = total.typed {
        lines.push(row("written by AI", &percent(share), &format!("  {}", marks.bar(share.unwrap_or(0.0)))));
        let [kept, by_hand] = [total.n_chars_kept, typed.n_chars_typed].map(number);
        lines.push(row("", "", &format!("  {kept} characters kept, {by_hand} typed by hand")));
    }
    if total.n_committed > 0 {
        lines.push(row("in commits", &number(total.n_chars_committed), "  characters"));
    }
    if let Some(latency) = total.latency {
        let p95 = format!("  (95 of 100 within {} ms)", number(latency.p95.as_millis() as u64));
        lines.push(row("ready after", &format!("{} ms", number(latency.p50.as_millis() as u64)), &p95));
    }
    lines
}

fn row(name: &str, value: &str, rest: &str) -> String {
    format!("  {name:<15}{value:>9}{rest}").trim_end().to_owned()
}

/// Returns one character for each day or week.
fn over_time(summary: &Summary, marks: Marks) -> Vec<String> {
    let (Some((first, _)), Some((last, _))) = (summary.periods.first(), summary.periods.last()) else {
        return Vec::new();
    };
    if first == last {
        return Vec::new();
    }
    let look = summary.last_look();
    let step = chrono::TimeDelta::days(summary.period.n_days());
    // A clock that was wrong once must not fill the screen.
    let first = (*first).max(*last - step * (MAX_LEVELS - 1));
    let line = |share: &dyn Fn(&Figures) -> Option<f64>| -> String {
        let mut line = String::new();
        let mut date = first;
        while date <= *last {
            let found = summary.periods.binary_search_by_key(&date, |(date, _)| *date).ok();
            line.push(marks.level(found.and_then(|idx| share(&summary.periods[idx].1))));
            date += step;
        }
        line.trim_end().to_owned()
    };
    let mut lines = heading(&format!("Each {} from {first} to {last}", summary.period.name()));
    lines.push(format!("  {:<15}{}", "accepted", line(&Figures::acceptance_rate)));
    let kept = line(&|figures| figures.retention.get(&look).map(|it| it.mean_share));
    if !kept.trim().is_empty() {
        lines.push(format!("  {:<15}{kept}", format!("kept {}", after(look))));
    }
    let written = line(&Figures::share_written);
    if !written.trim().is_empty() {
        lines.push(format!("  {:<15}{written}", "written by AI"));
    }
    lines
}

fn retention(total: &Figures) -> Vec<String> {
    if total.retention.is_empty() {
        return Vec::new();
    }
    let cells = |cell: &dyn Fn(KeptAfter) -> String| -> String {
        KeptAfter::ALL.into_iter().map(|it| format!("{:>9}", cell(it))).collect()
    };
    let look = |it: KeptAfter| total.retention.get(&it);
    let mut lines = heading("How much of an accepted suggestion is still there");
    lines.push(format!("  {:<15}{}", "after", cells(&|it| after(it).to_owned())));
    lines.push(format!("  {:<15}{}", "kept", cells(&|it| percent(look(it).map(|it| it.mean_share)))));
    lines.push(format!("  {:<15}{}", "suggestions", cells(&|it| number(look(it).map_or(0, |it| it.n_suggestions)))));
    lines
}

fn withheld(total: &Figures, marks: Marks) -> Vec<String> {
    let reasons = reasons(total);
    let Some((_, most)) = reasons.first() else { return Vec::new() };
    let mut lines = heading(&format!("Why nothing was shown, {} times", number(total.n_withheld())));
    for (reason, n_times) in reasons.iter().take(MAX_REASONS) {
        let bar = marks.bar(*n_times as f64 / *most as f64);
        lines.push(format!("  {:<22}{:>9}  {bar}", short(reason, marks), number(*n_times)).trim_end().to_owned());
    }
    if reasons.len() > MAX_REASONS {
        lines.push(format!("  and {} more", reasons.len() - MAX_REASONS));
    }
    lines
}

/// Returns one row for each group.
pub(super) fn table(name: &str, groups: &[Group], marks: Marks) -> Vec<String> {
    let keys: Vec<String> = groups.iter().map(|group| short(&group.key, marks)).collect();
    let width = keys.iter().map(|it| it.chars().count()).max().unwrap_or(0).max(name.len());
    let mut lines = vec![String::new()];
    let head =
        format!("{name:<width$} {:>9} {:>9} {:>9} {:>9} {:>9}  rate", "shown", "accepted", "kept", "by AI", "median");
    lines.push(Tone::Strong.out(&head));
    for (key, group) in keys.iter().zip(groups) {
        let figures = &group.figures;
        let rate = figures.acceptance_rate();
        let kept = figures.retention.values().next_back().map(|it| it.mean_share);
        let cells = [
            number(figures.n_shown),
            percent(rate),
            percent(kept),
            percent(figures.share_written()),
            figures.latency.map_or_else(|| "-".to_owned(), |it| format!("{} ms", it.p50.as_millis())),
        ];
        let cells: String = cells.iter().map(|cell| format!(" {cell:>9}")).collect();
        lines.push(format!("{key:<width$}{cells}  {}", marks.bar(rate.unwrap_or(0.0))).trim_end().to_owned());
    }
    lines
}

fn heading(text: &str) -> Vec<String> {
    vec![String::new(), Tone::Strong.out(text)]
}

/// Returns a name that fits into a table.
fn short(key: &str, marks: Marks) -> String {
    let key = neutral(key);
    if key.chars().count() <= MAX_KEY_CHARS {
        return key.into_owned();
    }
    let end = match marks {
        Marks::Blocks => '…',
        Marks::Ascii => '~',
    };
    key.chars().take(MAX_KEY_CHARS - 1).chain([end]).collect()
}

/// Returns a date as people of any country read it.
pub(super) fn day_and_month(date: NaiveDate) -> String {
    date.format("%-d %b").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_grow_by_eighths_and_have_a_plain_form() {
        let table = [
            (0.0, "", ""),
            (0.01, "▎", ""),
            (0.5, "██████████", "##########"),
            (0.525, "██████████▌", "###########"),
            (1.0, "████████████████████", "####################"),
            (7.0, "████████████████████", "####################"),
            (f64::NAN, "", ""),
        ];
        for (share, blocks, plain) in table {
            assert_eq!(
                (Marks::Blocks.bar(share).as_str(), Marks::Ascii.bar(share).as_str()),
                (blocks, plain),
                "{share}"
            );
        }
    }

    #[test]
    fn a_line_of_levels_leaves_a_gap_where_nothing_is_known() {
        let line = |marks: Marks| -> String {
            [Some(0.0), Some(0.5), None, Some(0.99), Some(1.0)].into_iter().map(|it| marks.level(it)).collect()
        };
        assert_eq!((line(Marks::Blocks).as_str(), line(Marks::Ascii).as_str()), ("▁▅ ██", "_= ##"));
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(short("rust", Marks::Ascii), "rust");
        assert_eq!(short(&"x".repeat(40), Marks::Blocks), format!("{}…", "x".repeat(31)));
    }
}
