//! What a change does to the packages of a project: which come, go, move, grow older, or change their content.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::lock_files::LockFormat;
use super::manifests::{Declared, ManifestFormat, Wish};
use super::{Ecosystem, Origin, Package, compare, line_naming, lock_step};
use crate::change::{ChangeSet, FileDelta, Tree};
use crate::{CheckReport, CheckStatus, Finding};

/// The name of the check.
pub const NAME: &str = "dependencies";

/// What became of one package in one lock file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageChange {
    /// The lock file.
    pub path: PathBuf,
    /// Whose package it is.
    pub ecosystem: Ecosystem,
    /// The package.
    pub name: String,
    /// Its versions before, in order.
    pub before: Vec<String>,
    /// Its versions after, in order.
    pub after: Vec<String>,
    /// What that amounts to.
    pub change: Change,
}

/// What became of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there before.
    Added,
    /// It is gone.
    Removed,
    /// Its newest version is newer.
    Upgraded,
    /// Its newest version is older.
    Downgraded,
    /// Its versions differ in another way, or cannot be ordered.
    Changed,
}

/// Reports what a change does to the packages of a project.
pub fn changes(change: &ChangeSet, before: &dyn Tree, after: &dyn Tree) -> CheckReport {
    let started = std::time::Instant::now();
    let mut report = CheckReport::ran(NAME);
    let mut unreadable = Vec::new();
    for delta in change.files.iter().filter(|it| is_ours(it)) {
        report.analysed.push(delta.path.clone());
        if let Some(format) = LockFormat::from_path(&delta.path) {
            match LockPair::read(delta, format) {
                Ok(pair) => report.after.extend(pair.findings(before, after)),
                Err(reason) => unreadable.push((delta.path.clone(), reason)),
            }
        }
        if let Some(format) = ManifestFormat::from_path(&delta.path) {
            report.after.extend(manifest_findings(delta, format, after));
        }
    }
    if !report.analysed.is_empty() {
        report.before = lock_step::findings(change, before);
        report.after.extend(lock_step::findings(change, after));
    }
    if !unreadable.is_empty() {
        report.status = CheckStatus::Partial(unreadable);
    }
    report.duration = started.elapsed();
    report
}

/// Returns what became of each package in the lock files that a change touches. Those that cannot be read are left out;
/// [`changes`] says which.
pub fn package_changes(change: &ChangeSet) -> Vec<PackageChange> {
    let pairs = change.files.iter().filter_map(|delta| LockPair::read(delta, LockFormat::from_path(&delta.path)?).ok());
    pairs.flat_map(|pair| pair.changes()).collect()
}

fn is_ours(delta: &FileDelta) -> bool {
    LockFormat::from_path(&delta.path).is_some() || ManifestFormat::from_path(&delta.path).is_some()
}

type ByName<'p> = BTreeMap<&'p str, Vec<&'p Package>>;

/// One lock file on both sides.
struct LockPair<'d> {
    delta: &'d FileDelta,
    format: LockFormat,
    before: Vec<Package>,
    after: Vec<Package>,
}

impl<'d> LockPair<'d> {
    fn read(delta: &'d FileDelta, format: LockFormat) -> Result<Self, String> {
        let side = |content: &crate::change::Content, name: &str| match content {
            crate::change::Content::Absent => Ok(Vec::new()),
            crate::change::Content::Text(text) => format.parse(text).map_err(|it| format!("{it} ({name} the change)")),
            _ => Err(format!("is no text ({name} the change)")),
        };
        Ok(Self { delta, format, before: side(&delta.before, "before")?, after: side(&delta.after, "after")? })
    }

    fn changes(&self) -> Vec<PackageChange> {
        let (before, after) = (by_name(&self.before), by_name(&self.after));
        let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
        names.into_iter().filter_map(|name| self.change_of(name, &before, &after)).collect()
    }

    fn change_of(&self, name: &str, before: &ByName<'_>, after: &ByName<'_>) -> Option<PackageChange> {
        let ecosystem = self.format.ecosystem();
        let versions = |side: &ByName<'_>| ordered(ecosystem, side.get(name).map(Vec::as_slice).unwrap_or_default());
        let (before, after) = (versions(before), versions(after));
        let change = match (before.last(), after.last()) {
            _ if before == after => return None,
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            (Some(old), Some(new)) => match compare(ecosystem, old, new) {
                Some(std::cmp::Ordering::Less) => Change::Upgraded,
                Some(std::cmp::Ordering::Greater) => Change::Downgraded,
                Some(std::cmp::Ordering::Equal) | None => Change::Changed,
            },
        };
        Some(PackageChange { path: self.delta.path.clone(), ecosystem, name: name.to_owned(), before, after, change })
    }

    fn findings(&self, before: &dyn Tree, after: &dyn Tree) -> Vec<Finding> {
        if self.after.is_empty() && self.format.is_complete() && !self.before.is_empty() {
            return self.lost_lock(after);
        }
        let mut findings = self.added(before, after);
        findings.extend(self.downgraded());
        findings.extend(self.swapped());
        findings.extend(self.moved());
        findings
    }

    /// A lock file that is gone or empty holds nothing any more.
    fn lost_lock(&self, after: &dyn Tree) -> Vec<Finding> {
        let folder = self.delta.path.parent().unwrap_or(Path::new(""));
        let ecosystem = self.format.ecosystem();
        let is_manifest = |path: &PathBuf| {
            path.parent() == Some(folder)
                && ManifestFormat::from_path(path).is_some_and(|it| it.ecosystem() == ecosystem)
        };
        let is_lock = |path: &PathBuf| {
            let other = LockFormat::from_path(path).filter(|it| it.is_complete() && *it != LockFormat::GoSum);
            path.parent() == Some(folder)
                && *path != self.delta.path
                && other.is_some_and(|it| it.ecosystem() == ecosystem)
        };
        // A project that changes its package manager replaces one lock file by another.
        if after.paths().iter().any(is_lock) || !after.paths().iter().any(is_manifest) {
            return Vec::new();
        }
        let message = format!("the lock file holds none of its {} packages any more", self.before.len());
        let finding = Finding::warning(NAME, message)
            .rule("dependencies/lock-lost")
            .hint("Keep the lock file, so that every install brings the same packages.");
        vec![finding.at(&self.delta.path, None).key("lock-lost")]
    }

    fn added(&self, before: &dyn Tree, after: &dyn Tree) -> Vec<Finding> {
        // A hash list names what other files name already.
        if self.format == LockFormat::GoSum {
            return Vec::new();
        }
        let ecosystem = self.format.ecosystem();
        let known: BTreeSet<String> = declared_names(before, ecosystem);
        let wanted: BTreeSet<String> = declared_names(after, ecosystem);
        let old = by_name(&self.before);
        let new = by_name(&self.after);
        let added = new.iter().filter(|(name, packages)| !old.contains_key(*name) && packages[0].is_foreign());
        added
            .filter_map(|(name, packages)| {
                let is_direct = wanted.contains(*name) && !known.contains(*name) || !self.format.is_complete();
                self.added_package(name, packages[0], is_direct)
            })
            .collect()
    }

    fn added_package(&self, name: &str, package: &Package, is_direct: bool) -> Option<Finding> {
        let script = if package.runs_at_install { "; it runs a program when it is installed" } else { "" };
        let license = package.license.as_ref().map(|it| format!(", license {it}")).unwrap_or_default();
        let what = format!("`{name}` {}{license}{script}", package.version);
        let finding = match (is_direct, package.runs_at_install) {
            (true, _) => Finding::warning(NAME, format!("new dependency {what}")).rule("dependencies/added"),
            (false, true) => {
                Finding::warning(NAME, format!("new indirect dependency {what}")).rule("dependencies/install-script")
            }
            (false, false) => {
                Finding::note(NAME, format!("new indirect dependency {what}")).rule("dependencies/added-indirect")
            }
        };
        let hint = "Check that the package is the one that is meant, that it is maintained, and that it is needed.";
        let finding = if is_direct { finding.hint(hint) } else { finding };
        Some(finding.at(&self.delta.path, self.line(package)).key(format!("added {name}")))
    }

    fn downgraded(&self) -> Vec<Finding> {
        let downgrades = self.changes().into_iter().filter(|it| it.change == Change::Downgraded);
        downgrades
            .map(|it| {
                let (old, new) =
                    (it.before.last().cloned().unwrap_or_default(), it.after.last().cloned().unwrap_or_default());
                let line = line_naming(self.delta.text_after(), &it.name, &new);
                Finding::warning(NAME, format!("`{}` goes back from {old} to {new}", it.name))
                    .rule("dependencies/downgraded")
                    .hint("An older version may bring back mended vulnerabilities; say why it is needed.")
                    .at(&self.delta.path, line)
                    .key(format!("downgraded {}", it.name))
            })
            .collect()
    }

    /// The same version with another content, or with nothing to vouch for it.
    fn swapped(&self) -> Vec<Finding> {
        let old: BTreeMap<(&str, &str), &Package> =
            self.before.iter().map(|it| ((it.name.as_str(), it.version.as_str()), it)).collect();
        let mut seen = BTreeSet::new();
        let same = self.after.iter().filter_map(|new| {
            let key = (new.name.as_str(), new.version.as_str());
            // A package may stand several times in a tree; each of them is the same archive.
            seen.insert(key).then(|| Some((*old.get(&key)?, new)))?
        });
        same.filter_map(|(old, new)| self.swapped_package(old, new)).collect()
    }

    fn swapped_package(&self, old: &Package, new: &Package) -> Option<Finding> {
        let (name, version) = (&new.name, &new.version);
        let place = |finding: Finding, key: &str| {
            finding.at(&self.delta.path, self.line(new)).key(format!("{key} {name} {version}"))
        };
        if let Some(what) = changed_hash(old, new) {
            let finding = Finding::error(NAME, format!("`{name}` {version} has another content than before"))
                .rule("dependencies/integrity-changed")
                .cwe(&[494, 345][..])
                .evidence(format!("its hash ({what}) differs though its version is the same"))
                .hint("A published version never changes; restore the hash, and find out where the other content came from.");
            return Some(place(finding, "integrity-changed"));
        }
        let lost = !old.integrity.is_empty() && new.integrity.is_empty() && old.origin == new.origin;
        lost.then(|| {
            let finding = Finding::warning(NAME, format!("`{name}` {version} has lost its hash"))
                .rule("dependencies/integrity-lost")
                .cwe(&[494][..])
                .hint("Keep the hash, so that another content is noticed when it is installed.");
            place(finding, "integrity-lost")
        })
    }

    /// Packages that come from another place than before, or from one that is no registry.
    fn moved(&self) -> Vec<Finding> {
        let old = by_name(&self.before);
        let known_hosts: BTreeSet<String> = self.before.iter().filter_map(|it| it.origin.host()).collect();
        let mut findings: BTreeMap<String, Finding> = BTreeMap::new();
        for package in self.after.iter().filter(|it| it.is_foreign()) {
            let previous = old.get(package.name.as_str()).map(Vec::as_slice).unwrap_or_default();
            if previous.iter().any(|it| same_place(&it.origin, &package.origin)) {
                continue;
            }
            if let Some(finding) = self.moved_package(package, previous.first().copied(), &known_hosts) {
                // A change of mirrors moves every package in the same way; it is said once.
                let once = format!(
                    "{} {:?} {:?}",
                    finding.rule,
                    previous.first().and_then(|it| it.origin.host()),
                    package.origin.host()
                );
                findings.entry(once).or_insert(finding);
            }
        }
        findings.into_values().collect()
    }

    fn moved_package(
        &self,
        package: &Package,
        previous: Option<&Package>,
        known_hosts: &BTreeSet<String>,
    ) -> Option<Finding> {
        let (name, origin) = (&package.name, &package.origin);
        let host = origin.host().unwrap_or_default();
        let is_known_host = origin.host().is_none_or(|it| known_hosts.contains(&it));
        let finding = match (previous, origin) {
            _ if origin.is_insecure() => {
                Finding::error(NAME, format!("`{name}` is fetched from {host} without encryption"))
                    .rule("dependencies/insecure-source")
                    .cwe(&[319, 494][..])
            }
            (Some(old), Origin::Registry(Some(_))) if old.origin.host().is_some() && !is_known_host => {
                let from = old.origin.host().unwrap_or_default();
                Finding::error(NAME, format!("`{name}` comes from {host} now, from {from} before"))
                    .rule("dependencies/source-changed")
                    .cwe(&[494, 829][..])
            }
            (Some(old), Origin::Git(_) | Origin::Url(_)) => Finding::error(
                NAME,
                format!("`{name}` comes from {} now, from {} before", described(origin), old.origin.kind()),
            )
            .rule("dependencies/source-changed")
            .cwe(&[494, 829][..]),
            (None, Origin::Git(_) | Origin::Url(_)) => {
                Finding::warning(NAME, format!("`{name}` comes from {}", described(origin)))
                    .rule("dependencies/unusual-source")
                    .cwe(&[829][..])
            }
            (None, Origin::Registry(Some(_))) if !is_known_host && !known_hosts.is_empty() => {
                Finding::warning(NAME, format!("`{name}` comes from {host}, which no other package comes from"))
                    .rule("dependencies/unusual-source")
                    .cwe(&[829][..])
            }
            (_, Origin::Registry(_) | Origin::Path(_)) => return None,
        };
        let hint = "Take packages from the registry that the project uses, or have a person confirm the place.";
        let key = format!("{} {name} {host}", finding.rule);
        Some(finding.hint(hint).at(&self.delta.path, self.line(package)).key(key))
    }

    fn line(&self, package: &Package) -> Option<usize> {
        let name = package.name.rsplit(':').next().unwrap_or(&package.name);
        line_naming(self.delta.text_after(), name, &package.version)
    }
}

fn described(origin: &Origin) -> String {
    let host = origin.host().filter(|it| !it.is_empty()).map(|it| format!(" at {it}")).unwrap_or_default();
    format!("{}{host}", origin.kind())
}

fn by_name(packages: &[Package]) -> ByName<'_> {
    let mut names = ByName::new();
    for package in packages {
        names.entry(&package.name).or_default().push(package);
    }
    names
}

fn ordered(ecosystem: Ecosystem, packages: &[&Package]) -> Vec<String> {
    let mut versions: Vec<String> = packages.iter().map(|it| it.version.clone()).collect();
    versions.sort_by(|a, b| compare(ecosystem, a, b).unwrap_or_else(|| a.cmp(b)));
    versions.dedup();
    versions
}

/// Returns what two accounts of one version hash differently. Further files may be published later; the same file stays.
fn changed_hash(old: &Package, new: &Package) -> Option<String> {
    let hashes = |package: &Package, what: &str| -> BTreeSet<String> {
        package.integrity.iter().filter(|(it, _)| it == what).map(|(_, hash)| hash.clone()).collect()
    };
    let both = old.integrity.iter().map(|(what, _)| what.clone());
    both.into_iter().find(|what| {
        let (old, new) = (hashes(old, what), hashes(new, what));
        !new.is_empty() && old.is_disjoint(&new)
    })
}

fn same_place(old: &Origin, new: &Origin) -> bool {
    match (old, new) {
        // A lock file that tells no address leaves the choice to the package manager.
        (Origin::Registry(_), Origin::Registry(None)) | (Origin::Registry(None), Origin::Registry(_)) => {
            !new.is_insecure()
        }
        (Origin::Registry(_), Origin::Registry(_)) => {
            old.host() == new.host() && old.is_insecure() == new.is_insecure()
        }
        (Origin::Git(a), Origin::Git(b)) | (Origin::Url(a), Origin::Url(b)) => {
            let bare = |it: &str| it.split(['#', '?']).next().unwrap_or_default().trim_end_matches(".git").to_owned();
            bare(a) == bare(b) || matches!(new, Origin::Url(_)) && old.host() == new.host() && !new.is_insecure()
        }
        (Origin::Path(_), Origin::Path(_)) => true,
        (Origin::Registry(_) | Origin::Git(_) | Origin::Url(_) | Origin::Path(_), _) => false,
    }
}

fn declared_names(tree: &dyn Tree, ecosystem: Ecosystem) -> BTreeSet<String> {
    let manifests = tree.paths().iter().filter_map(|path| Some((path, ManifestFormat::from_path(path)?)));
    let ours = manifests.filter(|(_, format)| format.ecosystem() == ecosystem);
    ours.filter_map(|(path, format)| Some(format.parse(&tree.read(path)?))).flatten().map(|it| it.name).collect()
}

/// Packages that a manifest holds less tightly than before.
fn manifest_findings(delta: &FileDelta, format: ManifestFormat, after: &dyn Tree) -> Vec<Finding> {
    let (before, declared) = (format.parse(delta.text_before()), format.parse(delta.text_after()));
    let is_locked = lock_step::lock_of(&delta.path, format, after).is_some();
    let was_pinned = !before.is_empty() && before.iter().all(|it| matches!(it.wish, Wish::Exact(_) | Wish::Place(_)));
    let loose = declared.iter().filter_map(|new| {
        let old = before.iter().find(|old| old.name == new.name);
        loosened(old, new, is_locked, was_pinned).map(|message| (new, message))
    });
    loose
        .map(|(new, message)| {
            Finding::warning(NAME, message)
                .rule("dependencies/unpinned")
                .cwe(&[1357][..])
                .hint("Name the version, or lock it, so that the next install brings the same package.")
                .at(&delta.path, new.line(delta.text_after()))
                .key(format!("unpinned {}", new.name))
        })
        .collect()
}

fn loosened(old: Option<&Declared>, new: &Declared, is_locked: bool, was_pinned: bool) -> Option<String> {
    let name = &new.name;
    match (old.map(|it| &it.wish), &new.wish) {
        (Some(Wish::Exact(version)), Wish::Range(_) | Wish::Any) => {
            Some(format!("`{name}` was held at {version} and is not held any more"))
        }
        (Some(Wish::Range(_)), Wish::Any) => Some(format!("`{name}` accepts every version now")),
        (None, Wish::Any) if !is_locked => Some(format!("`{name}` accepts every version, and no lock file holds it")),
        (None, Wish::Range(range)) if was_pinned && !is_locked => {
            Some(format!("`{name}` accepts `{range}`, where every other package is held at one version"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
