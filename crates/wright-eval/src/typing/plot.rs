//! The comparison as a picture: for each scenario a bar for each side, as long as its p50, with a line to its p95.
//!
//! Times are on a logarithmic scale, because the sides differ by more than a factor of ten. The picture is plain SVG with
//! colors that can be told apart without red and green.

use std::fmt::Write as _;

use super::report::{Group, TypingReport};
use super::sample::Side;

const LEFT: f64 = 210.0;
const WIDTH: f64 = 900.0;
const TOP: f64 = 66.0;
const BAR: f64 = 9.0;
const GAP: f64 = 8.0;

/// The decades of the scale, in milliseconds.
const DECADES: [(f64, &str); 6] =
    [(1.0, "1 ms"), (10.0, "10 ms"), (100.0, "100 ms"), (1e3, "1 s"), (1e4, "10 s"), (1e5, "100 s")];

/// Renders the picture.
pub(super) fn render(report: &TypingReport) -> String {
    let (sides, groups) = (report.sides(), [report.sums(), report.scenarios()].concat());
    let row_height = BAR * sides.len() as f64 + GAP;
    let height = TOP + row_height * groups.len() as f64 + 16.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    let title = "From keystroke to complete single-line suggestion: bar to p50, line to p95";
    let _ = writeln!(svg, "<text x=\"8\" y=\"18\" font-size=\"14\">{title}</text>");
    legend(&mut svg, &sides);
    scale(&mut svg, height);
    for (idx, group) in groups.iter().enumerate() {
        row(&mut svg, report, group, &sides, TOP + row_height * idx as f64);
    }
    svg.push_str("</svg>\n");
    svg
}

fn legend(svg: &mut String, sides: &[Side]) {
    for (idx, side) in sides.iter().enumerate() {
        let x = 8.0 + 160.0 * idx as f64;
        let _ = writeln!(svg, "<rect x=\"{x}\" y=\"26\" width=\"10\" height=\"10\" fill=\"{}\"/>", color(*side));
        let _ = writeln!(svg, "<text x=\"{}\" y=\"35\">{}</text>", x + 14.0, side.name());
    }
}

fn scale(svg: &mut String, height: f64) {
    for (ms, name) in DECADES {
        let x = x_of(ms);
        let _ = writeln!(
            svg,
            "<line x1=\"{x:.1}\" y1=\"{TOP}\" x2=\"{x:.1}\" y2=\"{:.0}\" stroke=\"#dddddd\"/>",
            height - 12.0
        );
        let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>", TOP - 8.0);
    }
}

fn row(svg: &mut String, report: &TypingReport, group: &Group, sides: &[Side], y: f64) {
    let middle = y + BAR * sides.len() as f64 / 2.0 + 4.0;
    let label = escape(&label(group));
    let _ = writeln!(svg, "<text x=\"{}\" y=\"{middle:.1}\" text-anchor=\"end\">{label}</text>", LEFT - 6.0);
    for (idx, side) in sides.iter().enumerate() {
        let Some(figures) = report.figures(*side, group) else { continue };
        let (start, p50, p95) = (x_of(0.0), x_of(figures.complete.p50), x_of(figures.complete.p95));
        let (top, color) = (y + BAR * idx as f64, color(*side));
        let _ = writeln!(
            svg,
            "<rect x=\"{start:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{}\" fill=\"{color}\"/>",
            p50 - start,
            BAR - 2.0
        );
        let line = top + BAR / 2.0 - 1.0;
        let _ = writeln!(
            svg,
            "<line x1=\"{p50:.1}\" y1=\"{line:.1}\" x2=\"{p95:.1}\" y2=\"{line:.1}\" stroke=\"{color}\" stroke-width=\"2\"/>"
        );
    }
}

fn label(group: &Group) -> String {
    let context = group.context.map_or("all contexts".to_owned(), |it| format!("{it} tokens"));
    match (&group.manner, &group.language) {
        (Some(manner), Some(language)) => format!("{context}, {manner}, {language}"),
        (Some(word), None) | (None, Some(word)) => format!("{context}, {word}"),
        (None, None) => context,
    }
}

/// Returns where a time is on the scale; what is beyond it is at its end.
fn x_of(ms: f64) -> f64 {
    let (first, last) = (DECADES[0].0.log10(), DECADES[DECADES.len() - 1].0.log10());
    let share = (ms.max(DECADES[0].0).log10() - first) / (last - first);
    LEFT + (WIDTH - LEFT - 30.0) * share.min(1.0)
}

fn color(side: Side) -> &'static str {
    match side {
        Side::Engine => "#56b4e9",
        Side::Product => "#0072b2",
        Side::PeerPrefixFirst => "#d55e00",
        Side::PeerSuffixFirst => "#e69f00",
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn each_decade_is_as_wide_as_the_next_and_the_ends_hold() {
        let widths: Vec<f64> = DECADES.windows(2).map(|it| x_of(it[1].0) - x_of(it[0].0)).collect();
        assert!(widths.iter().all(|it| (it - widths[0]).abs() < 1e-6), "{widths:?}");
        assert_eq!((x_of(0.0), x_of(1e9)), (LEFT, x_of(1e5)));
    }

    #[test]
    fn there_is_a_bar_for_each_side_of_each_scenario() {
        let mut report = report();
        report.passes[0].language = "<script>".to_owned();
        let svg = render(&report);
        let n_bars = svg.matches("height=\"7\"").count();
        assert_eq!(n_bars, 2 + 1 + 1, "{svg}");
        assert!(svg.contains("500 tokens, typed, &lt;script&gt;") && !svg.contains("<script>"));
        assert!(svg.trim_end().ends_with("</svg>"));
    }
}
