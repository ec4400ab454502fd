//! Reads `pom.xml` and `gradle.lockfile`. Versions that a parent or an import decides are not known here.

use std::collections::HashMap;

use roxmltree::{Document, Node, ParsingOptions};

use super::UnreadableLock;
use crate::dependencies::{Ecosystem, Package};

/// More than any build file has; a longer one is made to use up memory.
const MAX_NODES: u32 = 500_000;

pub(super) fn pom(text: &str) -> Result<Vec<Package>, UnreadableLock> {
    let options = ParsingOptions { nodes_limit: MAX_NODES, ..ParsingOptions::default() };
    let document = Document::parse_with_options(text, options).map_err(UnreadableLock::syntax)?;
    let root = document.root_element();
    let properties = properties(root);
    let managed: HashMap<String, String> = dependencies(root, true)
        .filter_map(|it| Some((coordinate(it, &properties)?, version(it, &properties)?)))
        .collect();
    let packages = dependencies(root, false).filter_map(|it| {
        let name = coordinate(it, &properties)?;
        let version = version(it, &properties).or_else(|| managed.get(&name).cloned())?;
        Some(Package::new(Ecosystem::Maven, &name, &version))
    });
    Ok(packages.collect())
}

fn dependencies<'a, 'i>(root: Node<'a, 'i>, managed: bool) -> impl Iterator<Item = Node<'a, 'i>> {
    root.descendants().filter(move |node| {
        let parents = || node.ancestors().skip(1).map(|it| it.tag_name().name());
        let in_plugin = parents().any(|it| it == "exclusions");
        let is_managed = parents().any(|it| it == "dependencyManagement");
        node.has_tag_name_local("dependency") && !in_plugin && is_managed == managed
    })
}

trait LocalName {
    fn has_tag_name_local(&self, name: &str) -> bool;
}

impl LocalName for Node<'_, '_> {
    fn has_tag_name_local(&self, name: &str) -> bool {
        self.is_element() && self.tag_name().name() == name
    }
}

fn child<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.children().find(|it| it.has_tag_name_local(name)).and_then(|it| it.text()).map(str::trim)
}

fn properties(root: Node<'_, '_>) -> HashMap<String, String> {
    let lists = root.children().filter(|it| it.has_tag_name_local("properties"));
    let mut properties: HashMap<String, String> = lists
        .flat_map(|list| list.children())
        .filter_map(|it| Some((it.tag_name().name().to_owned(), it.text()?.trim().to_owned())))
        .collect();
    for (key, name) in [("project.version", "version"), ("project.groupId", "groupId")] {
        properties.extend(child(root, name).map(|value| (key.to_owned(), value.to_owned())));
    }
    properties
}

/// Fills in the properties; none where one is not known here. A property may stand for another, a few times over.
fn resolved(text: &str, properties: &HashMap<String, String>) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..5 {
        let Some(start) = text.find("${") else { return Some(text) };
        let end = start + text[start..].find('}')?;
        let value = properties.get(&text[start + 2..end])?;
        text = format!("{}{value}{}", &text[..start], &text[end + 1..]);
        if text.len() > 500 {
            return None;
        }
    }
    None
}

fn coordinate(node: Node<'_, '_>, properties: &HashMap<String, String>) -> Option<String> {
    let group = resolved(child(node, "groupId")?, properties)?;
    let artifact = resolved(child(node, "artifactId")?, properties)?;
    Some(format!("{group}:{artifact}"))
}

/// Returns the one version; a range such as `[1.0,2.0)` names none.
fn version(node: Node<'_, '_>, properties: &HashMap<String, String>) -> Option<String> {
    let version = resolved(child(node, "version")?, properties)?;
    (!version.contains(['[', '(', ','])).then_some(version)
}

pub(super) fn gradle(text: &str) -> Vec<Package> {
    let locked = text.lines().map(str::trim).filter(|line| !line.starts_with('#') && !line.starts_with("empty="));
    let package = |line: &str| {
        let coordinate = line.split('=').next()?;
        let (name, version) = coordinate.rsplit_once(':')?;
        name.contains(':').then(|| Package::new(Ecosystem::Maven, name, version))
    };
    locked.filter_map(package).collect()
}
