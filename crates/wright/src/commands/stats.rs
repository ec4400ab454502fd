//! `wright stats`: what became of suggestions on this machine, as a table, as data, and as pictures.
//!
//! What is recorded, and how to turn it off, is in `docs/telemetry.md`. What each figure means is in [`Figures`].

mod summary;

mod text;

mod page;

mod panels;

mod svg;

use std::path::{Path, PathBuf};
use std::str::FromStr;

use chrono::{DateTime, Local, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use clap::ValueEnum;
use serde_json::{Value, json};
use wright_store::{Figures, Group, Grouping, KeptAfter, Records, SuggestionStore};

use crate::app::App;
use crate::exit_code::ExitCode;
use crate::report::Failure;
use crate::terminal::Tone;

use summary::Summary;
use text::Marks;

/// The examples in the long help.
const EXAMPLES: &str = "\
Examples:
  wright stats                       the last 30 days
  wright stats --since 12w --by model
  wright stats --html stats.html     a page with pictures
  wright stats --forget              delete everything that was recorded

Everything is counted on this machine and sent nowhere: counts and times, no code and no paths. To record nothing, set
`telemetry = false` in config.toml, or WRIGHT_TELEMETRY=0.";

/// Arguments of `wright stats`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = EXAMPLES)]
pub(crate) struct Args {
    /// Look back this far: 12h, 30d, 8w, a date, or all
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: Since,

    /// Show a table with one row for each
    #[arg(long, value_name = "GROUP")]
    by: Option<By>,

    /// Write the pictures to this SVG file
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Write a page with pictures and tables to this HTML file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,

    /// Delete everything that was recorded
    #[arg(long, conflicts_with_all = ["since", "by", "svg", "html"])]
    forget: bool,
}

/// What a table has one row for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    /// Each language
    Language,
    /// Each model
    Model,
    /// Each day
    Day,
    /// Each week
    Week,
    /// Each kind of suggestion
    Kind,
}

impl By {
    fn grouping(self) -> Grouping {
        match self {
            Self::Language => Grouping::Language,
            Self::Model => Grouping::Model,
            Self::Day => Grouping::Day,
            Self::Week => Grouping::Week,
            Self::Kind => Grouping::Kind,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Language => "language",
            Self::Model => "model",
            Self::Day => "day",
            Self::Week => "week",
            Self::Kind => "kind",
        }
    }
}

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    /// So long ago.
    Ago(TimeDelta),
    /// At the beginning of a day.
    Date(NaiveDate),
    /// At the beginning.
    All,
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        if let Ok(date) = text.parse() {
            return Ok(Self::Date(date));
        }
        let digits_end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
        let (number, unit) = text.split_at(digits_end);
        let hours = match unit {
            "h" => 1,
            "d" => 24,
            "w" => 24 * 7,
            _ => return Err(format!("{text:?} is not a time such as 12h, 30d, 8w, 2026-01-31 or all")),
        };
        // No more than a lifetime, so that dates can be reckoned with.
        let hours = number.parse::<i64>().ok().and_then(|it| it.checked_mul(hours)).filter(|it| *it <= 24 * 36_600);
        hours.map(|it| Self::Ago(TimeDelta::hours(it))).ok_or_else(|| format!("{text:?} is too long ago"))
    }
}

impl Since {
    fn time(self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Ago(span) => now.checked_sub_signed(span),
            Self::Date(date) => {
                let midnight = Local.from_local_datetime(&date.and_time(NaiveTime::MIN)).earliest();
                Some(midnight.map_or_else(|| date.and_time(NaiveTime::MIN).and_utc(), |it| it.with_timezone(&Utc)))
            }
            Self::All => None,
        }
    }
}

/// Shows the figures, or deletes what they are made of.
pub(crate) async fn run(app: &App, args: &Args) -> Result<ExitCode, Failure> {
    if args.forget {
        return forget(app).await;
    }
    let now = Utc::now();
    let since = args.since.time(now);
    let records = read(&app.home.suggestions(), since).await?;
    let summary = Summary::new(&records, since, now, &Local);
    if let Some(path) = &args.svg {
        write(app, path, &panels::svg(&summary))?;
    }
    if let Some(path) = &args.html {
        write(app, path, &page::html(&summary))?;
    }
    let groups = args.by.map(|by| (by, records.by(by.grouping(), &Local)));
    if app.terminal.is_json() {
        app.terminal.json(&to_json(app, &summary, groups));
    } else if args.svg.is_none() && args.html.is_none() {
        show(app, &summary, groups);
    }
    Ok(ExitCode::Done)
}

/// Reads what was recorded. No file is an empty one, and none is made.
async fn read(path: &Path, since: Option<DateTime<Utc>>) -> Result<Records, Failure> {
    if !path.exists() {
        return Ok(Records::default());
    }
    let store = SuggestionStore::open(path).await?;
    let records = store.records(since).await?;
    store.close().await;
    Ok(records)
}

async fn forget(app: &App) -> Result<ExitCode, Failure> {
    let path = app.home.suggestions();
    let is_removed = SuggestionStore::forget(&path).await?;
    if app.terminal.is_json() {
        app.terminal.json(&json!({ "schema": "wright.forget/1", "removed": is_removed }));
    } else if is_removed {
        app.terminal.say("deleted everything that was recorded about suggestions");
    } else {
        app.terminal.say("nothing was recorded about suggestions");
    }
    Ok(ExitCode::Done)
}

fn write(app: &App, path: &Path, content: &str) -> Result<(), Failure> {
    let path = app.absolute(path);
    std::fs::write(&path, content).map_err(|error| {
        Failure::usage(format!("failed to write {path:?}: {error}")).hint("Choose a file that can be written.")
    })?;
    if !app.terminal.is_json() {
        app.terminal.say(&format!("wrote {path:?}"));
    }
    Ok(())
}

fn show(app: &App, summary: &Summary, groups: Option<(By, Vec<Group>)>) {
    let is_recording = app.records_suggestions();
    if summary.total.is_empty() {
        app.terminal.say(&format!("no suggestions were recorded {}", summary.span()));
        let hint = if is_recording {
            "Connect an editor to `wright lsp`; every suggestion it shows is counted here, on this machine only."
        } else {
            "Nothing is recorded: set `telemetry = true` in config.toml, and unset WRIGHT_TELEMETRY."
        };
        app.terminal.say(&format!("{} {hint}", Tone::Note.err("hint:")));
        return;
    }
    let marks = Marks::of_terminal();
    for line in text::overview(summary, marks) {
        app.terminal.line(&line);
    }
    if let Some((by, groups)) = groups {
        for line in text::table(by.name(), &groups, marks) {
            app.terminal.line(&line);
        }
    }
    if !is_recording {
        app.terminal.say("recording is off; these figures are older");
    }
}

fn to_json(app: &App, summary: &Summary, groups: Option<(By, Vec<Group>)>) -> Value {
    let mut document = json!({
        "schema": "wright.stats/1",
        "since": summary.since.map(|it| it.to_rfc3339()),
        "until": summary.until.to_rfc3339(),
        "is_recording": app.records_suggestions(),
        "total": figures_json(&summary.total),
    });
    if let Some((by, groups)) = groups {
        document["by"] = by.name().into();
        document["groups"] = groups.iter().map(group_json).collect();
    }
    document
}

fn group_json(group: &Group) -> Value {
    json!({ "key": group.key, "figures": figures_json(&group.figures) })
}

fn figures_json(figures: &Figures) -> Value {
    let retention = |after: KeptAfter| {
        let retention = figures.retention.get(&after);
        json!({
            "after_seconds": after.duration().as_secs(),
            "suggestions": retention.map_or(0, |it| it.n_suggestions),
            "mean_share": retention.map(|it| super::rounded(it.mean_share)),
        })
    };
    let retention: Vec<Value> = KeptAfter::ALL.into_iter().map(retention).collect();
    json!({
        "shown": figures.n_shown,
        "glimpsed": figures.n_glimpsed,
        "accepted": figures.n_accepted,
        "partially_accepted": figures.n_partially_accepted,
        "dismissed": figures.n_dismissed,
        "acceptance_rate": figures.acceptance_rate().map(super::rounded),
        "characters": {
            "shown": figures.n_chars_shown,
            "accepted": figures.n_chars_accepted,
            "kept": figures.n_chars_kept,
            "committed": figures.n_chars_committed,
        },
        "committed": figures.n_committed,
        "retention": retention,
        "typed": figures.typed.map(|it| json!({
            "typed": it.n_chars_typed,
            "pasted": it.n_chars_pasted,
            "deleted": it.n_chars_deleted,
        })),
        "share_written": figures.share_written().map(super::rounded),
        "latency_ms": figures.latency.map(|it| json!({ "p50": it.p50.as_millis() as u64, "p95": it.p95.as_millis() as u64 })),
        "withheld": figures.withheld,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_is_read_as_people_write_it() {
        let hours = |it| Ok(Since::Ago(TimeDelta::hours(it)));
        let table = [
            ("12h", hours(12)),
            ("30d", hours(720)),
            ("2w", hours(336)),
            ("all", Ok(Since::All)),
            ("2026-01-31", Ok(Since::Date(NaiveDate::from_ymd_opt(2026, 1, 31).unwrap()))),
        ];
        for (text, expected) in table {
            assert_eq!(text.parse::<Since>(), expected, "{text}");
        }
        for text in ["", "d", "30", "3 weeks", "-1d", "99999999999d", "99999999999999999999d", "2026-13-01"] {
            assert!(text.parse::<Since>().is_err(), "{text}");
        }
    }
}
