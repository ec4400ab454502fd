//! Compares the edge table of ARCHITECTURE.md with the crates as cargo sees them.
//!
//! The table is the source of truth for readers, and this test keeps it true: a new edge, a stale edge, an edge that does
//! not point down, and a crate or a row without its counterpart are all failures. A cycle cannot pass, because one of
//! its edges would point up or sideways. Only what ships counts; tests may use any crate.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::{Crate, Workspace};

const DOCUMENT: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- layers:begin -->";
const END: &str = "<!-- layers:end -->";

/// Fails when ARCHITECTURE.md and the crates disagree.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let document =
        fs::read_to_string(workspace.root.join(DOCUMENT)).with_context(|| format!("cannot read {DOCUMENT}"))?;
    let table = parse(&document)?;
    let problems = compare(&table, &workspace.crates);
    if problems.is_empty() {
        let n_edges: usize = table.values().map(|row| row.may_use.len()).sum();
        println!("{} crates and {n_edges} edges agree with {DOCUMENT}", table.len());
        return Ok(());
    }
    bail!("{DOCUMENT} and the crates disagree:\n  {}", problems.join("\n  "))
}

/// What the table says about one crate.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    layer: u8,
    may_use: BTreeSet<String>,
}

/// The table: crate name to row.
type Table = BTreeMap<String, Row>;

/// Reads the table between the two markers: its columns are layer, crate, responsibility and what it may depend on.
fn parse(document: &str) -> Result<Table> {
    let (_, rest) = document.split_once(BEGIN).with_context(|| format!("{DOCUMENT} has no {BEGIN}"))?;
    let (table, _) = rest.split_once(END).with_context(|| format!("{DOCUMENT} has no {END}"))?;
    let mut rows = BTreeMap::new();
    let mut may_use_all = Vec::new();
    for line in table.lines().filter(|line| line.starts_with("| L")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [layer, name, _, may_use, ..] = cells[..] else {
            bail!("row {line:?} has fewer than four columns");
        };
        let layer = layer.trim_start_matches('L').parse().with_context(|| format!("row {line:?} names no layer"))?;
        let name = name.trim_matches('`').to_owned();
        if may_use == "all" {
            may_use_all.push(name.clone());
        }
        let row = Row { layer, may_use: names(may_use) };
        ensure!(rows.insert(name.clone(), row).is_none(), "crate {name:?} has two rows");
    }
    ensure!(!rows.is_empty(), "the table in {DOCUMENT} has no rows");
    let every_name: BTreeSet<String> = rows.keys().cloned().collect();
    for name in may_use_all {
        if let Some(row) = rows.get_mut(&name) {
            row.may_use = every_name.iter().filter(|other| **other != name).cloned().collect();
        }
    }
    Ok(rows)
}

/// Reads a cell such as `text, repo` as crate names; `–` and `all` name none.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split(',')
        .map(str::trim)
        .filter(|name| !matches!(*name, "" | "–" | "all"))
        .map(|name| format!("wright-{name}"))
        .collect()
}

/// Lists every disagreement, in the order of the crates' names.
fn compare(table: &Table, crates: &[Crate]) -> Vec<String> {
    let mut problems = Vec::new();
    for found in crates {
        if found.name == "xtask" {
            problems.extend(found.mentions.iter().map(|name| format!("xtask must depend on no wright crate: {name}")));
            continue;
        }
        match table.get(&found.name) {
            Some(row) => compare_edges(&found.name, row, &found.uses, &mut problems),
            None => problems.push(format!("crate {} has no row", found.name)),
        }
    }
    for (name, row) in table {
        if !crates.iter().any(|found| found.name == *name) {
            problems.push(format!("row {name} has no crate"));
        }
        for used in &row.may_use {
            match table.get(used) {
                Some(below) if below.layer < row.layer => {}
                Some(below) => {
                    problems.push(format!("{name} (L{}) -> {used} (L{}) does not point down", row.layer, below.layer));
                }
                None => problems.push(format!("{name} may use {used}, which has no row")),
            }
        }
    }
    problems
}

fn compare_edges(name: &str, row: &Row, uses: &[String], problems: &mut Vec<String>) {
    let uses: BTreeSet<String> = uses.iter().cloned().collect();
    problems.extend(uses.difference(&row.may_use).map(|used| format!("new edge {name} -> {used} is not in the table")));
    problems
        .extend(row.may_use.difference(&uses).map(|used| format!("stale edge {name} -> {used}: no such dependency")));
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "intro
<!-- layers:begin -->
| layer | crate | responsibility | may depend on | why |
|---|---|---|---|---|
| L0 | `wright-text` | text | – | pure |
| L1 | `wright-repo` | files | text | git |
| L2 | `wright` | wiring | all | binary |
<!-- layers:end -->
| L9 | `wright-planned` | later | text | later |
";

    fn krate(name: &str, uses: &[&str]) -> Crate {
        let uses: Vec<String> = uses.iter().map(ToString::to_string).collect();
        Crate { name: name.to_owned(), mentions: uses.clone(), uses }
    }

    fn problems(table: &str, changed: Crate) -> Vec<String> {
        let mut crates = vec![
            krate("wright", &["wright-repo", "wright-text"]),
            krate("wright-repo", &["wright-text"]),
            krate("wright-text", &[]),
            krate("xtask", &[]),
        ];
        crates.retain(|other| other.name != changed.name);
        crates.push(changed);
        compare(&parse(table).expect("the table parses"), &crates)
    }

    #[test]
    fn a_true_table_has_no_problems() {
        assert_eq!(problems(TABLE, krate("wright-text", &[])), Vec::<String>::new());
    }

    #[test]
    fn a_new_edge_is_named() {
        assert_eq!(
            problems(TABLE, krate("wright-text", &["wright-repo"])),
            ["new edge wright-text -> wright-repo is not in the table"]
        );
    }

    #[test]
    fn a_stale_edge_is_named() {
        assert_eq!(
            problems(TABLE, krate("wright-repo", &[])),
            ["stale edge wright-repo -> wright-text: no such dependency"]
        );
    }

    #[test]
    fn all_means_every_crate_of_the_table() {
        assert_eq!(
            problems(TABLE, krate("wright", &["wright-repo"])),
            ["stale edge wright -> wright-text: no such dependency"]
        );
    }

    #[test]
    fn a_crate_without_a_row_is_named() {
        assert_eq!(problems(TABLE, krate("wright-new", &[])), ["crate wright-new has no row"]);
    }

    #[test]
    fn a_row_without_a_crate_is_named() {
        let table =
            TABLE.replace("| L2 |", "| L1 | `wright-gone` | g | – | g |\n| L2 |").replace("| all |", "| text, repo |");
        assert_eq!(problems(&table, krate("wright-text", &[])), ["row wright-gone has no crate"]);
    }

    #[test]
    fn a_cycle_in_table_and_crates_is_named() {
        let table = TABLE.replace("| text | – |", "| text | repo |");
        assert_eq!(
            problems(&table, krate("wright-text", &["wright-repo"])),
            ["wright-text (L0) -> wright-repo (L1) does not point down"]
        );
    }

    #[test]
    fn an_edge_within_a_layer_is_named() {
        let table = TABLE.replace("| L1 | `wright-repo`", "| L0 | `wright-repo`");
        assert_eq!(
            problems(&table, krate("wright-text", &[])),
            ["wright-repo (L0) -> wright-text (L0) does not point down"]
        );
    }

    #[test]
    fn xtask_may_not_use_a_wright_crate_even_in_tests() {
        let mut xtask = krate("xtask", &["wright-text"]);
        xtask.uses.clear();
        assert_eq!(problems(TABLE, xtask), ["xtask must depend on no wright crate: wright-text"]);
    }

    #[test]
    fn a_document_without_the_markers_is_refused() {
        let error = parse("| L0 | `wright-text` | text | – |").expect_err("there is no table");
        assert_eq!(error.to_string(), "ARCHITECTURE.md has no <!-- layers:begin -->");
    }
}
