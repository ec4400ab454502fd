//! Reads `pyproject.toml` (the standard's tables and poetry's) and `Pipfile`.

use toml::{Table, Value};

use super::{Declared, Wish, python_requirement, python_wish};
use crate::dependencies::{Ecosystem, Origin};

pub(super) fn parse(text: &str) -> Vec<Declared> {
    let Ok(manifest) = text.parse::<Table>() else { return Vec::new() };
    let project = manifest.get("project").and_then(Value::as_table);
    let own = project.and_then(|it| it.get("dependencies"));
    let groups = [project.and_then(|it| it.get("optional-dependencies")), manifest.get("dependency-groups")];
    let lists =
        own.into_iter().chain(groups.into_iter().flatten().filter_map(Value::as_table).flat_map(|it| it.values()));
    let standard = lists.filter_map(Value::as_array).flatten().filter_map(Value::as_str).filter_map(python_requirement);
    let poetry = manifest.get("tool").and_then(|it| it.get("poetry"));
    standard.chain(poetry.into_iter().flat_map(poetry_packages)).collect()
}

fn poetry_packages(poetry: &Value) -> Vec<Declared> {
    let groups = poetry.get("group").and_then(Value::as_table);
    let owners = [poetry].into_iter().chain(groups.into_iter().flat_map(|it| it.values()));
    let tables = owners
        .flat_map(|owner| ["dependencies", "dev-dependencies"].iter().filter_map(|name| owner.get(*name)?.as_table()));
    tables.flat_map(packages).filter(|it| it.name != "python").collect()
}

pub(super) fn pipfile(text: &str) -> Vec<Declared> {
    let Ok(manifest) = text.parse::<Table>() else { return Vec::new() };
    let tables = ["packages", "dev-packages"].iter().filter_map(|name| manifest.get(*name)?.as_table());
    tables.flat_map(packages).collect()
}

fn packages(table: &Table) -> impl Iterator<Item = Declared> + '_ {
    table.iter().map(|(name, entry)| Declared::new(Ecosystem::PyPi, name, wish(entry)))
}

fn wish(entry: &Value) -> Wish {
    let text = |key: &str| entry.get(key).and_then(Value::as_str).map(str::to_owned);
    match (text("git"), text("path"), text("url").or_else(|| text("file"))) {
        (Some(git), _, _) => return Wish::Place(Origin::Git(git)),
        (_, Some(path), _) => return Wish::Place(Origin::Path(path)),
        (_, _, Some(url)) => return Wish::Place(Origin::Url(url)),
        (None, None, None) => {}
    }
    match entry.as_str().map(str::to_owned).or_else(|| text("version")) {
        // A bare version is one version to poetry.
        Some(version) if version.starts_with(|it: char| it.is_ascii_digit()) && !version.contains([',', '*']) => {
            Wish::Exact(version)
        }
        Some(version) => python_wish(&version),
        None => Wish::Elsewhere,
    }
}
