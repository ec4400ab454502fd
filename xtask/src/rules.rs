//! Rules about our own files that no compiler checks: headers, hosts of package registries, lints of each crate, and
//! links between documents. Each rule is a function from a file's text to problems.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Result, bail};

use crate::workspace::Workspace;

/// The crates that may say `unsafe`: foreign code and kernel interfaces are their subject.
const MAY_BE_UNSAFE: [&str; 2] = ["wright-llama", "wright-sandbox"];

/// Hosts of package registries. Dependencies come through the registries' own clients, which a user may have pointed
/// elsewhere; a host in our files would go around that. Written in pieces so that this file does not match itself.
const REGISTRY_HOSTS: [&str; 10] = [
    concat!("py", "pi.org"),
    concat!("python", "hosted.org"),
    concat!("registry.", "npmjs"),
    concat!("registry.", "yarnpkg"),
    concat!("crates", ".io"),
    concat!("proxy.", "golang.org"),
    concat!("repo.maven.", "apache.org"),
    concat!("repo1.", "maven.org"),
    concat!("deb.", "debian.org"),
    concat!("archive.", "ubuntu.com"),
];

/// Fails when one of our files breaks a rule, and lists every such place.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let files = workspace.files()?;
    let mut problems = Vec::new();
    for path in &files {
        // What is not text is judged by its name only, and none of these rules is about names.
        if let Ok(text) = fs::read_to_string(workspace.root.join(path)) {
            problems.extend(problems_of(&workspace.root, path, &text));
        }
    }
    if problems.is_empty() {
        println!("{} files keep the rules", files.len());
        return Ok(());
    }
    bail!("{} broken rules:\n  {}", problems.len(), problems.join("\n  "))
}

fn problems_of(root: &Path, path: &Path, text: &str) -> Vec<String> {
    let mut problems = registry_hosts(path, text);
    problems.extend(missing_header(path, text));
    problems.extend(loosened_lints(path, text));
    if path.extension().is_some_and(|extension| extension == "md") {
        problems.extend(
            relative_links(text)
                .into_iter()
                .filter(|(_, target)| !exists(root, path, target))
                .map(|(line, target)| format!("{}:{line}: link to {target:?}, which does not exist", path.display())),
        );
    }
    problems
}

fn registry_hosts(path: &Path, text: &str) -> Vec<String> {
    if is_lock_file(path) {
        return Vec::new();
    }
    let mentions = |line: &str| REGISTRY_HOSTS.iter().find(|host| line.contains(**host)).copied();
    text.lines()
        .enumerate()
        .filter_map(|(idx, line)| mentions(line).map(|host| (idx + 1, host)))
        .map(|(line, host)| format!("{}:{line}: names the registry host {host}", path.display()))
        .collect()
}

/// Lock files are written by the registries' clients and name their sources.
fn is_lock_file(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    matches!(name, "Cargo.lock" | "package-lock.json" | "pnpm-lock.yaml" | "uv.lock")
}

fn missing_header(path: &Path, text: &str) -> Option<String> {
    let is_source =
        is_ours(path) && path.extension().is_some_and(|extension| extension == "rs") && has_part(path, "src");
    (is_source && !text.starts_with("//!")).then(|| format!("{}:1: does not open with `//!`", path.display()))
}

/// `unsafe_code = "forbid"` holds wherever a crate takes the workspace's lints, so it is enough that crates do.
fn loosened_lints(path: &Path, text: &str) -> Option<String> {
    let is_manifest = is_ours(path) && path.ends_with("Cargo.toml");
    let may_be_unsafe = MAY_BE_UNSAFE.iter().any(|name| has_part(path, name));
    if !is_manifest || may_be_unsafe || inherits_lints(text) {
        return None;
    }
    Some(format!("{}: does not take the workspace's lints, which forbid unsafe code", path.display()))
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.next() == Some("workspace = true")
}

fn is_ours(path: &Path) -> bool {
    path.starts_with("crates") || path.starts_with("xtask")
}

fn has_part(path: &Path, name: &str) -> bool {
    path.components().any(|part| part.as_os_str() == name)
}

/// Finds the Markdown links that point to files, outside of code, with their line numbers.
fn relative_links(text: &str) -> Vec<(usize, String)> {
    let mut links = Vec::new();
    let mut is_code = false;
    for (idx, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        let prose = without_code_spans(line);
        for rest in prose.split("](").skip(1) {
            let target = rest.split([')', ' ', '#']).next().unwrap_or_default();
            if !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                links.push((idx + 1, target.to_owned()));
            }
        }
    }
    links
}

fn without_code_spans(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

fn exists(root: &Path, from: &Path, target: &str) -> bool {
    let path = match target.strip_prefix('/') {
        Some(from_root) => PathBuf::from(from_root),
        None => from.parent().unwrap_or(Path::new("")).join(target),
    };
    root.join(path).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        problems_of(&root, Path::new(path), text)
    }

    const NONE: Vec<String> = Vec::new();

    #[test]
    fn a_registry_host_is_named_with_its_line() {
        let text = format!("# one\nindex = https://{}/simple\n", REGISTRY_HOSTS[0]);
        assert_eq!(check("pip.conf", &text), [format!("pip.conf:2: names the registry host {}", REGISTRY_HOSTS[0])]);
    }

    #[test]
    fn a_lock_file_may_name_its_sources() {
        assert_eq!(check("Cargo.lock", REGISTRY_HOSTS[4]), NONE);
    }

    #[test]
    fn this_file_does_not_match_itself() {
        assert_eq!(check("xtask/src/rules.rs", include_str!("rules.rs")), NONE);
    }

    #[test]
    fn a_source_file_opens_with_what_it_is() {
        assert_eq!(check("crates/wright-text/src/a.rs", "//! Edits.\n"), NONE);
        assert_eq!(
            check("crates/wright-text/src/a.rs", "// Edits.\n"),
            ["crates/wright-text/src/a.rs:1: does not open with `//!`"]
        );
        assert_eq!(check("examples/a/src/a.rs", "fn main() {}\n"), NONE);
    }

    #[test]
    fn only_two_crates_may_have_their_own_lints() {
        let own = "[package]\n\n[lints.rust]\nunsafe_code = \"allow\"\n";
        assert_eq!(check("crates/wright-sandbox/Cargo.toml", own), NONE);
        assert_eq!(check("crates/wright-text/Cargo.toml", "[package]\n\n[lints]\nworkspace = true\n"), NONE);
        assert_eq!(
            check("crates/wright-text/Cargo.toml", own),
            ["crates/wright-text/Cargo.toml: does not take the workspace's lints, which forbid unsafe code"]
        );
    }

    #[test]
    fn a_link_to_a_missing_file_is_named() {
        assert_eq!(check("docs/a.md", "see [x](../Cargo.toml#deps), [y](https://example.org)\n"), NONE);
        assert_eq!(
            check("docs/a.md", "one\n[x](gone.md)\n"),
            ["docs/a.md:2: link to \"gone.md\", which does not exist"]
        );
    }

    #[test]
    fn a_link_inside_code_is_not_a_link() {
        assert_eq!(check("a.md", "`[x](gone.md)`\n```\n[x](gone.md)\n```\n"), NONE);
    }
}
