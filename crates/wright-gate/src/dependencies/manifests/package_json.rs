//! Reads `package.json`.

use serde_json::{Map, Value};

use super::{Declared, Wish};
use crate::dependencies::{Ecosystem, Origin};

const TABLES: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

pub(super) fn parse(text: &str) -> Vec<Declared> {
    let Ok(Value::Object(manifest)) = serde_json::from_str(text) else { return Vec::new() };
    let tables = TABLES.iter().filter_map(|name| manifest.get(*name)?.as_object());
    tables.flat_map(entries).collect()
}

fn entries(table: &Map<String, Value>) -> impl Iterator<Item = Declared> + '_ {
    table.iter().filter_map(|(name, wish)| Some(declared(name, wish.as_str()?.trim())))
}

fn declared(name: &str, wish: &str) -> Declared {
    let alias = wish.strip_prefix("npm:").and_then(|it| it.rsplit_once('@')).filter(|(name, _)| !name.is_empty());
    let (name, wish) = alias.unwrap_or((name, wish));
    Declared::new(Ecosystem::Npm, name, self::wish(wish))
}

fn wish(text: &str) -> Wish {
    if let Some(origin) = place(text) {
        return Wish::Place(origin);
    }
    let is_tag = text.chars().next().is_none_or(char::is_alphabetic) && !text.starts_with('v');
    if is_tag || matches!(text, "*" | "x") {
        return Wish::Any;
    }
    match node_semver::Version::parse(text.trim_start_matches('=')) {
        Ok(_) => Wish::Exact(text.trim_start_matches('=').to_owned()),
        Err(_) => Wish::Range(text.to_owned()),
    }
}

fn place(text: &str) -> Option<Origin> {
    let is_git = |scheme: &str| scheme.starts_with("git") || matches!(scheme, "ssh" | "bitbucket" | "gist");
    match text.split_once(':') {
        Some(("workspace" | "file" | "link" | "portal", place)) => Some(Origin::Path(place.to_owned())),
        Some(("http" | "https", _)) if text.ends_with(".git") => Some(Origin::Git(text.to_owned())),
        Some(("http" | "https", _)) => Some(Origin::Url(text.to_owned())),
        Some((scheme, _)) if is_git(scheme) => Some(Origin::Git(text.to_owned())),
        // `owner/name` is short for a repository of a well-known host.
        None if text.contains('/') && !text.starts_with(['.', '/', '~']) => Some(Origin::Git(text.to_owned())),
        None if text.contains('/') => Some(Origin::Path(text.to_owned())),
        _ => None,
    }
}
