//! The figures as one HTML page: pictures and the tables behind them. It loads nothing and runs nothing.

use wright_store::{Figures, Group};

use super::panels;
use super::summary::{Summary, after, number, percent, reasons};
use super::svg::{STYLE, escape};

/// How the page looks. The pictures bring their own colors.
const PAGE_STYLE: &str = "\
:root{color-scheme:light dark;--back:#f5f7f9;--card:#fff;--edge:#dde2e8;--ink:#1a1d21;--note:#57606a}\
@media(prefers-color-scheme:dark){:root{--back:#13161a;--card:#1b1f25;--edge:#333b45;--ink:#e8ebef;--note:#a6b0bb}}\
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);font:15px/1.5 system-ui,-apple-system,\
'Segoe UI',sans-serif}main{max-width:968px;margin:0 auto;padding:28px 16px 48px}h1{font-size:24px;margin:0}\
h2{font-size:16px;margin:28px 0 8px}p{margin:4px 0;color:var(--note)}dl{display:grid;gap:12px;margin:20px 0 16px;\
grid-template-columns:repeat(auto-fit,minmax(170px,1fr))}dl div{background:var(--card);border:1px solid var(--edge);\
border-radius:10px;padding:12px 16px}dt{color:var(--note);font-size:13px}dd{margin:0}dd b{font-size:26px;display:block;\
font-weight:600;line-height:1.3}dd span{color:var(--note);font-size:13px}\
.pictures{columns:2;column-gap:16px}.pictures svg{width:100%;height:auto;display:block;margin-bottom:16px;\
break-inside:avoid}@media(max-width:820px){.pictures{columns:1}}\
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--edge);border-radius:10px}\
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:14px}\
th,td{padding:6px 14px;text-align:right;white-space:nowrap;border-top:1px solid var(--edge)}\
thead th{border-top:0;color:var(--note);font-weight:500}th:first-child{text-align:left}tbody th{font-weight:500}\
details{margin-top:28px}summary{cursor:pointer;font-weight:600;font-size:16px;margin-bottom:8px}footer{margin-top:28px}";

/// Returns the page.
pub(super) fn html(summary: &Summary) -> String {
    let pictures: String =
        panels::pictures(summary).iter().zip(["a", "b", "c", "d"]).map(|(it, id)| it.to_svg(id)).collect();
    let periods: Vec<Group> = summary
        .periods
        .iter()
        .map(|(date, figures)| Group { key: date.to_string(), figures: figures.clone() })
        .collect();
    let period = summary.period.name();
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Suggestions {span}</title>
<style>{PAGE_STYLE}{STYLE}</style>
</head>
<body>
<main>
<h1>Suggestions</h1>
<p>{span_capital}, counted on this machine and sent nowhere</p>
{tiles}
<div class="pictures">
{pictures}
</div>
<h2>By language</h2>
{languages}
{reasons}
<details>
<summary>By {period}</summary>
{periods}
</details>
<footer><p>A suggestion counts as shown when it was in sight for at least 250 ms. Kept are the
characters that were accepted and still there when they were last looked at. What was pasted counts neither as typed nor as written by AI.</p></footer>
</main>
</body>
</html>
"#,
        span = escape(&summary.span()),
        span_capital = capital(&escape(&summary.span())),
        tiles = tiles(summary),
        languages = table("language", &summary.languages),
        reasons = reason_table(&summary.total),
        periods = table(period, &periods),
    )
}

fn tiles(summary: &Summary) -> String {
    let total = &summary.total;
    let look = summary.last_look();
    let kept = total.retention.get(&look);
    let latency = total.latency;
    let by_hand = total.typed.map_or(0, |it| it.n_chars_typed);
    let tiles = [
        ("Shown", number(total.n_shown), format!("{} characters", number(total.n_chars_shown))),
        (
            "Accepted",
            percent(total.acceptance_rate()),
            format!("{} whole, {} in part", number(total.n_accepted), number(total.n_partially_accepted)),
        ),
        (
            "Still there",
            percent(kept.map(|it| it.mean_share)),
            format!("{} later, of {}", after(look), number(kept.map_or(0, |it| it.n_suggestions))),
        ),
        (
            "Written by AI",
            percent(total.share_written()),
            format!("{} kept, {} typed", number(total.n_chars_kept), number(by_hand)),
        ),
        (
            "Ready after",
            latency.map_or_else(|| "-".to_owned(), |it| format!("{} ms", number(it.p50.as_millis() as u64))),
            latency.map_or_else(String::new, |it| format!("95% within {} ms", number(it.p95.as_millis() as u64))),
        ),
    ];
    let tile = |(name, value, note): &(&str, String, String)| {
        format!("<div><dt>{name}</dt><dd><b>{}</b><span>{}</span></dd></div>", escape(value), escape(note))
    };
    format!("<dl>{}</dl>", tiles.iter().map(tile).collect::<String>())
}

fn table(name: &str, groups: &[Group]) -> String {
    if groups.is_empty() {
        return "<p>Nothing was recorded yet</p>".to_owned();
    }
    let rows: String = groups
        .iter()
        .map(|it| format!("<tr><th scope=\"row\">{}</th>{}</tr>", escape(&it.key), cells(&it.figures)))
        .collect();
    let names = [name, "shown", "accepted", "characters kept", "typed by hand", "written by AI", "median", "95 of 100"];
    let head: String = names.iter().map(|it| format!("<th scope=\"col\">{it}</th>")).collect();
    format!("<div class=\"scroll\"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>")
}

fn cells(figures: &Figures) -> String {
    let millis = |it: std::time::Duration| format!("{} ms", number(it.as_millis() as u64));
    let [p50, p95] =
        figures.latency.map_or_else(|| ["-".to_owned(), "-".to_owned()], |it| [it.p50, it.p95].map(millis));
    let cells = [
        number(figures.n_shown),
        percent(figures.acceptance_rate()),
        number(figures.n_chars_kept),
        number(figures.typed.map_or(0, |it| it.n_chars_typed)),
        percent(figures.share_written()),
        p50,
        p95,
    ];
    cells.iter().map(|it| format!("<td>{}</td>", escape(it))).collect()
}

fn reason_table(total: &Figures) -> String {
    let reasons = reasons(total);
    if reasons.is_empty() {
        return String::new();
    }
    let row = |(reason, n_times): &(&str, u64)| {
        format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>", escape(reason), number(*n_times))
    };
    let rows: String = reasons.iter().map(row).collect();
    let head = "<tr><th scope=\"col\">reason</th><th scope=\"col\">times</th></tr>";
    format!(
        "<details><summary>Why nothing was shown</summary><div class=\"scroll\"><table><thead>{head}</thead>\
         <tbody>{rows}</tbody></table></div></details>"
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
