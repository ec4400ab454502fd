//! Reads `Cargo.toml`.

use toml::{Table, Value};

use super::{Declared, Wish};
use crate::dependencies::{Ecosystem, Origin};

const TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub(super) fn parse(text: &str) -> Vec<Declared> {
    let Ok(manifest) = text.parse::<Table>() else { return Vec::new() };
    let targets = manifest.get("target").and_then(Value::as_table);
    let workspace = manifest.get("workspace").and_then(Value::as_table);
    let owners = [&manifest]
        .into_iter()
        .chain(workspace)
        .chain(targets.into_iter().flat_map(|it| it.values().filter_map(Value::as_table)));
    let tables = owners.flat_map(|owner| TABLES.iter().filter_map(|name| owner.get(*name)?.as_table()));
    tables.flat_map(|table| table.iter().map(|(name, entry)| declared(name, entry))).collect()
}

fn declared(name: &str, entry: &Value) -> Declared {
    let text = |key: &str| entry.get(key).and_then(Value::as_str);
    let name = text("package").unwrap_or(name);
    let wish = match (text("git"), text("path"), entry.as_str().or_else(|| text("version"))) {
        (Some(git), _, _) => Wish::Place(Origin::Git(git.to_owned())),
        (_, Some(path), _) => Wish::Place(Origin::Path(path.to_owned())),
        (_, _, Some(version)) => wish(version),
        (None, None, None) => Wish::Elsewhere,
    };
    Declared::new(Ecosystem::Cargo, name, wish)
}

fn wish(requirement: &str) -> Wish {
    let requirement = requirement.trim();
    match requirement.strip_prefix('=') {
        Some(version) if !version.contains(',') => Wish::Exact(version.trim().to_owned()),
        _ if requirement == "*" => Wish::Any,
        _ => Wish::Range(requirement.to_owned()),
    }
}
