//! Every package that a change names exists: in imports, in manifests, and in commands that install.
//!
//! An import is looked up in the order of [`crate::existence`]. What a change itself writes into a manifest proves nothing,
//! so a name that is new there needs other evidence: a lock file, an installation, a list, the registry.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::change::{ChangeSet, Tree};
use crate::existence::first_party::{FirstParty, package_of};
use crate::existence::imports::{self, Import};
use crate::existence::installed::Installed;
use crate::existence::manifests::{self, Manifest};
use crate::existence::{Ecosystem, PackageRegistry, Registered, commands, is_command_file, known};
use crate::{CheckReport, CheckStatus, Confidence, Finding, Severity, Source};

/// The check's name.
pub const NAME: &str = "packages";

/// A package that nothing knows.
const UNKNOWN: &str = "packages/unknown";
/// A package that exists and that no manifest asks for.
const UNDECLARED: &str = "packages/undeclared";
/// A new dependency of which only the change says that it exists.
const UNVERIFIED: &str = "packages/unverified";
/// A new dependency whose name is a slip away from a popular one.
const LOOKALIKE: &str = "packages/lookalike";

/// Judges the packages named in the files that a change touches. `registry` is asked last, and only about names that
/// nothing else knows.
pub async fn report(
    change: &ChangeSet,
    before: &dyn Tree,
    after: &dyn Tree,
    installed: &Installed,
    registry: &dyn PackageRegistry,
) -> CheckReport {
    let start = Instant::now();
    let mut report = CheckReport::ran(NAME);
    let old = World::of(before, installed);
    let new = World::of(after, installed);
    let mut left_out = Vec::new();
    for file in &change.files {
        let (before_source, after_source) =
            (Source::new(file.path_before(), file.text_before()), Source::new(&file.path, file.text_after()));
        if after_source.language.is_some() && after_source.tree().is_none() {
            left_out.push((file.path.clone(), "longer than what is parsed".to_owned()));
            continue;
        }
        report.before.extend(old.imports(&before_source, registry).await);
        report.after.extend(new.imports(&after_source, registry).await);
        report.after.extend(new.dependencies(&old, &file.path, file.text_before(), file.text_after(), registry).await);
        let has_imports = after_source.language.and_then(Ecosystem::of).is_some();
        if has_imports || manifests::is_manifest(&file.path) || is_command_file(&file.path) {
            report.analysed.push(file.path.clone());
        }
    }
    if !left_out.is_empty() {
        report.status = CheckStatus::Partial(left_out);
    }
    report.duration = start.elapsed();
    report
}

/// What one side of a change knows about packages.
struct World<'a> {
    manifests: Vec<Manifest>,
    own: FirstParty,
    declared: HashSet<(Ecosystem, String)>,
    locked: HashSet<(Ecosystem, String)>,
    installed: &'a Installed,
}

/// How a name is known.
enum Standing {
    /// It may be used.
    Fine,
    /// It exists and no manifest asks for it: how it is known, as a fragment.
    Undeclared(String),
    /// Nothing knows it: what was looked at, and whether the registry was among it.
    Unknown { looked_at: String, is_absent: bool },
}

impl<'a> World<'a> {
    fn of(tree: &dyn Tree, installed: &'a Installed) -> Self {
        let manifests = manifests::read_all(tree);
        let own = FirstParty::of(tree, &manifests);
        let names = |is_locked: bool| {
            let all = manifests.iter().flat_map(|it| &it.declarations).filter(move |it| it.is_locked == is_locked);
            all.map(|it| (it.ecosystem, it.name.clone())).collect()
        };
        Self { declared: names(false), locked: names(true), own, installed, manifests }
    }

    async fn imports(&self, source: &Source<'_>, registry: &dyn PackageRegistry) -> Vec<Finding> {
        let Some(ecosystem) = source.language.and_then(Ecosystem::of) else { return Vec::new() };
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for import in imports::imports(source) {
            let package = package_of(ecosystem, &import.module);
            if !seen.insert(package.clone()) {
                continue;
            }
            let standing = self.standing(ecosystem, &import.module, &package, registry).await;
            found.extend(finding(source, ecosystem, &import, &package, standing));
        }
        found
    }

    async fn standing(
        &self,
        ecosystem: Ecosystem,
        module: &str,
        package: &str,
        registry: &dyn PackageRegistry,
    ) -> Standing {
        match language_module(ecosystem, module, self.installed.python_minor) {
            Some(true) => return Standing::Fine,
            Some(false) if !self.own.has(ecosystem, module) => {
                return Standing::Unknown {
                    looked_at: "it is none of the language's own modules".to_owned(),
                    is_absent: true,
                };
            }
            _ => {}
        }
        if self.own.has(ecosystem, module) || self.is_declared(ecosystem, module, package) || package.is_empty() {
            return Standing::Fine;
        }
        // Without a manifest there is nothing a package could be missing in.
        let has_manifest = self.declared.iter().any(|it| it.0 == ecosystem);
        let undeclared = |how: String| if has_manifest { Standing::Undeclared(how) } else { Standing::Fine };
        let package_name = if ecosystem == Ecosystem::Go || ecosystem == Ecosystem::Maven { module } else { package };
        if self.installed.has(ecosystem, package_name) {
            return undeclared("installed, and named in no manifest".to_owned());
        }
        if self.locked.contains(&(ecosystem, ecosystem.normal(package))) {
            return undeclared("locked as a dependency of another package, and named in no manifest".to_owned());
        }
        if !known::distributions(package).is_empty()
            || known::is_popular(ecosystem, &popular_key(ecosystem, module, package))
        {
            return undeclared("well known, and named in no manifest".to_owned());
        }
        match registry.lookup(ecosystem, &ecosystem.normal(package_name)).await {
            Registered::Known { first_release, .. } => {
                let since = first_release.map(|day| format!(" since {day}")).unwrap_or_default();
                undeclared(format!("registered{since}, and named in no manifest"))
            }
            Registered::Absent => {
                Standing::Unknown { looked_at: format!("{} has no such package", ecosystem.name()), is_absent: true }
            }
            Registered::Unknown(why) => {
                Standing::Unknown { looked_at: self.looked_at(ecosystem, &why), is_absent: false }
            }
        }
    }

    fn is_declared(&self, ecosystem: Ecosystem, module: &str, package: &str) -> bool {
        let has = |name: &str| self.declared.contains(&(ecosystem, ecosystem.normal(name)));
        let of_ecosystem = || self.declared.iter().filter(|it| it.0 == ecosystem).map(|it| it.1.as_str());
        match ecosystem {
            Ecosystem::PyPi => {
                let brought_by = self.installed.python_modules.get(package);
                has(package)
                    || brought_by.is_some_and(|it| has(it))
                    || known::distributions(package).iter().any(|it| has(it))
                    || of_ecosystem().any(|dist| may_bring(dist, package))
            }
            Ecosystem::Npm => {
                has(package) || has(&format!("@types/{}", package.trim_start_matches('@').replace('/', "__")))
            }
            Ecosystem::Crates => has(package),
            Ecosystem::Go => of_ecosystem()
                .any(|it| module.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))),
            Ecosystem::Maven => of_ecosystem().any(|it| is_of_group(module, it)),
        }
    }

    fn looked_at(&self, ecosystem: Ecosystem, why: &str) -> String {
        let named = self.manifests.iter().filter(|it| it.declarations.iter().any(|it| it.ecosystem == ecosystem));
        let n_manifests = named.count();
        let n_folders = self.installed.folders.len();
        format!(
            "looked at the language's own modules, the repository, {n_manifests} manifests and lock files, {n_folders} folders \
             of installed packages, and well-known names; {why}"
        )
    }

    /// Judges the names that a changed file asks for and that nothing asked for before.
    async fn dependencies(
        &self,
        old: &World<'_>,
        path: &Path,
        before: &str,
        after: &str,
        registry: &dyn PackageRegistry,
    ) -> Vec<Finding> {
        let is_old = |ecosystem: Ecosystem, name: &str| {
            let key = (ecosystem, name.to_owned());
            old.declared.contains(&key) || old.locked.contains(&key) || self.own.has(ecosystem, name)
        };
        let mut asked: Vec<(Ecosystem, String, usize)> = Vec::new();
        if let Some(manifest) = manifests::parse(path, after) {
            let wanted = manifest.declarations.into_iter().filter(|it| it.is_registered && !it.is_locked);
            asked.extend(wanted.map(|it| (it.ecosystem, it.name, it.line)));
        } else if is_command_file(path) {
            let known_before: HashSet<_> =
                commands::installations(before).into_iter().map(|it| (it.ecosystem, it.name)).collect();
            let wanted = commands::installations(after).into_iter().map(|it| (it.ecosystem, it.name, it.line));
            asked.extend(wanted.filter(|it| !known_before.contains(&(it.0, it.1.clone()))));
        }
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        for (ecosystem, name, line) in asked {
            let is_new = !is_old(ecosystem, &name) && !is_elsewhere(&self.manifests, ecosystem, &name);
            if is_new && seen.insert((ecosystem, name.clone())) {
                found.extend(self.dependency(ecosystem, &name, registry).await.map(|it| it.at(path, Some(line))));
            }
        }
        found
    }

    async fn dependency(&self, ecosystem: Ecosystem, name: &str, registry: &dyn PackageRegistry) -> Option<Finding> {
        let is_installed = self.installed.version(ecosystem, name).is_some();
        let is_locked = self.locked.contains(&(ecosystem, name.to_owned()));
        let is_popular = known::is_popular(ecosystem, name.split(':').next().unwrap_or(name));
        if is_installed || is_locked || is_popular {
            return None;
        }
        let answer = registry.lookup(ecosystem, name).await;
        if answer == Registered::Absent {
            let message = format!("the package `{name}` does not exist");
            let finding = Finding::error(NAME, message)
                .rule(UNKNOWN)
                .evidence(format!("{} has no such package", ecosystem.name()));
            return Some(finding.key(name).hint("Use a package that exists, or write the code without it."));
        }
        if let Some(popular) = known::near_popular(ecosystem, name) {
            let message = format!("the new dependency `{name}` looks like `{popular}`, and is not");
            let finding = Finding::warning(NAME, message).rule(LOOKALIKE).cwe(&[1357][..]);
            let finding = finding
                .evidence("one letter apart from a package that many use; locked, installed or well known nowhere");
            return Some(finding.key(name).hint(format!("Write `{popular}` if that is meant.")));
        }
        match answer {
            Registered::Known { .. } | Registered::Absent => None,
            Registered::Unknown(why) => {
                let message = format!("only the change says that the package `{name}` exists");
                let finding = Finding::warning(NAME, message).rule(UNVERIFIED).confidence(Confidence::Medium);
                let finding = finding.evidence(self.looked_at(ecosystem, &why));
                Some(finding.key(name).hint("Lock it with the package client, or let the gate ask the registry."))
            }
        }
    }
}

/// Returns whether a manifest takes the name from somewhere else than a registry.
fn is_elsewhere(manifests: &[Manifest], ecosystem: Ecosystem, name: &str) -> bool {
    let mut all = manifests.iter().flat_map(|it| &it.declarations);
    all.any(|it| it.ecosystem == ecosystem && it.name == name && !it.is_registered)
}

/// Returns whether a module is one of the language's own; `None` where its name could belong to a package as well.
fn language_module(ecosystem: Ecosystem, module: &str, python_minor: Option<u32>) -> Option<bool> {
    match ecosystem {
        Ecosystem::PyPi => known::is_python_module(&package_of(ecosystem, module), python_minor).then_some(true),
        Ecosystem::Npm if module.starts_with("node:") => Some(known::is_node_module(module)),
        Ecosystem::Npm if module.contains(':') || !ecosystem.is_name(&package_of(ecosystem, module)) => Some(true),
        Ecosystem::Npm => known::is_node_module(module).then_some(true),
        Ecosystem::Crates => known::is_rust_crate(module.split("::").next().unwrap_or(module)).then_some(true),
        Ecosystem::Go if !module.split('/').next().is_some_and(|it| it.contains('.')) => {
            Some(known::is_go_package(module))
        }
        Ecosystem::Go => None,
        Ecosystem::Maven => {
            let package = package_of(ecosystem, module);
            let is_known = known::is_java_package(&package);
            if is_known || !module.starts_with("java.") { is_known.then_some(true) } else { Some(false) }
        }
    }
}

fn popular_key(ecosystem: Ecosystem, module: &str, package: &str) -> String {
    match ecosystem {
        Ecosystem::Go | Ecosystem::Maven => module.to_owned(),
        Ecosystem::PyPi | Ecosystem::Npm | Ecosystem::Crates => ecosystem.normal(package),
    }
}

/// Returns whether a distribution may bring a module, by its name: `python-x`, `x-sdk`, `PyX`, `azure-…` for `azure`.
fn may_bring(dist: &str, module: &str) -> bool {
    let module = Ecosystem::PyPi.normal(module);
    if dist.starts_with(&format!("{module}-")) || dist.ends_with(&format!("-{module}")) {
        return true;
    }
    let flat = |name: &str| name.replace('-', "");
    let (dist, module) = (flat(dist), flat(&module));
    let stripped = dist.strip_prefix("python").or_else(|| dist.strip_prefix("py")).unwrap_or(&dist);
    let bare = stripped.strip_suffix("python").or_else(|| stripped.strip_suffix("py")).unwrap_or(stripped);
    [dist.as_str(), stripped, bare].contains(&module.as_str())
}

/// Returns whether a Java name belongs to a coordinate `group:artifact`, as far as the names tell.
fn is_of_group(module: &str, coordinate: &str) -> bool {
    let (group, artifact) = coordinate.split_once(':').unwrap_or((coordinate, ""));
    let start: Vec<_> = group.split('.').take(2).collect();
    let is_below = |prefix: &str| module.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('.'));
    is_below(&start.join(".")) || is_below(&artifact.replace('-', "."))
}

fn finding(
    source: &Source<'_>,
    ecosystem: Ecosystem,
    import: &Import,
    package: &str,
    standing: Standing,
) -> Option<Finding> {
    let span = source.span(import.range.clone());
    let path = PathBuf::from(source.path);
    let shown = if matches!(ecosystem, Ecosystem::Go | Ecosystem::Maven) { &import.module } else { package };
    match standing {
        Standing::Fine => None,
        Standing::Undeclared(how) => {
            let finding =
                Finding::warning(NAME, format!("imports `{shown}`, which no manifest asks for")).rule(UNDECLARED);
            let finding = finding.evidence(how).within(path, span).key(format!("import {shown}"));
            let finding = finding.hint("Add it to the manifest, if the project is to depend on it.");
            (!import.is_optional).then_some(finding)
        }
        Standing::Unknown { looked_at, is_absent } => {
            // What may be missing is only suspicious, and a group of Java classes is seldom named like its coordinate.
            let is_weak = import.is_optional || (ecosystem == Ecosystem::Maven && !is_absent);
            let severity = if is_weak { Severity::Warning } else { Severity::Error };
            let mut finding =
                Finding::new(NAME, severity, format!("imports `{shown}`, which does not seem to exist")).rule(UNKNOWN);
            finding.confidence = if is_absent { Confidence::High } else { Confidence::Medium };
            let hint = match known::near_popular(ecosystem, &ecosystem.normal(package)) {
                Some(popular) => format!("Did you mean `{popular}`?"),
                None => "Use a module that exists, or add the package that brings it to the manifest.".to_owned(),
            };
            Some(finding.evidence(looked_at).within(path, span).key(format!("import {shown}")).hint(hint))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Content, FileDelta, MemoryTree};
    use crate::existence::Offline;

    /// Judges a change that turns `before` into `after`; each finding as `rule name`.
    fn check_with(
        before: &[(&str, &str)],
        after: &[(&str, &str)],
        installed: &Installed,
        registry: &dyn PackageRegistry,
    ) -> Vec<String> {
        let tree = |files: &[(&str, &str)]| files.iter().map(|(path, text)| (*path, *text)).collect::<MemoryTree>();
        let content = |files: &[(&str, &str)], path: &str| {
            let found = files.iter().find(|it| it.0 == path);
            found.map_or(Content::Absent, |it| Content::Text(it.1.into()))
        };
        let delta = |path: &str| FileDelta {
            path: path.into(),
            moved_from: None,
            before: content(before, path),
            after: content(after, path),
        };
        let files = after.iter().map(|it| delta(it.0)).filter(|it| it.before != it.after).collect();
        let (old, new) = (tree(before), tree(after));
        let change = ChangeSet { files };
        let judged = report(&change, &old, &new, installed, registry);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let report = runtime.block_on(judged);
        report.after.iter().map(|it| format!("{:?} {} {}", it.severity, it.rule, it.key)).collect()
    }

    fn check(before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
        check_with(before, after, &Installed::default(), &Offline)
    }

    #[test]
    fn an_import_that_nothing_knows_is_an_error() {
        let manifest = ("requirements.txt", "requests\n");
        let code = "import os\nimport requests\nimport own.part\nimport frobnicate_tools\n";
        let found = check(&[manifest], &[manifest, ("own/part.py", ""), ("a.py", code)]);
        assert_eq!(found, ["Error packages/unknown import frobnicate_tools"]);
    }

    #[test]
    fn a_known_package_that_no_manifest_asks_for_is_a_warning() {
        let manifest = ("requirements.txt", "requests\n");
        assert_eq!(
            check(&[manifest], &[manifest, ("a.py", "import numpy\n")]),
            ["Warning packages/undeclared import numpy"]
        );
        assert_eq!(check(&[], &[("a.py", "import numpy\n")]), Vec::<String>::new());
    }

    #[test]
    fn a_module_is_fine_under_the_distribution_that_brings_it() {
        let manifest = ("requirements.txt", "beautifulsoup4\npython-magic\nazure-storage-blob\nPyJWT\n");
        assert_eq!(
            check(&[manifest], &[manifest, ("a.py", "import bs4, magic, azure.storage, jwt\n")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_a_change_writes_into_a_manifest_proves_nothing() {
        let after =
            [("requirements.txt", "flask\nfrobnicate-tools\nreqeusts\n"), ("a.py", "import frobnicate_tools\n")];
        let found = check(&[("requirements.txt", "flask\n")], &after);
        assert_eq!(found, ["Warning packages/unverified frobnicate-tools", "Warning packages/lookalike reqeusts"]);
    }

    #[test]
    fn a_locked_dependency_is_believed() {
        let after =
            [("pyproject.toml", "[project]\ndependencies = ['frob']\n"), ("uv.lock", "[[package]]\nname = 'frob'\n")];
        assert_eq!(check(&[], &after), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_the_registry_lacks_is_an_error_wherever_it_stands() {
        struct Empty;
        #[async_trait::async_trait]
        impl PackageRegistry for Empty {
            async fn lookup(&self, _: Ecosystem, _: &str) -> Registered {
                Registered::Absent
            }
        }
        let after =
            [("package.json", "{\"dependencies\":{\"frob-kit\":\"1\"}}"), ("Dockerfile", "RUN pip install frob-py\n")];
        let found = check_with(&[], &after, &Installed::default(), &Empty);
        assert_eq!(found, ["Error packages/unknown frob-kit", "Error packages/unknown frob-py"]);
    }

    #[test]
    fn modules_of_the_language_that_do_not_exist_are_errors() {
        let after = [
            ("a.ts", "import 'node:fs'; import 'node:filesystem';\n"),
            ("a.go", "package a\nimport (\n\"net/http\"\n\"strings/utils\"\n)\n"),
            ("A.java", "import java.util.List;\nimport java.utils.Lists;\n"),
        ];
        let found = check(&[], &after);
        let wanted = ["import node:filesystem", "import strings/utils", "import java.utils.Lists"];
        assert_eq!(found, wanted.map(|it| format!("Error packages/unknown {it}")));
    }

    #[test]
    fn crates_and_packages_of_the_workspace_are_fine() {
        let after = [
            ("Cargo.toml", "[package]\nname = 'my-app'\n[dependencies]\nserde = '1'\n"),
            ("src/main.rs", "mod a;\nuse my_app::x;\nuse serde::Serialize;\nuse frobnicate::y;\n"),
            ("package.json", "{\"name\":\"me\",\"dependencies\":{\"react\":\"1\"}}"),
            (
                "src/a.tsx",
                "import React from 'react'; import x from 'me/x'; import y from '@/y'; import z from 'frobnicate-ui';\n",
            ),
        ];
        let found = check(&[after[0], after[2]], &after);
        assert_eq!(found, ["Error packages/unknown import frobnicate", "Error packages/unknown import frobnicate-ui"]);
    }

    #[test]
    fn an_installed_package_is_known_and_an_optional_one_may_be_missing() {
        let mut installed = Installed::default();
        installed.python_modules.insert("frob".to_owned(), "frob-lib".to_owned());
        let manifest = ("requirements.txt", "frob-lib\n");
        let code = "import frob\ntry:\n    import speedups_x\nexcept ImportError:\n    pass\n";
        let found = check_with(&[manifest], &[manifest, ("a.py", code)], &installed, &Offline);
        assert_eq!(found, ["Warning packages/unknown import speedups_x"]);
    }
}
