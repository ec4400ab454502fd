//! Counts what was blocked, and names what was not tried: nothing is left out silently.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anyhow::Result;
use serde_json::json;

use super::cases::Case;
use super::{GOT_THROUGH, Outcome, Row, Who};

/// The version of the JSON.
const SCHEMA: &str = "wright.escape/1";

/// What the rows amount to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    families: Vec<Family>,
    /// Cases that no row is about, by the crate that should try them.
    unreported: BTreeMap<String, Vec<String>>,
    /// Rows about cases that are not listed.
    unlisted: BTreeSet<String>,
    /// Attacks that were left out, with the reason.
    left_out: Vec<String>,
    n_attacks: usize,
    n_controls: usize,
    /// Attacks that could not be tried without the wall, by reason.
    no_control: BTreeMap<String, usize>,
    holes: Vec<String>,
}

/// The cases that begin with the same letter.
#[derive(Debug, PartialEq, Eq)]
struct Family {
    letter: String,
    n_cases: usize,
    /// How many cases were blocked, for each user who tried.
    n_blocked: BTreeMap<Who, usize>,
}

impl Summary {
    pub(super) fn new(cases: &[Case], rows: &[Row]) -> Self {
        let with = |outcome| rows.iter().filter(move |row| row.result == outcome);
        let left_out = with(Outcome::NotApplicable).chain(with(Outcome::NotTried));
        let mut unreported: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for case in cases.iter().filter(|case| !rows.iter().any(|row| row.case == case.id)) {
            unreported.entry(case.home.clone()).or_default().push(case.id.clone());
        }
        let mut no_control = BTreeMap::new();
        for row in rows.iter().filter(|row| row.result == Outcome::Blocked && row.control != GOT_THROUGH) {
            *no_control.entry(row.control.clone()).or_default() += 1;
        }
        let is_listed = |row: &&Row| cases.iter().any(|case| case.id == row.case);
        Self {
            families: families(cases, rows),
            unreported,
            unlisted: rows.iter().filter(|row| !is_listed(row)).map(|row| row.case.clone()).collect(),
            left_out: left_out.map(|row| format!("{}: {}", described(row), row.detail)).collect(),
            n_attacks: with(Outcome::Blocked).count(),
            n_controls: with(Outcome::Blocked).filter(|row| row.control == GOT_THROUGH).count(),
            no_control,
            holes: with(Outcome::Through).map(|row| format!("{}: {}", described(row), row.detail)).collect(),
        }
    }

    pub(super) fn has_holes(&self) -> bool {
        !self.holes.is_empty()
    }

    /// Returns the summary for people.
    pub(super) fn text(&self) -> String {
        let mut lines = vec![String::new()];
        lines.extend(self.families.iter().map(Family::text));
        lines.extend(self.totals());
        lines.push(format!(
            "{} attacks blocked; {} of them got through without the wall",
            self.n_attacks, self.n_controls
        ));
        lines.extend(self.no_control.iter().map(|(reason, count)| format!("  {count:4} control {reason}")));
        lines.extend(self.left_out.iter().map(|line| format!("left out: {line}")));
        lines.extend(
            self.unreported
                .iter()
                .map(|(home, cases)| format!("not reported by {home}: {} cases ({})", cases.len(), cases.join(" "))),
        );
        lines.extend(self.unlisted.iter().map(|case| format!("not listed in docs/security.md: {case}")));
        lines.extend(self.holes.iter().map(|line| format!("GOT THROUGH: {line}")));
        lines.join("\n") + "\n"
    }

    pub(super) fn json(&self, rows: &[Row]) -> Result<String> {
        let families: BTreeMap<&str, _> = self
            .families
            .iter()
            .map(|it| {
                let blocked: BTreeMap<&str, usize> = it.n_blocked.iter().map(|(who, n)| (who.name(), *n)).collect();
                (it.letter.as_str(), json!({ "cases": it.n_cases, "blocked": blocked }))
            })
            .collect();
        let value = json!({
            "schema": SCHEMA, "families": families, "attacks_blocked": self.n_attacks, "controls": self.n_controls,
            "no_control": self.no_control, "left_out": self.left_out, "unreported": self.unreported,
            "holes": self.holes, "rows": rows,
        });
        Ok(serde_json::to_string_pretty(&value)? + "\n")
    }

    fn totals(&self) -> impl Iterator<Item = String> {
        let n_cases: usize = self.families.iter().map(|family| family.n_cases).sum();
        let users: BTreeSet<Who> = self.families.iter().flat_map(|family| family.n_blocked.keys().copied()).collect();
        users.into_iter().map(move |who| {
            let n_blocked: usize = self.families.iter().filter_map(|family| family.n_blocked.get(&who)).sum();
            format!("as {}: {n_blocked} of {n_cases} cases blocked", who.name())
        })
    }
}

impl Family {
    fn text(&self) -> String {
        let users: Vec<String> =
            self.n_blocked.iter().map(|(who, n)| format!("{n} of {} as {}", self.n_cases, who.name())).collect();
        format!("{:2} {}", self.letter, if users.is_empty() { "not reported".to_owned() } else { users.join(", ") })
    }
}

fn families(cases: &[Case], rows: &[Row]) -> Vec<Family> {
    let mut families: Vec<Family> = Vec::new();
    for case in cases {
        if families.last().is_none_or(|family| family.letter != case.family()) {
            families.push(Family { letter: case.family().to_owned(), n_cases: 0, n_blocked: BTreeMap::new() });
        }
        let Some(family) = families.last_mut() else { continue };
        family.n_cases += 1;
        for who in [Who::Root, Who::User] {
            let of_case: Vec<&Row> = rows.iter().filter(|row| row.case == case.id && row.who == who).collect();
            if !of_case.is_empty() {
                *family.n_blocked.entry(who).or_default() += usize::from(is_blocked(&of_case));
            }
        }
    }
    families
}

/// A case is blocked when one of its attacks was, and none is open.
fn is_blocked(rows: &[&Row]) -> bool {
    let is_open = |row: &&&Row| matches!(row.result, Outcome::Through | Outcome::NotApplicable);
    !rows.iter().any(|row| is_open(&row)) && rows.iter().any(|row| row.result == Outcome::Blocked)
}

/// Returns every row as a line, in the order of the cases.
pub(super) fn table(cases: &[Case], rows: &[Row]) -> String {
    let place = |row: &Row| cases.iter().position(|case| case.id == row.case).unwrap_or(cases.len());
    let mut rows: Vec<&Row> = rows.iter().collect();
    rows.sort_by(|a, b| (place(a), &a.attack, a.who).cmp(&(place(b), &b.attack, b.who)));
    let mut text = String::new();
    for row in rows {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{:4} {:4} {:14} {} | control: {} | {}",
            row.case,
            row.who.name(),
            row.result.name(),
            row.attack,
            row.control,
            row.detail
        );
    }
    text
}

fn described(row: &Row) -> String {
    format!("{} {} as {}", row.case, row.attack, row.who.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(id: &str) -> Case {
        Case { id: id.to_owned(), title: String::new(), home: "crate".to_owned() }
    }

    fn row(case: &str, who: Who, result: Outcome, control: &str) -> Row {
        let [attack, level, detail] = ["reading", "A", "no"].map(str::to_owned);
        Row { case: case.to_owned(), attack, who, level, control: control.to_owned(), result, detail }
    }

    #[test]
    fn a_case_counts_as_blocked_only_when_nothing_of_it_is_open() {
        use Outcome::{Blocked, NotApplicable, NotTried, Through};
        let table: [(&[Outcome], bool); 5] = [
            (&[Blocked, Blocked], true),
            (&[Blocked, NotTried], true),
            (&[Blocked, Through], false),
            (&[Blocked, NotApplicable], false),
            (&[NotTried], false),
        ];
        for (results, blocked) in table {
            let rows: Vec<Row> = results.iter().map(|&result| row("K1", Who::Root, result, GOT_THROUGH)).collect();
            let summary = Summary::new(&[case("K1")], &rows);
            assert_eq!(summary.families[0].n_blocked[&Who::Root], usize::from(blocked), "{results:?}");
        }
    }

    #[test]
    fn what_was_not_tried_is_named() {
        let rows = [
            row("K1", Who::User, Outcome::Blocked, GOT_THROUGH),
            row("K2", Who::User, Outcome::Blocked, "not possible here: no key"),
            row("K3", Who::User, Outcome::NotTried, ""),
            row("X1", Who::User, Outcome::Blocked, GOT_THROUGH),
        ];
        let cases = ["K1", "K2", "K3", "K4"].map(case);
        let text = Summary::new(&cases, &rows).text();
        let expected = "\nK  2 of 4 as user\nas user: 2 of 4 cases blocked\n\
            3 attacks blocked; 2 of them got through without the wall\n     1 control not possible here: no key\n\
            left out: K3 reading as user: no\nnot reported by crate: 1 cases (K4)\n\
            not listed in docs/security.md: X1\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn one_attack_that_got_through_is_a_hole() {
        let rows = [row("K1", Who::Root, Outcome::Through, GOT_THROUGH)];
        let summary = Summary::new(&[case("K1")], &rows);
        assert!(summary.has_holes());
        assert!(summary.text().ends_with("GOT THROUGH: K1 reading as root: no\n"));
    }
}
