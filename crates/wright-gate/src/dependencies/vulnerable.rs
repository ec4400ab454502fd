//! Which locked packages are known to be vulnerable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate};

use super::{Advisory, AdvisoryDatabase, Ecosystem, Exposure, LockFormat, Package, exposure, line_naming, packages};
use crate::change::{ChangeSet, Tree};
use crate::{CheckReport, CheckStatus, Confidence, Finding, Severity};

/// The name of the check.
pub const NAME: &str = "advisories";

/// An older database misses too much to be taken as complete.
pub const MAX_AGE_DAYS: i64 = 30;

/// Reports the vulnerable packages of both sides of a change. Without a lock file in either there is nothing to report.
///
/// `database` is none where the caller has none, with the reason as a lowercase fragment.
pub fn advisories(
    change: &ChangeSet,
    before: &dyn Tree,
    after: &dyn Tree,
    database: Result<&AdvisoryDatabase, String>,
    today: NaiveDate,
) -> CheckReport {
    let started = std::time::Instant::now();
    let locks = packages(after);
    if locks.is_empty() {
        return CheckReport::ran(NAME);
    }
    let database = match database {
        Ok(database) => database,
        Err(reason) => return CheckReport::not_run(NAME, format!("no database of advisories: {reason}")),
    };
    let mut report = CheckReport::ran(NAME);
    let mut left_out = Vec::new();
    for (path, read) in &locks {
        match read.as_ref().map(|packages| lacking(packages, database, today)) {
            Err(error) => left_out.push((path.clone(), error.to_string())),
            Ok(Some(reason)) => left_out.push((path.clone(), reason)),
            Ok(None) => report.analysed.push(path.clone()),
        }
    }
    let is_touched = change.files.iter().any(|it| LockFormat::from_path(&it.path).is_some());
    report.after = findings(&locks, after, database);
    // What a change leaves alone is as vulnerable before it as after it.
    report.before = if is_touched { findings(&packages(before), before, database) } else { report.after.clone() };
    if !left_out.is_empty() {
        report.status = CheckStatus::Partial(left_out);
    }
    report.duration = started.elapsed();
    report
}

/// Says why the database cannot vouch for these packages.
fn lacking(packages: &[Package], database: &AdvisoryDatabase, today: NaiveDate) -> Option<String> {
    let ecosystem = packages.first()?.ecosystem;
    let Some(newest) = database.newest(ecosystem) else {
        return Some(format!("the database has no advisories for {}", ecosystem.name()));
    };
    let newest = DateTime::parse_from_rfc3339(newest).ok()?.date_naive();
    let age = (today - newest).num_days();
    (age > MAX_AGE_DAYS).then(|| format!("the advisories for {} are {age} days old", ecosystem.name()))
}

type Locks = [(PathBuf, Result<Vec<Package>, super::UnreadableLock>)];

fn findings(locks: &Locks, tree: &dyn Tree, database: &AdvisoryDatabase) -> Vec<Finding> {
    let mut findings = Vec::new();
    // The same package in several lock files of a folder, such as `go.mod` and `go.sum`, is one finding.
    let mut seen = BTreeSet::new();
    for (path, packages) in locks.iter().filter_map(|(path, read)| Some((path, read.as_ref().ok()?))) {
        if path.ends_with("go.sum") {
            // It lists versions that were only considered; `go.mod` lists the chosen ones.
            continue;
        }
        let mut by_advisory: BTreeMap<(String, String), (&Package, Exposure, &Advisory)> = BTreeMap::new();
        for package in packages.iter().filter(|it| it.is_foreign()) {
            for advisory in database.about(package.ecosystem, &package.name) {
                let Some(exposure) = advisory.exposure(package.ecosystem, &package.name, &package.version) else {
                    continue;
                };
                let is_first =
                    seen.insert((path.parent(), package.name.clone(), package.version.clone(), advisory.id.clone()));
                if is_first && !is_alias_of_another(advisory, &by_advisory, package) {
                    by_advisory.insert((package.name.clone(), advisory.id.clone()), (package, exposure, advisory));
                }
            }
        }
        let text = tree.read(path).unwrap_or_default();
        findings.extend(
            by_advisory
                .into_values()
                .map(|(package, exposure, advisory)| finding(path, &text, tree, package, &exposure, advisory)),
        );
    }
    findings
}

/// Several databases describe one vulnerability; it is reported once for each package.
fn is_alias_of_another(
    advisory: &Advisory,
    others: &BTreeMap<(String, String), (&Package, Exposure, &Advisory)>,
    package: &Package,
) -> bool {
    others.values().any(|(other, _, known)| {
        let shares = known.aliases.contains(&advisory.id)
            || advisory.aliases.contains(&known.id)
            || advisory.aliases.iter().any(|it| known.aliases.contains(it));
        other.name == package.name && other.version == package.version && shares
    })
}

fn finding(
    path: &Path,
    text: &str,
    tree: &dyn Tree,
    package: &Package,
    exposure: &Exposure,
    advisory: &Advisory,
) -> Finding {
    let (severity, words) = advisory.severity();
    let places = exposure::uses(tree, package.ecosystem, &exposure.symbols);
    let is_unused = !exposure.symbols.is_empty() && places.is_empty();
    let severity = if is_unused { severity.min(Severity::Warning) } else { severity };
    let ids: Vec<&str> =
        [advisory.id.as_str()].into_iter().chain(advisory.aliases.iter().map(String::as_str)).take(4).collect();
    let summary = if advisory.summary.is_empty() { "known vulnerability" } else { &advisory.summary };
    let message = format!(
        "`{}` {}: {}",
        package.name,
        package.version,
        summary.lines().next().unwrap_or_default().trim_end_matches('.')
    );
    let mut evidence = ids.join(", ");
    if let Some(words) = words {
        evidence = format!("{evidence}; {words}");
    }
    evidence = format!("{evidence}{}", reach(&exposure.symbols, &places));
    let hint = match &exposure.fixed {
        Some(fixed) => format!("Take version {fixed} or a later one."),
        None => "No version without it is known; replace the package, or show that it cannot be reached.".to_owned(),
    };
    Finding::new(NAME, severity, message)
        .rule(format!("advisories/{}", advisory.id))
        .confidence(if is_unused { Confidence::Medium } else { Confidence::High })
        .cwe(&[1395][..])
        .evidence(evidence)
        .hint(hint)
        .at(path, line_naming(text, package.name.rsplit(':').next().unwrap_or(&package.name), &package.version))
        .key(format!("{} {}", advisory.id, package.name))
}

/// Says whether the project itself names the vulnerable functions.
fn reach(symbols: &[(String, String)], places: &[(PathBuf, usize)]) -> String {
    if symbols.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = symbols.iter().take(3).map(|(_, name)| name.as_str()).collect();
    let names = names.join(", ");
    if places.is_empty() {
        return format!("; nothing in this repository names {names}, though other packages may");
    }
    let places: Vec<String> = places.iter().map(|(path, line)| format!("{}:{line}", path.display())).collect();
    format!("; {names} named at {}", places.join(", "))
}

impl AdvisoryDatabase {
    /// Returns the packages of both sides of a change, for [`AdvisoryDatabase::load`].
    pub fn wanted(before: &dyn Tree, after: &dyn Tree) -> BTreeSet<(Ecosystem, String)> {
        let read = packages(before).into_iter().chain(packages(after));
        read.filter_map(|(_, packages)| packages.ok()).flatten().map(|it| (it.ecosystem, it.name)).collect()
    }
}

#[cfg(test)]
mod tests;
