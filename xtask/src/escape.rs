//! `cargo xtask escape`: runs the escape suite of every crate that has one, and says what became of each case.
//!
//! A crate takes part by tests that append rows to the file that [`REPORT_VARIABLE`] names;
//! CONTRIBUTING.md describes the format. The list of cases is the table in docs/security.md. A case that no crate reported is
//! named, and counted apart from those that were blocked; so is an attack that could not be tried without a sandbox.

mod cases;
mod suite;
mod summary;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use serde::{Deserialize, Serialize};

use crate::workspace::Workspace;

/// Names the file that tests append their rows to.
const REPORT_VARIABLE: &str = "WRIGHT_ESCAPE_REPORT";

/// Arguments of `cargo xtask escape`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Write the rows and the summary as JSON, too
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Run only one family (K) or one case (K20)
    #[arg(long, value_name = "CASE")]
    only: Option<String>,
    /// Measure what the sandbox costs each command, instead of attacking it
    #[arg(long)]
    cost: bool,
}

/// What became of one attack, as one user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Row {
    /// The case that it belongs to.
    #[serde(rename = "id")]
    case: String,
    /// What was attempted.
    #[serde(rename = "title")]
    attack: String,
    who: Who,
    /// The level of the sandbox, where one stood in the way.
    #[serde(default)]
    level: String,
    /// [`GOT_THROUGH`], or why the attack could not be tried without the wall.
    control: String,
    result: Outcome,
    /// How it was stopped, or why it was not tried.
    #[serde(default)]
    detail: String,
}

/// What a control says that worked.
const GOT_THROUGH: &str = "succeeds";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Who {
    Root,
    User,
}

impl Who {
    fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::User => "user",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Outcome {
    /// It was stopped.
    #[serde(rename = "blocked")]
    Blocked,
    /// It got through.
    #[serde(rename = "through")]
    Through,
    /// It is known to be open at this level.
    #[serde(rename = "not applicable")]
    NotApplicable,
    /// Something that it needs is missing.
    #[serde(rename = "not tried")]
    NotTried,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Through => "THROUGH",
            Self::NotApplicable => "not applicable",
            Self::NotTried => "not tried",
        }
    }
}

/// Runs the suite, or measures.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    if arguments.cost {
        return suite::measure_cost(workspace);
    }
    let cases = cases::load(workspace)?;
    let only = arguments.only.as_deref().map(str::to_uppercase);
    if let Some(only) = &only
        && !cases.iter().any(|case| case.is_in(only))
    {
        bail!("no case is called {only:?}; docs/security.md lists them");
    }
    let cases: Vec<_> = cases.into_iter().filter(|case| only.as_ref().is_none_or(|only| case.is_in(only))).collect();
    let run = suite::run(workspace, only.as_deref())?;
    let summary = summary::Summary::new(&cases, &run.rows);
    print!("{}", summary::table(&cases, &run.rows));
    print!("{}", summary.text());
    if let Some(path) = &arguments.json {
        fs::write(path, summary.json(&run.rows)?).with_context(|| format!("cannot write {}", path.display()))?;
    }
    if summary.has_holes() {
        bail!("an attack got through");
    }
    if !run.failures.is_empty() {
        bail!("tests failed: {}", run.failures.join(", "));
    }
    Ok(())
}
