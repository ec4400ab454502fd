//! The report as Markdown.

use std::fmt::Write as _;

use super::clients::{self, Clients};
use super::report::{Comparison, Figures, Group, TypingReport};
use super::stats::Spread;

/// Renders the report.
pub(super) fn render(report: &TypingReport) -> String {
    let mut text = String::new();
    head(&mut text, report);
    comparisons(&mut text, report);
    figures(&mut text, report);
    against_baseline(&mut text, report);
    several_clients(&mut text, report);
    text
}

fn head(text: &mut String, report: &TypingReport) {
    let settings = report.settings();
    let load = if report.load.is_empty() { "nothing" } else { &report.load };
    let (runs, every, peer_every) = (settings.n_runs, settings.every, settings.peer_every);
    let _ = writeln!(text, "Replayed typing with {}; beside it on the machine: {load}.", report.model);
    let _ = writeln!(
        text,
        "Runs: {runs}. Measured: every keystroke whose number {every} divides, for the peer in its own order {peer_every}, \
         and those after a jump and at a paste. Took {:.1} minutes.",
        report.minutes()
    );
    for step in &report.decode_steps {
        let _ = writeln!(text, "Writing one token behind {} tokens takes {:.1} ms.", step.context, step.ms);
    }
}

fn comparisons(text: &mut String, report: &TypingReport) {
    for (ours, peer) in report.pairs() {
        let rows: Vec<String> = [report.sums(), report.scenarios()]
            .concat()
            .iter()
            .filter_map(|group| Some(comparison_row(group, &report.comparison(ours, peer, group)?)))
            .collect();
        if rows.is_empty() {
            continue;
        }
        let _ = writeln!(text, "\n### {} against {}\n", ours.name(), peer.name());
        let _ = writeln!(
            text,
            "From keystroke to complete single-line suggestion, in ms, at the keystrokes that both were asked.\n"
        );
        let columns = "context|manner|language|n|p50|peer p50|times shorter|p95|peer p95|times shorter|\
                       first text p50|peer|times shorter|tokens evaluated|peer";
        table(text, columns, 3, &rows);
    }
}

fn comparison_row(group: &Group, it: &Comparison) -> String {
    let (at_p50, at_p95) = it.ratios();
    let p50 = |spread: Option<Spread>| or_dash(spread.map(|it| it.p50), ms);
    [
        group_cells(group),
        it.ours.n.to_string(),
        ms(it.ours.p50),
        ms(it.peer.p50),
        times(at_p50),
        ms(it.ours.p95),
        ms(it.peer.p95),
        times(at_p95),
        p50(it.ours_first),
        p50(it.peer_first),
        or_dash(it.first_ratio(), times),
        or_dash(it.ours_evaluated, tokens),
        or_dash(it.peer_evaluated, tokens),
    ]
    .join(" | ")
}

fn figures(text: &mut String, report: &TypingReport) {
    for side in report.sides() {
        let rows: Vec<String> = [report.sums(), report.scenarios()]
            .concat()
            .iter()
            .filter_map(|group| Some(figures_row(group, &report.figures(side, group)?)))
            .collect();
        let _ = writeln!(text, "\n### {}\n", side.name());
        let columns = "context|manner|language|n|p50|p95|min|max|first text p50|p95|prompt tokens|less context|evaluated, mean|\
                       evaluated, p50|written|shown|of them cached|not asked|timed out|times the decoding";
        table(text, columns, 3, &rows);
    }
}

fn figures_row(group: &Group, it: &Figures) -> String {
    [
        group_cells(group),
        it.complete.n.to_string(),
        ms(it.complete.p50),
        ms(it.complete.p95),
        ms(it.complete.min),
        ms(it.complete.max),
        or_dash(it.first.map(|it| it.p50), ms),
        or_dash(it.first.map(|it| it.p95), ms),
        or_dash(it.prompt_tokens, |it| format!("{it:.0}")),
        it.n_narrow.to_string(),
        or_dash(it.evaluated_tokens, tokens),
        or_dash(it.evaluated_p50, tokens),
        tokens(it.written_tokens),
        it.n_shown.to_string(),
        it.n_from_cache.to_string(),
        it.n_not_asked.to_string(),
        it.n_timed_out.to_string(),
        or_dash(it.limit, times),
    ]
    .join(" | ")
}

fn against_baseline(text: &mut String, report: &TypingReport) {
    let mut rows = Vec::new();
    let mut load_then = "";
    for side in report.sides() {
        for group in report.sums() {
            let Some((then, load)) = report.baseline(side, &group) else { continue };
            let Some(now) = report.figures(side, &group) else { continue };
            load_then = load;
            let now = now.complete;
            let cells = [
                side.name().to_owned(),
                group.context.map_or("all".to_owned(), |it| it.to_string()),
                ms(then.p50),
                ms(now.p50),
                times(now.p50 / then.p50),
                ms(then.p95),
                ms(now.p95),
                times(now.p95 / then.p95),
            ];
            rows.push(cells.join(" | "));
        }
    }
    if !rows.is_empty() {
        let _ = writeln!(text, "\n### Against the earlier report (beside it on the machine: {load_then})\n");
        table(text, "side|context|p50 then|p50 now|times longer|p95 then|p95 now|times longer", 2, &rows);
    }
}

fn several_clients(text: &mut String, report: &TypingReport) {
    for measured in &report.clients {
        let n_clients = measured.together.len();
        let _ = writeln!(text, "\n### {n_clients} clients at once, context {}\n", measured.context);
        let rows: Vec<String> = measured
            .alone
            .iter()
            .zip(&measured.together)
            .map(|(alone, together)| {
                let at = |client: &clients::Client, share| or_dash(client.percentile(share), ms);
                let evaluated = |it: &clients::Client| or_dash(clients::evaluated(std::slice::from_ref(it)), tokens);
                [
                    together.document.clone(),
                    at(alone, 0.5),
                    at(together, 0.5),
                    at(alone, 0.95),
                    at(together, 0.95),
                    evaluated(alone),
                    evaluated(together),
                ]
                .join(" | ")
            })
            .collect();
        table(text, "document|p50 alone|p50|p95 alone|p95|tokens evaluated alone|tokens evaluated", 1, &rows);
        clients_sum(text, measured);
    }
}

fn clients_sum(text: &mut String, measured: &Clients) {
    let count = |it: Option<u64>| it.map_or("-".to_owned(), |it| it.to_string());
    let _ = writeln!(
        text,
        "\nSlowest p95 / fastest p95: {}. Tokens evaluated for a keystroke, at once / alone: {}. Read by the worker while \
         typing: {} alone, {} at once.",
        or_dash(measured.unfairness(), times),
        or_dash(measured.rereading(), times),
        count(measured.worker_evaluated_alone),
        count(measured.worker_evaluated_together),
    );
}

/// Writes a Markdown table; the first columns are text, the others are numbers.
fn table(text: &mut String, columns: &str, n_text: usize, rows: &[String]) {
    let columns: Vec<&str> = columns.split('|').collect();
    let rules = (0..columns.len()).map(|it| if it < n_text { "---" } else { "---:" });
    let _ = writeln!(text, "| {} |", columns.join(" | "));
    let _ = writeln!(text, "|{}|", rules.collect::<Vec<_>>().join("|"));
    for row in rows {
        let _ = writeln!(text, "| {row} |");
    }
}

fn group_cells(group: &Group) -> String {
    let word = |it: &Option<String>| it.clone().unwrap_or_else(|| "all".to_owned());
    let context = group.context.map_or("all".to_owned(), |it| it.to_string());
    format!("{context} | {} | {}", word(&group.manner), word(&group.language))
}

fn ms(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

fn times(value: f64) -> String {
    if value < 10.0 { format!("{value:.2}") } else { format!("{value:.1}") }
}

fn tokens(value: f64) -> String {
    format!("{value:.1}")
}

fn or_dash<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or("-".to_owned(), show)
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::{report, sample};
    use super::super::sample::Answer;
    use super::*;

    #[test]
    fn the_comparison_comes_first_and_then_each_side() {
        let text = render(&report());
        assert!(text.contains("Writing one token behind 500 tokens takes 20.0 ms."), "{text}");
        let row = "| 500 | typed | python | 2 | 100 | 1000 | 10.0 | 200 | 3000 | 15.0 | 50 | 500 | 10.0 | 2.0 | 2.0 |";
        assert!(text.contains(row), "{text}");
        let own = "| 500 | all | all | 4 | 100 | 300 | 1.0 | 300 | 50 | 100 | 500 | 0 | 1.0 | 0.0 | 2.5 | 3 | 1 | 1 | 0 | 1.25 |";
        assert!(text.contains(own), "{text}");
        let at = |heading: &str| text.find(heading).unwrap();
        assert!(at("### product against peer-prefix-first") < at("### product\n"));
    }

    #[test]
    fn every_row_has_as_many_cells_as_its_table_has_columns() {
        let mut report = report();
        let client = |name: &str, ms| clients::Client {
            document: name.to_owned(),
            samples: vec![sample(0, Answer::Shown, ms), sample(1, Answer::Shown, ms * 2.0)],
        };
        report.clients.push(Clients {
            context: 500,
            run: 0,
            alone: vec![client("a", 10.0), client("b", 20.0)],
            together: vec![client("a", 30.0), client("b", 90.0)],
            worker_evaluated_alone: Some(9),
            worker_evaluated_together: Some(18),
        });
        let text = render(&report);
        assert!(text.contains("Slowest p95 / fastest p95: 3.00."), "{text}");
        assert!(
            text.contains("at once / alone: 2.00. Read by the worker while typing: 9 alone, 18 at once."),
            "{text}"
        );
        let mut n_cells = 0;
        for line in text.lines() {
            let n_here = line.matches('|').count();
            assert!(n_here == 0 || n_cells == 0 || n_here == n_cells, "{line}");
            n_cells = n_here;
        }
    }
}
