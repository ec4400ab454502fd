//! Names that are known without looking at the repository: the languages' own modules, and packages that many use.
//!
//! The lists are in `data/existence/`, with the script that writes them from installed tools.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::Ecosystem;

type Names = LazyLock<HashSet<&'static str>>;

static PYTHON: LazyLock<HashMap<&str, Option<u32>>> = LazyLock::new(|| {
    let entry = |line: &'static str| match line.split_once(' ') {
        Some((name, last)) => (name, last.parse().ok()),
        None => (line, None),
    };
    include_str!("../../data/existence/python-modules.txt").lines().map(entry).collect()
});
static NODE: Names = LazyLock::new(|| include_str!("../../data/existence/node-modules.txt").lines().collect());
static GO: Names = LazyLock::new(|| include_str!("../../data/existence/go-packages.txt").lines().collect());
static JAVA: Names = LazyLock::new(|| include_str!("../../data/existence/java-packages.txt").lines().collect());
static PYTHON_IMPORTS: LazyLock<HashMap<&str, Vec<&str>>> = LazyLock::new(|| {
    let lines = include_str!("../../data/existence/python-imports.txt").lines();
    lines.filter_map(|line| line.split_once(' ')).map(|(name, dists)| (name, dists.split(' ').collect())).collect()
});
static POPULAR_PYPI: Names = LazyLock::new(|| include_str!("../../data/existence/popular-pypi.txt").lines().collect());
static POPULAR_NPM: Names = LazyLock::new(|| include_str!("../../data/existence/popular-npm.txt").lines().collect());
static POPULAR_CRATES: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let lists = include_str!("../../data/existence/popular-crates.txt").lines().chain(well_known("crates"));
    lines_normal(Ecosystem::Crates, lists)
});
static POPULAR_GO: LazyLock<Vec<&str>> = LazyLock::new(|| well_known("go").collect());
static POPULAR_MAVEN: LazyLock<Vec<&str>> = LazyLock::new(|| well_known("maven").collect());

fn well_known(kind: &'static str) -> impl Iterator<Item = &'static str> {
    let lines = include_str!("../../data/existence/well-known.txt").lines();
    lines.filter_map(move |line| line.split_once(' ').filter(|(first, _)| *first == kind).map(|(_, name)| name))
}

fn lines_normal(ecosystem: Ecosystem, names: impl Iterator<Item = &'static str>) -> HashSet<String> {
    names.map(|it| ecosystem.normal(it)).collect()
}

/// Returns whether Python itself has a top-level module, in the given minor version of Python 3 or any where it is unknown.
pub fn is_python_module(name: &str, minor: Option<u32>) -> bool {
    match (PYTHON.get(name), minor) {
        (None, _) => false,
        (Some(Some(last)), Some(minor)) => minor <= *last,
        (Some(_), _) => true,
    }
}

/// Returns whether a module belongs to Node.js, with or without `node:`.
pub fn is_node_module(name: &str) -> bool {
    let bare = name.strip_prefix("node:").unwrap_or(name);
    let first = bare.split('/').next().unwrap_or(bare);
    NODE.contains(bare) || (!name.starts_with("node:") && NODE.contains(first))
}

/// Returns whether a package belongs to Go.
pub fn is_go_package(path: &str) -> bool {
    GO.contains(path) || path == "C" || path == "unsafe"
}

/// Returns whether a Java package, or the package of a class, belongs to the JDK.
pub fn is_java_package(name: &str) -> bool {
    JAVA.contains(name)
}

/// Returns whether a crate comes with the compiler.
pub fn is_rust_crate(name: &str) -> bool {
    matches!(name, "std" | "core" | "alloc" | "proc_macro" | "test")
}

/// Returns the distributions that are known to bring a Python module; empty where none is known.
pub fn distributions(module: &str) -> &'static [&'static str] {
    PYTHON_IMPORTS.get(module).map_or(&[], Vec::as_slice)
}

/// Returns whether a package is used by many. `name` is as [`Ecosystem::normal`] returns it.
pub fn is_popular(ecosystem: Ecosystem, name: &str) -> bool {
    let below = |known: &&str, separator: char| {
        name.strip_prefix(*known).is_some_and(|rest| rest.is_empty() || rest.starts_with(separator))
    };
    match ecosystem {
        Ecosystem::PyPi => POPULAR_PYPI.contains(name) || PYTHON_IMPORTS.values().any(|it| it.contains(&name)),
        Ecosystem::Npm => POPULAR_NPM.contains(name) || is_types_of_popular(name),
        Ecosystem::Crates => POPULAR_CRATES.contains(name),
        Ecosystem::Go => POPULAR_GO.iter().any(|it| below(it, '/')),
        Ecosystem::Maven => POPULAR_MAVEN.iter().any(|it| below(it, '.')),
    }
}

fn is_types_of_popular(name: &str) -> bool {
    let Some(typed) = name.strip_prefix("@types/") else { return false };
    POPULAR_NPM.contains(typed) || POPULAR_NPM.contains(format!("@{}", typed.replacen("__", "/", 1)).as_str())
}

/// Returns a popular package whose name is one slip of the hand away: a letter more, less, other, or two exchanged.
///
/// Short names are left out: nearly every one of them is a slip away from another.
pub fn near_popular(ecosystem: Ecosystem, name: &str) -> Option<String> {
    const MIN_LETTERS: usize = 5;
    if name.chars().count() < MIN_LETTERS || is_popular(ecosystem, name) {
        return None;
    }
    let is_near = |known: &str| {
        known.len().abs_diff(name.len()) <= 1 && known.len() >= MIN_LETTERS && strsim::osa_distance(known, name) == 1
    };
    match ecosystem {
        Ecosystem::PyPi => POPULAR_PYPI.iter().find(|it| is_near(it)).map(|it| (*it).to_owned()),
        Ecosystem::Npm => POPULAR_NPM.iter().find(|it| is_near(it)).map(|it| (*it).to_owned()),
        Ecosystem::Crates => POPULAR_CRATES.iter().find(|it| is_near(it)).cloned(),
        Ecosystem::Go => POPULAR_GO.iter().find(|it| is_near(it)).map(|it| (*it).to_owned()),
        Ecosystem::Maven => POPULAR_MAVEN.iter().find(|it| is_near(it)).map(|it| (*it).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_python_dropped_is_unknown_to_newer_versions() {
        assert!(is_python_module("distutils", Some(11)) && is_python_module("distutils", None));
        assert!(!is_python_module("distutils", Some(13)));
        assert!(is_python_module("asyncio", Some(13)) && !is_python_module("asyncutils", None));
    }

    #[test]
    fn modules_of_node_go_java_and_rust_are_known() {
        assert!(is_node_module("node:fs/promises") && is_node_module("fs") && !is_node_module("node:filesystem"));
        assert!(is_go_package("net/http") && !is_go_package("strings/utils"));
        assert!(is_java_package("java.util.concurrent") && !is_java_package("java.utils"));
        assert!(is_rust_crate("std") && !is_rust_crate("stdx"));
    }

    #[test]
    fn a_name_one_slip_away_from_a_popular_one_is_near_it() {
        assert_eq!(near_popular(Ecosystem::PyPi, "reqeusts").as_deref(), Some("requests"));
        assert_eq!(near_popular(Ecosystem::PyPi, "requests"), None);
        assert_eq!(near_popular(Ecosystem::Npm, "lodahs").as_deref(), Some("lodash"));
        assert_eq!(near_popular(Ecosystem::PyPi, "frobnicator"), None);
    }

    #[test]
    fn a_module_is_traced_to_the_distribution_that_brings_it() {
        assert_eq!(distributions("bs4"), ["beautifulsoup4"]);
        assert!(distributions("requests").is_empty());
    }
}
