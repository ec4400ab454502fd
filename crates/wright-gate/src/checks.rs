//! The checks, one file each, in four lists. To add one: write `checks/<name>.rs`, and add a line to the list of its kind.
//!
//! - [`TEXT`]: reads one text and reports everything that is wrong with it. It runs on both sides of each touched file, and
//!   the ratchet tells what is new.
//! - [`CHANGE`]: looks at the change as a whole, and at the rest of the repository before and after.
//! - [`TOOLS`]: runs programs in the sandbox.
//! - [`STATIC`]: compares the two sides of one file by itself. These also judge what an agent proposes, see [`crate::full`].

pub mod binaries;
pub mod commented_out;
pub mod complexity;
pub mod dead_code;
pub mod debug_left;
pub mod duplication;
pub mod endpoints;
pub(crate) mod grammar;
pub mod injection;
pub mod invisible;
pub mod license;
pub mod loosened_config;
pub mod markers;
pub mod no_secrets;
pub mod over_engineering;
pub mod packages;
pub mod parses;
pub mod paths_exist;
mod programs;
pub mod protected_paths;
pub mod settings;
pub mod special_casing;
pub mod sql_schema;
pub mod swallowed;
pub mod symbols;
pub mod test_tampering;
pub mod tests_run;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Duration;

use wright_sandbox::{Level, Sandbox};
use wright_text::{FileChange, Patch};

use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, Finding, Severity, Source, dependencies, suppression};

/// A check that reads one text.
#[derive(Debug, Clone, Copy)]
pub struct TextCheck {
    /// Its name in findings and receipts.
    pub name: &'static str,
    /// What a pass means.
    pub promise: &'static str,
    /// Returns everything that is wrong with the text.
    pub findings: fn(&Source<'_>) -> Vec<Finding>,
}

/// Every check that reads one text.
pub const TEXT: &[TextCheck] = &[
    text(
        injection::NAME,
        "no untrusted value reaches a place where it is dangerous, and nothing known to be insecure is used",
        injection::findings,
    ),
    text(markers::NAME, "no marker of an unresolved merge", markers::findings),
    text(invisible::NAME, "no character that hides or reorders code", invisible::findings),
    text(swallowed::NAME, "no error is swallowed", swallowed::findings),
    text(dead_code::NAME, "no code that cannot run", dead_code::findings),
    text(commented_out::NAME, "no code in comments", commented_out::findings),
    text(debug_left::NAME, "no output left from looking for a bug", debug_left::findings),
];

const fn text(name: &'static str, promise: &'static str, findings: fn(&Source<'_>) -> Vec<Finding>) -> TextCheck {
    TextCheck { name, promise, findings }
}

/// A check that looks at the change as a whole: the change, the repository before, the repository after.
#[derive(Debug, Clone, Copy)]
pub struct ChangeCheck {
    /// Its name in findings and receipts.
    pub name: &'static str,
    /// What a pass means.
    pub promise: &'static str,
    /// Gives the account of the check.
    pub report: fn(&ChangeSet, &dyn Tree, &dyn Tree) -> CheckReport,
}

/// Every check that looks at the change as a whole.
pub const CHANGE: &[ChangeCheck] = &[
    change(suppression::NAME, "the change makes no exception for itself", |change, _, _| suppression::report(change)),
    change(
        test_tampering::NAME,
        "no test is removed, skipped or weakened, and no code looks for tests",
        test_tampering::report,
    ),
    change(binaries::NAME, "every file can be read", |change, _, _| binaries::findings(change)),
    change(dependencies::CHANGES, "dependencies change as the manifests say", dependencies::changes),
    change(sql_schema::NAME, "tables and columns are those of the schema", sql_schema::report),
    change(endpoints::NAME, "calls are those that the described services have", endpoints::report),
    change(settings::NAME, "settings are those that the repository documents", settings::report),
    change(paths_exist::NAME, "files that the code opens exist", paths_exist::report),
    change(license::NAME, "no file comes under a conflicting license", |change, _, after| {
        license::report(change, after)
    }),
    change(complexity::NAME, "no function becomes much harder to read", |change, before, _| {
        complexity::report(change, before)
    }),
    change(duplication::NAME, "no code is copied", |change, _, after| duplication::report(change, after)),
    change(over_engineering::NAME, "nothing more general than its use", over_engineering::report),
];

const fn change(
    name: &'static str,
    promise: &'static str,
    report: fn(&ChangeSet, &dyn Tree, &dyn Tree) -> CheckReport,
) -> ChangeCheck {
    ChangeCheck { name, promise, report }
}

/// A check that runs programs.
#[derive(Clone, Copy)]
pub struct ToolCheck {
    /// Its name in `--only`; the accounts it gives are named after the programs.
    pub name: &'static str,
    /// What a pass means.
    pub promise: &'static str,
    /// Gives an account of each program.
    pub run: for<'a> fn(ToolInput<'a>) -> ToolFuture<'a>,
}

/// What a tool check ends with.
pub type ToolFuture<'a> = Pin<Box<dyn Future<Output = Vec<CheckReport>> + Send + 'a>>;

/// What a tool check is given.
#[derive(Clone, Copy)]
pub struct ToolInput<'a> {
    /// The change.
    pub change: &'a ChangeSet,
    /// The repository before.
    pub before: &'a dyn Tree,
    /// The repository after.
    pub after: &'a dyn Tree,
    /// Where programs run.
    pub sandbox: &'a Sandbox,
    /// The user's checkout, for what is installed there; it is read and never run in.
    pub root: &'a Path,
    /// The folders in which programs are found.
    pub search_path: &'a [PathBuf],
    /// The user's home, for toolchains that are installed there.
    pub home: Option<&'a Path>,
    /// The variables that programs get.
    pub env: &'a [(String, String)],
    /// The folders that programs may read beside the system's own.
    pub read_only: &'a [PathBuf],
    /// An empty folder for copies of the two trees.
    pub scratch: &'a Path,
    /// A folder of the program's own that outlives the run.
    pub cache: Option<&'a Path>,
    /// A folder with advisories about packages, where there is one.
    pub advisories: Option<&'a Path>,
    /// The weakest isolation that is accepted.
    pub minimum_level: Level,
    /// How long one program may take.
    pub time_limit: Duration,
}

/// Every check that runs programs.
pub const TOOLS: &[ToolCheck] = programs::ALL;

/// What is known about a rule, for `--explain` and for machine-readable results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleInfo {
    /// Its id, as in findings.
    pub id: String,
    /// The check that applies it.
    pub check: String,
    /// The severity of its findings.
    pub severity: Severity,
    /// What it is about, in one lowercase fragment.
    pub title: String,
    /// Why it is there and what to do, in Markdown.
    pub explanation: String,
    /// The weaknesses it finds.
    pub cwe: Vec<u16>,
}

/// Every list of rules; a check with many rules adds the function that returns its own.
pub const RULES: &[fn() -> Vec<RuleInfo>] = &[own_rules, injection::rules];

/// Returns every rule that is known, by id.
pub fn rules() -> Vec<RuleInfo> {
    let mut rules: Vec<RuleInfo> = RULES.iter().flat_map(|it| it()).collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    rules.dedup_by(|a, b| a.id == b.id);
    rules
}

/// Returns the rules of the checks that have one each, and those about exceptions.
fn own_rules() -> Vec<RuleInfo> {
    let one = |name: &str, promise: &str| RuleInfo {
        id: name.to_owned(),
        check: name.to_owned(),
        severity: Severity::Error,
        title: promise.to_owned(),
        explanation: format!("A change passes when this holds: {promise}."),
        cwe: Vec::new(),
    };
    let exception = |id: &str, severity, title: &str, explanation: &str| RuleInfo {
        id: id.to_owned(),
        check: suppression::NAME.to_owned(),
        severity,
        title: title.to_owned(),
        explanation: explanation.to_owned(),
        cwe: Vec::new(),
    };
    let single = STATIC.iter().map(|it| (it.name, it.promise)).chain(TEXT.iter().map(|it| (it.name, it.promise)));
    let single = single.chain(CHANGE.iter().map(|it| (it.name, it.promise)));
    let single = single.chain(TOOLS.iter().map(|it| (it.name, it.promise))).map(|(name, promise)| one(name, promise));
    single
        .chain([
            exception(
                suppression::SUPPRESSION_ADDED,
                Severity::Error,
                "a change makes an exception for itself",
                "Exceptions count where they stand in the base commit. One that comes with the change it excuses would let \
                 any change pass, so it is a finding, and it does not hold yet.",
            ),
            exception(
                suppression::SUPPRESSION_EXPIRED,
                Severity::Note,
                "an exception has ended",
                "The exception would have covered a finding of this change, but its day has passed. Fix the finding, or \
                 give the exception a later day if its reason still holds.",
            ),
            exception(
                suppression::SUPPRESSION_MALFORMED,
                Severity::Warning,
                "a comment looks like an exception and is none",
                "An exception is written `wright: allow RULE until 2027-01-31: reason`. Without a day or a reason it has no \
                 effect.",
            ),
        ])
        .collect()
}

/// One file before and after a change; what most checks look at.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The file, relative to the repository.
    pub path: &'a Path,
    /// Its text before; empty for a new file.
    pub before: &'a str,
    /// Its text after; empty for a deleted file.
    pub after: &'a str,
}

/// A check that needs nothing but the change itself.
pub struct StaticCheck {
    /// Its name in findings and receipts.
    pub name: &'static str,
    /// What a pass means, for the receipt.
    pub promise: &'static str,
    /// The check.
    pub check: fn(Change<'_>) -> Vec<Finding>,
}

/// Every check that runs in memory, cheapest first.
pub const STATIC: &[StaticCheck] = &[
    StaticCheck {
        name: protected_paths::NAME,
        promise: "no test, test configuration or trust file changed",
        check: protected_paths::check,
    },
    StaticCheck { name: parses::NAME, promise: "every changed file parses no worse than before", check: parses::check },
    StaticCheck { name: no_secrets::NAME, promise: "no secret added", check: no_secrets::check },
    StaticCheck {
        name: tests_run::NAME,
        promise: "no code added that skips, ends or detects a test run",
        check: tests_run::check,
    },
];

/// Runs every static check over every file of `patch`.
pub fn run_static(patch: &Patch) -> Vec<Finding> {
    let changes = patch.files.iter().map(|(path, change)| view(path, change));
    changes.flat_map(|change| STATIC.iter().flat_map(move |it| (it.check)(change))).collect()
}

fn view<'a>(path: &'a Path, change: &'a FileChange) -> Change<'a> {
    Change {
        path,
        before: change.before.as_deref().unwrap_or_default(),
        after: change.after.as_deref().unwrap_or_default(),
    }
}

#[cfg(test)]
mod hostile;
