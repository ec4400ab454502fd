//! The list of cases: the table in docs/security.md, which people read too.

use std::fs;

use anyhow::{Context, Result, bail, ensure};

use crate::workspace::Workspace;

const FILE: &str = "docs/security.md";
const BEGIN: &str = "<!-- escape:begin -->";
const END: &str = "<!-- escape:end -->";

/// One way to get at something, of which there may be several variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    /// A letter for the family and a number.
    pub(super) id: String,
    pub(super) title: String,
    /// The crate whose tests try it.
    pub(super) home: String,
}

impl Case {
    /// Returns whether `name` is this case or its family.
    pub(super) fn is_in(&self, name: &str) -> bool {
        is_in(&self.id, name)
    }

    /// Returns the letter of the family.
    pub(super) fn family(&self) -> &str {
        family(&self.id)
    }
}

/// Returns whether `name` is the case `id` or its family.
pub(super) fn is_in(id: &str, name: &str) -> bool {
    id == name || family(id) == name
}

fn family(id: &str) -> &str {
    id.trim_end_matches(|c: char| c.is_ascii_digit())
}

/// Reads the list.
pub(super) fn load(workspace: &Workspace) -> Result<Vec<Case>> {
    let text = fs::read_to_string(workspace.root.join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
    parse(&text).with_context(|| format!("the table of cases in {FILE}"))
}

fn parse(text: &str) -> Result<Vec<Case>> {
    let after = text.split_once(BEGIN).context("it has no beginning")?.1;
    let table = after.split_once(END).context("it has no end")?.0;
    // The first two lines are the titles of the columns and a rule.
    let rows = table.lines().filter(|line| line.starts_with('|')).skip(2);
    let cases: Vec<Case> = rows.map(parse_row).collect::<Result<_>>()?;
    ensure!(!cases.is_empty(), "it is empty");
    for (idx, case) in cases.iter().enumerate() {
        ensure!(!cases[..idx].iter().any(|earlier| earlier.id == case.id), "{} is listed twice", case.id);
    }
    Ok(cases)
}

fn parse_row(line: &str) -> Result<Case> {
    let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
    match cells[..] {
        [id, title, home] => {
            Ok(Case { id: id.to_owned(), title: title.to_owned(), home: home.trim_matches('`').to_owned() })
        }
        _ => bail!("a row needs a case, a title and a crate: {line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_read_and_nothing_else() {
        let text = format!(
            "| K9 | no |\n{BEGIN}\n| case | what | tried in |\n|---|---|---|\n| K1 | reading | `a` |\n{END}\n| x |"
        );
        let case = Case { id: "K1".to_owned(), title: "reading".to_owned(), home: "a".to_owned() };
        assert_eq!(parse(&text).expect("it is whole"), [case]);
    }

    #[test]
    fn a_case_that_is_listed_twice_is_an_error() {
        let text = format!("{BEGIN}\n| case | what | tried in |\n|---|---|---|\n| K1 | a | b |\n| K1 | c | d |\n{END}");
        assert_eq!(parse(&text).expect_err("it is listed twice").to_string(), "K1 is listed twice");
    }

    #[test]
    fn a_family_is_not_a_beginning_of_a_number() {
        let case = |id: &str| Case { id: id.to_owned(), title: String::new(), home: String::new() };
        assert!(case("K12").is_in("K") && case("K12").is_in("K12") && !case("K12").is_in("K1"));
    }
}
