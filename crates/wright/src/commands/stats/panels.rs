//! Which pictures there are, and what they show.

use chrono::NaiveDate;
use wright_store::{Figures, KeptAfter};

use super::summary::{Summary, after, number, percent, reasons};
use super::svg::{self, Bar, Picture, Point};
use super::text::day_and_month;

/// How many bars a picture has at most.
const MAX_BARS: usize = 8;

/// How many characters of a name fit beside a bar.
const MAX_NAME_CHARS: usize = 17;

/// Returns all pictures as one document.
pub(super) fn svg(summary: &Summary) -> String {
    svg::sheet(&format!("Suggestions {}", summary.span()), &pictures(summary))
}

/// Returns the pictures.
pub(super) fn pictures(summary: &Summary) -> [Picture; 4] {
    [over_time(summary), retention(&summary.total), languages(summary), withheld(&summary.total)]
}

fn over_time(summary: &Summary) -> Picture {
    let look = summary.last_look();
    let dates = summary.periods.iter().map(|(date, _)| *date);
    let (first, last) = (dates.clone().min(), dates.max());
    let place = |date: NaiveDate| {
        let n_days = |from: Option<NaiveDate>, to: Option<NaiveDate>| Some((to? - from?).num_days() as f64);
        let span = n_days(first, last).unwrap_or(0.0);
        if span == 0.0 { 0.5 } else { n_days(first, Some(date)).unwrap_or(0.0) / span }
    };
    let points = |share: &dyn Fn(&Figures) -> Option<(f64, String)>| -> Vec<Point> {
        let point = |(date, figures): &(NaiveDate, Figures)| {
            let (y, words) = share(figures)?;
            Some(Point { x: place(*date), y, label: format!("{date}: {words}") })
        };
        summary.periods.iter().filter_map(point).collect()
    };
    let accepted = points(&|figures| {
        let rate = figures.acceptance_rate()?;
        Some((rate, format!("{} of {} shown were accepted", percent(Some(rate)), number(figures.n_shown))))
    });
    let kept = points(&|figures| {
        let it = figures.retention.get(&look)?;
        Some((it.mean_share, format!("{} of {} kept", percent(Some(it.mean_share)), number(it.n_suggestions))))
    });
    let kept_name = format!("still there after {}", after(look));
    let ends = [first, last].map(|it| it.map(day_and_month).unwrap_or_default());
    let ends = if first == last { [ends[0].as_str(), ""] } else { [ends[0].as_str(), ends[1].as_str()] };
    let description = format!("Share of suggestions for each {}", summary.period.name());
    svg::lines("Accepted, and kept", &description, &[("accepted", accepted), (&kept_name, kept)], ends)
}

fn retention(total: &Figures) -> Picture {
    let bar = |it: KeptAfter| {
        let look = total.retention.get(&it)?;
        let value = format!("{}  of {}", percent(Some(look.mean_share)), number(look.n_suggestions));
        Some(Bar { name: after(it).to_owned(), share: look.mean_share, value })
    };
    let bars: Vec<Bar> = KeptAfter::ALL.into_iter().filter_map(bar).collect();
    svg::bars("How much stays", "Share of an accepted suggestion that is still there later", &bars)
}

fn languages(summary: &Summary) -> Picture {
    let bar = |group: &wright_store::Group| {
        let share = group.figures.share_written()?;
        Some(Bar { name: name(&group.key), share, value: percent(Some(share)) })
    };
    let bars: Vec<Bar> = summary.languages.iter().filter_map(bar).take(MAX_BARS).collect();
    svg::bars("Written by AI", "Characters kept, of those and the ones typed by hand", &bars)
}

fn withheld(total: &Figures) -> Picture {
    let reasons = reasons(total);
    let most = reasons.first().map_or(1, |(_, n_times)| *n_times).max(1);
    let bar = |(reason, n_times): &(&str, u64)| Bar {
        name: name(reason),
        share: *n_times as f64 / most as f64,
        value: number(*n_times),
    };
    let bars: Vec<Bar> = reasons.iter().take(MAX_BARS).map(bar).collect();
    svg::bars("Why nothing was shown", "Number of times, by reason", &bars)
}

fn name(text: &str) -> String {
    if text.chars().count() <= MAX_NAME_CHARS {
        return text.to_owned();
    }
    text.chars().take(MAX_NAME_CHARS - 1).chain(['…']).collect()
}
